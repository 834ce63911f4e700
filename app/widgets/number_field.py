"""A field in which a number is typed, opened over the widget that shows it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.numbers import with_minus
from app.widgets.gestures import fineness
from app.widgets.refusals import accept, refuse, say

_TYPED = "0123456789.,-"
"""Characters that open the field."""
_LAYOUT = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
"""Modifiers of digits: some keyboard layouts need Shift for them."""


class Numbers(Protocol):
    """Range and format of a number."""

    @property
    def minimum(self) -> float:
        """Smallest value."""
        ...

    @property
    def maximum(self) -> float:
        """Largest value."""
        ...

    @property
    def step(self) -> float:
        """Amount of an arrow key."""
        ...

    def text(self, value: float, /) -> str:
        """A value as text."""
        ...

    def parse(self, text: str, /) -> float | None:
        """The number in a typed text; None if there is none within the range."""
        ...


_STEPS = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
"""Steps of the keys that change the number."""
KEEPS_ARROWS = "keeps-arrows"
"""Property of a widget: False once a number was typed into it, so that arrows, Home, End and Delete
go to the timeline."""


def begins_number(event: QKeyEvent) -> bool:
    """Whether a key opens the field and types its first character."""
    return bool(event.text()) and event.text() in _TYPED and not event.modifiers() & ~_LAYOUT


class NumberTyping(QObject):
    """Opens the field over a widget, and returns the focus to it.

    Parameters
    ----------
    owner : QWidget
    numbers : Numbers
    may_be_empty : bool
        Whether an empty text is accepted.
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
        """Open the field, unless it is open, with the typed character or else with a text."""
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
        """Whether a number was typed since the last click, so that arrows go to the timeline."""
        return self._owner.property(KEEPS_ARROWS) is False

    def take_up(self) -> None:
        """Let the widget have its arrow keys again: it was clicked or left."""
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
    """A field that Return or a change of focus accepts, Escape cancels, and Up and Down step.

    Parameters
    ----------
    numbers : Numbers
    text : str
        Initial text.
    typed : str
        Character typed instead of it.
    may_be_empty : bool
        Whether an empty text is accepted.
    parent : QWidget
    """

    committed = Signal(float)
    emptied = Signal()
    left = Signal(bool)
    """The field is closed; whether the focus should return to the widget."""

    def __init__(
        self, numbers: Numbers, text: str, typed: str, *, may_be_empty: bool, parent: QWidget
    ) -> None:
        super().__init__(typed or text, parent)
        self._numbers = numbers
        self._may_be_empty = may_be_empty
        self._is_done = False
        self.setObjectName("number-field")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._range = (
            f"a number from {numbers.text(numbers.minimum)} to {numbers.text(numbers.maximum)}"
        )
        tip = f"A{self._range[1:]}"
        self.setToolTip(f"{tip}; empty to reset" if may_be_empty else tip)
        self.setModified(bool(typed))
        if not typed:
            self.selectAll()
        self.textEdited.connect(lambda _text: accept(self))

    def event(self, event: QEvent) -> bool:
        """Accept the stepping keys before the window takes them as shortcuts."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in _STEPS
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle Return, Escape and steps; no key reaches the widget behind."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            if not self._take(back=True):
                refuse(self, self._reason())
        elif event.key() == Qt.Key.Key_Escape:
            self._finish(_nothing, back=True)
        elif event.key() in _STEPS:
            self._step(_STEPS[Qt.Key(event.key())] * fineness(event.modifiers()))
        else:
            super().keyPressEvent(event)
        event.accept()

    def _step(self, steps: float) -> None:
        """Step the number in the field; Return accepts it."""
        value = self._numbers.parse(self.text())
        if value is None:
            refuse(self, self._reason())
            return
        wanted = min(
            max(value + steps * self._numbers.step, self._numbers.minimum), self._numbers.maximum
        )
        self.setText(with_minus(f"{wanted + 0.0:.4f}".rstrip("0").rstrip(".")))
        self.setModified(True)
        self.selectAll()
        accept(self)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Accept a changed number."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason and not self._take(back=False):
            reason = self._reason()
            self._finish(_nothing, back=False)
            say(self.window(), reason)

    def _reason(self) -> str:
        """Why the text is not taken: the range that a number must lie in."""
        return f"{self.text().strip() or 'Nothing'} is not {self._range}."

    def _take(self, *, back: bool) -> bool:
        """Accept the typed number and close; False if it is none."""
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
            accept(self)
            then()
            self.left.emit(back)


def _nothing() -> None:
    """Do nothing: no number was typed."""
