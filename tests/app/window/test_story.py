"""A whole session with a real clip and tracker, by mouse and keyboard; nothing is lost.

`tests.app.timeline.test_story` is its short sister, with a stand-in for the tracker.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.window.main_window import MainWindow
from icface.document import Project
from icface.rendering.frame_request import FrameRequest
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Renderer
from icface.tracking.builtin import BuiltinTracker
from tests.app.conftest import NewWindow
from tests.app.window.test_main_window import drag_row, drop

PATIENCE_MS = 120_000
KEY, CTRL, SHIFT = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def portrait(tmp_path: Path, astronaut_path: Path) -> Path:
    """The head of the sample, small enough to be painted often."""
    path = tmp_path / "shoot" / "portrait.png"
    path.parent.mkdir()
    Image.open(astronaut_path).convert("RGB").crop((112, 0, 368, 256)).resize((192, 192)).save(path)
    return path


@pytest.fixture
def clip(portrait: Path, feat_data: Path) -> Path:
    """A woman who turns her head and smiles, 72 frames."""
    return Path(shutil.copy(feat_data / "single_face.mp4", portrait.parent / "single_face.mp4"))


def click(widget: QWidget, at: QPointF | None = None) -> None:
    QTest.mouseClick(widget, LEFT, pos=widget.rect().center() if at is None else at.toPoint())


def press(
    qtbot: QtBot,
    window: MainWindow,
    key: Qt.Key,
    modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    """Where the keyboard is, in the window that a dialog may have left."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.focusWidget() or window, key, modifier)


