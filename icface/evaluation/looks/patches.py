"""Patches of real and of edited faces that ought to look alike: shut lids, open mouths, smiles.

Real patches are of measured faces that show the state, whatever split they are in. Edited ones are
of faces from the same sources (the same clip, the same collection) that do not show it, brought to
the state of one of the real faces. So both have the same light, size and compression, the same
expressions, and mostly the same people. Places are anchored to points that no expression moves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from icface.arrays import U8
from icface.evaluation.looks.lid_lines import openness_of
from icface.evaluation.looks.mouth_light import mouth_gap
from icface.evaluation.looks.subjects import edited
from icface.evaluation.material import MeasuredFace, Subject, state_for
from icface.face.controls import CHANNEL_INDEX, EXPRESSIONS, ControlVector
from icface.face.geometry import Box, Similarity, eye_line_deg
from icface.face.landmarks import EYE_CORNERS, EYES, MESH_POINTS, SUBNASALE
from icface.face.observation import FaceObservation, NoFaceError
from icface.media import load_photo
from icface.model.surface.crops import sample_crop
from icface.rendering.predictor import FacePredictor

PATCH_PX = 96
_LOWER_FACE = [
    CHANNEL_INDEX[name]
    for name in EXPRESSIONS
    if name.startswith("eyeSquint") or not name.startswith(("brow", "eye"))
]
"""Positions in a control vector of what a smile or an open mouth changes."""
MOST_REAL = 40
"""Most real faces of each state."""
MOST_OF_PERSON = 4
"""Most faces of one person of each state and kind."""
MOST_TURNED_DEG = 20.0
"""Greatest yaw of a face whose patches are taken."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A part of the face whose real look is known.

    Attributes
    ----------
    shows, lacks : callable
        Whether a measured face shows the state, or clearly does not.
    state : callable
        Controls of a face that is brought to the state: given its own and those of a real face.
    frames : callable
        Middles (x, y) and side of the patches, in distances between the outer eye corners, x to the
        subject's left from the middle between them, y down; given landmarks in these units.
    """

    shows: Callable[[MeasuredFace], bool]
    lacks: Callable[[MeasuredFace], bool]
    state: Callable[[ControlVector, ControlVector], ControlVector]
    frames: Callable[[NDArray[np.float64]], list[tuple[float, float, float]]]


@dataclass(slots=True, eq=False)
class Patches:
    """Patches of one place.

    Attributes
    ----------
    pictures : list of (PATCH_PX, PATCH_PX, 3) uint8
    people : list of int
        Whom each shows.
    is_edited : list of bool
    splits : dict of int
        Number of real faces by split.
    """

    pictures: list[U8] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    is_edited: list[bool] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)

    def add(self, pictures: Iterable[U8], *, person: int, is_edited: bool) -> None:
        """Add the patches of one face."""
        for picture in pictures:
            self.pictures.append(picture)
            self.people.append(person)
            self.is_edited.append(is_edited)


def _smile(face: MeasuredFace) -> float:
    return min(face.controls["mouthSmile_L"], face.controls["mouthSmile_R"])


def _openness(face: MeasuredFace) -> tuple[float, float]:
    return openness_of(face.landmarks, "L"), openness_of(face.landmarks, "R")


def _at_eyes(points: NDArray[np.float64]) -> list[tuple[float, float, float]]:
    corners = [points[[EYES[side][0], EYES[side][8]]] for side in "LR"]
    return [(*c.mean(0).tolist(), 1.5 * float(np.linalg.norm(c[0] - c[1]))) for c in corners]


def _at_mouth(points: NDArray[np.float64]) -> list[tuple[float, float, float]]:
    x, y = points[SUBNASALE].tolist()
    return [(x, y + 0.35, 0.85)]


def _at_cheeks(points: NDArray[np.float64]) -> list[tuple[float, float, float]]:
    x, y = points[SUBNASALE].tolist()
    return [(x + side * 0.36, y - 0.13, 0.44) for side in (-1, 1)]


def _with_lower_face(own: ControlVector, real: ControlVector) -> ControlVector:
    """The own head angles, eyes and brows with everything else of a real face."""
    target = own.array()
    target[_LOWER_FACE] = real.array()[_LOWER_FACE]
    return ControlVector.from_array(target).clipped()


PLACES: dict[str, Place] = {
    "lids": Place(
        shows=lambda face: max(_openness(face)) < 0.13,
        lacks=lambda face: min(_openness(face)) > 0.22,
        state=lambda own, _: state_for(own, {"AU43": 1.0}),
        frames=_at_eyes,
    ),
    "mouths": Place(
        shows=lambda face: mouth_gap(face.landmarks) > 0.16,
        lacks=lambda face: mouth_gap(face.landmarks) < 0.05,
        state=_with_lower_face,
        frames=_at_mouth,
    ),
    "cheeks": Place(
        shows=lambda face: _smile(face) > 0.5,
        lacks=lambda face: _smile(face) < 0.15 and mouth_gap(face.landmarks) < 0.1,
        state=_with_lower_face,
        frames=_at_cheeks,
    ),
}
"""Places by name, with the states that are compared."""


def gather(
    predictor: FacePredictor, faces: Sequence[MeasuredFace], place: Place, *, say: Say
) -> Patches:
    """Real and edited patches of a place, in balanced numbers for each source."""
    level = [face for face in faces if abs(face.controls["yaw"]) <= MOST_TURNED_DEG]
    real = _evenly(_few_of_each(face for face in level if place.shows(face)), MOST_REAL)
    found = Patches()
    for face in real:
        found.add(
            patches_of(load_photo(face.item.path).rgb8, face.landmarks, place),
            person=face.person,
            is_edited=False,
        )
        found.splits[face.split] = found.splits.get(face.split, 0) + 1
    lacking = [face for face in level if place.lacks(face)]
    for number, (face, model) in enumerate(_pairs(lacking, real), 1):
        say(f"edit {number} of {len(real)}: {face.item.name}")
        target = place.state(face.controls.clipped(), model.controls)
        pictures = _edited_patches(predictor, face, place, target)
        found.add(pictures, person=face.person, is_edited=True)
    return found


def patches_of(picture: U8, landmarks: NDArray[np.floating], place: Place) -> list[U8]:
    """The place's patches of a picture, upright along the eye line."""
    right, left = (landmarks[i, :2].astype(np.float64) for i in EYE_CORNERS)
    unit, (x, y) = float(np.linalg.norm(left - right)), (left + right) / 2
    upright = Similarity.crop(
        centre=(float(x), float(y)), side=unit, roll_deg=eye_line_deg(landmarks), size=2
    )
    halves = Similarity((0.5, 0, -0.25, 0, 0.5, -0.25)) @ upright  # the middle is the origin
    return [
        sample_crop(
            picture,
            Similarity.crop(centre=(px, py), side=side, roll_deg=0.0, size=PATCH_PX) @ halves,
            PATCH_PX,
        )
        for px, py, side in place.frames(halves.points(landmarks[:, :2]))
    ]


