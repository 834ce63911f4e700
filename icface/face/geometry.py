"""Places of faces in an image, and the transforms between crops and the full picture.

Convention
----------
Points are (x, y) in pixels; the centre of the top-left pixel is (0, 0). Images are RGB of shape
(height, width, 3), uint8 unless said otherwise. A matrix ``a_from_b`` maps homogeneous points of
frame b to frame a; similarities are stored as their first two rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.face.landmarks import EYE_CORNERS, MESH_POINTS

CROP_MARGIN = 2.0
"""Side of a face crop in extents of the face mesh: room for hair and neck to follow, decaying to
nothing."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in image pixels, right and bottom exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not (self.right > self.left and self.bottom > self.top):
            raise ValueError(f"A box needs a width and a height: {self}.")

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, (x, y)."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(wide, 0.0) * max(high, 0.0)
        return shared / (self.width * self.height + other.width * other.height - shared)

    def overlap(self, other: Box) -> float:
        """Share of the smaller box that lies in the other, 0..1."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return (
            max(wide, 0.0)
            * max(high, 0.0)
            / min(self.width * self.height, other.width * other.height)
        )

    @classmethod
    def around(cls, points: NDArray[np.floating]) -> Box:
        """The bounding box of (N, 2) or (N, 3) points."""
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        return cls(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


@dataclass(frozen=True, slots=True)
class Similarity:
    """Rotation, uniform scale and shift of the plane: ``x' = matrix[:, :2] @ x + matrix[:, 2]``.

    Attributes
    ----------
    rows : tuple of 6 float
        The 2 x 3 matrix, row by row.
    """

    rows: tuple[float, float, float, float, float, float]

    @classmethod
    def from_matrix(cls, matrix: NDArray[np.floating]) -> Similarity:
        """From an array of shape (2, 3)."""
        a, b, c, d, e, f = (float(v) for v in np.asarray(matrix, np.float64)[:2].ravel())
        return cls((a, b, c, d, e, f))

    @classmethod
    def crop(
        cls, *, centre: tuple[float, float], side: float, roll_deg: float, size: int
    ) -> Similarity:
        """``crop_from_image``: a square of `side` image pixels about `centre`, `size` pixels wide.

        `roll_deg` is the angle by which the square's x axis is turned clockwise on the screen (as
        the line from the viewer's left to right eye corner), so that a tilted head stands upright
        in the crop.
        """
        scale = size / side
        cos, sin = np.cos(np.radians(roll_deg)) * scale, np.sin(np.radians(roll_deg)) * scale
        x, y = centre
        middle = (size - 1) / 2
        return cls.from_matrix(
            np.array(
                [[cos, sin, middle - cos * x - sin * y], [-sin, cos, middle + sin * x - cos * y]]
            )
        )

    @property
    def matrix(self) -> F64:
        """(2, 3) float64."""
        return np.array(self.rows, np.float64).reshape(2, 3)

    @property
    def scale(self) -> float:
        """Target pixels per source pixel."""
        return float(np.hypot(self.rows[0], self.rows[3]))

    @property
    def turn_deg(self) -> float:
        """Angle by which pictures turn counter-clockwise on the screen when they go through it."""
        return float(np.degrees(np.arctan2(self.rows[1], self.rows[0])))

    def inverse(self) -> Similarity:
        """The way back."""
        linear = np.linalg.inv(self.matrix[:, :2])
        return Similarity.from_matrix(np.column_stack([linear, -linear @ self.matrix[:, 2]]))

    def __matmul__(self, first: Similarity) -> Similarity:
        """``a_from_c = a_from_b @ b_from_c``."""
        outer, inner = self.matrix, first.matrix
        return Similarity.from_matrix(
            np.column_stack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]])
        )

    def points(self, points: NDArray[np.floating]) -> F64:
        """Map (N, 2) points; of (N, 3) points the third coordinate is scaled alone."""
        moved: F64 = points[:, :2] @ self.matrix[:, :2].T + self.matrix[:, 2]
        return (
            moved if points.shape[1] == 2 else np.column_stack([moved, points[:, 2] * self.scale])
        )


def eye_line_deg(landmarks: NDArray[np.floating]) -> float:
    """Angle of the line through the outer eye corners, clockwise on the screen; 0 when upright."""
    right, left = landmarks[EYE_CORNERS[0], :2], landmarks[EYE_CORNERS[1], :2]
    return float(np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0])))


def face_crop(
    landmarks: NDArray[np.floating], size: int, *, margin: float = CROP_MARGIN
) -> Similarity:
    """``crop_from_image`` for a face: upright along its eye line, `margin` times its mesh's extent.

    Parameters
    ----------
    landmarks : (478, 2 or 3) array
        Face-mesh points in image pixels.
    size : int
        Side of the crop in pixels.
    """
    roll = eye_line_deg(landmarks)
    cos, sin = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    upright = landmarks[:MESH_POINTS, :2] @ np.array([[cos, -sin], [sin, cos]])
    low, high = upright.min(0), upright.max(0)
    x, y = (low + high) / 2
    side = float((high - low).max()) * margin
    return Similarity.crop(
        centre=(float(cos * x - sin * y), float(sin * x + cos * y)),
        side=side,
        roll_deg=roll,
        size=size,
    )


def rotation_matrix(yaw_deg: float, pitch_deg: float, roll_deg: float) -> F64:
    """(3, 3) rotation of the head: yaw first, then pitch, then roll about fixed axes.

    The axes belong to the head frame at rest: x to the subject's left, y up, z to the camera.
    """
    (cy, cp, cr), (sy, sp, sr) = (
        f(np.radians([yaw_deg, pitch_deg, roll_deg])) for f in (np.cos, np.sin)
    )
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turned: F64 = about_z @ about_x @ about_y
    return turned


def euler_angles_deg(rotation: NDArray[np.floating]) -> tuple[float, float, float]:
    """Yaw, pitch, roll in degrees of a (3, 3) rotation: the inverse of `rotation_matrix`.

    The pitch lies within ±90 degrees.
    """
    pitch = np.arcsin(np.clip(rotation[2, 1], -1, 1))
    yaw = np.arctan2(-rotation[2, 0], rotation[2, 2])
    roll = np.arctan2(-rotation[0, 1], rotation[1, 1])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))
