"""Gaps between painted teeth, where a photo shows none of its own.

What the painter invents for a mouth that the photo shows closed is an even row: over all the people it learnt from, gaps lie
anywhere. In one head they lie somewhere, stay there while the lips move, and turn with the head; so they are drawn there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.geometry import Similarity

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_GAPS_CM = np.array([[0.0, 7.95], [0.74, 7.8], [1.38, 7.4], [1.8, 6.8], [2.12, 6.1]])
"""From the middle to a side and to the front, head frame: between the front teeth of a mean upper jaw."""
_HEIGHT_CM = (-1.8, -6.2)
_CLOSED_BELOW, _OPEN_FROM = 0.035, 0.055
"""Area of a mouth's opening over its squared width: closed below the first, open from the second on."""
_DEPTH = 0.42
_BLUR = 0.6
_REDNESS = 0.13


def hides_teeth(opening: F64) -> float:
    """How much a mouth is closed, 0..1, by the points (K, 2) around its opening: so much it shows no teeth of its own.

    Between open and closed it changes gradually, so that nothing blinks in a clip whose mouth moves.
    """
    width = float(np.ptp(opening[:, 0]))
    area = abs(float(cv2.contourArea(opening.astype(np.float32))))
    return float(np.clip((_OPEN_FROM - area / max(width * width, 1e-6)) / (_OPEN_FROM - _CLOSED_BELOW), 0, 1))


def gaps(patch_from_head_cm: F64, patch_from_grid: Similarity, pivot: F64, size: int) -> F32:
    """(size, size) 0..1: lines where gaps between teeth lie.

    Parameters
    ----------
    patch_from_head_cm : (2, 3)
        Grid pixels, y down, from the head frame's centimetres, about the pivot.
    patch_from_grid : Similarity
        The patch.
    pivot : (2,)
        The head's pivot, grid pixels.
    """
    ink = np.zeros((size, size), np.uint8)
    for side in (-1, 1):
        for across, front in _GAPS_CM[0 if side > 0 else 1 :]:
            ends = np.array([[side * across, height, front] for height in _HEIGHT_CM])
            at = patch_from_grid.points(ends @ patch_from_head_cm.T + pivot)
            a, b = (tuple(int(v) for v in np.round(end * 16)) for end in at)
            cv2.line(ink, a, b, (255,), 1, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(ink, (0, 0), _BLUR) / 255, np.float32)


def with_gaps(colour: F32, mask: F32, moved: F32, lines: F32) -> F32:
    """Paint (S, S, 3), in units of the range of values, with gaps where it shows bright and hardly red: teeth.

    Parameters
    ----------
    mask : (S, S)
        How much of the paint is laid on.
    moved : (3, S, S)
        What it is laid on, -1..1.
    lines : (S, S)
        Of `gaps`.
    """
    shown = moved.transpose(1, 2, 0) * 0.5 + 0.5 + colour * mask[..., None]
    light = shown.mean(2)
    skin = float(np.median(moved.mean(0))) * 0.5 + 0.5
    red = shown[..., 0] - shown[..., 1:].mean(2)
    tooth = np.clip((light - 0.5 * skin) / (0.3 * skin + 1e-3), 0, 1) * np.clip((1.5 * _REDNESS - red) / _REDNESS, 0, 1) * mask
    return np.asarray(colour - (_DEPTH * lines * tooth * light)[..., None], np.float32)
