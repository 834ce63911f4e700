"""The inside of a mouth that the rig opens, drawn as the product draws it.

Teeth that the photograph shows stay the photograph's own and stay in the skull.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from icface.arrays import F32, F64, U8
from icface.face.geometry import Similarity
from icface.face.landmarks import INNER_LIPS
from icface.model.mouth.mouth import Edit, Mouth, PosedLips
from icface.model.mouth.opening import filled, rounded, uncrossed
from icface.model.mouth.tones import tones_of
from icface.training.rig.rig import SKIN, TEETH, Rig, View

_LIT = (0.85, 1.1)
"""Light that falls into a mouth, of what the face around it tells."""
_TONES = 0.05


def open_mouth_on(
    rng: np.random.Generator, picture: U8, image: U8, before: View, after: View
) -> U8:
    """`picture`, the warped photograph, with the inside of its mouth in a light that varies.

    Parameters
    ----------
    picture : (S, S, 3) uint8
        The photograph warped from `before` to `after`.
    image : (S, S, 3) uint8
        The photograph.
    """
    inside = after.inside
    if not inside.any():
        return picture
    mouth = _mouth(rng, image, before)
    edit = Edit(before.state.controls, after.state.controls)
    turned = replace(after.state, expression=before.state.expression)
    posed = PosedLips(
        lips=_opening(after),
        before=_lips(after.rig, after.rig.vertices(turned)),
        turn=after.state.rotation @ before.state.rotation.T,
        pivot=before.state.pivot,
    )
    (drawn,) = mouth.patch(posed, edit, 1.0) or (None,)
    if drawn is None:
        return picture
    under = picture.astype(np.float32)
    shown_by_photo = 1 - mouth.hidden
    if shown_by_photo > 0:
        rows, columns = np.mgrid[: after.size, : after.size]
        grid = np.stack([columns, rows], -1).astype(np.float64)
        at = mouth.source_of(grid, posed, edit).astype(np.float32)
        own = cv2.remap(
            image, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        held = filled(uncrossed(rounded(posed.lips)), (after.size, after.size)) * shown_by_photo
        under += (own - under) * held[..., None]
    layer = np.dstack([drawn.colour * drawn.mask[..., None] * 255, drawn.mask])
    there = drawn.patch_from_grid.inverse().matrix
    over = cv2.warpAffine(layer, there, (after.size, after.size), flags=cv2.INTER_LINEAR)
    result: U8 = np.clip(under * (1 - over[..., 3:]) + over[..., :3] + 0.5, 0, 255).astype(np.uint8)
    return result


def _mouth(rng: np.random.Generator, image: U8, before: View) -> Mouth:
    """The mouth of a fitted photograph, in the photograph's own pixels."""
    state, rig = before.state, before.rig
    points = before.vertices[rig.mesh].astype(np.float64)
    tones = tones_of(image, points, image[before.part == SKIN], image[before.part == TEETH])
    lit = rng.uniform(*_LIT)
    varied = {
        name: np.clip(getattr(tones, name) * lit * rng.normal(1, _TONES), 0, 1).astype(np.float32)
        for name in ("tooth", "tongue", "gum", "dark")
    }
    rest = rig.vertices(replace(state, expression=np.zeros_like(state.expression)))[
        rig.mesh[list(INNER_LIPS)]
    ]
    camera = (rest.astype(np.float64) - (*state.pivot, 0)) * (1, -1, 1)
    mouth = Mouth.between(
        camera,
        _opening(before),
        state.controls,
        tones=replace(tones, **varied),
        pixels_per_cm=state.scale,
    )
    return mouth.inspected(image, Similarity((1, 0, 0, 0, 1, 0)))


def _opening(view: View) -> F64:
    """(20, 2) `INNER_LIPS` of a view, pixels."""
    return _lips(view.rig, view.vertices)


def _lips(rig: Rig, vertices: F32) -> F64:
    """(20, 2) `INNER_LIPS` of the rig's vertices (V, 3)."""
    lips: F64 = vertices[rig.mesh[list(INNER_LIPS)], :2].astype(np.float64)
    return lips
