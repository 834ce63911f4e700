"""Overlays on the photo, in device pixels: face frames, wipe line, drawn box and hints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen

from app import theme
from app.canvas.view_transform import ViewTransform
from app.theme import Palette
from icface.document import Face, Region
from icface.face.geometry import Box


def view_rect(box: Box, view: ViewTransform) -> QRectF:
    """A box of the image in device pixels."""
    left, top = view.to_view(box.left, box.top)
    right, bottom = view.to_view(box.right, box.bottom)
    return QRectF(left, top, right - left, bottom - top)


def face_at(faces: Sequence[Face], view: ViewTransform, x: float, y: float) -> int | None:
    """Index of the smallest face whose frame holds a device point."""
    rects = [(view_rect(face.box, view), i) for i, face in enumerate(faces)]
    holding = [(rect.width() * rect.height(), i) for rect, i in rects if rect.contains(x, y)]
    return min(holding)[1] if holding else None


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours of the theme and device pixel ratio for drawing overlays."""

    colours: Palette
    ratio: float

    def px(self, length: float) -> float:
        """Logical pixels as device pixels."""
        return length * self.ratio

    def chip(
        self,
        painter: QPainter,
        at: QPointF,
        text: str,
        *,
        align: Qt.AlignmentFlag,
        strong: bool = False,
    ) -> QRectF:
        """Draw a word on a dark plate; `at` is its left, right or middle edge."""
        font = theme.ui_font(round(self.px(11)), semibold=strong)
        width = QFontMetricsF(font).horizontalAdvance(text) + self.px(14)
        left = {
            Qt.AlignmentFlag.AlignLeft: at.x(),
            Qt.AlignmentFlag.AlignRight: at.x() - width,
        }.get(align, at.x() - width / 2)
        rect = QRectF(left, at.y(), width, self.px(20))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 20, 20, 205))
        painter.drawRoundedRect(rect, self.px(4), self.px(4))
        painter.setFont(font)
        painter.setPen(QColor(236, 236, 236))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
        return rect


def paint_faces(
    painter: QPainter,
    view: ViewTransform,
    faces: Sequence[Face],
    chosen: int | None,
    hovered: int | None,
    ink: Ink,
) -> None:
    """Draw corner brackets around every face.

    The selected face's lines are heavier and labelled, so that colour is not the only sign.
    """
    for index, face in enumerate(faces):
        rect = view_rect(face.box, view)
        is_chosen = index == chosen
        arm = min(rect.width(), rect.height()) * 0.18
        path = QPainterPath()
        for corner, across, down in (
            (rect.topLeft(), 1, 1),
            (rect.topRight(), -1, 1),
            (rect.bottomRight(), -1, -1),
            (rect.bottomLeft(), 1, -1),
        ):
            path.moveTo(corner + QPointF(across * arm, 0))
            path.lineTo(corner)
            path.lineTo(corner + QPointF(0, down * arm))
        width = ink.px(2.5 if is_chosen else 1.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 120), width + ink.px(2)))
        painter.drawPath(path)
        colour = (
            QColor("#5aa9ff")
            if is_chosen
            else QColor(235, 235, 235, 255 if index == hovered else 200)
        )
        painter.setPen(QPen(colour, width))
        painter.drawPath(path)
        if is_chosen or index == hovered:
            text = f"Face {index + 1}" if is_chosen else f"Choose face {index + 1}"
            below = QPointF(rect.center().x(), rect.bottom() + ink.px(6))
            ink.chip(painter, below, text, align=Qt.AlignmentFlag.AlignHCenter, strong=is_chosen)


def paint_wipe(painter: QPainter, x: float, area: QRectF, ink: Ink) -> None:
    """The line between before and after, its handle, and which side is which."""
    painter.setPen(QPen(QColor(0, 0, 0, 110), ink.px(3)))
    painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    painter.setPen(QPen(QColor(245, 245, 245), ink.px(1.2)))
    painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    middle = QPointF(x, area.center().y())
    painter.setPen(QPen(QColor(0, 0, 0, 110), ink.px(1)))
    painter.setBrush(QColor(245, 245, 245))
    painter.drawEllipse(middle, ink.px(11), ink.px(11))
    painter.setPen(
        QPen(
            QColor(30, 30, 30), ink.px(1.6), c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin
        )
    )
    for side in (-1, 1):
        tip = middle + QPointF(side * ink.px(6.5), 0)
        painter.drawPolyline(
            [
                tip + QPointF(-side * ink.px(3), -ink.px(3)),
                tip,
                tip + QPointF(-side * ink.px(3), ink.px(3)),
            ]
        )
    top, gap = area.top() + ink.px(12), ink.px(10)
    ink.chip(painter, QPointF(x - gap, top), "Before", align=Qt.AlignmentFlag.AlignRight)
    ink.chip(painter, QPointF(x + gap, top), "After", align=Qt.AlignmentFlag.AlignLeft)


def paint_regions(
    painter: QPainter, view: ViewTransform, regions: Sequence[Region], ink: Ink
) -> None:
    """A dashed line around every part that stays as it is."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for region in regions:
        rect = view_rect(region.box, view)
        dashes = QPen(QColor(245, 245, 245, 210), ink.px(1.2), Qt.PenStyle.DashLine)
        for pen in (QPen(QColor(0, 0, 0, 130), ink.px(3)), dashes):
            painter.setPen(pen)
            if region.shape == "ellipse":
                painter.drawEllipse(rect)
            else:
                painter.drawRect(rect)


def paint_rubber_band(
    painter: QPainter, rect: QRectF, area: QRectF, ink: Ink, *, round_: bool = False
) -> None:
    """The box being drawn, or the ellipse in it: everything else is dimmed."""
    outside = QPainterPath()
    outside.addRect(area)
    inside = QPainterPath()
    if round_:
        inside.addEllipse(rect)
    else:
        inside.addRect(rect)
    painter.fillPath(outside.subtracted(inside), QColor(0, 0, 0, 120))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(QColor(0, 0, 0, 140), ink.px(3)), QPen(QColor("#5aa9ff"), ink.px(1.5))):
        painter.setPen(pen)
        painter.drawPath(inside)
