"""The fine crop: a face's crop at more than the grid's resolution, for drawing and painting."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.face.geometry import Similarity
from icface.model.networks.neutralizer import GRID

Points = TypeVar("Points", NDArray[np.float32], NDArray[np.float64])

FINE_CROP_SCALE = 1.5
"""Pixels of the fine crop per grid pixel."""
FINE_CROP_SIZE = round(GRID * FINE_CROP_SCALE)
"""Side of the fine crop, pixels."""
FINE_CROP_FROM_GRID = Similarity(
    (FINE_CROP_SCALE, 0, (FINE_CROP_SCALE - 1) / 2, 0, FINE_CROP_SCALE, (FINE_CROP_SCALE - 1) / 2)
)
"""Map from grid pixels to pixels of the fine crop."""


def in_fine_crop(points: Points) -> Points:
    """Grid coordinates of any shape as pixels of the fine crop."""
    return (points + 0.5) * FINE_CROP_SCALE - 0.5


def sample_fine_crop(fine_crop: NDArray[np.uint8], x: Points, y: Points) -> NDArray[np.uint8]:
    """(H, W, 3) colours at grid coordinates (H, W), bilinear, continued beyond the border."""
    at_x, at_y = (in_fine_crop(v).astype(np.float32, copy=False) for v in (x, y))
    sampled = cv2.remap(fine_crop, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.uint8)
