"""Conversion of pixel arrays to Qt images."""

from __future__ import annotations

from PySide6.QtGui import QImage

from icface.arrays import Pixels
from icface.media import eight_bit


def to_qimage(pixels: Pixels) -> QImage:
    """Convert a picture to a `QImage`; may be called on any thread.

    Parameters
    ----------
    pixels : (H, W, 3 or 4) uint8 or uint16
        RGB or RGBA with unassociated alpha. 8-bit pixels are shared, not copied, and kept alive by
        the image; they must not be written to. 16-bit pixels are reduced to 8 bits.
    """
    shown = eight_bit(pixels)
    height, width, channels = shown.shape
    format_ = QImage.Format.Format_RGB888 if channels == 3 else QImage.Format.Format_RGBA8888
    return QImage(shown.data, width, height, shown.strides[0], format_)
