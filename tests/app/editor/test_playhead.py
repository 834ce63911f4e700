from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.editor.playhead import Pace, Playhead
from app.editor.session import Session
from icface.document import Face, Project, edits
from icface.face.controls import ControlVector
from tests.strategies import a_clip_project, a_driver, a_project, a_ramp


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(qapp: QApplication, clock: Clock) -> Callable[[Project], Playhead]:
    def made(project: Project) -> Playhead:
        session = Session(project)
        playhead = Playhead(session, clock)
        session.setParent(playhead)
        return playhead

    return made


def ten_frames() -> Project:
    return edits.add_driver(
        a_project(ControlVector()), a_driver("A", a_ramp("yaw", [float(n) for n in range(10)]))
    )


def after(playhead: Playhead, clock: Clock, seconds: float) -> int:
    clock.now += seconds
    playhead.follow_clock()
    return playhead.frame


def test_it_stays_within_the_document(make: Callable[[Project], Playhead]) -> None:
    playhead = make(ten_frames())
    for asked, shown in ((5, 5), (99, 9), (-3, 0)):
        playhead.go_to(asked)
        assert playhead.frame == shown


def test_it_follows_the_clock_and_leaves_out_what_comes_too_late(
    make: Callable[[Project], Playhead], clock: Clock
) -> None:
    playhead = make(ten_frames())
    playhead.play()
    assert [after(playhead, clock, seconds) for seconds in (0.039, 0.001, 0.12, 0.04)] == [
        0,
        1,
        4,
        5,
    ]


def test_it_begins_anew_at_the_end_or_stops_there(
    make: Callable[[Project], Playhead], clock: Clock
) -> None:
    playhead = make(ten_frames())
    playhead.play()
    assert after(playhead, clock, 0.41) == 0
    assert playhead.is_playing
    playhead.set_loops(False)
    assert after(playhead, clock, 0.41) == 9
    assert not playhead.is_playing
    playhead.play()
    assert playhead.frame == 0


def test_it_plays_between_the_in_and_out_points(
    make: Callable[[Project], Playhead], clock: Clock
) -> None:
    playhead = make(edits.set_range(ten_frames(), 3, 6))
    playhead.go_to(8)
    playhead.play()
    assert playhead.frame == 3
    assert [after(playhead, clock, 0.04) for _ in range(4)] == [4, 5, 6, 3]
    playhead.go_to(1)
    assert [after(playhead, clock, 0.04) for _ in range(2)] == [2, 3]


def test_j_and_l_play_faster_at_every_press(
    make: Callable[[Project], Playhead], clock: Clock
) -> None:
    playhead = make(ten_frames())
    speeds = []
    playhead.speed_changed.connect(speeds.append)
    for direction in (1, 1, 1, 1, 1, -1, -1):
        playhead.shuttle(direction)
    assert speeds == [1, 2, 4, 8, -1, -2]
    playhead.go_to(9)
    assert after(playhead, clock, 0.08) == 5
    assert after(playhead, clock, 1) == 9
    playhead.set_loops(False)
    assert after(playhead, clock, 1) == 0
    assert not playhead.is_playing


def test_a_step_stops_playback(make: Callable[[Project], Playhead]) -> None:
    playhead = make(ten_frames())
    playhead.toggle()
    assert playhead.is_playing
    playhead.step(3)
    assert (playhead.frame, playhead.is_playing) == (3, False)
    playhead.toggle()
    playhead.toggle()
    assert not playhead.is_playing
    playhead.follow_clock()
    assert playhead.frame == 3


def test_a_photo_is_given_time_by_the_first_move(make: Callable[[Project], Playhead]) -> None:
    moves: tuple[Callable[[Playhead], None], ...] = (
        lambda p: p.go_to(3),
        lambda p: p.step(3),
        lambda p: p.play(),
    )
    for move in moves:
        playhead = make(a_project(ControlVector()))
        move(playhead)
        session = playhead.findChildren(Session)[0]
        assert session.project.length == 125
        assert playhead.is_playing or playhead.frame == 3
        playhead.go_to(500)
        assert playhead.frame == 124
        session.undo()
        assert (playhead.frame, playhead.is_playing, session.project.length) == (0, False, None)


