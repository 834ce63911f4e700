"""One row of the control panel: number, name, track, value and link in a single painted widget.

The tick on the track marks the photo's value; the fill runs from there to the edited value. One
widget per row, instead of a label, a slider, a field and a button, keeps sixty rows fast and
aligned.
"""

from __future__ import annotations

import textwrap

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QPointF,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QStatusTipEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSlider, QMenu, QSizePolicy, QWidget

from app import theme
from app.control_rows import RowSpec
from app.controls.foretelling import PLAIN, Outlook
from app.controls.row_painting import RowLook, RowPlaces, paint_row
from app.widgets.gestures import fineness, next_gesture
from app.widgets.key_mark import KeyState
from app.widgets.number_field import NumberTyping, begins_number

_TICKS_PER_UNIT = 1000
"""Integer values of the `QAbstractSlider` per degree or unit of intensity."""
_MOVING = frozenset(
    {
        Qt.Key.Key_Right,
        Qt.Key.Key_Up,
        Qt.Key.Key_Left,
        Qt.Key.Key_Down,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_Delete,
        Qt.Key.Key_Backspace,
    }
)
"""Keys that change the value. After a number was typed they go to the timeline, until the row is
clicked or focused again."""
_LINK_WITH = (Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier)
"""Modifiers with which L links the sides; L alone plays if the document has a timeline."""


