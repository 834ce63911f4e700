"""Where the eyes and the mouth lie in a face, for a closer look at each.

A part is looked at in a square crop whose place, tilt and size follow from points that no expression moves, so that a
raised brow or a dropped jaw shows as such. The subject's left eye is looked at in a mirror: one network reads both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from icface.controls import CHANNEL_INDEX, EXPRESSIONS
from icface.geometry import Similarity, eye_line_deg

PartName = Literal["right_eye", "left_eye", "mouth"]

_RIGID = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2)
_SUBNASALE = 2
_RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
_RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
_LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
_RIGHT_IRIS, _LEFT_IRIS = (468, 469, 470, 471, 472), (473, 476, 475, 474, 477)
_LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
)  # fmt: skip
_EYE_CHANNELS = (
    "browDown", "browInnerUp", "browOuterUp", "cheekSquint", "eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut",
    "eyeLookUp", "eyeSquint", "eyeWide",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of the face and what a look at it tells.

    Attributes
    ----------
    points : (K,) int
        Landmarks it refines; those of the left eye in the order of the right one's mirror images.
    channels : (C,) int
        Positions in a control vector of what it reads.
    mirrored : bool
        Whether the crop is mirrored before it is read.
    down, side : float
        Middle of the crop below its anchor, and the crop's side, in units of `face_unit`.
    anchor : tuple of int
        Landmarks whose mean the crop hangs from.
    """

    points: NDArray[np.int64]
    channels: NDArray[np.int64]
    mirrored: bool
    down: float
    side: float
    anchor: tuple[int, ...]


def _eye(side: str, points: tuple[int, ...], anchor: tuple[int, int]) -> Part:
    channels = np.array([CHANNEL_INDEX[f"{name}_{side}"] for name in _EYE_CHANNELS])
    return Part(np.array(points), channels, side == "L", -0.4, 2.35, anchor)


_OF_EYES = {f"{name}_{side}" for name in _EYE_CHANNELS for side in "LR"}
PARTS: dict[PartName, Part] = {
    "right_eye": _eye("R", _RIGHT_EYE + _RIGHT_BROW + _RIGHT_IRIS, (33, 133)),
    "left_eye": _eye("L", _LEFT_EYE + _LEFT_BROW + _LEFT_IRIS, (263, 362)),
    "mouth": Part(
        np.array(_LIPS),
        np.array([CHANNEL_INDEX[name] for name in EXPRESSIONS if name not in _OF_EYES]),
        False,
        1.1,
        3.3,
        (_SUBNASALE,),
    ),
}


def face_unit(landmarks: NDArray[np.floating]) -> float:
    """Size of a face in pixels, from points that neither the expression nor the pose changes much: about an eye's width."""
    rigid = landmarks[list(_RIGID)].astype(np.float64)
    return float(np.sqrt(((rigid - rigid.mean(0)) ** 2).sum(1).mean()))


def part_crop(landmarks: NDArray[np.floating], name: PartName, size: int) -> Similarity:
    """``crop_from_image`` of a part, upright along the eye line, before any mirroring.

    Parameters
    ----------
    landmarks : (478, 3) array
        Image pixels.
    size : int
        Side of the crop in pixels.
    """
    part, unit, roll = PARTS[name], face_unit(landmarks), eye_line_deg(landmarks)
    x, y = landmarks[list(part.anchor), :2].mean(0)
    down = part.down * unit
    centre = (float(x - np.sin(np.radians(roll)) * down), float(y + np.cos(np.radians(roll)) * down))
    return Similarity.crop(centre=centre, side=part.side * unit, roll_deg=roll, size=size)
