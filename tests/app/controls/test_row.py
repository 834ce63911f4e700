from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QColor, QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.control_rows import rows
from app.controls.row import ControlRow

LEFT = Qt.MouseButton.LeftButton
Edits = list[tuple[str, float, int]]


class Holder(QWidget):
    """A row whose edits are applied, as in the panel."""

    def __init__(self, key: str, photo: float) -> None:
        super().__init__()
        self.row = ControlRow(rows()[key])
        self.other = ControlRow(rows()["AU4"])
        layout = QVBoxLayout(self)
        layout.addWidget(self.row)
        layout.addWidget(self.other)
        self.photo, self.linked = photo, True
        self.edits: Edits = []
        self.resets: list[tuple[str, int]] = []
        self.row.value_edited.connect(self._edited)
        self.row.reset_asked.connect(self._reset)
        self.row.link_toggled.connect(self._linked)
        self.show_value(photo)

    def show_value(self, value: float) -> None:
        self.row.apply(value, self.photo, edited=value != self.photo, linked=self.linked)

    def _edited(self, key: str, value: float, gesture: int) -> None:
        self.edits.append((key, value, gesture))
        self.show_value(value)

    def _reset(self, key: str, gesture: int) -> None:
        self.resets.append((key, gesture))
        self.show_value(self.photo)

    def _linked(self, key: str, linked: bool) -> None:
        self.linked = linked
        self.show_value(self.row.shown)


@pytest.fixture
def smile(qtbot: QtBot) -> Iterator[Holder]:
    yield from held(qtbot, "AU12", 0.3)


@pytest.fixture
def yaw(qtbot: QtBot) -> Iterator[Holder]:
    yield from held(qtbot, "yaw", 0.0)


def held(qtbot: QtBot, key: str, photo: float) -> Iterator[Holder]:
    holder = Holder(key, photo)
    qtbot.addWidget(holder)
    holder.resize(420, 80)
    holder.show()
    qtbot.waitExposed(holder)
    yield holder


def at(row: ControlRow, value: float) -> QPoint:
    return QPointF(row.track_x(value), row.height() / 2).toPoint()


