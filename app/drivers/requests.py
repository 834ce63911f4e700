"""Requests of the driver cards and of the mix panel."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class DriverRequests(QObject):
    """The signals of all cards and rows, so that no panel between has to forward them."""

    add_asked = Signal()
    """Ask for files to add as drivers."""
    files_dropped = Signal(object)
    """List of `Path` to add as drivers."""
    renamed = Signal(str, str)
    """Name of a driver; its new name."""
    removed = Signal(str)
    track_asked = Signal(str)
    stop_asked = Signal(str)
    """Digest of a clip that is being tracked."""
    person_chosen = Signal(str, int)
    """Name of a driver; number of the person, from 0."""
    drive_asked = Signal(str)
    """Name of the driver that shall drive the whole selected face."""
    driver_changed = Signal(str, str, object, int)
    """Name of a driver; "missing", "smoothing" or "beyond"; its value; gesture number."""
    neutral_asked = Signal(str, str)
    """Name of a driver; "playhead", "proposed" or "none"."""
    frame_picked = Signal(str)
    """Name of the driver whose expression at the playhead shall be copied."""
    photo_pick_asked = Signal()
    """Ask for a photo and copy its expression."""
    export_asked = Signal(str)
    """Name of the driver whose tracking is exported; "" for the source clip."""
    rule_set = Signal(object, int)
    """`MixRule`, gesture number."""
    rule_removed = Signal(str)
    """Group."""
    rule_value_set = Signal(str, str, float, int)
    """Group, "gain" or "offset", value, gesture number."""
    rule_key_asked = Signal(str, str)
    """Group, "gain" or "offset"."""
    sound_chosen = Signal(str)
    """A value of `icface.document.OutputSettings.sound`."""
