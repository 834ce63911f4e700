"""Layers of a posed face: the source's own pixels seen through flows, and plain colours, each under a soft mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Shows = Literal["skin", "openings", "eye"]
"""What a flow layer shows: skin and surroundings, what lies behind the skin's openings, or an eye
that has turned."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowLayer:
    """Pixels of the source seen through a backward flow.

    Attributes
    ----------
    shows : Shows
    flow : (GRID, GRID, 2) float32
        Backward flow, grid pixels.
    coverage : (GRID, GRID) float32, or None
        0..1, how much of each pixel the layer covers; None for all of it.
    known : (GRID, GRID) bool, or None
        Where the flow is the face's own surface and not its smooth continuation; None for all of
        it.
    """

    shows: Shows
    flow: NDArray[np.float32]
    coverage: NDArray[np.float32] | None = None
    known: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ColourLayer:
    """One colour, such as that of a mouth's cavity.

    Attributes
    ----------
    rgb : tuple of 3 float
        0..255.
    coverage : (GRID, GRID) float32
        0..1, how much of each pixel the layer covers.
    """

    rgb: tuple[float, float, float]
    coverage: NDArray[np.float32]


Layer = FlowLayer | ColourLayer


def flow_layer(layers: tuple[Layer, ...], shows: Shows) -> FlowLayer | None:
    """The first layer that shows this, or None."""
    return next((one for one in layers if isinstance(one, FlowLayer) and one.shows == shows), None)


def colour_layer(layers: tuple[Layer, ...]) -> ColourLayer | None:
    """The first layer of one colour, or None."""
    return next((one for one in layers if isinstance(one, ColourLayer)), None)
