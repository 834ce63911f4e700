"""Eyelids that meet: the animator's blink, fitted to the eyes of one face.

An open eye is only a few pixels tall, and the skin that a blink unfolds is hidden. So the tracker's
eye contours decide where skin ends and eye begins; a blink takes the upper lid down to the lower
one and stretches the skin up to the brow evenly, with the lashes at its edge as they are; and a
brow that moves leaves the lashes where the eye is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface.arrays import F64
from icface.face.controls import EXPRESSIONS, ControlVector
from icface.face.landmarks import BROW_EDGES, EYES, LOWER_LID, UPPER_LID
from icface.face.ramps import smoothstep
from icface.model.networks.neutralizer import OFFSET, WINDOW, Part
from icface.model.surface.mesh import SurfaceMesh

_LASHES_PX, _LASHES_OF_GAP = 1.3, 0.2
"""How far lashes reach above the lid's edge: so much, or this share of the open eye."""
_OVERLAP_PX, _OVERLAP_FROM = 1.2, 0.6
"""How far lids overlap where the eye is open by at least this share of its height; less towards the
corners."""
_BAND = 0.25
"""Height of what the lid comes to lie on, in widths of the eye."""
_RISES, _RISES_BELOW = 0.12, 0.3
"""How far a blink raises the lower lid, in heights of the open eye, and how far below it nothing of
that is left, in widths. Shut eyes of the training portraits lie higher than open ones' lower lids:
0.06 of a width below the corners, not 0.11."""
_MEET = 0.8
"""Share of what is left of the slider at which lids meet; the rest presses them."""
FOLLOWS = 0.55
"""Share of what is left to close by which an upper lid follows an eye that looks all the way down,
unless told."""
_OPEN_PX = 1.0
"""An eye that is open by less is closed already."""
_FINE = 8


def outline_eyes(part: NDArray[np.int64], landmarks: NDArray[np.floating]) -> NDArray[np.int64]:
    """Parts in which exactly what lies within the tracker's eye contours is eye.

    Parameters
    ----------
    part : (WINDOW, WINDOW) int64
        `Part` of each pixel of the window.
    landmarks : (478, 2)
        Face-mesh points, grid pixels.
    """
    fine = np.zeros((WINDOW * _FINE, WINDOW * _FINE), np.uint8)
    for ring in (EYES["R"], EYES["L"]):
        contour = (landmarks[list(ring)] - OFFSET + 0.5) * _FINE - 0.5
        cv2.fillPoly(fine, [np.round(contour).astype(np.int32)], 255)
    eye = cv2.resize(fine, (WINDOW, WINDOW), interpolation=cv2.INTER_AREA) > 127
    outlined = np.where(part == Part.EYE, Part.SKIN, part)
    return np.where(eye & (part > Part.BACKGROUND), Part.EYE, outlined).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Lid:
    """How the skin around one eye is to move.

    Attributes
    ----------
    near : (N,) float64
        1 around this eye, 0 from one and a half of its widths on: a blink reaches no farther.
    share : (N,) float64
        0..1, how much a surface point takes part in what this lid does; 0 beside, below and far above the eye.
    drop : (N,) float64
        How far a full blink moves each point down, pixels.
    release : (N,) float64
        0..1, how much of a brow's movement reaches each point: nothing at the lashes.
    rise : (N,) float64
        How far a full blink moves each point of the lower lid up, pixels.
    risen : (N,) float64
        0..1, how much a surface point takes part in that.
    under : (N,) bool
        The band of skin below the eye that the upper lid comes to lie on.
    above : (N,) float64
        0..1, 1 from the middle of the eye's opening up.
    """

    near: F64
    share: F64
    drop: F64
    release: F64
    rise: F64
    risen: F64
    under: NDArray[np.bool_]
    above: F64


def fit_lid(
    points: F64, skin: NDArray[np.bool_], contour: F64, brow: F64, *, closed: float
) -> Lid | None:
    """The lid of one eye; None when the eye is closed already.

    Parameters
    ----------
    points : (N, 2)
        Surface points, grid pixels.
    skin : (N,) bool
        Those that are not eyeball or mouth.
    contour : (16, 2)
        The eye's contour in the order of `icface.face.landmarks.LEFT_EYE`, grid pixels.
    brow : (5, 2)
        Lower edge of the eyebrow, grid pixels.
    closed : float
        How far the eye is closed in the photo, 0..1: what is left to close is done in what is left
        of the slider.
    """
    upper, lower = (_by_column(contour[part]) for part in (UPPER_LID, LOWER_LID))
    width = upper[-1, 0] - upper[0, 0]
    tallest = float((np.interp(upper[:, 0], lower[:, 0], lower[:, 1]) - upper[:, 1]).max())
    if width < 3 or tallest < _OPEN_PX:
        return None
    x = np.clip(points[:, 0], upper[0, 0], upper[-1, 0])
    top, bottom = (np.interp(x, lid[:, 0], lid[:, 1]) for lid in (upper, lower))
    gap = np.maximum(bottom - top, 0)
    reach = lid_reach(upper, brow)
    height = top - points[:, 1]
    aside = np.abs(points[:, 0] - x)
    share = skin * (height > -0.5 * gap - 0.5) * np.clip(1.2 - aside / (0.15 * width + 1), 0, 1)
    up = np.clip((height - np.maximum(_LASHES_PX, _LASHES_OF_GAP * gap)) / reach, 0, 1)
    eased = smoothstep(up)
    left = max(1 - closed, 0.25)
    to_close = (
        gap * (1 - _RISES) + _OVERLAP_PX * np.minimum(gap / (_OVERLAP_FROM * tallest), 1)
    ) / left
    away = np.hypot(*(points - contour.mean(0)).T) / width
    near = np.clip(2 * (1.5 - away), 0, 1)
    depth = points[:, 1] - bottom
    above = np.where(skin, np.clip(height + 0.5 * gap + 0.5, 0, 1), 0.0)
    under = skin & (depth > -1) & (depth < _BAND * width) & (aside == 0)
    level = np.clip(depth / (_RISES_BELOW * width), 0, 1)
    risen = (
        skin
        * (height < -0.5 * gap - 0.5)
        * (1 - smoothstep(level))
        * np.clip(gap / (0.3 * tallest), 0, 1)
    )
    return Lid(
        near=near,
        share=share * (up < 1),
        drop=to_close * (1 - eased),
        release=eased,
        rise=_RISES * gap / left,
        risen=risen,
        under=under,
        above=above,
    )


