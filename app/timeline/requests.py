"""Requests of the timeline; `app.timeline.controller` carries them out."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class TimelineRequests(QObject):
    """Signals shared by the parts of the timeline. Names of keys are sets of (target, frame).

    A gesture number identifies a drag: its moves are relative to the start of the drag, and are one
    step of the history.
    """

    keys_moved = Signal(object, int, float, int)
    """names at the start of the drag, frames, value, gesture."""
    keys_scaled = Signal(object, int, float, int)
    """names at the start of the drag, pivot frame, factor, gesture."""
    handle_moved = Signal(object, str, object, int)
    """names: one key, or those of both sides; "left" or "right", (frames, value) from the key,
    gesture."""
    key_added = Signal(object, int, object)
    """targets, frame, amount by which the curve rises there, or None for a key on the curve."""
    keys_set = Signal(object, int)
    """targets (none: every control), frame: set keys on the current values."""
    keys_removed = Signal(object)
    keys_pasted = Signal(object, int)
    """`CopiedKeys`, frame."""
    interpolation_set = Signal(object, object, object)
    """names, interpolation in and out; None keeps a side unchanged."""
    mode_set = Signal(object, str)
    """targets, "delta" or "absolute"."""
    switch_set = Signal(object, str, bool)
    """targets; "muted", "solo" or "locked"; on."""
    tracks_reverted = Signal(object)
    """targets that lose all their keys."""
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
    """length of a photo's document in frames; None for the shortest."""
    rate_set = Signal(object)
    """frame rate of a photo's document, a fraction."""
    frame_asked = Signal(int)
    """frame for the playhead."""
    refused = Signal(str)
    """Reason why a request was refused."""
