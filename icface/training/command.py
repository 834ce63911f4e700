"""``icface train``: every step that made the shipped weights, from the portraits and the rig.

The portraits folder and the rig file are described in `icface.training.portraits.canvases` and
`icface.training.rig.rig`; nothing else is needed, and the product itself uses neither. The recipe
is in ``icface/training/README.md``.
"""

from __future__ import annotations

import json
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
from icface.training.label_commands import labels, matte, reach, reading
from icface.training.lids.command import lids
from icface.training.options import (
    FOLDER,
    OUTPUT,
    batch_of,
    data_options,
    device_option,
    fresh_option,
    minutes_of,
    rate_of,
    rig_option,
)
from icface.training.painter.command import frame_patches, painter, patches
from icface.training.shading.command import shading
from icface.training.tracker.command import tracker


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
    """Train the networks, measure them, look at them; icface/training/README.md has the recipe."""
    context.with_resource(printed_log())
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


_COMMANDS = (
    labels, reach, reading, shading, matte, tracker, patches, frame_patches, painter, lids,
)  # fmt: skip
for command in _COMMANDS:
    main.add_command(command)


@main.command()
@data_options
@click.option(
    "--out",
    type=OUTPUT,
    required=True,
    help="Folder for checkpoints and weights.",
)
@minutes_of(80.0)
@rate_of(2e-3)
@click.option(
    "--small-share", default=0.25, show_default=True, help="Share of the run on small pictures."
)
@batch_of(16)
@click.option(
    "--workers",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Processes that render, for each that trains.",
)
@device_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@fresh_option
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
@rig_option
@click.option("--out", type=OUTPUT, required=True, help="Folder for the weights.")
@minutes_of(13.0)
@rate_of(5e-3)
@batch_of(4096)
@device_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@fresh_option
def animator(fresh: bool, **options: Any) -> None:
    """Train the second stage; continues from the checkpoint in --out."""
    from icface.training.animator.train import AnimatorTraining, train  # noqa: PLC0415
    from icface.training.loop.processes import is_first  # noqa: PLC0415

    weights = train(AnimatorTraining(resume=not fresh, **options))
    if is_first():
        click.echo(weights)


@main.command()
@click.argument("videos", nargs=-1, required=True, type=OUTPUT)
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
    """Cut faces from VIDEOS and store the crops with their readings.

    VIDEOS are files, or folders that are searched with all their subfolders. One person's frames
    become pairs for training, see icface.training.clips.pairs. Clips that are there already are
    left alone, so that an interrupted run can be started again. One run at a time may fill a
    folder.
    """
    if how["every"] is not None and how["fps"] is not None:
        raise click.UsageError("--every and --fps exclude each other: give one of them.")
    from icface.training.clips.prepare import Preparation, prepare_folder  # noqa: PLC0415

    preparation = Preparation(**{**how, "every": how["every"] or 1})
    report = partial(tell, err=True)
    summary = prepare_folder(
        videos, folder, preparation, workers=workers, device=device, tell=report
    )
    line = (
        "{prepared} prepared, {there} there already, {failed} failed: "
        "{frames} frames of {tracks} tracks in {folder}"
    )
    click.echo(json.dumps(summary, indent=1) if as_json else line.format(**summary))


@main.command()
@data_options
@click.option(
    "--models", type=FOLDER, default=None, help="Weights to measure; the shipped ones if not given."
)
@click.option("--people", default=60, show_default=True, help="Held-out portraits for the flows.")
@click.option(
    "--tracked", default=30, show_default=True, help="Held-out portraits for the monotone controls."
)
@click.option("--sheet", type=OUTPUT, default=None, help="Write a contact sheet here.")
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
