"""When copies are kept, and when not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from app.editor.session import Session
from app.files.autosave import LATEST_S, QUIET_S, Autosave, Schedule, ago
from app.files.disk_thread import DiskThread
from app.files.recovery import RecoveryFolder
from icface.document import Project
from icface.document.edits import set_control, set_marker
from icface.face.controls import ControlVector
from icface.project_file import load_project
from tests.strategies import a_project


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_copy_is_due_when_changes_pause_or_have_waited_long_enough() -> None:
    clock = Clock()
    schedule = Schedule(clock)
    assert schedule.due_in_s is None
    schedule.changed()
    assert schedule.due_in_s == QUIET_S
    for _ in range(20):
        clock.now += 1
        schedule.changed()
    assert schedule.due_in_s == 0
    schedule.begun()
    assert schedule.due_in_s is None


@given(st.lists(st.floats(0, 40), min_size=1, max_size=60))
def test_no_change_waits_longer_than_half_of_half_a_minute(pauses: list[float]) -> None:
    clock = Clock()
    schedule = Schedule(clock)
    oldest: float | None = None
    for pause in pauses:
        until = clock.now + pause
        while (
            due := schedule.due_in_s
        ) is not None and clock.now + due <= until:  # as the timer does
            clock.now += due
            assert oldest is not None
            assert clock.now - oldest <= LATEST_S + 1e-6
            schedule.begun()
            oldest = None
        clock.now = until
        schedule.changed()
        oldest = clock.now if oldest is None else oldest
    assert LATEST_S <= 15


@pytest.fixture
def session(qapp: object) -> Session:
    return Session(a_project(ControlVector()))


@pytest.fixture
def disk(qapp: object) -> Iterator[DiskThread]:
    made = DiskThread()
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RecoveryFolder]:
    made = RecoveryFolder(tmp_path / "unsaved")
    yield made
    made.close()


@pytest.fixture
def autosave(session: Session, disk: DiskThread, folder: RecoveryFolder) -> Autosave:
    return Autosave(session, disk, folder)


def turn(session: Session, degrees: float) -> None:
    session.edit(lambda project: set_control(project, "yaw", degrees), "Turn")


def idle(qtbot: QtBot, disk: DiskThread) -> None:
    qtbot.waitUntil(lambda: not disk.is_busy)


def kept(folder: RecoveryFolder) -> Project | None:
    return load_project(folder.document) if folder.document.exists() else None


def at(clock: Clock, autosave: Autosave) -> None:
    autosave.schedule = Schedule(clock)


def test_a_change_is_kept_when_it_is_due(
    qtbot: QtBot, session: Session, autosave: Autosave, disk: DiskThread, folder: RecoveryFolder
) -> None:
    clock, told = Clock(), list[str]()
    at(clock, autosave)
    autosave.backup_status.connect(told.append)
    turn(session, 5.0)
    assert not folder.path.exists()
    clock.now += QUIET_S
    autosave.keep_if_due()
    idle(qtbot, disk)
    copy = kept(folder)
    assert copy is not None
    assert copy.edits == session.project.edits
    assert told[-1] == "autosaved just now"


def test_the_timer_keeps_a_change_without_being_told(
    qtbot: QtBot,
    session: Session,
    autosave: Autosave,
    disk: DiskThread,
    folder: RecoveryFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.files.autosave.QUIET_S", 0.05)
    with qtbot.waitSignal(autosave.backup_written, timeout=5000):
        turn(session, 5.0)
    assert kept(folder) is not None


def test_changes_that_come_while_a_copy_is_written_are_in_the_next(
    qtbot: QtBot, session: Session, autosave: Autosave, disk: DiskThread, folder: RecoveryFolder
) -> None:
    clock = Clock()
    at(clock, autosave)
    turn(session, 5.0)
    autosave.keep()
    turn(session, 6.0)
    autosave.keep_if_due()
    idle(qtbot, disk)
    copy = kept(folder)
    assert copy is not None
    assert copy.edits != session.project.edits
    clock.now += QUIET_S
    autosave.keep_if_due()
    idle(qtbot, disk)
    copy = kept(folder)
    assert copy is not None
    assert copy.edits == session.project.edits


def test_nothing_unchanged_is_written_and_saving_removes_the_backup(
    qtbot: QtBot, session: Session, autosave: Autosave, disk: DiskThread, folder: RecoveryFolder
) -> None:
    clock, told = Clock(), list[str]()
    at(clock, autosave)
    autosave.backup_status.connect(told.append)
    autosave.keep_if_due()
    assert not disk.is_busy
    turn(session, 5.0)
    autosave.keep()
    idle(qtbot, disk)
    clock.now += 1000
    autosave.keep_if_due()
    assert not disk.is_busy
    session.mark_saved()
    idle(qtbot, disk)
    assert kept(folder) is None
    assert told[-1] == ""
    assert autosave.schedule.due_in_s is None


def test_undoing_every_change_needs_no_copy(
    qtbot: QtBot, session: Session, autosave: Autosave, disk: DiskThread, folder: RecoveryFolder
) -> None:
    turn(session, 5.0)
    autosave.keep()
    session.undo()
    idle(qtbot, disk)
    assert kept(folder) is None


def test_a_copy_that_cannot_be_written_is_told_once_and_tried_again(
    qtbot: QtBot, session: Session, autosave: Autosave, disk: DiskThread, folder: RecoveryFolder
) -> None:
    told: list[str] = []
    autosave.failed.connect(told.append)
    folder.path.parent.write_text("a file in the place of the folder")
    turn(session, 5.0)
    for _ in range(2):
        autosave.keep()
        idle(qtbot, disk)
    assert len(told) == 1
    assert autosave.schedule.due_in_s is not None
    folder.path.parent.unlink()
    autosave.keep()
    idle(qtbot, disk)
    assert kept(folder) is not None


def test_only_the_json_is_written_again(
    qtbot: QtBot, session: Session, autosave: Autosave, disk: DiskThread, folder: RecoveryFolder
) -> None:
    turn(session, 5.0)
    autosave.keep()
    idle(qtbot, disk)
    before = {path: path.stat().st_mtime_ns for path in (folder.document / "arrays").iterdir()}
    session.edit(lambda project: set_marker(project, 3), "Mark")
    autosave.keep()
    idle(qtbot, disk)
    assert {
        path: path.stat().st_mtime_ns for path in (folder.document / "arrays").iterdir()
    } == before


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (4.9, "just now"),
        (6, "10 s ago"),
        (12, "10 s ago"),
        (59, "60 s ago"),
        (150, "2 min ago"),
    ],
)
def test_ages_are_told_in_round_numbers(seconds: float, text: str) -> None:
    assert ago(seconds) == text
