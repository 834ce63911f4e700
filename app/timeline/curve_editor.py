"""Curves of the chosen lanes: tracked thin, edited bold, with keys and Bezier handles to drag.

`app.timeline.curve_plot` draws; pointer and keyboard are handled here, so that keys behave as they
do in the lanes. Imported when curves are first asked for.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app import theme
from app.timeline import curve_grips
from app.timeline.curve_data import Curve, curves, of_commonest_unit, of_one_unit, unit_of
from app.timeline.curve_grips import Grip
from app.timeline.curve_plot import CurvePlot
from app.timeline.key_drag import MoveDrag
from app.timeline.key_menu import open_key_menu
from app.timeline.lane_paint import KEY_PX, LANE_H
from app.timeline.requests import TimelineRequests
from app.timeline.sheet import Lane
from app.timeline.time_widget import HEAD_W, TimeWidget
from app.timeline.view import TimelineView
from app.widgets.gestures import next_gesture
from icface.document.edits import KeyName

_COLOURS = {
    "dark": ("#f2b33d", "#5aa9ff", "#7fd08a", "#d59bff", "#ff9a8f", "#7fd4d4"),
    "light": ("#7d5200", "#0a5cb8", "#1f6b2c", "#6f2da8", "#a8321f", "#0f6464"),
}
_MOD = Qt.KeyboardModifier
_DRAG_PX = 3
_MOST_UNASKED = len(_COLOURS["dark"])
_NOTHING = "Choose a lane or a slider to see its curve."


class CurveEditor(TimeWidget):
    """Curves in one unit, over the same time as the lanes.

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
        self.curves: tuple[Curve, ...] = ()
        self.low, self.high = -0.1, 1.1
        self._fitted_for: tuple[str, ...] | None = None
        self._pressed: QPointF | None = None
        self._grip: Grip | None = None
        self._bent: frozenset[KeyName] = frozenset()
        self._drag: MoveDrag | None = None
        self._gesture = 0
        self._from: tuple[int, float] = (0, 0.0)
        self._box: QRectF | None = None
        self._before_box: frozenset[KeyName] = frozenset()
        self._pan_y: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(4 * LANE_H)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setObjectName("timeline-curves")
        self.setAccessibleName("Curves of the chosen lanes")
        self._names = QLabel(self)
        self._plot = CurvePlot(self)
        self._names.setWordWrap(True)
        self._names.setTextFormat(Qt.TextFormat.RichText)
        self._names.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._names.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._names.raise_()
        self._waiting = QTimer(self, singleShot=True, interval=0)
        self._waiting.timeout.connect(self.refresh)
        for signal in (
            view.scale_changed,
            view.lanes_changed,
            view.selection_changed,
            view.project_changed,
        ):
            signal.connect(self._waiting.start)
        view.playhead.moved.connect(self._plot.show_playhead)
        self.retint()

    def sizeHint(self) -> QSize:
        """Room for a curve."""
        return QSize(800, 160)

    # Showing --------------------------------------------------------------------------------------

    def retint(self) -> None:
        """Take over the colours of the theme."""
        self._plot.retint()
        self.refresh()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The chosen lanes that share an axis; while none is chosen, keyed ones, as many as can be told apart."""
        by_id = {lane.id: lane for lane in self.view.lanes}
        chosen = tuple(
            by_id[lane] for lane in self.view.chosen if lane in by_id and not by_id[lane].is_group
        )
        return (
            of_one_unit(chosen) if chosen else of_commonest_unit(self.view.all_lanes, _MOST_UNASKED)
        )

    def refresh(self) -> None:
        """Draw the curves of the present document, lanes and zoom."""
        if not self.isVisible():
            return
        self._waiting.stop()
        lanes, view = self.lanes, self.view
        first, last = view.scale.visible(view.width)
        last = max(min(last, view.length - 1), first)
        coarse = self._drag is not None and len(lanes) > _MOST_UNASKED  # many follow the pointer
        self.curves = (
            curves(view.project, lanes, first, last, self._most_points(coarse=coarse))
            if lanes
            else ()
        )
        ids = tuple(lane.id for lane in lanes)
        if ids != self._fitted_for:
            self._fitted_for = ids
            self.fit_values()
        self._plot.unit = unit_of(lanes[-1].id) if lanes else ""
        self._plot.show_playhead(view.playhead.frame)
        self._set_ranges()
        self._plot.clear()
        chosen, colours = self._chosen(), [self.colour(place) for place in range(len(self.curves))]
        self._plot.add_curves(
            self.curves, colours, chosen, filled=len(self.curves) <= _MOST_UNASKED, coarse=coarse
        )
        handles = curve_grips.handles(self.curves, chosen, self._frame)
        self._plot.add_handles(
            [(self._time_point(grip.root), self._time_point(grip.at)) for grip in handles]
        )
        if self._box is not None:
            self._plot.add_box(
                self._time_point(self._box.bottomLeft()), self._time_point(self._box.topRight())
            )
        self._label(lanes)

    def _most_points(self, *, coarse: bool) -> int:
        """How finely curves are worked out: to the pixel, or to four of them."""
        return max(int(self.view.width) // (4 if coarse else 1), 2)

    def colour(self, place: int) -> str:
        """The colour of a curve."""
        table = _COLOURS[theme.current().name]
        return table[place % len(table)]

    def fit_values(self) -> None:
        """Show all of the curves' height."""
        values = np.concatenate(
            [np.concatenate([one.before, one.after]) for one in self.curves]
            or [np.array([0.0, 1.0])]
        )
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        least = 10.0 if self.curves and unit_of(self.curves[-1].lane) == "°" else 0.2
        spare = max((high - low) * 0.16, (least - (high - low)) / 2, 0.02)
        self.low, self.high = low - spare, high + spare
        self._set_ranges()

    def _set_ranges(self) -> None:
        scale = self.view.scale
        self._plot.set_ranges(scale.start, scale.exact(self.view.width), self.low, self.high)

    def _time_point(self, at: QPointF) -> QPointF:
        """Frame and value of a widget place."""
        return QPointF(self.view.scale.exact(at.x() - HEAD_W), self.value_at(at.y()))

    def _label(self, lanes: tuple[Lane, ...]) -> None:
        colours = theme.current()
        if not lanes:
            self._names.setText(f"<span style='color:{colours.secondary}'>{_NOTHING}</span>")
            return
        lines: list[str] = []
        for place, one in enumerate(self.curves):
            lane = next(lane for lane in lanes if lane.id == one.lane)
            apart = (
                len(lane.targets) > 1 and sum(other.lane == one.lane for other in self.curves) > 1
            )
            name = f"{lane.number}{one.target[-1] if apart else ''} {lane.name}"
            lines.append(f"<span style='color:{self.colour(place)}'>{name}</span>")
        chosen = self.view.chosen_lanes
        left_out, notes = len(chosen or self.view.all_lanes) - len(lanes), []
        if left_out > 0:
            notes.append(f"{left_out} more {'in another unit' if chosen else 'to be chosen'}")
        room = max(self._names.height() // self._names.fontMetrics().lineSpacing() - len(notes), 2)
        if len(lines) > room:
            notes.insert(0, f"and {len(lines) - room + 1} more")
            lines = lines[: room - 1]
        lines += [f"<span style='color:{colours.secondary}'>{note}</span>" for note in notes]
        self._names.setText("<br>".join(lines))
        unit = unit_of(lanes[-1].id)
        self.setAccessibleDescription(
            f"{len(self.curves)} curves, in {'degrees' if unit == '°' else 'intensity'}"
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the widget."""
        self._plot.widget.setGeometry(self.rect())
        self._names.setGeometry(16, 8, HEAD_W - 76, max(self.height() - 16, 0))
        self.view.set_width(self.width() - HEAD_W)
        self._waiting.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened meanwhile."""
        self.refresh()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The plot paints."""

    # Places ---------------------------------------------------------------------------------------

    def point(self, frame: float, value: float) -> QPointF:
        """Widget place of a frame and a value."""
        return self._frame.point(frame, value)

    def value_at(self, y: float) -> float:
        """The value at a widget y."""
        return self.high - y / max(self.height(), 1) * (self.high - self.low)

    @property
    def _frame(self) -> curve_grips.Frame:
        """How frames and values lie in the widget."""
        scale, up = self.view.scale, self.height() / (self.high - self.low)
        return curve_grips.Frame(HEAD_W - scale.start * scale.px, scale.px, self.high * up, up)

    def _chosen(self) -> list[NDArray[np.bool_]]:
        """Which keys of each curve are chosen."""
        return [curve_grips.is_chosen(one, self.view.keys) for one in self.curves]

    def grips(self) -> list[Grip]:
        """What can be dragged, topmost last: keys, and the handles of chosen ones unless there are too many."""
        handles = curve_grips.handles(self.curves, self._chosen(), self._frame)
        return [*curve_grips.keys(self.curves, self._frame), *handles]

    def grip_at(self, at: QPointF) -> Grip | None:
        """What is under a place: a handle before a key, the nearest of each, of equally near ones the topmost."""
        reach = 1.5 * KEY_PX
        handles = reversed(curve_grips.handles(self.curves, self._chosen(), self._frame))
        near = [grip for grip in handles if (grip.at - at).manhattanLength() <= reach]
        first = min(near, key=lambda grip: (grip.at - at).manhattanLength(), default=None)
        return first or curve_grips.key_near(self.curves, self._frame, at, reach)

    # Mouse ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a key, take a handle, or begin a box."""
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
                self.view.choose_keys(
                    self.view.keys - names if names <= self.view.keys else self.view.keys | names
                )
            elif not names <= self.view.keys:
                self.view.choose_keys(names)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._grip = at, grip
            self._before_box = self.view.keys if shift else frozenset()
            if grip is None and not shift:
                self.view.choose_keys(())

    def _names_of(self, grip: Grip) -> frozenset[KeyName]:
        """The key, and that of the other side when both are one curve."""
        return self._names_on(grip.name[0], {grip.name[1]})

    def _names_on(self, target: str, frames: Collection[int]) -> frozenset[KeyName]:
        """The keys of a curve on some frames, and those of the other side when both are one; none of locked tracks."""
        lane = next(lane for lane in self.lanes if target in lane.targets)
        one = sum(curve.lane == lane.id for curve in self.curves) == 1
        free = [part.track.target for part in lane.parts if not part.track.locked]
        return frozenset(
            (name, frame) for name in free if one or name == target for frame in frames
        )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, or draw the box."""
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
        self._waiting.start()  # not at once: of moves that come quickly only the last is drawn

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
        self.view.choose_keys(
            self._before_box.union(*(self._names_on(target, frames) for target, frames in inside))
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        if not self.end_pan(event) and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = self._grip = self._drag = self._box = None
            self._gesture = 0
            self.refresh()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Add a key where the pointer is, to the curve that is nearest."""
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
        """Zoom the values; with Ctrl zoom time, with Shift move in time."""
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
        """Offer what can be done with the chosen keys."""
        lanes = self.lanes
        lane = lanes[-1] if lanes and self.view.chosen_lanes else None
        open_key_menu(self, self.view, self.requests, lane, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape lets go of keys, then of lanes, so that all curves are seen."""
        if event.key() == Qt.Key.Key_Escape and self.view.keys:
            self.view.choose_keys(())
        elif event.key() == Qt.Key.Key_Escape and self.view.chosen:
            self.view.choose_lanes(())
        else:
            event.ignore()
