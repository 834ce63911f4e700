"""Teeth that differ from face to face: shares of five sets, chosen by the face's rigid forms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from icface.arrays import F64
from icface.face.landmarks import EYE_CORNERS, SUBNASALE
from icface.model.mouth.anatomy import LOWER, UPPER, Arch, Dentition


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How one set of teeth differs from the mean one, from the middle of the row to its side.

    Attributes
    ----------
    widths, heights : tuple of float
        Factors of the sizes of the upper crowns.
    recessed_cm : tuple of float
        Added distance of each upper edge from the bite line.
    bend, lower : float
        Factors of the bend of both rows, and of the sizes of the lower crowns.
    """

    widths: tuple[float, ...] = (1, 1, 1, 1)
    heights: tuple[float, ...] = (1, 1, 1, 1)
    recessed_cm: tuple[float, ...] = (0, 0, 0, 0)
    bend: float = 1.0
    lower: float = 1.0


_SMALL = Variant(
    widths=(1.0, 0.9, 0.93, 0.96),
    heights=(0.9, 0.95, 0.96, 1.0),
    recessed_cm=(0.0, -0.03, -0.03, -0.05),
    bend=0.92,
    lower=0.95,
)
_LARGE = Variant(
    widths=(1.03, 1.12, 1.07, 1.12),
    heights=(0.98, 1.03, 1.0, 1.09),
    recessed_cm=(0.0, 0.0, -0.01, -0.04),
    bend=1.06,
    lower=1.13,
)
_LONG_MIDDLE = Variant(
    widths=(1.12, 0.99, 0.96, 1.0), heights=(1.12, 0.95, 1.0, 1.0), recessed_cm=(0, 0.1, 0.08, 0.08)
)
_SHORT_LATERALS = Variant(
    widths=(1.05, 1.0, 1.05, 1.0), recessed_cm=(0, 0.09, 0.01, -0.02), lower=1.02
)
_LONG_CANINES = Variant(
    widths=(0.98, 1.02, 1.02, 1.0),
    heights=(0.94, 0.95, 1.12, 1.0),
    recessed_cm=(0, -0.03, -0.12, 0),
)
"""Five sets, measured on modelled teeth that are in the public domain."""
_FACE_FORMS = ((0.495, 0.043), (0.389, 0.018), (0.563, 0.035))
"""Mean and spread, over people, of the width of the nose, the distance of the inner eye corners and
the length of the nose, in distances of the outer eye corners."""
_NOSE_SIDES = (129, 358)
_INNER_CORNERS = (133, 362)
_NOSE_ROOT = 168
_MOST = 1.5
"""Most of a variant that a face gets."""


def dentition_of(points: F64) -> Dentition:
    """The teeth of a face, which differ from person to person, but not between their photos.

    Nothing tells from a face what its teeth look like: the rigid forms of the face, landmarks
    (468 or 478, 2 or 3), only choose among the sets, so that one person's teeth stay alike.
    """

    def apart(pair: tuple[int, int]) -> float:
        return float(np.linalg.norm(points[pair[0], :2] - points[pair[1], :2]))

    eyes = max(apart(EYE_CORNERS), 1e-6)
    sizes = (apart(_NOSE_SIDES), apart(_INNER_CORNERS), apart((_NOSE_ROOT, SUBNASALE)))
    nose, between, long = (
        float(np.clip((size / eyes - mean) / spread, -_MOST, _MOST))
        for size, (mean, spread) in zip(sizes, _FACE_FORMS, strict=True)
    )
    shares = (
        (_SMALL, -nose),
        (_LARGE, nose),
        (_LONG_MIDDLE, between),
        (_SHORT_LATERALS, -between),
        (_LONG_CANINES, long),
    )
    phase = round(1.1 * nose + 0.9 * between + 1.3 * long, 2)
    upper, lower = replace(UPPER, phase=phase), replace(LOWER, phase=phase + 2.0)
    for variant, share in shares:
        if share > 0:
            upper, lower = _varied(upper, lower, variant, round(share, 2))
    return Dentition(upper=upper, lower=lower)


def _varied(upper: Arch, lower: Arch, variant: Variant, share: float) -> tuple[Arch, Arch]:
    """Both rows with a share of a variant."""
    count = len(UPPER.widths_cm) - len(variant.widths)

    def by(values: tuple[float, ...], factors: tuple[float, ...]) -> tuple[float, ...]:
        more = (*factors, *(1.0,) * count)
        return tuple(v * (1 + share * (f - 1)) for v, f in zip(values, more, strict=True))

    deeper = (*variant.recessed_cm, *(0.0,) * count)
    bend = 1 + share * (variant.bend - 1)
    one = (variant.lower,) * len(variant.widths)
    return replace(
        upper,
        widths_cm=by(upper.widths_cm, variant.widths),
        heights_cm=by(upper.heights_cm, variant.heights),
        recessed_cm=tuple(
            v + share * more for v, more in zip(upper.recessed_cm, deeper, strict=True)
        ),
        bend_per_cm=upper.bend_per_cm * bend,
    ), replace(
        lower,
        widths_cm=by(lower.widths_cm, one),
        heights_cm=by(lower.heights_cm, one),
        bend_per_cm=lower.bend_per_cm * bend,
    )
