"""A plot of the effect of smoothing: one channel before it, thin, and after it, bold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from icface.face.controls import ANGLE_UNIT_DEG, ANGLES, CHANNEL_INDEX
from icface.motion.motion import Motion

WINDOW_S = 3.0
"""Seconds shown around the current frame: few enough to show jitter."""
_CHANNELS = {
    "yaw": "Yaw",
    "pitch": "Pitch",
    "roll": "Roll",
    "jawOpen": "Jaw",
    "mouthSmile_L": "Smile, left",
    "eyeBlink_L": "Lid, left",
    "browInnerUp_L": "Inner brow, left",
}


class SmoothingView(QWidget):
    """One channel before and after smoothing; a click shows the next channel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Thin: tracked. Bold: smoothed. Click for the next channel")
        self.setAccessibleName("Effect of smoothing")
        self._read: Motion | None = None
        self._taken: Motion | None = None
        self._frame = 0
        self._channel = ""
        self._liveliest = "yaw"

    def sizeHint(self) -> QSize:
        """Two rows of the grid."""
        return QSize(200, 52)

    @property
    def channel(self) -> str:
        """The channel on screen: the one that moves most, unless another was chosen."""
        return self._channel or self._liveliest

    def apply(self, read: Motion | None, taken: Motion | None, frame: int) -> None:
        """Show a motion before and after smoothing, around a frame of it."""
        if read is not self._read:
            found = np.empty((0, 0)) if read is None else read.controls[read.present]
            self._liveliest = (
                max(_CHANNELS, key=lambda name: _spread(found, name)) if len(found) else "yaw"
            )
        if read is not self._read or taken is not self._taken or frame != self._frame:
            self._read, self._taken, self._frame = read, taken, frame
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show the next channel."""
        names = list(_CHANNELS)
        self._channel = names[(names.index(self.channel) + 1) % len(names)]
        self.update()

    def curves(self) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]:
        """(F,) seconds, and the channel before and after smoothing; NaN without a face."""
        if self._read is None or self._taken is None:
            return np.empty(0), np.empty(0, np.float32), np.empty(0, np.float32)
        times = self._read.seconds
        end = float(times[-1])
        start = min(
            max(times[min(self._frame, len(times) - 1)] - WINDOW_S / 2, 0), max(end - WINDOW_S, 0)
        )
        part = (times >= start) & (times <= start + WINDOW_S)
        column = CHANNEL_INDEX[self.channel]
        return times[part], self._read.controls[part, column], self._taken.controls[part, column]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint both curves, and the current frame as a line."""
        painter, colours = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plate = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(colours.color("line"), 1))
        painter.setBrush(
            colours.color("surround") if colours.name == "dark" else colours.color("raised")
        )
        painter.drawRoundedRect(plate, 4, 4)
        times, read, taken = self.curves()
        seen = np.concatenate([read, taken])
        seen = seen[np.isfinite(seen)]
        if len(times) > 1 and len(seen):
            middle = float(seen.min() + seen.max()) / 2
            reach = max(float(np.ptp(seen)) / 2, 0.02 * _unit(self.channel)) * 1.1
            room = plate.adjusted(4, 15, -4, -4)
            span = float(times[-1] - times[0])

            def place(rows: NDArray[np.float32]) -> list[QPolygonF]:
                x = room.left() + (times - times[0]) / span * room.width()
                y = room.center().y() - (rows - middle) / reach * room.height() / 2
                pieces = np.split(
                    np.arange(len(rows)), np.flatnonzero(np.diff(np.isfinite(rows))) + 1
                )
                return [
                    QPolygonF([QPointF(x[i], y[i]) for i in piece])
                    for piece in pieces
                    if np.isfinite(rows[piece[0]])
                ]

            now = (
                float(self._read.seconds[min(self._frame, len(self._read) - 1)])
                if self._read
                else 0.0
            ) - times[0]
            painter.setPen(QPen(colours.color("mark"), 1))
            across = room.left() + now / span * room.width()
            painter.drawLine(QPointF(across, room.top()), QPointF(across, room.bottom()))
            for rows, pen in (
                (taken, QPen(colours.color("accent"), 2)),
                (read, QPen(colours.color("text"), 0.8)),
            ):
                painter.setPen(pen)
                for line in place(rows):
                    painter.drawPolyline(line)
        painter.setFont(theme.ui_font(10))
        painter.setPen(colours.color("secondary"))
        text = _CHANNELS[self.channel] if len(seen) else "Not tracked"
        painter.drawText(
            plate.adjusted(6, 2, -6, 0),
            Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft,
            text,
        )


def _unit(channel: str) -> float:
    return ANGLE_UNIT_DEG if channel in ANGLES else 1.0


def _spread(rows: NDArray[np.floating], channel: str) -> float:
    return float(np.ptp(rows[:, CHANNEL_INDEX[channel]])) / _unit(channel)
