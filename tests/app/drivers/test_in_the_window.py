"""Drivers in the window, with the real engine: cards, preview and drops."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.files.file_dialogs import ask_to_export_tracking
from app.window.main_window import MainWindow
from icface import formats
from icface.document import Project
from icface.document.mixing import shown
from icface.face.geometry import Box
from tests.app.conftest import SMILING, open_in
from tests.app.window.test_main_window import drop, settle
from tests.faces import StandInTracker, observation_in
from tests.icface.media.videos import drifting, write_video
from tests.strategies import a_ramp

PATIENCE_MS = 20_000


def test_the_panel_is_hidden_until_a_photo_is_open(
    qtbot: QtBot, window: MainWindow, astronaut_path: Path
) -> None:
    assert not window.drivers.panel.isVisible()
    with qtbot.waitSignal(window.studio.photos.photo_changed, timeout=PATIENCE_MS):
        window.documents.open(astronaut_path)
    assert window.drivers.panel.isVisible()
    window.actions_by_id["sources"].setChecked(False)
    assert not window.drivers.panel.isVisible()
    assert not window.settings.is_on("sources")
    settle(qtbot, window)


def test_a_card_shows_what_a_clip_is_and_how_far_it_is_tracked(driven: MainWindow) -> None:
    (card,) = driven.drivers.panel.media.cards
    assert card.name.text() == "A"
    assert card.kind.text() == "Clip, 0.3 s, 25 frames/s"
    assert card.state.text() == "Tracked, face in 100 %"
    assert len(card.look.film) == 8
    assert card.drive.text() == "Drives the face"


def test_a_clip_that_falls_on_an_open_face_drives_it(
    qtbot: QtBot, opened: MainWindow, clip_path: Path
) -> None:
    digest = opened.studio.project.source.digest
    assert drop(opened, clip_path)
    qtbot.waitUntil(lambda: bool(opened.studio.project.drivers), timeout=PATIENCE_MS)
    assert opened.studio.project.source.digest == digest
    assert opened.notices.remedy.text() == "Open it instead"
    qtbot.waitUntil(
        lambda: opened.studio.project.drivers[0].motion is not None, timeout=PATIENCE_MS
    )
    settle(qtbot, opened)


def test_a_table_that_falls_on_an_open_face_drives_it_too(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path
) -> None:
    table = tmp_path / "turns.csv"
    formats.save(table, a_ramp("yaw", [0.0, 5.0, 10.0]))
    assert drop(opened, table)
    qtbot.waitUntil(lambda: bool(opened.studio.project.drivers), timeout=PATIENCE_MS)
    (card,) = opened.drivers.panel.media.cards
    assert card.kind.text().startswith("OpenFace CSV")
    assert not opened.drivers.inset.isVisible()
    settle(qtbot, opened)


def test_a_table_does_not_open_in_an_empty_window(window: MainWindow, tmp_path: Path) -> None:
    table = tmp_path / "turns.csv"
    formats.save(table, a_ramp("yaw", [0.0, 5.0]))
    assert not drop(window, table)


def test_a_dropped_file_that_cannot_be_read_is_not_said_to_be_added(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("hello,world\n1,2\n")
    told: list[str] = []
    opened.studio.notice_raised.connect(lambda notice: told.append(notice.title))
    assert drop(opened, broken)
    settle(qtbot, opened)
    qtbot.waitUntil(lambda: bool(told))
    assert told == ["broken.csv could not be read"]


def test_tracking_is_written_in_the_format_that_was_chosen(
    qtbot: QtBot, driven: MainWindow, tmp_path: Path
) -> None:
    motion = driven.studio.project.drivers[0].motion
    chosen: list[tuple[Path, str]] = []
    dialog = ask_to_export_tracking(
        driven, driven.settings, "clip", lambda path, kind: chosen.append((path, kind))
    )
    names = dialog.nameFilters()
    dialog.selectNameFilter(next(name for name in names if "JSON" in name))
    dialog.fileSelected.emit(str(tmp_path / "out.json"))
    dialog.close()
    assert chosen == [(tmp_path / "out.json", "json")]
    with qtbot.waitSignal(driven.studio.notice_raised, timeout=PATIENCE_MS):
        driven.drivers.controller.export_tracking(motion, *chosen[0])
    (read,) = formats.load(tmp_path / "out.json").faces
    np.testing.assert_allclose(read.controls, motion.controls, atol=1e-4)
    assert driven.actions_by_id["export_tracking"].isEnabled()


def untracked(project: Project) -> Project:
    return replace(project, drivers=(replace(project.drivers[0], motion=None, neutral_frame=None),))


def test_tracking_can_be_stopped_and_begun_again_on_the_card(
    qtbot: QtBot, opened: MainWindow, clip_path: Path
) -> None:
    controller = opened.drivers.controller
    controller.add_driver(clip_path)
    qtbot.waitUntil(lambda: bool(opened.studio.project.drivers), timeout=PATIENCE_MS)
    digest = opened.studio.project.drivers[0].medium.digest
    (card,) = opened.drivers.panel.media.cards
    assert card.stop.isVisible() is (card.look.progress is not None)
    controller.stop_tracking(digest)
    if opened.studio.project.drivers[0].motion is not None:  # tracking ended first
        opened.studio.edit(untracked, "")
    assert card.state.text() == "Not tracked"
    opened.drivers.panel.media.show_tracking(digest, 120, 500)
    assert card.state.text() == "Tracking 24 %"
    assert card.bar.value() == 120
    opened.drivers.panel.media.show_tracking(digest, 0, 0)
    qtbot.mouseClick(card.track, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: opened.studio.project.drivers[0].motion is not None, timeout=PATIENCE_MS
    )
    assert not card.track.isVisible()
    settle(qtbot, opened)


@pytest.fixture
def crowd_path(tmp_path: Path, astronaut: NDArray[np.uint8], tracker: StandInTracker) -> Path:
    """A clip with two people, long enough that neither counts as a passer-by."""
    path = write_video(tmp_path / "crowd.mp4", drifting(astronaut, 30, step=1))
    tracker.faces = (
        observation_in(Box(110, 20, 210, 150), SMILING, 0.95),
        observation_in(Box(220, 200, 300, 300), SMILING, 0.9),
    )
    return path


def test_of_several_people_one_is_chosen_by_their_portraits(
    qtbot: QtBot, opened: MainWindow, crowd_path: Path
) -> None:
    with qtbot.waitSignal(opened.studio.bridge.portraits_ready, timeout=PATIENCE_MS) as told:
        opened.drivers.controller.add_driver(crowd_path)
    assert [max(picture.shape[:2]) <= 128 for picture in told.args[1]] == [True, True]
    (card,) = opened.drivers.panel.media.cards
    card.fold.setChecked(True)
    assert card.details.person.isVisible()
    assert [text for _, text in card.details.person.choices] == ["Person 1 of 2", "Person 2 of 2"]
    first = opened.studio.project.drivers[0].motion
    with_portrait = card.details.person.grab().toImage()
    card.details.person.set_icons({})
    assert (
        with_portrait != card.details.person.grab().toImage()
    )  # the button shows the portrait too
    opened.drivers.controller.rename("A", "crowd")
    card.details.person.chosen.emit("1")
    assert opened.studio.project.drivers[0].motion != first
    assert card.details.person.key == "1"
    settle(qtbot, opened)


def test_other_people_of_a_clip_are_found_again_in_an_opened_document(
    qtbot: QtBot, opened: MainWindow, crowd_path: Path
) -> None:
    controller, panel = opened.drivers.controller, opened.drivers.panel
    with qtbot.waitSignal(opened.studio.bridge.portraits_ready, timeout=PATIENCE_MS):
        controller.add_driver(crowd_path)
    settle(qtbot, opened)
    controller._people.clear()  # as after a restart
    panel.media._people.clear()
    opened.studio.faces.set_row("AU26", 0.3, 1)
    controller.set_driver("A", smoothing=0.2)
    (card,) = panel.media.cards
    assert card.others.isVisible()
    steps = len(opened.studio.session.labels)
    with qtbot.waitSignal(controller.people_found, timeout=PATIENCE_MS):
        card.others.trigger()
    assert card.look.people == 2
    assert not card.others.isVisible()
    assert len(opened.studio.session.labels) == steps
    settle(qtbot, opened)


def test_portraits_of_people_come_from_their_clearest_frames(
    qtbot: QtBot, window: MainWindow, crowd_path: Path
) -> None:
    with qtbot.waitSignal(window.studio.bridge.portraits_ready, timeout=PATIENCE_MS):
        window.documents.open(crowd_path)
    picker = window.drivers.panel.picker
    assert picker.isVisible()
    assert [button.text() for button in picker.buttons] == ["Face 1", "Face 2"]
    settle(qtbot, window)


def test_playing_says_how_many_frames_are_shown_of_those_there_are(driven: MainWindow) -> None:
    status = driven.status
    status.show_pace(23.84, 25.0)
    assert status.speed.text() == "23.8 of 25 frames/s"
    status.show_pace(26.1, 25.0)
    assert status.speed.text() == "25.0 of 25 frames/s"
    status.show_pace(0.0, 25.0)
    assert "left out" not in status.speed.toolTip()


def test_what_drives_the_face_is_shown_small_beside_it(qtbot: QtBot, driven: MainWindow) -> None:
    assert driven.drivers.inset.isVisible()
    assert driven.drivers.inset.accessibleDescription() == "A"
    corner = driven.drivers.inset.geometry().center()
    assert corner.x() > driven.canvas.width() / 2
    QTest.mousePress(driven.drivers.inset, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    QTest.mouseMove(driven.drivers.inset, QPoint(10 - driven.canvas.width() // 2, 10))
    QTest.mouseRelease(driven.drivers.inset, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert driven.drivers.inset.corner == "bottom-left"
    assert driven.settings.word("inset") == "bottom-left"
    driven.actions_by_id["beside"].setChecked(False)
    assert not driven.drivers.inset.isVisible()


def test_a_driver_is_renamed_in_place_and_keeps_its_card(qtbot: QtBot, driven: MainWindow) -> None:
    (card,) = driven.drivers.panel.media.cards
    card.name.setFocus()
    card.name.selectAll()
    qtbot.keyClicks(card.name, "brows take 2")
    qtbot.keyClick(card.name, Qt.Key.Key_Return)
    assert [d.name for d in driven.studio.project.drivers] == ["brows take 2"]
    assert driven.drivers.panel.media.cards == [card]
    assert driven.studio.project.face_edits.rule("all").driver == "brows take 2"
    card.name.setFocus()
    card.name.selectAll()
    qtbot.keyClicks(card.name, "a=b")
    qtbot.keyClick(card.name, Qt.Key.Key_Return)
    assert driven.notices.isVisible()
    assert card.name.text() == "brows take 2"
    settle(qtbot, driven)


def test_smoothing_is_seen_while_it_is_set(qtbot: QtBot, driven: MainWindow) -> None:
    (card,) = driven.drivers.panel.media.cards
    card.fold.setChecked(True)
    assert card.details.isVisible()
    steps = len(driven.studio.session.labels)
    card.details.smoothing.setSliderDown(True)
    for value in (40, 20, 0):
        card.details.smoothing.setValue(value)
    card.details.smoothing.setSliderDown(False)
    assert driven.studio.project.drivers[0].smoothing == 0
    assert len(driven.studio.session.labels) == steps + 1
    times, read, taken = card.details.curve.curves()
    assert len(times) == 8
    np.testing.assert_array_equal(read, taken)
    settle(qtbot, driven)


def test_the_neutral_frame_is_proposed_and_can_be_set_at_the_playhead(
    qtbot: QtBot, driven: MainWindow
) -> None:
    (card,) = driven.drivers.panel.media.cards
    card.fold.setChecked(True)
    proposed = driven.studio.project.drivers[0].neutral_frame
    assert card.details.neutral.accessibleDescription() == f"Frame {proposed}, proposed"
    assert ("proposed", f"The calmest frame ({proposed}), proposed") in card.details.neutral.choices
    assert "choose the frame at the playhead" in card.details.neutral.toolTip()
    driven.studio.playhead.go_to(3)
    card.details.neutral.chosen.emit("playhead")
    assert driven.studio.project.drivers[0].neutral_frame == 3
    assert card.details.neutral.accessibleDescription() == "Frame 3"
    card.details.neutral.chosen.emit("none")
    assert driven.studio.project.drivers[0].neutral_frame is None
    card.details.neutral.chosen.emit("proposed")
    assert driven.studio.project.drivers[0].neutral_frame == proposed
    settle(qtbot, driven)


def test_the_expression_of_a_frame_is_picked_up(qtbot: QtBot, driven: MainWindow) -> None:
    driven.studio.faces.set_row("AU12", 0.2, 1)
    (card,) = driven.drivers.panel.media.cards
    qtbot.mouseClick(card.pick, Qt.MouseButton.LeftButton)
    smile = shown(driven.studio.project)["AU12L"]
    # as the stand-in tracker reads it everywhere: 0.6 of the channel, the most that AU12 does
    assert smile == pytest.approx(1.0, abs=0.05)
    settle(qtbot, driven)


def test_a_removed_driver_takes_its_card_and_its_rules_with_it(
    qtbot: QtBot, driven: MainWindow
) -> None:
    (card,) = driven.drivers.panel.media.cards
    card.more.menu().actions()[-1].trigger()
    assert driven.drivers.panel.media.cards == []
    assert driven.studio.project.drivers == ()
    assert driven.drivers.panel.media.hint.isVisible()
    driven.studio.session.undo()
    assert [c.name.text() for c in driven.drivers.panel.media.cards] == ["A"]
    settle(qtbot, driven)


def test_a_document_that_is_emptied_gives_back_every_picture_it_had(
    qtbot: QtBot, driven: MainWindow, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    """Number of cached photos, pictures on screen, encodings, frames of clips and films."""
    studio, caches, alive = driven.studio, driven.studio.bridge._renderer, list[weakref.ref[Any]]()
    studio.bridge.frame_ready.connect(
        lambda frame: alive.extend(map(weakref.ref, (frame.pixels, frame.before.pixels)))
    )
    for number in range(2):
        Image.fromarray(np.roll(astronaut, number + 1, 0)).save(tmp_path / f"{number}.png")
        open_in(qtbot, driven, tmp_path / f"{number}.png")
        studio.faces.set_row("AU12", 0.8, number)
        qtbot.waitUntil(lambda: not studio.bridge.is_busy, timeout=20_000)
        assert studio.photo is not None
        alive.append(weakref.ref(studio.photo.pixels))
    assert len(alive) > 4
    assert any(reference() is not None for reference in alive)
    assert len(caches._encodings) > 0
    studio.session.mark_saved()
    driven.documents.new()
    qtbot.waitUntil(lambda: not studio.bridge.is_busy, timeout=20_000)
    gc.collect()
    assert [reference() for reference in alive if reference() is not None] == []
    assert [
        len(cache)
        for cache in (caches._encodings, caches._copies, caches._drafts, caches._clips._frames)
    ] == [0] * 4
    assert not caches._clips._readers
    media, panel = driven.drivers.media, driven.drivers.panel.media
    assert [
        len(known)
        for known in (
            studio.photos._cache,
            media._films,
            media._peaks,
            panel._films,
            panel._portraits,
        )
    ] == [0] * 5


def test_a_clip_added_again_to_an_emptied_document_gets_thumbnails(
    qtbot: QtBot, driven: MainWindow, clip_path: Path, astronaut_path: Path
) -> None:
    driven.studio.session.mark_saved()
    driven.documents.new()
    open_in(qtbot, driven, astronaut_path)
    with qtbot.waitSignal(driven.drivers.controller.thumbnails.film_ready, timeout=20_000):
        driven.drivers.controller.add_driver(clip_path)
    qtbot.waitUntil(lambda: not driven.studio.bridge.is_busy, timeout=20_000)
