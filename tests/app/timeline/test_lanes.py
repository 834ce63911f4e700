from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QFontMetricsF, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app import theme
from app.control_rows import rows
from app.timeline.lane_paint import (
    LANE_H,
    SWITCHES,
    LaneLook,
    key_stamp,
    name_room,
    switch_rect,
)
from app.timeline.sheet import Lane, TrackKeys
from icface.document import FaceEdits, Project, edits
from icface.document.curves import Blend, Key, Track
from icface.document.edits.faces import with_edits
from icface.face.controls import CONTROL_IDS
from tests.app.timeline.timeline_stand import (
    Stand,
    click,
    double_click,
    drag,
    mouse,
    moving_project,
)

SHIFT, ALT, CTRL = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ControlModifier,
)
SMILE = frozenset({("AU12L", 40), ("AU12R", 40)})


@pytest.fixture
def stand(qtbot: QtBot, qapp: QApplication) -> Stand:
    return shown(qtbot, qapp, moving_project())


def shown(qtbot: QtBot, qapp: QApplication, project: Project) -> Stand:
    theme.apply_theme(qapp, "dark")
    made = Stand(project)
    qtbot.addWidget(made.panel)
    made.panel.resize(1240, 420)
    made.panel.show()
    qtbot.waitExposed(made.panel)
    made.panel.view.set_snaps(False)
    return made


def switch(stand: Stand, lane: str, name: str) -> QPointF:
    place = [one for one, _, _ in SWITCHES].index(name)
    rect = switch_rect(place, stand.lanes.lane_y(lane) - LANE_H / 2)
    return rect.center()


def many_keys(tracks: int = 60, each: int = 167) -> Project:
    """About ten thousand keys."""
    project = moving_project()
    targets = list(CONTROL_IDS)
    groups = ("all", "pose", "brows", "eyes", "gaze", "cheeks", "mouth")
    targets += [f"mix:{group}:{name}" for group in groups for name in ("gain", "offset")]
    keys = tuple(Key(frame=7 * n, value=0.01 * (n % 30)) for n in range(each))
    kept = FaceEdits(tracks=tuple(Track(target, keys) for target in sorted(targets[:tracks])))
    return with_edits(project, 0, kept)


def test_lanes_stand_in_groups_from_the_top_of_a_face_to_its_chin(stand: Stand) -> None:
    assert [lane.id for lane in stand.panel.view.lanes] == [
        "group:pose",
        "yaw",
        "group:mouth",
        "AU12",
    ]


def test_a_linked_unit_has_one_lane_and_an_unlinked_unit_two(stand: Stand) -> None:
    stand.session.edit(lambda project: edits.link_unit(project, 12, linked=False), "Unlink")
    assert [lane.id for lane in stand.panel.view.lanes][-2:] == ["AU12L", "AU12R"]


def test_a_click_on_a_key_selects_it_on_both_sides_and_its_lane(stand: Stand) -> None:
    click(stand.lanes, stand.key("AU12", 40))
    assert stand.panel.view.keys == SMILE
    assert stand.panel.view.selected == ("AU12",)
    click(stand.lanes, stand.key("AU12", 60))
    assert stand.panel.view.keys == frozenset()


def test_shift_adds_keys_and_takes_them_away(stand: Stand) -> None:
    click(stand.lanes, stand.key("AU12", 40))
    click(stand.lanes, stand.key("yaw", 20), SHIFT)
    assert stand.panel.view.keys == SMILE | {("yaw", 20)}
    click(stand.lanes, stand.key("AU12", 40), SHIFT)
    assert stand.panel.view.keys == {("yaw", 20)}


def test_a_box_selects_the_keys_inside_it(stand: Stand) -> None:
    drag(stand.lanes, stand.key("yaw", 15) - QPointF(0, 8), stand.key("AU12", 45) + QPointF(0, 8))
    assert stand.panel.view.keys == SMILE | {("yaw", 20)}
    drag(stand.lanes, stand.key("yaw", 45), stand.key("yaw", 55), SHIFT)
    assert stand.panel.view.keys == SMILE | {("yaw", 20), ("yaw", 50)}


