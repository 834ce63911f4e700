"""Flow algebra: a face surface is moved as a mesh, and the mesh tells where every pixel of the new picture comes from.

The neutralizer gives a surface under each pixel of the source; neighbouring pixels of one surface form small quads. Moving
the quads forwards is exact (expressions add up, the head turns rigidly), nearer quads hide farther ones, and inverting each
quad gives the backward flow. Skin is one layer, what shows through its openings (eyes, teeth) another: each has a flow of its
own, so that a lid's edge is a soft mask and not a step in the flow. What no quad of a layer covers is continued smoothly, to
nothing at the border of the crop. The source's own controls move nothing, so they return the source: the anchoring is exact.

Convention
----------
Points are (x, y) in pixels of the `GRID` crop, y down, pixel centres at integers. The camera frame is x right, y up, z
towards the camera, pixels, origin at the head's pivot. A backward flow f says: pixel x shows what the source has at x + f(x).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from icface.model.networks.neutralizer import GRID, LENGTH_CM, OFFSET, WINDOW, Part, Surface
from icface.model.surface.fill import beside, extended, fill, softened

TEAR_CM = 0.8
"""Neighbouring pixels whose canonical places are farther apart belong to different surfaces."""
_FINENESS = (2, 4, 8, 16)
_FINE_ENOUGH = 0.95
"""Samples this far apart leave no pixel out."""
_SEAM_LAYER = 2
_PLAUSIBLE_PX_PER_CM = (3.0, 16.0)
"""A face is half as wide as its crop, so a camera far from 7 pixels per centimetre has been misled."""
_SEAM_OPENS_PX = (2.0, 5.0)
"""A seam stretched to the first of these begins to show the mouth cavity; at the second it shows nothing else."""
_HUSH_CM = (0.015, 0.045)
"""Displacements at full intensity below the first of these are the field's noise; from the second on they count in full."""
_DEPTH_STEPS_PER_PX = 32.0
_QUAD_BITS, _PLACE_BITS = 17, 9
_IN_THE_PLANE = [0, 1, 3, 4]


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceMesh:
    """The face of one photo, ready to move.

    Attributes
    ----------
    source : (N, 2)
        Where each surface point is in the photo, grid pixels.
    camera : (N, 3)
        The same points in the camera frame.
    basis : (53, 3, N)
        Displacement under each channel at full intensity, camera frame, pixels.
    quads : (Q, 4) int64
        Corners of the surface's cells: top left, top right, bottom left, bottom right.
    layer : (Q,) int64
        0 for cells of skin, 1 for cells of what shows through its openings.
    seams : (S, 4) int64
        Cells between the lower lip and what is above it: where they stretch, the mouth cavity shows.
    pivot : (2,)
        The head's pivot, grid pixels.
    pixels_per_cm : float
    """

    source: Tensor
    camera: Tensor
    basis: Tensor
    quads: Tensor
    layer: Tensor
    seams: Tensor
    pivot: Tensor
    pixels_per_cm: float

    def to(self, device: torch.device) -> SurfaceMesh:
        """The same mesh on another device."""
        return SurfaceMesh(
            source=self.source.to(device),
            camera=self.camera.to(device),
            basis=self.basis.to(device),
            quads=self.quads.to(device),
            layer=self.layer.to(device),
            seams=self.seams.to(device),
            pivot=self.pivot.to(device),
            pixels_per_cm=self.pixels_per_cm,
        )


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


def fit_camera(head_cm: Tensor, pixels: Tensor, *, rounds: int = 3) -> tuple[Tensor, float, Tensor]:
    """The weak-perspective camera that sees head-frame points at these pixels.

    Parameters
    ----------
    head_cm : (N, 3)
        Points in the head frame, centimetres.
    pixels : (N, 2)
        Where they are seen.
    rounds : int
        Least squares is repeated without the worst fifth of the points.

    Returns
    -------
    rotation : (3, 3)
        Head to camera frame.
    pixels_per_cm : float
    pivot : (2,)
        Where the head frame's origin is seen.
    """
    keep = torch.ones(len(head_cm), dtype=torch.bool, device=head_cm.device)
    flip = torch.tensor([1.0, -1.0], dtype=head_cm.dtype, device=head_cm.device)
    rotation, scale, pivot = torch.eye(3, dtype=head_cm.dtype, device=head_cm.device), 1.0, pixels.mean(0)
    ridge = torch.diag(torch.tensor([1e-3, 1e-3, 1e-3, 0], dtype=head_cm.dtype, device=head_cm.device))
    for _ in range(rounds):
        a = torch.cat([head_cm[keep], torch.ones_like(head_cm[keep][:, :1])], 1)
        solution = torch.linalg.solve(a.T @ a + ridge, a.T @ (pixels[keep] * flip))  # (4, 2)
        u, s, vt = torch.linalg.svd(solution[:3].T, full_matrices=False)
        rows, scale = u @ vt, min(max(s.mean().item(), _PLAUSIBLE_PX_PER_CM[0]), _PLAUSIBLE_PX_PER_CM[1])
        rotation = torch.stack([rows[0], rows[1], torch.linalg.cross(rows[0], rows[1])])
        pivot = solution[3] * flip
        error = (head_cm @ rows.T * scale * flip + pivot - pixels).norm(dim=1)
        keep = error <= error.quantile(0.8)
    return rotation, scale, pivot


