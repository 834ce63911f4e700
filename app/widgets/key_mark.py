"""The diamond that says whether a value is keyed."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app import theme

KeyState = Literal["", "elsewhere", "here"]
"""Whether what a row sets has no keys, keys on other frames only, or one on this frame."""


def paint_diamond(
    painter: QPainter,
    middle: QPointF,
    radius: float,
    key: KeyState,
    ground: QColor | Qt.GlobalColor,
) -> None:
    """Full on a frame with a key, empty while keys lie elsewhere, faint where one could be set."""
    colour = theme.current().color("amber" if key else "mark")
    painter.setPen(QPen(colour, 1.3))
    painter.setBrush(colour if key == "here" else ground)
    corners = [QPointF(0, -radius), QPointF(radius, 0), QPointF(0, radius), QPointF(-radius, 0)]
    painter.drawPolygon(QPolygonF([middle + corner for corner in corners]))
