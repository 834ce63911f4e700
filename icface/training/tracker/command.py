"""``icface train tracker``: the steps that made the built-in tracker's weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from icface.training.options import (
    FILE,
    FOLDER,
    OUTPUT,
    batch_of,
    fresh_option,
    minutes_of,
    rate_of,
)

_Command = TypeVar("_Command", bound=Callable[..., None])


def _training_options(*, minutes: float, batch: int, rate: float) -> Callable[[_Command], _Command]:
    """The options of a training run, with these defaults."""
    options = (
        click.option("--cache", type=FOLDER, required=True),
        click.option(
            "--checkpoint", type=OUTPUT, required=True, help="Read if it exists, then written."
        ),
        click.option("--out", type=OUTPUT, required=True, help="Weights file to write."),
        minutes_of(minutes),
        rate_of(rate),
        batch_of(batch),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
        click.option("--device", default="auto", show_default=True),
        fresh_option,
    )

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.group()
@click.option("--threads", default=1, show_default=True, help="CPU threads of the network.")
@click.pass_context
def tracker(context: click.Context, threads: int) -> None:
    """Train the built-in tracker."""
    import cv2  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from icface.system.logs import printed_log  # noqa: PLC0415

    context.with_resource(printed_log())
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)


@tracker.command()
@click.option("--portraits", type=FOLDER, required=True)
@click.option("--rig", type=FILE, required=True)
@click.option("--cache", "folder", type=OUTPUT, required=True)
@click.option("--workers", default=1, show_default=True, help="Processes that render.")
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Times six renders of every still.",
)
def cache(portraits: Path, rig: Path, folder: Path, workers: int, rounds: int) -> None:
    """Decode the portraits and render them in random states, once."""
    from icface.training.tracker.data import build_cache  # noqa: PLC0415

    build_cache(portraits, rig, folder, workers=workers, rounds=rounds)


@tracker.command()
@click.option("--cache", type=FOLDER, required=True)
@click.option("--models", type=FOLDER, default=None, help="Folder of the weights.")
def mine(cache: Path, models: Path | None) -> None:
    """Collect false alarms of the detector, for the next training of the landmark network."""
    from icface.tracking.builtin import BuiltinTracker  # noqa: PLC0415
    from icface.training.loop.array_files import save_array  # noqa: PLC0415
    from icface.training.tracker.mine import collect_alarms  # noqa: PLC0415
    from icface.training.tracker.train import backgrounds  # noqa: PLC0415

    alarms = collect_alarms(BuiltinTracker(models=models), cache, backgrounds(cache))
    save_array(cache / "train_alarms.npy", alarms)


@tracker.command()
@_training_options(minutes=8.0, batch=24, rate=2e-3)
def detector(fresh: bool, **options: Any) -> None:
    """Train the face detector."""
    from icface.training.tracker.train import TrackerTraining, train_detector  # noqa: PLC0415

    train_detector(TrackerTraining(resume=not fresh, **options))


@tracker.command()
@_training_options(minutes=95.0, batch=32, rate=2e-3)
def landmarks(fresh: bool, **options: Any) -> None:
    """Train the landmark network."""
    from icface.training.tracker.train import TrackerTraining, train_landmarks  # noqa: PLC0415

    train_landmarks(TrackerTraining(resume=not fresh, **options))


@tracker.command()
@_training_options(minutes=28.0, batch=32, rate=8e-4)
@click.option(
    "--start",
    type=FILE,
    default=None,
    help="Weights to start from where there is no checkpoint.",
)
def refiner(start: Path | None, fresh: bool, **options: Any) -> None:
    """Train the network that looks again at a face that was read once."""
    from icface.training.tracker.train import TrackerTraining, train_refiner  # noqa: PLC0415

    train_refiner(TrackerTraining(resume=not fresh, **options), start=start)


@tracker.command()
@click.option("--cache", type=FOLDER, required=True)
@click.option("--models", type=FOLDER, required=True, help="Folder with the trained weights.")
@click.option("--out", type=OUTPUT, required=True, help="Weights file of the refiner to write.")
def calibrate(cache: Path, models: Path, out: Path) -> None:
    """Scale what the refiner reads too small, once after its training."""
    from icface.training.tracker.calibrate import calibrate_refiner  # noqa: PLC0415

    click.echo(calibrate_refiner(cache, models, out))
