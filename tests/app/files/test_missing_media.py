"""Media files that were moved: reported, relocated by a button, and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.drivers.controller import DriverController
from app.window.main_window import MainWindow
from icface.document import Driver, Project, Source
from icface.document.edits import add_driver, open_source
from icface.face.controls import ControlVector
from icface.media import load_photo
from icface.media.clip import probe
from icface.motion.motion import Motion
from icface.project_file import save_project
from icface.rendering.clip_pictures import clip_of
from icface.system.file_stamp import sha256_of
from tests.app.conftest import open_in
from tests.app.files.test_documents import (
    choose,
    editing,
    notice,
    portrait,
    press,
    reopened,
    saved_as,
    settle,
    smile,
)
from tests.icface.media.videos import drifting, write_video

__all__ = ["editing", "portrait"]  # fixtures


def test_a_missing_photo_is_found_again_by_a_button(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path, portrait: Path
) -> None:
    path = saved_as(qtbot, editing, tmp_path / "one.icface")
    before = smile(editing)
    press(qtbot, editing, Qt.Key.Key_N)
    editing.studio.photos.forget()
    portrait.parent.rename(tmp_path / "elsewhere")
    reopened(qtbot, editing, path)
    assert notice(editing).title == "portrait.png is missing"
    assert "shoot" in notice(editing).text
    assert editing.pages.currentWidget() is editing.pages.missing
    qtbot.mouseClick(editing.notices.remedy, Qt.MouseButton.LeftButton)
    choose(editing, tmp_path / "elsewhere" / "portrait.png")
    settle(qtbot, editing)
    assert editing.notices.notice is None
    assert editing.pages.currentWidget() is editing.canvas
    assert smile(editing) == before
    assert editing.isWindowModified()
    assert editing.studio.session.undo_label == "Find portrait.png"


def test_another_picture_needs_a_yes_and_one_of_another_size_is_told(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path, portrait: Path, astronaut: NDArray[np.uint8]
) -> None:
    path = saved_as(qtbot, editing, tmp_path / "one.icface")
    press(qtbot, editing, Qt.Key.Key_N)
    editing.studio.photos.forget()
    portrait.unlink()
    other = tmp_path / "other.png"
    Image.fromarray(astronaut[:300, :300].copy()).save(other)
    reopened(qtbot, editing, path)
    editing.documents.media.relink(str(portrait), other)
    settle(qtbot, editing)
    assert notice(editing).title == "other.png is a different file"
    qtbot.mouseClick(editing.notices.remedy, Qt.MouseButton.LeftButton)  # asks again
    choose(editing, other)
    settle(qtbot, editing)
    qtbot.mouseClick(editing.notices.second, Qt.MouseButton.LeftButton)
    settle(qtbot, editing)
    assert notice(editing).title == "other.png has another size"
    source = editing.studio.project.source
    assert source is not None
    assert source.digest == sha256_of(other)


def test_a_photo_that_changed_on_disk_is_not_edited_as_the_old_one(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path, portrait: Path, astronaut: NDArray[np.uint8]
) -> None:
    path = saved_as(qtbot, editing, tmp_path / "one.icface")
    press(qtbot, editing, Qt.Key.Key_N)
    editing.studio.photos.forget()
    Image.fromarray(astronaut[::-1].copy()).save(portrait)
    reopened(qtbot, editing, path)
    assert notice(editing).title.endswith(" has changed on disk")
    assert editing.studio.photo is None


def test_giving_up_the_search_tells_again_what_is_missing(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path, portrait: Path
) -> None:
    path = saved_as(qtbot, editing, tmp_path / "one.icface")
    press(qtbot, editing, Qt.Key.Key_N)
    editing.studio.photos.forget()
    portrait.unlink()
    reopened(qtbot, editing, path)
    qtbot.mouseClick(editing.notices.remedy, Qt.MouseButton.LeftButton)
    next(dialog for dialog in editing.findChildren(QFileDialog) if dialog.isVisible()).reject()
    assert notice(editing).title == "portrait.png is missing"
    editing.documents.media.relink(str(portrait), tmp_path / "gone.png")
    settle(qtbot, editing)
    assert notice(editing).title == "gone.png could not be used"


def test_a_clip_saved_untracked_is_tracked_when_the_project_opens(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    clip = write_video(tmp_path / "clip.mp4", drifting(astronaut, 4))
    open_in(qtbot, window, clip)
    settle(qtbot, window)
    source = window.studio.project.clip
    assert source is not None
    waiting = add_driver(open_source(Project(), source, ()), Driver(name="A", medium=source))
    save_project(tmp_path / "walk.icface", waiting)
    controller = DriverController(window.studio, window.studio)
    window.studio.session.mark_saved()
    reopened(qtbot, window, tmp_path / "walk.icface")
    qtbot.waitUntil(
        lambda: bool(controller.project.faces) and controller.project.drivers[0].motion is not None,
        timeout=20_000,
    )
    settle(qtbot, window)


def test_missing_drivers_keep_their_edits_and_can_be_found(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    window = editing
    clip = clip_of(probe(write_video(tmp_path / "gone.mp4", drifting(astronaut, 4))))
    other = tmp_path / "other.png"
    Image.fromarray(astronaut).save(other)
    photo = load_photo(other)
    window.studio.edit(lambda project: add_driver(project, Driver(name="A", medium=clip)), "Add")
    still = Driver(
        name="B",
        medium=Source(str(other), photo.digest, 512, 512),
        motion=Motion.still(ControlVector()),
    )
    window.studio.edit(lambda project: add_driver(project, still), "Add")
    settle(qtbot, window)
    before, path = window.studio.project, saved_as(qtbot, window, tmp_path / "one.icface")
    press(qtbot, window, Qt.Key.Key_N)
    window.studio.photos.forget()
    window.drivers.controller.thumbnails.forget()
    for gone in (Path(clip.path), other):
        gone.unlink()
    reopened(qtbot, window, path)
    assert window.studio.project == before
    assert window.studio.session.labels == ()
    assert smile(window) == pytest.approx(0.8)
    assert notice(window).title == "2 files are missing, gone.mp4 is one of them"
    assert notice(window).remedy is not None


def test_a_failure_while_a_photo_is_read_again_does_not_open_it_as_new(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    studio, before = editing.studio, editing.studio.project
    studio.session.start(Project())
    studio.photos.forget()
    with qtbot.waitSignal(studio.bridge.failed):
        studio.session.start(before)
        studio.bridge.make_thumbnail(Source(str(tmp_path / "gone.png"), "0" * 64, 8, 8), 0, 32)
    settle(qtbot, editing)
    assert studio.project is before
    assert studio.photo is not None
    assert smile(editing) == pytest.approx(0.8)
