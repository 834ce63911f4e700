from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.errors import ErrorReporter, Notice
from app.window.notice_strip import NoticeStrip
from icface.system.logs import last_faults


@pytest.fixture
def strip(qtbot: QtBot) -> NoticeStrip:
    made = NoticeStrip()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def reporter(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[ErrorReporter]:
    monkeypatch.setattr(sys, "excepthook", lambda *_error: None)
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None)
    made = ErrorReporter()
    made.install()
    yield made
    made.uninstall()


def test_a_failure_is_told_in_plain_words_with_details_on_demand(strip: NoticeStrip) -> None:
    strip.show_notice(
        Notice.failure(
            "The photo could not be opened", "It is empty. Choose another.\n\nTraceback: …"
        )
    )
    assert strip.isVisible()
    assert strip._text.text() == "It is empty. Choose another."
    assert not strip.details.isVisible()
    strip.details_button.click()
    assert strip.details.isVisible()
    assert "Traceback" in strip.details.toPlainText()
    assert "The photo could not be opened" in strip.accessibleName()


def test_the_remedy_is_a_button_that_closes_the_notice(strip: NoticeStrip) -> None:
    done: list[bool] = []
    strip.show_notice(
        Notice(kind="warning", title="No face", remedy=("Draw a box", lambda: done.append(True)))
    )
    strip.remedy.click()
    assert done == [True]
    assert not strip.isVisible()


def test_a_second_way_out_is_another_button(strip: NoticeStrip) -> None:
    done: list[str] = []
    ways = {
        "remedy": ("Restore", lambda: done.append("restored")),
        "second": ("Discard", lambda: done.append("gone")),
    }
    strip.show_notice(Notice(kind="warning", title="Unsaved work", **ways))
    strip.second.click()
    assert done == ["gone"]
    assert not strip.isVisible()
    strip.show_notice(Notice(kind="warning", title="No face"))
    assert not strip.second.isVisible()


def test_a_notice_without_remedy_or_details_has_no_buttons_for_them(strip: NoticeStrip) -> None:
    strip.show_notice(Notice(kind="info", title="Saved"))
    assert not strip.remedy.isVisible()
    assert not strip.details_button.isVisible()


def test_a_notice_goes_when_its_reason_is_gone(strip: NoticeStrip) -> None:
    strip.show_notice(Notice(kind="warning", title="No face", topic="no-face"))
    strip.dismiss("failure")
    assert strip.isVisible()
    strip.dismiss("no-face")
    assert not strip.isVisible()


def test_escape_closes_a_notice(strip: NoticeStrip) -> None:
    strip.show_notice(Notice(kind="info", title="Saved"))
    QTest.keyClick(strip, Qt.Key.Key_Escape)
    assert not strip.isVisible()


def test_an_uncaught_exception_becomes_a_notice_and_a_logged_fault(
    qtbot: QtBot, reporter: ErrorReporter, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), qtbot.waitSignal(reporter.raised) as raised:
        sys.excepthook(RuntimeError, RuntimeError("boom"), None)
    (notice,) = raised.args
    assert notice.kind == "error"
    assert "RuntimeError: boom" in notice.details
    assert (last_faults()[-1].kind, last_faults()[-1].text) == ("RuntimeError", "boom")


def test_an_exception_of_another_thread_becomes_a_notice_on_this_one(
    qtbot: QtBot, reporter: ErrorReporter, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[threading.Thread] = []
    reporter.raised.connect(lambda _notice: heard.append(threading.current_thread()))

    def fail() -> None:
        raise RuntimeError("boom elsewhere")

    thread = threading.Thread(target=fail)
    with caplog.at_level(logging.ERROR), qtbot.waitSignal(reporter.raised) as raised:
        thread.start()
        thread.join()
    assert "boom elsewhere" in raised.args[0].details
    assert heard == [threading.main_thread()]


def test_an_interrupt_from_the_keyboard_is_no_error(qtbot: QtBot, reporter: ErrorReporter) -> None:
    with qtbot.assertNotEmitted(reporter.raised, wait=50):
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
