"""The diamond that shows whether a value is keyed."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app import theme

KeyState = Literal["", "elsewhere", "here"]
"""State of a value: no keys, keys on other frames only, or a key on this frame."""


def paint_diamond(
    painter: QPainter,
    middle: QPointF,
    radius: float,
    key: KeyState,
    ground: QColor | Qt.GlobalColor,
) -> None:
    """Paint a diamond: filled for a key here, empty for keys elsewhere, grey for none."""
    colour = theme.current().color("amber" if key else "mark")
    painter.setPen(QPen(colour, 1.3))
    painter.setBrush(colour if key == "here" else ground)
    corners = [QPointF(0, -radius), QPointF(radius, 0), QPointF(0, radius), QPointF(-radius, 0)]
    painter.drawPolygon(QPolygonF([middle + corner for corner in corners]))
