"""The curve editor: keys and Bezier handles of the curves are selected, dragged and added.

Keys behave as they do in the lanes. The module is imported when curves are first shown.
"""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.timeline import curve_grips
from app.timeline.curve_grips import Grip
from app.timeline.curve_view import CurveView
from app.timeline.key_drag import MoveDrag
from app.timeline.key_menu import open_key_menu
from app.timeline.requests import TimelineRequests
from app.timeline.time_widget import HEAD_W
from app.timeline.view import TimelineView
from app.widgets.gestures import next_gesture
from icface.document.edits import KeyName

_MOD = Qt.KeyboardModifier
_DRAG_PX = 3
"""Pixels that the pointer moves before a drag begins."""


class CurveEditor(CurveView):
    """Curves whose keys and handles follow the pointer.

    Parameters
    ----------
    view : TimelineView
    requests : TimelineRequests
    parent : QWidget, optional
    """

    def __init__(
        self, view: TimelineView, requests: TimelineRequests, parent: QWidget | None = None
    ) -> None:
        self._drag: MoveDrag | None = None
        super().__init__(view, parent)
        self.requests = requests
        self._pressed: QPointF | None = None
        self._grip: Grip | None = None
        self._bent: frozenset[KeyName] = frozenset()
        self._gesture = 0
        self._from: tuple[int, float] = (0, 0.0)
        self._before_box: frozenset[KeyName] = frozenset()
        self._pan_y: float | None = None

    @property
    def is_dragging_keys(self) -> bool:
        """Whether keys follow the pointer, so that many curves are drawn coarsely."""
        return self._drag is not None

    # Mouse ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select a key, begin to drag a handle, or begin a selection box."""
        at, shift = event.position(), bool(event.modifiers() & _MOD.ShiftModifier)
        if self.begin_pan(event):
            self._pan_y = at.y()
            return
        if (
            event.button() not in {Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton}
            or at.x() < HEAD_W
        ):
            return
        grip = self.grip_at(at)
        if grip is not None and not grip.side:
            names = self._names_of(grip)
            if shift:
                self.view.select_keys(
                    self.view.keys - names if names <= self.view.keys else self.view.keys | names
                )
            elif not names <= self.view.keys:
                self.view.select_keys(names)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._grip = at, grip
            self._before_box = self.view.keys if shift else frozenset()
            if grip is None and not shift:
                self.view.select_keys(())

    def _names_of(self, grip: Grip) -> frozenset[KeyName]:
        """Name of the key, and of the other side's key if both share one curve."""
        return self._names_on(grip.name[0], {grip.name[1]})

    def _names_on(self, target: str, frames: Collection[int]) -> frozenset[KeyName]:
        """Names of a curve's keys on some frames, on both sides if they share it; none locked."""
        lane = next(lane for lane in self.lanes if target in lane.targets)
        one = sum(curve.lane == lane.id for curve in self.curves) == 1
        free = [part.track.target for part in lane.parts if not part.track.locked]
        return frozenset(
            (name, frame) for name in free if one or name == target for frame in frames
        )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the grip, or draw the selection box."""
        at = event.position()
        if self.pan(event):
            self._pan_values(at.y())
            return
        if self._pressed is None:
            self.setCursor(
                Qt.CursorShape.SizeAllCursor
                if self.grip_at(at) is not None
                else Qt.CursorShape.ArrowCursor
            )
            return
        if self._drag is None and self._box is None and not self._gesture:
            if (at - self._pressed).manhattanLength() < _DRAG_PX:
                return
            self._begin()
        if self._grip is None:
            self._select_box(at)
        elif self._grip.side:
            self._bend(at)
        elif self._drag is not None:
            self._move(at, event.modifiers())
        self._waiting.start()  # delayed: of several quick moves only the last is drawn

    def _begin(self) -> None:
        grip = self._grip
        if grip is None:
            self._box = QRectF()
        elif grip.side:
            self._gesture, self._bent = next_gesture(), self._names_of(grip)
            self._from = grip.name[1], self.value_at(grip.root.y())
        elif grip.name in self.view.keys:
            self._drag = MoveDrag(self.view, self.requests, grip.name[1])
            self._from = grip.name[1], self.value_at(grip.at.y())

    def _move(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        assert self._drag is not None
        assert self._pressed is not None
        by = self.value_at(at.y()) - self.value_at(self._pressed.y())
        frame = round(self._from[0] + (at.x() - self._pressed.x()) / self.view.scale.px)
        if modifiers & _MOD.ControlModifier:
            frame = self._from[0]
        if modifiers & _MOD.AltModifier:
            by = 0.0
        self._drag.to(frame, by)

    def _bend(self, at: QPointF) -> None:
        assert self._grip is not None
        handle = (
            self.view.scale.exact(at.x() - HEAD_W) - self._from[0],
            self.value_at(at.y()) - self._from[1],
        )
        self.requests.handle_moved.emit(self._bent, self._grip.side, handle, self._gesture)

    def _select_box(self, at: QPointF) -> None:
        assert self._pressed is not None
        self._box = QRectF(self._pressed, QPointF(max(at.x(), HEAD_W), at.y())).normalized()
        inside = [
            (one.target, curve_grips.in_box(one, self._frame, self._box).tolist())
            for one in self.curves
        ]
        self.view.select_keys(
            self._before_box.union(*(self._names_on(target, frames) for target, frames in inside))
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag or the box."""
        if not self.end_pan(event) and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = self._grip = self._drag = self._box = None
            self._gesture = 0
            self.refresh()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Add a key at the pointer to the nearest curve."""
        at = event.position()
        if (
            event.button() != Qt.MouseButton.LeftButton
            or at.x() < HEAD_W
            or not self.curves
            or self.grip_at(at)
        ):
            return
        frame, value = self.view.snapped(self.frame_at(at.x())), self.value_at(at.y())
        one = min(self.curves, key=lambda curve: abs(curve.height(frame) - value))
        lane = next(lane for lane in self.lanes if lane.id == one.lane)
        single = sum(curve.lane == lane.id for curve in self.curves) == 1
        self.requests.key_added.emit(
            lane.targets if single else (one.target,), frame, value - one.height(frame)
        )

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom the values; zoom time with Ctrl, move in time with Shift."""
        if event.modifiers() or event.angleDelta().x():
            super().wheelEvent(event)
            return
        factor, about = 1.2 ** (-event.angleDelta().y() / 120), self.value_at(event.position().y())
        self.low, self.high = (
            about + (self.low - about) * factor,
            about + (self.high - about) * factor,
        )
        self.refresh()
        event.accept()

    def _pan_values(self, y: float) -> None:
        if self._pan_y is not None:
            by = self.value_at(self._pan_y) - self.value_at(y)
            self.low, self.high, self._pan_y = self.low + by, self.high + by, y
            self.refresh()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of the selected keys."""
        lanes = self.lanes
        lane = lanes[-1] if lanes and self.view.selected_lanes else None
        open_key_menu(self, self.view, self.requests, lane, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Deselect with Escape: first keys, then lanes, which shows all curves."""
        if event.key() == Qt.Key.Key_Escape and self.view.keys:
            self.view.select_keys(())
        elif event.key() == Qt.Key.Key_Escape and self.view.selected:
            self.view.select_lanes(())
        else:
            event.ignore()
