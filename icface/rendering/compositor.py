"""Predicted layers and patches laid on the photo at its own resolution.

Nothing outside the face crop changes, and at rest nothing changes at all. Layers move the photo's
own pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import AnyArray
from icface.face.geometry import Similarity
from icface.media import Photo
from icface.model.face.encode import SourceEncoding
from icface.model.face.pose import FacePrediction
from icface.model.mouth.patch import SMOOTH_PX, Patch
from icface.model.networks.neutralizer import GRID
from icface.model.surface.layers import ColourLayer, FlowLayer, Layer
from icface.rendering.behind import before_backdrop
from icface.rendering.lighting import lit
from icface.rendering.sampling import SUPPORT, Quality, blended, sampled

_LIT = ("skin", "folds")
"""Layers whose pixels a change of light changes."""
_STILL = 1e-3
"""Flow, grid pixels, and coverage up to which a pixel counts as at rest."""
_UNSEEN = 1 / 2048
"""Paint up to this share of the range of values counts as none."""
_BAND_PIXELS = 1 << 21
"""Pixels that are edited at a time."""
_EDGE_PX = 1.6
"""Least width of a sharp edge, pixels of the image."""
_EDGE_GRID_PX = 0.35
"""Least width of a sharp edge, grid pixels: large photos are seldom sharp to the pixel."""
_NEAR = np.ones((5, 5), np.uint8)
"""Spots of a mask this close are laid in one go."""


def composite(
    image: AnyArray,
    encoding: SourceEncoding,
    prediction: FacePrediction,
    *,
    quality: Quality = "full",
    checkpoint: Callable[[], None] = lambda: None,
) -> AnyArray:
    """The edited photo.

    Parameters
    ----------
    image : (H, W, 3 or 4) uint8 or uint16
        The encoded photo, at the size of the encoding; alpha moves along.
    quality : "draft" or "full"
        Bilinear, or bicubic for both the flow and the pixels.
    checkpoint : callable, optional
        Called every two megapixels; an exception from it ends the work.

    Returns
    -------
    array
        The edited photo, of the same shape and type; the same array if nothing changes.
    """
    if not prediction.layers:
        return image
    region = _touched(image, encoding.crop_from_image, prediction)
    if region is None:
        return image
    left, top, right, bottom = region
    result = image.copy()
    skin = image
    if prediction.light is not None:
        skin = lit(image, prediction.light, encoding.crop_from_image.inverse())
    rows = max(_BAND_PIXELS // (right - left), 1)
    for low in range(top, bottom, rows):  # in bands: a face may fill 100 megapixels
        checkpoint()
        high = min(low + rows, bottom)
        result[low:high, left:right] = _moved(
            (image, skin), (left, low, right, high), encoding, prediction, quality
        )
    return result


def _moved(
    sources: tuple[AnyArray, AnyArray],
    region: tuple[int, int, int, int],
    encoding: SourceEncoding,
    prediction: FacePrediction,
    quality: Quality,
) -> AnyArray:
    """The edited pixels of a region: left, top, right, bottom in the image.

    The sources are the image, and the image with its skin in another light.
    """
    image, skin = sources
    left, top, right, bottom = region
    image_from_grid = encoding.crop_from_image.inverse()
    here = Similarity((1, 0, -left, 0, 1, -top)) @ image_from_grid  # region from grid
    moved: AnyArray = image[top:bottom, left:right]
    for layer in prediction.layers:
        source = skin if isinstance(layer, FlowLayer) and layer.shows in _LIT else image
        if isinstance(layer, FlowLayer) and layer.surroundings is not None:
            moved = before_backdrop(
                image, source, region, image_from_grid, layer.surroundings, quality
            )
            continue
        moved = _with_layer(moved, source, region, here, layer, quality)
    for patch in prediction.patches:
        moved = _with_patch(moved, here, patch, quality)
    return moved


def _with_layer(
    moved: AnyArray,
    image: AnyArray,
    region: tuple[int, int, int, int],
    here: Similarity,
    layer: Layer,
    quality: Quality,
) -> AnyArray:
    """The region with one layer laid on it; `here` is region from grid."""
    left, top, right, bottom = region
    if layer.coverage is None:
        return sampled(image, region, here, layer.flow, quality)
    for share, (x0, y0, x1, y1) in _shares(layer.coverage, here, (right - left, bottom - top)):
        if isinstance(layer, ColourLayer):
            colour = np.array(layer.rgb, np.float32) * (np.iinfo(moved.dtype).max / 255)
            under = moved[y0:y1, x0:x1, :3]  # alpha stays
            moved[y0:y1, x0:x1, :3] = blended(under, colour, share[..., None])
        else:
            inner = (left + x0, top + y0, left + x1, top + y1)
            there = Similarity((1, 0, -x0, 0, 1, -y0)) @ here
            over = sampled(image, inner, there, layer.flow, quality)
            cover = share if layer.ramp_px is None else _sharpened(share, layer.ramp_px, here)
            moved[y0:y1, x0:x1] = blended(moved[y0:y1, x0:x1], over, cover[..., None])
    return moved


def _sharpened(share: NDArray[np.float32], ramp_px: float, here: Similarity) -> NDArray[np.float32]:
    """A coverage that rises over `ramp_px` grid pixels, with an edge as wide as a photo's own."""
    steeper = ramp_px * here.scale / max(_EDGE_PX, _EDGE_GRID_PX * here.scale)
    edge: NDArray[np.float32] = np.clip((share - 0.5) * max(steeper, 1.0) + 0.5, 0, 1)
    return edge


