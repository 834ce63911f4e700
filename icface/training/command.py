"""``icface train``: every step that made the shipped weights, runnable by anyone with the portraits and the rig.

The portraits folder and the rig file are described in `icface.training.portraits.canvases` and
`icface.training.rig.rig`; nothing else is needed, and the product itself uses neither.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch

from icface.system.atomic_write import write_whole
from icface.system.logs import printed_log
from icface.system.telling import tell
from icface.training.label_commands import FILE, FOLDER, labels, reading
from icface.training.tracker.train import main as tracker

_CACHE = click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path(".work"),
    show_default=True,
    help="Decoded portraits are kept here.",
)


def _data(command: Callable[..., None]) -> Callable[..., None]:
    portraits = click.option(
        "--portraits", type=FOLDER, required=True, help="Folder with portraits.npz and images/."
    )
    rig = click.option("--rig", type=FILE, required=True, help="Rig file.")
    return portraits(rig(_CACHE(command)))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="CPU threads of the network.",
)
@click.pass_context
def main(context: click.Context, threads: int) -> None:
    """Train the networks, measure them, look at them."""
    context.with_resource(printed_log())
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


main.add_command(tracker, name="tracker")
main.add_command(labels)
main.add_command(reading)


@main.command()
@_data
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for checkpoints and weights.",
)
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True
)
@click.option("--rate", default=2e-3, show_default=True, help="Highest learning rate.")
@click.option(
    "--small-share", default=0.25, show_default=True, help="Share of the run on small pictures."
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    help="Of all processes together.",
)
@click.option(
    "--workers",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Processes that render, for each that trains.",
)
@click.option("--device", default="cpu", show_default=True, help="auto, cpu, cuda.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--fresh", is_flag=True, help="Start anew even if the folder holds a checkpoint.")
def neutralizer(fresh: bool, **options: Any) -> None:
    """Train the first stage; continues from the checkpoint in --out.

    Several processes, one for each GPU with --device cuda, train together when torchrun starts
    them:

    torchrun --nproc_per_node=2 -m icface.cli train neutralizer ...
    """
    from icface.training.loop.processes import is_first  # noqa: PLC0415
    from icface.training.neutralizer.train import NeutralizerTraining, train  # noqa: PLC0415

    weights = train(NeutralizerTraining(resume=not fresh, **options))
    if is_first():
        click.echo(weights)


@main.command()
@click.option("--rig", type=FILE, required=True, help="Rig file.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder for the weights."
)
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True
)
@click.option("--seed", default=0, show_default=True)
def animator(**options: Any) -> None:
    """Train the second stage: how places move under expressions."""
    from icface.training.animator.train import AnimatorTraining, train  # noqa: PLC0415

    click.echo(train(AnimatorTraining(**options)))


@main.command()
@_data
@click.option("--split", type=click.Choice(["train", "val"]), default="train", show_default=True)
@click.option(
    "--models",
    type=FOLDER,
    default=None,
    help="Weights of the two stages; the shipped ones if not given.",
)
@click.option(
    "--per-still",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Samples of every photograph.",
)
@click.option(
    "--pairs",
    type=click.IntRange(0),
    default=1500,
    show_default=True,
    help="Pairs of frames over all clips.",
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option("--seed", default=0, show_default=True)
def patches(per_still: int, pairs: int, workers: int, seed: int, **where: Any) -> None:
    """Make the mouth patches that the painter learns from, once."""
    from icface.training.painter.data import PatchSource, make_patches  # noqa: PLC0415

    click.echo(
        make_patches(
            PatchSource(**where), per_still=per_still, pairs=pairs, workers=workers, seed=seed
        )
    )


@main.command("frame-patches")
@click.argument("frames", type=FOLDER)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder for the patches."
)
@click.option(
    "--count", type=click.IntRange(1), default=2000, show_default=True, help="Pairs of frames."
)
@click.option(
    "--split", type=click.Choice(["train", "val", "all"]), default="train", show_default=True
)
@click.option(
    "--held-out", multiple=True, help="Names of clips that are held out (GRID_s*). May be repeated."
)
@click.option(
    "--models",
    type=FOLDER,
    default=None,
    help="Weights of the two stages; the shipped ones if not given.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def frame_patches(held_out: tuple[str, ...], **options: Any) -> None:
    """Make mouth patches of real pairs: FRAMES is a folder filled by: icface train prepare."""
    from icface.training.clips.shards import ShardError  # noqa: PLC0415
    from icface.training.painter.frames import patches_of_frames  # noqa: PLC0415

    try:
        click.echo(patches_of_frames(held_out=held_out or None, **options))
    except (ShardError, ValueError) as error:
        raise click.UsageError(str(error)) from error


@main.command()
@click.option(
    "--patches",
    type=FOLDER,
    required=True,
    multiple=True,
    help="Folder made by: icface train patches. May be repeated.",
)
@click.option("--held-out", type=FOLDER, default=None, help="Patches of people not trained on.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for checkpoint and weights.",
)
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True
)
@click.option(
    "--supervision",
    type=click.Choice(["paired", "unpaired", "both"]),
    default="both",
    show_default=True,
    help="Which samples teach.",
)
@click.option(
    "--adversary",
    type=click.FloatRange(0),
    default=0.1,
    show_default=True,
    help="Weight of the discriminators.",
)
@click.option(
    "--fidelity",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="Weight of the photographs.",
)
@click.option(
    "--start",
    type=FILE,
    default=None,
    help="Painter weights to start from where --out holds no checkpoint.",
)
@click.option(
    "--width",
    "widths",
    type=click.IntRange(1),
    multiple=True,
    help="Channels of a new painter, level by level.",
)
@click.option(
    "--teacher", type=FILE, default=None, help="Painter weights whose answers are learnt too."
)
@click.option("--rate", default=1e-3, show_default=True, help="Highest learning rate.")
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    help="Of all processes together.",
)
@click.option("--device", default="cpu", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def painter(held_out: Path | None, **options: Any) -> None:
    """Train mask and colour of the mouth; continues from the checkpoint in --out.

    Several processes train together when torchrun starts them:

    torchrun --nproc_per_node=2 -m icface.cli train painter ...
    """
    from icface.training.loop.processes import TrainingError, is_first  # noqa: PLC0415
    from icface.training.painter.train import PainterPlan, train  # noqa: PLC0415

    try:
        figures = train(PainterPlan(**options), held_out=held_out)
    except (TrainingError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    if is_first():
        click.echo(json.dumps(figures))


@main.command()
@click.argument("videos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
)
@click.option(
    "--size",
    type=click.IntRange(64, 2048),
    default=256,
    show_default=True,
    help="Side of the crops, pixels.",
)
@click.option(
    "--every", type=click.IntRange(1), default=None, help="Take every n-th frame.  [default: 1]"
)
@click.option(
    "--fps",
    type=click.FloatRange(0, min_open=True),
    default=None,
    help="Take at most so many frames a second.",
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.9,
    show_default=True,
    help="Of frames that are kept.",
)
@click.option(
    "--workers",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Processes; 0 for none besides this one.",
)
@click.option("--device", default="cpu", show_default=True, help="Where faces are read.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def prepare(
    *, videos: tuple[Path, ...], folder: Path, workers: int, device: str, as_json: bool, **how: Any
) -> None:
    """Make crops of faces, with what is read in them, from VIDEOS: files, and folders with all that is in them.

    One person's frames become pairs for training, see icface.training.clips.pairs. Clips that are
    there already are left alone, so that an interrupted run can be started again. One run at a time
    may fill a folder.
    """
    if how["every"] is not None and how["fps"] is not None:
        raise click.UsageError("--every and --fps exclude each other: give one of them.")
    from icface.training.clips.prepare import Preparation, prepare_folder  # noqa: PLC0415

    preparation = Preparation(**{**how, "every": how["every"] or 1})
    told = partial(tell, err=True)
    summary = prepare_folder(videos, folder, preparation, workers=workers, device=device, tell=told)
    click.echo(json.dumps(summary, indent=1) if as_json else "{prepared} prepared, {there} there already, {failed} failed: "
               "{frames} frames of {tracks} tracks in {folder}".format(**summary))  # fmt: skip


@main.command()
@_data
@click.option(
    "--models", type=FOLDER, default=None, help="Weights to measure; the shipped ones if not given."
)
@click.option("--people", default=60, show_default=True, help="Held-out portraits for the flows.")
@click.option(
    "--tracked", default=30, show_default=True, help="Held-out portraits for the monotone controls."
)
@click.option(
    "--sheet", type=click.Path(path_type=Path), default=None, help="Write a contact sheet here."
)
def measure(  # noqa: PLR0913, PLR0917
    portraits: Path,
    rig: Path,
    cache: Path,
    models: Path | None,
    people: int,
    tracked: int,
    sheet: Path | None,
) -> None:
    """Measure the two stages on held-out people, against the rig and through the tracker."""
    from icface.evaluation.accuracy import monotone_controls  # noqa: PLC0415
    from icface.evaluation.sheet import contact_sheet, png_of  # noqa: PLC0415
    from icface.rendering.predictor import FacePredictor  # noqa: PLC0415
    from icface.tracking.builtin import BuiltinTracker  # noqa: PLC0415
    from icface.training.neutralizer.evaluate import flow_errors, observation  # noqa: PLC0415
    from icface.training.portraits.canvases import Portraits  # noqa: PLC0415
    from icface.training.rig.rig import Rig  # noqa: PLC0415

    predictor, data, mesh = (
        FacePredictor.load("cpu", models),
        Portraits(portraits, cache, "val"),
        Rig(rig),
    )
    figures: dict[str, Any] = {"flow_px_at_128": flow_errors(predictor, data, mesh, count=people)}
    if sheet is not None:
        shown = [data[int(i)] for i in np.linspace(0, len(data) - 1, 12)]
        picture = contact_sheet(predictor, [(p.image, observation(mesh, p.state)) for p in shown])
        write_whole(sheet, lambda stream: stream.write(png_of(picture)))
    if tracked:
        photos = [data[int(i)].image for i in np.linspace(0, len(data) - 1, tracked)]
        figures["rank_correlation"] = monotone_controls(predictor, BuiltinTracker("cpu"), photos)
    click.echo(json.dumps(figures, indent=1))
