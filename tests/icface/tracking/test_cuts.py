"""Cuts are told from motion, from light and from flashes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.tracking.cuts import CutDetector

WAVES = np.tile(120 + 50 * np.sin(np.arange(32) * 2 * np.pi / 32), (32, 1))
OTHER = WAVES.T


def seen(glances: Iterable[NDArray[Any]]) -> tuple[list[int], list[int]]:
    """Frames that looked like cuts as they came, and what was left of them in the end."""
    detector = CutDetector()
    at_once = [
        n
        for n, glance in enumerate(glances)
        if detector.is_cut(np.clip(glance, 0, 255).astype(np.uint8))
    ]
    return at_once, list(detector.cuts)


def cuts(glances: Iterable[NDArray[Any]]) -> list[int]:
    return seen(glances)[1]


def test_a_cut_is_a_sudden_change_and_motion_is_none() -> None:
    assert cuts(np.roll(WAVES, n, axis=1) for n in range(20)) == []
    assert cuts([WAVES, WAVES, OTHER, OTHER]) == [2]
    assert cuts([*[WAVES] * 5, *[WAVES * 0.5] * 30, *[OTHER] * 3]) == [35]


def test_one_gets_used_to_a_storm() -> None:
    rng = np.random.default_rng(0)
    assert max(cuts(rng.integers(0, 255, (32, 32)) for _ in range(40))) < 15


@pytest.mark.parametrize("frames", [1, 3, 12])
def test_a_ramp_of_light_is_no_cut(frames: int) -> None:
    levels = np.concatenate([np.linspace(1, 0.3, frames + 1), np.linspace(0.3, 1, frames + 1)])
    assert cuts([*[WAVES] * 4, *(WAVES * level for level in levels), *[WAVES] * 4]) == []


def test_a_fade_to_black_and_back_is_no_cut() -> None:
    levels = np.concatenate([np.linspace(1, 0, 13), np.linspace(0, 1, 13)])
    assert cuts(WAVES * level for level in levels) == []


@pytest.mark.parametrize(
    "flash", [WAVES + 90, WAVES * 0 + 255, OTHER], ids=["bright", "white", "another picture"]
)
def test_a_flash_is_no_cut_once_the_picture_is_back(flash: NDArray[Any]) -> None:
    assert cuts([*[WAVES] * 10, flash, flash, *[WAVES] * 10]) == []


def test_a_picture_that_stays_away_is_a_cut_even_if_it_comes_back_later() -> None:
    assert cuts([*[WAVES] * 10, *[OTHER] * 9, *[WAVES] * 10]) == [10, 19]
    assert seen([*[WAVES] * 10, *[WAVES * 0] * 2, *[WAVES] * 10]) == ([10], [])
    assert cuts([*[WAVES] * 10, WAVES * 0, *[OTHER] * 10]) == [10, 11]
