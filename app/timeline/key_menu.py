"""Context menus of keys, lanes and the ruler."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget, QWidgetAction

from app.timeline.requests import TimelineRequests
from app.timeline.sheet import Lane
from app.timeline.view import TimelineView
from icface.document import Project
from icface.document.curves import Blend
from icface.document.edits import CopiedKeys, copy_keys

INTERPOLATIONS: tuple[tuple[str, str], ...] = (
    ("hold", "Hold"),
    ("linear", "Linear"),
    ("ease", "Ease"),
    ("bezier", "Bezier"),
)


def open_key_menu(
    owner: QWidget, view: TimelineView, requests: TimelineRequests, lane: Lane | None, place: QPoint
) -> None:
    """Open the menu of the selected keys and of a lane at a point of the screen."""
    menu = QMenu(owner)
    keys = view.keys
    for value, text in INTERPOLATIONS:
        action = menu.addAction(text)
        action.setEnabled(bool(keys))
        action.triggered.connect(partial(_set_interpolation, requests, keys, value, value))
    for side, title in (("left", "Interpolation in"), ("right", "Interpolation out")):
        part = menu.addMenu(title)
        part.setEnabled(bool(keys))
        for value, text in INTERPOLATIONS:
            if (side, value) != ("left", "hold"):
                ways = (value, None) if side == "left" else (None, value)
                part.addAction(text).triggered.connect(
                    partial(_set_interpolation, requests, keys, *ways)
                )
    menu.addSeparator()
    for text, handler, possible in (
        ("Copy", partial(copy_selected, view), bool(keys)),
        ("Paste at the playhead", partial(paste, view, requests), view.copied is not None),
        ("Delete", partial(_remove, requests, keys), bool(keys)),
    ):
        action = menu.addAction(text)
        action.setEnabled(possible)
        action.triggered.connect(handler)
    if lane is not None:
        menu.addSeparator()
        _add_lane(menu, view, requests, lane)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.popup(place)


def _add_lane(menu: QMenu, view: TimelineView, requests: TimelineRequests, lane: Lane) -> None:
    frame = view.playhead.frame
    menu.addAction(f"Key at the playhead: {lane.name}").triggered.connect(
        lambda: requests.keys_set.emit(lane.targets, frame)
    )
    keyed = tuple(part.track.target for part in lane.parts)
    for switch, text in (("muted", "Mute"), ("solo", "Solo"), ("locked", "Lock")):
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(lane.every(switch))
        action.setEnabled(lane.is_keyed)
        action.triggered.connect(partial(requests.switch_set.emit, keyed, switch))
    absolute = menu.addAction("Replace the tracking")
    absolute.setCheckable(True)
    absolute.setChecked(lane.mode == "absolute")
    absolute.setEnabled(lane.is_keyed and not lane.is_group)
    absolute.triggered.connect(
        lambda on: requests.mode_set.emit(keyed, "absolute" if on else "delta")
    )
    revert = menu.addAction("Remove all keys")
    revert.setEnabled(lane.is_keyed)
    revert.triggered.connect(lambda: requests.tracks_reverted.emit(keyed))
    menu.addSeparator()
    everything = menu.addAction("Show all controls")
    everything.setCheckable(True)
    everything.setChecked(view.everything)
    everything.triggered.connect(view.show_everything)


def open_time_menu(
    owner: QWidget, view: TimelineView, requests: TimelineRequests, frame: int, place: QPoint
) -> None:
    """Open the menu of the ruler for a frame: marker, in and out points, and blend."""
    menu = QMenu(owner)
    project = view.project
    marker = next((one for one in project.markers if one.frame == frame), None)
    menu.addAction("Remove the marker" if marker else "Set a marker").triggered.connect(
        lambda: requests.marker_toggled.emit(frame)
    )
    if marker is not None:
        field = QLineEdit(marker.text, menu)
        field.setPlaceholderText("Name of the marker")
        field.setAccessibleName("Name of the marker")
        field.returnPressed.connect(lambda: requests.marker_renamed.emit(frame, field.text()))
        field.returnPressed.connect(menu.close)
        holder = QWidgetAction(menu)
        holder.setDefaultWidget(field)
        menu.addAction(holder)
    menu.addSeparator()
    menu.addAction("Set the in point").triggered.connect(lambda: requests.in_point_set.emit(frame))
    menu.addAction("Set the out point").triggered.connect(
        lambda: requests.out_point_set.emit(frame)
    )
    clear = menu.addAction("Clear in and out")
    clear.setEnabled(project.first is not None or project.last is not None)
    clear.triggered.connect(lambda: requests.range_set.emit(None, None, 0))
    menu.addSeparator()
    _add_blend(menu, requests, project)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.popup(place)


def _add_blend(menu: QMenu, requests: TimelineRequests, project: Project) -> None:
    edits = project.face_edits
    if edits is not None and edits.blend is not None:
        menu.addAction("Remove the blend").triggered.connect(
            lambda: requests.blend_set.emit(None, 0)
        )
        return
    first, last = project.range
    fade = min(round(project.rate / 2), (last - first + 1) // 3)
    blend = menu.addAction("Blend the edits in and out over the range")
    blend.setEnabled(edits is not None)
    blend.triggered.connect(
        lambda: requests.blend_set.emit(
            Blend(first=first, last=last, fade_in=fade, fade_out=fade), 0
        )
    )


def copy_selected(view: TimelineView) -> None:
    """Copy the selected keys."""
    if view.keys:
        view.copied = copy_keys(view.project, view.keys)


def paste(view: TimelineView, requests: TimelineRequests) -> None:
    """Paste the copied keys at the playhead, and select them."""
    if view.copied is not None:
        lay_down(view, requests, view.copied)


def lay_down(view: TimelineView, requests: TimelineRequests, copied: CopiedKeys) -> None:
    """Insert keys at the playhead, and select them."""
    frame = view.playhead.frame
    names = frozenset(
        (track.target, frame + key.frame) for track in copied.tracks for key in track.keys
    )
    view.carry(names, lambda: requests.keys_pasted.emit(copied, frame))


def _set_interpolation(
    requests: TimelineRequests, keys: object, incoming: str | None, outgoing: str | None
) -> None:
    requests.interpolation_set.emit(keys, incoming, outgoing)


def _remove(requests: TimelineRequests, keys: object) -> None:
    requests.keys_removed.emit(keys)
