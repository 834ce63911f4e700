"""Projects in the window: new, open, save, unsaved changes and backups after a crash."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from app import theme
from app.drivers.controller import DriverController
from app.editor.studio import Studio
from app.errors import Notice
from app.files.recovery import RecoveryFolder, left_behind
from app.settings import Settings
from app.window.main_window import MainWindow
from icface.document import Project
from icface.document.edits import set_control, set_key
from icface.document.mixing import shown
from icface.project_file import load_project, save_project
from icface.rendering.frame_request import Frame
from tests.app.conftest import open_in
from tests.icface.media.videos import drifting, write_video


@pytest.fixture
def portrait(tmp_path: Path, astronaut_path: Path) -> Path:
    """The sample in a folder of its own."""
    folder = tmp_path / "shoot"
    folder.mkdir()
    return Path(shutil.copy(astronaut_path, folder / "portrait.png"))


@pytest.fixture
def editing(qtbot: QtBot, window: MainWindow, portrait: Path) -> MainWindow:
    """The portrait, smiling."""
    open_in(qtbot, window, portrait)
    window.studio.faces.set_row("AU12", 0.8, 1)
    settle(qtbot, window)
    return window


@pytest.fixture
def unsaved(tmp_path: Path) -> Path:
    """Where copies are kept."""
    return tmp_path / "unsaved"


@pytest.fixture
def kept_window(
    qtbot: QtBot, qapp: QApplication, studio: Studio, settings: Settings, unsaved: Path
) -> Iterator[MainWindow]:
    """A window that keeps copies of what is not saved."""
    theme.apply_theme(qapp, "dark")
    made = MainWindow(studio, settings, unsaved)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    yield made
    made.studio.session.mark_saved()
    made.close()


def settle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(
        lambda: not window.studio.bridge.is_busy and not window.documents.disk.is_busy,
        timeout=20_000,
    )


def smile(window: MainWindow) -> float:
    return shown(window.studio.project)["AU12L"]


def notice(window: MainWindow) -> Notice:
    assert window.notices.notice is not None
    return window.notices.notice


def question(window: MainWindow) -> QMessageBox:
    found = [box for box in window.findChildren(QMessageBox) if box.isVisible()]
    assert len(found) == 1
    return found[0]


def answer(qtbot: QtBot, window: MainWindow, button: QMessageBox.StandardButton) -> None:
    qtbot.mouseClick(question(window).button(button), Qt.MouseButton.LeftButton)


def choose(window: MainWindow, path: Path) -> None:
    """Answer the file dialog that is open."""
    dialog = next(dialog for dialog in window.findChildren(QFileDialog) if dialog.isVisible())
    dialog.fileSelected.emit(str(path))
    dialog.close()


def saved_as(qtbot: QtBot, window: MainWindow, path: Path) -> Path:
    window.actions_by_id["save_as"].trigger()
    choose(window, path)
    settle(qtbot, window)
    return path


def reopened(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    window.documents.open(path)
    settle(qtbot, window)


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key) -> None:
    """With Control, in the window that a dialog has left."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)


# --------------------------------------------------------------------------------------------------


