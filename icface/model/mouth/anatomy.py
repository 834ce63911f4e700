"""Teeth, jaw and tongue of a mean mouth: sizes and places after dental anatomy.

Convention
----------
Centimetres are in the head frame (x to the subject's left, y up, z to the front), from the middle
of the line between the closed lips. An arch of teeth is an even polynomial of x.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from icface.arrays import F64

SAMPLES = 361
"""Places at which an arch is sampled."""
_HALF_CM = 3.0
"""An arch is sampled up to this far on both sides of its middle."""
_HINGE_CM = np.array([0.0, 5.8, -9.1])
"""The joint about which the jaw turns."""
_OPENS_RAD = 0.40
"""Turn of the jaw at full intensity, radians."""
_ASIDE_CM = 0.55
"""Shift of the jaw to a side at full intensity."""
_FORWARD_CM = 0.5
"""Shift of the jaw to the front at full intensity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arch:
    """One row of teeth; values of crowns run from the middle to the last molar but one.

    Attributes
    ----------
    gumward : int
        1 if the gums lie above the edges (the upper row), -1 if they lie below.
    widths_cm, heights_cm : tuple of float
        Sizes of the crowns.
    recessed_cm : tuple of float
        Distance of each crown's edge from the bite line, towards the gum.
    bend_per_cm, quartic_per_cm3 : float
        The arch recedes by bend x² + quartic x⁴.
    set_back_cm : float
        Distance of the front teeth behind the lips.
    edge_cm : float
        Height of the front edges.
    spee_per_cm : float
        Curve of Spee: the edges of side teeth lie higher by this times x².
    brightness : float
        Brightness of the row beside the other one.
    phase : float
        Seed of the small irregularities of single teeth: near values give similar teeth.
    """

    gumward: int
    widths_cm: tuple[float, ...]
    heights_cm: tuple[float, ...]
    recessed_cm: tuple[float, ...]
    bend_per_cm: float
    quartic_per_cm3: float
    set_back_cm: float
    edge_cm: float
    spee_per_cm: float
    brightness: float
    phase: float = 0.0


