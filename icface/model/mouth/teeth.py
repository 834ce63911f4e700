"""A row of teeth with its gums, drawn along its arch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icface.arrays import F32, F64
from icface.face.ramps import smoothstep
from icface.model.mouth.anatomy import SAMPLES, Arch, row_of
from icface.model.mouth.tones import Tones
from icface.model.mouth.view import Gap, View

_AT_EDGE = (0.9, 0.93, 0.96)
"""Light that the translucent last millimetre of a crown gives back: less, and bluer."""
_AT_NECK = (1.0, 0.975, 0.94)
"""Light near the gum: yellower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeethShading:
    """Light on a row of teeth and its gums.

    Attributes
    ----------
    end_on : float
        Sine of the angle to the line of sight from which on a row is drawn in full.
    turned, facing_power : float
        Light on what is turned away, and exponent of the light on what faces the viewer: a row
        ends in shade.
    corridor_cm, stretched : float
        Room between the end of a row and the corner of the lips that needs no more teeth, and the
        most by which half a row is stretched.
    cut_cm : float
        Width of the soft edge below which no teeth are drawn.
    gum_edge_cm : float
        Width of the soft edge between crown and gum.
    edge_px : float
        Least width of the soft edge of the crowns, pixels.
    per_cm_deeper : float
        Light lost per centimetre behind the front teeth.
    least, most : float
        Bounds of that light.
    translucent_cm, neck : float
        Height of the translucent edge, and height over the crown's from which on it is neck.
    gap, gap_fades : float
        Darkness of the gaps between crowns at the edge, and share of it lost at the gum.
    gap_px : float
        Least half width of a gap, pixels: thinner ones are drawn so wide, and lighter.
    gleam, gleam_at, gleam_high : float
        Highlight on the front crowns, and its middle and half height over the crown's.
    gum_evenness : float
        Exponent of the light on gums, which are lit more evenly than teeth.
    gum_between, gum_deep_cm : float
        Light lost by gums between the roots, and height above the crowns at which a gum turns
        into the fold behind the lip.
    gum_wet, gum_wet_cm : float
        Highlight on the gums, and its height above the crowns.
    stipple : float
        Relief of the gums, a share of the light.
    """

    end_on: float = 0.2
    turned: float = 0.3
    facing_power: float = 0.5
    corridor_cm: float = 0.25
    stretched: float = 1.3
    cut_cm: float = 0.1
    gum_edge_cm: float = 0.07
    edge_px: float = 1.2
    per_cm_deeper: float = 0.17
    least: float = 0.3
    most: float = 1
    translucent_cm: float = 0.11
    neck: float = 0.6
    gap: float = 0.3
    gap_fades: float = 0.45
    gap_px: float = 0.7
    gleam: float = 0.15
    gleam_at: float = 0.42
    gleam_high: float = 0.2
    gum_evenness: float = 0.3
    gum_between: float = 0.12
    gum_deep_cm: float = 1.0
    gum_wet: float = 0.1
    gum_wet_cm: float = 0.2
    stipple: float = 0.025


_SHADING = TeethShading()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PlacedRow:
    """A row of teeth where the jaw has taken it.

    Attributes
    ----------
    arch : Arch
    place : (SAMPLES, 3)
        Edges of the teeth, centimetres.
    cut : (W,) array and float, optional
        Rows of pixels below which no teeth are drawn, and how much that counts, 0..1.
    """

    arch: Arch
    place: F64
    cut: tuple[F32, float] | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Columns:
    """A row of teeth under the columns of a view.

    Attributes
    ----------
    edge, height, light, gap, gleam, cover : (W,)
        The row of pixels of the edge; height, pixels; light, gap, gleam and coverage, 0..1.
    """

    edge: F32
    height: F32
    light: F32
    gap: F32
    gleam: F32
    cover: F32

    @classmethod
    def of(cls, view: View, gap: Gap, placed: PlacedRow) -> _Columns | None:
        """The columns of a row; None if the head has turned it away."""
        s, arch, row = _SHADING, placed.arch, row_of(placed.arch)
        columns, _ = view.grid()
        at = _reaching(view, view.at(placed.place), gap)
        first, last = int(at[:, 0].argmin()), int(at[:, 0].argmax())
        if last <= first:
            return None
        number = np.arange(first, last + 1)
        across = np.maximum.accumulate(at[number, 0])
        where = np.interp(columns, across, number)

        def by_column(values: F64) -> F32:
            return np.interp(where, np.arange(SAMPLES), values).astype(np.float32)

        facing = np.clip(np.gradient(at[:, 0]) / (view.per_cm * row.step), 0, 1)
        shown = np.clip(facing / s.end_on, 0, 1)
        cover = shown * shown * np.clip(row.height / arch.heights_cm[-1], 0, 1)
        depth = by_column(row.place[:, 2]) + arch.set_back_cm
        turned = s.turned + (1 - s.turned) * facing**s.facing_power
        light = by_column(row.light * turned)
        light *= np.clip(1 + s.per_cm_deeper * depth, s.least, s.most)
        return cls(
            edge=by_column(at[:, 1]),
            height=by_column(row.height) * np.float32(view.per_cm),
            light=light * np.float32(arch.brightness),
            gap=by_column(row.gap),
            gleam=by_column(row.gleam),
            cover=by_column(cover) * ((columns >= across[0]) & (columns <= across[-1])),
        )


