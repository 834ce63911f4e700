"""Closing lids of one face, drawn over the moved pixels from the photo's own skin.

Moving pixels can only stretch the narrow strip of upper lid that the photo shows, with its lashes
and its crease, over the whole ball of the eye. So a closing lid is laid over them: the photo's own
skin around the eye, with the eye painted out (`icface.model.eyes.lid_fill`), shaded as a ball, with
a soft crease and with lashes at the lid's edge (`icface.model.eyes.lashes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.controls import ControlVector
from icface.face.geometry import Similarity
from icface.face.ramps import Ramp, smoothstep
from icface.model.eyes.eye_photo import ROOM, UP, EyePhoto, eye_frame, in_eye_units, unit_axes
from icface.model.eyes.lashes import (
    ABOVE,
    ALONG,
    CLOSED_ROWS,
    DOWN,
    OWN_ROWS,
    OWN_UP,
    T_FROM,
    T_TO,
    LashInk,
    lash_ink,
)
from icface.model.eyes.lid_curve import LID_POINTS, smooth_lid_curve
from icface.model.eyes.lid_fill import FilledEye, seen_eye
from icface.model.eyes.lid_window import on_square
from icface.model.mouth.patch import Patch
from icface.model.surface.anchored import Anchored

_IS_OPEN = Ramp(0.1, 0.2)
"""Height of an eye in its widths, times how far it is open: how much of its closed lid the photo
hides."""
_LID_IS_MADE = Ramp(0.06, 0.3)
"""How far an eye is closed, 0..1: how much of its lid is drawn."""
_BELOW_IS_MADE = Ramp(0.8, 0.96)
"""How far an eye is closed, 0..1: how much is drawn below its edge, over the photo's own eye."""
_LASHES_UP = Ramp(0.8, 0.2)
"""How far an eye is closed, 0..1: how far the photo's own lashes still point up."""
_OWN_LASHES = Ramp(0.95, 0.7)
"""How far an eye is closed, 0..1: how much of the photo's own lashes shows."""
_LASHES_TURN = Ramp(0.3, 0.95)
"""How far an eye is closed, 0..1: how far its lashes have turned down."""
_LASHES_DOWN = Ramp(0.3, 0.75)
"""How far an eye is closed, 0..1: how much of the lashes that point down shows."""
_STRAIGHT = 0.15
"""Share by which a closed line is straighter than the lower lid."""
_STRAIGHTENS = Ramp(0.8, 1.0)
"""How far an eye is closed, 0..1: how much of its line is a closed one's."""
_TOUCHED = Ramp(0.6, 1.0)
"""How far an eye is closed, 0..1: how much of the light that a drawn lid lacks is added."""
_SHADE_ROWS, _SHADE_COLUMNS = 64, 48
"""Size of the map of a lid's light."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BallShading:
    """Light on a lid over the ball of an eye, as shares of the skin's.

    Heights are in shares of the way from the line to the brow, widths in half widths of the eye.

    Attributes
    ----------
    light, light_at, light_high, light_wide : float
        Light in the middle: its strength, height, and spread upwards and across.
    lashes, lashes_high : float
        Shadow at the lashes, and its spread upwards.
    crease, least_crease, most_crease, crease_at, crease_high : float
        Shadow in the crease as a share of the open lid's fold, its least and most, its height, and
        its spread upwards.
    """

    light: float = 0.17
    light_at: float = 0.20
    light_high: float = 0.17
    light_wide: float = 0.7
    lashes: float = 0.05
    lashes_high: float = 0.10
    crease: float = 0.45
    least_crease: float = 0.04
    most_crease: float = 0.14
    crease_at: float = 0.42
    crease_high: float = 0.075


_BALL = BallShading()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LidSkin:
    """The upper lid of one eye, ready to close.

    Attributes
    ----------
    side : str
        ``L`` or ``R``, the subject's.
    outer : int
        1 when the outer corner is on the right, -1 when it is on the left.
    width : float
        Width of the eye, grid pixels.
    upper, lower : Anchored
        Nine points of each lid, from the left to the right.
    around : Anchored
        Points of the skin around the eye.
    around_at : (K, 2) float64
        Their places in the photo, in units of the eye.
    skin : (S, S, 4) float32
        0..1, the photo with the eye painted out, and how much of it covers the moved pixels.
    brow : (S,) float32
        Height of the brow by column, in units of the eye.
    light : (_SHADE_ROWS, _SHADE_COLUMNS) float32
        Light on the closed lid, less the skin's.
    ink : LashInk
    hidden : float
        0..1, how much of the closed lid the photo hides.
    touch : (LID_ROWS, LID_COLUMNS, 3) float32, or None
        Light to add to the closed lid in its window (`icface.model.eyes.lid_window`), in units of
        the range of values.
    """

    side: str
    outer: int
    width: float
    upper: Anchored
    lower: Anchored
    around: Anchored
    around_at: F64
    skin: F32
    brow: F32
    light: F32
    ink: LashInk
    hidden: float
    touch: F32 | None = None

    def line_at(self, moved: F64) -> float:
        """Height of the line of the closed lid in the square after an edit, in units of the eye."""
        upper, lower = self.upper.at(moved), self.lower.at(moved)
        frame = eye_frame(upper[0], upper[-1], self.width, len(self.skin))
        return _mean_height(self._edge(frame, upper, lower, 1.0))

    def drawn(self, moved: F64, closed: float) -> Patch | None:
        """The lid when the eye is closed this far, 0..1; None where nothing shows.

        Parameters
        ----------
        moved : (N, 2 or 3)
            Surface points after the edit, grid pixels.
        """
        amount = _LID_IS_MADE.smooth(closed) * self.hidden
        if amount == 0:
            return None
        size = len(self.skin)
        upper, lower = self.upper.at(moved), self.lower.at(moved)
        frame = eye_frame(upper[0], upper[-1], self.width, size)
        edge = self._edge(frame, upper, lower, closed)
        seen = self.skin_at(frame, moved)
        x, y = unit_axes(size)
        up = edge - y[:, None]
        light = self._light(x, up, edge, closed)
        cover = seen[..., 3] * _shown(up, closed) * np.float32(amount)
        ink = self._ink_at(x, up, closed) * np.float32(self.hidden)
        share = cover * (1 - ink)
        paint = seen[..., :3] * (light * share)[..., None] + self.ink.colour * ink[..., None]
        mask = share + ink
        touched = float(_TOUCHED.smooth(closed)) if self.touch is not None else 0.0
        if self.touch is not None and touched > 0:
            touch = on_square(self.touch, _mean_height(edge), self.outer, size)
            paint = np.maximum(paint + touch * (mask * np.float32(touched))[..., None], 0)
        mask[[0, -1]] = mask[:, [0, -1]] = 0
        colour = paint / np.maximum(mask, 1e-4)[..., None]
        return Patch(frame, colour, mask, opaque=True)

    def _edge(self, frame: Similarity, upper: F64, lower: F64, closed: float) -> F32:
        """Height of the lid's edge by column, (S,), in units of the eye."""
        size = len(self.skin)
        x, _ = unit_axes(size)
        edge, low = (
            smooth_lid_curve(in_eye_units(frame, line, size), LID_POINTS) for line in (upper, lower)
        )
        height, meets = (np.interp(x, line[:, 0], line[:, 1]) for line in (edge, low))
        meets += _STRAIGHT * (float(low[2:7, 1].mean()) - meets)
        height += (meets - height) * _STRAIGHTENS.smooth(closed)
        return height.astype(np.float32)

    def skin_at(self, frame: Similarity, moved: F64) -> F32:
        """(S, S, 4) the skin as the face around the eye has moved: a quadratic map of the plane."""
        size = len(self.skin)
        now = in_eye_units(frame, self.around.at(moved), size)
        by_now = _quadratic(now[:, 0], now[:, 1])
        normal = by_now.T @ by_now + np.diag([1e-6, 1e-6, 1e-6, 0.05, 0.05, 0.05])
        shift = np.linalg.solve(normal, by_now.T @ (self.around_at - now))
        x, y = unit_axes(size)
        terms = shift.astype(np.float32) * np.float32(size / ROOM)
        column = np.arange(size, dtype=np.float32)
        y = y[:, None]
        at_x, at_y = (
            (a[0] + a[1] * x + a[3] * x * x) + y * (a[2] + a[4] * x) + a[5] * y * y + start
            for a, start in ((terms[:, 0], column), (terms[:, 1], column[:, None]))
        )
        return cv2.remap(self.skin, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]

    def _light(self, x: F32, up: F32, edge: F32, closed: float) -> F32:
        """(S, S) light on the lid, 1 beside it."""
        height = np.maximum(edge - self.brow, 0.2)
        row = up * (np.float32(_SHADE_ROWS - 1) / height)
        across = (x + np.float32(0.7)) * np.float32((_SHADE_COLUMNS - 1) / 1.4)
        light = _sampled(self.light, across, row)
        return 1 + np.float32(closed) * light

    def _ink_at(self, x: F32, up: F32, closed: float) -> F32:
        """(S, S) 0..1: coverage by the lid's lashes and its line."""
        t = x * self.outer + np.float32(0.5)
        column = (t - np.float32(T_FROM)) * np.float32((ALONG - 1) / (T_TO - T_FROM))
        ink = np.zeros_like(up)
        pointing = float(_OWN_LASHES.smooth(closed)) * float(_LID_IS_MADE.smooth(closed))
        if pointing > 0:
            reach = OWN_UP * (0.45 + 0.55 * float(_LASHES_UP.smooth(closed)))
            row = up * np.float32((OWN_ROWS - 1) / reach)
            ink = np.float32(pointing) * _sampled(self.ink.own, column, row)
        turned = float(_LASHES_DOWN.smooth(closed))
        if turned > 0:
            stretch = np.float32(0.3 + 0.7 * _LASHES_TURN.smooth(closed))
            per_unit = np.float32((CLOSED_ROWS - 1) / (ABOVE + DOWN))
            down = _sampled(self.ink.closed, column, (np.float32(ABOVE) - up / stretch) * per_unit)
            ink = np.maximum(ink, down * np.float32(turned))
        return ink


