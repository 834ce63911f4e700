"""From a request to a picture: encode each face once, predict and composite it at every change.

A `FrameRequest` is complete: rendering reads no settings, no widgets and no clock. A `Renderer` belongs to one thread,
as a rule that of `icface.engine.RenderEngine`, and loads its networks there when they are first needed.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from icface.controls import ControlVector, apply_deltas, deltas_from_settings
from icface.engine import Checkpoint, Progress
from icface.frame_cache import FrameCache
from icface.geometry import Box, Similarity
from icface.media import Photo, Pixels, load_photo, thumbnail
from icface.mixing import resolve
from icface.project import Face, Project, ProjectError, Region, Source

if TYPE_CHECKING:
    from icface.predictor import FacePredictor, SourceEncoding
    from icface.tracking import FaceTracker

Quality = Literal["draft", "full"]

ENCODINGS_BYTES = 256 * 2**20
WORKING_COPIES_BYTES = 128 * 2**20


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """All that decides how a picture looks.

    Attributes
    ----------
    photo : Photo
        Compared by its digest.
    faces : tuple of Face
        In pixels of the photo.
    controls : tuple of (ControlVector or None)
        The state each face is to take; None leaves it as it is.
    quality : "draft" or "full"
        Draft for the screen while sliders move, full at the photo's own size.
    max_side : int or None
        Longest side of a draft in pixels: larger photos are reduced to it, smaller ones never enlarged. None: as it is.
    regions : tuple of Region
        Parts of the picture that stay as they are, in pixels of the photo.
    """

    photo: Photo = field(compare=False)
    faces: tuple[Face, ...]
    controls: tuple[ControlVector | None, ...]
    quality: Quality = "full"
    max_side: int | None = None
    regions: tuple[Region, ...] = ()
    photo_digest: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.controls) != len(self.faces):
            raise ValueError(f"{len(self.controls)} states for {len(self.faces)} faces; give one for each, or None.")
        if self.max_side is not None and self.max_side < 1:
            raise ValueError(f"A draft has at least 1 pixel a side, not {self.max_side}.")
        object.__setattr__(self, "photo_digest", self.photo.digest)

    @classmethod
    def of(
        cls, project: Project, photo: Photo, quality: Quality = "full", max_side: int | None = None, *, frame: int = 0
    ) -> FrameRequest:
        """What a document asks for in a frame; `ProjectError` if the photo is not the document's source."""
        if project.source is None or project.source.digest != photo.digest:
            raise ProjectError(f"{photo.path} is not the photo of this document; open it first.")
        faces: list[Face] = []
        controls: list[ControlVector | None] = []
        for index, edits in enumerate(project.edits):
            face = project.faces[index].at(frame)
            if face is not None:
                faces.append(face)
                controls.append(resolve(project, index, frame=frame) if edits.changes_something else None)
        return cls(photo, tuple(faces), tuple(controls), quality, max_side, project.regions)

    @property
    def changes(self) -> tuple[tuple[Face, ControlVector], ...]:
        """The faces that are to leave the photo's own state, and the states they take."""
        pairs = zip(self.faces, self.controls, strict=True)
        return tuple((face, wanted) for face, wanted in pairs if wanted is not None and wanted != face.controls)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A finished picture.

    Attributes
    ----------
    pixels : (H, W, 3 or 4) uint8 or uint16
        Channels and depth of the photo; the photo's very array when nothing was to change. Not to be written to.
    milliseconds : float
        Time from the request's start on the engine's thread.
    request : FrameRequest
        What was asked.
    """

    pixels: Pixels
    milliseconds: float
    request: FrameRequest


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A photo that was read, and the faces found in it, largest first; without any, the user may draw a box."""

    photo: Photo
    faces: tuple[Face, ...]

    @property
    def source(self) -> Source:
        """What a document keeps of the photo."""
        return Source(str(self.photo.path), self.photo.digest, self.photo.width, self.photo.height)


def _read_ahead(faces: tuple[Face, ...]) -> None:
    """Work out what the sliders will show on this thread, once, so that no other has to wait for it."""
    for face in faces:
        _ = face.readings


def _carry_on() -> None:
    """The checkpoint of a rendering that nothing supersedes."""


