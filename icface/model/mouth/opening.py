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


def mean_height(ring: F64) -> float:
    """Area of a ring over its width."""
    return abs(float(cv2.contourArea(ring.astype(np.float32)))) / max(
        float(np.ptp(ring[:, 0])), 1e-6
    )


def height_over_width(ring: F64) -> float:
    """Area of a ring over its squared width: how far a mouth is open, whatever its size."""
    return mean_height(ring) / max(float(np.ptp(ring[:, 0])), 1e-6)


def filled(ring: F64, window: tuple[int, int]) -> F32:
    """(H, W) 0..1: the inside of a ring, with a soft edge; the window is width and height."""
    ink = np.zeros((window[1], window[0]), np.uint8)
    cv2.fillPoly(ink, [np.round(ring * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    share: F32 = cv2.GaussianBlur(ink, (0, 0), 0.8).astype(np.float32) / np.float32(255)
    return share


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
