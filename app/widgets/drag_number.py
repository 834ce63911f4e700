"""A number that is dragged sideways, stepped or typed, with a diamond if it can be keyed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.numbers import MINUS, with_minus
from app.widgets.gestures import fineness, next_gesture
from app.widgets.key_mark import KeyState, paint_diamond
from app.widgets.number_field import NumberTyping, begins_number

_SLACK_PX = 3
"""Pixels that the pointer moves before a drag begins."""
_PX_PER_STEP = 2.0
"""Pixels of a drag per step of the number."""
_DIAMOND_W = 10
"""Width of the diamond, logical pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSpec:
    """Range and format of a number.

    Attributes
    ----------
    name, tip : str
        Name for assistive technology, and explanation.
    minimum, maximum, step : float
        Range, and the amount of an arrow key or of two dragged pixels.
    decimals : int
    suffix : str
        Text after the number, such as " f" for frames.
    start : float
        Value at which a drag begins if there is no number.
    keyable : bool
        Whether a diamond is shown before the number.
    """

    name: str
    tip: str = ""
    minimum: float
    maximum: float
    step: float = 0.01
    decimals: int = 2
    suffix: str = ""
    start: float = 0.0
    keyable: bool = False

    def text(self, value: float | None) -> str:
        """The number as text; a dash for None."""
        if value is None:
            return "\u2013"
        return with_minus(f"{value + 0.0:.{self.decimals}f}{self.suffix}")

    def parse(self, text: str) -> float | None:
        """The number in a typed text; None if there is none within the range."""
        try:
            value = float(
                text.strip().removesuffix(self.suffix.strip()).replace(",", ".").replace(MINUS, "-")
            )
        except ValueError:
            return None
        return value if math.isfinite(value) and self.minimum <= value <= self.maximum else None


