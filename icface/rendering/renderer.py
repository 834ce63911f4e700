"""From a request to a picture: encode each face once, predict and composite it at every change.

A `FrameRequest` is complete: rendering reads no settings, no widgets and no clock. A `Renderer`
belongs to one thread, as a rule the thread of `icface.rendering.engine.RenderEngine`, and loads
its networks there when they are first needed.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from icface.arrays import Pixels
from icface.document import Clip, Face, Source
from icface.face.geometry import Box
from icface.face.selectors import apply_deltas, deltas_from_settings
from icface.jobs import Checkpoint, Progress
from icface.media import Photo, load_photo, thumbnail
from icface.media.clip import probe
from icface.media.video import VideoError
from icface.motion.motion import Motion
from icface.motion.reading.fitted import fitted_face
from icface.rendering.cache import FrameCache
from icface.rendering.clip_pictures import ClipFrame, RecentClips, clip_of, fitted
from icface.rendering.frame_request import Frame, FrameRequest
from icface.rendering.kinds import is_clip
from icface.rendering.protection import protect
from icface.system.memory import give_back

if TYPE_CHECKING:
    from icface.face.observation import FaceTracker
    from icface.model.face.encode import SourceEncoding
    from icface.rendering.predictor import FacePredictor

ENCODINGS_BYTES = 256 * 2**20
"""Bound of the cache of encoded faces."""
WORKING_COPIES_BYTES = 128 * 2**20
"""Bound of the cache of reduced photos."""
DRAFTS_BYTES = 256 * 2**20
"""Bound of the cache of played drafts, so that a loop runs smoothly the second time."""
BESIDE_SIDE = 320
"""Longest side of the small picture beside the result, pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A photo or clip that was opened.

    Attributes
    ----------
    photo : Photo
        For a clip its first frame, with the digest of the clip.
    faces : tuple of Face
        Largest first; without any, the user may draw a box. A clip's faces are not known before it
        is tracked.
    clip : Clip or None
    """

    photo: Photo
    faces: tuple[Face, ...]
    clip: Clip | None = None

    @property
    def source(self) -> Source | Clip:
        """The source as a document stores it."""
        return self.clip or Source(
            str(self.photo.path), self.photo.digest, self.photo.width, self.photo.height
        )


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """The motions read in a clip, one for each person, longest and largest in view first."""

    clip: Clip
    motions: tuple[Motion, ...]
    notes: tuple[str, ...] = ()


def _read_ahead(faces: tuple[Face, ...]) -> None:
    """Compute on this thread what the sliders will show, so that no other thread has to wait."""
    for face in faces:
        _ = face.readings


def _carry_on() -> None:
    """The checkpoint of a rendering that nothing can supersede."""


class Renderer:
    """Opener of photos, reader of faces and renderer of requests, with caches between them.

    Parameters
    ----------
    predictor : FacePredictor, optional
        Loaded from the shipped weights when first needed, if omitted.
    tracker : FaceTracker, optional
        The built-in one, if omitted.
    device : str
        Device of a predictor that is loaded later: auto, cpu, cuda or mps.
    """

    def __init__(
        self,
        predictor: FacePredictor | None = None,
        tracker: FaceTracker | None = None,
        *,
        device: str = "auto",
    ) -> None:
        self._predictor = predictor
        self._tracker = tracker
        self._device = device
        self._encodings: FrameCache[tuple[str, Face], SourceEncoding] = FrameCache(ENCODINGS_BYTES)
        self._copies: FrameCache[tuple[str, int], Photo] = FrameCache(WORKING_COPIES_BYTES)
        self._drafts: FrameCache[FrameRequest, Pixels] = FrameCache(DRAFTS_BYTES)
        self._clips = RecentClips()

    @property
    def device_name(self) -> str:
        """Device of the networks, for people ("CPU", "CUDA fp16"); empty until they are loaded."""
        return "" if self._predictor is None else self._predictor.device_name

    def predictor(self) -> FacePredictor:
        """The predictor, for the calling thread; loaded at the first call."""
        return self._load_predictor()

    def drain_notices(self) -> list[str]:
        """Notices since the last call, such as a fall-back from GPU to CPU."""
        return [] if self._predictor is None else self._predictor.drain_notices()

    def warm_up(self) -> Generator[Progress, None, None]:
        """Job: load the networks before they are needed."""
        yield Progress(0, 2, "Loading the networks")
        self._load_tracker()
        yield Progress(1, 2, "Loading the networks")
        self._load_predictor()

    def forget(self) -> Generator[Progress, None, None]:
        """Job: drop all cached pictures, encodings and clips; the networks stay."""
        yield Progress(0, 1, "Making room")
        for cache in (self._encodings, self._copies, self._drafts):
            cache.clear()
        self._clips.close()
        give_back()

    def open(self, path: str | Path) -> Generator[Progress, None, Opened]:
        """Job: read a photo and find its faces, or open a clip.

        Raises
        ------
        PhotoError, VideoError
            If it cannot be read.
        """
        name = Path(path).name
        yield Progress(0, 3, f"Reading {name}")
        if is_clip(path):
            clip = clip_of(probe(path))
            first = self._clips.photo(ClipFrame(clip, 0))
            return Opened(Photo(first.pixels, first.path, clip.digest), (), clip)
        photo = load_photo(path)
        yield Progress(1, 3, f"Looking for faces in {name}")
        found = self._load_tracker().detect(photo.rgb8)
        yield Progress(2, 3, "Reading the expression" if found else "No face found")
        faces = tuple(Face.from_observation(fitted_face(face)) for face in found)
        _read_ahead(faces)
        return Opened(photo, faces)

    def track(self, clip: Clip) -> Generator[Progress, None, Tracked]:
        """Job: read the faces of a clip, frame by frame; `VideoError` if it cannot be read."""
        # imported here as in `_load_predictor`
        from icface.tracking.remembered import track_clip_once  # noqa: PLC0415

        name = Path(clip.path).name
        seconds = self._clips.reader(clip).seconds  # fails here if the file has changed
        job = track_clip_once(clip.path, self._load_tracker())
        while True:
            try:
                step = next(job)
            except StopIteration as end:
                return Tracked(
                    clip,
                    tuple(fitted(motion, seconds, clip.rate) for motion in end.value.motions),
                    end.value.notes,
                )
            yield Progress(min(step.done, clip.n_frames), clip.n_frames, f"Tracking {name}")

    def filmstrip(
        self, clip: Clip, frames: Sequence[int], side: int
    ) -> Generator[Progress, None, dict[int, Pixels]]:
        """Job: small pictures of frames, their longer side at most `side` pixels."""
        strip: dict[int, Pixels] = {}
        for frame in frames:
            yield Progress(len(strip), len(frames), f"Looking through {Path(clip.path).name}")
            strip[frame] = self._clips.draft(ClipFrame(clip, frame), side)
        return strip

    def portraits(
        self, clip: Clip, motions: Sequence[Motion], side: int
    ) -> Generator[Progress, None, tuple[Pixels, ...]]:
        """Job: a small picture of each person of a clip; motions need landmarks."""
        return self._clips.portraits(clip, motions, side)

    def observe(self, photo: Photo, box: Box) -> Face:
        """The face in a box drawn by hand, image pixels; `NoFaceError` if none is found."""
        face = Face.from_observation(fitted_face(self._load_tracker().observe(photo.rgb8, box)))
        _read_ahead((face,))
        return face

    def prepare(self, photo: Photo, faces: tuple[Face, ...]) -> Generator[Progress, None, None]:
        """Job: encode faces, so that the first slider to move finds them ready."""
        for done, face in enumerate(faces):
            yield Progress(done, len(faces), "Preparing the face")
            self._encode(photo, face)

    def render(self, request: FrameRequest, checkpoint: Checkpoint = _carry_on) -> Frame:
        """The picture that a request describes.

        Faces change one after the other, each encoded from the photo as it was opened. If none
        changes, the pixels are the own array of the photo or its reduced copy.
        """
        start = time.perf_counter()
        photo = (
            request.photo if isinstance(request.photo, Photo) else self._clips.photo(request.photo)
        )
        if (
            request.playing and request.quality == "draft" and request.changes
        ) or request in self._drafts:
            pixels = self._drafts.get_or_make(
                request, lambda: self._changed(request, photo, checkpoint)
            )
        else:  # states of a dragged slider do not come again, and storing them is slow
            pixels = self._changed(request, photo, checkpoint)
        beside = self._beside(request.beside)
        return Frame(pixels, (time.perf_counter() - start) * 1000, request, photo, beside)

    def _beside(self, wanted: ClipFrame | None) -> Pixels | None:
        """The small picture beside the result; None if its clip is missing or damaged."""
        try:
            return None if wanted is None else self._clips.draft(wanted, BESIDE_SIDE)
        except VideoError:
            return None

    def _changed(self, request: FrameRequest, photo: Photo, checkpoint: Checkpoint) -> Pixels:
        picture = (
            photo if request.quality == "full" else self._working_copy(photo, request.max_side)
        )
        pixels, changes = picture.pixels, request.changes
        if changes:
            # imported here as in `_load_predictor`
            from icface.rendering.compositor import composite, in_picture  # noqa: PLC0415
        for face, controls in changes:
            checkpoint()
            encoding = in_picture(self._encode(photo, face), photo, picture)
            checkpoint()
            prediction = self._load_predictor().predict(encoding, controls)
            pixels = composite(
                pixels, encoding, prediction, quality=request.quality, checkpoint=checkpoint
            )
        return protect(pixels, picture.pixels, request.regions, picture.width / photo.width)

    def _encode(self, photo: Photo, face: Face) -> SourceEncoding:
        """The encoding of a face, made once, at the photo's own size."""
        return self._encodings.get_or_make(
            (photo.digest, face),
            lambda: self._load_predictor().encode(photo.rgb8, face.observation()),
        )

    def _working_copy(self, photo: Photo, max_side: int | None) -> Photo:
        if max_side is None or max(photo.width, photo.height) <= max_side:
            return photo
        return self._copies.get_or_make(
            (photo.digest, max_side), lambda: photo.with_pixels(thumbnail(photo.pixels, max_side))
        )

    # The networks are imported when first needed: this takes seconds, for which neither a window
    # nor --help should wait.

    def _load_predictor(self) -> FacePredictor:
        if self._predictor is None:
            from icface.rendering.predictor import FacePredictor  # noqa: PLC0415

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
    renderer: Renderer,
    photo: Photo,
    face: Face,
    settings: Mapping[str, float],
    *,
    relative: bool = False,
) -> Pixels:
    """A photo with one face set to requested values, at full quality.

    Parameters
    ----------
    renderer : Renderer
    photo : Photo
    face : Face
        A face found or drawn in this photo.
    settings : mapping
        Selectors (``yaw``, ``AU12``, ``AU1+2L``, channel names) to degrees or 0..1, see
        `deltas_from_settings`.
    relative : bool
        Add the values to the photo's own instead of replacing them.

    Returns
    -------
    (H, W, 3 or 4) uint8 or uint16
        The edited photo, of its own shape and type; its own array if the settings change nothing.
    """
    deltas = deltas_from_settings(face.controls, settings, relative=relative)
    return renderer.render(
        FrameRequest(photo, (face,), (apply_deltas(face.controls, deltas),))
    ).pixels