UPPER = Arch(
    gumward=1,
    widths_cm=(0.85, 0.65, 0.76, 0.70, 0.68, 1.0, 0.9),
    heights_cm=(1.05, 0.92, 1.0, 0.85, 0.8, 0.75, 0.7),
    recessed_cm=(0.0, 0.07, 0.0, 0.04, 0.05, 0.06, 0.08),
    bend_per_cm=0.161,
    quartic_per_cm3=0.038,
    set_back_cm=0.5,
    edge_cm=-0.46,
    spee_per_cm=0.035,
    brightness=1.0,
)
LOWER = Arch(
    gumward=-1,
    widths_cm=(0.52, 0.58, 0.69, 0.70, 0.71, 1.1, 1.0),
    heights_cm=(0.88, 0.92, 1.0, 0.85, 0.8, 0.75, 0.7),
    recessed_cm=(0.0, 0.0, 0.03, 0.03, 0.03, 0.03, 0.03),
    bend_per_cm=0.185,
    quartic_per_cm3=0.042,
    set_back_cm=0.75,
    edge_cm=-0.15,
    spee_per_cm=0.02,
    brightness=0.97,
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Dentition:
    """The two rows of teeth of one mouth."""

    upper: Arch = UPPER
    lower: Arch = LOWER


MEAN_TEETH = Dentition()


@dataclass(frozen=True, slots=True, kw_only=True)
class Crown:
    """Relief of a single crown; *across* runs from -1 to 1 between its sides.

    Attributes
    ----------
    shades : tuple of float
        Brightness of each crown, from the middle of the row: canines are the darkest in front.
    corner_cm, curve_cm : float
        The edge is rounded by corner across⁵ + curve across².
    side_loss : float
        Brightness lost at the sides, times across².
    gleam_at, gleam_width, gleam_fades : float
        Highlight: its middle and width across, and what the next crown to the side has of it.
    gap_cm : float
        Half the width of the soft gap between two crowns.
    taper : float
        Share of the height lost at the sides, times across⁴: gums reach down between crowns.
    uneven_cm, uneven_shade : float
        Irregularity of single teeth: their edges, and their brightness.
    """

    shades: tuple[float, ...] = (1.0, 0.98, 0.94, 0.95, 0.94, 0.92, 0.9)
    corner_cm: float = 0.085
    curve_cm: float = 0.02
    side_loss: float = 0.07
    gleam_at: float = -0.2
    gleam_width: float = 0.33
    gleam_fades: float = 0.7
    gap_cm: float = 0.028
    taper: float = 0.2
    uneven_cm: float = 0.025
    uneven_shade: float = 0.025


CROWN = Crown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """The back of a tongue at rest, a dome behind the lower teeth.

    Attributes
    ----------
    half_width_cm, height_cm, length_cm : float
        Size of the dome.
    below_edge_cm : float
        Depth of its foot below the edges of the lower teeth.
    set_back_cm : float
        Distance of its foot behind the lips.
    """

    half_width_cm: float = 2.35
    height_cm: float = 0.75
    length_cm: float = 2.6
    below_edge_cm: float = 0.25
    set_back_cm: float = 1.1

    def ends(self) -> F64:
        """(2, 3) the foot and the far top of the dome, centimetres."""
        return np.array(
            [
                [0.0, LOWER.edge_cm - self.below_edge_cm, -self.set_back_cm],
                [0.0, LOWER.edge_cm + self.height_cm, -self.set_back_cm - self.length_cm],
            ]
        )


TONGUE = Tongue()


@dataclass(frozen=True, slots=True, eq=False)
class Jaw:
    """Position of the lower jaw: the channels of an edit, 0..1."""

    opened: float
    to_left: float = 0.0
    forward: float = 0.0

    def moves(self, points: F64) -> F64:
        """Points (N, 3) of the jaw at rest moved along with it, centimetres.

        The turn is linear in the channel, as displacements of expressions add up.
        """
        arm, angle = points - _HINGE_CM, _OPENS_RAD * self.opened
        shift = np.array([_ASIDE_CM * self.to_left, 0.0, _FORWARD_CM * self.forward])
        moved: F64 = points + shift + angle * np.stack([0 * arm[:, 0], -arm[:, 2], arm[:, 1]], 1)
        return moved


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Row:
    """A row of teeth along its arch, sampled across the mouth.

    Attributes
    ----------
    place : (SAMPLES, 3) float64
        Edges of the teeth, from the subject's right to left, centimetres.
    height : (SAMPLES,) float64
        Distance from the edge to the gum, centimetres.
    light : (SAMPLES,) float64
        0..1, brightness of each place in the same light.
    gap : (SAMPLES,) float64
        0..1, darkness of the gap between two teeth.
    gleam : (SAMPLES,) float64
        0..1, highlight along the middle of the crowns.
    step : (SAMPLES,) float64
        Length of the arch from one place to the next, centimetres.
    """

    place: F64
    height: F64
    light: F64
    gap: F64
    gleam: F64
    step: F64


@lru_cache(maxsize=64)
def row_of(arch: Arch) -> Row:
    """The row of teeth along an arch."""
    widths, heights, shades = (
        np.array(values) for values in (arch.widths_cm, arch.heights_cm, CROWN.shades)
    )
    bend, quartic = arch.bend_per_cm, arch.quartic_per_cm3
    x = np.linspace(-_HALF_CM, _HALF_CM, SAMPLES)
    z = -arch.set_back_cm - bend * x**2 - quartic * x**4
    slope = -2 * bend * x - 4 * quartic * x**3
    step = np.hypot(1, slope) * (x[1] - x[0])
    along = np.cumsum(step)
    along -= along[SAMPLES // 2]
    ends = np.concatenate([[0.0], np.cumsum(widths)])
    number = np.clip(np.searchsorted(ends, np.abs(along), side="right") - 1, 0, len(widths) - 1)
    middle, half = (ends[number] + ends[number + 1]) / 2, widths[number] / 2
    across = np.clip((np.abs(along) - middle) / half, -1, 1)
    rounded = CROWN.corner_cm * np.abs(across) ** 5 + CROWN.curve_cm * across**2
    one = arch.phase + 2.4 * number * np.where(along < 0, -1.3, 1.0)  # each tooth its own
    recessed = np.array(arch.recessed_cm)[number] + CROWN.uneven_cm * np.sin(one)
    edge = arch.edge_cm + arch.gumward * (rounded + recessed) + arch.spee_per_cm * x**2
    facing = 1 / np.hypot(1, slope)
    relief = (1 - CROWN.side_loss * across**2) * shades[number]
    relief *= 1 + CROWN.uneven_shade * np.sin(1.7 * one + 1)
    beyond = np.abs(along) > ends[-1]
    return Row(
        place=np.stack([x, edge, z], 1),
        height=heights[number] * (1 - CROWN.taper * across**4) * ~beyond,
        light=relief,
        gap=np.exp(-(((1 - np.abs(across)) * half / CROWN.gap_cm) ** 2)),
        gleam=np.exp(-(((across - CROWN.gleam_at) / CROWN.gleam_width) ** 2))
        * CROWN.gleam_fades**number
        * facing**4,
        step=step,
    )
