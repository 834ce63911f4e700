"""The curves of the selected lanes: tracked ones thin, edited ones bold, with keys and handles.

`app.timeline.curve_plot` draws them; `app.timeline.curve_editor` handles pointer and keyboard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app import theme
from app.timeline import curve_grips
from app.timeline.curve_data import Curve, curves, of_commonest_unit, of_one_unit, unit_of
from app.timeline.curve_grips import Grip
from app.timeline.curve_plot import CurvePlot
from app.timeline.lane_paint import KEY_PX, LANE_H
from app.timeline.sheet import Lane
from app.timeline.time_widget import HEAD_W, TimeWidget
from app.timeline.view import TimelineView

_COLOURS = {
    "dark": ("#f2b33d", "#5aa9ff", "#7fd08a", "#d59bff", "#ff9a8f", "#7fd4d4"),
    "light": ("#7d5200", "#0a5cb8", "#1f6b2c", "#6f2da8", "#a8321f", "#0f6464"),
}
MOST_DISTINCT = len(_COLOURS["dark"])
"""Number of curves that can be told apart by their colours."""
_NOTHING = "Select a lane or a slider to see its curve."
_UNITS = {"°": "degrees", "%": "percent"}
"""Words for the units of curves."""


class CurveView(TimeWidget):
    """Curves in one unit, over the same time as the lanes.

    Parameters
    ----------
    view : TimelineView
    parent : QWidget, optional

    Attributes
    ----------
    curves : tuple of Curve
        The curves on screen.
    low, high : float
        The values at the lower and the upper edge.
    """

    def __init__(self, view: TimelineView, parent: QWidget | None = None) -> None:
        super().__init__(view, parent)
        self.curves: tuple[Curve, ...] = ()
        self.low, self.high = -0.1, 1.1
        self._fitted_for: tuple[str, ...] | None = None
        self._box: QRectF | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(4 * LANE_H)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setObjectName("timeline-curves")
        self.setAccessibleName("Curves of the selected lanes")
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

    @property
    def is_dragging_keys(self) -> bool:
        """Whether keys follow the pointer, so that many curves are drawn coarsely."""
        return False

    # Showing --------------------------------------------------------------------------------------

    def retint(self) -> None:
        """Use the colours of the theme."""
        self._plot.retint()
        self.refresh()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The selected lanes that share an axis; if none is selected, the first keyed ones."""
        by_id = {lane.id: lane for lane in self.view.lanes}
        selected = tuple(
            by_id[lane] for lane in self.view.selected if lane in by_id and not by_id[lane].is_group
        )
        return (
            of_one_unit(selected)
            if selected
            else of_commonest_unit(self.view.all_lanes, MOST_DISTINCT)
        )

    def refresh(self) -> None:
        """Draw the curves of the current document, lanes and zoom."""
        if not self.isVisible():
            return
        self._waiting.stop()
        lanes, view = self.lanes, self.view
        first, last = view.scale.visible(view.width)
        last = max(min(last, view.length - 1), first)
        coarse = self.is_dragging_keys and len(lanes) > MOST_DISTINCT  # many curves change at once
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
        selected, colours = (
            self._selected(),
            [self.colour(place) for place in range(len(self.curves))],
        )
        self._plot.add_curves(
            self.curves, colours, selected, filled=len(self.curves) <= MOST_DISTINCT, coarse=coarse
        )
        handles = curve_grips.handles(self.curves, selected, self._frame)
        self._plot.add_handles(
            [(self._time_point(grip.root), self._time_point(grip.at)) for grip in handles]
        )
        if self._box is not None:
            self._plot.add_box(
                self._time_point(self._box.bottomLeft()), self._time_point(self._box.topRight())
            )
        self._label(lanes)

    def _most_points(self, *, coarse: bool) -> int:
        """Number of points of a curve: one for each pixel, or for four pixels."""
        return max(int(self.view.width) // (4 if coarse else 1), 2)

    def colour(self, place: int) -> str:
        """Colour of a curve, by its index."""
        table = _COLOURS[theme.current().name]
        return table[place % len(table)]

    def fit_values(self) -> None:
        """Fit the range of values to the curves."""
        values = np.concatenate(
            [np.concatenate([one.before, one.after]) for one in self.curves]
            or [np.array([0.0, 1.0])]
        )
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        least = 10.0 if self.curves and unit_of(self.curves[-1].lane) in {"°", "%"} else 0.2
        spare = max((high - low) * 0.16, (least - (high - low)) / 2, 0.02)
        self.low, self.high = low - spare, high + spare
        self._set_ranges()

    def _set_ranges(self) -> None:
        scale = self.view.scale
        self._plot.set_ranges(scale.start, scale.exact(self.view.width), self.low, self.high)

    def _time_point(self, at: QPointF) -> QPointF:
        """Frame and value at a widget point."""
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
        selected = self.view.selected_lanes
        left_out, notes = len(selected or self.view.all_lanes) - len(lanes), []
        if left_out > 0:
            notes.append(f"{left_out} more {'in another unit' if selected else 'to select'}")
        room = max(self._names.height() // self._names.fontMetrics().lineSpacing() - len(notes), 2)
        if len(lines) > room:
            notes.insert(0, f"and {len(lines) - room + 1} more")
            lines = lines[: room - 1]
        lines += [f"<span style='color:{colours.secondary}'>{note}</span>" for note in notes]
        self._names.setText("<br>".join(lines))
        unit = unit_of(lanes[-1].id)
        self.setAccessibleDescription(
            f"{len(self.curves)} curves, in {_UNITS.get(unit, 'intensity')}"
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the plot and the names to the widget."""
        self._plot.widget.setGeometry(self.rect())
        self._names.setGeometry(16, 8, HEAD_W - 76, max(self.height() - 16, 0))
        self.view.set_width(self.width() - HEAD_W)
        self._waiting.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw the current curves."""
        self.refresh()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint nothing: the plot covers the widget."""

    # Positions ------------------------------------------------------------------------------------

    def point(self, frame: float, value: float) -> QPointF:
        """Widget point of a frame and a value."""
        return self._frame.point(frame, value)

    def value_at(self, y: float) -> float:
        """The value at a widget y."""
        return self.high - y / max(self.height(), 1) * (self.high - self.low)

    @property
    def _frame(self) -> curve_grips.Frame:
        """Mapping of frames and values to widget points."""
        scale, up = self.view.scale, self.height() / (self.high - self.low)
        return curve_grips.Frame(HEAD_W - scale.start * scale.px, scale.px, self.high * up, up)

    def _selected(self) -> list[NDArray[np.bool_]]:
        """(K,) whether each key of each curve is selected."""
        return [curve_grips.is_selected(one, self.view.keys) for one in self.curves]

    def grips(self) -> list[Grip]:
        """The grips, topmost last: keys, and handles of selected keys unless there are too many."""
        handles = curve_grips.handles(self.curves, self._selected(), self._frame)
        return [*curve_grips.keys(self.curves, self._frame), *handles]

    def grip_at(self, at: QPointF) -> Grip | None:
        """The grip at a point: a handle before a key, the nearest of each, the topmost if equal."""
        reach = 1.5 * KEY_PX
        handles = reversed(curve_grips.handles(self.curves, self._selected(), self._frame))
        near = [grip for grip in handles if (grip.at - at).manhattanLength() <= reach]
        first = min(near, key=lambda grip: (grip.at - at).manhattanLength(), default=None)
        return first or curve_grips.key_near(self.curves, self._frame, at, reach)
