"""Tracking of clips, frame by frame, into a motion for each person.

One decoded frame is in memory at a time. What was read goes to a temporary file as it comes, and
the landmarks of a long clip stay in such a file, so that memory hardly grows with the length of a
clip.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from icface.face.controls import CHANNELS
from icface.face.geometry import eye_line_deg
from icface.face.landmarks import N_LANDMARKS
from icface.face.lying import lying_deg, roll_about
from icface.face.observation import FaceTracker
from icface.jobs import Progress
from icface.media.clip import probe
from icface.media.clip_reader import ClipReader
from icface.media.video_file import open_video
from icface.motion.motion import Motion
from icface.motion.reading.fitted import fitted
from icface.system.scratch import Rows, Scratch
from icface.tracking.cuts import CutDetector
from icface.tracking.follower import FaceFollower, FollowedFace
from icface.tracking.people import Stretch, look_of, people

BRIEF_SECONDS = 0.5
"""Who is seen for less is left out, if anybody is seen for longer: hands and folds may pass for a
face as long as that."""
MOST_PEOPLE = 16
LANDMARKS_IN_MEMORY_BYTES = 16_000_000
"""Landmarks that need more than this, for one person, are left in a file that is mapped into
memory."""

_READING = np.dtype(
    [
        ("row", np.int64),
        ("stretch", np.int64),
        ("confidence", np.float32),
        ("controls", np.float32, len(CHANNELS)),
        ("landmarks", np.float32, (N_LANDMARKS, 3)),
    ]
)
_BATCH = 256
_ROLL_FRAMES = 50
"""About how many frames of a motion decide the quarter turn from which its roll counts."""
_SLACK_S = 0.5
"""Missing seconds that are not worth a note."""
_SLACK_SHARE = 0.02
"""Missing share of the declared duration that is not worth a note."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ClipTracking:
    """The readings of a clip.

    Attributes
    ----------
    motions : tuple of Motion
        One for each person, with landmarks; who is seen longest and largest comes first. Empty
        where nobody was seen.
    seconds : (N,) float64
        When each frame that was looked at is shown, counted from the first: the times of every
        motion.
    rate : Fraction
        Frames a second of those; of a variable rate, the mean.
    size : tuple of int
        Width and height, upright, in square pixels.
    cuts : tuple of int
        First frames after a cut.
    every : int
        Every n-th frame of the file was looked at.
    tracker : str
        Name of the tracker, for people.
    notes : tuple of str
        What was not as it should be, for people.
    """

    motions: tuple[Motion, ...] = ()
    seconds: NDArray[np.float64] = field(repr=False)
    rate: Fraction
    size: tuple[int, int]
    cuts: tuple[int, ...] = ()
    every: int = 1
    tracker: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.seconds)


