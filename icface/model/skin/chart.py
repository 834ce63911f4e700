"""The chart of the face: skin unrolled from a cylinder about the head's pivot, flat and in cm.

What is known of all faces, such as the folds of a smile, is stored on the chart. A photo's
landmarks tell where each of its pixels lies on it.

Convention
----------
Chart points are (u, v) in centimetres: u to the subject's left along the cylinder, v down from the
height of the pivot, so that a chart looks like a face.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from icface.arrays import F32, F64
from icface.face.geometry import Similarity
from icface.face.landmarks import INNER_LIPS, MESH_POINTS

RADIUS_CM = 8.0
"""Radius of the cylinder: about the front of a cheek."""
SIDE_CM = 19.2
"""Side of the square of the chart that maps cover."""
CORNER_CM = (-SIDE_CM / 2, -9.3)
"""Left top corner of that square."""
_EVERY = 3
"""Every so many landmarks hold a photo to the chart."""
_STIFFNESS = 100.0
"""Smoothing of the spline through them: landmarks err by a pixel or two."""
_COARSE = 40
"""Side of the grid on which the spline is evaluated."""
HOLDERS = np.setdiff1d(np.arange(0, MESH_POINTS, _EVERY), INNER_LIPS)
"""Landmarks that hold a photo to the chart: lips part, and the skin beside them does not."""


def chart_of(head_cm: NDArray[np.floating]) -> F64:
    """(..., 2) chart points of points (..., 3) in the head frame of a neutral face, centimetres."""
    x, y, z = np.moveaxis(np.asarray(head_cm, np.float64), -1, 0)
    return np.stack([RADIUS_CM * np.arctan2(x, z), -y], -1)


def map_from_chart(side: int) -> Similarity:
    """Pixels of a map, `side` pixels wide, from chart points."""
    scale = side / SIDE_CM
    left, top = CORNER_CM
    return Similarity((scale, 0, -left * scale - 0.5, 0, scale, -top * scale - 0.5))


def chart_in_photo(
    landmarks: NDArray[np.floating], places: NDArray[np.floating], grid_points: F64
) -> F32:
    """Chart points under points of a photo.

    A smoothing thin-plate spline through the landmarks: smooth, so that what is drawn along lines
    of the chart is never ragged.

    Parameters
    ----------
    landmarks : (468 or more, 2)
        The photo's landmarks, grid pixels.
    places : (468, 2)
        Their chart points.
    grid_points : (H, W, 2)
        Grid pixels.

    Returns
    -------
    (H, W, 2) float32
        Chart points.
    """
    spline = RBFInterpolator(
        landmarks[HOLDERS, :2].astype(np.float64),
        places[HOLDERS].astype(np.float64),
        smoothing=_STIFFNESS,
        kernel="thin_plate_spline",
    )
    height, width = grid_points.shape[:2]
    found: F32 = spline(grid_points.reshape(-1, 2)).reshape(height, width, 2).astype(np.float32)
    return found


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CanvasChart:
    """Chart points of the pixels of a photo's canvas.

    Attributes
    ----------
    points : (S, S, 2) float32
        Chart points, centimetres.
    phase : float
        A number of the face's own proportions, radians: what varies from face to face follows it,
        and stays the same from frame to frame.
    """

    points: F32
    phase: float

    def bounds(
        self, left: float, top: float, right: float, bottom: float
    ) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom on the canvas around a rectangle of the chart, or None."""
        u, v = self.points[..., 0], self.points[..., 1]
        inside = (u >= left) & (u <= right) & (v >= top) & (v <= bottom)
        x, y, width, height = cv2.boundingRect(inside.view(np.uint8))
        return (x, y, x + width, y + height) if width > 1 and height > 1 else None
