"""The faces of a clip, followed from frame to frame in stretches without a gap.

A stretch ends at a cut and when its face is lost; which stretches are one person's is for
`icface.tracking.people` to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icface.arrays import U8
from icface.face.observation import FaceObservation, FaceTracker

LOOK_SECONDS = 0.5
"""Seconds of the clip between two searches for new faces, while all known ones are followed."""
SEARCH_SECONDS = 0.1
"""Seconds of the clip between two searches while there is no face or one was lost recently."""
LOST_SECONDS = 1.0
"""Seconds of the clip for which a lost face counts as lost recently."""
SAME_FACE = 0.4
"""Share of the smaller of two boxes that lies in the other from which on they are one face."""


@dataclass(frozen=True, slots=True, eq=False)
class FollowedFace:
    """A face in the latest frame; `stretch` counts the stretches of the clip from 0."""

    stretch: int
    face: FaceObservation


class FaceFollower:
    """Follows faces through the frames of a clip, in order.

    It looks for faces when one is lost, and now and then.

    Parameters
    ----------
    tracker : FaceTracker
    most : int, optional
        So many faces are followed, the largest of those that are found. While that many are, no
        others are looked for.
    search_s : float
        How often a face is looked for while there is none, seconds of the clip.
    """

    def __init__(
        self, tracker: FaceTracker, *, most: int | None = None, search_s: float = SEARCH_SECONDS
    ) -> None:
        self._tracker = tracker
        self._most, self._search_s = most, search_s
        self._followed: list[FollowedFace] = []
        self._begun = 0
        self._looked_s = self._lost_s = -np.inf

    def wants(self, seconds: float) -> bool:
        """Whether a frame at that time would be looked at, unless the picture jumps.

        It would if a face is followed, or if it is time to look for faces.
        """
        return bool(self._followed) or self._is_time(seconds)

    def step(self, pixels: U8, seconds: float, *, jumped: bool) -> list[FollowedFace]:
        """The faces of the next frame, longest known first; none if the picture `jumped`."""
        known = [] if jumped else self._followed
        self._followed = []
        for before in known:
            face = self._tracker.follow(pixels, before.face)
            if face is not None and not self._is_known(
                face
            ):  # two that have run into each other are one
                self._followed.append(FollowedFace(before.stretch, face))
        lost = len(self._followed) < len(known)
        if lost:
            self._lost_s = seconds
        if jumped or lost or self._is_time(seconds):
            self._look(pixels, seconds)
        return list(self._followed)

    def _is_full(self) -> bool:
        return self._most is not None and len(self._followed) >= self._most

    def _is_known(self, face: FaceObservation) -> bool:
        return any(face.box.overlap(other.face.box) >= SAME_FACE for other in self._followed)

    def _is_time(self, seconds: float) -> bool:
        if self._is_full():
            return False
        searching = not self._followed or seconds - self._lost_s <= LOST_SECONDS
        wait = self._search_s if searching else LOOK_SECONDS
        return not 0 <= seconds - self._looked_s < wait - 1e-6

    def _look(self, pixels: U8, seconds: float) -> None:
        self._looked_s = seconds
        for face in self._tracker.detect(pixels):
            if not self._is_full() and not self._is_known(face):
                self._followed.append(FollowedFace(self._begun, face))
                self._begun += 1
