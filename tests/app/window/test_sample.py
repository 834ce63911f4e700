"""The sample, the shipped networks and the window: what somebody sees within the first minute."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import theme
from app.editor.studio import build_studio
from app.settings import Settings
from app.window.main_window import MainWindow
from icface.rendering.frame_request import Frame

pytestmark = pytest.mark.slow


@pytest.fixture
def real_window(qtbot: QtBot, qapp: QApplication, settings: Settings) -> Iterator[MainWindow]:
    theme.apply_theme(qapp, "dark")
    studio = build_studio()
    window = MainWindow(studio, settings)
    qtbot.addWidget(window)
    window.show()
    yield window
    studio.session.mark_saved()
    window.close()
    studio.bridge.close()


def test_the_astronauts_head_is_turned_by_a_slider(
    qtbot: QtBot, real_window: MainWindow, astronaut: NDArray[np.uint8]
) -> None:
    studio, frames = real_window.studio, list[Frame]()
    studio.bridge.frame_ready.connect(frames.append)
    studio.photos.open_sample()
    qtbot.waitUntil(lambda: studio.photo is not None, timeout=60_000)
    qtbot.waitUntil(lambda: not studio.bridge.is_busy, timeout=60_000)
    assert len(studio.project.faces) == 1
    assert not real_window.notices.isVisible()
    assert frames[-1].pixels is studio.photo.pixels
    studio.faces.set_row("yaw", real_window.panel.rows["yaw"].shown + 15, 1)
    qtbot.waitUntil(lambda: not studio.bridge.is_busy, timeout=60_000)
    turned, box = frames[-1].pixels, studio.project.faces[0].box
    assert turned.shape == astronaut.shape
    changed = np.abs(turned.astype(int) - astronaut).max(2) > 8
    face = (slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right)))
    assert changed[face].mean() > 0.3
    assert not changed[400:].any()
    assert real_window.canvas._after is not real_window.canvas._before
