"""Numbers that are dragged, stepped and typed."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.widgets.drag_number import DragNumber, NumberSpec


class Holder(QWidget):
    """A number whose edits are applied, as in a panel."""

    def __init__(self) -> None:
        super().__init__()
        self.number = DragNumber(
            NumberSpec(name="Gain", minimum=-4, maximum=4, start=1.0, suffix=" x")
        )
        self.other = QWidget()
        self.other.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.edits: list[tuple[float, int]] = []
        self.cleared = 0
        layout = QVBoxLayout(self)
        layout.addWidget(self.number)
        layout.addWidget(self.other)
        self.number.value_edited.connect(self._edited)
        self.number.cleared.connect(self._clear)

    def _edited(self, value: float, gesture: int) -> None:
        self.edits.append((value, gesture))
        self.number.apply(value)

    def _clear(self) -> None:
        self.cleared += 1
        self.number.apply(None)


@pytest.fixture
def gain(qtbot: QtBot) -> Holder:
    holder = Holder()
    qtbot.addWidget(holder)
    with qtbot.waitActive(holder):
        holder.show()
        holder.activateWindow()
    holder.number.apply(1.23456)
    holder.number.setFocus()
    return holder


def test_a_number_is_typed_by_beginning_to_type_it(gain: Holder) -> None:
    QTest.keyClick(gain.number, Qt.Key.Key_2)
    assert gain.number.typing.field is not None
    QTest.keyClicks(gain.number.typing.field, ",5 x")
    QTest.keyClick(gain.number.typing.field, Qt.Key.Key_Return)
    assert gain.number.value == 2.5
    assert gain.number.hasFocus()


@pytest.mark.parametrize(
    "held", [Qt.KeyboardModifier.KeypadModifier, Qt.KeyboardModifier.ShiftModifier]
)
def test_digits_of_the_keypad_and_behind_shift_are_typed_too(
    gain: Holder, held: Qt.KeyboardModifier
) -> None:
    QTest.keyClick(gain.number, Qt.Key.Key_2, held)
    assert gain.number.typing.field is not None
    assert gain.number.typing.field.text() == "2"


def test_up_steps_the_field_and_then_leaves_the_number_alone(gain: Holder) -> None:
    gain.number.setFocus()
    QTest.keyClick(gain.number, Qt.Key.Key_Return)
    field = gain.number.typing.field
    assert field is not None
    before = gain.number.value
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert gain.number.value == before
    assert before is not None
    QTest.keyClick(field, Qt.Key.Key_Return)
    after = gain.number.value
    assert after == pytest.approx(round(before, 2) + gain.number.spec.step)
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Delete):
        QTest.keyClick(gain.number, key)
    assert gain.number.value == after


def test_escape_leaves_the_number_as_it_is(gain: Holder) -> None:
    QTest.mouseClick(gain.number, Qt.MouseButton.LeftButton, pos=QPoint(30, 10))
    field = gain.number.typing.field
    assert field is not None
    assert field.text() == "1.23"
    QTest.keyClicks(field, "3")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert gain.number.typing.field is None
    assert gain.edits == []
    assert gain.number.hasFocus()


def test_a_field_in_which_nothing_is_typed_changes_nothing(gain: Holder) -> None:
    gain.number.edit_number()
    assert gain.number.typing.field is not None
    QTest.keyClick(gain.number.typing.field, Qt.Key.Key_Return)
    gain.number.edit_number()
    gain.other.setFocus()
    assert gain.number.typing.field is None
    assert (gain.edits, gain.cleared) == ([], 0)


def test_a_text_that_is_no_number_is_marked_and_dropped_on_leaving(
    gain: Holder,
) -> None:
    gain.number.edit_number("7")
    field = gain.number.typing.field
    assert field is not None
    assert field.toolTip() == "A number from \u22124.00 x to 4.00 x; empty to reset"
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.property("invalid") is True
    gain.other.setFocus()
    assert (gain.edits, gain.cleared) == ([], 0)


def test_an_emptied_field_sets_the_number_back(gain: Holder) -> None:
    gain.number.edit_number()
    field = gain.number.typing.field
    assert field is not None
    QTest.keyClick(field, Qt.Key.Key_Delete)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert (gain.edits, gain.cleared) == ([], 1)


def test_arrows_step_and_delete_sets_back(gain: Holder) -> None:
    gain.number.apply(None)
    QTest.keyClick(gain.number, Qt.Key.Key_Up)
    QTest.keyClick(gain.number, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert [value for value, _ in gain.edits] == [1.01, 1.009]
    QTest.keyClick(gain.number, Qt.Key.Key_Delete)
    assert gain.cleared == 1