def _edited_patches(
    predictor: FacePredictor, face: MeasuredFace, place: Place, target: ControlVector
) -> list[U8]:
    image = load_photo(face.item.path).rgb8
    landmarks = face.landmarks.astype(np.float32)
    observation = FaceObservation(
        Box.around(landmarks[:MESH_POINTS]), landmarks, face.controls.clipped(), 1.0
    )
    try:
        encoding = predictor.encode(image, observation)
    except NoFaceError:
        return []
    subject = Subject(face.item.name, image, observation, encoding)
    return patches_of(edited(predictor, subject, "state", target).picture, landmarks, place)


def _few_of_each(faces: Iterable[MeasuredFace]) -> list[MeasuredFace]:
    """At most `MOST_OF_PERSON` faces of each person, evenly."""
    people: dict[int, list[MeasuredFace]] = defaultdict(list)
    for face in faces:
        people[face.person].append(face)
    return [face for own in people.values() for face in _evenly(own, MOST_OF_PERSON)]


def _evenly(faces: Sequence[MeasuredFace], most: int) -> list[MeasuredFace]:
    if len(faces) <= most:
        return list(faces)
    return [faces[i] for i in np.linspace(0, len(faces) - 1, most).astype(int)]


def _pairs(
    lacking: Sequence[MeasuredFace], real: Sequence[MeasuredFace]
) -> Iterator[tuple[MeasuredFace, MeasuredFace]]:
    """For each real face another one of its source that lacks the state, as far as there are."""
    by_source: dict[str, list[MeasuredFace]] = defaultdict(list)
    for face in real:
        by_source[face.source].append(face)
    for source, models in by_source.items():
        own = _few_of_each(face for face in lacking if face.source == source)
        yield from zip(_evenly(own, len(models)), models, strict=False)
