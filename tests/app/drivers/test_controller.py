"""Clips, tables and photos that drive a face, in the editor's studio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from app.drivers.controller import DriverController
from app.editor.studio import Studio
from icface import formats
from icface.document import Clip, DataFile, MixRule, Source
from icface.document.mixing import prepared, resolve, shown
from icface.face.controls import ControlVector
from icface.motion.motion import Motion
from icface.motion.reading.fitted import fitted
from tests.app.conftest import SMILING
from tests.faces import ASTRONAUT_BOX, StandInTracker, observation_in
from tests.icface.media.videos import drifting, write_video
from tests.icface.motion.known_faces import a_clip, channels
from tests.strategies import a_ramp

PATIENCE_MS = 20_000


@pytest.fixture
def controller(studio: Studio) -> DriverController:
    return DriverController(studio, studio)


@pytest.fixture
def clip_path(tmp_path: Path, astronaut: NDArray[np.uint8]) -> Path:
    return write_video(tmp_path / "clip.mp4", drifting(astronaut, 8))


def wait_idle(qtbot: QtBot, studio: Studio) -> None:
    qtbot.waitUntil(lambda: not studio.bridge.is_busy, timeout=PATIENCE_MS)


@pytest.fixture
def photo_open(
    qtbot: QtBot, studio: Studio, controller: DriverController, astronaut_path: Path
) -> DriverController:
    with qtbot.waitSignal(studio.photos.photo_changed, timeout=PATIENCE_MS):
        studio.photos.open(astronaut_path)
    wait_idle(qtbot, studio)
    return controller


def test_the_first_clip_is_tracked_and_drives_the_face(
    qtbot: QtBot, studio: Studio, photo_open: DriverController, clip_path: Path
) -> None:
    told: list[tuple[Any, ...]] = []
    photo_open.tracking.connect(lambda *values: told.append(values))
    photo_open.add_driver(clip_path)
    qtbot.waitUntil(
        lambda: bool(studio.project.drivers) and studio.project.drivers[0].motion is not None,
        timeout=PATIENCE_MS,
    )
    (driver,) = studio.project.drivers
    assert isinstance(driver.medium, Clip)
    assert (driver.name, driver.medium.n_frames, driver.neutral_frame is not None) == ("A", 8, True)
    assert [(rule.group, rule.driver) for rule in studio.project.edits[0].mix] == [("all", "A")]
    assert told[0][1:] == (0, 8)
    assert told[-1][1:] == (0, 0)
    assert studio.project.n_frames == 8
    assert studio.session.labels == ("Add clip.mp4",)
    studio.session.undo()
    assert not studio.project.drivers
    studio.session.redo()
    assert studio.project.drivers[0] == driver


def test_what_was_edited_while_a_clip_was_read_stays_a_step_of_its_own(
    qtbot: QtBot, studio: Studio, photo_open: DriverController, clip_path: Path
) -> None:
    photo_open.tracking.connect(lambda *_progress: studio.faces.set_row("AU1", 0.7, 1))
    photo_open.add_driver(clip_path)
    qtbot.waitUntil(
        lambda: bool(studio.project.drivers) and studio.project.drivers[0].motion is not None,
        timeout=PATIENCE_MS,
    )
    assert studio.session.labels == ("Add clip.mp4", "AU1 Inner brow raiser 0.70", "Track clip.mp4")


def test_a_table_drives_a_face_and_says_what_it_assumed(
    qtbot: QtBot, studio: Studio, photo_open: DriverController, tmp_path: Path
) -> None:
    path = tmp_path / "face.csv"
    formats.save(path, a_ramp("yaw", [0.0, 5, 10, 15], rate=50))
    with qtbot.waitSignal(studio.notice_raised, timeout=PATIENCE_MS) as notice:
        photo_open.add_driver(path)
    assert "face.csv" in notice.args[0].title
    assert isinstance(studio.project.drivers[0].medium, DataFile)
    assert studio.project.rate == 50
    state = resolve(studio.project, frame=3)
    assert state is not None
    assert state["yaw"] - SMILING["yaw"] == pytest.approx(
        10, abs=0.1
    )  # its neutral frame is the middle one


def test_a_photo_gives_its_expression_as_a_source(
    qtbot: QtBot,
    studio: Studio,
    photo_open: DriverController,
    tracker: StandInTracker,
    feat_data: Path,
) -> None:
    tracker.faces = (observation_in(ASTRONAUT_BOX, ControlVector.of({"jawOpen": 0.7, "yaw": 20})),)
    photo_open.add_driver(feat_data / "single_face.jpg")
    qtbot.waitUntil(lambda: bool(studio.project.drivers), timeout=PATIENCE_MS)
    assert isinstance(studio.project.drivers[0].medium, Source)
    state = resolve(studio.project)
    assert state is not None
    assert (state["jawOpen"], state["yaw"]) == (pytest.approx(0.7), SMILING["yaw"])


def test_the_expression_of_a_photo_is_picked_up(
    qtbot: QtBot,
    studio: Studio,
    photo_open: DriverController,
    tracker: StandInTracker,
    feat_data: Path,
) -> None:
    tracker.faces = (
        observation_in(
            ASTRONAUT_BOX,
            ControlVector.of(
                {"browDown_L": 0.52, "browDown_R": 0.48, "eyeBlink_L": 0.9, "yaw": 20}
            ),
        ),
    )
    photo_open.pick_expression(feat_data / "single_face.jpg")
    qtbot.waitUntil(lambda: bool(studio.project.edits[0].deltas), timeout=PATIENCE_MS)
    now = shown(studio.project)
    assert (now["AU4L"], now["AU12L"]) == (pytest.approx(0.5, abs=0.02), pytest.approx(0, abs=0.02))
    assert now["AU43L"] - now["AU43R"] > 0.8
    assert (
        43 in studio.project.edits[0].unlinked
    )  # a wink has two sides, a slightly uneven frown has one
    assert 4 not in studio.project.edits[0].unlinked
    assert now["AU4L"] == now["AU4R"]
    assert now["yaw"] == SMILING["yaw"]
    assert studio.session.undo_label == "Expression of single_face.jpg"


def test_the_expression_of_a_drivers_frame_is_picked_up(
    qtbot: QtBot, studio: Studio, photo_open: DriverController, tmp_path: Path
) -> None:
    path = tmp_path / "face.json"
    formats.save(path, a_ramp("eyeBlink_L", [0.0, 1.0]))
    photo_open.add_driver(path)
    qtbot.waitUntil(lambda: bool(studio.project.drivers), timeout=PATIENCE_MS)
    photo_open.remove_rule("all")
    photo_open.pick_from_frame("A", 1)
    assert shown(studio.project)["AU43L"] == pytest.approx(1, abs=0.02)


def test_an_opened_clip_is_tracked_and_its_own_face_can_be_edited(
    qtbot: QtBot, studio: Studio, controller: DriverController, clip_path: Path
) -> None:
    studio.photos.open(clip_path)
    qtbot.waitUntil(lambda: bool(studio.project.faces), timeout=PATIENCE_MS)
    assert studio.project.clip is not None
    assert studio.photo is not None
    assert (studio.photo.width, studio.project.n_frames) == (320, 8)
    studio.playhead.go_to(5)
    studio.faces.set_values({"yaw": 20.0}, "Turn")
    with qtbot.waitSignal(
        studio.bridge.frame_ready,
        timeout=PATIENCE_MS,
        check_params_cb=lambda f: f.request.frame == 5 and f.request.changes,
    ) as got:
        studio.render()
    frame = got.args[0]
    assert not np.array_equal(frame.before.pixels, studio.photo.pixels)
    wait_idle(qtbot, studio)


def test_a_clip_without_a_face_says_so(
    qtbot: QtBot,
    studio: Studio,
    controller: DriverController,
    tracker: StandInTracker,
    tmp_path: Path,
    astronaut: NDArray[np.uint8],
) -> None:
    tracker.faces = ()
    path = write_video(tmp_path / "empty.mp4", drifting(astronaut, 5))
    told: list[str] = []
    studio.notice_raised.connect(lambda notice: told.append(notice.title))
    studio.photos.open(path)
    qtbot.waitUntil(lambda: "No face found in empty.mp4" in told, timeout=PATIENCE_MS)
    assert studio.project.n_frames == 5


def test_edits_of_drivers_and_rules_are_steps_of_the_history(
    qtbot: QtBot, studio: Studio, photo_open: DriverController, tmp_path: Path
) -> None:
    path = tmp_path / "face.json"
    formats.save(path, a_ramp("yaw", [3.0, 5, 10]))
    photo_open.add_driver(path)
    qtbot.waitUntil(lambda: bool(studio.project.drivers), timeout=PATIENCE_MS)
    photo_open.rename("A", " take 1 ")
    photo_open.set_driver("take 1", smoothing=0.3, beyond="loop")
    photo_open.set_neutral("take 1", 2)
    photo_open.set_rule(MixRule(group="yaw", driver="take 1", gain=0.5))
    photo_open.key_rule("yaw", "gain")
    photo_open.drive_with("take 1")
    photo_open.remove("take 1")
    assert studio.session.labels[1:] == (
        "Rename A",
        "Change driver take 1",
        "Neutral frame 2 of take 1",
        "Mix Yaw",
        "Key gain of Yaw",
        "Drive with take 1",
        "Remove take 1",
    )
    while studio.session.undo_label:
        studio.session.undo()
    assert studio.project.drivers == ()


def test_another_neutral_frame_is_fitted_while_the_window_stays_usable(
    qtbot: QtBot, studio: Studio, photo_open: DriverController, tmp_path: Path
) -> None:
    path = tmp_path / "smile.npz"
    formats.save(path, fitted(a_clip(np.stack([channels(mouthSmile=a) for a in (0, 0.3, 0.6)])), 0))
    photo_open.add_driver(path)
    qtbot.waitUntil(lambda: bool(studio.project.drivers), timeout=PATIENCE_MS)
    photo_open.set_neutral("A", 2)
    qtbot.waitUntil(lambda: studio.project.drivers[0].neutral_frame == 2, timeout=PATIENCE_MS)
    taken = prepared(studio.project.drivers[0])
    assert taken is not None
    assert taken.rest == 2
    photo_open.set_neutral("A", 1)
    photo_open.remove("A")
    wait_idle(qtbot, studio)
    assert studio.session.labels[-1] == "Remove A"


def test_what_the_document_refuses_is_told_and_changes_nothing(
    studio: Studio, photo_open: DriverController
) -> None:
    told: list[str] = []
    studio.notice_raised.connect(lambda notice: told.append(notice.title))
    photo_open.set_rule(MixRule(group="yaw", driver="nobody"))
    assert told
    assert "no driver 'nobody'" in told[0]
    assert studio.project.edits[0].mix == ()


def test_a_motion_is_written_as_a_table(
    qtbot: QtBot, studio: Studio, controller: DriverController, tmp_path: Path
) -> None:
    with qtbot.waitSignal(studio.notice_raised, timeout=PATIENCE_MS) as notice:
        controller.export_tracking(a_ramp("yaw", [1.0, 2]), tmp_path / "out.csv")
    assert notice.args[0].title == "Saved out.csv"
    assert len(formats.load(tmp_path / "out.csv").motion) == 2


def test_a_table_of_several_faces_lets_one_be_chosen(
    qtbot: QtBot, studio: Studio, photo_open: DriverController, tmp_path: Path
) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    formats.save(one, a_ramp("yaw", [1.0, 2, 3]))
    formats.save(other, a_ramp("yaw", [9.0, 8, 7]))
    lines = one.read_text().splitlines()
    more = [
        ",".join([row.split(",")[0], "1", *row.split(",")[2:]])
        for row in other.read_text().splitlines()[1:]
    ]
    both = tmp_path / "both.csv"
    both.write_text("\n".join([*lines, *more]) + "\n")
    with qtbot.waitSignal(photo_open.people_found, timeout=PATIENCE_MS) as found:
        photo_open.add_driver(both)
    assert len(found.args[1]) == 2
    photo_open.choose_person("A", 1)
    motion = studio.project.driver("A").motion
    assert isinstance(motion, Motion)
    assert motion == photo_open.people("A")[1]
    assert photo_open.people("B") == ()


def test_a_filmstrip_is_made_of_every_clip(
    qtbot: QtBot, studio: Studio, photo_open: DriverController, clip_path: Path
) -> None:
    with qtbot.waitSignal(photo_open.thumbnails.film_ready, timeout=PATIENCE_MS) as film:
        photo_open.add_driver(clip_path)
    assert sorted(film.args[1]) == list(range(8))
    wait_idle(qtbot, studio)


def test_tracking_can_be_stopped_and_begun_again(
    qtbot: QtBot, studio: Studio, photo_open: DriverController, clip_path: Path
) -> None:
    photo_open.add_driver(clip_path)
    qtbot.waitUntil(lambda: bool(studio.project.drivers), timeout=PATIENCE_MS)
    photo_open.stop_tracking(studio.project.drivers[0].medium.digest)
    wait_idle(qtbot, studio)
    photo_open.track_again("A")
    qtbot.waitUntil(lambda: studio.project.drivers[0].motion is not None, timeout=PATIENCE_MS)
