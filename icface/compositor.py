"""A predicted flow applied to the photo at its own resolution.

Only the picture under the face crop is touched, at rest nothing is, and every pixel that moves is one of the photo's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.geometry import Similarity
from icface.model.neutralizer import GRID
from icface.predictor import FacePrediction, Patch, SourceEncoding

Quality = Literal["draft", "full"]
Pixels = NDArray[Any]
_SUPPORT = {"draft": (cv2.INTER_LINEAR, cv2.INTER_LINEAR), "full": (cv2.INTER_CUBIC, cv2.INTER_CUBIC)}
_STILL = 1e-3
_UNSEEN = 1 / 2048
"""Paint weaker than this share of the range of values is taken for none."""
_BAND_PIXELS = 1 << 21


def composite(
    image: Pixels,
    encoding: SourceEncoding,
    prediction: FacePrediction,
    *,
    quality: Quality = "full",
    checkpoint: Callable[[], None] = lambda: None,
) -> Pixels:
    """The edited photo.

    Parameters
    ----------
    image : (H, W, 3 or 4) uint8 or uint16
        The photo that was encoded, at the size it was encoded at; alpha moves along.
    quality : "draft" or "full"
        Bilinear, or bicubic for both the flow and the pixels.
    checkpoint : callable, optional
        Called every two megapixels; what it raises ends the work.

    Returns
    -------
    array
        Of the same shape and type; the very same array when nothing changes.
    """
    if prediction.flow is None:
        return image
    region = _touched(image, encoding.crop_from_image, prediction.flow)
    if region is None:
        return image
    left, top, right, bottom = region
    result = image.copy()
    rows = max(_BAND_PIXELS // (right - left), 1)
    for low in range(top, bottom, rows):  # a face that fills 100 megapixels must not need several arrays of that size
        checkpoint()
        high = min(low + rows, bottom)
        result[low:high, left:right] = _moved(image, (left, low, right, high), encoding, prediction, quality)
    return result


def _moved(
    image: Pixels, region: tuple[int, int, int, int], encoding: SourceEncoding, prediction: FacePrediction, quality: Quality
) -> Pixels:
    """The edited pixels of a region: left, top, right, bottom in the image."""
    left, top, right, bottom = region
    here = Similarity((1, 0, -left, 0, 1, -top)) @ encoding.crop_from_image.inverse()  # region from grid
    wide, high = right - left, bottom - top
    assert prediction.flow is not None
    moved = _sampled(image, region, here, prediction.flow, quality)
    if prediction.back is not None and prediction.back_flow is not None and prediction.back.any():
        share: Pixels = cv2.warpAffine(prediction.back, here.matrix, (wide, high), flags=cv2.INTER_LINEAR)
        if share.any():
            box = _bounds(share)
            inner = (left + box[0], top + box[1], left + box[2], top + box[3])
            there = Similarity((1, 0, -box[0], 0, 1, -box[1])) @ here
            behind = _sampled(image, inner, there, prediction.back_flow, quality)
            window = np.s_[box[1] : box[3], box[0] : box[2]]
            moved[window] = _blended(moved[window], behind, share[window][..., None])
    if prediction.cavity is not None and prediction.cavity.any():
        cover: Pixels = cv2.warpAffine(prediction.cavity, here.matrix, (wide, high), flags=cv2.INTER_LINEAR)
        moved = _painted(moved, cover, encoding.cavity_rgb) if cover.any() else moved
    for patch in prediction.patches:
        moved = _with_patch(moved, here, patch, quality)
    return moved


def _with_patch(moved: Pixels, here: Similarity, patch: Patch, quality: Quality) -> Pixels:
    """The painter's colours added under their mask, at the picture's own resolution; alpha stays."""
    paint = patch.colour * patch.mask[..., None]
    rows, columns = (np.flatnonzero((np.abs(paint) > _UNSEEN).any((1 - axis, 2))) for axis in (0, 1))
    if not len(rows):
        return moved
    there = here @ patch.patch_from_grid.inverse()  # region from patch
    x0, x1, y0, y1 = columns[0] - 2, columns[-1] + 2, rows[0] - 2, rows[-1] + 2
    corners = there.points(np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]], np.float64))
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int) + 1
    left, top = max(int(low[0]), 0), max(int(low[1]), 0)
    right, bottom = min(int(high[0]), moved.shape[1]), min(int(high[1]), moved.shape[0])
    if right <= left or bottom <= top:
        return moved
    inner = Similarity((1, 0, -left, 0, 1, -top)) @ there
    colour: Pixels = cv2.warpAffine(
        paint * np.iinfo(moved.dtype).max, inner.matrix, (right - left, bottom - top), flags=_SUPPORT[quality][1]
    )
    window = np.s_[top:bottom, left:right]
    depth = cv2.CV_8U if moved.dtype == np.uint8 else cv2.CV_16U
    moved[window][..., :3] = cv2.add(np.ascontiguousarray(moved[window][..., :3]), colour, dtype=depth)
    return moved


def _sampled(
    image: Pixels, region: tuple[int, int, int, int], here: Similarity, field: NDArray[np.float32], quality: Quality
) -> Pixels:
    """The pixels of a region through one layer's flow; `here` is region from grid."""
    left, top, right, bottom = region
    wide, high = right - left, bottom - top
    flow_support, pixel_support = _SUPPORT[quality]
    flow = field @ here.matrix[:, :2].T.astype(np.float32)  # image pixels
    flow[[1, -2]] = flow[:, [1, -2]] = 0  # as the border: bicubic interpolation looks two rows beyond a pixel
    shift: Pixels = cv2.warpAffine(flow, here.matrix, (wide, high), flags=flow_support, borderMode=cv2.BORDER_CONSTANT)
    source, (from_x, from_y) = _reachable(image, region, flow)
    shift[..., 0] += np.arange(left - from_x, right - from_x, dtype=np.float32)
    shift[..., 1] += np.arange(top - from_y, bottom - from_y, dtype=np.float32)[:, None]
    # None, not an empty array: with that, OpenCV 5 samples the wrong places when it interpolates linearly.
    moved: Pixels = cv2.remap(source, shift, None, pixel_support, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return moved


def _touched(image: Pixels, crop_from_image: Similarity, flow: NDArray[np.float32]) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the pixels that move, in the image."""
    moving = (np.abs(flow[..., 0]) > _STILL) | (np.abs(flow[..., 1]) > _STILL)
    if not moving.any():
        return None
    columns, rows = np.flatnonzero(moving.any(0)), np.flatnonzero(moving.any(1))
    x0, x1, y0, y1 = columns[0] - 1.5, columns[-1] + 1.5, rows[0] - 1.5, rows[-1] + 1.5
    edge = GRID - 0.5
    grid = np.clip(np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]]), -0.5, edge)
    corners = crop_from_image.inverse().points(grid)
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int) + 1
    left, top = max(int(low[0]), 0), max(int(low[1]), 0)
    right, bottom = min(int(high[0]), image.shape[1]), min(int(high[1]), image.shape[0])
    return (left, top, right, bottom) if right > left and bottom > top else None


def _reachable(image: Pixels, region: tuple[int, int, int, int], flow: NDArray[np.float32]) -> tuple[Pixels, tuple[int, int]]:
    """The part of the image from which a region can be filled, and its left top corner.

    OpenCV's remap takes pictures up to 32767 pixels wide; faces are smaller.
    """
    bounds = []
    for axis in (0, 1):
        low, high = min(float(flow[..., axis].min()), 0.0), max(float(flow[..., axis].max()), 0.0)
        margin = 4 + 0.25 * (high - low)  # bicubic interpolation goes beyond the values it is given
        size = image.shape[1 - axis]
        first = int(np.clip(np.floor(region[axis] + low - margin), 0, size - 1))
        bounds.append((first, int(np.clip(np.ceil(region[axis + 2] + high + margin), first + 1, size))))
    (left, right), (top, bottom) = bounds
    return image[top:bottom, left:right], (left, top)


def _painted(moved: Pixels, cover: NDArray[np.float32], rgb: tuple[float, float, float]) -> Pixels:
    """The cavity's colour laid over the moved pixels; alpha stays."""
    left, top, right, bottom = _bounds(cover)
    window = np.s_[top:bottom, left:right]
    depth = np.iinfo(moved.dtype).max / 255
    colour = np.array(rgb, np.float32) * depth
    moved[window][..., :3] = _blended(moved[window][..., :3], colour, cover[window][..., None])
    return moved


def _bounds(mask: Pixels) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is not zero in a mask that is not all zero."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _blended(under: Pixels, over: Pixels, share: Pixels) -> Pixels:
    """`over` laid on `under` by its share, rounded to the depth of `under`; equal pixels stay as they are."""
    mixed: Pixels = (under + (over.astype(np.float32) - under) * share + 0.5).astype(under.dtype)
    return mixed
