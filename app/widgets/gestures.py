"""What sliders, pad and canvas share of the way they are moved."""

from __future__ import annotations

import itertools

from PySide6.QtCore import Qt

FINE = 0.1
"""Factor on a movement while Shift is held."""

_numbers = itertools.count(1)


def fineness(modifiers: Qt.KeyboardModifier) -> float:
    """Factor on a movement made with these keys held."""
    return FINE if modifiers & Qt.KeyboardModifier.ShiftModifier else 1.0


def next_gesture() -> int:
    """A number that no earlier drag has: the second half of a merge key of the history."""
    return next(_numbers)
