"""The bar over the lanes: play and step, where time stands, in and out points, and the switches of the timeline."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from app import theme
from app.actions import key_names
from app.timeline.time_scale import TimeTextError, parse_time, timecode
from app.timeline.view import TimelineView
from app.timeline.wishes import Wishes

_FIELD_W, _FIELD_MARGINS = 92, 20
"""Least width of a field of time, and what of it is not text, pixels."""


class TimeField(QLineEdit):
    """A time to read and to type: Return takes it, Escape leaves it.

    Parameters
    ----------
    name : str
        What it is, for assistive technology.
    tip : str
    parent : QWidget, optional
    """

    committed = Signal(object)
    """The frame that was typed; None for an emptied field."""
    left = Signal()
    """Typing is over."""

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frame: int | None = None
        self._shown = ""
        self._rate, self._present = Fraction(25), 0
        self.setAccessibleName(name)
        self.setToolTip(f"{tip}\nType a frame, a timecode, seconds (1.5s) or a step (+20, -5, +1:00)")
        self._fit("00:00:00:00")
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.textEdited.connect(lambda _text: self._mark(invalid=False))

    def show_frame(self, frame: int | None, rate: Fraction, present: int) -> None:
        """Show a frame as timecode, unless something is being typed; steps count from the present one."""
        if rate != self._rate:
            self._fit(timecode(0, rate))
        self._frame, self._rate, self._present = frame, rate, present
        self._shown = "" if frame is None else timecode(frame, rate)
        if not self.isModified():
            self.setText(self._shown)

    def _fit(self, text: str) -> None:
        """Make room for a time: at 1000 frames a second it is longer."""
        self.setFixedWidth(max(_FIELD_W, self.fontMetrics().horizontalAdvance(text) + _FIELD_MARGINS))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and Escape."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            if self._take():
                self.left.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self._restore()
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Choose all, so that typing replaces it."""
        super().focusInEvent(event)
        self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take what was typed if it is a time."""
        super().focusOutEvent(event)
        if self.isModified() and not self._take():
            self._restore()

    def _take(self) -> bool:
        if self.isModified():
            text = self.text().strip()
            try:
                frame = None if not text else parse_time(text, self._rate, self._present)
            except TimeTextError as error:
                self._mark(invalid=True)
                self.setAccessibleDescription(str(error))
                return False
            self._restore()
            self.committed.emit(frame)
        return True

    def _restore(self) -> None:
        self.setModified(False)
        self.setText(self._shown)
        self._mark(invalid=False)

    def _mark(self, *, invalid: bool) -> None:
        self.setProperty("invalid", invalid)
        self.style().polish(self)


class Transport(QWidget):
    """Buttons and fields of time.

    Parameters
    ----------
    view : TimelineView
    wishes : Wishes
    parent : QWidget, optional
    """

    curves_wanted = Signal(bool)
    """Curves instead of lanes."""
    auto_key_changed = Signal(bool)
    """Moving a slider sets a key."""
    left = Signal()
    """The keyboard goes back to the lanes."""

    def __init__(self, view: TimelineView, wishes: Wishes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self.wishes = wishes
        self.setObjectName("timeline-transport")
        self._icons: dict[QToolButton, str] = {}
        self._curves = False
        playhead = view.playhead
        self.first = self._button("first", "To the start (Home)", lambda: playhead.go_to(view.project.range[0]))
        self.back = self._button("step-back", "One frame back (Left)", lambda: playhead.step(-1))
        self.play = self._button("play", "Play or pause (Space)", playhead.toggle)
        self.on = self._button("step-on", "One frame on (Right)", lambda: playhead.step(1))
        self.last = self._button("last", "To the end (End)", lambda: playhead.go_to(view.project.range[1]))
        self.loop = self._switch("loop", "", key_names("Begin anew at the out point (Ctrl+L)"), playhead.set_loops)
        self.time = TimeField("Time", key_names("Where the playhead stands (Ctrl+T)"))
        self.frame = QLabel()
        self.in_field = TimeField("In point", "In point (I); empty it for the start")
        self.out_field = TimeField("Out point", "Out point (O); empty it for the end")
        self.speed = QLabel()
        self.snap = self._switch(
            "magnet", "Snap", "Keys that are dragged jump to playhead, keys, markers, in and out", view.set_snaps
        )
        self.auto_key = self._switch(
            "auto-key", "Auto-key", "Moving a slider sets a key on this frame", self.auto_key_changed.emit
        )
        self.lanes = self._switch("lanes", "Lanes", "Keys of all tracks", lambda on: self.show_curves(not on))
        self.curves = self._switch("curves", "Curves", "Curves of the chosen tracks", self.show_curves)
        self._build()
        self.time.committed.connect(self._go)
        self.in_field.committed.connect(lambda frame: wishes.range_set.emit(frame, _at_least(view.project.last, frame), 0))
        self.out_field.committed.connect(lambda frame: wishes.range_set.emit(_at_most(view.project.first, frame), frame, 0))
        for field in (self.time, self.in_field, self.out_field):
            field.left.connect(self.left)
        playhead.moved.connect(self._show_time)
        playhead.speed_changed.connect(self._show_speed)
        playhead.loop_changed.connect(self.loop.setChecked)
        view.project_changed.connect(self.show_project)
        self.loop.setChecked(playhead.loops)
        self.snap.setChecked(view.snaps)
        self.lanes.setChecked(True)
        self.show_project()
        self._show_speed(playhead.speed)

    # Building --------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        line = QHBoxLayout(self)
        line.setContentsMargins(10, 4, 12, 4)
        line.setSpacing(2)
        for button in (self.first, self.back, self.play, self.on, self.last, self.loop):
            line.addWidget(button)
        line.addSpacing(theme.GRID_PX)
        self.frame.setProperty("secondary", True)
        self.frame.setMinimumWidth(56)
        self.speed.setProperty("secondary", True)
        for title, field in (("", self.time), ("In", self.in_field), ("Out", self.out_field)):
            if title:
                label = QLabel(title)
                label.setProperty("secondary", True)
                label.setBuddy(field)
                line.addSpacing(theme.GRID_PX)
                line.addWidget(label)
                line.addSpacing(4)
            line.addWidget(field)
            if not title:
                line.addSpacing(6)
                line.addWidget(self.frame)
        line.addSpacing(theme.GRID_PX)
        line.addWidget(self.speed)
        line.addStretch(1)
        for button in (self.auto_key, self.snap):
            line.addWidget(button)
        line.addSpacing(2 * theme.GRID_PX)
        for button in (self.lanes, self.curves):
            line.addWidget(button)

    def _button(self, icon: str, tip: str, deed: Callable[[], object]) -> QToolButton:
        button = self._plain(icon, tip)
        button.clicked.connect(lambda _checked: deed())
        return button

    def _switch(self, icon: str, text: str, tip: str, deed: Callable[[bool], object]) -> QToolButton:
        button = self._plain(icon, tip)
        button.setCheckable(True)
        if text:
            button.setText(text)
            button.setAccessibleName(text)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.toggled.connect(deed)
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

    def retint(self) -> None:
        """Draw the icons in the colours of the theme."""
        for button, icon in self._icons.items():
            button.setIcon(theme.icon(icon))

    # Showing ---------------------------------------------------------------------------------------------------------

    def show_project(self) -> None:
        """Show the times of the document."""
        project, present = self.view.project, self.view.playhead.frame
        self.in_field.show_frame(project.first, project.rate, present)
        self.out_field.show_frame(project.last, project.rate, present)
        first, last = project.range
        self.in_field.setPlaceholderText(timecode(first, project.rate))
        self.out_field.setPlaceholderText(timecode(last, project.rate))
        self._show_time(present)

    def _show_time(self, frame: int) -> None:
        project = self.view.project
        self.time.show_frame(frame, project.rate, frame)
        self.frame.setText(f"frame {frame}")
        if not self.view.playhead.is_playing:
            self.speed.setText(f"{_figure(float(project.rate))} fps")

    def _show_speed(self, speed: float) -> None:
        playing = speed != 0
        self._icons[self.play] = "pause" if playing else "play"
        self.play.setIcon(theme.icon(self._icons[self.play]))
        self.play.setAccessibleName("Pause" if playing else "Play")
        self._show_time(self.view.playhead.frame)
        if playing:
            self.speed.setText(f"{_figure(speed)} \u00d7")

    def show_rate(self, shown: float) -> None:
        """Show how many frames a second are really seen while time runs."""
        wanted = float(self.view.project.rate)
        if self.view.playhead.is_playing:
            speed = self.view.playhead.speed
            often = "" if speed == 1 else f"{_figure(speed)} \u00d7, "
            self.speed.setText(f"{often}{shown:.1f} of {_figure(wanted)} fps")

    def show_curves(self, curves: bool) -> None:
        """Curves, or lanes."""
        if curves is not self._curves:
            self._curves = curves
            self.curves_wanted.emit(curves)
        self.curves.setChecked(curves)
        self.lanes.setChecked(not curves)

    def focus_time(self) -> None:
        """Put the cursor into the timecode."""
        self.time.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.time.selectAll()

    def _go(self, frame: int | None) -> None:
        self.wishes.frame_asked.emit(0 if frame is None else frame)


def _at_least(last: int | None, frame: int | None) -> int | None:
    return None if last is not None and frame is not None and last < frame else last


def _at_most(first: int | None, frame: int | None) -> int | None:
    return None if first is not None and frame is not None and first > frame else first


def _figure(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
