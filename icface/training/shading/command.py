"""``icface train shading``: the maps of light and creases."""

from __future__ import annotations

from pathlib import Path

import click

from icface.training.options import FOLDER, OUTPUT, rig_option, usage_errors


@click.command()
@click.option(
    "--portraits",
    type=FOLDER,
    required=True,
    help="With portraits.npz and images/: they tell how wrinkled people are.",
)
@rig_option
@click.option("--people", type=click.IntRange(1), default=300, show_default=True, help="So many.")
@click.option("--out", type=OUTPUT, required=True, help="File to write: shading.safetensors.")
def shading(portraits: Path, rig: Path, people: int, out: Path) -> None:
    """Make the maps of skin that folds; again whenever the rig's shapes change."""
    from icface.training.shading.make import make_shading  # noqa: PLC0415

    with usage_errors():
        click.echo(make_shading(portraits, rig, out, people=people))
