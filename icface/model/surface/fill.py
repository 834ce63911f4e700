"""Maps continued beyond their known pixels: flows that fade out, masks with soft edges."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32

_NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
"""Mean of the four neighbours of a pixel."""
_SQUARE = np.ones((3, 3), np.uint8)
"""A pixel and its eight neighbours."""


def softened(mask: F32) -> F32:
    """A mask (S, S) with an edge two pixels wide, and 0 along the border."""
    if not mask.any():
        return mask
    soft: F32 = cv2.blur(mask, (3, 3)).astype(np.float32, copy=False)
    soft[[0, -1]] = soft[:, [0, -1]] = 0
    return soft


def extended(field: F32, known: NDArray[np.bool_], *, rounds: int = 3) -> F32:
    """A flow (S, S, 2) continued a few pixels beyond its known part, under a mask's soft edge.

    Parameters
    ----------
    field : (S, S, 2)
        0 where it is not known; written to.
    known : (S, S) bool
    rounds : int
        Pixels by which it is continued.
    """
    rows, columns = np.flatnonzero(known.any(1)), np.flatnonzero(known.any(0))
    if not len(rows):
        return field
    top, left = max(int(rows[0]) - rounds, 0), max(int(columns[0]) - rounds, 0)
    window = np.s_[top : int(rows[-1]) + rounds + 1, left : int(columns[-1]) + rounds + 1]
    values, share = field[window], known[window].astype(np.float32)
    for _ in range(rounds):
        around = _sum_of_nine(share)
        mean = _sum_of_nine(values) / np.maximum(around, 1)[..., None]
        values = np.where(share[..., None] > 0, values, mean)
        share = (around > 0).astype(np.float32)
    field[window] = values
    return field


def _sum_of_nine(values: F32) -> F32:
    """Sum over 3 x 3 pixels, with 0 beyond the border."""
    total: F32 = cv2.boxFilter(values, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)  # type: ignore[assignment]
    return total


def beside(around: F32, values: F32, known: NDArray[np.bool_]) -> F32:
    """The flow of the surroundings blended smoothly into a surface's own.

    The outermost known pixels take the flow of the surroundings too, but for those around holes: at
    its outline a surface is seen edge on, and ragged.

    Parameters
    ----------
    around : (S, S, 2)
        Flow of the surroundings, 0 along the border.
    values : (S, S, 2)
        The surface's own flow.
    known : (S, S) bool
        Where `values` hold.
    """
    outside = known.astype(np.uint8)
    outside[[0, -1]] = outside[:, [0, -1]] = 0
    cv2.floodFill(outside, None, (0, 0), (2,))
    inner = known & (cv2.dilate(outside // 2, _SQUARE) == 0)
    departure: NDArray[Any] = cv2.copyTo(cv2.subtract(values, around), inner.view(np.uint8))
    return np.asarray(cv2.add(fill(departure, inner), around), np.float32)


def fill(values: F32, known: NDArray[np.bool_]) -> F32:
    """Values (S, S, C) continued smoothly from known pixels to 0 at the border, coarse to fine.

    Parameters
    ----------
    values : (S, S, C)
        0 where they are not known; S is a power of two.
    known : (S, S) bool
        Where `values` hold.
    """
    share: F32 = known.astype(np.float32)
    own: NDArray[Any] = values.copy()
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        own[edge], share[edge] = 0, 1
    pyramid = [(own, share.astype(np.uint8))]
    while len(share) > 4:
        half = (len(share) // 2, len(share) // 2)
        coarse: NDArray[Any] = cv2.resize(share, half, interpolation=cv2.INTER_AREA)
        own = (
            cv2.resize(own, half, interpolation=cv2.INTER_AREA)
            / np.maximum(coarse, 1e-6)[..., None]
        )
        there = coarse > 0
        share = there.astype(np.float32)
        pyramid.append((own, there.astype(np.uint8)))
    filled: NDArray[Any] = pyramid[-1][0]
    for level, (own, held) in reversed(list(enumerate(pyramid))):
        if len(filled) != len(own):
            filled = cv2.resize(filled, (len(own), len(own)), interpolation=cv2.INTER_LINEAR)
        filled = cv2.copyTo(own, held, filled)
        for _ in range(min(level, 4)):  # fine levels are nearly right already
            filled = cv2.copyTo(own, held, cv2.filter2D(filled, -1, _NEIGHBOURS))
    return np.asarray(filled, np.float32)
