"""The strip above the canvas that shows a notice and its remedy; it is never modal."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.errors import Notice
from app.widgets.plain_text import PlainLabel

_BREAKS = re.compile(r"([_.\-/\\](?=\w))")
"""Where a long name may be broken into lines."""
_LEAST_W = 96
"""Least width of what is said, pixels."""


class NoticeStrip(QFrame):
    """Shows one notice at a time, the newest; closed ones do not come back."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice-strip")
        self.notice: Notice | None = None
        self._icon = PlainLabel()
        self._icon.setFixedSize(18, 18)
        self._title = PlainLabel()
        self._title.setFont(theme.ui_font(semibold=True))
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._text = PlainLabel()
        for label in (self._title, self._text):
            label.setWordWrap(True)
            label.setMinimumWidth(_LEAST_W)  # a long name without a space must not widen the window
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.remedy = QPushButton()
        self.remedy.setObjectName("primary")
        self.second = QPushButton()
        self.details_button = QPushButton("Details")
        self.details_button.setCheckable(True)
        self._close = QToolButton()
        self._close.setToolTip("Close (Esc)")
        self._close.setAccessibleName("Close notice")
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setFixedHeight(140)
        self.details.setAccessibleName("Details")
        self._arrange()
        self.remedy.clicked.connect(self._run_remedy)
        self.second.clicked.connect(self._run_second)
        self.details_button.toggled.connect(self.details.setVisible)
        self._close.clicked.connect(self.close_notice)
        self.hide()

    def _arrange(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._text)
        line = QHBoxLayout()
        line.setSpacing(theme.GRID_PX)
        line.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(words, 1)
        for button in (self.remedy, self.second, self.details_button, self._close):
            line.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 10, 10, 10)
        layout.addLayout(line)
        layout.addWidget(self.details)
        self.details.hide()

    def show_notice(self, notice: Notice) -> None:
        """Show a notice in place of the present one."""
        self.notice = notice
        self._title.setText(_BREAKS.sub("\\1\u200b", notice.title))
        self._text.setText(notice.text)
        self._text.setVisible(bool(notice.text))
        for button, action in ((self.remedy, notice.remedy), (self.second, notice.second)):
            button.setVisible(action is not None)
            if action is not None:
                button.setText(action[0])
        self.details.setPlainText(notice.details)
        self.details_button.setChecked(False)
        self.details_button.setVisible(bool(notice.details))
        self.setAccessibleName(f"{notice.kind}: {notice.title}. {notice.text}")
        self.setProperty("kind", notice.kind)
        self.retint()
        self.show()

    def retint(self) -> None:
        """Draw icons in the colours of the theme."""
        colours = theme.current()
        self._close.setIcon(theme.icon("close"))
        if self.notice is not None:
            tint = {"error": colours.error, "warning": colours.amber}.get(
                self.notice.kind, colours.accent
            )
            image = theme.icon_image(
                self.notice.kind, tint, side=18, ratio=self.devicePixelRatioF()
            )
            self._icon.setPixmap(QPixmap.fromImage(image))
        self.style().unpolish(self)
        self.style().polish(self)

    def dismiss(self, topic: str) -> None:
        """Close the notice if it is of this topic: its reason is gone."""
        if self.notice is not None and self.notice.topic == topic:
            self.close_notice()

    def close_notice(self) -> None:
        """Close whatever is shown."""
        self.notice = None
        self.hide()

    def _run_remedy(self) -> None:
        notice = self.notice
        self.close_notice()
        if notice is not None and notice.remedy is not None:
            notice.remedy[1]()

    def _run_second(self) -> None:
        notice = self.notice
        self.close_notice()
        if notice is not None and notice.second is not None:
            notice.second[1]()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_notice()
        else:
            super().keyPressEvent(event)
