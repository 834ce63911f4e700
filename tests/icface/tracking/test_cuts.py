"""Cuts are told from motion, from light and from flashes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.tracking.cuts import CutDetector

SIDE = 64
WAVES = np.tile(120 + 50 * np.sin(np.arange(SIDE) * 2 * np.pi / 16), (SIDE, 1))
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


def test_a_clip_that_begins_in_motion_has_no_cut_in_its_first_frames() -> None:
    picture = scene(3, 2 * SIDE)
    assert seen(picture[:SIDE, 2 * n : 2 * n + SIDE] for n in range(12)) == ([], [])


def test_one_gets_used_to_a_storm() -> None:
    rng = np.random.default_rng(0)
    assert max(cuts(rng.integers(0, 255, (SIDE, SIDE)) for _ in range(40)), default=0) < 15


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


def scene(seed: int, wide: int = SIDE) -> NDArray[np.float64]:
    """A picture with edges of every size, another one for each seed."""
    rng = np.random.default_rng(seed)
    coarse, fine = (
        rng.uniform(50, 200, (8, wide // 8)),
        rng.uniform(-25, 25, (SIDE // 2, wide // 2)),
    )
    return np.kron(coarse, np.ones((8, 8))) + np.kron(fine, np.ones((2, 2)))


def with_hand(picture: NDArray[np.float64], left: float) -> NDArray[np.float64]:
    """The picture with a hand from a place on to its right edge, blurred as it moves."""
    seen = np.clip(np.arange(SIDE) - left, 0, 1) * (np.abs(np.arange(SIDE)[:, None] - 32) < 14)
    hidden: NDArray[np.float64] = picture + seen * (170 - picture)
    return hidden


@pytest.mark.parametrize("stays", [2, 12, 60])
@pytest.mark.parametrize("frames", [1, 3, 6])
def test_a_hand_that_passes_is_no_cut(frames: int, stays: int) -> None:
    way = np.linspace(0, 1, frames + 1)[1:]
    there = np.concatenate([np.zeros(15), way, np.ones(stays), 1 - way, np.zeros(15)])
    if frames == 1 and stays > 45:
        pytest.skip("what appears at once and stays cannot be told from a cut within a scene")
    assert cuts(with_hand(scene(0), 64 - 34 * share) for share in there) == []


@pytest.mark.parametrize("frames", [1, 4])
def test_a_lamp_beside_the_scene_is_no_cut(frames: int) -> None:
    lit = np.linspace(0.5, 1.9, SIDE)
    shares = np.clip((np.arange(40) - 15) / frames, 0, 1)
    assert cuts(scene(1) * (0.5 + share * (lit - 0.5)) for share in shares) == []


@pytest.mark.parametrize("most", [4, 12, 20])
def test_a_quick_pan_is_no_cut_and_the_camera_may_start_with_the_clip(most: int) -> None:
    wide = scene(2, 12 * SIDE)
    steps = np.concatenate([np.linspace(1, most, 6), np.full(8, most), np.linspace(most, 1, 6)])
    lefts = np.concatenate([[0], np.cumsum(np.round(steps)), np.repeat(steps.round().sum(), 9)])
    assert cuts(wide[:, int(x) : int(x) + SIDE] for x in lefts) == []


def test_a_cut_is_found_behind_a_hand_and_after_a_pan() -> None:
    wide = scene(2, 4 * SIDE)
    pan = [wide[:, 4 * n : 4 * n + SIDE] for n in range(20)]
    hand = [with_hand(scene(3), 64 - 10 * n) for n in range(4)]
    assert cuts([*pan, *[scene(3)] * 10, *hand, *[scene(4)] * 10]) == [20, 34]


def test_a_cut_within_a_scene_is_one_sudden_change() -> None:
    sits, stands = scene(5), scene(5)
    sits[24:, 16:48], stands[10:50, 20:60] = scene(6)[24:, 16:48], scene(7)[10:50, 20:60]
    assert cuts([*[sits] * 12, *[stands] * 50]) == [12]
