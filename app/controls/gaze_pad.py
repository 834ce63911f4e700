"""The gaze pad: AU61 to AU64 as a point in two dimensions."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.control_rows import describe_gaze
from app.theme import EDGE
from app.widgets.gestures import fineness, next_gesture
from app.widgets.number_field import KEEPS_ARROWS

_STEP = 0.02
"""Step of an arrow key; the pad spans -1..1."""


class GazePad(QWidget):
    """A pad for the gaze: right on the pad is right in the picture, -1..1 on both axes.

    A ring marks the photo's own gaze; the line from there to the handle is the change.
    """

    gaze_edited = Signal(float, float, int)
    """x, y, gesture number."""
    reset_asked = Signal(int)
    """gesture number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.point = (0.0, 0.0)
        self.photo = (0.0, 0.0)
        self._edited = False
        self._gesture = 0
        self._drag_from: QPointF | None = None
        self._drag_point = (0.0, 0.0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setObjectName("gaze-pad")
        self.setProperty(KEEPS_ARROWS, True)
        self.setAccessibleName("Gaze")
        self.setToolTip(
            "Gaze (AU61 to AU64): drag to where the eyes should look in the picture.\n"
            "Double-click to reset. Hold Shift to drag ten times finer. Arrow keys step."
        )

    def apply(
        self, point: tuple[float, float], photo: tuple[float, float], *, edited: bool
    ) -> None:
        """Show a gaze, the photo's own gaze, and whether it is edited."""
        if (point, photo, edited) != (self.point, self.photo, self._edited):
            self.point, self.photo, self._edited = point, photo, edited
            self.setAccessibleDescription(
                f"{describe_gaze(*point)}; in the photo {describe_gaze(*photo)}"
            )
            self.update()

    @property
    def pad(self) -> QRectF:
        """Rectangle of the pad, widget pixels."""
        return QRectF(EDGE, 4, min(self.width() - 2 * EDGE - 100, 200), self.height() - 12)

    def position_of(self, point: tuple[float, float]) -> QPointF:
        """Widget position of a gaze."""
        inner = self.pad.adjusted(10, 10, -10, -10)
        return inner.center() + QPointF(
            point[0] * inner.width() / 2, -point[1] * inner.height() / 2
        )

    def gaze_at(self, position: QPointF) -> tuple[float, float]:
        """The gaze of a widget position, within -1..1."""
        inner = self.pad.adjusted(10, 10, -10, -10)
        offset = position - inner.center()
        return _clamped(2 * offset.x() / inner.width()), _clamped(-2 * offset.y() / inner.height())

    # Qt events ------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """A little wider than high."""
        return QSize(340, 124)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the pad and the numbers beside it."""
        painter, colours, pad = QPainter(self), theme.current(), self.pad
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        live = self.isEnabled()
        outline = colours.color("accent") if self.hasFocus() else colours.color("line")
        painter.setPen(QPen(outline, 1))
        painter.setBrush(colours.color("surround"))
        painter.drawRoundedRect(pad.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        middle = self.position_of((0.0, 0.0))
        painter.setPen(QPen(colours.color("mark", 110), 1))
        painter.drawLine(QPointF(pad.left() + 8, middle.y()), QPointF(pad.right() - 8, middle.y()))
        painter.drawLine(QPointF(middle.x(), pad.top() + 8), QPointF(middle.x(), pad.bottom() - 8))
        if live:
            self._paint_gaze(painter, colours)
        self._paint_numbers(painter, colours)

    def _paint_gaze(self, painter: QPainter, colours: theme.Palette) -> None:
        photo, now = self.position_of(self.photo), self.position_of(self.point)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colours.color("secondary"), 2))
        painter.drawEllipse(photo, 4, 4)
        if self._edited:
            painter.setPen(QPen(colours.color("accent"), 3, c=Qt.PenCapStyle.RoundCap))
            painter.drawLine(photo, now)
        painter.setPen(QPen(colours.color("surround"), 2))
        painter.setBrush(colours.color("text"))
        radius = 7.0 if self._drag_from is not None or self.underMouse() or self.hasFocus() else 6.0
        painter.drawEllipse(now, radius, radius)

    def _paint_numbers(self, painter: QPainter, colours: theme.Palette) -> None:
        x, y = self.point
        left, top = self.pad.right() + 14, self.pad.top() + 4
        for name, text in (
            ("In the picture", f"{abs(x):.2f} {'right' if x >= 0 else 'left'}"),
            ("", f"{abs(y):.2f} {'up' if y >= 0 else 'down'}"),
        ):
            if name:
                painter.setFont(theme.ui_font(11))
                painter.setPen(colours.color("secondary"))
                painter.drawText(QRectF(left, top, 110, 16), Qt.AlignmentFlag.AlignVCenter, name)
                top += 20
            painter.setFont(theme.ui_font(semibold=self._edited))
            painter.setPen(
                colours.color("text" if self._edited and self.isEnabled() else "secondary")
            )
            shown = text if self.isEnabled() else "\u2013"
            painter.drawText(QRectF(left, top, 110, 18), Qt.AlignmentFlag.AlignVCenter, shown)
            top += 20

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the gaze to the pointer, or begin to drag it."""
        if event.button() != Qt.MouseButton.LeftButton or not self.pad.contains(event.position()):
            event.ignore()
            return
        self._gesture = next_gesture()
        self._drag_from = event.position()
        near = (event.position() - self.position_of(self.point)).manhattanLength() <= 10
        self._drag_point = self.point if near else self.gaze_at(event.position())
        if not near:
            self._emit(self._drag_point)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer, ten times finer with Shift."""
        if self._drag_from is None:
            return
        moved = (event.position() - self._drag_from) * fineness(event.modifiers())
        self._drag_from = event.position()
        inner = self.pad.adjusted(10, 10, -10, -10)
        x, y = self._drag_point
        self._drag_point = (x + 2 * moved.x() / inner.width(), y - 2 * moved.y() / inner.height())
        self._emit(self._drag_point)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag."""
        self._drag_from = None
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Reset the gaze to the photo's."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.reset_asked.emit(self._gesture)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows step, Delete resets."""
        key = Qt.Key
        moves = {
            key.Key_Left: (-1, 0),
            key.Key_Right: (1, 0),
            key.Key_Up: (0, 1),
            key.Key_Down: (0, -1),
        }
        if not event.isAutoRepeat():
            self._gesture = next_gesture()
        if event.key() in moves:
            across, up = moves[key(event.key())]
            step = _STEP * fineness(event.modifiers())
            self._emit((self.point[0] + across * step, self.point[1] + up * step))
        elif event.key() in {key.Key_Delete, key.Key_Backspace}:
            self.reset_asked.emit(self._gesture)
        else:
            event.ignore()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Grow the handle."""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Shrink the handle."""
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus mark."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the focus mark."""
        self.update()

    def _emit(self, point: tuple[float, float]) -> None:
        x, y = _clamped(point[0]), _clamped(point[1])
        if (x, y) != self.point:
            self.gaze_edited.emit(x, y, self._gesture)


def _clamped(value: float) -> float:
    return min(max(value, -1.0), 1.0)
