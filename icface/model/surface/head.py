"""The head around a face: hair, ears and neck as a soft body that turns, and the flow it leaves.

The neutralizer sees only the face as a surface. Its surroundings get a depth, which falls from the
face's rim to behind the head's pivot where a skull would end, and a share of the turn, which falls
to nothing at the border of the crop. The flow of this body continues the flow of the face: an ear
on the far side goes behind the cheek, one on the near side comes out, and outlines bend with the
head instead of being dragged along by the face.

Convention
----------
As in `icface.model.surface.mesh`. Fields of the body lie on `WIDE_NODES` x `WIDE_NODES` nodes,
each in the middle of `STEP` x `STEP` pixels; `NODES` x `NODES` of them lie in the crop, the others
up to `PAD` pixels beyond it. A distance "in skulls" is 1 at the outline of the skull.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface.arrays import F32
from icface.face.geometry import Similarity
from icface.face.ramps import Ramp, smoothstep
from icface.model.networks.neutralizer import GRID
from icface.model.surface.fill import fill
from icface.model.surface.mesh import SurfaceMesh

NODES = 64
"""Nodes along a side of the crop."""
STEP = GRID // NODES
"""Grid pixels from one node to the next."""
PAD = GRID // 4
"""Reach of the head's flow beyond the crop, grid pixels: hair and shoulders."""
WIDE = GRID + 2 * PAD
"""Side of the head's flow, grid pixels."""
CROP = np.s_[PAD : PAD + GRID, PAD : PAD + GRID]
"""The crop in the head's flow."""
WIDE_NODES = WIDE // STEP
"""Nodes along a side of the head's flow."""
_BONE_CM = (2.0, 6.0, 3.5)
"""Reach of bone beyond the face, beside, above and below it."""
_SKULL_CM = (3.0, 6.0, 3.5)
"""Reach of the skull with ears and hair beyond the face, beside, above and below it."""
_HEAD_CM = (4.5, 9.0, 4.0)
"""Reach of the whole head beyond the face, beside, above and below it."""
_BONE_DEPTH_CM = -2.5
"""Depth from the pivot at which bone ends: the rim of a face falls towards it."""
_OUTLINE_DEPTH_CM = -0.8
"""Depth from the pivot at which the outline lies: ears stand out, and any deeper they would be
stretched when they come to the front."""
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
_NECK_SWING_FADES = Ramp(0.3, 1.5)
"""As `_SWING_FADES`, where the background stays: a neck bends, its collar does not."""
_NECK_TWIST_FADES = Ramp(0.1, 1.4)
"""As `_TWIST_FADES`, where the background stays."""
_SHIFT_FADES = Ramp(0.1, 2.4)
"""Distance from the face in heads: how much of `Head.shift` is gone. A neck is drawn out or pushed
together over its whole length and that of the shoulders, so that it folds nowhere."""
_LOOSE = Ramp(0.25, 0.95)
"""Height in the face, 0 at its middle and 1 at the chin: beside a face whose background stays, how
much of the turn is gone there. Hair and ears turn with the skull, the neck and shoulders do not."""
_CUT_OUT_NARROWS = 0.7
"""Least of `Head.narrows` where the background stays: a skull's far side is not seen, so an outline
that keeps its width would draw out the ear that comes forward."""
_RIM_PX = Ramp(3.0, 9.0)
"""Distance from a surface's rim: how much of its own depth it has, which is ragged at the rim, and
how little of the body's."""
_UNSURE_PX = 1.5
"""Distance from a surface's rim up to which its depth does not count."""
_SMOOTH_NODES = 1.3
"""Blur of the depth along the rim, nodes."""
_ROUNDS = 8
"""Steps in which the flow of the body is inverted."""
_SHIFT_ROUNDS = 16
"""As `_ROUNDS` for a head that takes another place: it has to arrive there."""
_STRIDE = 0.6
"""Length of each of those steps, as a share of the error."""


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The body around one face.

    Attributes
    ----------
    place : (3, WIDE_NODES, WIDE_NODES) float32
        Places of the nodes in the camera frame, pixels.
    swing, twist : (WIDE_NODES, WIDE_NODES) float32
        0..1, share of each node in a turn out of the picture plane, and in one within it.
    narrows : (WIDE_NODES, WIDE_NODES) float32
        1 in the face, which turning makes narrower; 0 from the outline of the head on: a head is
        about as deep as it is wide.
    shift : (WIDE_NODES, WIDE_NODES) float32
        0..1, share of each node in a change of the head's place.
    """

    place: F32
    swing: F32
    twist: F32
    narrows: F32
    shift: F32

    def flow(self, turn: NDArray[np.float64]) -> F32:
        """(WIDE, WIDE, 2) backward flow of the body under a turn (3, 3) in the camera frame.

        It is 0 along its border, and beyond the crop unless the background stays.
        """
        return _backwards(self._ahead(turn), _ROUNDS)

    def shifted(self, moved: Similarity) -> F32:
        """(WIDE, WIDE, 2) backward flow of a head that takes another place on the grid.

        It is 0 along its border, and beyond the crop unless the background stays.

        Parameters
        ----------
        moved : Similarity
            From the head's place on the grid to the new one.
        """
        there = moved.points(_PLACES.reshape(-1, 2)).reshape(_PLACES.shape)
        ahead = (there - _PLACES) * self.shift[..., None]
        return _backwards(ahead.astype(np.float32), _SHIFT_ROUNDS)

    def _ahead(self, turn: NDArray[np.float64]) -> F32:
        """(WIDE_NODES, WIDE_NODES, 2) movement of the nodes, grid pixels."""
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


_BEYOND = PAD // STEP
"""Nodes beyond each side of the crop."""
_HERE: F32 = np.indices((WIDE_NODES, WIDE_NODES), np.float32)[::-1].transpose(1, 2, 0).copy()
"""(WIDE_NODES, WIDE_NODES, 2) column and row of each node."""
_PLACES: F32 = (_HERE - _BEYOND) * STEP + np.float32((STEP - 1) / 2)
"""(WIDE_NODES, WIDE_NODES, 2) the nodes in grid pixels."""
_CROP = np.s_[_BEYOND : _BEYOND + NODES, _BEYOND : _BEYOND + NODES]
"""The nodes of the crop."""


def _backwards(ahead: F32, rounds: int) -> F32:
    """(WIDE, WIDE, 2) backward flow of a movement of the nodes, 0 along its border."""
    back = -ahead
    for _ in range(rounds):  # a pixel comes from the place that `ahead` moves to it
        there = cv2.remap(
            ahead, _HERE + back / STEP, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
        )  # type: ignore[call-overload]
        back = (1 - _STRIDE) * back - _STRIDE * there
    flow = np.asarray(cv2.resize(back, (WIDE, WIDE), interpolation=cv2.INTER_LINEAR), np.float32)
    flow[[0, -1]] = flow[:, [0, -1]] = 0
    return flow


def with_head(mesh: SurfaceMesh, *, cut_out: bool = False) -> tuple[SurfaceMesh, Head | None]:
    """A mesh with its rim laid on the head around it, and that head.

    Parameters
    ----------
    mesh : SurfaceMesh
    cut_out : bool
        Whether the background stays: then hair turns as the skull does, however wide it is.

    Returns
    -------
    SurfaceMesh
    Head or None
        None for a face of a few pixels.
    """
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
    swings, twists, shifts = _shares(seen, _beyond(skull), _beyond(head), cut_out=cut_out)
    narrows = _fading(_beyond(skull), _NARROWING_FADES)
    return replace(mesh, camera=camera), Head(
        place=np.stack([x - pivot[0], pivot[1] - y, _beyond(z)]).astype(np.float32),
        swing=swings,
        twist=twists,
        narrows=np.maximum(narrows, _CUT_OUT_NARROWS) if cut_out else narrows,
        shift=shifts,
    )


def _beyond(values: F32) -> F32:
    """Values (NODES, NODES) of the crop's nodes, continued as they are at its border."""
    return np.pad(values, _BEYOND, mode="edge")


