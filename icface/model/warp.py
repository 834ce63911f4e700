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

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from icface.model.neutralizer import GRID, LENGTH_CM, OFFSET, WINDOW, Part, Surface

TEAR_CM = 0.8
"""Neighbouring pixels whose canonical places are farther apart belong to different surfaces."""
_FINENESS = (1, 2, 4, 8, 16)
_PLAUSIBLE_PX_PER_CM = (3.0, 16.0)
"""A face is half as wide as its crop, so a camera far from 7 pixels per centimetre has been misled."""
_SEAM_OPENS_PX = (2.0, 5.0)
"""A seam stretched to the first of these begins to show the mouth cavity; at the second it shows nothing else."""
_HUSH_CM = (0.015, 0.045)
"""Displacements at full intensity below the first of these are the field's noise; from the second on they count in full."""
_DEPTH_STEPS_PER_PX = 32.0
_SAMPLE_BITS = 22


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceMesh:
    """The face of one photo, ready to move.

    Attributes
    ----------
    source : (N, 2)
        Where each surface point is in the photo, grid pixels.
    camera : (N, 3)
        The same points in the camera frame.
    basis : (53, N, 3)
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
    field : (GRID, GRID, 2)
        Backward flow of the skin and all around it, grid pixels.
    known : (GRID, GRID) bool
        Where it is the face's own surface; elsewhere it is a smooth continuation.
    back_field : (GRID, GRID, 2)
        Backward flow of eyes and teeth.
    back : (GRID, GRID) float
        0..1, how much of the pixel shows those.
    cavity : (GRID, GRID) float
        0..1, how much of the pixel shows the mouth cavity, which the source hides.
    """

    field: Tensor
    known: Tensor
    back_field: Tensor
    back: Tensor
    cavity: Tensor


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


def build_mesh(surface: Surface, part: Tensor, basis_cm: Tensor) -> SurfaceMesh:
    """The movable mesh of one photo.

    Parameters
    ----------
    surface : Surface
        Of one picture (B = 1).
    part : (WINDOW, WINDOW) int64
        `Part` of each pixel; what is not BACKGROUND is in the mesh.
    basis_cm : (N, 53, 3)
        The animator's displacements at `mesh_places`, head frame, centimetres.
    """
    device = part.device
    inside = part > Part.BACKGROUND
    ys, xs = inside.nonzero(as_tuple=True)
    source = torch.stack([xs + OFFSET, ys + OFFSET], 1).float()
    head = surface.head[0][:, ys, xs].T.float() * LENGTH_CM
    place, own = mesh_places(surface, part), part[ys, xs]
    rotation, scale, pivot = fit_camera(head, source)
    depth = head @ rotation[2] * scale
    camera = torch.stack([source[:, 0] - pivot[0], pivot[1] - source[:, 1], depth], 1)
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
        basis=(_hushed(basis_cm.float()) @ rotation.T * scale).transpose(0, 1).contiguous(),
        quads=cells[~torn],
        layer=back.all(1)[~torn].long(),
        seams=cells[torn & lips],
        pivot=pivot,
        pixels_per_cm=scale,
    )


def _hushed(basis_cm: Tensor) -> Tensor:
    """Displacements too small to be meant are taken out, so that a wink leaves the other eye alone to the last bit."""
    size = torch.linalg.vector_norm(basis_cm, dim=2, keepdim=True)
    share: Tensor = ((size - _HUSH_CM[0]) / (_HUSH_CM[1] - _HUSH_CM[0])).clamp(0, 1)
    return basis_cm * share


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
    camera = mesh.camera
    active = change.nonzero()[:, 0]
    if len(active):
        camera = camera + torch.tensordot(change[active], mesh.basis[active], 1)
    camera = camera @ turn.T
    return torch.stack([camera[:, 0] + mesh.pivot[0], mesh.pivot[1] - camera[:, 1], camera[:, 2]], 1)


def flow_of(mesh: SurfaceMesh, moved: Tensor) -> Flow:
    """The backward flow of a moved mesh (`move`), filled to the border of the grid."""
    points = torch.cat([moved, mesh.source], 1)  # (N, 5)
    field, owner = _render(points, mesh.quads, mesh.layer)
    known = owner >= 0  # (2, GRID, GRID)
    front = fill(field[0].permute(2, 0, 1)[None], known[0][None, None])[0].permute(1, 2, 0)
    back = _softened((known[1] & ~known[0]).float())
    return Flow(front, known[0], _extended(field[1], known[1]), back, _cavity(points, mesh.seams, known.any(0)))


