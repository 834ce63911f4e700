"""The cuts of a clip, found in small grey copies of its frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from icface.arrays import U8

CUT_DIFFERENCE = 7.0
"""Least mean change of grey values, 0..255, from one frame of the file to the next that can be a
cut.  It was 11 and more between people before one studio wall, below 1 while they spoke."""
CUT_RATIO = 4.0
"""Least change at a cut, as a multiple of the change in the frames before it."""
FLASH_FRAMES = 4
"""Most frames of a flash: if the picture is back within them, there was no cut."""
_GAIN = (0.25, 4.0)

_Grey = NDArray[np.float64]


class CutDetector:
    """A detector of cuts, which takes the frames of a file in order.

    What light does to the whole picture is no cut: the frame before is compared as bright and as
    contrasty as this one, so that ramps, fades and dimming lamps pass. A flash that blots the
    picture out looks like a cut at first, and is struck from `cuts` when the picture comes back.
    """

    def __init__(self) -> None:
        self._last: _Grey | None = None
        self._usual = 0.0
        self._count = 0
        self._cuts: list[int] = []
        self._before: _Grey | None = (
            None  # the picture before the first of some quick changes, while it may come back
        )
        self._changed_at = 0
        self._usual_before = 0.0
        self._back = False

    @property
    def cuts(self) -> tuple[int, ...]:
        """Frames before which a cut lies, rising, as far as is known now."""
        return tuple(self._cuts)

    @property
    def ended_flash(self) -> bool:
        """Whether the picture came back with the last frame."""
        return self._back

    def is_cut(self, glance: U8) -> bool:
        """Whether the picture changed at once; `glance` is (S, S) grey of the next frame."""
        now, number = glance.astype(np.float64), self._count
        last, self._last = self._last, now
        self._count += 1
        self._back = False
        if last is None:
            return False
        change = _change(last, now)
        usual, self._usual = self._usual, 0.8 * self._usual + 0.2 * min(change, 4 * CUT_DIFFERENCE)
        if self._before is not None and number - self._changed_at > FLASH_FRAMES:
            self._before = None
        if change <= max(CUT_DIFFERENCE, CUT_RATIO * usual):
            return False
        if self._before is None:
            self._before, self._changed_at = last, number
            self._usual_before = usual / max(
                1 - 0.8 ** (number - 1), 0.2
            )  # a mean that began at 0 is too small at first
        elif self._is_back(now, change):
            self._cuts = [cut for cut in self._cuts if cut < self._changed_at]
            self._before, self._back = None, True
            return False
        self._cuts.append(number)
        return True

    def skip(self) -> None:
        """Count a frame that could not be read."""
        self._count += 1

    def _is_back(self, now: _Grey, change: float) -> bool:
        """Whether the picture from before some quick changes is back, moved as usual."""
        assert self._before is not None  # the caller has looked
        passed = self._count - self._changed_at
        return _change(self._before, now) < min(
            max(CUT_DIFFERENCE, 1.5 * passed * self._usual_before), change / 2
        )


def _change(one: _Grey, other: _Grey) -> float:
    """Mean difference of grey values that no change of light explains, in either order."""
    a, b = one - one.mean(), other - other.mean()
    shared = float((a * b).mean())
    there = np.clip(shared / max(float((a * a).mean()), 1.0), *_GAIN)
    back = np.clip(shared / max(float((b * b).mean()), 1.0), *_GAIN)
    return float(max(np.abs(b - there * a).mean(), np.abs(a - back * b).mean()))
