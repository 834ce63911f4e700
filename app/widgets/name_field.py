"""A field for a name that is edited in place."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.widgets.plain_text import plain_tip


class NameField(QLineEdit):
    """A name that is edited in place: Return accepts it, Escape restores it."""

    named = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("name-field")
        self.setMaxLength(60)
        self.setAccessibleName("Name of the driver")
        self._name = ""
        self.editingFinished.connect(self._finish)

    def show_name(self, name: str) -> None:
        """Show the current name."""
        if name != self._name:
            self._name = name
            self._rest()
        self.setToolTip(plain_tip(f"{name}\nClick to rename"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Restore the name on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.setText(self._name)
            self.setModified(False)
            self.clearFocus()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the whole name."""
        self.setText(self._name)
        super().focusInEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Elide the name to the new width."""
        super().resizeEvent(event)
        self._rest()

    def _finish(self) -> None:
        wanted = self.text().strip() if self.isModified() else self._name
        self.setModified(False)
        if self.hasFocus():
            self.clearFocus()
        self._rest()  # the old name, until the document has the new one
        if wanted and wanted != self._name:
            self.named.emit(wanted)

    def _rest(self) -> None:
        """Show the elided name, unless it is being edited."""
        if not self.hasFocus():
            room = max(self.width() - 16, 24)
            self.setText(
                self.fontMetrics().elidedText(self._name, Qt.TextElideMode.ElideRight, room)
            )
            self.setCursorPosition(0)
