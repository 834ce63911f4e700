"""Fields of the transport that show a time or a frame rate, and let it be typed."""

from __future__ import annotations

from fractions import Fraction

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.timeline.time_scale import TimeTextError, parse_rate, parse_time, rate_text
from app.widgets.refusals import accept, refuse
from icface.document.project import MOST_RATE
from icface.motion.timecode import timecode

_MIN_TIME_W = 92
"""Minimum width of a time field, logical pixels."""
_MARGINS = 20
"""Width of a time field without its text, logical pixels."""
_RATE_W = 52
"""Width of the field of the frame rate, logical pixels."""
_STEPS = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
"""Steps of the keys that change a value."""


class TypedField(QLineEdit):
    """A field with a typed value: Return accepts it, Escape restores it; an invalid text is marked.

    Parameters
    ----------
    name : str
        Name for assistive technology.
    tip : str
    parent : QWidget, optional
    """

    committed = Signal(object)
    """The typed value; None for an empty field."""
    left = Signal()
    """Return or Escape was pressed."""

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ""
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.textEdited.connect(lambda _text: accept(self))

    def parse(self, text: str) -> object:
        """The value in a text; `TimeTextError` if there is none."""
        raise NotImplementedError

    def stepped(self, value: object, steps: int) -> str:
        """Text of the value after so many steps."""
        raise NotImplementedError

    def event(self, event: QEvent) -> bool:
        """Accept Up and Down before the window takes them as shortcuts."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in _STEPS
        ):
            event.accept()
            return True
        return super().event(event)

    def show_text(self, text: str) -> None:
        """Show a value, unless text is being typed."""
        self._shown = text
        if not self.isModified():
            self.setText(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle Return, Escape, and Up and Down, which step the value until Return accepts it."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            if self._take():
                self.left.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self._restore()
            self.left.emit()
        elif event.key() in _STEPS:
            self._step(_STEPS[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def _step(self, steps: int) -> None:
        try:
            text = self.stepped(self.parse(self.text() or self.placeholderText()), steps)
        except TimeTextError as error:
            refuse(self, str(error))
            return
        self.setText(text)
        self.setModified(True)
        self.selectAll()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Select the text, so that typing replaces it."""
        super().focusInEvent(event)
        self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Accept a valid text, restore the value otherwise."""
        super().focusOutEvent(event)
        if self.isModified() and not self._take():
            self._restore()

    def _take(self) -> bool:
        if self.isModified():
            text = self.text().strip()
            try:
                value = self.parse(text) if text else None
            except TimeTextError as error:
                refuse(self, str(error))
                return False
            self._restore()
            self.committed.emit(value)
        return True

    def _restore(self) -> None:
        self.setModified(False)
        self.setText(self._shown)
        accept(self)


class TimeField(TypedField):
    """A field for a frame of the document, shown as timecode.

    Parameters
    ----------
    name, tip : str
    parent : QWidget, optional
    """

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(
            name,
            f"{tip}\nType a frame, a timecode, seconds (1.5s) or a step (+20, -5, +1:00)",
            parent,
        )
        self._rate, self._present = Fraction(25), 0
        self._fit("00:00:00:00")

    def show_frame(self, frame: int | None, rate: Fraction, present: int) -> None:
        """Show a frame as timecode, unless text is being typed; steps count from `present`."""
        if rate != self._rate:
            self._fit(timecode(0, rate))
        self._rate, self._present = rate, present
        self.show_text("" if frame is None else timecode(frame, rate))

    def parse(self, text: str) -> int:
        """The frame in a text."""
        return parse_time(text, self._rate, self._present)

    def stepped(self, value: object, steps: int) -> str:
        """Timecode so many frames later or earlier."""
        assert isinstance(value, int)
        return timecode(max(value + steps, 0), self._rate)

    def _fit(self, text: str) -> None:
        """Set the width for a timecode, which is longer at 1000 frames a second."""
        self.setFixedWidth(max(_MIN_TIME_W, self.fontMetrics().horizontalAdvance(text) + _MARGINS))


class RateField(TypedField):
    """A field for a frame rate.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        tip = (
            "Frames a second: 25, 29.97 or 30000/1001\n"
            "Keys, markers and the length stay on their frames"
        )
        super().__init__("Frame rate", tip, parent)
        self.setFixedWidth(_RATE_W)

    def show_rate(self, rate: Fraction) -> None:
        """Show a rate, unless text is being typed."""
        self.show_text(rate_text(rate))

    def parse(self, text: str) -> Fraction:
        """The rate in a text."""
        return parse_rate(text)

    def stepped(self, value: object, steps: int) -> str:
        """Text of the rate, so many frames a second higher or lower."""
        assert isinstance(value, Fraction)
        return rate_text(min(max(value + steps, Fraction(1)), Fraction(MOST_RATE)))
