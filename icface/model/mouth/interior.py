"""The inside of a mouth that opens: teeth, tongue and the dark behind them, drawn.

No photograph shows what closed lips hide, but its place is known: the upper teeth are fixed in the
skull, the lower ones and the tongue hang on the jaw (`icface.model.mouth.anatomy`). They are drawn
in the light and the hues of the photo, as a patch over the moved pixels, where the mouth opens and
the photo shows nothing of its own. The painter sees them and makes them fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from icface.arrays import F32, F64
from icface.face.ramps import smoothstep
from icface.model.mouth.anatomy import LOWER, SAMPLES, TONGUE, UPPER, Arch, Jaw, row_of
from icface.model.mouth.tones import Tones


@dataclass(frozen=True, slots=True, kw_only=True)
class CavityShading:
    """Light on what lies behind everything, over its own dark tone.

    Attributes
    ----------
    cheeks, cheeks_bared : float
        Brightness added at the cheeks, and where lips draw back and let light in.
    cheek_cm : float
        Distance of the cheeks from the middle.
    palate, palate_cm, palate_below_cm : float
        Brightness added at the palate, its spread, and its depth below the closed lips.
    """

    cheeks: float = 2.4
    cheeks_bared: float = 7.5
    cheek_cm: float = 2.6
    palate: float = 0.5
    palate_cm: float = 0.8
    palate_below_cm: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class LipShadow:
    """Shadow that lips cast on what lies right behind them.

    Attributes
    ----------
    upper_cm, lower_cm : float
        Depth of the shadow below the upper lip and above the lower one.
    upper : float
        Share of the light that the upper lip takes at its edge, before `Tones.shade`.
    lower_least, lower_gain : float
        Share of the light at the lower lip's edge, and what is added away from it.
    """

    upper_cm: float = 0.25
    lower_cm: float = 0.35
    upper: float = 0.38
    lower_least: float = 0.85
    lower_gain: float = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class TongueShading:
    """Shape and light of the tongue's dome.

    *Across* is -1 and 1 at its sides; *rise* is 0 at its foot and 1 along its outline.

    Attributes
    ----------
    foot_weight, top_weight : float
        Weights of the foot's and the top's place in the middle of the dome.
    least_cm : float
        Least height at which it is drawn.
    dip, dip_width : float
        Depth of the furrow in the outline, in heights of the dome, and its width across.
    edge_cm : float
        Width of the soft outline.
    groove, groove_width : float
        Darkness of the furrow on the dome, and its width across.
    foot, falloff : float
        Light at the foot, and what is lost up to the outline, times rise^1.5.
    sides : float
        Share of the light that is lost at the sides, times across².
    wet, wet_at, wet_high, wet_aside, wet_wide : float
        Highlights: their strength, their middle and width along the rise, and across.
    """

    foot_weight: float = 0.7
    top_weight: float = 0.3
    least_cm: float = 0.15
    dip: float = 0.03
    dip_width: float = 0.2
    edge_cm: float = 0.16
    groove: float = 0.1
    groove_width: float = 0.09
    foot: float = 1.05
    falloff: float = 0.8
    sides: float = 0.45
    wet: float = 0.16
    wet_at: float = 0.33
    wet_high: float = 0.16
    wet_aside: float = 0.26
    wet_wide: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class TeethShading:
    """Light on a row of teeth and its gums.

    Attributes
    ----------
    end_on : float
        Sine of the angle to the line of sight from which on a row is drawn in full.
    cut_cm : float
        Width of the soft edge below which no teeth are drawn.
    gum_edge_px : float
        Width of the soft edge between crown and gum, pixels.
    per_cm_deeper : float
        Light lost per centimetre behind the front teeth.
    least, most : float
        Bounds of that light.
    curve, curve_scale, curve_start : float
        Light lost along a crown's height v, 0..1: curve (scale v - start)².
    gap, gap_fades : float
        Darkness of the gaps between crowns at the edge, and share of it lost at the gum.
    gum_evenness : float
        Exponent of the light on gums, which are lit more evenly than teeth.
    """

    end_on: float = 0.2
    cut_cm: float = 0.1
    gum_edge_px: float = 1.5
    per_cm_deeper: float = 0.15
    least: float = 0.22
    most: float = 1
    curve: float = 0.14
    curve_scale: float = 1.8
    curve_start: float = 0.8
    gap: float = 0.3
    gap_fades: float = 0.5
    gum_evenness: float = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Shading:
    """Shading of everything behind the lips."""

    cavity: CavityShading = CavityShading()
    lips: LipShadow = LipShadow()
    tongue: TongueShading = TongueShading()
    teeth: TeethShading = TeethShading()


SHADING = Shading()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class View:
    """A window of the patch: its pixels, and the map from centimetres to them.

    Attributes
    ----------
    pixels : (2, 3)
        Pixels, y down, from centimetres.
    origin : (2,)
        Place of the middle of the closed lips.
    size : (int, int)
        Width and height.
    """

    pixels: F64
    origin: F64
    size: tuple[int, int]

    def at(self, points: F64) -> F64:
        """(N, 2) pixels of points (N, 3) in centimetres."""
        shown: F64 = points @ self.pixels.T + self.origin
        return shown

    @property
    def per_cm(self) -> float:
        """Pixels of a centimetre upwards."""
        return float(-self.pixels[1, 1])

    def grid(self) -> tuple[F32, F32]:
        """Columns (W,) and rows (H, 1) of the pixels."""
        wide, high = self.size
        return np.arange(wide, dtype=np.float32), np.arange(high, dtype=np.float32)[:, None]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PhotoTeeth:
    """The upper teeth that the photo itself shows.

    Attributes
    ----------
    outline : (K, 2)
        The opening that shows them, pixels of the view.
    share : float
        0..1, how much it shows them: no upper teeth are drawn below them.
    """

    outline: F64
    share: float


def draw_interior(view: View, jaw: Jaw, lips: F64, tones: Tones, own: PhotoTeeth) -> F32:
    """(H, W, 3) 0..1: everything behind the lips.

    Parameters
    ----------
    view : View
    jaw : Jaw
    lips : (K, 2)
        The opening of the mouth, pixels of the view.
    tones : Tones
    own : PhotoTeeth
    """
    columns, rows = view.grid()
    picture = _cavity(view, tones)
    _lay_tongue(picture, view, jaw, tones)
    _lay_teeth(picture, view, LOWER, jaw.moves(row_of(LOWER).place), tones)
    lowest = _edges(own.outline, columns)[1] if own.share > 0 else None
    cut = None if lowest is None else (lowest, own.share)
    _lay_teeth(picture, view, UPPER, row_of(UPPER).place, tones, cut=cut)
    top, bottom = _edges(lips, columns)
    s = SHADING.lips
    under = np.clip((rows - top) / (s.upper_cm * view.per_cm), 0, 1)
    over = np.clip((bottom - rows) / (s.lower_cm * view.per_cm), 0, 1)
    picture *= (1 - s.upper * tones.shade * (1 - np.sqrt(under))) * (
        s.lower_least + s.lower_gain * np.sqrt(over)
    )
    merged: F32 = cv2.merge(list(picture)).astype(np.float32, copy=False)
    return merged


def _edges(lips: F64, columns: F32) -> tuple[F32, F32]:
    """Rows of the upper and the lower lip in each column."""
    left, right = int(lips[:, 0].argmin()), int(lips[:, 0].argmax())
    ring = np.roll(lips, -left, axis=0)
    turn = (right - left) % len(lips)
    one, other = ring[: turn + 1], np.concatenate([ring[turn:], ring[:1]])[::-1]
    rows = []
    for line in (one, other):
        order = np.argsort(line[:, 0])
        rows.append(np.interp(columns, line[order, 0], line[order, 1]).astype(np.float32))
    return np.minimum(*rows), np.maximum(*rows)


def _cavity(view: View, tones: Tones) -> F32:
    """(3, H, W) the dark behind everything, lighter towards the cheeks and the palate."""
    columns, rows = view.grid()
    s = SHADING.cavity
    x = (columns - float(view.origin[0])) / view.per_cm
    y = (float(view.origin[1]) - rows) / view.per_cm
    cheeks = s.cheeks + (s.cheeks_bared - s.cheeks) * (1 - tones.shade)
    light = (
        1
        + cheeks * np.clip(np.abs(x) / s.cheek_cm, 0, 1) ** 3
        + s.palate * np.exp(-(((y + s.palate_below_cm) / s.palate_cm) ** 2))
    )
    return np.asarray(light * tones.dark[:, None, None], np.float32)


def _lay_tongue(picture: F32, view: View, jaw: Jaw, tones: Tones) -> None:
    """Draw the back of the tongue, a dome behind the lower teeth that recedes into the dark."""
    columns, rows = view.grid()
    s = SHADING.tongue
    (x0, y0), (x1, y1) = view.at(jaw.moves(TONGUE.ends())).tolist()
    tall = max(y0 - y1, s.least_cm * view.per_cm)
    up = (y0 - rows) / tall
    middle = s.foot_weight * x0 + s.top_weight * x1
    across = (columns - middle) / (TONGUE.half_width_cm * view.per_cm)
    dome = np.sqrt(np.clip(1 - across**2, 0, 1)) - s.dip * np.exp(-((across / s.dip_width) ** 2))
    edge = np.clip((dome - up) * (tall / (s.edge_cm * view.per_cm)) + 0.5, 0, 1)
    rise = np.clip(up / np.maximum(dome, 1e-3), 0, 1)
    groove = s.groove * np.exp(-((across / s.groove_width) ** 2))
    light = (
        (s.foot - s.falloff * rise * np.sqrt(rise))
        * (1 - s.sides * np.clip(across, -1, 1) ** 2)
        * (1 - groove * (1 - rise))
    )
    wet = np.exp(-(((rise - s.wet_at) / s.wet_high) ** 2)) * (
        s.wet * np.exp(-(((np.abs(across) - s.wet_aside) / s.wet_wide) ** 2))
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
    arch: Arch,
    place: F64,
    tones: Tones,
    *,
    cut: tuple[F32, float] | None = None,
) -> None:
    """Draw a row of teeth with its gums.

    Parameters
    ----------
    place : (SAMPLES, 3)
        Edges of the teeth where the jaw has taken them, centimetres.
    cut : (W,) array and float, optional
        Rows below which no teeth are drawn, and how much that counts, 0..1.
    """
    columns, rows = view.grid()
    s, row, gumward = SHADING.teeth, row_of(arch), arch.gumward
    at = view.at(place)
    first, last = int(at[:, 0].argmin()), int(at[:, 0].argmax())
    if last <= first:
        return
    number = np.arange(first, last + 1)  # beyond, the head has turned the row away
    across = np.maximum.accumulate(at[number, 0])
    where = np.interp(columns, across, number)

    def by_column(values: F64) -> F32:
        return np.interp(where, np.arange(SAMPLES), values).astype(np.float32)

    edge, height, light, gap = (
        by_column(values) for values in (at[:, 1], row.height, row.light, row.gap)
    )
    reach = (
        slice(0, max(int(edge.max()) + 2, 0))
        if gumward > 0
        else slice(max(int(edge.min()) - 1, 0), len(rows))
    )
    picture, rows = picture[:, reach], rows[reach]
    above = gumward * (edge - rows)  # from the edge towards the gum
    facing = np.clip(np.gradient(at[:, 0]) / (s.end_on * view.per_cm * row.step), 0, 1)
    cover = (
        np.clip(above + 0.5, 0, 1)
        * by_column(facing * facing)
        * ((columns >= across[0]) & (columns <= across[-1]))
    )
    if cut is not None:
        lowest, share = cut
        cover *= 1 - share * np.clip((rows - lowest) / (s.cut_cm * view.per_cm) + 0.5, 0, 1)
    gum = np.clip((above - height * view.per_cm) / s.gum_edge_px + 0.5, 0, 1)
    v = np.clip(above / np.maximum(height * view.per_cm, 1), 0, 1)
    depth = by_column(row.place[:, 2]) + arch.set_back_cm
    light *= np.clip(1 + s.per_cm_deeper * depth, s.least, s.most) * arch.brightness
    tooth = (
        (light * (1 - gum))
        * (1 - s.curve * (s.curve_scale * v - s.curve_start) ** 2)
        * (1 - s.gap * gap * (1 - s.gap_fades * v))
    )
    gum *= light**s.gum_evenness
    for channel in range(3):
        picture[channel] += (
            tooth * float(tones.tooth[channel]) + gum * float(tones.gum[channel]) - picture[channel]
        ) * cover
