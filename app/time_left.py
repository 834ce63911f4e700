"""How long a job will still take, from how it went so far."""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST_S = 1.0
"""Before so much time has passed there is nothing to go by."""


class TimeLeft:
    """An estimate that follows the pace of the job.

    Parameters
    ----------
    clock : callable, optional
        Seconds that rise steadily.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._first: int | None = None

    def seconds(self, done: int, total: int) -> float | None:
        """Seconds left; None as long as that cannot be told."""
        if self._first is None or done < self._first:
            self._began, self._first = self._clock(), done
        passed, steps = self._clock() - self._began, done - self._first
        if passed < _FIRST_S or steps < 1:
            return None
        return passed / steps * max(total - done, 0)


def time_left_text(seconds: float) -> str:
    """For people: 12 s, 3 min, 2 h."""
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
