"""Square crops of pictures for the networks, and head angles within them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import U8
from icface.face.controls import ControlVector
from icface.face.geometry import Similarity, rotation_matrix


def sample_crop(image: U8, crop: Similarity, size: int) -> U8:
    """The square crop (size, size, 3) of an image; large reductions are averaged.

    Parameters
    ----------
    image : (H, W, 3) uint8
        Of any size.
    crop : Similarity
        ``crop_from_image``.
    """
    factor = int(1 / crop.scale) if crop.scale < 0.5 else 1
    corners = crop.inverse().points(
        np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64)
    )
    low = np.clip(np.floor(corners.min(0)) - factor, 0, np.array(image.shape[1::-1]) - 1).astype(
        int
    )
    high = np.clip(np.ceil(corners.max(0)) + factor, low + 1, image.shape[1::-1]).astype(int)
    shape = np.maximum((high - low) // factor, 1)
    high = np.minimum(low + shape * factor, image.shape[1::-1])
    part = image[
        low[1] : high[1], low[0] : high[0]
    ]  # OpenCV warps pictures up to 32767 pixels wide; crops are smaller
    if factor > 1:
        part = cv2.resize(
            part, (int(shape[0]), int(shape[1])), interpolation=cv2.INTER_AREA
        ).astype(np.uint8, copy=False)
    ratio = (high - low) / shape
    into = np.array(
        [[ratio[0], 0, low[0] + (ratio[0] - 1) / 2], [0, ratio[1], low[1] + (ratio[1] - 1) / 2]]
    )
    matrix = np.column_stack([crop.matrix[:, :2] @ into[:, :2], crop.points(into[None, :, 2])[0]])
    warped = cv2.warpAffine(
        part, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return warped.astype(np.uint8, copy=False)


def in_crop(
    controls: ControlVector, crop_from_image: Similarity, own: ControlVector | None = None
) -> ControlVector:
    """The face state in an upright crop, where a tilted head has less roll than in the photo.

    Parameters
    ----------
    controls : ControlVector
        Roll counts from the photo's upright or, of a head that lies on its side, from the nearest
        quarter turn.
    crop_from_image : Similarity
    own : ControlVector, optional
        The photo's own state, by which the crop was laid; `controls` by default.
    """
    turn = crop_from_image.turn_deg
    quarter = 90.0 * round(((controls if own is None else own)["roll"] + turn) / 90.0)
    return controls.with_channels({"roll": controls["roll"] + turn - quarter})


def turn_in_crop(
    crop_from_image: Similarity, before: ControlVector, after: ControlVector
) -> NDArray[np.float64]:
    """(3, 3) rotation of the head between two face states, in the camera frame of the crop."""
    first, last = (
        rotation_matrix(*in_crop(c, crop_from_image, before).angles_deg) for c in (before, after)
    )
    turn: NDArray[np.float64] = last @ first.T
    return turn
