"""Limits of paint: the range the painter was trained on, and the hues of the photo."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface.face.controls import ANGLE_UNIT_DEG, EXPRESSIONS, ControlVector
from icface.model.mouth.patch import Patch

_PAINTED_WRONGLY = ("mouthPress", "mouthDimple", "mouthFunnel")
"""Channels of the mouth whose paint is worse than none: white lips, and grey haze for the dark."""
_NOT_CONDITIONED_ON = [
    3 + i
    for i, name in enumerate(EXPRESSIONS)
    if not name.startswith(("jaw", "mouth")) or name.startswith(_PAINTED_WRONGLY)
]
"""Positions in a control vector of channels that do not condition the painter."""
_LARGEST_TURN = 0.45
"""Largest change of an angle in the painter's conditioning, in units of `ANGLE_UNIT_DEG`."""
_TONE_PX = 2.0
"""Blur of paint over a drawn mouth, pixels of the painter's square."""
_TONE = 0.75
"""Weight of that paint."""
_TONE_HUE = 0.5
"""Weight of the hue of that paint, beside its brightness."""
HUE_TAIL = 1.0
"""Per cent of pixels at either end of a hue that do not count: specks and noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Hues:
    """Hues of a photo: bounds of its channels' distances from grey.

    Attributes
    ----------
    low, high : (3,) float32
        In units of the range of values.
    """

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
    """Own and requested controls (56,), within the range the painter was trained on.

    The painter was trained on jaws and lips that move and heads that turn a little. Conditioned on
    anything else it paints freaks or white lips, and the moved picture shows it enough of a nose or
    cheeks that move along, or of a head that is turned far.
    """
    change = after - before
    change[:3] = change[:3].clamp(-_LARGEST_TURN, _LARGEST_TURN)
    change[_NOT_CONDITIONED_ON] = 0
    return before, before + change


def hues_of(picture: NDArray[np.uint8]) -> Hues:
    """The hues of a picture (H, W, 3), without `HUE_TAIL` at either end."""
    own = (picture - picture.mean(2, keepdims=True)).reshape(-1, 3) / 255
    low, high = np.percentile(own, (HUE_TAIL, 100 - HUE_TAIL), axis=0).astype(np.float32)
    return Hues(np.minimum(low, 0), np.maximum(high, 0))


def in_own_hues(
    colour: NDArray[np.float32], moved: NDArray[np.float32], hues: Hues
) -> NDArray[np.float32]:
    """Paint limited to the photo's hues: grey photos keep grey teeth, and no mouth turns blue.

    Parameters
    ----------
    colour : (S, S, 3)
        Paint to be added, in units of the range of values.
    moved : (3, S, S)
        The moved picture below it, -1..1.
    hues : Hues
        Hues of the photo.

    Returns
    -------
    (S, S, 3) float32
        Paint to add, so that each colour's distance from grey lies within the photo's hues.
    """
    under = moved.transpose(1, 2, 0) * np.float32(0.5)
    painted = under + colour
    grey = painted.mean(2, keepdims=True)
    return np.asarray(grey + np.clip(painted - grey, hues.low, hues.high) - under, np.float32)


def tone_of_drawn(paint: Patch, drawn: NDArray[np.float32]) -> Patch:
    """Paint that gives the inside of a mouth its light and leaves drawn teeth crisp.

    Parameters
    ----------
    paint : Patch
        From the painter, (S, S).
    drawn : (S, S) float32
        0..1, coverage by the drawn inside.
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
