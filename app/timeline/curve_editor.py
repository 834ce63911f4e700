"""Curves of the chosen lanes: tracked thin, edited bold, with keys and Bezier handles to drag.

pyqtgraph draws; pointer and keyboard are handled here, so that keys behave as they do in the lanes. Imported when curves are
first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QMouseEvent,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app import theme
from app.gestures import next_gesture
from app.timeline.curve_data import Curve, curves, of_one_unit, unit_of
from app.timeline.key_drag import MoveDrag
from app.timeline.key_menu import open_key_menu
from app.timeline.lane_paint import KEY_PX, key_path
from app.timeline.sheet import Lane
from app.timeline.time_widget import HEAD_W, TimeWidget
from app.timeline.view import TimelineView
from app.timeline.wishes import Wishes
from icface.curves import EASE, Key
from icface.edits import KeyName

_COLOURS = {
    "dark": ("#f2b33d", "#5aa9ff", "#7fd08a", "#d59bff", "#ff9a8f", "#7fd4d4"),
    "light": ("#7d5200", "#0a5cb8", "#1f6b2c", "#6f2da8", "#a8321f", "#0f6464"),
}
_MOD = Qt.KeyboardModifier
_DRAG_PX = 3
_NOTHING = "Choose a lane or a slider to see its curve."


@dataclass(frozen=True, slots=True)
class Grip:
    """What can be dragged: a key, or the handle of one of its sides ("" for the key itself)."""

    name: KeyName
    at: QPointF
    key: Key
    side: str = ""


class CurveEditor(TimeWidget):
    """Curves in one unit, over the same time as the lanes.

    Parameters
    ----------
    view : TimelineView
    wishes : Wishes
    parent : QWidget, optional
    """

    def __init__(self, view: TimelineView, wishes: Wishes, parent: QWidget | None = None) -> None:
        super().__init__(view, parent)
        self.wishes = wishes
        self.curves: tuple[Curve, ...] = ()
        self.low, self.high = -0.1, 1.1
        self._fitted_for: tuple[str, ...] | None = None
        self._pressed: QPointF | None = None
        self._grip: Grip | None = None
        self._drag: MoveDrag | None = None
        self._gesture = 0
        self._from: tuple[int, float] = (0, 0.0)
        self._box: QRectF | None = None
        self._before_box: frozenset[KeyName] = frozenset()
        self._pan_y: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setObjectName("timeline-curves")
        self.setAccessibleName("Curves of the chosen lanes")
        self._names = QLabel(self)
        self._build_plot()
        self._waiting = QTimer(self, singleShot=True, interval=0)
        self._waiting.timeout.connect(self.refresh)
        for signal in (view.scale_changed, view.lanes_changed, view.selection_changed, view.project_changed):
            signal.connect(self._waiting.start)
        view.playhead.moved.connect(self._line.setValue)
        self.retint()

    def _build_plot(self) -> None:
        self._plot = pg.PlotWidget(self)
        self._plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
        item = self._plot.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        item.hideAxis("bottom")
        item.layout.setContentsMargins(0, 0, 0, 0)
        item.getViewBox().setDefaultPadding(0)
        self._axis = item.getAxis("left")
        self._axis.setWidth(HEAD_W)
        self._axis.setStyle(tickTextOffset=8, tickLength=-4)
        self._line = pg.InfiniteLine(self.view.playhead.frame, angle=90)
        self._line.setZValue(20)
        item.addItem(self._line)
        self._items: list[object] = []
        self._names.setWordWrap(True)
        self._names.setTextFormat(Qt.TextFormat.RichText)
        self._names.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._names.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._names.raise_()

    def sizeHint(self) -> QSize:
        """Room for a curve."""
        return QSize(800, 160)

    # Showing ---------------------------------------------------------------------------------------------------------

    def retint(self) -> None:
        """Take over the colours of the theme."""
        colours = theme.current()
        self._plot.setBackground(colours.surround if colours.name == "dark" else colours.raised)
        self._axis.setPen(pg.mkPen(colours.line))
        self._axis.setTextPen(pg.mkPen(colours.secondary))
        self._axis.setTickFont(theme.ui_font(10))
        self._line.setPen(pg.mkPen(colours.accent, width=1.5))
        self.refresh()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The chosen lanes that share an axis."""
        by_id = {lane.id: lane for lane in self.view.lanes}
        chosen = tuple(by_id[lane] for lane in self.view.chosen if lane in by_id and not by_id[lane].is_group)
        return of_one_unit(chosen) if chosen else ()

    def refresh(self) -> None:
        """Draw the curves of the present document, lanes and zoom."""
        if not self.isVisible():
            return
        lanes, view = self.lanes, self.view
        first, last = view.scale.visible(view.width)
        last = max(min(last, view.length - 1), first)
        self.curves = curves(view.project, lanes, first, last) if lanes else ()
        ids = tuple(lane.id for lane in lanes)
        if ids != self._fitted_for:
            self._fitted_for = ids
            self.fit_values()
        plot = self._plot.getPlotItem()
        for item in self._items:
            plot.removeItem(item)
        self._items.clear()
        self._set_ranges()
        for place, one in enumerate(self.curves):
            self._add_curve(one, QColor(self.colour(place)))
        self._add_handles()
        self._add_box()
        self._label(lanes)

    def colour(self, place: int) -> str:
        """The colour of a curve."""
        table = _COLOURS[theme.current().name]
        return table[place % len(table)]

    def fit_values(self) -> None:
        """Show all of the curves' height."""
        values = np.concatenate([np.concatenate([one.before, one.after]) for one in self.curves] or [np.array([0.0, 1.0])])
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        least = 10.0 if self.curves and unit_of(self.curves[-1].lane) == "°" else 0.2
        spare = max((high - low) * 0.12, (least - (high - low)) / 2, 0.02)
        self.low, self.high = low - spare, high + spare
        self._set_ranges()

    def _set_ranges(self) -> None:
        scale, box = self.view.scale, self._plot.getPlotItem().getViewBox()
        box.setRange(
            xRange=(scale.start, scale.exact(self.view.width)), yRange=(self.low, self.high), padding=0, disableAutoRange=True
        )

    def _add(self, item: object) -> None:
        self._plot.getPlotItem().addItem(item)
        self._items.append(item)

    def _add_curve(self, one: Curve, colour: QColor) -> None:
        faint, area = QColor(colour), QColor(colour)
        faint.setAlpha(190)
        area.setAlpha(34)
        tracked = pg.PlotCurveItem(one.frames, one.before, pen=pg.mkPen(faint, width=1), connect="finite", antialias=True)
        edited = pg.PlotCurveItem(one.frames, one.after, pen=pg.mkPen(colour, width=2.4), connect="finite", antialias=True)
        if one.moves and np.isfinite(one.after).all() and np.isfinite(one.before).all():
            self._add(pg.FillBetweenItem(tracked, edited, brush=area))
        self._add(tracked)
        self._add(edited)
        if len(one.keys):
            marked = [(one.target, key.frame) in self.view.keys for key in one.keys]
            colours = theme.current()
            self._add(
                pg.ScatterPlotItem(
                    x=[key.frame for key in one.keys],
                    y=one.heights,
                    symbol=[_symbol(key.left, key.right) for key in one.keys],
                    size=11,
                    brush=[pg.mkBrush(colours.accent if on else colour) for on in marked],
                    pen=[pg.mkPen(colours.text if on else colours.panel, width=1.4) for on in marked],
                    pxMode=True,
                    antialias=True,
                )
            )

    def _add_handles(self) -> None:
        grips = [grip for grip in self.grips() if grip.side]
        if not grips:
            return
        colours = theme.current()
        lines = [point for grip in grips for point in (self._key_point(grip), grip.at)]
        xs = [self.view.scale.exact(point.x() - HEAD_W) for point in lines]
        ys = [self.value_at(point.y()) for point in lines]
        self._add(pg.PlotCurveItem(np.array(xs), np.array(ys), connect="pairs", pen=pg.mkPen(colours.secondary, width=1)))
        pen, brush = pg.mkPen(colours.accent, width=1.4), pg.mkBrush(colours.panel)
        self._add(pg.ScatterPlotItem(x=xs[1::2], y=ys[1::2], symbol="o", size=7, pen=pen, brush=brush))

    def _key_point(self, grip: Grip) -> QPointF:
        one = next(one for one in self.curves if one.target == grip.name[0])
        return self.point(grip.name[1], float(one.heights[one.keys.index(grip.key)]))

    def _add_box(self) -> None:
        if self._box is not None and self._box.width() and self._box.height():
            left, right = (self.view.scale.exact(x - HEAD_W) for x in (self._box.left(), self._box.right()))
            top, bottom = self.value_at(self._box.top()), self.value_at(self._box.bottom())
            frame = pg.QtWidgets.QGraphicsRectItem(QRectF(QPointF(left, bottom), QPointF(right, top)))
            pen = QPen(theme.current().color("accent"), 1)
            pen.setCosmetic(True)
            frame.setPen(pen)
            frame.setBrush(theme.current().color("accent", 40))
            self._add(frame)

    def _label(self, lanes: tuple[Lane, ...]) -> None:
        colours = theme.current()
        if not lanes:
            self._names.setText(f"<span style='color:{colours.secondary}'>{_NOTHING}</span>")
            return
        lines = []
        for place, one in enumerate(self.curves):
            lane = next(lane for lane in lanes if lane.id == one.lane)
            side = {"L": " left", "R": " right"}.get(one.target[-1], "") if len(lane.targets) > 1 else ""
            sides = side if sum(other.lane == one.lane for other in self.curves) > 1 else ""
            lines.append(f"<span style='color:{self.colour(place)}'>{lane.number} {lane.name}{sides}</span>")
        left_out = len(self.view.chosen_lanes) - len(lanes)
        if left_out > 0:
            lines.append(f"<span style='color:{colours.secondary}'>{left_out} more in another unit</span>")
        self._names.setText("<br>".join(lines))
        unit = unit_of(lanes[-1].id)
        self.setAccessibleDescription(f"{len(self.curves)} curves, in {'degrees' if unit == '°' else 'intensity'}")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the widget."""
        self._plot.setGeometry(self.rect())
        self._names.setGeometry(16, 8, HEAD_W - 76, max(self.height() - 16, 0))
        self.view.set_width(self.width() - HEAD_W)
        self._waiting.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened meanwhile."""
        self.refresh()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The plot paints."""

    # Places ----------------------------------------------------------------------------------------------------------

    def point(self, frame: float, value: float) -> QPointF:
        """Widget place of a frame and a value."""
        return QPointF(self.x_of(frame), self.height() * (self.high - value) / (self.high - self.low))

    def value_at(self, y: float) -> float:
        """The value at a widget y."""
        return self.high - y / max(self.height(), 1) * (self.high - self.low)

    def grips(self) -> list[Grip]:
        """What can be dragged, topmost last: keys, and the handles of chosen ones."""
        keys: list[Grip] = []
        handles: list[Grip] = []
        for one in self.curves:
            for key, height in zip(one.keys, one.heights.tolist(), strict=True):
                name = (one.target, key.frame)
                keys.append(Grip(name, self.point(key.frame, height), key))
                if name in self.view.keys and one.track is not None:
                    handles += self._handles(one, key, height)
        return [*keys, *handles]

    def _handles(self, one: Curve, key: Key, height: float) -> list[Grip]:
        assert one.track is not None
        name, found = (one.target, key.frame), []
        frames = one.track.frames
        place = frames.index(key.frame)
        for side, way, near in (("left", key.left, place - 1), ("right", key.right, place + 1)):
            if not 0 <= near < len(frames) or way not in ("bezier", "ease"):
                continue
            gap = frames[near] - key.frame
            across, up = (EASE * gap, 0.0) if way == "ease" else key.left_handle if side == "left" else key.right_handle
            found.append(Grip(name, self.point(key.frame + across, height + up), key, side))
        return found

    def grip_at(self, at: QPointF) -> Grip | None:
        """What is under a place: a handle before a key, the nearest of each."""
        near = [grip for grip in self.grips() if (grip.at - at).manhattanLength() <= 1.5 * KEY_PX]
        return min(near, key=lambda grip: (not grip.side, (grip.at - at).manhattanLength()), default=None)

    # Mouse -----------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a key, take a handle, or begin a box."""
        at, shift = event.position(), bool(event.modifiers() & _MOD.ShiftModifier)
        if self.begin_pan(event):
            self._pan_y = at.y()
            return
        if event.button() not in {Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton} or at.x() < HEAD_W:
            return
        grip = self.grip_at(at)
        if grip is not None and not grip.side:
            names = self._names_of(grip)
            if shift:
                self.view.choose_keys(self.view.keys - names if names <= self.view.keys else self.view.keys | names)
            elif not names <= self.view.keys:
                self.view.choose_keys(names)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._grip = at, grip
            self._before_box = self.view.keys if shift else frozenset()
            if grip is None and not shift:
                self.view.choose_keys(())

    def _names_of(self, grip: Grip) -> frozenset[KeyName]:
        """The key, and that of the other side when both are one curve."""
        lane = next(lane for lane in self.lanes if grip.name[0] in lane.targets)
        one = sum(curve.lane == lane.id for curve in self.curves) == 1
        names = lane.names_at(grip.name[1])
        return names if one else names & {grip.name}

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, or draw the box."""
        at = event.position()
        if self.pan(event):
            self._pan_values(at.y())
            return
        if self._pressed is None:
            self.setCursor(Qt.CursorShape.SizeAllCursor if self.grip_at(at) is not None else Qt.CursorShape.ArrowCursor)
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
        self.refresh()

    def _begin(self) -> None:
        grip = self._grip
        if grip is None:
            self._box = QRectF()
        elif grip.side:
            self._gesture = next_gesture()
            start = self._key_point(grip)
            self._from = grip.name[1], self.value_at(start.y())
        elif grip.name in self.view.keys:
            self._drag = MoveDrag(self.view, self.wishes, grip.name[1])
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
        handle = self.view.scale.exact(at.x() - HEAD_W) - self._from[0], self.value_at(at.y()) - self._from[1]
        self.wishes.handle_moved.emit(self._grip.name, self._grip.side, handle, self._gesture)

    def _select_box(self, at: QPointF) -> None:
        assert self._pressed is not None
        self._box = QRectF(self._pressed, QPointF(max(at.x(), HEAD_W), at.y())).normalized()
        found = [grip for grip in self.grips() if not grip.side and self._box.contains(grip.at)]
        self.view.choose_keys(self._before_box.union(*(self._names_of(grip) for grip in found)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        if not self.end_pan(event) and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = self._grip = self._drag = self._box = None
            self._gesture = 0
            self.refresh()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Add a key where the pointer is, to the curve that is nearest."""
        at = event.position()
        if event.button() != Qt.MouseButton.LeftButton or at.x() < HEAD_W or not self.curves or self.grip_at(at):
            return
        frame, value = self.view.snapped(self.frame_at(at.x())), self.value_at(at.y())
        one = min(self.curves, key=lambda curve: abs(curve.height(frame) - value))
        lane = next(lane for lane in self.lanes if lane.id == one.lane)
        single = sum(curve.lane == lane.id for curve in self.curves) == 1
        self.wishes.key_added.emit(lane.targets if single else (one.target,), frame, value - one.height(frame))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom the values; with Ctrl zoom time, with Shift move in time."""
        if event.modifiers() or event.angleDelta().x():
            super().wheelEvent(event)
            return
        factor, about = 1.2 ** (-event.angleDelta().y() / 120), self.value_at(event.position().y())
        self.low, self.high = about + (self.low - about) * factor, about + (self.high - about) * factor
        self.refresh()
        event.accept()

    def _pan_values(self, y: float) -> None:
        if self._pan_y is not None:
            by = self.value_at(self._pan_y) - self.value_at(y)
            self.low, self.high, self._pan_y = self.low + by, self.high + by, y
            self.refresh()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with the chosen keys."""
        lanes = self.lanes
        open_key_menu(self, self.view, self.wishes, lanes[-1] if lanes else None, event.globalPos())


def _symbol(left: str, right: str) -> QPainterPath:
    """A key of the lanes in pyqtgraph's unit square."""
    return QTransform.fromScale(1 / 11, 1 / 11).map(key_path(left, right))
