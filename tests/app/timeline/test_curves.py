from __future__ import annotations

import cProfile
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app import theme
from app.timeline.curve_data import curves, stepped, unit_of
from app.timeline.curve_editor import CurveEditor
from app.timeline.time_widget import HEAD_W
from icface.document import FaceEdits, MixRule, edits
from icface.document.curves import Key, Track
from icface.document.edits.drivers import set_rule
from icface.document.edits.faces import with_edits
from icface.document.mixing import curve, shown
from icface.face.controls import CONTROL_IDS, UNIT_IDS, ControlVector
from tests.app.timeline.timeline_stand import (
    NONE,
    Stand,
    click,
    double_click,
    drag,
    mouse,
    moving_project,
)
from tests.strategies import a_clip_project, a_motion

ALT, CTRL, SHIFT = (
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


@pytest.fixture
def stand(qtbot: QtBot, qapp: QApplication) -> Stand:
    theme.apply_theme(qapp, "dark")
    made = Stand(moving_project())
    qtbot.addWidget(made.panel)
    made.panel.resize(1240, 420)
    made.panel.show()
    qtbot.waitExposed(made.panel)
    made.panel.view.set_snaps(False)
    made.panel.view.select_lanes(("AU12",))
    made.panel.transport.show_curves(True)
    return made


def editor(stand: Stand) -> CurveEditor:
    found = stand.panel.curves
    assert found is not None
    found.refresh()
    return found


def key_place(stand: Stand, target: str, frame: int) -> QPointF:
    return next(
        grip.at for grip in editor(stand).grips() if grip.name == (target, frame) and not grip.side
    )


def key_value(stand: Stand, target: str, frame: int) -> float:
    key = stand.track(target).key_at(frame)
    assert key is not None
    return key.value


def test_curves_take_the_place_of_the_lanes_and_give_it_back(stand: Stand) -> None:
    assert editor(stand).isVisible()
    assert not stand.lanes.isVisible()
    QTest.mouseClick(stand.panel.transport.lanes, Qt.MouseButton.LeftButton)
    assert stand.lanes.isVisible()
    assert not editor(stand).isVisible()


def test_the_curves_are_those_of_the_document(stand: Stand) -> None:
    (one,) = editor(stand).curves  # both sides are one curve
    before, after = curve(stand.project, "AU12L", one.frames)
    np.testing.assert_array_equal(one.before, before)
    np.testing.assert_array_equal(one.after, after)
    assert one.moves
    assert [key.frame for key in one.keys] == [10, 40, 80]
    assert one.heights[1] == pytest.approx(shown(stand.project, 40)["AU12L"])


def test_a_key_is_dragged_in_time_and_value_in_one_step(stand: Stand) -> None:
    start = key_place(stand, "AU12L", 40)
    rise = editor(stand).value_at(start.y() - 20) - editor(stand).value_at(start.y())
    drag(editor(stand), start, start + QPointF(5 * stand.panel.view.scale.px, -20))
    assert stand.frames("AU12L") == stand.frames("AU12R") == (10, 45, 80)
    assert key_value(stand, "AU12R", 45) == pytest.approx(0.3 + rise)
    assert stand.session.labels == ("Move AU12 key",)


@pytest.mark.parametrize(("modifier", "moves", "rises"), [(CTRL, False, True), (ALT, True, False)])
def test_ctrl_changes_only_the_value_and_alt_only_the_time(
    stand: Stand, modifier: Qt.KeyboardModifier, moves: bool, rises: bool
) -> None:
    start = key_place(stand, "AU12L", 40)
    drag(editor(stand), start, start + QPointF(5 * stand.panel.view.scale.px, -20), modifier)
    frame = 45 if moves else 40
    assert stand.frames("AU12L") == (10, frame, 80)
    assert (key_value(stand, "AU12L", frame) > 0.3001) is rises


def test_a_handle_bends_the_curve_in_one_step(stand: Stand) -> None:
    click(editor(stand), key_place(stand, "AU12L", 40))
    handle = next(
        grip
        for grip in editor(stand).grips()
        if grip.side == "right" and grip.name == ("AU12L", 40)
    )
    before = stand.track("AU12L").value(60)
    drag(editor(stand), handle.at, handle.at + QPointF(0, -30))
    key = stand.track("AU12L").key_at(40)
    assert key is not None
    assert key.interpolation_out == "bezier"
    assert key.right_handle[0] == pytest.approx(0.42 * 40, abs=0.2)
    assert key.right_handle[1] > 0
    after = stand.track("AU12L").value(60)
    assert before is not None
    assert after is not None
    assert after > before
    assert stand.session.labels == ("Bend AU12",)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_handle_of_a_linked_pair_bends_both_sides_alike(stand: Stand, side: str) -> None:
    click(editor(stand), key_place(stand, "AU12L", 40))
    handle = next(
        grip for grip in editor(stand).grips() if grip.side == side and grip.name[1] == 40
    )
    drag(editor(stand), handle.at, handle.at + QPointF(4, -25))
    left, right = stand.track("AU12L"), stand.track("AU12R")
    assert left.keys == right.keys
    assert [
        getattr(key, "interpolation_in" if side == "left" else "interpolation_out")
        for key in left.keys
    ] == ["ease", "bezier", "ease"]
    assert len(editor(stand).curves) == 1, "still one curve"
    stand.session.undo()
    assert not stand.session.labels[: stand.session.position]


def test_a_handle_of_a_side_that_is_keyed_apart_bends_that_side(stand: Stand) -> None:
    stand.session.edit(lambda p: edits.set_key(p, "AU12R", 55, 0.4), "Key")
    click(editor(stand), key_place(stand, "AU12L", 40))
    handle = next(
        grip for grip in editor(stand).grips() if grip.side == "left" and grip.name[0] == "AU12R"
    )
    drag(editor(stand), handle.at, handle.at + QPointF(4, -25))
    assert [key.interpolation_in for key in stand.track("AU12R").keys].count("bezier") == 1
    assert all(key.interpolation_in != "bezier" for key in stand.track("AU12L").keys)


def test_the_lanes_and_the_curves_share_the_choice(stand: Stand) -> None:
    drag(
        editor(stand),
        key_place(stand, "AU12L", 40) - QPointF(15, 15),
        key_place(stand, "AU12L", 40) + QPointF(15, 15),
    )
    assert stand.panel.view.keys == {("AU12L", 40), ("AU12R", 40)}
    click(editor(stand), key_place(stand, "AU12L", 80), SHIFT)
    assert ("AU12R", 80) in stand.panel.view.keys
    assert len(stand.panel.view.keys) == 4
    click(editor(stand), QPointF(editor(stand).x_of(60), 5))
    assert not stand.panel.view.keys


def test_a_double_click_adds_a_key_at_the_height_of_the_pointer(stand: Stand) -> None:
    place = editor(stand).point(55, 0.5)
    double_click(editor(stand), place)
    assert stand.frames("AU12R") == (10, 40, 55, 80)
    assert shown(stand.project, 55)["AU12R"] == pytest.approx(0.5, abs=0.02)
    assert stand.session.labels == ("Key AU12",)


def test_curves_in_another_unit_are_left_out_and_told_of(stand: Stand) -> None:
    stand.panel.view.select_lanes(("AU12", "yaw"))
    assert [lane.id for lane in editor(stand).lanes] == ["yaw"]
    assert "1 more in another unit" in editor(stand)._names.text()
    assert unit_of("yaw") == "°"
    assert unit_of("mix:pose:gain") == "x"
    assert unit_of("AU12") == unit_of("mix:pose:offset") == ""


def test_without_a_selection_the_keyed_lanes_are_shown(stand: Stand) -> None:
    stand.session.edit(lambda project: edits.set_key(project, "AU26", 30, 0.5), "Key AU26")
    click(editor(stand), key_place(stand, "AU12L", 40))
    QTest.keyClick(editor(stand), Qt.Key.Key_Escape)
    assert not stand.panel.view.keys
    assert [lane.id for lane in editor(stand).lanes] == ["AU12"]
    QTest.keyClick(editor(stand), Qt.Key.Key_Escape)
    assert {one.lane for one in editor(stand).curves} == {"AU12", "AU26"}
    assert "1 more to select" in editor(stand)._names.text()
    start = key_place(stand, "AU12L", 40)
    drag(editor(stand), start, start + QPointF(5 * stand.panel.view.scale.px, 0), ALT)
    assert stand.frames("AU12L") == (10, 45, 80)


def test_the_values_are_fitted_and_zoomed(stand: Stand) -> None:
    one = editor(stand)
    fitted = one.low, one.high
    assert one.low < 0
    assert one.high > 0.5
    place = QPointF(600, 60)
    event = QWheelEvent(
        place,
        QPointF(one.mapToGlobal(place)),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    about = one.value_at(60)
    QApplication.sendEvent(one, event)
    assert one.high - one.low < fitted[1] - fitted[0]
    assert one.value_at(60) == pytest.approx(about)
    stand.panel.fit_curves()
    assert (one.low, one.high) == pytest.approx(fitted)


def test_what_holds_is_drawn_as_a_step(stand: Stand) -> None:
    stand.session.edit(lambda p: edits.set_interpolation(p, {("yaw", 20)}, None, "hold"), "Hold")
    lane = next(lane for lane in stand.panel.view.lanes if lane.id == "yaw")
    (one,) = curves(stand.project, (lane,), 0, 59)
    xs, ys = stepped(one)
    assert (xs == 50).sum() == 2
    assert ys[np.flatnonzero(xs == 50)].tolist() == [one.after[49], one.after[50]]
    assert len(xs) == len(one.frames) + 1


def test_a_gain_is_a_curve_over_its_rules_value(stand: Stand) -> None:
    stand.session.edit(lambda p: set_rule(p, MixRule(group="pose", driver="", gain=1.5)), "Rule")
    stand.session.edit(lambda p: edits.set_key(p, "mix:pose:gain", 20, 0.5), "Key")
    lane = next(lane for lane in stand.panel.view.lanes if lane.id == "mix:pose:gain")
    (one,) = curves(stand.project, (lane,), 0, 50)
    assert set(one.before) == {1.5}
    assert set(one.after) == {0.5}


def test_frames_without_a_face_leave_a_gap_and_both_themes_are_painted(
    stand: Stand, qapp: QApplication
) -> None:
    (one,) = editor(stand).curves
    assert np.isnan(one.after[60:65]).all()
    for name in ("dark", "light"):
        theme.apply_theme(qapp, name)
        stand.panel.retint()
        image = editor(stand).grab().toImage()
        colour = QColor(editor(stand).colour(0))
        near = [
            (x, y)
            for x in range(240, image.width(), 2)
            for y in range(image.height())
            if abs(image.pixelColor(x, y).red() - colour.red())
            + abs(image.pixelColor(x, y).blue() - colour.blue())
            < 6
        ]
        assert len(near) > 200


def test_pyqtgraph_is_not_loaded_before_curves_are_asked_for() -> None:
    code = "import sys, app.window.main_window; print('pyqtgraph' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_time_and_values_are_dragged_with_the_middle_button(stand: Stand) -> None:
    one, view = editor(stand), stand.panel.view
    view.zoom(6, 0.0)
    start = QPointF(600, 80)
    at = view.scale.exact(start.x() - HEAD_W), one.value_at(start.y())
    mouse(one, QEvent.Type.MouseButtonPress, start, button=Qt.MouseButton.MiddleButton)
    mouse(one, QEvent.Type.MouseMove, start - QPointF(100, 20), button=Qt.MouseButton.MiddleButton)
    mouse(
        one,
        QEvent.Type.MouseButtonRelease,
        start - QPointF(100, 20),
        button=Qt.MouseButton.MiddleButton,
    )
    assert view.scale.exact(500 - HEAD_W) == pytest.approx(at[0])
    assert one.value_at(60) == pytest.approx(at[1])


def test_the_menu_of_the_curves_eases_the_key_under_the_pointer(stand: Stand) -> None:
    place = key_place(stand, "AU12L", 40)
    click(editor(stand), place, button=Qt.MouseButton.RightButton)
    reason = QContextMenuEvent.Reason.Mouse
    where = editor(stand).mapToGlobal(place.toPoint())
    QApplication.sendEvent(editor(stand), QContextMenuEvent(reason, place.toPoint(), where))
    menu = editor(stand).findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)[-1]
    next(action for action in menu.actions() if action.text() == "Bezier").trigger()
    menu.close()
    key = stand.track("AU12R").key_at(40)
    assert key is not None
    assert (key.interpolation_in, key.interpolation_out) == ("bezier", "bezier")
    assert stand.session.labels == ("Bezier AU12 key",)


def test_sides_with_keys_of_their_own_are_two_curves(stand: Stand) -> None:
    stand.session.edit(lambda p: edits.set_key(p, "AU12R", 55, 0.4), "Key")
    left, right = editor(stand).curves
    assert (left.target, right.target) == ("AU12L", "AU12R")
    assert "AU12L Lip corner puller" in editor(stand)._names.text()
    click(editor(stand), key_place(stand, "AU12R", 40))
    assert stand.panel.view.keys == {("AU12R", 40)}


@pytest.fixture
def crowded(qtbot: QtBot, qapp: QApplication) -> Stand:
    """A track of 176 keys for every control of a long clip, all selected; six curves."""
    theme.apply_theme(qapp, "dark")
    tracks = tuple(
        Track(target, tuple(Key(frame=60 + 16 * n, value=0.01 * (n % 7)) for n in range(176)))
        for target in sorted(CONTROL_IDS)
    )
    still = a_clip_project(a_motion([ControlVector()] * 2900))
    made = Stand(with_edits(still, 0, FaceEdits(tracks=tracks)))
    qtbot.addWidget(made.panel)
    made.panel.resize(1240, 420)
    made.panel.show()
    qtbot.waitExposed(made.panel)
    made.panel.transport.show_curves(True)
    made.panel.view.select_keys(
        frozenset((track.target, key.frame) for track in tracks for key in track.keys)
    )
    return made


@contextmanager
def profiled() -> Iterator[cProfile.Profile]:
    """A profile of the calls that are made meanwhile."""
    profile = cProfile.Profile()
    profile.enable()
    try:
        yield profile
    finally:
        profile.disable()


def test_ten_thousand_keys_are_dragged_without_a_stop(crowded: Stand) -> None:
    one = editor(crowded)
    grip = next(grip for grip in one.grips() if grip.at.x() > 400)
    mouse(one, QEvent.Type.MouseButtonPress, grip.at)
    calls: list[int] = []
    for step in range(1, 7):
        with profiled() as profile:
            mouse(one, QEvent.Type.MouseMove, grip.at + QPointF(6 * step, 2 * step))
            one.refresh()
            one.grab()
        calls.append(sum(entry.callcount for entry in profile.getstats()))
    mouse(one, QEvent.Type.MouseButtonRelease, grip.at + QPointF(36, 12))
    assert min(frame for _, frame in crowded.panel.view.keys) > 60
    assert len(crowded.panel.view.keys) == 176 * len(CONTROL_IDS)
    assert crowded.session.labels[-1].startswith("Move ")
    assert max(calls) < 12 * len(crowded.panel.view.keys)  # seven calls a key, once for each


def test_handles_are_shown_while_they_can_be_told_apart(crowded: Stand) -> None:
    assert not any(grip.side for grip in editor(crowded).grips())
    seen = editor(crowded).curves[0]
    crowded.panel.view.select_keys((seen.target, key.frame) for key in seen.keys[:40])
    assert any(grip.side for grip in editor(crowded).grips())


def test_of_keys_that_lie_on_each_other_the_topmost_is_taken(stand: Stand) -> None:
    stand.session.edit(
        lambda p: edits.set_key(p, "AU12R", 55, 0.4), "Key"
    )  # two curves now, with the same key on frame 40
    place = key_place(stand, "AU12R", 40)
    found = editor(stand).grip_at(place)
    assert found is not None
    assert found.name == ("AU12R", 40)
    assert editor(stand).grip_at(place + QPointF(0, 30)) is None


def test_many_curves_are_drawn_coarsely_only_during_a_drag(
    qtbot: QtBot, qapp: QApplication
) -> None:
    theme.apply_theme(qapp, "dark")
    length, keyed = (
        900,
        tuple(Key(frame=frame, value=0.02 * (frame % 7)) for frame in range(0, 900, 50)),
    )
    tracks = tuple(Track(target, keyed) for target in sorted(UNIT_IDS))
    project = with_edits(
        a_clip_project(a_motion([ControlVector()] * length)), 0, FaceEdits(tracks=tracks)
    )
    stand = Stand(project)
    qtbot.addWidget(stand.panel)
    stand.panel.resize(1240, 420)
    stand.panel.show()
    stand.panel.view.select_lanes([lane.id for lane in stand.panel.view.lanes if not lane.is_group])
    stand.panel.transport.show_curves(True)
    one = editor(stand)
    assert len(one.curves) == 31
    assert one._names.text().endswith("more</span>")  # not all names find room
    fine = [len(curve.frames) for curve in one.curves]
    stand.panel.view.select_keys((target, 450) for target in CONTROL_IDS)
    place = key_place(stand, one.curves[-1].target, 450)
    mouse(one, QEvent.Type.MouseButtonPress, place)
    mouse(one, QEvent.Type.MouseMove, place - QPointF(0, 9))
    coarse = editor(stand).curves
    assert all(len(curve.frames) < some / 2 for curve, some in zip(coarse, fine, strict=True))
    assert all(set(curve.at.tolist()) <= set(curve.frames.tolist()) for curve in coarse)
    mouse(one, QEvent.Type.MouseButtonRelease, place - QPointF(0, 9))
    assert [len(curve.frames) for curve in editor(stand).curves] == fine
    for curve_ in one.curves:
        before, after = curve(stand.project, curve_.target, curve_.frames)
        np.testing.assert_array_equal(curve_.after, after)
        np.testing.assert_array_equal(curve_.before, before)
