"""Layers of a posed face: source pixels through flows, and plain colours, under soft masks.

A prediction holds an ordered tuple of layers, from the farthest back to the front. The compositor
is one loop over them and knows nothing of faces, so a new layer is one entry:

1. Make a `FlowLayer` (pixels of the source, moved) or a `ColourLayer` on the `GRID` crop, with a
   coverage that is soft at its edges and 0 along the border. If it needs data of the photo, find
   them once in `icface.model.face.encode`, and keep them in `SourceEncoding`.
2. Put it into its place in the tuple of `icface.model.face.pose._layers`. The first layer covers
   everything, with no coverage of its own.
3. Give a flow layer its own name in `Shows`. Code that needs it finds it with `flow_layer`; the
   painter's view (`icface.model.mouth.patch`) uses skin, openings and the cavity only.
4. If it can show beyond the skin's movement (as an eye does on a head at rest), set
   ``moves_alone``: the compositor edits nothing outside the skin that moves and such layers.
5. A new kind of layer is one more dataclass in `Layer` and one
   branch in `icface.rendering.compositor._with_layer`.

A picture of its own resolution, such as a drawn mouth or a lid's skin, is no layer but a
`icface.model.mouth.patch.Patch`, laid over all layers.
A change of light (`Light`) belongs to the skin of the photo: what moves is lit before it moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from icface.face.geometry import Similarity
from icface.model.surface.backdrop import Backdrop

Shows = Literal["skin", "folds", "openings", "eye"]
"""Contents of a flow layer: skin and surroundings, skin that has folded over it, what lies behind
the skin's openings, or an eye that has turned."""


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """The head around a crop under a turn, before its background.

    Attributes
    ----------
    flow : (WIDE, WIDE, 2) float32
        Backward flow, grid pixels, of the crop and `icface.model.surface.head.PAD` pixels beyond;
        0 along the border.
    backdrop : Backdrop
    """

    flow: NDArray[np.float32]
    backdrop: Backdrop


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """A change of light on the pixels of the source's skin, before they are moved.

    Attributes
    ----------
    log : (S, S) float32
        Natural logarithm of the ratio of linear light; 0 changes nothing.
    light_from_grid : Similarity
        Place of that square.
    of_channels : tuple of 3 float
        Factor of the logarithm for red, green and blue: in a fold, light falls on skin twice, and
        takes its colour twice.
    """

    log: NDArray[np.float32]
    light_from_grid: Similarity
    of_channels: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class FlowLayer:
    """Pixels of the source seen through a backward flow.

    Attributes
    ----------
    shows : Shows
    flow : (GRID, GRID, 2) float32
        Backward flow, grid pixels: pixel x shows the source at x + flow(x).
    coverage : (GRID, GRID) float32, or None
        0..1, how much of each pixel the layer covers; None for all of it.
    known : (GRID, GRID) bool, or None
        Where the flow is the face's own surface and not its smooth continuation; None for all of
        it.
    moves_alone : bool
        The layer can show where the skin is at rest.
    surroundings : Surroundings, or None
        What moves beyond the crop, and the background that stays behind it; None for a crop that
        moves by itself.
    ramp_px : float, or None
        The layer has a sharp edge where its coverage is 0.5, and this is the distance over which
        `coverage` rises from 0 to 1, grid pixels. None for a coverage that is meant as it is.
    """

    shows: Shows
    flow: NDArray[np.float32]
    coverage: NDArray[np.float32] | None = None
    known: NDArray[np.bool_] | None = None
    moves_alone: bool = False
    surroundings: Surroundings | None = None
    ramp_px: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ColourLayer:
    """One colour, such as the dark of a mouth's cavity.

    Attributes
    ----------
    rgb : tuple of 3 float
        0..255.
    coverage : (GRID, GRID) float32
        0..1, how much of each pixel the layer covers.
    """

    rgb: tuple[float, float, float]
    coverage: NDArray[np.float32]
    moves_alone: ClassVar[bool] = False


Layer = FlowLayer | ColourLayer


def flow_layer(layers: tuple[Layer, ...], shows: Shows) -> FlowLayer | None:
    """The first layer that shows this, or None."""
    return next((one for one in layers if isinstance(one, FlowLayer) and one.shows == shows), None)


def colour_layer(layers: tuple[Layer, ...]) -> ColourLayer | None:
    """The first layer of one colour, or None."""
    return next((one for one in layers if isinstance(one, ColourLayer)), None)
