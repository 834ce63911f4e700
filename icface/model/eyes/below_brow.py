"""What a brow that moves takes along: its hair and bare skin, but no lid and no lash."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.face.ramps import smoothstep
from icface.model.eyes.eye_photo import in_eye_units
from icface.model.eyes.lid_fill import FilledEye

_HELD_ASIDE = 0.5
"""Length beyond the corners of an eye along which a moving brow takes the skin along again, in
widths of the eye."""
_HELD_BELOW = 0.5
"""Depth below the upper lid at which a brow's movement, if any, is the animator's again."""
_BROW = 0.2
"""Height of a brow's hair, in widths of the eye."""
_BROW_POINTS = 9
"""Number of points along a brow over which its movement is averaged."""


@dataclass(frozen=True, slots=True, eq=False)
class BelowBrow:
    """What a moving brow takes along above one eye.

    The lid's edge, its lashes and its crease stay; the bare skin up to the brow is stretched
    evenly; the brow's hair goes along as one.

    Attributes
    ----------
    across : (N,) float64
        Places of the surface points along the eye, in widths of the eye.
    held : (N,) float64
        0..1, how far each point stays.
    as_one : (N,) float64
        0..1, how far each point moves as the brow in its column does.
    brow : (K,) int64
        Points on the brow, from the left to the right.
    """

    across: F64
    held: F64
    as_one: F64
    brow: NDArray[np.int64]

    @classmethod
    def of(cls, eye: FilledEye, points: F64, skin: NDArray[np.bool_]) -> BelowBrow:
        """The skin above an eye of a surface (N, 2), grid pixels; `skin` tells which is skin."""
        at = in_eye_units(eye.photo.frame, points, eye.photo.size)
        x, y = at.T
        columns, lashes, hair = eye.lashes_and_brow()
        top, low = (np.interp(x, columns, line) for line in (lashes, hair))
        upper = np.interp(x, eye.photo.upper[:, 0], eye.photo.upper[:, 1])
        aside = smoothstep(np.clip((0.5 + _HELD_ASIDE - np.abs(x)) / _HELD_ASIDE, 0, 1))
        below = np.where(skin, np.clip(1 - (y - upper) / _HELD_BELOW, 0, 1), 1)
        rises = np.clip((y - low) / np.maximum(top - low, 1e-3), 0, 1)
        over = smoothstep(np.clip((y - low) / _BROW + 1.5, 0, 1)) * np.clip(
            (upper - y) / np.maximum(upper - top, 1e-3), 0, 1
        )
        brow = np.flatnonzero((np.abs(y - low + _BROW / 2) < _BROW / 4) & (np.abs(x) < 1))
        return cls(x, rises * aside * below, over * aside, brow[np.argsort(x[brow])])

    def moved(self, move: F64) -> F64:
        """(..., N) a brow's movement (..., N), held at the lid and even up to the brow."""
        if not len(self.brow):
            return move * (1 - self.held)
        whole = np.empty_like(move)
        smooth = np.ones(_BROW_POINTS) / _BROW_POINTS
        flat, into = (a.reshape(-1, move.shape[-1]) for a in (move, whole))
        for k, line in enumerate(flat):
            own = np.pad(line[self.brow], _BROW_POINTS // 2, "edge")
            even = np.convolve(own, smooth, "valid")
            into[k] = np.interp(self.across, self.across[self.brow], even)
        return (move + (whole - move) * self.as_one) * (1 - self.held)
