"""A face of one photo posed: its layers and patches after an edit, by named stages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from icface.face.controls import CHANNELS, ControlVector
from icface.face.place import Place
from icface.model.eyes.brow_skin import raised_brows, unfolded_skin
from icface.model.eyes.gaze import turned_eyes
from icface.model.eyes.lid_skin import closed_lids
from icface.model.eyes.lids import blinks, lids_move
from icface.model.face.encode import SourceEncoding
from icface.model.face.placed import Placing, placing_in_grid
from icface.model.mouth.behind_lips import behind_lips
from icface.model.mouth.mouth import Edit, PosedLips
from icface.model.mouth.paint_limits import painter_controls
from icface.model.mouth.patch import Patch
from icface.model.surface.anchored import Anchored
from icface.model.surface.crops import turn_in_crop
from icface.model.surface.folds import REACH_PX
from icface.model.surface.head import CROP
from icface.model.surface.layers import (
    ColourLayer,
    FlowLayer,
    Layer,
    Light,
    Surroundings,
    flow_layer,
)
from icface.model.surface.mesh import SurfaceMesh, move
from icface.model.surface.rasterise import Flow, flow_of

MOVES_THE_MOUTH = [
    i for i, name in enumerate(CHANNELS) if name.startswith(("jaw", "mouth", "noseSneer"))
]
"""Positions in a control vector of the channels that change the mouth's patch: a wink and a turn
of the head leave it alone."""
FADES_IN = 0.15
"""Change of one of those channels from which on the painter paints in full."""


@dataclass(frozen=True, slots=True, eq=False)
class FacePrediction:
    """The crop after an edit: layers, and patches over them.

    Attributes
    ----------
    layers : tuple of Layer
        From the farthest back to the front; the first covers everything. Empty when nothing
        changes.
    patches : tuple of Patch
        Drawings and paint over the layers, in order.
    light : Light, or None
        Change of light on the skin of the photo.
    """

    layers: tuple[Layer, ...] = ()
    patches: tuple[Patch, ...] = ()
    light: Light | None = None

    @property
    def skin(self) -> FlowLayer | None:
        """The flow of skin and surroundings; None when nothing changes."""
        return flow_layer(self.layers, "skin")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PosedFace:
    """A face after an edit, before anything is painted.

    Attributes
    ----------
    controls : ControlVector
        The requested ones.
    turn : (3, 3)
        Rotation from the source's pose to the requested one, camera frame.
    lips : (20, 2)
        The opening of the mouth, grid pixels.
    mouth_share : float
        0..1, coverage by drawings and paint in the mouth: an edit fades them in.
    layers : tuple of Layer
        See `FacePrediction`.
    lids, interior : tuple of Patch
        Drawings where lids close, and where the mouth opens.
    light : Light, or None
        See `FacePrediction`.
    placing : Placing, or None
        The way to another place in the picture; all else is in the photo's own place.
    """

    controls: ControlVector
    turn: NDArray[np.float64]
    lips: NDArray[np.float64]
    mouth_share: float
    layers: tuple[Layer, ...]
    lids: tuple[Patch, ...]
    interior: tuple[Patch, ...]
    light: Light | None = None
    placing: Placing | None = None

    def painted(self, *paint: Patch) -> FacePrediction:
        """The prediction in its place, with the painter's patches over the drawings."""
        layers, patches = self.layers, (*self.lids, *self.interior, *paint)
        if self.placing is not None:
            layers, patches = self.placing.layers(layers), self.placing.patches(patches)
        return FacePrediction(layers, patches, self.light)


