"""Exports from the window: planned, queued, paused, stopped and reported."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.export.queue import QueuedExport
from app.window.main_window import MainWindow
from icface.document import Driver, Project, edits
from icface.document.curves import Key, Track
from icface.export import Exported
from icface.jobs import Progress
from icface.media import load_photo
from icface.media.clip import probe
from icface.media.details import has_place
from icface.media.provenance import COMPOSITE
from icface.rendering.clip_pictures import clip_of
from tests.app.conftest import open_in
from tests.icface.media.described_photos import described_jpeg
from tests.strategies import a_motion


def keyed(count: int) -> Callable[[Project], Project]:
    """Two keys that turn the head over so many frames."""
    track = Track.of("yaw", [Key(frame=0, value=0.0), Key(frame=count - 1, value=20.0)])
    return lambda project: replace(project, edits=(replace(project.edits[0], tracks=(track,)),))


@pytest.fixture
def moving(opened: MainWindow, tmp_path: Path) -> MainWindow:
    """The window with twelve moving frames of the sample, and the dialog open."""
    opened.studio.edit(keyed(12), "Key")
    opened.settings.folder = tmp_path
    opened.actions_by_id["export"].trigger()
    return opened


def says(window: MainWindow) -> str:
    return window.exports.dialog.plan.text()


def choose(window: MainWindow, name: str) -> None:
    window.exports.dialog._select(name)


def started(qtbot: QtBot, window: MainWindow) -> QueuedExport:
    queue = window.exports.queue
    with qtbot.waitSignal(queue.added, timeout=20_000):
        qtbot.mouseClick(window.exports.dialog.start, Qt.MouseButton.LeftButton)
    return queue.items[-1]


def test_the_plan_follows_what_is_chosen(qtbot: QtBot, moving: MainWindow, tmp_path: Path) -> None:
    dialog = moving.exports.dialog
    qtbot.waitUntil(lambda: "12 frames (frames 0 to 11)" in says(moving), timeout=20_000)
    assert dialog.path.text() == str(tmp_path / "astronaut-edited.mp4")
    choose(moving, "webm")
    dialog._choose("height", "360")
    qtbot.waitUntil(
        lambda: "WebM (VP9)" in says(moving) and "360 x 360" in says(moving), timeout=20_000
    )
    assert dialog.path.text().endswith("astronaut-edited.webm")
    moving.studio.edit(lambda project: edits.set_range(project, 2, 5), "Range")
    dialog._choose("range", "points")
    qtbot.waitUntil(lambda: "4 frames (frames 2 to 5)" in says(moving), timeout=20_000)
    dialog.labelled.setChecked(False)
    qtbot.waitUntil(lambda: "does NOT say" in says(moving), timeout=20_000)


def test_what_cannot_be_is_said_and_cannot_be_started(
    qtbot: QtBot, moving: MainWindow, tmp_path: Path
) -> None:
    dialog = moving.exports.dialog
    dialog.path.setText(str(tmp_path / "none" / "a.mp4"))
    dialog.path.textEdited.emit(dialog.path.text())
    qtbot.waitUntil(lambda: "There is no folder" in says(moving), timeout=20_000)
    assert not dialog.start.isEnabled()
    assert dialog.plan.property("problem")


def test_an_export_runs_while_editing_goes_on_and_writes_what_was_there(
    qtbot: QtBot, moving: MainWindow, tmp_path: Path
) -> None:
    item = started(qtbot, moving)
    plan = item.plan
    moving.studio.faces.set_values({"yaw": -20}, "Turn")  # the export keeps the earlier document
    assert moving.studio.project is not plan.project
    moving.studio.cancel()  # stops opening and tracking, not exports
    qtbot.waitUntil(lambda: item.state == "done", timeout=60_000)
    about = probe(tmp_path / "astronaut-edited.mp4")
    assert (about.count, about.size) == (12, (512, 512))
    assert moving.studio.project.output.preset == "mp4"
    row = moving.exports.dialog.findChildren(type(next(iter(_rows(moving)))))[0]
    assert "12 frames" in row.text.text()
    assert row.folder.isVisibleTo(row)
    row.clear.click()
    assert not moving.exports.queue.items


def _rows(window: MainWindow):  # type: ignore[no-untyped-def]
    from app.export.list import ExportList

    return window.exports.dialog.findChild(ExportList).rows.values()


def test_exports_wait_for_each_other_and_can_rest_and_be_taken_back(
    qtbot: QtBot, moving: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless_exports(monkeypatch)
    first = started(qtbot, moving)
    choose(moving, "webm")
    second = started(qtbot, moving)
    queue = moving.exports.queue
    qtbot.waitUntil(lambda: first.done > 3, timeout=20_000)
    assert (first.state, second.state) == ("running", "waiting")
    assert "Exporting astronaut-edited.mp4 and 1 more" in moving.exports.badge.text()
    queue.pause(first, True)
    moving.studio.faces.set_values({"yaw": 5}, "Turn")
    qtbot.waitUntil(lambda: not moving.studio.bridge.is_busy, timeout=20_000)
    rests_at = first.done
    moving.studio.faces.set_values({"yaw": 6}, "Turn")
    qtbot.waitUntil(lambda: not moving.studio.bridge.is_busy, timeout=20_000)
    assert (first.done, first.state) == (rests_at, "paused")
    queue.pause(first, False)
    qtbot.waitUntil(lambda: first.done > rests_at, timeout=20_000)
    queue.stop(second)
    queue.stop(first)
    qtbot.waitUntil(lambda: first.state == "stopped", timeout=20_000)
    assert second.state == "stopped"
    assert not list(tmp_path.glob("astronaut-edited*"))


def endless_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for long exports: jobs that run until they are stopped."""
    import app.editor.render_bridge as bridge

    def endless(plan: object, _renderer: object) -> Generator[Progress, None, Exported]:
        done, never = 0, threading.Event()
        while not never.wait(0.005):  # a slow frame
            done += 1
            yield Progress(min(done % 12, 11), 12, "Exporting")

    monkeypatch.setattr(bridge, "export", endless)


