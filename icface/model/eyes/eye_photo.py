"""The photo around one eye at the photo's own resolution, upright along the corners of the eye.

Lids are drawn in units of the eye: x runs from the left corner, -0.5, to the right one, 0.5, and y
down, both in widths of the eye. The middle between the corners is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.geometry import Similarity
from icface.face.landmarks import BROW_EDGES, EYES, LOWER_LID, UPPER_LID
from icface.model.eyes.lid_curve import LID_POINTS, smooth_lid_curve
from icface.model.surface.crops import sample_crop

ROOM = 2.2
"""Side of the square around an eye, in widths of the eye."""
UP = 0.16
"""Distance of the middle of that square above the corners, in widths of the eye."""
_LEAST, _MOST = 72, 288
"""Smallest and largest side of the square, pixels."""
_SMALLEST_PX = 3
"""Width of an eye below which it is left alone, grid pixels."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EyePhoto:
    """The photo around one eye.

    Attributes
    ----------
    side : str
        ``L`` or ``R``, the subject's.
    pixels : (S, S, 3) float32
        0..1.
    frame : Similarity
        The square's pixels from grid pixels.
    width : float
        Width of the eye, grid pixels.
    upper, lower : (9, 2) float64
        The eye's lids from the left to the right, in units of the eye.
    brow : (5, 2) float64
        The brow's lower edge from the left to the right, in units of the eye.
    """

    side: str
    pixels: F32
    frame: Similarity
    width: float
    upper: F64
    lower: F64
    brow: F64

    @property
    def outer(self) -> int:
        """1 when the outer corner is on the right of the square, -1 when it is on the left."""
        return 1 if self.side == "L" else -1

    @property
    def size(self) -> int:
        """Side of the square, pixels."""
        return len(self.pixels)

    @property
    def scale(self) -> float:
        """Pixels of the square per width of the eye."""
        return self.size / ROOM

    def on_grid(self, points: F64) -> F64:
        """Points (K, 2) in units of the eye, as grid pixels."""
        return self.frame.inverse().points(
            (points + np.array([0.0, UP])) * self.scale + (self.size - 1) / 2
        )


def eye_frame(left: F64, right: F64, width: float, size: int) -> Similarity:
    """The square of an eye with these corners (2,), grid pixels: its pixels from grid pixels."""
    along = (right - left) / max(float(np.hypot(*(right - left))), 1e-6)
    middle = (left + right) / 2 + UP * width * np.array([along[1], -along[0]])
    return Similarity.crop(
        centre=(float(middle[0]), float(middle[1])),
        side=ROOM * width,
        roll_deg=float(np.degrees(np.arctan2(along[1], along[0]))),
        size=size,
    )


def in_eye_units(frame: Similarity, points: F64, size: int) -> F64:
    """Points (K, 2), grid pixels, in units of the eye."""
    units: F64 = (frame.points(points) - (size - 1) / 2) * (ROOM / size) - (0, UP)
    return units


def unit_axes(size: int) -> tuple[F32, F32]:
    """Places of the columns and rows of a square, (S,) each, in units of the eye."""
    line = ((np.arange(size) - (size - 1) / 2) * (ROOM / size)).astype(np.float32)
    return line, line - np.float32(UP)


def lids_by_column(
    contour: F64, frame: Similarity, size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper and lower lid (9, 2) of a contour (16, 2), left to right, in units of the eye."""
    points = in_eye_units(frame, contour, size)
    upper, lower = points[UPPER_LID], points[LOWER_LID][::-1]
    if upper[0, 0] > upper[-1, 0]:
        upper, lower = upper[::-1], lower[::-1]
    upper, lower = (smooth_lid_curve(line, LID_POINTS) for line in (upper, lower))
    return upper, np.column_stack([lower[:, 0], np.maximum(lower[:, 1], upper[:, 1])])


def eye_photos(
    image: NDArray[np.uint8], crop: Similarity, landmarks: NDArray[np.floating]
) -> tuple[EyePhoto, ...]:
    """The eyes of a face, but those too small to be drawn.

    Parameters
    ----------
    image : (H, W, 3) uint8
        The photo.
    crop : Similarity
        The face's crop: grid pixels from the photo's.
    landmarks : (478, 2)
        Face-mesh points, grid pixels.
    """
    found = []
    for side, ring in EYES.items():
        contour = landmarks[list(ring), :2].astype(np.float64)
        left, right = sorted((contour[0], contour[8]), key=lambda p: float(p[0]))
        width = float(np.hypot(*(right - left)))
        if width < _SMALLEST_PX:
            continue
        size = int(np.clip(round(ROOM * width / crop.scale), _LEAST, _MOST))
        frame = eye_frame(left, right, width, size)
        pixels = sample_crop(image, frame @ crop, size).astype(np.float32) / np.float32(255)
        upper, lower = lids_by_column(contour, frame, size)
        brow = in_eye_units(frame, landmarks[list(BROW_EDGES[side]), :2].astype(np.float64), size)
        found.append(
            EyePhoto(
                side=side,
                pixels=pixels,
                frame=frame,
                width=width,
                upper=upper,
                lower=lower,
                brow=brow[np.argsort(brow[:, 0])],
            )
        )
    return tuple(found)
