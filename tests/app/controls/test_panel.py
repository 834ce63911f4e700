from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from app.control_rows import describe_gaze
from app.controls.gaze_pad import GazePad
from app.controls.panel import ControlsPanel
from icface.document import Project, edits
from icface.face.controls import ACTION_UNITS, ControlVector
from tests.app.conftest import SMILING
from tests.strategies import a_project


@pytest.fixture
def project() -> Project:
    return a_project(SMILING)


@pytest.fixture
def panel(qtbot: QtBot, project: Project) -> Iterator[ControlsPanel]:
    made = ControlsPanel()
    qtbot.addWidget(made)
    made.resize(400, 700)
    made.show()
    qtbot.waitExposed(made)
    made.apply(Project(), project)
    return made


def visible(panel: ControlsPanel) -> set[str]:
    return {key for key, row in panel.rows.items() if row.isVisibleTo(panel)}


def test_rows_show_the_photos_reading(panel: ControlsPanel) -> None:
    row = panel.rows["AU12"]
    assert row.shown == row.photo == pytest.approx(0.55 / 0.6, abs=0.03)  # 0.6 is the most
    assert panel.rows["yaw"].shown == 6.0
    assert panel.gaze.point[0] == pytest.approx(0.15, abs=0.02)


def test_rows_show_an_edit_and_how_many_there_are(panel: ControlsPanel, project: Project) -> None:
    edited = edits.set_control(edits.set_control(project, "AU12L", 0.9), "AU15L", 0.2)
    panel.apply(project, edited)
    assert panel.rows["AU12"].shown == pytest.approx(0.9)
    assert panel.sections["mouth"].header.accessibleDescription() == "2 changed"
    assert panel.reset_button.isEnabled()


def test_an_unlinked_unit_opens_into_left_and_right(panel: ControlsPanel, project: Project) -> None:
    assert "AU12L" not in visible(panel)
    panel.apply(project, edits.link_unit(project, 12, linked=False))
    assert {"AU12", "AU12L", "AU12R"} <= visible(panel)
    assert panel.rows["AU12"].is_split


def test_without_a_face_every_control_rests(panel: ControlsPanel, project: Project) -> None:
    panel.apply(project, Project())
    assert not any(row.isEnabled() for row in panel.rows.values())
    assert not panel.gaze.isEnabled()


def test_a_search_leaves_what_was_meant_and_opens_its_regions(panel: ControlsPanel) -> None:
    panel.set_folded({"mouth"})
    QTest.keyClicks(panel.search, "smile")
    assert visible(panel) == {"AU6", "AU12"}
    QTest.keyClick(panel.search, Qt.Key.Key_Escape)
    assert panel.search.text() == ""
    assert "AU12" not in visible(panel)
    assert {"yaw", "AU1"} <= visible(panel)


def test_a_search_for_nothing_we_have_says_what_could_be_tried(panel: ControlsPanel) -> None:
    panel.search.setText("tail")
    assert visible(panel) == set()
    assert panel._nothing.isVisibleTo(panel)
    assert "tail" in panel._nothing.text()


def test_escape_in_an_empty_search_leaves_it(qtbot: QtBot, panel: ControlsPanel) -> None:
    with qtbot.waitSignal(panel.search.left):
        QTest.keyClick(panel.search, Qt.Key.Key_Escape)


def test_gaze_rows_are_shown_on_demand_and_when_searched_for(panel: ControlsPanel) -> None:
    assert "AU61" not in visible(panel)
    panel.gaze_rows_button.click()
    assert "AU61" in visible(panel)
    panel.gaze_rows_button.click()
    panel.search.setText("61")
    assert visible(panel) == {"AU61"}
    assert panel.gaze.isVisibleTo(panel)


def test_the_rows_ask_for_edits_in_terms_of_the_face(qtbot: QtBot, panel: ControlsPanel) -> None:
    with qtbot.waitSignal(panel.link_toggled) as toggled:
        QTest.keyClick(panel.rows["AU43"], Qt.Key.Key_L)
    assert toggled.args == [43, False]
    with qtbot.waitSignal(panel.value_edited) as edited:
        QTest.keyClick(panel.rows["pitch"], Qt.Key.Key_Right)
    assert edited.args[:2] == ["pitch", pytest.approx(-2.0)]
    with qtbot.waitSignal(panel.reset_asked) as reset:
        QTest.keyClick(panel.rows["pitch"], Qt.Key.Key_Delete)
    assert reset.args[0] == "pitch"