def lid_reach(upper: F64, brow: F64) -> float:
    """How far above its lashes a lid is stretched, from its upper edge by column and the brow's lower edge; pixels."""
    return float(
        np.clip(
            0.42 * np.median(np.interp(brow[:, 0], upper[:, 0], upper[:, 1]) - brow[:, 1]), 2.5, 16
        )
    )


def closing(before: float, change: float) -> float:
    """How much of a lid's `drop` a change of the blink from `before` (0..1) asks for: lids meet before the slider ends."""
    return min(change / _MEET, 1 - before) if change > 0 else change


def lids_move(before: ControlVector, change: F64, follows: Mapping[str, float]) -> F64:
    """A change of the channels (53,) from a state, with blinks by how much of a lid's `drop` they ask for.

    Upper lids follow eyes that look down by as much as is named for each side (as `FOLLOWS`), as
    far as they are not closed.
    """
    moves = change.copy()
    for side in "LR":
        at, shut = EXPRESSIONS.index(f"eyeBlink_{side}"), before[f"eyeBlink_{side}"]
        blink, down = (
            closing(shut, change[at]),
            follows.get(side, FOLLOWS) * change[EXPRESSIONS.index(f"eyeLookDown_{side}")],
        )
        moves[at] = (
            blink + down * max(1 - shut - blink, 0) if down > 0 else blink + down * (1 - shut)
        )
    return moves


def blinks(before: ControlVector, moves: F64) -> dict[str, float]:
    """Of the sides ``L`` and ``R`` that close under `lids_move`: how much of what was open is closed, 0..1."""
    more = {side: float(moves[EXPRESSIONS.index(f"eyeBlink_{side}")]) for side in "LR"}
    return {
        side: share / max(1 - before[f"eyeBlink_{side}"], 1e-6)
        for side, share in more.items()
        if share > 0
    }


def _by_column(line: F64) -> F64:
    return line[np.argsort(line[:, 0])]


def with_lids(
    mesh: SurfaceMesh, part: NDArray[np.int64], points: NDArray[np.float64], controls: ControlVector
) -> SurfaceMesh:
    """The mesh with lids that close these very eyes; `points` are the landmarks in grid pixels."""
    own = part[part > Part.BACKGROUND]
    skin = (own == Part.SKIN) | (own == Part.LOWER)
    source, basis, layer = (
        mesh.source.double().cpu().numpy(),
        mesh.basis.clone(),
        mesh.layer.clone(),
    )
    for side, ring in EYES.items():
        closed = controls[f"eyeBlink_{side}"]
        lid = fit_lid(
            source, skin, points[list(ring)], points[list(BROW_EDGES[side])], closed=closed
        )
        if lid is None:
            continue
        near, share, drop, release = (
            torch.from_numpy(a).to(basis) for a in (lid.near, lid.share, lid.drop, lid.release)
        )
        blink = basis[EXPRESSIONS.index(f"eyeBlink_{side}")]
        blink *= near
        blink[:2] *= 1 - share
        blink[1] -= share * drop
        rise, risen = (torch.from_numpy(a).to(basis) for a in (lid.rise, lid.risen))
        blink[1] += risen * (rise - blink[1])
        basis[EXPRESSIONS.index(f"eyeLookDown_{side}")] *= near * (
            1 - torch.from_numpy(lid.above).to(basis)
        )  # see `lids_move`
        for brow in ("browDown", "browInnerUp", "browOuterUp"):
            basis[EXPRESSIONS.index(f"{brow}_{side}")] *= 1 - share * (1 - release)
        # Below the eye is a layer of its own: no flow is interpolated from one lid to the other,
        # which would show the eye.
        layer[torch.from_numpy(lid.under).to(mesh.quads.device)[mesh.quads].all(1)] = 1
    return replace(mesh, basis=basis, layer=layer)
