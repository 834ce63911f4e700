"""Face observations: the reading of any face tracker in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from icface.face.controls import ControlVector
from icface.face.geometry import Box
from icface.face.landmarks import N_LANDMARKS


class NoFaceError(ValueError):
    """No face where one was asked for; the message says what the user can do."""


class TrackerUnavailableError(ValueError):
    """A tracker that cannot be used here; the message says what is missing and how to get it."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceObservation:
    """One face in one picture.

    Attributes
    ----------
    box : Box
        Bounding box of the face mesh, image pixels.
    landmarks : (478, 3) float32, read-only
        MediaPipe face-mesh points with irises; x, y in image pixels, z in the mesh's convention
        (smaller is nearer).
    controls : ControlVector
        Head angles in degrees and expression channels in 0..1.
    confidence : float
        0..1, that this is a face and the reading can be trusted.
    """

    box: Box
    landmarks: NDArray[np.float32]
    controls: ControlVector
    confidence: float

    def __post_init__(self) -> None:
        if self.landmarks.shape != (N_LANDMARKS, 3):
            raise ValueError(
                f"Expected landmarks of shape ({N_LANDMARKS}, 3), got {self.landmarks.shape}."
            )
        self.landmarks.flags.writeable = False


class FaceTracker(Protocol):
    """Reads faces; one instance is used by one thread at a time."""

    @property
    def name(self) -> str:
        """Short name for people."""
        ...

    @property
    def version(self) -> str:
        """The version of the weights and of their use: two versions may read differently."""
        ...

    def detect(self, image: NDArray[np.uint8]) -> tuple[FaceObservation, ...]:
        """All faces of an RGB image (H, W, 3), largest first; empty when there is none."""
        ...

    def observe(self, image: NDArray[np.uint8], box: Box) -> FaceObservation:
        """The face in a box drawn by hand, upright or tilted.

        `NoFaceError` if the box holds none.
        """
        ...

    def follow(self, image: NDArray[np.uint8], previous: FaceObservation) -> FaceObservation | None:
        """The same face in the next frame of a clip, from where it was; None when it is lost."""
        ...
