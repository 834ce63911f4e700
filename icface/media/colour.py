"""Colour of moving pictures: what files say about it, and exact conversion of their planes to RGB.

Convention
----------
Numbers are those of ITU-T H.273, as every container uses them. Where a file does not say which
matrix it means, it is by custom BT.601 below 720 lines and BT.709 from there on. RGB is in the
clip's own primaries and transfer.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame as Decoded
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from icface.arrays import Pixels
from icface.media.photo import eight_bit

UNSPECIFIED = 2
BT709 = 1
"""ITU-R BT.709: primaries, transfer and matrix of HD."""
FCC = 4
"""Matrix of the FCC's rules of 1953."""
BT470BG = 5
"""Matrix of ITU-R BT.601 with 625 lines."""
SMPTE170M = 6
"""Matrix of ITU-R BT.601 with 525 lines."""
SMPTE240M = 7
"""Matrix of SMPTE ST 240."""
BT2020 = 9
"""ITU-R BT.2020: primaries and matrix of UHD."""
LIMITED = 1
"""Range from 16 to 235, in 8 bits."""
FULL = 2
"""Range from 0 to 255, in 8 bits."""
PQ = 16
"""Transfer PQ, of high dynamic range."""
HLG = 18
"""Transfer HLG, of high dynamic range."""
HD_LINES = 720
"""Height from which on undeclared colours are taken for BT.709."""
_KR_KB = {
    BT709: (0.2126, 0.0722),
    FCC: (0.30, 0.11),
    BT470BG: (0.299, 0.114),
    SMPTE170M: (0.299, 0.114),
    SMPTE240M: (0.212, 0.087),
    BT2020: (0.2627, 0.0593),
}
_BT2020_CONSTANT = 10
# Each chroma sample serves the pixels it was stored for, and sums are rounded: what is put back is
# then what was taken.
EXACT = int(Interpolation.POINT | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)
_DRAFT = int(Interpolation.AREA)


@dataclass(frozen=True, slots=True)
class Colours:
    """A clip's declared colours, as numbers of H.273; 2 (range: 0) is unspecified.

    Attributes
    ----------
    primaries, transfer, matrix : int
        1 BT.709, 5 and 6 BT.601, 9 BT.2020, 16 PQ, 18 HLG and so on.
    range : int
        1 limited (16..235), 2 full (0..255), 0 undeclared, which means limited.
    """

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED
    range: int = 0

    @classmethod
    def of(cls, source: Decoded | VideoCodecContext) -> Colours:
        """The declared colours of a frame or a codec."""
        return cls(
            int(source.color_primaries),
            int(source.color_trc),
            int(source.colorspace),
            int(source.color_range),
        )

    def or_else(self, other: Colours) -> Colours:
        """These, and where they say nothing, what others say."""
        first = (self.primaries, self.transfer, self.matrix)
        rest = (other.primaries, other.transfer, other.matrix)
        primaries, transfer, matrix = (
            b if a == UNSPECIFIED else a for a, b in zip(first, rest, strict=True)
        )
        return Colours(primaries, transfer, matrix, self.range or other.range)

    def put_on(self, target: Decoded | VideoCodecContext) -> None:
        """Declare the same colours on another frame or codec."""
        target.color_primaries, target.color_trc = self.primaries, self.transfer
        target.colorspace, target.color_range = self.matrix, self.range


NOT_SAID = Colours()


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of samples in planes of Y, U and V, or of grey; little-endian.

    Attributes
    ----------
    bits : int
        Of a sample: 8 to 16, in one byte or two.
    across, down : int
        Columns and rows of pixels that share a chroma sample.
    has_chroma, has_alpha : bool
        Whether planes 1 and 2, and plane 3, are there.
    """

    bits: int
    across: int
    down: int
    has_chroma: bool
    has_alpha: bool

    @property
    def dtype(self) -> type[np.uint8 | np.uint16]:
        """Type of a sample."""
        return np.uint8 if self.bits == 8 else np.uint16

    @classmethod
    def of(cls, form: VideoFormat) -> Layout | None:
        """The layout of a pixel format; None where it is not planar YUV or grey."""
        name, form = (
            form.name,
            VideoFormat(form.name, 64, 64),
        )  # which tells how many samples a plane has
        if (
            not name.startswith(("yuv", "gray"))
            or name.endswith("be")
            or "f32" in name
            or "f16" in name
        ):
            return None
        planes = [component.plane for component in form.components]
        if planes != list(range(len(planes))) or len(planes) not in (1, 3, 4):
            return None  # packed, as yuyv422
        chroma = form.components[1] if len(planes) > 1 else None
        across = (
            1
            if chroma is None
            else 4
            if name.startswith(("yuv41", "yuvj41"))
            else 1 + (chroma.width < form.width)
        )
        down = (
            1
            if chroma is None
            else 4
            if name.startswith("yuv410")
            else 1 + (chroma.height < form.height)
        )
        return cls(form.components[0].bits, across, down, chroma is not None, len(planes) == 4)


def bit_depth(form: VideoFormat) -> int:
    """Bits of the deepest component of a pixel format; of a palette's colours, 8."""
    return 8 if form.name == "pal8" else max(component.bits for component in form.components)


def has_alpha(form: VideoFormat) -> bool:
    """Whether a pixel format carries transparency."""
    return form.name == "pal8" or form.name.startswith(
        ("yuva", "gbrap", "rgba", "bgra", "argb", "abgr", "ya")
    )


