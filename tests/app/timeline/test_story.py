"""One session by mouse and keyboard alone: photo, clip, keys, curves, play, undo, save, reopen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.window.main_window import MainWindow
from tests.app.files.test_documents import pictures, saved_as
from tests.app.window.test_main_window import drag_row, drop, settle
from tests.icface.media.videos import drifting, write_video

PATIENCE_MS = 30_000
KEY, CTRL, SHIFT = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


def click(widget: QWidget, at: QPointF | None = None) -> None:
    QTest.mouseClick(widget, LEFT, pos=widget.rect().center() if at is None else at.toPoint())


def press(
    window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    QTest.keyClick(window.focusWidget() or window, key, modifier)


def go_to(window: MainWindow, frame: int) -> None:
    ruler = window.timeline.ruler
    click(ruler, QPointF(ruler.x_of(frame), 10))
    assert window.studio.playhead.frame == frame


@pytest.fixture
def portrait(tmp_path: Path, astronaut_path: Path) -> Path:
    return Path(shutil.copy(astronaut_path, tmp_path / "portrait.png"))


@pytest.fixture
def driven(
    qtbot: QtBot, window: MainWindow, portrait: Path, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> MainWindow:
    """A window on which a portrait was dropped, and then a clip."""
    clip = write_video(tmp_path / "clip.mp4", drifting(astronaut, 8))
    assert drop(window, portrait)
    wait(qtbot, window, lambda: bool(window.studio.project.faces))
    assert drop(window, clip)
    wait(
        qtbot,
        window,
        lambda: any(driver.motion is not None for driver in window.studio.project.drivers),
    )
    return window


def wait(qtbot: QtBot, window: MainWindow, until: Callable[[], bool]) -> None:
    qtbot.waitUntil(until, timeout=PATIENCE_MS)
    settle(qtbot, window)


def set_keys(qtbot: QtBot, window: MainWindow) -> None:
    """Three keys on AU12 and one on yaw, eased."""
    click(window.timeline.transport.auto_key)
    for frame, value in ((0, 0.2), (3, 0.9), (7, 0.5)):
        go_to(window, frame)
        drag_row(window, "AU12", value)
    go_to(window, 3)
    drag_row(window, "yaw", 12.0)
    lanes = window.timeline.lanes
    click(lanes, QPointF(60, lanes.lane_y("AU12")))
    press(window, KEY.Key_A, CTRL)
    assert len(window.timeline.view.keys) == 6 + 1
    press(window, KEY.Key_F9, SHIFT)
    press(window, KEY.Key_F9, CTRL | SHIFT)
    settle(qtbot, window)


def test_what_was_keyed_is_undone_redone_saved_and_opened_again(
    qtbot: QtBot, driven: MainWindow, tmp_path: Path
) -> None:
    assert driven.timeline.isVisible()
    opened = driven.studio.project
    set_keys(qtbot, driven)
    keyed, face_edits = driven.studio.project, driven.studio.project.face_edits
    assert face_edits is not None
    tracks = {track.target: track.frames for track in face_edits.tracks}
    assert tracks == {"AU12L": (0, 3, 7), "AU12R": (0, 3, 7), "yaw": (3,)}
    play(qtbot, driven)

    labels = driven.studio.session.labels
    while driven.studio.project != opened:
        press(driven, KEY.Key_Z, CTRL)
    settle(qtbot, driven)
    while driven.studio.session.redo_label is not None:
        press(driven, KEY.Key_Z, CTRL | SHIFT)
    settle(qtbot, driven)
    assert driven.studio.project == keyed
    assert driven.studio.session.labels == labels

    go_to(driven, 0)
    settle(qtbot, driven)
    before = pictures(qtbot, driven)
    path = saved_as(qtbot, driven, tmp_path / "walk.icface")
    driven.activateWindow()
    qtbot.waitUntil(driven.isActiveWindow)
    press(driven, KEY.Key_N, CTRL)
    assert driven.studio.project.source is None
    assert not driven.timeline.isVisible()
    assert drop(driven, path)
    wait(qtbot, driven, lambda: driven.studio.project.source is not None)
    assert driven.studio.project == keyed
    assert driven.timeline.isVisible()
    go_to(driven, 0)
    settle(qtbot, driven)
    after = pictures(qtbot, driven)
    assert len(after) == 8
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert not np.array_equal(after[0], after[3])


def play(qtbot: QtBot, window: MainWindow) -> None:
    go_to(window, 0)
    with qtbot.waitSignal(window.studio.playhead.moved, timeout=PATIENCE_MS):
        press(window, KEY.Key_Space)
    press(window, KEY.Key_Space)
    assert not window.studio.playhead.is_playing


def test_a_key_is_dragged_with_the_mouse_and_its_slider_shows_it(
    qtbot: QtBot, driven: MainWindow
) -> None:
    set_keys(qtbot, driven)
    lanes, row = driven.timeline.lanes, driven.panel.rows["AU12"]
    click(driven.timeline.transport.snap)
    go_to(driven, 5)
    value = row.shown
    y = round(lanes.lane_y("AU12"))
    click(lanes, QPointF(lanes.x_of(5.5), y))  # deselects the others
    start, end = (QPointF(lanes.x_of(frame), y).toPoint() for frame in (3, 5))
    QTest.mousePress(lanes, LEFT, pos=start)
    for step in range(1, 5):
        QTest.mouseMove(lanes, start + QPoint((end.x() - start.x()) * step // 4, 0))
    QTest.mouseRelease(lanes, LEFT, pos=end)
    assert row.shown == pytest.approx(0.9, abs=0.02)
    assert row.shown != pytest.approx(value, abs=0.01)
    assert "key on this frame" in row.accessibleDescription()
    settle(qtbot, driven)
