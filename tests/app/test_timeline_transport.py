from __future__ import annotations

from fractions import Fraction

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QToolButton
from pytestqt.qtbot import QtBot

from app import theme
from app.timeline.transport import TimeField
from icface import edits
from icface.controls import ControlVector
from tests.app.timeline_stand import LENGTH, Stand, moving_project
from tests.strategies import a_project

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def stand(qtbot: QtBot, qapp: QApplication) -> Stand:
    theme.apply_theme(qapp, "dark")
    made = Stand(moving_project())
    qtbot.addWidget(made.panel)
    made.panel.resize(1100, 380)
    made.panel.show()
    qtbot.waitExposed(made.panel)
    return made


def write(field: TimeField, text: str) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def press(button: QToolButton) -> None:
    QTest.mouseClick(button, LEFT)


def test_buttons_play_step_and_go_to_the_ends(stand: Stand) -> None:
    bar = stand.panel.transport
    press(bar.on)
    press(bar.on)
    press(bar.back)
    assert stand.playhead.frame == 1
    press(bar.last)
    assert stand.playhead.frame == LENGTH - 1
    press(bar.first)
    assert stand.playhead.frame == 0
    press(bar.play)
    assert stand.playhead.is_playing
    assert bar.play.accessibleName() == "Pause"
    press(bar.play)
    assert not stand.playhead.is_playing


@pytest.mark.parametrize(("text", "frame"), [("0:2:00", 50), ("42", 42), ("+5", 15), ("-4", 6), ("1.2s", 30), ("5000", 99)])
def test_a_typed_time_moves_the_playhead(stand: Stand, text: str, frame: int) -> None:
    stand.playhead.go_to(10)
    write(stand.panel.transport.time, text)
    assert stand.playhead.frame == frame
    assert stand.panel.transport.time.text() == f"00:00:0{frame // 25}:{frame % 25:02}"
    assert stand.lanes.hasFocus()


def test_a_text_that_is_no_time_is_marked_and_escape_leaves_it(stand: Stand) -> None:
    field = stand.panel.transport.time
    write(field, "soon")
    assert field.property("invalid") is True
    assert stand.playhead.frame == 0
    assert "Type a frame" in field.accessibleDescription()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "00:00:00:00"
    assert field.property("invalid") is False


def test_a_field_that_is_typed_in_is_not_overwritten_by_the_playhead(stand: Stand) -> None:
    field = stand.panel.transport.time
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "7")
    stand.playhead.go_to(30)
    assert field.text() == "7"


def test_in_and_out_are_typed_and_emptied(stand: Stand) -> None:
    bar = stand.panel.transport
    write(bar.in_field, "20")
    write(bar.out_field, "0:3:00")
    assert stand.project.range == (20, 75)
    write(bar.in_field, "90")
    assert stand.project.range == (90, LENGTH - 1)
    bar.in_field.setFocus()
    bar.in_field.selectAll()
    QTest.keyClick(bar.in_field, Qt.Key.Key_Delete)
    QTest.keyClick(bar.in_field, Qt.Key.Key_Return)
    assert stand.project.range == (0, LENGTH - 1)
    assert bar.in_field.placeholderText() == "00:00:00:00"


def test_the_switches_say_what_they_switch(stand: Stand) -> None:
    bar = stand.panel.transport
    press(bar.loop)
    assert not stand.playhead.loops
    press(bar.snap)
    assert not stand.panel.view.snaps
    told: list[bool] = []
    stand.panel.auto_key_changed.connect(told.append)
    press(bar.auto_key)
    assert told == [True]
    assert stand.panel.auto_key


def test_the_rate_that_is_reached_is_shown_while_time_runs(stand: Stand) -> None:
    bar = stand.panel.transport
    assert bar.speed.text() == "25 fps"
    stand.playhead.play()
    stand.panel.show_rate(23.84)
    assert bar.speed.text() == "23.8 of 25 fps"
    stand.playhead.play(-2)
    stand.panel.show_rate(12.0)
    assert bar.speed.text() == "-2 \u00d7, 12.0 of 25 fps"
    stand.playhead.pause()
    assert bar.speed.text() == "25 fps"


def test_the_view_turns_the_page_with_the_playhead(stand: Stand) -> None:
    view = stand.panel.view
    view.zoom(10, 0.0)
    stand.playhead.go_to(90)
    assert 0 <= view.scale.x(90) <= view.width


def test_the_scroll_bar_and_the_zoom_show_the_same_time(stand: Stand) -> None:
    view = stand.panel.view
    view.zoom(10, 0.0)
    bar = stand.panel._across
    bar.setValue(bar.maximum())
    assert view.scale.exact(view.width) >= LENGTH - 1
    bar.setValue(0)
    assert view.scale.start <= 0


def test_a_document_that_grows_stays_in_view(stand: Stand) -> None:
    view = stand.panel.view
    assert view.scale.exact(view.width) >= LENGTH - 1
    stand.panel.resize(1500, 380)
    assert view.scale.exact(view.width) == pytest.approx(LENGTH - 1 + 24 / view.scale.px)


def test_markers_and_blend_are_offered_where_the_ruler_is_pressed(stand: Stand) -> None:
    ruler = stand.panel.ruler

    def menu_at(frame: int) -> QMenu:
        place = stand.panel.ruler.handles()["in"].toPoint()
        place.setX(round(ruler.x_of(frame)))
        reason = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(ruler, QContextMenuEvent(reason, place, ruler.mapToGlobal(place)))
        return ruler.findChildren(QMenu)[-1]

    def choose(menu: QMenu, text: str) -> None:
        next(one for one in menu.actions() if one.text() == text).trigger()
        menu.close()

    choose(menu_at(30), "Set a marker")
    assert [marker.frame for marker in stand.project.markers] == [30]
    menu = menu_at(30)
    field = menu.findChild(QLineEdit)
    assert field is not None
    QTest.keyClicks(field, "smile")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert stand.project.markers[0].text == "smile"
    choose(menu_at(70), "Set the out point")
    assert stand.project.last == 70
    choose(menu_at(10), "Blend the edits in and out over this range")
    face_edits = stand.project.face_edits
    assert face_edits is not None
    assert face_edits.blend is not None
    assert (face_edits.blend.first, face_edits.blend.last) == (0, 70)
    choose(menu_at(10), "Edits count in all frames")
    choose(menu_at(30), "Remove the marker")
    assert stand.project.markers == ()


def test_a_photos_timeline_has_room_for_its_first_keys(qtbot: QtBot) -> None:
    stand = Stand(a_project(ControlVector()))
    qtbot.addWidget(stand.panel)
    assert stand.panel.view.length == 250
    stand.session.edit(lambda project: edits.set_key(project, "yaw", 300, 5.0), "Key")
    assert stand.panel.view.length == 301


def test_a_time_is_read_whole_at_a_thousand_frames_a_second(stand: Stand) -> None:
    field = stand.panel.transport.time
    field.show_frame(0, Fraction(1000), 0)
    assert field.text() == "00:00:00:000"
    assert field.fontMetrics().horizontalAdvance(field.text()) < field.width() - 16
