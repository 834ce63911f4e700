"""Jobs: long work in steps that reports its progress, and the events it ends in.

A job is a generator: each ``yield`` reports how far it is, and is a place where it can be stopped.
What happened to it arrives as a value.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Request = TypeVar("Request")
Result = TypeVar("Result")
Value = TypeVar("Value")
Checkpoint = Callable[[], None]
"""Called between the stages of a rendering; raises `Superseded` when the result is no longer
wanted."""


class Superseded(Exception):  # noqa: N818 (not an error: the way out of work that nobody waits for)
    """The work in hand is no longer wanted: a newer request came, or the engine closes."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a job: `done` of `total` steps (0 of 0 when unknown), and its present work."""

    done: int
    total: int
    text: str


@dataclass(frozen=True, slots=True)
class Job:
    """A ticket for long work handed to the engine."""

    number: int


@dataclass(frozen=True, slots=True)
class Rendered(Generic[Request, Result]):
    """A request was answered."""

    request: Request
    result: Result


@dataclass(frozen=True, slots=True)
class Advanced:
    """A job took a step that was not its last."""

    job: Job
    progress: Progress


@dataclass(frozen=True, slots=True)
class Finished:
    """A job returned a value."""

    job: Job
    value: object


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A job was stopped before its end; its cleanup has run."""

    job: Job


@dataclass(frozen=True, slots=True)
class Failed:
    """A request or a job raised; the engine lives on."""

    task: object
    error: Exception


Event = Rendered[Any, Any] | Advanced | Finished | Cancelled | Failed
Work = Generator[Progress, None, object]
"""A job: each ``yield`` reports progress and is a place where the job can be stopped."""


def run_to_end(job: Generator[Any, None, Value]) -> Value:
    """The value of a job, all its steps taken here and now."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            value: Value = end.value
            return value


_LEAST_ELAPSED_S = 1.0
"""Seconds that a job runs before its pace is known."""


class TimeLeft:
    """An estimate of the time a job still takes, from its pace so far.

    Parameters
    ----------
    clock : callable, optional
        Seconds that rise steadily.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._first: int | None = None

    def seconds(self, done: int, total: int) -> float | None:
        """Seconds left after `done` of `total` steps; None as long as the pace is not known.

        The pace counts from the first call. Fewer steps than at that call start a new estimate.
        """
        if self._first is None or done < self._first:
            self._started, self._first = self._clock(), done
        elapsed, steps = self._clock() - self._started, done - self._first
        if elapsed < _LEAST_ELAPSED_S or steps < 1 or total < 1:
            return None
        return elapsed / steps * max(total - done, 0)


def time_left_text(seconds: float) -> str:
    """Seconds for people: 12 s, 3 min, 2 h."""
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