def build_mesh(surface: Surface, part: Tensor, displaced: Callable[[Tensor, Tensor], Tensor]) -> SurfaceMesh:
    """The movable mesh of one photo.

    Parameters
    ----------
    surface : Surface
        Of one picture (B = 1).
    part : (WINDOW, WINDOW) int64
        `Part` of each pixel; what is not BACKGROUND is in the mesh.
    displaced : callable
        `icface.model.networks.animator.Animator.turned`: (53, 3, N) displacements at places (N, 3) after a turn (3, 3), in
        centimetres times the turn's scale.
    """
    device = part.device
    inside = part > Part.BACKGROUND
    ys, xs = inside.nonzero(as_tuple=True)
    source = torch.stack([xs + OFFSET, ys + OFFSET], 1).float()
    head = surface.head[0][:, ys, xs].T.float() * LENGTH_CM
    place, own = mesh_places(surface, part), part[ys, xs]
    rotation, scale, pivot = fit_camera(head, source)
    depth = head @ rotation[2] * scale
    camera = torch.stack([source[:, 0] - pivot[0], pivot[1] - source[:, 1], depth]).T
    number = torch.full((WINDOW, WINDOW), -1, dtype=torch.long, device=device)
    number[ys, xs] = torch.arange(len(source), device=device)
    cells = torch.stack([number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]], -1).flatten(0, 1)
    cells = cells[(cells >= 0).all(1)]
    corners = place[cells] * LENGTH_CM  # (Q, 4, 3)
    spread = (corners.amax(1) - corners.amin(1)).amax(1)
    parts = own[cells]
    lips = (parts == Part.LOWER).any(1) & (parts != Part.LOWER).any(1)
    back = parts >= Part.INSIDE
    torn = (spread > TEAR_CM) | (back.any(1) & ~back.all(1))
    return SurfaceMesh(
        source=source,
        camera=camera,
        basis=_hushed(displaced(place, rotation * scale).float(), scale),
        quads=cells[~torn],
        layer=back.all(1)[~torn].long(),
        seams=cells[torn & lips],
        pivot=pivot,
        pixels_per_cm=scale,
    )


