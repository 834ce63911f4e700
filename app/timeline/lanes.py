"""Lanes of keys: selected with clicks and boxes, dragged, stretched, added and removed."""

from __future__ import annotations

import math
from typing import Protocol

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.timeline.key_drag import MoveDrag, ScaleDrag
from app.timeline.key_menu import open_key_menu
from app.timeline.lane_paint import LANE_H, SWITCHES, switch_at
from app.timeline.lane_view import LaneView
from app.timeline.requests import TimelineRequests
from app.timeline.sheet import Lane
from app.timeline.time_widget import HEAD_W
from app.timeline.view import TimelineView
from app.widgets.plain_text import plain_tip
from icface.document.edits import KeyName

_DRAG_PX = 3
"""Pixels that the pointer moves before a drag begins."""
_EDGE_PX = 12
"""Pixels from an edge at which a drag scrolls."""
_MOD = Qt.KeyboardModifier


class Drag(Protocol):
    """Keys that follow the pointer."""

    def to(self, frame: int, value: float = 0.0) -> None:
        """Move to a frame, and raise the keys by a value."""


class Lanes(LaneView):
    """Lanes whose keys, switches and headings are used with pointer and keyboard.

    Parameters
    ----------
    view : TimelineView
    requests : TimelineRequests
    parent : QWidget, optional
    """

    def __init__(
        self, view: TimelineView, requests: TimelineRequests, parent: QWidget | None = None
    ) -> None:
        super().__init__(view, parent)
        self.requests = requests
        self._pressed: QPointF | None = None
        self._grabbed: int | None = None
        self._drag: Drag | None = None
        self._before_box: frozenset[KeyName] = frozenset()

    # Mouse ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select a key or a lane, use a heading, or begin a selection box."""
        at, shift = event.position(), bool(event.modifiers() & _MOD.ShiftModifier)
        if self.begin_pan(event):
            return
        if event.button() == Qt.MouseButton.RightButton:
            self._select_at(at, adds=False, keeps=True)
            return
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if at.x() < HEAD_W:
            self._press_heading(at, event.modifiers())
            return
        self._pressed = at
        self._grabbed = self._select_at(at, adds=shift, keeps=True)
        if self._grabbed is None:
            self._before_box = self.view.keys if shift else frozenset()
            if not shift:
                self.view.select_keys(())

    def _select_at(self, at: QPointF, *, adds: bool, keeps: bool) -> int | None:
        """Select the key at a point, and its lane; return its frame."""
        lane, frame = self.lane_at(at.y()), self.key_at(at)
        if lane is None:
            return None
        if not lane.is_group and at.x() >= HEAD_W and lane.id not in self.view.selected:
            self.view.select_lanes((*self.view.selected, lane.id) if adds else (lane.id,))
        if frame is None:
            return None
        names = lane.names_at(frame)
        if adds:
            self.view.select_keys(
                self.view.keys - names if names <= self.view.keys else self.view.keys | names
            )
        elif not (keeps and names <= self.view.keys):
            self.view.select_keys(names)
        return frame if names and names <= self.view.keys else None

    def _press_heading(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        lane = self.lane_at(at.y())
        if lane is None:
            self.view.select_lanes(())
            return
        switch = switch_at(at.x()) if lane.is_keyed and not lane.is_group else None
        if lane.is_group:
            self.view.fold(lane.id.removeprefix("group:"), closed=lane.is_open)
        elif switch is not None:
            self._switch(lane, switch)
        elif modifiers & _MOD.ControlModifier:
            rest = tuple(one for one in self.view.selected if one != lane.id)
            self.view.select_lanes(rest if lane.id in self.view.selected else (*rest, lane.id))
        elif modifiers & _MOD.ShiftModifier and self.view.selected:
            ids = [one.id for one in self.view.lanes if not one.is_group]
            ends = sorted(
                (ids.index(lane.id), ids.index(self._current) if self._current in ids else 0)
            )
            self.view.select_lanes((*ids[ends[0] : ends[1] + 1], lane.id))
        else:
            self.view.select_lanes((lane.id,))

    def _switch(self, lane: Lane, switch: str) -> None:
        keyed = tuple(part.track.target for part in lane.parts)
        if switch == "mode":
            self.requests.mode_set.emit(keyed, "delta" if lane.mode == "absolute" else "absolute")
        elif switch == "revert":
            self.requests.tracks_reverted.emit(keyed)
        else:
            self.requests.switch_set.emit(keyed, switch, not lane.every(switch))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag keys, draw the selection box, or highlight the hovered lane."""
        at = event.position()
        if self.pan(event):
            return
        if self._pressed is None:
            self._hover(at)
            return
        if self._drag is None and self._box is None:
            if (at - self._pressed).manhattanLength() < _DRAG_PX:
                return
            self._begin(event.modifiers())
        if self._drag is not None:
            self._scroll_along(at.x())
            self._drag.to(
                self.view.scale.frame(at.x() - HEAD_W - (self._pressed.x() - self.x_grabbed))
            )
        else:
            self._select_box(at)

    def _scroll_along(self, x: float) -> None:
        """Scroll when the pointer is dragged to an edge."""
        beyond = min(x - HEAD_W - _EDGE_PX, 0.0) + max(x - self.width() + _EDGE_PX, 0.0)
        if beyond:
            self.view.set_scale(self.view.scale.panned(beyond / 2))

    def _begin(self, modifiers: Qt.KeyboardModifier) -> None:
        if self._grabbed is None:
            self._box = QRectF()
            return
        self.x_grabbed = self.x_of(self._grabbed)
        scales = bool(modifiers & _MOD.AltModifier) and ScaleDrag.is_possible(self.view.keys)
        self._drag = (ScaleDrag if scales else MoveDrag)(self.view, self.requests, self._grabbed)

    def _select_box(self, at: QPointF) -> None:
        assert self._pressed is not None
        start = QPointF(max(self._pressed.x(), HEAD_W), self._pressed.y())
        self._box = QRectF(start, QPointF(max(at.x(), HEAD_W), at.y())).normalized()
        first = math.ceil(self.view.scale.exact(self._box.left() - HEAD_W - 1))
        last = math.floor(self.view.scale.exact(self._box.right() - HEAD_W + 1))
        names = self._before_box
        for place, lane in enumerate(self.view.lanes):
            top = place * LANE_H - self.top
            if top + LANE_H * 0.75 > self._box.top() and top + LANE_H * 0.25 < self._box.bottom():
                names |= (
                    lane.names_between(first, last)
                    if not (lane.is_group and lane.is_open)
                    else frozenset()
                )
        self.view.select_keys(names)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag or the box."""
        if self.end_pan(event) or event.button() != Qt.MouseButton.LeftButton:
            return
        if (
            self._pressed is not None
            and self._grabbed is not None
            and self._drag is None
            and not event.modifiers()
        ):
            self._select_at(
                event.position(), adds=False, keeps=False
            )  # a click on one of several selected keys selects only it
        self._pressed = self._grabbed = self._drag = self._box = None
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Add a key on the curve."""
        lane, at = self.lane_at(event.position().y()), event.position()
        if event.button() != Qt.MouseButton.LeftButton or lane is None:
            return
        if at.x() < HEAD_W:
            self.mousePressEvent(event)
        elif not lane.is_group and self.key_at(at) is None:
            self.requests.key_added.emit(
                lane.targets, self.view.snapped(self.frame_at(at.x())), None
            )

    def _hover(self, at: QPointF) -> None:
        place = self._place_at(at.y())
        if place != self._hovered:
            self._hovered = place
            self.update(0, 0, HEAD_W, self.height())
        self.setCursor(
            Qt.CursorShape.SizeHorCursor
            if self.key_at(at) is not None
            else Qt.CursorShape.ArrowCursor
        )

    def leaveEvent(self, event: QEvent) -> None:
        """Remove the hover mark."""
        self._hovered = None
        self.update(0, 0, HEAD_W, self.height())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of keys and lanes; from the keyboard, for the lane selected last."""
        lane = self.lane_at(event.pos().y())
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            lane = next((one for one in self.view.selected_lanes if one.id == self._current), None)
        open_key_menu(self, self.view, self.requests, lane, event.globalPos())

    # Keyboard and tips ----------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Select a lane with Ctrl+Up and Ctrl+Down; deselect keys with Escape."""
        if event.modifiers() & _MOD.ControlModifier and event.key() in {
            Qt.Key.Key_Up,
            Qt.Key.Key_Down,
        }:
            ids = [lane.id for lane in self.view.lanes if not lane.is_group]
            if ids:
                here = ids.index(self._current) if self._current in ids else -1
                step = 1 if event.key() == Qt.Key.Key_Down else -1
                self.view.select_lanes((ids[min(max(here + step, 0), len(ids) - 1)],))
                self.show_lane(self._current)
        elif event.key() == Qt.Key.Key_Escape and (self.view.keys or self._drag):
            self.view.select_keys(())
        else:
            event.ignore()

    def show_lane(self, lane: str) -> None:
        """Scroll until a lane is visible."""
        if any(one.id == lane for one in self.view.lanes):
            middle = self.lane_y(lane)
            beyond = min(middle - LANE_H, 0) + max(middle + LANE_H - self.height(), 0)
            if beyond:
                self.scrolled.emit(round(beyond))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Update the focus mark."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Update the focus mark."""
        self.update()

    def event(self, event: QEvent) -> bool:
        """Show a tooltip about the pointer's target."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), plain_tip(self.tip_at(event.pos())), self)
            return True
        return super().event(event)

    def tip_at(self, at: QPoint) -> str:
        """Text of the tooltip at a point."""
        lane = self.lane_at(at.y())
        if lane is None or lane.is_group:
            return ""
        if at.x() >= HEAD_W:
            return (
                ""
                if self.key_at(QPointF(at)) is not None
                else "Double-click to add a key. Drag to select keys"
            )
        switch = switch_at(at.x()) if lane.is_keyed else None
        return next(
            (tip for name, _, tip in SWITCHES if name == switch),
            f"{lane.number} {lane.name}".strip(),
        )
