"""Head rotations of other programs, and ICface's own.

Convention
----------
Our head frame has x to the subject's left, y up and z to the camera; a head that rests is the
identity, and (yaw, pitch, roll) make the matrix of `icface.face.geometry.rotation_matrix`. Computer
vision's frame has x to the right of the picture (the subject's left as well), y down and z away
from the camera: half a turn about x leads from one to the other, so that angles about x keep their
sign and those about y and z change it.

Angles here are radians, arrays of shape (N,); matrices are (N, 3, 3).
"""

from __future__ import annotations

import numpy as np

from icface.arrays import F64

_HALF_TURN = np.diag([1.0, -1.0, -1.0])


def about(axis: int, angle: F64) -> F64:
    """Right-handed rotations about x (0), y (1) or z (2)."""
    cos, sin = np.cos(angle), np.sin(angle)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turned = np.zeros((len(cos), 3, 3))
    turned[:, axis, axis] = 1
    turned[:, first, first] = turned[:, second, second] = cos
    turned[:, first, second], turned[:, second, first] = -sin, sin
    return turned


def flipped(rotation: F64) -> F64:
    """The same rotations in computer vision's frame, given in ours; or the other way round."""
    changed: F64 = _HALF_TURN @ rotation @ _HALF_TURN
    return changed


def angles_deg(rotation: F64) -> F64:
    """Yaw, pitch, roll in degrees, shape (N, 3), of rotations in our frame."""
    pitch = np.arcsin(np.clip(rotation[:, 2, 1], -1, 1))
    yaw = np.arctan2(-rotation[:, 2, 0], rotation[:, 2, 2])
    roll = np.arctan2(-rotation[:, 0, 1], rotation[:, 1, 1])
    degrees: F64 = np.degrees(np.stack([yaw, pitch, roll], axis=1))
    return degrees


def rotations(yaw_pitch_roll_deg: F64) -> F64:
    """The inverse of `angles_deg`: yaw first, then pitch, then roll about fixed axes."""
    yaw, pitch, roll = np.radians(yaw_pitch_roll_deg).T
    turned: F64 = about(2, roll) @ about(0, pitch) @ about(1, yaw)
    return turned


def of_openface(rx: F64, ry: F64, rz: F64) -> F64:
    """Rotations of OpenFace's ``pose_Rx``, ``pose_Ry``, ``pose_Rz``.

    They are Rx Ry Rz in computer vision's frame.
    """
    return flipped(about(0, rx) @ about(1, ry) @ about(2, rz))


def to_openface(rotation: F64) -> tuple[F64, F64, F64]:
    """``pose_Rx``, ``pose_Ry``, ``pose_Rz`` of rotations in our frame."""
    theirs = flipped(rotation)
    rx = np.arctan2(-theirs[:, 1, 2], theirs[:, 2, 2])
    ry = np.arcsin(np.clip(theirs[:, 0, 2], -1, 1))
    rz = np.arctan2(-theirs[:, 0, 1], theirs[:, 0, 0])
    return rx, ry, rz


def of_fex_first(pitch: F64, roll: F64, yaw: F64) -> F64:
    """Rotations of py-feat before 2.0.

    Up, turned to the subject's right and tilted to the subject's left are positive.
    """
    return flipped(about(0, -pitch) @ about(1, yaw) @ about(2, roll))


def of_fex(pitch: F64, roll: F64, yaw: F64) -> F64:
    """Rotations of py-feat from 2.0 on.

    Up, turned and tilted to the subject's right are positive.
    """
    return flipped(about(2, -roll) @ about(1, yaw) @ about(0, -pitch))


def of_fex_mesh(pitch: F64, roll: F64, yaw: F64) -> F64:
    """Rotations of py-feat's MPDetector, which names the turn about y roll and that about z yaw."""
    turned: F64 = about(2, yaw) @ about(1, roll) @ about(0, pitch)
    return turned


def of_arkit(yaw: F64, pitch: F64, roll: F64) -> F64:
    """Rotations of a face anchor's Euler angles: Ry Rx Rz in ARKit's face frame, which is ours."""
    turned: F64 = about(1, yaw) @ about(0, pitch) @ about(2, roll)
    return turned


def to_arkit(rotation: F64) -> tuple[F64, F64, F64]:
    """Yaw, pitch, roll of a face anchor."""
    pitch = np.arcsin(np.clip(-rotation[:, 1, 2], -1, 1))
    yaw = np.arctan2(rotation[:, 0, 2], rotation[:, 2, 2])
    roll = np.arctan2(rotation[:, 1, 0], rotation[:, 1, 1])
    return yaw, pitch, roll


def nearest(matrix: F64) -> F64:
    """Rotations (N, 3, 3) nearest to matrices that may scale; NaN for mirrored or flat ones."""
    near = np.full(matrix.shape, np.nan)
    good = np.flatnonzero(np.isfinite(matrix).all((1, 2)))
    good = good[np.linalg.det(matrix[good]) > 1e-9]
    left, _, right = np.linalg.svd(matrix[good])
    near[good] = left @ right
    return near
