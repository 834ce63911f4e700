"""Clips of faces with known movements: landmarks of the mean face moved by the table."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.face.controls import EXPRESSIONS
from icface.face.geometry import rotation_matrix
from icface.motion.motion import Motion
from icface.motion.reading.face_basis import shipped_basis


def channels(**values: float) -> F64:
    """(53,) channels by name; a name without a side is both."""
    row = np.zeros(len(EXPRESSIONS))
    for name, value in values.items():
        for side in (name,) if name in EXPRESSIONS else (f"{name}_L", f"{name}_R"):
            row[EXPRESSIONS.index(side)] = value
    return row


def shown(expressions: F64, angles: F64, *, scale: float = 20.0) -> NDArray[np.float32]:
    """(F, 478, 3) where the landmarks of the mean face are in pictures."""
    basis = shipped_basis()
    faces = basis.mean + np.einsum("fk,kpi->fpi", expressions, basis.channels)
    turns = np.stack([rotation_matrix(*row) for row in angles])
    seen = np.einsum("fpj,fij->fpi", faces, turns) * scale * [1, -1, -1]
    points = np.zeros((len(seen), 478, 3), np.float32)
    points[:, :468] = seen + np.array([320.0, 240.0, 0.0])
    points[:, 468:] = points[:, [159]]
    return points


def a_clip(expressions: F64, angles: F64 | None = None, *, seen: float = 0.4) -> Motion:
    """A motion of known movements, of which a network reads a share."""
    angles = np.zeros((len(expressions), 3)) if angles is None else angles
    controls = np.concatenate([angles, seen * expressions], 1).astype(np.float32)
    return Motion(
        seconds=np.arange(len(expressions)) / 25,
        controls=controls,
        confidence=np.ones(len(expressions), np.float32),
        landmarks=shown(expressions, angles),
        rate=Fraction(25),
    )
