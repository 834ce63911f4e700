"""Heads that lie on their side or stand on their head: the quarter turn from which roll counts."""

from __future__ import annotations

UPRIGHT_DEG = 67.5
"""A head that is rolled further lies on its side or stands on its head; closer to upright it is
only tilted."""


def lying_deg(roll_deg: float) -> float:
    """The quarter turn of a lying head, 90, 180 or -90 degrees; 0 for one upright or tilted."""
    turn = (roll_deg + 180.0) % 360.0 - 180.0
    quarters = round(turn / 90.0) if abs(turn) > UPRIGHT_DEG else 0
    return 180.0 if abs(quarters) == 2 else 90.0 * quarters


def roll_about(roll_deg: float, quarter_deg: float) -> float:
    """A roll counted from a quarter turn, -180..180 degrees."""
    return (roll_deg - quarter_deg + 180.0) % 360.0 - 180.0
