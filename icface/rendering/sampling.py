"""Pixels of a photo through a flow on the grid, at the photo's own resolution."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import AnyArray
from icface.face.geometry import Similarity
from icface.model.networks.neutralizer import GRID

Quality = Literal["draft", "full"]
"""Draft for the screen while sliders move, full for the result."""
SUPPORT = {
    "draft": (cv2.INTER_LINEAR, cv2.INTER_LINEAR),
    "full": (cv2.INTER_CUBIC, cv2.INTER_CUBIC),
}
"""Interpolation of flows and of pixels."""
_SUPPORT_PX = 3
"""Reach of the interpolation of a flow, grid pixels."""


def reached(
    image: AnyArray,
    region: tuple[int, int, int, int],
    here: Similarity,
    field: NDArray[np.float32],
    quality: Quality,
) -> tuple[tuple[int, int, int, int], AnyArray, AnyArray]:
    """What a region shows of the image through a flow; `here` is region from grid.

    Returns
    -------
    window : (int, int, int, int)
        Left, top, right, bottom of the part of the image that the flow can reach.
    x, y : (h, w) float32
        Where in that part each pixel of the region lies.
    """
    left, top, right, bottom = region
    wide, high = right - left, bottom - top
    part, (x0, y0) = under(here, (wide, high), field)
    pad = (len(field) - GRID) // 2
    into = np.zeros((4, 2), np.float32)  # OpenCV is much faster on four channels than on two
    into[:2] = here.matrix[:, :2]
    flow: AnyArray = cv2.transform(part, into)  # image pixels
    # 0 as along the border: bicubic interpolation reaches two rows beyond a pixel
    for axis, start in enumerate((y0, x0)):
        rows = flow.swapaxes(0, axis)
        for row in (1 - pad - start, GRID - 2 + pad - start):
            if 0 <= row < len(rows):
                rows[row] = 0
    there = here @ Similarity((1, 0, x0, 0, 1, y0))
    shift: AnyArray = cv2.warpAffine(
        flow, there.matrix, (wide, high), flags=SUPPORT[quality][0], borderMode=cv2.BORDER_CONSTANT
    )
    window = _reachable(image, region, flow)
    x: AnyArray = cv2.extractChannel(shift, 0)
    y: AnyArray = cv2.extractChannel(shift, 1)
    x += np.arange(left - window[0], right - window[0], dtype=np.float32)
    y += np.arange(top - window[1], bottom - window[1], dtype=np.float32)[:, None]
    return window, x, y


def sampled(
    image: AnyArray,
    region: tuple[int, int, int, int],
    here: Similarity,
    field: NDArray[np.float32],
    quality: Quality,
) -> AnyArray:
    """The pixels of a region through one layer's flow; `here` is region from grid."""
    (left, top, right, bottom), x, y = reached(image, region, here, field, quality)
    return taken(image[top:bottom, left:right], x, y, SUPPORT[quality][1])


def taken(source: AnyArray, x: AnyArray, y: AnyArray, support: int) -> AnyArray:
    """The pixels (H, W, C) of a picture at places (H, W); its border goes on beyond it."""
    if source.shape[2] != 3:
        return cv2.remap(source, x, y, support, borderMode=cv2.BORDER_REPLICATE)
    four = cv2.cvtColor(source, cv2.COLOR_RGB2RGBA)  # OpenCV is faster on four channels
    moved: AnyArray = cv2.remap(four, x, y, support, borderMode=cv2.BORDER_REPLICATE)
    return cv2.cvtColor(moved, cv2.COLOR_RGBA2RGB)


def under(
    here: Similarity, size: tuple[int, int], field: NDArray[np.float32]
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """The part of a field under a region of this width and height, and its corner on the grid.

    A field may reach beyond the grid, by as many pixels on each side.
    """
    wide, high = size
    pad = (len(field) - GRID) // 2
    corners = here.inverse().points(
        np.array([[0, 0], [wide, 0], [0, high], [wide, high]], np.float64)
    )
    x0, y0 = (int(v) for v in np.clip(np.floor(corners.min(0)) - _SUPPORT_PX, -pad, GRID - 1 + pad))
    x1, y1 = (
        int(v) for v in np.clip(np.ceil(corners.max(0)) + _SUPPORT_PX, (x0 + 1, y0 + 1), GRID + pad)
    )
    return field[y0 + pad : y1 + pad, x0 + pad : x1 + pad], (x0, y0)


def _reachable(
    image: AnyArray, region: tuple[int, int, int, int], flow: NDArray[np.float32]
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of the image that can fill a region.

    OpenCV's remap takes pictures up to 32767 pixels wide; faces are smaller.
    """
    bounds = []
    least, most = flow.min(0).min(0), flow.max(0).max(0)
    for axis in (0, 1):
        low, high = min(float(least[axis]), 0.0), max(float(most[axis]), 0.0)
        margin = 4 + 0.25 * (high - low)  # bicubic interpolation goes beyond the values it is given
        size = image.shape[1 - axis]
        first = int(np.clip(np.floor(region[axis] + low - margin), 0, size - 1))
        bounds.append(
            (first, int(np.clip(np.ceil(region[axis + 2] + high + margin), first + 1, size)))
        )
    (left, right), (top, bottom) = bounds
    return left, top, right, bottom


def blended(under: AnyArray, over: AnyArray, share: AnyArray) -> AnyArray:
    """`over` laid on `under` by its share, at the depth of `under`; equal pixels stay equal."""
    mixed: AnyArray = (under + (over.astype(np.float32) - under) * share + 0.5).astype(under.dtype)
    return mixed
