"""Angles of files that do not say in which unit they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.formats.errors import FormatError

Unit = Literal["degrees", "radians", "half-turns"]

UNITS: tuple[Unit, ...] = ("degrees", "radians", "half-turns")
_RADIANS = {"degrees": np.pi / 180, "radians": 1.0, "half-turns": np.pi}
FARTHEST_RAD = 1.9
"""No tracker reads a head that is turned further (109 degrees): greater numbers are degrees."""
_FARTHEST_SETTLED_RAD = 3.15
"""A bound that radians of a format with a settled unit do not exceed: single angles of a rotation
go up to half a turn."""


def in_radians(
    angles: Sequence[F64],
    unit: str | None,
    notes: list[str],
    *,
    usual: Unit,
    settled: bool = False,
    but: NDArray[np.bool_] | None = None,
) -> list[F64]:
    """The angles in radians; what was assumed is added to the notes.

    Parameters
    ----------
    angles : sequence of (N,) arrays
        In one unit, which may be unknown.
    unit : str or None
        What a person said it is; None to guess.
    notes : list of str
        Grows.
    usual : {"degrees", "radians", "half-turns"}
        What it is unless the numbers forbid it.
    settled : bool
        The format says so, and nothing need be said while the numbers do not contradict.
    but : (N,) bool, optional
        Rows that say nothing.
    """
    if unit is not None and unit not in UNITS:
        raise FormatError(f"Unknown unit {unit!r} of angles. Use {', '.join(UNITS)}.")
    table = np.abs(np.stack(angles))
    most = float(np.nanmax(table if but is None else np.where(but, 0, table), initial=0))
    farthest = _FARTHEST_SETTLED_RAD if settled else FARTHEST_RAD
    chosen = unit or ("degrees" if most * _RADIANS[usual] > farthest else usual)
    if unit is None and not (settled and chosen == usual):
        why = (
            "which is beyond what a head can do in another unit"
            if chosen != usual
            else "as usual in such files"
        )
        notes.append(
            f"Head angles go up to {most:.3g} and were taken for {chosen}, {why}. "
            "Others are set by icface convert --units."
        )
    return [angle * _RADIANS[chosen] for angle in angles]
