"""Names of files and people's own words, shown as they are: Qt takes what looks like HTML for HTML, and & for an underline."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QWidget


class PlainLabel(QLabel):
    """A label whose text is never taken for HTML.

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
    """A text for a tooltip, or wherever else Qt guesses, that is shown letter by letter."""
    if "<" not in text and "&lt;" not in text:
        return text
    return f"<span>{html.escape(text, quote=False)}</span>".replace("\n", "<br>")


def unmarked(text: str) -> str:
    """A text for a button or a menu, in which & is a letter and not the mark of a key."""
    return text.replace("&", "&&")


def plain_box(title: str, text: str, more: str, owner: QWidget) -> QMessageBox:
    """A message box of plain text, and what more there is to say."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, title, "", parent=owner)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(text)
    box.setInformativeText(plain_tip(more))
    return box