class DragNumber(QWidget):
    """One number, with the range and format of its `NumberSpec`."""

    value_edited = Signal(float, int)
    """value, gesture number."""
    cleared = Signal()
    """The number shall return to its default."""
    key_asked = Signal()
    """A key shall be set on this frame."""

    def __init__(self, spec: NumberSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.value: float | None = None
        self._key: KeyState = ""
        self._faint = False
        self._gesture = 0
        self._from: QPointF | None = None
        self._dragged: float | None = None
        self.typing = NumberTyping(self, spec, may_be_empty=True)
        self.typing.taken.connect(self._take_typed)
        self.typing.emptied.connect(self.cleared)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAccessibleName(spec.name)
        how = "Drag sideways (Shift: finer), or click to type. Delete resets"
        self.setToolTip(
            "\n".join(
                part
                for part in (f"{spec.name}: {spec.tip}" if spec.tip else spec.name, how)
                if part
            )
        )

    def apply(self, value: float | None, *, key: KeyState = "", faint: bool = False) -> None:
        """Show a value; `faint` if it is inherited."""
        if (value, key, faint) != (self.value, self._key, self._faint):
            self.value, self._key, self._faint = value, key, faint
            self.setAccessibleDescription(self.spec.text(value) + (", keyed" if key else ""))
            self.update()

    def sizeHint(self) -> QSize:
        """Room for the largest number."""
        return QSize(44, 22)

    # Painting -------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the diamond and the number, underlined while hovered."""
        painter, colours = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        awake = self.isEnabled() and (
            self.underMouse() or self.hasFocus() or self._dragged is not None
        )
        if self.hasFocus():
            painter.setPen(QPen(colours.color("accent"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 1.5, -0.5, -1.5), 4, 4)
        if self.spec.keyable and (self._key or awake):
            paint_diamond(
                painter,
                QPointF(_DIAMOND_W / 2, self.height() / 2),
                3.4,
                self._key,
                Qt.GlobalColor.transparent,
            )
        strong = not self._faint and self.value is not None
        painter.setFont(theme.ui_font(11))
        painter.setPen(
            colours.color("mark" if not self.isEnabled() else "text" if strong else "secondary")
        )
        room = QRectF(self.rect()).adjusted(_DIAMOND_W if self.spec.keyable else 2, 0, -4, 0)
        painter.drawText(
            room,
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
            self.spec.text(self.value),
        )
        if awake and not self.hasFocus():
            painter.setPen(QPen(colours.color("mark"), 1))
            painter.drawLine(
                QPointF(room.left() + 4, self.height() - 3.5),
                QPointF(room.right(), self.height() - 3.5),
            )

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show that the number can be dragged."""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Remove the hover mark."""
        self.update()

    # Mouse ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag, or request a key."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.typing.take_up()
        if self.spec.keyable and event.position().x() <= _DIAMOND_W:
            self.key_asked.emit()
        else:
            self._from, self._dragged, self._gesture = event.position(), None, next_gesture()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the number, ten times finer with Shift."""
        if self._from is None:
            return
        moved = event.position().x() - self._from.x()
        if self._dragged is None:
            if abs(moved) < _SLACK_PX:
                return
            self._dragged = self.spec.start if self.value is None else self.value
        self._from = event.position()
        step = self.spec.step * fineness(event.modifiers())
        self._dragged = self._clamped(self._dragged + moved / _PX_PER_STEP * step)
        self._emit(self._dragged)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag; a click without one opens the field."""
        was_held, dragged = self._from is not None, self._dragged is not None
        self._from = self._dragged = None
        if was_held and not dragged and event.button() == Qt.MouseButton.LeftButton:
            self.edit_number()
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step a focused number; otherwise let the panel scroll."""
        turned = event.angleDelta().y()
        if self.hasFocus() and turned:
            self._step(turned / 120, event.modifiers())
            event.accept()
        else:
            event.ignore()

    # Keyboard -------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Accept the keys of this number before the window takes them as shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Up, Qt.Key.Key_Down}  # with Shift finer
            known = (
                set() if self.typing.is_over else steps | {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}
            )
            steps &= known
            shifted = (
                event.modifiers() == Qt.KeyboardModifier.ShiftModifier and event.key() in steps
            )
            if shifted or begins_number(event) or (event.key() in known and not event.modifiers()):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step with Up and Down, reset with Delete, type with Return or a digit."""
        if not event.isAutoRepeat():
            self._gesture = next_gesture()
        key = Qt.Key
        if self.typing.is_over and event.key() in {
            key.Key_Up,
            key.Key_Down,
            key.Key_Delete,
            key.Key_Backspace,
        }:
            event.ignore()
        elif event.key() in {key.Key_Up, key.Key_Down}:
            self._step(1 if event.key() == key.Key_Up else -1, event.modifiers())
        elif event.key() in {key.Key_Delete, key.Key_Backspace}:
            self.cleared.emit()
        elif event.key() in {key.Key_Return, key.Key_Enter}:
            self.edit_number()
        elif begins_number(event):
            self.edit_number(event.text())
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Begin a new gesture for the wheel."""
        self._gesture = next_gesture()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Remove the focus mark."""
        self.typing.take_up()
        self.update()

    def edit_number(self, typed: str = "") -> None:
        """Open a field over the number with its value, or with the typed character."""
        shown = (
            "" if self.value is None else self.spec.text(self.value).removesuffix(self.spec.suffix)
        )
        self.typing.begin(shown, typed, self.rect().adjusted(0, 1, 0, -1))

    def _take_typed(self, value: float) -> None:
        self._gesture = next_gesture()
        self._emit(value)

    def _step(self, steps: float, modifiers: Qt.KeyboardModifier) -> None:
        now = self.spec.start if self.value is None else self.value
        self._emit(self._clamped(now + steps * self.spec.step * fineness(modifiers)))

    def _clamped(self, value: float) -> float:
        return min(max(value, self.spec.minimum), self.spec.maximum)

    def _emit(self, value: float) -> None:
        value = round(value, max(self.spec.decimals, 0) + (1 if self.spec.decimals else 0))
        if value != self.value:
            self.value_edited.emit(value, self._gesture)