class ClipFrame(Protocol):
    """The part of a frame that tracking uses; see `icface.media.video_frame.VideoFrame`."""

    @property
    def index(self) -> int:
        """Number of the frame in the clip, from 0."""
        ...

    @property
    def seconds(self) -> float:
        """Time of the frame, seconds from the first frame."""
        ...

    @property
    def damaged(self) -> bool:
        """Whether another frame stands in for this one."""
        ...

    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) RGB."""
        ...

    def glance(self) -> NDArray[np.uint8]:
        """(S, S) grey."""
        ...


def track_clip(
    path: str | Path, tracker: FaceTracker, *, every: int = 1
) -> Generator[Progress, None, ClipTracking]:
    """A job that reads all faces of a clip; yields after each frame.

    What the tracker read is fitted to the landmarks of each person at the end
    (`icface.motion.reading.fitted`).

    Parameters
    ----------
    path : str or Path
        A video. Frames that cannot be decoded have no face, and a file that breaks off is read as
        far as it goes; notes say so.
    tracker : FaceTracker
        Used by the thread that advances the job.
    every : int
        Every n-th frame is looked at; the motions have a row for each of those.

    Raises
    ------
    VideoError
        If the file is missing, is no video, or has no frame that can be decoded.
    """
    if every < 1:
        raise ValueError(f"Every {every}. frame cannot be looked at: choose 1 or more.")
    with ClipReader(path, cache_bytes=0) as reader, Scratch() as scratch:
        notes = [*probe(path).notes, *_short_of(Path(path), float(reader.index.duration))]
        total, book = len(reader), _Notebook(scratch)
        for frame in reader.frames():
            faces = book.look(frame, tracker, every)
            yield Progress(frame.index + 1, total, _in_words(faces))
        about = book.about(reader.index.rate / every, every)
        seen, motions = book.people(about), list[Motion]()
        for group in seen[:MOST_PEOPLE]:
            motions.append(fitted(book.motion(group, about, tracker.name)))
            yield Progress(total, total, f"person {len(motions)} of {min(len(seen), MOST_PEOPLE)}")
        if reader.damaged:
            notes.append(
                f"{len(reader.damaged)} of {total} frames are damaged; no face was read in them."
            )
        if len(seen) > MOST_PEOPLE:
            notes.append(
                f"{len(seen)} people were seen; the {MOST_PEOPLE} seen longest and largest were "
                "kept."
            )
    return replace(about, motions=tuple(motions), tracker=tracker.name, notes=tuple(notes))


def _count_roll_from_quarter(controls: NDArray[np.float32]) -> None:
    """Count a lying person's roll (N, 56) from their quarter turn, without jumps of 360.

    A head that stands upside down is read as 179 in one frame and as -179 in the next.
    """
    roll = CHANNELS.index("roll")
    seen = np.isfinite(controls[:, roll])
    if not seen.any():
        return
    phasors = np.exp(1j * np.radians(controls[seen, roll]))
    quarter = lying_deg(float(np.degrees(np.angle(phasors.mean()))))
    if quarter:
        controls[seen, roll] = [roll_about(float(value), quarter) for value in controls[seen, roll]]


def roll_counts_from_deg(motion: Motion) -> float:
    """Quarter turn from which a tracked motion's roll counts: 0 if upright, else 90, 180 or -90."""
    rows = np.flatnonzero(motion.present)[:: max(int(motion.present.sum()) // _ROLL_FRAMES, 1)]
    if motion.landmarks is None or not len(rows):
        return 0.0
    rolls = motion.controls[rows, CHANNELS.index("roll")]
    lines = np.array([eye_line_deg(motion.landmarks[row]) for row in rows])
    apart = np.angle(np.exp(1j * np.radians(-lines - rolls)).mean(), deg=True)
    return (0.0, 90.0, 180.0, -90.0)[round(float(apart) / 90.0) % 4]


def _short_of(path: Path, found_s: float) -> list[str]:
    """A note, for people, on a file that declares a longer duration than it holds."""
    container, stream = open_video(path)
    with container:
        said_s = float((stream.duration or 0) * (stream.time_base or 0))
    if said_s - found_s <= max(_SLACK_S, _SLACK_SHARE * said_s):
        return []
    return [f"The file breaks off after {found_s:.1f} of {said_s:.1f} s; what is there was read."]


def _in_words(faces: int) -> str:
    return {0: "no face", 1: "1 face"}.get(faces, f"{faces} faces")


class _Notebook:
    """The readings so far: controls in a file, times and stretches in memory."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._cuts = CutDetector()
        self._follower: FaceFollower | None = None
        self._jumped = False
        self._faces: list[FollowedFace] = []
        self.times: list[float] = []
        self.size = 0, 0
        self.stretches: list[Stretch] = []

    def look(self, frame: ClipFrame, tracker: FaceTracker, every: int) -> int:
        """Read a frame, if it is due; returns the number of faces that are followed."""
        if not frame.damaged:
            self._jumped |= self._cuts.is_cut(frame.glance()) or self._cuts.ended_flash
        else:
            self._cuts.skip()
        if frame.index % every == 0:
            if not frame.damaged:
                self._read(frame, tracker)
            self.times.append(frame.seconds)
        return len(self._faces)

    def _read(self, frame: ClipFrame, tracker: FaceTracker) -> None:
        self._follower = self._follower or FaceFollower(tracker)
        pixels = frame.pixels()
        self.size = (pixels.shape[1], pixels.shape[0])
        self._faces = self._follower.step(pixels, frame.seconds, jumped=self._jumped)
        self._jumped = False
        for followed in self._faces:
            self._note(followed, pixels, frame.seconds)

    def _note(self, followed: FollowedFace, pixels: NDArray[np.uint8], seconds: float) -> None:
        row, face = len(self.times), followed.face
        look = look_of(pixels, face)
        if followed.stretch == len(self.stretches):
            self.stretches.append(Stretch.begin(row, seconds, face.box, look))
        else:
            self.stretches[followed.stretch].go_on(row, seconds, face.box, look)
        reading = np.zeros((), _READING)
        reading["row"], reading["stretch"], reading["confidence"] = (
            row,
            followed.stretch,
            face.confidence,
        )
        reading["controls"], reading["landmarks"] = face.controls.values, face.landmarks
        self._scratch.write(reading.tobytes())

    def about(self, rate: Fraction, every: int) -> ClipTracking:
        """The readings, before people are told apart."""
        seconds = np.array(self.times)
        cuts = sorted(
            {row for cut in self._cuts.cuts if 0 < (row := -(-cut // every)) < len(seconds)}
        )
        return ClipTracking(
            seconds=seconds, rate=rate, size=self.size, cuts=tuple(cuts), every=every
        )

    def people(self, about: ClipTracking) -> list[list[int]]:
        """The stretches of each person, who is seen longest and largest first."""

        def rows(group: Sequence[int]) -> int:
            return sum(self.stretches[n].last - self.stretches[n].first + 1 for n in group)

        groups = people(self.stretches, about.cuts)
        return [group for group in groups if rows(group) >= BRIEF_SECONDS * about.rate] or groups[
            :1
        ]

    def motion(self, group: Sequence[int], about: ClipTracking, tracker: str) -> Motion:
        """The motion of one person."""
        count = len(about)
        controls = np.full((count, len(CHANNELS)), np.nan, np.float32)
        confidence = np.zeros(count, np.float32)
        with Rows((count, N_LANDMARKS, 3), in_memory_bytes=LANDMARKS_IN_MEMORY_BYTES) as points:
            for piece in self._scratch.pieces(_BATCH * _READING.itemsize):
                batch = np.frombuffer(piece, _READING)
                mine = batch[np.isin(batch["stretch"], group)]
                rows = mine["row"]
                controls[rows], confidence[rows] = mine["controls"], mine["confidence"]
                points.put(rows, mine["landmarks"])
            landmarks = points.finish()
        _count_roll_from_quarter(controls)
        return Motion(
            seconds=about.seconds,
            controls=controls,
            confidence=confidence,
            landmarks=landmarks,
            rate=about.rate,
            cuts=about.cuts,
            origin=f"{tracker} tracker",
        )
