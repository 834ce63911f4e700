"""Drag gestures, shared by sliders, the gaze pad and the canvas."""

from __future__ import annotations

import itertools

from PySide6.QtCore import Qt

FINE = 0.1
"""Factor on a drag while Shift is held."""

_numbers = itertools.count(1)


def fineness(modifiers: Qt.KeyboardModifier) -> float:
    """Factor on a drag made with these modifier keys."""
    return FINE if modifiers & Qt.KeyboardModifier.ShiftModifier else 1.0


def next_gesture() -> int:
    """A new gesture id; edits with one id merge into one undo step."""
    return next(_numbers)
