"""The mix panel in the window, with the real engine: drivers, gains, offsets and keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.window.main_window import MainWindow
from icface.document import MixRule, edits
from tests.app.window.test_main_window import settle


def test_a_gain_is_dragged_in_one_step_and_makes_a_rule_of_its_group(
    qtbot: QtBot, driven: MainWindow
) -> None:
    steps = len(driven.studio.session.labels)
    gain = driven.drivers.panel.mix.rows["mouth"].gain
    assert gain.value == 1.0  # of the rule for everything
    QTest.mousePress(gain, Qt.MouseButton.LeftButton, pos=QPoint(30, 10))
    for x in (40, 60, 90):
        QTest.mouseMove(gain, QPoint(x, 10))
    QTest.mouseRelease(gain, Qt.MouseButton.LeftButton, pos=QPoint(90, 10))
    rule = driven.studio.project.face_edits.rule("mouth")
    assert rule is not None
    assert (rule.driver, rule.gain) == ("A", pytest.approx(1.3, abs=0.011))
    assert len(driven.studio.session.labels) == steps + 1
    settle(qtbot, driven)


def test_a_number_is_typed_and_emptied(qtbot: QtBot, driven: MainWindow) -> None:
    offset = driven.drivers.panel.mix.rows["pose"].offset
    qtbot.mouseClick(offset, Qt.MouseButton.LeftButton, pos=QPoint(30, 10))
    qtbot.keyClicks(offset.typing.field, "-7,5")
    qtbot.keyClick(offset.typing.field, Qt.Key.Key_Return)
    assert driven.studio.project.face_edits.rule("pose").offset == -7.5
    qtbot.mouseClick(offset, Qt.MouseButton.LeftButton, pos=QPoint(30, 10))
    qtbot.keyClick(offset.typing.field, Qt.Key.Key_Delete)
    qtbot.keyClick(offset.typing.field, Qt.Key.Key_Return)
    assert driven.studio.project.face_edits.rule("pose").offset == 0.0
    settle(qtbot, driven)


def test_delete_sets_a_number_back_when_the_keyboard_comes_to_it(
    qtbot: QtBot, driven: MainWindow
) -> None:
    offset = driven.drivers.panel.mix.rows["pose"].offset
    offset.setFocus()
    qtbot.keyClicks(offset, "4")
    qtbot.keyClick(offset.typing.field, Qt.Key.Key_Return)
    qtbot.keyClick(offset, Qt.Key.Key_Delete)  # goes to the timeline after a typed number
    assert driven.studio.project.face_edits.rule("pose").offset == 4.0
    driven.drivers.panel.mix.rows["gaze"].offset.setFocus()
    offset.setFocus()
    qtbot.keyClick(offset, Qt.Key.Key_Delete)
    assert driven.studio.project.face_edits.rule("pose").offset == 0.0
    settle(qtbot, driven)


def test_a_row_takes_another_driver_or_none_or_that_of_the_wider_group(
    qtbot: QtBot, driven: MainWindow
) -> None:
    row = driven.drivers.panel.mix.rows["gaze"]
    assert row.driver.key == "inherit"
    row.driver.chosen.emit("own")
    assert driven.studio.project.face_edits.rule("gaze") == MixRule(group="gaze", driver="")
    assert not row.gain.isEnabled()
    row.driver.chosen.emit("driver:A")
    assert driven.studio.project.face_edits.rule("gaze").driver == "A"
    row.driver.chosen.emit("inherit")
    assert driven.studio.project.face_edits.rule("gaze") is None
    settle(qtbot, driven)


def test_a_keyed_gain_shows_its_diamond_and_is_keyed_at_the_playhead(
    qtbot: QtBot, driven: MainWindow
) -> None:
    row = driven.drivers.panel.mix.rows["all"]
    qtbot.mouseClick(row.gain, Qt.MouseButton.LeftButton, pos=QPoint(4, 10))
    assert row.gain._key == "here"
    driven.studio.playhead.go_to(5)
    assert row.gain._key == "elsewhere"
    row.gain.value_edited.emit(0.5, 77)
    track = driven.studio.project.face_edits.track("mix:all:gain")
    assert [(key.frame, key.value) for key in track.keys] == [(0, 1.0), (5, 0.5)]
    assert row.gain.value == 0.5
    settle(qtbot, driven)


def test_an_action_unit_gets_a_row_of_its_own(qtbot: QtBot, driven: MainWindow) -> None:
    driven.drivers.panel.mix.add_unit("AU12L")
    row = driven.drivers.panel.mix.rows["AU12L"]
    assert row.details.isVisible()
    row.offset.value_edited.emit(0.4, 5)
    assert driven.studio.project.face_edits.rule("AU12L").offset == 0.4
    driven.studio.session.undo()
    assert driven.studio.project.face_edits.rule("AU12L") is None
    settle(qtbot, driven)


def test_a_number_keeps_its_fine_steps_while_arrows_step_through_time(driven: MainWindow) -> None:
    gain = driven.drivers.panel.mix.rows["all"].gain
    gain.setFocus()
    driven.studio.session.edit(lambda project: edits.set_marker(project, 1), "Marker")
    assert driven.actions_by_id["next_mark"].isEnabled()
    before = gain.value
    assert before is not None
    QTest.keyClick(gain, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    fine = gain.value
    assert fine is not None
    assert before < fine < before + 0.02
    QTest.keyClick(gain, Qt.Key.Key_Up)
    assert gain.value is not None
    assert gain.value > fine + 0.005
    QTest.keyClick(gain, Qt.Key.Key_Right)
    assert driven.studio.playhead.frame == 1
