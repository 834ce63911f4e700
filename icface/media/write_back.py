"""Edited pixels, put back into the planes of a decoded frame; all others keep their bytes.

The frame's samples are not converted to RGB and back. What an edit adds to the RGB that was shown
is added to the samples, so that a pixel that did not change keeps its value to the bit, and one
that changed altogether has exactly the new colour. Chroma that several pixels share gets the mean
of what each adds. Depth, matrix and range stay the frame's own.
"""

from __future__ import annotations

from itertools import product
from typing import Any, cast

import cv2
import numpy as np
from av.video.frame import VideoFrame as Decoded
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from icface.arrays import Pixels
from icface.media.colour import (
    EXACT,
    Colours,
    Layout,
    bit_depth,
    has_alpha,
    matrix_of,
    planes,
    yuv_from_rgb,
)
from icface.media.orientation import PixelBox
from icface.media.video_frame import VideoFrame

_FADE_LEVELS = 16.0 / 255
"""Change from which on nothing of a sample's rounding and overshoot is kept."""


def put_back(frame: VideoFrame, edited: Pixels, corner: tuple[int, int] = (0, 0)) -> Decoded:
    """A copy of a frame's decoded picture in which a rectangle shows edited pixels.

    Parameters
    ----------
    frame : VideoFrame
        The frame that was edited. It stays as it is.
    edited : (h, w, 3) uint8 or uint16
        RGB, upright, in square pixels, in the frame's own colours, as `VideoFrame.own_pixels` gives
        it.
    corner : (int, int)
        Column and row of the rectangle's first pixel in the upright picture.

    Returns
    -------
    av.VideoFrame
        As stored (not upright): same format, stamps and colours. Outside the rectangle, widened to
        whole chroma samples, every byte is the original's. A palette becomes RGB, and interleaved
        samples of Y, U and V become planes.

    Raises
    ------
    ValueError
        If the rectangle does not lie in the picture.
    """
    height, width = edited.shape[:2]
    left, top = corner
    inside = left + width <= frame.size[0] and top + height <= frame.size[1]
    if min(left, top) < 0 or min(width, height) == 0 or not inside:
        raise ValueError(
            f"{width} x {height} edited pixels at {corner} do not lie in a frame of "
            f"{frame.size} pixels."
        )
    copy = in_planes(frame.decoded)
    copy = copy_frame(copy) if copy is frame.decoded else copy
    box = frame.orientation.stored_box((left, top, width, height), frame.size)
    patch = frame.orientation.stored(edited)
    layout = Layout.of(copy.format)
    across, down = (layout.across, layout.down) if layout else (2, 2)
    stored = _stored_columns(box, frame)
    aligned = _aligned(stored, across, down, (copy.width, copy.height))
    part = crop_frame(copy, aligned)
    part.colorspace = matrix_of(copy)  # which custom may tell by the whole frame's lines
    before = frame.converter.rgb(part, deep=edited.dtype == np.uint16)
    after = _pasted(before, patch, box, aligned, frame)
    if layout is not None:
        _add(part, layout, before, after)
    else:
        part = _replaced(part, before, after)
    paste_frame(copy, part, aligned)
    return copy


def in_planes(frame: Decoded) -> Decoded:
    """A frame as RGB, grey or planar YUV: itself, its samples in planes, or RGB of its palette."""
    form = frame.format
    if Layout.of(form) is not None or (
        form.is_rgb and not form.has_palette and not form.is_big_endian
    ):
        return frame
    if form.is_rgb:
        return VideoReformatter().reformat(
            frame,
            format="bgra" if form.has_palette else "rgba64le" if has_alpha(form) else "rgb48le",
        )
    chroma = form.components[1]
    shared = (
        "444" if chroma.width == form.width else "422" if chroma.height == form.height else "420"
    )
    depth = (
        ""
        if bit_depth(form) == 8
        else "10le"
        if bit_depth(form) <= 10
        else "12le"
        if bit_depth(form) <= 12
        else "16le"
    )
    other = VideoReformatter().reformat(frame, format=f"yuv{shared}p{depth}", interpolation=EXACT)
    Colours.of(frame).put_on(other)
    return other


def copy_frame(frame: Decoded) -> Decoded:
    """A frame of its own memory with the same planes, stamps and colours; side data is left out."""
    return crop_frame(frame, (0, 0, frame.width, frame.height))


def crop_frame(frame: Decoded, box: PixelBox) -> Decoded:
    """A copy of a part of a frame; the box starts at whole chroma samples.

    The box is left, top, width and height.
    """
    left, top, width, height = box
    part = Decoded(width, height, frame.format.name)
    for target, source in zip(
        byte_planes(part), byte_planes(frame, left, top, width, height), strict=True
    ):
        target[...] = source
    return like(part, frame)


def like(frame: Decoded, original: Decoded) -> Decoded:
    """The frame, with the stamps and colours of another."""
    frame.pts, frame.duration = original.pts, original.duration
    if original.time_base is not None:
        frame.time_base = original.time_base
    Colours.of(original).put_on(frame)
    return frame


def paste_frame(frame: Decoded, part: Decoded, box: PixelBox) -> None:
    """Write a part of the same format into a frame; the box starts at whole chroma samples.

    The box is left, top, width and height.
    """
    for target, source in zip(byte_planes(frame, *box), byte_planes(part), strict=True):
        target[...] = source


