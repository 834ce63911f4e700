"""A number that is dragged sideways, stepped or typed, with a diamond that says whether it is keyed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from app import theme
from app.gestures import FINE, next_gesture

KeyState = Literal["", "keyed", "here"]
"""Not keyed, keyed elsewhere, keyed on the frame under the playhead."""
_SLACK_PX = 3
_PX_PER_STEP = 2.0
_DIAMOND_W = 10
_TYPED = "0123456789.,-+"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSpec:
    """What kind of number it is.

    Attributes
    ----------
    name, tip : str
        For assistive technology, and what it does.
    low, high, step : float
        Range, and what two pixels or an arrow key add.
    decimals : int
    suffix : str
        Behind the number, as " f" for frames.
    start : float
        Where a drag begins while there is no number.
    keyable : bool
        A diamond stands before it.
    """

    name: str
    tip: str = ""
    low: float
    high: float
    step: float = 0.01
    decimals: int = 2
    suffix: str = ""
    start: float = 0.0
    keyable: bool = False

    def text(self, value: float | None) -> str:
        """As it is written; a dash for no number."""
        if value is None:
            return "\u2013"
        return f"{value + 0.0:.{self.decimals}f}{self.suffix}"

    def parse(self, text: str) -> float | None:
        """A typed number within the range; None if it is not one."""
        try:
            value = float(text.strip().removesuffix(self.suffix.strip()).replace(",", ".").replace("\u2212", "-"))
        except ValueError:
            return None
        return value if math.isfinite(value) and self.low <= value <= self.high else None


class DragNumber(QWidget):
    """One number."""

    value_edited = Signal(float, int)
    """The value, gesture number."""
    cleared = Signal()
    """Back to what it is by itself."""
    key_asked = Signal()
    """A key on this frame."""

    def __init__(self, spec: NumberSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.value: float | None = None
        self._key: KeyState = ""
        self._faint = False
        self._gesture = 0
        self._from: QPointF | None = None
        self._dragged: float | None = None
        self._field: QLineEdit | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAccessibleName(spec.name)
        how = "Drag sideways (Shift: finer), or click to type; Delete: back"
        self.setToolTip("\n".join(part for part in (f"{spec.name}: {spec.tip}" if spec.tip else spec.name, how) if part))

    def apply(self, value: float | None, *, key: KeyState = "", faint: bool = False) -> None:
        """Show a value; `faint` if it is not set here."""
        if (value, key, faint) != (self.value, self._key, self._faint):
            self.value, self._key, self._faint = value, key, faint
            self.setAccessibleDescription(self.spec.text(value) + (", keyed" if key else ""))
            self.update()

    def sizeHint(self) -> QSize:
        """Room for the largest number."""
        return QSize(44, 22)

    # Painting --------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Diamond, number, and a line under it while it can be taken."""
        painter, colours = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        awake = self.isEnabled() and (self.underMouse() or self.hasFocus() or self._dragged is not None)
        if self.hasFocus():
            painter.setPen(QPen(colours.color("accent"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 1.5, -0.5, -1.5), 4, 4)
        if self.spec.keyable and (self._key or awake):
            self._paint_diamond(painter)
        strong = not self._faint and self.value is not None
        painter.setFont(theme.ui_font(11))
        painter.setPen(colours.color("mark" if not self.isEnabled() else "text" if strong else "secondary"))
        room = QRectF(self.rect()).adjusted(_DIAMOND_W if self.spec.keyable else 2, 0, -4, 0)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self.spec.text(self.value))
        if awake and not self.hasFocus():
            painter.setPen(QPen(colours.color("mark"), 1))
            painter.drawLine(QPointF(room.left() + 4, self.height() - 3.5), QPointF(room.right(), self.height() - 3.5))

    def _paint_diamond(self, painter: QPainter) -> None:
        colours = theme.current()
        at, reach = QPointF(_DIAMOND_W / 2, self.height() / 2), 3.4
        shape = QPolygonF([at + QPointF(x * reach, y * reach) for x, y in ((0, -1), (1, 0), (0, 1), (-1, 0))])
        painter.setPen(QPen(colours.color("amber" if self._key else "mark"), 1.2))
        painter.setBrush(colours.color("amber") if self._key == "here" else Qt.BrushStyle.NoBrush)
        painter.drawPolygon(shape)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show what can be done."""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Hide it."""
        self.update()

    # Mouse -----------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the number, or ask for a key."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
        elif self.spec.keyable and event.position().x() <= _DIAMOND_W:
            self.key_asked.emit()
        else:
            self._from, self._dragged, self._gesture = event.position(), None, next_gesture()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Change it, ten times finer with Shift."""
        if self._from is None:
            return
        moved = event.position().x() - self._from.x()
        if self._dragged is None:
            if abs(moved) < _SLACK_PX:
                return
            self._dragged = self.spec.start if self.value is None else self.value
        self._from = event.position()
        fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        self._dragged = self._clamped(self._dragged + moved / _PX_PER_STEP * self.spec.step * fine)
        self._emit(self._dragged)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go; without a drag, type."""
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

    # Keyboard --------------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """What this number understands is no shortcut of the window while it has the focus."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Up, Qt.Key.Key_Down}  # with Shift finer
            known = steps | {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}
            own = event.key() in known or (event.text() and event.text() in _TYPED)
            shifted = event.modifiers() == Qt.KeyboardModifier.ShiftModifier and event.key() in steps
            if shifted or (own and not event.modifiers()):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down step, Delete clears, Return or a digit types."""
        if not event.isAutoRepeat():
            self._gesture = next_gesture()
        key = Qt.Key
        if event.key() in {key.Key_Up, key.Key_Down}:
            self._step(1 if event.key() == key.Key_Up else -1, event.modifiers())
        elif event.key() in {key.Key_Delete, key.Key_Backspace}:
            self.cleared.emit()
        elif event.key() in {key.Key_Return, key.Key_Enter}:
            self.edit_number()
        elif event.text() and event.text() in _TYPED and not event.modifiers():
            self.edit_number(event.text())
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Begin a new gesture for the wheel."""
        self._gesture = next_gesture()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Drop the mark of the keyboard's place."""
        self.update()

    def edit_number(self, typed: str = "") -> None:
        """Open a field over the number, holding the value or what was typed to open it."""
        if self._field is not None or not self.isEnabled():
            return
        shown = "" if self.value is None else self.spec.text(self.value).removesuffix(self.spec.suffix)
        field = QLineEdit(typed or shown, self)
        field.setObjectName("number-field")
        field.setAccessibleName(self.spec.name)
        field.setAlignment(Qt.AlignmentFlag.AlignRight)
        field.setToolTip(f"A number from {self.spec.text(self.spec.low)} to {self.spec.text(self.spec.high)}; empty: back")
        field.setGeometry(self.rect().adjusted(0, 1, 0, -1))
        if not typed:
            field.selectAll()
        field.editingFinished.connect(self._take_typed)
        self._field = field
        field.show()
        field.setFocus()

    def _take_typed(self) -> None:
        field, self._field = self._field, None
        if field is None:
            return
        text, value = field.text().strip(), self.spec.parse(field.text())
        field.hide()
        field.deleteLater()
        self._gesture = next_gesture()
        if not text:
            self.cleared.emit()
        elif value is not None:
            self._emit(value)

    def _step(self, steps: float, modifiers: Qt.KeyboardModifier) -> None:
        fine = FINE if modifiers & Qt.KeyboardModifier.ShiftModifier else 1.0
        now = self.spec.start if self.value is None else self.value
        self._emit(self._clamped(now + steps * self.spec.step * fine))

    def _clamped(self, value: float) -> float:
        return min(max(value, self.spec.low), self.spec.high)

    def _emit(self, value: float) -> None:
        value = round(value, max(self.spec.decimals, 0) + (1 if self.spec.decimals else 0))
        if value != self.value:
            self.value_edited.emit(value, self._gesture)
