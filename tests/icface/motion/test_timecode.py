from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.motion.timecode import drops_frames, frame_of, nominal_rate, timecode

FILM, TV, FAST = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
RATES = st.one_of(
    st.sampled_from(
        [
            FILM,
            TV,
            FAST,
            Fraction(2997, 100),
            Fraction(23976, 1000),
            Fraction(120_000, 1001),
            Fraction(240),
        ]
    ),
    st.integers(1, 300).map(Fraction),
    st.fractions(Fraction(1), Fraction(300), max_denominator=1001),
)


def read(code: str, rate: Fraction) -> int:
    hours, minutes, seconds, frames = map(int, code.replace(";", ":").split(":"))
    return frame_of(3600 * hours + 60 * minutes + seconds, frames, rate)


@pytest.mark.parametrize(
    ("frame", "rate", "code"),
    [
        (86_400, FILM, "01:00:00:00"),
        (17_982, TV, "00:10:00;00"),
        (1799, TV, "00:00:59;29"),
        (1800, TV, "00:01:00;02"),
        (107_892, TV, "01:00:00;00"),
        (35_964, FAST, "00:10:00;00"),
        (3600, FAST, "00:01:00;04"),
        (17_981, TV, "00:09:59;29"),
        (17_982, Fraction(2997, 100), "00:10:00;00"),
        (90_000, Fraction(25), "01:00:00:00"),
        (120, Fraction(25), "00:00:04:20"),
        (45, Fraction(25, 2), "00:00:03:07"),
        (-30, Fraction(30), "-00:00:01:00"),
        (130, Fraction(120), "00:00:01:010"),
    ],
)
def test_frames_have_the_codes_that_editing_programs_show(
    frame: int, rate: Fraction, code: str
) -> None:
    assert timecode(frame, rate) == code
    if frame >= 0:
        assert read(code, rate) == frame


@given(st.integers(0, 10_000_000), RATES)
def test_a_code_reads_back_as_its_frame_and_codes_rise(frame: int, rate: Fraction) -> None:
    code = timecode(frame, rate)
    assert read(code, rate) == frame
    following = timecode(frame + 1, rate)
    assert code < following or len(code) < len(following)


@given(st.integers(0, 200_000), st.integers(0, 59), RATES)
def test_every_valid_timecode_names_a_frame_with_that_code_or_the_next(
    seconds: int, frames: int, rate: Fraction
) -> None:
    most = nominal_rate(rate)
    if most is None or frames >= most:
        return
    found = frame_of(seconds, frames, rate)
    number = seconds * most + frames
    hours, minutes, second, within = map(int, timecode(found, rate).replace(";", ":").split(":"))
    shown = (3600 * hours + 60 * minutes + second) * most + within
    left_out = (
        drops_frames(rate) and seconds % 60 == 0 and seconds // 60 % 10 and frames < most // 15
    )
    assert shown == (seconds * most + most // 15 if left_out else number)


@given(st.integers(0, 5_000_000), st.sampled_from([TV, FAST]))
def test_drop_frame_codes_stay_with_the_clock(frame: int, rate: Fraction) -> None:
    hours, minutes, seconds, _ = map(int, timecode(frame, rate).replace(";", ":").split(":"))
    shown = 3600 * hours + 60 * minutes + seconds
    assert (
        -1.1 < shown - frame / rate < 0.1 + 0.004 * (frame / rate / 3600)
    )  # 3.6 ms an hour are SMPTE's own


def test_rates_are_taken_for_what_they_are() -> None:
    assert [nominal_rate(r) for r in (FILM, TV, FAST, Fraction(25), Fraction(25, 2))] == [
        24,
        30,
        60,
        25,
        None,
    ]
    assert [drops_frames(r) for r in (FILM, TV, FAST, Fraction(30), Fraction(60))] == [
        False,
        True,
        True,
        False,
        False,
    ]
    for wrong in (30, -1):
        with pytest.raises(ValueError, match=r"frames 0 to 29 at 29\.97 a second"):
            frame_of(1, wrong, TV)
