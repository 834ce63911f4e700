"""Accuracy and cross-talk of controls: edited photos, read again by the tracker.

On every photo each control is swept in seven steps, the others staying at the photo's own values.
Head angles vary around the photo's own angle, Action Units from 0 to 1. The tracker's reading of
the edited photo is compared with the requested value: mean absolute error, slope, rank correlation,
and cross-talk, the change of controls that were not requested. Left and right of a unit are
averaged before anything else.

Cross-talk of a control j while i is swept is the mean over the steps of ``|reading_j - reading_j of
the untouched photo|`` divided by the mean of ``|asked_i - own_i|``. Angles count in units of 30
degrees there, Action Units in intensities, so that the two can be compared. Units that share a
channel by definition (25, 26 and 27; 10 and 11) are not left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.evaluation.material import Subject, read_again, state_for, subject_of
from icface.evaluation.metrics import rank_correlation, slope
from icface.face.controls import (
    ACTION_UNITS,
    ANGLE_UNIT_DEG,
    ANGLES,
    ControlVector,
    action_units,
    control_range,
)
from icface.face.observation import FaceTracker
from icface.face.selectors import expand_control
from icface.rendering.predictor import FacePredictor

STEPS = 7
SWEPT: dict[str, tuple[float, float]] = {
    "yaw": (-20.0, 20.0),
    "pitch": (-12.0, 12.0),
    "roll": (-15.0, 15.0),
    "AU1+2": (0.0, 1.0),
    "AU4": (0.0, 1.0),
    "AU12": (0.0, 1.0),
    "AU26": (0.0, 1.0),
    "AU43": (0.0, 1.0),
}
"""Controls and their ranges: degrees around the photo's own angle, or absolute intensities."""
MONOTONE: dict[str, tuple[float, float]] = SWEPT | {"pitch": (-15.0, 15.0), "roll": (-20.0, 20.0)}
"""Controls and the absolute range over which a tracker's reading has to rise with them."""
COLUMNS: tuple[str, ...] = ANGLES + tuple(unit.id for unit in ACTION_UNITS)
"""Names of a reading's columns: every angle in degrees, every unit with its sides averaged."""
UNIT_OF_COLUMN: F64 = np.array([ANGLE_UNIT_DEG if name in ANGLES else 1.0 for name in COLUMNS])
_SIDES: dict[str, tuple[str, ...]] = {a: (a,) for a in ANGLES} | {
    unit.id: unit.control_ids for unit in ACTION_UNITS
}


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """One control moved in steps on one photo, with the reading at each step.

    Attributes
    ----------
    control : str
        A selector such as ``yaw`` or ``AU1+2``.
    own : float
        The photo's own value, degrees or 0..1.
    asked : (K,) float64
        Requested values, in the same unit.
    read : (K, len(COLUMNS)) float64
        The tracker's reading at each step; NaN where it lost the face.
    rest : (len(COLUMNS),) float64
        The tracker's reading of the untouched photo.
    """

    control: str
    own: float
    asked: F64
    read: F64
    rest: F64

    @property
    def columns(self) -> list[int]:
        """Indices of the columns that the control is to change."""
        return [COLUMNS.index(name) for name in columns_of(self.control)]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(K,) mask of the steps at which the face was found."""
        return np.asarray(np.isfinite(self.read).all(axis=1), np.bool_)

    @property
    def reading(self) -> F64:
        """Readings of the control itself at the steps at which the face was found."""
        reading: F64 = self.read[self.seen][:, self.columns].mean(1)
        return reading


def columns_of(control: str) -> tuple[str, ...]:
    """Names of the columns of a selector, such as AU1 and AU2 for ``AU1+2``."""
    ids = expand_control(control)
    return tuple(name for name, sides in _SIDES.items() if any(i in ids for i in sides))


def columns_read(controls: ControlVector) -> F64:
    """(len(COLUMNS),) a face state in the order of `COLUMNS`."""
    values = action_units(controls)
    return np.array([np.mean([values[i] for i in sides]) for sides in _SIDES.values()])


def sweep(
    predictor: FacePredictor,
    tracker: FaceTracker,
    subject: Subject,
    control: str,
    values: NDArray[np.floating],
) -> Sweep:
    """Sweep one control of one photo over values: degrees to add to its own, or intensities."""
    own = subject.face.controls
    mine = [COLUMNS.index(name) for name in columns_of(control)]
    asked, read = [], []
    for value in values:
        target = state_for(own, {control: float(value)})
        asked.append(target[control] if control in ANGLES else float(value))
        seen = read_again(tracker, subject.edited(predictor, target), subject.face)
        read.append(np.full(len(COLUMNS), np.nan) if seen is None else columns_read(seen.controls))
    again = read_again(tracker, subject.image, subject.face)
    rest = columns_read(own if again is None else again.controls)
    return Sweep(
        control, float(columns_read(own)[mine].mean()), np.array(asked), np.array(read), rest
    )


def sweeps(predictor: FacePredictor, tracker: FaceTracker, subject: Subject) -> list[Sweep]:
    """Every control of `SWEPT` on one photo."""
    return [
        sweep(predictor, tracker, subject, name, np.linspace(low, high, STEPS))
        for name, (low, high) in SWEPT.items()
    ]


def summary(done: Sequence[Sweep]) -> dict[str, dict[str, Any]]:
    """Figures for each control over all photos.

    Returns
    -------
    dict
        For each control ``error`` (mean absolute, degrees or 0..1), ``slope`` (median over photos),
        ``slope_pooled`` (over all photos, each centred on its own mean), ``rank_correlation``
        (median), ``cross_talk`` (mean over the other controls, the worst of them and its name, and
        each), ``photos`` and ``lost``, the steps without a reading. A slope is None where nothing
        different could be asked for.
    """
    return {
        name: _summary([s for s in done if s.control == name])
        for name in dict.fromkeys(s.control for s in done)
    }


def _summary(done: list[Sweep]) -> dict[str, Any]:
    lost = int(sum((~s.seen).sum() for s in done))
    used = [s for s in done if s.seen.sum() >= 2]
    if not used:
        return {"photos": 0, "lost": lost}
    asked, read = [s.asked[s.seen] for s in used], [s.reading for s in used]
    slopes = [
        s for s in map(slope, asked, read) if np.isfinite(s)
    ]  # none where a limit left nothing to ask for
    centred = [np.concatenate([a - a.mean() for a in values]) for values in (asked, read)]
    others = [i for i in range(len(COLUMNS)) if i not in used[0].columns]
    talk = np.mean([_cross_talk(s) for s in used], axis=0)
    worst = max(others, key=lambda i: float(talk[i]))
    return {
        "error": float(np.abs(np.concatenate(asked) - np.concatenate(read)).mean()),
        "slope": float(np.median(slopes)) if slopes else None,
        "slope_pooled": slope(*centred) if slopes else None,
        "rank_correlation": float(
            np.median([rank_correlation(a, r) for a, r in zip(asked, read, strict=True)])
        ),
        "cross_talk": {
            "mean": float(talk[others].mean()),
            "worst": float(talk[worst]),
            "worst_control": COLUMNS[worst],
            "by_control": {COLUMNS[i]: float(talk[i]) for i in others},
        },
        "photos": len(used),
        "lost": lost,
    }


def _cross_talk(s: Sweep) -> F64:
    """(len(COLUMNS),) change of each reading per requested change, angles in `ANGLE_UNIT_DEG`."""
    unit = UNIT_OF_COLUMN[s.columns[0]]
    change = float(np.abs(s.asked[s.seen] - s.own).mean()) / unit
    talk: F64 = (np.abs(s.read[s.seen] - s.rest) / UNIT_OF_COLUMN).mean(0) / max(change, 1e-9)
    return talk


def monotone_controls(
    predictor: FacePredictor,
    tracker: FaceTracker,
    photos: Iterable[NDArray[np.uint8]],
    *,
    steps: int = STEPS,
) -> dict[str, float]:
    """Median rank correlation of slider and reading over photos, for each of `MONOTONE`."""
    found: dict[str, list[float]] = {name: [] for name in MONOTONE}
    for photo in photos:
        subject = subject_of("", photo, predictor, tracker)
        if subject is None:
            continue
        for name, (low, high) in MONOTONE.items():
            values = np.clip(np.linspace(low, high, steps), *control_range(expand_control(name)[0]))
            own = subject.face.controls[name] if name in ANGLES else 0.0
            done = sweep(predictor, tracker, subject, name, values - own)
            enough = done.seen.sum() >= steps - 1
            found[name].append(
                rank_correlation(done.asked[done.seen], done.reading) if enough else -1.0
            )
    return {name: round(float(np.median(values)), 4) for name, values in found.items() if values}
