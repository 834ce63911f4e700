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

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32

JUMP_PX = 2.5
"""Neighbouring pixels whose source positions are farther apart lie on two folds, grid pixels."""
REACH_PX = 2.0
"""Distance from an edge at which the coverage by the near skin is 0 or 1, grid pixels."""
_BEHIND_PX = 8.0
"""Distance over which the far flow goes on behind the near skin and joins its flow."""
_FARTHEST_PX = 4.0
"""Distances from an edge count up to this."""
_ROOM_PX = 12
"""Pixels around jumps that their layers need: `_BEHIND_PX` and twice `REACH_PX`."""
_LEAST_PIXELS = 12
"""Islands of fewer pixels between jumps are artefacts of the mesh."""
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


def without_islands(field: F32, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The known pixels (S, S) of a flow but for islands of a few between jumps."""
    window = _bounds(known, 1)
    if window is None:
        return known
    own = known[window]
    right, down = (steps <= JUMP_PX for steps in _steps(field[window]))
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
    window = _bounds(known, _ROOM_PX)
    if window is None:
        return None
    jumps = _jumps(field[window], known[window], depth[window])
    inner = _bounds(jumps.near | jumps.far, _ROOM_PX)
    if inner is None or not jumps.near.any() or not jumps.far.any():
        return None
    top, left = window[0].start, window[1].start
    place = np.s_[
        top + inner[0].start : top + inner[0].stop, left + inner[1].start : left + inner[1].stop
    ]
    split = _split(field[place], _Jumps(*(m[inner] for m in (jumps.near, jumps.far, jumps.steep))))
    far, near, coverage = field.copy(), field.copy(), np.zeros(field.shape[:2], np.float32)
    far[place], near[place], coverage[place] = split.far, split.near, split.coverage
    return Folds(far, near, coverage)


def _split(field: F32, jumps: _Jumps) -> Folds:
    """The two flows of a window (H, W, 2)."""
    to_near, near = _nearest(field, jumps.near, jumps.near & ~jumps.steep)
    to_far, far = _nearest(field, jumps.far, jumps.far & ~jumps.steep)
    is_near, smooth = to_near < to_far, ~jumps.steep
    joins = np.clip((to_far - REACH_PX) / (_BEHIND_PX - REACH_PX), 0, 1)
    joins = np.where(is_near, joins * joins * (3 - 2 * joins), smooth)[..., None]
    return Folds(
        far=np.asarray(far + (field - far) * joins, np.float32),
        near=np.where((is_near & smooth)[..., None], field, near),
        coverage=_coverage(is_near, to_near, to_far),
    )


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
    _, labels = cv2.distanceTransformWithLabels(
        _not(seeds), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    number = np.asarray(labels, np.int64)
    table = np.zeros((int(number.max()) + 1, 2), np.float32)
    table[number[seeds]] = field[seeds]
    flow = np.asarray(cv2.blur(table[number], (3, 3)), np.float32)
    return np.asarray(distance, np.float32), flow


def _not(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return (~mask).view(np.uint8)


def _jumps(field: F32, known: NDArray[np.bool_], depth: F32) -> _Jumps:
    """The pixels beside jumps in a window; the nearer side is that of the greater depth."""
    share = known.astype(np.float32)
    size = (_DEPTH_BLUR_PX, _DEPTH_BLUR_PX)
    level = cv2.blur(np.where(known, depth, 0), size) / np.maximum(cv2.blur(share, size), 1e-3)
    as_near, as_far = np.zeros(known.shape, np.float32), np.zeros(known.shape, np.float32)
    right, down = _steps(field)
    for steps, low, high in (
        (right, np.s_[:, :-1], np.s_[:, 1:]),
        (down, np.s_[:-1, :], np.s_[1:, :]),
    ):
        jump = np.where((steps > JUMP_PX) & (known[low] | known[high]), steps, 0)
        first = level[low] > level[high]
        for part, nearer in ((low, first), (high, ~first)):
            as_near[part] += jump * nearer
            as_far[part] += jump * ~nearer
    return _Jumps(
        as_near > as_far, (as_far > 0) & (as_near <= as_far), (as_near > 0) & (as_far > 0)
    )


def _steps(field: F32) -> tuple[F32, F32]:
    """Distances between the source positions of neighbours, (H, W - 1) and (H - 1, W)."""
    right, down = np.diff(field, axis=1), np.diff(field, axis=0)
    return np.hypot(right[..., 0] + 1, right[..., 1]), np.hypot(down[..., 0], down[..., 1] + 1)


def _bounds(mask: NDArray[np.bool_], room: int) -> tuple[slice, slice] | None:
    """Rows and columns of a mask (H, W) and this many pixels around; None for an empty one."""
    left, top, wide, high = cv2.boundingRect(mask.view(np.uint8))
    if not wide:
        return None
    return np.s_[
        max(top - room, 0) : min(top + high + room, mask.shape[0]),
        max(left - room, 0) : min(left + wide + room, mask.shape[1]),
    ]
