"""Slider edits and keys: what a slider changes, and that it is said before it happens."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.window.main_window import MainWindow
from icface.document import edits
from icface.document.curves import Blend
from icface.document.edits import KeyName
from icface.document.mixing import resolve, shown
from icface.face.controls import CHANNEL_INDEX, ControlVector

KEY, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def keyed(opened: MainWindow) -> MainWindow:
    """The sample with keys on yaw and both sides of AU12."""
    session = opened.studio.session
    for target, frame, value in (
        ("yaw", 10, 4.0),
        ("yaw", 40, 8.0),
        ("AU12L", 20, 0.3),
        ("AU12R", 20, 0.3),
    ):
        session.edit(
            lambda p, t=target, f=frame, v=value: edits.set_key(p, t, f, v),  # type: ignore[misc]
            "Key",
        )
    opened.canvas.setFocus()
    return opened


def press(
    window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    QTest.keyClick(window.focusWidget() or window, key, modifier)


def values(window: MainWindow, target: str) -> dict[int, float]:
    """Values of a track's keys by frame."""
    face = window.studio.project.face_edits
    assert face is not None
    track = face.track(target)
    return {} if track is None else {key.frame: key.value for key in track.keys}


def hover(window: MainWindow, row: str) -> str:
    """Rest the pointer on a row; return what the status bar says then."""
    QTest.mouseMove(window.panel.rows["pitch"])
    widget = window.panel.rows[row]
    window.panel.show_row(row)
    QTest.mouseMove(widget, widget.rect().center())
    return window.status.currentMessage()


def pitch(state: ControlVector) -> float:
    return float(state.array()[CHANNEL_INDEX["pitch"]])


def blended(window: MainWindow, blend: Blend) -> None:
    window.studio.session.edit(lambda p: edits.set_blend(p, blend), "Blend")


def test_on_a_key_a_slider_changes_that_key_and_no_other(keyed: MainWindow) -> None:
    keyed.studio.playhead.go_to(40)
    row = keyed.panel.rows["yaw"]
    row.setFocus()
    before = values(keyed, "yaw")
    press(keyed, KEY.Key_Right)
    assert values(keyed, "yaw") == {10: before[10], 40: pytest.approx(before[40] + 1)}
    assert row.shown == pytest.approx(shown(keyed.studio.project, 40)["yaw"])
    assert keyed.studio.project.face_edits is not None
    assert not keyed.studio.project.face_edits.deltas


def test_between_keys_the_whole_curve_moves_and_that_is_said_before(keyed: MainWindow) -> None:
    keyed.studio.playhead.go_to(25)
    row = keyed.panel.rows["yaw"]
    row.setFocus()
    assert "Yaw is keyed, so its whole curve moves" in keyed.status.currentMessage()
    before = values(keyed, "yaw")
    press(keyed, KEY.Key_Right)
    assert values(keyed, "yaw") == before
    assert dict(keyed.studio.project.face_edits.deltas) == {"yaw": pytest.approx(1)}  # type: ignore[union-attr]
    keyed.canvas.setFocus()
    assert "whole curve" not in keyed.status.currentMessage()


def test_the_pointer_on_a_slider_shows_what_it_would_change(keyed: MainWindow) -> None:
    keyed.studio.playhead.go_to(20)
    assert "AU12: moving the slider changes the key" in hover(keyed, "AU12")
    assert "whole curve" in hover(keyed, "yaw")
    assert hover(keyed, "AU1") == ""
    QTest.mouseClick(keyed.timeline.transport.auto_key, LEFT)
    assert "AU1: moving the slider sets a key" in hover(keyed, "AU1")


