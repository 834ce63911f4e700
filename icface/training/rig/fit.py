"""Fits of the rig to face-mesh landmarks, many faces at once: the labels of photographs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from icface.arrays import F64
from icface.face.controls import EXPRESSIONS
from icface.face.landmarks import BROWS, FACE_OVAL, LID_RIMS, LIPS, MESH_POINTS
from icface.motion.bounded import solve_bounded
from icface.training.rig.rig import Rig, State

IRIS_CENTRES = (468, 473)
"""Landmarks at the middle of the subject's right and left iris."""
_LIPS, _EYES, _BROWS, _OVAL, _IRISES = 4.0, 4.0, 2.0, 0.5, 30.0
_POSE = 6
"""Unknowns of the pose: turn, scale, place."""
_PRIORS = (
    (("cheekPuff",), 0.5),
    (("jawForward", "jawLeft", "jawRight", "mouthLeft", "mouthRight"), 0.15),
    (("browInnerUp", "browOuterUp", "eyeWide"), 0.12),
    (("eyeLook",), 0.04),
)
_PRIOR = 0.07
_MOST_IDENTITY = 3.0
_FLIP = np.array([1.0, -1.0])


@dataclass(frozen=True, slots=True)
class FitPlan:
    """How fits are made.

    Attributes
    ----------
    modes : int
        Identity modes used.
    identity_prior, pose_prior : float
        How much a standard deviation of identity, and a radian away from the turn of the landmarks
        in space, cost against a landmark that is off by the size of the face.
    expression : bool
        Whether channels are fitted; they stay at nought otherwise.
    iterations : int
        Damped Gauss-Newton steps.
    """

    modes: int = 50
    identity_prior: float = 0.03
    pose_prior: float = 1.2
    expression: bool = True
    iterations: int = 14


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """Fitted states with what they leave over.

    Attributes
    ----------
    states : tuple of State
        One for every face, in the pixels of its landmarks.
    error : (B,) float64
        Mean distance of the landmarks from the fitted ones along each axis, over the size of the
        face.
    residual : (B, 470, 2) float64
        Landmarks (468, then the two iris centres) less fitted ones, in centimetres of the head's
        own frame as the camera sees it: x to the right, y up, the head's roll taken out.
    """

    states: tuple[State, ...]
    error: F64
    residual: F64


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """A batch of landmarks, scaled to faces of size 1 around 0, and the rig's points, float64."""

    target: F64
    base: F64
    modes: F64
    weight: F64
    prior: F64
    first_turn: F64
    plan: FitPlan

    def points(self, unknown: _Unknown) -> F64:
        shape = self.base + np.einsum("bk,kpc->bpc", unknown.shape, self.modes)
        turned: F64 = np.einsum("bij,bpj->bpi", unknown.turn, shape)
        return turned

    def residuals(self, unknown: _Unknown) -> tuple[F64, F64, F64]:
        """Turned points (B, P, 3), landmarks less projected ones (B, P, 2), and the cost (B,)."""
        turned = self.points(unknown)
        off = self.target - (
            unknown.scale[:, None, None] * turned[..., :2] * _FLIP + unknown.place[:, None]
        )
        away = Rotation.from_matrix(self.first_turn @ unknown.turn.transpose(0, 2, 1)).as_rotvec()
        cost = ((off * self.weight[:, None]) ** 2).sum((1, 2)) + self.plan.pose_prior**2 * (
            away**2
        ).sum(1)
        return turned, off, cost + ((unknown.shape * self.prior) ** 2).sum(1)


@dataclass(frozen=True, slots=True, eq=False)
class _Unknown:
    turn: F64
    scale: F64
    place: F64
    shape: F64

    def chosen(self, other: _Unknown, better: NDArray[np.bool_]) -> _Unknown:
        """These unknowns where `better`, the others elsewhere."""
        pick = [
            np.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b)
            for a, b in zip(self._all, other._all, strict=True)
        ]
        return _Unknown(*(values.astype(np.float64, copy=False) for values in pick))

    @property
    def _all(self) -> tuple[F64, F64, F64, F64]:
        return self.turn, self.scale, self.place, self.shape

    def stepped(self, step: F64) -> _Unknown:
        """The pose after a step of turn (camera axes), log scale, place and shape."""
        turn = Rotation.from_rotvec(step[:, :3]).as_matrix() @ self.turn
        return _Unknown(
            turn,
            self.scale * np.exp(step[:, 3]),
            self.place + step[:, 4:_POSE],
            self.shape + step[:, _POSE:],
        )