class Renderer:
    """Opens photos, reads faces and renders requests, keeping what is needed again.

    Parameters
    ----------
    predictor : FacePredictor, optional
        Loaded from the shipped weights when first needed, if omitted.
    tracker : FaceTracker, optional
        The built-in one, if omitted.
    device : str
        Wish for a predictor that is loaded later: auto, cpu, cuda or mps.
    """

    def __init__(
        self, predictor: FacePredictor | None = None, tracker: FaceTracker | None = None, *, device: str = "auto"
    ) -> None:
        self._predictor = predictor
        self._tracker = tracker
        self._device = device
        self._encodings: FrameCache[tuple[str, Face], SourceEncoding] = FrameCache(ENCODINGS_BYTES)
        self._copies: FrameCache[tuple[str, int], Photo] = FrameCache(WORKING_COPIES_BYTES)

    @property
    def device_name(self) -> str:
        """Where the networks run, for people ("CPU", "CUDA fp16"); empty until they are loaded."""
        return "" if self._predictor is None else self._predictor.device_name

    def drain_notices(self) -> list[str]:
        """What the predictor wants people to know since the last call, as a fall back from GPU to CPU."""
        return [] if self._predictor is None else self._predictor.drain_notices()

    def warm_up(self) -> Generator[Progress, None, None]:
        """Job: load the networks before they are asked for."""
        yield Progress(0, 2, "Loading the networks")
        self._load_tracker()
        yield Progress(1, 2, "Loading the networks")
        self._load_predictor()

    def open(self, path: str | Path) -> Generator[Progress, None, Opened]:
        """Job: read a photo and find its faces; `PhotoError` if it cannot be read."""
        name = Path(path).name
        yield Progress(0, 3, f"Reading {name}")
        photo = load_photo(path)
        yield Progress(1, 3, f"Looking for faces in {name}")
        found = self._load_tracker().detect(photo.rgb8)
        yield Progress(2, 3, "Reading the expression" if found else "No face found")
        faces = tuple(Face.from_observation(face) for face in found)
        _read_ahead(faces)
        return Opened(photo, faces)

    def observe(self, photo: Photo, box: Box) -> Face:
        """The face in a box drawn by hand, image pixels; `NoFaceError` if there can be none."""
        face = Face.from_observation(self._load_tracker().observe(photo.rgb8, box))
        _read_ahead((face,))
        return face

    def prepare(self, photo: Photo, faces: tuple[Face, ...]) -> Generator[Progress, None, None]:
        """Job: encode faces, so that the first slider to move finds them ready."""
        for done, face in enumerate(faces):
            yield Progress(done, len(faces), "Preparing the face")
            self._encode(photo, face)

    def render(self, request: FrameRequest, checkpoint: Checkpoint = _carry_on) -> Frame:
        """The picture that a request describes.

        Faces are changed one after the other, each encoded from the photo as it was opened. With no change to any, the
        pixels are the photo's (or its reduced copy's) own array.
        """
        start = time.perf_counter()
        photo = request.photo
        picture = photo if request.quality == "full" else self._working_copy(photo, request.max_side)
        pixels, changes = picture.pixels, request.changes
        if changes:
            from icface.compositor import composite  # noqa: PLC0415  (see _load_predictor)
        for face, controls in changes:
            checkpoint()
            encoding = _in_picture(self._encode(photo, face), photo, picture)
            checkpoint()
            prediction = self._load_predictor().predict(encoding, controls)
            pixels = composite(pixels, encoding, prediction, quality=request.quality, checkpoint=checkpoint)
        return Frame(pixels, (time.perf_counter() - start) * 1000, request)

    def _encode(self, photo: Photo, face: Face) -> SourceEncoding:
        """What the networks know of a face: worked out once, at the photo's own size."""
        return self._encodings.get_or_make(
            (photo.digest, face), lambda: self._load_predictor().encode(photo.rgb8, face.observation())
        )

    def _working_copy(self, photo: Photo, max_side: int | None) -> Photo:
        if max_side is None or max(photo.width, photo.height) <= max_side:
            return photo
        return self._copies.get_or_make((photo.digest, max_side), lambda: photo.with_pixels(thumbnail(photo.pixels, max_side)))

    # The networks are imported when first needed: that takes seconds, which no window and no --help should wait for.

    def _load_predictor(self) -> FacePredictor:
        if self._predictor is None:
            from icface.predictor import FacePredictor  # noqa: PLC0415

            self._predictor = FacePredictor.load(self._device)
        return self._predictor

    def _load_tracker(self) -> FaceTracker:
        if self._tracker is None:
            from icface.tracking.builtin import BuiltinTracker  # noqa: PLC0415

            tracker = BuiltinTracker()  # on the CPU: small networks, used once a photo
            tracker.load()
            self._tracker = tracker
        return self._tracker


def edit_photo(
    renderer: Renderer, photo: Photo, face: Face, settings: Mapping[str, float], *, relative: bool = False
) -> Pixels:
    """A photo with one face set to what a person asked for, at full quality.

    Parameters
    ----------
    renderer : Renderer
    photo : Photo
    face : Face
        One that was found or drawn in this photo.
    settings : mapping
        Selectors (``yaw``, ``AU12``, ``AU1+2L``, channel names) to degrees or 0..1, see `deltas_from_settings`.
    relative : bool
        Add the values to the photo's own instead of replacing them.

    Returns
    -------
    (H, W, 3 or 4) uint8 or uint16
        As the photo's pixels; that very array when the settings change nothing.
    """
    deltas = deltas_from_settings(face.controls, settings, relative=relative)
    return renderer.render(FrameRequest(photo, (face,), (apply_deltas(face.controls, deltas),))).pixels


def _in_picture(encoding: SourceEncoding, photo: Photo, picture: Photo) -> SourceEncoding:
    """The encoding of a face of the photo, as of the same face in the photo's reduced copy."""
    if picture is photo:
        return encoding
    across, down = photo.width / picture.width, photo.height / picture.height
    photo_from_picture = Similarity((across, 0, (across - 1) / 2, 0, down, (down - 1) / 2))
    return replace(encoding, crop_from_image=encoding.crop_from_image @ photo_from_picture)
