"""Lashes of one upper lid as ink beside its edge: as the photo has them, and pointing down.

Coordinates of the ink are t along the lid, from 0 at the inner corner to 1 at the outer, and v
above the lid's edge, in widths of the eye. An open lid carries the photo's own dark lashes above
its edge. Those of a closed one point down and outwards, below the line where the lids meet, which
is as dark and as wide as lines of real closed eyes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32
from icface.face.ramps import Ramp, smoothstep
from icface.model.eyes.eye_photo import EyePhoto, unit_axes

ALONG = 320
"""Columns of the ink, from t = `T_FROM` to t = `T_TO`."""
T_FROM, T_TO = -0.1, 1.2
"""The first and the last t of the ink."""
DOWN, ABOVE = 0.24, 0.10
"""Reach of the ink of a closed lid below and above the line."""
CLOSED_ROWS = 96
"""Rows of the ink of a closed lid, from `ABOVE` over the line to `DOWN` below it."""
OWN_UP = 0.14
"""Reach of the photo's own lashes above the edge."""
OWN_ROWS = 48
"""Rows of the photo's own lashes, from the edge up to `OWN_UP`."""
_LINE_AT = 0.34, 0.53
"""Brightness of the line over the skin's: of the darkest and of the lightest lashes."""
_OWN_LASHES = Ramp(0.15, 0.75)
"""Brightness of a photo's lashes over the skin's: how light they are."""
_SHARP, _SOFT = 0.052, 0.115
"""Spread of the line's shade above and below it."""
_LINE_UP = 0.02
"""Height of the darkest part of the line above the lid's edge."""
_TAPER = (-0.08, 0.22, 0.80, 1.14)
"""Places between which the line grows to full strength and those between which it fades."""
_UNEVEN = 0.12
"""How much the line's strength varies along it."""
_THICKEST = 0.64
"""Place at which the line is thickest."""
_STRANDS = 30
"""Number of lashes drawn."""
_TUFTS = 11
"""Number of tufts in which lashes stand a little nearer to each other."""
_LENGTH = (0.05, 0.12)
"""Length of lashes at the inner and the outer corner."""
_LEAN_DEG = (-12.0, 52.0)
"""Lean of lashes to the outer side, at the inner and the outer corner."""


@dataclass(frozen=True, slots=True, eq=False)
class LashInk:
    """The lashes of one upper lid.

    Attributes
    ----------
    own : (OWN_ROWS, ALONG) float32
        0..1, coverage by the photo's own lashes; row 0 is the edge.
    closed : (CLOSED_ROWS, ALONG) float32
        0..1, coverage by the line of a closed lid and the lashes below it.
    colour : (3,) float32
        0..1.
    """

    own: F32
    closed: F32
    colour: F32


