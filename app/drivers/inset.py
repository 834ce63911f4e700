"""The driver preview: a small picture that can be dragged to any corner of the canvas."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from app import theme
from app.settings import Settings
from app.widgets.picture_layer import PictureLayer
from icface.arrays import Pixels
from icface.document import Project
from icface.rendering.frame_request import Frame

CORNERS = ("bottom-right", "bottom-left", "top-right", "top-left")
"""Corners of the canvas where the preview can lie."""
_MARGIN = 16
"""Distance from the edges of the canvas, logical pixels."""
_SHARE = 0.28
"""Preferred width, as a share of the canvas."""
_MIN_WIDTH = 120
"""Minimum width, logical pixels."""
_MAX_WIDTH = 260
"""Maximum width, logical pixels."""


class DriverInset(QWidget):
    """The driver's current frame and its name; hidden while there is none, or switched off.

    Parameters
    ----------
    over : QWidget
        Parent, in whose corner the preview lies.
    settings : Settings
        Hold the corner between sessions.
    """

    def __init__(self, over: QWidget, settings: Settings) -> None:
        super().__init__(over)
        self.setObjectName("driver-inset")
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setToolTip(
            "The driver in this frame. Drag it to another corner; hide it in the View menu"
        )
        self.setAccessibleName("Driver preview")
        self._layer: PictureLayer | None = None
        self._name = ""
        self._is_on = True
        self._grabbed_at: QPointF | None = None
        self._settings = settings
        self._corner = CORNERS[0]
        self.set_corner(settings.word("inset"))
        over.installEventFilter(self)
        self.hide()

    @property
    def corner(self) -> str:
        """The corner, one of `CORNERS`."""
        return self._corner

    def set_corner(self, corner: str) -> None:
        """Move to another corner; an unknown one is ignored."""
        if corner in CORNERS:
            self._corner = corner
            self._place()

    def set_on(self, on: bool) -> None:
        """Show the preview when there is a picture, or never."""
        self._is_on = on
        self._update_visibility()

    def show_frame(self, frame: Frame, project: Project) -> None:
        """Show the driver of a rendered frame."""
        beside = frame.request.beside
        clip = None if beside is None else beside.clip
        self.show_picture(
            frame.beside,
            next((driver.name for driver in project.drivers if driver.medium == clip), ""),
        )

    def show_picture(self, pixels: Pixels | None, name: str) -> None:
        """Show another picture; None hides the preview."""
        changed = self._layer is None or pixels is None or pixels.shape != self._layer.pixels.shape
        self._layer = None if pixels is None else PictureLayer(pixels, quick=True)
        self._name = name
        self.setAccessibleDescription(name)
        self._update_visibility()
        if changed:
            self._place()
        if self.isVisible():
            self.update()

    def _update_visibility(self) -> None:
        wanted = self._is_on and self._layer is not None
        if wanted != self.isVisible():
            self.setVisible(wanted)
            self._place()

    def _place(self) -> None:
        over = self.parentWidget()
        if self._layer is None or over is None or self._grabbed_at is not None:
            return
        high, wide = self._layer.pixels.shape[:2]
        width = min(max(over.width() * _SHARE, _MIN_WIDTH), _MAX_WIDTH)
        height = width * high / wide
        if height > over.height() * 0.4:
            width, height = width * over.height() * 0.4 / height, over.height() * 0.4
        self.resize(QSize(round(width), round(height)))
        right, bottom = (
            over.width() - self.width() - _MARGIN,
            over.height() - self.height() - _MARGIN,
        )
        down, across = self._corner.split("-")
        self.move(
            QPoint(right if across == "right" else _MARGIN, bottom if down == "bottom" else _MARGIN)
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner when the canvas changes its size."""
        if event.type() == QEvent.Type.Resize and watched is self.parentWidget():
            self._place()
        return False

    # Mouse ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag the preview."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._grabbed_at = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the preview."""
        if self._grabbed_at is not None:
            self.move((self.mapToParent(event.position()) - self._grabbed_at).toPoint())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Snap to the nearest corner."""
        over = self.parentWidget()
        if self._grabbed_at is None or over is None:
            return
        self._grabbed_at = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        middle = self.geometry().center()
        down = "bottom" if middle.y() > over.height() / 2 else "top"
        across = "right" if middle.x() > over.width() / 2 else "left"
        self.set_corner(f"{down}-{across}")
        self._settings.set_word("inset", self._corner)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture with a thin outline, and the name on a plate."""
        if self._layer is None:
            return
        painter, ratio = QPainter(self), self.devicePixelRatioF()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        painter.save()
        painter.setClipPath(shape)
        painter.scale(1 / ratio, 1 / ratio)
        target = QRectF(0, 0, self.width() * ratio, self.height() * ratio).toAlignedRect()
        self._layer.paint(painter, target, target)
        painter.restore()
        font = theme.ui_font(11)
        text = QFontMetricsF(font).elidedText(
            self._name, Qt.TextElideMode.ElideRight, self.width() - 28
        )
        plate = QRectF(6, self.height() - 24, QFontMetricsF(font).horizontalAdvance(text) + 14, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 20, 20, 205))
        painter.drawRoundedRect(plate, 4, 4)
        painter.setFont(font)
        painter.setPen(QColor(236, 236, 236))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(236, 236, 236, 120), 1))
        painter.drawPath(shape)
