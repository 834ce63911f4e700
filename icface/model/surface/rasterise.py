"""The rasteriser of a moved mesh: where every pixel of the new picture comes from.

Nearer quads hide farther ones, and inverting each quad gives the backward flow. Skin is one layer,
what shows through its openings (eyes, teeth) another: each has a flow of its own, so that a lid's
edge is a soft mask and not a step in the flow. What no quad of a layer covers is continued
smoothly, to nothing at the border of the crop.

Convention
----------
That of `icface.model.surface.mesh`. A backward flow f says: pixel x shows what the source has at x + f(x).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from icface.model.networks.neutralizer import GRID
from icface.model.surface.fill import beside, extended, fill, softened
from icface.model.surface.mesh import SurfaceMesh

_FINENESS = (2, 4, 8, 16)
_FINE_ENOUGH = 0.95
"""Samples this far apart leave no pixel out."""
_SEAM_LAYER = 2
_SEAM_OPENS_PX = (2.0, 5.0)
"""A seam stretched to the first of these begins to show the mouth cavity; at the second it shows
nothing else."""
_DEPTH_STEPS_PER_PX = 32.0
_QUAD_BITS, _PLACE_BITS = 17, 9
_IN_THE_PLANE = [0, 1, 3, 4]


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Where the pixels of the new picture come from.

    Attributes
    ----------
    field : (GRID, GRID, 2) float32
        Backward flow of the skin and all around it, grid pixels.
    known : (GRID, GRID) bool
        Where it is the face's own surface; elsewhere it is a smooth continuation.
    back_field : (GRID, GRID, 2) float32
        Backward flow of eyes and teeth.
    back : (GRID, GRID) float32
        0..1, how much of the pixel shows those.
    cavity : (GRID, GRID) float32
        0..1, how much of the pixel shows the mouth cavity, which the source hides.
    """

    field: NDArray[np.float32]
    known: NDArray[np.bool_]
    back_field: NDArray[np.float32]
    back: NDArray[np.float32]
    cavity: NDArray[np.float32]


def flow_of(mesh: SurfaceMesh, moved: Tensor, around: NDArray[np.float32] | None = None) -> Flow:
    """The backward flow of a moved mesh (`move`), filled to the border of the grid.

    `around` (GRID, GRID, 2), zero along the border, is what the surroundings do by themselves: the
    flow is continued as far as it departs from that.
    """
    points = torch.cat([moved.T, mesh.source.T])  # (5, N)
    torn, share = _torn_seams(points, mesh.seams)
    quads, layer = (mesh.quads, mesh.layer) if not len(torn) else _with_seams(mesh, torn)
    drawn = _draw(points, quads, layer)
    field, known = drawn.field.cpu().numpy(), drawn.known.cpu().numpy()
    cavity = np.zeros(GRID * GRID, np.float32)
    cavity[drawn.seam_pixel.cpu().numpy()] = share.cpu().numpy()[
        (drawn.seam - len(mesh.quads)).cpu().numpy()
    ]
    hidden = cavity.reshape(GRID, GRID) * ~known.any(0)
    back = (known[1] & ~known[0]).astype(np.float32)
    skin = fill(field[0], known[0]) if around is None else beside(around, field[0], known[0])
    return Flow(skin, known[0], extended(field[1], known[1]), softened(back), softened(hidden))


def _torn_seams(points: Tensor, seams: Tensor) -> tuple[Tensor, Tensor]:
    """The seams (S, 4) that are stretched, and how much of the cavity each shows, 0..1."""
    low, high = _corners(points, seams)[:2].aminmax(dim=1)
    extent = (high - low).amax(0)
    torn = (extent > _SEAM_OPENS_PX[0]).nonzero()[:, 0]
    share = ((extent[torn] - _SEAM_OPENS_PX[0]) / (_SEAM_OPENS_PX[1] - _SEAM_OPENS_PX[0])).clamp(
        0, 1
    )
    return seams[torn], share


def _with_seams(mesh: SurfaceMesh, torn: Tensor) -> tuple[Tensor, Tensor]:
    """Quads and their layers, the torn seams as a third layer."""
    return torch.cat([mesh.quads, torn]), torch.cat(
        [mesh.layer, mesh.layer.new_full((len(torn),), _SEAM_LAYER)]
    )


def _corners(points: Tensor, quads: Tensor) -> Tensor:
    """(3, 4, Q) target x, y and depth of the quads' corners."""
    return points[:3].index_select(1, quads.T.reshape(-1)).view(3, 4, len(quads))


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """Nearest quad of each layer and pixel.

    Attributes
    ----------
    field : (2, GRID, GRID, 2)
        Backward flow of both layers, 0 where no quad is.
    known : (2, GRID, GRID) bool
        Where one is.
    seam_pixel, seam : (P,) int64
        Pixels that seams cover, and which of the quads it is.
    """

    field: Tensor
    known: Tensor
    seam_pixel: Tensor
    seam: Tensor


