"""How far each control goes before pictures go wrong, measured on people never trained on.

A control is set to growing values on each photo, the others staying at the photo's own, and the
tracker reads the edited picture. Of a unit, the animator says where each landmark has to be then:
its distance from where it is read is the error, averaged over the landmarks that are to move. Of an
angle, it is the difference between the angles asked and read. A value is within reach while the
median error over people stays small (`MOST_ERROR`, `MOST_ERROR_DEG`) and no more than a quarter of
the faces are lost; of a unit, also while no more than half of the faces have a visible edge in the
flow of their skin (`icface.evaluation.looks.flow_steps`). Turned heads have edges before their
backgrounds that nobody sees; they are not held against an angle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from icface.arrays import F64
from icface.evaluation.accuracy import COLUMNS
from icface.evaluation.looks.flow_steps import MANY_PX, flow_steps_px
from icface.evaluation.material import Subject, read_again
from icface.face.controls import ANGLE_SEEN_DEG, ANGLES, ControlVector, control_range
from icface.face.geometry import rotation_matrix
from icface.face.landmarks import EYE_CORNERS, MESH_POINTS, RIGID_POINTS
from icface.face.observation import FaceObservation, FaceTracker
from icface.face.selectors import apply_deltas, deltas_from_settings, expand_control
from icface.motion.reading.face_basis import FaceBasis, shipped_basis
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor

MOST_ERROR = 0.035
"""Error, in distances of the outer eye corners, at which a picture counts as wrong; the tracker's
own on photographs is 0.0177."""
MOST_ERROR_DEG = 4.0
"""Error of an angle at which a picture counts as wrong; the tracker's own is 1.1 degrees."""
_MOST_LOST = 0.25
"""Share of people whose face may be lost."""
_LEAST_MOVE = 0.02
"""Movement of a landmark, in the same unit, from which it counts."""
_DEG = 10.0
_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Reach:
    """One control's errors.

    Attributes
    ----------
    values : tuple of float
        Tried values, from 0 on; of one direction.
    errors : tuple of float
        Median error over people at each, distances of the eye corners or degrees; NaN where nothing
        moves.
    edges, lost : tuple of float
        Share of people whose skin has a visible edge, and whose face the tracker lost.
    most, most_edges : float
        Largest error and largest share of edges that are right.
    """

    values: tuple[float, ...]
    errors: tuple[float, ...]
    edges: tuple[float, ...]
    lost: tuple[float, ...]
    most: float = MOST_ERROR
    most_edges: float = 0.5

    @property
    def farthest(self) -> float:
        """The last value before the first that goes wrong; 0 if the first does."""
        right = 0.0
        tried = zip(self.values, self.errors, self.edges, self.lost, strict=True)
        for value, error, edges, lost in tried:
            if error > self.most or edges > self.most_edges or lost > _MOST_LOST:
                break
            right = value
        return right


def reach(
    predictor: FacePredictor,
    tracker: FaceTracker,
    subjects: Sequence[Subject],
    controls: Iterable[str] = COLUMNS,
) -> dict[str, tuple[Reach, ...]]:
    """Errors of angles and units on these photos: of one direction, or of below and above 0.

    Both sides of a unit are moved.
    """
    basis = shipped_basis()
    found = {}
    for control in controls:
        low, high = control_range(expand_control(control)[0])
        limits = (low, high) if low < 0 else (high,)
        found[control] = tuple(
            _reach(predictor, tracker, subjects, basis, control, limit) for limit in limits
        )
    return found


def table_of(found: dict[str, tuple[Reach, ...]]) -> dict[str, float]:
    """The largest size of each control within reach in every direction, for `icface.face.reach`.

    Angles end where the networks have seen no examples, at the latest.
    """
    return {
        control: min(
            ANGLE_SEEN_DEG.get(control, np.inf),
            *(abs(direction.farthest) for direction in directions),
        )
        for control, directions in found.items()
    }


def _reach(
    predictor: FacePredictor,
    tracker: FaceTracker,
    subjects: Sequence[Subject],
    basis: FaceBasis,
    control: str,
    limit: float,
) -> Reach:
    step = _DEG if control in ANGLES else _SHARE
    values = np.sign(limit) * np.arange(step, abs(limit) + 1e-9, step)
    rows = []
    for value in values.tolist():
        tries = [_tried(predictor, tracker, one, basis, {control: value}) for one in subjects]
        told = [one for one in tries if one is not None]
        off = np.array([error for error, _ in told])
        seen = off[np.isfinite(off)]
        rows.append(
            (
                float(np.median(seen)) if len(seen) else float("nan"),
                float(np.mean([edge for _, edge in told])) if told else 0.0,
                float(np.isinf(off).mean()) if told else 0.0,
            )
        )
    errors, edges, lost = zip(*rows, strict=True)
    limits = (MOST_ERROR_DEG, 1.0) if control in ANGLES else (MOST_ERROR, 0.5)
    return Reach(tuple(values.tolist()), errors, edges, lost, *limits)


def _tried(
    predictor: FacePredictor,
    tracker: FaceTracker,
    subject: Subject,
    basis: FaceBasis,
    setting: dict[str, float],
) -> tuple[float, bool] | None:
    """One photo's error and whether its skin has a visible edge; None where nothing changes.

    The error is infinite where the tracker loses the face.
    """
    own = subject.face.controls
    target = apply_deltas(own, deltas_from_settings(own, setting))
    if target == own:
        return None
    prediction = predictor.predict(subject.encoding, target)
    edge = flow_steps_px(prediction) > MANY_PX
    picture = composite(subject.image, subject.encoding, prediction)
    seen = read_again(tracker, picture, subject.face)
    if seen is None:
        return np.inf, edge
    (control,) = setting
    if control in ANGLES:
        return abs(seen.controls[control] - target[control]), edge
    return landmark_error(basis, subject.face, target, seen), edge


def landmark_error(
    basis: FaceBasis, before: FaceObservation, target: ControlVector, seen: FaceObservation
) -> float:
    """Mean distance of landmarks from where a state asks them to be, in eye distances.

    NaN where the state hardly moves any.
    """
    own, read = (np.asarray(f.landmarks[:MESH_POINTS, :2], np.float64) for f in (before, seen))
    unit = float(np.linalg.norm(own[EYE_CORNERS[1]] - own[EYE_CORNERS[0]]))
    moved = _turned(basis, target) - _turned(basis, before.controls)
    stretch = _pixels_per_cm(_turned(basis, before.controls), own)
    moved = moved * (stretch, -stretch)
    moves = np.linalg.norm(moved, axis=1) / unit > _LEAST_MOVE
    if not moves.any():
        return float("nan")
    off = np.linalg.norm(read - own - moved, axis=1) / unit
    return float(off[moves].mean())


def _turned(basis: FaceBasis, state: ControlVector) -> F64:
    """(468, 2) landmarks of the mean face in a state, centimetres, x right and y up."""
    channels = state.array()[len(ANGLES) :]
    shape = basis.mean + np.tensordot(channels, basis.channels, 1)
    turned: F64 = (shape @ rotation_matrix(*state.angles_deg).T)[:, :2]
    return turned


def _pixels_per_cm(points: F64, landmarks: F64) -> float:
    """Scale of a face in a picture, by its rigid points."""
    apart = [
        np.linalg.norm(places[list(RIGID_POINTS)] - places[list(RIGID_POINTS)].mean(0))
        for places in (points, landmarks)
    ]
    return float(apart[1] / apart[0])
