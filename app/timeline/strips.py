"""Strips over the lanes: film, waveform and tracking confidence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QHelpEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from app import theme
from app.timeline.requests import TimelineRequests
from app.timeline.sheet import GOOD, MISSING, TrackingQuality
from app.timeline.time_widget import HEAD_W, TimeWidget
from app.timeline.view import TimelineView
from app.widgets.plain_text import plain_tip

FILM_H = 44
"""Height of the film strip, logical pixels."""
WAVE_H = 30
"""Height of the waveform, logical pixels."""
CONFIDENCE_H = 20
"""Height of the confidence strip, logical pixels."""


class Strip(TimeWidget):
    """A strip of fixed height; pressing it moves the playhead."""

    def __init__(
        self,
        view: TimelineView,
        requests: TimelineRequests,
        height: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(view, parent)
        self.requests = requests
        self._scrubs = False
        self.setFixedHeight(height)
        self._shown: tuple[object, ...] = ()
        view.project_changed.connect(self._follow)

    def _follow(self) -> None:
        """Repaint if the content of the strips has changed; most edits do not change it."""
        project = self.view.project
        shows = project.range, project.n_frames, project.rate, self.view.tracking_quality
        if shows != self._shown:
            self._shown = shows
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the playhead to the pointer."""
        if (
            not self.begin_pan(event)
            and event.button() == Qt.MouseButton.LeftButton
            and event.position().x() >= HEAD_W
        ):
            self._scrubs = True
            self.requests.frame_asked.emit(self.frame_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub with the pointer."""
        if not self.pan(event) and self._scrubs:
            self.requests.frame_asked.emit(self.frame_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End scrubbing."""
        if not self.end_pan(event) and event.button() == Qt.MouseButton.LeftButton:
            self._scrubs = False


class FilmStrip(Strip):
    """Thumbnails of the clip."""

    def __init__(
        self, view: TimelineView, requests: TimelineRequests, parent: QWidget | None = None
    ) -> None:
        super().__init__(view, requests, FILM_H, parent)
        self._frames: NDArray[np.int64] = np.zeros(0, np.int64)
        self._images: list[QImage] = []
        self._scaled: dict[tuple[int, float], QImage] = {}
        self.setAccessibleName("Film strip")
        self.setVisible(False)

    def set_images(self, images: Mapping[int, QImage]) -> None:
        """Set the thumbnails by frame of the project; more may follow."""
        self._frames = np.array(sorted(images), np.int64)
        self._images = [images[int(frame)] for frame in self._frames]
        self._scaled.clear()
        self.setVisible(bool(images))
        self.update()

    def tiles(self) -> tuple[tuple[float, int], ...]:
        """Widget x and index of the thumbnail of each visible tile, side by side from frame 0."""
        if not self._images:
            return ()
        side, scale = self._tile_width(), self.view.scale
        first = max(int((0 - scale.start) * scale.px), -int(side))
        begin = scale.x(0) + side * max(int(-scale.x(0) // side), 0) if first < 0 else scale.x(0)
        end = min(self._end - HEAD_W, float(self.width() - HEAD_W))
        places = np.arange(begin, end, side)
        wanted = scale.start + (places + side / 2) / scale.px
        after = np.clip(np.searchsorted(self._frames, wanted), 0, len(self._frames) - 1)
        before = np.clip(after - 1, 0, None)
        near = np.where(
            np.abs(self._frames[before] - wanted) <= np.abs(self._frames[after] - wanted),
            before,
            after,
        )
        return tuple(zip((places + HEAD_W).tolist(), near.tolist(), strict=True))

    @property
    def _end(self) -> float:
        """Widget x of the film's end: one gap after its last thumbnail, or the document's end."""
        gap = int(self._frames[-1] - self._frames[-2]) if len(self._frames) > 1 else 1
        return self.x_of(min(int(self._frames[-1]) + gap, self.view.project.n_frames))

    def _tile_width(self) -> float:
        image = self._images[0]
        return max((FILM_H - 6) * image.width() / max(image.height(), 1), 8.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the visible tiles."""
        painter = QPainter(self)
        self.paint_ground(painter, "Film")
        painter.setClipRect(self.time_rect)
        ratio, side = self.devicePixelRatioF(), self._tile_width() if self._images else 0.0
        end = self._end if self._images else 0.0
        for x, place in self.tiles():
            if x > event.rect().right() or x + side < event.rect().left():
                continue  # outside the area to repaint
            image = self._fitted(place, ratio)
            shown = min(side - 1, end - x)
            painter.drawImage(
                QRectF(x, 3, shown, FILM_H - 6),
                image,
                QRectF(0, 0, image.width() * shown / side, image.height()),
            )
        painter.setClipping(False)
        self.paint_playhead(painter)

    def _fitted(self, place: int, ratio: float) -> QImage:
        if (place, ratio) not in self._scaled:
            height = round((FILM_H - 6) * ratio)
            self._scaled[place, ratio] = self._images[place].scaledToHeight(
                height, Qt.TransformationMode.SmoothTransformation
            )
        return self._scaled[place, ratio]


class WaveStrip(Strip):
    """The waveform of the sound."""

    def __init__(
        self, view: TimelineView, requests: TimelineRequests, parent: QWidget | None = None
    ) -> None:
        super().__init__(view, requests, WAVE_H, parent)
        self._low: NDArray[np.float32] = np.zeros(0, np.float32)
        self._high = self._low
        self._seconds_per_peak, self._shift = 1.0, 0
        self.setAccessibleName("Sound")
        self.setVisible(False)

    def set_peaks(
        self, peaks: NDArray[np.floating], seconds_per_peak: float, shift: int = 0
    ) -> None:
        """Set the peaks of short intervals, from the clip's first frame on.

        Parameters
        ----------
        peaks : (N,) or (N, 2)
            Largest magnitude, or lowest and highest sample, in -1..1; empty for no sound.
        seconds_per_peak : float
            Length of an interval.
        shift : int
            Delay of the clip in the document, frames.
        """
        values = np.asarray(peaks, np.float32)
        self._low, self._high = (
            (values[:, 0], values[:, 1]) if values.ndim == 2 else (-np.abs(values), np.abs(values))
        )
        self._seconds_per_peak, self._shift = seconds_per_peak, shift
        self.setVisible(len(values) > 0)
        self.update()

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """(C,) x of the visible columns, and the lowest and highest sample in each."""
        width = self.width() - HEAD_W
        edges = self.view.scale.start + np.arange(width + 1) / self.view.scale.px
        times = self.view.project.seconds(edges - self._shift) / self._seconds_per_peak
        starts = np.floor(times).astype(np.int64)
        inside = np.flatnonzero((starts[:-1] >= 0) & (starts[:-1] < len(self._low)))
        if not len(inside):
            empty = np.zeros(0, np.float32)
            return inside, empty, empty
        begin = starts[inside]
        end = np.minimum(np.maximum(starts[inside + 1], begin + 1), len(self._low))
        bounds = np.stack([begin, end], 1).ravel()
        low = np.minimum.reduceat(np.append(self._low, 0), bounds)[::2]
        high = np.maximum.reduceat(np.append(self._high, 0), bounds)[::2]
        return inside, low, high

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a line for each column."""
        painter, colours = QPainter(self), theme.current()
        self.paint_ground(painter, "Sound")
        painter.setClipRect(self.time_rect)
        xs, low, high = self.columns()
        needed = (xs + HEAD_W >= event.rect().left() - 1) & (
            xs + HEAD_W <= event.rect().right() + 1
        )
        xs, low, high = xs[needed], low[needed], high[needed]
        middle, reach = self.height() / 2, self.height() / 2 - 3
        painter.setPen(QPen(colours.color("mark"), 1))
        tops, ends = middle - high * reach - 0.5, middle - low * reach + 0.5
        painter.drawLines(
            [
                QLineF(HEAD_W + x + 0.5, a, HEAD_W + x + 0.5, b)
                for x, a, b in zip(xs.tolist(), tops.tolist(), ends.tolist(), strict=True)
            ]
        )
        painter.setClipping(False)
        self.paint_playhead(painter)


class ConfidenceStrip(Strip):
    """Tracking confidence: amber where low, red and hatched where no face was found."""

    def __init__(
        self, view: TimelineView, requests: TimelineRequests, parent: QWidget | None = None
    ) -> None:
        super().__init__(view, requests, CONFIDENCE_H, parent)
        self.setAccessibleName("Confidence of the tracking")
        view.project_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        found = self.view.tracking_quality
        self.setVisible(found is not None)
        if found is not None:
            count = len(found[1].problems)
            self.setAccessibleDescription(
                f"{found[0]}: {count} tracking problem{'s' * (count > 1)}"
                if count
                else f"{found[0]}: tracked well"
            )

    def spans(self, state: int) -> list[tuple[float, float]]:
        """Start and end x of the visible spans in a state, joined where less than a pixel apart."""
        found = self.view.tracking_quality
        if found is None:
            return []
        first, last = self.view.scale.visible(self.width() - HEAD_W)
        marks = np.concatenate(
            [[False], found[1].state[first : last + 1] == state, [False]]
        ).astype(np.int8)
        edges = np.flatnonzero(np.diff(marks)) + first
        joined: list[tuple[float, float]] = []
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            left, right = self.x_of(begin), max(self.x_of(end), self.x_of(begin) + 2)
            if joined and left - joined[-1][1] < 1:
                joined[-1] = joined[-1][0], right
            else:
                joined.append((left, right))
        return joined

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the confidence as a line, with the problems over it."""
        painter, colours = QPainter(self), theme.current()
        found = self.view.tracking_quality
        self.paint_ground(painter, "" if found is None else f"Confidence: {found[0]}")
        if found is not None:
            painter.setClipRect(self.time_rect)
            self._paint_line(painter, found[1], event.rect())
            height = self.height() - 1
            for left, right in self.spans(GOOD + 1):
                painter.fillRect(QRectF(left, 0, right - left, height), colours.color("amber", 110))
                painter.fillRect(QRectF(left, height - 3, right - left, 3), colours.color("amber"))
            for left, right in self.spans(MISSING):
                area = QRectF(left, 0, right - left, height)
                painter.fillRect(area, colours.color("error", 60))
                painter.fillRect(area, QBrush(colours.color("error"), Qt.BrushStyle.BDiagPattern))
            painter.setClipping(False)
        self.paint_playhead(painter)

    def _paint_line(self, painter: QPainter, quality: TrackingQuality, area: QRect) -> None:
        width = self.width() - HEAD_W
        first, last = self.view.scale.visible(width)
        step = max(
            (last - first) // max(width, 1), 1
        )  # the lowest confidence of the frames under a pixel
        beyond = 2 + 2 * step  # beyond the area, so that the line crosses its edges
        begin = max(first, (self.frame_at(area.left()) - beyond - first) // step * step + first)
        frames = np.arange(
            begin, min(last, self.frame_at(area.right()) + beyond, len(quality.confidence) - 1) + 1
        )
        if not len(frames):
            return
        starts = np.arange(0, len(frames), step)
        worst = np.minimum.reduceat(quality.confidence[frames], starts)
        ys = 3 + (1 - worst) * (self.height() - 7)
        points = list(
            map(QPointF, (HEAD_W + self.view.scale.xs(frames[starts])).tolist(), ys.tolist())
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().color("mark"), 1.2))
        painter.drawPolyline(points)

    def event(self, event: QEvent) -> bool:
        """Show a tooltip about the frame under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(
                event.globalPos(), plain_tip(self.tip_at(event.pos().x())), self, QRect()
            )
            return True
        return super().event(event)

    def tip_at(self, x: float) -> str:
        """The tooltip at a widget x."""
        found, frame = self.view.tracking_quality, self.frame_at(x)
        if found is None or x < HEAD_W or frame >= len(found[1].state):
            return "Shift+Up and Shift+Down jump between problems and markers"
        if found[1].state[frame] == MISSING:
            return f"{found[0]}: no face in frame {frame}"
        return f"{found[0]}: confidence {found[1].confidence[frame]:.2f} in frame {frame}"