def test_a_saved_document_opens_with_its_photo_and_every_change(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    assert editing.isWindowModified()
    before = editing.studio.project
    path = saved_as(qtbot, editing, tmp_path / "take one.icface")
    assert not editing.isWindowModified()
    assert editing.windowTitle() == "take one.icface[*] \u2013 ICface Studio"
    assert f"Saved {path}" in editing.status.currentMessage()
    press(qtbot, editing, Qt.Key.Key_N)
    assert editing.pages.currentWidget() is editing.empty
    assert editing.windowTitle() == "ICface Studio[*]"
    assert not editing.actions_by_id["save"].isEnabled()
    reopened(qtbot, editing, path)
    assert editing.studio.project == before
    assert editing.pages.currentWidget() is editing.canvas
    assert editing.panel.rows["AU12"].shown == pytest.approx(0.8)
    assert editing.studio.session.labels == ()
    assert not editing.isWindowModified()
    assert editing.notices.notice is None


def test_save_asks_for_a_name_once_and_then_writes_to_it(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    press(qtbot, editing, Qt.Key.Key_S)
    dialog = next(dialog for dialog in editing.findChildren(QFileDialog) if dialog.isVisible())
    assert dialog.selectedFiles()[0].endswith("portrait.icface")
    choose(editing, tmp_path / "one.icface")
    settle(qtbot, editing)
    editing.studio.faces.set_row("AU12", 0.3, 2)
    assert editing.isWindowModified()
    press(qtbot, editing, Qt.Key.Key_S)
    settle(qtbot, editing)
    assert not editing.isWindowModified()
    assert load_project(tmp_path / "one.icface") == editing.studio.project


def test_what_is_changed_during_a_save_is_still_to_be_saved(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    saved_as(qtbot, editing, tmp_path / "one.icface")
    editing.studio.faces.set_row("AU12", 0.3, 2)
    wanted = editing.studio.project
    press(qtbot, editing, Qt.Key.Key_S)
    editing.studio.faces.set_row("AU12", 0.4, 3)
    settle(qtbot, editing)
    assert load_project(tmp_path / "one.icface") == wanted
    assert editing.isWindowModified()
    editing.studio.session.undo()
    assert not editing.isWindowModified()
    settle(qtbot, editing)


def test_a_project_that_cannot_be_saved_is_told_and_nothing_is_lost(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    (tmp_path / "one.icface").mkdir()
    saved_as(qtbot, editing, tmp_path / "one.icface")
    assert notice(editing).title == "one.icface could not be saved"
    assert "there is a folder of that name" in notice(editing).text
    assert editing.isWindowModified()
    assert editing.documents.path is None


def press_button(qtbot: QtBot, window: MainWindow, text: str) -> None:
    """Answer the question that is open by what stands on a button."""
    button = next(button for button in question(window).buttons() if button.text() == text)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def saved_and_changed(qtbot: QtBot, window: MainWindow, path: Path) -> bytes:
    """Save, edit, and let another program replace the project; return its bytes."""
    saved_as(qtbot, window, path)
    save_project(path, set_control(window.studio.project, "AU26", 0.5))
    window.studio.faces.set_row("AU12", 0.3, 2)
    settle(qtbot, window)
    return path.read_bytes()


def test_a_file_changed_by_another_program_is_not_overwritten_unasked(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "one.icface"
    theirs = saved_and_changed(qtbot, editing, path)
    press(qtbot, editing, Qt.Key.Key_S)
    settle(qtbot, editing)
    assert question(editing).text() == "one.icface was changed by another program"
    answer(qtbot, editing, QMessageBox.StandardButton.Cancel)
    assert path.read_bytes() == theirs
    assert editing.isWindowModified()
    press(qtbot, editing, Qt.Key.Key_S)
    settle(qtbot, editing)
    press_button(qtbot, editing, "Overwrite")
    settle(qtbot, editing)
    assert load_project(path) == editing.studio.project
    editing.studio.faces.set_row("AU12", 0.4, 3)
    press(qtbot, editing, Qt.Key.Key_S)
    settle(qtbot, editing)
    assert load_project(path) == editing.studio.project


def test_of_two_versions_of_a_file_both_can_be_kept(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "one.icface"
    theirs = saved_and_changed(qtbot, editing, path)
    press(qtbot, editing, Qt.Key.Key_S)
    settle(qtbot, editing)
    press_button(qtbot, editing, "Save as…")
    choose(editing, tmp_path / "two.icface")
    settle(qtbot, editing)
    assert path.read_bytes() == theirs
    assert load_project(tmp_path / "two.icface") == editing.studio.project
    assert editing.documents.path == tmp_path / "two.icface"


def test_a_file_that_was_opened_and_then_removed_is_asked_about(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    path = saved_as(qtbot, editing, tmp_path / "one.icface")
    reopened(qtbot, editing, path)
    path.unlink()
    editing.studio.faces.set_row("AU12", 0.3, 2)
    settle(qtbot, editing)
    press(qtbot, editing, Qt.Key.Key_S)
    settle(qtbot, editing)
    assert question(editing).text() == "one.icface is no longer there"
    press_button(qtbot, editing, "Save it there again")
    settle(qtbot, editing)
    assert load_project(path) == editing.studio.project


def test_closing_after_saving_waits_for_the_question_about_a_changed_file(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "one.icface"
    saved_and_changed(qtbot, editing, path)
    editing.close()
    answer(qtbot, editing, QMessageBox.StandardButton.Save)
    settle(qtbot, editing)
    assert editing.isVisible()
    press_button(qtbot, editing, "Overwrite")
    qtbot.waitUntil(lambda: not editing.isVisible(), timeout=20_000)
    assert load_project(path) == editing.studio.project


def test_two_saves_in_quick_succession_ask_nothing(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    path = saved_as(qtbot, editing, tmp_path / "one.icface")
    for gesture, smile_now in ((2, 0.3), (3, 0.4)):
        editing.studio.faces.set_row("AU12", smile_now, gesture)
        press(qtbot, editing, Qt.Key.Key_S)
    settle(qtbot, editing)
    assert load_project(path) == editing.studio.project
    assert not editing.isWindowModified()


def test_a_copy_is_kept_of_changes_to_a_file_that_another_program_changed(
    qtbot: QtBot, kept_window: MainWindow, portrait: Path, unsaved: Path, tmp_path: Path
) -> None:
    open_in(qtbot, kept_window, portrait)
    path = tmp_path / "one.icface"
    theirs = saved_and_changed(qtbot, kept_window, path)
    assert kept_window.documents.autosave is not None
    kept_window.documents.autosave.keep()
    settle(qtbot, kept_window)
    (folder,) = unsaved.iterdir()
    assert load_project(folder / "document") == kept_window.studio.project
    assert path.read_bytes() == theirs


def test_a_project_that_cannot_be_opened_changes_nothing(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    (tmp_path / "bad.icface").write_bytes(b"no zip")
    editing.studio.session.mark_saved()
    before = editing.studio.project
    reopened(qtbot, editing, tmp_path / "bad.icface")
    assert notice(editing).title == "bad.icface could not be opened"
    assert "not a whole zip file" in notice(editing).text
    assert editing.studio.project is before


def test_a_fault_nobody_foresaw_comes_with_its_details(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("impossible")

    monkeypatch.setattr("app.files.documents.save_project", fails)
    saved_as(qtbot, editing, tmp_path / "one.icface")
    assert notice(editing).text == "impossible"
    assert "Traceback" in notice(editing).details


def test_projects_and_photos_are_remembered_together(
    qtbot: QtBot, editing: MainWindow, settings: Settings, tmp_path: Path, portrait: Path
) -> None:
    path = saved_as(qtbot, editing, tmp_path / "one.icface")
    assert settings.recent == (path, portrait)
    assert [action.text() for action in editing._recent.actions()] == ["one.icface", "portrait.png"]


def test_a_dropped_file_decides_by_its_type(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path, astronaut_path: Path
) -> None:
    def drop(path: Path) -> bool:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        actions, left, none = (
            Qt.DropAction.CopyAction,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        enter = QDragEnterEvent(QPoint(300, 300), actions, mime, left, none)
        QApplication.sendEvent(editing, enter)
        if enter.isAccepted():
            QApplication.sendEvent(
                editing, QDropEvent(QPointF(300, 300), actions, mime, left, none)
            )
        settle(qtbot, editing)
        return enter.isAccepted()

    path = saved_as(qtbot, editing, tmp_path / "one.icface")
    editing.studio.session.undo()
    editing.studio.session.mark_saved()
    assert drop(path)
    assert smile(editing) == pytest.approx(0.8)
    assert editing.documents.path == path
    assert drop(astronaut_path)
    assert editing.studio.session.undo_label == "Open astronaut.png"
    assert not drop(tmp_path / "notes.pdf")  # a .txt may be a table


def pictures(qtbot: QtBot, window: MainWindow) -> list[NDArray[np.uint8]]:
    """The finished picture of every frame."""
    found: dict[int, NDArray[np.uint8]] = {}

    def take(frame: Frame) -> None:
        if frame.request.quality == "full":
            found[frame.request.frame] = np.array(frame.pixels)

    window.studio.bridge.frame_ready.connect(take)
    for number in (*range(1, window.studio.project.n_frames), 0):
        window.studio.playhead.go_to(number)
        qtbot.waitUntil(lambda n=number: n in found, timeout=20_000)
    window.studio.bridge.frame_ready.disconnect(take)
    return [found[number] for number in sorted(found)]


def test_a_clip_with_keys_opens_with_the_same_picture_in_every_frame(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    controller = DriverController(window.studio, window.studio)
    clip = write_video(tmp_path / "clip.mp4", drifting(astronaut, 4))
    open_in(qtbot, window, clip)
    qtbot.waitUntil(lambda: bool(window.studio.project.faces), timeout=20_000)
    settle(qtbot, window)
    for frame, value in ((0, 0.0), (2, 0.9), (3, 0.4)):
        window.studio.edit(lambda p, f=frame, v=value: set_key(p, "AU12L", f, v), "Key")  # type: ignore[misc]
    before, shown_before = window.studio.project, pictures(qtbot, window)
    path = saved_as(qtbot, window, tmp_path / "walk.icface")
    press(qtbot, window, Qt.Key.Key_N)
    window.studio.photos.forget()
    reopened(qtbot, window, path)
    assert window.studio.project == before
    assert window.studio.photo is not None
    after = pictures(qtbot, window)
    assert len(after) == 4
    assert all(np.array_equal(a, b) for a, b in zip(shown_before, after, strict=True))
    assert not np.array_equal(after[0], after[2])
    assert controller.project is window.studio.project


def test_the_picture_is_saved_under_a_name_that_says_edited(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    editing.actions_by_id["save_image"].trigger()
    dialog = next(dialog for dialog in editing.findChildren(QFileDialog) if dialog.isVisible())
    assert dialog.selectedFiles()[0].endswith("portrait-edited.png")
    with qtbot.waitSignal(editing.studio.photos.photo_saved, timeout=20_000):
        choose(editing, tmp_path / "smile.png")
    assert editing.status.currentMessage() == f"Saved {tmp_path / 'smile.png'}"
    assert editing.isWindowModified()
    settle(qtbot, editing)


# --------------------------------------------------------------------------------------------------


def test_closing_with_changes_asks_and_cancel_keeps_the_window(
    qtbot: QtBot, editing: MainWindow
) -> None:
    editing.close()
    box = question(editing)
    assert "portrait.png" in box.text()
    assert box.defaultButton() is box.button(QMessageBox.StandardButton.Save)
    editing.close()
    assert question(editing) is box  # asked once, however often the window is closed
    QTest.keyClick(box, Qt.Key.Key_Escape)
    assert editing.isVisible()
    assert editing.isWindowModified()
    editing.close()
    assert question(editing) is not box  # and asked again the next time


def test_discarding_closes_the_window(qtbot: QtBot, editing: MainWindow) -> None:
    editing.close()
    answer(qtbot, editing, QMessageBox.StandardButton.Discard)
    assert not editing.isVisible()


def test_saving_first_closes_the_window_when_it_is_written(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    saved_as(qtbot, editing, tmp_path / "one.icface")
    editing.studio.faces.set_row("AU12", 0.1, 2)
    wanted = editing.studio.project
    editing.close()
    answer(qtbot, editing, QMessageBox.StandardButton.Save)
    qtbot.waitUntil(lambda: not editing.isVisible())
    assert load_project(tmp_path / "one.icface") == wanted


def test_closing_during_the_last_save_waits_for_it_and_asks_nothing(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    saved_as(qtbot, editing, tmp_path / "one.icface")
    editing.studio.faces.set_row("AU12", 0.1, 2)
    wanted = editing.studio.project
    editing.documents.save()
    editing.close()
    assert editing.isVisible()
    assert editing.findChildren(QMessageBox) == []
    qtbot.waitUntil(lambda: not editing.isVisible())
    assert load_project(tmp_path / "one.icface") == wanted


def test_a_window_is_not_closed_by_the_end_of_an_earlier_save(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    saved_as(qtbot, editing, tmp_path / "one.icface")
    editing.studio.faces.set_row("AU12", 0.1, 2)
    editing.documents.save()
    editing.studio.faces.set_row("AU12", 0.2, 3)
    wanted = editing.studio.project
    editing.close()
    answer(qtbot, editing, QMessageBox.StandardButton.Save)
    qtbot.waitUntil(lambda: not editing.isVisible())
    assert editing.studio.session.is_modified is False
    assert load_project(tmp_path / "one.icface") == wanted


def test_a_save_amid_that_before_closing_does_not_keep_the_window_open(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    saved_as(qtbot, editing, tmp_path / "one.icface")
    editing.studio.faces.set_row("AU12", 0.1, 2)
    editing.close()
    answer(qtbot, editing, QMessageBox.StandardButton.Save)
    editing.documents.save()
    qtbot.waitUntil(lambda: not editing.isVisible())
    assert load_project(tmp_path / "one.icface") == editing.studio.project


def test_a_window_stays_open_when_saving_first_fails(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path
) -> None:
    saved_as(qtbot, editing, tmp_path / "one.icface")
    (tmp_path / "one.icface").unlink()
    (tmp_path / "one.icface").mkdir()
    editing.studio.faces.set_row("AU12", 0.1, 2)
    editing.close()
    answer(qtbot, editing, QMessageBox.StandardButton.Save)
    settle(qtbot, editing)
    assert editing.isVisible()
    assert notice(editing).title == "one.icface could not be saved"


def test_a_document_without_changes_closes_at_once(
    qtbot: QtBot, window: MainWindow, portrait: Path
) -> None:
    open_in(qtbot, window, portrait)
    window.close()
    assert not window.isVisible()


@pytest.mark.parametrize("command", ["new", "open"])
def test_new_and_open_ask_before_changes_go(
    qtbot: QtBot, editing: MainWindow, tmp_path: Path, command: str
) -> None:
    path = tmp_path / "other.icface"
    save_project(path, Project())
    act: Callable[[], object] = (
        editing.documents.new if command == "new" else lambda: editing.documents.open(path)
    )
    act()
    answer(qtbot, editing, QMessageBox.StandardButton.Cancel)
    settle(qtbot, editing)
    assert smile(editing) == pytest.approx(0.8)
    act()
    answer(qtbot, editing, QMessageBox.StandardButton.Discard)
    settle(qtbot, editing)
    assert editing.studio.project == Project()
    assert editing.documents.path == (None if command == "new" else path)


def test_an_edit_made_while_a_project_is_read_is_asked_about(
    qtbot: QtBot, window: MainWindow, portrait: Path, tmp_path: Path
) -> None:
    open_in(qtbot, window, portrait)
    save_project(tmp_path / "other.icface", Project())
    window.documents.open(tmp_path / "other.icface")
    window.studio.faces.set_row("AU12", 0.6, 1)
    settle(qtbot, window)
    assert smile(window) == pytest.approx(0.6)
    answer(qtbot, window, QMessageBox.StandardButton.Cancel)
    assert smile(window) == pytest.approx(0.6)


# --------------------------------------------------------------------------------------------------


def crashed(root: Path, project: Project, path: Path | None) -> RecoveryFolder:
    """What a killed window leaves: a copy in a folder that nobody holds."""
    folder = RecoveryFolder(root)
    folder.keep(project, path)
    assert folder._lock is not None
    folder._lock.close()
    return folder


def test_unsaved_work_is_offered_after_a_crash_and_restored(
    qtbot: QtBot, kept_window: MainWindow, portrait: Path, tmp_path: Path, unsaved: Path
) -> None:
    open_in(qtbot, kept_window, portrait)
    path = saved_as(qtbot, kept_window, tmp_path / "one.icface")
    saved = kept_window.studio.project
    left = crashed(unsaved, set_control(saved, "AU12L", 0.9), path)
    press(qtbot, kept_window, Qt.Key.Key_N)
    kept_window.documents.offer_left_behind()
    assert notice(kept_window).title == "Unsaved work was found"
    assert notice(kept_window).text.startswith("one.icface, as it was on ")
    assert left_behind(unsaved) == ()  # no other window offers it meanwhile
    qtbot.mouseClick(kept_window.notices.remedy, Qt.MouseButton.LeftButton)
    settle(qtbot, kept_window)
    assert smile(kept_window) == pytest.approx(0.9)
    assert kept_window.documents.path == path
    assert kept_window.isWindowModified()
    assert not left.path.exists()
    assert kept_window.status.backup.text() == "autosaved just now"
    kept_window.studio.session.undo()
    assert kept_window.studio.project == saved
    assert not kept_window.isWindowModified()
    settle(qtbot, kept_window)
    assert kept_window.status.backup.text() == ""


def test_the_backup_of_a_never_saved_document_is_restored_without_a_name(
    qtbot: QtBot, kept_window: MainWindow, portrait: Path, unsaved: Path
) -> None:
    open_in(qtbot, kept_window, portrait)
    wanted = set_control(kept_window.studio.project, "yaw", 20.0)
    crashed(unsaved, wanted, None)
    kept_window.documents.offer_left_behind()
    assert "Edits of portrait.png" in notice(kept_window).text
    qtbot.mouseClick(kept_window.notices.remedy, Qt.MouseButton.LeftButton)
    settle(qtbot, kept_window)
    assert kept_window.studio.project == wanted
    assert kept_window.documents.path is None
    assert kept_window.isWindowModified()


def test_an_edit_made_while_a_copy_is_read_is_asked_about(
    qtbot: QtBot, kept_window: MainWindow, portrait: Path, unsaved: Path
) -> None:
    open_in(qtbot, kept_window, portrait)
    crashed(unsaved, set_control(kept_window.studio.project, "yaw", 20.0), None)
    saved_as(qtbot, kept_window, portrait.with_suffix(".icface"))
    kept_window.documents.offer_left_behind()
    qtbot.mouseClick(kept_window.notices.remedy, Qt.MouseButton.LeftButton)
    kept_window.studio.faces.set_row("AU12", 0.6, 1)
    settle(qtbot, kept_window)
    answer(qtbot, kept_window, QMessageBox.StandardButton.Cancel)
    assert smile(kept_window) == pytest.approx(0.6)


def test_a_copy_that_is_older_than_its_file_says_so(
    qtbot: QtBot, kept_window: MainWindow, tmp_path: Path, unsaved: Path
) -> None:
    path = tmp_path / "one.icface"
    crashed(unsaved, Project(), path)
    save_project(path, Project())
    kept_window.documents.offer_left_behind()
    assert "The file itself was saved later than that." in notice(kept_window).text


def test_copies_that_are_not_wanted_are_discarded_one_by_one(
    qtbot: QtBot, kept_window: MainWindow, unsaved: Path
) -> None:
    for _ in range(2):
        crashed(unsaved, Project(), None)
    kept_window.documents.offer_left_behind()
    assert "There is one more after it" in notice(kept_window).text
    qtbot.mouseClick(kept_window.notices.second, Qt.MouseButton.LeftButton)
    assert "more after it" not in notice(kept_window).text
    qtbot.mouseClick(kept_window.notices.second, Qt.MouseButton.LeftButton)
    assert kept_window.notices.notice is None
    assert list(unsaved.iterdir()) == []


def test_a_copy_nobody_decided_about_is_offered_again(
    qtbot: QtBot, kept_window: MainWindow, unsaved: Path
) -> None:
    left = crashed(unsaved, Project(), None)
    kept_window.documents.offer_left_behind()
    kept_window.close()
    (one,) = left_behind(unsaved)
    assert one.folder == left.path
    one.release()


def test_a_damaged_copy_is_told_and_kept(
    qtbot: QtBot, kept_window: MainWindow, unsaved: Path
) -> None:
    left = crashed(unsaved, Project(), None)
    (left.document / "project.json").write_text("{}")
    kept_window.documents.offer_left_behind()
    qtbot.mouseClick(kept_window.notices.remedy, Qt.MouseButton.LeftButton)
    settle(qtbot, kept_window)
    assert notice(kept_window).title == "An unsaved document could not be restored"
    assert left.path.exists()


def test_copies_that_cannot_be_written_are_told(
    qtbot: QtBot, kept_window: MainWindow, portrait: Path, unsaved: Path
) -> None:
    unsaved.write_text("a file in the place of the folder")
    open_in(qtbot, kept_window, portrait)
    kept_window.studio.faces.set_row("AU12", 0.9, 1)
    assert kept_window.documents.autosave is not None
    kept_window.documents.autosave.keep()
    settle(qtbot, kept_window)
    assert notice(kept_window).title == "Unsaved changes cannot be backed up"
    assert "Save your work" in notice(kept_window).text


def test_a_window_that_is_closed_in_good_order_leaves_no_copy(
    qtbot: QtBot, kept_window: MainWindow, portrait: Path, unsaved: Path
) -> None:
    open_in(qtbot, kept_window, portrait)
    kept_window.studio.faces.set_row("AU12", 0.9, 1)
    assert kept_window.documents.autosave is not None
    kept_window.documents.autosave.keep()
    settle(qtbot, kept_window)
    assert len(list(unsaved.iterdir())) == 1
    kept_window.close()
    answer(qtbot, kept_window, QMessageBox.StandardButton.Discard)
    assert list(unsaved.iterdir()) == []
