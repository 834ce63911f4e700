"""A photo's reading fitted to its landmarks.

Without a frame at rest to compare with, the person's identity is fitted too.

What a face shows is explained by who it is, by what it does and by the camera at once: identity
modes of faces at rest, the animator's channels, and an affine camera. What the network read is the
prior of the channels, a mean face that of the identity. Where people differ as much as a movement
does, the prior is narrow, and the reading stays near the network's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.face.controls import ANGLES, EXPRESSIONS
from icface.face.geometry import rotation_matrix
from icface.face.landmarks import MESH_POINTS, RIGID_POINTS
from icface.motion.bounded import solve_bounded
from icface.motion.reading.clip_fit import brought_over, upright
from icface.motion.reading.face_basis import FaceBasis
from icface.motion.reading.points import FITTED_POINTS, POINT_WEIGHT

_NOISE_CM = 0.04
_WIDTHS = (
    (("eyeLook", "eyeBlink", "eyeWide", "cheekPuff", "jawForward"), 0.0),
    (("mouthPucker", "jawOpen"), 0.08),
    (("browDown",), 0.4),
)
_WIDTH = 0.15
_CAMERA = (0.02, 0.02, 0.05, 0.2)
_MOST_IDENTITY = 3.0
_PASSES = 2
_N_ANGLES = len(ANGLES)


def fit_still(
    basis: FaceBasis, landmarks: NDArray[np.floating], controls: NDArray[np.floating]
) -> F64:
    """The controls of faces in photos, fitted.

    Parameters
    ----------
    landmarks : (F, 478, 3)
        Pixels, z of the mesh's convention.
    controls : (F, 56)
        As the network reads them; angles, gaze and lids are kept.

    Returns
    -------
    (F, 56) float64
    """
    values = np.asarray(controls, np.float64)
    turns = np.stack([rotation_matrix(*angles) for angles in values[:, :_N_ANGLES]])
    seen = upright(np.asarray(landmarks, np.float64)[:, :MESH_POINTS])[..., :2]
    spread = still_widths()
    free = np.flatnonzero(spread > 0)
    modes = np.concatenate(
        [
            basis.channels[free],
            basis.identity - basis.identity[:, list(RIGID_POINTS)].mean(1, keepdims=True),
        ]
    )
    moved = np.einsum("fij,kpj->fkip", turns[:, :2], modes[:, FITTED_POINTS])
    width = np.concatenate([spread[free], np.ones(len(basis.identity))])
    read = np.clip(values[:, _N_ANGLES:], 0, 1)
    held = np.einsum("fk,kpi->fpi", read, basis.channels) - np.einsum(
        "fk,kpi->fpi", read[:, free], basis.channels[free]
    )
    still = basis.mean - basis.mean[list(RIGID_POINTS)].mean(0) + held
    prior = np.concatenate([read[:, free], np.zeros((len(values), len(basis.identity)))], 1)
    low, high = np.zeros_like(prior), np.ones_like(prior)
    low[:, len(free) :], high[:, len(free) :] = -_MOST_IDENTITY, _MOST_IDENTITY
    found = prior
    for _ in range(_PASSES):
        turned = np.einsum("fpj,fij->fpi", still + np.einsum("fk,kpi->fpi", found, modes), turns)
        off = (brought_over(turned, seen)[0] - turned[..., :2])[:, FITTED_POINTS].transpose(0, 2, 1)
        found = found + _step(
            (moved, turned[:, FITTED_POINTS]),
            off,
            (prior - found, width),
            (low - found, high - found),
        )
    fitted = values.copy()
    fitted[:, _N_ANGLES + free] = np.clip(found[:, : len(free)], 0, 1)
    return fitted


def still_widths() -> F64:
    """(53,) each channel's error of reading in photos; 0 for channels that are kept as read."""
    return np.array(
        [
            next((w for names, w in _WIDTHS if name.startswith(names)), _WIDTH)
            for name in EXPRESSIONS
        ]
    )


def _step(basis: tuple[F64, F64], off: F64, prior: tuple[F64, F64], bounds: tuple[F64, F64]) -> F64:
    """(F, K) changes of what moves landmarks.

    Parameters
    ----------
    basis : (F, K, 2, P) and (F, P, 3)
        How landmarks move in the picture, and where they are, centimetres.
    off : (F, 2, P)
        How far they are from where they are seen.
    prior : (F, K) and (K,)
        Changes expected, and how far off those are.
    bounds : (F, K) twice
        Of the changes.
    """
    moved, points = basis
    count, size = moved.shape[:2]
    camera = np.zeros((count, 8, *off.shape[1:]))
    spread = np.concatenate([points.transpose(0, 2, 1), np.ones((count, 1, off.shape[2]))], 1)
    camera[:, :4, 0] = camera[:, 4:, 1] = spread * np.array(_CAMERA)[:, None]
    flat = (np.concatenate([moved, camera], 1) * POINT_WEIGHT).reshape(count, size + 8, -1)
    hessian = flat @ flat.transpose(0, 2, 1)
    gradient = (flat @ (off * POINT_WEIGHT).reshape(count, -1, 1))[..., 0]
    tie = float((POINT_WEIGHT**2).sum()) * _NOISE_CM**2 / np.append(prior[1], np.ones(8)) ** 2
    hessian[:, range(size + 8), range(size + 8)] += tie
    gradient[:, :size] += tie[:size] * prior[0]
    low, high = (
        np.concatenate([bound, np.full((count, 8), sign * np.inf)], 1)
        for bound, sign in zip(bounds, (-1, 1), strict=True)
    )
    solved: F64 = solve_bounded(hessian, gradient, low, high, tolerance=1e-3)[:, :size]
    return solved
