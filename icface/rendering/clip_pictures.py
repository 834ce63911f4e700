"""Frames of clips as pictures to render from, and small pictures of clips and photos."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from icface.arrays import Pixels
from icface.document import Clip, Project
from icface.document.mixing import driver_frame
from icface.face.geometry import Box
from icface.face.landmarks import MESH_POINTS
from icface.jobs import Progress
from icface.media import Photo, load_photo, thumbnail
from icface.media.clip import ClipInfo, file_digest
from icface.media.clip_reader import ClipReader
from icface.media.video_file import VideoError
from icface.motion.motion import Motion
from icface.rendering.cache import FrameCache

MOST_READERS = 4
"""Clips that are open at a time."""
FRAMES_BYTES = 192 * 2**20
"""Bound of the cache of frames."""


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """One frame of a clip, by number from 0."""

    clip: Clip
    index: int

    @property
    def digest(self) -> str:
        """Digest of the clip's file."""
        return self.clip.digest

    @property
    def path(self) -> Path:
        """Path of the clip's file."""
        return Path(self.clip.path)


def beside_frame(project: Project, frame: int) -> ClipFrame | None:
    """The frame of the clip that drives the chosen face; None if no clip does."""
    edits = project.face_edits
    names = [rule.driver for rule in edits.mix if rule.driver] if edits else []
    for name in dict.fromkeys(names):
        medium, index = project.driver(name).medium, driver_frame(project, name, frame)
        if isinstance(medium, Clip) and index is not None:
            return ClipFrame(medium, min(index, medium.n_frames - 1))
    return None


def clip_of(info: ClipInfo) -> Clip:
    """The clip as a document stores it."""
    return Clip(
        path=info.path,
        digest=info.digest,
        width=info.width,
        height=info.height,
        rate=info.rate,
        n_frames=info.count,
        duration_s=float(info.duration),
        has_sound=info.has_sound,
    )


def fitted(motion: Motion, seconds: NDArray[np.float64], rate: Fraction) -> Motion:
    """A tracked motion with a row for every frame of the clip; unread frames show no face.

    Parameters
    ----------
    motion : Motion
    seconds : (N,) float64
        Times at which the clip's frames are shown.
    rate : Fraction
        Frames a second of the clip.
    """
    count, missing = len(seconds), max(len(seconds) - len(motion), 0)
    controls, landmarks = motion.controls[:count], motion.landmarks
    if landmarks is not None:
        landmarks = landmarks[:count]
    if missing:
        controls = np.pad(controls, ((0, missing), (0, 0)), constant_values=np.nan)
        landmarks = (
            None
            if landmarks is None
            else np.pad(landmarks, ((0, missing), (0, 0), (0, 0)), constant_values=np.nan)
        )
    return replace(
        motion,
        seconds=seconds,
        controls=controls,
        landmarks=landmarks,
        rate=rate,
        confidence=np.pad(motion.confidence[:count], (0, missing)),
        cuts=tuple(cut for cut in motion.cuts if cut < count),
    )


def face_crop(photo: Photo, box: Box) -> Pixels:
    """A square crop around a face's box, within the photo; a view, not a copy."""
    x, y = box.centre
    half = max(box.width, box.height) * 0.65
    half = min(half, photo.width / 2, photo.height / 2)
    x = min(max(x + 0.5, half), photo.width - half)
    y = min(max(y + 0.5, half), photo.height - half)
    left, top, side = int(x - half), int(y - half), max(int(2 * half), 1)
    return photo.pixels[top : top + side, left : left + side]


def photo_thumbnail(path: str, side: int) -> Generator[Progress, None, dict[int, Pixels]]:
    """Job: a small picture of a photo, as frame 0.

    Parameters
    ----------
    path : str
    side : int
        Longest side of the small picture, pixels.

    Raises
    ------
    PhotoError
        If the photo cannot be read.
    """
    yield Progress(0, 1, f"Reading {Path(path).name}")
    return {0: thumbnail(load_photo(path).rgb8, side)}


class RecentClips:
    """Frames of the clips that were used last; belongs to one thread, as its readers do."""

    def __init__(self) -> None:
        self._readers: OrderedDict[str, ClipReader] = OrderedDict()
        self._frames: FrameCache[tuple[str, int], Photo] = FrameCache(FRAMES_BYTES)

    def photo(self, wanted: ClipFrame) -> Photo:
        """One frame as a photo, with a digest of clip and frame.

        Raises
        ------
        VideoError
            If the file is missing, damaged, or not the one that was opened.
        """
        return self._frames.get_or_make((wanted.digest, wanted.index), partial(self._read, wanted))

    def draft(self, wanted: ClipFrame, longest: int) -> NDArray[np.uint8]:
        """(H, W, 3) small picture of a frame, its longer side at most `longest` pixels."""
        return self.reader(wanted.clip).frame(wanted.index).draft(longest)

    def portraits(
        self, clip: Clip, motions: Sequence[Motion], side: int
    ) -> Generator[Progress, None, tuple[Pixels, ...]]:
        """Job: a small square picture of each person, from the frame of highest confidence."""
        made: list[Pixels] = []
        for motion in motions:
            yield Progress(
                len(made), len(motions), f"Looking at the people in {Path(clip.path).name}"
            )
            frame = int(np.argmax(np.where(motion.present, motion.confidence, -1)))
            assert motion.landmarks is not None
            box = Box.around(motion.landmarks[frame, :MESH_POINTS])
            crop = face_crop(self.photo(ClipFrame(clip, min(frame, clip.n_frames - 1))), box)
            made.append(thumbnail(crop, side))
        return tuple(made)

    def reader(self, clip: Clip) -> ClipReader:
        """The clip's open reader, for the calling thread."""
        if clip.digest in self._readers:
            self._readers.move_to_end(clip.digest)
            return self._readers[clip.digest]
        path = Path(clip.path)
        if not path.is_file():
            raise VideoError(f"{path} is missing. Put it back, or relocate it.")
        if file_digest(path) != clip.digest:
            raise VideoError(
                f"{path} has been replaced by another clip. "
                "Put the old one back, or open the new one."
            )
        reader = self._readers[clip.digest] = ClipReader(path)
        while len(self._readers) > MOST_READERS:
            self._readers.popitem(last=False)[1].close()
        return reader

    def close(self) -> None:
        """Close all files and drop all frames; later requests read them again."""
        self._frames.clear()
        while self._readers:
            self._readers.popitem()[1].close()

    def _read(self, wanted: ClipFrame) -> Photo:
        pixels = self.reader(wanted.clip).frame(wanted.index).pixels()
        return Photo(pixels, wanted.path, f"{wanted.digest}:{wanted.index}")
