"""A picture as the canvas paints it: reduced to the screen with care, in the screen's colours, at any zoom."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColorSpace, QImage, QPainter

from app.widgets.qimage import to_qimage
from icface.arrays import Pixels
from icface.media import thumbnail

_CRISP_SCALE = 6.0
"""From this many device pixels per picture pixel on, pixels are shown as squares."""
_QUICK_SCALE = 0.6
"""Down to so many device pixels per picture pixel, between two neighbours is good enough for what
is seen for a moment."""
_LARGEST_WHOLE = 12_000_000
"""Up to so many screen pixels a reduced picture is kept whole; of larger ones only the visible part
is made."""


def screen_profile(icc: bytes | None) -> QColorSpace | None:
    """The colour space of a profile if pictures in it must be converted for an sRGB screen, else None."""
    if not icc:
        return None
    space = QColorSpace.fromIccProfile(icc)
    return (
        space
        if space.isValid() and space != QColorSpace(QColorSpace.NamedColorSpace.SRgb)
        else None
    )


class PictureLayer:
    """Pixels of a photo or of a finished frame, of any size, painted over the whole of the photo's place.

    Parameters
    ----------
    pixels : (H, W, 3 or 4) uint8 or uint16
        Shared, not copied; not to be written to.
    profile : QColorSpace, optional
        Colour space of the pixels when it is not sRGB.
    quick : bool
        It will be followed by another soon: a little reduced, it is painted without the care that
        still pictures get.
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
        """There may be something to see through."""
        return bool(self.pixels.shape[2] == 4)

    def paint(self, painter: QPainter, target: QRect, clip: QRect) -> None:
        """Paint into device pixels: the whole picture goes to `target`, of which only `clip` is needed."""
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
        """The smallest kept reduction whose longer side is at least `longest`; the pixels themselves if none is."""
        # Halving in steps keeps every zoom level of a large photo cheap after the first.
        while max(self._levels[-1].shape[:2]) >= 4 * longest:
            self._levels.append(thumbnail(self._levels[-1], max(self._levels[-1].shape[:2]) // 2))
        return next(
            (level for level in reversed(self._levels) if max(level.shape[:2]) >= longest),
            self.pixels,
        )

    def _reduced(self, target: QRect) -> QImage:
        """The picture at the target's size, kept until another size is asked for."""
        size = (target.width(), target.height())
        if self._ready is None or self._ready_for != size:
            self._ready = self._converted(to_qimage(thumbnail(self._level(max(size)), max(size))))
            self._ready_for = size
        return self._ready

    def _paint_part(self, painter: QPainter, target: QRect, part: QRect) -> None:
        """Only the visible pixels: enlarged ones smoothed, or as squares when they are large."""
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
