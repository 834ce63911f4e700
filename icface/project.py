"""The document: what was opened and what was changed, as one immutable value.

A `Project` never changes; `icface.edits` makes new ones that share every part they leave alone, so that ``is`` tells
exactly what an edit touched. Nothing here holds pixels: a `Source` names a photo by path and digest.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from icface.controls import AU_BY_NUMBER, CONTROL_IDS, ControlVector, action_units, control_range
from icface.geometry import Box
from icface.tracking import N_LANDMARKS, FaceObservation

_KNOWN = frozenset(CONTROL_IDS)


class ProjectError(ValueError):
    """A document that contradicts itself; the message names the value, the limit and the remedy."""


@lru_cache(maxsize=256)
def _readings(controls: ControlVector) -> Mapping[str, float]:
    return MappingProxyType(action_units(controls))


@dataclass(frozen=True, slots=True)
class Source:
    """A photo that was opened.

    Attributes
    ----------
    path : str
        Where it was found.
    digest : str
        SHA-256 of the file's bytes, hexadecimal.
    width, height : int
        Size in pixels, upright.
    """

    path: str
    digest: str
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ProjectError(f"{self.path} is {self.width} x {self.height} pixels; a photo has at least one of each.")


@dataclass(frozen=True, slots=True)
class Face:
    """One face of the source and what the tracker read in it.

    Attributes
    ----------
    box : Box
        Bounding box of the face mesh, image pixels.
    landmarks : (478, 3) float32, read-only
        MediaPipe face-mesh points with irises; x, y in image pixels, z smaller when nearer. Compared by digest.
    controls : ControlVector
        The photo's own state: degrees and channels in 0..1.
    confidence : float
        0..1, that this is a face and the reading can be trusted.
    landmarks_digest : str
        Stands for the landmarks in comparisons and hashes.
    """

    box: Box
    landmarks: NDArray[np.float32] = field(compare=False, repr=False)
    controls: ControlVector
    confidence: float
    landmarks_digest: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shape = np.shape(self.landmarks)
        if shape != (N_LANDMARKS, 3):
            raise ProjectError(f"A face has landmarks of shape ({N_LANDMARKS}, 3), not {shape}; track the photo again.")
        if not 0.0 <= self.confidence <= 1.0:
            raise ProjectError(f"A face's confidence is 0..1, not {self.confidence:g}; track the photo again.")
        own = _read_only(self.landmarks)
        if not np.isfinite(own).all():
            raise ProjectError("A face has a landmark that is not a finite number; track the photo again.")
        object.__setattr__(self, "landmarks", own)
        object.__setattr__(self, "landmarks_digest", hashlib.blake2b(own.tobytes(), digest_size=16).hexdigest())

    @classmethod
    def from_observation(cls, observation: FaceObservation) -> Face:
        """What the document keeps of a tracker's reading."""
        return cls(observation.box, observation.landmarks, observation.controls, observation.confidence)

    def observation(self) -> FaceObservation:
        """The reading in the tracker's form."""
        return FaceObservation(self.box, self.landmarks, self.controls, self.confidence)

    @property
    def readings(self) -> Mapping[str, float]:
        """The photo's own value of every control id (degrees, 0..1; AU30 -1..1); computed once per state."""
        return _readings(self.controls)


def _read_only(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The array itself when nobody can write to it any more, else a copy of which that is true."""
    if landmarks.dtype == np.float32 and landmarks.base is None and not landmarks.flags.writeable:
        return landmarks
    own = np.array(landmarks, np.float32, order="C")
    own.flags.writeable = False
    return own


@dataclass(frozen=True, slots=True)
class FaceEdits:
    """What was changed on one face.

    Attributes
    ----------
    deltas : tuple of (control id, amount)
        Amounts added to the photo's reading, sorted by id; never zero, so that an undone change leaves nothing behind.
    unlinked : frozenset of int
        Numbers of the Action Units whose left and right are set apart.
    """

    deltas: tuple[tuple[str, float], ...] = ()
    unlinked: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        names = [name for name, _ in self.deltas]
        if names != sorted(set(names)):
            raise ProjectError(f"Changes are sorted and name a control once, not as {names}; use FaceEdits.of.")
        for name, amount in self.deltas:
            if name not in _KNOWN:
                raise ProjectError(f"Unknown control {name!r}; use an id of icface.controls.CONTROL_IDS.")
            if amount == 0.0 or not math.isfinite(amount):
                raise ProjectError(f"{name} cannot change by {amount:g}: leave zeros out, and give finite numbers.")
        for number in self.unlinked:
            if number not in AU_BY_NUMBER or len(AU_BY_NUMBER[number].sides) == 1:
                raise ProjectError(f"AU{number} has no left and right to set apart; leave it linked.")

    @classmethod
    def of(cls, deltas: Mapping[str, float], unlinked: frozenset[int] = frozenset()) -> FaceEdits:
        """Edits of changes in any order; zeros are left out."""
        return cls(tuple(sorted((name, float(amount)) for name, amount in deltas.items() if amount != 0.0)), unlinked)

    def by_control(self) -> dict[str, float]:
        """A fresh mapping of control id to amount; ids that are not changed are missing."""
        return dict(self.deltas)


def shown_values(face: Face, edits: FaceEdits) -> dict[str, float]:
    """What the sliders of a face show: reading plus change, within each control's range."""
    values = dict(face.readings)
    for name, amount in edits.deltas:
        values[name] += amount
    return {name: min(max(value, low), high) for name, value in values.items() for low, high in (control_range(name),)}


@dataclass(frozen=True, slots=True)
class Project:
    """One document.

    Attributes
    ----------
    source : Source or None
        The photo; None in an empty window.
    faces : tuple of Face
        Found or drawn faces, in the order of finding.
    face_index : int or None
        The face that the sliders speak of.
    edits : tuple of FaceEdits
        One per face.
    """

    source: Source | None = None
    faces: tuple[Face, ...] = ()
    face_index: int | None = None
    edits: tuple[FaceEdits, ...] = ()

    def __post_init__(self) -> None:
        if self.faces and self.source is None:
            raise ProjectError(f"{len(self.faces)} faces without a photo; open the photo first.")
        if len(self.edits) != len(self.faces):
            raise ProjectError(f"{len(self.edits)} sets of edits for {len(self.faces)} faces; give each face its own.")
        if self.face_index is not None and not 0 <= self.face_index < len(self.faces):
            raise ProjectError(f"Face {self.face_index} is not one of the {len(self.faces)} counted from 0.")

    @property
    def face(self) -> Face | None:
        """The chosen face."""
        return None if self.face_index is None else self.faces[self.face_index]

    @property
    def face_edits(self) -> FaceEdits | None:
        """What was changed on the chosen face."""
        return None if self.face_index is None else self.edits[self.face_index]
