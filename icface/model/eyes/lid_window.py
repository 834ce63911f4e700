"""The window about a closed lid in which it is retouched: its place on the square of an eye."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32
from icface.model.eyes.eye_photo import unit_axes
from icface.model.networks.lid_retoucher import LID_COLUMNS, LID_ROWS

_WIDE, _UP, _DOWN = 1.5, 0.62, 0.38
"""Width of the window, and its reach above and below the line, in widths of the eye."""


def lid_window(square: F32, line: float, outer: int) -> F32:
    """(LID_ROWS, LID_COLUMNS, ...) the window of a square (S, S, ...), outer corner on the right.

    Parameters
    ----------
    square : (S, S, ...) float32
    line : float
        Height of the line where lids meet, in units of the eye.
    outer : int
        1 when the outer corner is on the right of the square, -1 when it is on the left.
    """
    size = len(square)
    axis, rows = unit_axes(size)
    step = float(axis[1] - axis[0])
    columns = ((np.arange(LID_COLUMNS) + 0.5) / LID_COLUMNS - 0.5) * _WIDE * outer
    heights = line - _UP + (np.arange(LID_ROWS) + 0.5) / LID_ROWS * (_UP + _DOWN)
    x = np.broadcast_to((columns - axis[0]) / step, (LID_ROWS, LID_COLUMNS))
    y = np.broadcast_to(((heights - rows[0]) / step)[:, None], (LID_ROWS, LID_COLUMNS))
    pixel = _WIDE / LID_COLUMNS / step
    if pixel > 1.5:
        square = np.asarray(cv2.GaussianBlur(square, (0, 0), 0.4 * pixel), np.float32)
    at = [np.ascontiguousarray(a, np.float32) for a in (x, y)]
    return np.asarray(
        cv2.remap(square, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )


def on_square(window: F32, line: float, outer: int, size: int) -> F32:
    """(size, size, ...) a window (LID_ROWS, LID_COLUMNS, ...) laid back, 0 beyond it."""
    x, y = unit_axes(size)
    columns = (x * outer / _WIDE + 0.5) * LID_COLUMNS - 0.5
    rows = (y - line + _UP) / (_UP + _DOWN) * LID_ROWS - 0.5
    at_x: NDArray[np.float32] = np.ascontiguousarray(np.broadcast_to(columns, (size, size)))
    at_y: NDArray[np.float32] = np.ascontiguousarray(
        np.broadcast_to(rows.astype(np.float32)[:, None], (size, size))
    )
    laid = cv2.remap(
        window, at_x.astype(np.float32), at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(laid, np.float32)