def pose_face(encoding: SourceEncoding, controls: ControlVector) -> PosedFace:
    """The face under these controls: the mesh moves, then come the mouth, the eyes and the lids."""
    mesh, before = encoding.mesh, encoding.controls
    turn = turn_in_crop(encoding.crop_from_image, before, controls)
    change = controls.array()[3:] - before.array()[3:]
    moves = lids_move(before, change, {eye.side: eye.lid_follows for eye in encoding.eyes.eyeballs})
    as_tensor = [
        torch.tensor(a, dtype=torch.float32, device=mesh.source.device) for a in (turn, moves)
    ]
    moved = move(mesh, *as_tensor)
    pivot = mesh.pivot.double().cpu().numpy()
    mouth, edit = encoding.mouth, Edit(before, controls)
    lips = PosedLips(
        lips=mouth.lips.at(moved.double().cpu().numpy()),
        before=_only_turned(mesh, mouth.lips, turn),
        turn=turn,
        pivot=pivot,
    )
    raised, parted = mouth.limits.of_change(change)
    moved = mouth.limits.held(moved, *mouth.interior.held_lips(lips, raised, parted))
    points = moved.double().cpu().numpy()
    lips = replace(lips, lips=mouth.lips.at(points))
    head = None if before.angles_deg == controls.angles_deg else encoding.head
    around = None if head is None else head.flow(turn)
    raw = flow_of(mesh, moved, None if around is None else around[CROP])
    flow = behind_lips(mouth.interior, raw, lips, edit)
    share = mouth_share(before, controls)
    eyes = encoding.eyes
    return PosedFace(
        controls=controls,
        turn=turn,
        lips=lips.lips,
        mouth_share=share,
        layers=_layers(
            flow,
            turned_eyes(eyes.eyeballs, points, change),
            mouth.cavity_rgb,
            _surroundings(around, flow, encoding),
        ),
        lids=(
            *unfolded_skin(eyes.lid_skins, raised_brows(before, controls), points),
            *closed_lids(eyes.lid_skins, blinks(before, moves), points),
        ),
        interior=mouth.interior.patch(lips, edit, share),
        light=None if encoding.skin_light is None else encoding.skin_light.change(before, controls),
        placing=_placing(encoding, controls.place),
    )


def _placing(encoding: SourceEncoding, place: Place) -> Placing | None:
    """The way to a place; None for the photo's own, and for a face of a few pixels."""
    if place == encoding.controls.place or encoding.head is None:
        return None
    pivot = encoding.mesh.pivot.double().cpu().numpy()
    moved = placing_in_grid(place, encoding.crop_from_image, pivot)
    return Placing.of(encoding.head, encoding.backdrop, moved)


def _only_turned(
    mesh: SurfaceMesh, anchored: Anchored, turn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(K, 2) grid pixels of anchored points when the head has turned and nothing else has moved."""
    camera = mesh.camera[anchored.rows].double().cpu().numpy() @ turn.T
    pivot = mesh.pivot.double().cpu().numpy()
    here: NDArray[np.float64] = camera[:, :2] * (1, -1) + pivot + anchored.beside
    return here


def mouth_share(before: ControlVector, after: ControlVector) -> float:
    """0..1: how far an edit has faded in the drawings and paint of the mouth."""
    change = (painter_controls(after) - painter_controls(before)).abs()
    return min(float(change[MOVES_THE_MOUTH].max()) / FADES_IN, 1.0)


def _surroundings(
    around: NDArray[np.float32] | None, flow: Flow, encoding: SourceEncoding
) -> Surroundings | None:
    """The head's flow with the crop's own in its middle, where the background is known."""
    if around is None or encoding.backdrop is None:
        return None
    around[CROP] = flow.field
    return Surroundings(around, encoding.backdrop)


def _layers(
    flow: Flow,
    eyes: tuple[FlowLayer, ...],
    cavity_rgb: tuple[float, float, float],
    surroundings: Surroundings | None,
) -> tuple[Layer, ...]:
    """Skin, eyes and teeth through its openings, turned eyes, and the mouth's cavity."""
    return (
        *_skin(flow, surroundings),
        FlowLayer("openings", flow.back_field, flow.back),
        *eyes,
        ColourLayer(cavity_rgb, flow.cavity),
    )


def _skin(flow: Flow, surroundings: Surroundings | None) -> tuple[FlowLayer, ...]:
    """Skin and surroundings, and the near skin over them where skin hides skin."""
    skin = FlowLayer("skin", flow.field, known=flow.known, surroundings=surroundings)
    if flow.folds is None:
        return (skin,)
    near, coverage = flow.folds.near, flow.folds.coverage
    return skin, FlowLayer("folds", near, coverage, ramp_px=2 * REACH_PX)
