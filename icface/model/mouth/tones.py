"""Colours of the inside of a mouth, matched to the light and the hues of one photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icface.arrays import F32, F64, U8
from icface.face.landmarks import VERMILION
from icface.model.mouth.paint_limits import HUE_TAIL

_LIT_BY_LIPS = np.array([0.75, 1.0, 1.05], np.float32)
"""Exponents of the share of light that gets between lips, for red, green and blue: lips tint it
red."""
_MEAN_SKIN_HUE = np.array([1.3, 0.93, 0.78])
"""Colour of mean skin in white light, over its grey."""
_IVORY = np.array([0.09, 0.0, -0.09])
"""Hue of teeth in white light, over their grey."""
_PINK = np.array([0.36, -0.19, -0.17])
"""Hue of flesh in white light, over its grey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneModel:
    """Numbers that turn the colours of a face into those of its mouth.

    Brightness is a share of the range of values; *light* is the brightness of teeth in full light.

    Attributes
    ----------
    light_at_black, light_per_skin : float
        The light, a linear function of the skin's brightness.
    skin_percentile : float
        Percentile of the skin's brightest channel that counts as its brightness.
    full_colour : float
        Range of the skin's median channels, 0..255, from which on a photo counts as coloured.
    cast_power : float
        Exponent of the tint of the light, as the skin shows it.
    cast_range : (float, float)
        Tints beyond these are not trusted.
    tooth : float
        Brightness of teeth in full light, over the light.
    whitest : float
        No channel of a tooth is brighter.
    fewest_inside : int
        More pixels than these must show the mouth's inside before it says how bright teeth are.
    inside_percentile : float
        Percentile of what the photo shows of the mouth's inside that is compared with teeth.
    inside_least : float
        Brightness over the light from which on what the photo shows there is mixed in.
    inside_share, own_share : float
        Weights of what is shown and of the model in that mix.
    pink_share, lip_share, skin_share : float
        Weights of mean flesh, of the lips and of the skin in the hue of flesh.
    tongue, gum, dark : float
        Brightness over the light.
    dark_saturation : float
        Saturation of the dark over that of flesh.
    """

    light_at_black: float = 0.06
    light_per_skin: float = 0.88
    skin_percentile: float = 90
    full_colour: float = 20
    cast_power: float = 0.9
    cast_range: tuple[float, float] = (0.3, 2.0)
    tooth: float = 1.0
    whitest: float = 0.98
    fewest_inside: int = 12
    inside_percentile: float = 80
    inside_least: float = 0.7
    inside_share: float = 0.5
    own_share: float = 0.5
    pink_share: float = 0.45
    lip_share: float = 0.3
    skin_share: float = 0.25
    tongue: float = 0.74
    gum: float = 0.78
    dark: float = 0.085
    dark_saturation: float = 1.2


_MODEL = ToneModel()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Tones:
    """Colours of a mouth in the light of one photo.

    Attributes
    ----------
    tooth, tongue, gum, dark : (3,) float32
        0..1; dark is what lies behind everything.
    shade : float
        0..1, how much lips darken what lies right behind them: less where they draw back.
    """

    tooth: F32
    tongue: F32
    gum: F32
    dark: F32
    shade: float = 1.0

    def dimmed(self, share: float, shade: float = 1.0) -> Tones:
        """The same colours in this share of the light, 0..1; lips tint what they shade red."""
        by = np.float32(share) ** _LIT_BY_LIPS
        return Tones(
            tooth=self.tooth * by,
            tongue=self.tongue * by,
            gum=self.gum * by,
            dark=self.dark * by,
            shade=shade,
        )


def tones_of(picture: U8, points: F64, skin: U8, inside: U8) -> Tones:
    """The colours of the inside of a mouth.

    Parameters
    ----------
    picture : (H, W, 3) uint8
    points : (468 or 478, 2 or 3)
        Landmarks in its pixels.
    skin, inside : (N, 3) and (M, 3) uint8
        Colours of the face's skin and of what the photo shows of the mouth's inside.
    """
    m = _MODEL
    if not len(skin):
        skin = np.full((1, 3), 128, np.uint8)
    red = points[list(VERMILION), :2]
    at = np.clip(np.rint(red), 0, (picture.shape[1] - 1, picture.shape[0] - 1)).astype(int)
    lips = np.median(picture[at[:, 1], at[:, 0]], axis=0) / 255
    flesh = np.median(skin, axis=0) / 255
    bright = float(np.percentile(skin.max(1), m.skin_percentile)) / 255
    coloured = min(float(np.ptp(flesh)) * 255 / m.full_colour, 1.0)
    light = m.light_at_black + m.light_per_skin * bright
    hue, lip_hue = (c / max(float(c.mean()), 1e-3) for c in (flesh, lips))
    cast = np.clip(hue / _MEAN_SKIN_HUE, *m.cast_range) ** m.cast_power
    tooth = m.tooth * light * (1 + coloured * (_IVORY + cast / cast.mean() - 1))
    tooth *= min(m.whitest / float(tooth.max()), 1.0)
    if len(inside) > m.fewest_inside:
        shown = np.percentile(inside, m.inside_percentile, axis=0) / 255
        if shown.mean() > m.inside_least * light:
            tooth = m.own_share * tooth + m.inside_share * shown
    pink = 1 + coloured * _PINK
    flesh_hue = m.pink_share * pink + m.lip_share * lip_hue + m.skin_share * hue
    low, high = _hue_range(picture, red)

    def limited(colour: F64) -> F32:
        grey = colour.mean()
        within: F32 = np.clip(grey + np.clip(colour - grey, low, high), 0, 1).astype(np.float32)
        return within

    return Tones(
        tooth=limited(tooth),
        tongue=limited(m.tongue * light * flesh_hue),
        gum=limited(m.gum * light * flesh_hue),
        dark=limited(m.dark * light * (1 + m.dark_saturation * (flesh_hue - 1))),
    )


def _hue_range(picture: U8, lips: F64) -> tuple[F64, F64]:
    """Least and greatest distances from grey of a picture around the lips' points (K, 2).

    Returns
    -------
    two of (3,)
        In units of the range of values.
    """
    x, y = np.clip(lips.mean(0), 0, (picture.shape[1] - 1, picture.shape[0] - 1)).astype(int)
    reach = max(int(np.ptp(lips[:, 0])), 8)
    near = (
        picture[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach].reshape(-1, 3) / 255
    )
    low, high = np.percentile(
        near - near.mean(1, keepdims=True), (HUE_TAIL, 100 - HUE_TAIL), axis=0
    )
    return np.minimum(low, 0), np.maximum(high, 0)
