"""The field in which the number of a row is typed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.control_rows import RowSpec


class NumberField(QLineEdit):
    """Return takes the number, Escape leaves it, leaving the field takes it if it is one.

    Parameters
    ----------
    spec : RowSpec
        Decides what is a number within the range.
    text : str
        What stands in the field at first.
    typed : bool
        The text was typed by the user already, so that it is a change.
    parent : QWidget
    """

    committed = Signal(float)
    left = Signal(bool)
    """The field is done with; whether the keyboard should go back to the row."""

    def __init__(self, spec: RowSpec, text: str, *, typed: bool, parent: QWidget) -> None:
        super().__init__(text, parent)
        self._spec = spec
        self._is_done = False
        self.setObjectName("number-field")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setToolTip(f"A number from {spec.text(spec.minimum)} to {spec.text(spec.maximum)}")
        self.setModified(typed)
        if not typed:
            self.selectAll()
        self.textEdited.connect(lambda _text: self._mark(invalid=False))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and Escape."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            value = self._spec.parse(self.text())
            if value is None:
                self._mark(invalid=True)
            else:
                self._finish(value, back=True)
        elif event.key() == Qt.Key.Key_Escape:
            self._finish(None, back=True)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take a changed number."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self._finish(self._spec.parse(self.text()) if self.isModified() else None, back=False)

    def _finish(self, value: float | None, *, back: bool) -> None:
        if self._is_done:
            return
        self._is_done = True
        if value is not None:
            self.committed.emit(value)
        self.left.emit(back)

    def _mark(self, *, invalid: bool) -> None:
        self.setProperty("invalid", invalid)
        self.style().polish(self)
