"""What the panels of sources and of the mix ask for, whoever grants it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class DriverRequests(QObject):
    """One place for the signals of all cards and rows, so that each need not be passed on through every panel between."""

    add_asked = Signal()
    """Choose files to drive with."""
    files_dropped = Signal(object)
    """List of `Path`: to drive with."""
    renamed = Signal(str, str)
    """Name of a source, and another one."""
    removed = Signal(str)
    track_asked = Signal(str)
    stop_asked = Signal(str)
    """Digest of a clip that is being tracked."""
    person_chosen = Signal(str, int)
    """Name of a source, number of the person from 0."""
    drive_asked = Signal(str)
    """This source drives all of the chosen face."""
    driver_changed = Signal(str, str, object, int)
    """Name of a source; "missing", "smoothing" or "beyond"; its value; gesture number."""
    neutral_asked = Signal(str, str)
    """Name of a source; "playhead", "proposed" or "none"."""
    frame_picked = Signal(str)
    """The expression that a source shows under the playhead is wanted."""
    photo_pick_asked = Signal()
    """The expression of a photo to be chosen is wanted."""
    export_asked = Signal(str)
    """Name of a source whose tracking is to be written to a file; "" for the clip that is
    edited."""
    rule_set = Signal(object, int)
    """`MixRule`, gesture number."""
    rule_removed = Signal(str)
    """Group."""
    rule_value_set = Signal(str, str, float, int)
    """Group, "gain" or "offset", value, gesture number."""
    rule_key_asked = Signal(str, str)
    """Group, "gain" or "offset"."""
    sound_chosen = Signal(str)
    """As `icface.document.OutputSettings.sound`."""
