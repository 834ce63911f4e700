"""Corrections of a rig's expression shapes: channels at 1 move a face as far as an adult can.

The shapes of a rig are an artist's. Some are weak (a frown that hardly lowers the brows), some go
the wrong way (a puff of the cheeks that pushes the mouth's corners forwards), and some do more than
their name says (a wrinkled nose that bares the teeth). `amended` corrects them where a rig is read,
so that labels, animator and neutralizer are made of the same shapes; rig files stay as they are.

Convention
----------
As in `icface.training.rig.rig`. Corrections scale a shape, add a share of another one, or add
smooth bumps of the skin: Gaussians around landmarks of the neutral mesh. Teeth, gums and eyeballs
take part in scaled shapes only. The right side is the mirror image of the left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.controls import EXPRESSIONS
from icface.face.ramps import Ramp

_Side = Literal["L", "R"]
_PUCKER = np.array([2.0, 1.4, 1.2])
"""Factors of mouthPucker to the side, up and forwards: the mouth narrows by a third."""
_FROWN = 1.6
_FROWN_PULL_CM = 0.25
"""How far the inner ends of the brows are drawn together beyond what the rig does, on each side."""
_JAW_TO_SIDE = 1.25


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """What corrections need to know of a rig.

    Attributes
    ----------
    base : (V, 3)
        Neutral mesh, centimetres.
    shapes : (53, V, 3)
        Expression offsets as the rig file holds them.
    skin : (V,) bool
        Vertices of the skin.
    landmarks : (468,) int
        Vertex of each face-mesh point.
    """

    base: F32
    shapes: F32
    skin: NDArray[np.bool_]
    landmarks: NDArray[np.int32]

    def shape(self, channel: str) -> F32:
        """(V, 3) offsets of a channel as the rig file holds them."""
        offsets: F32 = self.shapes[EXPRESSIONS.index(channel)]
        return offsets

    def at(self, *points: int) -> F64:
        """(3,) middle of face-mesh points of the left side or the middle of the face."""
        middle: F64 = self.base[self.landmarks[list(points)]].astype(np.float64).mean(0)
        return middle


class _Half:
    """One side of a mesh, seen as if it were the left one: its outside lies towards x > 0."""

    def __init__(self, mesh: Mesh, side: _Side) -> None:
        self.mesh, self.side = mesh, side
        self.turn = np.array([1.0 if side == "L" else -1.0, 1.0, 1.0])
        self.places: F64 = mesh.base.astype(np.float64) * self.turn

    def shape(self, channel: str) -> F64:
        """(V, 3) offsets of a channel of this side, or of one without sides."""
        name = channel if channel in EXPRESSIONS else f"{channel}_{self.side}"
        offsets: F64 = self.mesh.shape(name).astype(np.float64) * self.turn
        return offsets

    def near(self, centre: F64, width_cm: float | Sequence[float]) -> F64:
        """(V, 1) share of a bump: 1 at its centre, falling off by a Gaussian of this width, cm."""
        apart = (self.places - centre) / np.broadcast_to(np.asarray(width_cm, np.float64), 3)
        share: F64 = np.exp(-0.5 * np.square(apart).sum(1, keepdims=True))
        return share * self.mesh.skin[:, None]

    def outside(self, width_cm: float) -> F64:
        """(V, 1) share of this side: a half in the middle of the face, 1 from `width_cm` on."""
        return Ramp(-width_cm, width_cm).smooth(self.places[:, :1])


def amended(mesh: Mesh) -> F32:
    """Expression offsets (53, V, 3) of a mesh, corrected; other channels as they are.

    Parameters
    ----------
    mesh : Mesh
        With the shapes as a rig file holds them.
    """
    corrected = mesh.shapes.astype(np.float32, copy=True)
    for channel, correction in _CORRECTIONS.items():
        for side in ("L", "R"):
            half = _Half(mesh, side)
            corrected[EXPRESSIONS.index(f"{channel}_{side}")] = correction(half) * half.turn
    for channel in ("jawLeft", "jawRight"):
        corrected[EXPRESSIONS.index(channel)] *= _JAW_TO_SIDE
    corrected[EXPRESSIONS.index("mouthPucker")] *= _PUCKER.astype(np.float32)
    for channel, middle in (("mouthRollLower", _rolled_lower), ("jawForward", _jaw_thrust)):
        corrected[EXPRESSIONS.index(channel)] = middle(_Half(mesh, "L"))
    return corrected


def _brow_lowered(half: _Half) -> F64:
    """Brows lower, and their inner ends are drawn together; the skin between them stays."""
    inner = half.near(half.mesh.at(285, 336), 0.9) * Ramp(0.0, 0.8).smooth(half.places[:, :1])
    return _FROWN * half.shape("browDown") - inner * (_FROWN_PULL_CM, 0, 0)


def _nose_wrinkled(half: _Half) -> F64:
    """The wing of the nose and the cheek beside it lift; the lips and all below stay."""
    lips, nose = half.mesh.at(0)[1], half.mesh.at(2)[1]
    return half.shape("noseSneer") * Ramp(lips, nose + 0.5).smooth(half.places[:, 1:2])


def _cheek_raised(half: _Half) -> F64:
    """The cheek below the eye lifts and fills, and pushes the lower lid up."""
    lid = half.near(half.mesh.at(374), (1.2, 0.35, 2.0)) * (0, 0.06, 0.02)
    cheek = half.near(half.mesh.at(346, 347), 1.3) * (0, 0.2, 0.12)
    return half.shape("cheekSquint") + lid + cheek


def _lids_tightened(half: _Half) -> F64:
    """The lower lid lifts further, and the upper one lowers a little."""
    return 1.4 * half.shape("eyeSquint") + 0.16 * half.shape("eyeBlink")


def _cheek_puffed(half: _Half) -> F64:
    """The cheek bulges to the side; the corner of the mouth goes forwards less."""
    corner = half.near(half.mesh.at(291), 1.0)
    bulge = half.near(half.mesh.at(411, 416, 427, 434), 1.5) * (0.75, 0, 0.35)
    return half.shape("cheekPuff") * (1 - 0.65 * corner) + bulge


def _dimpled(half: _Half) -> F64:
    """The corner of the mouth is drawn to the side and in."""
    return 0.8 * half.shape("mouthDimple") + half.shape("mouthStretch") * (0.45, 0.13, 0.27)


def _pressed(half: _Half) -> F64:
    """The red of both lips thins on this side; their inner edges meet and do not cross."""
    rolled = half.shape("mouthRollUpper") + half.shape("mouthRollLower")
    inner = _inner_lower_lip(half) * half.outside(0.8)
    return 1.2 * half.shape("mouthPress") + 0.35 * half.outside(0.8) * rolled - inner * (0, 0.3, 0)


def _rolled_lower(half: _Half) -> F64:
    """The lower lip rolls in as far up as the upper one does, where the two meet."""
    return half.shape("mouthRollLower") - _inner_lower_lip(half) * (0, 0.13, 0)


def _jaw_thrust(half: _Half) -> F64:
    """The jaw goes forwards and down, as its joint leads it; the lips stay together."""
    fall = -half.shape("jawOpen")[:, 1:2]
    lower = Ramp(0.3, 0.9).smooth(fall / max(float(fall[half.mesh.landmarks[14], 0]), 1e-3))
    lip = half.near(half.mesh.at(14, 17), (1.6, 0.9, 2.0)) * lower
    return half.shape("jawForward") * 1.3 + lip * (0, 0.26, 0)


def _inner_lower_lip(half: _Half) -> F64:
    """(V, 1) share of the inner edge of the lower lip: what goes in farthest when it rolls."""
    return Ramp(0.4, 1.2).smooth(-half.shape("mouthRollLower")[:, 2:]) * half.mesh.skin[:, None]


_CORRECTIONS: dict[str, Callable[[_Half], F64]] = {
    "browDown": _brow_lowered,
    "noseSneer": _nose_wrinkled,
    "cheekSquint": _cheek_raised,
    "eyeSquint": _lids_tightened,
    "cheekPuff": _cheek_puffed,
    "mouthDimple": _dimpled,
    "mouthPress": _pressed,
}
"""Channels with sides, and what makes each one's corrected offsets of a half."""
