"""Timeline commands in the whole window: menus, shortcuts and sliders."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.actions import ACTIONS, MENUS
from app.window.main_window import MainWindow
from icface.document import edits
from icface.document.curves import Track
from icface.document.mixing import shown

KEY, SHIFT, CTRL, ALT = (
    Qt.Key,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def keyed(opened: MainWindow) -> MainWindow:
    """The sample with keys on AU12 and yaw."""
    session = opened.studio.session
    for frame, value in ((0, 0.0), (20, 0.3), (60, 0.1)):
        for target in ("AU12L", "AU12R"):
            session.edit(lambda p, t=target, f=frame, v=value: edits.set_key(p, t, f, v), "Key")  # type: ignore[misc]
    for frame, value in ((10, 4.0), (40, 8.0)):
        session.edit(lambda p, f=frame, v=value: edits.set_key(p, "yaw", f, v), "Key")  # type: ignore[misc]
    opened.canvas.setFocus()
    return opened


def press(
    window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    QTest.keyClick(window.focusWidget() or window, key, modifier)


def frame(window: MainWindow) -> int:
    return window.studio.playhead.frame


def track(window: MainWindow, target: str) -> Track | None:
    face_edits = window.studio.project.face_edits
    return None if face_edits is None else face_edits.track(target)


def key_place(window: MainWindow, row: str) -> QPoint:
    return window.panel.rows[row]._places().key.center().toPoint()


def test_the_timeline_comes_with_the_first_key_and_goes_with_the_last(opened: MainWindow) -> None:
    assert not opened.timeline.isVisible()
    opened.panel.rows["AU12"].setFocus()
    press(opened, KEY.Key_K, CTRL)
    assert opened.timeline.isVisible()
    assert track(opened, "AU12R") is not None
    assert opened.timeline.view.selected == ("AU12",)
    opened.actions_by_id["undo"].trigger()
    assert not opened.timeline.isVisible()
    opened.actions_by_id["redo"].trigger()
    opened.actions_by_id["timeline"].trigger()
    assert not opened.timeline.isVisible()
    assert not opened.settings.shows_timeline


def test_space_plays_wherever_the_focus_is_except_in_a_text(keyed: MainWindow) -> None:
    playhead = keyed.studio.playhead
    places: tuple[QWidget, ...] = (
        keyed.canvas,
        keyed.timeline.lanes,
        keyed.panel.rows["AU12"],
        keyed.bar.buttons["open"],
    )
    for place in places:
        place.setFocus()
        press(keyed, KEY.Key_Space)
        assert playhead.is_playing, place
        press(keyed, KEY.Key_Space)
        assert not playhead.is_playing
    keyed.panel.search.setFocus()
    QTest.keyClicks(keyed.panel.search, "j l")
    assert keyed.panel.search.text() == "j l"
    assert not playhead.is_playing


def test_j_k_and_l_shuttle_and_step_while_k_is_held(keyed: MainWindow) -> None:
    playhead = keyed.studio.playhead
    playhead.go_to(30)
    press(keyed, KEY.Key_L)
    press(keyed, KEY.Key_L)
    assert playhead.speed == 2
    press(keyed, KEY.Key_J)
    assert playhead.speed == -1
    press(keyed, KEY.Key_K)
    assert not playhead.is_playing
    playhead.go_to(30)
    QTest.keyPress(keyed.canvas, KEY.Key_K)
    press(keyed, KEY.Key_L)
    press(keyed, KEY.Key_L)
    press(keyed, KEY.Key_J)
    assert (frame(keyed), playhead.speed) == (31, 0)
    QTest.keyRelease(keyed.canvas, KEY.Key_K)
    press(keyed, KEY.Key_J)
    assert playhead.speed == -1
    playhead.pause()


def test_arrows_step_leap_and_jump_between_keys(keyed: MainWindow) -> None:
    for key, modifier, there in (
        (KEY.Key_Right, Qt.KeyboardModifier.NoModifier, 1),
        (KEY.Key_Right, SHIFT, 11),
        (KEY.Key_Left, Qt.KeyboardModifier.NoModifier, 10),
        (KEY.Key_Down, Qt.KeyboardModifier.NoModifier, 20),
        (KEY.Key_Down, Qt.KeyboardModifier.NoModifier, 40),
        (KEY.Key_Up, Qt.KeyboardModifier.NoModifier, 20),
        (KEY.Key_End, Qt.KeyboardModifier.NoModifier, 124),
        (KEY.Key_Home, Qt.KeyboardModifier.NoModifier, 0),
    ):
        press(keyed, key, modifier)
        assert frame(keyed) == there, key
    keyed.timeline.view.select_lanes(("yaw",))
    press(keyed, KEY.Key_Down)
    press(keyed, KEY.Key_Down)
    assert frame(keyed) == 40


def test_a_slider_keeps_its_arrows_and_follows_the_playhead(keyed: MainWindow) -> None:
    row = keyed.panel.rows["yaw"]
    keyed.studio.playhead.go_to(39)
    assert row.shown == pytest.approx(shown(keyed.studio.project, 39)["yaw"])
    row.setFocus()
    before = row.shown
    press(keyed, KEY.Key_Right)
    assert frame(keyed) == 39
    assert row.shown == pytest.approx(before + 1)
    assert "its whole curve moves" in keyed.status.currentMessage()
    keyed.studio.playhead.go_to(10)
    assert row.shown == pytest.approx(shown(keyed.studio.project, 10)["yaw"])
    assert "key on this frame; whole curve moved" in row.accessibleDescription()


def test_with_auto_key_a_slider_sets_a_key_and_without_it_moves_the_curve(
    keyed: MainWindow,
) -> None:
    row = keyed.panel.rows["yaw"]
    keyed.studio.playhead.go_to(25)
    row.setFocus()
    press(keyed, KEY.Key_Right)
    yaw = track(keyed, "yaw")
    assert yaw is not None
    assert yaw.frames == (10, 40)
    QTest.mouseClick(keyed.timeline.transport.auto_key, LEFT)
    assert keyed.studio.faces.auto_key
    assert keyed.actions_by_id["auto_key"].isChecked()
    row.setFocus()
    press(keyed, KEY.Key_Right)
    yaw = track(keyed, "yaw")
    assert yaw is not None
    assert yaw.frames == (10, 25, 40)
    assert "key on this frame" in row.accessibleDescription()


def test_the_diamond_of_a_row_sets_and_takes_away_its_key(keyed: MainWindow) -> None:
    row = keyed.panel.rows["AU12"]
    keyed.studio.playhead.go_to(33)
    assert "keyed on other frames" in row.accessibleDescription()
    value = row.shown
    QTest.mouseClick(row, LEFT, pos=key_place(keyed, "AU12"))
    left, right = track(keyed, "AU12L"), track(keyed, "AU12R")
    assert left is not None
    assert right is not None
    assert 33 in left.frames
    assert 33 in right.frames
    assert row.shown == pytest.approx(value)
    QTest.mouseClick(row, LEFT, pos=key_place(keyed, "AU12"))
    left = track(keyed, "AU12L")
    assert left is not None
    assert left.frames == (0, 20, 60)


def test_a_number_that_is_typed_moves_no_curve_afterwards(keyed: MainWindow) -> None:
    keyed.studio.playhead.go_to(40)
    QTest.mouseClick(keyed.timeline.transport.auto_key, LEFT)
    row = keyed.panel.rows["AU12"]
    keyed.panel.show_row("AU12")
    QTest.mouseClick(row, LEFT, pos=row._places().number.center().toPoint())
    field = row.typing.field
    assert field is not None
    QTest.keyClicks(field, "0.8")
    QTest.keyClick(field, KEY.Key_Up)
    QTest.keyClick(field, KEY.Key_Return)
    assert row.shown == pytest.approx(0.81)
    after = keyed.studio.project
    for key, there in (
        (KEY.Key_Right, 41),
        (KEY.Key_Home, 0),
        (KEY.Key_Down, 20),
        (KEY.Key_End, 124),
        (KEY.Key_Up, 60),
    ):
        press(keyed, key)
        assert frame(keyed) == there
    assert keyed.studio.project is after
    QTest.keyClick(keyed.timeline.transport.time, KEY.Key_Up)
    assert keyed.timeline.transport.time.text() == "00:00:02:11"
    assert keyed.studio.project is after


def test_markers_and_in_and_out_points_are_set_where_the_playhead_stands(keyed: MainWindow) -> None:
    playhead, project = keyed.studio.playhead, keyed.studio.session
    playhead.go_to(15)
    press(keyed, KEY.Key_I)
    press(keyed, KEY.Key_M)
    playhead.go_to(50)
    press(keyed, KEY.Key_O)
    press(keyed, KEY.Key_M)
    assert project.project.range == (15, 50)
    assert [marker.frame for marker in project.project.markers] == [15, 50]
    press(keyed, KEY.Key_Up, SHIFT)
    assert frame(keyed) == 15
    press(keyed, KEY.Key_Down, SHIFT)
    press(keyed, KEY.Key_I, ALT)
    assert frame(keyed) == 15
    press(keyed, KEY.Key_O, ALT)
    assert frame(keyed) == 50
    press(keyed, KEY.Key_X, ALT)
    assert project.project.range == (0, 124)
    press(keyed, KEY.Key_L, CTRL)
    assert not playhead.loops
    press(keyed, KEY.Key_T, CTRL)
    assert keyed.timeline.transport.time.hasFocus()


def test_selected_keys_are_nudged_eased_cut_copied_and_deleted(keyed: MainWindow) -> None:
    view = keyed.timeline.view
    view.select_keys({("yaw", 10)})
    press(keyed, KEY.Key_Right, CTRL)
    press(keyed, KEY.Key_Right, CTRL | SHIFT)
    press(keyed, KEY.Key_Left, CTRL)
    assert view.keys == {("yaw", 20)}
    press(keyed, KEY.Key_F9, CTRL | SHIFT)
    view.select_keys({("yaw", 20), ("yaw", 40)})
    keyed.timeline.lanes.setFocus()
    press(keyed, KEY.Key_C, CTRL)
    keyed.studio.playhead.go_to(50)
    press(keyed, KEY.Key_V, CTRL)
    yaw = track(keyed, "yaw")
    assert yaw is not None
    assert yaw.frames == (20, 40, 50, 70)
    press(keyed, KEY.Key_A, CTRL)
    assert len(view.keys) == 4 + 6
    view.select_keys(("yaw", frame) for frame in yaw.frames)
    press(keyed, KEY.Key_X, CTRL)
    assert track(keyed, "yaw") is None
    keyed.studio.playhead.go_to(5)
    press(keyed, KEY.Key_V, CTRL)
    yaw = track(keyed, "yaw")
    assert yaw is not None
    assert yaw.frames == (5, 25, 35, 55)
    view.select_keys({("yaw", 25), ("yaw", 35)})
    keyed.studio.playhead.go_to(60)
    press(keyed, KEY.Key_D, CTRL)
    yaw = track(keyed, "yaw")
    assert yaw is not None
    assert yaw.frames == (5, 25, 35, 55, 60, 70)
    assert view.keys == {("yaw", 60), ("yaw", 70)}
    press(keyed, KEY.Key_Delete)
    yaw = track(keyed, "yaw")
    assert yaw is not None
    assert yaw.frames == (5, 25, 35, 55)


def test_copy_takes_the_expression_while_the_keyboard_is_elsewhere(keyed: MainWindow) -> None:
    keyed.timeline.view.select_keys({("yaw", 10)})
    keyed.canvas.setFocus()
    press(keyed, KEY.Key_C, CTRL)
    assert "AU12" in QGuiApplication.clipboard().text()
    assert keyed.timeline.view.copied is None


def test_shift_k_keys_every_control_and_ctrl_k_asks_for_one(keyed: MainWindow) -> None:
    keyed.timeline.view.select_lanes(())
    press(keyed, KEY.Key_K, CTRL)
    assert keyed.notices.isVisible()
    press(keyed, KEY.Key_K, SHIFT)
    jaw = track(keyed, "AU26")
    assert jaw is not None
    assert jaw.frames == (0,)


def test_the_curves_come_and_go_with_their_key(keyed: MainWindow) -> None:
    keyed.actions_by_id["timeline"].setChecked(False)
    press(keyed, KEY.Key_F3, SHIFT)
    assert keyed.timeline.curves is not None
    assert keyed.timeline.curves.isVisible()
    assert keyed.actions_by_id["timeline"].isChecked()
    assert keyed.timeline.transport.curves.isChecked()
    press(keyed, KEY.Key_F, SHIFT)
    press(keyed, KEY.Key_F3, SHIFT)
    assert keyed.timeline.lanes.isVisible()


def test_return_presses_a_button_since_space_plays(keyed: MainWindow) -> None:
    button = keyed.timeline.transport.snap
    button.setFocus()
    press(keyed, KEY.Key_Return)
    assert not keyed.timeline.view.snaps


def test_a_drag_in_the_window_is_one_step_and_the_height_is_remembered(
    qtbot: QtBot, keyed: MainWindow
) -> None:
    lanes = keyed.timeline.lanes
    before = keyed.studio.session.position
    y = round(lanes.lane_y("yaw"))
    start, end = (QPointF(lanes.x_of(f), y).toPoint() for f in (10, 26))
    QTest.mousePress(lanes, LEFT, pos=start)
    for step in range(1, 6):
        QTest.mouseMove(lanes, start + (end - start) * step / 5)
    QTest.mouseRelease(lanes, LEFT, pos=end)
    yaw = track(keyed, "yaw")
    assert yaw is not None
    assert yaw.frames[0] in range(24, 29)
    assert keyed.studio.session.position == before + 1
    keyed.body.setSizes([300, 330])
    height = keyed.timeline.height()
    keyed.studio.session.mark_saved()
    keyed.close()
    assert not keyed.settings.state("timeline").isEmpty()
    assert height > 200


def test_every_action_of_time_is_in_a_menu_and_no_key_is_given_twice(keyed: MainWindow) -> None:
    assert {spec.menu for spec in ACTIONS} == set(MENUS)
    menus = {action.text(): action.menu() for action in keyed.menuBar().actions()}
    assert [text for text in MENUS if text not in menus] == []
    given = [key for spec in ACTIONS for key in spec.keys]
    assert len(given) == len(set(given))


def test_easing_without_a_selected_key_says_what_is_missing(keyed: MainWindow) -> None:
    keyed.timeline.view.select_keys(())
    labels = keyed.studio.session.labels
    press(keyed, KEY.Key_F9)
    assert keyed.studio.session.labels == labels
    assert keyed.notices.notice is not None
    assert keyed.notices.notice.title.startswith("Select keys first")
