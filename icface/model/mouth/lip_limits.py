"""Limits of what lips do: lips that meet do not cross, and the upper lip bares no slab of gum.

Expressions add up, and their sum may lift the upper lip far above the teeth, or push the lower lip
through the upper one. Here the skin about the lips gives way: in each column of the mouth the lips
are moved back, and the skin around follows softly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from icface.arrays import F64
from icface.face.controls import EXPRESSIONS
from icface.face.ramps import Ramp, smoothstep
from icface.model.mouth.anatomy import UPPER, row_of
from icface.model.mouth.opening import LOWER_LIP, gaps, rounded, upper_lip
from icface.model.networks.neutralizer import Part

_GUM_CM = 0.4
"""Gum that a lifted upper lip bares at most, unless the photo shows more."""
_LEAST_LIFT_CM = 0.2
"""Every upper lip may rise by this much."""
_FREE_LIFT = 0.75
"""Share of the lift that is allowed up to which a lip rises freely; beyond, it slows down."""
_SHARE_OF_UPPER = 0.5
"""Share of the way by which the upper lip gives way where lips would cross."""
_FOLLOWS_CM = (2.0, 1.2)
"""Height above the upper lip and depth below the lower one up to which skin follows it."""
_BESIDE_CM = 1.0
"""Distance beside the corners up to which skin follows a lip."""
_RAISERS = [
    name
    for name in EXPRESSIONS
    if name.startswith(("mouthUpperUp", "noseSneer", "mouthShrugUpper"))
]
"""Channels that raise the upper lip as a whole."""
_SHUTS = "mouthPucker"
"""Channel under which lips stay in touch, or come closer."""
_PURSED = 0.9
"""Share of the opening that a photo shows which a full pucker closes."""
_MIDDLE = 0.5
"""Places along the lip from this on, from a corner to the middle, say how much it is raised."""
_NOT_AT_CORNERS = Ramp(0.0, 0.25)
"""Place along the lips, from a corner to the middle: how much a lift is limited."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LipSkin:
    """The skin that follows one lip of a photo.

    Attributes
    ----------
    rows : (M,) int64
        Its surface points.
    column : (M,) float64
        Place of each along the lip, in points of a rounded ring.
    share : (M,) float64
        0..1, how much it follows the lip there.
    """

    rows: NDArray[np.int64]
    column: F64
    share: F64

    @classmethod
    def of(
        cls, source: F64, rows: NDArray[np.int64], lip: F64, away: int, pixels_per_cm: float
    ) -> LipSkin:
        """The points (N, 2) of these rows that lie close to a lip (K, 2).

        Parameters
        ----------
        away : int
            -1 for skin above the lip, 1 for skin below.
        """
        at = source[rows]
        columns = np.arange(len(lip), dtype=np.float64)
        order = np.argsort(lip[:, 0])
        column = np.interp(at[:, 0], lip[order, 0], columns[order])
        line = np.interp(at[:, 0], lip[order, 0], lip[order, 1])
        far = np.maximum((at[:, 1] - line) * away, 0) / pixels_per_cm
        low, high = lip[:, 0].min(), lip[:, 0].max()
        aside = np.maximum(np.maximum(low - at[:, 0], at[:, 0] - high), 0) / pixels_per_cm
        reach = _FOLLOWS_CM[0 if away < 0 else 1]
        share = smoothstep(np.clip(1 - far / reach, 0, 1)) * smoothstep(
            np.clip(1 - aside / _BESIDE_CM, 0, 1)
        )
        kept = share > 0
        return cls(rows=rows[kept], column=column[kept], share=share[kept])

    def follows(self, shifts: F64) -> F64:
        """(M,) how far each point moves when the lip moves so in each column (K,)."""
        moved: F64 = self.share * np.interp(self.column, np.arange(len(shifts)), shifts)
        return moved


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LipLimits:
    """The lips of one photo and the skin that follows them.

    Attributes
    ----------
    upper, lower : LipSkin
    raises : (53, K) float64
        Lift of each column of the upper lip under each channel of `_RAISERS` at full intensity,
        centimetres; 0 under all others.
    parts : (K,) float64
        How far a full pucker parts the lips in each column, and how far they are parted in the
        photo, grid pixels: lips that pucker are shut.
    """

    upper: LipSkin
    lower: LipSkin
    raises: F64
    parts: F64

    @classmethod
    def of(
        cls,
        opening: F64,
        source: F64,
        part: NDArray[np.int64],
        pixels_per_cm: float,
        lift: F64,
    ) -> LipLimits:
        """The limits of lips about an opening (20, 2).

        Parameters
        ----------
        source : (N, 2)
            Surface points, grid pixels.
        part : (N,) int64
            `Part` of each.
        lift : (53, 20)
            Way of the opening's points upwards under each channel, grid pixels.
        """
        ring = rounded(opening)
        upper, lower = (np.flatnonzero(part == kind) for kind in (Part.SKIN, Part.LOWER))
        middle = (ring[LOWER_LIP] + upper_lip(ring)) / 2
        above = upper[source[upper, 1] < np.interp(source[upper, 0], *middle.T) + 1]
        return cls(
            upper=LipSkin.of(source, above, upper_lip(ring), -1, pixels_per_cm),
            lower=LipSkin.of(source, lower, ring[LOWER_LIP], 1, pixels_per_cm),
            raises=np.stack([_upper_columns(ways) for ways in lift])
            * np.isin(EXPRESSIONS, _RAISERS)[:, None]
            / pixels_per_cm,
            parts=np.maximum(_gap_columns(lift[EXPRESSIONS.index(_SHUTS)]), 0)
            + _PURSED * np.maximum(gaps(ring), 0),
        )

    def of_change(self, change: F64) -> tuple[F64, F64]:
        """How far a change (53,) raises the upper lip, cm, and wrongly parts the lips: (K,) each.

        The second is in grid pixels.
        """
        return change @ self.raises, change[EXPRESSIONS.index(_SHUTS)] * self.parts

    def held(self, moved: Tensor, shifts: tuple[F64, F64], down: F64) -> Tensor:
        """Surface points (N, 3) whose lips are moved back.

        Parameters
        ----------
        shifts : two of (K,)
            Way of the upper and of the lower lip in each column, downwards in the head, grid
            pixels.
        down : (2,)
            That direction in the picture.
        """
        if not any(way.any() for way in shifts):
            return moved
        held = moved.clone()
        for skin, way in zip((self.upper, self.lower), shifts, strict=True):
            by = torch.from_numpy(skin.follows(way)[:, None] * down).to(held)
            held[torch.from_numpy(skin.rows).to(held.device), :2] += by
        return held