def fit_faces(rig: Rig, landmarks: NDArray[np.floating], plan: FitPlan | None = None) -> Fits:
    """The rig fitted to face-mesh landmarks.

    Parameters
    ----------
    landmarks : (B, 478, 3)
        Pixels; z of the mesh's convention, smaller is nearer.
    plan : FitPlan, optional
        The usual one if not given.
    """
    plan = plan or FitPlan()
    points: F64 = np.asarray(landmarks, np.float64)
    seen = np.concatenate([points[:, :MESH_POINTS, :2], points[:, list(IRIS_CENTRES), :2]], 1)
    size = np.ptp(seen[:, :MESH_POINTS], axis=1).mean(1)
    centre = seen[:, :MESH_POINTS].mean(1)
    problem = _problem(rig, points, (seen - centre[:, None]) / size[:, None, None], plan)
    unknown = _first(problem, rig)
    turned, off, cost = problem.residuals(unknown)
    damping = np.full(len(seen), 1e-3)
    for _ in range(plan.iterations):
        step = _steps(problem, unknown, turned, off, damping)
        tried = unknown.stepped(step)
        tried_turned, tried_off, tried_cost = problem.residuals(tried)
        better = tried_cost < cost
        unknown = tried.chosen(unknown, better)
        turned = np.where(better[:, None, None], tried_turned, turned)
        off = np.where(better[:, None, None], tried_off, off)
        cost = np.where(better, tried_cost, cost)
        damping = np.clip(np.where(better, damping / 4, damping * 10), 1e-9, 1e6)
    return _answer(rig, plan, unknown, off, size, centre)


def _problem(rig: Rig, landmarks: F64, target: F64, plan: FitPlan) -> _Problem:
    keep = np.concatenate([rig.mesh, rig.pupils])
    base, modes = (
        rig.base[keep].astype(np.float64),
        rig.modes[: plan.modes, keep].astype(np.float64),
    )
    shape_prior = [
        next((p for names, p in _PRIORS if name.startswith(names)), _PRIOR) for name in EXPRESSIONS
    ]
    prior = np.array([plan.identity_prior] * plan.modes + (shape_prior if plan.expression else []))
    if plan.expression:
        modes = np.concatenate([modes, rig.shapes[:, keep].astype(np.float64)])
    weight = np.ones(len(keep))
    for part, much in ((LIPS, _LIPS), (LID_RIMS, _EYES), (BROWS, _BROWS), (FACE_OVAL, _OVAL)):
        weight[list(part)] = much
    weight[MESH_POINTS:] = _IRISES
    return _Problem(
        target, base, modes, np.sqrt(weight), prior, turns_in_space(rig, landmarks), plan
    )


def turns_in_space(rig: Rig, landmarks: NDArray[np.floating]) -> F64:
    """(B, 3, 3) rotations from head to camera frame, by landmarks in space and canonical mesh."""
    mesh = rig.canonical.astype(np.float64)
    return np.stack(
        [
            _turn_between(mesh, one[:MESH_POINTS].astype(np.float64) * [1, -1, -1])
            for one in landmarks
        ]
    )


def _turn_between(a: F64, b: F64) -> F64:
    u, _, vt = np.linalg.svd((a - a.mean(0)).T @ (b - b.mean(0)))
    turn: F64 = (u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt).T
    return turn


