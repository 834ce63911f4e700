"""Frames as they are written: unchanged, resized, or with the unedited picture on their left."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from av.video.frame import VideoFrame as Decoded
from av.video.reformatter import Interpolation, VideoReformatter

from icface.arrays import Pixels
from icface.export.plan import ExportPlan
from icface.media.colour import FULL, LIMITED, Converter, has_alpha, is_full_range, matrix_of
from icface.media.frame_conversion import upright_frame
from icface.media.tone_mapping import to_sdr
from icface.media.video_frame import VideoFrame
from icface.media.write_back import byte_planes, in_planes, like

_SMOOTH = int(Interpolation.AREA | Interpolation.ACCURATE_RND)
_FINE = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND)


class Shaping:
    """Brings frames into the form of a plan. Belongs to one thread."""

    def __init__(self, plan: ExportPlan) -> None:
        self._plan = plan
        self._reformatter, self._converter = VideoReformatter(), Converter()

    def shaped(self, edited: Decoded | Pixels, before: Decoded | Pixels) -> Decoded | Pixels:
        """The frame to write; the very `edited` where nothing has to be done."""
        if self._plan.written is self._plan.made:
            return edited
        if isinstance(edited, np.ndarray):
            assert isinstance(before, np.ndarray)
            return self._pixels(edited, before)
        assert not isinstance(before, np.ndarray)
        orientation = self._plan.made.orientation
        frame = upright_frame(edited, orientation)
        if self._plan.side_by_side:
            frame = beside(upright_frame(before, orientation), frame)
        frame = self._resized(frame)
        return self._on_ordinary_screens(frame) if self._plan.tone_mapped else frame

    def _pixels(self, edited: Pixels, before: Pixels) -> Pixels:
        if self._plan.side_by_side:
            odd = edited.shape[1] % 2
            pad = ((0, 0), (0, odd), (0, 0))
            edited = np.concatenate(
                [np.pad(picture, pad, mode="edge") for picture in (before, edited)], 1
            )
        size = self._plan.written.width, self._plan.written.height
        if size == (edited.shape[1], edited.shape[0]):
            return edited
        how = cv2.INTER_AREA if size[0] < edited.shape[1] else cv2.INTER_CUBIC
        return cast("Pixels", cv2.resize(edited, size, interpolation=how))

    def _resized(self, frame: Decoded) -> Decoded:
        size = self._plan.written.width, self._plan.written.height
        if size == (frame.width, frame.height):
            return frame
        how = _SMOOTH if size[0] < frame.width else _FINE
        full, matrix = FULL if is_full_range(frame) else LIMITED, matrix_of(frame)
        other = self._reformatter.reformat(
            frame,
            *size,
            frame.format.name,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            interpolation=how,
            src_color_range=full,
            dst_color_range=full,
        )
        return like(other, frame)

    def _on_ordinary_screens(self, frame: Decoded) -> Pixels:
        """A frame of high dynamic range, brought to the range of ordinary screens.

        It is upright and of the size that is written.
        """
        pixels = VideoFrame(0, 0.0, frame, self._converter).sixteen_bits(
            alpha=has_alpha(frame.format)
        )
        return to_sdr(pixels, self._plan.made.colours)


def beside(left: Decoded, right: Decoded) -> Decoded:
    """Two frames of one kind next to each other.

    An odd last column is repeated, so that chroma fits.
    """
    left, right = in_planes(left), in_planes(right)
    half = right.width + right.width % 2
    both = Decoded(2 * half, right.height, right.format.name)
    planes = zip(byte_planes(both), byte_planes(left), byte_planes(right), strict=True)
    for target, first, second in planes:
        middle = target.shape[1] // 2
        for start, source in ((0, first), (middle, second)):
            width = source.shape[1]
            target[:, start : start + width] = source[:, :middle]
            if width < middle:
                target[:, start + width : start + middle] = source[:, 2 * width - middle : width]
    return like(both, right)
