"""Eyeballs of one photo: where its irises are, how large, and how much of them it shows."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.landmarks import EYES, IRISES, LOWER_LID, UPPER_LID
from icface.model.eyes.gaze import DOWN_DEG, RING, RINGS, Eyeball, smooth_lids
from icface.model.eyes.irises import BALL_CM, iris_edge
from icface.model.surface.anchored import Anchored
from icface.model.surface.fine_crop import FINE_CROP_SCALE, in_fine_crop

_NOT_SMALLER, _NOT_LARGER = 0.13, 0.3
"""An iris' radius lies between these, in widths of the eye."""
_INSET_PX = (0.7, 1.2)
"""So much of what is seen below the upper and above the lower lid is lashes, shadow and the lid's
own edge, grid pixels."""
_ASIDE, _THINNER, _WIDER = 0.3, 0.9, 1.3
"""How far from where the tracker has it an iris is believed to be, and how much smaller and larger,
in its radii."""
_ROOMY = 1.04
"""The edge of an iris moves along with it."""
_SMALLEST_PX = 6
"""Width of an eye below which nothing of it is turned, grid pixels."""
_FOLLOWS = 0.5, 0.72
"""Least and most of an open eye by which its lid follows."""
_DEGREES = np.radians(np.arange(-90, 91, 3))


def eyeballs_of(
    source: F64,
    part: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    landmarks: F64,
    pixels_per_cm: float,
    fine_crop: NDArray[np.uint8],
) -> tuple[Eyeball, ...]:
    """Those of a face whose eyes are open.

    Parameters
    ----------
    source : (N, 2)
        Surface points, grid pixels.
    part : two of (N,) bool
        Those that are skin, and those that are eyeball.
    landmarks : (478, 2)
        Face-mesh points, grid pixels.
    pixels_per_cm : float
        Of the grid.
    fine_crop : (FINE_CROP_SIZE, FINE_CROP_SIZE, 3) uint8
        The crop's picture.
    """
    skin, eye = (np.flatnonzero(p) for p in part)
    found = []
    light = cv2.cvtColor(fine_crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    irises = {side: _iris(light, landmarks, side, ring) for side, ring in EYES.items()}
    radius = _ROOMY * min(iris[1] for iris in irises.values())  # irises of one face are alike
    for side, ring in EYES.items():
        contour = landmarks[list(ring), :2]
        middle, _, axes = irises[side]
        left, right = sorted((contour[0], contour[8]), key=lambda p: float(p[0]))
        width = float(np.hypot(*(right - left)))
        near = eye[np.hypot(*(source[eye] - contour.mean(0)).T) < 0.6 * width]
        if not len(skin) or len(near) < 12 or width < _SMALLEST_PX:
            continue
        corners = (np.stack([left, right]) - middle) @ axes[0]
        if corners[0] > -radius / 2 or corners[1] < radius / 2:
            continue  # whatever that is, it is no iris
        along_axes = (contour - middle) @ axes.T
        seen, farthest = _seen(along_axes, radius * RING)
        rows, ball_px = near[:: max(len(near) // 40, 1)], BALL_CM * pixels_per_cm
        tall = float(np.ptp((contour - middle) @ axes[1]))
        found.append(
            Eyeball(
                side=side,
                lids=Anchored.of(contour, source, skin),
                rows=rows,
                source=source[rows],
                centre=middle,
                axes=axes,
                radius=radius,
                corners=corners,
                edges=smooth_lids(along_axes),
                seen=seen,
                ring_px=radius * RING,
                farthest=farthest,
                ball_px=ball_px,
                lid_follows=float(
                    np.clip(ball_px * np.sin(np.radians(DOWN_DEG)) / tall, *_FOLLOWS)
                ),
            )
        )
    return tuple(found)


def _iris(light: F32, landmarks: F64, side: str, ring: tuple[int, ...]) -> tuple[F64, float, F64]:
    """Middle and radius of an iris, grid pixels, and the axes of its eye (`Eyeball.axes`), of a grey picture of the crop."""
    contour = landmarks[list(ring), :2]
    middle, one, _, other, _ = landmarks[list(IRISES[side]), :2]
    along = (contour[8] - contour[0]) * np.sign(contour[8, 0] - contour[0, 0])
    width = max(float(np.hypot(*along)), 1e-6)
    axes = np.array([along, [-along[1], along[0]]]) / width
    radius = float(np.clip(np.hypot(*(one - other)) / 2, _NOT_SMALLER * width, _NOT_LARGER * width))
    if width < _SMALLEST_PX:
        return middle, radius, axes
    aside, found = iris_edge(
        light, in_fine_crop(middle), axes, radius * FINE_CROP_SCALE, in_fine_crop(contour)
    )
    aside = float(np.clip(aside / FINE_CROP_SCALE, -_ASIDE * radius, _ASIDE * radius))
    return (
        middle + aside * axes[0],
        float(np.clip(found / FINE_CROP_SCALE, _THINNER * radius, _WIDER * radius)),
        axes,
    )


def _seen(contour: F64, ring_px: float) -> tuple[F64, F64]:
    """`Eyeball.seen` and `Eyeball.farthest` of a contour (16, 2) along the axes, from the iris."""
    upper, lower = (
        line[np.argsort(line[:, 0])] for line in (contour[UPPER_LID], contour[LOWER_LID])
    )
    radii = np.arange(RINGS)[:, None] * ring_px
    limits, farthest = np.zeros((2, 2, RINGS)), np.zeros(2)
    for right in (0, 1):
        x, y = radii * np.cos(_DEGREES) * (1 if right else -1), radii * np.sin(_DEGREES)
        top, bottom = (np.interp(x, line[:, 0], line[:, 1]) for line in (upper, lower))
        above, below = (np.minimum(most, np.maximum(bottom - top, 0) / 4) for most in _INSET_PX)
        within = (x > upper[0, 0]) & (x < upper[-1, 0])
        shown = within & (y >= top + above) & (y <= bottom - below)
        limit = np.zeros(2)
        for ring, row in enumerate(shown):
            if row.any():
                places = np.flatnonzero(row)
                start = places[np.argmin(np.abs(_DEGREES[places]))]
                hidden = np.flatnonzero(~row)
                first = max(hidden[hidden < start], default=-1) + 1
                last = min(hidden[hidden > start], default=len(row)) - 1
                limit, farthest[right] = _DEGREES[[first, last]], radii[ring, 0]
            limits[right, :, ring] = limit
    return limits, farthest
