"""The time a job still takes, from its pace so far."""

from __future__ import annotations

from icface.jobs import TimeLeft, time_left_text


def test_time_left_follows_the_pace_so_far() -> None:
    now = [0.0]
    left = TimeLeft(lambda: now[0])
    assert left.seconds(0, 500) is None
    now[0] = 0.5
    assert left.seconds(40, 500) is None  # too soon to tell
    now[0] = 3.0
    assert left.seconds(100, 500) == 12.0
    assert left.seconds(500, 500) == 0.0


def test_a_job_that_starts_over_is_estimated_anew() -> None:
    now = [0.0]
    left = TimeLeft(lambda: now[0])
    left.seconds(90, 100)
    now[0] = 50.0
    assert left.seconds(0, 100) is None
    now[0] = 52.0
    assert left.seconds(20, 100) == 8.0


def test_time_left_is_short_text() -> None:
    assert [time_left_text(s) for s in (0.2, 12.4, 179.0, 9000.0)] == [
        "1 s",
        "12 s",
        "3 min",
        "2.5 h",
    ]


def test_a_job_of_unknown_length_has_no_time_left() -> None:
    now = [0.0]
    left = TimeLeft(lambda: now[0])
    left.seconds(0, 0)
    now[0] = 5.0
    assert left.seconds(7, 0) is None
