"""Eyelids that meet: the animator's blink, fitted to the eyes of one face.

An open eye is only a few pixels tall, and the skin that a blink unfolds is hidden. So the tracker's
eye contours decide where skin ends and eye begins. A blink takes the upper lid down to the lower
one and stretches the skin up to the brow evenly, with the lashes at its edge unchanged. A brow that
moves leaves the lashes at the eye.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.controls import EXPRESSIONS, ControlVector
from icface.face.landmarks import BROW_EDGES, EYES, IRISES, LOWER_LID, UPPER_LID
from icface.face.ramps import smoothstep
from icface.model.eyes.below_brow import BelowBrow
from icface.model.eyes.lid_fill import FilledEye
from icface.model.networks.neutralizer import OFFSET, WINDOW, Part
from icface.model.surface.mesh import SurfaceMesh

LASHES_PX = 1.3
"""Least reach of lashes above the lid's edge, grid pixels."""
LASHES_OF_GAP = 0.2
"""Least reach of lashes above the lid's edge, as a share of the open eye."""
_OVERLAP_PX = 1.2
"""Overlap of closed lids, grid pixels; less towards the corners."""
_OVERLAP_FROM = 0.6
"""Share of the eye's greatest height from which on lids overlap in full."""
_RISES = 0.12
"""Rise of the lower lid in a full blink, in heights of the open eye. Shut eyes of the training
portraits lie 0.06 of a width below the corners; the lower lids of open ones lie 0.11 below."""
_RISES_BELOW = 0.3
"""Depth below the lower lid at which nothing rises any more, in widths of the eye."""
_MEET = 0.8
"""Share of the rest of the slider at which lids meet; beyond it they are pressed."""
FOLLOWS = 0.55
"""Share of the open eye by which an upper lid follows an eye that looks all the way down, by
default."""
_COVERED = 0.25
"""Part of the iris that a widened lid still covers, in radii of the iris."""
_WIDENS_AT_LEAST = 0.35
"""Least share of the animator's movement of a lid that a widened eye makes."""
_LID_ROWS = 12
"""Number of surface points by which the movement of a lid is measured."""
_OPEN_PX = 1.0
"""An eye that is open by less counts as closed, grid pixels."""
_FINE = 8
"""Subpixels per grid pixel, along each axis, at which a contour is filled."""


def outline_eyes(part: NDArray[np.int64], landmarks: NDArray[np.floating]) -> NDArray[np.int64]:
    """The parts of a face with eyes exactly within the tracker's eye contours.

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
    """Movement of the skin around one eye.

    Attributes
    ----------
    near : (N,) float64
        1 around this eye, 0 from one and a half of its widths on: a blink reaches no farther.
    share : (N,) float64
        0..1, how much each surface point takes part in the movement of the upper lid; 0 beside,
        below and far above the eye.
    drop : (N,) float64
        Movement of each point down in a full blink, grid pixels.
    release : (N,) float64
        0..1, how much of a brow's movement reaches each point: nothing at the lashes.
    rise : (N,) float64
        Movement of each point of the lower lid up in a full blink, grid pixels.
    risen : (N,) float64
        0..1, how much each surface point takes part in the rise.
    above : (N,) float64
        0..1, 1 from the middle of the eye's opening up.
    """

    near: F64
    share: F64
    drop: F64
    release: F64
    rise: F64
    risen: F64
    above: F64


def fit_lid(
    points: F64, skin: NDArray[np.bool_], contour: F64, brow: F64, *, closed: float
) -> Lid | None:
    """The movement of one eye's lids; None when the eye is closed already.

    Parameters
    ----------
    points : (N, 2)
        Surface points, grid pixels.
    skin : (N,) bool
        The points that are neither eyeball nor mouth.
    contour : (16, 2)
        The eye's contour in the order of `icface.face.landmarks.LEFT_EYE`, grid pixels.
    brow : (5, 2)
        Lower edge of the eyebrow, grid pixels.
    closed : float
        The photo's own blink, 0..1: the rest of the slider closes the rest of the eye.
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
    up = np.clip((height - np.maximum(LASHES_PX, LASHES_OF_GAP * gap)) / reach, 0, 1)
    eased = smoothstep(up)
    left = max(1 - closed, 0.25)
    to_close = (
        gap * (1 - _RISES) + _OVERLAP_PX * np.minimum(gap / (_OVERLAP_FROM * tallest), 1)
    ) / left
    away = np.hypot(*(points - contour.mean(0)).T) / width
    near = np.clip(2 * (1.5 - away), 0, 1)
    depth = points[:, 1] - bottom
    above = np.where(skin, np.clip(height + 0.5 * gap + 0.5, 0, 1), 0.0)
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
        above=above,
    )


