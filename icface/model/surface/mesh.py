"""The movable mesh of one photo's face.

The neutralizer gives a surface under each pixel of the source; neighbouring pixels of one surface
form small quads. The quads move forwards exactly: expressions add up, and the head turns rigidly
about its pivot. The source's own controls move nothing, so they return the source.

Convention
----------
Points are (x, y) in pixels of the `GRID` crop, y down, pixel centres at integers. The camera frame
is x right, y up, z towards the camera, pixels, origin at the head's pivot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from icface.model.networks.neutralizer import LENGTH_CM, OFFSET, WINDOW, Part, Surface

TEAR_CM = 0.8
"""Neighbouring pixels whose canonical places are farther apart belong to different surfaces."""
_PLAUSIBLE_PX_PER_CM = (3.0, 16.0)
"""Bounds of a camera's scale: a face is half as wide as its crop, which makes about 7."""
_NOISE_CM = 0.015
"""Displacements at full intensity up to this size are noise of the field."""
_SIGNAL_CM = 0.045
"""Displacements at full intensity from this size on count in full."""


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceMesh:
    """The surface of one photo's face, ready to move.

    Attributes
    ----------
    source : (N, 2)
        Surface points in the photo, grid pixels.
    camera : (N, 3)
        The same points in the camera frame, grid pixels.
    basis : (53, 3, N)
        Displacement under each channel at full intensity, camera frame, grid pixels.
    quads : (Q, 4) int64
        Corners of the surface's cells: top left, top right, bottom left, bottom right.
    layer : (Q,) int64
        0 for cells of skin, 1 for cells of what shows through its openings.
    seams : (S, 4) int64
        Corners of the cells between the lower lip and what is above it: where they stretch, the
        mouth's cavity shows.
    pivot : (2,)
        The head's pivot, grid pixels.
    pixels_per_cm : float
        Grid pixels per centimetre.
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


def fit_camera(head_cm: Tensor, pixels: Tensor, *, rounds: int = 3) -> tuple[Tensor, float, Tensor]:
    """The weak-perspective camera that sees head-frame points at these pixels.

    Parameters
    ----------
    head_cm : (N, 3)
        Points in the head frame, centimetres.
    pixels : (N, 2)
        Their places in the picture.
    rounds : int
        Number of least-squares fits, each without the worst fifth of the points before.

    Returns
    -------
    rotation : (3, 3)
        Head to camera frame.
    pixels_per_cm : float
    pivot : (2,)
        Place of the head frame's origin in the picture.
    """
    keep = torch.ones(len(head_cm), dtype=torch.bool, device=head_cm.device)
    flip = torch.tensor([1.0, -1.0], dtype=head_cm.dtype, device=head_cm.device)
    rotation, scale, pivot = (
        torch.eye(3, dtype=head_cm.dtype, device=head_cm.device),
        1.0,
        pixels.mean(0),
    )
    ridge = torch.diag(
        torch.tensor([1e-3, 1e-3, 1e-3, 0], dtype=head_cm.dtype, device=head_cm.device)
    )
    for _ in range(rounds):
        a = torch.cat([head_cm[keep], torch.ones_like(head_cm[keep][:, :1])], 1)
        solution = torch.linalg.solve(a.T @ a + ridge, a.T @ (pixels[keep] * flip))  # (4, 2)
        u, s, vt = torch.linalg.svd(solution[:3].T, full_matrices=False)
        rows, scale = (
            u @ vt,
            min(max(s.mean().item(), _PLAUSIBLE_PX_PER_CM[0]), _PLAUSIBLE_PX_PER_CM[1]),
        )
        rotation = torch.stack([rows[0], rows[1], torch.linalg.cross(rows[0], rows[1])])
        pivot = solution[3] * flip
        error = (head_cm @ rows.T * scale * flip + pivot - pixels).norm(dim=1)
        keep = error <= error.quantile(0.8)
    return rotation, scale, pivot


def build_mesh(
    surface: Surface, part: Tensor, displaced: Callable[[Tensor, Tensor], Tensor]
) -> SurfaceMesh:
    """The movable mesh of one photo.

    Parameters
    ----------
    surface : Surface
        The neutralizer's answer for one picture (B = 1).
    part : (WINDOW, WINDOW) int64
        `Part` of each pixel; all but BACKGROUND is in the mesh.
    displaced : callable
        `icface.model.networks.animator.Animator.turned`: (53, 3, N) displacements at places (N, 3)
        after a turn (3, 3), in centimetres times the turn's scale.
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
    cells = torch.stack(
        [number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]], -1
    ).flatten(0, 1)
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
        basis=without_noise(displaced(place, rotation * scale).float(), scale),
        quads=cells[~torn],
        layer=back.all(1)[~torn].long(),
        seams=cells[torn & lips],
        pivot=pivot,
        pixels_per_cm=scale,
    )


def without_noise(basis: Tensor, pixels_per_cm: float) -> Tensor:
    """Displacements (53, 3, N) without the field's noise.

    A wink then leaves the other eye alone to the last bit.
    """
    x, y, z = basis.unbind(1)
    size_cm = (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_().div_(pixels_per_cm)
    share = size_cm.sub_(_NOISE_CM).div_(_SIGNAL_CM - _NOISE_CM).clamp_(0, 1)
    return basis * share[:, None]


def mesh_places(surface: Surface, part: Tensor) -> Tensor:
    """(N, 3) canonical places of the mesh's pixels, row by row."""
    ys, xs = (part > Part.BACKGROUND).nonzero(as_tuple=True)
    return surface.place[0, part[ys, xs] - 1, :, ys, xs].float()


def move(mesh: SurfaceMesh, turn: Tensor, change: Tensor) -> Tensor:
    """(N, 3) grid x, grid y and depth of the surface points after an edit, grid pixels.

    Parameters
    ----------
    turn : (3, 3)
        Rotation in the camera frame, from the source's pose to the requested one.
    change : (53,)
        Change of each channel.
    """
    camera = mesh.camera.T
    for channel in change.nonzero()[:, 0].tolist():
        camera = torch.add(camera, mesh.basis[channel], alpha=float(change[channel]))
    x, y, depth = turn @ camera
    return torch.stack([x + mesh.pivot[0], mesh.pivot[1] - y, depth]).T