def test_staying_where_it_is_gives_no_time(make: Callable[[Project], Playhead]) -> None:
    playhead = make(a_project(ControlVector()))
    playhead.go_to(0)
    playhead.step(-1)
    playhead.pause()
    assert not playhead.findChildren(Session)[0].labels


def test_an_empty_window_does_not_play(make: Callable[[Project], Playhead]) -> None:
    playhead = make(Project())
    playhead.play()
    playhead.go_to(7)
    assert (playhead.is_playing, playhead.frame) == (False, 0)


def test_frames_of_a_variable_rate_are_shown_at_their_own_times(
    make: Callable[[Project], Playhead], clock: Clock
) -> None:
    motion = replace(a_ramp("yaw", [0.0, 1, 2, 3]), seconds=np.array([0, 0.1, 0.5, 0.6]))
    project = replace(
        a_clip_project(a_ramp("yaw", [0.0, 1, 2, 3])), faces=(Face.of_motion(motion),)
    )
    playhead = make(project)
    playhead.play()
    assert [after(playhead, clock, seconds) for seconds in (0.09, 0.02, 0.3, 0.1, 0.1)] == [
        0,
        1,
        1,
        2,
        3,
    ]
    assert after(playhead, clock, 0.04) == 0


def test_another_clock_takes_over_without_a_jump(
    make: Callable[[Project], Playhead], clock: Clock
) -> None:
    playhead = make(ten_frames())
    playhead.play()
    after(playhead, clock, 0.08)
    other = Clock()
    other.now = 7.0
    playhead.set_clock(other)
    assert playhead.frame == 2
    assert after(playhead, other, 0.04) == 3


def test_it_moves_along_when_the_document_becomes_shorter(
    make: Callable[[Project], Playhead],
) -> None:
    playhead = make(ten_frames())
    session = playhead.findChild(Session)
    assert session is not None
    playhead.go_to(8)
    playhead.play()
    session.edit(lambda project: edits.remove_driver(project, "A"), "Remove A")
    assert (playhead.frame, playhead.is_playing) == (0, False)


def test_it_runs_by_itself(qtbot: QtBot) -> None:
    session = Session(ten_frames())
    playhead = Playhead(session)
    playhead.set_loops(False)
    with qtbot.waitSignal(playhead.moved, timeout=5000):
        playhead.play()
    qtbot.waitUntil(lambda: not playhead.is_playing, timeout=5000)
    assert playhead.frame == 9


def test_looping_is_told(make: Callable[[Project], Playhead]) -> None:
    playhead, told = make(ten_frames()), []
    playhead.loop_changed.connect(told.append)
    playhead.set_loops(True)
    playhead.set_loops(False)
    assert told == [False]
    assert not playhead.loops


def test_the_pace_counts_what_was_shown(clock: Clock) -> None:
    pace = Pace(clock)
    told = []
    for frame in range(30):
        clock.now += 0.0625
        told.append(pace.count(frame // 2))
    assert [found for found in told if found is not None] == [8.0]


def test_slow_displays_receive_a_few_frames_and_the_last_one(
    make: Callable[[Project], Playhead], clock: Clock
) -> None:
    playhead = make(ten_frames())
    moved: list[int] = []
    throttled: list[int] = []
    playhead.moved.connect(moved.append)
    playhead.moved_throttled.connect(throttled.append)
    playhead.play()
    for _ in range(8):
        after(playhead, clock, 0.04)
    assert moved == [1, 2, 3, 4, 5, 6, 7, 8]
    assert throttled == [1, 4, 7]
    playhead.pause()
    assert throttled[-1] == 8
    playhead.step(-3)
    assert throttled[-1] == 5
