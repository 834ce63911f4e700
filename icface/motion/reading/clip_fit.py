"""A clip's readings fitted to its landmarks: what changed since the face was at rest.

A network that reads controls from pixels errs on the small side where people differ: smiles, lids,
brows. What changed between two pictures of one person is known better, from where the landmarks
went. The animator is linear in its channels, so the changes that explain them best are found by
bounded least squares: the network's own reading is the prior, as wide as each channel's reading is
known to err, and an affine camera takes up what is left of the head's turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.face.controls import ANGLES, EXPRESSIONS
from icface.face.geometry import euler_angles_deg, rotation_matrix
from icface.face.landmarks import BOTH_EYE_CORNERS, MESH_POINTS, RIGID_POINTS
from icface.face.ramps import Ramp, smoothstep
from icface.motion.bounded import solve_bounded
from icface.motion.reading.face_basis import FaceBasis
from icface.motion.reading.points import FITTED_POINTS, POINT_WEIGHT, RIM_PAIRS

_INDEX = {name: i for i, name in enumerate(EXPRESSIONS)}
_N_ANGLES = len(ANGLES)

_NOISE_CM = 0.01
"""How far off landmarks are together: what one channel's prior is weighed against."""
_WIDTHS = (
    (("eyeLook",), 0.0),
    (("eyeBlink", "eyeWide"), 0.08),
    (("cheekPuff", "jawForward"), 0.06),
    (("jawOpen", "jawLeft", "jawRight"), 0.25),
    (("mouthSmile",), 1.0),
    (("mouthPucker",), 0.6),
    (("brow",), 1.0),
)
_WIDTH = 0.25
_CAMERA = (0.01, 0.01, 0.04, 0.1)
"""How far the camera may differ from the head's read turn: x, y and z of a point, and a shift
(centimetres)."""
_MOST_TILT = 0.25
"""Radians by which a turn may be read wrong; what looks like more is something else."""
_FACING = (-0.1, 0.35)
_TURNED_DEG = Ramp(15.0, 35.0)
_COUPLED = 0.05
_LEAST_OPEN_CM = 0.15
"""Least distance of open lids; what is less is a squint, and no measure of how far they open."""
_CHUNK = 128
_NO_FACE_CM = 2.0
"""Mean distance of landmarks from a mean face's, seen from the front, of what is no face; people
differ by 0.5."""


def widths() -> F64:
    """(53,) how far each channel's reading errs; nought for those that are not fitted."""
    found = [
        next((width for names, width in _WIDTHS if name.startswith(names)), _WIDTH)
        for name in EXPRESSIONS
    ]
    return np.array(found)


