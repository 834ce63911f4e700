"""The back of a tongue behind the lower teeth, drawn as a dome with light on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icface.arrays import F32, F64
from icface.face.ramps import smoothstep
from icface.model.mouth.tones import Tones
from icface.model.mouth.view import Gap, View


@dataclass(frozen=True, slots=True, kw_only=True)
class TongueShading:
    """Shape and light of the tongue's dome.

    *Across* is -1 and 1 at its sides; *rise* is 0 at its foot and 1 along its outline.

    Attributes
    ----------
    half_width_cm : float
        Half the width of the dome.
    foot_weight : float
        Weight of the foot's place in the middle of the dome; the rest is the top's.
    between_lips : float
        How much it lies in the middle between the corners of the lips, which a turned head takes
        away from its foot: tongues are soft.
    least_cm : float
        Least height at which it is drawn.
    flatness : float
        Exponent of the dome's outline: 2 is an ellipse, more is flatter.
    dip, dip_width : float
        Depth of the furrow in the outline, in heights of the dome, and its width across.
    edge_cm : float
        Width of the soft outline.
    furrow, furrow_width, shoulder : float
        Darkness of the middle furrow, its width across, and the light of its shoulders.
    foot, top : float
        Light at the foot and at the outline.
    under_teeth, under_teeth_cm : float
        Shade behind the lower teeth, and its height.
    sides : float
        Share of the light that is lost at the sides, times across^4.
    papillae, papilla_cm : float
        Relief of the papillae, a share of the light, and their size.
    wet, wet_at, wet_high, wet_aside, wet_wide, wet_breaks : float
        Highlights: their strength, their middle and width along the rise, and across, and how
        much the papillae break them up.
    """

    half_width_cm: float = 2.25
    foot_weight: float = 0.7
    between_lips: float = 0.55
    least_cm: float = 0.15
    flatness: float = 2.2
    dip: float = 0.05
    dip_width: float = 0.22
    edge_cm: float = 0.2
    furrow: float = 0.1
    furrow_width: float = 0.07
    shoulder: float = 0.05
    foot: float = 1.04
    top: float = 0.55
    under_teeth: float = 0.3
    under_teeth_cm: float = 0.22
    sides: float = 0.4
    papillae: float = 0.022
    papilla_cm: float = 0.07
    wet: float = 0.12
    wet_at: float = 0.3
    wet_high: float = 0.16
    wet_aside: float = 0.3
    wet_wide: float = 0.17
    wet_breaks: float = 0.6


_SHADING = TongueShading()


def lay_tongue(picture: F32, view: View, gap: Gap, ends: F64, tones: Tones) -> None:
    """Draw a tongue into a picture (3, H, W).

    Parameters
    ----------
    ends : (2, 3)
        Foot and far top of the dome, centimetres.
    """
    s = _SHADING
    columns, rows = view.grid()
    (x0, y0), (x1, y1) = view.at(ends).tolist()
    tall = max(y0 - y1, s.least_cm * view.per_cm)
    up = (y0 - rows) / tall
    middle = s.foot_weight * x0 + (1 - s.foot_weight) * x1
    middle += s.between_lips * (gap.middle - middle)
    across = np.clip((columns - middle) / (s.half_width_cm * view.per_cm), -1, 1)
    outline = (1 - np.abs(across) ** s.flatness) ** (1 / s.flatness)
    dome = np.maximum(outline - s.dip * np.exp(-((across / s.dip_width) ** 2)), 1e-3)
    share = smoothstep(np.clip((dome - up) * (tall / (s.edge_cm * view.per_cm)) + 0.5, 0, 1))
    rise = np.clip(up / dome, 0, 1)
    grain = view.grain(np.array([x0, y0]), s.papilla_cm)
    line = np.exp(-((across / s.furrow_width) ** 2))
    beside = np.exp(-(((np.abs(across) - 3 * s.furrow_width) / (2 * s.furrow_width)) ** 2))
    light = (
        (s.foot + (s.top - s.foot) * smoothstep(rise))
        * (1 - s.sides * across**4)
        * (1 + (s.shoulder * beside - s.furrow * line) * (1 - rise) * np.clip(4 * rise, 0, 1))
        * (1 + s.papillae * grain)
    )
    behind = np.maximum(y0 - rows, 0) / (s.under_teeth_cm * view.per_cm)
    light *= 1 - s.under_teeth * np.exp(-behind)
    spots = np.exp(
        -(((rise - s.wet_at) / s.wet_high) ** 2)
        - ((np.abs(across) - s.wet_aside) / s.wet_wide) ** 2
    )
    wet = s.wet * spots * np.clip(1 + s.wet_breaks * grain, 0, 2.5)
    for channel in range(3):
        tongue, tooth = float(tones.tongue[channel]), float(tones.tooth[channel])
        colour = light * tongue + wet * (tooth - 0.5 * tongue)
        picture[channel] += (colour - picture[channel]) * share
