"""A person moved over a background that stays, at the photo's own resolution."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, AnyArray
from icface.face.geometry import Similarity
from icface.model.surface.backdrop import Backdrop
from icface.model.surface.head import PAD
from icface.model.surface.layers import Surroundings
from icface.rendering.sampling import SUPPORT, Quality, reached, taken

_GRAIN_CELLS = 256
"""Side of the tile of grain, pixels."""


def before_backdrop(
    image: AnyArray,
    region: tuple[int, int, int, int],
    here: Similarity,
    surroundings: Surroundings,
    quality: Quality,
) -> AnyArray:
    """A region through a flow, but for the background, which stays; `here` is region from grid.

    Where nobody is, neither at rest nor moved, the pixels are the photo's to the bit.
    """
    left, top, right, bottom = region
    window, x, y = reached(image, region, here, surroundings.flow, quality)
    source = image[window[1] : window[3], window[0] : window[2]]
    shift = Similarity((1, 0, left - window[0], 0, 1, top - window[1]))  # window from region
    person, empty = _parts(source, shift @ here, surroundings.backdrop, (window[0], window[1]))
    support = SUPPORT[quality][1]
    moved = taken(source, x, y, support)
    there = taken(empty, x, y, support)
    share = cv2.remap(person, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    at = np.s_[
        top - window[1] : bottom - window[1],
        left - window[0] : right - window[0],
    ]
    background = np.subtract(255, share)
    return _mixed(moved, empty[at], there, background)


def _mixed(moved: AnyArray, here: AnyArray, there: AnyArray, background: AnyArray) -> AnyArray:
    """``moved + background / 255 * (here - there)``, clipped, at the depth of `moved`."""
    wide = cv2.CV_16S if moved.dtype == np.uint8 else cv2.CV_32F
    difference = cv2.subtract(here, there, dtype=wide)
    factor = cv2.merge([background] * moved.shape[2])
    change = cv2.multiply(difference, factor, scale=1 / 255, dtype=wide)
    depth = cv2.CV_8U if moved.dtype == np.uint8 else cv2.CV_16U
    mixed: AnyArray = cv2.add(moved, change, dtype=depth)
    return mixed


def _parts(
    source: AnyArray, here: Similarity, backdrop: Backdrop, corner: tuple[int, int]
) -> tuple[NDArray[np.uint8], AnyArray]:
    """The matte (h, w), 0..255, and the empty background of a window of the image."""
    high, wide = source.shape[:2]
    size = (wide, high)
    here = here @ Similarity((1, 0, -PAD, 0, 1, -PAD))

    def enlarged(field: F32, support: int = cv2.INTER_LINEAR) -> F32:
        return np.asarray(
            cv2.warpAffine(field, here.matrix, size, flags=support, borderMode=cv2.BORDER_CONSTANT),
            np.float32,
        )

    top = np.float32(np.iinfo(source.dtype).max)
    luma = cv2.cvtColor(np.ascontiguousarray(source[..., :3]), cv2.COLOR_RGB2GRAY)
    matte = backdrop.matte(
        luma.astype(np.float32) / top, enlarged(backdrop.gain), enlarged(backdrop.offset)
    )
    hidden = enlarged(backdrop.hidden)
    behind = enlarged(backdrop.behind) * top
    grain = _tiled(corner, (high, wide)) * np.float32(backdrop.grain * top)
    behind += grain[..., None]
    empty = source.copy()
    own = source[..., :3].astype(np.float32)
    empty[..., :3] = np.clip(own + (behind - own) * hidden[..., None] + 0.5, 0, top).astype(
        source.dtype
    )
    return np.asarray(matte * 255 + 0.5, np.uint8), empty


@cache
def _grain() -> F32:
    """(_GRAIN_CELLS, _GRAIN_CELLS) normal noise, always the same."""
    return np.random.default_rng(0).standard_normal((_GRAIN_CELLS, _GRAIN_CELLS), np.float32)


def _tiled(corner: tuple[int, int], shape: tuple[int, int]) -> F32:
    """The grain of a window whose left top corner is this place of the image."""
    rows = (np.arange(shape[0]) + corner[1]) % _GRAIN_CELLS
    columns = (np.arange(shape[1]) + corner[0]) % _GRAIN_CELLS
    return _grain()[rows[:, None], columns]
