"""The view of the lanes: one widget paints all of them and finds the lane or key at a point."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.actions import key_names
from app.timeline.lane_paint import KEY_PX, LANE_H, LaneLook, paint_heading, paint_keys, seen_keys
from app.timeline.sheet import Lane
from app.timeline.time_widget import HEAD_W, TimeWidget
from app.timeline.view import TimelineView

_NOTHING = key_names(
    "No keys yet. Select a control and press Ctrl+K, or turn on Auto-key and move a slider."
)


class LaneView(TimeWidget):
    """All lanes, scrolled down by ``top`` pixels.

    Parameters
    ----------
    view : TimelineView
    parent : QWidget, optional

    Attributes
    ----------
    top : int
        Pixels of the lanes above the upper edge.
    painted_keys : int
        Number of keys painted last.
    """

    range_changed = Signal()
    """The number of lanes or the height of the widget has changed."""

    def __init__(self, view: TimelineView, parent: QWidget | None = None) -> None:
        super().__init__(view, parent)
        self.top = 0
        self.painted_keys = 0
        self._hovered: int | None = None
        self._box: QRectF | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(4 * LANE_H)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setObjectName("timeline-lanes")
        self.setAccessibleName("Lanes of keys")
        view.lanes_changed.connect(self._lanes_changed)
        view.selection_changed.connect(self._selection_changed)
        view.project_changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Height of some lanes, more in a tall window."""
        return QSize(800, min(max(self.window().height() // 100, 6), 14) * LANE_H)

    @property
    def content_height(self) -> int:
        """Height of all lanes, pixels."""
        return len(self.view.lanes) * LANE_H

    def scroll_to(self, top: int) -> None:
        """Scroll to a pixel of the lanes."""
        if top != self.top:
            self.top = top
            self.update()

    def lane_at(self, y: float) -> Lane | None:
        """The lane at a widget y."""
        place = self._place_at(y)
        return None if place is None else self.view.lanes[place]

    def _place_at(self, y: float) -> int | None:
        place = math.floor((y + self.top) / LANE_H)
        return place if 0 <= place < len(self.view.lanes) else None

    def lane_y(self, lane: str) -> float:
        """Widget y of the centre of a lane."""
        place = next(place for place, one in enumerate(self.view.lanes) if one.id == lane)
        return (place + 0.5) * LANE_H - self.top

    def key_at(self, at: QPointF) -> int | None:
        """The frame of the key at a point; None without one."""
        lane = self.lane_at(at.y())
        if lane is None or at.x() < HEAD_W:
            return None
        near = lane.nearest(self.view.scale.exact(at.x() - HEAD_W))
        return near if near is not None and abs(self.x_of(near) - at.x()) <= KEY_PX else None

    def _lanes_changed(self) -> None:
        self.range_changed.emit()
        self.update()

    def _selection_changed(self) -> None:
        lanes = (
            ", ".join(f"{lane.number} {lane.name}".strip() for lane in self.view.selected_lanes)
            or "no lane"
        )
        self.setAccessibleDescription(f"{lanes}; {len(self.view.keys)} keys selected")
        self.update()

    # Painting -------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Set the width of the time axis."""
        self.view.set_width(self.width() - HEAD_W)
        self.range_changed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the visible lanes and their visible keys."""
        painter = QPainter(self)
        self.paint_ground(painter)
        view, colours = self.view, theme.current()
        width, self.painted_keys = float(self.width() - HEAD_W), 0
        first = max(self.top // LANE_H, 0)
        last = min((self.top + self.height()) // LANE_H + 1, len(view.lanes))
        painter.setClipRect(event.rect())
        for place in range(first, last):
            lane, top = view.lanes[place], place * LANE_H - self.top
            if lane.is_group:
                painter.fillRect(QRectF(HEAD_W, top, width, LANE_H), colours.color("panel", 130))
            elif lane.id in view.selected:
                painter.fillRect(QRectF(HEAD_W, top, width, LANE_H), colours.color("accent", 26))
            painter.setPen(QPen(colours.color("line", 130), 1))
            painter.drawLine(
                QPointF(0, top + LANE_H - 0.5), QPointF(self.width(), top + LANE_H - 0.5)
            )
        self.paint_playhead(painter)
        for place in range(first, last):
            lane, top = view.lanes[place], place * LANE_H - self.top
            look = LaneLook(
                top,
                lane.id in view.selected,
                place == self._hovered,
                self.hasFocus() and lane.id == self._current,
            )
            seen = seen_keys(lane, view.scale, width, view.selected_frames(lane))
            painter.setClipRect(event.rect().intersected(self.time_rect))
            paint_keys(painter, lane, look, seen, width)
            self.painted_keys += len(seen.xs)
            painter.setClipRect(event.rect())
            paint_heading(painter, lane, look)
        if not view.lanes:
            painter.setPen(colours.color("secondary"))
            painter.drawText(
                self.rect().adjusted(HEAD_W + 24, 0, -24, 0),
                Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
                _NOTHING,
            )
        if self._box is not None:
            painter.setPen(QPen(colours.color("accent"), 1))
            painter.setBrush(colours.color("accent", 40))
            painter.drawRect(self._box)

    @property
    def _current(self) -> str:
        return self.view.selected[-1] if self.view.selected else ""