def lid_reach(upper: F64, brow: F64) -> float:
    """Height above the lashes up to which a lid is stretched, grid pixels.

    Parameters
    ----------
    upper : (9, 2)
        The upper lid's edge, by column.
    brow : (5, 2)
        The brow's lower edge.
    """
    return float(
        np.clip(
            0.42 * np.median(np.interp(brow[:, 0], upper[:, 0], upper[:, 1]) - brow[:, 1]), 2.5, 16
        )
    )


def closing(before: float, change: float) -> float:
    """Share of `Lid.drop` for a change of the blink from `before`; lids meet before it ends.

    Parameters
    ----------
    before : float
        The photo's own blink, 0..1.
    change : float
        Change of the channel.
    """
    return min(change / _MEET, 1 - before) if change > 0 else change


def lids_move(before: ControlVector, change: F64, follows: Mapping[str, float]) -> F64:
    """A change of the channels (53,) with blinks in shares of `Lid.drop`.

    Upper lids follow eyes that look down, as far as they are not closed.

    Parameters
    ----------
    before : ControlVector
        The photo's own controls.
    change : (53,)
        Change of each channel.
    follows : mapping
        Share of the open eye by which the lid of each side follows; `FOLLOWS` for sides left out.
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
    """Share of the open eye that closes, 0..1, for the sides ``L`` and ``R`` that close at all.

    Parameters
    ----------
    before : ControlVector
        The photo's own controls.
    moves : (53,)
        From `lids_move`.
    """
    more = {side: float(moves[EXPRESSIONS.index(f"eyeBlink_{side}")]) for side in "LR"}
    return {
        side: share / max(1 - before[f"eyeBlink_{side}"], 1e-6)
        for side, share in more.items()
        if share > 0
    }


def _by_column(line: F64) -> F64:
    """A line (K, 2) sorted by column."""
    return line[np.argsort(line[:, 0])]


def share_of_widening(
    lid: Lid, rise: F64, source: F64, skin: NDArray[np.bool_], points: F64, side: str
) -> F32:
    """(N,) share of the animator's movement that a widened eye makes.

    A lid rises to the edge of the iris and no farther: a ring of white stares.

    Parameters
    ----------
    rise : (N,)
        Movement up in full, grid pixels.
    source : (N, 2)
        Surface points, grid pixels.
    skin : (N,) bool
        The points that are neither eyeball nor mouth.
    points : (478, 2)
        Face-mesh points, grid pixels.
    """
    own = np.flatnonzero(skin)
    contour, iris = points[list(EYES[side])], points[list(IRISES[side])]
    radius = float(np.hypot(*(iris[1] - iris[3]))) / 2
    share = []
    for lid_points, way in ((contour[3:6], 1.0), (contour[11:14], -1.0)):
        edge = lid_points.mean(0)
        near = own[np.argsort(((source[own] - edge) ** 2).sum(1))[:_LID_ROWS]]
        asked = way * float(np.median(rise[near]))
        room = (1 - _COVERED) * radius - way * (iris[0, 1] - edge[1])
        share.append(min(1.0, max(room / max(asked, 1e-6), _WIDENS_AT_LEAST)) if asked > 0 else 1.0)
    upper, lower = share
    widens = lower + (upper - lower) * lid.above
    return (1 + (widens - 1) * lid.near).astype(np.float32)


def with_lids(
    mesh: SurfaceMesh,
    part: NDArray[np.int64],
    points: NDArray[np.float64],
    controls: ControlVector,
    eyes: Iterable[FilledEye] = (),
) -> SurfaceMesh:
    """The mesh with lids that fit the eyes of this face.

    Parameters
    ----------
    mesh : SurfaceMesh
    part : (WINDOW, WINDOW) int64
        `Part` of each pixel of the window.
    points : (478, 2)
        Face-mesh points, grid pixels.
    controls : ControlVector
        The photo's own.
    eyes : iterable of FilledEye
        Eyes whose lashes and brows are known.
    """
    filled = {eye.photo.side: eye for eye in eyes}
    own = part[part > Part.BACKGROUND]
    skin = (own == Part.SKIN) | (own == Part.LOWER)
    source, basis = mesh.source.double().cpu().numpy(), mesh.basis.clone()
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
        wide = basis[EXPRESSIONS.index(f"eyeWide_{side}")]
        wide *= torch.from_numpy(
            share_of_widening(lid, wide[1].double().cpu().numpy(), source, skin, points, side)
        )
        basis[EXPRESSIONS.index(f"eyeLookDown_{side}")] *= near * (
            1 - torch.from_numpy(lid.above).to(basis)
        )  # see `lids_move`
        below_brow = BelowBrow.of(filled[side], source, skin) if side in filled else None
        for name in ("browDown", "browInnerUp", "browOuterUp"):
            brow = basis[EXPRESSIONS.index(f"{name}_{side}")]
            if below_brow is None:
                brow *= 1 - share * (1 - release)
            else:
                brow.copy_(torch.from_numpy(below_brow.moved(brow.double().cpu().numpy())))
    return replace(mesh, basis=basis)
