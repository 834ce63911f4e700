"""Which landmarks readings are fitted to, and how much each counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from icface.face.landmarks import (
    BROWS,
    FACE_OVAL,
    LID_PAIRS,
    LID_RIMS,
    LIPS,
    MESH_POINTS,
    RIGID_POINTS,
)

RIM_PAIRS: NDArray[np.int64] = np.array([[LID_PAIRS[side][k] for k in (2, 0, 1)] for side in "RL"])
"""(2, 3, 2) upper and lower rim of the subject's right and left eye, across from each other."""
_FEATURES = (*LIPS, *LID_RIMS, *BROWS, *RIGID_POINTS)
_EVERY = 3


def _chosen() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    others = np.setdiff1d(np.arange(MESH_POINTS), _FEATURES)[::_EVERY]
    points = np.unique(np.concatenate([np.array(_FEATURES), others]))
    weight = np.ones(MESH_POINTS)
    weight[others] = np.sqrt(_EVERY)
    for part, much in ((LIPS, 3.0), (LID_RIMS, 2.0), (BROWS, 1.5), (FACE_OVAL, 0.3)):
        weight[list(part)] = much
    return points, weight[points]


FITTED_POINTS, POINT_WEIGHT = _chosen()
"""(P,) landmarks that are fitted, and (P,) their weights: lips and lids most, the rest of the face
by its area."""