def byte_planes(
    frame: Decoded, left: int = 0, top: int = 0, width: int = 0, height: int = 0
) -> list[NDArray[np.uint8]]:
    """Views of the bytes of a part of each plane (all of it for width 0), without padding."""
    views = []
    for number, plane in enumerate(frame.planes):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(
            plane.height, abs(plane.line_size)
        )
        step = _bytes_of_pixel(frame, number)
        if not width:
            views.append(rows[:, : plane.width * step])
            continue
        across, down = _shared(frame.width, plane.width), _shared(frame.height, plane.height)
        first, above = left // across, top // down
        views.append(
            rows[
                above : above - (-height // down),
                first * step : (first - (-width // across)) * step,
            ]
        )
    return views


def _shared(pixels: int, samples: int) -> int:
    return next(n for n in (1, 2, 4) if -(-pixels // n) == samples)


def _bytes_of_pixel(frame: Decoded, plane: int) -> int:
    """Bytes from one sample of a plane to the next."""
    components = [c for c in frame.format.components if c.plane == plane]
    if len(frame.format.components) == len(frame.planes):
        return (components[0].bits + 7) // 8
    return frame.format.padded_bits_per_pixel // 8


def _stored_columns(box: PixelBox, frame: VideoFrame) -> PixelBox:
    """A box of square pixels in the columns that the file stores, rounded outwards."""
    left, top, width, height = box
    if frame.square_width == frame.decoded.width:
        return box
    scale = frame.decoded.width / frame.square_width
    first = max(int(left * scale) - 1, 0)
    return first, top, min(int((left + width) * scale) + 2, frame.decoded.width) - first, height


def _aligned(box: PixelBox, across: int, down: int, size: tuple[int, int]) -> PixelBox:
    left, top, width, height = box
    first, above = left - left % across, top - top % down
    right, below = (
        min(-(-(at + n) // step) * step, most)
        for at, n, step, most in ((left, width, across, size[0]), (top, height, down, size[1]))
    )
    return first, above, right - first, below - above


def _pasted(
    before: Pixels, patch: Pixels, box: PixelBox, aligned: PixelBox, frame: VideoFrame
) -> Pixels:
    """The stored part with the edited pixels in it."""
    left, top, width, height = box
    first, above, wide, _ = aligned
    rows = slice(top - above, top - above + height)
    after = before.copy()
    if frame.square_width == frame.decoded.width:
        after[rows, left - first : left - first + width] = patch
        return after
    deep = patch.dtype == np.uint16
    shown = frame.orientation.stored(frame.own_pixels(deep=deep))[top : top + height]
    added = np.zeros((height, frame.square_width, 3), np.float32)
    added[:, left : left + width] = patch.astype(np.float32) - shown[:, left : left + width]
    shrinks = frame.decoded.width < frame.square_width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(added, (frame.decoded.width, height), interpolation=how)[
        :, first : first + wide
    ]
    most = np.iinfo(patch.dtype).max
    after[rows] = np.clip(np.rint(after[rows] + resized), 0, most).astype(patch.dtype)
    return after


def _add(part: Decoded, layout: Layout, before: Pixels, after: Pixels) -> None:
    """Change a part's samples by the amount added to its RGB."""
    most = float(np.iinfo(before.dtype).max)
    old, new = (
        np.ascontiguousarray(p[..., :3]).astype(np.float32) / np.float32(most)
        for p in (before, after)
    )
    matrix, offset = yuv_from_rgb(part, layout.bits)
    affine = np.column_stack([matrix, offset]).astype(np.float32)
    added = cv2.absdiff(new, old)
    change = np.maximum(np.maximum(added[..., 0], added[..., 1]), added[..., 2])
    stored = planes(part, layout)
    shown, wanted = cv2.transform(old, affine), cv2.transform(new, affine)
    limit = (1 << layout.bits) - 1
    for channel in range(3 if layout.has_chroma else 1):
        was, wish, moved = shown[..., channel], wanted[..., channel], change
        if channel:
            was, wish, moved = (shared_mean(plane, layout) for plane in (was, wish, moved))
        samples = stored[channel]
        kept = np.clip(1 - moved / _FADE_LEVELS, 0, 1)  # of what RGB could not hold
        samples[...] = np.where(
            moved > 0, np.clip(np.rint(wish + kept * (samples - was)), 0, limit), samples
        )


def shared_mean(values: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Means over the pixels that share a chroma sample."""
    high, wide = values.shape
    right, below = -wide % layout.across, -high % layout.down
    if right or below:
        values = np.pad(values, ((0, below), (0, right)), mode="edge")
    total = values[
        :: layout.down, :: layout.across
    ].copy()  # sums of strided views: ten times as fast as a mean of axes
    for row, column in product(range(layout.down), range(layout.across)):
        if row or column:
            total += values[row :: layout.down, column :: layout.across]
    return np.asarray(total / (layout.down * layout.across))


def _replaced(part: Decoded, before: Pixels, after: Pixels) -> Decoded:
    """Edited pixels in a part's format of RGB; those that did not change keep their bytes."""
    form = "rgb24" if after.dtype == np.uint8 else "rgb48le"
    rgb = Decoded.from_ndarray(cast("NDArray[np.uint8]", np.ascontiguousarray(after)), format=form)
    edited = VideoReformatter().reformat(rgb, format=part.format.name, interpolation=EXACT)
    kept = (before == after).all(2)
    for target, source in zip(byte_planes(edited), byte_planes(part), strict=True):
        pixels = target.reshape(*kept.shape, -1)
        pixels[kept] = source.reshape(pixels.shape)[kept]
    return edited