def test_a_drag_moves_keys_in_one_step_and_the_choice_goes_along(stand: Stand) -> None:
    stand.drag_key("AU12", 40, 55)
    assert stand.frames("AU12L") == stand.frames("AU12R") == (10, 55, 80)
    assert stand.panel.view.keys == {("AU12L", 55), ("AU12R", 55)}
    assert stand.session.labels == ("Move AU12 key",)
    stand.session.undo()
    assert stand.frames("AU12L") == (10, 40, 80)


def test_keys_that_a_drag_passes_over_come_back(stand: Stand) -> None:
    stand.drag_key("AU12", 10, 55)
    assert stand.frames("AU12L") == (40, 55, 80)


def test_a_drag_that_returns_leaves_no_step(stand: Stand) -> None:
    start = stand.key("AU12", 40)
    there = QPointF(stand.lanes.x_of(50), start.y())
    mouse(stand.lanes, QEvent.Type.MouseButtonPress, start)
    mouse(stand.lanes, QEvent.Type.MouseMove, there)
    assert stand.frames("AU12L") == (10, 50, 80)
    mouse(stand.lanes, QEvent.Type.MouseMove, start)
    mouse(stand.lanes, QEvent.Type.MouseButtonRelease, start)
    assert stand.frames("AU12L") == (10, 40, 80)
    assert stand.session.labels == ()


def test_several_keys_stop_together_at_the_first_frame(stand: Stand) -> None:
    drag(stand.lanes, stand.key("yaw", 15) - QPointF(0, 8), stand.key("AU12", 45) + QPointF(0, 8))
    stand.drag_key("AU12", 40, 2)
    assert stand.frames("AU12L") == (10, 20, 80)
    assert stand.frames("yaw") == (0, 50)


def test_a_key_at_the_edge_takes_the_view_along(stand: Stand) -> None:
    view = stand.panel.view
    view.zoom(4, 0.0)
    first, last = view.scale.start, view.scale.exact(view.width)
    start = stand.key("AU12", 10)
    drag(stand.lanes, start, QPointF(stand.lanes.width() + 300, start.y()), steps=12)
    assert view.scale.start > first + 1
    assert min(stand.frames("AU12L")) > last


def test_dragged_keys_snap_to_the_playhead_to_keys_and_markers(stand: Stand) -> None:
    stand.panel.view.set_snaps(True)
    stand.playhead.go_to(60)
    stand.drag_key("AU12", 40, 61)
    assert 60 in stand.frames("AU12L")
    stand.drag_key("AU12", 60, 49)
    assert 50 in stand.frames("AU12L")  # where yaw has a key
    stand.session.edit(lambda project: edits.set_marker(project, 70), "Marker")
    stand.drag_key("AU12", 50, 71)
    assert 70 in stand.frames("AU12L")


def test_alt_stretches_the_selected_keys_about_the_other_end(stand: Stand) -> None:
    stand.panel.view.select_keys(
        (target, frame) for target in ("AU12L", "AU12R") for frame in (10, 40, 80)
    )
    stand.drag_key("AU12", 80, 45, ALT)
    assert stand.frames("AU12L") == (10, 25, 45)
    assert stand.session.labels == ("Stretch 3 keys",)
    assert len(stand.panel.view.keys) == 6
    stand.drag_key("AU12", 10, 5, ALT)
    assert stand.frames("AU12L") == (5, 22, 45)


def test_a_double_click_adds_a_key_that_changes_nothing(stand: Stand) -> None:
    before = stand.track("AU12L").value(60)
    double_click(stand.lanes, stand.key("AU12", 60))
    assert stand.frames("AU12L") == (10, 40, 60, 80)
    assert stand.track("AU12L").value(60) == pytest.approx(before)
    assert stand.session.labels == ("Key AU12",)