def _shares(
    mask: NDArray[np.float32], here: Similarity, size: tuple[int, int]
) -> Iterator[tuple[NDArray[np.float32], tuple[int, int, int, int]]]:
    """The spots of a mask at a region's resolution; close ones are joined.

    Parameters
    ----------
    mask : (GRID, GRID) float32
        0..1.
    here : Similarity
        Region from grid.
    size : (int, int)
        Width and height of the region.

    Yields
    ------
    share : (h, w) float32
    bounds : (int, int, int, int)
        Left, top, right, bottom in the region.
    """
    shown = (mask > 0).view(np.uint8)
    left, top, across, down = cv2.boundingRect(shown)
    if not across:
        return
    near = cv2.dilate(shown[top : top + down, left : left + across], _NEAR)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    for x, y, wide, high in boxes[1:count, :4] + np.array([left - 2, top - 2, 4, 4], np.float64):
        corners = here.points(
            np.array([[x, y], [x + wide, y], [x, y + high], [x + wide, y + high]])
        )
        low = np.maximum(np.floor(corners.min(0)).astype(int), 0)
        end = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, size)
        if (end <= low).any():
            continue
        inner = Similarity((1, 0, -float(low[0]), 0, 1, -float(low[1]))) @ here
        into = (int(end[0] - low[0]), int(end[1] - low[1]))
        yield (
            cv2.warpAffine(mask, inner.matrix, into, flags=cv2.INTER_LINEAR),
            (*map(int, low), *map(int, end)),
        )  # type: ignore[misc]


def _with_patch(moved: AnyArray, here: Similarity, patch: Patch, quality: Quality) -> AnyArray:
    """The region with a patch laid on it, at the picture's resolution; alpha stays.

    `here` is region from grid.
    """
    paint = patch.colour * patch.mask[..., None]
    seen = patch.mask > _UNSEEN if patch.opaque else (np.abs(paint) > _UNSEEN).any(2)
    rows, columns = (np.flatnonzero(seen.any(1 - axis)) for axis in (0, 1))
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
    colour: AnyArray = cv2.warpAffine(
        paint * np.iinfo(moved.dtype).max,
        inner.matrix,
        (right - left, bottom - top),
        flags=SUPPORT[quality][1],
    )
    window = np.s_[top:bottom, left:right]
    if patch.smooth is not None:
        share: AnyArray = cv2.warpAffine(
            patch.smooth, inner.matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR
        )
        under = np.ascontiguousarray(moved[window][..., :3])
        moved[window][..., :3] = blended(
            under, cv2.GaussianBlur(under, (0, 0), SMOOTH_PX * inner.scale), share[..., None]
        )
    if patch.opaque:
        cover: AnyArray = cv2.warpAffine(
            patch.mask, inner.matrix, (right - left, bottom - top), flags=SUPPORT[quality][1]
        )
        left_over = np.clip(1 - cover, 0, 1)[..., None]
        moved[window][..., :3] = (moved[window][..., :3] * left_over + 0.5).astype(moved.dtype)
    depth = cv2.CV_8U if moved.dtype == np.uint8 else cv2.CV_16U
    moved[window][..., :3] = cv2.add(
        np.ascontiguousarray(moved[window][..., :3]), colour, dtype=depth
    )
    return moved


def _touched(
    image: AnyArray, crop_from_image: Similarity, prediction: FacePrediction
) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the pixels that move, in the image."""
    bounds = [box for box in (_bounds(layer) for layer in prediction.layers) if box is not None]
    if not bounds:
        return None
    x0, y0 = np.min([box[:2] for box in bounds], axis=0) - 1.5
    x1, y1 = np.max([box[2:] for box in bounds], axis=0) + 1.5
    grid = np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]])
    corners = crop_from_image.inverse().points(grid)
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int) + 1
    left, top = max(int(low[0]), 0), max(int(low[1]), 0)
    right, bottom = min(int(high[0]), image.shape[1]), min(int(high[1]), image.shape[0])
    return (left, top, right, bottom) if right > left and bottom > top else None


def _bounds(layer: Layer) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of the pixels that a layer may change, on the grid; or None."""
    pad = 0
    if layer.coverage is None:
        flow = layer.flow
        if layer.surroundings is not None:
            flow = layer.surroundings.flow
            pad = (len(flow) - GRID) // 2
        size = np.abs(flow).reshape(len(flow), -1)
        by_row, by_column = size.max(1), size.max(0).reshape(-1, 2).max(1)
    elif layer.moves_alone:
        by_row, by_column = layer.coverage.max(1), layer.coverage.max(0)
    else:
        return None
    rows, columns = np.flatnonzero(by_row > _STILL), np.flatnonzero(by_column > _STILL)
    if not len(rows):
        return None
    last = GRID - 1 + pad
    return (
        max(columns[0] - pad, 1 - pad),
        max(rows[0] - pad, 1 - pad),
        min(columns[-1] - pad, last - 1),
        min(rows[-1] - pad, last - 1),
    )


def in_picture(encoding: SourceEncoding, photo: Photo, picture: Photo) -> SourceEncoding:
    """The encoding of a face, for the photo's reduced copy."""
    if picture is photo:
        return encoding
    across, down = photo.width / picture.width, photo.height / picture.height
    photo_from_picture = Similarity((across, 0, (across - 1) / 2, 0, down, (down - 1) / 2))
    return replace(encoding, crop_from_image=encoding.crop_from_image @ photo_from_picture)
