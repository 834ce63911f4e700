"""Motions are filled, smoothed, mirrored and read at any time, shot by shot."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from icface.face.controls import CHANNEL_INDEX, CHANNELS
from icface.motion.conditioning import (
    ConditioningError,
    at_seconds,
    filled,
    frames_at,
    mirrored,
    neutral_frame,
    shots,
    smoothed,
)
from icface.motion.motion import Motion

YAW, JAW, BLINK = CHANNEL_INDEX["yaw"], CHANNEL_INDEX["jawOpen"], CHANNEL_INDEX["eyeBlink_L"]
NAN = np.nan


def motion_of(
    yaw: list[float] | NDArray[np.floating], *, cuts: tuple[int, ...] = (), rate: int = 25
) -> Motion:
    """Yaw frame by frame; NaN where no face was read."""
    rows = np.zeros((len(yaw), len(CHANNELS)), np.float32)
    rows[:, YAW] = yaw
    missing = np.isnan(rows[:, YAW])
    rows[missing] = NAN
    return Motion(
        seconds=np.arange(len(yaw)) / rate,
        controls=rows,
        confidence=(~missing).astype(np.float32),
        rate=Fraction(rate),
        cuts=cuts,
    )


@st.composite
def motions(draw: st.DrawFn) -> Motion:
    """Any motion: uneven times, gaps, cuts, noise."""
    count = draw(st.integers(1, 24))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows = rng.uniform(0, 1, (count, len(CHANNELS))).astype(np.float32)
    rows[:, :3] = rng.uniform(-180, 180, (count, 3)) * draw(st.sampled_from([0.1, 1.0]))
    missing = rng.random(count) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    rows[missing] = NAN
    cuts = tuple(sorted(draw(st.sets(st.integers(1, count - 1), max_size=3)))) if count > 1 else ()
    seconds = np.concatenate([[0], rng.uniform(0.01, 0.2, count - 1).cumsum()])
    confidence = np.where(missing, 0, rng.uniform(0.5, 1, count)).astype(np.float32)
    carried = frozenset(draw(st.sets(st.sampled_from(CHANNELS), min_size=1)))
    return Motion(
        seconds=seconds,
        controls=rows,
        confidence=confidence,
        rate=Fraction(25),
        carried=carried,
        cuts=cuts,
    )


def yaws(motion: Motion) -> list[float]:
    return [round(float(v), 4) for v in motion.controls[:, YAW]]


# -------------------------------------------------------------------------------------------------


def test_the_last_reading_is_held_and_the_first_fills_frames_before_it() -> None:
    held = filled(motion_of([NAN, 1, NAN, NAN, 4, NAN], cuts=(3,)), "hold")
    assert yaws(held) == [1, 1, 1, 1, 4, 4]
    assert held.confidence.tolist() == [0, 1, 0, 0, 1, 0]


def test_readings_are_joined_within_a_shot_and_never_over_a_cut() -> None:
    assert yaws(filled(motion_of([0, NAN, NAN, 3]), "interpolate")) == [0, 1, 2, 3]
    over = filled(motion_of([NAN, 1, NAN, NAN, NAN, 8, NAN], cuts=(3,)), "interpolate")
    assert yaws(over) == [1, 1, 1, 8, 8, 8, 8]
    empty = filled(motion_of([1, NAN, NAN, 4], cuts=(1, 3)), "interpolate")
    assert empty.present.tolist() == [True, False, False, True]


def test_angles_take_the_short_way_round() -> None:
    assert abs(filled(motion_of([179, NAN, -179]), "interpolate").controls[1, YAW]) == 180
    assert abs(at_seconds(motion_of([179, -179]), 0.02)[0, YAW]) == pytest.approx(180)


def test_nothing_is_filled_when_asked_to_pass_or_when_nothing_is_missing() -> None:
    gaps, whole, none = motion_of([0, NAN, 2]), motion_of([0, 1, 2]), motion_of([NAN, NAN])
    assert filled(gaps, "pass") is gaps
    assert filled(whole, "interpolate") is whole
    assert filled(none, "hold") is none
    with pytest.raises(ConditioningError, match=r"Unknown policy 'guess'.*hold, interpolate, pass"):
        filled(gaps, "guess")  # type: ignore[arg-type]


@given(motions(), st.sampled_from(["hold", "interpolate"]))
def test_filling_leaves_readings_alone_and_fills_shots_that_have_any(
    motion: Motion, policy: str
) -> None:
    full = filled(motion, policy)  # type: ignore[arg-type]
    present, shot = motion.present, shots(motion)
    assert np.array_equal(full.controls[present], motion.controls[present])
    seen = (
        np.isin(shot, shot[present])
        if policy == "interpolate"
        else np.full(len(motion), present.any())
    )
    assert np.array_equal(full.present, seen)


# --------------------------------------------------------------------------------------------------


@given(motions())
def test_no_smoothing_is_the_motion_itself(motion: Motion) -> None:
    assert smoothed(motion, 0) is motion


@given(motions(), st.floats(0.01, 1))
def test_smoothing_stays_within_each_shot_and_its_range(motion: Motion, strength: float) -> None:
    smooth = smoothed(motion, strength)
    assert np.array_equal(smooth.present, motion.present)
    shot = shots(motion)
    for number in range(int(shot[-1]) + 1):
        rows = motion.controls[(shot == number) & motion.present, 3:]
        after = smooth.controls[(shot == number) & motion.present, 3:]
        if len(rows):
            assert (after >= rows.min(0)).all()
            assert (after <= rows.max(0)).all()


@given(motions(), st.floats(0.01, 1))
def test_smoothing_has_no_sense_of_direction(motion: Motion, strength: float) -> None:
    backwards = replace(
        motion,
        seconds=motion.seconds[-1] - motion.seconds[::-1],
        controls=motion.controls[::-1],
        confidence=motion.confidence[::-1],
        cuts=tuple(len(motion) - cut for cut in motion.cuts[::-1]),
    )
    there, back = (
        smoothed(motion, strength).controls[:, 3:],
        smoothed(backwards, strength).controls[::-1, 3:],
    )
    np.testing.assert_allclose(there, back, atol=1e-5)


def test_shots_do_not_touch_each_other() -> None:
    apart = smoothed(motion_of([0, 0, 0, 9, 9, 9], cuts=(3,)), 1)
    assert yaws(apart) == [0, 0, 0, 9, 9, 9]
    alone = smoothed(motion_of([0, 5, 0]), 1)
    assert yaws(smoothed(motion_of([0, 5, 0, 7], cuts=(3,)), 1)) == [*yaws(alone), 7]


def test_smoothing_takes_jitter_away_and_leaves_a_blink_and_its_time() -> None:
    rng = np.random.default_rng(1)
    rows = np.zeros((100, len(CHANNELS)), np.float32)
    rows[:, YAW] = rng.normal(0, 0.3, 100)
    rows[:, BLINK] = np.interp(np.arange(100), [46, 48, 50, 54], [0, 1, 1, 0])
    motion = replace(motion_of(np.zeros(100)), controls=rows)
    smooth = smoothed(motion, 0.5)
    assert np.diff(smooth.controls[:, YAW], 2).std() < 0.4 * np.diff(rows[:, YAW], 2).std()
    assert smooth.controls[:, BLINK].max() > 0.85
    weight = smooth.controls[:, BLINK] / smooth.controls[:, BLINK].sum()
    assert (weight * np.arange(100)).sum() == pytest.approx(
        (rows[:, BLINK] * np.arange(100)).sum() / rows[:, BLINK].sum(), abs=0.05
    )


def test_more_strength_is_smoother_and_a_head_that_turns_round_is_followed() -> None:
    noise = np.random.default_rng(2).normal(0, 1, 80)
    left = [smoothed(motion_of(noise), s).controls[:, YAW].std() for s in (0, 0.25, 0.5, 0.75, 1)]
    assert left == sorted(left, reverse=True)
    round_ = smoothed(motion_of((np.arange(60) * 10 + 180) % 360 - 180), 1)
    assert np.abs(round_.controls[:, YAW]).max() <= 180
    assert np.abs((np.diff(round_.controls[:, YAW]) + 180) % 360 - 180 - 10).max() < 4


@pytest.mark.parametrize("strength", [-0.1, 1.1, NAN])
def test_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(ConditioningError, match=r"0 \(off\) to 1"):
        smoothed(motion_of([0, 1]), strength)


# --------------------------------------------------------------------------------------------------


def test_the_neutral_frame_is_at_rest_with_open_eyes_and_confident() -> None:
    rows = np.zeros((7, len(CHANNELS)), np.float32)
    rows[:, BLINK] = 0.1  # this person's eyes at rest
    rows[0, JAW] = 0.6
    rows[1, YAW] = 25
    rows[2, BLINK] = 0.7
    rows[4] = NAN
    rows[5, CHANNEL_INDEX["mouthSmile_L"]] = 0.4
    confidence = np.array([1, 1, 1, 0.5, 0, 1, 1], np.float32)
    motion = Motion(
        seconds=np.arange(7) / 25, controls=rows, confidence=confidence, rate=Fraction(25)
    )
    assert neutral_frame(motion) == 6
    with pytest.raises(ConditioningError, match="No frame has a face"):
        neutral_frame(motion_of([NAN, NAN]))


@given(motions())
def test_the_neutral_frame_has_a_face(motion: Motion) -> None:
    if motion.present.any():
        assert motion.vector(neutral_frame(motion)) is not None


# --------------------------------------------------------------------------------------------------


def test_a_mirror_swaps_the_sides_and_turns_yaw_and_roll() -> None:
    names = (
        "yaw",
        "pitch",
        "roll",
        "eyeBlink_L",
        "jawLeft",
        "mouthRight",
        "eyeLookIn_R",
        "mouthFunnel",
    )
    rows = np.zeros((1, len(CHANNELS)), np.float32)
    rows[0, [CHANNEL_INDEX[name] for name in names]] = [10, 5, -3, 0.5, 0.2, 0.3, 0.4, 0.6]
    motion = replace(motion_of([0.0]), controls=rows, carried=frozenset({"eyeBlink_L", "yaw"}))
    state = mirrored(motion).vector(0)
    assert state is not None
    shown = {
        name: round(value, 4) for name, value in zip(CHANNELS, state.values, strict=True) if value
    }
    turned = {"yaw": -10, "pitch": 5, "roll": 3}
    sides = {"eyeBlink_R": 0.5, "jawRight": 0.2, "mouthLeft": 0.3, "eyeLookIn_L": 0.4}
    assert shown == turned | sides | {"mouthFunnel": 0.6}
    assert mirrored(motion).carried == {"eyeBlink_R", "yaw"}


@given(motions())
def test_a_mirror_in_a_mirror_shows_the_motion(motion: Motion) -> None:
    assert mirrored(mirrored(motion)) == motion


# --------------------------------------------------------------------------------------------------


@given(motions())
def test_at_the_time_of_a_frame_its_row_is_read_exactly(motion: Motion) -> None:
    for beyond in ("hold", "loop", "pingpong"):
        assert np.array_equal(
            at_seconds(motion, motion.seconds, beyond=beyond),
            motion.controls.astype(float),
            equal_nan=True,
        )


@given(motions(), st.lists(st.floats(-5, 5), min_size=1, max_size=8))
def test_what_is_read_lies_between_two_frames_of_one_shot(
    motion: Motion, times: list[float]
) -> None:
    for beyond in ("hold", "loop", "pingpong"):
        for row in at_seconds(motion, np.array(times), beyond=beyond)[:, 3:]:
            if not np.isnan(row[0]):
                pairs = [
                    (motion.controls[i, 3:], motion.controls[max(i - 1, 0), 3:])
                    for i in range(len(motion))
                ]
                slack = 1e-6
                assert any(
                    ((row >= np.minimum(a, b) - slack) & (row <= np.maximum(a, b) + slack)).all()
                    for a, b in (*pairs, *((a, a) for a, _ in pairs))
                )


def test_times_between_frames_are_drawn_but_not_over_cuts_and_losses() -> None:
    motion = motion_of([0, 10, NAN, 30, 40], cuts=(4,))
    read = at_seconds(motion, np.array([0.02, 0.06, 0.1, 0.13, 0.15]))[:, YAW]
    np.testing.assert_allclose(read, [5, 10, NAN, 30, 30], atol=1e-9)


def test_a_shorter_motion_holds_begins_anew_or_turns_back() -> None:
    motion = motion_of([0, 10, 20], rate=10)  # lasts 0.3 s
    times = np.array([-0.05, 0.25, 0.35, 0.45])

    def read(beyond: str) -> list[float]:
        return at_seconds(motion, times, beyond=beyond)[:, YAW].round(6).tolist()  # type: ignore[arg-type]

    assert read("hold") == [0, 20, 20, 20]
    assert read("loop") == [20, 20, 5, 15]
    assert read("pingpong") == [5, 15, 5, 5]
    single = motion_of([7.0])
    for beyond in ("hold", "loop", "pingpong"):
        assert at_seconds(single, times, beyond=beyond)[:, YAW].tolist() == [7] * 4
    with pytest.raises(
        ConditioningError, match=r"Unknown way to go on 'stop'.*hold, loop, pingpong"
    ):
        read("stop")
    with pytest.raises(ConditioningError, match="finite seconds"):
        at_seconds(motion, NAN)


def test_a_frame_is_shown_until_the_next_is_due() -> None:
    motion = motion_of([0, 10, 20], rate=10)
    assert frames_at(motion, np.array([-1, 0, 0.09, 0.1, 0.25, 9])).tolist() == [0, 0, 0, 1, 2, 2]
    assert frames_at(motion, np.array([0.31, 0.45]), beyond="loop").tolist() == [0, 1]
    assert frames_at(motion, 0.2).tolist() == [2]
