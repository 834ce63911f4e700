"""Typing a number over a widget that shows it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.widgets.gestures import fineness

_TYPED = "0123456789.,-"
_LAYOUT = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
"""Some keyboards have their digits behind Shift."""


class Numbers(Protocol):
    """A range of numbers, and how they are written."""

    @property
    def minimum(self) -> float:
        """The smallest."""
        ...

    @property
    def maximum(self) -> float:
        """The largest."""
        ...

    @property
    def step(self) -> float:
        """What an arrow key adds."""
        ...

    def text(self, value: float, /) -> str:
        """As it is written."""
        ...

    def parse(self, text: str, /) -> float | None:
        """What was typed; None if that is no number of the range."""
        ...


_STEPS = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
KEEPS_ARROWS = "keeps-arrows"
"""Property of a widget: False once a number was typed into it; arrows, Home, End and Delete then go
to the timeline again."""


def begins_number(event: QKeyEvent) -> bool:
    """Whether a key opens the field, with what it types."""
    return bool(event.text()) and event.text() in _TYPED and not event.modifiers() & ~_LAYOUT


class NumberTyping(QObject):
    """Opens the field over its widget, and gives the keyboard back.

    Parameters
    ----------
    owner : QWidget
    numbers : Numbers
    may_be_empty : bool
        Nothing is an answer too.
    """

    taken = Signal(float)
    emptied = Signal()

    def __init__(self, owner: QWidget, numbers: Numbers, *, may_be_empty: bool = False) -> None:
        super().__init__(owner)
        self.field: NumberField | None = None
        self._owner = owner
        self._numbers = numbers
        self._may_be_empty = may_be_empty

    def begin(self, text: str, typed: str, place: QRect) -> None:
        """Open the field, unless it is open, holding what was typed to open it or else a text."""
        if self.field is not None or not self._owner.isEnabled():
            return
        field = NumberField(
            self._numbers, text, typed, may_be_empty=self._may_be_empty, parent=self._owner
        )
        field.setAccessibleName(f"Value of {self._owner.accessibleName()}")
        field.setGeometry(place)
        field.committed.connect(self.taken)
        field.emptied.connect(self.emptied)
        field.left.connect(self._drop)
        self.field = field
        field.show()
        field.setFocus()

    @property
    def is_over(self) -> bool:
        """A number was typed, and the widget has not been taken up anew: what moves it belongs to the timeline again."""
        return self._owner.property(KEEPS_ARROWS) is False

    def take_up(self) -> None:
        """The widget was clicked or left: its arrows are its own when the keyboard comes to it."""
        self._owner.setProperty(KEEPS_ARROWS, None)

    def _drop(self, back: bool) -> None:
        field, self.field = self.field, None
        if field is not None:
            if back:
                self._owner.setFocus()
                self._owner.setProperty(KEEPS_ARROWS, False)
            field.hide()
            field.deleteLater()


class NumberField(QLineEdit):
    """Return takes the number, Escape leaves it, leaving the field takes it if it is one; Up and Down step it.

    Parameters
    ----------
    numbers : Numbers
    text : str
        What stands in the field at first.
    typed : str
        What the user has typed instead.
    may_be_empty : bool
        Nothing is an answer too.
    parent : QWidget
    """

    committed = Signal(float)
    emptied = Signal()
    left = Signal(bool)
    """The field is done with; whether the keyboard should go back to the widget."""

    def __init__(
        self, numbers: Numbers, text: str, typed: str, *, may_be_empty: bool, parent: QWidget
    ) -> None:
        super().__init__(typed or text, parent)
        self._numbers = numbers
        self._may_be_empty = may_be_empty
        self._is_done = False
        self.setObjectName("number-field")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        tip = f"A number from {numbers.text(numbers.minimum)} to {numbers.text(numbers.maximum)}"
        self.setToolTip(f"{tip}; empty: back" if may_be_empty else tip)
        self.setModified(bool(typed))
        if not typed:
            self.selectAll()
        self.textEdited.connect(lambda _text: self._mark(invalid=False))

    def event(self, event: QEvent) -> bool:
        """What steps the number is no shortcut of the window."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in _STEPS
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return, Escape and steps; nothing that is typed here reaches the widget behind."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._mark(invalid=not self._take(back=True))
        elif event.key() == Qt.Key.Key_Escape:
            self._finish(_nothing, back=True)
        elif event.key() in _STEPS:
            self._step(_STEPS[Qt.Key(event.key())] * fineness(event.modifiers()))
        else:
            super().keyPressEvent(event)
        event.accept()

    def _step(self, steps: float) -> None:
        """The number in the field, so many steps on; it is taken with Return, as any other."""
        value = self._numbers.parse(self.text())
        if value is None:
            self._mark(invalid=True)
            return
        wanted = min(
            max(value + steps * self._numbers.step, self._numbers.minimum), self._numbers.maximum
        )
        self.setText(f"{wanted + 0.0:.4f}".rstrip("0").rstrip("."))
        self.setModified(True)
        self.selectAll()
        self._mark(invalid=False)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take a changed number."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason and not self._take(back=False):
            self._finish(_nothing, back=False)

    def _take(self, *, back: bool) -> bool:
        """Be done, with what was typed if anything was; False if that is no number."""
        then: Callable[[], object] = _nothing
        if self.isModified():
            value = self._numbers.parse(self.text())
            if value is not None:
                then = partial(self.committed.emit, value)
            elif self._may_be_empty and not self.text().strip():
                then = self.emptied.emit
            else:
                return False
        self._finish(then, back=back)
        return True

    def _finish(self, then: Callable[[], object], *, back: bool) -> None:
        if not self._is_done:
            self._is_done = True
            then()
            self.left.emit(back)

    def _mark(self, *, invalid: bool) -> None:
        self.setProperty("invalid", invalid)
        self.style().polish(self)


def _nothing() -> None:
    """What follows when nothing was typed."""