def test_one_file_is_not_written_twice_at_a_time(
    qtbot: QtBot, moving: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless_exports(monkeypatch)
    item = started(qtbot, moving)
    qtbot.mouseClick(moving.exports.dialog.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "is already being exported" in says(moving), timeout=20_000)
    assert moving.exports.queue.items == [item]
    moving.exports.queue.stop_all()
    qtbot.waitUntil(lambda: item.state == "stopped", timeout=20_000)


def test_quitting_in_the_middle_is_asked_about(
    qtbot: QtBot, moving: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless_exports(monkeypatch)
    item = started(qtbot, moving)
    moving.studio.session.mark_saved()
    moving.close()
    assert moving.isVisible()
    box = moving.findChild(QMessageBox, "exports-unfinished")
    assert box is not None
    assert "not finished" in box.text()
    box.buttons()[[button.text() for button in box.buttons()].index("Keep exporting")].click()
    assert moving.isVisible()
    assert item.state == "running"
    qtbot.waitUntil(
        lambda: moving.findChild(QMessageBox, "exports-unfinished") is None, timeout=20_000
    )
    moving.close()
    box = moving.findChild(QMessageBox, "exports-unfinished")
    assert box is not None
    box.buttons()[[button.text() for button in box.buttons()].index("Stop and quit")].click()
    qtbot.waitUntil(lambda: not moving.isVisible(), timeout=20_000)


def test_a_failure_is_told_in_the_row_and_in_a_notice_when_nobody_looks(
    qtbot: QtBot, moving: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    from icface.media.encoding import ClipWriter
    from icface.media.presets import EncodeError

    def full(*_: object) -> None:
        raise EncodeError(
            "out.mp4 could not be saved: the disk is full; make room or choose another folder."
        )

    monkeypatch.setattr(ClipWriter, "write", full)
    item = started(qtbot, moving)
    moving.exports.dialog.hide()
    qtbot.waitUntil(lambda: item.state == "failed", timeout=20_000)
    assert "disk is full" in item.text
    qtbot.waitUntil(moving.notices.isVisible, timeout=20_000)


def test_one_frame_is_exported_as_a_still_by_default(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path
) -> None:
    opened.settings.folder = tmp_path
    opened.actions_by_id["export"].trigger()
    dialog = opened.exports.dialog
    assert dialog.preset.name == "still"
    assert dialog.path.text().endswith("astronaut-edited.png")
    qtbot.waitUntil(lambda: "Frame 0 of 1" in says(opened), timeout=20_000)
    item = started(qtbot, opened)
    qtbot.waitUntil(lambda: item.state == "done", timeout=60_000)
    assert (tmp_path / "astronaut-edited.png").is_file()


def test_the_drivers_sound_is_exported_unless_another_is_chosen(
    qtbot: QtBot, opened: MainWindow, feat_data: Path, tmp_path: Path
) -> None:
    opened.settings.folder = tmp_path
    clip = clip_of(probe(feat_data / "single_face.mp4"))
    motion = a_motion([opened.studio.project.faces[0].controls] * clip.n_frames, rate=30)

    def drives(project: Project) -> Project:
        return edits.drive_with(
            edits.add_driver(project, Driver(name="A", medium=clip, motion=motion)), "A"
        )

    opened.studio.edit(drives, "Drive")
    opened.actions_by_id["export"].trigger()
    dialog = opened.exports.dialog
    assert dialog.sound.accessibleDescription() == "Driver of the face"
    qtbot.waitUntil(lambda: "Sound of single_face.mp4" in says(opened), timeout=20_000)
    dialog._choose("sound", "none")
    qtbot.waitUntil(lambda: "No sound" in says(opened), timeout=20_000)
    dialog.hide()
    opened.actions_by_id["export"].trigger()
    assert dialog.sound.accessibleDescription() == "Driver of the face"


# Metadata left out --------------------------------------------------------------------------------


@pytest.fixture
def placed(qtbot: QtBot, window: MainWindow, tmp_path: Path, astronaut_path: Path) -> MainWindow:
    """The window with a photo whose metadata has a location and a rights holder."""
    with (
        Image.open(described_jpeg(tmp_path / "in.jpg")) as small,
        Image.open(astronaut_path) as large,
    ):
        large.save(
            tmp_path / "face.jpg", exif=small.info["exif"], xmp=small.info["xmp"], comment=b"hello"
        )
    window.settings.folder = tmp_path
    open_in(qtbot, window, tmp_path / "face.jpg")
    return window


def test_the_dialog_says_which_metadata_is_kept_and_remembers_the_choice(
    qtbot: QtBot, placed: MainWindow, tmp_path: Path
) -> None:
    placed.actions_by_id["export"].trigger()
    dialog = placed.exports.dialog
    qtbot.waitUntil(lambda: "goes on saying where" in says(placed), timeout=20_000)
    dialog._choose("keep", "no-place")
    qtbot.waitUntil(lambda: "(GPS) is left out, as chosen" in says(placed), timeout=20_000)
    item = started(qtbot, placed)
    qtbot.waitUntil(lambda: item.state == "done", timeout=60_000)
    made = load_photo(item.path)
    assert not has_place(made.exif, made.details)
    assert b"(c) Me" in made.details.xmp
    dialog.hide()
    placed.actions_by_id["export"].trigger()
    assert dialog.request().options.keep == "no-place"


def question(window: MainWindow) -> QMessageBox:
    return next(box for box in window.findChildren(QMessageBox, "save-losses") if box.isVisible())


def test_a_saved_picture_says_what_it_leaves_out_before_it_is_saved(
    qtbot: QtBot, placed: MainWindow, tmp_path: Path
) -> None:
    placed.studio.faces.set_row("AU12", 1.0, 1)
    target = tmp_path / "out.webp"
    placed.documents._save_image(target)
    box = question(placed)
    assert "WebP has no place for the photo's comment" in box.informativeText()
    assert "(GPS)" in box.informativeText()
    request = next(button for button in box.buttons() if button.text() == "Save without the place")
    with qtbot.waitSignal(placed.studio.photos.photo_saved, timeout=20_000):
        qtbot.mouseClick(request, Qt.MouseButton.LeftButton)
    made = load_photo(target)
    assert not has_place(made.exif, made.details)
    assert COMPOSITE.encode() in made.details.xmp


def test_to_cancel_saves_nothing(qtbot: QtBot, placed: MainWindow, tmp_path: Path) -> None:
    placed.documents._save_image(tmp_path / "out.webp")
    qtbot.keyClick(question(placed), Qt.Key.Key_Escape)
    assert not (tmp_path / "out.webp").exists()
    placed.studio.bridge.cancel()
