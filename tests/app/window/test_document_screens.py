"""Pictures of what the window says about documents, in both themes: see test_screens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.window.main_window import MainWindow
from icface.document.edits import set_control
from icface.face.controls import ControlVector
from icface.project_file import load_project, save_project
from tests.app.conftest import open_in
from tests.app.files.test_documents import crashed, kept_window, saved_as, settle, unsaved
from tests.app.window.test_screens import keep
from tests.strategies import a_project

__all__ = ["kept_window", "unsaved"]  # fixtures
pytestmark = pytest.mark.screens


def keep_over(window: MainWindow, above: QWidget, name: str, at: QPoint) -> QPixmap:
    """The window with a menu or a question on it."""
    whole = window.grab()
    painter = QPainter(whole)
    painter.drawPixmap(at, above.grab())
    painter.end()
    if folder := os.environ.get("ICFACE_SCREENS"):
        assert whole.save(str(Path(folder) / f"{name}-{theme.current().name}-{whole.width()}.png"))
    return whole


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_what_is_said_about_documents_fits_into_the_window(
    qtbot: QtBot,
    kept_window: MainWindow,
    unsaved: Path,
    tmp_path: Path,
    astronaut_path: Path,
    colours: theme.ThemeName,
) -> None:
    window = kept_window
    window.set_theme(colours)
    portrait = tmp_path / "astronaut.png"
    portrait.write_bytes(astronaut_path.read_bytes())
    open_in(qtbot, window, portrait)
    path = saved_as(qtbot, window, tmp_path / "first take.icface")
    left = crashed(unsaved, set_control(load_project(path), "yaw", 20.0), path)
    window.documents.offer_left_behind()
    keep(qtbot, window, "unsaved-work")
    assert window.notices.second.geometry().right() <= window.notices.width()
    assert not window.notices.second.geometry().intersects(window.notices.remedy.geometry())
    window.notices.close_notice()

    window.studio.faces.set_row("AU12", 0.9, 1)
    assert window.documents.autosave is not None
    window.documents.autosave.keep()
    settle(qtbot, window)
    assert window.status.backup.isVisible()
    file_menu = window.menuBar().findChildren(QMenu)[0]
    file_menu.popup(window.mapToGlobal(QPoint(0, 24)))
    keep_over(window, file_menu, "file-menu", QPoint(0, 24))
    file_menu.close()

    window.close()
    box = next(box for box in window.findChildren(QMessageBox) if box.isVisible())
    keep_over(window, box, "changes", QPoint(340, 240))
    for button in box.buttons():
        assert button.sizeHint().width() <= button.width()
    QTest.keyClick(box, Qt.Key.Key_Escape)

    window.studio.session.mark_saved()
    gone = a_project(ControlVector())
    save_project(tmp_path / "old.icface", gone)
    window.documents.open(tmp_path / "old.icface")
    settle(qtbot, window)
    keep(qtbot, window, "missing")
    assert window.notices.notice is not None
    assert window.notices.notice.topic == "missing"
    assert left.path.exists()
