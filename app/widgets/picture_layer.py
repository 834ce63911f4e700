"""A picture as the canvas paints it: resampled to the screen, in its colours, at any zoom."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColorSpace, QImage, QPainter

from app.widgets.qimage import to_qimage
from icface.arrays import Pixels
from icface.media import thumbnail

_CRISP_SCALE = 6.0
"""Device pixels per picture pixel from which pixels are shown as squares."""
_QUICK_SCALE = 0.6
"""Device pixels per picture pixel down to which bilinear sampling is good enough for a picture that
is shown only briefly."""
_LARGEST_WHOLE = 12_000_000
"""Screen pixels up to which a reduced picture is kept whole; else only its visible part is made."""


def screen_profile(icc: bytes | None) -> QColorSpace | None:
    """Colour space of a profile whose pictures must be converted for an sRGB screen, else None."""
    if not icc:
        return None
    space = QColorSpace.fromIccProfile(icc)
    return (
        space
        if space.isValid() and space != QColorSpace(QColorSpace.NamedColorSpace.SRgb)
        else None
    )


class PictureLayer:
    """Pixels of a photo or of a rendered frame, of any size, painted over the area of the photo.

    Parameters
    ----------
    pixels : (H, W, 3 or 4) uint8 or uint16
        Shared, not copied; must not be written to.
    profile : QColorSpace, optional
        Colour space of the pixels, if not sRGB.
    quick : bool
        Whether another picture follows soon, so that a slightly reduced one is sampled quickly.
    """

    def __init__(
        self, pixels: Pixels, profile: QColorSpace | None = None, *, quick: bool = False
    ) -> None:
        self.pixels = pixels
        self._quick = quick
        self._profile = profile
        self._levels: list[Pixels] = [pixels]
        self._ready: QImage | None = None
        self._ready_for = (0, 0)

    @property
    def has_alpha(self) -> bool:
        """Whether the picture has an alpha channel."""
        return bool(self.pixels.shape[2] == 4)

    def paint(self, painter: QPainter, target: QRect, clip: QRect) -> None:
        """Paint the whole picture to `target`, in device pixels; only `clip` of it is needed."""
        part = target.intersected(clip)
        if part.isEmpty():
            return
        painter.save()
        painter.setClipRect(part)
        if (
            self._quick
            and _QUICK_SCALE * self.pixels.shape[1] <= target.width() <= self.pixels.shape[1]
        ):
            self._paint_part(painter, target, part)
        elif (
            target.width() <= self.pixels.shape[1]
            and target.width() * target.height() <= _LARGEST_WHOLE
        ):
            image = self._reduced(target)
            if (
                abs(image.width() - target.width()) <= 1
                and abs(image.height() - target.height()) <= 1
            ):
                painter.drawImage(target.topLeft(), image)
            else:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                painter.drawImage(target, image)
        else:
            self._paint_part(painter, target, part)
        painter.restore()

    def _level(self, longest: int) -> Pixels:
        """The smallest kept reduction whose longer side is at least `longest`, or the pixels."""
        # Halving in steps keeps every zoom level of a large photo cheap after the first.
        while max(self._levels[-1].shape[:2]) >= 4 * longest:
            self._levels.append(thumbnail(self._levels[-1], max(self._levels[-1].shape[:2]) // 2))
        return next(
            (level for level in reversed(self._levels) if max(level.shape[:2]) >= longest),
            self.pixels,
        )

    def _reduced(self, target: QRect) -> QImage:
        """The picture at the target's size, kept until another size is needed."""
        size = (target.width(), target.height())
        if self._ready is None or self._ready_for != size:
            self._ready = self._converted(to_qimage(thumbnail(self._level(max(size)), max(size))))
            self._ready_for = size
        return self._ready

    def _paint_part(self, painter: QPainter, target: QRect, part: QRect) -> None:
        """Paint the visible pixels: enlarged ones smoothly, or as squares when they are large."""
        pixels = self._level(max(target.width(), target.height()))
        height, width = pixels.shape[:2]
        across, down = target.width() / width, target.height() / height
        left = max(int((part.left() - target.left()) / across) - 1, 0)
        top = max(int((part.top() - target.top()) / down) - 1, 0)
        right = min(int((part.right() - target.left()) / across) + 3, width)
        bottom = min(int((part.bottom() - target.top()) / down) + 3, height)
        place = QRectF(
            target.left() + left * across,
            target.top() + top * down,
            (right - left) * across,
            (bottom - top) * down,
        )
        piece = self._converted(to_qimage(pixels[top:bottom, left:right]))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, across < _CRISP_SCALE)
        painter.drawImage(place, piece, QRectF(piece.rect()))

    def _converted(self, image: QImage) -> QImage:
        if self._profile is None:
            return image
        image.setColorSpace(self._profile)
        image.convertToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
        return image


def paint_checker(painter: QPainter, area: QRect, light: str, dark: str) -> None:
    """Paint the checkerboard behind a picture with transparent parts."""
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
