"""One face at a time through a clip, in stretches that are safe to be one person's.

A stretch ends at a cut, when the face is lost, and when it jumps: two pictures of one stretch show
one person, while one person may be in many stretches. What no frame gives away, as a slow dissolve
from one face to another in the same place, is not noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from icface.arrays import U8
from icface.face.observation import FaceObservation, FaceTracker
from icface.media.video import VideoFrame
from icface.tracking.cuts import CutDetector
from icface.tracking.follower import FaceFollower

SEARCH_SECONDS = 0.25
"""While there is no face, it is looked for this often, seconds of the clip."""
GONE_SECONDS = 0.5
"""A face that was lost for longer begins a new stretch, wherever it is found."""
SAME_PLACE = 0.3
"""Least overlap of a face with its last place, intersection over union."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A face in a frame; `track` counts the stretches of the clip from 0."""

    frame: VideoFrame
    pixels: U8
    face: FaceObservation
    track: int


class Rhythm:
    """Selection of a clip's frames: every n-th, or so many a second of the file's clock."""

    def __init__(self, *, every: int = 1, fps: float | None = None) -> None:
        self._every, self._fps = every, fps
        self._slot: int | None = None

    def takes(self, frame: VideoFrame) -> bool:
        """True if this frame is selected; frames must be given in order."""
        if self._fps is None:
            return frame.index % self._every == 0
        slot = int(np.floor(frame.seconds * self._fps + 1e-6))
        taken = slot != self._slot
        self._slot = slot
        return taken


def sightings(
    frames: Iterable[VideoFrame], tracker: FaceTracker, rhythm: Rhythm
) -> Iterator[Sighting]:
    """The largest face, followed through the selected frames and detected again when it is lost."""
    cuts, cut = CutDetector(), False
    follower = FaceFollower(tracker, most=1, search_s=SEARCH_SECONDS)
    last: Sighting | None = None
    track, stretch = -1, -1
    for frame in frames:
        cut |= cuts.is_cut(frame.glance())
        if not rhythm.takes(frame) or not (cut or follower.wants(frame.seconds)):
            continue
        jumped, cut = cut, False
        pixels = frame.pixels()
        for seen in follower.step(pixels, frame.seconds, jumped=jumped):
            if (
                jumped
                or last is None
                or not _goes_on(last, frame, seen.face, followed=seen.stretch == stretch)
            ):
                track += 1
            last, stretch = Sighting(frame, pixels, seen.face, track), seen.stretch
            yield last
        if jumped and last is not None and last.frame is not frame:
            last = None


def _goes_on(last: Sighting, frame: VideoFrame, face: FaceObservation, *, followed: bool) -> bool:
    passed = frame.seconds - last.frame.seconds
    return face.box.iou(last.face.box) >= SAME_PLACE and 0 <= passed <= (
        np.inf if followed else GONE_SECONDS
    )
