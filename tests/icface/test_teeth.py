"""Gaps between painted teeth."""

from __future__ import annotations

import numpy as np
import pytest

from icface.geometry import Similarity, rotation_matrix
from icface.model.teeth import gaps, hides_teeth, with_gaps

SIZE = 96
PIVOT = np.array([128.0, 110.0])


def lines(yaw: float = 0.0, roll: float = 0.0) -> np.ndarray:
    turn = np.diag([1, -1, 1])[:2] @ rotation_matrix(yaw, 0, roll) * 7.0
    patch = Similarity.crop(centre=(128.0, 136.0), side=60.0, roll_deg=0.0, size=SIZE)
    return gaps(turn, patch, PIVOT, SIZE)


def test_gaps_are_even_and_narrower_to_the_sides() -> None:
    row = lines()[SIZE // 2]
    at = [x for x in range(1, SIZE - 1) if row[x] > 0.1 and row[x] >= row[x - 1] and row[x] > row[x + 1]]
    assert len(at) == 9
    assert at[4] == pytest.approx(SIZE / 2, abs=1)
    apart = np.diff(at)
    assert apart[:4] == pytest.approx(apart[:3:-1], abs=1.1)
    assert apart[3] > apart[0]


def test_gaps_turn_with_the_head() -> None:
    def middle(found: np.ndarray, row: int) -> float:
        weight = found[row]
        return float((weight * np.arange(SIZE)).sum() / weight.sum())

    assert middle(lines(yaw=20), SIZE // 2) > middle(lines(), SIZE // 2) + 8  # towards the subject's left
    upright, rolled = (np.abs(np.diff(lines(roll=r)[[40, 52]], axis=0)).sum() for r in (0, 15))
    assert upright < 0.2 < rolled  # lines that stand upright are the same in all rows


def test_only_bright_paint_that_is_hardly_red_gets_gaps() -> None:
    moved = np.full((3, 8, 8), 0.2, np.float32)
    colour, mask, everywhere = np.zeros((8, 8, 3), np.float32), np.ones((8, 8), np.float32), np.ones((8, 8), np.float32)
    colour[:, 2:4] = -0.55  # the dark of the mouth
    colour[:, 4:6] = (0.2, -0.15, -0.15)  # a lip
    mask[:, 6:] = 0
    change = (with_gaps(colour, mask, moved, everywhere) - colour).mean(2)
    assert change[:, :2].max() < -0.1
    assert np.abs(change[:, 2:]).max() < 1e-6
    assert (with_gaps(colour, mask, moved, everywhere * 0) == colour).all()


def test_a_closed_mouth_hides_its_teeth_and_an_open_one_does_not() -> None:
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    mouth = np.stack([20 * np.cos(turn), np.sin(turn)], 1)
    found = [hides_teeth(mouth * (1, tall)) for tall in (0.5, 1.0, 1.2, 1.6, 4)]
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (1, 0)
    assert 0 < found[2] < 1
