"""A person moved over a background that stays, at the photo's own resolution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, AnyArray
from icface.face.geometry import Similarity
from icface.model.surface.backdrop import Backdrop
from icface.model.surface.head import PAD, WIDE
from icface.model.surface.layers import Surroundings
from icface.rendering.sampling import SUPPORT, Quality, reached, taken

Window = tuple[int, int, int, int]
_BEYOND = PAD / 2
"""Reach of a kept scene beyond the head's flow, which looks farther the farther it moves."""
_MOST_KEPT = 1 << 23
"""Most pixels of a scene that is kept for the next tick."""
_GRAIN_CELLS = 256
"""Side of the tile of grain, pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A window of one photo without its person, and the person's matte.

    Attributes
    ----------
    window : (int, int, int, int)
        Left, top, right, bottom in the image.
    person : (h, w) uint8
        0..255.
    empty : (h, w, C)
        The background, at the photo's depth.
    """

    window: Window
    person: NDArray[np.uint8]
    empty: AnyArray

    def holds(self, window: Window) -> bool:
        """Whether another window lies in this one."""
        (left, top, right, bottom), mine = window, self.window
        return mine[0] <= left and mine[1] <= top and right <= mine[2] and bottom <= mine[3]


class _Scenes:
    """The last scenes made: a slider's ticks show one photo again and again."""

    def __init__(self, most: int = 2) -> None:
        self._kept: list[tuple[AnyArray, Backdrop, Similarity, _Scene]] = []
        self._most, self._lock = most, Lock()

    def of(
        self, image: AnyArray, backdrop: Backdrop, image_from_grid: Similarity, window: Window
    ) -> _Scene:
        """The scene of a photo that holds a window of it."""
        with self._lock:
            for kept in self._kept:
                if kept[0] is image and kept[1] is backdrop and kept[2] == image_from_grid:
                    if kept[3].holds(window):
                        return kept[3]
                    break
        whole = _whole(image, image_from_grid)
        keep = (whole[2] - whole[0]) * (whole[3] - whole[1]) <= _MOST_KEPT
        around = _joined(whole, window) if keep else window
        scene = _scene(image, backdrop, image_from_grid, around)
        if keep:
            with self._lock:
                self._kept = [(image, backdrop, image_from_grid, scene), *self._kept][: self._most]
        return scene


_SCENES = _Scenes()


def before_backdrop(
    image: AnyArray,
    source: AnyArray,
    region: Window,
    image_from_grid: Similarity,
    surroundings: Surroundings,
    quality: Quality,
) -> AnyArray:
    """A region through a flow, but for the background, which stays.

    Where nobody is, neither at rest nor moved, the pixels are the photo's to the bit.

    Parameters
    ----------
    image, source : (H, W, C)
        The photo, and the same with its skin in another light, which moves.
    region : (int, int, int, int)
        Left, top, right, bottom in the image.
    image_from_grid : Similarity
        Place of the crop in the photo.
    """
    left, top, right, bottom = region
    here = Similarity((1, 0, -left, 0, 1, -top)) @ image_from_grid
    window, x, y = reached(image, region, here, surroundings.flow, quality)
    scene = _SCENES.of(image, surroundings.backdrop, image_from_grid, _joined(window, region))
    support = SUPPORT[quality][1]
    moved = taken(source[window[1] : window[3], window[0] : window[2]], x, y, support)
    across, down = scene.window[0], scene.window[1]
    part = np.s_[window[1] - down : window[3] - down, window[0] - across : window[2] - across]
    there = taken(scene.empty[part], x, y, support)
    share = cv2.remap(scene.person[part], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    own = scene.empty[top - down : bottom - down, left - across : right - across]
    return _mixed(moved, own, there, np.subtract(255, share))


def _joined(one: Window, other: Window) -> Window:
    """The smallest window around two."""
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _whole(image: AnyArray, image_from_grid: Similarity) -> Window:
    """The window of an image that the head's flow can change or look at."""
    low, high = -1.0 * PAD - _BEYOND, WIDE - PAD + _BEYOND
    corners = image_from_grid.points(np.array([[low, low], [high, low], [low, high], [high, high]]))
    first = np.clip(np.floor(corners.min(0)).astype(int), 0, (image.shape[1], image.shape[0]))
    last = np.clip(np.ceil(corners.max(0)).astype(int), 0, (image.shape[1], image.shape[0]))
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])


def _mixed(moved: AnyArray, here: AnyArray, there: AnyArray, background: AnyArray) -> AnyArray:
    """``moved + background / 255 * (here - there)``, clipped, at the depth of `moved`."""
    wide = cv2.CV_16S if moved.dtype == np.uint8 else cv2.CV_32F
    difference = cv2.subtract(here, there, dtype=wide)
    factor = cv2.merge([background] * moved.shape[2])
    change = cv2.multiply(difference, factor, scale=1 / 255, dtype=wide)
    depth = cv2.CV_8U if moved.dtype == np.uint8 else cv2.CV_16U
    mixed: AnyArray = cv2.add(moved, change, dtype=depth)
    return mixed


def _scene(
    image: AnyArray, backdrop: Backdrop, image_from_grid: Similarity, window: Window
) -> _Scene:
    """The scene of a window of the image."""
    source = image[window[1] : window[3], window[0] : window[2]]
    high, wide = source.shape[:2]
    size = (wide, high)
    here = Similarity((1, 0, -window[0], 0, 1, -window[1])) @ image_from_grid
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
    grain = _tiled(window[:2], (high, wide)) * np.float32(backdrop.grain * top)
    behind += grain[..., None]
    empty = source.copy()
    own = source[..., :3].astype(np.float32)
    empty[..., :3] = np.clip(own + (behind - own) * hidden[..., None] + 0.5, 0, top).astype(
        source.dtype
    )
    return _Scene(window, np.asarray(matte * 255 + 0.5, np.uint8), empty)


@cache
def _grain() -> F32:
    """(_GRAIN_CELLS, _GRAIN_CELLS) normal noise, always the same."""
    return np.random.default_rng(0).standard_normal((_GRAIN_CELLS, _GRAIN_CELLS), np.float32)


def _tiled(corner: tuple[int, int], shape: tuple[int, int]) -> F32:
    """The grain of a window whose left top corner is this place of the image."""
    rows = (np.arange(shape[0]) + corner[1]) % _GRAIN_CELLS
    columns = (np.arange(shape[1]) + corner[0]) % _GRAIN_CELLS
    return _grain()[rows[:, None], columns]
