"""Progress of a job on the standard error: how far it is, and how long it still takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from typing import TextIO, TypeVar

import click

from icface.jobs import Progress, TimeLeft, time_left_text
from icface.system.telling import redraw, shown

T = TypeVar("T")

REDRAW_S = 0.2
"""Seconds between two states of the line on a terminal."""
LOG_S = 10.0
"""Seconds between two lines elsewhere, such as in a log."""


def watched(
    job: Generator[Progress, None, T],
    label: str,
    *,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """The value of a job, run to its end with its progress shown on the standard error.

    A terminal shows one line, which is redrawn.

    Parameters
    ----------
    job : generator
        Closed if anything stops it, such as Ctrl-C.
    label : str
        Text before the progress, such as a file's name.
    stream : TextIO, optional
        The standard error by default.
    """
    stream = sys.stderr if stream is None else stream
    live = stream.isatty()
    drawn, left = clock(), TimeLeft(clock)
    wait = REDRAW_S if live else LOG_S
    try:
        while True:
            try:
                progress = next(job)
            except StopIteration as end:
                value: T = end.value
                return value
            left_s = left.seconds(progress.done, progress.total)
            now = clock()
            if now - drawn >= wait:
                drawn = now
                line = shown(f"{label}: {progress_text(progress, left_s)}")
                redraw(line[:120], file=stream) if live else click.echo(line, file=stream)
    finally:
        job.close()
        if live:
            redraw("", file=stream)


def progress_text(progress: Progress, left_s: float | None) -> str:
    """``120 of 472, 1 face, 4 s left``; what is not known is left out."""
    parts = []
    if progress.done:
        total = f" of {progress.total}" if progress.total else ""
        parts.append(f"{progress.done}{total}")
    if progress.text:
        parts.append(progress.text)
    if left_s:
        parts.append(f"{time_left_text(left_s)} left")
    return ", ".join(parts)
