"""A thumbnail of a photo, or of a clip, whose frames follow the pointer."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app import theme
from app.widgets.picture_layer import PictureLayer
from icface.arrays import Pixels


class FilmThumb(QWidget):
    """Shows one of several thumbnails, chosen by the position of the pointer.

    Parameters
    ----------
    width, height : int
        Size of the thumbnail, logical pixels.
    parent : QWidget, optional
    """

    hovered = Signal(object)
    """Number of the frame under the pointer; None once the pointer has left."""

    def __init__(self, width: int, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(QSize(width, height))
        self.setMouseTracking(True)
        self._film: Mapping[int, Pixels] = {}
        self._word = ""
        self._frame: int | None = None
        self._at: int | None = None
        self._layers: dict[int, PictureLayer] = {}

    def show_film(self, film: Mapping[int, Pixels], frame: int | None = None) -> None:
        """Set the thumbnails by frame; the one nearest to `frame`, or in the middle, rests."""
        if film is not self._film or frame != self._frame:
            self._film, self._frame, self._layers = film, frame, {}
            self.update()

    def show_word(self, word: str) -> None:
        """Set the text shown without thumbnails, such as the kind of a table."""
        self._word = word
        self.update()

    @property
    def shown_frame(self) -> int | None:
        """Number of the frame on screen; None without thumbnails."""
        if not self._film:
            return None
        frames = sorted(self._film)
        if self._at is not None:
            return frames[min(self._at, len(frames) - 1)]
        if self._frame is None:
            return frames[len(frames) // 2]
        return min(frames, key=lambda f: abs(f - (self._frame or 0)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show the frame under the pointer."""
        if len(self._film) > 1:
            share = event.position().x() / max(self.width(), 1)
            self._at = min(max(int(share * len(self._film)), 0), len(self._film) - 1)
            self.hovered.emit(self.shown_frame)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Return to the frame shown at rest."""
        if self._at is not None:
            self._at = None
            self.hovered.emit(None)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the thumbnail, cropped to the widget, or a plate with the text."""
        painter, colours, ratio = QPainter(self), theme.current(), self.devicePixelRatioF()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), 4, 4)
        painter.fillPath(shape, colours.color("raised"))
        frame = self.shown_frame
        if frame is None:
            painter.setFont(theme.ui_font(10, semibold=True))
            painter.setPen(colours.color("secondary"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._word)
            painter.setPen(QPen(colours.color("line"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            return
        painter.setClipPath(shape)
        layer = self._layers.setdefault(frame, PictureLayer(self._film[frame]))
        high, wide = layer.pixels.shape[:2]
        scale = max(self.width() * ratio / wide, self.height() * ratio / high)
        target = QRectF(0, 0, wide * scale, high * scale)
        target.moveCenter(QRectF(0, 0, self.width() * ratio, self.height() * ratio).center())
        painter.scale(1 / ratio, 1 / ratio)
        whole = target.toAlignedRect()
        layer.paint(painter, whole, whole)
        painter.resetTransform()
        if self._at is not None:
            painter.setClipping(False)
            x = (self._at + 0.5) / len(self._film) * self.width()
            painter.fillRect(QRectF(x - 0.75, 0, 1.5, self.height()), colours.color("accent"))
