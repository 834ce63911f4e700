"""Landmarks anchored to a face's surface, so that an edit moves them along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64

_NEAR_PX = 8.0
"""Surface points this far outside the bounds of the landmarks are searched too, grid pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Anchored:
    """Points of a photo, anchored to its surface.

    Attributes
    ----------
    rows : (K,) int64
        Index of the nearest surface point of each.
    beside : (K, 2) float64
        Offset of each point from that surface point, grid pixels.
    """

    rows: NDArray[np.int64]
    beside: F64

    @classmethod
    def of(cls, points: F64, source: F64, among: NDArray[np.int64]) -> Anchored:
        """Points (K, 2) anchored to surface points (N, 2), grid pixels.

        Parameters
        ----------
        points : (K, 2)
        source : (N, 2)
        among : (M,) int64
            Indices of the surface points to choose from; at least one.
        """
        own = source[among]
        near = ((own >= points.min(0) - _NEAR_PX) & (own <= points.max(0) + _NEAR_PX)).all(
            1
        )  # most of a face is far
        if near.any():
            among, own = among[near], own[near]
        rows = among[((own[None] - points[:, None]) ** 2).sum(2).argmin(1)]
        return cls(rows, points - source[rows])

    def at(self, moved: F64) -> F64:
        """(K, 2) the points, grid pixels, when surface points have moved (N, 2 or 3)."""
        here: F64 = moved[self.rows, :2] + self.beside
        return here
