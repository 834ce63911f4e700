from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.timeline.time_fields import TypedField
from icface.document import edits
from icface.face.controls import ControlVector
from tests.app.timeline.timeline_stand import LENGTH, Stand, click, moving_project
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


def write(field: TypedField, text: str) -> None:
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


@pytest.mark.parametrize(
    ("text", "frame"),
    [("0:2:00", 50), ("42", 42), ("+5", 15), ("-4", 6), ("1.2s", 30), ("5000", 99)],
)
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
    assert bar.speed.text() == "\u22122 \u00d7, 12.0 of 25 fps"
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
    choose(menu_at(10), "Blend the edits in and out over the range")
    face_edits = stand.project.face_edits
    assert face_edits is not None
    assert face_edits.blend is not None
    assert (face_edits.blend.first, face_edits.blend.last) == (0, 70)
    choose(menu_at(10), "Remove the blend")
    choose(menu_at(30), "Remove the marker")
    assert stand.project.markers == ()


@pytest.fixture
def still(qtbot: QtBot, qapp: QApplication) -> Stand:
    """The timeline of a still photo, without keys."""
    theme.apply_theme(qapp, "dark")
    made = Stand(a_project(ControlVector()))
    qtbot.addWidget(made.panel)
    made.panel.resize(1100, 380)
    made.panel.show()
    qtbot.waitExposed(made.panel)
    return made


def test_a_photos_timeline_shows_the_time_that_it_is_given(still: Stand) -> None:
    assert still.panel.view.length == 125
    assert still.panel.transport.length.placeholderText() == "00:00:05:00"
    still.session.edit(lambda project: edits.set_key(project, "yaw", 300, 5.0), "Key")
    assert (still.project.length, still.panel.view.length) == (125, 301)
    assert still.panel.transport.length.text() == "00:00:12:01"


def test_a_press_on_the_ruler_gives_a_photo_time_and_goes_there(still: Stand) -> None:
    ruler = still.panel.ruler
    click(ruler, QPointF(ruler.x_of(70), 10))
    assert (still.playhead.frame, still.project.length) == (70, 125)
    assert still.session.labels == ("Give the photo 5 s",)
    still.session.undo()
    assert (still.playhead.frame, still.project.length, still.session.is_modified) == (
        0,
        None,
        False,
    )


def test_length_and_rate_of_a_photo_are_typed(still: Stand) -> None:
    bar = still.panel.transport
    write(bar.length, "8s")
    assert (still.project.length, bar.length.text(), still.panel.view.length) == (
        200,
        "00:00:08:00",
        200,
    )
    write(bar.rate, "30")
    assert (still.project.rate, still.project.length, bar.length.text()) == (30, 240, "00:00:08:00")
    write(bar.rate, "29.97")
    assert (still.project.rate, bar.rate.text()) == (Fraction(30000, 1001), "29.97")
    write(bar.length, "+1:00")
    assert still.project.length == 270
    for _ in range(4):
        still.session.undo()
    assert (still.project.length, still.project.rate) == (None, 25)


def test_a_length_without_all_keys_is_refused_and_an_empty_one_resets(
    still: Stand,
) -> None:
    bar = still.panel.transport
    write(bar.length, "3s")
    still.session.edit(lambda project: edits.set_key(project, "yaw", 60, 5.0), "Key")
    write(bar.length, "2s")
    assert still.project.length == 75
    assert "50 frames are too few" in still.refused[0]
    assert bar.length.text() == "00:00:03:00"
    bar.length.setFocus()
    QTest.keyClick(bar.length, Qt.Key.Key_Delete)
    QTest.keyClick(bar.length, Qt.Key.Key_Return)
    assert (still.project.length, still.project.n_frames) == (None, 61)


@pytest.mark.parametrize("text", ["0", "-5", "1001", "abc", "30000/0", "1e3", "0.5"])
def test_a_rate_that_means_nothing_is_marked_and_not_taken(still: Stand, text: str) -> None:
    field = still.panel.transport.rate
    write(field, text)
    assert field.property("invalid")
    assert "not a frame rate" in field.accessibleDescription()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert (field.text(), still.project.rate) == ("25", 25)


def test_a_clip_keeps_its_length_and_rate(stand: Stand) -> None:
    bar = stand.panel.transport
    assert not bar.length.isVisible()
    assert not bar.rate.isVisible()
    assert bar.speed.text() == "25 fps"


@pytest.mark.parametrize("width", [1400, 1200, 1060, 970])
def test_the_bar_leaves_out_words_before_anything_overlaps(still: Stand, width: int) -> None:
    bar = still.panel.transport
    still.panel.resize(width, 380)
    assert still.panel.width() == width
    still.panel.grab()  # lays out the panel
    parts = sorted(
        (part for part in bar.findChildren(QWidget) if part.isVisible()), key=lambda part: part.x()
    )
    for left, right in pairwise(parts):
        assert left.geometry().right() < right.x(), (left, right)
    assert parts[-1].geometry().right() < bar.width()
    for part in parts:
        assert part.width() >= part.minimumSizeHint().width() or part is bar.speed, part


def test_a_time_is_read_whole_at_a_thousand_frames_a_second(stand: Stand) -> None:
    field = stand.panel.transport.time
    field.show_frame(0, Fraction(1000), 0)
    assert field.text() == "00:00:00:000"
    assert field.fontMetrics().horizontalAdvance(field.text()) < field.width() - 16
