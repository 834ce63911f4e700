"""Cubic Bezier curves of frame and value: the value at a frame, for many curves at once."""

from __future__ import annotations

import numpy as np

from icface.arrays import F64

_MOST_STEPS = 60
"""Newton steps after which the search for a frame ends."""
_NEAR_ENOUGH = 1e-14
"""Change of the curve's parameter, 0..1, below which the search ends."""


def values_on_curves(points: F64, frames: F64) -> F64:
    """(F,) values at frames, each on the Bezier of its own (F, 4, 2) points.

    Newton's method, halved where it would leave the bracket. Each frame goes its own way, whatever
    others it comes with.
    """
    x, y = points[:, :, 0], points[:, :, 1]
    gap = x[:, 3] - x[:, 0]
    cubic = _polynomial((x - x[:, :1]) / gap[:, None])
    wanted = (frames - x[:, 0]) / gap
    low, high, t = np.zeros(len(frames)), np.ones(len(frames)), wanted.copy()
    for _ in range(_MOST_STEPS):  # x rises with t, since no handle reaches beyond its gap
        off = _at(cubic, t) - wanted
        low, high = np.where(off < 0, t, low), np.where(off < 0, high, t)
        slope = (3 * cubic[3] * t + 2 * cubic[2]) * t + cubic[1]
        tried = t - off / np.where(slope > 0, slope, 1e-300)
        following = np.where((tried >= low) & (tried <= high), tried, (low + high) / 2)
        settled = (off == 0) | (np.abs(following - t) <= _NEAR_ENOUGH)
        t = np.where(settled, t, following)
        if settled.all():
            break
    return np.clip(_at(_polynomial(y), t), y.min(1), y.max(1))


def _polynomial(points: F64) -> tuple[F64, F64, F64, F64]:
    """Coefficients of 1, t, t², t³ of Beziers, one number for each of (F, 4) points."""
    a, b, c, d = points.T
    return a, 3 * (b - a), 3 * (a - 2 * b + c), d - a + 3 * (b - c)


def _at(cubic: tuple[F64, F64, F64, F64], t: F64) -> F64:
    return ((cubic[3] * t + cubic[2]) * t + cubic[1]) * t + cubic[0]
