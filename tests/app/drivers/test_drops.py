"""Files dropped on the window while another is opening or under tracking."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pytestqt.qtbot import QtBot

from app.window.main_window import MainWindow
from icface import formats
from icface.document import Clip
from icface.face.observation import FaceObservation
from tests.app.window.test_main_window import drop, settle
from tests.faces import StandInTracker
from tests.icface.media.videos import drifting, write_video
from tests.strategies import a_ramp

PATIENCE_MS = 20_000


@pytest.fixture
def clip_path(tmp_path: Path, astronaut: NDArray[np.uint8]) -> Path:
    return write_video(tmp_path / "clip.mp4", drifting(astronaut, 8))


@pytest.fixture
def second_path(tmp_path: Path, astronaut: NDArray[np.uint8]) -> Path:
    path = tmp_path / "second.png"
    Image.fromarray(astronaut[:, ::-1].copy()).save(path)
    return path


@pytest.fixture
def gate(tracker: StandInTracker, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """An event that tracking waits for, so that it lasts as long as a test needs."""
    opened = threading.Event()

    def follow(_image: object, previous: FaceObservation) -> FaceObservation:
        opened.wait(PATIENCE_MS / 1000)
        return previous

    monkeypatch.setattr(tracker, "follow", follow)
    yield opened
    opened.set()


@pytest.fixture
def long_clip(
    qtbot: QtBot,
    window: MainWindow,
    gate: threading.Event,
    tmp_path: Path,
    astronaut: NDArray[np.uint8],
    request: pytest.FixtureRequest,
) -> MainWindow:
    """A window with a clip under tracking; the clip is new, since tracking is cached."""
    frames = drifting(astronaut, len(request.node.name), step=1)
    window.documents.open(write_video(tmp_path / "long.mp4", frames))
    qtbot.waitUntil(lambda: window.studio.project.clip is not None, timeout=PATIENCE_MS)
    return window


def said(window: MainWindow) -> str:
    return window.status.currentMessage()


def drives(qtbot: QtBot, window: MainWindow, name: str) -> None:
    """Wait until a file of this name drives the face."""
    studio = window.studio
    qtbot.waitUntil(lambda: bool(studio.project.drivers), timeout=PATIENCE_MS)
    assert Path(studio.project.drivers[0].medium.path).name == name
    settle(qtbot, window)


def test_a_photo_on_the_photo_is_opened_and_on_the_panel_drives_it(
    qtbot: QtBot, opened: MainWindow, second_path: Path, tmp_path: Path
) -> None:
    first = opened.studio.project
    assert "open it instead; on the left, to drive" in opened.drivers.drops.hint(second_path)
    assert opened.drivers.drops.hint(tmp_path / "clip.mp4") == "Drop to drive the face"
    assert drop(opened, second_path)
    qtbot.waitUntil(lambda: opened.windowTitle().startswith("second.png"), timeout=PATIENCE_MS)
    settle(qtbot, opened)
    assert not opened.studio.project.drivers
    opened.actions_by_id["undo"].trigger()
    assert opened.studio.project == first
    settle(qtbot, opened)
    assert drop(opened.drivers.panel, second_path)
    drives(qtbot, opened, "second.png")
    assert opened.studio.project.source == first.source


def test_a_clip_dropped_while_the_first_photo_opens_drives_its_face(
    qtbot: QtBot, window: MainWindow, astronaut_path: Path, clip_path: Path
) -> None:
    assert drop(window, astronaut_path)
    assert drop(window, clip_path)
    assert window.studio.photos.opening == "astronaut.png"
    assert said(window) == "clip.mp4 will be used once astronaut.png has opened"
    drives(qtbot, window, "clip.mp4")
    assert Path(window.studio.project.source.path).name == "astronaut.png"


def test_a_clip_dropped_while_another_photo_opens_drives_the_new_face(
    qtbot: QtBot, opened: MainWindow, second_path: Path, clip_path: Path
) -> None:
    assert drop(opened, second_path)
    assert drop(opened, clip_path)
    drives(qtbot, opened, "clip.mp4")
    assert opened.studio.session.labels[:2] == ("Open second.png", "Add clip.mp4")
    assert opened.notices.remedy.text() == "Open it instead"


def test_files_dropped_while_another_opens_are_used_in_order(
    qtbot: QtBot, window: MainWindow, astronaut_path: Path, second_path: Path, tmp_path: Path
) -> None:
    table = tmp_path / "turns.csv"
    formats.save(table, a_ramp("yaw", [0.0, 5.0]))
    for path in (astronaut_path, second_path, table):
        assert drop(window, path)
    drives(qtbot, window, "turns.csv")
    assert window.studio.session.labels == ("Open second.png", "Add turns.csv")


def test_a_clip_dropped_on_a_photo_without_a_face_is_opened(
    qtbot: QtBot, window: MainWindow, tracker: StandInTracker, astronaut_path: Path, clip_path: Path
) -> None:
    tracker.faces = ()
    assert drop(window, astronaut_path)
    assert drop(window, clip_path)
    qtbot.waitUntil(lambda: window.studio.project.clip is not None, timeout=PATIENCE_MS)
    assert not window.studio.project.drivers
    settle(qtbot, window)


def test_a_table_that_waited_for_a_face_in_vain_is_not_lost_without_a_word(
    qtbot: QtBot, window: MainWindow, tracker: StandInTracker, astronaut_path: Path, tmp_path: Path
) -> None:
    tracker.faces = ()
    table = tmp_path / "turns.csv"
    formats.save(table, a_ramp("yaw", [0.0, 5.0]))
    told: list[str] = []
    window.studio.notice_raised.connect(lambda notice: told.append(notice.title))
    assert drop(window, astronaut_path)
    assert drop(window, table)
    qtbot.waitUntil(lambda: "turns.csv was not used" in told, timeout=PATIENCE_MS)
    settle(qtbot, window)


def test_a_clip_dropped_on_a_clip_under_tracking_waits_for_its_faces(
    qtbot: QtBot, long_clip: MainWindow, gate: threading.Event, clip_path: Path
) -> None:
    assert drop(long_clip, clip_path)
    assert long_clip.notices.notice.title == "clip.mp4 will be used once long.mp4 has been tracked"
    gate.set()
    drives(qtbot, long_clip, "clip.mp4")
    assert Path(_clip(long_clip).path).name == "long.mp4"


def test_what_waits_can_be_opened_at_once_after_all(
    qtbot: QtBot, long_clip: MainWindow, gate: threading.Event, clip_path: Path
) -> None:
    assert drop(long_clip, clip_path)
    assert long_clip.notices.remedy.text() == "Open it instead"
    long_clip.notices.remedy.click()
    gate.set()
    name = clip_path.name
    qtbot.waitUntil(lambda: Path(_clip(long_clip).path).name == name, timeout=PATIENCE_MS)
    settle(qtbot, long_clip)
    assert not long_clip.studio.project.drivers


def test_cancelling_what_is_being_opened_forgets_what_waits_for_it(
    qtbot: QtBot, window: MainWindow, astronaut_path: Path, clip_path: Path
) -> None:
    assert drop(window, astronaut_path)
    assert drop(window, clip_path)
    window.status.cancel_asked.emit()
    settle(qtbot, window)
    assert window.studio.photos.opening == ""
    assert window.studio.project.source is None


def _clip(window: MainWindow) -> Clip:
    clip = window.studio.project.clip
    assert clip is not None
    return clip