def _first(problem: _Problem, rig: Rig) -> _Unknown:
    """The mean face, turned as the landmarks are in space and laid over them."""
    count, modes = len(problem.target), len(problem.prior)
    shape = np.zeros((count, modes))
    shape[:, problem.plan.modes :] = 0.01
    turned = np.einsum("bij,pj->bpi", problem.first_turn, problem.base)[..., :2] * _FLIP
    weight = (problem.weight**2)[:, None] / (problem.weight**2).sum()
    middle, there = (
        (turned * weight).sum(1, keepdims=True),
        (problem.target * weight).sum(1, keepdims=True),
    )
    flat, wanted = turned - middle, problem.target - there
    scale = (flat * wanted * weight).sum((1, 2)) / (flat**2 * weight).sum((1, 2))
    return _Unknown(problem.first_turn, scale, (there - scale[:, None, None] * middle)[:, 0], shape)


def _steps(problem: _Problem, unknown: _Unknown, turned: F64, off: F64, damping: F64) -> F64:
    """A bounded, damped Gauss-Newton step of every face."""
    count, points = off.shape[:2]
    k = unknown.scale[:, None, None]
    columns = np.empty((count, _POSE + len(problem.prior), points, 2))
    x, y, z = turned[..., 0], turned[..., 1], turned[..., 2]
    zero = np.zeros_like(x)
    for n, (across, up) in enumerate(((zero, -z), (z, zero), (-y, x))):  # turns about x, y and z
        columns[:, n] = k * np.stack([across, up], -1) * _FLIP
    columns[:, 3] = k * turned[..., :2] * _FLIP
    columns[:, 4], columns[:, 5] = (1.0, 0.0), (0.0, 1.0)
    moved = np.einsum("bij,kpj->bkpi", unknown.turn[:, :2], problem.modes)
    columns[:, _POSE:] = k[..., None] * moved * _FLIP
    columns *= problem.weight[:, None]
    flat = columns.reshape(count, columns.shape[1], -1)
    hessian = flat @ flat.transpose(0, 2, 1)
    gradient = (flat @ (off * problem.weight[:, None]).reshape(count, -1, 1))[..., 0]
    away = Rotation.from_matrix(problem.first_turn @ unknown.turn.transpose(0, 2, 1)).as_rotvec()
    diagonal = np.einsum("bii->bi", hessian)
    diagonal[:, :3] += problem.plan.pose_prior**2
    gradient[:, :3] += problem.plan.pose_prior**2 * away
    diagonal[:, _POSE:] += problem.prior**2
    gradient[:, _POSE:] -= problem.prior**2 * unknown.shape
    diagonal *= 1 + damping[:, None]
    modes = problem.plan.modes
    low, high = np.full(gradient.shape, -np.inf), np.full(gradient.shape, np.inf)
    low[:, _POSE : _POSE + modes] = -_MOST_IDENTITY - unknown.shape[:, :modes]
    high[:, _POSE : _POSE + modes] = _MOST_IDENTITY - unknown.shape[:, :modes]
    low[:, _POSE + modes :] = -unknown.shape[:, modes:]
    high[:, _POSE + modes :] = 1 - unknown.shape[:, modes:]
    return solve_bounded(hessian, gradient, low, high)


def _answer(rig: Rig, plan: FitPlan, unknown: _Unknown, off: F64, size: F64, centre: F64) -> Fits:
    states = []
    for n, (face, middle) in enumerate(zip(size, centre, strict=True)):
        identity, expression = np.zeros(len(rig.modes)), np.zeros(len(EXPRESSIONS))
        identity[: plan.modes] = unknown.shape[n, : plan.modes]
        if plan.expression:
            expression = np.clip(unknown.shape[n, plan.modes :], 0, 1)
        place = unknown.place[n] * face + middle
        states.append(
            State(unknown.turn[n], float(unknown.scale[n] * face), place, identity, expression)
        )
    upright = np.array([[0.0, 0.0, -state.angles_deg[2]] for state in states])
    back = Rotation.from_rotvec(upright, degrees=True).as_matrix()[:, :2, :2]
    residual = np.einsum("bij,bpj->bpi", back, off * _FLIP / unknown.scale[:, None, None])
    return Fits(tuple(states), np.abs(off[:, :MESH_POINTS]).mean((1, 2)), residual)
