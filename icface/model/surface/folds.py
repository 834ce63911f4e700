"""Skin that folds over skin: a nose over a cheek, a brow over a lid, one lip over the other.

Where a surface hides a part of itself, the source positions of neighbouring pixels jump. One flow
with such a step cannot be enlarged: halfway along the step it shows what lies between the two
places. So the flow is split into two smooth ones. The far flow goes on behind the edge of the near
skin, the near flow goes on beyond it, and a signed distance from the edge tells which one a pixel
shows, at any resolution.

Convention
----------
As in `icface.model.surface.rasterise`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32

JUMP_PX = 2.2
"""Neighbouring pixels whose flows differ by more than this lie on two folds, grid pixels."""
REACH_PX = 2.0
"""Distance from an edge at which the coverage by the near skin is 0 or 1, grid pixels."""
_BEHIND_PX = 8.0
"""Distance over which the far flow goes on behind the near skin and joins its flow."""
_FARTHEST_PX = 4.0
"""Distances from an edge count up to this."""
_ROOM_PX = 12
"""Pixels around jumps that their layers need: `_BEHIND_PX` and twice `REACH_PX`."""
_AROUND_PX = 24
"""Pixels around the surface in which its head may hide what is behind it."""
_LEAST_PIXELS = 12
"""Islands of fewer pixels between jumps are artefacts of the mesh."""
_LEAST_EDGE = 8
"""Jumps that touch fewer pixels are no edge: the flow is smoothed there."""
_GAP = np.ones((5, 5), np.uint8)
"""Gaps in the surface narrower than this, at a jump, belong to the two sides of the jump."""
_RIM_PX = 5.0
"""Width of a rim that is dropped where the surface hides a part of it, grid pixels."""
_UNDER_ALL = -1e4
"""Depth beside the surface."""
_SEEN = 0.2
"""Least coverage by a flow at which its jumps show."""
_BLURS_PX = (5, 5, 7, 9, 13, 13, 13)
"""Sides of the squares over which a flow is smoothed, one after the other, while it jumps."""
_DEPTH_BLUR_PX = 5
"""Side of the square over which depths are compared."""
_EDGE_BLUR_PX = 1.3
"""Blur of the distance from an edge, which takes the stairs of the pixels out of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Two smooth flows in place of one with steps.

    Attributes
    ----------
    far : (GRID, GRID, 2) float32
        Backward flow of the far skin, and of all skin away from folds.
    near : (GRID, GRID, 2) float32
        Backward flow of the near skin, where `coverage` is above 0.
    coverage : (GRID, GRID) float32
        0..1, rising over twice `REACH_PX` across each edge, 0.5 at the edge itself.
    """

    far: F32
    near: F32
    coverage: F32


@dataclass(frozen=True, slots=True, eq=False)
class _Jumps:
    """Pixels of a window beside the jumps of its flow.

    Attributes
    ----------
    near, far : (H, W) bool
        Pixels on either side of a jump.
    steep : (H, W) bool
        Those between two jumps of one slope: their flow is no smooth one's.
    """

    near: NDArray[np.bool_]
    far: NDArray[np.bool_]
    steep: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Skin:
    """The skin of a window: its flow, where that is the surface's own, and its depth."""

    field: F32
    known: NDArray[np.bool_]
    depth: F32

    def within(self, part: tuple[slice, slice]) -> _Skin:
        """The skin in a part of the window."""
        return _Skin(self.field[part], self.known[part], self.depth[part])


