"""Creases drawn on the chart: lines with a dark valley and a light rim where faces fold finely.

Lines of the subject's left half are given; the right half mirrors them. They lie by the chart's
landmarks: brows, eye corners, wings of the nose, corners of the mouth, chin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from icface.arrays import F32, F64

PIXEL_CM = 0.04
"""Side of a pixel of the drawings."""
_REACH_CM = 0.6
"""Room around lines."""
_SAMPLES = 48
"""Points that a line is drawn through."""
_LIT = 0.38
"""Height of the rim over the depth of the valley: light comes from above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a crease.

    Attributes
    ----------
    through : tuple of (float, float)
        Chart points, centimetres.
    width_cm : float
        Standard deviation of the valley.
    depth : float
        Darkening at full strength, logarithm of light.
    rim : float
        Height of the light rim over that of a common one; below the line, or on both sides of one
        that runs down.
    ends : tuple of 2 float
        Shares of the line over which it fades in and out.
    """

    through: tuple[tuple[float, float], ...]
    width_cm: float = 0.1
    depth: float = 0.4
    rim: float = 1.0
    ends: tuple[float, float] = (0.25, 0.3)


LINES: dict[str, tuple[Line, ...]] = {
    "forehead": (
        Line(
            through=((-0.9, -6.15), (0.0, -6.2), (1.8, -6.45), (3.7, -6.55), (5.2, -6.15)),
            width_cm=0.10,
            depth=0.30,
            ends=(0.01, 0.35),
        ),
        Line(
            through=((-0.9, -6.95), (0.0, -7.0), (1.8, -7.2), (3.6, -7.3), (5.0, -6.95)),
            width_cm=0.11,
            depth=0.34,
            ends=(0.01, 0.35),
        ),
        Line(
            through=((-0.9, -7.75), (0.0, -7.8), (1.6, -7.95), (3.2, -8.0), (4.3, -7.75)),
            width_cm=0.11,
            depth=0.26,
            ends=(0.01, 0.4),
        ),
    ),
    "glabella": (
        Line(
            through=((0.62, -4.15), (0.74, -4.5), (0.72, -4.95), (0.62, -5.45)),
            width_cm=0.11,
            depth=0.46,
            rim=0.5,
            ends=(0.35, 0.5),
        ),
        Line(
            through=((0.95, -4.6), (1.1, -4.9), (1.1, -5.25)),
            width_cm=0.10,
            depth=0.24,
            rim=0.5,
            ends=(0.4, 0.5),
        ),
    ),
    "crow": (
        Line(
            through=((5.45, -3.3), (6.1, -3.65), (6.85, -3.85)),
            width_cm=0.08,
            depth=0.22,
            rim=0.7,
            ends=(0.3, 0.5),
        ),
        Line(
            through=((5.6, -2.85), (6.3, -2.85), (7.15, -2.75)),
            width_cm=0.08,
            depth=0.26,
            rim=0.7,
            ends=(0.3, 0.5),
        ),
        Line(
            through=((5.5, -2.35), (6.15, -2.05), (6.9, -1.55)),
            width_cm=0.08,
            depth=0.24,
            rim=0.7,
            ends=(0.3, 0.5),
        ),
    ),
    "nose_root": (
        Line(
            through=((0.45, -3.2), (0.75, -2.75), (1.0, -2.2)),
            width_cm=0.09,
            depth=0.30,
            rim=0.6,
            ends=(0.35, 0.4),
        ),
        Line(
            through=((0.35, -2.5), (0.7, -2.05), (0.95, -1.5)),
            width_cm=0.09,
            depth=0.30,
            rim=0.6,
            ends=(0.35, 0.4),
        ),
    ),
    "nasolabial": (
        Line(
            through=((2.25, 0.55), (2.7, 1.35), (3.25, 2.3), (3.65, 3.3)),
            width_cm=0.13,
            depth=0.30,
            rim=0.5,
            ends=(0.25, 0.5),
        ),
    ),
    "lower_lid": (
        Line(
            through=((2.3, -2.1), (2.9, -1.75), (3.6, -1.7), (4.4, -1.95), (4.95, -2.35)),
            width_cm=0.10,
            depth=0.24,
            rim=0.3,
            ends=(0.3, 0.35),
        ),
    ),
}
"""Lines of the left half, by crease."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Drawn:
    """A crease drawn on a rectangle of the chart.

    Attributes
    ----------
    picture : (H, W) float32
        Logarithm of light at full strength.
    corner_cm : (2,) float64
        Chart point of the first pixel.
    """

    picture: F32
    corner_cm: F64


def draw_creases() -> dict[str, Drawn]:
    """All creases, ``_L`` and ``_R`` of those on both halves."""
    drawn: dict[str, Drawn] = {}
    for name, lines in LINES.items():
        left = _drawn(lines)
        if name == "forehead":
            left = _of_one_half(left)
        drawn[f"{name}_L"] = left
        drawn[f"{name}_R"] = _mirrored(left)
    drawn["chin"] = _dimples()
    return drawn


