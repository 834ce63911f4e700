"""The face at rest that a rig starts from, learnt from photographs of people who do nothing.

A rig's neutral mesh, and the vertices that stand for landmarks, are those of other faces than the
ones a tracker's landmarks were learnt from. What neutral photographs have in common and the neutral
mesh lacks, fits explain by channels: a little frown, a little pucker, a sneer. Movements of those
channels then read too small, for they begin below nought. Here the mesh is moved to where neutral
photographs are, so that a face that does nothing is fitted with nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import splu
from scipy.spatial.transform import Rotation

from icface.arrays import F64
from icface.face.landmarks import EYE_CORNERS, MESH_POINTS
from icface.system.atomic_write import write_whole
from icface.training.rig.fit import FitPlan, fit_faces, turns_in_space
from icface.training.rig.rig import EYE, Rig

_LIP_MIDDLES, _LIP_CORNERS = (13, 14), (61, 291)
_CLOSED = 0.02
"""Gap between the lips of a closed mouth, in distances of the outer eye corners."""
_MOST_YAW_DEG = 12.0
_LEAST_FACES = 12
_ROUNDS = 3
_STIFF, _TIGHT, _STILL = 1.0, 4.0, 1e-4


def resting_faces(landmarks: NDArray[np.floating], yaw_deg: F64) -> NDArray[np.int64]:
    """Indices of faces at rest: frontal, mouth closed, its corners in the lower half of those.

    Parameters
    ----------
    landmarks : (B, 478, 3)
        Face-mesh points, pixels.
    yaw_deg : (B,)
        How far each head is turned.

    Raises
    ------
    ValueError
        If too few faces are left to tell what is common to them.
    """
    points = np.asarray(landmarks, np.float64)[..., :2]
    eye = points[:, EYE_CORNERS[1]] - points[:, EYE_CORNERS[0]]
    apart = np.linalg.norm(eye, axis=1)
    down = np.stack([-eye[:, 1], eye[:, 0]], 1) / apart[:, None]
    gap = np.linalg.norm(points[:, _LIP_MIDDLES[0]] - points[:, _LIP_MIDDLES[1]], axis=1) / apart
    low = points[:, list(_LIP_MIDDLES)].mean(1) - points[:, list(_LIP_CORNERS)].mean(1)
    lift = (low * down).sum(1) / apart
    closed = (gap < _CLOSED) & (np.abs(yaw_deg) < _MOST_YAW_DEG)
    if closed.any():
        closed &= lift <= np.median(lift[closed])
    chosen = np.flatnonzero(closed)
    if len(chosen) < _LEAST_FACES:
        raise ValueError(
            f"{len(chosen)} of {len(points)} faces have a closed mouth at rest: "
            f"a resting face takes {_LEAST_FACES}. "
            f"Add portraits of people who look into the camera with closed lips."
        )
    return chosen


def move_to_rest(rig: Rig, landmarks: NDArray[np.floating]) -> list[float]:
    """Move the neutral mesh of a rig, in place, to where faces at rest have their landmarks.

    Each round fits identity and pose alone and moves the mesh by what most faces are off by, both
    sides alike, carried over to the surface between the landmarks along the mesh: lips that touch
    do not drag each other. Eyeballs move as one.

    Parameters
    ----------
    landmarks : (B, 478, 3)
        Of faces at rest, pixels.

    Angles keep their meaning: the turn that fits are drawn to is first brought to the pitch that
    they had on average.

    Returns
    -------
    list of float
        Mean distance of the common residual from nought, centimetres, before each round and after
        the last.
    """
    left_over = []
    spread = _Spread(rig)
    _keep_pitch(rig, landmarks)
    for _ in range(_ROUNDS):
        common = _common_residual(rig, landmarks)
        left_over.append(float(np.linalg.norm(common, axis=1).mean()))
        spread.move(common)
    left_over.append(float(np.linalg.norm(_common_residual(rig, landmarks), axis=1).mean()))
    return left_over


def _keep_pitch(rig: Rig, landmarks: NDArray[np.floating]) -> None:
    """Turn a rig's canonical mesh, in place, so that poses keep the pitch of earlier fits."""
    apart = [
        (first.T @ state.rotation)
        for first, state in zip(
            turns_in_space(rig, landmarks), fit_faces(rig, landmarks).states, strict=True
        )
    ]
    pitch = float(np.median(Rotation.from_matrix(np.stack(apart)).as_euler("xyz")[:, 0]))
    rig.canonical = (rig.canonical @ Rotation.from_euler("x", pitch).as_matrix()).astype(np.float32)


def _common_residual(rig: Rig, landmarks: NDArray[np.floating]) -> F64:
    """(470, 2) mean offset of faces at rest from the mesh, centimetres, made symmetric."""
    found = np.median(fit_faces(rig, landmarks, FitPlan(expression=False)).residual, 0)
    mirror = np.concatenate([rig.mesh_mirror, [MESH_POINTS + 1, MESH_POINTS]])
    alike: F64 = (found + found[mirror] * [-1.0, 1.0]) / 2
    return alike


class _Spread:
    """Spreads displacements of landmarks to the mesh: skin bends smoothly, eyeballs stay rigid."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        faces = rig.faces[rig.part != EYE]
        count = len(rig.base)
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        ones = np.ones(len(edges))
        near = csr_matrix((ones, (edges[:, 0], edges[:, 1])), (count, count))
        near = ((near + near.T) > 0).astype(np.float64)
        degree = np.maximum(np.asarray(near.sum(1)).ravel(), 1)
        bend = diags(np.ones(count)) - diags(1 / degree) @ near
        held = np.bincount(rig.mesh, minlength=count).astype(np.float64)
        self._hold = csr_matrix(
            (np.ones(MESH_POINTS), (rig.mesh, np.arange(MESH_POINTS))), (count, MESH_POINTS)
        )
        system = _STIFF * bend.T @ bend + _TIGHT * diags(held) + _STILL * diags(np.ones(count))
        self._solve = splu(system.tocsc()).solve
        eye = np.unique(rig.faces[rig.part == EYE])
        across = rig.base[eye, 0]
        self._eyes = eye[across < 0], eye[across > 0]

    def move(self, common: F64) -> None:
        """Move the rig's mesh by (470, 2) displacements of its landmarks and pupils."""
        rig = self._rig
        skin = self._solve(np.asarray(self._hold @ (_TIGHT * common[:MESH_POINTS])))
        for eye, by in zip(self._eyes, common[MESH_POINTS:], strict=True):
            skin[eye] = by
        rig.base[:, :2] += skin.astype(np.float32)


def write_rig(rig: Rig, like: Path, out: Path) -> None:
    """Write a rig file with the mesh of `rig` and everything else of the file `like`."""
    with np.load(like) as data:
        arrays = {name: data[name] for name in data.files}
    arrays |= {"base": rig.base_as_stored(), "canonical468": rig.canonical}
    write_whole(out, lambda stream: np.savez_compressed(stream, **arrays))
