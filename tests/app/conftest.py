"""A real studio with small networks and a stand-in tracker, and windows that are closed again."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QSettings
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.editor.studio import Studio, build_studio
from app.settings import Settings
from app.window.main_window import MainWindow
from icface.face.controls import ControlVector
from icface.face.observation import FaceObservation
from icface.rendering.renderer import Renderer
from tests.faces import ASTRONAUT_BOX, StandInTracker, observation_in

if TYPE_CHECKING:
    from icface.rendering.predictor import FacePredictor

NewWindow = Callable[[], MainWindow]


def _windows() -> dict[int, QWidget]:
    return {id(widget): widget for widget in QApplication.topLevelWidgets()}


@pytest.fixture(autouse=True)
def _no_window_is_left_behind(qapp: QApplication) -> Iterator[None]:
    """Fail a test that leaves a top-level widget behind: use ``qtbot.addWidget`` or a parent."""
    before = _windows()
    yield
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    if (
        _windows().keys() - before.keys()
    ):  # perhaps only held in a cycle; to look for those takes a while
        gc.collect()
        qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    left = [widget for key, widget in _windows().items() if key not in before]
    assert not left, (
        f"Left behind: {[f'{type(widget).__name__} {widget.windowTitle()!r}' for widget in left]}"
    )


SMILING = ControlVector.of(
    {
        "yaw": 6.0,
        "pitch": -3.0,
        "mouthSmile_L": 0.6,
        "mouthSmile_R": 0.5,
        "cheekSquint_L": 0.3,
        "cheekSquint_R": 0.3,
        "eyeLookOut_L": 0.15,
        "eyeLookIn_R": 0.15,
    }
)


@pytest.fixture
def one_face() -> tuple[FaceObservation, ...]:
    """The face of the sample, in the middle of a smile."""
    return (observation_in(ASTRONAUT_BOX, SMILING),)


@pytest.fixture
def tracker(one_face: tuple[FaceObservation, ...]) -> StandInTracker:
    return StandInTracker(*one_face)


@pytest.fixture
def studio(
    qapp: QApplication, tiny_predictor: FacePredictor, tracker: StandInTracker
) -> Iterator[Studio]:
    """The real session, engine, renderer and (small) networks; only the tracker is a stand-in."""
    made = build_studio(Renderer(tiny_predictor, tracker))
    yield made
    made.bridge.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def window(
    qtbot: QtBot, qapp: QApplication, studio: Studio, settings: Settings
) -> Iterator[MainWindow]:
    """The editor's window, shown, in the dark theme."""
    theme.apply_theme(qapp, "dark")
    made = MainWindow(studio, settings)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.studio.session.mark_saved()  # other tests are about the question of unsaved changes
    made.close()


@pytest.fixture
def new_window(
    qtbot: QtBot, qapp: QApplication, settings: Settings, tiny_predictor: FacePredictor
) -> Iterator[NewWindow]:
    """Start the editor again, with its own engine and the real face detector."""
    theme.apply_theme(qapp, "dark")
    made: list[MainWindow] = []

    from icface.tracking.builtin import BuiltinTracker

    def start() -> MainWindow:
        window = MainWindow(build_studio(Renderer(tiny_predictor, BuiltinTracker())), settings)
        qtbot.addWidget(window)
        made.append(window)
        window.resize(1440, 900)
        window.show()
        qtbot.waitExposed(window)
        return window

    yield start
    for window in made:
        window.studio.session.mark_saved()  # what becomes of changes is asked elsewhere
        window.close()
        window.studio.bridge.close()


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow, astronaut_path: Path) -> MainWindow:
    """The window with the sample open and its first frame on the screen."""
    open_in(qtbot, window, astronaut_path)
    return window


def open_in(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    """Open a photo and wait until the window shows it."""
    with qtbot.waitSignal(window.studio.photos.photo_changed, timeout=20_000):
        window.documents.open(path)
    qtbot.waitUntil(lambda: not window.studio.bridge.is_busy, timeout=20_000)
