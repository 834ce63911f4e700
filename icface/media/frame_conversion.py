"""Frames for an encoder: upright, in its pixel format, and of an even size.

A frame that needs nothing is handed on as it is. Turning moves samples and changes none. RGB
becomes Y, U and V by the exact matrix, chroma by the mean of the pixels that share it.
"""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
from av.video.frame import VideoFrame as Decoded
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from icface.arrays import Pixels
from icface.media.colour import (
    EXACT,
    FULL,
    LIMITED,
    Colours,
    Layout,
    is_full_range,
    matrix_of,
    planes,
    yuv_from_rgb,
)
from icface.media.orientation import Orientation
from icface.media.write_back import byte_planes, in_planes, like, shared_mean

_SMOOTH = int(Interpolation.AREA | Interpolation.ACCURATE_RND)


def upright_frame(frame: Decoded, orientation: Orientation) -> Decoded:
    """A frame turned upright without a change to any sample; the same one if it is upright."""
    if orientation.upright_already:
        return frame
    frame = in_planes(frame)
    name, layout = frame.format.name, Layout.of(frame.format)
    if orientation.transposed and layout is not None and layout.across != layout.down:
        if not name.startswith(("yuv422p", "yuv440p")):
            raise ValueError(
                f"Frames of format {name} cannot be turned; "
                "convert the clip to 4:2:0 or 4:4:4 first."
            )
        name = name.replace("422", "44-").replace("440", "422").replace("44-", "440")
    turned = Decoded(*orientation.size(frame.width, frame.height), name)
    for target, source in zip(byte_planes(turned), byte_planes(frame), strict=True):
        step = source.shape[1] // -(-frame.width // _columns_shared(frame, source))
        pixels = source.reshape(source.shape[0], -1, step)
        target.reshape(target.shape[0], -1, step)[...] = orientation.upright(pixels)
    return like(turned, frame)


def _columns_shared(frame: Decoded, plane: NDArray[np.uint8]) -> int:
    """Columns of pixels for each sample of a plane."""
    layout = Layout.of(frame.format)
    if layout is None:
        return 1
    samples = plane.shape[1] // np.dtype(layout.dtype).itemsize
    return 1 if samples == frame.width else layout.across


def frame_of_pixels(pixels: Pixels, form: str, colours: Colours) -> Decoded:
    """A frame of RGB or RGBA pixels (H, W, 3 or 4), uint8 or uint16, in any pixel format.

    Colours name the matrix and range of the frame; where they do not, custom does (see
    `icface.media.colour`).
    """
    height, width, channels = pixels.shape
    frame = Decoded(width, height, form)
    colours.put_on(frame)
    layout = Layout.of(frame.format)
    if layout is None:
        return _by_reformatting(pixels, form, colours)
    matrix, offset = yuv_from_rgb(frame, layout.bits)
    affine = np.column_stack([matrix / np.iinfo(pixels.dtype).max, offset]).astype(np.float32)
    samples = cv2.transform(np.ascontiguousarray(pixels[..., :3]).astype(np.float32), affine)
    most = (1 << layout.bits) - 1
    stored = planes(frame, layout)
    for channel in range(3 if layout.has_chroma else 1):
        plane: NDArray[Any] = samples[..., channel]
        stored[channel][...] = np.clip(
            np.rint(shared_mean(plane, layout) if channel else plane), 0, most
        )
    if layout.has_alpha:
        clear = (
            pixels[..., 3]
            if channels == 4
            else np.full((height, width), np.iinfo(pixels.dtype).max)
        )
        stored[3][...] = np.rint(clear * (most / np.iinfo(pixels.dtype).max))
    return frame


def _by_reformatting(pixels: Pixels, form: str, colours: Colours) -> Decoded:
    kinds = {(3, 1): "rgb24", (4, 1): "rgba", (3, 2): "rgb48le", (4, 2): "rgba64le"}
    kind = kinds[pixels.shape[2], pixels.dtype.itemsize]
    rgb = Decoded.from_ndarray(cast("NDArray[np.uint8]", np.ascontiguousarray(pixels)), format=kind)
    frame = VideoReformatter().reformat(rgb, format=form, interpolation=EXACT)
    colours.put_on(frame)
    return frame


class Fitter:
    """Brings frames to one pixel format and size; keeps its tables. Belongs to one thread."""

    def __init__(self, form: str, size: tuple[int, int], colours: Colours) -> None:
        self._form, self._size, self._colours = form, size, colours
        self._reformatter, self._scaler = VideoReformatter(), VideoReformatter()

    def fit(self, frame: Decoded) -> Decoded:
        """The frame in that format and size; itself if nothing has to be done.

        Its last columns and rows are repeated up to the size; a frame of another size altogether is
        scaled.
        """
        full = FULL if is_full_range(frame) else LIMITED
        narrowed = full == FULL and self._colours.range == LIMITED and not frame.format.is_rgb
        if narrowed or (frame.format.name != self._form and not self._is_only_renamed(frame)):
            matrix, rgb = matrix_of(frame), frame.format.is_rgb
            other = self._reformatter.reformat(
                frame,
                format=self._form,
                src_colorspace=matrix,
                dst_colorspace=matrix,
                interpolation=_SMOOTH,
                src_color_range=full,
                dst_color_range=LIMITED if rgb or narrowed else full,
            )
            frame = like(other, frame)
            self._colours.put_on(frame)
        spare = self._size[0] - frame.width, self._size[1] - frame.height
        if spare == (0, 0):
            return frame
        if (
            min(spare) < 0 or max(spare) > 3
        ):  # a clip whose size changes, or square pixels for a file of others
            return like(self._scaler.reformat(frame, *self._size, interpolation=_SMOOTH), frame)
        return self._padded(frame)

    def _is_only_renamed(self, frame: Decoded) -> bool:
        """Whether formats differ only in the old name of full range (yuvj420p).

        Encoders take that one, too.
        """
        return frame.format.name.replace("yuvj", "yuv") == self._form

    def _padded(self, frame: Decoded) -> Decoded:
        larger = Decoded(*self._size, frame.format.name)
        for target, source in zip(byte_planes(larger), byte_planes(frame), strict=True):
            down, across = (t - s for t, s in zip(target.shape, source.shape, strict=True))
            target[: source.shape[0], : source.shape[1]] = source
            if across > 0:
                target[:, source.shape[1] :] = target[:, source.shape[1] - across : source.shape[1]]
            if down > 0:
                target[source.shape[0] :] = target[source.shape[0] - 1]
        return like(larger, frame)
