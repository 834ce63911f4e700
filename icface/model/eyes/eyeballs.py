"""Eyeballs of one photo: place and size of its irises, and how much of them it shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.landmarks import EYES, IRISES, LOWER_LID, UPPER_LID
from icface.model.eyes.gaze import DOWN_DEG, RING, RINGS, Eyeball, smooth_lids
from icface.model.eyes.irises import BALL_CM, iris_edge
from icface.model.surface.anchored import Anchored
from icface.model.surface.fine_crop import FINE_CROP_SCALE, in_fine_crop

_SMALLEST_IRIS = 0.13
"""Least radius of an iris, in widths of the eye."""
_LARGEST_IRIS = 0.3
"""Greatest radius of an iris, in widths of the eye."""
_INSET_PX = (0.7, 1.2)
"""Height of the lashes, the shadow and the lid's own edge below the upper lid and above the lower
one, grid pixels: nothing of the eye is taken from there."""
_ASIDE = 0.3
"""Greatest distance of an iris from the tracker's, in its radii."""
_THINNER = 0.9
"""Least radius of an iris over the tracker's."""
_WIDER = 1.3
"""Greatest radius of an iris over the tracker's."""
_ROOMY = 1.04
"""Radius that moves with an iris over its own, so that its soft edge moves too."""
_SMALLEST_PX = 6
"""Width of an eye below which nothing of it is turned, grid pixels."""
_WHITE_FROM = 1.15
"""Distance from the pupil from which on an eye is white, in radii of the iris."""
_LIT_WHITE = 75
"""Percentile of the brightness of the white that counts as its light."""
_RINGS_NEAR = 2
"""Circles on each side whose limits narrow a circle's."""
_DARK_WHITE = 0.62
"""Brightness over that light under which a place shows lashes or a shadow and no white."""
_FOLLOWS = (0.5, 0.72)
"""Least and greatest share of an open eye by which its lid follows a look down."""
_ANGLES_RAD = np.radians(np.arange(-90, 91, 3))
"""Angles at which circles about the pupil are sampled, from the first axis downwards."""


def eyeballs_of(
    source: F64,
    part: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    landmarks: F64,
    pixels_per_cm: float,
    fine_crop: NDArray[np.uint8],
) -> tuple[Eyeball, ...]:
    """The eyeballs of a face, of eyes that are open.

    Parameters
    ----------
    source : (N, 2)
        Surface points, grid pixels.
    part : two of (N,) bool
        The points that are skin, and those that are eyeball.
    landmarks : (478, 2)
        Face-mesh points, grid pixels.
    pixels_per_cm : float
        Grid pixels per centimetre.
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
            continue  # no iris reaches beyond a corner by half its radius
        along_axes = (contour - middle) @ axes.T
        seen, farthest = _seen(along_axes, radius, partial(_sampled, light, middle, axes))
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
    """The iris of one eye in a grey picture of the crop.

    Returns
    -------
    middle : (2,)
        Grid pixels.
    radius : float
        Grid pixels.
    axes : (2, 2)
        See `Eyeball.axes`.
    """
    contour = landmarks[list(ring), :2]
    middle, one, _, other, _ = landmarks[list(IRISES[side]), :2]
    along = (contour[8] - contour[0]) * np.sign(contour[8, 0] - contour[0, 0])
    width = max(float(np.hypot(*along)), 1e-6)
    axes = np.array([along, [-along[1], along[0]]]) / width
    radius = float(
        np.clip(np.hypot(*(one - other)) / 2, _SMALLEST_IRIS * width, _LARGEST_IRIS * width)
    )
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


def _sampled(light: F32, middle: F64, axes: F64, at: F64) -> F32:
    """Brightness (...) of a grey crop at places (..., 2) along axes from a middle."""
    there = in_fine_crop(middle + at @ axes).astype(np.float32)
    seen = cv2.remap(
        light, there[..., 0], there[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(seen, np.float32)


def _seen(contour: F64, radius: float, light: Callable[[F64], F32]) -> tuple[F64, F64]:
    """`Eyeball.seen` and `Eyeball.farthest` of a contour (16, 2) along the axes, from the iris.

    Lashes before the white of an eye, and the shadow of the lid on it, do not count as seen.

    Parameters
    ----------
    contour : (16, 2)
        Along the axes from the iris.
    radius : float
        Radius of the iris, grid pixels.
    light : callable
        Brightness at places (..., 2) along the axes.
    """
    ring_px = radius * RING
    upper, lower = (
        line[np.argsort(line[:, 0])] for line in (contour[UPPER_LID], contour[LOWER_LID])
    )
    radii = np.arange(RINGS)[:, None] * ring_px
    limits, farthest = np.zeros((2, 2, RINGS)), np.zeros(2)
    for right in (0, 1):
        x, y = radii * np.cos(_ANGLES_RAD) * (1 if right else -1), radii * np.sin(_ANGLES_RAD)
        top, bottom = (np.interp(x, line[:, 0], line[:, 1]) for line in (upper, lower))
        above, below = (np.minimum(most, np.maximum(bottom - top, 0) / 4) for most in _INSET_PX)
        within = (x > upper[0, 0]) & (x < upper[-1, 0])
        shown = within & (y >= top + above) & (y <= bottom - below)
        white = shown & (radii > _WHITE_FROM * radius)
        if white.any():
            seen = light(np.stack([x, y], -1))
            lit = float(np.percentile(seen[white], _LIT_WHITE))
            shown &= ~white | (seen > _DARK_WHITE * lit)
        limit = np.zeros(2)
        for ring, row in enumerate(shown):
            if row.any():
                places = np.flatnonzero(row)
                start = places[np.argmin(np.abs(_ANGLES_RAD[places]))]
                hidden = np.flatnonzero(~row)
                first = max(hidden[hidden < start], default=-1) + 1
                last = min(hidden[hidden > start], default=len(row)) - 1
                limit, farthest[right] = _ANGLES_RAD[[first, last]], radii[ring, 0]
            limits[right, :, ring] = limit
        _smooth_limits(limits[right], int(np.ceil(_WHITE_FROM / RING)))
    return limits, farthest


def _smooth_limits(limits: F64, start: int) -> None:
    """Narrow the limits (2, RINGS) of the circles in the white to those of their neighbours.

    Single circles that see farther would be spikes in the filling.
    """
    white = limits[:, start:]
    near = np.pad(white, ((0, 0), (_RINGS_NEAR, _RINGS_NEAR)), "edge")
    beside = np.lib.stride_tricks.sliding_window_view(near, 2 * _RINGS_NEAR + 1, axis=1)
    first, last = beside[0].max(1), beside[1].min(1)
    middle = (first + last) / 2  # of neighbours that see nothing in common
    white[0], white[1] = np.minimum(first, middle), np.maximum(last, middle)
    mean = np.ones(2 * _RINGS_NEAR + 1) / (2 * _RINGS_NEAR + 1)
    for line in white:
        line[:] = np.convolve(np.pad(line, _RINGS_NEAR, "edge"), mean, "valid")
