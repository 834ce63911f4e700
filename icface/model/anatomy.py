"""What is known of a face's anatomy beside its surface: one connected face, one mouth, lids that meet, a dark inside."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface.face.controls import EXPRESSIONS, ControlVector
from icface.face.landmarks import BROW_EDGES, EYES, INNER_LIPS, OUTER_LIPS
from icface.model.eyes.lids import fit_lid
from icface.model.networks.neutralizer import Part
from icface.model.surface.anchored import Followed
from icface.model.surface.mesh import SurfaceMesh

_OF_LOWER = np.isin(np.arange(20), np.arange(1, 10))


def with_lids(mesh: SurfaceMesh, part: NDArray[np.int64], points: NDArray[np.float64], controls: ControlVector) -> SurfaceMesh:
    """The mesh with lids that close these very eyes; `points` are the landmarks in grid pixels."""
    own = part[part > Part.BACKGROUND]
    skin = (own == Part.SKIN) | (own == Part.LOWER)
    source, basis, layer = mesh.source.double().cpu().numpy(), mesh.basis.clone(), mesh.layer.clone()
    for side, ring in EYES.items():
        closed = controls[f"eyeBlink_{side}"]
        lid = fit_lid(source, skin, points[list(ring)], points[list(BROW_EDGES[side])], closed=closed)
        if lid is None:
            continue
        near, share, drop, release = (torch.from_numpy(a).to(basis) for a in (lid.near, lid.share, lid.drop, lid.release))
        blink = basis[EXPRESSIONS.index(f"eyeBlink_{side}")]
        blink *= near
        blink[:2] *= 1 - share
        blink[1] -= share * drop
        rise, risen = (torch.from_numpy(a).to(basis) for a in (lid.rise, lid.risen))
        blink[1] += risen * (rise - blink[1])
        basis[EXPRESSIONS.index(f"eyeLookDown_{side}")] *= near * (1 - torch.from_numpy(lid.above).to(basis))  # see `lids_move`
        for brow in ("browDown", "browInnerUp", "browOuterUp"):
            basis[EXPRESSIONS.index(f"{brow}_{side}")] *= 1 - share * (1 - release)
        # Below the eye is a layer of its own: no flow is interpolated from one lid to the other, which would show the eye.
        layer[torch.from_numpy(lid.under).to(mesh.quads.device)[mesh.quads].all(1)] = 1
    return replace(mesh, basis=basis, layer=layer)


def with_one_mouth(mesh: SurfaceMesh, points: NDArray[np.float64]) -> SurfaceMesh:
    """The mesh without the seams that are not about the lips; `points` are the landmarks in grid pixels."""
    lips = points[list(OUTER_LIPS)]
    low, high = lips.min(0), lips.max(0)
    room = 0.3 * float((high - low).max())
    middle = mesh.source[mesh.seams].mean(1)
    low_at, high_at = (torch.tensor(v, dtype=middle.dtype, device=middle.device) for v in (low - room, high + room))
    return replace(mesh, seams=mesh.seams[((middle > low_at) & (middle < high_at)).all(1)])


def lips_of(part: NDArray[np.int64], source: NDArray[np.float64], points: NDArray[np.float64]) -> Followed:
    """The opening of the mouth (`INNER_LIPS`), each lip tied to its own surface, for they part.

    Parameters
    ----------
    part : (WINDOW, WINDOW) int64
    source : (N, 2)
        Surface points, grid pixels.
    points : (478, 2)
        The landmarks, grid pixels.
    """
    own = part[part > Part.BACKGROUND]
    opening, everything = points[list(INNER_LIPS), :2], np.arange(len(own))
    rows, beside = np.empty(len(opening), np.int64), np.empty((len(opening), 2))
    for lip, kind in ((_OF_LOWER, Part.LOWER), (~_OF_LOWER, Part.SKIN)):
        among = np.flatnonzero(own == kind)
        tied = Followed.of(opening[lip], source, among if len(among) else everything)
        rows[lip], beside[lip] = tied.rows, tied.beside
    return Followed(rows, beside)


def one_face(part: NDArray[np.int64]) -> NDArray[np.int64]:
    """The parts of the largest connected face alone, its small holes closed."""
    inside = (part > Part.BACKGROUND).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
    if count <= 1:
        return np.zeros_like(part)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    whole = (labels == largest).astype(np.uint8)
    closed = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    filled = np.where(part > Part.BACKGROUND, part, Part.SKIN)
    return np.where(closed > 0, filled, Part.BACKGROUND).astype(np.int64)


def cavity_colour(window: NDArray[np.uint8], part: NDArray[np.int64]) -> tuple[float, float, float]:
    """Dark red after this face's own light: what an opening mouth shows until teeth are painted."""
    lower = window[part == Part.LOWER]
    skin = np.median(lower, axis=0) if len(lower) else np.array([120.0, 80.0, 70.0])
    red_share = 0.11 * min(float(np.ptp(skin)) / 20, 1.0)  # none in a photograph in grey
    red, green, blue = (float(v) for v in skin * (0.13 + red_share, 0.13, 0.13))
    return red, green, blue