def _draw(points: Tensor, quads: Tensor, layer: Tensor) -> _Drawn:
    """Draw quads nearest first and invert them.

    `points` are (5, N): target x, y, depth, source x, y. Each quad is sampled as finely as it is
    stretched.
    """
    size, device = GRID * GRID, points.device
    cell, depth, sample, places = _samples(_corners(points, quads), layer)
    rank = ((depth + 4 * GRID) * _DEPTH_STEPS_PER_PX).long().clamp_(min=0)
    key = rank.bitwise_left_shift_(_QUAD_BITS + _PLACE_BITS).bitwise_or_(sample)
    best = torch.full(((_SEAM_LAYER + 1) * size + 1,), -1, dtype=torch.long, device=device)
    best.scatter_reduce_(0, cell, key, "amax")
    covered = best[:-1] >= 0  # the last is for what is off the grid
    won = torch.from_numpy(np.flatnonzero(covered.cpu().numpy())).to(device)
    sample = best.index_select(0, won)
    nearest = sample & ((1 << _QUAD_BITS) - 1)
    surface = int(torch.searchsorted(won, _SEAM_LAYER * size))
    pixel, quad = won[:surface], nearest[:surface]
    here = torch.stack([pixel & (GRID - 1), (pixel // GRID) & (GRID - 1)]).to(points.dtype)
    at = places.index_select(1, (sample[:surface] >> _QUAD_BITS) & ((1 << _PLACE_BITS) - 1))
    corners = (
        points[_IN_THE_PLANE]
        .index_select(1, quads.index_select(0, quad).T.reshape(-1))
        .view(2, 2, 4, -1)
    )
    field = torch.zeros(_SEAM_LAYER * size, 2, device=device)
    field.index_copy_(0, pixel, (_inverse_in_quad(corners[0], corners[1], at, here) - here).T)
    known = covered[: _SEAM_LAYER * size].view(_SEAM_LAYER, GRID, GRID)
    return _Drawn(
        field.view(_SEAM_LAYER, GRID, GRID, 2),
        known,
        won[surface:] - _SEAM_LAYER * size,
        nearest[surface:],
    )


def _samples(corners: Tensor, layer: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Samples of quads: (P,) the cell of layers and pixels each falls in, its depth, its name; and (2, K) places by name.

    A name is the number of the quad and, above `_QUAD_BITS`, that of a place in the unit square.
    All quads are sampled twice as finely as pixels, stretched ones again by what they need. Quads
    that leave the grid get the cell behind the last.
    """
    device = corners.device
    low, high = corners[:2].aminmax(dim=1)  # (2, Q)
    extent = (high - low).amax(0)
    on_grid = (low.amin(0) >= 0) & (high.amax(0) <= GRID - 1)
    start = (layer * (GRID * GRID)).to(corners.dtype)
    number = torch.arange(len(layer), device=device)
    stretched = (extent > _FINE_ENOUGH * _FINENESS[0]).nonzero()[:, 0]
    level = torch.bucketize(
        extent[stretched], torch.tensor(_FINENESS[:-1], device=device) * _FINE_ENOUGH
    )
    places = _places(device)
    cells, depths, names = [], [], []
    for step, (fineness, weights) in enumerate(zip(_FINENESS, _weights(device), strict=True)):
        chosen = number if step == 0 else stretched[level == step]
        if not len(chosen):
            continue
        own, first, inside = (
            (corners, start, on_grid) if step == 0 else _of(chosen, corners, start, on_grid)
        )
        x, y, z = weights @ own  # (K, q) each
        cell = y.round_().mul_(GRID).add_(x.round_()).add_(first)
        if not inside.all():
            cell[:, ~inside] = (_SEAM_LAYER + 1) * GRID * GRID
        cells.append(cell.flatten())
        depths.append(z.flatten())
        before = sum(f * f for f in _FINENESS[:step])
        name = (
            torch.arange(before, before + fineness * fineness, device=device)[:, None] << _QUAD_BITS
        )
        names.append((name + chosen).flatten())
    return torch.cat(cells).long(), torch.cat(depths), torch.cat(names), places


def _of(
    chosen: Tensor, corners: Tensor, start: Tensor, on_grid: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return corners.index_select(2, chosen), start[chosen], on_grid[chosen]


@cache
def _places(device: torch.device) -> Tensor:
    """(2, K) places in the unit square: finer and finer grids of `_FINENESS`, one after the other."""
    grids = []
    for fineness in _FINENESS:
        t = (torch.arange(fineness, device=device, dtype=torch.float32) + 0.5) / fineness
        b, a = torch.meshgrid(t, t, indexing="ij")
        grids.append(torch.stack([a.flatten(), b.flatten()]))
    return torch.cat(grids, 1)


@cache
def _weights(device: torch.device) -> tuple[Tensor, ...]:
    """Bilinear weights (fineness ** 2, 4) of the corners, for each of those grids."""
    parts = torch.split(_places(device), [f * f for f in _FINENESS], 1)
    return tuple(torch.stack(_bilinear(at[0], at[1]), 1) for at in parts)


def _bilinear(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    both = a * b
    return 1 - a - b + both, a - both, b - both, both


def _inverse_in_quad(target: Tensor, source: Tensor, at: Tensor, pixel: Tensor) -> Tensor:
    """Source position (2, M) of target pixels (2, M), by one Newton step of the quads' bilinear map.

    The step starts from the samples `at` (2, M); `target` and `source` are the quads' corners, (2,
    4, M).
    """
    a, b = at
    t0, t1, t2, t3 = target.unbind(1)  # (2, M)
    right, below = t1 - t0, t2 - t0
    twist = t3 - t1 - below
    along, down = right + twist * b, below + twist * a
    off = pixel - t0 - along * a - below * b
    det = along[0] * down[1] - along[1] * down[0]
    det = torch.where(det.abs() < 0.05, 0.05, det)
    da = ((off[0] * down[1] - off[1] * down[0]) / det).clamp_(-1, 1)
    db = ((along[0] * off[1] - along[1] * off[0]) / det).clamp_(-1, 1)
    s0, s1, s2, s3 = source.unbind(1)
    a, b = a + da, b + db
    place: Tensor = s0 + (s1 - s0) * a + (s2 - s0) * b + (s3 - s1 - s2 + s0) * (a * b)
    return place
