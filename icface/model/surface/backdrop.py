"""What lies behind a person, and the soft line between the two: a head turns, its background not.

A pixel of a photo is a mix ``alpha * person + (1 - alpha) * background`` (Porter and Duff, 1984).
With the background B known everywhere, the person moved by a backward flow f over the background at
rest is ``I(x + f) + (1 - alpha(x + f)) * (B(x) - B(x + f))``: no colours of the person have to be
estimated, nothing changes where f is 0, and where nobody is, the picture stays to the bit.

The network's matte has 256 pixels. It is refined by a guided filter (He, Sun, Tang, *Guided image
filtering*, ECCV 2010) whose coefficients are kept, so that any size of the photo gets a matte as
fine as its own pixels. Behind the person the background is filled in (Telea, *An image inpainting
technique based on the fast marching method*, 2004), once for every photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32
from icface.face.ramps import Ramp

_REACH_PX = 6
"""Radius of the guided filter, grid pixels."""
_TOLERANCE = 4e-4
"""The guided filter's epsilon: variance of light, 0..1, above which the matte follows edges."""
_CLEAR = Ramp(0.1, 0.85)
"""Refined matte that counts as none and as all: noise of the network is no person."""
_SURE = 0.8
"""The network's matte that joins two pixels into one person."""
_EDGE_PX = 3
"""Reach of a person's soft edge beyond where the matte is sure, grid pixels."""
_FILL_STEP = 3
"""Grid pixels to a pixel of the picture in which the background is filled in."""
_FILL_RADIUS_PX = 4
_TOUCHED = 0.02
"""Matte from which on a pixel's colour is not the background's alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """The background of one face's surroundings, and the matte of the person before it.

    Its fields lie on the grid and reach as far beyond the crop as the head's flow does.

    Attributes
    ----------
    gain, offset : (S, S) float32
        The matte is ``gain * luma + offset``, luma in 0..1, then clipped to `_CLEAR`.
    person : (S, S) float32
        0..1, the matte at the size of the grid.
    hidden : (S, S) float32
        0..1, where the background is not the photo's own.
    behind : (S, S, 3) float32
        0..1, the background where it is hidden.
    grain : float
        Standard deviation of the background's finest detail, of the range of values.
    """

    gain: F32
    offset: F32
    person: F32
    hidden: F32
    behind: F32
    grain: float

    def matte(self, luma: F32, gain: F32, offset: F32) -> F32:
        """(H, W) matte of pixels, given their luma and the coefficients at their places."""
        return np.asarray(_CLEAR(gain * luma + offset), np.float32)


def backdrop_of(picture: NDArray[np.uint8], matte: F32) -> Backdrop:
    """The backdrop of a face's surroundings, from their picture and the network's matte.

    Parameters
    ----------
    picture : (S, S, 3) uint8
    matte : (M, M) float32
        0..1.
    """
    small = picture.astype(np.float32) / np.float32(255)
    rough: F32 = cv2.resize(matte, small.shape[:2], interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    rough = _joined(rough)
    luma = luma_of(small)
    gain, offset = _guided(luma, rough)
    person = np.asarray(_CLEAR(gain * luma + offset), np.float32)
    touched = (np.maximum(person, rough) > _TOUCHED).astype(np.uint8)
    hidden = np.asarray(cv2.dilate(touched, np.ones((5, 5), np.uint8)), np.uint8)
    behind = _filled(small, hidden)
    return Backdrop(
        gain=gain,
        offset=offset,
        person=person,
        hidden=np.asarray(cv2.blur(hidden.astype(np.float32), (3, 3)), np.float32),
        behind=behind,
        grain=_grain(small, hidden),
    )


def _joined(matte: F32) -> F32:
    """The matte of whatever is joined to the middle of the crop: no flag, nobody in the crowd."""
    sure = (matte > _SURE).astype(np.uint8)
    middle = slice(2 * len(matte) // 5, 3 * len(matte) // 5)
    _, labels = cv2.connectedComponents(sure, connectivity=4)
    inside = labels[middle, middle]
    counts = np.bincount(inside[inside > 0], minlength=1)
    if not counts.any():
        return matte
    own = (labels == counts.argmax()).astype(np.uint8)
    near = cv2.dilate(own, np.ones((2 * _EDGE_PX + 1,) * 2, np.uint8))
    return np.asarray(matte * near, np.float32)


def luma_of(pixels: F32) -> F32:
    """(H, W) luma (Rec. 601) of RGB pixels (H, W, 3) or more channels."""
    weights = np.zeros((1, pixels.shape[2]), np.float32)
    weights[0, :3] = 0.299, 0.587, 0.114
    return np.asarray(cv2.transform(pixels, weights), np.float32)


def _guided(luma: F32, matte: F32) -> tuple[F32, F32]:
    """Gain and offset, (S, S) each, of the matte as a linear function of the luma nearby."""
    size = (2 * _REACH_PX + 1, 2 * _REACH_PX + 1)

    def mean(values: F32) -> F32:
        return np.asarray(cv2.blur(values, size), np.float32)

    mean_luma, mean_matte = mean(luma), mean(matte)
    variance = mean(luma * luma) - mean_luma**2
    gain = (mean(luma * matte) - mean_luma * mean_matte) / (variance + np.float32(_TOLERANCE))
    return mean(gain), mean(mean_matte - gain * mean_luma)


def _filled(picture: F32, hidden: NDArray[np.uint8]) -> F32:
    """(S, S, 3) the picture, 0..1, with its hidden part filled in from around."""
    whole = picture.shape[:2]
    side = (whole[0] // _FILL_STEP, whole[1] // _FILL_STEP)
    seen = cv2.resize((1 - hidden).astype(np.float32), side, interpolation=cv2.INTER_AREA)
    small = cv2.resize(picture * (1 - hidden)[..., None], side, interpolation=cv2.INTER_AREA)
    known = seen > 0.5
    if not known.any():
        return picture
    colour = np.clip(small / np.maximum(seen, 1e-3)[..., None] * 255, 0, 255).astype(np.uint8)
    filled = cv2.inpaint(colour, (~known).view(np.uint8), _FILL_RADIUS_PX, cv2.INPAINT_TELEA)
    soft = cv2.GaussianBlur(filled, (0, 0), 1.5)
    large: F32 = cv2.resize(soft, whole, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return large / np.float32(255)


def _grain(picture: F32, hidden: NDArray[np.uint8]) -> float:
    """Standard deviation of the background's finest detail, robust against edges."""
    luma = luma_of(picture)
    fine = np.abs(luma - cv2.blur(luma, (3, 3)))[hidden == 0]
    return float(np.median(fine) * 1.4826) if fine.size else 0.0
