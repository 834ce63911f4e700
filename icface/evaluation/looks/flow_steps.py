"""Steps in the flow of the skin: places where neighbouring pixels show far parts of the photo.

The compositor enlarges the flow as if it were smooth. Where it jumps, from the wing of the nose to
the cheek behind it or from the chin to the neck, the enlarged flow runs through the places in
between: a beaded or torn edge. Layers that lie over each other with soft edges have no steps.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from icface.arrays import F32, Bools
from icface.face.geometry import Similarity
from icface.model.face.pose import FacePrediction
from icface.model.mouth.patch import Patch
from icface.model.networks.neutralizer import GRID
from icface.model.surface.layers import FlowLayer, Layer

CROP_PX = 320
"""Side of the crop in whose pixels steps are counted."""
JUMP_PX = 3.0
"""A step: more than this distance, in pixels of the crop, between the flows of two neighbouring
pixels. They show places of the photo that lie that much farther apart, or closer, than a pixel."""
MANY_PX = 10
"""A picture with more pixels of steps than this has a visible edge."""
_SEEN = 0.3
"""Least share of a pixel that a layer must show for its steps to be seen."""
_NOT_SKIN = ("openings", "eye")
_PLACES = np.meshgrid(np.arange(GRID, dtype=np.float32), np.arange(GRID, dtype=np.float32))


def flow_steps_px(prediction: FacePrediction) -> int:
    """Number of pixels with a step in the skin's flow, of a crop of `CROP_PX` squared.

    A pixel has a step if it and its neighbour to the right or below both show the same layer of
    skin, and that layer's flow differs between the two by more than `JUMP_PX`. Skin under a turned
    eye, an opening of the face or an opaque drawing is not seen and does not count. Surroundings
    that move along with the skin count as skin, a background that stays behind the head does not.
    """
    count = sum(int(steps(layer.flow, seen).sum()) for layer, seen in _skin(prediction))
    return round(count * CROP_PX / GRID)  # an edge is a line: it grows with the side


def steps(flow: F32, seen: Bools) -> Bools:
    """(H, W) pixels from which a flow (H, W, 2) jumps to the right or down, both ends being seen.

    Parameters
    ----------
    flow : (H, W, 2) float32
        Backward flow, grid pixels.
    seen : (H, W) bool
    """
    found = np.zeros(seen.shape, bool)
    jump = JUMP_PX * GRID / CROP_PX
    right, down = (np.linalg.norm(np.diff(flow, axis=axis), axis=2) > jump for axis in (1, 0))
    found[:, :-1] |= right & seen[:, :-1] & seen[:, 1:]
    found[:-1] |= down & seen[:-1] & seen[1:]
    return found


def _skin(prediction: FacePrediction) -> Iterator[tuple[FlowLayer, Bools]]:
    """Each layer of skin, and where it is seen."""
    free = np.ones((GRID, GRID), np.float32)
    for patch in prediction.patches:
        if patch.opaque:
            free *= 1 - _on_grid(patch)
    for layer in reversed(prediction.layers):
        own = _share(layer)
        if isinstance(layer, FlowLayer) and layer.shows not in _NOT_SKIN:
            yield layer, (free * own > _SEEN) & _person(layer)
        free = free * (1 - own)


def _share(layer: Layer) -> F32:
    """(GRID, GRID) 0..1: how much of each pixel a layer covers."""
    if layer.coverage is None:
        return np.ones((GRID, GRID), np.float32)
    if isinstance(layer, FlowLayer) and layer.ramp_px is not None:
        return (layer.coverage > 0.5).astype(np.float32)
    return layer.coverage


def _person(layer: FlowLayer) -> Bools:
    """(GRID, GRID) where a layer shows the person, and not a background that stays behind."""
    if layer.surroundings is None:
        return np.ones((GRID, GRID), bool)
    matte = layer.surroundings.backdrop.person
    x, y = (axis + layer.flow[..., k] for k, axis in enumerate(_PLACES))
    pad = (len(matte) - GRID) // 2
    person = cv2.remap(matte, x + pad, y + pad, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    shown: Bools = person > _SEEN
    return shown


def visible_skin(prediction: FacePrediction) -> Iterator[tuple[F32, Bools]]:
    """The flow of each layer of skin, (GRID, GRID, 2), and where it is seen, (GRID, GRID)."""
    for layer, seen in _skin(prediction):
        yield layer.flow, seen


def _on_grid(patch: Patch) -> F32:
    """(GRID, GRID) 0..1: the cover of a patch."""
    there: Similarity = patch.patch_from_grid.inverse()
    cover: F32 = cv2.warpAffine(
        patch.mask, there.matrix, (GRID, GRID), flags=cv2.INTER_AREA
    ).astype(np.float32)
    return np.clip(cover, 0, 1)
