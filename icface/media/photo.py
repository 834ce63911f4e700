"""A photo in memory: upright pixels and the description from its file.

Convention
----------
Pixels are RGB, or RGBA with unassociated alpha, of shape (height, width, 3 or 4), uint8 or uint16,
in the file's own colour space (which the ICC profile names; none means sRGB). The EXIF orientation
has been applied: row 0 is the top.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import Pixels
from icface.media.details import NO_DETAILS, Details

MAX_MEGAPIXELS = 100
"""Largest photo that is opened, in millions of pixels."""
MAX_PIXEL_BYTES = 400_000_000
"""Most bytes of its pixels: 100 megapixels with 8 bits and transparency, 66 with 16 bits, 50 with
these and transparency."""
_BAND_PIXELS = 1 << 21


class PhotoError(ValueError):
    """A photo that cannot be read or written.

    The message names the file, the fault and the remedy.
    """


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A picture read from a file.

    Photos compare by identity; compare their `digest` where the file is meant.

    Attributes
    ----------
    pixels : (H, W, 3 or 4) uint8 or uint16, read-only
        RGB or RGBA, upright, in the file's own colour space.
    path : Path
        The file it was read from.
    digest : str
        SHA-256 of the file's bytes, hexadecimal.
    icc : bytes or None
        ICC profile of an RGB space; None for sRGB.
    exif : bytes or None
        What else the camera wrote, ``Exif`` header included: orientation 1, no thumbnail.
    dpi : (float, float) or None
        Pixels per inch, across and down.
    details : Details
        What the file says in words: XMP, IPTC, comments.
    notes : tuple of str
        What to know of the file, for people.
    """

    pixels: Pixels = field(repr=False)
    path: Path
    digest: str
    icc: bytes | None = field(default=None, repr=False)
    exif: bytes | None = field(default=None, repr=False)
    dpi: tuple[float, float] | None = None
    details: Details = NO_DETAILS
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or shape[2] not in (3, 4) or dtype not in (np.uint8, np.uint16):
            raise ValueError(
                f"A photo's pixels are (H, W, 3 or 4) uint8 or uint16, not {shape} {dtype}."
            )
        view = self.pixels.view()
        view.flags.writeable = False
        object.__setattr__(self, "pixels", view)

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.pixels.shape[0])

    @property
    def has_alpha(self) -> bool:
        """Whether there is a fourth channel."""
        return bool(self.pixels.shape[2] == 4)

    @property
    def rgb8(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 without alpha: `pixels` itself if it is that, else a copy."""
        return eight_bit(self.pixels[..., :3])

    def with_pixels(self, pixels: Pixels) -> Photo:
        """The same photo with edited pixels, to be saved with its description."""
        return replace(self, pixels=pixels)


def bands(height: int, width: int) -> Iterator[slice]:
    """Slices of rows of about two megapixels, to work on a large photo without a second array."""
    rows = max(1, _BAND_PIXELS // max(width, 1))
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


@cache
def _eight_of_sixteen() -> NDArray[np.uint8]:
    return ((np.arange(65536, dtype=np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def eight_bit(pixels: Pixels) -> NDArray[np.uint8]:
    """The nearest 8-bit values, C-contiguous; the same array where nothing has to be done."""
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels, np.uint8)
    reduced = np.empty(pixels.shape, np.uint8)
    for rows in bands(*pixels.shape[:2]):
        np.take(_eight_of_sixteen(), pixels[rows], out=reduced[rows])
    return reduced


def thumbnail(pixels: Pixels, max_side: int) -> Pixels:
    """A copy whose longer side is `max_side` pixels; the same array if it is no longer.

    Type and channels stay.
    """
    height, width = pixels.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]  # keeps the dtype
    return small


def sample_photo_path() -> Path:
    """The portrait of Eileen Collins that scikit-image brings: 512 x 512, NASA, public domain."""
    package = importlib.util.find_spec("skimage")
    if package is None or not package.submodule_search_locations:
        raise PhotoError(
            "The sample portrait comes with scikit-image, which is missing. "
            "Open a photo of your own."
        )
    return Path(package.submodule_search_locations[0]) / "data" / "astronaut.png"
