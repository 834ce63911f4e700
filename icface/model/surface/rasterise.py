"""The rasteriser of a moved mesh: the source position of every pixel of the new picture.

Nearer quads hide farther ones, and inverting each quad gives the backward flow. Skin is one layer;
eyes and teeth, which show through its openings, are another. Each has a flow of its own, so that a
lid's edge is a soft mask and not a step in the flow. Pixels that no quad of a layer covers continue
its flow smoothly, to nothing at the border of the crop.

Convention
----------
As in `icface.model.surface.mesh`. A backward flow f says: pixel x shows the source at x + f(x).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from icface.model.networks.neutralizer import GRID
from icface.model.surface.fill import beside, extended, softened
from icface.model.surface.folds import Folds, folds_of, without_islands, without_rim_behind
from icface.model.surface.mesh import SurfaceMesh

_FINENESS = (2, 4, 8, 16)
"""Samples along a side of a quad, by how far it is stretched."""
_FINE_ENOUGH = 0.95
"""Samples up to this far apart leave no pixel out, grid pixels."""
_SEAM_LAYER = 2
"""Number of the layer of torn seams."""
_SEAM_OPENS_PX = (2.0, 5.0)
"""Extents of a seam at which it begins to show the mouth's cavity, and shows nothing else."""
_DEPTH_STEPS_PER_PX = 32.0
"""Resolution of the depth buffer."""
_QUAD_BITS = 17
"""Bits of a sample's name that number its quad."""
_PLACE_BITS = 9
"""Bits of a sample's name that number its place within the quad."""
_STILL = np.zeros((GRID, GRID, 2), np.float32)
"""Flow of surroundings that nothing moves."""
_IN_THE_PLANE = [0, 1, 3, 4]
"""Rows of the points that hold target x, y and source x, y."""


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Source positions of the pixels of a new picture.

    Attributes
    ----------
    field : (GRID, GRID, 2) float32
        Backward flow of the skin and all around it, grid pixels.
    known : (GRID, GRID) bool
        Where that flow is the face's own surface; elsewhere it is a smooth continuation.
    folds : Folds, or None
        The near skin where skin hides skin; `field` is then the far flow.
    back_field : (GRID, GRID, 2) float32
        Backward flow of eyes and teeth, grid pixels.
    back : (GRID, GRID) float32
        0..1, how much of each pixel shows eyes and teeth.
    cavity : (GRID, GRID) float32
        0..1, how much of each pixel shows the mouth's cavity, which the source hides.
    """

    field: NDArray[np.float32]
    known: NDArray[np.bool_]
    back_field: NDArray[np.float32]
    back: NDArray[np.float32]
    cavity: NDArray[np.float32]
    folds: Folds | None = None


def flow_of(mesh: SurfaceMesh, moved: Tensor, around: NDArray[np.float32] | None = None) -> Flow:
    """The backward flow of a moved mesh (`move`), filled to the border of the grid.

    Parameters
    ----------
    mesh : SurfaceMesh
    moved : (N, 3)
        Surface points after the edit.
    around : (GRID, GRID, 2), optional
        Flow of the surroundings by themselves, 0 along the border: the difference from it is
        continued.
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
    depth = drawn.depth.cpu().numpy()
    whole = without_islands(field[0], known[0])
    whole = without_rim_behind(field[0], whole, depth)
    skin = beside(_STILL if around is None else around, field[0], whole)
    folds = folds_of(skin, whole, depth)
    return Flow(
        skin if folds is None else folds.far,
        whole,
        extended(field[1], known[1]),
        softened(back),
        softened(hidden),
        folds,
    )


def _torn_seams(points: Tensor, seams: Tensor) -> tuple[Tensor, Tensor]:
    """The stretched ones of the seams (S, 4), and how much of the cavity each shows, 0..1."""
    low, high = _corners(points, seams)[:2].aminmax(dim=1)
    extent = (high - low).amax(0)
    torn = (extent > _SEAM_OPENS_PX[0]).nonzero()[:, 0]
    share = ((extent[torn] - _SEAM_OPENS_PX[0]) / (_SEAM_OPENS_PX[1] - _SEAM_OPENS_PX[0])).clamp(
        0, 1
    )
    return seams[torn], share


def _with_seams(mesh: SurfaceMesh, torn: Tensor) -> tuple[Tensor, Tensor]:
    """Quads and their layers, with the torn seams as a third layer."""
    return torch.cat([mesh.quads, torn]), torch.cat(
        [mesh.layer, mesh.layer.new_full((len(torn),), _SEAM_LAYER)]
    )


