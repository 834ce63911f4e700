"""The page for a document whose picture is missing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app import theme
from app.widgets.plain_text import PlainLabel


class MissingPage(QWidget):
    """Says which file is missing and where it was, and lets the user show where it is now."""

    find_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("missing-page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._icon = PlainLabel()
        self.title = PlainLabel()
        self.title.setFont(theme.ui_font(16, semibold=True))
        self.text = PlainLabel()
        self.text.setObjectName("secondary")
        self.find_button = QPushButton("Find it\u2026")
        self.find_button.setObjectName("primary")
        self.find_button.setMinimumSize(140, 34)
        self.find_button.clicked.connect(self.find_asked)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(theme.GRID_PX)
        column.addStretch(3)
        for label in (self._icon, self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setWordWrap(True)
            label.setMinimumWidth(96)
            column.addWidget(label)
        column.addSpacing(16)
        column.addWidget(self.find_button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(4)
        self.retint()

    def retint(self) -> None:
        """Draw the icon in the colours of the theme."""
        image = theme.icon_image(
            "picture", theme.current().mark, side=56, ratio=self.devicePixelRatioF()
        )
        self._icon.setPixmap(QPixmap.fromImage(image))

    def show_path(self, path: str) -> None:
        """The file that is missing."""
        self.title.setText(f"{Path(path).name} is not there")
        self.text.setText(f"It was in {Path(path).parent}. Keys, edits and drivers are kept.")
