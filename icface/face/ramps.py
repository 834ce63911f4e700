"""Shares that rise from 0 to 1 over a range, with corners or without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Share = TypeVar("Share", float, NDArray[np.float32], NDArray[np.float64])


def smoothstep(share: Share) -> Share:
    """Hermite's cubic 3 s² - 2 s³ of shares 0..1: 0 at 0, 1 at 1, level at both."""
    return share * share * (3 - 2 * share)


@dataclass(frozen=True, slots=True)
class Ramp:
    """The share 0..1 of a range that a value has passed.

    Attributes
    ----------
    start, end : float
        The value at which the share begins to rise, and the one from which on it is 1.
    """

    start: float
    end: float

    def __call__(self, value: Share) -> Share:
        """The share of values, rising evenly."""
        share = (value - self.start) / (self.end - self.start)
        if isinstance(share, float):
            return min(max(share, 0.0), 1.0)
        clipped: Share = np.clip(share, 0, 1)
        return clipped

    def smooth(self, value: Share) -> Share:
        """The share of values, rising without a corner (`smoothstep`)."""
        return smoothstep(self(value))
