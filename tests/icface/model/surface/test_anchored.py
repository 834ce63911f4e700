"""Points anchored to a surface."""

from __future__ import annotations

import numpy as np
import pytest

from icface.face.landmarks import INNER_LIPS
from icface.model.mouth.lips import lips_of
from icface.model.networks.neutralizer import OFFSET, WINDOW, Part
from icface.model.surface.anchored import Anchored


def test_points_follow_the_nearest_of_the_surface_points_that_are_named() -> None:
    source = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    tied = Anchored.of(np.array([[1.0, 1.0]]), source, np.array([1, 2]))
    moved = np.column_stack([source, np.zeros(3)])
    assert tied.at(moved) == pytest.approx(np.array([[1.0, 1.0]]))
    moved[0] += 100
    assert tied.at(moved) == pytest.approx(np.array([[1.0, 1.0]]))
    moved[1:] += (0, 5, 3)
    assert tied.at(moved) == pytest.approx(np.array([[1.0, 6.0]]))


def test_the_lips_of_a_closed_mouth_part_with_the_jaw() -> None:
    part = np.full((WINDOW, WINDOW), int(Part.SKIN))
    part[100:] = Part.LOWER
    rows, columns = np.nonzero(part)
    source = np.stack([columns, rows], 1).astype(np.float64) + OFFSET
    points = np.zeros((478, 2))
    x = np.concatenate([np.linspace(60, 100, 11), np.linspace(96, 64, 9)])
    points[list(INNER_LIPS)] = np.stack([x, np.full(20, 99.5)], 1) + OFFSET
    lips = lips_of(part, source, points)
    moved = source + np.where(part[rows, columns] == Part.LOWER, 20.0, 0.0)[:, None] * (0, 1)
    opened = lips.at(moved)[:, 1] - points[list(INNER_LIPS), 1]
    assert opened[1:10] == pytest.approx(20.0)
    assert opened[[0, *range(10, 20)]] == pytest.approx(0.0)
