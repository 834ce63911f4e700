"""The base of the timeline's parts: a heading on the left, time and playhead on the right."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.timeline.view import TimelineView

HEAD_W = 296
"""Width of the headings, logical pixels."""
_ZOOM_STEP = 1.25
"""Factor of the zoom for one step of the wheel."""


class TimeWidget(QWidget):
    """A part of the timeline; x of a frame is ``HEAD_W + view.scale.x(frame)``."""

    scrolled = Signal(int)
    """The wheel scrolls the lanes down by so many pixels."""

    def __init__(self, view: TimelineView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self._playhead_x = 0.0
        self._pan_from: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        view.scale_changed.connect(self.update)
        view.playhead.moved.connect(self._playhead_moved)

    def x_of(self, frame: float) -> float:
        """Widget x of a frame."""
        return HEAD_W + self.view.scale.x(frame)

    def frame_at(self, x: float) -> int:
        """The frame nearest to a widget x."""
        return self.view.scale.frame(x - HEAD_W)

    @property
    def time_rect(self) -> QRect:
        """Rectangle of the time axis, without the heading."""
        return QRect(HEAD_W, 0, max(self.width() - HEAD_W, 0), self.height())

    def _playhead_moved(self, frame: int) -> None:
        was, now = self._playhead_x, self.x_of(frame)
        self._playhead_x = now
        for x in (was, now):
            self.update(QRect(round(x) - 8, 0, 16, self.height()))

    # Painting -------------------------------------------------------------------------------------

    def paint_ground(self, painter: QPainter, heading: str = "") -> None:
        """Paint the background, the shade outside the in and out points, and the heading."""
        colours, area = theme.current(), self.time_rect
        painter.fillRect(self.rect(), colours.color("panel"))
        painter.fillRect(area, colours.color("surround" if colours.name == "dark" else "raised"))
        first, last = self.view.project.range
        shade = QColor(0, 0, 0, 60 if colours.name == "dark" else 22)
        left, right = self.x_of(first), self.x_of(last + 1)
        if left > HEAD_W:
            painter.fillRect(QRectF(HEAD_W, 0, left - HEAD_W, self.height()), shade)
        if right < self.width():
            painter.fillRect(
                QRectF(max(right, HEAD_W), 0, self.width() - max(right, HEAD_W), self.height()),
                shade,
            )
        if heading:
            painter.setFont(theme.ui_font(11))
            painter.setPen(colours.color("secondary"))
            inside = QRectF(16, 0, HEAD_W - 24, self.height())
            text = painter.fontMetrics().elidedText(
                heading, Qt.TextElideMode.ElideRight, int(inside.width())
            )
            painter.drawText(
                inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text
            )

    def paint_playhead(self, painter: QPainter) -> None:
        """Paint the line of the playhead and the borders of the widget."""
        colours = theme.current()
        painter.setPen(QPen(colours.color("line"), 1))
        painter.drawLine(
            QPointF(0, self.height() - 0.5), QPointF(self.width(), self.height() - 0.5)
        )
        painter.drawLine(QPointF(HEAD_W - 0.5, 0), QPointF(HEAD_W - 0.5, self.height()))
        x = self.x_of(self.view.playhead.frame)
        self._playhead_x = x
        if x >= HEAD_W:
            painter.setPen(QPen(colours.color("accent"), 1.5))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    # Wheel and middle button ----------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with Ctrl, move in time with Shift or sideways, otherwise scroll the lanes."""
        turned, across = event.angleDelta().y(), event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and turned:
            self.view.zoom(_ZOOM_STEP ** (turned / 120), event.position().x() - HEAD_W)
        elif across or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.view.set_scale(self.view.scale.panned(-(across or turned)))
        else:
            self.scrolled.emit(-turned // 2)
        event.accept()

    def begin_pan(self, event: QMouseEvent) -> bool:
        """Begin to pan if the middle button was pressed; return whether it was."""
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan_from = event.position().x()
            return True
        return False

    def pan(self, event: QMouseEvent) -> bool:
        """Pan with the pointer; return whether a pan is under way."""
        if self._pan_from is None:
            return False
        self.view.set_scale(self.view.scale.panned(self._pan_from - event.position().x()))
        self._pan_from = event.position().x()
        return True

    def end_pan(self, event: QMouseEvent) -> bool:
        """End the pan if the middle button was released; return whether it was."""
        held = self._pan_from is not None and event.button() == Qt.MouseButton.MiddleButton
        if held:
            self._pan_from = None
        return held

    def changeEvent(self, event: QEvent) -> None:
        """Repaint in another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
