"""The light that gets between lips, as they part, smile or funnel."""

from __future__ import annotations

from dataclasses import dataclass

from icface.face.controls import ControlVector


@dataclass(frozen=True, slots=True, kw_only=True)
class Lighting:
    """The light that gets between the lips.

    Attributes
    ----------
    least : float
        Share of the light that lips let in which hardly part.
    full_cm : float
        Mean height of an opening in full light.
    smile_gain : float
        Share of the way to full light that a full smile adds.
    smile_bares : float
        Share of the shade right behind the lips that a full smile takes away.
    funnel_open, funnel_shut : float
        Share of the light that lips keep out which funnel, and what is added while the jaw is shut.
    funnel_jaw : float
        `jawOpen` from which on it counts as open.
    """

    least: float = 0.32
    full_cm: float = 1.4
    smile_gain: float = 1.9
    smile_bares: float = 0.9
    funnel_open: float = 0.3
    funnel_shut: float = 0.5
    funnel_jaw: float = 0.6


_LIGHTING = Lighting()


def light_inside(controls: ControlVector, opened_cm: float) -> tuple[float, float]:
    """Shares 0..1 of the light that gets in, and of the shade right behind the lips that is left.

    Parameters
    ----------
    controls : ControlVector
        The requested ones.
    opened_cm : float
        Mean height of the opening.
    """
    smile = (controls["mouthSmile_L"] + controls["mouthSmile_R"]) / 2
    opened = opened_cm / _LIGHTING.full_cm + _LIGHTING.smile_gain * smile
    light = _LIGHTING.least + (1 - _LIGHTING.least) * min(opened, 1.0)
    shut = 1 - min(controls["jawOpen"] / _LIGHTING.funnel_jaw, 1.0)
    funnel = min(max(controls["mouthFunnel"], 0.0), 1.0)
    light *= 1 - funnel * (_LIGHTING.funnel_open + _LIGHTING.funnel_shut * shut)
    return light, 1 - _LIGHTING.smile_bares * smile