class ControlRow(QAbstractSlider):
    """A slider row for one `RowSpec`.

    A `QAbstractSlider` is announced as a slider to assistive technology; its integer value counts
    thousandths.
    """

    value_edited = Signal(str, float, int)
    """row key, value in degrees or intensity, gesture number."""
    reset_asked = Signal(str, int)
    """row key, gesture number."""
    link_toggled = Signal(str, bool)
    """row key, whether left and right move together."""
    key_toggled = Signal(str)
    """row key: set a key on this frame, or remove it."""
    chosen = Signal(str)
    """row key: the row received the keyboard focus."""

    def __init__(self, spec: RowSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.shown = 0.0
        self.photo = 0.0
        self._edited = False
        self._linked = True
        self._key: KeyState = ""
        self._outlook = PLAIN
        self._gesture = 0
        self._drag_from: QPointF | None = None
        self._drag_value = 0.0
        self.typing = NumberTyping(self, spec)
        self.typing.taken.connect(self._take_typed)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(round(spec.minimum * _TICKS_PER_UNIT), round(spec.maximum * _TICKS_PER_UNIT))
        self.setSingleStep(round(spec.step * _TICKS_PER_UNIT))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setToolTip("\n".join(textwrap.wrap(spec.tip, 72) + textwrap.wrap(self._how_to(), 72)))
        self.setObjectName(f"row-{spec.key}")
        self.setAccessibleName(
            " ".join(part for part in (spec.number, spec.name, self._side_word()) if part)
        )
        self.apply(0.0, 0.0, edited=False, linked=True)

    def apply(
        self,
        value: float,
        photo: float,
        *,
        edited: bool,
        linked: bool,
        key: KeyState = "",
        outlook: Outlook = PLAIN,
    ) -> None:
        """Show the value, the photo's own value, and the state of the row.

        Parameters
        ----------
        value, photo : float
        edited, linked : bool
            Whether the value was edited; whether left and right move together.
        key : str
            Whether the row is keyed on this frame, elsewhere or not at all.
        outlook : Outlook
            What moving the slider would change, and what a blend leaves of the value.
        """
        self._foretell(outlook.text)
        state = (value, photo, edited, linked, key, outlook)
        if state == (self.shown, self.photo, self._edited, self._linked, self._key, self._outlook):
            return
        self.shown, self.photo, self._edited, self._linked, self._key, self._outlook = state
        with QSignalBlocker(self):
            self.setValue(round(value * _TICKS_PER_UNIT))
        keyed = {"": "", "elsewhere": "; keyed on other frames", "here": "; key on this frame"}[key]
        moved = "; whole curve moved" if outlook.shifted else ""
        left = outlook.in_picture
        self.setAccessibleDescription(
            f"{self.spec.spoken(value)}; in the photo {self.spec.spoken(photo)}{keyed}{moved}"
            + ("" if left is None else f"; in this frame {self.spec.spoken(left)}")
        )
        self.update()

    def _foretell(self, text: str) -> None:
        """Set the status text; show it at once if the row is under the pointer or has the focus."""
        if text != self.statusTip():
            self.setStatusTip(text)
            if self.isVisible() and (self.underMouse() or self.hasFocus()):
                self._tell(text)

    def _tell(self, text: str) -> None:
        QCoreApplication.sendEvent(self, QStatusTipEvent(text))

    @property
    def is_dragging(self) -> bool:
        """Whether the pointer drags the handle."""
        return self._drag_from is not None

    @property
    def is_split(self) -> bool:
        """Whether left and right have their own rows, so that this one is only their title."""
        return self.spec.can_unlink and not self._linked

    def track_x(self, value: float) -> float:
        """Widget x of a value on the track."""
        return self._places().x_of(value, self.spec)

    def _how_to(self) -> str:
        if self.spec.seen is not None:
            within = f"±{self.spec.seen:.0f}°" if self.spec.is_angle else f"{self.spec.seen:.2f}"
            return f"Dashed: beyond {within} pictures of other faces went wrong. Look closely."
        return "Double-click to reset to the photo's value. Hold Shift to drag ten times finer."

    def _side_word(self) -> str:
        return {"L": "left", "R": "right"}.get(self.spec.side, "")

    def _places(self) -> RowPlaces:
        return RowPlaces.of(self.width(), self.height(), has_link=self.spec.can_unlink)

    # Qt events ------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """One row of the grid."""
        return QSize(340, theme.ROW_PX)

    def minimumSizeHint(self) -> QSize:
        """Wide enough for a usable track."""
        return QSize(300, theme.ROW_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the whole row."""
        painter = QPainter(self)
        look = RowLook(
            spec=self.spec,
            value=self.shown,
            photo=self.photo,
            edited=self._edited,
            linked=self._linked,
            split=self.is_split,
            enabled=self.isEnabled(),
            hovered=self.underMouse() or self.is_dragging,
            focused=self.hasFocus(),
            dragging=self.is_dragging,
            key=self._key,
            outlook=self._outlook,
        )
        paint_row(painter, self._places(), look, theme.current())

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the intensity letters."""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the intensity letters."""
        self.update()

    # Mouse ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Drag the handle, jump to the pointer, type, or toggle the link."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.typing.take_up()
        places, at = self._places(), event.position()
        self._gesture = next_gesture()
        if places.key.contains(at):
            self.key_toggled.emit(self.spec.key)
        elif self.spec.can_unlink and places.link.contains(at):
            self.link_toggled.emit(self.spec.key, not self._linked)
        elif self.is_split:
            return
        elif places.number.contains(at):
            self.edit_number()
        elif places.grip.contains(at):
            self._begin_drag(at, places)

    def _begin_drag(self, at: QPointF, places: RowPlaces) -> None:
        on_handle = abs(at.x() - places.x_of(self.shown, self.spec)) <= places.handle_radius + 2
        self._drag_value = self.shown if on_handle else places.value_at(at.x(), self.spec)
        self._drag_from = at
        self.setSliderDown(True)
        if not on_handle:
            self._emit(self._drag_value)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the value with the pointer, ten times finer with Shift."""
        places, at = self._places(), event.position()
        if self._drag_from is None:
            over_link = places.key.contains(at) or (
                self.spec.can_unlink and places.link.contains(at)
            )
            over_number = places.number.contains(at) and not self.is_split
            cursor = Qt.CursorShape.PointingHandCursor if over_link else Qt.CursorShape.ArrowCursor
            self.setCursor(Qt.CursorShape.IBeamCursor if over_number else cursor)
            return
        per_px = (self.spec.maximum - self.spec.minimum) / max(places.track.width(), 1.0)
        self._drag_value += (at.x() - self._drag_from.x()) * per_px * fineness(event.modifiers())
        self._drag_from = at
        self._emit(self._drag_value)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag."""
        if self._drag_from is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drag_from = None
            self.setSliderDown(False)
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Reset to the photo's value; one step of the history with the jump of the first click."""
        places, at = self._places(), event.position()
        if event.button() == Qt.MouseButton.LeftButton and not self.is_split:
            if self.spec.can_unlink and places.link.contains(at):
                self.link_toggled.emit(self.spec.key, not self._linked)
            elif places.key.contains(at):
                self.key_toggled.emit(self.spec.key)
            elif not places.number.contains(at):
                self.reset_asked.emit(self.spec.key, self._gesture)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step a focused row; otherwise let the panel scroll."""
        turned = event.angleDelta().y()
        if not self.hasFocus() or not turned or self.is_split:
            event.ignore()
            return
        self._emit(self.shown + self.spec.step * fineness(event.modifiers()) * turned / 120)
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open a menu of the same commands."""
        menu = QMenu(self)
        reset = menu.addAction("Reset to the photo's value")
        reset.setEnabled(self._edited)
        reset.triggered.connect(lambda: self.reset_asked.emit(self.spec.key, next_gesture()))
        if not self.is_split:
            text = (
                "Remove the key on this frame" if self._key == "here" else "Set a key on this frame"
            )
            menu.addAction(text).triggered.connect(lambda: self.key_toggled.emit(self.spec.key))
            menu.addAction("Type a value…").triggered.connect(lambda _checked: self.edit_number())
        if self.spec.can_unlink:
            text = "Unlink left and right" if self._linked else "Link left and right"
            menu.addAction(text).triggered.connect(
                lambda: self.link_toggled.emit(self.spec.key, not self._linked)
            )
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def event(self, event: QEvent) -> bool:
        """Accept keys that type a number before the window takes them as shortcuts."""
        asked = (
            event
            if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
            else None
        )
        if asked is not None and begins_number(asked) and not self.is_split:
            event.accept()
            return True
        return super().event(event)

    # Keyboard -------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step with arrows and Page keys, reset with Delete, type with digits, link with L."""
        if not event.isAutoRepeat():
            self._gesture = next_gesture()
        key = Qt.Key
        steps = {
            key.Key_Right: 1,
            key.Key_Up: 1,
            key.Key_Left: -1,
            key.Key_Down: -1,
            key.Key_PageUp: 10,
            key.Key_PageDown: -10,
        }
        if event.key() == key.Key_L and self.spec.can_unlink and event.modifiers() in _LINK_WITH:
            self.link_toggled.emit(self.spec.key, not self._linked)
        elif self.is_split or (self.typing.is_over and event.key() in _MOVING):
            event.ignore()
        elif event.key() in steps:
            self._emit(
                self.shown + self.spec.step * steps[key(event.key())] * fineness(event.modifiers())
            )
        elif event.key() in {key.Key_Home, key.Key_End}:
            self._emit(self.spec.minimum if event.key() == key.Key_Home else self.spec.maximum)
        elif event.key() in {key.Key_Delete, key.Key_Backspace}:
            self.reset_asked.emit(self.spec.key, self._gesture)
        elif event.key() in {key.Key_Return, key.Key_Enter}:
            self.edit_number()
        elif begins_number(event):
            self.edit_number(event.text())
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Begin a new gesture for the wheel."""
        self._gesture = next_gesture()
        self.chosen.emit(self.spec.key)
        if self.statusTip():
            self._tell(self.statusTip())
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Remove the focus mark."""
        self.typing.take_up()
        if self.statusTip():
            self._tell("")
        self.update()

    # Typing ---------------------------------------------------------------------------------------

    def edit_number(self, typed: str = "") -> None:
        """Open a field over the number with its value, or with the typed character."""
        place = self._places().number.toRect().adjusted(-8, 2, 4, -2)
        self.typing.begin(self.spec.text(self.shown).removesuffix(self.spec.sign), typed, place)

    def _take_typed(self, value: float) -> None:
        self._gesture = next_gesture()
        self._emit(value)

    def _emit(self, value: float) -> None:
        value = self.spec.clamp(value)
        if value != self.shown:
            self.value_edited.emit(self.spec.key, value, self._gesture)
