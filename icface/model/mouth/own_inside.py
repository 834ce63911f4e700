"""The inside of a mouth that the photo itself shows: carried by an edit, never drawn anew.

Upper teeth are fixed in the skull. What a photo shows below them, the tongue above all, hangs on
the jaw and is drawn out as the jaw falls, until so little of it is left that it is drawn instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icface.arrays import F64
from icface.face.ramps import Ramp
from icface.model.mouth.opening import LOWER_LIP, rounded, upper_lip

_RIM_CM = 0.06
"""What a photo shows this close to the lips is their own edge."""
_COVER_RIM_CM = 0.12
"""What a photo shows this close to the lower lip is not kept when that lip falls."""
_OUTGROWN = Ramp(0.8, 1.6)
"""Rise of the upper lip over the height of what stretches: how much the stretched is drawn
instead."""
_RIGID = 0.55
"""Share of the height of teeth, from the upper lip, that stretches as that lip rises."""
_HIDDEN_BY_LIPS_CM = 1.5
"""Height above the photo's upper lip up to which its teeth count as its own: they are uncovered
and not drawn."""
_DRAWN_OUT = Ramp(1.5, 2.6)
"""Stretch of what hangs on the jaw: how much it is drawn instead."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OwnInside:
    """What one photo shows between its lips.

    Attributes
    ----------
    opening : (20, 2)
        The opening in the photo, grid pixels.
    skull_share : float
        0..1, share of its height, from the upper lip, that is fixed in the skull.
    pixels_per_cm : float
        Grid pixels per centimetre.
    """

    opening: F64
    skull_share: float
    pixels_per_cm: float

    def outline(self, fall: F64) -> F64:
        """(K, 2) the part of the photo that covers what it shows, where the jaw has taken it.

        It ends where its own lower lip begins, and reaches above the upper lip, which may rise.

        Parameters
        ----------
        fall : (2,)
            Way of the jaw in the photo, grid pixels.
        """
        own = rounded(self.opening)
        lower, upper = own[LOWER_LIP], upper_lip(own)
        bottom = np.maximum(lower[:, 1] - _COVER_RIM_CM * self.pixels_per_cm, upper[:, 1])
        kept = 1 - _DRAWN_OUT(self._stretches(fall))
        split = upper[:, 1] + self.skull_share * (bottom - upper[:, 1])
        lower[:, 1] = split + kept * (bottom + self._falls(fall) - split)
        upper[:, 1] -= _HIDDEN_BY_LIPS_CM * self.pixels_per_cm
        return own

    def holds(self, ring: F64) -> float:
        """0..1: how much of it is large enough to fill an opening (20, 2) whose upper lip rises.

        See `source_of`.
        """
        before, after = rounded(self.opening), rounded(ring)
        middle = slice(len(upper_lip(before)) // 3, -len(upper_lip(before)) // 3)
        top, new_top = (upper_lip(lips)[middle, 1] for lips in (before, after))
        high = float((before[LOWER_LIP][middle, 1] - top).mean())
        rises = max(float((top - new_top).mean()), 0.0)
        least = _RIM_CM * self.pixels_per_cm  # a mouth may show nothing that is fixed in the skull
        return 1 - _OUTGROWN(rises / max(min(self.skull_share, _RIGID) * high, least))

    def source_of(self, points: F64, ring: F64, fall: F64) -> F64:
        """(..., 2) places in the photo that are shown at these points of a turned-back opening.

        Parameters
        ----------
        points : (..., 2)
            As if nothing but lips and jaw had moved, grid pixels.
        ring : (20, 2)
            The opening after the edit, likewise.
        fall : (2,)
            See `outline`.
        """
        rim = _RIM_CM * self.pixels_per_cm
        left, right = self.opening[[0, 10], 0] + (2 * rim, -2 * rim)
        x = np.clip(points[..., 0], left, max(left, right))
        before, after = rounded(self.opening), rounded(ring)
        top, bottom = _row_at(upper_lip(before), x), _row_at(before[LOWER_LIP], x)
        rises = np.maximum(top - _row_at(upper_lip(after), points[..., 0]), 0)
        falls = np.maximum(_row_at(after[LOWER_LIP], points[..., 0]) - bottom, 0)
        high = np.maximum(bottom - top, rim)
        split = top + self.skull_share * high
        rigid = top + min(self.skull_share, _RIGID) * high
        y = points[..., 1]
        held = rigid - top
        y = np.where(y < rigid, rigid - (rigid - y) * held / np.maximum(held + rises, rim), y)
        y = np.where(y > split, split + (y - split) / self._stretch(bottom - split, fall), y)
        y = np.clip(y, top + np.minimum(rises, rim), bottom - np.minimum(falls, rim))
        return np.stack([x, y], -1)

    def _falls(self, fall: F64) -> float:
        """Pixels by which what hangs on the jaw falls."""
        return float(fall[1]) * (self.skull_share < 1)

    def _stretches(self, fall: F64) -> float:
        """Stretch of what hangs on the jaw, in the middle of the mouth."""
        own = rounded(self.opening)
        middle = (LOWER_LIP.stop - LOWER_LIP.start) // 2
        high = own[LOWER_LIP][middle, 1] - upper_lip(own)[middle, 1]
        return float(self._stretch(np.array((1 - self.skull_share) * high), fall))

    def _stretch(self, high: F64, fall: F64) -> F64:
        """Stretch of what hangs on the jaw, where it was so high, pixels."""
        least = 0.5 * _RIM_CM * self.pixels_per_cm
        high = np.maximum(high, least)
        stretch: F64 = np.maximum(high + self._falls(fall), 0.2 * high) / high
        return stretch


def _row_at(lip: F64, x: F64) -> F64:
    """Rows of a lip (K, 2) at these columns."""
    order = np.argsort(lip[:, 0])
    rows: F64 = np.interp(x, lip[order, 0], lip[order, 1])
    return rows
