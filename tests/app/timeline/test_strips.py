"""Strips over the lanes, and the zoom and scroll of all parts of the timeline."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.timeline.lane_paint import switch_rect
from app.timeline.time_widget import HEAD_W, TimeWidget
from icface.document import FaceEdits, MixRule, edits
from icface.document.curves import Blend, Key, Track
from icface.document.edits.faces import with_edits
from icface.face.controls import CONTROL_IDS, ControlVector
from tests.app.timeline.test_sheet import driven
from tests.app.timeline.timeline_stand import Stand, click, drag, mouse, moving_project
from tests.strategies import a_project

CTRL, SHIFT, NONE = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.NoModifier,
)
MIDDLE = Qt.MouseButton.MiddleButton


@pytest.fixture
def stand(qtbot: QtBot, qapp: QApplication) -> Stand:
    theme.apply_theme(qapp, "dark")
    made = Stand(moving_project())
    qtbot.addWidget(made.panel)
    made.panel.resize(1240, 420)
    made.panel.show()
    qtbot.waitExposed(made.panel)
    return made


def wheel(widget: QWidget, at: QPointF, turned: int, modifier: Qt.KeyboardModifier = NONE) -> None:
    place = QPointF(widget.mapToGlobal(at))
    event = QWheelEvent(
        at,
        place,
        QPoint(),
        QPoint(0, turned),
        Qt.MouseButton.NoButton,
        modifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def parts(stand: Stand) -> tuple[TimeWidget, ...]:
    panel = stand.panel
    return panel.ruler, panel.film, panel.wave, panel.confidence, panel.lanes


def fill(stand: Stand) -> None:
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(QColor("#c04020"))
    stand.panel.set_filmstrip(dict.fromkeys(range(0, 100, 10), image))
    stand.panel.set_waveform(np.full(400, 0.9, np.float32), 0.01)


def test_every_part_zooms_and_moves_in_time_alike(stand: Stand) -> None:
    fill(stand)
    view = stand.panel.view
    for part in parts(stand):
        about = view.scale.exact(400.0)
        wheel(part, QPointF(HEAD_W + 400, 8), 120, CTRL)
        assert view.scale.exact(400.0) == pytest.approx(about)
        before = view.scale
        wheel(part, QPointF(HEAD_W + 400, 8), -120, SHIFT)
        assert view.scale.start > before.start
        wheel(part, QPointF(HEAD_W + 400, 8), 120, SHIFT)
        assert view.scale.start == pytest.approx(before.start)


@pytest.mark.parametrize("place", range(5))
def test_the_middle_button_drags_time(stand: Stand, place: int) -> None:
    fill(stand)
    part, view = parts(stand)[place], stand.panel.view
    view.zoom(8, 0.0)
    at = QPointF(HEAD_W + 500, 8)
    under = view.scale.exact(500)
    mouse(part, QEvent.Type.MouseButtonPress, at, button=MIDDLE)
    mouse(part, QEvent.Type.MouseMove, at - QPointF(200, 0), button=MIDDLE)
    mouse(part, QEvent.Type.MouseButtonRelease, at - QPointF(200, 0), button=MIDDLE)
    assert view.scale.exact(300) == pytest.approx(under)
    mouse(part, QEvent.Type.MouseMove, at, button=MIDDLE)
    assert view.scale.exact(300) == pytest.approx(under)
    assert stand.playhead.frame == 0
    assert stand.session.labels == ()


def test_a_press_on_a_strip_goes_there_and_follows_the_pointer(stand: Stand) -> None:
    fill(stand)
    for part in (stand.panel.film, stand.panel.wave, stand.panel.confidence):
        drag(part, QPointF(part.x_of(20), 6), QPointF(part.x_of(45), 6))
        assert stand.playhead.frame == 45
        click(part, QPointF(part.x_of(10), 6))
        assert stand.playhead.frame == 10


def test_strips_are_painted_anew_only_when_what_they_show_has_changed(
    stand: Stand, qtbot: QtBot
) -> None:
    fill(stand)
    strips = [
        Painted(part) for part in (stand.panel.film, stand.panel.wave, stand.panel.confidence)
    ]
    lanes = Painted(stand.lanes)
    qtbot.waitUntil(lambda: lanes.count > 0 and all(strip.count > 0 for strip in strips))
    for painted in (lanes, *strips):
        painted.count = 0
    stand.session.edit(lambda project: edits.set_key(project, "yaw", 33, 4.0), "Key")
    qtbot.waitUntil(lambda: lanes.count > 0)
    assert [strip.count for strip in strips] == [0, 0, 0]
    stand.session.edit(lambda project: edits.set_range(project, 10, 60), "Range")
    qtbot.waitUntil(lambda: all(strip.count > 0 for strip in strips))


class Painted(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (what Qt calls)
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_pictures_sound_and_problems_are_painted(stand: Stand) -> None:
    fill(stand)
    film = stand.panel.film.grab().toImage()
    assert film.pixelColor(HEAD_W + 60, 20).name() == "#c04020"
    sound = stand.panel.wave.grab().toImage()
    mark = theme.palette("dark").color("mark")
    assert (
        sound.pixelColor(round(stand.panel.wave.x_of(50)), sound.height() // 2).name()
        == mark.name()
    )
    strip_image = stand.panel.confidence.grab().toImage()
    assert (
        strip_image.pixelColor(
            round(stand.panel.confidence.x_of(31)), strip_image.height() - 3
        ).name()
        == theme.palette("dark").amber
    )
    reds = [
        strip_image.pixelColor(x, 8).red()
        for x in range(
            round(stand.panel.confidence.x_of(60)), round(stand.panel.confidence.x_of(64))
        )
    ]
    assert max(reds) > 120


def test_tips_say_what_lies_under_the_pointer(stand: Stand) -> None:
    def tip(widget: QWidget, at: QPointF) -> str:
        QApplication.sendEvent(
            widget, QHelpEvent(QEvent.Type.ToolTip, at.toPoint(), widget.mapToGlobal(at.toPoint()))
        )
        found = QToolTip.text()
        QToolTip.hideText()
        return found

    strip, lanes = stand.panel.confidence, stand.lanes
    assert tip(strip, QPointF(strip.x_of(31), 5)) == "This face: confidence 0.30 in frame 31"
    assert "jump between problems" in tip(strip, QPointF(20, 5))
    click(lanes, QPointF(60, lanes.lane_y("AU12")))
    assert lanes.tip_at(QPoint(60, round(lanes.lane_y("AU12")))) == "AU12 Lip corner puller"
    assert lanes.tip_at(
        QPoint(round(switch_rect(0, 0).center().x()), round(lanes.lane_y("AU12")))
    ).startswith("Mute")
    assert "Double-click" in tip(lanes, stand.key("AU12", 60))
    assert lanes.tip_at(stand.key("AU12", 40).toPoint()) == ""
    assert lanes.tip_at(QPoint(60, round(lanes.lane_y("group:mouth")))) == ""


def test_all_controls_are_shown_when_asked_and_scroll(stand: Stand) -> None:
    view, lanes = stand.panel.view, stand.lanes
    view.show_everything(True)
    assert {target for lane in view.lanes for target in lane.targets} >= set(CONTROL_IDS)
    assert lanes.content_height > lanes.height()
    wheel(lanes, QPointF(HEAD_W + 50, 30), -240)
    assert lanes.top == 120
    stand.panel.show_parameter("AU26")
    assert 0 < lanes.lane_y("AU26") < lanes.height()
    view.show_everything(False)
    assert lanes.top == 0


def test_the_driver_whose_reading_is_shown_is_the_one_that_drives(
    qtbot: QtBot, qapp: QApplication
) -> None:
    stand = Stand(driven())
    qtbot.addWidget(stand.panel)
    assert stand.panel.view.tracking_quality is not None
    assert stand.panel.view.tracking_quality[0] == "A"
    stand.session.edit(
        lambda project: edits.set_rule(project, MixRule(group="all", driver="B")), "Drive"
    )
    assert stand.panel.view.tracking_quality[0] == "B"
    assert stand.panel.confidence.accessibleDescription().endswith("1 tracking problem")


def test_a_document_of_many_frames_is_painted_from_end_to_end(
    qtbot: QtBot, qapp: QApplication
) -> None:
    keys = tuple(Key(frame=40 * n, value=0.01 * (n % 20)) for n in range(2500))
    project = with_edits(
        a_project(ControlVector()),
        0,
        FaceEdits(tracks=(Track("yaw", keys),), blend=Blend(first=9, last=90000)),
    )
    stand = Stand(edits.set_marker(project, 50_000, "half"))
    qtbot.addWidget(stand.panel)
    stand.panel.resize(1240, 420)
    stand.panel.show()
    stand.panel.view.select_lanes(("yaw",))
    stand.panel.transport.show_curves(True)
    assert stand.panel.curves is not None
    (one,) = stand.panel.curves.curves
    assert len(one.frames) < 5000
    assert set(range(0, 40 * 2500, 40)) <= set(one.frames.tolist())
    assert stand.panel.grab().width() == 1240
