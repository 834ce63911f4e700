"""Frames of a clip whose size changes, brought to one size.

Sizes change, for example, when a telephone is turned during a call.
"""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame as Decoded
from av.video.reformatter import Interpolation, VideoReformatter

from icface.media.colour import FULL, LIMITED, Layout, is_full_range, matrix_of
from icface.media.write_back import in_planes, like, paste_frame

_SMOOTH = int(Interpolation.AREA | Interpolation.ACCURATE_RND)
_FINE = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND)


def letterboxed(frame: Decoded, size: tuple[int, int]) -> Decoded:
    """A frame scaled into a size (width, height) with its aspect kept.

    The rest is black, or transparent if the frame has alpha.
    """
    stored = in_planes(frame)
    layout = Layout.of(stored.format)
    across, down = (layout.across, layout.down) if layout else (1, 1)
    scale = min(size[0] / stored.width, size[1] / stored.height)
    width, height = (
        _whole(side * scale, step, most)
        for side, step, most in ((stored.width, across, size[0]), (stored.height, down, size[1]))
    )
    full, matrix = FULL if is_full_range(stored) else LIMITED, matrix_of(stored)
    inner = VideoReformatter().reformat(
        stored,
        width,
        height,
        stored.format.name,
        src_colorspace=matrix,
        dst_colorspace=matrix,
        interpolation=_SMOOTH if scale < 1 else _FINE,
        src_color_range=full,
        dst_color_range=full,
    )
    nothing = Decoded.from_ndarray(np.zeros((size[1], size[0], 4), np.uint8), format="rgba")
    whole = VideoReformatter().reformat(
        nothing,
        format=stored.format.name,
        dst_colorspace=matrix,
        src_color_range=FULL,
        dst_color_range=full,
    )
    left, top = (
        (room - side) // 2 // step * step
        for room, side, step in ((size[0], width, across), (size[1], height, down))
    )
    paste_frame(whole, inner, (left, top, width, height))
    return like(whole, frame)


def _whole(length: float, step: int, most: int) -> int:
    """A length of whole steps, at least one and at most the room there is."""
    if length >= most - step / 2:
        return most
    return max(round(length / step), 1) * step
