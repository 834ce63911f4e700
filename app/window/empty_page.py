"""The page of an empty window: a place to drop a file, and three ways to begin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app import theme
from app.actions import key_names
from app.widgets.plain_text import PlainLabel, plain_tip, unmarked

_FORMATS = (
    "JPEG, PNG, WebP or TIFF up to 100 megapixels, MP4, MOV, MKV and other clips, or a project"
)


class EmptyPage(QWidget):
    """A large drop area with the choices in its middle."""

    open_asked = Signal()
    clip_asked = Signal()
    """Choose a clip."""
    sample_asked = Signal()
    recent_asked = Signal(object)
    """`Path`"""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("empty-page")
        self._is_target = False
        self._icon = PlainLabel()
        self._title = PlainLabel()
        self._title.setFont(theme.ui_font(20, semibold=True))
        self._text = PlainLabel()
        self._text.setObjectName("secondary")
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self.open_button = QPushButton("Open a photo…")
        self.open_button.setObjectName("primary")
        self.clip_button = QPushButton("Open a clip…")
        self.sample_button = QPushButton("Try the sample")
        self._recent_title = PlainLabel("RECENT")
        self._recent_title.setObjectName("section-title")
        self._recent = QVBoxLayout()
        self._recent_buttons: list[QPushButton] = []
        self._arrange()
        self.open_button.clicked.connect(self.open_asked)
        self.clip_button.clicked.connect(self.clip_asked)
        self.sample_button.clicked.connect(self.sample_asked)
        self.show_opening("", "")
        self.show_recent(())
        self.retint()

    def _arrange(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.GRID_PX)
        buttons.addStretch(1)
        for button, tip in (
            (
                self.open_button,
                key_names("Choose a photo, a clip or a project on this computer (Ctrl+O)"),
            ),
            (self.clip_button, "Choose a video on this computer, to edit the face in it"),
            (self.sample_button, "The astronaut Eileen Collins, NASA, public domain"),
        ):
            button.setToolTip(tip)
            button.setMinimumHeight(34)
            button.setMinimumWidth(140)
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(48, 48, 48, 48)
        column.setSpacing(theme.GRID_PX)
        column.addStretch(3)
        for label in (self._icon, self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setWordWrap(True)
            label.setMinimumWidth(96)
            column.addWidget(label)
        column.addSpacing(16)
        column.addLayout(buttons)
        column.addSpacing(24)
        self._recent_title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._recent_title)
        self._recent.setSpacing(0)
        column.addLayout(self._recent)
        column.addStretch(4)

    def retint(self) -> None:
        """Draw the icon in the theme's colours."""
        image = theme.icon_image(
            "face", theme.current().mark, side=56, ratio=self.devicePixelRatioF()
        )
        self._icon.setPixmap(QPixmap.fromImage(image))
        self.update()

    def show_opening(self, name: str, step: str) -> None:
        """Show which file is being opened and how far; an empty name invites to open one."""
        self._title.setText(f"Opening {_short(name)}" if name else "Drop a portrait or a clip here")
        self._text.setText((step or "Reading the file") + " …" if name else _FORMATS)
        for button in (self.open_button, self.clip_button, self.sample_button):
            button.setVisible(not name)
        self._recent_title.setVisible(bool(not name and self._recent_buttons))
        for button in self._recent_buttons:
            button.setVisible(not name)

    def show_recent(self, paths: Sequence[Path]) -> None:
        """Show recently opened files as buttons."""
        for button in self._recent_buttons:
            self._recent.removeWidget(button)
            button.deleteLater()
        self._recent_buttons = []
        for path in paths[:4]:
            button = QPushButton(unmarked(_short(path.name)))
            button.setObjectName("quiet")
            button.setToolTip(plain_tip(str(path)))
            button.clicked.connect(
                lambda _checked=False, chosen=path: self.recent_asked.emit(chosen)
            )
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
            self._recent_buttons.append(button)
        self._recent_title.setVisible(bool(paths))

    def set_drop_target(self, active: bool) -> None:
        """Show whether a file is dragged over the window."""
        if active != self._is_target:
            self._is_target = active
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Neutral ground and the dashed edge of the drop place."""
        painter, colours = QPainter(self), theme.current()
        painter.fillRect(self.rect(), colours.color("surround"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = colours.color(
            "accent" if self._is_target else "mark", 255 if self._is_target else 150
        )
        painter.setPen(QPen(colour, 2 if self._is_target else 1.2, Qt.PenStyle.CustomDashLine))
        pen = painter.pen()
        pen.setDashPattern([5, 5])
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(24, 24, -24, -24), 12, 12)


def _short(name: str, most: int = 48) -> str:
    """A name whose middle is left out when it is long, so that its ending stays."""
    return name if len(name) <= most else f"{name[: most - 17]}…{name[-16:]}"
