"""Work away from the window's thread, and what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.files.disk_thread import DiskThread


@pytest.fixture
def disk(qapp: object) -> Iterator[DiskThread]:
    made = DiskThread()
    yield made
    made.close()


def test_work_runs_in_order_on_one_other_thread_and_is_told_on_this_one(
    qtbot: QtBot, disk: DiskThread
) -> None:
    threads, told = list[threading.Thread](), list[tuple[int, threading.Thread]]()

    def work(number: int) -> int:
        threads.append(threading.current_thread())
        return number

    busy: list[bool] = []
    disk.busy_changed.connect(busy.append)
    for number in range(5):
        disk.do(
            lambda n=number: work(n),
            lambda n: told.append((n, threading.current_thread())),
            pytest.fail,
        )  # type: ignore[misc]
    assert disk.is_busy
    qtbot.waitUntil(lambda: not disk.is_busy)
    assert [number for number, _ in told] == [0, 1, 2, 3, 4]
    assert {thread for _, thread in told} == {threading.main_thread()}
    assert len(set(threads)) == 1
    assert threads[0] is not threading.main_thread()
    assert busy == [True, False]


def test_what_fails_is_told_and_the_next_work_goes_on(qtbot: QtBot, disk: DiskThread) -> None:
    def fails() -> None:
        raise OSError("no disk")

    errors: list[Exception] = []
    found: list[int] = []
    disk.do(fails, lambda _: pytest.fail("it worked"), errors.append)
    disk.do(lambda: 1, found.append, errors.append)
    qtbot.waitUntil(lambda: not disk.is_busy)
    assert [str(error) for error in errors] == ["no disk"]
    assert found == [1]


def test_closing_finishes_what_was_asked_for_and_tells_nothing_more(
    qtbot: QtBot, disk: DiskThread
) -> None:
    gate, done = threading.Event(), list[int]()

    def work() -> None:
        gate.wait(10)
        done.append(1)

    disk.do(work, lambda _: pytest.fail("told after closing"), pytest.fail)
    gate.set()
    disk.close()
    disk.close()
    assert done == [1]
    with pytest.raises(RuntimeError, match="has ended"):
        disk.do(work, pytest.fail, pytest.fail)