def _drawn(lines: tuple[Line, ...]) -> Drawn:
    """Lines on the rectangle around them."""
    points = np.array([point for line in lines for point in line.through])
    corner, at = _rectangle(points.min(0) - _REACH_CM, points.max(0) + _REACH_CM)
    picture = np.zeros(at.shape[:2])
    for line in lines:
        picture += _profile(line, at)
    return Drawn(picture=picture.astype(np.float32), corner_cm=corner)


def _rectangle(low: F64, high: F64) -> tuple[F64, F64]:
    """Its corner, and the chart points (H, W, 2) of its pixels."""
    columns, rows = (np.arange(a, b, PIXEL_CM) for a, b in zip(low, high, strict=True))
    return low, np.stack(np.meshgrid(columns, rows), -1)


def _profile(line: Line, at: F64) -> F64:
    """(H, W) light of one line at chart points (H, W, 2)."""
    through = np.array(line.through)
    along = np.linspace(0, 1, len(through))
    path = CubicSpline(along, through)(np.linspace(0, 1, _SAMPLES))
    apart = at[:, :, None] - path
    squared = (apart**2).sum(-1)
    nearest = squared.argmin(2)
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
    normal *= np.where(normal[:, 1:] < 0, -1, 1)  # down
    steep = np.abs(tangent[nearest, 1])  # 1: runs down the face
    offset = np.take_along_axis(apart, nearest[..., None, None], 2)[:, :, 0]
    across = (offset * normal[nearest]).sum(-1)
    beyond = (offset * tangent[nearest]).sum(-1)
    share = nearest / (_SAMPLES - 1)
    start, end = line.ends
    fade = _smooth(share / start) * _smooth((1 - share) / end)
    width = line.width_cm * (0.75 + 0.25 * fade)
    valley = np.exp(-((across / width) ** 2) / 2)
    below, above = (np.exp(-(((across - k * width) / width) ** 2) / 2) for k in (2.4, -2.4))
    rim = below * (1 - steep / 2) + above * steep / 2
    light: F64 = (-valley + _LIT * line.rim * rim) * line.depth * fade
    light *= np.exp(-((np.maximum(np.abs(beyond) - PIXEL_CM * 3, 0) / 0.1) ** 2))
    return light


def _smooth(share: F64) -> F64:
    """Hermite's cubic of shares, clipped to 0..1."""
    s = np.clip(share, 0, 1)
    smooth: F64 = s * s * (3 - 2 * s)
    return smooth


def _of_one_half(drawn: Drawn) -> Drawn:
    """A crease across the middle, faded out there: with its mirror image it is whole."""
    width = drawn.picture.shape[1]
    u = drawn.corner_cm[0] + np.arange(width) * PIXEL_CM
    half = _smooth((u + 0.9) / 1.8).astype(np.float32)
    return Drawn(picture=drawn.picture * half, corner_cm=drawn.corner_cm)


def _mirrored(drawn: Drawn) -> Drawn:
    """The same crease on the other half."""
    left, top = drawn.corner_cm
    right = left + (drawn.picture.shape[1] - 1) * PIXEL_CM
    return Drawn(
        picture=np.ascontiguousarray(drawn.picture[:, ::-1]), corner_cm=np.array([-right, top])
    )


def _dimples(seed: int = 5) -> Drawn:
    """The pebbled skin of a chin that is pushed up, and the fold above it."""
    rng = np.random.default_rng(seed)
    fold = _drawn(
        (
            Line(
                through=((-1.5, 6.75), (-0.7, 6.4), (0, 6.35), (0.7, 6.4), (1.5, 6.75)),
                width_cm=0.14,
                depth=0.2,
                rim=0.5,
                ends=(0.4, 0.4),
            ),
        )
    )
    corner, at = _rectangle(np.array([-2.2, 5.9]), np.array([2.2, 8.8]))
    picture = np.zeros(at.shape[:2])
    spots = rng.uniform((-1.5, 6.7), (1.5, 8.2), (400, 2))
    kept: list[F64] = []
    for spot in spots:  # apart from one another
        if ((spot - (0, 7.4)) ** 2 / (1.5**2, 0.8**2)).sum() < 1 and all(
            np.hypot(*(spot - other)) > 0.3 for other in kept
        ):
            kept.append(spot)
    for spot in kept:
        x, y = np.moveaxis(at - spot, -1, 0)
        size = rng.uniform(0.08, 0.12)
        edge = 1 - ((spot[0] / 1.6) ** 2 + ((spot[1] - 7.4) / 0.9) ** 2)
        dark = np.exp(-(x**2 + (y * 1.15) ** 2) / (2 * size**2))
        light = np.exp(-(x**2 + ((y - 0.16) * 1.15) ** 2) / (2 * size**2))
        picture += rng.uniform(0.14, 0.22) * max(edge, 0) ** 0.5 * (0.5 * light - dark)
    x, y = np.rint((fold.corner_cm - corner) / PIXEL_CM).astype(int)
    height, width = fold.picture.shape
    room = picture[y : y + height, x : x + width]
    room += fold.picture[: room.shape[0], : room.shape[1]]
    return Drawn(picture=picture.astype(np.float32), corner_cm=corner)
