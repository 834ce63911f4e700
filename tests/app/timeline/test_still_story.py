"""A still photo is animated by mouse and keyboard alone: keys, play, export plan, save, reopen."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.window.main_window import MainWindow
from tests.app.files.test_documents import saved_as
from tests.app.timeline.test_story import CTRL, KEY, click, go_to, play, press, wait
from tests.app.window.test_main_window import drag_row, drop, settle

PATIENCE_MS = 30_000


def frames(window: MainWindow, target: str) -> tuple[int, ...]:
    face_edits = window.studio.project.face_edits
    assert face_edits is not None
    track = face_edits.track(target)
    return () if track is None else track.frames


def type_time(window: MainWindow, text: str) -> None:
    press(window, KEY.Key_T, CTRL)
    QTest.keyClicks(window.timeline.transport.time, text)
    QTest.keyClick(window.timeline.transport.time, KEY.Key_Return)


@pytest.fixture
def animated(qtbot: QtBot, opened: MainWindow) -> MainWindow:
    """The sample with AU12 keyed at 0, 40 and 80 and yaw at 40, each in another way."""
    window = opened
    click(window.panel.rows["AU12"], QPointF(60, 13))
    press(window, KEY.Key_K, CTRL)
    assert window.timeline.isVisible()
    settle(qtbot, window)  # the timeline is shown
    click(window.timeline.transport.auto_key)
    assert window.timeline.auto_key
    go_to(window, 40)
    drag_row(window, "AU12", 0.9)
    drag_row(window, "yaw", 12.0)
    type_time(window, "80")
    drag_row(window, "AU12", 0.1)
    settle(qtbot, window)
    return window


def test_a_photo_is_keyed_at_several_times_and_played(qtbot: QtBot, animated: MainWindow) -> None:
    project, playhead = animated.studio.project, animated.studio.playhead
    assert (frames(animated, "AU12L"), frames(animated, "AU12R"), frames(animated, "yaw")) == (
        (0, 40, 80),
        (0, 40, 80),
        (40,),
    )
    assert (project.length, project.rate, project.n_frames) == (125, 25, 125)
    play(qtbot, animated)
    row = animated.panel.rows["AU12"]
    go_to(animated, 40)
    assert row.shown == pytest.approx(0.9, abs=0.02)
    type_time(animated, "80")
    press(animated, KEY.Key_Right)
    assert playhead.frame == 81, "past the last key"
    press(animated, KEY.Key_End)
    assert playhead.frame == 124
    assert row.shown == pytest.approx(0.1, abs=0.02)
    drag_row(animated, "AU12", 0.5)
    assert frames(animated, "AU12L") == (0, 40, 80, 124)
    click(animated.timeline.lanes, QPointF(60, animated.timeline.lanes.lane_y("AU12")))
    press(animated, KEY.Key_Up)
    assert playhead.frame == 80


def test_in_and_out_loop_and_the_length_work_as_over_a_clip(
    qtbot: QtBot, animated: MainWindow
) -> None:
    playhead, project = animated.studio.playhead, animated.studio.project
    go_to(animated, 100)
    press(animated, KEY.Key_I)
    go_to(animated, 103)
    press(animated, KEY.Key_O)
    assert animated.studio.project.range == (100, 103)
    seen: set[int] = set()
    playhead.moved.connect(seen.add)
    press(animated, KEY.Key_Space)
    qtbot.waitUntil(lambda: {100, 103} <= seen, timeout=PATIENCE_MS)
    press(animated, KEY.Key_Space)
    assert seen <= {100, 101, 102, 103}
    press(animated, KEY.Key_X, Qt.KeyboardModifier.AltModifier)
    field = animated.timeline.transport.length
    click(field)
    field.selectAll()
    QTest.keyClicks(field, "8s")
    QTest.keyClick(field, KEY.Key_Return)
    assert animated.studio.project.n_frames == 200
    for _ in range(4):
        press(animated, KEY.Key_Z, CTRL)
    assert animated.studio.project == project
    settle(qtbot, animated)


def test_its_export_is_planned_over_all_its_time(
    qtbot: QtBot, animated: MainWindow, tmp_path: Path
) -> None:
    animated.settings.folder = tmp_path
    press(animated, KEY.Key_E, CTRL)
    dialog = animated.exports.dialog
    qtbot.waitUntil(lambda: "125 frames" in dialog.plan.text(), timeout=PATIENCE_MS)
    assert "frames 0 to 124), 5.00 s, 25 a second" in dialog.plan.text()
    assert dialog.preset.name == "mp4"
    dialog.hide()


def test_what_was_given_time_is_saved_opened_and_undone(
    qtbot: QtBot, animated: MainWindow, tmp_path: Path
) -> None:
    kept = animated.studio.project
    path = saved_as(qtbot, animated, tmp_path / "smile.icface")
    animated.activateWindow()
    qtbot.waitUntil(animated.isActiveWindow)
    press(animated, KEY.Key_N, CTRL)
    assert animated.studio.project.source is None
    assert drop(animated, path)
    wait(qtbot, animated, lambda: animated.studio.project.source is not None)
    assert animated.studio.project == kept
    assert animated.timeline.transport.length.text() == "00:00:05:00"
    type_time(animated, "120")
    assert animated.studio.playhead.frame == 120


def test_an_arrow_alone_gives_the_photo_time_and_undo_takes_it_back(
    qtbot: QtBot, opened: MainWindow
) -> None:
    opened.canvas.setFocus()
    press(opened, KEY.Key_Right)
    assert opened.studio.playhead.frame == 1
    assert opened.studio.project.length == 125
    assert opened.timeline.isVisible()
    assert opened.studio.session.undo_label == "Give the photo 5 s"
    press(opened, KEY.Key_Z, CTRL)
    assert (opened.studio.playhead.frame, opened.studio.project.length) == (0, None)
    assert not opened.timeline.isVisible()
    settle(qtbot, opened)