def without_islands(field: F32, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The known pixels (S, S) of a flow but for islands of a few between jumps."""
    window = _bounds(known, 1)
    if window is None:
        return known
    own = known[window]
    right, down = (square <= JUMP_PX**2 for square in _differences(field[window]))
    if (right | ~own[:, 1:] | ~own[:, :-1]).all() and (down | ~own[1:] | ~own[:-1]).all():
        return known
    right &= own[:, 1:] & own[:, :-1]
    down &= own[1:] & own[:-1]
    high, wide = own.shape
    graph = np.zeros((2 * high - 1, 2 * wide - 1), np.uint8)  # pixels, and links between them
    graph[::2, ::2], graph[::2, 1::2], graph[1::2, ::2] = own, right, down
    graph[1::2, 1::2] = right[1:] & right[:-1] & down[:, 1:] & down[:, :-1]
    _, labels = cv2.connectedComponents(graph, connectivity=4)
    pixels = labels[::2, ::2]
    small = np.bincount(pixels.ravel()) < _LEAST_PIXELS
    kept = known.copy()
    kept[window] &= ~small[pixels]
    return kept


def without_rim_behind(field: F32, known: NDArray[np.bool_], depth: F32) -> NDArray[np.bool_]:
    """The known pixels (S, S) of a flow but for a narrow rim that a surface half hides.

    A cheek that turns away hides its rim, of which the ragged ends look out beyond it.
    """
    window = _bounds(known, 2)
    if window is None:
        return known
    own = _Skin(field[window], known[window], depth[window])
    if not (_jumping(_differences(own.field)) & own.known).any():
        return known
    inside = own.known.view(np.uint8).copy()
    cv2.floodFill(inside, None, (0, 0), (2,))
    rim = cv2.distanceTransform((inside != 2).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
    jumps = _jumps(own, inside=True)
    behind = jumps.far & (rim <= _RIM_PX)
    if not behind.any():
        return known
    to_far, to_near = (
        cv2.distanceTransform(_not(side), cv2.DIST_L2, cv2.DIST_MASK_3)
        for side in (behind, jumps.near)
    )
    kept = known.copy()
    kept[window] &= ~((rim <= _RIM_PX) & (to_far <= _RIM_PX) & (to_far < to_near))
    return kept


def folds_of(field: F32, known: NDArray[np.bool_], depth: F32) -> Folds | None:
    """The two flows of a folded skin; None for a flow without a step.

    Parameters
    ----------
    field : (S, S, 2)
        Backward flow, continued beyond the surface.
    known : (S, S) bool
        Where it is the surface's own.
    depth : (S, S)
        Depth of the surface towards the camera, where it is known.
    """
    window = _bounds(known, _AROUND_PX)
    if window is None:
        return None
    jumping = _jumping(_differences(field[window]))
    if not jumping.any():
        return None
    whole = _without_gaps(_Skin(field[window], known[window], depth[window]), jumping)
    split = _smoothed(_split(whole))
    far, near, coverage = field.copy(), field.copy(), np.zeros(field.shape[:2], np.float32)
    far[window], near[window], coverage[window] = split.far, split.near, split.coverage
    return Folds(far, near, coverage)


def _without_gaps(skin: _Skin, jumping: NDArray[np.bool_]) -> _Skin:
    """The skin of a window, with narrow gaps at jumps given to the surface beside them."""
    known = skin.known.view(np.uint8)
    gap = cv2.morphologyEx(known, cv2.MORPH_CLOSE, _GAP) > known
    gap &= cv2.dilate(jumping.view(np.uint8), _GAP) > 0
    inner = _bounds(gap, 2 * len(_GAP))
    if inner is None:
        return skin
    number, table = _labelled(skin.known[inner])
    seeds, hole = skin.known[inner], gap[inner]
    filled = []
    for values in (skin.field, skin.depth):
        of_seeds = np.zeros((table, *values.shape[2:]), np.float32)
        of_seeds[number[seeds]] = values[inner][seeds]
        whole = values.copy()
        whole[inner][hole] = of_seeds[number[hole]]
        filled.append(whole)
    return _Skin(filled[0], skin.known | gap, filled[1])


def _edges(jumps: _Jumps) -> _Jumps | None:
    """The jumps along edges; None if there are but single ones."""
    beside = (jumps.near | jumps.far).view(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(beside, connectivity=8)
    kept = (stats[:, cv2.CC_STAT_AREA] >= _LEAST_EDGE)[labels]
    near, far = jumps.near & kept, jumps.far & kept
    return _Jumps(near, far, jumps.steep) if near.any() and far.any() else None


def _smoothed(split: Folds) -> Folds:
    """The two flows of a window without the jumps that are left where each is seen."""
    return Folds(
        far=_even(split.far, split.coverage < 1 - _SEEN),
        near=_even(split.near, split.coverage > _SEEN),
        coverage=split.coverage,
    )


def _even(flow: F32, seen: NDArray[np.bool_]) -> F32:
    """A flow (H, W, 2) blurred where it jumps and is seen."""
    inner = _bounds(_uneven(flow, seen), 2 * _BLURS_PX[-1])
    if inner is None:
        return flow
    part, shown = flow[inner], seen[inner]
    for side in _BLURS_PX:
        uneven = _uneven(part, shown)
        if not uneven.any():
            break
        near = cv2.dilate(uneven.view(np.uint8), np.ones((side, side), np.uint8))
        share = cv2.blur(near.astype(np.float32), (3, 3))[..., None]
        part = part + (cv2.blur(part, (side, side)) - part) * share
    result = flow.copy()
    result[inner] = part
    return result


def _uneven(flow: F32, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) bool: pixels on both sides of the jumps of a flow that are seen."""
    right, down = _differences(flow)
    low_x, high_x, low_y, high_y = _pairs()
    right[~(seen[low_x] & seen[high_x])] = 0
    down[~(seen[low_y] & seen[high_y])] = 0
    return _jumping((right, down))


def _jumping(squares: tuple[F32, F32]) -> NDArray[np.bool_]:
    """(H, W) bool: pixels on both sides of jumps, from `_differences`."""
    right, down = (square > JUMP_PX**2 for square in squares)
    low_x, high_x, low_y, high_y = _pairs()
    jumping = np.zeros((len(right), down.shape[1]), bool)
    for part, jump in ((low_x, right), (high_x, right), (low_y, down), (high_y, down)):
        jumping[part] |= jump
    return jumping


def _split(skin: _Skin) -> Folds:
    """The two flows of a window; only the surface itself hides anything."""
    far, near = skin.field.copy(), skin.field.copy()
    coverage = np.zeros(skin.known.shape, np.float32)
    inner = _bounds(_jumping(_differences(skin.field)) & skin.known, _ROOM_PX)
    jumps = None if inner is None else _edges(_jumps(skin.within(inner)))
    if inner is None or jumps is None:
        return Folds(far, near, coverage)
    own = skin.within(inner)
    to_near, beyond = _nearest(own.field, jumps.near, jumps.near & ~jumps.steep)
    to_far, behind = _nearest(own.field, jumps.far, jumps.far & ~jumps.steep)
    reach = cv2.dilate(own.known.view(np.uint8), _GAP) > 0
    is_near, smooth = (to_near < to_far) & reach, ~jumps.steep
    joins = np.clip((to_far - REACH_PX) / (_BEHIND_PX - REACH_PX), 0, 1)
    joins = np.where(is_near, joins * joins * (3 - 2 * joins), smooth)[..., None]
    far[inner] = behind + (own.field - behind) * joins
    near[inner] = np.where((is_near & smooth)[..., None], own.field, beyond)
    coverage[inner] = _coverage(is_near, to_near, to_far)
    return Folds(far, near, coverage)


def _coverage(is_near: NDArray[np.bool_], to_near: F32, to_far: F32) -> F32:
    """Coverage (H, W) by the near skin, from the distances to both sides of its edge."""
    side = np.where(is_near, to_far - 0.5, 0.5 - to_near).clip(-_FARTHEST_PX, _FARTHEST_PX)
    side = cv2.GaussianBlur(side, (0, 0), _EDGE_BLUR_PX)
    ends = _BEHIND_PX + REACH_PX - to_far
    share = np.clip(0.5 + np.minimum(side, ends) / (2 * REACH_PX), 0, 1)
    return np.asarray(share, np.float32)


def _nearest(field: F32, beside: NDArray[np.bool_], smooth: NDArray[np.bool_]) -> tuple[F32, F32]:
    """Distances (H, W) from one side of the jumps, and the flow (H, W, 2) of its nearest pixel.

    Parameters
    ----------
    field : (H, W, 2)
    beside : (H, W) bool
        Pixels along the jumps.
    smooth : (H, W) bool
        Those of them whose flow counts; all if there are none.
    """
    seeds = smooth if smooth.any() else beside
    distance = cv2.distanceTransform(_not(beside), cv2.DIST_L2, cv2.DIST_MASK_5)
    number, table = _labelled(seeds)
    of_seeds = np.zeros((table, 2), np.float32)
    of_seeds[number[seeds]] = field[seeds]
    flow = np.asarray(cv2.blur(of_seeds[number], (3, 3)), np.float32)
    return np.asarray(distance, np.float32), flow


def _labelled(seeds: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """The number of the nearest seed of each pixel (H, W), and one more than the largest."""
    _, labels = cv2.distanceTransformWithLabels(
        _not(seeds), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    number = np.asarray(labels, np.int64)
    return number, int(number.max()) + 1


def _not(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return (~mask).view(np.uint8)


def _jumps(skin: _Skin, *, inside: bool = False) -> _Jumps:
    """The pixels beside the jumps of a skin; the nearer side is that of the greater depth.

    Jumps lie at least on one side on the surface itself, or on both if they are to lie inside.
    """
    known, size = skin.known, (_DEPTH_BLUR_PX, _DEPTH_BLUR_PX)
    share = cv2.blur(known.astype(np.float32), size)
    level = cv2.blur(skin.depth * known, size) / np.maximum(share, 1e-3)
    level[share < 1e-3] = _UNDER_ALL
    as_near, as_far = np.zeros(known.shape, np.float32), np.zeros(known.shape, np.float32)
    low_x, high_x, low_y, high_y = _pairs()
    right, down = _differences(skin.field)
    for square, low, high in ((right, low_x, high_x), (down, low_y, high_y)):
        on_skin = known[low] & known[high] if inside else known[low] | known[high]
        jump = square * ((square > JUMP_PX**2) & on_skin)
        first = level[low] > level[high]
        for part, nearer in ((low, first), (high, ~first)):
            as_near[part] += jump * nearer
            as_far[part] += jump * ~nearer
    near, far = as_near > as_far, (as_far > 0) & (as_near <= as_far)
    return _Jumps(near, far, (as_near > 0) & (as_far > 0))


def _differences(field: F32) -> tuple[F32, F32]:
    """Squared differences between the flows of neighbours, (H, W - 1) and (H - 1, W)."""
    low_x, high_x, low_y, high_y = _pairs()
    right, down = (
        cv2.subtract(field[high_x], field[low_x]),
        cv2.subtract(field[high_y], field[low_y]),
    )
    return _squared(right), _squared(down)


def _squared(vectors: NDArray[Any]) -> F32:
    x, y = vectors[..., 0], vectors[..., 1]
    return np.asarray(x * x + y * y, np.float32)


def _pairs() -> tuple[tuple[slice, slice], ...]:
    """The left, right, upper and lower pixels of all pairs of neighbours."""
    return np.s_[:, :-1], np.s_[:, 1:], np.s_[:-1, :], np.s_[1:, :]


def _bounds(mask: NDArray[np.bool_], room: int) -> tuple[slice, slice] | None:
    """Rows and columns of a mask (H, W) and this many pixels around; None for an empty one."""
    left, top, wide, high = cv2.boundingRect(mask.view(np.uint8))
    if not wide:
        return None
    return np.s_[
        max(top - room, 0) : min(top + high + room, mask.shape[0]),
        max(left - room, 0) : min(left + wide + room, mask.shape[1]),
    ]