def test_a_slider_that_moves_a_whole_curve_is_tinted(keyed: MainWindow) -> None:
    row = keyed.panel.rows["yaw"]
    keyed.canvas.setFocus()
    keyed.studio.playhead.go_to(39)
    curve = row.grab().toImage()
    keyed.studio.playhead.go_to(40)
    key = row.grab().toImage()
    end = row.rect().center()
    end.setX(round(row.track_x(-10.0)))
    end.setY(row.height() // 2)
    middle = [
        picture.pixelColor(end * picture.devicePixelRatio()).getRgb() for picture in (curve, key)
    ]
    assert middle[0] != middle[1]
    handle = row.rect().center()
    handle.setX(round(row.track_x(row.shown)))
    colour = key.pixelColor(handle * key.devicePixelRatio())
    assert colour.red() > colour.blue() + 60  # the amber of keys


def test_outside_a_blend_sliders_say_so_and_show_what_the_picture_shows(keyed: MainWindow) -> None:
    session, playhead, panel = keyed.studio.session, keyed.studio.playhead, keyed.panel
    session.edit(lambda p: edits.set_control(p, "pitch", 12.0), "Pitch")
    blended(keyed, Blend(first=20, last=60, fade_in=9))
    playhead.go_to(5)
    row = panel.rows["pitch"]
    assert "Outside the blend, frames 20 to 60" in panel.blend_note.text()
    assert panel.blend_note.isVisible()
    assert not row.isEnabled()
    own = resolve(session.project, frame=5)
    assert own is not None
    assert f"in this frame {row.spec.spoken(pitch(own))}" in row.accessibleDescription()
    assert "Outside the blend" in hover(keyed, "pitch")
    playhead.go_to(24)
    faded = resolve(session.project, frame=24)
    assert faded is not None
    assert pitch(own) < pitch(faded) < 12
    assert row.isEnabled()
    assert f"in this frame {row.spec.spoken(pitch(faded))}" in row.accessibleDescription()
    playhead.go_to(40)
    assert not panel.blend_note.isVisible()
    assert "in this frame" not in row.accessibleDescription()


def test_outside_a_blend_a_turned_head_is_refused_with_the_reason(keyed: MainWindow) -> None:
    blended(keyed, Blend(first=20, last=60))
    keyed.studio.playhead.go_to(5)
    before = keyed.studio.project
    keyed.studio.faces.turn_head(9.0, 0.0, 0.0, 1)
    assert keyed.studio.project is before
    assert keyed.notices.notice is not None
    assert "outside the blend" in keyed.notices.notice.title


def test_ctrl_a_selects_all_keys_that_are_shown(keyed: MainWindow) -> None:
    view = keyed.timeline.view
    every: set[KeyName] = {("yaw", 10), ("yaw", 40), ("AU12L", 20), ("AU12R", 20)}
    keyed.panel.rows["AU12"].setFocus()  # which selects its lane
    press(keyed, KEY.Key_A, CTRL)
    assert view.keys == every
    view.select_keys(())
    view.fold("pose", closed=True)
    press(keyed, KEY.Key_A, CTRL)
    assert view.keys == every
    view.select_lanes(("yaw",))
    keyed.actions_by_id["curves"].setChecked(True)
    press(keyed, KEY.Key_A, CTRL)
    assert view.keys == {("yaw", 10), ("yaw", 40)}


@pytest.mark.parametrize("name", ["delete_keys", "cut_keys", "duplicate_keys", "nudge_on", "ease"])
def test_a_command_for_keys_without_a_selected_one_says_so(keyed: MainWindow, name: str) -> None:
    keyed.timeline.view.select_keys(())
    before = keyed.studio.project
    keyed.canvas.setFocus()
    press(keyed, *_keys_of(keyed, name))
    assert keyed.studio.project is before
    assert keyed.notices.notice is not None
    assert "Select keys first" in keyed.notices.notice.title


def _keys_of(window: MainWindow, name: str) -> tuple[Qt.Key, Qt.KeyboardModifier]:
    pressed = window.actions_by_id[name].shortcut()[0]
    return pressed.key(), pressed.keyboardModifiers()


def test_a_switch_between_lanes_and_curves_keeps_the_focus_in_the_timeline(
    keyed: MainWindow,
) -> None:
    keyed.timeline.lanes.setFocus()
    keyed.actions_by_id["curves"].setChecked(True)
    assert keyed.timeline.has_keyboard
    keyed.actions_by_id["curves"].setChecked(False)
    assert keyed.timeline.lanes.hasFocus()


def test_a_slider_gets_the_focus_back_when_it_can_be_moved_again(keyed: MainWindow) -> None:
    blended(keyed, Blend(first=20, last=60))
    keyed.studio.playhead.go_to(30)
    row = keyed.panel.rows["AU12"]
    row.setFocus()
    keyed.studio.playhead.go_to(5)
    assert not row.isEnabled()
    assert keyed.panel.hasFocus()
    assert keyed.timeline.view.selected == ("AU12",)
    keyed.studio.playhead.go_to(30)
    assert row.hasFocus()