def test_keys_of_a_locked_lane_are_left_alone(stand: Stand) -> None:
    click(stand.lanes, switch(stand, "AU12", "locked"))
    assert stand.track("AU12L").locked
    stand.drag_key("AU12", 40, 55)
    assert stand.frames("AU12L") == (10, 40, 80)
    double_click(stand.lanes, stand.key("AU12", 60))
    assert "locked" in stand.refused[-1]


def test_switches_of_a_lane_mute_solo_set_the_mode_and_revert(stand: Stand) -> None:
    click(stand.lanes, switch(stand, "AU12", "muted"))
    assert stand.track("AU12L").muted
    assert stand.track("AU12R").muted
    click(stand.lanes, switch(stand, "AU12", "solo"))
    assert stand.track("AU12R").solo
    click(stand.lanes, switch(stand, "yaw", "mode"))
    assert stand.track("yaw").mode == "absolute"
    assert stand.track("yaw").keys[0].value == pytest.approx(2.0)
    click(stand.lanes, switch(stand, "AU12", "revert"))
    edits_of_face = stand.project.face_edits
    assert edits_of_face is not None
    assert edits_of_face.track("AU12L") is None
    assert stand.session.labels[-1] == "Remove all keys of AU12"


def test_a_group_folds_and_its_heading_moves_all_of_its_keys(stand: Stand) -> None:
    click(stand.lanes, QPointF(40, stand.lanes.lane_y("group:mouth")))
    assert [lane.id for lane in stand.panel.view.lanes] == ["group:pose", "yaw", "group:mouth"]
    stand.drag_key("group:mouth", 40, 44)
    assert stand.frames("AU12R") == (10, 44, 80)
    click(stand.lanes, QPointF(40, stand.lanes.lane_y("group:mouth")))
    assert "AU12" in [lane.id for lane in stand.panel.view.lanes]


def test_headings_are_selected_singly_with_ctrl_and_in_ranges(stand: Stand) -> None:
    click(stand.lanes, QPointF(60, stand.lanes.lane_y("yaw")))
    assert stand.panel.view.selected == ("yaw",)
    click(stand.lanes, QPointF(60, stand.lanes.lane_y("AU12")), CTRL)
    assert set(stand.panel.view.selected) == {"yaw", "AU12"}
    click(stand.lanes, QPointF(60, stand.lanes.lane_y("AU12")), CTRL)
    assert stand.panel.view.selected == ("yaw",)
    click(stand.lanes, QPointF(60, stand.lanes.lane_y("AU12")), SHIFT)
    assert set(stand.panel.view.selected) == {"yaw", "AU12"}


def test_the_keyboard_selects_lanes_and_deselects_keys(stand: Stand) -> None:
    stand.lanes.setFocus()
    QTest.keyClick(stand.lanes, Qt.Key.Key_Down, CTRL)
    assert stand.panel.view.selected == ("yaw",)
    QTest.keyClick(stand.lanes, Qt.Key.Key_Down, CTRL)
    QTest.keyClick(stand.lanes, Qt.Key.Key_Down, CTRL)
    assert stand.panel.view.selected == ("AU12",)
    stand.panel.view.select_keys(SMILE)
    assert "2 keys" in stand.lanes.accessibleDescription()
    QTest.keyClick(stand.lanes, Qt.Key.Key_Escape)
    assert not stand.panel.view.keys


