"""What a user stumbles over: questions, titles, keys, numbers and where the focus goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from app.actions import ACTIONS, keys_of, with_keys
from app.errors import Notice
from app.window.help_pages import KeysPage
from app.window.main_window import MainWindow
from icface.document import edits
from tests.app.conftest import open_in

KEY, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton


def press(
    window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    QTest.keyClick(window.focusWidget() or window, key, modifier)


def another_photo(astronaut_path: Path, folder: Path) -> Path:
    """The sample, mirrored: another picture."""
    with Image.open(astronaut_path) as picture:
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "other.png")
    return folder / "other.png"


def questions(window: MainWindow) -> list[QMessageBox]:
    return [box for box in window.findChildren(QMessageBox) if box.isVisible()]


# Opening ------------------------------------------------------------------------------------------


def test_a_file_opened_over_an_unedited_photo_is_no_work_to_be_asked_about(
    qtbot: QtBot, opened: MainWindow, astronaut_path: Path, tmp_path: Path
) -> None:
    open_in(qtbot, opened, another_photo(astronaut_path, tmp_path))
    assert not opened.documents.is_modified
    press(opened, KEY.Key_Z, CTRL)
    assert not opened.documents.is_modified  # neither is the photo before
    qtbot.waitUntil(lambda: not opened.studio.bridge.is_busy, timeout=20_000)
    press(opened, KEY.Key_N, CTRL)
    assert not questions(opened)
    assert opened.studio.project.source is None


def test_a_file_opened_over_edits_is_asked_about(
    qtbot: QtBot, opened: MainWindow, astronaut_path: Path, tmp_path: Path
) -> None:
    opened.panel.rows["AU12"].setFocus()
    press(opened, KEY.Key_Right)
    open_in(qtbot, opened, another_photo(astronaut_path, tmp_path))
    press(opened, KEY.Key_N, CTRL)
    (box,) = questions(opened)
    box.reject()


def test_another_source_in_a_saved_project_is_a_change_of_the_project(
    qtbot: QtBot, opened: MainWindow, astronaut_path: Path, tmp_path: Path
) -> None:
    opened.documents._write(tmp_path / "one.icface", lambda: None)
    qtbot.waitUntil(lambda: opened.documents.path is not None)
    open_in(qtbot, opened, another_photo(astronaut_path, tmp_path))
    assert opened.documents.is_modified


@pytest.mark.parametrize("name", ["broken.mp4", "broken.png"])
def test_the_title_of_a_failure_names_the_file(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"this is neither a picture nor a clip")
    opened.documents.open(tmp_path / name)
    qtbot.waitUntil(lambda: opened.notices.notice is not None, timeout=20_000)
    assert opened.notices.notice is not None
    assert opened.notices.notice.title == f"{name} could not be opened"


# Search -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY.Key_Return, KEY.Key_Down])
def test_return_and_down_lead_from_the_search_to_the_first_find(
    opened: MainWindow, key: Qt.Key
) -> None:
    press(opened, KEY.Key_Slash)
    QTest.keyClicks(opened.panel.search, "jaw")
    press(opened, key)
    assert opened.panel.rows["AU26"].hasFocus()
    before = opened.panel.rows["AU26"].shown
    press(opened, KEY.Key_Right)
    assert opened.panel.rows["AU26"].shown == pytest.approx(before + 0.01)
    press(opened, KEY.Key_Slash)
    QTest.keyClicks(opened.panel.search, "no such control")
    press(opened, key)
    assert opened.panel.search.hasFocus()


# Numbers ------------------------------------------------------------------------------------------


def test_a_number_out_of_range_is_told_the_range(opened: MainWindow) -> None:
    row = opened.panel.rows["AU12"]
    row.setFocus()
    QTest.keyClicks(row, "7")
    field = row.typing.field
    assert field is not None
    QTest.keyClick(field, KEY.Key_Return)
    reason = "7 is not a number from 0.00 to 1.00."
    assert opened.status.currentMessage() == reason
    assert QToolTip.text() == reason
    assert field.accessibleDescription() == reason
    QTest.keyClick(field, KEY.Key_Backspace)
    assert opened.status.currentMessage() == ""
    QTest.keyClick(field, KEY.Key_Escape)


def test_a_number_that_is_left_out_of_range_is_not_dropped_in_silence(opened: MainWindow) -> None:
    row = opened.panel.rows["yaw"]
    row.setFocus()
    before = row.shown
    QTest.keyClicks(row, "2")
    assert row.typing.field is not None
    QTest.keyClicks(row.typing.field, "00")
    opened.canvas.setFocus()
    assert row.shown == before
    assert "200 is not a number from" in opened.status.currentMessage()


def test_a_time_that_cannot_be_is_told_what_can_be_typed(opened: MainWindow) -> None:
    opened.actions_by_id["timeline"].setChecked(True)
    field = opened.timeline.transport.time
    field.setFocus()
    QTest.keyClicks(field, "later")
    QTest.keyClick(field, KEY.Key_Return)
    assert "Type a frame (120)" in opened.status.currentMessage()
    QTest.keyClick(field, KEY.Key_Escape)
    assert opened.status.currentMessage() == ""


# Keys ---------------------------------------------------------------------------------------------


def test_buttons_of_the_transport_do_what_the_keys_in_their_tips_do(
    qtbot: QtBot, opened: MainWindow
) -> None:
    opened.resize(1600, 900)  # a narrow bar leaves out the buttons at its ends
    session, playhead = opened.studio.session, opened.studio.playhead
    bar = opened.timeline.transport
    session.edit(lambda p: edits.set_key(p, "yaw", 80, 2.0), "Key")
    session.edit(lambda p: edits.set_range(p, 10, 60), "In and out")
    qtbot.waitUntil(lambda: bar.first.height() > 0)
    for button, action in (
        (bar.first, "go_in"),
        (bar.back, "step_back"),
        (bar.on, "step_on"),
        (bar.last, "go_out"),
    ):
        key = opened.actions_by_id[action].shortcut()
        assert with_keys("", action).strip() in button.toolTip()
        playhead.go_to(30)
        QTest.mouseClick(button, LEFT)
        clicked = playhead.frame
        playhead.go_to(30)
        opened.canvas.setFocus()
        press(opened, key[0].key(), key[0].keyboardModifiers())
        assert playhead.frame == clicked != 30, action


def test_tips_and_the_page_of_keys_name_every_key_of_an_action(opened: MainWindow) -> None:
    press(opened, KEY.Key_Question)
    (page,) = opened.findChildren(KeysPage)
    text = page.text.toPlainText()
    page.close()
    for spec in ACTIONS:
        keys = " or ".join(keys_of(spec))
        if keys and not {"+", "-"} & set(keys_of(spec)):
            assert keys in opened.actions_by_id[spec.id].toolTip()
            assert keys in text


# Focus --------------------------------------------------------------------------------------------


def test_a_panel_that_is_hidden_gives_the_focus_to_the_picture(opened: MainWindow) -> None:
    opened.actions_by_id["timeline"].setChecked(True)
    opened.timeline.lanes.setFocus()
    opened.actions_by_id["timeline"].setChecked(False)
    assert opened.canvas.hasFocus()
    opened.actions_by_id["sources"].setChecked(True)
    opened.drivers.panel.focusNextChild()
    opened.drivers.panel.setFocus()
    for button in opened.drivers.panel.findChildren(type(opened.bar.buttons["open"])):
        if button.isVisible() and button.isEnabled():
            button.setFocus()
            break
    assert opened.drivers.panel.isAncestorOf(opened.focusWidget())
    opened.actions_by_id["sources"].setChecked(False)
    assert opened.canvas.hasFocus()


# Notices and what was saved -----------------------------------------------------------------------


def test_a_notice_lies_over_the_picture_and_pushes_nothing(opened: MainWindow) -> None:
    before = opened.canvas.geometry(), opened.canvas.mapTo(opened, QPoint())
    opened.show_notice(Notice.failure("clip.mp4 could not be opened", "It is empty."))
    strip = opened.notices
    assert strip.isVisible()
    assert (opened.canvas.geometry(), opened.canvas.mapTo(opened, QPoint())) == before
    assert strip.mapTo(opened, QPoint()) == before[1]
    assert strip.width() == opened.canvas.width()
    assert opened.childAt(before[1] + QPoint(strip.width() // 2, strip.height() // 2)) in (
        strip,
        *strip.findChildren(QWidget),
    )
    opened.resize(opened.width() - 80, opened.height())
    assert strip.width() == opened.canvas.width()


def test_what_was_saved_is_shown_in_its_folder(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", shown.append)
    path = tmp_path / "out.png"
    assert not opened.status.folder.isVisible()
    opened.documents._save_image(path)
    qtbot.waitUntil(lambda: f"Saved {path}" in opened.status.currentMessage(), timeout=20_000)
    tip = opened.status.folder.toolTip()
    photo = opened.studio.photo
    assert photo is not None
    assert f"{photo.width} \u00d7 {photo.height} pixels" in tip
    QTest.mouseClick(opened.status.folder, LEFT)
    assert [url.toLocalFile() for url in shown] == [str(tmp_path)]
    opened.status.say("Something else")
    assert not opened.status.folder.isVisible()


# Actions without an object ------------------------------------------------------------------------

OF_KEYS = ("delete_keys", "cut_keys", "duplicate_keys", "all_keys", "ease", "prev_key", "nudge_on")


def enabled(window: MainWindow, *names: str) -> set[str]:
    return {name for name in names if window.actions_by_id[name].isEnabled()}


def test_actions_are_enabled_once_they_have_an_object(opened: MainWindow) -> None:
    session, names = opened.studio.session, (*OF_KEYS, "reset", "history", "clear_range")
    names += ("next_mark", "unprotect", "beside")
    assert not enabled(opened, *names)
    opened.panel.rows["AU12"].setFocus()
    press(opened, KEY.Key_K, CTRL)
    assert enabled(opened, *names) == {*OF_KEYS, "reset", "history"}
    session.edit(lambda p: edits.set_marker(p, 5), "Marker")
    session.edit(lambda p: edits.set_range(p, 2, 9), "In and out")
    assert enabled(opened, *names) == {*OF_KEYS, "reset", "history", "next_mark", "clear_range"}
    while session.undo_label is not None:
        press(opened, KEY.Key_Z, CTRL)
    assert enabled(opened, *names) == {"history"}


def test_an_empty_window_offers_nothing_to_do_with_a_picture(window: MainWindow) -> None:
    names = ("draw_box", "protect", "reset", "copy", "export", "play", "set_key", "marker")
    assert not enabled(window, *names)
