"""The smooth curve through a lid's landmarks."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

LID_POINTS = 9
"""Landmarks along one lid."""
CURVE_POINTS = 24
"""Points of a curve, unless another number is asked for."""


def smooth_lid_curve(points: NDArray[np.float64], count: int = CURVE_POINTS) -> NDArray[np.float64]:
    """(count, ...) a polynomial of the fourth degree through values (9, ...) along a lid."""
    curve: NDArray[np.float64] = _curve(count) @ points
    return curve


@cache
def _curve(count: int) -> NDArray[np.float64]:
    """(count, 9) the least-squares polynomial at evenly spaced places."""
    given, sampled = (np.vander(np.linspace(-1, 1, n), 5) for n in (LID_POINTS, count))
    curve: NDArray[np.float64] = sampled @ np.linalg.pinv(given)
    curve.flags.writeable = False
    return curve
