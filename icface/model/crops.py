"""Crops of pictures as networks take them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.geometry import Similarity


def sample_crop(image: NDArray[np.uint8], crop_from_image: Similarity, size: int) -> NDArray[np.uint8]:
    """(size, size, 3) of an RGB image through a similarity, without aliasing; beyond the border the edge repeats.

    Only the part of the image under the crop is touched, so that a large photo costs no more than a small one.
    """
    image_from_crop = crop_from_image.inverse()
    corners = image_from_crop.points(np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64) - 0.5)
    height, width = image.shape[:2]
    left, top = np.floor(corners.min(0)).astype(int) - 2
    right, bottom = np.ceil(corners.max(0)).astype(int) + 3
    left, top = int(np.clip(left, 0, width - 1)), int(np.clip(top, 0, height - 1))
    right, bottom = int(np.clip(right, left + 1, width)), int(np.clip(bottom, top + 1, height))
    region: NDArray[np.uint8] = image[top:bottom, left:right]
    crop_from_region = crop_from_image @ Similarity((1, 0, left, 0, 1, top))
    shrink = max(1, int(0.75 / crop_from_image.scale))
    if shrink > 1:
        wide, high = max(1, region.shape[1] // shrink), max(1, region.shape[0] // shrink)
        sx, sy = region.shape[1] / wide, region.shape[0] / high
        region = cv2.resize(region, (wide, high), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        matrix = crop_from_region.matrix @ np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])
    else:
        matrix = crop_from_region.matrix
    crop = cv2.warpAffine(region, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return crop.astype(np.uint8, copy=False)