_PAIRS = np.array(
    [
        (_INDEX[n], _INDEX[n[:-1] + "R"])
        for n in EXPRESSIONS
        if n.endswith("_L") and not n.startswith("eyeLook")
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class RestingFace:
    """One person at rest: what changes are measured against.

    Attributes
    ----------
    shape : (468, 3) float64
        Landmarks in the head frame, centimetres, about the middle of the rigid ones.
    expression : (53,) float64
        Channels as read.
    normal : (468, 3) float64
        Which way the surface faces at each landmark, roughly.
    """

    shape: F64
    expression: F64
    normal: F64

    @classmethod
    def of(
        cls, basis: FaceBasis, landmarks: NDArray[np.floating], controls: NDArray[np.floating]
    ) -> RestingFace:
        """From the landmarks (478, 3), pixels, and controls (56,) of the frame at rest."""
        points = upright(np.asarray(landmarks, np.float64)[None, :MESH_POINTS])[0]
        values = np.asarray(controls, np.float64)
        shape = (points - points[list(RIGID_POINTS)].mean(0)) @ rotation_matrix(*values[:_N_ANGLES])
        mean = basis.mean - basis.mean[list(RIGID_POINTS)].mean(0)
        flat = brought_over(mean[None], shape[None, :, :2])[0][0]
        scale = np.linalg.norm(flat - flat.mean(0)) / np.linalg.norm(
            shape[:, :2] - shape[:, :2].mean(0)
        )
        shape = np.column_stack([flat, (scale * shape[:, 2] + mean[:, 2]) / 2])
        normal = shape - [0.0, 0.0, shape[:, 2].min() - 4.0]
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        return cls(shape, np.clip(values[_N_ANGLES:], 0, 1), normal)

    def is_face(self, basis: FaceBasis) -> bool:
        """Whether the landmarks lie as in a face, so that their changes are a face's."""
        mean = basis.mean - basis.mean[list(RIGID_POINTS)].mean(0)
        off = float(np.linalg.norm(self.shape[:, :2] - mean[:, :2], axis=1).mean())
        return off < _NO_FACE_CM


def fit_changes(
    basis: FaceBasis,
    rest: RestingFace,
    landmarks: NDArray[np.floating],
    controls: NDArray[np.floating],
) -> NDArray[np.float64]:
    """The controls of frames, fitted.

    Parameters
    ----------
    landmarks : (F, 478, 3)
        Pixels, z of the mesh's convention.
    controls : (F, 56)
        As the network reads them.

    Returns
    -------
    (F, 56) float64
    """
    fitted = np.asarray(controls, np.float64).copy()
    for start in range(0, len(fitted), _CHUNK):
        part = slice(start, start + _CHUNK)
        fitted[part] = _fit(basis, rest, np.asarray(landmarks[part], np.float64), fitted[part])
    return fitted


def _fit(basis: FaceBasis, rest: RestingFace, landmarks: F64, controls: F64) -> F64:
    turns = np.stack([rotation_matrix(*angles) for angles in controls[:, :_N_ANGLES]])
    turned = np.einsum("pj,fij->fpi", rest.shape, turns)
    seen, about_z = brought_over(turned, upright(landmarks[:, :MESH_POINTS])[..., :2])
    off = seen - turned[..., :2]
    read = np.clip(controls[:, _N_ANGLES:], 0, 1)
    prior = _with_lids(read, rest, (seen, turned[..., :2]), turns) - rest.expression
    far = _hidden(controls[:, 0])
    _take_from_near_side(prior, far, turned)
    at = FITTED_POINTS
    facing = np.einsum("pj,fj->fp", rest.normal[at], turns[:, 2])
    weight = POINT_WEIGHT * smoothstep(
        np.clip((facing - _FACING[0]) / (_FACING[1] - _FACING[0]), 0, 1)
    )
    free = np.flatnonzero(widths() > 0)
    moved = _turned_channels(turns, basis.channels[:, at])
    held = np.setdiff1d(np.arange(len(EXPRESSIONS)), free)
    off = off[:, at].transpose(0, 2, 1) - np.einsum("fk,fkip->fip", prior[:, held], moved[:, held])
    solved, tilts = _solve(
        moved[:, free],
        turned[:, at],
        off,
        weight,
        prior[:, free],
        rest.expression[free],
        free,
        far,
    )
    found = controls.copy()
    found[:, _N_ANGLES:] = read
    found[:, _N_ANGLES + free] = np.clip(rest.expression[free] + solved, 0, 1)
    found[:, :_N_ANGLES] = _turned_further(
        turns, np.column_stack([tilts, -about_z]), controls[:, :_N_ANGLES]
    )
    return found


def _hidden(yaw_deg: F64) -> F64:
    """Share (F,) to which the head's turn hides a side."""
    return _TURNED_DEG.smooth(np.abs(yaw_deg))


def _take_from_near_side(prior: F64, far: F64, turned: F64) -> None:
    """Let the side that is hidden do what the visible one does: a turn is no wink.

    Parameters
    ----------
    prior : (F, 53)
        Changes expected; changed in place.
    far : (F,)
        See `_hidden`.
    turned : (F, 468, 3)
        The face, turned as the head is.
    """
    right, left = (turned[:, outer, 2] for outer, _ in (BOTH_EYE_CORNERS[side] for side in "RL"))
    is_left_far = (left < right)[:, None]
    one, other = prior[:, _PAIRS[:, 0]], prior[:, _PAIRS[:, 1]]
    step = far[:, None] * (other - one)
    prior[:, _PAIRS[:, 0]] = one + np.where(is_left_far, step, 0)
    prior[:, _PAIRS[:, 1]] = other - np.where(is_left_far, 0, step)


def _turned_further(turns: F64, tilts: F64, angles: F64) -> F64:
    """(F, 3) angles of heads turned (F, 3, 3) and then farther about y, x and z, radians."""
    farther = np.degrees(
        np.where(np.abs(tilts) < _MOST_TILT, tilts, 0)
    )  # roll that counts from a picture that lies is kept
    found = np.array(
        [
            euler_angles_deg(rotation_matrix(*more) @ turn)
            for more, turn in zip(farther, turns, strict=True)
        ]
    )
    step = (found - angles + 180) % 360 - 180
    return angles + step


def _turned_channels(turns: F64, channels: F64) -> F64:
    """(F, K, 2, P) displacements (K, P, 3) as heads turned (F, 3, 3) show them, x and y."""
    flat = channels.transpose(2, 0, 1).reshape(3, -1)
    seen = (turns[:, :2].reshape(-1, 3) @ flat).reshape(len(turns), 2, *channels.shape[:2])
    return np.ascontiguousarray(seen.transpose(0, 2, 1, 3))


def _solve(  # noqa: PLR0913, PLR0917
    moved: F64,
    turned: F64,
    off: F64,
    weight: F64,
    prior: F64,
    own: F64,
    free: NDArray[np.int64],
    far: F64,
) -> tuple[F64, F64]:
    """(F, K) changes of the fitted channels, and (F, 2) the heads' further turns, radians.

    The further turns are about y and x.

    Parameters
    ----------
    moved : (F, K, 2, P)
        How each channel moves each landmark in the picture, centimetres.
    turned : (F, P, 3)
        Landmarks of the face at rest, turned as the head is.
    off : (F, 2, P)
        How far landmarks are from there.
    weight : (F, P)
    prior : (F, K)
        Changes expected.
    own : (K,)
        Channels at rest.
    free : (K,)
        Which channels these are.
    far : (F,)
        Share to which the head's turn hides a side.
    """
    count, channels = prior.shape
    points = weight.shape[1]
    camera = np.zeros((count, 8, 2, points))
    spread = np.concatenate([turned.transpose(0, 2, 1), np.ones((count, 1, points))], 1)
    camera[:, :4, 0] = camera[:, 4:, 1] = spread * np.array(_CAMERA)[:, None]
    columns = np.concatenate([moved, camera], 1) * weight[:, None, None]
    flat = columns.reshape(count, channels + 8, -1).astype(np.float32)
    target = (off * weight[:, None]).reshape(count, -1, 1).astype(np.float32)
    hessian = (flat @ flat.transpose(0, 2, 1)).astype(np.float64)
    gradient = (flat @ target)[..., 0].astype(np.float64)
    total = float((POINT_WEIGHT**2).sum())
    tie = total * (_NOISE_CM / widths()[free]) ** 2
    diagonal = np.einsum("bii->bi", hessian)
    diagonal[:, :channels] += tie
    gradient[:, :channels] += tie * prior
    diagonal[:, channels:] += total * _NOISE_CM**2
    place = {int(k): n for n, k in enumerate(free)}
    for left, right in _PAIRS:
        a, b = place[int(left)], place[int(right)]
        much = total * (_NOISE_CM / _COUPLED) ** 2 * far
        hessian[:, a, a] += much
        hessian[:, b, b] += much
        hessian[:, a, b] -= much
        hessian[:, b, a] -= much
    low, high = np.full(gradient.shape, -np.inf), np.full(gradient.shape, np.inf)
    low[:, :channels], high[:, :channels] = -own, 1 - own
    start = np.concatenate([np.clip(prior, -own, 1 - own), np.zeros((count, 8))], 1)
    solved = solve_bounded(hessian, gradient, low, high, start=start, tolerance=1e-3)
    tilts = solved[:, [channels + 2, channels + 6]] * (_CAMERA[2], -_CAMERA[2])
    return solved[:, :channels], tilts


def upright(points: F64) -> F64:
    """Points with y up and z towards the camera."""
    flipped: F64 = points * np.array([1.0, -1.0, -1.0])
    return flipped


def brought_over(turned: F64, seen: F64) -> tuple[F64, F64]:
    """Landmarks laid over the turned face at rest, rigid points on rigid points.

    They are shifted, scaled and turned in the picture.

    Returns
    -------
    (F, 468, 2)
        The landmarks.
    (F,)
        By how much they were turned, radians, from x to y.
    """
    rigid = list(RIGID_POINTS)
    here, there = turned[:, rigid, :2], seen[:, rigid]
    middle, wanted = there.mean(1, keepdims=True), here.mean(1, keepdims=True)
    a, b = there - middle, here - wanted
    size = np.maximum((a**2).sum((1, 2)), 1e-12)
    along, across = (
        (a * b).sum((1, 2)) / size,
        (a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]).sum(1) / size,
    )
    linear = np.stack([np.stack([along, -across], 1), np.stack([across, along], 1)], 1)
    over: F64 = np.einsum("fij,fpj->fpi", linear, seen - middle) + wanted
    return over, np.arctan2(across, along)


def _openness(points: F64, up: F64) -> F64:
    """(F, 2) mean distance of the right and the left eye's lids; crossed lids count as closed.

    Parameters
    ----------
    points : (F, 468, 2)
    up : (F, 2)
        The direction in the picture of the head's way up.
    """
    upper, lower = points[:, RIM_PAIRS[..., 0]], points[:, RIM_PAIRS[..., 1]]  # (F, 2, pairs, 2)
    gap: F64 = np.maximum(np.einsum("fspi,fi->fsp", upper - lower, up), 0).mean(2)
    return gap


def _with_lids(read: F64, rest: RestingFace, seen: tuple[F64, F64], turns: F64) -> F64:
    """Channels as read, with lids by how far they are open.

    Parameters
    ----------
    read : (F, 53)
    rest : RestingFace
    seen : (F, 468, 2) twice
        Landmarks as they are, and as they would be in the face at rest, turned as the head is: a
        turn narrows the lids of both alike.
    turns : (F, 3, 3)
    """
    found = read.copy()
    up = turns[:, :2, 1] / np.linalg.norm(turns[:, :2, 1], axis=1, keepdims=True)
    now, open_lids = (_openness(points, up) for points in seen)
    ratio = now / np.maximum(open_lids, _LEAST_OPEN_CM)
    for side, letter in ((0, "R"), (1, "L")):
        blink, wide = _INDEX[f"eyeBlink_{letter}"], _INDEX[f"eyeWide_{letter}"]
        closed = 1 - (1 - rest.expression[blink]) * ratio[:, side]
        found[:, blink] = np.clip(np.maximum(read[:, blink], closed), 0, 1)
        found[:, wide] = np.clip(
            rest.expression[wide] + np.maximum(ratio[:, side] - 1, 0) * 2, 0, 1
        )
    return found
