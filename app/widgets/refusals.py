"""Saying why a typed text is not taken: beside its field and in the status bar."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QPoint
from PySide6.QtGui import QStatusTipEvent
from PySide6.QtWidgets import QLineEdit, QToolTip, QWidget


def refuse(field: QLineEdit, reason: str) -> None:
    """Mark the text of a field as invalid, and say why until it is edited."""
    mark(field, invalid=True)
    field.setAccessibleDescription(reason)
    say(field, reason)
    if field.isVisible():
        QToolTip.showText(field.mapToGlobal(QPoint(0, field.height())), reason, field)


def accept(field: QLineEdit) -> None:
    """Take the mark of an invalid text away, and what was said about it."""
    if field.property("invalid"):
        mark(field, invalid=False)
        field.setAccessibleDescription("")
        say(field, "")
        QToolTip.hideText()


def mark(field: QLineEdit, *, invalid: bool) -> None:
    """Show a text as invalid, or as valid."""
    field.setProperty("invalid", invalid)
    field.style().polish(field)


def say(widget: QWidget, text: str) -> None:
    """Show a text in the status bar of a widget's window; "" takes it away."""
    QCoreApplication.sendEvent(widget, QStatusTipEvent(text))