def lay_teeth(picture: F32, view: View, gap: Gap, row: PlacedRow, tones: Tones) -> None:
    """Draw a row of teeth with its gums into a picture (3, H, W)."""
    s, place, gumward = _SHADING, row.place, row.arch.gumward
    teeth = _Columns.of(view, gap, row)
    if teeth is None:
        return
    _, rows = view.grid()
    grain = view.grain(view.at(place[SAMPLES // 2 : SAMPLES // 2 + 1])[0], 0.06)
    reach = (
        slice(0, max(int(teeth.edge.max()) + 3, 0))
        if gumward > 0
        else slice(max(int(teeth.edge.min()) - 2, 0), len(rows))
    )
    picture, rows, grain = picture[:, reach], rows[reach], grain[reach]
    above = gumward * (teeth.edge - rows)  # from the edge towards the gum
    cover = np.clip(above / s.edge_px + 0.5, 0, 1) * teeth.cover
    if row.cut is not None:
        lowest, share = row.cut
        cover *= 1 - share * np.clip((rows - lowest) / (s.cut_cm * view.per_cm) + 0.5, 0, 1)
    over = above - teeth.height  # from the crown into the gum
    gum = smoothstep(np.clip(over / max(s.gum_edge_cm * view.per_cm, 1.5) + 0.5, 0, 1))
    v = np.clip(above / np.maximum(teeth.height, 1), 0, 1)
    edge = np.exp(-np.maximum(above, 0) / (0.6 * s.translucent_cm * view.per_cm))
    neck = smoothstep(np.clip((v - s.neck) / (1 - s.neck), 0, 1))
    between = s.gap * teeth.gap * (1 - s.gap_fades * v)
    crown = teeth.light * (1 - between)
    gleam = s.gleam * teeth.gleam * np.exp(-(((v - s.gleam_at) / s.gleam_high) ** 2))
    flesh = _gum_light(over / view.per_cm, teeth, grain)
    wet = s.gum_wet * (1 - teeth.gap) * teeth.light
    wet = wet * np.exp(-(((over / view.per_cm - s.gum_wet_cm) / 0.08) ** 2)) * (1 + grain).clip(0)
    grey = 1 + (_AT_EDGE[1] - 1) * edge + (_AT_NECK[1] - 1) * neck
    for channel in range(3):
        tint = 1 + (_AT_EDGE[channel] - 1) * edge + (_AT_NECK[channel] - 1) * neck
        tint = grey + tones.coloured * (tint - grey)
        bright = float(tones.tooth[channel])
        tooth = bright * (crown * tint + gleam)
        pink = flesh * float(tones.gum[channel]) + wet * bright
        picture[channel] += (tooth + (pink - tooth) * gum - picture[channel]) * cover


def _reaching(view: View, at: F64, gap: Gap) -> F64:
    """A row's places (SAMPLES, 2), stretched a little where a turned head leaves it short of a lip.

    Cheeks lie on the teeth: next to a row that the head has turned away there is no hole.
    """
    s, middle = _SHADING, float(at[SAMPLES // 2, 0])
    across = at[:, 0] - middle
    room = s.corridor_cm * view.per_cm
    right = (gap.right - room - middle) / max(float(across.max()), 1.0)
    left = (middle - gap.left - room) / max(float(-across.min()), 1.0)
    sides = np.where(across > 0, *(min(max(v, 1.0), s.stretched) for v in (right, left)))
    return np.column_stack([middle + across * sides, at[:, 1]])


def _gum_light(over_cm: F32, teeth: _Columns, grain: F32) -> F32:
    """(H, W) light on gums at heights above the crowns."""
    s = _SHADING
    roots = 1 - s.gum_between * teeth.gap
    deep = smoothstep(np.clip(over_cm / s.gum_deep_cm, 0, 1))
    lit: F32 = teeth.light**s.gum_evenness * roots * (1 - 0.5 * deep) * (1 + s.stipple * grain)
    return lit
