"""The head around a seen face: hair, ears and neck as a soft body that turns with it, and the flow that this leaves.

Only the face is seen as a surface. What surrounds it is given a depth, which falls from that of the
face's rim to behind the head's pivot where a skull would end, and a share of the turn, which falls
to nothing at the border of the crop. The flow of this body is what continues the flow of the face:
an ear on the far side goes behind the cheek, one on the near side comes out, and outlines bend with
the head instead of being dragged along by the face.

Convention
----------
As in `icface.model.surface.mesh`. Fields of the body lie on `NODES` x `NODES` nodes, each in the middle of `STEP` x `STEP` pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface.arrays import F32
from icface.face.ramps import Ramp, smoothstep
from icface.model.networks.neutralizer import GRID
from icface.model.surface.fill import fill
from icface.model.surface.mesh import SurfaceMesh

NODES = 64
STEP = GRID // NODES
_BONE_CM, _SKULL_CM, _HEAD_CM = (2.0, 6.0, 3.5), (3.0, 6.0, 3.5), (4.5, 9.0, 4.0)
"""How far bone, skull with ears and hair, and head reach beyond the face at its sides, above and
below: the units of a node's distance from it."""
_BONE_DEPTH_CM, _OUTLINE_DEPTH_CM = -2.5, -0.8
"""Depth from the pivot where bone and skull end: the rim of a face falls towards the first, what is
beyond to the second, for ears stand out, and were they as deep they would be drawn out when they
come to the front."""
_SWING_FADES = Ramp(0.5, 2.0)
"""Distance from the face in skulls: how much of `Head.swing` is gone."""
_TWIST_FADES = Ramp(0.15, 2.2)
"""Distance from the face in heads: how much of `Head.twist` is gone."""
_NARROWING_FADES = Ramp(0.0, 1.0)
"""Distance from the face in skulls: how much of `Head.narrows` is gone."""
_SWING_BORDER_PX = Ramp(0.0, 24.0)
"""Distance from the border of the crop: how much of a swing is left."""
_TWIST_BORDER_PX = Ramp(0.0, 50.0)
"""Distance from the border of the crop: how much of a twist is left."""
_RIM_PX = Ramp(3.0, 9.0)
"""Distance from a surface's rim: how much it has its own depth, which is ragged at the rim, and not
the body's."""
_UNSURE_PX, _SMOOTH_NODES = 1.5, 1.3
_ROUNDS, _STRIDE = 8, 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The body around one face.

    Attributes
    ----------
    place : (3, NODES, NODES) float32
        Where its nodes are in the camera frame, pixels.
    swing, twist : (NODES, NODES) float32
        0..1, how much of a turn out of the picture plane, and of one in it, each node takes part in.
    narrows : (NODES, NODES) float32
        1 in the face, which turning makes narrower; 0 from the outline of the head on, which is
        about as deep as it is wide.
    """

    place: F32
    swing: F32
    twist: F32
    narrows: F32

    def flow(self, turn: NDArray[np.float64]) -> F32:
        """(GRID, GRID, 2) backward flow of the body under a turn (3, 3) in the camera frame, zero along the border."""
        ahead = self._ahead(turn)
        back = -ahead
        for _ in range(_ROUNDS):  # what is now here came from where `ahead` leads here
            there = cv2.remap(
                ahead, _HERE + back / STEP, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
            )  # type: ignore[call-overload]
            back = (1 - _STRIDE) * back - _STRIDE * there
        flow = np.asarray(
            cv2.resize(back, (GRID, GRID), interpolation=cv2.INTER_LINEAR), np.float32
        )
        flow[[0, -1]] = flow[:, [0, -1]] = 0
        return flow

    def _ahead(self, turn: NDArray[np.float64]) -> F32:
        """(NODES, NODES, 2) how far the nodes go, grid pixels."""
        x, y, z = self.place
        twist = 2 * np.arctan2(turn[1, 0] - turn[0, 1], 1 + np.trace(turn))
        c, s = np.cos(twist), np.sin(twist)
        swing = (
            np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ turn
        )  # about an axis in the picture plane
        axis = np.array([swing[2, 1] - swing[1, 2], swing[0, 2] - swing[2, 0]]) / 2
        size = float(np.hypot(*axis))
        right, up = (axis / max(size, 1e-9)).astype(np.float32)
        angle = self.swing * np.float32(np.arctan2(size, (np.trace(swing) - 1) / 2))
        sine, less = np.sin(angle), (1 - np.cos(angle)) * self.narrows
        along = right * x + up * y
        x1, y1 = (
            x + up * z * sine - less * (x - right * along),
            y - right * z * sine - less * (y - up * along),
        )  # Rodrigues
        angle = self.twist * np.float32(twist)
        cosine, sine = np.cos(angle), np.sin(angle)
        return np.dstack([cosine * x1 - sine * y1 - x, y - sine * x1 - cosine * y1])


_HERE: F32 = np.indices((NODES, NODES), np.float32)[::-1].transpose(1, 2, 0).copy()
_PLACES: F32 = _HERE * STEP + np.float32((STEP - 1) / 2)
"""(NODES, NODES, 2) the nodes in grid pixels."""


def with_head(mesh: SurfaceMesh) -> tuple[SurfaceMesh, Head | None]:
    """A face's mesh with its rim laid on the body around it, and that body; none for a face of a few pixels."""
    column, row = mesh.source.long().T.cpu().numpy()
    depth, pivot = mesh.camera[:, 2].cpu().numpy(), mesh.pivot.cpu().numpy()
    covered, depths = np.zeros((GRID, GRID), np.uint8), np.zeros((GRID, GRID), np.float32)
    covered[row, column], depths[row, column] = 1, depth
    inside = np.asarray(cv2.distanceTransform(covered, cv2.DIST_L2, 5), np.float32)
    sure = (inside > _UNSURE_PX).astype(np.float32)
    share = cv2.resize(sure, (NODES, NODES), interpolation=cv2.INTER_AREA)
    seen = share > 0.3
    if not seen.any():
        return mesh, None
    own: F32 = cv2.resize(depths * sure, (NODES, NODES), interpolation=cv2.INTER_AREA) / np.maximum(
        share, 1e-6
    )  # type: ignore[assignment]
    bone, skull, head = _distances(
        seen, [np.array(cm) * mesh.pixels_per_cm for cm in (_BONE_CM, _SKULL_CM, _HEAD_CM)]
    )
    z = _evened(_continued(own, seen, bone >= 1, _BONE_DEPTH_CM * mesh.pixels_per_cm), seen)
    z = _continued(z, seen, skull >= 1, _OUTLINE_DEPTH_CM * mesh.pixels_per_cm)
    body = cv2.resize(z, (GRID, GRID), interpolation=cv2.INTER_CUBIC)[row, column]
    camera = mesh.camera.clone()
    camera[:, 2] = torch.from_numpy(
        depth + (body - depth) * _fading(inside[row, column], _RIM_PX)
    ).to(camera)
    x, y = _PLACES.transpose(2, 0, 1)
    u, v = 2 * _HERE.transpose(2, 0, 1) / (NODES - 1) - 1
    border = (1 - (u**4 + v**4) ** 0.25) * (GRID / 2)  # the square has round corners
    return replace(mesh, camera=camera), Head(
        place=np.stack([x - pivot[0], pivot[1] - y, z]).astype(np.float32),
        swing=_fading(skull, _SWING_FADES) * (1 - _fading(border, _SWING_BORDER_PX)),
        twist=_fading(head, _TWIST_FADES) * (1 - _fading(border, _TWIST_BORDER_PX)),
        narrows=_fading(skull, _NARROWING_FADES),
    )


