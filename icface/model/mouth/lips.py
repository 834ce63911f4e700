"""Lips of one photo: their opening, the seams between them, and the colour behind them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from icface.face.landmarks import INNER_LIPS, OUTER_LIPS
from icface.model.networks.neutralizer import Part
from icface.model.surface.anchored import Anchored
from icface.model.surface.mesh import SurfaceMesh

_OF_LOWER = np.isin(np.arange(20), np.arange(1, 10))
"""The points of the opening that lie on the lower lip."""


def with_one_mouth(mesh: SurfaceMesh, points: NDArray[np.float64]) -> SurfaceMesh:
    """The mesh with seams around the lips only; `points` are landmarks in grid pixels."""
    lips = points[list(OUTER_LIPS)]
    low, high = lips.min(0), lips.max(0)
    room = 0.3 * float((high - low).max())
    middle = mesh.source[mesh.seams].mean(1)
    low_at, high_at = (
        torch.tensor(v, dtype=middle.dtype, device=middle.device) for v in (low - room, high + room)
    )
    return replace(mesh, seams=mesh.seams[((middle > low_at) & (middle < high_at)).all(1)])


def lips_of(
    part: NDArray[np.int64], source: NDArray[np.float64], points: NDArray[np.float64]
) -> Anchored:
    """The opening of the mouth (`INNER_LIPS`), each lip anchored to its own surface.

    Parameters
    ----------
    part : (WINDOW, WINDOW) int64
        `Part` of each pixel of the window.
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
        tied = Anchored.of(opening[lip], source, among if len(among) else everything)
        rows[lip], beside[lip] = tied.rows, tied.beside
    return Anchored(rows, beside)


def cavity_colour(window: NDArray[np.uint8], part: NDArray[np.int64]) -> tuple[float, float, float]:
    """The colour of a mouth's cavity, 0..255: dark red in the light of this face."""
    lower = window[part == Part.LOWER]
    skin = np.median(lower, axis=0) if len(lower) else np.array([120.0, 80.0, 70.0])
    red_share = 0.11 * min(float(np.ptp(skin)) / 20, 1.0)  # none in a photograph in grey
    red, green, blue = (float(v) for v in skin * (0.13 + red_share, 0.13, 0.13))
    return red, green, blue