def _shares(
    seen: NDArray[np.bool_], skull: F32, head: F32, *, cut_out: bool
) -> tuple[F32, F32, F32]:
    """`Head.swing`, `twist` and `shift`, given distances from the face in skulls and heads."""
    swing, twist = _fading(skull, _SWING_FADES), _fading(head, _TWIST_FADES)
    shift = _fading(head, _SHIFT_FADES)
    side = WIDE if cut_out else GRID
    u, v = (_PLACES.transpose(2, 0, 1) - np.float32((GRID - 1) / 2)) / np.float32(side / 2)
    border = (1 - (u**4 + v**4) ** 0.25) * (side / 2)  # the square has round corners
    if cut_out:
        firm = _fading(_height(seen), _LOOSE)
        twist = np.maximum(_fading(head, _NECK_TWIST_FADES), firm)
        swing = np.maximum(_fading(skull, _NECK_SWING_FADES), firm)
        shift = np.maximum(shift, firm)
    return (
        swing * (1 - _fading(border, _SWING_BORDER_PX)),
        twist * (1 - _fading(border, _TWIST_BORDER_PX)),
        shift * (1 - _fading(border, _TWIST_BORDER_PX)),
    )


def _height(seen: NDArray[np.bool_]) -> F32:
    """Heights of all nodes in the face: 0 at its middle and above, 1 at the chin."""
    rows = np.flatnonzero(seen.any(1)) + _BEYOND
    middle, chin = (rows[0] + rows[-1]) / 2, rows[-1]
    return np.asarray(
        np.clip((_HERE[..., 1] - middle) / max(chin - middle, 1), 0, None), np.float32
    )


def _distances(seen: NDArray[np.bool_], units: list[NDArray[np.float64]]) -> list[F32]:
    """Distances of nodes from the face, (NODES, NODES) for each unit.

    Parameters
    ----------
    seen : (NODES, NODES) bool
        The nodes of the face.
    units : list of (3,)
        Length of 1 beside, above and below the face, grid pixels.
    """
    rim = seen & (cv2.erode(seen.view(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    places = _PLACES[_CROP]
    across, down = (places[~seen][:, None] - places[rim][None]).transpose(
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
    """A depth (NODES, NODES) continued smoothly from the face to the depth of the outline."""
    value = np.where(seen, own - outline, 0).astype(np.float32)
    z = fill(np.dstack([value, value]), seen | outside)[..., 0]
    continued: F32 = np.where(seen, z, cv2.GaussianBlur(z, (0, 0), 1.5)) + np.float32(outline)
    return continued


def _evened(depth: F32, seen: NDArray[np.bool_]) -> F32:
    """A depth (NODES, NODES) smoothed along the rim of the face."""
    deep = cv2.erode(seen.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return np.where(deep, depth, cv2.GaussianBlur(depth, (0, 0), _SMOOTH_NODES))


def _fading(value: NDArray[np.floating], fades: Ramp) -> F32:
    """1 minus the smooth share of values in a range, float32."""
    share: F32 = 1 - smoothstep(np.asarray(fades(value), np.float32))
    return share
