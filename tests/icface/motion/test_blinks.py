"""Blinks of a driver that close eyes, on lids that are drawn as numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from icface.face.controls import CHANNEL_INDEX, CHANNELS
from icface.motion.blinks import whole_blinks
from icface.motion.motion import Motion

LEFT, RIGHT = CHANNEL_INDEX["eyeBlink_L"], CHANNEL_INDEX["eyeBlink_R"]
LIDS = {
    LEFT: ((386, 374), (385, 380), (387, 373), (263, 362)),
    RIGHT: ((159, 145), (158, 153), (160, 144), (33, 133)),
}
RATE = 25


def motion_of(read: dict[int, np.ndarray], apart: dict[int, np.ndarray]) -> Motion:
    """Readings of each eye by frame, and the distance of its lids in eye widths."""
    count = len(next(iter(read.values())))
    rows = np.zeros((count, len(CHANNELS)), np.float32)
    landmarks = np.zeros((count, 478, 3), np.float32)
    for channel, (*lids, (outer, inner)) in LIDS.items():
        rows[:, channel] = read.get(channel, np.zeros(count))
        landmarks[:, outer, 0], landmarks[:, inner, 0] = 120, 100
        for upper, lower in lids:
            landmarks[:, lower, 1] = 20 * apart.get(channel, np.full(count, 0.3))
            landmarks[:, (upper, lower), 0] = 110
    return Motion(
        seconds=np.arange(count) / RATE,
        controls=rows,
        confidence=np.ones(count, np.float32),
        landmarks=landmarks,
        rate=Fraction(RATE),
    )


def blink(
    *, strength: float = 0.5, shut: float = 0.1, length: int = 3, count: int = 75
) -> tuple[np.ndarray, np.ndarray]:
    """Readings and openings of lids that are shut for some frames in the middle."""
    down = np.zeros(count)
    first = count // 2
    down[first : first + length] = 1
    down[[first - 1, first + length]] = 0.4
    return 0.02 + (strength - 0.02) * down, 0.3 + (shut - 0.3) * down


def left(motion: Motion) -> np.ndarray:
    return motion.controls[:, LEFT]


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.7])
def test_a_blink_read_in_part_closes_the_eye_and_changes_nothing_else(
    strength: float,
) -> None:
    read, apart = blink(strength=strength)
    motion = motion_of({LEFT: read, RIGHT: read}, {LEFT: apart, RIGHT: apart})
    whole = whole_blinks(motion)
    assert left(whole).max() == 1
    assert (left(whole) >= left(motion)).all()
    away = np.abs(np.arange(len(motion)) - 38) > 3
    assert (whole.controls[away] == motion.controls[away]).all()
    others = [i for i in range(len(CHANNELS)) if i not in (LEFT, RIGHT)]
    assert (whole.controls[:, others] == motion.controls[:, others]).all()
    assert motion.controls[:, LEFT].max() == pytest.approx(strength)  # what was read stays as it is


def test_lids_that_are_merely_low_are_left_alone() -> None:
    read, apart = blink(strength=0.4, shut=0.18, length=20)
    trembling = read + 0.03 * np.sin(np.arange(len(read)) * 2.1)
    motion = motion_of({LEFT: trembling}, {LEFT: apart})
    assert whole_blinks(motion) is motion


def test_low_lids_of_someone_who_blinks_too_do_not_twitch() -> None:
    read, apart = blink()
    read[50:70], apart[50:70] = 0.25 + 0.05 * np.sin(np.arange(20) * 2.1), 0.17
    motion = motion_of({LEFT: read}, {LEFT: apart})
    whole = whole_blinks(motion)
    assert left(whole).max() == 1
    assert (left(whole)[50:70] == left(motion)[50:70]).all()


def test_eyes_that_are_held_shut_do_not_flutter() -> None:
    read, apart = blink(length=30)
    wobbling = read + 0.06 * np.sin(np.arange(len(read)) * 2.3) * (read > 0.3)
    whole = whole_blinks(motion_of({LEFT: wobbling}, {LEFT: apart}))
    assert np.ptp(left(whole)[37:67]) < 1e-6


def test_a_wink_closes_one_eye() -> None:
    read, apart = blink()
    whole = whole_blinks(motion_of({LEFT: read, RIGHT: 0.2 * read}, {LEFT: apart}))
    assert left(whole).max() == 1
    assert whole.controls[:, RIGHT] == pytest.approx(0.2 * read)


def test_two_shut_eyes_are_no_wink_however_weakly_one_is_read() -> None:
    read, apart = blink()
    whole = whole_blinks(motion_of({LEFT: read, RIGHT: 0.1 * read}, {LEFT: apart, RIGHT: apart}))
    assert left(whole).max() == whole.controls[:, RIGHT].max() == 1


def test_tables_and_faces_that_are_not_seen_stay_as_they_are() -> None:
    read, apart = blink()
    motion = motion_of({LEFT: read}, {LEFT: apart})
    table = Motion(
        seconds=motion.seconds,
        controls=motion.controls,
        confidence=motion.confidence,
        rate=motion.rate,
    )
    assert whole_blinks(table) is table
    controls, landmarks = motion.controls.copy(), np.array(motion.landmarks)
    controls[10:20], landmarks[10:20] = np.nan, np.nan
    confidence = np.where(np.isnan(controls[:, 0]), 0, 1).astype(np.float32)
    gap = Motion(
        seconds=motion.seconds,
        controls=controls,
        confidence=confidence,
        landmarks=landmarks,
        rate=motion.rate,
    )
    whole = whole_blinks(gap)
    assert np.isnan(whole.controls[10:20]).all()
    assert left(whole)[20:].max() == 1


# Fitted readings ----------------------------------------------------------------------------------


def fitted_of(apart: np.ndarray, right: np.ndarray | None = None) -> Motion:
    """A motion whose lids are read by how far they are apart, a share of open ones."""
    shares = {LEFT: apart, RIGHT: apart if right is None else right}
    read = {at: 0.9 * (1 - share) for at, share in shares.items()}
    motion = motion_of(read, {at: 0.3 * share for at, share in shares.items()})
    return replace(motion, regressed=motion.controls, rest=0)


def test_a_fitted_blink_closes_and_lids_on_their_way_stay_as_fitted() -> None:
    apart = np.array([1.0] * 20 + [0.7, 0.5, 0.3, 0.15, 0.15, 0.4, 0.8] + [1.0] * 20)
    motion = fitted_of(apart)
    whole = whole_blinks(motion)
    assert left(whole)[[23, 24]] == pytest.approx(1)
    on_the_way = apart > 0.35
    assert (whole.controls[on_the_way] == motion.controls[on_the_way]).all()


@pytest.mark.parametrize("floor", [0.15, 0.4])
def test_fitted_eyes_that_look_down_through_a_slit_are_not_shut(floor: float) -> None:
    slit = floor + 0.25 * (1 - floor)
    apart = np.array([1.0] * 20 + [floor] * 3 + [1.0] * 5 + [slit] * 20 + [1.0] * 20)
    motion = fitted_of(apart)
    whole = whole_blinks(motion)
    assert left(whole)[21] == 1
    assert (left(whole)[28:48] == left(motion)[28:48]).all()


def test_fitted_eyes_that_never_shut_are_left_alone() -> None:
    motion = fitted_of(np.array([1.0] * 20 + [0.5] * 20))
    assert whole_blinks(motion) is motion


def test_a_fitted_wink_closes_one_eye() -> None:
    apart = np.array([1.0] * 20 + [0.15] * 3 + [1.0] * 20)
    motion = fitted_of(apart, np.maximum(apart, 0.6))
    whole = whole_blinks(motion)
    assert left(whole)[21] == 1
    assert (whole.controls[:, RIGHT] == motion.controls[:, RIGHT]).all()
