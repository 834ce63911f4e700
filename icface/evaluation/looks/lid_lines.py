"""Shut lids: how dark and wide the line between them is, and how bright the lid above it.

The eyes are brought to a view of `VIEW_PX`, with the outer eye corners two thirds of it apart.
Across the lids run three columns, 7 pixels wide, at 0.3, 0.5 and 0.7 of the way from the outer
corner to the inner. In each, brightness is the mean of gamma-coded grey over the column's width:

line
    The darkest place, over the skin 9 to 16 pixels below it (median).
width
    The full width of the dark at half its depth, over the width of the eye. Depth is counted from
    the darker of lid and skin.
lid
    The skin 8 to 15 pixels above the line (median), over the skin below.

Seventeen closed frames of five real people have a line of 0.34 to 0.53 (0.02 with mascara), a width
of 0.12 to 0.18, and lids of 1.1 to 1.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64, U8
from icface.face.geometry import Similarity, eye_line_deg
from icface.face.landmarks import EYE_CORNERS, EYES
from icface.model.surface.crops import sample_crop

VIEW_PX = 400
"""Width of the standard view of both eyes."""
WANTED = {"line": (0.34, 0.53), "width": (0.12, 0.18), "lid": (1.1, 1.4)}
"""What real closed eyes show."""
SHUT = 0.13
"""An eye is shut whose middle is open by less than this share of its width."""
_SPREAD = 1.5
"""Width of the view in distances between the outer eye corners."""
_UPPER_MIDDLE, _INNER_CORNER, _LOWER_MIDDLE = 4, 8, 12
"""Positions in the contour of an eye."""
_PLACES = (0.3, 0.5, 0.7)
_REACH = 26
_SEARCHED = slice(10, 44)
"""Rows of a column of 2 * `_REACH` in which the line is looked for."""


@dataclass(frozen=True, slots=True)
class LidLine:
    """The line of a shut lid at one place; see the module for the three figures."""

    line: float
    width: float
    lid: float


def lid_lines(picture: U8, landmarks: NDArray[np.floating], side: str) -> list[LidLine]:
    """The line at three places along a shut lid, from the outer corner to the inner.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        RGB.
    landmarks : (478, 2 or 3)
        Of the picture, or of the photo that it was made of if the head did not turn: the line is
        looked for near the lower lid.
    side : str
        "L" or "R".
    """
    view, points = _standard_view(picture, landmarks)
    grey = (cv2.cvtColor(view, cv2.COLOR_RGB2GRAY) / np.float32(255)).astype(np.float32)
    contour = EYES[side]
    outer, inner = points[contour[0]], points[contour[_INNER_CORNER]]
    wide = float(np.linalg.norm(inner - outer))
    upper, lower = points[contour[_UPPER_MIDDLE]], points[contour[_LOWER_MIDDLE]]
    openness = float(np.linalg.norm(upper - lower)) / wide
    middle = (upper[1] + lower[1]) / 2 if openness < SHUT else lower[1]
    slope = (inner[1] - outer[1]) / (inner[0] - outer[0])
    found = []
    for place in _PLACES:
        x = outer[0] + (inner[0] - outer[0]) * place
        y = middle + slope * (x - (outer[0] + inner[0]) / 2)
        one = _line_of(_column(grey, x, y), wide)
        if one is not None:
            found.append(one)
    return found


def openness_of(landmarks: NDArray[np.floating], side: str) -> float:
    """How far an eye is open: the distance of the lids' middles over the eye's width."""
    contour = EYES[side]
    upper, lower = contour[_UPPER_MIDDLE], contour[_LOWER_MIDDLE]
    open_px = np.linalg.norm(landmarks[upper, :2] - landmarks[lower, :2])
    return float(
        open_px / np.linalg.norm(landmarks[contour[0], :2] - landmarks[contour[_INNER_CORNER], :2])
    )


def eye_view(picture: U8, landmarks: NDArray[np.floating]) -> U8:
    """The standard view of both eyes, `VIEW_PX` pixels wide and half as high."""
    view, _ = _standard_view(picture, landmarks)
    return view[VIEW_PX // 4 : VIEW_PX * 3 // 4]


def _standard_view(picture: U8, landmarks: NDArray[np.floating]) -> tuple[U8, F64]:
    """The view as a square, and the landmarks in it."""
    right, left = (landmarks[i, :2].astype(np.float64) for i in EYE_CORNERS)
    x, y = (right + left) / 2
    into = Similarity.crop(
        centre=(float(x), float(y)),
        side=_SPREAD * float(np.linalg.norm(left - right)),
        roll_deg=eye_line_deg(landmarks),
        size=VIEW_PX,
    )
    return sample_crop(picture, into, VIEW_PX), into.points(landmarks[:, :2])


def _column(grey: F32, x: float, y: float) -> F32:
    """(2 * `_REACH`,) brightness across the lids, 7 pixels wide."""
    row, column = round(y), round(x)
    rows = np.clip(np.arange(row - _REACH, row + _REACH), 0, len(grey) - 1)
    columns = np.clip(np.arange(column - 3, column + 4), 0, grey.shape[1] - 1)
    across: F32 = grey[np.ix_(rows, columns)].mean(1)
    return across


def _line_of(across: F32, eye_px: float) -> LidLine | None:
    """The line in a column of an eye of this width; None where there is no skin below it."""
    dark = int(np.argmin(across[_SEARCHED])) + _SEARCHED.start
    depth = float(across[dark])
    lid = float(np.median(across[max(0, dark - 16) : max(1, dark - 8)]))
    below = float(np.median(across[min(51, dark + 9) : min(52, dark + 17)]))
    if below <= 0:
        return None
    half = depth + 0.5 * (min(lid, below) - depth)
    top, bottom = dark, dark
    while top > 0 and across[top] < half:
        top -= 1
    while bottom < len(across) - 1 and across[bottom] < half:
        bottom += 1
    return LidLine(depth / below, (bottom - top - 1) / eye_px, lid / below)
