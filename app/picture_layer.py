"""A picture as the canvas paints it: reduced to the screen with care, in the screen's colours, at any zoom."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColorSpace, QImage, QPainter

from app.render_bridge import to_qimage
from icface.media import Pixels, thumbnail

_CRISP_SCALE = 3.0
"""From this many device pixels per picture pixel on, pixels are shown as squares."""


def screen_profile(icc: bytes | None) -> QColorSpace | None:
    """The colour space of a profile if pictures in it must be converted for an sRGB screen, else None."""
    if not icc:
        return None
    space = QColorSpace.fromIccProfile(icc)
    return space if space.isValid() and space != QColorSpace(QColorSpace.NamedColorSpace.SRgb) else None


class PictureLayer:
    """Pixels of a photo or of a finished frame, of any size, painted over the whole of the photo's place.

    Parameters
    ----------
    pixels : (H, W, 3 or 4) uint8 or uint16
        Shared, not copied; not to be written to.
    profile : QColorSpace, optional
        Colour space of the pixels when it is not sRGB.
    """

    def __init__(self, pixels: Pixels, profile: QColorSpace | None = None) -> None:
        self.pixels = pixels
        self._profile = profile
        self._levels: list[Pixels] = [pixels]
        self._ready: QImage | None = None
        self._ready_for = (0, 0)
        self._whole: QImage | None = None

    @property
    def has_alpha(self) -> bool:
        """There may be something to see through."""
        return bool(self.pixels.shape[2] == 4)

    def paint(self, painter: QPainter, target: QRect, clip: QRect) -> None:
        """Paint into device pixels: the whole picture goes to `target`, of which only `clip` is needed."""
        part = target.intersected(clip)
        if part.isEmpty():
            return
        width = self.pixels.shape[1]
        painter.save()
        painter.setClipRect(part)
        if target.width() <= width:
            image = self._reduced(target)
            if abs(image.width() - target.width()) <= 1 and abs(image.height() - target.height()) <= 1:
                painter.drawImage(target.topLeft(), image)
            else:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                painter.drawImage(target, image)
        else:
            self._paint_enlarged(painter, target, part)
        painter.restore()

    def _reduced(self, target: QRect) -> QImage:
        """The picture at the target's size, kept until another size is asked for."""
        size = (target.width(), target.height())
        if self._ready is None or self._ready_for != size:
            longest = max(size)
            # Halving in steps keeps every zoom level of a large photo cheap after the first.
            while max(self._levels[-1].shape[:2]) >= 4 * longest:
                self._levels.append(thumbnail(self._levels[-1], max(self._levels[-1].shape[:2]) // 2))
            level = next(pixels for pixels in reversed(self._levels) if max(pixels.shape[:2]) >= longest)
            self._ready = self._converted(to_qimage(thumbnail(level, longest)))
            self._ready_for = size
        return self._ready

    def _paint_enlarged(self, painter: QPainter, target: QRect, part: QRect) -> None:
        """Only the visible pixels, smoothed, or as squares when they are large."""
        if self._whole is None:
            self._whole = to_qimage(self.pixels)
        scale_x, scale_y = target.width() / self._whole.width(), target.height() / self._whole.height()
        left, top = int((part.left() - target.left()) / scale_x) - 1, int((part.top() - target.top()) / scale_y) - 1
        right, bottom = (part.right() - target.left()) / scale_x + 2, (part.bottom() - target.top()) / scale_y + 2
        source = QRect(left, top, int(right) - left + 1, int(bottom) - top + 1).intersected(self._whole.rect())
        place = QRectF(
            target.left() + source.left() * scale_x, target.top() + source.top() * scale_y,
            source.width() * scale_x, source.height() * scale_y,
        )  # fmt: skip
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale_x < _CRISP_SCALE)
        if self._profile is None:
            painter.drawImage(place, self._whole, QRectF(source))
        else:
            piece = self._converted(self._whole.copy(source))
            painter.drawImage(place, piece, QRectF(piece.rect()))

    def _converted(self, image: QImage) -> QImage:
        if self._profile is None:
            return image
        image.setColorSpace(self._profile)
        image.convertToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
        return image


def paint_checker(painter: QPainter, area: QRect, light: str, dark: str) -> None:
    """The squares behind a picture with transparent parts."""
    tile = QImage(16, 16, QImage.Format.Format_RGB32)
    tile.fill(light)
    inner = QPainter(tile)
    inner.fillRect(0, 0, 8, 8, dark)
    inner.fillRect(8, 8, 8, 8, dark)
    inner.end()
    painter.save()
    painter.setClipRect(area)
    painter.setBrushOrigin(area.topLeft())
    painter.fillRect(area, tile)
    painter.restore()
