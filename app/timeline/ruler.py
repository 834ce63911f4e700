"""The ruler: timecode, markers, in and out points, the blend, and handles that stretch keys."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app import theme
from app.theme import Palette
from app.timeline.key_drag import ScaleDrag
from app.timeline.key_menu import open_time_menu
from app.timeline.requests import TimelineRequests
from app.timeline.sheet import selected_ends
from app.timeline.time_scale import ticks
from app.timeline.time_widget import HEAD_W, TimeWidget
from app.timeline.view import TimelineView
from app.widgets.gestures import next_gesture
from icface.document.curves import Blend

RULER_H = 44
"""Height of the ruler, logical pixels."""
_SCALE_H = 22
"""Height of the ticks and timecode, logical pixels."""
_BAND_TOP = 23
"""Top of the band of in and out points, logical pixels."""
_BAND_H = 8
"""Height of the band of in and out points, logical pixels."""
_BLEND_TOP = 33
"""Top of the blend, logical pixels."""
_BLEND_H = 9
"""Height of the blend, logical pixels."""
_REACH = 6.0
"""Distance from its centre within which a handle is hit, logical pixels."""
_DRAG_PX = 3
"""Pixels that the pointer moves before a drag begins."""
_Mover = Callable[[int], object]


class Ruler(TimeWidget):
    """The time ruler; pressing it anywhere but on a handle scrubs.

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
        self._move: _Mover | None = None
        self._pressed: QPointF | None = None
        self.setFixedHeight(RULER_H)
        self.setMouseTracking(True)
        self.setObjectName("timeline-ruler")
        self.setAccessibleName("Time ruler")
        self.setToolTip(
            "Press to move the playhead. Right-click for markers, in and out points and the blend."
        )
        view.project_changed.connect(self.update)
        view.selection_changed.connect(self.update)

    # Handles --------------------------------------------------------------------------------------

    def handles(self) -> dict[str, QPointF]:
        """Centres of the handles, by name."""
        project, found = self.view.project, dict[str, QPointF]()
        first, last = project.range
        band, blend_y = _BAND_TOP + _BAND_H / 2, _BLEND_TOP + _BLEND_H / 2
        found["in"] = QPointF(self.x_of(first), band)
        found["out"] = QPointF(self.x_of(last + 1), band)
        edits = project.face_edits
        if edits is not None and edits.blend is not None:
            blend = edits.blend
            found["fade-in"] = QPointF(self.x_of(blend.first + blend.fade_in), blend_y - 3)
            found["fade-out"] = QPointF(self.x_of(blend.last + 1 - blend.fade_out), blend_y - 3)
            found["first"] = QPointF(self.x_of(blend.first), blend_y)
            found["last"] = QPointF(self.x_of(blend.last + 1), blend_y)
        ends = selected_ends(self.view.keys)
        if ends is not None and ends[0] < ends[1]:
            found["keys-first"], found["keys-last"] = (
                QPointF(self.x_of(frame), 4) for frame in ends
            )
        return found

    def handle_at(self, at: QPointF) -> str | None:
        """The handle at a point; the nearest of several."""
        near = {
            name: place
            for name, place in self.handles().items()
            if (place - at).manhattanLength() <= _REACH + 2
            and abs(place.x() - at.x()) <= _REACH
            and abs(place.y() - at.y()) <= _REACH
        }
        return min(near, key=lambda name: (near[name] - at).manhattanLength(), default=None)

    def _mover(self, handle: str) -> _Mover:
        gesture, project, view, requests = (
            next_gesture(),
            self.view.project,
            self.view,
            self.requests,
        )
        if handle.startswith("keys"):
            ends = selected_ends(view.keys)
            assert ends is not None
            return ScaleDrag(view, requests, ends[handle == "keys-last"]).to
        first, last = project.range
        if handle == "in":
            return lambda frame: requests.range_set.emit(
                min(view.snapped(frame), last), project.last, gesture
            )
        if handle == "out":
            return lambda frame: requests.range_set.emit(
                project.first, max(view.snapped(frame) - 1, first), gesture
            )
        assert project.face_edits is not None
        assert project.face_edits.blend is not None
        blend = project.face_edits.blend
        return lambda frame: requests.blend_set.emit(
            reshaped(blend, handle, view.snapped(frame)), gesture
        )

    # Painting -------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ruler."""
        painter, colours = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_ground(painter)
        painter.setClipRect(self.time_rect)
        self._paint_ticks(painter, colours)
        self._paint_range(painter, colours)
        self._paint_markers(painter, colours)
        self._paint_blend(painter, colours)
        self._paint_selection(painter, colours)
        painter.setClipping(False)
        self.paint_playhead(painter)
        x = self.x_of(self.view.playhead.frame)
        if x >= HEAD_W - 5:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.color("accent"))
            painter.drawPolygon(
                QPolygonF(
                    [
                        QPointF(x - 5, 0),
                        QPointF(x + 5, 0),
                        QPointF(x + 5, 5),
                        QPointF(x, 11),
                        QPointF(x - 5, 5),
                    ]
                )
            )

    def _paint_ticks(self, painter: QPainter, colours: Palette) -> None:
        painter.setFont(theme.ui_font(10))
        for tick in ticks(self.view.scale, self.width() - HEAD_W, self.view.project.rate):
            x = round(self.x_of(tick.frame)) + 0.5
            painter.setPen(QPen(colours.color("mark"), 1))
            painter.drawLine(QPointF(x, _SCALE_H - (10 if tick.label else 5)), QPointF(x, _SCALE_H))
            if (
                tick.label
                and x + 4 + painter.fontMetrics().horizontalAdvance(tick.label) <= self.width()
            ):
                painter.setPen(colours.color("secondary"))
                painter.drawText(QPointF(x + 4, 13), tick.label)

    def _paint_range(self, painter: QPainter, colours: Palette) -> None:
        first, last = self.view.project.range
        left, right = self.x_of(first), self.x_of(last + 1)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.color("line"))
        painter.drawRect(QRectF(left, _BAND_TOP, right - left, _BAND_H))
        painter.setBrush(colours.color("text"))
        for x, sign in ((left, 1), (right, -1)):
            painter.drawRect(QRectF(min(x, x + 3 * sign), _BAND_TOP, 3, _BAND_H))
            painter.drawRect(QRectF(min(x, x + 7 * sign), _BAND_TOP, 7, 2))
            painter.drawRect(QRectF(min(x, x + 7 * sign), _BAND_TOP + _BAND_H - 2, 7, 2))

    def _paint_markers(self, painter: QPainter, colours: Palette) -> None:
        painter.setFont(theme.ui_font(10))
        markers = self.view.project.markers
        for place, marker in enumerate(markers):
            x = self.x_of(marker.frame)
            painter.setPen(QPen(colours.color("text"), 1))
            painter.drawLine(QPointF(x, 14), QPointF(x, RULER_H))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.color("text"))
            painter.drawPolygon(
                QPolygonF(
                    [
                        QPointF(x - 4, 14),
                        QPointF(x + 4, 14),
                        QPointF(x + 4, 19),
                        QPointF(x, 23),
                        QPointF(x - 4, 19),
                    ]
                )
            )
            room = (
                (self.x_of(markers[place + 1].frame) if place + 1 < len(markers) else self.width())
                - x
                - 12
            )
            if marker.text and room > 24:
                painter.setPen(colours.color("text"))
                text = painter.fontMetrics().elidedText(
                    marker.text, Qt.TextElideMode.ElideRight, int(min(room, 160))
                )
                painter.drawText(QPointF(x + 6, RULER_H - 3), text)

    def _paint_blend(self, painter: QPainter, colours: Palette) -> None:
        edits = self.view.project.face_edits
        if edits is None or edits.blend is None:
            return
        blend, top, bottom = edits.blend, float(_BLEND_TOP), float(_BLEND_TOP + _BLEND_H)
        left, right = self.x_of(blend.first), self.x_of(blend.last + 1)
        up, down = (
            self.x_of(blend.first + blend.fade_in),
            self.x_of(blend.last + 1 - blend.fade_out),
        )
        painter.setPen(QPen(colours.color("amber"), 1))
        painter.setBrush(colours.color("amber", 70))
        painter.drawPolygon(
            QPolygonF(
                [
                    QPointF(left, bottom),
                    QPointF(up, top),
                    QPointF(down, top),
                    QPointF(right, bottom),
                ]
            )
        )
        painter.setBrush(colours.color("amber"))
        for x, y in ((left, bottom - 2), (right, bottom - 2), (up, top + 1), (down, top + 1)):
            painter.drawEllipse(QPointF(x, y), 3, 3)

    def _paint_selection(self, painter: QPainter, colours: Palette) -> None:
        places = self.handles()
        if "keys-first" in places:
            left, right = places["keys-first"].x(), places["keys-last"].x()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.color("accent", 120))
            painter.drawRect(QRectF(left, 1, right - left, 3))
            painter.setBrush(colours.color("accent"))
            painter.drawRect(QRectF(left - 2, 0, 4, 9))
            painter.drawRect(QRectF(right - 2, 0, 4, 9))

    # Mouse ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag a handle, or move the playhead."""
        if (
            self.begin_pan(event)
            or event.button() != Qt.MouseButton.LeftButton
            or event.position().x() < HEAD_W
        ):
            return
        handle = self.handle_at(event.position())
        self._move = self._scrub if handle is None else self._mover(handle)
        self._pressed = None if handle is None else event.position()  # only a drag moves a handle
        if handle is None:
            self._scrub(self.frame_at(event.position().x()))

    def _scrub(self, frame: int) -> None:
        self.requests.frame_asked.emit(frame)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the handle, or scrub."""
        if self.pan(event):
            return
        if (
            self._pressed is not None
            and (event.position() - self._pressed).manhattanLength() < _DRAG_PX
        ):
            return
        if self._move is not None:
            self._pressed = None
            self._move(self.frame_at(event.position().x()))
        else:
            taken = self.handle_at(event.position())
            self.setCursor(
                Qt.CursorShape.ArrowCursor if taken is None else Qt.CursorShape.SizeHorCursor
            )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag; a click on a handle moves the playhead."""
        if not self.end_pan(event) and event.button() == Qt.MouseButton.LeftButton:
            if self._pressed is not None:
                self._scrub(self.frame_at(self._pressed.x()))
            self._move = self._pressed = None

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of markers, in and out points and the blend."""
        frame = self.frame_at(event.pos().x())
        near = [
            marker.frame
            for marker in self.view.project.markers
            if abs(self.x_of(marker.frame) - event.pos().x()) <= _REACH
        ]
        open_time_menu(
            self, self.view, self.requests, near[0] if near else frame, event.globalPos()
        )


def reshaped(blend: Blend, handle: str, frame: int) -> Blend:
    """A blend with one of its handles moved to a frame, or as near as the others allow."""
    first, last, fade_in, fade_out = blend.first, blend.last, blend.fade_in, blend.fade_out
    if handle == "first":
        first = min(frame, last + 1 - fade_in - fade_out, last)
        return Blend(first=max(first, 0), last=last, fade_in=fade_in, fade_out=fade_out)
    if handle == "last":
        return Blend(
            first=first,
            last=max(frame - 1, first + fade_in + fade_out - 1, first),
            fade_in=fade_in,
            fade_out=fade_out,
        )
    length = last - first + 1
    if handle == "fade-in":
        return Blend(
            first=first,
            last=last,
            fade_in=min(max(frame - first, 0), length - fade_out),
            fade_out=fade_out,
        )
    return Blend(
        first=first,
        last=last,
        fade_in=fade_in,
        fade_out=min(max(last + 1 - frame, 0), length - fade_in),
    )
