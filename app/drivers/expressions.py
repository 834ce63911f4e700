"""Expressions that are copied from a photo or a frame to a face."""

from __future__ import annotations

from icface.face.controls import ACTION_UNITS

SAME_SIDES = 0.08
"""Sides of an Action Unit that differ by less than this, 0..1, are made equal."""


def symmetric(values: dict[str, float]) -> dict[str, float]:
    """Values by control id; nearly equal sides get their mean, so that they can stay linked."""
    result = dict(values)
    for unit in ACTION_UNITS:
        sides = [values[control] for control in unit.control_ids]
        if max(sides) - min(sides) < SAME_SIDES:
            result |= dict.fromkeys(unit.control_ids, sum(sides) / len(sides))
    return result
