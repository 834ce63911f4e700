"""RGB of what a writer is given: an upright frame in square pixels, or pixels as they are."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame as Decoded

from icface.arrays import Pixels
from icface.media.colour import Converter
from icface.media.frame_format import Pictures
from icface.media.video_frame import VideoFrame


class PicturePixels:
    """Makes RGB or RGBA of pictures; keeps the tables of conversion. Belongs to one thread."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures, self._converter = pictures, Converter()

    def rgba(self, picture: Decoded | Pixels) -> Pixels:
        """(H, W, 4), uint8 or, of more than 8 bits, uint16."""
        if isinstance(picture, np.ndarray):
            return _with_alpha(picture)
        return self._frame(picture).deep_pixels(alpha=True)

    def sixteen(self, picture: Decoded | Pixels) -> Pixels:
        """(H, W, 3, or 4 where there is transparency) uint16."""
        if isinstance(picture, np.ndarray):
            return picture if picture.dtype == np.uint16 else picture * np.uint16(257)
        frame = self._frame(picture)
        return frame.sixteen_bits(alpha=frame.has_alpha)

    def _frame(self, decoded: Decoded) -> VideoFrame:
        pictures = self._pictures
        return VideoFrame(
            0, 0.0, decoded, self._converter, pictures.orientation, float(pictures.aspect)
        )


def _with_alpha(pixels: Pixels) -> Pixels:
    if pixels.shape[2] == 4:
        return pixels
    opaque = np.full((*pixels.shape[:2], 1), np.iinfo(pixels.dtype).max, pixels.dtype)
    return np.concatenate([pixels, opaque], 2)
