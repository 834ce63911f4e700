"""Pure measures of the likeness of pictures, of sharpness, and of readings against requests.

Convention
----------
Pictures are (H, W, 3) uint8 RGB; masks are (H, W) bool. Differences are of values scaled to 0..1.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

from icface.arrays import U8, Bools
from icface.face.geometry import Similarity
from icface.face.landmarks import MESH_POINTS

MOST_DECIBELS = 100.0
"""The value of `psnr` for equal pictures."""
_FINE_PX = 1.0
"""Standard deviation of the finer Gaussian of `fine_detail`, px."""
_COARSE_PX = 2.0
"""Standard deviation of the coarser Gaussian of `fine_detail`, px."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def hull_mask(points: NDArray[np.floating], shape: tuple[int, ...]) -> Bools:
    """(H, W) mask of the convex hull of the face mesh in a picture of this shape.

    Parameters
    ----------
    points : (478, 2 or 3) array
        Landmarks, pixels of the picture; the irises are ignored.
    """
    corners = np.rint(points[:MESH_POINTS, :2]).astype(np.int32)
    canvas = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(canvas, cv2.convexHull(corners), 1)
    covered: Bools = canvas > 0
    return covered


def masked_l1(a: U8, b: U8, mask: Bools) -> float:
    """Mean absolute difference inside the mask, 0..1; 0 for an empty mask."""
    if not mask.any():
        return 0.0
    return float(np.abs(a[mask].astype(np.int16) - b[mask]).mean() / 255)


def psnr(a: U8, b: U8, mask: Bools) -> float:
    """Peak signal-to-noise ratio inside the mask, dB; at most, and if empty, `MOST_DECIBELS`."""
    error = (a[mask].astype(np.float64) - b[mask]) / 255
    square = float((error**2).mean()) if error.size else 0.0
    return min(MOST_DECIBELS, float(-10 * np.log10(max(square, 1e-30))))


def ssim(a: U8, b: U8, mask: Bools) -> float:
    """Structural similarity, -1..1, the mean over mask and colours; 1 for an empty mask.

    Wang et al. 2004, with Gaussian windows of 1.5 px.
    """
    if not mask.any():
        return 1.0
    _, similar = structural_similarity(  # type: ignore[no-untyped-call]
        a,
        b,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return float(similar[mask].mean())


def fine_detail(image: U8, mask: Bools) -> float:
    """Root mean square of detail inside the mask, 0..1: luma between Gaussians of 1 and 2 px.

    The finer Gaussian suppresses the noise of single pixels, which the variance of a Laplacian
    takes for sharpness.
    """
    if not mask.any():
        return 0.0
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    room = 8
    window = np.s_[
        max(rows[0] - room, 0) : rows[-1] + room, max(columns[0] - room, 0) : columns[-1] + room
    ]
    luma = image[window].astype(np.float32) @ _LUMA / 255
    band = cv2.GaussianBlur(luma, (0, 0), _FINE_PX) - cv2.GaussianBlur(luma, (0, 0), _COARSE_PX)
    return float(np.sqrt((band[mask[window]].astype(np.float64) ** 2).mean()))


def place_and_size(
    from_points: NDArray[np.floating], to_points: NDArray[np.floating]
) -> Similarity:
    """The shift and scale, without rotation, that best align points to others by least squares.

    Parameters
    ----------
    from_points, to_points : (N, 2) array
        The same points in two pictures, pixels.

    Raises
    ------
    ValueError
        If all points of the first coincide.
    """
    before, after = from_points.astype(np.float64), to_points.astype(np.float64)
    middle, there = before.mean(0), after.mean(0)
    spread = float(((before - middle) ** 2).sum())
    if spread <= 0:
        raise ValueError(f"{len(before)} points in one place have no size; give points of a face.")
    scale = float(((before - middle) * (after - there)).sum()) / spread
    x, y = there - scale * middle
    return Similarity((scale, 0.0, float(x), 0.0, scale, float(y)))


def slope(asked: NDArray[np.floating], read: NDArray[np.floating]) -> float:
    """Least-squares slope of readings over requests; NaN if all requests are equal."""
    x, y = asked - asked.mean(), read - read.mean()
    square = float((x**2).sum())
    return float((x * y).sum()) / square if square > 0 else float("nan")


def rank_correlation(asked: NDArray[np.floating], read: NDArray[np.floating]) -> float:
    """Spearman's rank correlation, -1..1; 0 if one of the series is constant."""
    if len(asked) < 2 or np.ptp(read) == 0 or np.ptp(asked) == 0:
        return 0.0
    return float(spearmanr(asked, read).statistic)
