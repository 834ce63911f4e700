"""Drags of keys: moves and stretches, always relative to the start of the drag."""

from __future__ import annotations

from app.timeline.requests import TimelineRequests
from app.timeline.view import TimelineView
from app.widgets.gestures import next_gesture
from icface.document.edits import KeyName

_LEAST_FACTOR = 0.01
"""Smallest factor by which keys are stretched."""


class MoveDrag:
    """A drag that moves the selected keys.

    Parameters
    ----------
    view : TimelineView
    requests : TimelineRequests
    anchor : int
        Frame of the dragged key, which snaps.
    """

    def __init__(self, view: TimelineView, requests: TimelineRequests, anchor: int) -> None:
        self._view = view
        self._requests = requests
        self._names = view.keys
        self._anchor = anchor
        self._earliest = min(frame for _, frame in view.keys)
        self._gesture = next_gesture()
        self._last = (0, 0.0)

    def to(self, frame: int, value: float = 0.0) -> None:
        """Move the anchor to a frame, and raise all keys by a value."""
        wanted = self._view.snapped(frame, leave_out=(self._names, self._view.keys))
        by = max(wanted - self._anchor, -self._earliest)
        if (by, value) != self._last:
            self._last = (by, value)
            moved = frozenset([(target, frame + by) for target, frame in self._names])
            self._view.carry(
                moved, lambda: self._requests.keys_moved.emit(self._names, by, value, self._gesture)
            )


class ScaleDrag:
    """A drag that stretches the selected keys about their opposite end.

    Parameters
    ----------
    view : TimelineView
    requests : TimelineRequests
    anchor : int
        The dragged frame.
    """

    def __init__(self, view: TimelineView, requests: TimelineRequests, anchor: int) -> None:
        frames = [frame for _, frame in view.keys]
        first, last = min(frames), max(frames)
        self._view = view
        self._requests = requests
        self._names = view.keys
        self._pivot = first if anchor - first >= last - anchor else last
        self._anchor = anchor
        self._gesture = next_gesture()
        self._last = 1.0

    @staticmethod
    def is_possible(keys: frozenset[KeyName]) -> bool:
        """Whether keys lie on two frames or more."""
        return len({frame for _, frame in keys}) > 1

    def to(self, frame: int, value: float = 0.0) -> None:
        """Move the anchor to a frame; values stay."""
        del value
        wanted = self._view.snapped(frame, leave_out=(self._names, self._view.keys))
        factor = max((wanted - self._pivot) / (self._anchor - self._pivot), _LEAST_FACTOR)
        if factor != self._last:
            self._last = factor
            scaled = frozenset(
                (target, max(round(self._pivot + (at - self._pivot) * factor), 0))
                for target, at in self._names
            )
            self._view.carry(
                scaled,
                lambda: self._requests.keys_scaled.emit(
                    self._names, self._pivot, factor, self._gesture
                ),
            )


def nudge(view: TimelineView, requests: TimelineRequests, frames: int) -> None:
    """Move the selected keys by so many frames; each nudge is a step of the history."""
    if view.keys:
        by = max(frames, -min(frame for _, frame in view.keys))
        moved = frozenset((target, frame + by) for target, frame in view.keys)
        names = view.keys
        view.carry(moved, lambda: requests.keys_moved.emit(names, by, 0.0, next_gesture()))
