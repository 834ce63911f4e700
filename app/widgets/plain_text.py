"""Plain text in widgets: Qt reads text that looks like HTML as HTML, and & as a mnemonic."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QWidget


class PlainLabel(QLabel):
    """A label whose text is never read as HTML.

    Parameters
    ----------
    text : str
    parent : QWidget, optional
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)


def plain_tip(text: str) -> str:
    """Text that a tooltip shows literally, even if it looks like HTML."""
    if "<" not in text and "&lt;" not in text:
        return text
    return f"<span>{html.escape(text, quote=False)}</span>".replace("\n", "<br>")


def unmarked(text: str) -> str:
    """Text for a button or a menu in which & is a letter, not a mnemonic."""
    return text.replace("&", "&&")


def plain_box(title: str, text: str, more: str, owner: QWidget) -> QMessageBox:
    """A message box with plain text and a plain informative text."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, title, "", parent=owner)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(text)
    box.setInformativeText(plain_tip(more))
    return box