def _mean_height(edge: F32) -> float:
    """Mean height of an edge (S,) between the corners, in units of the eye."""
    x, _ = unit_axes(len(edge))
    return float(edge[np.abs(x) < 0.5].mean())


def _sampled(table: F32, columns: F32, rows: F32) -> F32:
    """(S, S) a table at columns (S,) and rows (S, S), 0 beyond its border."""
    at = np.ascontiguousarray(np.broadcast_to(columns, rows.shape))
    sampled = cv2.remap(table, at, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(sampled, np.float32)


def _shown(up: F32, closed: float) -> F32:
    """(S, S) 0..1: how much is drawn at heights over the edge, and below it as far as it is shut.

    Heights are in units of the eye.
    """
    above = np.clip(up * np.float32(len(up) / ROOM) + np.float32(0.5), 0, 1)
    shown: F32 = above + (1 - above) * np.float32(_BELOW_IS_MADE.smooth(closed))
    return shown


def _quadratic(x: F64, y: F64) -> F64:
    """(K, 6) terms of a quadratic map at places (K,)."""
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)


def _ball_light(fold: float) -> F32:
    """(_SHADE_ROWS, _SHADE_COLUMNS) `BallShading` in numbers: light to add, 0 along the border."""
    s = _BALL
    crease = float(np.clip(s.crease * fold, s.least_crease, s.most_crease))
    up = np.linspace(0, 1, _SHADE_ROWS)[:, None]
    across = np.linspace(-1.4, 1.4, _SHADE_COLUMNS)
    inside = smoothstep(np.clip((1.25 - np.abs(across)) / 0.5, 0, 1))
    light = s.light * np.exp(
        -(((up - s.light_at) / s.light_high) ** 2) - (across / s.light_wide) ** 2
    )
    shadow = s.lashes * np.exp(-((up / s.lashes_high) ** 2)) + crease * np.exp(
        -(((up - s.crease_at + 0.10 * across**2) / s.crease_high) ** 2)
    )
    shade = (light - shadow) * inside
    shade[[-1]] = shade[:, [0, -1]] = 0
    return shade.astype(np.float32)


