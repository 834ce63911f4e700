"""Motions and faces with controls that are fitted to their landmarks."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from icface.arrays import F64
from icface.face.controls import ControlVector
from icface.face.observation import FaceObservation
from icface.jobs import Progress, run_to_end
from icface.motion.conditioning import neutral_frame, smoothed
from icface.motion.motion import Motion
from icface.motion.reading.clip_fit import RestingFace, fit_changes
from icface.motion.reading.face_basis import shipped_basis
from icface.motion.reading.still_fit import fit_still

Reading = Literal["fitted", "regressed"]
READINGS: tuple[Reading, ...] = get_args(Reading)
"""What controls of a clip are: fitted to the landmarks, or as the tracker's network read them."""

STEADYING = 0.3
"""Strength at which neighbouring frames steady each other, see `conditioning.smoothed`: a face that
is held still is as steady as the network reads it, blinks keep 0.98 of their height and more, and
nothing lags."""
_AT_ONCE = 256


def fitted(motion: Motion, rest: int | None = None) -> Motion:
    """The motion with controls fitted to its landmarks, as changes from a frame at rest.

    Neighbouring frames of a shot steady each other, without a lag.

    Parameters
    ----------
    motion : Motion
        As a tracker read it, or fitted before: then what the network read is taken up again. One
        without landmarks, or with channels that were not read, comes back as it is, and so does one
        whose landmarks are no face's.
    rest : int, optional
        The frame at rest; the one that `neutral_frame` proposes if it is not given or shows no
        face.

    Returns
    -------
    Motion
        With `Motion.regressed` and `Motion.rest`. Frames without a face stay without one.
    """
    return run_to_end(fitting(motion, rest))


def fitting(motion: Motion, rest: int | None = None) -> Generator[Progress, None, Motion]:
    """Job: `fitted` in steps; the same motion and rest are answered at once for a while."""
    plain = regressed(motion)
    found = np.flatnonzero(plain.present)
    if plain.landmarks is None or not len(found) or not plain.carries.all():
        return motion
    if rest is None or not 0 <= rest < len(plain) or not plain.present[rest]:
        rest = neutral_frame(plain)
    if motion.regressed is not None and motion.rest == rest:
        return motion
    basis = shipped_basis()
    if not RestingFace.of(basis, plain.landmarks[rest], plain.controls[rest]).is_face(basis):
        return plain
    controls = plain.controls.copy()
    for start in range(0, len(found), _AT_ONCE):
        controls[found[start : start + _AT_ONCE]] = _fitted_rows(plain, rest, start)
        yield Progress(start, len(found), "Fitting the readings to the landmarks")
    found_at_rest = controls[rest].copy()
    controls = smoothed(replace(plain, controls=controls), STEADYING).controls.copy()
    controls[rest] = found_at_rest
    return replace(plain, controls=controls, regressed=plain.controls, rest=rest)


@lru_cache(maxsize=256)
def _fitted_rows(motion: Motion, rest: int, start: int) -> F64:
    """(up to `_AT_ONCE`, 56) fitted controls of frames with a face, from number `start` on."""
    assert motion.landmarks is not None
    rows = np.flatnonzero(motion.present)[start : start + _AT_ONCE]
    face = RestingFace.of(shipped_basis(), motion.landmarks[rest], motion.controls[rest])
    return fit_changes(shipped_basis(), face, motion.landmarks[rows], motion.controls[rows])


def counts_anew(motion: Motion, rest: int | None) -> bool:
    """Whether counting from this frame needs a new fit, a moment for each second of a clip."""
    return motion.reading == "fitted" and rest is not None and rest != motion.rest


def fitted_face(face: FaceObservation) -> FaceObservation:
    """A photo's face with controls fitted to its landmarks; unchanged where they show no face.

    Parameters
    ----------
    face : FaceObservation
        As a tracker read it.
    """
    basis = shipped_basis()
    read = face.controls.array()
    if not RestingFace.of(basis, face.landmarks, read).is_face(basis):
        return face
    found = fit_still(basis, face.landmarks[None], read[None])[0]
    return replace(face, controls=ControlVector.from_array(found))


def regressed(motion: Motion) -> Motion:
    """The motion as the tracker's network read it."""
    if motion.regressed is None:
        return motion
    return replace(motion, controls=motion.regressed, regressed=None, rest=None)
