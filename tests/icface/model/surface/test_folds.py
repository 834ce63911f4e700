"""Skin that folds over skin: two smooth flows, and an edge between them at any resolution."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from icface.arrays import F32
from icface.model.networks.neutralizer import GRID
from icface.model.surface.folds import (
    JUMP_PX,
    Folds,
    folds_of,
    without_islands,
    without_rim_behind,
)

EDGE = 128
"""Column of the edge of the near skin."""
JUMP = 20.0
"""Skin that the near skin hides, pixels."""
ALL = np.ones((GRID, GRID), bool)


def step(slant: float = 0.0) -> tuple[F32, F32, NDArray[np.bool_]]:
    """A flow and a depth with one edge: to its left is near skin; and where that skin is."""
    rows, columns = np.mgrid[:GRID, :GRID]
    near = columns < EDGE + slant * (rows - GRID / 2)
    field = np.zeros((GRID, GRID, 2), np.float32)
    field[~near, 0] = JUMP
    return field, np.where(near, 50, 10).astype(np.float32), near


def split(slant: float = 0.0) -> Folds:
    field, depth, _ = step(slant)
    folds = folds_of(field, ALL, depth)
    assert folds is not None
    return folds


def jumps(flow: F32) -> NDArray[np.bool_]:
    """(GRID, GRID - 1) bool: neighbours in a row with far different flows."""
    return np.abs(np.diff(flow[..., 0], axis=1)) > JUMP_PX


def test_a_smooth_flow_has_no_folds() -> None:
    rows, columns = np.mgrid[:GRID, :GRID] / GRID
    field = (np.dstack([np.sin(6 * rows), np.cos(5 * columns)]) * 8).astype(np.float32)
    assert folds_of(field, ALL, np.zeros((GRID, GRID), np.float32)) is None


@pytest.mark.parametrize("slant", [0.0, 0.3, -0.9])
def test_what_a_fold_shows_is_smooth_on_both_sides(slant: float) -> None:
    folds = split(slant)
    shown = folds.coverage[:, 1:] > 0.1, folds.coverage[:, 1:] < 0.9
    for flow, seen in zip((folds.near, folds.far), shown, strict=True):
        assert not (jumps(flow) & seen)[2:-2].any()


@pytest.mark.parametrize("slant", [0.0, 0.3, -0.9])
def test_each_side_of_the_edge_shows_its_own_skin(slant: float) -> None:
    folds, (field, _, near) = split(slant), step(slant)
    shown = np.where(folds.coverage[..., None] > 0.5, folds.near, folds.far)
    middle = np.s_[GRID // 4 : -GRID // 4]
    inner = cv2.erode(near.astype(np.uint8), np.ones((3, 3), np.uint8)) == 1
    outer = cv2.dilate(near.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
    for side in (inner, outer):
        assert np.abs(shown - field)[middle][side[middle]].max() < 1e-3


def test_a_slanting_edge_is_a_straight_line_between_the_pixels() -> None:
    slant = 0.3
    coverage = split(slant).coverage[GRID // 4 : -GRID // 4]
    band = coverage[:, EDGE - 45 : EDGE + 45]
    last = np.where(band > 0.5, np.arange(band.shape[1]), -1).max(1)
    row = np.arange(len(band))
    high, low = band[row, last], band[row, last + 1]
    crossing = last + (high - 0.5) / (high - low)
    assert np.abs(crossing - np.poly1d(np.polyfit(row, crossing, 1))(row)).max() < 0.35


def test_away_from_the_edge_the_flow_is_its_own() -> None:
    folds, (field, _, near) = split(), step()
    beyond = np.abs(np.arange(GRID) - EDGE) > 16
    assert (folds.far == field)[:, beyond].all()
    assert not folds.coverage[:, beyond].any()
    assert near[:, :EDGE].all()


def test_the_nearer_skin_covers_the_farther_whichever_side_it_is_on() -> None:
    field, depth, _ = step()
    folds = folds_of(field, ALL, -depth)
    assert folds is not None
    assert folds.coverage[:, EDGE + 3].min() == 1
    assert folds.coverage[:, EDGE - 4].max() == 0


def test_an_island_of_a_few_pixels_is_dropped_and_a_nose_is_kept() -> None:
    field = np.zeros((GRID, GRID, 2), np.float32)
    field[40:42, 40:43] = 30
    field[90:130, 90:120] = 30
    kept = without_islands(field, ALL)
    assert (~kept).sum() == 6
    assert not kept[40:42, 40:43].any()


def test_a_ragged_rim_that_looks_out_behind_the_skin_is_dropped_and_a_nose_is_not() -> None:
    rows, columns = np.mgrid[:GRID, :GRID]
    ragged = EDGE + 1 + (rows * 7 % 4)
    known = (columns < ragged) & (columns > 40) & (rows > 40) & (rows < GRID - 40)
    field, depth, near = step()
    middle = np.s_[60:-60]
    kept = without_rim_behind(field, known, depth)
    assert (kept == (known & near))[middle].all()
    nose = np.roll(known, 40, 1)  # the same edge far inside
    assert (without_rim_behind(field, nose, depth) == nose)[middle].all()