def matrix_of(frame: Decoded) -> int:
    """The matrix by which a frame is to be read, never unspecified."""
    declared = int(frame.colorspace)
    if declared == _BT2020_CONSTANT:
        return BT2020
    if declared in _KR_KB:
        return declared
    return BT709 if frame.height >= HD_LINES else SMPTE170M


def is_full_range(frame: Decoded) -> bool:
    """Whether black is 0 and white the highest number."""
    return int(frame.color_range) == FULL or frame.format.name.startswith(("yuvj", "gray"))


def yuv_from_rgb(frame: Decoded, bits: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix (3, 3) and offset (3,) from RGB in 0..1 to the frame's own samples, unrounded."""
    kr, kb = _KR_KB[matrix_of(frame)]
    kg = 1 - kr - kb
    luma = np.array([kr, kg, kb])
    cb, cr = (
        (np.array([0, 0, 1]) - luma) / (2 - 2 * kb),
        (np.array([1, 0, 0]) - luma) / (2 - 2 * kr),
    )
    step, middle = 1 << (bits - 8), float(1 << (bits - 1))
    if is_full_range(frame):
        most = float((1 << bits) - 1)
        return np.stack([luma, cb, cr]) * most, np.array([0.0, middle, middle])
    return np.stack([luma * 219, cb * 224, cr * 224]) * step, np.array(
        [16.0 * step, middle, middle]
    )


def planes(frame: Decoded, layout: Layout) -> list[Pixels]:
    """Views of a frame's planes, (rows, columns) of samples without padding.

    Writing to them changes the frame.
    """
    views: list[Pixels] = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(
            plane.height, abs(plane.line_size)
        )
        samples = rows[:, : plane.width * np.dtype(layout.dtype).itemsize]
        views.append(samples if layout.bits == 8 else samples.view(np.uint16))
    return views


class Converter:
    """Turns decoded frames into RGB.

    Caches the tables of each conversion; belongs to one thread.
    """

    def __init__(self) -> None:
        self._kept: dict[str, VideoReformatter] = {}

    def rgb(self, frame: Decoded, *, deep: bool = False, alpha: bool = False) -> Pixels:
        """(H, W, 3 or 4) uint8, or uint16 if `deep`, as stored, exact to the last digit."""
        layout = Layout.of(frame.format)
        if layout is not None and layout.across * layout.down > 1:
            frame = _unsited(frame, layout)
        if (
            layout is not None
            and layout.has_chroma
            and (deep or (layout.bits > 8 and is_full_range(frame)))
        ):
            pixels = _exact_rgb16(frame, layout, alpha=alpha)  # swscale's white is 0.4 % short here
            return pixels if deep else eight_bit(pixels)
        form = ("rgba64le" if alpha else "rgb48le") if deep else ("rgba" if alpha else "rgb24")
        return self._convert(form, frame, (frame.width, frame.height), form, EXACT)

    def draft(self, frame: Decoded, width: int, height: int) -> NDArray[np.uint8]:
        """(height, width, 3) uint8, as stored: quick, within a few levels of the exact colours."""
        return self._convert("draft", frame, (width, height), "rgb24", _DRAFT).astype(
            np.uint8, copy=False
        )

    def grey(self, frame: Decoded, width: int, height: int) -> NDArray[np.uint8]:
        """(height, width) uint8, as stored."""
        return self._convert("grey", frame, (width, height), "gray", _DRAFT).astype(
            np.uint8, copy=False
        )

    def _convert(
        self, use: str, frame: Decoded, size: tuple[int, int], form: str, how: int
    ) -> Pixels:
        kept = self._kept.setdefault(use, VideoReformatter())
        full = FULL if is_full_range(frame) else LIMITED
        other = kept.reformat(
            frame,
            *size,
            form,
            src_colorspace=matrix_of(frame),
            interpolation=how,
            src_color_range=full,
            dst_color_range=FULL,
        )
        return other.to_ndarray()  # type: ignore[return-value]  # never floats from these formats


def _unsited(frame: Decoded, layout: Layout) -> Decoded:
    """A copy of a frame that does not state its chroma location.

    With a location, swscale would shift the chroma of some frames by a pixel.
    """
    copy = Decoded(frame.width, frame.height, frame.format.name)
    for target, source in zip(planes(copy, layout), planes(frame, layout), strict=True):
        target[...] = source
    Colours.of(frame).put_on(copy)
    return copy


def _exact_rgb16(frame: Decoded, layout: Layout, *, alpha: bool) -> NDArray[np.uint16]:
    high, wide = frame.height, frame.width
    samples = np.empty((high, wide, 3), np.float32)
    stored = planes(frame, layout)
    for channel in range(3):
        plane = stored[channel]
        if channel:
            plane = plane.repeat(layout.down, 0).repeat(layout.across, 1)[:high, :wide]
        samples[..., channel] = plane
    matrix, offset = yuv_from_rgb(frame, layout.bits)
    back = np.linalg.inv(matrix) * 65535
    rgb = cv2.transform(samples, np.column_stack([back, -back @ offset]).astype(np.float32))
    pixels = np.clip(np.rint(rgb), 0, 65535).astype(np.uint16)
    if not alpha:
        return pixels
    clear = np.full((high, wide), 65535, np.uint16)
    if layout.has_alpha:
        clear = np.rint(stored[3] * (65535 / ((1 << layout.bits) - 1))).astype(np.uint16)
    return np.dstack([pixels, clear])