def drag(
    row: ControlRow,
    start: float,
    end: float,
    modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    QTest.mousePress(row, LEFT, Qt.KeyboardModifier.NoModifier, at(row, start))
    begin, finish = at(row, start).x(), at(row, end).x()
    for step in range(1, 6):
        place = QPoint(begin + (finish - begin) * step // 5, row.height() // 2)
        event_with(row, place, modifier)
    QTest.mouseRelease(row, LEFT, modifier, at(row, end))


def event_with(row: ControlRow, place: QPoint, modifier: Qt.KeyboardModifier) -> None:
    everywhere = QPointF(row.mapToGlobal(place))
    move = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(place), everywhere, Qt.MouseButton.NoButton, LEFT, modifier
    )
    QApplication.sendEvent(row, move)


def test_a_drag_carries_the_value_along_in_one_gesture(smile: Holder) -> None:
    drag(smile.row, 0.3, 0.8)
    assert smile.edits[-1][1] == pytest.approx(0.8, abs=0.02)
    assert len(smile.edits) > 2
    assert len({gesture for _, _, gesture in smile.edits}) == 1
    assert not smile.row.is_dragging


def test_two_drags_are_two_gestures(smile: Holder) -> None:
    drag(smile.row, 0.3, 0.5)
    drag(smile.row, 0.5, 0.7)
    assert len({gesture for _, _, gesture in smile.edits}) == 2


def test_taking_the_handle_alone_changes_nothing(smile: Holder) -> None:
    QTest.mouseClick(smile.row, LEFT, pos=at(smile.row, 0.3))
    assert smile.edits == []


def test_a_press_on_the_track_jumps_there(smile: Holder) -> None:
    QTest.mouseClick(smile.row, LEFT, pos=at(smile.row, 0.9))
    assert smile.edits[0][1] == pytest.approx(0.9, abs=0.02)


def test_shift_drags_ten_times_finer(smile: Holder) -> None:
    drag(smile.row, 0.3, 0.8, Qt.KeyboardModifier.ShiftModifier)
    assert smile.edits[-1][1] == pytest.approx(0.35, abs=0.01)


def test_values_stay_within_the_range(yaw: Holder) -> None:
    drag(yaw.row, 0.0, 45.0)
    event = QTest
    event.mousePress(yaw.row, LEFT, pos=at(yaw.row, 45.0))
    event_with(yaw.row, QPoint(yaw.row.width() + 200, 10), Qt.KeyboardModifier.NoModifier)
    event.mouseRelease(yaw.row, LEFT, pos=at(yaw.row, 45.0))
    assert max(value for _, value, _ in yaw.edits) == 45.0


def test_a_double_click_resets_in_the_gesture_of_its_first_click(
    smile: Holder,
) -> None:
    place = at(smile.row, 0.9)
    QTest.mouseClick(smile.row, LEFT, pos=place)
    QTest.mouseDClick(smile.row, LEFT, pos=place)
    assert smile.resets == [("AU12", smile.edits[0][2])]
    assert smile.row.shown == 0.3


def test_the_wheel_acts_on_a_focused_row_only(smile: Holder) -> None:
    def wheel() -> bool:
        place = QPointF(at(smile.row, 0.5))
        event = QWheelEvent(
            place,
            QPointF(smile.row.mapToGlobal(place.toPoint())),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(smile.row, event)
        return event.isAccepted()

    smile.other.setFocus()
    assert not wheel()
    assert smile.edits == []
    smile.row.setFocus()
    assert wheel()
    assert smile.edits[-1][1] == pytest.approx(0.31)


def test_keys_step_leap_and_reset(smile: Holder) -> None:
    smile.row.setFocus()
    for key, value in (
        (Qt.Key.Key_Right, 0.31),
        (Qt.Key.Key_Down, 0.30),
        (Qt.Key.Key_PageUp, 0.40),
        (Qt.Key.Key_End, 1.0),
        (Qt.Key.Key_Home, 0.0),
    ):
        QTest.keyClick(smile.row, key)
        assert smile.row.shown == pytest.approx(value)
    QTest.keyClick(smile.row, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert smile.row.shown == pytest.approx(0.001)
    QTest.keyClick(smile.row, Qt.Key.Key_Delete)
    assert smile.row.shown == 0.3


def test_a_number_is_typed_by_beginning_to_type_it(qtbot: QtBot, smile: Holder) -> None:
    smile.row.setFocus()
    QTest.keyClick(smile.row, Qt.Key.Key_0)
    field = smile.row.typing.field
    assert field is not None
    QTest.keyClicks(field, ".77")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert smile.row.shown == pytest.approx(0.77)
    assert smile.row.hasFocus()


def test_a_click_on_the_number_opens_a_field_and_escape_leaves_it(smile: Holder) -> None:
    number = smile.row._places().number.center().toPoint()
    QTest.mouseClick(smile.row, LEFT, pos=number)
    field = smile.row.typing.field
    assert field is not None
    assert field.text() == "0.30"
    QTest.keyClicks(field, "0.9")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert smile.row.typing.field is None
    assert smile.edits == []


def test_a_number_out_of_range_is_marked_and_not_taken(smile: Holder) -> None:
    smile.row.edit_number("7")
    field = smile.row.typing.field
    assert field is not None
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.property("invalid") is True
    assert smile.row.typing.field is field
    assert smile.edits == []
    QTest.keyClick(field, Qt.Key.Key_Escape)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ((Qt.Key.Key_Up,), "0.31"),
        ((Qt.Key.Key_Down, Qt.Key.Key_Down), "0.28"),
        ((Qt.Key.Key_PageUp,), "0.4"),
        ((Qt.Key.Key_PageDown,) * 4, "0"),
    ],
)
def test_up_and_down_step_the_number_in_the_field_and_not_the_row(
    smile: Holder, keys: tuple[Qt.Key, ...], text: str
) -> None:
    smile.row.edit_number()
    field = smile.row.typing.field
    assert field is not None
    for key in keys:
        QTest.keyClick(field, key)
    assert field.text() == text
    assert not smile.edits
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert [value for _, value, _ in smile.edits] == [pytest.approx(float(text))]


def test_what_is_no_number_is_not_stepped(smile: Holder) -> None:
    smile.row.edit_number("-")
    field = smile.row.typing.field
    assert field is not None
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert field.property("invalid")
    QTest.keyClick(field, Qt.Key.Key_F9)
    assert not smile.edits


@pytest.mark.parametrize("end", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_after_a_typed_number_no_key_moves_the_row_until_a_click(
    qtbot: QtBot, smile: Holder, end: Qt.Key
) -> None:
    smile.row.setFocus()
    QTest.keyClicks(smile.row, "0")
    field = smile.row.typing.field
    assert field is not None
    QTest.keyClicks(field, ".5")
    QTest.keyClick(field, end)
    value = 0.5 if end == Qt.Key.Key_Return else 0.3
    assert smile.row.hasFocus()
    movers = (
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_Up,
        Qt.Key.Key_Right,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_Delete,
    )
    for key in movers:
        QTest.keyClick(smile.row, key)
    assert smile.row.shown == value
    assert not smile.resets
    QTest.keyClick(smile.row, Qt.Key.Key_7)
    assert smile.row.typing.field is not None, "another number can be typed at once"
    QTest.keyClick(smile.row.typing.field, Qt.Key.Key_Escape)
    smile.other.setFocus()
    smile.row.setFocus()
    QTest.keyClick(smile.row, Qt.Key.Key_Right)
    assert smile.row.shown == pytest.approx(value + 0.01)


def test_leaving_the_field_takes_a_changed_number(smile: Holder) -> None:
    smile.row.edit_number()
    field = smile.row.typing.field
    assert field is not None
    QTest.keyClicks(field, "B")
    smile.other.setFocus()
    assert smile.row.shown == pytest.approx(0.4)


def test_the_link_is_toggled_by_its_icon_and_by_a_key(smile: Holder) -> None:
    QTest.mouseClick(smile.row, LEFT, pos=smile.row._places().link.center().toPoint())
    assert smile.row.is_split
    smile.row.setFocus()
    QTest.keyClick(smile.row, Qt.Key.Key_L)
    assert not smile.row.is_split


def test_a_split_row_is_a_title_that_sets_nothing(smile: Holder) -> None:
    smile.linked = False
    smile.show_value(0.3)
    QTest.mouseClick(smile.row, LEFT, pos=at(smile.row, 0.9))
    smile.row.setFocus()
    QTest.keyClick(smile.row, Qt.Key.Key_Right)
    assert smile.edits == []


def test_assistive_technology_meets_a_slider_with_a_name_and_a_value(smile: Holder) -> None:
    interface = QAccessible.queryAccessibleInterface(smile.row)
    assert interface.role() == QAccessible.Role.Slider
    assert interface.text(QAccessible.Text.Name) == "AU12 Lip corner puller"
    assert (
        interface.text(QAccessible.Text.Description)
        == "0.30, B, slight; in the photo 0.30, B, slight"
    )


def test_the_fill_runs_from_the_photo_to_the_value(smile: Holder) -> None:
    smile.show_value(0.8)
    image = smile.row.grab().toImage()
    accent = theme.current().color("accent")
    filled = [
        value
        for value in (0.15, 0.25, 0.4, 0.55, 0.7, 0.95)
        if accent in column(image, smile.row.track_x(value))
    ]
    assert filled == [0.4, 0.55, 0.7]


def column(image: QImage, x: float) -> list[QColor]:
    return [image.pixelColor(round(x), y) for y in range(image.height())]
