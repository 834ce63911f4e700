"""Irises of a face, found as dark discs between the lids, and the direction in which they look.

The networks learnt from renders whose eyeballs do not turn and from people who look into the
camera, so their irises hardly leave the middle of the eye, and lids are all they know of a gaze.
But they find lids and corners well. Between those an iris is a dark disc beside something brighter;
its place, in a head whose angles are known, tells the look.

Convention
----------
Centimetres are in the scale of the face rig that the networks learnt from, in the head frame: x to
the subject's left, y up, z to the front.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.controls import CHANNELS
from icface.face.geometry import Similarity, rotation_matrix
from icface.face.landmarks import EYE_CORNERS, EYES, IRISES
from icface.face.ramps import Ramp
from icface.model.surface.crops import sample_crop

TO_SIDES_DEG = 32.0
"""Turn of the eyes to a side at full intensity of the channels, as read here and as drawn by
`icface.model.eyes.gaze`."""
BALL_CM = 1.25
"""Distance of the iris from the middle of an eyeball."""
_EYE_PX = 40
"""Width of the eye in the picture that is searched, pixels."""
_WIDE = 64
"""Width of the picture that is searched, pixels."""
_HIGH = 40
"""Height of the picture that is searched, pixels."""
_SHADOW = 0.05
"""Height of shadow and lashes below the upper lid, in widths of the eye."""
_EDGE = 0.017
"""Height of the lower lid's edge, in widths of the eye."""
_RADII = (0.18, 0.21, 0.24)
"""Radii of an iris that are tried, in widths of the eye."""
_ASIDE = 0.02 / 0.167**2
"""Penalty, in contrast, for an iris beside the network's estimate, times squared widths of the
eye."""
_UP = 0.04 / 0.117**2
"""Penalty, in contrast, for an iris above or below the network's estimate, times squared widths of
the eye."""
_LOWER = 0.033
"""Correction downwards of what is found, in widths of the eye: lashes are dark too."""
_LEAST_SEEN = 0.3
"""Least share of an iris' disc that lies between the lids."""
_CONFIDENCE = Ramp(0.2, 0.4)
"""Contrast of an iris, 0..1: how much it counts, and not the network's."""
_NEAREST = 0.6
"""Least distance at which the edge of an iris is searched for, in its radii."""
_FARTHEST = 1.6
"""Greatest distance at which the edge of an iris is searched for, in its radii."""
_RADIAL_STEP = 0.04
"""Step of that search, in radii."""
_REACH = 4
"""Steps on both sides of an edge over which the picture gets lighter."""
_RAYS_RAD = np.radians(np.arange(-30, 31, 6))
"""Angles of the rays along which the edge of an iris is searched for."""
_ENOUGH = 4
"""Least number of rays that show a place."""
_LIGHTER = 12
"""Least rise of brightness at an edge, 0..255."""
_LEFT_MIDDLE_CM = np.array([0.11, 0.14, -0.34])
"""Middle of the left eyeball from the middle of its corners, fitted to people who look into the
camera."""
_APART_CM = 9.27
"""Distance between the outer corners of both eyes."""
_LOOK_SHOWS = Ramp(0.12, 0.18)
"""Distance between the lids, in widths of the eye: how much of a look can be read."""
_WIDEST = 0.9
"""Sine of the largest angle to the camera that counts."""
_TO_LEFT = [CHANNELS.index(name) for name in ("eyeLookOut_L", "eyeLookIn_R")]
"""Positions of the channels that look to the subject's left."""
_TO_RIGHT = [CHANNELS.index(name) for name in ("eyeLookIn_L", "eyeLookOut_R")]
"""Positions of the channels that look to the subject's right."""


