"""The window on real screens: first size, least size, names like HTML, moved media."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import theme
from app.errors import Notice
from app.files.file_dialogs import ask_about_changed_file, ask_about_changes
from app.widgets.plain_text import plain_tip, unmarked
from app.window.main_window import MainWindow
from app.window.pages import LEAST_SIZE, first_size
from icface.document import DataFile, Driver, edits
from icface.project_file import load_project, save_project
from tests.app.conftest import open_in
from tests.app.window.test_main_window import settle
from tests.app.window.test_screens import keep
from tests.strategies import a_ramp

HOSTILE = "<b>x</b><img src='file:missing.png'>&amp;.png"
SIZES = (
    (LEAST_SIZE.width(), LEAST_SIZE.height()),
    (1100, 700),
    (1366, 768),
    (1440, 900),
    (1920, 1080),
)


@pytest.mark.parametrize(
    ("screen", "bars"),
    [
        ((1366, 768), (0, 40)),
        ((1440, 900), (0, 95)),
        ((1280, 720), (0, 48)),
        ((1920, 1080), (72, 27)),
    ],
)
def test_the_first_window_fits_a_screen_with_its_bars(
    screen: tuple[int, int], bars: tuple[int, int]
) -> None:
    free = QSize(screen[0] - bars[0], screen[1] - bars[1])
    size = first_size(free)
    assert size.width() + 2 <= free.width(), "and its edges"
    assert size.height() + 40 <= free.height(), "and its title bar"
    assert LEAST_SIZE.width() <= size.width()
    assert LEAST_SIZE.height() <= size.height()
    assert first_size(QSize(2560, 1400)) == QSize(1440, 900)


def overlapping(window: QWidget) -> list[tuple[str, str]]:
    """Controls that lie on each other or are cut off by the window, by what they are."""
    kinds = (QAbstractButton, QAbstractSlider, QLineEdit, QLabel)
    found: list[tuple[QWidget, QRect]] = []
    for widget in window.findChildren(QWidget):
        if (
            not isinstance(widget, kinds)
            or not widget.isVisible()
            or widget.visibleRegion().isEmpty()
        ):
            continue
        if widget.window() is not window or widget.parentWidget().inherits("QLineEdit"):
            continue
        found.append((widget, QRect(widget.mapTo(window, widget.rect().topLeft()), widget.size())))
    said = [
        (
            f"{type(a).__name__} {a.objectName()} {one}",
            f"{type(b).__name__} {b.objectName()} {other}",
        )
        for (a, one), (b, other) in combinations(found, 2)
        if one.intersects(other)
        and not a.isAncestorOf(b)
        and not b.isAncestorOf(a)
        and _seen_together(a, b)
    ]
    whole = window.rect()
    said += [
        (type(a).__name__, "beyond the window")
        for a, one in found
        if one.left() < 0 or one.right() > whole.right()
    ]
    return said


def _seen_together(a: QWidget, b: QWidget) -> bool:
    """Whether what is really shown of both overlaps: what is scrolled away lies under nothing."""
    window = a.window()
    first = a.visibleRegion().translated(a.mapTo(window, a.rect().topLeft()))
    return first.intersects(b.visibleRegion().translated(b.mapTo(window, b.rect().topLeft())))


@pytest.fixture
def busy(qtbot: QtBot, window: MainWindow, astronaut_path: Path, tmp_path: Path) -> MainWindow:
    """A photo with a hostile, long name, keyed, driven by a table, with a notice over it."""
    path = Path(
        shutil.copy(astronaut_path, tmp_path / ("a_very_long_name_without_any_space_" * 4 + ".png"))
    )
    open_in(qtbot, window, path)
    driver = Driver(
        name="<i>A</i>",
        medium=DataFile(str(tmp_path / "t.csv"), "d"),
        motion=a_ramp("yaw", [0.0] * 90),
    )
    window.studio.edit(
        lambda project: edits.set_key(edits.add_driver(project, driver), "yaw", 20, 9.0), "Key"
    )
    window.show_notice(
        Notice(
            kind="warning",
            title=f"{path.name} is missing",
            text="It was there.",
            topic="x",
            remedy=("Find…", str),
        )
    )
    settle(qtbot, window)
    return window


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_overlaps_at_any_size(
    qtbot: QtBot, busy: MainWindow, size: tuple[int, int], name: theme.ThemeName
) -> None:
    busy.set_theme(name)
    busy.resize(*size)
    keep(qtbot, busy, f"busy-{size[1]}")
    assert (busy.width(), busy.height()) == size
    assert busy.timeline.isVisible()
    assert not overlapping(busy)


@pytest.mark.parametrize("size", SIZES)
def test_the_start_page_fits_every_size(
    qtbot: QtBot, window: MainWindow, size: tuple[int, int]
) -> None:
    window.resize(*size)
    keep(qtbot, window, f"start-{size[1]}")
    assert (window.width(), window.height()) == size
    assert not overlapping(window)


# Names --------------------------------------------------------------------------------------------


def shown_as_html(widget: QWidget) -> list[str]:
    """Texts and tips in a widget that Qt would read as HTML, with the hostile name."""
    found: list[str] = []
    for one in (widget, *widget.findChildren(QWidget)):
        if (
            isinstance(one, QLabel)
            and "x</b>" in one.text()
            and one.textFormat() != Qt.TextFormat.PlainText
        ):
            found.append(f"{type(one).__name__}: {one.text()}")
        if "<b>" in one.toolTip():
            found.append(f"tip of {type(one).__name__}: {one.toolTip()}")
    return found


@pytest.fixture
def hostile(tmp_path: Path, astronaut_path: Path) -> Path:
    try:
        return Path(shutil.copy(astronaut_path, tmp_path / HOSTILE.replace("/", "\u2215")))
    except OSError:
        pytest.skip("The disk takes no such names.")


def test_names_are_shown_letter_by_letter_in_every_widget(
    qtbot: QtBot, window: MainWindow, hostile: Path
) -> None:
    said = hostile.name.replace("\u2215", "/")
    window.empty.show_opening(said, "")
    window.settings.add_recent(hostile.with_name(hostile.name))
    window._show_recent()
    assert not shown_as_html(window)
    open_in(qtbot, window, hostile)
    window.drivers.controller.add_driver(hostile)
    qtbot.waitUntil(lambda: bool(window.studio.project.drivers), timeout=20_000)
    window.studio.edit(lambda project: edits.rename_driver(project, "A", "<b>x<\u2215b>"), "")
    window.show_notice(Notice.failure(f"{said} is missing", f"{said}: no"))
    window.pages.missing.show_path(f"/<b>x</b>/{said}")
    window.actions_by_id["export"].trigger()
    window.exports.dialog.show_plan([f"{said}: a still."])
    window.exports.dialog.show_problem(f"{said}: no")
    window.status.say(f"Saved {said}")
    settle(qtbot, window)
    widgets = [window, window.exports.dialog]
    assert not [text for widget in widgets for text in shown_as_html(widget)]
    tips = [
        one.toolTip()
        for widget in widgets
        for one in widget.findChildren(QWidget)
        if "&lt;b&gt;x" in one.toolTip()
    ]
    assert len(tips) > 3, "tips say the name, and not what it looks like"
    window.exports.dialog.hide()


def test_questions_say_names_letter_by_letter(window: MainWindow) -> None:
    boxes = (
        ask_about_changes(window, HOSTILE, save=str, discard=str),
        ask_about_changed_file(
            window, Path("/<b>x") / HOSTILE.replace("/", "\u2215"), overwrite=str, save_as=str
        ),
    )
    for box in boxes:
        assert box.textFormat() == Qt.TextFormat.PlainText
        assert "<b>x" in box.text()
        assert "<b>" not in box.informativeText()
        assert not [text for text in shown_as_html(box) if "tip" not in text]
        box.close()


def test_what_qt_would_take_for_html_or_a_mark_is_escaped() -> None:
    assert plain_tip("a & b") == "a & b"
    assert plain_tip("<b>\n&lt;") == "<span>&lt;b&gt;<br>&amp;lt;</span>"
    assert unmarked("a & b") == "a && b"


# Media that have moved ----------------------------------------------------------------------------


@pytest.fixture
def moved(
    qtbot: QtBot, window: MainWindow, astronaut_path: Path, tmp_path: Path
) -> tuple[MainWindow, Path]:
    """A new window, a project whose photo was moved, and the photo's new place."""
    home, away = tmp_path / "home", tmp_path / "away"
    for folder in (home, away):
        folder.mkdir()
    photo = Path(shutil.copy(astronaut_path, home / "portrait.png"))
    open_in(qtbot, window, photo)
    window.studio.edit(lambda project: edits.set_key(project, "yaw", 20, 9.0), "Key")
    save_project(home / "p.icface", window.studio.project)
    settle(qtbot, window)
    window.studio.session.start(
        replace(load_project(home / "p.icface"), source=None, faces=(), face_index=None, edits=())
    )
    window.studio.photos.forget()
    window.studio.session.mark_saved()
    there = Path(shutil.move(photo, away / "portrait.png"))
    window.documents.open(home / "p.icface")
    qtbot.waitUntil(
        lambda: window.notices.notice is not None and not window.documents.disk.is_busy,
        timeout=20_000,
    )
    settle(qtbot, window)
    return window, there


