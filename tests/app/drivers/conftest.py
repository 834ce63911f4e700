"""A window whose face is driven by a clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from app.window.main_window import MainWindow
from tests.app.window.test_main_window import settle
from tests.icface.media.videos import drifting, write_video

PATIENCE_MS = 20_000


@pytest.fixture
def clip_path(tmp_path: Path, astronaut: NDArray[np.uint8]) -> Path:
    return write_video(tmp_path / "clip.mp4", drifting(astronaut, 8))


@pytest.fixture
def driven(qtbot: QtBot, opened: MainWindow, clip_path: Path) -> MainWindow:
    """The sample, driven by a clip that has been tracked."""
    opened.drivers.controller.add_driver(clip_path)
    qtbot.waitUntil(
        lambda: any(d.motion is not None for d in opened.studio.project.drivers),
        timeout=PATIENCE_MS,
    )
    settle(qtbot, opened)
    return opened
