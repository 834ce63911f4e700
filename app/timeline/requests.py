"""What a user asks the timeline for, in the terms of the document; `app.timeline.controller` does it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class TimelineRequests(QObject):
    """Signals that the parts of the timeline share. Names of keys are sets of (target, frame).

    Where a gesture is given, it numbers the drag: all its moves are counted from where it began,
    and are one step of the history.
    """

    keys_moved = Signal(object, int, float, int)
    """names where the drag began, frames, value, gesture."""
    keys_scaled = Signal(object, int, float, int)
    """names where the drag began, pivot frame, factor, gesture."""
    handle_moved = Signal(object, str, object, int)
    """names: one key, or those of both sides; "left" or "right", (frames, value) from the key,
    gesture."""
    key_added = Signal(object, int, object)
    """targets, frame, the amount by which the curve shall rise there, or None for a key that
    changes nothing."""
    keys_set = Signal(object, int)
    """targets (none: every control), frame: keys that keep what is shown."""
    keys_removed = Signal(object)
    keys_pasted = Signal(object, int)
    """`CopiedKeys`, frame."""
    interpolation_set = Signal(object, object, object)
    """names, interpolation in and out; None leaves one as it is."""
    mode_set = Signal(object, str)
    """targets, "delta" or "absolute"."""
    switch_set = Signal(object, str, bool)
    """targets; "muted", "solo" or "locked"; on."""
    tracks_reverted = Signal(object)
    """targets that go back to what is tracked."""
    marker_toggled = Signal(int)
    marker_renamed = Signal(int, str)
    in_point_set = Signal(object)
    """frame, or None for the start; an out point before it is cleared."""
    out_point_set = Signal(object)
    """frame, or None for the end; an in point after it is cleared."""
    range_set = Signal(object, object, int)
    """in and out point or None, gesture."""
    blend_set = Signal(object, int)
    """`Blend` or None, gesture."""
    length_set = Signal(object)
    """frames that a photo lasts; None for no longer than it must."""
    rate_set = Signal(object)
    """frames a second of a photo's document, a fraction."""
    frame_asked = Signal(int)
    """The playhead shall go there."""
    refused = Signal(str)
    """Something could not be done, and why."""
