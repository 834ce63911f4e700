"""A clip that is edited is seen with the steady readings with which it is exported."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from app.drivers.controller import DriverController
from app.editor.studio import Studio
from icface.face.geometry import Box
from icface.face.observation import FaceObservation
from icface.jobs import run_to_end
from icface.rendering.frame_request import Frame
from icface.rendering.stabilising import steadied
from tests.app.conftest import SMILING
from tests.faces import StandInTracker, observation_in
from tests.icface.media.videos import drifting, write_video

PATIENCE_MS = 20_000


@pytest.fixture
def trembling(
    qtbot: QtBot,
    studio: Studio,
    tracker: StandInTracker,
    tmp_path: Path,
    astronaut: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> Studio:
    """A clip is open in which a face is read that trembles."""
    steps = count()

    def trembles(_image: object, _previous: object) -> FaceObservation:
        by = next(steps) % 2
        return observation_in(Box(110 + by, 20, 210 + by, 150), SMILING)

    tracker.faces = (observation_in(Box(110, 20, 210, 150), SMILING),)
    monkeypatch.setattr(tracker, "follow", trembles)
    controller = DriverController(studio, studio)
    clip = write_video(
        tmp_path / "clip.mp4", drifting(astronaut, 9, step=3)
    )  # one that no other test has had read
    studio.photos.open(clip)
    qtbot.waitUntil(lambda: bool(controller.project.faces), timeout=PATIENCE_MS)
    wait_idle(qtbot, studio)
    return studio


def wait_idle(qtbot: QtBot, studio: Studio) -> None:
    qtbot.waitUntil(lambda: not studio.bridge.is_busy, timeout=PATIENCE_MS)


def last_seen(qtbot: QtBot, studio: Studio) -> Frame:
    """The full picture of where the playhead is."""
    frames: list[Frame] = []
    studio.bridge.frame_ready.connect(frames.append)
    studio.render()
    wait_idle(qtbot, studio)
    return frames[-1]


def test_an_edited_clip_is_seen_as_it_will_be_exported(qtbot: QtBot, trembling: Studio) -> None:
    trembling.playhead.go_to(5)
    trembling.faces.set_values({"yaw": 20.0}, "Turn")
    wait_idle(qtbot, trembling)
    (face,) = last_seen(qtbot, trembling).request.faces
    exported = run_to_end(steadied(trembling.project)).faces[0].at(5)
    read = trembling.project.faces[0].at(5)
    assert exported is not None
    assert read is not None
    np.testing.assert_array_equal(face.landmarks, exported.landmarks)
    assert np.abs(face.landmarks - read.landmarks).max() > 0.1


def test_a_clip_that_nobody_edits_is_not_made_steady(qtbot: QtBot, trembling: Studio) -> None:
    request = last_seen(qtbot, trembling).request
    read = trembling.project.faces[0].at(0)
    assert read is not None
    np.testing.assert_array_equal(request.faces[0].landmarks, read.landmarks)
    assert not request.changes


def test_readings_are_made_steady_once(qtbot: QtBot, trembling: Studio) -> None:
    begun: list[int] = []
    run = trembling.bridge.run
    trembling.bridge.run = lambda *work: begun.append(1) or run(*work)
    for value in (5.0, 10.0, 15.0):
        trembling.faces.set_values({"yaw": value}, "Turn")
        wait_idle(qtbot, trembling)
    assert begun == [1]


def test_what_was_cancelled_is_begun_again_with_the_next_edit(
    qtbot: QtBot, trembling: Studio
) -> None:
    trembling.faces.set_values({"yaw": 5.0}, "Turn")
    trembling.cancel()
    wait_idle(qtbot, trembling)
    trembling.faces.set_values({"yaw": 10.0}, "Turn")
    wait_idle(qtbot, trembling)
    exported = run_to_end(steadied(trembling.project)).faces[0].at(0)
    assert exported is not None
    np.testing.assert_array_equal(
        last_seen(qtbot, trembling).request.faces[0].landmarks, exported.landmarks
    )
