"""A change of light multiplied into the photo's pixels, at the photo's own resolution."""

from __future__ import annotations

import cv2
import numpy as np

from icface.arrays import AnyArray
from icface.face.geometry import Similarity
from icface.model.surface.layers import Light

_GAMMA = 2.2
"""Linear light is stored values to this power: a ratio of light is one of values, with the same
hue."""
_BAND_PIXELS = 1 << 21
"""Pixels that are lit at a time."""
_UNSEEN = 1e-3
"""Logarithm of a ratio that changes no value."""


def lit(source: AnyArray, light: Light, source_from_grid: Similarity) -> AnyArray:
    """Pixels of a photo under a change of light; alpha stays.

    Parameters
    ----------
    source : (H, W, 3 or 4) uint8 or uint16
    light : Light
    source_from_grid : Similarity
        Place of the grid in these pixels.

    Returns
    -------
    array
        A copy, or the same array if nothing changes.
    """
    rows, columns = (np.flatnonzero((np.abs(light.log) > _UNSEEN).any(1 - k)) for k in (0, 1))
    if not len(rows):
        return source
    there = source_from_grid @ light.light_from_grid.inverse()
    x0, x1, y0, y1 = columns[0] - 1, columns[-1] + 1, rows[0] - 1, rows[-1] + 1
    corners = there.points(np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]], np.float64))
    left, top = np.maximum(np.floor(corners.min(0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, source.shape[1::-1])
    if right <= left or bottom <= top:
        return source
    result = source.copy()
    step = max(_BAND_PIXELS // int(right - left), 1)
    for low in range(int(top), int(bottom), step):  # in bands: a face may fill 100 megapixels
        high = min(low + step, int(bottom))
        window = np.s_[low:high, int(left) : int(right), :3]
        shift = Similarity((1, 0, -float(left), 0, 1, -float(low)))
        result[window] = _multiplied(source[window], light, shift @ there)
    return result


def _multiplied(pixels: AnyArray, light: Light, here: Similarity) -> AnyArray:
    """Pixels (H, W, 3) times the ratio of light; `here` is their place from the light's square."""
    log: AnyArray = cv2.warpAffine(
        light.log * np.float32(1 / _GAMMA),
        here.matrix,
        (pixels.shape[1], pixels.shape[0]),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )
    ratios = cv2.merge([cv2.exp(log * np.float32(factor)) for factor in light.of_channels])
    depth = cv2.CV_8U if pixels.dtype == np.uint8 else cv2.CV_16U
    return cv2.multiply(np.ascontiguousarray(pixels), ratios, dtype=depth)
