"""Points of a face that follow its surface: where landmarks are after an edit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64

_NEAR_PX = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Anchored:
    """Some points of a photo, tied to its surface.

    Attributes
    ----------
    rows : (K,) int64
        The surface point nearest to each.
    beside : (K, 2) float64
        Where each lies from that, grid pixels.
    """

    rows: NDArray[np.int64]
    beside: F64

    @classmethod
    def of(cls, points: F64, source: F64, among: NDArray[np.int64]) -> Anchored:
        """Points (K, 2) tied to those of the surface points (N, 2) that are named, at least one; grid pixels."""
        own = source[among]
        near = ((own >= points.min(0) - _NEAR_PX) & (own <= points.max(0) + _NEAR_PX)).all(
            1
        )  # most of a face is far
        if near.any():
            among, own = among[near], own[near]
        rows = among[((own[None] - points[:, None]) ** 2).sum(2).argmin(1)]
        return cls(rows, points - source[rows])

    def at(self, moved: F64) -> F64:
        """(K, 2) where they are when the surface points are here (N, 2 or 3)."""
        here: F64 = moved[self.rows, :2] + self.beside
        return here