def _hushed(basis: Tensor, pixels_per_cm: float) -> Tensor:
    """Displacements too small to be meant are taken out, so that a wink leaves the other eye alone to the last bit."""
    x, y, z = basis.unbind(1)
    size_cm = (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_().div_(pixels_per_cm)
    share = size_cm.sub_(_HUSH_CM[0]).div_(_HUSH_CM[1] - _HUSH_CM[0]).clamp_(0, 1)
    return basis * share[:, None]


def mesh_places(surface: Surface, part: Tensor) -> Tensor:
    """(N, 3) canonical places of the pixels that are in the mesh, row by row."""
    ys, xs = (part > Part.BACKGROUND).nonzero(as_tuple=True)
    return surface.place[0, part[ys, xs] - 1, :, ys, xs].float()


def move(mesh: SurfaceMesh, turn: Tensor, change: Tensor) -> Tensor:
    """(N, 3) grid x, grid y and depth of the surface points after an edit.

    Parameters
    ----------
    turn : (3, 3)
        Rotation in the camera frame, from the source's pose to the wanted one.
    change : (53,)
        Change of each channel.
    """
    camera = mesh.camera.T
    for channel in change.nonzero()[:, 0].tolist():
        camera = torch.add(camera, mesh.basis[channel], alpha=float(change[channel]))
    x, y, depth = turn @ camera
    return torch.stack([x + mesh.pivot[0], mesh.pivot[1] - y, depth]).T


def flow_of(mesh: SurfaceMesh, moved: Tensor, around: NDArray[np.float32] | None = None) -> Flow:
    """The backward flow of a moved mesh (`move`), filled to the border of the grid.

    `around` (GRID, GRID, 2), zero along the border, is what the surroundings do by themselves: the flow is continued as far
    as it departs from that.
    """
    points = torch.cat([moved.T, mesh.source.T])  # (5, N)
    torn, share = _torn_seams(points, mesh.seams)
    quads, layer = (mesh.quads, mesh.layer) if not len(torn) else _with_seams(mesh, torn)
    drawn = _draw(points, quads, layer)
    field, known = drawn.field.cpu().numpy(), drawn.known.cpu().numpy()
    cavity = np.zeros(GRID * GRID, np.float32)
    cavity[drawn.seam_pixel.cpu().numpy()] = share.cpu().numpy()[(drawn.seam - len(mesh.quads)).cpu().numpy()]
    hidden = cavity.reshape(GRID, GRID) * ~known.any(0)
    back = (known[1] & ~known[0]).astype(np.float32)
    skin = fill(field[0], known[0]) if around is None else beside(around, field[0], known[0])
    return Flow(skin, known[0], extended(field[1], known[1]), softened(back), softened(hidden))


def _torn_seams(points: Tensor, seams: Tensor) -> tuple[Tensor, Tensor]:
    """The seams (S, 4) that are stretched, and how much of the cavity each shows, 0..1."""
    low, high = _corners(points, seams)[:2].aminmax(dim=1)
    extent = (high - low).amax(0)
    torn = (extent > _SEAM_OPENS_PX[0]).nonzero()[:, 0]
    share = ((extent[torn] - _SEAM_OPENS_PX[0]) / (_SEAM_OPENS_PX[1] - _SEAM_OPENS_PX[0])).clamp(0, 1)
    return seams[torn], share


def _with_seams(mesh: SurfaceMesh, torn: Tensor) -> tuple[Tensor, Tensor]:
    """Quads and their layers, the torn seams as a third layer."""
    return torch.cat([mesh.quads, torn]), torch.cat([mesh.layer, mesh.layer.new_full((len(torn),), _SEAM_LAYER)])


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

    `points` are (5, N): target x, y, depth, source x, y. Each quad is sampled as finely as it is stretched.
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
    corners = points[_IN_THE_PLANE].index_select(1, quads.index_select(0, quad).T.reshape(-1)).view(2, 2, 4, -1)
    field = torch.zeros(_SEAM_LAYER * size, 2, device=device)
    field.index_copy_(0, pixel, (_inverse_in_quad(corners[0], corners[1], at, here) - here).T)
    known = covered[: _SEAM_LAYER * size].view(_SEAM_LAYER, GRID, GRID)
    return _Drawn(field.view(_SEAM_LAYER, GRID, GRID, 2), known, won[surface:] - _SEAM_LAYER * size, nearest[surface:])


def _samples(corners: Tensor, layer: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Samples of quads: (P,) the cell of layers and pixels each falls in, its depth, its name; and (2, K) places by name.

    A name is the number of the quad and, above `_QUAD_BITS`, that of a place in the unit square. All quads are sampled twice as
    finely as pixels, stretched ones again by what they need. Quads that leave the grid get the cell behind the last.
    """
    device = corners.device
    low, high = corners[:2].aminmax(dim=1)  # (2, Q)
    extent = (high - low).amax(0)
    on_grid = (low.amin(0) >= 0) & (high.amax(0) <= GRID - 1)
    start = (layer * (GRID * GRID)).to(corners.dtype)
    number = torch.arange(len(layer), device=device)
    stretched = (extent > _FINE_ENOUGH * _FINENESS[0]).nonzero()[:, 0]
    level = torch.bucketize(extent[stretched], torch.tensor(_FINENESS[:-1], device=device) * _FINE_ENOUGH)
    places = _places(device)
    cells, depths, names = [], [], []
    for step, (fineness, weights) in enumerate(zip(_FINENESS, _weights(device), strict=True)):
        chosen = number if step == 0 else stretched[level == step]
        if not len(chosen):
            continue
        own, first, inside = (corners, start, on_grid) if step == 0 else _of(chosen, corners, start, on_grid)
        x, y, z = weights @ own  # (K, q) each
        cell = y.round_().mul_(GRID).add_(x.round_()).add_(first)
        if not inside.all():
            cell[:, ~inside] = (_SEAM_LAYER + 1) * GRID * GRID
        cells.append(cell.flatten())
        depths.append(z.flatten())
        before = sum(f * f for f in _FINENESS[:step])
        name = torch.arange(before, before + fineness * fineness, device=device)[:, None] << _QUAD_BITS
        names.append((name + chosen).flatten())
    return torch.cat(cells).long(), torch.cat(depths), torch.cat(names), places


def _of(chosen: Tensor, corners: Tensor, start: Tensor, on_grid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
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

    The step starts from the samples `at` (2, M); `target` and `source` are the quads' corners, (2, 4, M).
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
