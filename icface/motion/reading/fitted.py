"""Motions and faces with controls that are fitted to their landmarks."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from icface.face.controls import ControlVector
from icface.face.observation import FaceObservation
from icface.motion.conditioning import neutral_frame
from icface.motion.motion import Motion
from icface.motion.reading.clip_fit import RestingFace, fit_changes
from icface.motion.reading.face_basis import FaceBasis, shipped_basis
from icface.motion.reading.still_fit import fit_still

Reading = Literal["fitted", "regressed"]
READINGS: tuple[Reading, ...] = get_args(Reading)
"""What controls of a clip are: fitted to the landmarks, or as the tracker's network read them."""

_AT_ONCE = 512


def fitted(motion: Motion, rest: int | None = None, *, basis: FaceBasis | None = None) -> Motion:
    """The motion with controls fitted to its landmarks, as changes from a frame at rest.

    Parameters
    ----------
    motion : Motion
        As a tracker read it, or fitted before: then what the network read is taken up again. One
        without landmarks, or with channels that were not read, comes back as it is, and so does one
        whose landmarks are no face's.
    rest : int, optional
        The frame at rest; the one that `neutral_frame` proposes if it is not given or shows no
        face.
    basis : FaceBasis, optional
        The one that ships if not given.

    Returns
    -------
    Motion
        With `Motion.regressed` and `Motion.rest`. Frames without a face stay without one, and
        angles stay as read.
    """
    plain = regressed(motion)
    found = np.flatnonzero(plain.present)
    if plain.landmarks is None or not len(found) or not plain.carries.all():
        return motion
    if rest is None or not 0 <= rest < len(plain) or not plain.present[rest]:
        rest = neutral_frame(plain)
    if motion.regressed is not None and motion.rest == rest:
        return motion
    basis = basis or shipped_basis()
    face = RestingFace.of(basis, plain.landmarks[rest], plain.controls[rest])
    if not face.is_face(basis):
        return plain
    controls = plain.controls.copy()
    for start in range(0, len(found), _AT_ONCE):
        rows = found[start : start + _AT_ONCE]
        controls[rows] = fit_changes(basis, face, plain.landmarks[rows], plain.controls[rows])
    return replace(plain, controls=controls, regressed=plain.controls, rest=rest)


def fitted_face(face: FaceObservation, *, basis: FaceBasis | None = None) -> FaceObservation:
    """A face of a photo with controls fitted to its landmarks; the same one where those are no face's.

    Parameters
    ----------
    face : FaceObservation
        As a tracker read it.
    basis : FaceBasis, optional
        The one that ships if not given.
    """
    basis = basis or shipped_basis()
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
