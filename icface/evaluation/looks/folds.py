"""Brightness of the folds that a smile makes: beside the nose, and below the eyes.

A fold is a strip of skin along landmarks. The same skin is looked up after the edit through the
flow, and the change is the mean of gamma-coded luma (0..1) there less the mean of the very pixels
that it shows. Where skin is only moved the change is 0. In life, from a neutral face to a posed
smile, nasolabial folds grow darker by 0.029 and the creases below the eyes by 0.009.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, U8, Bools
from icface.evaluation.looks.flow_steps import visible_skin
from icface.model.face.pose import FacePrediction
from icface.model.networks.neutralizer import GRID

WANTED = {"nasolabial": -0.018, "below_eyes": 0.0}
"""Changes of a smile on a neutral face may be at most this."""
_PLACES: dict[str, tuple[tuple[tuple[int, ...], ...], ...]] = {
    "nasolabial": (
        ((129,), (203,), (206,), (216,), (212,)),
        ((358,), (423,), (426,), (436,), (432,)),
    ),
    "below_eyes": (
        ((24, 229), (23, 230), (22, 231)),
        ((254, 449), (253, 450), (252, 451)),
    ),
}
"""Strips on both sides: a corner of the strip is the mean of some landmarks."""
_WIDE = 0.08
"""Width of a strip in distances between the outer eye corners."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def fold_masks(landmarks: NDArray[np.floating]) -> dict[str, Bools]:
    """The strips of each fold, (GRID, GRID); landmarks are (478, 2 or 3) grid pixels."""
    thick = max(round(_WIDE * float(np.linalg.norm(landmarks[33, :2] - landmarks[263, :2]))), 2)
    masks = {}
    for name, sides in _PLACES.items():
        mask = np.zeros((GRID, GRID), np.uint8)
        for side in sides:
            line = np.array([landmarks[list(corner), :2].mean(0) for corner in side])
            cv2.polylines(mask, [np.rint(line).astype(np.int32)], False, (1,), thickness=thick)
        masks[name] = mask > 0
    return masks


def fold_changes(
    before: U8, after: U8, prediction: FacePrediction, masks: dict[str, Bools]
) -> dict[str, float | None]:
    """Change of luma of each fold, -1..1; None where the edit hides it.

    Parameters
    ----------
    before, after : (GRID, GRID, 3) uint8
        The crop of the photo and of its edited picture.
    masks : dict
        Of `fold_masks`.
    """
    old, new = luma(before), luma(after)
    changes: dict[str, float | None] = {}
    for name, mask in masks.items():
        shown = [_shown(old, mask, flow, seen) for flow, seen in _flows(prediction)]
        now = np.concatenate([new[there] for there, _ in shown])
        then = np.concatenate([values for _, values in shown])
        enough = len(now) > mask.sum() / 4
        changes[name] = float(now.mean() - then.mean()) if enough else None
    return changes


def _flows(prediction: FacePrediction) -> Iterator[tuple[F32, Bools]]:
    """Flows of visible skin, and where each is seen; the photo itself is one without movement."""
    if prediction.layers:
        yield from visible_skin(prediction)
    else:
        yield np.zeros((GRID, GRID, 2), np.float32), np.ones((GRID, GRID), bool)


def _shown(old: F32, mask: Bools, flow: F32, seen: Bools) -> tuple[Bools, F32]:
    """Pixels that show skin of a mask through a flow, (GRID, GRID), and that skin's old luma."""
    x, y = np.meshgrid(np.arange(GRID, dtype=np.float32), np.arange(GRID, dtype=np.float32))
    both = np.dstack([mask.astype(np.float32), old])
    moved = cv2.remap(both, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
    there: Bools = seen & (moved[..., 0] > 0.5)
    return there, moved[..., 1][there].astype(np.float32)


def luma(picture: U8) -> F32:
    """(H, W) gamma-coded luma, 0..1."""
    bright: F32 = (picture @ _LUMA / 255).astype(np.float32)
    return bright
