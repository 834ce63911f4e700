"""``icface train labels``, ``reading`` and ``matte``: what is computed, not trained."""

from __future__ import annotations

import json
from pathlib import Path

import click

from icface.training.options import FILE, FOLDER, OUTPUT, stages_option, usage_errors


@click.command()
@click.option(
    "--portraits",
    "folders",
    type=FOLDER,
    required=True,
    multiple=True,
    help="With portraits.npz and images/. Repeatable.",
)
@click.option("--rig", type=FILE, required=True, help="Rig file to begin with.")
@click.option(
    "--out",
    type=OUTPUT,
    required=True,
    help="Portraits folder to write, with its rig.npz.",
)
@click.option(
    "--resting",
    multiple=True,
    default=("official/", "house/", "fellows/"),
    show_default=True,
    help="Beginnings of the names of pictures of people who mostly do nothing.",
)
def labels(folders: tuple[Path, ...], rig: Path, out: Path, resting: tuple[str, ...]) -> None:
    """Fit all portraits anew, with a rig that was moved to faces at rest."""
    from icface.training.rig.labels import relabel  # noqa: PLC0415

    with usage_errors():
        click.echo(json.dumps(relabel(folders, rig, out, resting=resting)))


@click.command()
@click.option(
    "--portraits", type=FOLDER, required=True, help="Folder made by: icface train labels."
)
@click.option("--rig", type=FILE, required=True, help="Its rig file.")
@stages_option
@click.option(
    "--out",
    type=OUTPUT,
    required=True,
    help="File to write: reading.safetensors.",
)
def reading(portraits: Path, rig: Path, models: Path | None, out: Path) -> None:
    """Make the table that readings are fitted with, again whenever one of the stages changes."""
    from icface.model.networks.weights import models_dir  # noqa: PLC0415
    from icface.training.animator.reading_table import make_table  # noqa: PLC0415

    with usage_errors():
        share = make_table(portraits, rig, models or models_dir(), out)
    click.echo(f"{out}: {share:.1%} of landmarks seen")


@click.command()
@click.option("--portraits", type=FOLDER, required=True, help="Held-out people are looked at.")
@click.option("--people", type=click.IntRange(1), default=10, show_default=True, help="So many.")
@stages_option
@click.option("--out", type=OUTPUT, required=True, help="File to write: resources/reach.json.")
def reach(portraits: Path, people: int, models: Path | None, out: Path) -> None:
    """Measure how far each control goes before pictures go wrong: where sliders are tinted."""
    from icface.training.reach import make_reach  # noqa: PLC0415

    with usage_errors():
        click.echo(make_reach(portraits, models, out, people=people))


@click.command()
@click.option("--tflite", type=FILE, required=True, help="selfie_segmentation.tflite.")
@click.option("--out", type=OUTPUT, required=True, help="Weights file to write.")
def matte(tflite: Path, out: Path) -> None:
    """Bring MediaPipe's selfie segmentation into a weights file; nothing is trained."""
    from icface.training.matte.convert import convert  # noqa: PLC0415

    with usage_errors():
        convert(tflite, out)
