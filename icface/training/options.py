"""Command-line options and error reporting that the training commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUTPUT = click.Path(path_type=Path)
MINUTES = click.FloatRange(min=0, min_open=True)

portraits_option = click.option(
    "--portraits", type=FOLDER, required=True, help="Folder with portraits.npz and images/."
)
rig_option = click.option("--rig", type=FILE, required=True, help="Rig file.")
canvases_option = click.option(
    "--cache",
    type=OUTPUT,
    default=Path(".work"),
    show_default=True,
    help="Decoded portraits are kept here.",
)
fresh_option = click.option(
    "--fresh", is_flag=True, help="Start anew even if there is a checkpoint."
)
stages_option = click.option(
    "--models",
    type=FOLDER,
    default=None,
    help="Weights of the two stages; the shipped ones if not given.",
)
device_option = click.option("--device", default="cpu", show_default=True, help="auto, cpu, cuda.")


def data_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``--portraits``, ``--rig`` and ``--cache`` to a command."""
    return portraits_option(rig_option(canvases_option(command)))


def batch_of(count: int) -> Callable[[Any], Any]:
    """The option ``--batch`` with a default of `count` samples."""
    return click.option(
        "--batch",
        type=click.IntRange(1),
        default=count,
        show_default=True,
        help="Of all processes together.",
    )


def minutes_of(minutes: float) -> Callable[[Any], Any]:
    """The option ``--minutes`` with this default."""
    return click.option("--minutes", type=MINUTES, default=minutes, show_default=True)


def rate_of(rate: float) -> Callable[[Any], Any]:
    """The option ``--rate`` with this default."""
    return click.option("--rate", default=rate, show_default=True, help="Highest learning rate.")


@contextmanager
def usage_errors() -> Iterator[None]:
    """Report unreadable files and bad data, options and checkpoints as wrong usage."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from error
