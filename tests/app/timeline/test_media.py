from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.timeline.media import TimelineMedia, filmed
from icface.document import MixRule, Project, edits
from icface.face.controls import ControlVector
from tests.app.timeline.timeline_stand import Stand
from tests.strategies import a_driver, a_project, a_ramp


class Films(QObject):
    ready = Signal(str, object)


@pytest.fixture
def films(qapp: QApplication) -> Films:
    return Films()


@pytest.fixture
def stand(qtbot: QtBot, films: Films) -> Iterator[Stand]:
    made = Stand(driven_by("clip.mp4"))
    qtbot.addWidget(made.panel)
    made.panel.resize(1200, 400)
    media = TimelineMedia(made.session, made.panel, films.ready, made.panel)
    yield made
    media.close()


def driven_by(path: str, *, shift: int = 0, digest: str = "one") -> Project:
    """A photo driven by a clip of 25 frames a second, in a document of 25."""
    driver = a_driver("A", a_ramp("yaw", [float(n) for n in range(50)]))
    driver = replace(
        driver,
        medium=replace(driver.medium, path=path, digest=digest, has_sound=path != "clip.mp4"),
    )
    project = edits.add_driver(a_project(ControlVector()), driver)
    return edits.set_rule(project, MixRule(group="all", driver="A", shift=shift))


def film(*frames: int) -> dict[int, np.ndarray]:
    return {frame: np.full((9, 16, 3), frame, np.uint8) for frame in frames}


def test_the_clip_that_drives_a_photo_is_shown_where_it_comes_to_lie(
    stand: Stand, films: Films
) -> None:
    films.ready.emit("one", film(0, 20, 40))
    assert stand.panel.film._frames.tolist() == [0, 20, 40]
    stand.session.edit(
        lambda p: edits.set_rule(p, MixRule(group="all", driver="A", shift=5)), "Shift"
    )
    assert stand.panel.film._frames.tolist() == [5, 25, 45]
    stand.session.edit(lambda p: edits.remove_rule(p, "all"), "Remove")
    assert stand.panel.film._frames.tolist() == []
    assert filmed(stand.project) == (None, 0)


def test_films_of_other_clips_are_kept_for_later(stand: Stand, films: Films) -> None:
    films.ready.emit("two", film(0, 10))
    assert stand.panel.film._frames.tolist() == []
    stand.session.start(driven_by("clip.mp4", digest="two"))
    assert stand.panel.film._frames.tolist() == [0, 10]


def test_the_sound_is_read_away_from_the_window_and_lies_where_it_is_heard(
    qtbot: QtBot, stand: Stand, loud_clip: Path
) -> None:
    stand.session.start(driven_by(str(loud_clip), shift=10))
    qtbot.waitUntil(lambda: len(stand.panel.wave.columns()[0]) > 0, timeout=20_000)
    xs, _, high = stand.panel.wave.columns()
    first = float(stand.panel.view.scale.exact(xs[np.argmax(high > 0.1)]))
    assert first == pytest.approx(10, abs=2)


@pytest.fixture
def loud_clip(tmp_path: Path) -> Path:
    """A second of a loud tone."""
    samples = (0.5 * 32767 * np.sin(np.arange(8000) / 8000 * 2 * np.pi * 440)).astype("<i2")
    with wave.open(str(tmp_path / "loud.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return tmp_path / "loud.wav"


def test_a_sound_that_cannot_be_read_has_no_shape(
    qtbot: QtBot, stand: Stand, tmp_path: Path
) -> None:
    thread = stand.panel.findChild(TimelineMedia)._thread
    stand.session.start(driven_by(str(tmp_path / "gone.mp4")))
    qtbot.waitUntil(lambda: not thread.is_busy, timeout=20_000)
    assert len(stand.panel.wave.columns()[0]) == 0
