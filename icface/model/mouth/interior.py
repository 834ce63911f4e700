"""The inside of a mouth that opens: teeth, tongue and the dark behind them, drawn after the anatomy of a mean mouth.

What closed lips hide no photograph tells, but it lies in known places: the upper teeth are fixed in
the skull, the lower ones and the tongue hang on the jaw. They are drawn in the light and the hues
of the photo, as a patch over the moved pixels, where the mouth opens and the photo shows nothing of
its own. The painter sees them and makes them fit.

Convention
----------
Centimetres are those of the head frame (x to the subject's left, y up, z to the front), from the middle of the line between
the closed lips. Crowns have the mean sizes of dental anatomy, arches are even polynomials.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from icface.arrays import F32, F64
from icface.face.ramps import smoothstep

_HALF_CM, _STEPS = 3.0, 361
_UPPER_CM = (
    (0.85, 1.05),
    (0.65, 0.92),
    (0.76, 1.0),
    (0.70, 0.85),
    (0.68, 0.8),
    (1.0, 0.75),
    (0.9, 0.7),
)
_LOWER_CM = (
    (0.52, 0.88),
    (0.58, 0.92),
    (0.69, 1.0),
    (0.70, 0.85),
    (0.71, 0.8),
    (1.1, 0.75),
    (1.0, 0.7),
)
"""Width and height of the crowns from the middle to the last molar but one."""
_SHADES = np.array([1.0, 0.985, 0.94, 0.96, 0.95, 0.93, 0.92])
"""Brightness of each of them: canines are the darkest of those that are seen."""
_BEND = {1: (0.161, 0.038), -1: (0.185, 0.042)}
"""How arches recede: depth a x² + b x⁴."""
_SET_BACK_CM = {1: 0.5, -1: 0.75}
_UPPER_EDGE_CM, _LOWER_EDGE_CM = -0.46, -0.15
_END_ON = 0.2
"""Sine of the angle under which a row is seen, from which on it is seen in full."""
_SPEE = 0.02
"""Edges of the side teeth lie higher, so much times x²."""
_HINGE_CM = np.array([0.0, 5.8, -9.1])
"""Where the jaw turns."""
_JAW_OPENS, _JAW_ASIDE_CM, _JAW_FORWARD_CM = 0.40, 0.55, 0.5
"""Turn, radians, and shifts of the jaw at full intensity."""
_LIT_BY_LIPS = np.array([0.75, 1.0, 1.05], np.float32)
"""Exponents of the share of light that gets between lips, by channel."""
_GUM_EVEN = 0.15
"""Gums are lit more evenly than teeth, which stand out: exponent of the light."""
_CHEEKS, _CHEEKS_BARED = 2.4, 7.5
"""How much lighter the inside of cheeks is than what lies behind everything, in brightnesses of
that; and where lips that draw back let the light in."""
_TONGUE_WIDE_CM, _TONGUE_HIGH_CM, _TONGUE_BACK_CM = 2.35, 0.75, 2.6


@dataclass(frozen=True, slots=True, eq=False)
class Tones:
    """Colours of a mouth in the light of one photo, each (3,) float32, 0..1.

    `shade`, 0..1, is how much lips darken what lies right behind them: less where they draw back.
    """

    tooth: F32
    tongue: F32
    gum: F32
    dark: F32
    shade: float = 1.0

    def dimmed(self, share: float, shade: float = 1.0) -> Tones:
        """The same in so much of the light, 0..1: what lips shade is lit by their red."""
        by = np.float32(share) ** _LIT_BY_LIPS
        return Tones(self.tooth * by, self.tongue * by, self.gum * by, self.dark * by, shade)


@dataclass(frozen=True, slots=True, eq=False)
class Jaw:
    """Where the lower jaw is: the channels of an edit, 0..1."""

    opened: float
    to_left: float = 0.0
    forward: float = 0.0

    def moves(self, points: F64) -> F64:
        """Points (N, 3) of the jaw at rest, where it takes them; a turn is taken as small, as expressions add up."""
        arm, angle = points - _HINGE_CM, _JAW_OPENS * self.opened
        shift = np.array([_JAW_ASIDE_CM * self.to_left, 0.0, _JAW_FORWARD_CM * self.forward])
        moved: F64 = points + shift + angle * np.stack([0 * arm[:, 0], -arm[:, 2], arm[:, 1]], 1)
        return moved


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A row of teeth along its arch, sampled across the mouth.

    Attributes
    ----------
    place : (K, 3) float64
        Edges of the teeth, from the subject's right to left, centimetres.
    height : (K,) float64
        From the edge to the gum, centimetres.
    light : (K,) float64
        0..1, how much of a light from the front each place gets.
    gap : (K,) float64
        0..1, how dark the gap between two teeth makes it.
    step : (K,) float64
        Length of the arch from one place to the next, centimetres.
    """

    place: F64
    height: F64
    light: F64
    gap: F64
    step: F64