def test_a_missing_photo_is_reported_and_found_by_button_and_menu(
    qtbot: QtBot, moved: tuple[MainWindow, Path]
) -> None:
    window, there = moved
    page = window.pages.missing
    assert window.pages.currentWidget() is page
    assert window.timeline.isVisible()
    assert "portrait.png is not there" in page.title.text()
    keep(qtbot, window, "missing")
    window.notices.close_notice()
    assert window.pages.currentWidget() is page, "closing the notice leaves a way"
    assert window.actions_by_id["find_media"].isEnabled()
    assert "Find missing files…" in [
        action.text() for action in window.menuBar().actions()[0].menu().actions()
    ]
    QTest.mouseClick(page.find_button, Qt.MouseButton.LeftButton)
    dialog = next(box for box in window.findChildren(QFileDialog) if box.isVisible())
    dialog.reject()
    window.notices.close_notice()
    window.actions_by_id["find_media"].trigger()
    dialog = next(box for box in window.findChildren(QFileDialog) if box.isVisible())
    field, buttons = dialog.findChild(QLineEdit, "fileNameEdit"), dialog.findChild(QDialogButtonBox)
    assert field is not None
    assert buttons is not None
    field.setText(str(there))
    QTest.mouseClick(
        buttons.button(QDialogButtonBox.StandardButton.Open), Qt.MouseButton.LeftButton
    )
    qtbot.waitUntil(lambda: window.studio.photo is not None, timeout=20_000)
    settle(qtbot, window)
    assert window.pages.currentWidget() is window.canvas
    assert not window.actions_by_id["find_media"].isEnabled()
    assert window.studio.project.length == 125


def test_a_new_document_after_a_missing_one_is_the_start_page(
    qtbot: QtBot, moved: tuple[MainWindow, Path]
) -> None:
    window, _ = moved
    window.actions_by_id["new"].trigger()
    assert window.pages.currentWidget() is window.empty
    assert window.empty.open_button.isVisible()
    assert not window.actions_by_id["find_media"].isEnabled()
