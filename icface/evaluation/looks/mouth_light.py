"""Light and colour inside an open mouth, against the cheek's.

Inside is the opening of the lips, made smaller by a hundredth of the distance between the outer eye
corners. Light is luminance in linear light (a gamma of 2.2); the cheek's is the median of six spots
of the photo. Colours are CIE L*a*b*.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab

from icface.arrays import F64, U8, Bools
from icface.face.landmarks import EYE_CORNERS, INNER_LIP_MIDDLES, INNER_LIPS

PERCENTILES = (5, 25, 50, 75, 95)
CHEEKS = (50, 280, 205, 425, 101, 330)
"""Landmarks on the cheeks."""
_GAMMA = 2.2
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])
_LEAST_PX = 60
"""A smaller opening is not measured."""
_LAB_OF_255 = 2.55
_LEFT_CORNER = 10
"""Position of the left corner in `icface.face.landmarks.INNER_LIPS`; the right one is the first."""


@dataclass(frozen=True, slots=True)
class Cheek:
    """The skin that a mouth is compared with.

    Attributes
    ----------
    light : float
        Luminance in linear light, 0..1.
    lightness, redness : float
        L* (0..100) and a*.
    """

    light: float
    lightness: float
    redness: float


@dataclass(frozen=True, slots=True)
class MouthLight:
    """Light inside a mouth.

    Attributes
    ----------
    percentiles : tuple of 5 float
        `PERCENTILES` of the light over the cheek's.
    teeth_lightness : float
        L* of the brightest tenth less the cheek's, scaled so that white is 255.
    teeth_redness : float
        a* of the brightest fifth less the cheek's.
    """

    percentiles: tuple[float, ...]
    teeth_lightness: float
    teeth_redness: float


def cheek_of(photo: U8, landmarks: NDArray[np.floating]) -> Cheek:
    """The cheeks of a face; landmarks are pixels of the photo, (478, 2 or 3)."""
    spots = [_spot(photo, landmarks[i]) for i in CHEEKS]
    light = float(np.median([_light(spot).mean() for spot in spots]))
    lab = np.median([rgb2lab(spot).reshape(-1, 3).mean(0) for spot in spots], axis=0)
    return Cheek(light, float(lab[0]), float(lab[1]))


def mouth_light(picture: U8, lips: F64, cheek: Cheek, *, eyes_px: float) -> MouthLight | None:
    """The light inside a mouth; None if it is closed.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        RGB.
    lips : (20, 2)
        The opening, in the order of `icface.face.landmarks.INNER_LIPS`, pixels.
    eyes_px : float
        Distance between the outer eye corners, pixels.
    """
    inside = inside_of(picture.shape, lips, margin=max(1, int(eyes_px / 100)))
    if inside.sum() < _LEAST_PX:
        return None
    pixels = picture[inside]
    light = _light(pixels) / max(cheek.light, 0.01)
    order = np.argsort(light)
    lab = rgb2lab(pixels[None])[0][order]
    tenth, fifth = max(len(order) // 10, 1), max(len(order) // 5, 1)
    return MouthLight(
        percentiles=tuple(float(v) for v in np.percentile(light, PERCENTILES)),
        teeth_lightness=float(lab[-tenth:, 0].mean() - cheek.lightness) * _LAB_OF_255,
        teeth_redness=float(lab[-fifth:, 1].mean() - cheek.redness),
    )


def inside_of(shape: tuple[int, ...], lips: F64, *, margin: int) -> Bools:
    """(H, W) the pixels inside the lips, `margin` pixels from them.

    Where the upper lip lies below the lower one the mouth is closed, whatever area they enclose.
    """
    filled = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(filled, [np.rint(uncrossed(lips)).astype(np.int32)], (1,))
    inside: Bools = cv2.erode(filled, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)) > 0
    return inside


def uncrossed(lips: F64) -> F64:
    """(20, 2) an opening whose lips meet where they would cross."""
    along = lips[_LEFT_CORNER] - lips[0]
    down = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-6)
    lower, upper = lips[1:_LEFT_CORNER], lips[:_LEFT_CORNER:-1]
    crossed = ((lower - upper) @ down <= 0)[:, None]
    middle = (lower + upper) / 2
    opening: F64 = lips.copy()
    opening[1:_LEFT_CORNER] = np.where(crossed, middle, lower)
    opening[:_LEFT_CORNER:-1] = np.where(crossed, middle, upper)
    return opening


def eyes_apart_px(landmarks: NDArray[np.floating]) -> float:
    """Distance between the outer eye corners."""
    right, left = (landmarks[i, :2] for i in EYE_CORNERS)
    return float(np.linalg.norm(right - left))


def mouth_gap(landmarks: NDArray[np.floating]) -> float:
    """Gap between the middles of the lips over the distance between the outer eye corners."""
    upper, lower = (landmarks[INNER_LIPS[i], :2] for i in INNER_LIP_MIDDLES)
    return float(np.linalg.norm(upper - lower)) / eyes_apart_px(landmarks)


def _spot(photo: U8, at: NDArray[np.floating]) -> U8:
    """A spot of 5 x 5 pixels of a photo."""
    high, wide = photo.shape[:2]
    x, y = (int(np.clip(v, 0, n - 1)) for v, n in zip(at[:2], (wide, high), strict=True))
    spot: U8 = photo[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
    return spot


def _light(rgb: U8) -> F64:
    """Luminance in linear light, 0..1."""
    light: F64 = np.power(rgb / 255.0, _GAMMA) @ _WEIGHTS
    return light