def lid_skins(
    source: F64, skin: NDArray[np.bool_], eyes: Iterable[FilledEye], controls: ControlVector
) -> tuple[LidSkin, ...]:
    """The upper lids of a face's eyes.

    Parameters
    ----------
    source : (N, 2)
        Surface points, grid pixels.
    skin : (N,) bool
        The points that are neither eyeball nor mouth.
    eyes : iterable of FilledEye
    controls : ControlVector
        The photo's own.
    """
    own, eyes = np.flatnonzero(skin), tuple(eyes)
    if not len(own):
        return ()
    seen = min((seen_eye(eye.photo) for eye in eyes), default=1.0)  # glasses cover both
    return tuple(_lid_skin(eye, source, own, controls, seen) for eye in eyes)


def _lid_skin(
    filled: FilledEye, source: F64, own: NDArray[np.int64], controls: ControlVector, seen: float
) -> LidSkin:
    photo = filled.photo

    def anchored(points: F64) -> Anchored:
        return Anchored.of(photo.on_grid(points), source, own)

    ring = _around(photo)
    gap = float((photo.lower[:, 1] - photo.upper[:, 1]).max())
    x, _ = unit_axes(photo.size)
    cover = _cover(photo, filled.painted) * (1 - filled.front)
    return LidSkin(
        side=photo.side,
        outer=photo.outer,
        width=photo.width,
        upper=anchored(photo.upper),
        lower=anchored(photo.lower),
        around=anchored(ring),
        around_at=ring,
        skin=np.ascontiguousarray(np.dstack([filled.skin, cover])),
        brow=np.interp(x, photo.brow[:, 0], photo.brow[:, 1]).astype(np.float32),
        light=_ball_light(filled.fold),
        ink=lash_ink(photo, filled.skin),
        hidden=seen * float(_IS_OPEN.smooth(gap * (1 - controls[f"eyeBlink_{photo.side}"]))),
    )


