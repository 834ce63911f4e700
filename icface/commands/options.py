"""Arguments and options that several commands share."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import click

photo_argument = click.argument("photo", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the networks run.",
)

_RATE = re.compile(r"\d{1,6}(\.\d{1,6}|/[1-9]\d{0,5})?")


def rate_of_text(context: click.Context, option: click.Parameter, text: str | None) -> Fraction | None:
    """Frames a second of a text."""
    if text is None:
        return None
    if not _RATE.fullmatch(text) or not (rate := Fraction(text)):
        raise click.BadParameter(f"{text!r} is not a rate. Write frames a second: 25, 29.97 or 30000/1001.", context, option)
    return rate
