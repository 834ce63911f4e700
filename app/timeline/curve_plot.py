"""Drawing of curves with pyqtgraph, which is imported only here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainterPath, QPen, QTransform
from PySide6.QtWidgets import QFrame, QGraphicsPathItem, QGraphicsRectItem, QWidget

from app import theme
from app.numbers import with_minus
from app.timeline.curve_data import Curve, stepped
from app.timeline.lane_paint import key_path
from app.timeline.sheet import SHAPES
from app.timeline.time_widget import HEAD_W

_KEY_SIZE = 11
"""Size of a key, logical pixels."""


class CurvePlot:
    """A plot that fills a widget, with its value axis in the heading, and takes no input.

    Parameters
    ----------
    parent : QWidget

    Attributes
    ----------
    unit : str
        Unit after the numbers of the axis.
    """

    def __init__(self, parent: QWidget) -> None:
        self._plot = pg.GraphicsView(parent)
        self._plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setFrameShape(QFrame.Shape.NoFrame)
        layout = pg.GraphicsLayout()  # a PlotItem would bring its own menus
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._plot.setCentralItem(layout)
        self._box = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0)
        self._axis = pg.AxisItem("left")
        self._axis.linkToView(self._box)
        layout.addItem(self._axis, 0, 0)
        layout.addItem(self._box, 0, 1)
        self._axis.setWidth(HEAD_W)
        self._axis.setStyle(tickTextOffset=8, tickLength=-4, hideOverlappingLabels=True)
        self._axis.tickStrings = self._tick_texts
        self.unit = ""
        self._line = pg.InfiniteLine(0, angle=90)
        self._line.setZValue(20)
        self._box.addItem(self._line, ignoreBounds=True)
        self._items: list[object] = []

    @property
    def widget(self) -> QWidget:
        """The widget of the plot, a child of the parent."""
        found: QWidget = self._plot
        return found

    def retint(self) -> None:
        """Use the colours of the theme."""
        colours = theme.current()
        self._plot.setBackground(colours.surround if colours.name == "dark" else colours.raised)
        self._axis.setPen(pg.mkPen(colours.line))
        self._axis.setTextPen(pg.mkPen(colours.secondary))
        self._axis.setTickFont(theme.ui_font(10))
        self._line.setPen(self._pen(colours.accent, 1.5))

    def show_playhead(self, frame: int) -> None:
        """Move the line of the playhead."""
        self._line.setValue(frame)

    def set_ranges(self, first: float, last: float, low: float, high: float) -> None:
        """Set the visible range of frames and of values."""
        self._box.setRange(
            xRange=(first, last), yRange=(low, high), padding=0, disableAutoRange=True
        )

    def _tick_texts(self, values: Sequence[float], _scale: float, spacing: float) -> list[str]:
        places = max(-int(np.floor(np.log10(spacing))), 0) if spacing > 0 else 0
        return [with_minus(f"{value + 0.0:.{places}f}{self.unit}") for value in values]

    def clear(self) -> None:
        """Remove everything but the playhead."""
        for item in self._items:
            self._box.removeItem(item)
        self._items.clear()

    def _add(self, item: object) -> None:
        self._box.addItem(item, ignoreBounds=True)
        self._items.append(item)

    def _pen(self, colour: QColor | str, width: float) -> QPen:
        """A pen with a width in logical pixels, which pyqtgraph counts in device pixels."""
        pen: QPen = pg.mkPen(colour, width=width * self._plot.devicePixelRatioF())
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)  # round caps take four times as long
        return pen

    def add_curves(
        self,
        curves: Sequence[Curve],
        colours: Sequence[str],
        selected: Sequence[NDArray[np.bool_]],
        *,
        filled: bool = True,
        coarse: bool = False,
    ) -> None:
        """Draw tracked curves thin, edited ones bold, the area between them, and keys on top.

        Curves of one colour are one item: an item for every curve takes much longer.

        Parameters
        ----------
        curves : sequence of Curve
        colours : sequence of str
            Colour of each curve.
        selected : sequence of (K,) bool
            Whether each key of each curve is selected.
        filled : bool
            Whether to draw the areas.
        coarse : bool
            Whether to skip antialiasing, which halves the time.
        """
        for one, colour in zip(curves, colours, strict=True):
            if (
                filled
                and one.moves
                and np.isfinite(one.after).all()
                and np.isfinite(one.before).all()
            ):
                self._add_area(one, colour)
        for colour in dict.fromkeys(colours):
            faint = QColor(colour)
            faint.setAlpha(190)
            alike = [one for one, other in zip(curves, colours, strict=True) if other == colour]
            self._add_lines(
                [(one.frames, one.before) for one in alike],
                self._pen(faint, 1.0),
                smooth=not coarse,
            )
            bold = self._add_lines(
                [stepped(one) for one in alike], self._pen(colour, 2.4), smooth=not coarse
            )
            bold.setSegmentedLineMode("on")  # a wide path takes several times as long
        self._add_keys(curves, colours, selected)

    def _add_area(self, one: Curve, colour: str) -> None:
        area = QColor(colour)
        area.setAlpha(34)
        around = (
            np.concatenate([one.frames, one.frames[::-1]]),
            np.concatenate([one.after, one.before[::-1]]),
        )
        between = QGraphicsPathItem(pg.arrayToQPath(*around, finiteCheck=False))
        between.setPen(QPen(Qt.PenStyle.NoPen))
        between.setBrush(area)
        self._add(between)

    def _add_lines(
        self,
        lines: Sequence[tuple[NDArray[np.number], NDArray[np.float64]]],
        pen: QPen,
        *,
        smooth: bool,
    ) -> pg.PlotCurveItem:
        """Add separate lines as one item."""
        gap = [np.nan]
        xs, ys = (
            np.concatenate([piece for line in lines for piece in (line[axis], gap)])
            for axis in (0, 1)
        )
        item = pg.PlotCurveItem(xs, ys, pen=pen, connect="finite", antialias=smooth)
        self._add(item)
        return item

    def _add_keys(
        self, curves: Sequence[Curve], colours: Sequence[str], selected: Sequence[NDArray[np.bool_]]
    ) -> None:
        looks: dict[tuple[int, bool, str], list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = {}
        theirs = theme.current()
        for one, colour, marked in zip(curves, colours, selected, strict=True):
            kinds, seen = one.shapes.astype(np.int64) + 16 * marked, np.isfinite(one.heights)
            for kind in np.unique(kinds[seen]).tolist():
                some, on = seen & (kinds == kind), kind >= 16
                look = kind % 16, on, theirs.accent if on else colour
                looks.setdefault(look, []).append((one.at[some], one.heights[some]))
        for (shape, on, colour), some_keys in sorted(
            looks.items(), key=lambda look: look[0][1]
        ):  # selected ones on top
            xs, ys = (np.concatenate([keys[axis] for keys in some_keys]) for axis in (0, 1))
            pen = pg.mkPen(theirs.text if on else theirs.panel, width=1.4)
            self._add(
                pg.ScatterPlotItem(
                    x=xs,
                    y=ys,
                    symbol=_symbol(shape),
                    size=_KEY_SIZE,
                    brush=pg.mkBrush(colour),
                    pen=pen,
                    antialias=True,
                )
            )

    def add_handles(self, lines: Sequence[tuple[QPointF, QPointF]]) -> None:
        """Draw handles: lines from a key to the handle's end, in frames and values."""
        if not lines:
            return
        colours = theme.current()
        points = [point for line in lines for point in line]
        xs, ys = (
            np.array([point.x() for point in points]),
            np.array([point.y() for point in points]),
        )
        self._add(pg.PlotCurveItem(xs, ys, connect="pairs", pen=self._pen(colours.secondary, 1.0)))
        pen, brush = pg.mkPen(colours.accent, width=1.4), pg.mkBrush(colours.panel)
        self._add(
            pg.ScatterPlotItem(x=xs[1::2], y=ys[1::2], symbol="o", size=7, pen=pen, brush=brush)
        )

    def add_box(self, corner: QPointF, opposite: QPointF) -> None:
        """Draw the selection box, in frames and values."""
        frame = QGraphicsRectItem(QRectF(corner, opposite))
        pen = QPen(theme.current().color("accent"), 1)
        pen.setCosmetic(True)
        frame.setPen(pen)
        frame.setBrush(theme.current().color("accent", 40))
        self._add(frame)


@cache
def _symbol(shape: int) -> QPainterPath:
    """Outline of a key, scaled to pyqtgraph's unit square."""
    path = key_path(SHAPES[shape // 4], SHAPES[shape % 4])
    return QTransform.fromScale(1 / _KEY_SIZE, 1 / _KEY_SIZE).map(path)
