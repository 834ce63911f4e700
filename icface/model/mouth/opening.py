"""The opening of a mouth as a closed curve: rounded, measured and filled.

A ring is (20, 2) points in the order of `icface.face.landmarks.INNER_LIPS`: the lower lip from 0 to
10, the upper lip from 10 back to 0.
"""

from __future__ import annotations

import cv2
import numpy as np

from icface.arrays import F32, F64

FINE = 4
"""Points of a rounded ring per point of the ring."""
LOWER_LIP = slice(FINE, 10 * FINE)
"""Points of a rounded ring between the corners that lie on the lower lip."""
_DEGREE = 5
"""Lips are bumps of this many coefficients, less one, on the chord between the corners."""


def upper_lip(rounded_ring: F64) -> F64:
    """The points of a rounded ring on the upper lip, each above its counterpart in `LOWER_LIP`."""
    above: F64 = rounded_ring[::-1][FINE - 1 : 10 * FINE - 1]
    return above


def rounded(ring: F64) -> F64:
    """The ring (20, 2) as a smooth curve of `FINE` times as many points."""
    curve: F64 = _ROUND @ ring
    return curve


def gaps(rounded_ring: F64) -> F64:
    """(K,) heights of an opening from corner to corner, across the line of its corners.

    They are signed: lips that cross, the upper one below the lower, have a negative height.
    """
    along = rounded_ring[10 * FINE] - rounded_ring[0]
    x, y = along / max(float(np.hypot(*along)), 1e-6)
    signed: F64 = (rounded_ring[LOWER_LIP] - upper_lip(rounded_ring)) @ np.array([-y, x])
    return signed


def mouth_width(ring: F64) -> float:
    """Distance between the corners of a ring (20, 2)."""
    return max(float(np.hypot(*(ring[10] - ring[0]))), 1e-6)


def mean_height(ring: F64) -> float:
    """Mean height of an opening (20, 2); where its lips touch or cross it is closed."""
    return float(np.maximum(gaps(rounded(ring)), 0).sum()) / (10 * FINE)


def height_over_width(ring: F64) -> float:
    """Mean height of a ring over its width: how far a mouth is open, whatever its size."""
    return mean_height(ring) / mouth_width(ring)


def uncrossed(rounded_ring: F64) -> F64:
    """The ring with lips that cross put on the line halfway between them."""
    ring = rounded_ring.copy()
    crossed = gaps(rounded_ring) < 0
    lower, upper = ring[LOWER_LIP], upper_lip(ring)  # views
    lower[crossed] = upper[crossed] = (lower[crossed] + upper[crossed]) / 2
    return ring


def filled(ring: F64, window: tuple[int, int]) -> F32:
    """(H, W) 0..1: the inside of a ring, with a soft edge; the window is width and height."""
    ink = np.zeros((window[1], window[0]), np.uint8)
    cv2.fillPoly(ink, [np.round(ring * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    share: F32 = cv2.GaussianBlur(ink, (0, 0), 0.8).astype(np.float32) / np.float32(255)
    return share


def by_column(ring: F64, values: F64, width: int) -> F32:
    """(1, width) values (K,) between the corners of a rounded ring, by column of a window."""
    middle = (ring[LOWER_LIP, 0] + upper_lip(ring)[:, 0]) / 2
    order = np.argsort(middle)
    columns: F32 = np.interp(np.arange(width), middle[order], values[order]).astype(np.float32)
    return columns[None]


def _smoothed() -> F64:
    """(20, 20): each lip as a curve of the fourth degree through its corners.

    It evens out what a torn surface leaves uneven.
    """
    matrix = np.eye(20)
    t = np.linspace(-1, 1, 11)
    bumps = (1 - t**2)[:, None] * np.vander(t, _DEGREE - 1)
    chord = np.stack([(1 - t) / 2, (1 + t) / 2], 1)
    through = bumps @ np.linalg.pinv(bumps)
    for corners in ((0, 10), (10, 20)):
        number = np.arange(corners[0], corners[1] + 1) % 20
        ends = np.zeros((11, 20))
        ends[:, number[0]], ends[:, number[-1]] = chord.T
        matrix[number] = ends + through @ (np.eye(20)[number] - ends)
    return matrix


def _spline(count: int) -> F64:
    """(count * FINE, count): Catmull-Rom between the points of a ring."""
    t = np.arange(FINE) / FINE
    weights = (
        np.stack(
            [
                -t + 2 * t**2 - t**3,
                2 - 5 * t**2 + 3 * t**3,
                t + 4 * t**2 - 3 * t**3,
                -(t**2) + t**3,
            ],
            1,
        )
        / 2
    )
    matrix = np.zeros((count * FINE, count))
    for k in range(count):
        for j in range(4):
            matrix[k * FINE : (k + 1) * FINE, (k + j - 1) % count] += weights[:, j]
    return matrix


_ROUND = _spline(20) @ _smoothed()
