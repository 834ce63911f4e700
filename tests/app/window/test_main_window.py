"""The whole window over the real engine: what a person does, and what they then see."""

from __future__ import annotations

import html
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QKeySequence,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QMessageBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import theme
from app.actions import ACTIONS, key_names, keys_of
from app.files.file_dialogs import ask_to_open, ask_to_save
from app.settings import Settings
from app.window.diagnosis_page import DiagnosisPage
from app.window.help_pages import AboutPage, KeysPage, keys_html
from app.window.main_window import MainWindow
from icface.document.mixing import shown
from icface.face.geometry import Box
from icface.media import load_photo
from icface.rendering.frame_request import Frame
from tests.app.conftest import SMILING, open_in
from tests.faces import StandInTracker, observation_in
from tests.strategies import a_motion


def test_an_empty_window_offers_three_ways_to_begin(window: MainWindow) -> None:
    assert window.pages.currentWidget() is window.empty
    assert window.empty.open_button.isVisible()
    assert window.empty.clip_button.isVisible()
    assert window.empty.sample_button.isVisible()
    assert not window.actions_by_id["save_image"].isEnabled()
    assert not window.actions_by_id["save"].isEnabled()


def test_the_sample_opens_with_one_click(qtbot: QtBot, window: MainWindow) -> None:
    with qtbot.waitSignal(window.studio.photos.photo_changed, timeout=20_000):
        qtbot.mouseClick(window.empty.sample_button, Qt.MouseButton.LeftButton)
    assert window.pages.currentWidget() is window.canvas
    assert "astronaut" in window.windowTitle()
    assert window.panel.rows["yaw"].isEnabled()


