"""The place of a head in its picture: how far it is moved, and how much larger it is drawn.

Convention
----------
A place is relative to the photo's own, where all three numbers are 0. ``x`` and ``y`` are percent
of the face's height, which is half a side of its crop (`icface.face.geometry.face_crop`): positive
``x`` moves the head to the right of the picture, as a positive ``pose_Tx`` of OpenFace does, and
positive ``y`` moves it up, against OpenFace's ``pose_Ty``, which points down. ``zoom`` is percent:
at 20 the head is 1.2 times as large, as if it had come nearer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PLACES: tuple[str, ...] = ("x", "y", "zoom")
"""Ids of the controls of a place, in the order of `Place`'s numbers."""
PLACE_RANGE: dict[str, tuple[float, float]] = {
    "x": (-25.0, 25.0),
    "y": (-25.0, 25.0),
    "zoom": (-30.0, 40.0),
}
"""Lowest and highest value: further, a head leaves the surroundings that its crop knows."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a head, percent; see the convention above.

    Attributes
    ----------
    x, y : float
        Shift to the right and up, percent of the face's height.
    zoom : float
        Growth, percent.
    """

    x: float = 0.0
    y: float = 0.0
    zoom: float = 0.0

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.values)):
            raise ValueError("A place holds finite numbers only.")

    @property
    def values(self) -> tuple[float, float, float]:
        """The numbers in the order of `PLACES`."""
        return self.x, self.y, self.zoom

    @property
    def scale(self) -> float:
        """How many times as large the head is drawn."""
        return 1 + self.zoom / 100

    def clipped(self) -> Place:
        """The nearest place within `PLACE_RANGE`."""
        pairs = zip(self.values, PLACE_RANGE.values(), strict=True)
        return Place(*(min(max(value, low), high) for value, (low, high) in pairs))


AT_HOME = Place()
"""The photo's own place."""