def _cavity(points: Tensor, seams: Tensor, known: Tensor) -> Tensor:
    """(GRID, GRID) 0..1: pixels that only a stretched seam covers, the more the wider it is torn."""
    extent = _extent(points[seams])[0]
    torn = extent > _SEAM_OPENS_PX[0]
    if not torn.any():
        return torch.zeros(known.shape, device=known.device)
    owner = _render(points, seams[torn])[1][0]
    share = ((extent[torn] - _SEAM_OPENS_PX[0]) / (_SEAM_OPENS_PX[1] - _SEAM_OPENS_PX[0])).clamp(0, 1)
    return _softened(torch.where((owner >= 0) & ~known, share[owner.clamp(min=0)], torch.zeros_like(share[:1])))


def _softened(mask: Tensor) -> Tensor:
    """A mask whose edge is two pixels wide, nothing along the border."""
    rows = mask[:-2] + mask[1:-1] + mask[2:]
    soft = torch.zeros_like(mask)
    soft[1:-1, 1:-1] = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    return soft


def _extended(field: Tensor, known: Tensor, *, rounds: int = 3) -> Tensor:
    """A flow (GRID, GRID, 2) continued a few pixels beyond where it is known, as far as a soft mask shows it."""
    rows, columns = known.any(1).nonzero()[:, 0], known.any(0).nonzero()[:, 0]
    if not len(rows):
        return field
    top, left = max(int(rows[0]) - rounds, 0), max(int(columns[0]) - rounds, 0)
    window = (slice(top, int(rows[-1]) + rounds + 1), slice(left, int(columns[-1]) + rounds + 1))
    values, share = field[window].permute(2, 0, 1)[None], known[window].to(field.dtype)[None, None]
    for _ in range(rounds):
        around = F.avg_pool2d(share, 3, 1, 1)
        values = torch.where(share > 0, values, F.avg_pool2d(values * share, 3, 1, 1) / around.clamp(min=1e-6))
        share = (around > 0).to(field.dtype)
    field[window] = values[0].permute(1, 2, 0)
    return field


def _extent(corners: Tensor) -> tuple[Tensor, Tensor]:
    """Longest side (Q,) of the quads' bounding boxes, and whether they lie on the grid."""
    a, b, c, d = corners[:, :, :2].unbind(1)
    low, high = torch.minimum(torch.minimum(a, b), torch.minimum(c, d)), torch.maximum(torch.maximum(a, b), torch.maximum(c, d))
    longest = (high - low).amax(1)
    return longest, (low.amin(1) >= 0) & (high.amax(1) <= GRID - 1)


