from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.formats.timecode import TimecodeError, code_of, seconds_of


@given(st.lists(st.floats(0, 80_000), min_size=1, max_size=5))
def test_times_come_back_to_a_thousandth_of_a_frame(times: list[float]) -> None:
    times = sorted(times)
    found, base, drops = seconds_of([code_of(time) for time in times])
    assert (base, drops) == (60, False)
    np.testing.assert_allclose(found, times, atol=0.5001 / 60_000)


def test_frames_count_at_60_a_second_unless_the_numbers_say_otherwise() -> None:
    short = [f"10:00:00:{i:02d}.000" for i in range(5)]
    assert seconds_of(short)[0] == pytest.approx(36_000 + np.arange(5) / 60)
    at_30 = [f"10:00:{s:02d}:{i:02d}.250" for s in range(2) for i in range(30)]
    times, base, _ = seconds_of(at_30)
    assert base == 30
    assert np.diff(times) == pytest.approx(np.full(59, 1 / 30))
    at_120 = [f"10:00:00:{i}.0" for i in range(0, 119, 2)]
    assert seconds_of(at_120)[1] == 120
    assert seconds_of(short, base=25)[0][1] == pytest.approx(36_000.04)


def test_midnight_is_passed_and_counting_goes_on() -> None:
    times, _, _ = seconds_of(["23:59:59:59.000", "00:00:00:00.000", "00:00:00:01.000"])
    assert np.diff(times) == pytest.approx([1 / 60, 1 / 60])


def test_drop_frame_counting_leaves_numbers_out_and_no_time() -> None:
    second = [f"00:00:59;{i:02d}" for i in range(30)]
    times, base, drops = seconds_of([*second, "00:01:00;02", "00:01:00;03", "00:10:00;00"])
    assert (base, drops) == (30, True)
    assert np.diff(times)[:31] == pytest.approx(np.full(31, 1001 / 30_000))
    assert times[-1] == pytest.approx(600, abs=0.02)


def test_what_is_no_timecode_is_named_by_its_row_and_empty_is_missing() -> None:
    times, _, _ = seconds_of(["00:00:01:00.000", ""])
    assert np.isnan(times).tolist() == [False, True]
    for wrong in ("12:34", "00:00:99:00", "tomorrow", "00:00:00:-1"):
        with pytest.raises(TimecodeError) as caught:
            seconds_of(["00:00:00:00", wrong])
        assert caught.value.row == 1
    assert np.isnan(seconds_of(["", ""])[0]).all()
