"""Colours of the inside of a mouth, matched to the light and the hues of one photo.

Teeth were fitted: of 620 people whose smiles show them, the brightest were compared with the
cheeks and the whites of the eyes (CIE Lab). Tongue, gums and the dark behind them were set by hand,
so that drawn mouths have the light over the cheek that 65 pictures of open mouths have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from icface.arrays import F32, F64, U8
from icface.face.landmarks import EYES, VERMILION
from icface.model.mouth.anatomy import MEAN_TEETH, Dentition
from icface.model.mouth.dentition import dentition_of
from icface.model.mouth.finish import NO_FINISH, Finish
from icface.model.mouth.light import Light
from icface.model.mouth.paint_limits import HUE_TAIL

_THROWN_BACK = 0.7
"""Share of the hue of flesh in teeth that no light reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneModel:
    """Numbers that turn the colours of a face into those of its mouth, in CIE Lab.

    Each triple holds weights of the skin, of the whites of the eyes, and a constant.

    Attributes
    ----------
    skin_percentile : float
        Percentile of the skin's channels that counts as its colour: a little above the middle, as
        cheeks are.
    full_colour : float
        Range of the skin's channels, 0..255, from which on a photo counts as coloured.
    tooth_light, tooth_a, tooth_b : (float, float, float)
        Lightness and hue of teeth in full light.
    tooth_full : float
        Brightness of the brightest places of a tooth over its mean, which was fitted.
    tooth_gain : (float, float)
        Least and most luminance of teeth over the skin's, linear.
    whitest : float
        Greatest lightness of a tooth.
    whites_below, whites_above : float
        Lightness of the whites of the eyes below and above the skin's, beyond which they are taken
        for closed lids, glasses or a glint.
    no_whites : (float, float, float)
        What stands for the whites where there are none: their Lab less the skin's.
    whites_percentiles : (float, float)
        Range of lightness within the eyes that counts as their white.
    fewest_inside, inside_percentile, inside_least, inside_share : float
        More pixels than these must show the mouth's inside before it says how its teeth look; the
        percentile that is taken for teeth, its least lightness over that of the model, and its
        weight.
    tongue, gum, dark : (float, float, float)
        Luminance over the skin's, linear, in full light; then what is added to the skin's a and b.
    redder : float
        Flesh may differ this much more from grey than all that lies around the lips.
    lips_in_gum, lips_in_tongue : float
        Weight of the lips' own hue.
    """

    skin_percentile: float = 58
    full_colour: float = 20
    tooth_light: tuple[float, float, float] = (0.387, 0.199, 44.0)
    tooth_a: tuple[float, float, float] = (0.213, 0.169, -1.74)
    tooth_b: tuple[float, float, float] = (0.131, 0.622, 1.84)
    tooth_full: float = 1.06
    tooth_gain: tuple[float, float] = (1.1, 3.2)
    whitest: float = 95.0
    whites_below: float = 32.0
    whites_above: float = 18.0
    no_whites: tuple[float, float, float] = (-11.5, -8.7, -10.3)
    whites_percentiles: tuple[float, float] = (75, 97)
    fewest_inside: int = 12
    inside_percentile: float = 88
    inside_least: float = 0.85
    inside_share: float = 0.9
    tongue: tuple[float, float, float] = (1.0, 14.0, -4.0)
    gum: tuple[float, float, float] = (0.8, 12.0, -4.0)
    dark: tuple[float, float, float] = (0.012, 8.0, -2.0)
    redder: float = 1.6
    lips_in_gum: float = 0.4
    lips_in_tongue: float = 0.15


