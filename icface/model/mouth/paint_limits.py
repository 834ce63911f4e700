"""What keeps paint within what the painter has learnt and what the photo shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface.face.controls import ANGLE_UNIT_DEG, EXPRESSIONS, ControlVector
from icface.model.mouth.patch import Patch

_NOT_CONDITIONED_ON = [
    3 + i
    for i, name in enumerate(EXPRESSIONS)
    if not name.startswith(("jaw", "mouth", "cheekPuff"))
]
_LARGEST_TURN = 0.45
"""Largest change of an angle in the painter's conditioning, in units of `ANGLE_UNIT_DEG`."""
_TONE_PX, _TONE, _TONE_HUE = 2.0, 0.75, 0.5
"""Over a drawn mouth: blur of paint in pixels of the painter's square, and how much of its
brightness and of its hue counts."""
HUE_TAIL = 1.0
"""Per cent of the pixels at either end of a hue that do not count for it: specks and noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Hues:
    """How far from grey the channels of a photo's colours go, each (3,) float32 in units of the range of values."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]


def painter_controls(controls: ControlVector) -> torch.Tensor:
    """(56,) float32 for the painter's conditioning: angles in units of `ANGLE_UNIT_DEG`."""
    values = controls.array().astype(np.float32)
    values[:3] /= ANGLE_UNIT_DEG
    return torch.from_numpy(values)


def within_training_range(
    before: torch.Tensor, after: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Controls (56,) of the source and those wanted, within the range the painter was trained on.

    It has seen jaws and lips move, and heads turn a little. Of a nose or cheeks that move with
    them, and of a head turned far, the moved picture says enough; conditioned on numbers it has
    never seen, the painter would paint what nobody has seen.
    """
    change = after - before
    change[:3] = change[:3].clamp(-_LARGEST_TURN, _LARGEST_TURN)
    change[_NOT_CONDITIONED_ON] = 0
    return before, before + change


def hues_of(picture: NDArray[np.uint8]) -> Hues:
    """The hues of a picture (H, W, 3), but for `HUE_TAIL`."""
    own = (picture - picture.mean(2, keepdims=True)).reshape(-1, 3) / 255
    low, high = np.percentile(own, (HUE_TAIL, 100 - HUE_TAIL), axis=0).astype(np.float32)
    return Hues(np.minimum(low, 0), np.maximum(high, 0))


def in_own_hues(
    colour: NDArray[np.float32], moved: NDArray[np.float32], hues: Hues
) -> NDArray[np.float32]:
    """Paint that makes no hue the photo does not have there: grey photographs keep grey teeth, and no mouth turns blue.

    Parameters
    ----------
    colour : (S, S, 3)
        What is to be added, in units of the range of values.
    moved : (3, S, S)
        The moved picture that it is added to, -1..1.
    hues : Hues
        Those of the photo.

    Returns
    -------
    (S, S, 3) float32
        What to add, so that each colour's distance from grey lies between the photo's least and
        greatest, and grey.
    """
    under = moved.transpose(1, 2, 0) * np.float32(0.5)
    painted = under + colour
    grey = painted.mean(2, keepdims=True)
    return np.asarray(grey + np.clip(painted - grey, hues.low, hues.high) - under, np.float32)


def tone_of_drawn(paint: Patch, drawn: NDArray[np.float32]) -> Patch:
    """Paint that gives the inside of a mouth its light, and leaves teeth as crisp as they are drawn.

    Parameters
    ----------
    paint : Patch
        What the painter made, (S, S).
    drawn : (S, S) float32
        0..1, where the inside is drawn.
    """
    added, share = paint.colour * paint.mask[..., None], drawn[..., None]
    tone = cv2.GaussianBlur(added * share, (0, 0), _TONE_PX) / (
        cv2.GaussianBlur(drawn, (0, 0), _TONE_PX)[..., None] + 1e-4
    )
    grey = tone.mean(2, keepdims=True)
    added += (_TONE * (grey + _TONE_HUE * (tone - grey)) - added) * share
    mask = np.maximum(paint.mask, drawn)
    colour = added / np.maximum(mask, 1e-3)[..., None]
    return replace(paint, colour=np.ascontiguousarray(colour, np.float32), mask=mask)