def lash_ink(photo: EyePhoto, skin: F32) -> LashInk:
    """The lashes of an eye; `skin` is the photo with the eye painted out."""
    t, own_skin = _beside_edge(photo, skin)
    _, own_seen = _beside_edge(photo, photo.pixels)
    tone = np.maximum(own_skin.mean(2), 1e-3)
    ratio = np.clip(own_seen.mean(2) / tone, 0, 1)
    central = (t > 0.1) & (t < 0.95)
    near = ratio[: OWN_ROWS // 2, central]
    darkest = np.sort(near, axis=0)[: OWN_ROWS // 8].mean(0)
    dark = float(np.median(darkest)) if darkest.size else 0.5
    light = float(_OWN_LASHES(dark))
    # the hue of the darkest pixels, and no lighter than a line of lashes is
    seen = own_seen[: OWN_ROWS // 2][:, central].reshape(-1, 3)
    ink = seen[np.argsort(seen.sum(1))[: max(len(seen) // 12, 1)]].mean(0)
    typical = float(np.median(tone))
    shadow = np.median(own_skin.reshape(-1, 3), axis=0) * (float(ink.mean()) / max(typical, 1e-3))
    ink = (ink + shadow) / 2
    ink = ink * min(1.0, 0.30 * typical / max(float(ink.mean()), 1e-3))
    least = 1 - (_LINE_AT[0] + (_LINE_AT[1] - _LINE_AT[0]) * light)
    ink_share = float(ink.mean()) / max(typical, 1e-3)
    strength = min(least / max(1 - ink_share, 1e-3), 1.0)
    own = np.clip((1 - ratio) / max(1 - ink_share, 1e-3), 0, 1)
    up = np.linspace(0, 1, OWN_ROWS)[:, None]
    own = own * smoothstep(np.clip((1 - up) / 0.5, 0, 1)) * _ends(t)
    closed = _line(strength) + (1 - _line(strength)) * _strands(photo.size) * (0.62 - 0.32 * light)
    return LashInk(own.astype(np.float32), closed.astype(np.float32), ink.astype(np.float32))


def _beside_edge(photo: EyePhoto, pixels: F32) -> tuple[NDArray[np.float32], F32]:
    """T of each column (ALONG,), and the pixels (OWN_ROWS, ALONG, 3) from the edge up."""
    t = np.linspace(T_FROM, T_TO, ALONG).astype(np.float32)
    x = (t - 0.5) * photo.outer
    edge = np.interp(x, photo.upper[:, 0], photo.upper[:, 1])
    y = edge - np.linspace(0, OWN_UP, OWN_ROWS)[:, None]
    columns, rows = unit_axes(photo.size)
    step = columns[1] - columns[0]
    at_x = np.broadcast_to((x - columns[0]) / step, y.shape).astype(np.float32)
    at_y = ((y - rows[0]) / step).astype(np.float32)
    seen = cv2.remap(pixels, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return t, seen.astype(np.float32)


def _ends(t: NDArray[np.float32]) -> NDArray[np.float32]:
    """(ALONG,) 1 along the lid, 0 beyond its corners."""
    inside: NDArray[np.float32] = smoothstep(
        np.clip(t / 0.08, 0, 1) * np.clip((1.04 - t) / 0.08, 0, 1)
    )
    return inside


def _axes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """T of the columns (ALONG,) and v of the rows (CLOSED_ROWS, 1) of the closed lid's ink."""
    return np.linspace(T_FROM, T_TO, ALONG), np.linspace(ABOVE, -DOWN, CLOSED_ROWS)[:, None]


def _line(strength: float) -> NDArray[np.float64]:
    """(CLOSED_ROWS, ALONG) the shade where lids meet: sharp above, soft below, tapered."""
    t, v = _axes()
    v = v - _LINE_UP
    grows = smoothstep(np.clip((t - _TAPER[0]) / (_TAPER[1] - _TAPER[0]), 0, 1))
    fades = smoothstep(np.clip((_TAPER[3] - t) / (_TAPER[3] - _TAPER[2]), 0, 1))
    thick = 1 - 0.7 * np.clip((t - _THICKEST) / _THICKEST, -1, 1) ** 2
    spread = np.where(v > 0, _SHARP * (0.7 + 0.3 * thick), _SOFT * thick)
    shade = strength * grows * fades * np.exp(-((v / spread) ** 2))
    waves = np.random.default_rng(3).normal(0, 1, (3, 2))
    uneven = sum(
        a * np.sin(k * np.pi * t + 3 * b) / k for k, (a, b) in zip((3, 5, 8), waves, strict=True)
    )
    ink: NDArray[np.float64] = np.clip(shade * (1 + _UNEVEN * uneven), 0, 1)
    return ink


@cache
def _strands(size: int) -> NDArray[np.float64]:
    """(CLOSED_ROWS, ALONG) lashes that point down and outwards, for a square of this side."""
    rng = np.random.default_rng(7)
    fine = 4
    ink = np.zeros((CLOSED_ROWS * fine, ALONG * fine), np.uint8)
    per_v, per_t = fine * (CLOSED_ROWS - 1) / (DOWN + ABOVE), fine * (ALONG - 1) / (T_TO - T_FROM)
    for even in 0.1 + 0.92 * np.linspace(0, 1, _STRANDS) ** 0.8:
        tuft = np.round(even * _TUFTS) / _TUFTS
        place = even + 0.3 * (tuft - even) + rng.normal(0, 0.018)
        lean = np.radians(_LEAN_DEG[0] + (_LEAN_DEG[1] - _LEAN_DEG[0]) * place + rng.normal(0, 11))
        longest = _LENGTH[0] + (_LENGTH[1] - _LENGTH[0]) * min(place, 1.0)
        length = longest * rng.uniform(0.55, 1.25)
        part = np.linspace(0, 1, 9)
        curved = lean * (0.55 + 0.75 * part)
        t = place + np.cumsum(np.sin(curved)) / 9 * length
        v = 0.008 - np.cumsum(np.cos(curved)) / 9 * length
        points = np.stack([(t - T_FROM) * per_t, (ABOVE - v) * per_v], 1)
        for k in range(8):
            thick = max(round(fine * (2.2 - 0.22 * k)), 1)
            ends = [tuple(int(c) for c in np.round(points[i])) for i in (k, k + 1)]
            cv2.line(ink, ends[0], ends[1], (int(255 * (1 - 0.09 * k)),), thick, cv2.LINE_AA)
    small = cv2.resize(ink, (ALONG, CLOSED_ROWS), interpolation=cv2.INTER_AREA)
    # a lash finer than a pixel is a faint one
    blur = 0.35 * ALONG / ((T_TO - T_FROM) * max(size / 2.2, 1))
    soft = np.asarray(cv2.GaussianBlur(small, (0, 0), max(blur, 0.5)), np.float64) / 255
    soft.flags.writeable = False
    return soft
