"""The window into which the inside of a mouth is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from icface.arrays import F32, F64

_TILE = 256
"""Side of the tile of grain, pixels."""
_TILE_PER_CM = 24.0
"""Pixels of that tile per centimetre."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class View:
    """A window of the patch: its pixels, and the map from centimetres to them.

    Attributes
    ----------
    pixels : (2, 3)
        Pixels, y down, from centimetres.
    origin : (2,)
        Place of the middle of the closed lips.
    size : (int, int)
        Width and height.
    """

    pixels: F64
    origin: F64
    size: tuple[int, int]

    def at(self, points: F64) -> F64:
        """(N, 2) pixels of points (N, 3) in centimetres."""
        shown: F64 = points @ self.pixels.T + self.origin
        return shown

    @property
    def per_cm(self) -> float:
        """Pixels of a centimetre upwards."""
        return float(-self.pixels[1, 1])

    def grid(self) -> tuple[F32, F32]:
        """Columns (W,) and rows (H, 1) of the pixels."""
        wide, high = self.size
        return np.arange(wide, dtype=np.float32), np.arange(high, dtype=np.float32)[:, None]

    def grain(self, origin: F64, size_cm: float) -> F32:
        """(H, W) fine irregular relief of mean 0 and spread 1, fixed to a point of the view.

        Parameters
        ----------
        origin : (2,)
            The point to which it is fixed, pixels.
        size_cm : float
            Size of its bumps: it is the same pattern at every size.
        """
        scale = _TILE_PER_CM / self.per_cm * (_BUMP_CM / size_cm)
        middle = _TILE / 2
        m = np.array(
            [
                [scale, 0, middle - scale * float(origin[0])],
                [0, scale, middle - scale * float(origin[1])],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        tile: F32 = cv2.warpAffine(
            _tile(), m, self.size, flags=flags, borderMode=cv2.BORDER_REFLECT
        ).astype(np.float32, copy=False)
        return tile


_BUMP_CM = 0.05
"""Size of the bumps of the tile."""


@cache
def _tile() -> F32:
    """(_TILE, _TILE) bumps of `_BUMP_CM`, over some that are four times as large."""
    noise = np.random.default_rng(0).standard_normal((_TILE, _TILE)).astype(np.float32)
    fine = cv2.GaussianBlur(noise, (0, 0), _BUMP_CM * _TILE_PER_CM / 2)
    coarse = cv2.GaussianBlur(noise[::-1], (0, 0), 2 * _BUMP_CM * _TILE_PER_CM)
    both = fine / fine.std() + 0.7 * coarse / coarse.std()
    return np.asarray(both / both.std(), np.float32)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Gap:
    """The opening of the lips, column by column of a view.

    Attributes
    ----------
    top, bottom : (W,)
        Rows of the upper and of the lower lip.
    left, right : float
        Columns of the corners.
    """

    top: F32
    bottom: F32
    left: float
    right: float

    @classmethod
    def of(cls, ring: F64, columns: F32) -> Gap:
        """The gap within a ring (K, 2), pixels of the view."""
        left, right = int(ring[:, 0].argmin()), int(ring[:, 0].argmax())
        turned = np.roll(ring, -left, axis=0)
        turn = (right - left) % len(ring)
        halves = turned[: turn + 1], np.concatenate([turned[turn:], turned[:1]])[::-1]
        rows = []
        for line in halves:
            order = np.argsort(line[:, 0])
            rows.append(np.interp(columns, line[order, 0], line[order, 1]).astype(np.float32))
        top, bottom = np.minimum(*rows), np.maximum(*rows)
        return cls(top=top, bottom=bottom, left=float(ring[left, 0]), right=float(ring[right, 0]))

    @property
    def middle(self) -> float:
        """The column between the corners."""
        return (self.left + self.right) / 2

    @property
    def tallest(self) -> int:
        """The column in which the gap is tallest."""
        return int((self.bottom - self.top).argmax())