def with_irises(landmarks: NDArray[np.floating], image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Landmarks (478, 2 or 3), pixels, with irises where a picture (H, W, 3) shows them."""
    found = landmarks.astype(np.float32)
    for side, points in IRISES.items():
        shift = _shift(landmarks[:, :2].astype(np.float64), image, side)
        if shift is not None:
            found[list(points), :2] += shift.astype(np.float32)
    return found


def _shift(points: F64, image: NDArray[np.uint8], side: str) -> F64 | None:
    """(2,) from the network's iris to the picture's, pixels; None where it shows too little."""
    contour, network = points[list(EYES[side])], points[IRISES[side][0]]
    left, right = sorted((contour[0], contour[8]), key=lambda p: float(p[0]))
    along = right - left
    width = float(np.hypot(*along))
    if not width >= 8:
        return None
    middle, roll_deg = (left + right) / 2, float(np.degrees(np.arctan2(along[1], along[0])))
    square = Similarity.crop(
        centre=(float(middle[0]), float(middle[1])),
        side=width * _WIDE / _EYE_PX,
        roll_deg=roll_deg,
        size=_WIDE,
    )
    rows = slice((_WIDE - _HIGH) // 2, (_WIDE + _HIGH) // 2)
    lids, start = (square.points(p) - (0, rows.start) for p in (contour, network[None]))
    seen = _dark(sample_crop(image, square, _WIDE)[rows], lids)
    if seen is None:
        return None
    at, contrast = _best_disc(*seen, start[0])
    confidence = float(_CONFIDENCE(contrast))
    there = square.inverse().points(at[None] + (0, rows.start + _LOWER * _EYE_PX))[0]
    shift: F64 = (there - network) * confidence
    return shift


def iris_edge(light: F32, centre: F64, axes: F64, radius: float, lids: F64) -> tuple[float, float]:
    """Middle and radius of an iris, refined at its edges.

    The edges to both sides are where the picture gets lighter by most; where it does not, the
    estimate stays.

    Parameters
    ----------
    light : (H, W)
        A grey picture, 0..255.
    centre : (2,)
        Estimate of the middle, pixels.
    axes : (2, 2)
        Unit vectors along the line of the corners, and down.
    radius : float
        Estimate of the radius, pixels.
    lids : (16, 2)
        The eye's contour, pixels.

    Returns
    -------
    aside : float
        Distance of the middle from its estimate along the first axis, pixels.
    radius : float
        Pixels.
    """
    around = (lids - centre) @ axes.T
    upper, lower = (
        line[np.argsort(line[:, 0])]
        for line in (around[:9], np.concatenate([around[8:], around[:1]]))
    )
    radii = radius * np.arange(_NEAREST, _FARTHEST, _RADIAL_STEP)
    x, y = radii[:, None] * np.cos(_RAYS_RAD), radii[:, None] * np.sin(_RAYS_RAD)
    edges = []
    for side in (-1, 1):
        at = centre + np.stack([side * x, y], -1) @ axes
        there = at.astype(np.float32)
        seen = cv2.remap(
            light, there[..., 0], there[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        top, bottom = (np.interp(side * x, line[:, 0], line[:, 1]) for line in (upper, lower))
        shown = (
            (y > top + _SHADOW * radius)
            & (y < bottom - _SHADOW * radius)
            & (np.abs(x) < np.abs(around[:, 0] * side).max())
        )
        enough = shown.sum(1) >= _ENOUGH
        profile = (seen * shown).sum(1) / np.maximum(shown.sum(1), 1)
        rise = np.zeros(len(radii))
        rise[_REACH:-_REACH] = profile[2 * _REACH :] - profile[: -2 * _REACH]
        rise[~enough] = 0
        best = int(
            np.convolve(rise, np.hanning(2 * _REACH + 3), "same").argmax()
        )  # a sharp edge is a plateau
        if rise[best] >= _LIGHTER:
            edges.append((side, float(radii[best])))
    if not edges:
        return 0.0, radius
    if len(edges) == 1:
        return 0.0, edges[0][1]
    (_, left), (_, right) = edges
    return (right - left) / 2, (right + left) / 2


def _dark(picture: NDArray[np.uint8], lids: F64) -> tuple[F32, F32] | None:
    """Darkness of an eye and coverage by its opening, 0..1; None where it shows too little.

    Parameters
    ----------
    picture : (_HIGH, _WIDE, 3) uint8
    lids : (16, 2)
        The eye's contour, pixels.
    """
    inner = lids.copy()
    inner[1:8, 1] += _SHADOW * _EYE_PX
    inner[9:, 1] -= _EDGE * _EYE_PX
    inner[9:, 1] = np.maximum(inner[9:, 1], inner[7:0:-1, 1])
    mask = np.zeros((_HIGH, _WIDE), np.uint8)
    cv2.fillPoly(mask, [np.round(inner * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    share: F32 = mask.astype(np.float32) / np.float32(255)
    if share.sum() < 0.03 * _EYE_PX**2:
        return None
    light = cv2.GaussianBlur(
        picture[..., :2].astype(np.float32) @ np.array([0.6, 0.4], np.float32), (0, 0), 0.8
    )
    low, high = np.percentile(light[share > 0.5], [5, 85]) if (share > 0.5).any() else (0.0, 0.0)
    dark: F32 = 1 - np.clip((light - np.float32(low)) / np.float32(max(high - low, 8)), 0, 1)
    return dark, share.astype(np.float32, copy=False)


def _best_disc(dark: F32, share: F32, start: F64) -> tuple[F64, float]:
    """Middle (2,), pixels, and contrast, 0..1, of the disc that is darkest beside its ring."""
    x, y = np.arange(_WIDE, dtype=np.float32), np.arange(_HIGH, dtype=np.float32)[:, None]
    far = _ASIDE * ((x - start[0]) / _EYE_PX) ** 2 + _UP * ((y - start[1]) / _EYE_PX) ** 2
    best, at, contrast = np.zeros_like(share), (0, 0), -np.inf
    for radius in _RADII:
        disc, ring = _discs(radius)
        within, beside = (_summed(share, kernel) for kernel in (disc, ring))
        darker = _summed(dark * share, disc) / np.maximum(within, 1e-3) - _summed(
            dark * share, ring
        ) / np.maximum(beside, 1e-3)
        within /= disc.sum()
        beside /= ring.sum()
        count = darker * np.minimum(2 * within, 1) * np.minimum(beside / 0.3, 1) - far
        count[(within < _LEAST_SEEN) | (beside < 0.1)] = -1
        if count.max() > contrast:
            contrast = float(count.max())
            best, at = count, np.unravel_index(int(count.argmax()), count.shape)  # type: ignore[assignment]
    top, left = max(at[0] - 2, 0), max(at[1] - 2, 0)
    around = np.clip(best[top : at[0] + 3, left : at[1] + 3] - (contrast - 0.06), 0, None)
    weight = float(around.sum())
    if weight <= 0:
        return start, 0.0
    middle = np.array(
        [
            (around.sum(0) * np.arange(around.shape[1])).sum(),
            (around.sum(1) * np.arange(len(around))).sum(),
        ]
    )
    return middle / weight + (left, top), contrast


def _summed(values: F32, kernel: F32) -> F32:
    total: F32 = cv2.filter2D(values, -1, kernel, borderType=cv2.BORDER_CONSTANT)  # type: ignore[assignment]
    return total


@cache
def _discs(radius: float) -> tuple[F32, F32]:
    """A disc of a radius in widths of the eye, and the ring beside it."""
    r = radius * _EYE_PX
    reach = int(np.ceil(1.5 * r))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    far = np.hypot(x, y)
    disc, inner, outer = (np.clip(s * r - far + 0.5, 0, 1) for s in (1.0, 1.08, 1.5))
    return disc.astype(np.float32), ((outer - inner) * (np.abs(y) < 0.8 * r)).astype(np.float32)


def with_look(controls: F64, landmarks: NDArray[np.floating]) -> F64:
    """Controls (56,) with the irises' gaze to the sides; up and down stay as the lids tell them.

    Parameters
    ----------
    controls : (56,)
        In the order of `icface.face.controls.CHANNELS`, angles in degrees in the picture of the
        landmarks.
    landmarks : (478, 2 or 3)
        Face-mesh points with irises, pixels.
    """
    looking = controls.copy()
    left = look_deg(landmarks, rotation_matrix(*controls[:3])) / TO_SIDES_DEG
    for places, value in ((_TO_LEFT, left), (_TO_RIGHT, -left)):
        looking[places] = np.clip(value, 0, 1)
    return looking


def look_deg(landmarks: NDArray[np.floating], rotation: F64) -> float:
    """Turn of the eyes in the head to the subject's left, degrees; 0 as far as lids hide them.

    Both eyes look the same way, so it is the mean over open eyes.

    Parameters
    ----------
    landmarks : (478, 2 or 3)
        Pixels.
    rotation : (3, 3)
        Head to camera frame.
    """
    points = landmarks[:, :2].astype(np.float64)
    apart = points[EYE_CORNERS[1]] - points[EYE_CORNERS[0]]
    pixels_per_cm = np.hypot(*apart) / max(_APART_CM * float(np.hypot(*rotation[:2, 0])), 1e-6)
    if not pixels_per_cm > 0:
        return 0.0
    turns, weights = [], []
    for side, (iris, *_) in IRISES.items():
        contour = points[list(EYES[side])]
        width = float(np.hypot(*(contour[0] - contour[8])))
        lids = float(np.hypot(*(contour[[3, 4, 5]] - contour[[13, 12, 11]]).T).mean())
        seen = (points[iris] - (contour[0] + contour[8]) / 2) * (1, -1) / pixels_per_cm
        middle = rotation[:2] @ (_LEFT_MIDDLE_CM * ((1 if side == "L" else -1), 1, 1))
        towards = (seen - middle) / BALL_CM
        towards *= min(1.0, _WIDEST / max(float(np.hypot(*towards)), 1e-6))
        x, _, z = rotation.T @ np.array([*towards, np.sqrt(1 - float(towards @ towards))])
        turns.append(float(np.degrees(np.arctan2(x, max(z, 1e-6)))))
        weights.append(_LOOK_SHOWS(lids / max(width, 1e-6)))
    shown = max(weights)
    return shown * float(np.average(turns, weights=weights)) if shown > 0 else 0.0