@cache
def row_of(jaw: int) -> Row:
    """The upper (1) or the lower row (-1)."""
    crowns = np.array(_UPPER_CM if jaw > 0 else _LOWER_CM)
    bend, quartic = _BEND[jaw]
    x = np.linspace(-_HALF_CM, _HALF_CM, _STEPS)
    z = -_SET_BACK_CM[jaw] - bend * x**2 - quartic * x**4
    slope = -2 * bend * x - 4 * quartic * x**3
    step = np.hypot(1, slope) * (x[1] - x[0])
    along = np.cumsum(step)
    along -= along[_STEPS // 2]
    ends = np.concatenate([[0.0], np.cumsum(crowns[:, 0])])
    number = np.clip(np.searchsorted(ends, np.abs(along), side="right") - 1, 0, len(crowns) - 1)
    middle, half = (ends[number] + ends[number + 1]) / 2, crowns[number, 0] / 2
    inside = np.clip((np.abs(along) - middle) / half, -1, 1)  # -1..1 across a tooth
    rounded = 0.09 * np.abs(inside) ** 5 + 0.02 * inside**2
    longer = (
        np.array([0.0, 0.07, 0.0, 0.04, 0.05, 0.06, 0.08])[number]
        if jaw > 0
        else 0.03 * (number > 1)
    )
    edge = (_UPPER_EDGE_CM if jaw > 0 else _LOWER_EDGE_CM) + jaw * (rounded + longer) + _SPEE * x**2
    place = np.stack([x, edge, z], 1)
    facing = 1 / np.hypot(1, slope)
    bulge = (1 - 0.13 * inside**2) * _SHADES[number] + 0.05 * np.exp(
        -(((inside + 0.15) / 0.4) ** 2)
    )
    gap = np.exp(-(((1 - np.abs(inside)) * half / 0.03) ** 2))
    beyond = np.abs(along) > ends[-1]
    height = crowns[number, 1] * (1 - 0.12 * inside**4) * ~beyond
    return Row(place, height, facing**0.6 * bulge, gap, step)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A window of the patch: its pixels, and how centimetres come to lie in it.

    Attributes
    ----------
    pixels : (2, 3)
        Pixels, y down, from centimetres.
    origin : (2,)
        Where the middle of the closed lips would be.
    size : (int, int)
        Width and height.
    """

    pixels: F64
    origin: F64
    size: tuple[int, int]

    def at(self, points: F64) -> F64:
        """(N, 2) pixels."""
        shown: F64 = points @ self.pixels.T + self.origin
        return shown

    @property
    def per_cm(self) -> float:
        """Pixels of a centimetre upwards."""
        return float(-self.pixels[1, 1])


def drawn(view: View, jaw: Jaw, lips: F64, tones: Tones, own: tuple[F64, float]) -> F32:
    """(H, W, 3) 0..1: everything behind the lips.

    Parameters
    ----------
    lips : (K, 2)
        The opening of the mouth, pixels of the view.
    own : ((K, 2), float)
        Where the photo's own upper teeth are, and how much it shows them, 0..1: none are drawn
        below those.
    """
    wide, high = view.size
    grid = columns, rows = (
        np.arange(wide, dtype=np.float32),
        np.arange(high, dtype=np.float32)[:, None],
    )
    picture = _depth(view, grid, tones)
    _lay_tongue(picture, view, jaw, grid, tones)
    _lay_teeth(picture, view, jaw, grid, tones)
    ring, shown = own
    lowest = _edges(ring, columns)[1] if shown > 0 else None
    _lay_teeth(picture, view, None, grid, tones, unless=(lowest, shown))
    top, bottom = _edges(lips, columns)
    under = np.clip((rows - top) / (0.25 * view.per_cm), 0, 1)
    over = np.clip((bottom - rows) / (0.35 * view.per_cm), 0, 1)
    picture *= (1 - 0.38 * tones.shade * (1 - np.sqrt(under))) * (0.85 + 0.15 * np.sqrt(over))
    merged: F32 = cv2.merge(list(picture)).astype(np.float32, copy=False)
    return merged


def _edges(lips: F64, columns: F32) -> tuple[F32, F32]:
    """Rows of the upper and the lower lip in each column."""
    left, right = int(lips[:, 0].argmin()), int(lips[:, 0].argmax())
    ring = np.roll(lips, -left, axis=0)
    turn = (right - left) % len(lips)
    one, other = ring[: turn + 1], np.concatenate([ring[turn:], ring[:1]])[::-1]
    found = []
    for line in (one, other):
        order = np.argsort(line[:, 0])
        found.append(np.interp(columns, line[order, 0], line[order, 1]).astype(np.float32))
    return np.minimum(*found), np.maximum(*found)


def _depth(view: View, grid: tuple[F32, F32], tones: Tones) -> F32:
    """(3, H, W) what lies behind everything: dark, lighter towards the cheeks and the palate."""
    columns, rows = grid
    x = (columns - float(view.origin[0])) / view.per_cm
    y = (float(view.origin[1]) - rows) / view.per_cm
    cheeks = _CHEEKS + (_CHEEKS_BARED - _CHEEKS) * (1 - tones.shade)
    light = (
        1 + cheeks * np.clip(np.abs(x) / 2.6, 0, 1) ** 3 + 0.5 * np.exp(-(((y + 0.1) / 0.8) ** 2))
    )
    return np.asarray(light * tones.dark[:, None, None], np.float32)


def _lay_tongue(picture: F32, view: View, jaw: Jaw, grid: tuple[F32, F32], tones: Tones) -> None:
    """The back of the tongue, a dome behind the lower teeth that recedes into the dark."""
    columns, rows = grid
    ends = np.array(
        [
            [0.0, _LOWER_EDGE_CM - 0.25, -1.1],
            [0.0, _LOWER_EDGE_CM + _TONGUE_HIGH_CM, -1.1 - _TONGUE_BACK_CM],
        ]
    )
    (x0, y0), (x1, y1) = view.at(jaw.moves(ends)).tolist()
    tall = max(y0 - y1, 0.15 * view.per_cm)
    up = (y0 - rows) / tall
    across = (columns - (0.7 * x0 + 0.3 * x1)) / (_TONGUE_WIDE_CM * view.per_cm)
    dome = np.sqrt(np.clip(1 - across**2, 0, 1)) - 0.03 * np.exp(-((across / 0.2) ** 2))
    edge = np.clip((dome - up) * (tall / (0.16 * view.per_cm)) + 0.5, 0, 1)
    rise = np.clip(up / np.maximum(dome, 1e-3), 0, 1)  # 1 along the silhouette
    groove = 0.1 * np.exp(-((across / 0.09) ** 2))
    light = (
        (1.05 - 0.8 * rise * np.sqrt(rise))
        * (1 - 0.45 * np.clip(across, -1, 1) ** 2)
        * (1 - groove * (1 - rise))
    )
    wet = np.exp(-(((rise - 0.33) / 0.16) ** 2)) * (
        0.16 * np.exp(-(((np.abs(across) - 0.26) / 0.2) ** 2))
    )
    share = smoothstep(edge)
    for channel in range(3):
        picture[channel] += (
            light * float(tones.tongue[channel])
            + wet * float(tones.tooth[channel])
            - picture[channel]
        ) * share


def _lay_teeth(
    picture: F32,
    view: View,
    jaw: Jaw | None,
    grid: tuple[F32, F32],
    tones: Tones,
    *,
    unless: tuple[F32 | None, float] = (None, 0.0),
) -> None:
    """A row of teeth with its gums; the lower row where the jaw has taken it, the upper one if there is no jaw.

    `unless` are rows (W,) below which none are drawn, and how much that counts.
    """
    columns, rows = grid
    side = 1 if jaw is None else -1
    row = row_of(side)
    at = view.at(row.place if jaw is None else jaw.moves(row.place))
    first, last = (
        int(at[:, 0].argmin()),
        int(at[:, 0].argmax()),
    )  # what the head has turned away is hidden
    if last <= first:
        return
    number = np.arange(first, last + 1)
    across = np.maximum.accumulate(at[number, 0])
    where = np.interp(columns, across, number)

    def here(values: F64) -> F32:
        return np.interp(where, np.arange(_STEPS), values).astype(np.float32)

    edge, height, light, gap = here(at[:, 1]), here(row.height), here(row.light), here(row.gap)
    reach = (
        slice(0, max(int(edge.max()) + 2, 0))
        if side > 0
        else slice(max(int(edge.min()) - 1, 0), len(rows))
    )
    picture, rows = picture[:, reach], rows[reach]
    above = side * (edge - rows)  # from the edge towards the gum
    seen = np.clip(
        np.gradient(at[:, 0]) / (_END_ON * view.per_cm * row.step), 0, 1
    )  # nearly end on, a row is a blur
    cover = (
        np.clip(above + 0.5, 0, 1)
        * here(seen * seen)
        * ((columns >= across[0]) & (columns <= across[-1]))
    )
    if unless[0] is not None:
        cover *= 1 - unless[1] * np.clip((rows - unless[0]) / (0.1 * view.per_cm) + 0.5, 0, 1)
    gum = np.clip((above - height * view.per_cm) / 1.5 + 0.5, 0, 1)
    v = np.clip(above / np.maximum(height * view.per_cm, 1), 0, 1)
    light *= np.clip(1 + 0.15 * (here(row.place[:, 2]) + _SET_BACK_CM[side]), 0.22, 1) * (
        1.0 if side > 0 else 0.92
    )
    tooth = (
        (light * (1 - gum)) * (1 - 0.14 * (1.8 * v - 0.8) ** 2) * (1 - 0.3 * gap * (1 - 0.5 * v))
    )
    gum *= light**_GUM_EVEN
    for channel in range(3):
        picture[channel] += (
            tooth * float(tones.tooth[channel]) + gum * float(tones.gum[channel]) - picture[channel]
        ) * cover