def _render(points: Tensor, quads: Tensor, layer: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Nearest quad per layer and pixel, inverted: (L, GRID, GRID, 2) flow, and which quad it is (-1 for none).

    L is 2, or 1 when no layers are given.

    `points` are (N, 5): target x, y, depth, source x, y. Each quad is sampled as finely as it is stretched.
    """
    corners = points.index_select(0, quads.flatten()).view(-1, 4, points.shape[1])  # (Q, 4, 5)
    extent, inside = _extent(corners)
    size, layers = GRID * GRID, 1 if layer is None else 2
    cells, depths, whose, where = [], [], [], []
    level = torch.bucketize(extent, torch.tensor(_FINENESS[:-1], device=extent.device) * 0.95)
    for step, fineness in enumerate(_FINENESS):
        chosen = ((level == step) & inside).nonzero()[:, 0]
        if not len(chosen):
            continue
        at, weights = _subdivision(fineness, points)
        sampled = torch.einsum("kc,qcd->qkd", weights, corners[chosen, :, :3]).flatten(0, 1)
        cell = sampled[:, :2].round().to(torch.int32)
        index = cell[:, 1] * GRID + cell[:, 0]
        if layer is not None:
            index += layer[chosen].to(torch.int32).repeat_interleave(fineness**2) * size
        cells.append(index)
        depths.append(sampled[:, 2])
        whose.append(chosen.repeat_interleave(fineness * fineness))
        where.append(at.repeat(len(chosen), 1))
    nearest = torch.full((layers * size,), -1, dtype=torch.long, device=points.device)
    field = torch.zeros(layers * size, 2, dtype=points.dtype, device=points.device)
    if not cells:
        return field.view(layers, GRID, GRID, 2), nearest.view(layers, GRID, GRID)
    index, depth, owner, at = torch.cat(cells).long(), torch.cat(depths), torch.cat(whose), torch.cat(where)
    rank = ((depth + 4 * GRID) * _DEPTH_STEPS_PER_PX).long().clamp(min=0)
    key = (rank << _SAMPLE_BITS) | torch.arange(len(index), device=index.device)
    best = torch.full((layers * size,), -1, dtype=torch.long, device=points.device)
    best.scatter_reduce_(0, index, key, "amax")
    won = (best >= 0).nonzero()[:, 0]
    sample = best[won] & ((1 << _SAMPLE_BITS) - 1)
    pixel = torch.stack([won % GRID, won // GRID % GRID], 1).to(points.dtype)
    field[won] = _inverse_in_quad(corners[owner[sample]], at[sample], pixel) - pixel
    nearest[won] = owner[sample]
    return field.view(layers, GRID, GRID, 2), nearest.view(layers, GRID, GRID)


def _subdivision(fineness: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Positions (K, 2) in the unit square and bilinear weights (K, 4) of fineness x fineness samples."""
    t = (torch.arange(fineness, device=like.device, dtype=like.dtype) + 0.5) / fineness
    b, a = torch.meshgrid(t, t, indexing="ij")
    at = torch.stack([a.flatten(), b.flatten()], 1)
    return at, _bilinear(at)


def _bilinear(at: Tensor) -> Tensor:
    a, b = at[:, 0], at[:, 1]
    return torch.stack([(1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b], 1)


def _inverse_in_quad(corners: Tensor, at: Tensor, pixel: Tensor) -> Tensor:
    """Source position (M, 2) of target pixels, by one Newton step of the quads' bilinear map from the samples `at`."""
    a, b = at[:, :1], at[:, 1:]
    target, source = corners[:, :, :2], corners[:, :, 3:]
    along = (target[:, 1] - target[:, 0]) * (1 - b) + (target[:, 3] - target[:, 2]) * b
    down = (target[:, 2] - target[:, 0]) * (1 - a) + (target[:, 3] - target[:, 1]) * a
    here = torch.einsum("mc,mcd->md", _bilinear(at), target)
    off = pixel - here
    det = along[:, 0] * down[:, 1] - along[:, 1] * down[:, 0]
    det = torch.where(det.abs() < 0.05, torch.full_like(det, 0.05), det)
    da = ((off[:, 0] * down[:, 1] - off[:, 1] * down[:, 0]) / det).clamp(-1, 1)
    db = ((along[:, 0] * off[:, 1] - along[:, 1] * off[:, 0]) / det).clamp(-1, 1)
    place = _bilinear(at + torch.stack([da, db], 1))
    return torch.einsum("mc,mcd->md", place, source)


def _neighbours(x: Tensor) -> Tensor:
    """Mean of the four neighbours; the border stays."""
    mean = x.clone()
    sides = x[..., 1:-1, 2:] + x[..., 1:-1, :-2]
    sides += x[..., 2:, 1:-1]
    sides += x[..., :-2, 1:-1]
    mean[..., 1:-1, 1:-1] = sides.mul_(0.25)
    return mean


def fill(values: Tensor, known: Tensor) -> Tensor:
    """Continue (B, C, S, S) values smoothly from the known pixels to zero at the border, coarse to fine.

    Parameters
    ----------
    known : (B, 1, S, S) bool
        Where `values` hold; S is a power of two.
    """
    held = known.clone()
    inner = torch.zeros_like(known)
    inner[..., 1:-1, 1:-1] = known[..., 1:-1, 1:-1]
    held[..., 0, :] = held[..., -1, :] = held[..., :, 0] = held[..., :, -1] = True
    share = held.to(values.dtype)
    pyramid = [(values * inner, share)]
    while pyramid[-1][1].shape[-1] > 4:
        v, k = pyramid[-1]
        coarse = F.avg_pool2d(k, 2)
        pyramid.append((F.avg_pool2d(v * k, 2) / coarse.clamp(min=1e-6), (coarse > 0).to(values.dtype)))
    filled = pyramid[-1][0]
    for level, (v, k) in reversed(list(enumerate(pyramid))):
        if filled.shape[-1] != v.shape[-1]:
            filled = F.interpolate(filled, scale_factor=2, mode="bilinear", align_corners=False)
        filled = torch.lerp(filled, v, k)
        for _ in range(min(level, 4)):  # fine levels are nearly right already
            filled = torch.lerp(_neighbours(filled), v, k)
    return filled