def _corners(points: Tensor, quads: Tensor) -> Tensor:
    """(3, 4, Q) target x, y and depth of the quads' corners."""
    return points[:3].index_select(1, quads.T.reshape(-1)).view(3, 4, len(quads))


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """The nearest quad of each layer and pixel.

    Attributes
    ----------
    field : (2, GRID, GRID, 2)
        Backward flow of both layers, 0 where no quad is.
    known : (2, GRID, GRID) bool
        Where a quad is.
    depth : (GRID, GRID)
        Depth of the first layer, 0 where no quad is.
    seam_pixel, seam : (P,) int64
        Pixels that seams cover, and the number of each seam's quad.
    """

    field: Tensor
    known: Tensor
    depth: Tensor
    seam_pixel: Tensor
    seam: Tensor


def _draw(points: Tensor, quads: Tensor, layer: Tensor) -> _Drawn:
    """The nearest quads, inverted; each is sampled as finely as it is stretched.

    Parameters
    ----------
    points : (5, N)
        Target x, y, depth, source x, y.
    quads : (Q, 4) int64
    layer : (Q,) int64
    """
    size, device = GRID * GRID, points.device
    cell, depth, sample, places = _samples(_corners(points, quads), layer)
    rank = ((depth + 4 * GRID) * _DEPTH_STEPS_PER_PX).long().clamp_(min=0)
    key = rank.bitwise_left_shift_(_QUAD_BITS + _PLACE_BITS).bitwise_or_(sample)
    best = torch.full(((_SEAM_LAYER + 1) * size + 1,), -1, dtype=torch.long, device=device)
    best.scatter_reduce_(0, cell, key, "amax")
    covered = best[:-1] >= 0  # the last cell takes what is off the grid
    won = torch.from_numpy(np.flatnonzero(covered.cpu().numpy())).to(device)
    sample = best.index_select(0, won)
    skin = int(torch.searchsorted(won, size))
    deep = torch.zeros(size, device=device)
    deep[won[:skin]] = (
        sample[:skin] >> (_QUAD_BITS + _PLACE_BITS)
    ) / _DEPTH_STEPS_PER_PX - 4 * GRID
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
        deep.view(GRID, GRID),
        won[surface:] - _SEAM_LAYER * size,
        nearest[surface:],
    )


def _samples(corners: Tensor, layer: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Samples of quads.

    A name is the number of the quad and, above `_QUAD_BITS`, the number of a place in the unit
    square. All quads are sampled twice as finely as pixels, stretched ones as finely as they need.
    Quads that leave the grid get the cell behind the last, and so do those of skin seen from
    behind.

    Returns
    -------
    cell : (P,) int64
        Pixel of each sample, counted through all layers.
    depth : (P,)
    name : (P,) int64
    places : (2, K)
        Places in the unit square, by number.
    """
    device = corners.device
    low, high = corners[:2].aminmax(dim=1)  # (2, Q)
    extent = (high - low).amax(0)
    on_grid = (low.amin(0) >= 0) & (high.amax(0) <= GRID - 1)
    on_grid &= _faces_camera(corners) | (layer != 0)
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


def _faces_camera(corners: Tensor) -> Tensor:
    """(Q,) bool: quads (3, 4, Q) that have kept the way round they have in the source."""
    one, other = corners[:2, 3] - corners[:2, 0], corners[:2, 2] - corners[:2, 1]
    return one[0] * other[1] > one[1] * other[0]


def _of(
    chosen: Tensor, corners: Tensor, start: Tensor, on_grid: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Corners, first cells and flags of the chosen quads."""
    return corners.index_select(2, chosen), start[chosen], on_grid[chosen]


@cache
def _places(device: torch.device) -> Tensor:
    """(2, K) places in the unit square: the grids of `_FINENESS`, one after the other."""
    grids = []
    for fineness in _FINENESS:
        t = (torch.arange(fineness, device=device, dtype=torch.float32) + 0.5) / fineness
        b, a = torch.meshgrid(t, t, indexing="ij")
        grids.append(torch.stack([a.flatten(), b.flatten()]))
    return torch.cat(grids, 1)


@cache
def _weights(device: torch.device) -> tuple[Tensor, ...]:
    """(fineness ** 2, 4) bilinear weights of the corners, for each grid of `_places`."""
    parts = torch.split(_places(device), [f * f for f in _FINENESS], 1)
    return tuple(torch.stack(_bilinear(at[0], at[1]), 1) for at in parts)


def _bilinear(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Bilinear weights of a quad's corners at places in the unit square."""
    both = a * b
    return 1 - a - b + both, a - both, b - both, both


def _inverse_in_quad(target: Tensor, source: Tensor, at: Tensor, pixel: Tensor) -> Tensor:
    """Source positions (2, M) of target pixels, by one Newton step of the quads' bilinear map.

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
