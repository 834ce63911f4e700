from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.face.controls import CHANNEL_INDEX
from icface.formats import FormatError
from icface.formats.rows import MOST_FACES, ReadOptions, Rows, loaded, motion_of, rows_by, zeros

PATH = Path("clip.csv")


def some_rows(count: int = 4, **changed: Any) -> Rows:
    whole: dict[str, Any] = {
        "controls": zeros(count),
        "missing": np.zeros(count, np.bool_),
        "confidence": np.ones(count),
        "seconds": np.arange(count) / 25,
        "carried": frozenset({"yaw"}),
    }
    return Rows(**whole | changed)


def test_times_begin_at_0_and_where_the_file_began_is_said() -> None:
    motion, notes = motion_of(
        PATH, some_rows(seconds=np.arange(4) / 25 + 12), origin="x", rate=None
    )
    assert motion.seconds.tolist() == pytest.approx([0, 0.04, 0.08, 0.12])
    assert "The file counts from 12 s; the motion begins at 0 s." in notes


def test_a_rate_that_a_person_says_overrules_the_times() -> None:
    rows = some_rows(frames=np.array([1.0, 2, 4, 5]))
    motion, _ = motion_of(PATH, rows, origin="x", rate=Fraction(10))
    assert motion.seconds.tolist() == pytest.approx([0, 0.1, 0.3, 0.4])
    assert motion_of(PATH, some_rows(1), origin="x", rate=Fraction(10))[0].rate == 10


def test_frames_that_are_all_the_same_count_as_no_numbers() -> None:
    motion, _ = motion_of(
        PATH, some_rows(frames=np.zeros(4), seconds=np.zeros(4)), origin="x", rate=None
    )
    assert len(motion) == 4
    assert motion.rate == 30


def test_rows_without_a_time_are_left_out() -> None:
    motion, notes = motion_of(
        PATH, some_rows(seconds=np.array([0, np.nan, 0.1, 0.2])), origin="x", rate=None
    )
    assert len(motion) == 3
    assert "1 rows without a time were left out." in notes
    with pytest.raises(FormatError, match=r"clip.csv: no row has a time or a frame number"):
        motion_of(PATH, some_rows(seconds=np.full(4, np.nan)), origin="x", rate=None)


def test_times_too_large_to_tell_apart_are_refused() -> None:
    with pytest.raises(FormatError, match=r"too large to tell frames apart|cannot be a motion"):
        motion_of(
            PATH, some_rows(seconds=np.array([-1e300, 0, 1e-300, 1e300])), origin="x", rate=None
        )


def test_channels_outside_of_their_range_are_clipped_and_said() -> None:
    rows = some_rows()
    rows.controls[1, CHANNEL_INDEX["jawOpen"]] = 1.5
    motion, notes = motion_of(PATH, rows, origin="x", rate=None)
    assert motion.controls[1, CHANNEL_INDEX["jawOpen"]] == 1
    assert "1 rows had channels outside of 0 to 1 and were clipped (jawOpen)." in notes


def test_a_file_in_which_no_face_was_read_says_so() -> None:
    motion, notes = motion_of(PATH, some_rows(missing=np.ones(4, np.bool_)), origin="x", rate=None)
    assert not motion.present.any()
    assert notes[-1] == "No row has a face that was read."


def test_confidence_is_within_0_and_1_and_0_where_nothing_was_read() -> None:
    rows = some_rows(
        confidence=np.array([2, -1, np.nan, 0.5]), missing=np.array([False, False, False, True])
    )
    assert motion_of(PATH, rows, origin="x", rate=None)[0].confidence.tolist() == [1, 0, 1, 0]


def test_a_crowd_is_refused() -> None:
    with pytest.raises(FormatError, match="257 faces, and at most 256"):
        loaded(
            PATH,
            [some_rows(1)] * (MOST_FACES + 1),
            name="x",
            origin="x",
            notes=(),
            options=ReadOptions(),
        )


@given(st.lists(st.sampled_from("abc")))
def test_rows_are_gathered_by_key_and_none_is_lost(keys: list[str]) -> None:
    found = rows_by(keys)
    assert sorted(row for rows in found.values() for row in rows.tolist()) == list(range(len(keys)))
    assert all(keys[row] == key for key, rows in found.items() for row in rows)
    assert list(found) == list(dict.fromkeys(keys))


values = st.one_of(st.floats(allow_nan=True, allow_infinity=True, width=64), st.floats(-2, 2))


@given(st.lists(st.tuples(values, values, values, st.booleans()), min_size=1, max_size=8))
def test_any_numbers_make_a_motion_or_an_error_in_words(
    table: list[tuple[float, float, float, bool]],
) -> None:
    rows = some_rows(
        len(table),
        seconds=np.array([row[0] for row in table]),
        confidence=np.array([row[2] for row in table]),
        missing=np.array([row[3] for row in table]),
    )
    rows.controls[:, 5] = [row[1] for row in table]
    try:
        motion, _ = motion_of(PATH, rows, origin="x", rate=None)
    except FormatError:
        return
    assert motion.seconds[0] == 0
    assert np.nanmax(motion.controls[:, 3:], initial=0) <= 1