def answer(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    """Paste a path into the file dialog that is open, and press its button."""
    dialog = next(box for box in window.findChildren(QFileDialog) if box.isVisible())
    field, buttons = dialog.findChild(QLineEdit, "fileNameEdit"), dialog.findChild(QDialogButtonBox)
    assert field is not None
    assert buttons is not None
    field.selectAll()
    QApplication.clipboard().setText(
        str(path)
    )  # typed letter by letter, Qt's dialog walks through the folders meanwhile
    QTest.keyClick(field, KEY.Key_V, CTRL)
    first = buttons.button(QDialogButtonBox.StandardButton.Open) or buttons.button(
        QDialogButtonBox.StandardButton.Save
    )
    qtbot.waitUntil(first.isEnabled)
    click(first)
    qtbot.waitUntil(lambda: not any(box.isVisible() for box in window.findChildren(QFileDialog)))


def settle(qtbot: QtBot, window: MainWindow, until: Callable[[], bool] = lambda: True) -> None:
    bridge, disk = window.studio.bridge, window.documents.disk
    qtbot.waitUntil(
        lambda: until() and not bridge.is_busy and not disk.is_busy, timeout=PATIENCE_MS
    )


def type_time(qtbot: QtBot, window: MainWindow, text: str, frame: int) -> None:
    press(qtbot, window, KEY.Key_T, CTRL)
    QTest.keyClicks(window.timeline.transport.time, text)
    QTest.keyClick(window.timeline.transport.time, KEY.Key_Return)
    assert window.studio.playhead.frame == frame


def open_both(qtbot: QtBot, window: MainWindow, portrait: Path, clip: Path) -> None:
    """A photo by the dialog, and a clip that falls on it and is read to its end."""
    press(qtbot, window, KEY.Key_O, CTRL)
    answer(qtbot, window, portrait)
    settle(qtbot, window, lambda: bool(window.studio.project.faces))
    assert drop(window, clip)
    settle(
        qtbot,
        window,
        lambda: any(driver.motion is not None for driver in window.studio.project.drivers),
    )


def set_keys(qtbot: QtBot, window: MainWindow) -> None:
    """Set three keys on AU12 and one on yaw, then ease them by shortcut and menu."""
    click(window.timeline.transport.auto_key)
    type_time(qtbot, window, "10", 10)
    drag_row(window, "AU12", 0.2)
    type_time(qtbot, window, "+25", 35)
    drag_row(window, "AU12", 0.9)
    drag_row(window, "yaw", 14.0)
    type_time(qtbot, window, "60", 60)
    click(window.panel.rows["AU12"], QPointF(60, 13))
    press(qtbot, window, KEY.Key_K, CTRL)
    lanes = window.timeline.lanes
    click(lanes, QPointF(60, lanes.lane_y("AU12")))
    press(qtbot, window, KEY.Key_A, CTRL)
    press(qtbot, window, KEY.Key_F9)
    click(lanes, QPointF(lanes.x_of(35), lanes.lane_y("yaw")))
    press(qtbot, window, KEY.Key_F9, SHIFT)
    settle(qtbot, window)


def play_a_moment(qtbot: QtBot, window: MainWindow) -> None:
    press(qtbot, window, KEY.Key_Home)
    press(qtbot, window, KEY.Key_Space)
    assert window.studio.playhead.is_playing
    qtbot.waitUntil(lambda: window.studio.playhead.frame >= 4, timeout=PATIENCE_MS)
    press(qtbot, window, KEY.Key_Space)
    assert not window.studio.playhead.is_playing
    settle(qtbot, window)


def every_frame(window: MainWindow, predictor: FacePredictor) -> list[NDArray[np.uint8]]:
    """Full pictures of a window's document, from a renderer without a cache."""
    photo, project = window.studio.photo, window.studio.project
    assert photo is not None
    renderer = Renderer(predictor, BuiltinTracker())
    requests = [FrameRequest.of(project, photo, frame=frame) for frame in range(project.n_frames)]
    return [np.array(renderer.render(request).pixels) for request in requests]


def undo_and_redo_all(qtbot: QtBot, window: MainWindow, driven: Project) -> None:
    """Back over the state without keys to the photo alone, and on again."""
    labels = window.studio.session.labels
    while window.studio.project != driven:
        press(qtbot, window, KEY.Key_Z, CTRL)
    settle(qtbot, window)
    while window.studio.session.undo_label is not None:
        press(qtbot, window, KEY.Key_Z, CTRL)
    assert not window.studio.project.drivers
    while window.studio.session.redo_label is not None:
        press(qtbot, window, KEY.Key_Y, CTRL)
    assert window.studio.session.labels == labels
    settle(qtbot, window)


def test_a_real_clip_keyed_played_and_saved_opens_the_same_in_a_new_window(
    qtbot: QtBot, new_window: NewWindow, portrait: Path, clip: Path, tiny_predictor: FacePredictor
) -> None:
    window = new_window()
    open_both(qtbot, window, portrait, clip)
    assert window.timeline.isVisible()
    assert window.studio.project.n_frames == 72
    driven, first_picture = window.studio.project, every_frame(window, tiny_predictor)
    set_keys(qtbot, window)
    keyed = window.studio.project
    assert keyed.face_edits is not None
    assert {track.target: track.frames for track in keyed.face_edits.tracks} == {
        "AU12L": (10, 35, 60), "AU12R": (10, 35, 60), "yaw": (35,),
    }  # fmt: skip
    assert {
        key.interpolation_out
        for track in keyed.face_edits.tracks
        if track.target != "yaw"
        for key in track.keys
    } == {"ease"}
    play_a_moment(qtbot, window)
    assert window.studio.project == keyed
    pictures = every_frame(window, tiny_predictor)
    assert not np.array_equal(pictures[35], first_picture[35])
    assert not np.array_equal(pictures[10], pictures[60])

    undo_and_redo_all(qtbot, window, driven)
    assert window.studio.project == keyed

    path = portrait.parent / "walk.icface"
    press(qtbot, window, KEY.Key_S, CTRL)
    answer(qtbot, window, path)
    settle(qtbot, window, path.exists)
    assert not window.isWindowModified()
    other = new_window()
    press(qtbot, other, KEY.Key_O, CTRL)
    answer(qtbot, other, path)
    settle(qtbot, other, lambda: other.studio.photo is not None)
    assert other.studio.project == keyed
    assert not other.isWindowModified()
    assert all(
        np.array_equal(one, two)
        for one, two in zip(every_frame(other, tiny_predictor), pictures, strict=True)
    )
    press(qtbot, other, KEY.Key_End)
    settle(qtbot, other)
    assert other.studio.playhead.frame == 71
