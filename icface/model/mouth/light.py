"""The light that gets between lips, as they part, smile or funnel.

It is a smooth function of the opening and the lips alone, so a mouth in a clip does not flicker.
"""

from __future__ import annotations

from dataclasses import dataclass

from icface.face.controls import ControlVector


@dataclass(frozen=True, slots=True, kw_only=True)
class Lighting:
    """The light that gets between the lips, as shares of brightness (gamma-coded values).

    Attributes
    ----------
    full_cm, flesh_full_cm : float
        Mean height of an opening that lights teeth, and tongue and cheeks, in full.
    teeth, flesh, dark : float
        Share of the light on teeth and gums, on the tongue and in the dark between lips that
        hardly part.
    smile : float
        Share of the way to full light that a full smile adds.
    bares : float
        Share of the shade right behind the lips that a full smile, or full light, takes away.
    funnel_open, funnel_shut : float
        Share of the light that lips keep out which funnel, and what is added while the jaw is shut.
    funnel_full : float
        `mouthFunnel` of lips that keep out all of that.
    pucker : float
        The same that lips do which pucker.
    funnel_jaw : float
        `jawOpen` from which on it counts as open.
    """

    full_cm: float = 1.2
    flesh_full_cm: float = 2.0
    teeth: float = 0.85
    flesh: float = 0.72
    dark: float = 0.6
    smile: float = 1.6
    bares: float = 0.6
    funnel_open: float = 0.3
    funnel_shut: float = 0.3
    funnel_full: float = 0.6
    pucker: float = 0.6
    funnel_jaw: float = 0.6


_LIGHTING = Lighting()


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Shares 0..1 of the light that reaches each part of a mouth's inside.

    Attributes
    ----------
    teeth, flesh, dark : float
        The light on teeth and gums, on the tongue, and in the dark.
    shade : float
        How much lips darken what lies right behind them.
    """

    teeth: float
    flesh: float
    dark: float
    shade: float


def light_inside(controls: ControlVector, opened_cm: float) -> Light:
    """The light in a mouth.

    Parameters
    ----------
    controls : ControlVector
        The requested ones.
    opened_cm : float
        Mean height of the opening.
    """
    s = _LIGHTING
    smile = float(controls["mouthSmile_L"] + controls["mouthSmile_R"]) / 2
    front = _saturating(opened_cm / s.full_cm + s.smile * smile)
    back = _saturating(opened_cm / s.flesh_full_cm)
    shut = 1 - min(controls["jawOpen"] / s.funnel_jaw, 1.0)
    rounded = controls["mouthFunnel"] / s.funnel_full + s.pucker * controls["mouthPucker"]
    funnel = min(max(rounded, 0.0), 1.0)
    past = 1 - funnel * (s.funnel_open + s.funnel_shut * shut)
    return Light(
        teeth=past * (s.teeth + (1 - s.teeth) * front),
        flesh=past * (s.flesh + (1 - s.flesh) * back),
        dark=past * (s.dark + (1 - s.dark) * back),
        shade=1 - s.bares * max(min(smile, 1.0), back),
    )


def _saturating(x: float) -> float:
    """0..1: rises with a slope that fades to nothing at 1."""
    rest = 1 - min(max(x, 0.0), 1.0)
    return 1 - rest * rest
