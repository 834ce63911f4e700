"""Which landmarks readings are fitted to, and how much each counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from icface.face.landmarks import MESH_POINTS, RIGID_POINTS

_LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
)  # fmt: skip
_LIDS = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246,
    263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466,
)  # fmt: skip
_BROWS = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46, 300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The border of the face slides over the skin when the head turns."""
LID_PAIRS: NDArray[np.int64] = np.array([[(160, 144), (159, 145), (158, 153)], [(387, 373), (386, 374), (385, 380)]])
"""(2, 3, 2) upper and lower rim of the subject's right and left eye, across from each other."""
_FEATURES = (*_LIPS, *_LIDS, *_BROWS, *RIGID_POINTS)
_EVERY = 3


def _chosen() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    others = np.setdiff1d(np.arange(MESH_POINTS), _FEATURES)[::_EVERY]
    points = np.unique(np.concatenate([np.array(_FEATURES), others]))
    weight = np.ones(MESH_POINTS)
    weight[others] = np.sqrt(_EVERY)
    for part, much in ((_LIPS, 3.0), (_LIDS, 2.0), (_BROWS, 1.5), (_OVAL, 0.3)):
        weight[list(part)] = much
    return points, weight[points]


FITTED_POINTS, POINT_WEIGHT = _chosen()
"""(P,) landmarks that are fitted, and (P,) their weights: lips and lids most, the rest of the face by its area."""