def drag_row(window: MainWindow, key: str, end: float, steps: int = 12) -> None:
    """Carry a row's handle with the mouse."""
    row = window.panel.rows[key]
    window.panel.show_row(key)
    y = row.height() // 2
    start, finish = round(row.track_x(row.shown)), round(row.track_x(end))
    QTest.mousePress(row, Qt.MouseButton.LeftButton, pos=QPoint(start, y))
    for step in range(1, steps + 1):
        QTest.mouseMove(row, QPoint(start + (finish - start) * step // steps, y))
    QTest.mouseRelease(row, Qt.MouseButton.LeftButton, pos=QPoint(finish, y))


def settle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: not window.studio.bridge.is_busy, timeout=20_000)


def value(window: MainWindow, control: str) -> float:
    return shown(window.studio.project)[control]


def drop(window: QWidget, path: Path) -> bool:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    actions, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(QPoint(300, 300), actions, mime, left, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(window, enter)
    if enter.isAccepted():
        event = QDropEvent(QPointF(300, 300), actions, mime, left, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(window, event)
    return enter.isAccepted()


def test_dragging_a_slider_renders_only_on_the_engines_thread(
    qtbot: QtBot, opened: MainWindow
) -> None:
    renderer = opened.studio.bridge._renderer
    threads: list[threading.Thread] = []
    render = renderer.render

    def watched(*arguments: object) -> Frame:
        threads.append(threading.current_thread())
        return render(*arguments)  # type: ignore[arg-type]

    opened.studio.bridge._engine._render = watched
    frames: list[Frame] = []
    opened.studio.bridge.frame_ready.connect(frames.append)
    drag_row(opened, "AU12", 0.95)
    settle(qtbot, opened)
    assert frames
    assert frames[-1].request.quality == "full"
    assert {thread.name for thread in threads} == {"icface-render"}
    assert threading.main_thread() not in threads
    assert opened.canvas._after is not opened.canvas._before


def test_one_drag_is_one_step_of_the_history(qtbot: QtBot, opened: MainWindow) -> None:
    rest = value(opened, "AU1L")
    drag_row(opened, "AU1", 0.8)
    drag_row(opened, "AU4", 0.5)
    labels = opened.studio.session.labels
    assert [label.split(" ")[0] for label in labels] == ["AU1", "AU4"]
    assert labels[0].startswith("AU1 Inner brow raiser 0.")
    opened.actions_by_id["undo"].trigger()
    assert opened.panel.rows["AU4"].shown == 0.0
    assert value(opened, "AU1L") == pytest.approx(0.8, abs=0.02)
    opened.actions_by_id["undo"].trigger()
    assert value(opened, "AU1L") == rest
    opened.actions_by_id["redo"].trigger()
    assert value(opened, "AU1L") == pytest.approx(0.8, abs=0.02)
    settle(qtbot, opened)


def test_undo_names_what_it_takes_back(qtbot: QtBot, opened: MainWindow) -> None:
    assert not opened.actions_by_id["undo"].isEnabled()
    opened.studio.faces.set_row("AU26", 0.5, 1)
    assert opened.actions_by_id["undo"].text() == "Undo AU26 Jaw drop 0.50"
    opened.studio.session.undo()
    assert opened.actions_by_id["redo"].text() == "Redo AU26 Jaw drop 0.50"
    settle(qtbot, opened)


def test_a_double_click_that_changes_nothing_leaves_no_step(
    qtbot: QtBot, opened: MainWindow
) -> None:
    row = opened.panel.rows["AU1"]
    opened.panel.show_row("AU1")
    place = QPointF(row.track_x(0.7), row.height() / 2).toPoint()
    QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(row, Qt.MouseButton.LeftButton, pos=place)
    assert opened.studio.session.labels == ()
    settle(qtbot, opened)


def test_the_history_list_goes_back_to_any_step(qtbot: QtBot, opened: MainWindow) -> None:
    for gesture, amount in enumerate((0.2, 0.4, 0.6), start=1):
        opened.studio.faces.set_row("AU1", amount, gesture)
    opened.actions_by_id["history"].trigger()
    steps = opened.history.list
    assert next(steps.item(i).text() for i in range(steps.count())) == "As opened"
    assert steps.currentRow() == 3
    steps.itemClicked.emit(steps.item(1))
    assert opened.panel.rows["AU1"].shown == pytest.approx(0.2)
    assert "(undone)" in steps.item(3).text()
    steps.itemClicked.emit(steps.item(0))
    assert opened.panel.rows["AU1"].shown == 0.0
    opened.history.close()
    settle(qtbot, opened)


def test_reset_all_is_one_step_that_can_be_undone(qtbot: QtBot, opened: MainWindow) -> None:
    opened.studio.faces.set_row("AU1", 0.6, 1)
    opened.studio.faces.link(43, linked=False)
    qtbot.mouseClick(opened.panel.reset_button, Qt.MouseButton.LeftButton)
    assert opened.studio.project.edits[0].deltas == ()
    opened.studio.session.undo()
    assert value(opened, "AU1L") == pytest.approx(0.6)
    settle(qtbot, opened)


def test_dragging_the_head_with_the_right_button_is_one_step(
    qtbot: QtBot, opened: MainWindow
) -> None:
    start, end = (opened.canvas.widget_point(x, y).toPoint() for x, y in ((226, 128), (260, 110)))
    QTest.mousePress(opened.canvas, Qt.MouseButton.RightButton, pos=start)
    QTest.mouseMove(opened.canvas, (start + end) / 2)
    QTest.mouseMove(opened.canvas, end)
    QTest.mouseRelease(opened.canvas, Qt.MouseButton.RightButton, pos=end)
    assert opened.studio.session.labels == ("Turn the head",)
    assert value(opened, "yaw") > 10
    assert value(opened, "pitch") < -5
    assert value(opened, "roll") == 0
    settle(qtbot, opened)


def test_gaze_turns_both_eyes(qtbot: QtBot, opened: MainWindow) -> None:
    opened.studio.faces.set_gaze(-0.4, 0.2, 1)
    assert value(opened, "AU62L") == value(opened, "AU62R") == pytest.approx(0.4)
    assert value(opened, "AU61L") == 0.0
    assert value(opened, "AU63R") == pytest.approx(0.2)
    opened.studio.faces.reset_row("gaze", 2)
    assert opened.studio.project.edits[0].deltas == ()
    settle(qtbot, opened)


def test_a_held_backslash_shows_the_photo_before(qtbot: QtBot, opened: MainWindow) -> None:
    opened.panel.rows["yaw"].setFocus()
    QTest.keyPress(opened.panel.rows["yaw"], Qt.Key.Key_Backslash)
    assert opened.canvas.is_before_shown
    QTest.keyRelease(opened.panel.rows["yaw"], Qt.Key.Key_Backslash)
    assert not opened.canvas.is_before_shown


def test_a_backslash_that_is_typed_into_the_search_is_only_a_letter(opened: MainWindow) -> None:
    opened.panel.focus_search()
    QTest.keyClicks(opened.panel.search, "w\\")
    assert opened.panel.search.text() == "w\\"
    assert not opened.canvas.is_before_shown
    assert opened.canvas.wipe is None


def test_keys_act_on_the_view_and_the_search(qtbot: QtBot, opened: MainWindow) -> None:
    opened.canvas.setFocus()
    QTest.keyClick(opened, Qt.Key.Key_W)
    assert opened.canvas.wipe == 0.5
    QTest.keyClick(opened, Qt.Key.Key_1)
    assert opened.canvas.zoom == 1.0
    assert opened.status.zoom.text() == "100 %"
    QTest.keyClick(opened, Qt.Key.Key_F)
    assert opened.canvas.zoom != 1.0
    QTest.keyClick(opened, Qt.Key.Key_Slash)
    assert opened.panel.search.hasFocus()


def test_a_dropped_photo_is_opened_and_other_files_are_not(
    qtbot: QtBot, window: MainWindow, astronaut_path: Path, tmp_path: Path
) -> None:
    text = tmp_path / "notes.txt"
    text.touch()
    assert not drop(window, text)
    with qtbot.waitSignal(window.studio.photos.photo_changed, timeout=20_000):
        assert drop(window, astronaut_path)
    settle(qtbot, window)


def test_a_file_that_is_no_photo_is_told_in_the_window(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    opened.documents.open(broken)
    qtbot.waitUntil(opened.notices.isVisible, timeout=20_000)
    assert opened.notices.notice is not None
    assert "broken.png" in opened.notices.notice.text
    assert opened.pages.currentWidget() is opened.canvas
    settle(qtbot, opened)


def test_without_a_face_a_box_can_be_drawn(
    qtbot: QtBot, window: MainWindow, tracker: StandInTracker, astronaut_path: Path
) -> None:
    tracker.faces = ()
    open_in(qtbot, window, astronaut_path)
    assert window.notices.remedy.isVisible()
    assert not window.panel.rows["yaw"].isEnabled()
    window.canvas.box_drawn.emit(Box(-40, 60, 280, 200))
    qtbot.waitUntil(lambda: window.studio.project.face is not None, timeout=20_000)
    assert window.panel.rows["yaw"].isEnabled()
    assert window.studio.project.faces[0].box.left == -0.5
    assert not window.notices.isVisible()
    window.canvas.box_drawn.emit(Box(3, 3, 9, 9))
    qtbot.waitUntil(window.notices.isVisible, timeout=20_000)
    settle(qtbot, window)


def test_each_of_several_faces_keeps_its_own_edits(
    qtbot: QtBot, window: MainWindow, tracker: StandInTracker, astronaut_path: Path
) -> None:
    tracker.faces = (observation_in(Box(60, 60, 160, 190)), observation_in(Box(300, 60, 400, 190)))
    open_in(qtbot, window, astronaut_path)
    window.studio.faces.set_row("AU12", 0.7, 1)
    qtbot.mouseClick(window.drivers.panel.picker.buttons[1], Qt.MouseButton.LeftButton)
    assert window.panel.rows["AU12"].shown == 0.0
    assert window.drivers.panel.picker.buttons[0].accessibleDescription() == "edited"
    assert "face 2 of 2" in window.status.confidence.text()
    QTest.mouseClick(
        window.canvas, Qt.MouseButton.LeftButton, pos=window.canvas.widget_point(110, 120).toPoint()
    )
    assert window.panel.rows["AU12"].shown == pytest.approx(0.7)
    settle(qtbot, window)


def test_saving_renders_at_full_quality_off_this_thread(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path
) -> None:
    opened.studio.faces.set_row("AU12", 1.0, 1)
    assert opened.studio.session.is_modified
    target = tmp_path / "smile.png"
    with qtbot.waitSignal(opened.studio.photos.photo_saved, timeout=20_000):
        opened.studio.photos.save_image(target)
    assert load_photo(target).pixels.shape == (512, 512, 3)
    assert opened.studio.session.is_modified  # a picture is not the project
    assert "smile.png" in opened.status.currentMessage()
    settle(qtbot, opened)


def test_saving_untouched_keeps_every_pixel(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    with qtbot.waitSignal(opened.studio.photos.photo_saved, timeout=20_000):
        opened.studio.photos.save_image(tmp_path / "same.png")
    assert np.array_equal(load_photo(tmp_path / "same.png").pixels, astronaut)
    settle(qtbot, opened)


def test_an_impossible_name_is_refused_in_the_window_at_once(
    opened: MainWindow, tmp_path: Path
) -> None:
    opened.studio.photos.save_image(tmp_path / "smile.bmp")
    assert opened.notices.notice is not None
    assert ".bmp" in opened.notices.notice.text


def save_image_over(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    """Save the picture with the shortcut over an existing file, and confirm."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_S, keys)
    dialog = next(box for box in window.findChildren(QFileDialog) if box.isVisible())
    field, buttons = dialog.findChild(QLineEdit, "fileNameEdit"), dialog.findChild(QDialogButtonBox)
    assert field is not None
    assert buttons is not None
    field.setText(str(path))
    answers = QTimer(dialog)

    def say_yes() -> None:
        asked = dialog.findChild(QMessageBox)
        if asked is not None and asked.isVisible():
            QTest.mouseClick(
                asked.button(QMessageBox.StandardButton.Yes), Qt.MouseButton.LeftButton
            )

    answers.timeout.connect(say_yes)
    answers.start(10)
    QTest.mouseClick(
        buttons.button(QDialogButtonBox.StandardButton.Save), Qt.MouseButton.LeftButton
    )
    qtbot.waitUntil(lambda: not any(box.isVisible() for box in window.findChildren(QFileDialog)))


def test_a_picture_is_never_saved_over_what_the_document_is_made_of(
    qtbot: QtBot, window: MainWindow, astronaut_path: Path, tmp_path: Path
) -> None:
    photo = Path(shutil.copy(astronaut_path, tmp_path / "portrait.png"))
    driver = Path(shutil.copy(astronaut_path, tmp_path / "smile.png"))
    link = tmp_path / "other.png"
    link.symlink_to(photo)
    open_in(qtbot, window, photo)
    window.drivers.controller.add_driver(driver)
    qtbot.waitUntil(lambda: bool(window.studio.project.drivers), timeout=20_000)
    settle(qtbot, window)
    kept = photo.read_bytes()
    for path, found in ((photo, photo), (driver, driver), (link, photo)):
        window.notices.close_notice()
        save_image_over(qtbot, window, path)
        assert window.notices.notice is not None
        assert window.notices.notice.title == f"{path.name} was not saved"
        assert str(found) in window.notices.notice.text
        assert "Choose another name" in window.notices.notice.text
    window.notices.close_notice()
    window.documents._write(photo, lambda: None)
    assert window.notices.notice is not None
    assert window.notices.notice.title == "portrait.png was not saved"
    window.drivers.controller.export_tracking(
        window.studio.project.drivers[0].motion or a_motion([None]), driver
    )
    assert window.notices.notice is not None
    assert window.notices.notice.title.endswith(" was not saved")
    settle(qtbot, window)
    assert photo.read_bytes() == driver.read_bytes() == kept
    assert link.is_symlink()


def test_undo_leads_back_to_the_photo_before(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    second = tmp_path / "second.png"
    Image.fromarray(astronaut[:, ::-1].copy()).save(second)
    opened.studio.faces.set_row("AU12", 0.9, 1)
    open_in(qtbot, opened, second)
    assert "second" in opened.windowTitle()
    assert opened.panel.rows["AU12"].shown != pytest.approx(0.9)
    opened.studio.session.undo()
    assert "astronaut" in opened.windowTitle()
    assert opened.panel.rows["AU12"].shown == pytest.approx(0.9)
    settle(qtbot, opened)


def test_a_photo_that_memory_let_go_is_read_again_when_undo_leads_to_it(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    second = tmp_path / "second.png"
    Image.fromarray(astronaut[:, ::-1].copy()).save(second)
    open_in(qtbot, opened, second)
    opened.studio.photos.forget()
    with qtbot.waitSignal(opened.studio.photos.photo_changed, timeout=20_000):
        opened.studio.session.undo()
    assert "astronaut" in opened.windowTitle()
    settle(qtbot, opened)


def test_an_expression_is_carried_from_face_to_face_over_the_clipboard(
    qtbot: QtBot, window: MainWindow, tracker: StandInTracker, astronaut_path: Path
) -> None:
    tracker.faces = (
        observation_in(Box(60, 60, 160, 190), SMILING),
        observation_in(Box(300, 60, 400, 190)),
    )
    open_in(qtbot, window, astronaut_path)
    window.studio.faces.set_row("AU1", 0.7, 1)
    window.actions_by_id["copy"].trigger()
    assert json.loads(QGuiApplication.clipboard().text())["AU1"] == 0.7
    window.studio.faces.choose_face(1)
    window.actions_by_id["paste"].trigger()
    assert value(window, "AU1L") == pytest.approx(0.7)
    assert value(window, "AU12L") == pytest.approx(0.55 / 0.6, abs=0.03)
    assert value(window, "yaw") == 0.0
    assert window.studio.project.edits[1].unlinked == frozenset()
    settle(qtbot, window)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[1]",
        '{"AU99": 1}',
        '{"AU12": "much"}',
        '{"mouthSmile_L": 1}',
        '{"AU12": true}',
    ],
)
def test_what_is_no_expression_is_not_pasted(opened: MainWindow, text: str) -> None:
    opened.studio.faces.paste_expression(text)
    assert opened.notices.isVisible()
    assert opened.studio.session.labels == ()


def test_the_status_line_tells_device_speed_size_and_confidence(
    qtbot: QtBot, opened: MainWindow
) -> None:
    opened.studio.faces.set_row("AU12", 0.9, 1)
    settle(qtbot, opened)
    assert opened.status.device.text() == "CPU"
    assert opened.status.speed.text().endswith(" ms/frame")
    assert opened.status.picture.text() == "512 \u00d7 512"
    assert opened.status.confidence.text() == "face 90 % sure"


def test_a_message_in_the_status_bar_hides_the_facts_while_it_lasts(
    qtbot: QtBot, opened: MainWindow
) -> None:
    status = opened.status
    assert status.picture.isVisible()
    status.say("Saved a long path")
    status.show_photo(opened.studio.photo)
    assert not status.picture.isVisible()
    status.clearMessage()
    assert status.picture.isVisible()
    settle(qtbot, opened)


def test_the_theme_changes_at_once_and_is_remembered(
    opened: MainWindow, settings: Settings
) -> None:
    opened.actions_by_id["light"].setChecked(True)
    assert settings.theme == "light"
    assert theme.current().name == "light"
    opened.actions_by_id["light"].setChecked(False)
    assert theme.current().name == "dark"


def test_the_layout_is_remembered(qtbot: QtBot, window: MainWindow, settings: Settings) -> None:
    window.panel.sections["jaw"].header.click()
    window.close()
    assert settings.folded == {"jaw"}
    assert not settings.state("window").isEmpty()


def test_full_screen_returns_to_the_size_before(qtbot: QtBot, window: MainWindow) -> None:
    window.showMaximized()
    QTest.keyClick(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    QTest.keyClick(window, Qt.Key.Key_F11)
    assert window.isMaximized()
    assert not window.isFullScreen()
    window.showNormal()
    QTest.keyClick(window, Qt.Key.Key_F11)
    QTest.keyClick(window, Qt.Key.Key_F11)
    assert not window.isMaximized()
    assert not window.isFullScreen()


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_no_shortcut_is_given_twice(platform: str) -> None:
    keys = [
        QKeySequence(key).toString() for spec in ACTIONS for key in keys_of(spec, platform=platform)
    ]
    assert all(keys)
    assert len(keys) == len(set(keys))
    taken_by_macos = {"Ctrl+H", "Ctrl+M", "F11"}
    assert platform != "darwin" or not taken_by_macos & set(keys)


def test_texts_name_the_keys_as_the_system_does() -> None:
    assert (
        key_names("Choose a lane (Ctrl+Up), with Alt", platform="darwin")
        == "Choose a lane (Cmd+Up), with Option"
    )
    assert key_names("Choose a lane (Ctrl+Up)", platform="win32") == "Choose a lane (Ctrl+Up)"


def test_dialogs_ask_without_blocking(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    chosen: list[Path] = []
    dialog = ask_to_save(opened, opened.settings, "me-edited.jpg", chosen.append)
    assert dialog.defaultSuffix() == "jpg"
    dialog.filterSelected.emit("TIFF (*.tif *.tiff)")
    assert dialog.defaultSuffix() == "tif"
    dialog.fileSelected.emit(str(tmp_path / "me.tif"))
    dialog.close()
    assert chosen == [tmp_path / "me.tif"]
    ask_to_open(opened, opened.settings, chosen.append).close()


def test_help_stays_beside_the_work(qtbot: QtBot, window: MainWindow) -> None:
    for name, page in (("keys", KeysPage), ("about", AboutPage)):
        window.actions_by_id[name].trigger()
        shown_page = window.findChild(page)
        assert shown_page is not None
        assert not shown_page.isModal()
        shown_page.close()
    said = html.unescape(keys_html(theme.current()))
    assert "Hold" in said
    every = [
        QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
        for spec in ACTIONS
        for key in keys_of(spec)
    ]
    assert not [
        key
        for key in every
        if f">{key}<" not in said and f"{key} or " not in said and f" or {key}<" not in said
    ]


def test_opening_can_be_cancelled_and_changes_nothing(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    second = tmp_path / "second.png"
    Image.fromarray(astronaut[:, ::-1].copy()).save(second)
    before = opened.studio.project
    opened.documents.open(second)
    assert opened.studio.photos.opening == "second.png"
    opened.status.cancel_asked.emit()
    assert opened.studio.photos.opening == ""
    settle(qtbot, opened)
    assert opened.studio.project is before


def test_a_file_over_the_picture_is_welcomed(opened: MainWindow, astronaut_path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(astronaut_path))])
    before = opened.canvas.grab().toImage()
    event = QDragEnterEvent(
        QPoint(300, 300),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(opened, event)
    assert opened.canvas.grab().toImage() != before
    QApplication.sendEvent(opened, QDragLeaveEvent())
    assert opened.canvas.grab().toImage() == before


def test_work_that_lasts_is_named_and_can_be_stopped(qtbot: QtBot, window: MainWindow) -> None:
    window.status.show_busy(True)
    window.status.show_progress(0, 3, "Reading portrait.png")
    assert window.status.work.text() == ""
    qtbot.waitUntil(lambda: window.status.work.text() == "Reading portrait.png (1 of 3) …")
    assert window.status.cancel.isVisible()
    window.status.show_busy(False)
    assert window.status.work.text() == ""
    assert not window.status.cancel.isVisible()


def test_a_protected_area_is_a_step_that_can_be_taken_back(
    qtbot: QtBot, opened: MainWindow
) -> None:
    canvas, session = opened.canvas, opened.studio.session
    assert not opened.actions_by_id["unprotect"].isEnabled()
    QTest.keyClick(canvas, Qt.Key.Key_R)
    with qtbot.waitSignal(canvas.region_drawn):
        start, end = (canvas.widget_point(x, y).toPoint() for x, y in ((200, 80), (280, 170)))
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
        QTest.mouseMove(canvas, end)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)
    (region,) = opened.studio.project.regions
    assert (region.box.width, region.box.height) == pytest.approx((80, 90), abs=2)
    assert session.undo_label == "Protect an area"
    opened.actions_by_id["unprotect"].trigger()
    assert opened.studio.project.regions == ()
    session.undo()
    session.undo()
    assert opened.studio.project.regions == ()


def test_a_diagnosis_can_be_copied_and_saved(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    window.actions_by_id["diagnose"].trigger()
    page = window.findChild(DiagnosisPage)
    assert page is not None
    qtbot.waitUntil(page.copy_button.isEnabled, timeout=20_000)
    text = page.text.toPlainText()
    for part in ("[versions]", "[devices]", "[codecs]", "[weights]", "[faults]"):
        assert part in text
    page.copy_button.click()
    assert QApplication.clipboard().text() == text
    dialog = page.ask_to_save()
    dialog.fileSelected.emit(str(tmp_path / "report.txt"))
    dialog.close()
    assert (tmp_path / "report.txt").read_text() == text
    assert page.state.text() == "Saved"
    page.save(tmp_path / "absent" / "report.txt")
    assert page.state.text() == "Not saved: there is no such file or folder."
    assert "[log]" not in text
    page.names.click()
    qtbot.waitUntil(lambda: "[log]" in page.text.toPlainText(), timeout=20_000)
    page.close()
