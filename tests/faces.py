"""Faces without weights: a face-shaped set of landmarks, and a tracker that finds it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from icface.face.controls import ControlVector
from icface.face.geometry import Box
from icface.face.landmarks import N_LANDMARKS
from icface.face.observation import FaceObservation, NoFaceError

ASTRONAUT_BOX = Box(168, 52, 276, 186)
"""Where the face is in scikit-image's portrait of 512 x 512."""


def observation_in(
    box: Box, controls: ControlVector | None = None, confidence: float = 0.9
) -> FaceObservation:
    """A face that fills a box: landmarks on rings in it, the outer eye corners level."""
    turns = np.linspace(0, 40 * np.pi, N_LANDMARKS)
    rings = np.linspace(0, 1, N_LANDMARKS)
    x, y = box.centre
    points = np.stack(
        [np.cos(turns) * rings * box.width / 2, np.sin(turns) * rings * box.height / 2, 0 * rings],
        1,
    )
    points[33, :2], points[263, :2] = (
        (-0.3 * box.width, -0.1 * box.height),
        (0.3 * box.width, -0.1 * box.height),
    )
    landmarks = (points + np.array([x, y, 0])).astype(np.float32)
    return FaceObservation(box, landmarks, controls or ControlVector(), confidence)


class StandInTracker:
    """A tracker that finds the faces it was given, in pictures of any content.

    A face drawn by hand fills its box; a box of less than 20 pixels across holds none.
    """

    name, version = "stand-in", "1"

    def __init__(self, *faces: FaceObservation) -> None:
        self.faces = faces

    def detect(self, image: NDArray[np.uint8]) -> tuple[FaceObservation, ...]:
        assert image.dtype == np.uint8
        assert image.shape[2] == 3
        return self.faces

    def observe(self, image: NDArray[np.uint8], box: Box) -> FaceObservation:
        if min(box.width, box.height) < 20:
            raise NoFaceError(
                f"No face fits into {box.width:g} x {box.height:g} pixels; draw a larger box."
            )
        return observation_in(box)

    def follow(self, image: NDArray[np.uint8], previous: FaceObservation) -> FaceObservation | None:
        return previous