def _distances(seen: NDArray[np.bool_], units: list[NDArray[np.float64]]) -> list[F32]:
    """(NODES, NODES) distances of nodes from those that are seen, in units (3,) for beside, above and below, grid pixels."""
    rim = seen & (cv2.erode(seen.view(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    across, down = (_PLACES[~seen][:, None] - _PLACES[rim][None]).transpose(
        2, 0, 1
    )  # (nodes, of the rim)
    across, up, down = across**2, np.minimum(down, 0) ** 2, np.maximum(down, 0) ** 2
    found = []
    for beside, above, below in (unit.astype(np.float32) for unit in units):
        distance = np.zeros((NODES, NODES), np.float32)
        distance[~seen] = np.sqrt((across / beside**2 + up / above**2 + down / below**2).min(1))
        found.append(distance)
    return found


def _continued(
    own: F32, seen: NDArray[np.bool_], outside: NDArray[np.bool_], outline: float
) -> F32:
    """A depth (NODES, NODES) continued smoothly from where it is seen to that of the outline."""
    value = np.where(seen, own - outline, 0).astype(np.float32)
    z = fill(np.dstack([value, value]), seen | outside)[..., 0]
    continued: F32 = np.where(seen, z, cv2.GaussianBlur(z, (0, 0), 1.5)) + np.float32(outline)
    return continued


def _evened(depth: F32, seen: NDArray[np.bool_]) -> F32:
    """A depth that is smooth along the rim of what is seen."""
    deep = cv2.erode(seen.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return np.where(deep, depth, cv2.GaussianBlur(depth, (0, 0), _SMOOTH_NODES))


def _fading(value: NDArray[np.floating], fades: Ramp) -> F32:
    """What is left of a share that fades smoothly, float32."""
    share: F32 = 1 - smoothstep(np.asarray(fades(value), np.float32))
    return share