def _gap_columns(lift: F64) -> F64:
    """(K,) how far ways upwards (20,) of a ring part the lips."""
    ways = rounded(lift[:, None])
    parted: F64 = (upper_lip(ways) - ways[LOWER_LIP])[:, 0]
    return parted


def _upper_columns(values: F64) -> F64:
    """(K,) values of a ring (20,) in the columns of the upper lip."""
    return upper_lip(rounded(values[:, None]))[:, 0]


def limits_of_lift(lips: F64, before: F64, raised: F64) -> F64:
    """(K,) how far an upper lip is to be lowered, centimetres.

    What raises the lip as a whole is taken back as a whole, and what is still too much in each
    column by itself, but at the corners, which a smile lifts.

    Parameters
    ----------
    raised : (K,)
        The part of the lift that is due to what raises the lip as a whole.
    lips, before : (K, 2)
        The upper lip after an edit and in the photo, turned likewise: centimetres to the subject's
        left, and above the middle of the closed lips.
    """
    row = row_of(UPPER)
    gum = np.interp(before[:, 0], row.place[:, 0], row.place[:, 1] + row.height)
    lift = lips[:, 1] - before[:, 1]
    allowed = np.maximum(gum + _GUM_CM - before[:, 1], _LEAST_LIFT_CM)
    raised = np.clip(raised, 0, None)
    middle = 1 - np.abs(np.linspace(-1, 1, len(lips)))
    share = np.where(middle > _MIDDLE, _beyond(lift, allowed) / np.maximum(raised, 0.05), 0).max()
    lowered: F64 = min(float(share), 1.0) * raised
    lowered += _beyond(lift - lowered, allowed) * _NOT_AT_CORNERS.smooth(middle)
    return lowered


def _beyond(lift: F64, allowed: F64) -> F64:
    """(K,) the part of a lift that is taken back: it slows down towards what is allowed."""
    free = _FREE_LIFT * allowed
    room = allowed - free
    over = np.maximum(lift - free, 0)
    taken: F64 = over - room * (1 - np.exp(-over / room))
    return taken


def limits_of_contact(after: F64, before: F64, parted: F64) -> tuple[F64, F64]:
    """How far lips that cross more than in the photo are to be moved apart, and others together.

    Parameters
    ----------
    after, before : (4 * 20, 2)
        The rounded opening after an edit and in the photo, turned likewise.
    parted : (K,)
        How far lips are parted that ought to be shut.

    Returns
    -------
    two of (K,)
        Way of the upper lip upwards and of the lower lip downwards, in their units.
    """
    overlap = np.minimum(gaps(before), 0) - gaps(after)
    closes = np.minimum(np.maximum(parted, 0), np.maximum(gaps(after), 0))
    overlap = np.maximum(overlap, 0) - closes
    return _SHARE_OF_UPPER * overlap, (1 - _SHARE_OF_UPPER) * overlap
