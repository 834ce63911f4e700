"""``icface train lids``: what drawn closed lids lack of photographed ones."""

from __future__ import annotations

from typing import Any

import click

from icface.training.options import (
    OUTPUT,
    batch_of,
    device_option,
    fresh_option,
    minutes_of,
    portraits_option,
    rate_of,
    usage_errors,
)


@click.command()
@portraits_option
@click.option("--out", type=OUTPUT, required=True, help="Folder for checkpoint and weights.")
@click.option(
    "--held-out",
    type=int,
    multiple=True,
    help="Numbers of people whose eyes are only measured. Repeatable.",
)
@click.option(
    "--looks",
    type=click.FloatRange(0),
    default=0.15,
    show_default=True,
    help="Weight of EfficientNet-Lite0's features; needs the extra judges unless it is 0.",
)
@minutes_of(25.0)
@rate_of(1.5e-3)
@batch_of(16)
@device_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@fresh_option
def lids(fresh: bool, **options: Any) -> None:
    """Train the lid retoucher on the shut eyes of the portraits."""
    from icface.training.lids.train import RetouchPlan, train_retoucher  # noqa: PLC0415

    with usage_errors():
        click.echo(str(train_retoucher(RetouchPlan(resume=not fresh, **options))))
