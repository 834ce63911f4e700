"""A thumbnail of a photo, or of a clip, whose frames follow the pointer."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app import theme
from app.widgets.picture_layer import PictureLayer
from icface.arrays import Pixels

_ROOM = 1.8
"""Height of what is shown around a face, in faces."""
_MOST_ZOOM = 3.0
"""How much closer a small face is brought: thumbnails have few pixels."""


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
        self._face: QRectF | None = None

    def show_film(self, film: Mapping[int, Pixels], frame: int | None = None) -> None:
        """Set the thumbnails by frame; the one nearest to `frame`, or in the middle, rests."""
        if film is not self._film or frame != self._frame:
            self._film, self._frame, self._layers = film, frame, {}
            self.update()

    def show_face(self, face: QRectF | None) -> None:
        """Cut the thumbnails around a face, in shares of the picture; None shows their middle."""
        if face != self._face:
            self._face = face
            self.update()

    def cut_of(self, wide: int, high: int) -> QRectF:
        """What is shown of a picture of this size, in its pixels."""
        shape = self.width() / self.height()
        cut = QSizeF(min(wide, high * shape), min(high, wide / shape))
        middle = QPointF(wide / 2, high / 2)
        if self._face is not None:
            face = self._face
            middle = QPointF(face.center().x() * wide, face.center().y() * high)
            tall = max(face.height() * high, face.width() * wide / shape) * _ROOM
            tall = min(max(tall, cut.height() / _MOST_ZOOM), cut.height())
            cut = QSizeF(tall * shape, tall)
        left = min(max(middle.x() - cut.width() / 2, 0.0), wide - cut.width())
        top = min(max(middle.y() - cut.height() / 2, 0.0), high - cut.height())
        return QRectF(QPointF(left, top), cut)

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
        cut = self.cut_of(wide, high)
        scale = self.height() * ratio / cut.height()
        target = QRectF(-cut.left() * scale, -cut.top() * scale, wide * scale, high * scale)
        painter.scale(1 / ratio, 1 / ratio)
        whole = target.toAlignedRect()
        layer.paint(painter, whole, whole)
        painter.resetTransform()
        if self._at is not None:
            painter.setClipping(False)
            x = (self._at + 0.5) / len(self._film) * self.width()
            painter.fillRect(QRectF(x - 0.75, 0, 1.5, self.height()), colours.color("accent"))
