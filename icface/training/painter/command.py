"""``icface train patches``, ``frame-patches`` and ``painter``: mask and colour of the mouth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from icface.training.options import (
    FILE,
    FOLDER,
    OUTPUT,
    batch_of,
    data_options,
    device_option,
    fresh_option,
    minutes_of,
    rate_of,
    stages_option,
    usage_errors,
)


@click.command()
@data_options
@click.option("--split", type=click.Choice(["train", "val"]), default="train", show_default=True)
@stages_option
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


@click.command("frame-patches")
@click.argument("frames", type=FOLDER)
@click.option("-o", "--out", type=OUTPUT, required=True, help="Folder for the patches.")
@click.option(
    "--count", type=click.IntRange(1), default=2000, show_default=True, help="Pairs of frames."
)
@click.option(
    "--split", type=click.Choice(["train", "val", "all"]), default="train", show_default=True
)
@click.option(
    "--held-out", multiple=True, help="Names of clips that are held out (GRID_s*). May be repeated."
)
@stages_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def frame_patches(held_out: tuple[str, ...], **options: Any) -> None:
    """Make mouth patches of real pairs: FRAMES is a folder filled by: icface train prepare."""
    from icface.training.painter.frames import patches_of_frames  # noqa: PLC0415

    with usage_errors():
        click.echo(patches_of_frames(held_out=held_out or None, **options))


@click.command()
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
    type=OUTPUT,
    required=True,
    help="Folder for checkpoint and weights.",
)
@minutes_of(35.0)
@click.option(
    "--supervision",
    type=click.Choice(["paired", "unpaired", "both"]),
    default="paired",
    show_default=True,
    help="Which samples teach.",
)
@click.option(
    "--adversary",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Weight of the discriminators.",
)
@click.option(
    "--fidelity",
    type=click.FloatRange(0),
    default=None,
    help="Weight of the photographs; 0.15 beside a teacher, 1 without, if not given.",
)
@click.option(
    "--looks",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Weight of EfficientNet-Lite0's features in the mouth; needs the extra judges.",
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
    help="Channels of a new painter, level by level; 16, 48 and 80 if not given.",
)
@click.option(
    "--teacher", type=FILE, default=None, help="Painter weights whose answers are learnt too."
)
@rate_of(2e-3)
@batch_of(12)
@device_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@fresh_option
def painter(held_out: Path | None, fresh: bool, **options: Any) -> None:
    """Train mask and colour of the mouth; continues from the checkpoint in --out.

    Several processes train together when torchrun starts them:

    torchrun --nproc_per_node=2 -m icface.cli train painter ...
    """
    from icface.training.loop.processes import is_first  # noqa: PLC0415
    from icface.training.painter.train import PainterPlan, train  # noqa: PLC0415

    with usage_errors():
        figures = train(PainterPlan(resume=not fresh, **options), held_out=held_out)
    if is_first():
        click.echo(json.dumps(figures))
