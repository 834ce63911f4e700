"""One frame of a clip, decoded but not yet converted: its pixels are made on demand."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from av.video.frame import VideoFrame as Decoded
from numpy.typing import NDArray

from icface.arrays import Pixels
from icface.media.colour import Colours, Converter, bit_depth, has_alpha
from icface.media.orientation import UPRIGHT, Orientation
from icface.media.photo import eight_bit
from icface.media.tone_mapping import is_hdr, to_sdr


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One decoded frame, not yet converted.

    Attributes
    ----------
    index : int
        Its place among the frames that are shown, from 0.
    seconds : float
        When it is shown: from the first frame on in a `ClipReader`, on the file's own clock in
        `read_video`.
    decoded : av.VideoFrame
        As the file stores it: its planes, neither turned nor converted. Not to be written to.
    orientation : Orientation
        How it is turned to stand upright.
    stretch : float
        Width of a stored pixel over its height.
    damaged : bool
        Whether the file's own frame cannot be decoded, and this is the last good one before it.
    """

    index: int
    seconds: float
    decoded: Decoded
    converter: Converter = field(repr=False)
    orientation: Orientation = UPRIGHT
    stretch: float = 1.0
    damaged: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, upright, in square pixels."""
        return self.orientation.size(self.square_width, self.decoded.height)

    @property
    def square_width(self) -> int:
        """Columns of the stored picture when its pixels are made square."""
        return max(round(self.decoded.width * self.stretch), 1)

    @property
    def bits(self) -> int:
        """Bits per colour in the file."""
        return bit_depth(self.decoded.format)

    @property
    def has_alpha(self) -> bool:
        """Whether the file's frame carries transparency."""
        return has_alpha(self.decoded.format)

    @property
    def colours(self) -> Colours:
        """The colours that the file declares."""
        return Colours.of(self.decoded)

    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB for an ordinary screen: high dynamic range is brought to BT.709."""
        if not is_hdr(self.colours):
            return self.own_pixels(deep=False).astype(np.uint8, copy=False)
        return eight_bit(to_sdr(self.own_pixels(deep=True), self.colours))

    def own_pixels(self, *, deep: bool) -> Pixels:
        """(H, W, 3) RGB in the file's own transfer and primaries, uint16 if `deep`, else uint8."""
        return self._square(self.converter.rgb(self.decoded, deep=deep))

    def deep_pixels(self, *, alpha: bool = False) -> Pixels:
        """(H, W, 3, or 4 with `alpha`) RGB in the file's own transfer.

        It is uint16 for more than 8 bits per colour, else uint8.
        """
        return self._square(self.converter.rgb(self.decoded, deep=self.bits > 8, alpha=alpha))

    def sixteen_bits(self, *, alpha: bool = False) -> Pixels:
        """(H, W, 3, or 4 with `alpha`) uint16 RGB in the file's own transfer and any depth."""
        return self._square(self.converter.rgb(self.decoded, deep=True, alpha=alpha))

    def draft(self, longest: int) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, its longer side at most `longest` pixels.

        It is quick; colours are within a few levels.
        """
        width, height = self.square_width, self.decoded.height
        scale = min(longest / max(width, height), 1.0)
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        small = to_sdr(self.converter.draft(self.decoded, *size), self.colours).astype(
            np.uint8, copy=False
        )
        return np.ascontiguousarray(self.orientation.upright(small))

    def glance(self, size: int = 64) -> NDArray[np.uint8]:
        """(size, size) uint8 grey: enough to see a cut. As stored, not upright."""
        return self.converter.grey(self.decoded, size, size)

    def _square(self, stored: Pixels) -> Pixels:
        if self.square_width != stored.shape[1]:
            how = cv2.INTER_AREA if self.square_width < stored.shape[1] else cv2.INTER_LINEAR
            resized = cv2.resize(stored, (self.square_width, stored.shape[0]), interpolation=how)
            stored = resized.astype(stored.dtype, copy=False)  # type: ignore[assignment]
        return np.ascontiguousarray(self.orientation.upright(stored))