def test_the_menu_sets_how_curves_come_and_go_on_each_side(stand: Stand) -> None:
    def choose(*path: str) -> None:
        stand.lanes.setFocus()
        QTest.mouseClick(
            stand.lanes, Qt.MouseButton.RightButton, pos=stand.key("yaw", 20).toPoint()
        )
        place = stand.key("yaw", 20).toPoint()
        reason = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(
            stand.lanes, QContextMenuEvent(reason, place, stand.lanes.mapToGlobal(place))
        )
        menu = stand.lanes.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)[
            -1
        ]
        for text in path:
            action = next(one for one in menu.actions() if one.text() == text)
            menu = action.menu() if isinstance(action.menu(), QMenu) else menu
        action.trigger()
        for open_menu in stand.lanes.findChildren(QMenu):
            open_menu.close()

    choose("Interpolation out", "Hold")
    key = stand.track("yaw").key_at(20)
    assert key is not None
    assert (key.interpolation_in, key.interpolation_out) == ("ease", "hold")
    choose("Linear")
    key = stand.track("yaw").key_at(20)
    assert key is not None
    assert (key.interpolation_in, key.interpolation_out) == ("linear", "linear")
    assert stand.session.labels == ("Hold Yaw key", "Linear Yaw key")
    choose("Delete")
    assert stand.frames("yaw") == (50,)


def test_a_press_on_the_ruler_scrubs(stand: Stand) -> None:
    ruler = stand.panel.ruler
    drag(ruler, QPointF(ruler.x_of(30), 8), QPointF(ruler.x_of(45), 8))
    assert stand.playhead.frame == 45
    assert stand.session.labels == ()


def test_in_and_out_points_are_dragged_in_one_step(stand: Stand) -> None:
    ruler = stand.panel.ruler
    drag(ruler, ruler.handles()["in"], QPointF(ruler.x_of(25), ruler.handles()["in"].y()))
    assert stand.project.first == 25
    drag(ruler, ruler.handles()["out"], QPointF(ruler.x_of(71), ruler.handles()["out"].y()))
    assert stand.project.range == (25, 70)
    assert stand.session.labels == ("In and out", "In and out")


def test_the_blend_is_shaped_by_its_handles(stand: Stand) -> None:
    stand.session.edit(
        lambda p: edits.set_blend(p, Blend(first=10, last=79, fade_in=5, fade_out=5)), "Blend"
    )
    ruler = stand.panel.ruler
    for handle, frame in (("fade-in", 30), ("last", 90), ("fade-out", 60), ("first", 4)):
        start = ruler.handles()[handle]
        drag(ruler, start, QPointF(ruler.x_of(frame), start.y()))
    face_edits = stand.project.face_edits
    assert face_edits is not None
    assert face_edits.blend == Blend(first=4, last=89, fade_in=20, fade_out=30)
    assert len(stand.session.labels) == 5


def test_the_ends_of_the_choice_stretch_it_in_the_ruler(stand: Stand) -> None:
    stand.panel.view.select_keys(
        (target, frame) for target in ("AU12L", "AU12R") for frame in (10, 40, 80)
    )
    ruler = stand.panel.ruler
    start = ruler.handles()["keys-last"]
    drag(ruler, start, QPointF(ruler.x_of(45), start.y()))
    assert stand.frames("AU12L") == (10, 25, 45)


def test_a_click_on_a_handle_goes_there_and_changes_nothing(stand: Stand) -> None:
    stand.panel.view.select_keys(
        (target, frame) for target in ("AU12L", "AU12R") for frame in (10, 40, 80)
    )
    click(stand.panel.ruler, stand.panel.ruler.handles()["keys-last"])
    assert stand.playhead.frame == 80
    assert stand.session.labels == ()


def test_problems_of_the_tracking_are_marked_where_they_are(stand: Stand) -> None:
    found = stand.panel.view.tracking_quality
    assert found is not None
    assert found[1].problems.tolist() == [30, 60]
    strip = stand.panel.confidence
    (missing,) = strip.spans(2)
    assert missing == pytest.approx((strip.x_of(60), strip.x_of(65)))
    assert "no face" in strip.tip_at(strip.x_of(62))
    assert "2 tracking problems" in strip.accessibleDescription()


