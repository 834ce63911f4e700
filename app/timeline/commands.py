"""Handlers of the actions of the Playback and Keys menus."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QWidget,
)

from app.actions import key_names
from app.settings import Settings
from app.timeline.key_drag import nudge
from app.timeline.key_menu import copy_selected, lay_down, paste
from app.timeline.panel import TimelinePanel
from app.widgets.number_field import KEEPS_ARROWS
from icface.document import Project
from icface.document.curves import Interpolation
from icface.document.edits import copy_keys

_LEAP = 10
"""Frames of a leap or a large nudge."""
_NOTHING_SELECTED = "Select a lane or a slider first: it gets the key."
_NO_KEYS_SELECTED = key_names(
    "Select keys first: click one, draw a box around some, or press Ctrl+A."
)
_NO_KEYS_SHOWN = (
    "There are no keys to select here: they are not set yet, or their lanes are locked."
)
_MOVING = (
    "shuttle_back",
    "stop",
    "shuttle_on",
    "start",
    "end",
)
_EDITING = ("set_key", "key_all")
_OF_KEYS = (
    "prev_key",
    "next_key",
    "delete_keys",
    "cut_keys",
    "duplicate_keys",
    "all_keys",
    "nudge_back",
    "nudge_on",
    "nudge_back_10",
    "nudge_on_10",
    "ease",
    "ease_in",
    "ease_out",
)
_ANY = (
    "play",
    "step_back",
    "step_on",
    "leap_back",
    "leap_on",
    "loop",
    "set_in",
    "set_out",
    "go_in",
    "go_out",
    "marker",
    "timecode",
    "curves",
    "fit_curves",
)


class TimelineCommands:
    """Handlers of actions, by their ids in `app.actions`.

    Parameters
    ----------
    panel : TimelinePanel
    settings : Settings
    """

    def __init__(self, panel: TimelinePanel, settings: Settings) -> None:
        self._panel = panel
        self._settings = settings
        self._view = panel.view
        self._requests = panel.requests
        self._playhead = panel.view.playhead
        self._holds_k = False
        self._is_lively = False
        self._switch: QAction | None = None
        panel.setVisible(False)

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Handlers by action id."""
        playhead, view = self._playhead, self._view
        return {
            "play": playhead.toggle,
            "shuttle_back": lambda: self._shuttle(-1),
            "stop": self._hold,
            "shuttle_on": lambda: self._shuttle(1),
            "step_back": lambda: playhead.step(-1),
            "step_on": lambda: playhead.step(1),
            "leap_back": lambda: playhead.step(-_LEAP),
            "leap_on": lambda: playhead.step(_LEAP),
            "start": lambda: playhead.go_to(0),
            "end": lambda: playhead.go_to(view.project.n_frames - 1),
            "prev_key": lambda: self._jump(view.key_frames(), -1),
            "next_key": lambda: self._jump(view.key_frames(), 1),
            "prev_mark": lambda: self._jump(self._marks(), -1),
            "next_mark": lambda: self._jump(self._marks(), 1),
            "loop": playhead.set_loops,
            "timecode": self._type_time,
            "curves": self._show_curves,
            "fit_curves": self._panel.fit_curves,
            "nudge_back": lambda: self._nudge(-1),
            "nudge_on": lambda: self._nudge(1),
            "nudge_back_10": lambda: self._nudge(-_LEAP),
            "nudge_on_10": lambda: self._nudge(_LEAP),
            "timeline": self._toggled,
            "auto_key": self._panel.transport.auto_key.setChecked,
            **self._key_handlers(),
            **self._range_handlers(),
        }

    def _key_handlers(self) -> dict[str, Callable[..., object]]:
        requests = self._requests
        return {
            "set_key": self._set_keys,
            "key_all": lambda: requests.keys_set.emit((), self._playhead.frame),
            "delete_keys": self._delete,
            "cut_keys": self._cut,
            "duplicate_keys": self._duplicate,
            "all_keys": self._select_all,
            "ease": lambda: self._ease("ease", "ease"),
            "ease_in": lambda: self._ease("ease", None),
            "ease_out": lambda: self._ease(None, "ease"),
        }

    def _range_handlers(self) -> dict[str, Callable[..., object]]:
        playhead, view, requests = self._playhead, self._view, self._requests
        return {
            "marker": lambda: requests.marker_toggled.emit(playhead.frame),
            "set_in": lambda: requests.in_point_set.emit(playhead.frame),
            "set_out": lambda: requests.out_point_set.emit(playhead.frame),
            "go_in": lambda: playhead.go_to(view.project.range[0]),
            "go_out": lambda: playhead.go_to(view.project.range[1]),
            "clear_range": lambda: requests.range_set.emit(None, None, 0),
        }

    # State --------------------------------------------------------------------------------------

    def apply(self, project: Project, actions: Mapping[str, QAction]) -> None:
        """Enable the actions that a document allows; show the timeline once it is needed."""
        for names, useful in (
            (_MOVING, project.is_moving),
            (_EDITING, project.face is not None),
            (_OF_KEYS, bool(self._view.all_lanes)),
            (("prev_mark", "next_mark"), bool(self._marks())),
            (("clear_range",), project.first is not None or project.last is not None),
            (_ANY, bool(project.source)),
        ):
            for name in names:
                actions[name].setEnabled(useful)
        self._switch = actions["timeline"]
        lively = project.is_moving or any(edits.tracks for edits in project.edits)
        if lively is not self._is_lively:
            self._is_lively = lively
            self._switch.setChecked(lively and self._settings.shows_timeline)

    def _toggled(self, shown: bool) -> None:
        if not shown:
            self._panel.leave()
        self._panel.setVisible(shown)
        if self._is_lively:
            self._settings.shows_timeline = shown

    # Commands -------------------------------------------------------------------------------------

    def _hold(self) -> None:
        self._holds_k = True
        self._playhead.pause()

    def let_go(self) -> None:
        """The K key was released."""
        self._holds_k = False

    def _shuttle(self, direction: int) -> None:
        if self._holds_k:
            self._playhead.step(direction)
        else:
            self._playhead.shuttle(direction)

    def _jump(self, frames: frozenset[int], direction: int) -> None:
        here = self._playhead.frame
        beyond = [frame for frame in frames if (frame - here) * direction > 0]
        if beyond:
            self._playhead.pause()
            self._playhead.go_to(min(beyond) if direction > 0 else max(beyond))

    def _marks(self) -> frozenset[int]:
        """Frames of markers and of tracking problems."""
        quality = self._view.tracking_quality
        problems = frozenset[int]() if quality is None else frozenset(quality[1].problems.tolist())
        return problems | {marker.frame for marker in self._view.project.markers}

    def _bring_up(self) -> None:
        if self._switch is not None:
            self._switch.setChecked(True)

    def _show_curves(self, curves: bool) -> None:
        if curves:
            self._bring_up()
        self._panel.transport.show_curves(curves)

    def _type_time(self) -> None:
        self._bring_up()
        self._panel.transport.focus_time()

    def _set_keys(self) -> None:
        targets = self._view.selected_targets
        if targets:
            self._requests.keys_set.emit(targets, self._playhead.frame)
        else:
            self._requests.refused.emit(_NOTHING_SELECTED)

    def _ease(self, incoming: Interpolation | None, outgoing: Interpolation | None) -> None:
        if self._has_keys():
            self._requests.interpolation_set.emit(self._view.keys, incoming, outgoing)

    def _has_keys(self) -> bool:
        """Whether keys are selected; says how to select some if none are."""
        if not self._view.keys:
            self._requests.refused.emit(_NO_KEYS_SELECTED)
        return bool(self._view.keys)

    def _nudge(self, frames: int) -> None:
        if self._has_keys():
            nudge(self._view, self._requests, frames)

    def _delete(self) -> None:
        if self._has_keys():
            self._requests.keys_removed.emit(self._view.keys)

    def toggle_key(self, row: str) -> None:
        """Remove the keys of a row at the playhead, or set them if one is missing."""
        frame = self._playhead.frame
        lane = next((one for one in self._view.all_lanes if one.id == row), None)
        there = frozenset() if lane is None else lane.names_at(frame)
        self._view.select_lanes((row,))
        if lane is not None and len(there) == len(lane.targets):
            self._requests.keys_removed.emit(there)
        else:
            self._set_keys()

    def copy(self) -> bool:
        """Copy the selected keys if the timeline has the focus; return whether it did."""
        if not (self._panel.has_keyboard and self._view.keys):
            return False
        copy_selected(self._view)
        return True

    def paste(self) -> bool:
        """Paste keys at the playhead if the timeline has the focus; return whether it did."""
        if not (self._panel.has_keyboard and self._view.copied is not None):
            return False
        paste(self._view, self._requests)
        return True

    def _cut(self) -> None:
        if self._has_keys():
            copy_selected(self._view)
            self._requests.keys_removed.emit(self._view.keys)

    def _duplicate(self) -> None:
        if self._has_keys():
            lay_down(self._view, self._requests, copy_keys(self._view.project, self._view.keys))

    def _select_all(self) -> None:
        """Select every key that is shown: of all lanes, folded or not, or of the curves."""
        self._bring_up()
        last = self._view.length + 1
        self._view.select_keys(
            name for lane in self._panel.lanes_shown for name in lane.names_between(0, last)
        )
        if not self._view.keys:
            self._requests.refused.emit(_NO_KEYS_SHOWN)


def keeps_key(widget: QWidget | None, event: QEvent) -> bool:
    """Whether a focused widget needs a key itself, such as a list its arrows, Home and End."""
    if not isinstance(event, QKeyEvent) or widget is None:
        return False
    if event.modifiers() & ~(
        Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
    ):
        return False
    key = Qt.Key
    own = {
        key.Key_Left,
        key.Key_Right,
        key.Key_Up,
        key.Key_Down,
        key.Key_Home,
        key.Key_End,
        key.Key_Delete,
        key.Key_Backspace,
    }
    kinds = (QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox)
    said = widget.property(KEEPS_ARROWS)
    return event.key() in own and (isinstance(widget, kinds) if said is None else bool(said))
