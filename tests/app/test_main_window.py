"""The whole window over the real engine: what a person does, and what they then see."""

from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow


def test_an_empty_window_offers_two_ways_to_begin(window: MainWindow) -> None:
    assert window.pages.currentWidget() is window.empty
    assert window.empty.open_button.isVisible()
    assert window.empty.sample_button.isVisible()
    assert not window.actions_by_id["save"].isEnabled()


def test_the_sample_opens_with_one_click(qtbot: QtBot, window: MainWindow) -> None:
    with qtbot.waitSignal(window.studio.photo_changed, timeout=20_000):
        qtbot.mouseClick(window.empty.sample_button, Qt.MouseButton.LeftButton)
    assert window.pages.currentWidget() is window.canvas
    assert "astronaut" in window.windowTitle()
    assert window.panel.rows["yaw"].isEnabled()