def test_every_control_explains_the_muscle_in_plain_words(panel: ControlsPanel) -> None:
    for unit in ACTION_UNITS:
        assert unit.help in panel.rows[unit.id].toolTip().replace("\n", " ")
    for widget in panel.findChildren(QWidget):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisibleTo(panel):
            assert widget.toolTip() or widget.parent().inherits("QLineEdit"), widget
            assert widget.accessibleName() or (
                isinstance(widget, QAbstractButton) and widget.text()
            ), widget


def test_every_row_is_reached_with_the_tab_key(panel: ControlsPanel) -> None:
    panel.search.setFocus()
    reached = set()
    for _ in range(80):
        panel.focusNextChild()
        focused = panel.focusWidget()
        reached.add(focused.objectName())
    assert {f"row-{key}" for key in visible(panel)} <= reached
    assert "gaze-pad" in reached


def test_a_region_folds_and_tells(qtbot: QtBot, panel: ControlsPanel) -> None:
    with qtbot.waitSignal(panel.region_folded) as folded:
        qtbot.mouseClick(panel.sections["brows"].header, Qt.MouseButton.LeftButton)
    assert folded.args == ["brows", True]
    assert "AU1" not in visible(panel)


def test_nothing_is_repainted_for_another_faces_edits(panel: ControlsPanel) -> None:
    before = a_project(SMILING, ControlVector())
    panel.apply(Project(), before)
    painted: list[Project] = []
    panel._show = painted.append  # type: ignore[method-assign]
    other = edits.choose_face(edits.set_control(edits.choose_face(before, 1), "yaw", 5.0), 0)
    assert other.edits[1] != before.edits[1]
    panel.apply(before, other)
    assert painted == []
    own = edits.set_control(other, "yaw", 5.0)
    panel.apply(other, own)
    assert painted == [own]


class Eyes:
    """A gaze pad whose edits are applied, as in the panel."""

    def __init__(self, qtbot: QtBot) -> None:
        self.pad = GazePad()
        qtbot.addWidget(self.pad)
        self.pad.resize(380, 124)
        self.edits: list[tuple[float, float, int]] = []
        self.resets: list[int] = []
        self.pad.gaze_edited.connect(self._edited)
        self.pad.reset_asked.connect(self.resets.append)
        self.pad.show()

    def _edited(self, x: float, y: float, gesture: int) -> None:
        self.edits.append((x, y, gesture))
        self.pad.apply((x, y), (0.0, 0.0), edited=True)

    def at(self, x: float, y: float) -> QPoint:
        return self.pad.position_of((x, y)).toPoint()


def test_the_pad_follows_the_pointer_in_one_gesture(qtbot: QtBot) -> None:
    eyes = Eyes(qtbot)
    QTest.mousePress(eyes.pad, Qt.MouseButton.LeftButton, pos=eyes.at(0.5, 0.5))
    QTest.mouseMove(eyes.pad, eyes.at(-0.5, 0.25))
    QTest.mouseRelease(eyes.pad, Qt.MouseButton.LeftButton, pos=eyes.at(-0.5, 0.25))
    assert eyes.edits[0][:2] == pytest.approx((0.5, 0.5), abs=0.03)
    assert eyes.edits[-1][:2] == pytest.approx((-0.5, 0.25), abs=0.04)
    assert len({gesture for *_, gesture in eyes.edits}) == 1


def test_the_pad_is_moved_by_arrows_and_reset_by_delete(qtbot: QtBot) -> None:
    eyes = Eyes(qtbot)
    QTest.keyClick(eyes.pad, Qt.Key.Key_Right)
    QTest.keyClick(eyes.pad, Qt.Key.Key_Up)
    assert eyes.pad.point == pytest.approx((0.02, 0.02))
    QTest.keyClick(eyes.pad, Qt.Key.Key_Delete)
    assert len(eyes.resets) == 1


def test_the_pad_ends_at_its_edge(qtbot: QtBot) -> None:
    eyes = Eyes(qtbot)
    QTest.mousePress(eyes.pad, Qt.MouseButton.LeftButton, pos=eyes.at(0.9, 0.0))
    QTest.mouseMove(eyes.pad, QPoint(2000, -500))
    assert eyes.edits[-1][:2] == (1.0, 1.0)


def test_a_gaze_is_described_as_it_is_seen_in_the_picture() -> None:
    assert describe_gaze(0.5, -0.25) == "0.50 right, 0.25 down"
    assert describe_gaze(0.0, 0.0) == "straight ahead"


def test_a_panel_of_a_face_at_rest_has_nothing_to_reset(qtbot: QtBot) -> None:
    panel = ControlsPanel()
    qtbot.addWidget(panel)
    panel.apply(Project(), a_project(ControlVector()))
    assert not panel.reset_button.isEnabled()