def _around(photo: EyePhoto) -> F64:
    """(K, 2) places around the eye that no blink moves, in units of the eye."""
    across = np.linspace(-0.45, 0.45, 5)
    brow = np.interp(across, photo.brow[:, 0], photo.brow[:, 1])
    low = np.interp(across, photo.lower[:, 0], photo.lower[:, 1]) + 0.38
    sides = [(s * 0.72, y) for s in (-1, 1) for y in (-0.2, 0.0, 0.2)]
    above, below = (np.stack([across, line], 1) for line in (brow, low))
    return np.concatenate([above, below, np.array(sides)])


def _cover(photo: EyePhoto, painted: F32) -> F32:
    """(S, S) 0..1: where the skin lies over the moved pixels: all that is painted out, and more."""
    x, y = unit_axes(photo.size)
    y = y[:, None]
    upper, lower, brow = (
        np.interp(x, line[:, 0], line[:, 1]) for line in (photo.upper, photo.lower, photo.brow)
    )
    top = np.minimum(upper - 0.1, 0.35 * upper + 0.65 * brow)
    soft = 0.08
    box = (
        np.clip((y - top) / soft + 1, 0, 1)
        * np.clip((lower + 0.04 - y) / 0.05 + 1, 0, 1)
        * np.clip((0.72 - np.abs(x)) / 0.12, 0, 1)
    )
    cover = np.maximum(smoothstep(box), np.clip(painted * 1.6, 0, 1))
    inside = 0.5 * ROOM - np.maximum(np.abs(x), np.abs(y + UP))
    covered: F32 = (cover * np.clip(inside / 0.06, 0, 1)).astype(np.float32)
    return covered


def closed_lids(
    skins: Iterable[LidSkin], closed: Mapping[str, float], moved: F64
) -> tuple[Patch, ...]:
    """The lids that close.

    Parameters
    ----------
    closed : mapping
        Share of the open eye that closes, 0..1, for the sides ``L`` and ``R`` that close.
    moved
        See `LidSkin.drawn`.
    """
    drawn = [skin.drawn(moved, closed[skin.side]) for skin in skins if skin.side in closed]
    return tuple(patch for patch in drawn if patch is not None)
