"""The transport bar: playback, time, in and out points, and the switches of the timeline."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

from app import theme
from app.actions import with_keys
from app.numbers import with_minus
from app.timeline.requests import TimelineRequests
from app.timeline.time_fields import RateField, TimeField
from app.timeline.time_scale import rate_text
from app.timeline.view import TimelineView
from app.widgets.plain_text import PlainLabel
from icface.motion.timecode import timecode

_LONGEST = "\u22128 \u00d7, 59.9 of 60 fps"
"""Longest text of the speed."""
_SHORTEST = "119.9 fps"
"""Longest text of the speed in a narrow window."""
_CLOSEST = 3
"""Level of the narrowest layout."""


class Transport(QWidget):
    """Buttons and fields for time.

    Parameters
    ----------
    view : TimelineView
    requests : TimelineRequests
    parent : QWidget, optional
    """

    curves_toggled = Signal(bool)
    """Whether curves are shown instead of lanes."""
    auto_key_changed = Signal(bool)
    """Whether moving a slider sets a key."""
    left = Signal()
    """The keyboard focus returns to the lanes."""

    def __init__(
        self, view: TimelineView, requests: TimelineRequests, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.view = view
        self.requests = requests
        self.setObjectName("timeline-transport")
        self._icons: dict[QToolButton, str] = {}
        self._curves = False
        self._level = 0
        self._widths: dict[tuple[int, bool, int], int] = {}
        playhead = view.playhead
        self.first = self._button(
            "first",
            with_keys("To the in point", "go_in"),
            lambda: playhead.go_to(view.project.range[0]),
        )
        self.back = self._button(
            "step-back", with_keys("One frame back", "step_back"), lambda: playhead.step(-1)
        )
        self.play = self._button("play", with_keys("Play or pause", "play"), playhead.toggle)
        self.on = self._button(
            "step-on", with_keys("One frame forward", "step_on"), lambda: playhead.step(1)
        )
        self.last = self._button(
            "last",
            with_keys("To the out point", "go_out"),
            lambda: playhead.go_to(view.project.range[1]),
        )
        self.loop = self._switch(
            "loop", "", with_keys("Loop at the out point", "loop"), playhead.set_loops
        )
        self.time = TimeField("Time", with_keys("Time at the playhead", "timecode"))
        self.frame = PlainLabel()
        self.in_field = TimeField(
            "In point", f"{with_keys('In point', 'set_in')}. Leave empty for the start"
        )
        self.out_field = TimeField(
            "Out point", f"{with_keys('Out point', 'set_out')}. Leave empty for the end"
        )
        self.length_title = PlainLabel("Length")
        self.length = TimeField(
            "Length", "Length of the document. Leave empty for the length of its keys and drivers"
        )
        self.rate = RateField()
        self.speed = PlainLabel()
        self.snap = self._switch(
            "magnet",
            "Snap",
            "Dragged keys snap to the playhead, keys, markers, in and out points",
            view.set_snaps,
        )
        self.auto_key = self._switch(
            "auto-key",
            "Auto-key",
            "Moving a slider sets a key on this frame",
            self.auto_key_changed.emit,
        )
        self.lanes = self._switch(
            "lanes", "Lanes", "Keys of all tracks", lambda on: self.show_curves(not on)
        )
        self.curves = self._switch(
            "curves",
            "Curves",
            with_keys("Curves of the selected tracks", "curves"),
            self.show_curves,
        )
        self._build()
        self._connect()
        self.loop.setChecked(playhead.loops)
        self.snap.setChecked(view.snaps)
        self.lanes.setChecked(True)
        self._spell(0)
        self.show_project()
        self._show_speed(playhead.speed)

    # Building -------------------------------------------------------------------------------------

    def _build(self) -> None:
        line = self._line = QHBoxLayout(self)
        line.setContentsMargins(10, 4, 12, 4)
        line.setSpacing(2)
        for button in (self.first, self.back, self.play, self.on, self.last, self.loop):
            line.addWidget(button)
        line.addSpacing(theme.GRID_PX)
        self.frame.setProperty("secondary", True)
        self.frame.setMinimumWidth(56)
        self.speed.setProperty("secondary", True)
        self.speed.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        line.addWidget(self.time)
        line.addSpacing(6)
        line.addWidget(self.frame)
        for label, field in (
            (PlainLabel("In"), self.in_field),
            (PlainLabel("Out"), self.out_field),
            (self.length_title, self.length),
        ):
            label.setProperty("secondary", True)
            label.setBuddy(field)
            line.addSpacing(theme.GRID_PX)
            line.addWidget(label)
            line.addSpacing(4)
            line.addWidget(field)
        line.addSpacing(theme.GRID_PX)
        line.addWidget(self.rate)
        line.addSpacing(4)
        line.addWidget(self.speed, 1)
        for button in (self.auto_key, self.snap):
            line.addWidget(button)
        line.addSpacing(2 * theme.GRID_PX)
        for button in (self.lanes, self.curves):
            line.addWidget(button)
        line.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)

    def _connect(self) -> None:
        view, requests, playhead = self.view, self.requests, self.view.playhead
        self.time.committed.connect(self._go)
        self.in_field.committed.connect(requests.in_point_set)
        self.out_field.committed.connect(requests.out_point_set)
        self.length.committed.connect(requests.length_set)
        self.rate.committed.connect(self._set_rate)
        for field in (self.time, self.in_field, self.out_field, self.length, self.rate):
            field.left.connect(self.left)
        playhead.moved.connect(self._show_time)
        playhead.speed_changed.connect(self._show_speed)
        playhead.loop_changed.connect(self.loop.setChecked)
        view.project_changed.connect(self.show_project)

    def _button(self, icon: str, tip: str, action: Callable[[], object]) -> QToolButton:
        button = self._plain(icon, tip)
        button.clicked.connect(lambda _checked: action())
        return button

    def _switch(
        self, icon: str, text: str, tip: str, action: Callable[[bool], object]
    ) -> QToolButton:
        button = self._plain(icon, tip)
        button.setCheckable(True)
        if text:
            button.setText(text)
            button.setToolTip(f"{text}\n{tip}")
            button.setAccessibleName(text)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.toggled.connect(action)
        return button

    def _plain(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setAutoRaise(True)
        button.setIconSize(QSize(16, 16))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(tip)
        button.setAccessibleName(tip.split(" (", maxsplit=1)[0])
        button.setIcon(theme.icon(icon))
        self._icons[button] = icon
        return button

    # Layout ---------------------------------------------------------------------------------------

    def minimumSizeHint(self) -> QSize:
        """Width of the narrowest layout."""
        return QSize(self._width_at(_CLOSEST), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the layout that fits the width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Choose the widest layout that fits."""
        spelled = next(
            (level for level in range(_CLOSEST) if self._width_at(level) <= self.width()), _CLOSEST
        )
        if spelled != self._level:
            self._level = spelled
            self._spell(spelled)
            self._line.activate()

    def _width_at(self, level: int) -> int:
        """Width of the layout at a level, pixels."""
        key = level, self.view.project.clip is None, self.time.width()
        if key not in self._widths:
            self._spell(level)
            self._widths[key] = self._line.minimumSize().width()
            self._spell(self._level)
        return self._widths[key]

    def _spell(self, level: int) -> None:
        """Set the layout: 1 hides texts of switches, 2 the frame number, 3 buttons at the ends."""
        both, icon = (
            Qt.ToolButtonStyle.ToolButtonTextBesideIcon,
            Qt.ToolButtonStyle.ToolButtonIconOnly,
        )
        for button in (self.auto_key, self.snap, self.lanes, self.curves):
            button.setToolButtonStyle(both if level < 1 else icon)
        self.frame.setVisible(level < 2)
        self.speed.setMinimumWidth(
            self.speed.fontMetrics().horizontalAdvance(_LONGEST if level < 2 else _SHORTEST)
        )
        for button in (self.first, self.last):
            button.setVisible(level < 3)
        self._line.invalidate()

    def retint(self) -> None:
        """Draw the icons in the colours of the theme."""
        for button, icon in self._icons.items():
            button.setIcon(theme.icon(icon))

    # Showing --------------------------------------------------------------------------------------

    def show_project(self) -> None:
        """Show the times of the document."""
        project, present = self.view.project, self.view.playhead.frame
        self.in_field.show_frame(project.first, project.rate, present)
        self.out_field.show_frame(project.last, project.rate, present)
        is_photo = project.clip is None
        for part in (self.length_title, self.length, self.rate):
            part.setVisible(is_photo)
        self.length.show_frame(
            project.n_frames if project.is_moving else None, project.rate, project.n_frames
        )
        self.length.setPlaceholderText(timecode(self.view.length, project.rate))
        self.rate.show_rate(project.rate)
        first, last = project.range
        self.in_field.setPlaceholderText(timecode(first, project.rate))
        self.out_field.setPlaceholderText(timecode(last, project.rate))
        self._show_time(present)
        self._fit()

    def _show_time(self, frame: int) -> None:
        project = self.view.project
        self.time.show_frame(frame, project.rate, frame)
        self.frame.setText(f"frame {frame}")
        if not self.view.playhead.is_playing:
            self.speed.setText("fps" if project.clip is None else f"{rate_text(project.rate)} fps")

    def _show_speed(self, speed: float) -> None:
        playing = speed != 0
        self._icons[self.play] = "pause" if playing else "play"
        self.play.setIcon(theme.icon(self._icons[self.play]))
        self.play.setAccessibleName("Pause" if playing else "Play")
        self._show_time(self.view.playhead.frame)
        if playing:
            self.speed.setText(f"{_figure(speed)} \u00d7")

    def show_rate(self, shown: float) -> None:
        """Show the measured frame rate of playback."""
        wanted = self.view.project.rate
        if self.view.playhead.is_playing:
            speed = self.view.playhead.speed
            often = "" if speed == 1 else f"{_figure(speed)} \u00d7, "
            whole = f"{often}{shown:.1f} of {rate_text(wanted)} fps"
            self.speed.setText(whole if self._level < 2 else f"{shown:.1f} fps")

    def show_curves(self, curves: bool) -> None:
        """Show curves, or lanes."""
        if curves is not self._curves:
            self._curves = curves
            self.curves_toggled.emit(curves)
        self.curves.setChecked(curves)
        self.lanes.setChecked(not curves)

    def focus_time(self) -> None:
        """Focus the time field."""
        self.time.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.time.selectAll()

    def _set_rate(self, rate: object) -> None:
        if rate is not None:
            self.requests.rate_set.emit(rate)

    def _go(self, frame: int | None) -> None:
        self.requests.frame_asked.emit(0 if frame is None else frame)


def _figure(value: float) -> str:
    return with_minus(f"{value:.2f}".rstrip("0").rstrip("."))