def test_film_and_sound_lie_where_their_frames_are(stand: Stand) -> None:
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(0)
    assert not stand.panel.film.isVisible()
    stand.panel.set_filmstrip({0: image, 50: image, 99: image})
    assert stand.panel.film.isVisible()
    tiles = stand.panel.film.tiles()
    assert tiles[0] == (stand.lanes.x_of(0), 0)
    assert [place for _, place in tiles] == sorted(place for _, place in tiles)
    loud = np.zeros((400, 2), np.float32)
    loud[200:210] = (-0.5, 0.8)
    stand.panel.set_waveform(loud, 0.01)
    xs, low, high = stand.panel.wave.columns()
    assert stand.panel.view.scale.exact(xs[np.argmax(high > 0.5)]) == pytest.approx(50, abs=0.2)
    assert (low.min(), high.max()) == (np.float32(-0.5), np.float32(0.8))
    stand.panel.set_waveform(np.zeros(0), 0.01)
    assert not stand.panel.wave.isVisible()


def test_only_keys_that_are_seen_are_painted(qtbot: QtBot, qapp: QApplication) -> None:
    stand = shown(qtbot, qapp, many_keys())
    assert sum(len(lane.frames) for lane in stand.panel.view.all_lanes) > 5000
    stand.panel.view.zoom(40, 0.0)
    stand.lanes.grab()
    rows = stand.lanes.height() // LANE_H + 2
    across = stand.panel.view.width / (7 * stand.panel.view.scale.px) + 4
    assert 0 < stand.lanes.painted_keys <= rows * across
    stand.panel.view.zoom(1e-3, 0.0)
    stand.lanes.grab()
    assert stand.lanes.painted_keys <= rows * (stand.panel.view.width / 4 + 1)


def test_lanes_of_tracks_that_an_edit_leaves_alone_are_kept(stand: Stand) -> None:
    before = {lane.id: lane for lane in stand.panel.view.lanes}
    stand.session.edit(lambda project: edits.set_key(project, "yaw", 70, 3.0), "Key")
    after = {lane.id: lane for lane in stand.panel.view.lanes}
    assert after["AU12"] is before["AU12"]
    assert after["yaw"] is not before["yaw"]


def test_a_shape_tells_how_a_curve_comes_and_goes(qapp: QApplication) -> None:
    images = [
        key_stamp(shape, "plain", theme.palette("dark"), 1.0).toImage()
        for shape in (5, 10, 15, 4, 6)
    ]
    assert all(a != b for place, a in enumerate(images) for b in images[place + 1 :])


@pytest.mark.parametrize("name", ["dark", "light"])
def test_everything_is_painted_in_both_themes(
    qtbot: QtBot, qapp: QApplication, name: theme.ThemeName
) -> None:
    stand = shown(qtbot, qapp, moving_project())
    theme.apply_theme(qapp, name)
    stand.panel.retint()
    stand.panel.view.select_keys(SMILE)
    image = stand.panel.grab().toImage()
    amber = theme.palette(name).color("amber").rgb()
    assert any(
        image.pixel(x, y) == amber
        for x in range(232, image.width(), 1)
        for y in range(100, image.height(), 3)
    )


def test_every_lane_has_room_for_its_whole_name_beside_its_switches(qapp: QApplication) -> None:
    theme.apply_theme(qapp, "dark")
    names = QFontMetricsF(theme.ui_font(12))
    numbers = QFontMetricsF(theme.ui_font(11, semibold=True))
    key = TrackKeys.of(Track("yaw", (Key(frame=0, value=1.0),)))
    look = LaneLook(top=0.0, selected=True)
    for spec in rows().values():
        number = f"{spec.number}{spec.side}"
        lane = Lane(spec.key, spec.name, number, spec.ids, (key,))
        assert names.horizontalAdvance(spec.name) <= int(name_room(lane, look).width()), spec.key
        bare = Lane(spec.key, spec.name, "", spec.ids, (key,))
        beside = name_room(lane, look).left() - name_room(bare, look).left()
        assert not number or numbers.horizontalAdvance(number) < beside
