"""The inside of a mouth that opens: teeth, tongue and the dark behind them, drawn.

No photograph shows what closed lips hide, but its place is known: the upper teeth are fixed in the
skull, the lower ones and the tongue hang on the jaw (`icface.model.mouth.anatomy`). They are drawn
in the light and the hues of the photo, as a patch over the moved pixels, where the mouth opens and
the photo shows nothing of its own. The painter sees them and makes them fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from icface.arrays import F32, F64
from icface.face.ramps import Ramp
from icface.model.mouth.anatomy import TONGUE, Jaw, row_of
from icface.model.mouth.teeth import PlacedRow, lay_teeth
from icface.model.mouth.tones import Tones
from icface.model.mouth.tongue import lay_tongue
from icface.model.mouth.view import Gap, View

_TIPS_SHOW = Ramp(0.5, 1.6)
_BETWEEN_ROWS = Ramp(-0.3, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class CavityShading:
    """Light on what lies behind everything.

    Attributes
    ----------
    walls : float
        Brightness of the palate and of the cheeks, over the tongue's.
    throat_cm, throat_high_cm : float
        Half width and half height of the dark throat.
    throat_cm_above : float
        Height of its middle above the top of the tongue.
    sides_cm : float
        Distance from the middle over which the cheeks sink into shade behind the rows of teeth.
    """

    walls: float = 0.56
    throat_cm: float = 1.3
    throat_high_cm: float = 0.65
    throat_cm_above: float = 0.15
    sides_cm: float = 2.2


@dataclass(frozen=True, slots=True, kw_only=True)
class LipShadow:
    """Shadow that lips cast on what lies right behind them.

    Attributes
    ----------
    upper, upper_cm : float
        Share of the light that the upper lip takes at its edge, before `Tones.shade`, and the
        depth over which that fades.
    least : float
        Share of `upper` that stays whatever `Tones.shade`.
    lower, lower_cm : float
        The same of the lower lip.
    corners_cm, corners_shaded_cm : float
        Distance from the corners over which their shade fades, and what `Tones.shade` adds.
    corners : float
        Share of the light that the corners take.
    """

    upper: float = 0.45
    upper_cm: float = 0.13
    least: float = 0.4
    lower: float = 0.14
    lower_cm: float = 0.09
    corners_cm: float = 0.25
    corners_shaded_cm: float = 0.3
    corners: float = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Shading:
    """Shading of everything behind the lips.

    Attributes
    ----------
    cavity : CavityShading
    lips : LipShadow
    between_rows : Ramp
        Distance of the edges of the rows, centimetres: how much light gets in between them.
    behind_teeth : float
        Share of the light that gets behind rows that meet.
    tips_cm : float
        The lower teeth reach at least this far over the lower lip of a mouth that is wide open.
    tips_show : Ramp
        Height of the opening, centimetres: how much that holds.
    """

    cavity: CavityShading = CavityShading()
    lips: LipShadow = LipShadow()
    between_rows: Ramp = _BETWEEN_ROWS
    behind_teeth: float = 0.45
    tips_cm: float = 0.28
    tips_show: Ramp = _TIPS_SHOW


SHADING = Shading()


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
    columns, _ = view.grid()
    gap = Gap.of(lips, columns)
    upper, lower = tones.teeth.upper, tones.teeth.lower
    place = jaw.moves(row_of(lower).place)
    raised = np.array([0.0, _raised_cm(view, gap, place), 0.0])
    tongue = jaw.moves(TONGUE.ends()) + raised
    behind = _behind_teeth(row_of(upper).place, place + raised, tones)
    picture = _cavity(view, gap, tongue, behind)
    lay_tongue(picture, view, gap, tongue, behind)
    lay_teeth(picture, view, gap, PlacedRow(arch=lower, place=place + raised), tones)
    cut = (Gap.of(own.outline, columns).bottom, own.share) if own.share > 0 else None
    in_skull = PlacedRow(arch=upper, place=row_of(upper).place, cut=cut)
    lay_teeth(picture, view, gap, in_skull, tones)
    picture *= _between_lips(view, gap, tones.shade)
    merged: F32 = cv2.merge(list(picture)).astype(np.float32, copy=False)
    return tones.finish.applied(merged, view.per_cm, view.origin)


def _raised_cm(view: View, gap: Gap, place: F64) -> float:
    """How far the lower row is raised so that its tips show over the lower lip.

    The lower lip hangs on the teeth: however a face opens its mouth, it does not sink below them.
    """
    column = gap.tallest
    height = float(gap.bottom[column] - gap.top[column]) / view.per_cm
    edge = view.at(place[len(place) // 2][None])[0, 1]
    shown = (float(gap.bottom[column]) - float(edge)) / view.per_cm
    return max(SHADING.tips_cm * SHADING.tips_show.smooth(height) - shown, 0.0)


def _behind_teeth(upper: F64, lower: F64, tones: Tones) -> Tones:
    """The tones of what lies behind rows of teeth whose edges are at these places (SAMPLES, 3)."""
    apart = float(upper[len(upper) // 2, 1] - lower[len(lower) // 2, 1])
    least = SHADING.behind_teeth
    share = np.float32(least + (1 - least) * SHADING.between_rows.smooth(apart))
    return replace(tones, tongue=tones.tongue * share, dark=tones.dark * share)


def _cavity(view: View, gap: Gap, tongue: F64, tones: Tones) -> F32:
    """(3, H, W) palate and cheeks, and between them the dark of the throat."""
    columns, rows = view.grid()
    s = SHADING.cavity
    _, y = view.at(tongue[1:])[0]
    x = gap.middle
    across = (columns - float(x)) / (s.throat_cm * view.per_cm)
    up = (float(y) - s.throat_cm_above * view.per_cm - rows) / (s.throat_high_cm * view.per_cm)
    sides = np.exp(-((np.abs(columns - float(x)) / (s.sides_cm * view.per_cm)) ** 4))
    wall = (1 - np.exp(-(across**2 + up**2))) * sides
    light, dark = s.walls * tones.tongue, tones.dark
    picture = dark[:, None, None] + (light - dark)[:, None, None] * wall
    return np.asarray(picture, np.float32)


def _between_lips(view: View, gap: Gap, shade: float) -> F32:
    """(H, W) 0..1: the light that the lips let through."""
    columns, rows = view.grid()
    s = SHADING.lips
    under = np.maximum(rows - gap.top, 0) / (s.upper_cm * view.per_cm)
    over = np.maximum(gap.bottom - rows, 0) / (s.lower_cm * view.per_cm)
    near = (s.corners_cm + s.corners_shaded_cm * shade) * view.per_cm
    aside = np.minimum(columns - gap.left, gap.right - columns) / near
    corners = 1 - s.corners * np.exp(-(np.maximum(aside, 0) ** 1.5))
    upper = s.upper * (s.least + (1 - s.least) * shade)
    light = (1 - upper * np.exp(-under)) * (1 - s.lower * np.exp(-over)) * corners
    return np.asarray(light, np.float32)
