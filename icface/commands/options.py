"""Arguments and options that several commands share, and how their jobs are run to an end."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

import click

T = TypeVar("T")

photo_argument = click.argument("photo", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the networks run.",
)


def finish(job: Generator[Any, None, T]) -> T:
    """The value of a job that is run to its end."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            value: T = end.value
            return value