_MODEL = ToneModel()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Tones:
    """Colours of a mouth in the light of one photo, its teeth, and the photo's finish.

    Attributes
    ----------
    tooth, tongue, gum, dark : (3,) float32
        0..1; dark is what lies behind everything.
    shade : float
        0..1, how much lips darken what lies right behind them: less where they draw back.
    coloured : float
        0..1, how much the photo has colours: in a grey one, no tint is drawn.
    teeth : Dentition
        The rows of teeth.
    finish : Finish
        The photo's softness and grain.
    """

    tooth: F32
    tongue: F32
    gum: F32
    dark: F32
    shade: float = 1.0
    coloured: float = 1.0
    teeth: Dentition = MEAN_TEETH
    finish: Finish = NO_FINISH

    def lit(self, light: Light) -> Tones:
        """The same colours in the light that gets between the lips.

        What light lips keep out of a mouth is made up by what its flesh throws back: teeth in the
        shade are as red as that.
        """
        teeth, flesh, dark = (np.float32(v) for v in (light.teeth, light.flesh, light.dark))
        tooth = self.tooth * teeth
        thrown_back = self.tongue * (tooth.mean() / max(float(self.tongue.mean()), 1e-3))
        return replace(
            self,
            tooth=tooth + (thrown_back - tooth) * np.float32(_THROWN_BACK * (1 - light.teeth)),
            gum=self.gum * teeth,
            tongue=self.tongue * flesh,
            dark=self.dark * dark,
            shade=light.shade,
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
    flesh = np.percentile(skin, m.skin_percentile, axis=0) / 255
    coloured = min(float(np.ptp(flesh)) * 255 / m.full_colour, 1.0)
    red = points[list(VERMILION), :2]
    at = np.clip(np.rint(red), 0, (picture.shape[1] - 1, picture.shape[0] - 1)).astype(int)
    skin_lab, lip_lab = _lab(flesh), _lab(np.median(picture[at[:, 1], at[:, 0]], axis=0) / 255)
    tooth = _tooth(skin_lab, _whites(picture, points, skin_lab), inside)
    low, high = _hue_range(picture, red)

    def limited(lab: F64, more: float = 1.0) -> F32:
        colour = _rgb(lab * (1, coloured, coloured))
        grey = colour.mean()
        within: F32 = np.clip(grey + np.clip(colour - grey, more * low, more * high), 0, 1).astype(
            np.float32
        )
        return within

    def soft(part: tuple[float, float, float], lips: float) -> F32:
        gain, more_a, more_b = part
        light = _lightness(gain * _luminance(skin_lab[0]))
        chroma = min(light / max(float(skin_lab[0]), 1.0), 1.0)  # dark things have little colour
        own = skin_lab[1:] + np.array([more_a, more_b])
        hue = own + lips * (lip_lab[1:] - own)
        return limited(np.array([light, *(hue * chroma)]), m.redder)

    return Tones(
        tooth=np.minimum(limited(tooth) * np.float32(m.tooth_full), np.float32(1)),
        tongue=soft(m.tongue, m.lips_in_tongue),
        gum=soft(m.gum, m.lips_in_gum),
        dark=soft(m.dark, 0.0),
        coloured=coloured,
        teeth=dentition_of(points),
    )


def _tooth(skin: F64, whites: F64, inside: U8) -> F64:
    """(3,) Lab of teeth in full light, from the Lab of the skin and of the whites of the eyes."""
    m = _MODEL
    weights = np.array([m.tooth_light, m.tooth_a, m.tooth_b])
    lab = weights[:, 0] * skin + weights[:, 1] * whites + weights[:, 2]
    bounds = (_lightness(gain * _luminance(float(skin[0]))) for gain in m.tooth_gain)
    lab[0] = min(max(float(lab[0]), next(bounds)), next(bounds), m.whitest)
    if len(inside) > m.fewest_inside:
        shown = _lab(np.percentile(inside, m.inside_percentile, axis=0) / 255)
        if shown[0] > m.inside_least * lab[0]:
            lab += m.inside_share * (shown - lab)
    return np.asarray(lab, np.float64)


def _whites(picture: U8, points: F64, skin: F64) -> F64:
    """(3,) Lab of the whites of the eyes, or what stands for them where they do not show."""
    m = _MODEL
    eyes = np.zeros(picture.shape[:2], np.uint8)
    for ring in EYES.values():
        cv2.fillPoly(eyes, [np.rint(points[list(ring), :2]).astype(np.int32)], (1,))
    seen = picture[eyes > 0]
    mean: F64 = skin + m.no_whites
    if len(seen) < m.fewest_inside:
        return mean
    light = seen.mean(1)
    low, high = np.percentile(light, m.whites_percentiles)
    whites = _lab(np.median(seen[(light >= low) & (light <= high)], axis=0) / 255)
    if not skin[0] - m.whites_below < whites[0] < skin[0] + m.whites_above:
        return mean
    return whites


def _lab(colour: F64) -> F64:
    """(3,) CIE Lab of a colour 0..1."""
    lab = cv2.cvtColor(colour.reshape(1, 1, 3).astype(np.float32), cv2.COLOR_RGB2Lab)
    return np.asarray(lab.reshape(3), np.float64)


def _rgb(lab: F64) -> F64:
    """(3,) 0..1: the colour of a CIE Lab triple."""
    rgb = cv2.cvtColor(lab.reshape(1, 1, 3).astype(np.float32), cv2.COLOR_Lab2RGB)
    return np.clip(rgb.reshape(3).astype(np.float64), 0, 1)


def _luminance(lightness: float) -> float:
    """Linear luminance 0..1 of a CIE lightness 0..100."""
    f = (lightness + 16) / 116
    return float(f**3 if f > 6 / 29 else (f - 4 / 29) * 3 * (6 / 29) ** 2)


def _lightness(luminance: float) -> float:
    """CIE lightness 0..100 of a linear luminance 0..1."""
    y = min(max(luminance, 0.0), 1.0)
    return float(116 * (np.cbrt(y) if y > (6 / 29) ** 3 else y / (3 * (6 / 29) ** 2) + 4 / 29) - 16)


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
