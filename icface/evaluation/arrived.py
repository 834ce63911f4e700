"""Share of a person's movement that arrives when a frame at rest is edited by another's reading.

Both the edited picture and the true frame are read by the same tracker. Their landmarks are aligned
to the edited frame's landmarks by shift, scale and turn in the picture, fitted to landmarks that no
expression moves; then the movements of each feature since that frame are compared. A share of 1
with a correlation of 1 is a driven face that moves as the driver does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.evaluation.material import Shot, Subject, read_again
from icface.face.controls import ControlVector
from icface.face.landmarks import EYE_CORNERS, RIGID_POINTS
from icface.face.observation import FaceTracker
from icface.rendering.predictor import FacePredictor

_LEAST_MOTION = 0.004
"""Root mean square movement of a feature, in distances of the outer eye corners, below which its
share says nothing."""


def _between(pairs: Sequence[tuple[int, int]]) -> F64:
    """(R, 478) rows: each pair's second landmark minus its first."""
    rows = np.zeros((len(pairs), 478))
    for row, (upper, lower) in enumerate(pairs):
        rows[row, upper], rows[row, lower] = -1.0, 1.0
    return rows


def _each(points: Sequence[int]) -> F64:
    return np.eye(478)[list(points)]


_UNITS: Mapping[str, tuple[F64, bool]] = {
    "lip corners": (_each((61, 291)), True),
    "lips": (_each((0, 37, 267, 13, 82, 312, 14, 87, 317, 17, 84, 314)), True),
    "lids": (
        _between(((160, 144), (159, 145), (158, 153), (387, 373), (386, 374), (385, 380))),
        False,
    ),
    "brows": (_each((70, 63, 105, 66, 107, 300, 293, 334, 296, 336)), False),
    "jaw": (_each((152, 148, 377)), False),
}
"""Rows over landmarks for each feature, and whether movements to the side count beside those up and
down."""


def arrived(
    predictor: FacePredictor,
    tracker: FaceTracker,
    shots: Sequence[Shot],
    driven: Sequence[ControlVector],
) -> dict[str, dict[str, float | None]]:
    """Share and correlation of the movement that arrives, by feature.

    Parameters
    ----------
    shots : sequence of Shot
        What is edited, then the true frames.
    driven : sequence of ControlVector
        The states that the editor drives the first to at the others.

    Returns
    -------
    dict
        ``share`` and ``correlation`` of each feature, ``motion`` in distances of the outer eye
        corners, ``frames``. Share and correlation are None where the feature hardly moves.
    """
    source, *others = shots
    subject = Subject("", source.image, source.face, predictor.encode(source.image, source.face))
    made, true = [], []
    for shot, state in zip(others, driven, strict=True):
        seen = read_again(tracker, subject.edited(predictor, state), source.face)
        if seen is not None:
            made.append(_brought_over(source.face.landmarks, seen.landmarks))
            true.append(_brought_over(source.face.landmarks, shot.face.landmarks))
    own = source.face.landmarks[:, :2].astype(np.float64)
    unit = float(np.linalg.norm(own[EYE_CORNERS[1]] - own[EYE_CORNERS[0]]))
    return movement(np.array(made), np.array(true), own, unit) if made else {}


def movement(made: F64, true: F64, own: F64, unit: float) -> dict[str, dict[str, float | None]]:
    """The figures of `arrived` for upright landmarks (F, 478, 2) and those at rest (478, 2).

    `unit` is the distance of the outer eye corners, in which movements are measured.
    """
    found: dict[str, dict[str, float | None]] = {}
    for name, (rows, sideways) in _UNITS.items():
        axes = slice(0, 2) if sideways else slice(1, 2)
        x, y = (
            np.einsum("rp,fpa->fra", rows, (moved - own) / unit)[..., axes].reshape(len(moved), -1)
            for moved in (made, true)
        )
        size = float(np.sqrt((y**2).mean()))
        moves = size >= _LEAST_MOTION
        across = float(np.sqrt((x**2).sum() * (y**2).sum()))
        found[name] = {
            "share": float((x * y).sum() / (y**2).sum()) if moves else None,
            "correlation": float((x * y).sum() / across) if moves and across > 0 else None,
            "motion": size,
            "frames": float(len(x)),
        }
    return found


def mean_arrived(clips: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> dict[str, Any]:
    """The mean over clips, each weighed by how much the feature moves in it."""
    mean: dict[str, Any] = {}
    for name in _UNITS:
        rows = [
            row for clip in clips.values() if (row := clip.get(name)) and row["share"] is not None
        ]
        weights = [float(row["motion"] or 0) for row in rows]
        mean[name] = {
            key: float(np.average([float(row[key] or 0) for row in rows], weights=weights))
            if rows
            else None
            for key in ("share", "correlation")
        }
    return mean


def _brought_over(own: NDArray[np.floating], seen: NDArray[np.floating]) -> F64:
    """(478, 2) landmarks aligned to others by their rigid points, with a level eye line."""
    rigid = list(RIGID_POINTS)
    to, at = own[rigid, :2].astype(np.float64), seen[rigid, :2].astype(np.float64)
    a, b = (at - at.mean(0)) @ (1, 1j), (to - to.mean(0)) @ (1, 1j)
    turn = (np.conj(a) @ b) / (np.conj(a) @ a)
    moved = (seen[:, :2].astype(np.float64) - at.mean(0)) @ (1, 1j) * turn
    over: F64 = np.stack([moved.real, moved.imag], 1) + to.mean(0)
    return over
