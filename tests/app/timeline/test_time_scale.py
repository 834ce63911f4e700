from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.timeline.time_scale import (
    MARGIN_PX,
    MAX_PX,
    MIN_PX,
    TimeScale,
    TimeTextError,
    parse_time,
    snapped,
    tick_steps,
    ticks,
)
from icface.motion.timecode import frame_of, nominal_rate, timecode

RATES = st.sampled_from(
    [
        Fraction(24),
        Fraction(25),
        Fraction(30000, 1001),
        Fraction(60),
        Fraction(25, 2),
        Fraction(24000, 1001),
        Fraction(60000, 1001),
        Fraction(29, 2),
        Fraction(240),
    ]
)
SCALES = st.builds(TimeScale, st.floats(-50, 1e5), st.floats(0.01, MAX_PX))


@given(SCALES, st.integers(0, 100_000))
def test_a_frame_is_found_again_where_it_is_drawn(scale: TimeScale, frame: int) -> None:
    assert scale.frame(scale.x(frame)) == frame


@given(SCALES, st.floats(0.1, 10), st.floats(0, 2000))
def test_zooming_leaves_the_time_under_the_pointer_where_it_is(
    scale: TimeScale, factor: float, x: float
) -> None:
    after = scale.zoomed(factor, x)
    assert after.exact(x) == pytest.approx(scale.exact(x), abs=1e-6 * max(1.0, abs(scale.exact(x))))
    assert MIN_PX <= after.px <= MAX_PX


@given(st.integers(0, 5000), st.integers(1, 5000), st.floats(300, 3000))
def test_a_fitted_range_lies_within_the_view(first: int, length: int, width: float) -> None:
    scale = TimeScale.fitted(first, first + length, width)
    assert scale.x(first) == pytest.approx(MARGIN_PX)
    assert scale.x(first + length) <= width - MARGIN_PX + 1e-6


@given(SCALES, st.integers(1, 10_000), st.floats(100, 3000))
def test_a_held_scale_shows_frames_and_not_only_emptiness(
    scale: TimeScale, count: int, width: float
) -> None:
    held = scale.held(count, width)
    first, last = held.visible(width)
    assert first <= count - 1
    assert last >= 0
    assert held.held(count, width) == held


@given(SCALES, st.integers(0, 100_000), st.floats(100, 3000))
def test_a_following_view_moves_only_to_show_the_frame(
    scale: TimeScale, frame: int, width: float
) -> None:
    after = scale.following(frame, width)
    assert -1e-6 <= after.x(frame) <= width
    assert after.following(frame, width) == after


@given(st.integers(0, 10_000_000), RATES)
def test_a_timecode_reads_back_as_its_frame(frame: int, rate: Fraction) -> None:
    assert parse_time(timecode(frame, rate), rate, 0) == frame


@pytest.mark.parametrize("text", ["00:10:00;00", "00:10:00:00", "10:00;00"])
def test_codes_typed_at_29_97_are_drop_frame_codes(text: str) -> None:
    assert parse_time(text, Fraction(30000, 1001), 0) == 17_982


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("0", 0),
        ("120", 120),
        (" 42 ", 42),
        ("1.5s", 38),
        (".2 s", 5),
        ("1,5s", 38),
        ("00:00:04:20", 120),
        ("4:20", 120),
        ("1:00:00", 1500),
        ("+20", 70),
        ("-5", 45),
        ("\u22125", 45),
        ("+1:00", 75),
        ("-2s", 0),
        ("-900", 0),
        ("+ 3", 53),
        ("0:0;2:01", 51),
    ],
)
def test_times_are_typed_as_frames_timecodes_seconds_and_steps(text: str, frame: int) -> None:
    assert parse_time(text, Fraction(25), 50) == frame


@pytest.mark.parametrize(
    "text",
    ["", "soon", "1:2:3:4:5", "4:25", "1:60:00", "1:60:00:00", "1.5", "s", "++3", "1e9s", "9" * 40],
)
def test_a_text_that_is_no_time_is_refused_with_what_can_be_typed(text: str) -> None:
    with pytest.raises(TimeTextError, match=r"Type a frame"):
        parse_time(text, Fraction(25), 0)


@given(st.floats(MIN_PX, MAX_PX), RATES)
def test_marks_and_labels_do_not_crowd_at_any_zoom(px: float, rate: Fraction) -> None:
    step, label = tick_steps(px, rate)
    assert label % step == 0
    assert label * px >= 96
    assert step * px >= 10


@given(SCALES, st.floats(100, 3000), RATES)
def test_a_ruler_has_few_marks_in_order_and_labels_at_even_distances(
    scale: TimeScale, width: float, rate: Fraction
) -> None:
    marks = ticks(scale, width, rate)
    assert len(marks) <= (width + 96) / 10 + 3
    steps = [b.frame - a.frame for a, b in pairwise(marks)]
    assert all(step > 0 for step in steps)
    step, label = tick_steps(scale.px, rate)
    if rate.denominator == 1:  # at other rates, seconds differ by a frame or two
        assert set(steps) <= {step}
        labelled = [mark.frame for mark in marks if mark.label]
        assert {b - a for a, b in pairwise(labelled)} <= {label}


@given(SCALES, st.floats(100, 3000), RATES)
def test_labels_of_a_ruler_lie_where_seconds_begin(
    scale: TimeScale, width: float, rate: Fraction
) -> None:
    nominal = nominal_rate(rate) or round(rate)
    marks = ticks(scale, width, rate)
    if tick_steps(scale.px, rate)[1] >= nominal:
        for mark in marks:
            if mark.label:
                hours, minutes, seconds, frames = map(int, re.split("[:;]", mark.label))
                second = 60 * (60 * hours + minutes) + seconds
                assert mark.frame == frame_of(second, 0, rate)
                assert frames == (nominal // 15 if ";" in mark.label and _skips(second) else 0)


def _skips(second: int) -> bool:
    """Whether drop-frame code leaves out the first numbers of a second."""
    return second % 60 == 0 and second // 60 % 10 != 0


def test_snapping_takes_the_nearest_target_within_reach() -> None:
    assert snapped(17, [0, 10, 20, 30], 3) == 20
    assert snapped(15, [10, 20], 5) == 10
    assert snapped(15, [10, 20], 4) == 15
    assert snapped(15, [], 99) == 15
