"""The timeline panel: transport, ruler, strips, and lanes or curves on one time axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QScrollBar, QVBoxLayout, QWidget

from app.editor.playhead import Playhead
from app.editor.session import Session
from app.timeline.controller import TimelineController
from app.timeline.lane_paint import LANE_H
from app.timeline.lanes import Lanes
from app.timeline.requests import TimelineRequests
from app.timeline.ruler import Ruler
from app.timeline.sheet import Lane
from app.timeline.strips import ConfidenceStrip, FilmStrip, WaveStrip
from app.timeline.transport import Transport
from app.timeline.view import TimelineView
from icface.document import Project

if TYPE_CHECKING:
    from app.timeline.curve_editor import CurveEditor

_STEPS = 1000
"""Steps of the horizontal scroll bar per width of the view."""


class TimelinePanel(QWidget):
    """The whole timeline.

    Parameters
    ----------
    session : Session
    playhead : Playhead
    parent : QWidget, optional
    """

    refused = Signal(str)
    """Reason why a request was refused."""
    left = Signal()
    """The timeline is about to be hidden while it has the keyboard focus."""
    auto_key_changed = Signal(bool)
    """Whether moving a slider sets a key."""

    def __init__(self, session: Session, playhead: Playhead, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline")
        self.setAccessibleName("Timeline")
        self.view = TimelineView(session, playhead, self)
        self.requests = TimelineRequests(self)
        self.controller = TimelineController(session, playhead, self.requests, self)
        self.transport = Transport(self.view, self.requests)
        self.ruler = Ruler(self.view, self.requests)
        self.film = FilmStrip(self.view, self.requests)
        self.wave = WaveStrip(self.view, self.requests)
        self.confidence = ConfidenceStrip(self.view, self.requests)
        self.lanes = Lanes(self.view, self.requests)
        self.curves: CurveEditor | None = None
        self._down = QScrollBar(Qt.Orientation.Vertical)
        self._across = QScrollBar(Qt.Orientation.Horizontal)
        self._length = 0
        self._build()
        self._connect()
        self.apply(Project(), session.project)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.transport)
        parts = QVBoxLayout()
        parts.setSpacing(0)
        for part in (self.ruler, self.film, self.wave, self.confidence):
            parts.addWidget(part)
        self._body = QVBoxLayout()
        self._body.setSpacing(0)
        self._body.addWidget(self.lanes, 1)
        parts.addLayout(self._body, 1)
        parts.addWidget(self._across)
        line = QHBoxLayout()
        line.setSpacing(0)
        line.addLayout(parts, 1)
        line.addWidget(self._down)
        column.addLayout(line, 1)
        self._down.setFixedWidth(10)
        self._across.setFixedHeight(10)
        for bar in (self._down, self._across):
            bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _connect(self) -> None:
        self._down.valueChanged.connect(self.lanes.scroll_to)
        self._across.valueChanged.connect(self._scrolled_across)
        self.lanes.range_changed.connect(self._fit_bars)
        self.view.scale_changed.connect(self._fit_bars)
        for part in (self.ruler, self.film, self.wave, self.confidence, self.lanes):
            part.scrolled.connect(lambda by: self._down.setValue(self._down.value() + by))
        self.requests.refused.connect(self.refused)
        self.transport.auto_key_changed.connect(self.auto_key_changed)
        self.transport.left.connect(self.focus_lanes)
        self.transport.curves_toggled.connect(self.show_curves)
        self.view.playhead.moved.connect(self.view.follow)

    # Showing --------------------------------------------------------------------------------------

    def apply(self, before: Project, after: Project) -> None:
        """Show a project."""
        self.view.apply(before, after)
        if self.view.length != self._length:
            saw_all = self.view.scale.exact(self.view.width) >= self._length - 1
            self._length = self.view.length
            if saw_all:
                self.view.fit()
            self._fit_bars()

    def retint(self) -> None:
        """Draw icons and curves in the colours of the theme."""
        self.transport.retint()
        if self.curves is not None:
            self.curves.retint()
        self.update()

    def show_curves(self, curves: bool) -> None:
        """Show the curves of the selected lanes, or all lanes."""
        if curves and self.curves is None:
            from app.timeline.curve_editor import CurveEditor  # noqa: PLC0415  (pyqtgraph)

            self.curves = CurveEditor(self.view, self.requests)
            self._body.addWidget(self.curves, 1)
        had_focus = self.has_keyboard and not self.transport.isAncestorOf(self.focusWidget())
        if self.curves is not None:
            self.curves.setVisible(curves)
        self.lanes.setVisible(not curves)
        self._down.setEnabled(not curves)
        if had_focus:
            self.focus_lanes()

    def set_filmstrip(self, frames: Mapping[int, QImage]) -> None:
        """Set the thumbnails of the clip by frame of the project; none hides the strip."""
        self.film.set_images(frames)

    def set_waveform(
        self, peaks: NDArray[np.floating], seconds_per_peak: float, shift: int = 0
    ) -> None:
        """Set the waveform, see `WaveStrip.set_peaks`; an empty array hides the strip."""
        self.wave.set_peaks(peaks, seconds_per_peak, shift)

    def show_rate(self, shown: float) -> None:
        """Show the measured frame rate of playback."""
        self.transport.show_rate(shown)

    def fit_curves(self) -> None:
        """Fit the whole time and the whole range of the curves."""
        self.view.fit()
        if self.curves is not None and self.curves.isVisible():
            self.curves.refresh()
            self.curves.fit_values()

    @property
    def auto_key(self) -> bool:
        """Whether moving a slider sets a key."""
        return self.transport.auto_key.isChecked()

    @property
    def lanes_shown(self) -> tuple[Lane, ...]:
        """The lanes whose keys are shown: as curves, or all, also those in folded groups."""
        if self.curves is not None and self.curves.isVisible():
            return self.curves.lanes
        return self.view.all_lanes

    def leave(self) -> None:
        """Give the keyboard back to the picture, if the panel has it."""
        if self.has_keyboard:
            self.left.emit()

    @property
    def has_keyboard(self) -> bool:
        """Whether a widget of the timeline has the keyboard focus."""
        focus = self.focusWidget()
        return focus is not None and focus.hasFocus()

    def focus_lanes(self) -> None:
        """Give the keyboard focus to the lanes or the curves."""
        shown = self.lanes if self.curves is None or not self.curves.isVisible() else self.curves
        shown.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_parameter(self, row: str) -> None:
        """Select the lane of a slider that received the focus."""
        self.view.select_lanes((row,))
        self.lanes.show_lane(row)

    # Scrolling ------------------------------------------------------------------------------------

    def _fit_bars(self) -> None:
        view, seen = self.view, self.lanes.height()
        self._down.setPageStep(seen)
        self._down.setSingleStep(LANE_H)
        self._down.setRange(0, max(self.lanes.content_height - seen, 0))
        frames, (low, high) = view.width / view.scale.px, view.scale.ends(view.length, view.width)
        blocked = self._across.blockSignals(True)
        self._across.setRange(0, round((high - low) / frames * _STEPS))
        self._across.setPageStep(_STEPS)
        self._across.setValue(round((view.scale.start - low) / frames * _STEPS))
        self._across.blockSignals(blocked)

    def _scrolled_across(self, value: int) -> None:
        view = self.view
        low, _ = view.scale.ends(view.length, view.width)
        view.set_scale(replace(view.scale, start=low + value / _STEPS * view.width / view.scale.px))
