"""The value of a job that is run to its end while a person watches: how far it is, and how long it will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from typing import TextIO, TypeVar

import click

from icface.jobs import Progress
from icface.system.telling import redraw, shown

T = TypeVar("T")

REDRAWN_S = 0.2
TOLD_S = 10.0
"""How often a line is written where nobody watches, as in a log."""


def watched(
    job: Generator[Progress, None, T],
    label: str,
    *,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Run a job to its end, and show its progress on the standard error, in one line that is redrawn on a terminal.

    Parameters
    ----------
    job : generator
        Closed if anything, as Ctrl-C, stops it.
    label : str
        What is done.
    stream : TextIO, optional
        The standard error by default.
    """
    stream = sys.stderr if stream is None else stream
    live = stream.isatty()
    begun = drawn = clock()
    wait = REDRAWN_S if live else TOLD_S
    try:
        while True:
            try:
                progress = next(job)
            except StopIteration as end:
                value: T = end.value
                return value
            now = clock()
            if now - drawn >= wait:
                drawn = now
                line = shown(f"{label}: {in_words(progress, now - begun)}")
                redraw(line[:120], file=stream) if live else click.echo(line, file=stream)
    finally:
        job.close()
        if live:
            redraw("", file=stream)


def in_words(progress: Progress, elapsed_s: float) -> str:
    """``120 of 472, 1 face, 4 s left``; what is not known is left out."""
    parts = (
        [f"{progress.done} of {progress.total}" if progress.total else str(progress.done)]
        if progress.done
        else []
    )
    parts += [progress.text] if progress.text else []
    left = left_s(progress, elapsed_s)
    return ", ".join(parts if left is None else [*parts, f"{_time(left)} left"])


def left_s(progress: Progress, elapsed_s: float) -> float | None:
    """Seconds that a job will still take if it goes on as it did so far; None while that cannot be told."""
    if not 0 < progress.done <= progress.total:
        return None
    return elapsed_s / progress.done * (progress.total - progress.done)


def _time(seconds: float) -> str:
    whole = round(seconds)
    return (
        f"{whole} s"
        if whole < 100
        else f"{whole // 60} min"
        if whole < 6000
        else f"{whole / 3600:.1f} h"
    )
