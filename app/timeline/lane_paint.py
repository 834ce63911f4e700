"""Painting of lanes: headings with switches, and keys whose shape shows their interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPixmap

from app import theme
from app.theme import Palette
from app.timeline.sheet import SHAPES, Lane
from app.timeline.time_scale import TimeScale
from app.timeline.time_widget import HEAD_W

LANE_H = 24
"""Height of a lane, logical pixels."""
KEY_PX = 6.0
"""Distance from its centre within which a key is hit, pixels."""
_STAMP = 15
"""Size of the pixmap of a key, logical pixels."""
_THIN_PX = 4.0
"""Distance below which overlapping keys are painted as one, logical pixels."""
SWITCHES: tuple[tuple[str, str, str], ...] = (
    ("muted", "M", "Mute: ignore these keys"),
    ("solo", "S", "Solo: use only these keys and those of other solo lanes"),
    ("locked", "L", "Lock: protect the keys from changes"),
    ("mode", "\u0394", "Keys are added to the tracking; click to replace it"),
    ("revert", "\u21ba", "Back to the tracking: remove all keys of this lane"),
)
"""Name, letter and tip of the switches of a heading, from left to right."""
_NAME_LEFT = 28.0
"""Left edge of a lane's number, or of its name where it has none, logical pixels."""
_NUMBER_W = 42.0
"""Width of a FACS number with its side, logical pixels."""
_SWITCH_W = 18
"""Width of a switch, logical pixels."""


def switch_rect(place: int, top: float) -> QRectF:
    """Rectangle of a switch of a lane."""
    left = HEAD_W - 8 - _SWITCH_W * (len(SWITCHES) - place)
    return QRectF(left, top + (LANE_H - 18) / 2, _SWITCH_W, 18)


def switch_at(x: float) -> str | None:
    """The switch at an x of a heading."""
    for place, (name, _, _) in enumerate(SWITCHES):
        rect = switch_rect(place, 0)
        if rect.left() <= x < rect.right():
            return name
    return None


@dataclass(frozen=True, slots=True)
class LaneLook:
    """The state in which a lane is painted."""

    top: float
    selected: bool = False
    hovered: bool = False
    focused: bool = False


@lru_cache(maxsize=256)
def key_stamp(shape: int, look: str, colours: Palette, ratio: float) -> QPixmap:
    """Pixmap of a key; ``look`` is plain, selected, quiet or heading."""
    pixmap = QPixmap(round(_STAMP * ratio), round(_STAMP * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(_STAMP / 2, _STAMP / 2)
    if look == "heading":
        painter.scale(0.7, 0.7)
    fill = {"plain": "amber", "selected": "accent", "quiet": "mark", "heading": "secondary"}[look]
    painter.setPen(
        QPen(
            colours.color("text" if look == "selected" else "panel"),
            1.6 if look == "selected" else 1.0,
        )
    )
    painter.setBrush(colours.color(fill))
    painter.drawPath(key_path(SHAPES[shape // 4], SHAPES[shape % 4]))
    painter.end()
    return pixmap


def key_path(left: str, right: str) -> QPainterPath:
    """Outline of a key about (0, 0); each half shows one side's interpolation.

    A half is a diamond for linear, a square for hold, a circle for ease, and a cup for Bezier.
    """
    path = QPainterPath()
    for number, (side, sign) in enumerate(((right, 1), (left, -1))):
        points = _half(side)
        ordered = points if number == 0 else points[::-1]
        for place, (x, y) in enumerate(ordered):
            at = QPointF(sign * x, y)
            if number == 0 and place == 0:
                path.moveTo(at)
            else:
                path.lineTo(at)
    path.closeSubpath()
    return path


def _half(side: str) -> list[tuple[float, float]]:
    """Points of the right half of a key, from top to bottom."""
    if side == "hold":
        return [(0, -4.2), (4.2, -4.2), (4.2, 4.2), (0, 4.2)]
    if side == "bezier":
        return [(0, -2.2), (5, -5), (5, 5), (0, 2.2)]
    if side == "ease":
        turn = np.linspace(-np.pi / 2, np.pi / 2, 9)
        return [(float(4.8 * np.cos(a)), float(4.8 * np.sin(a))) for a in turn]
    return [(0, -5.8), (5.8, 0), (0, 5.8)]


@dataclass(frozen=True, slots=True, eq=False)
class SeenKeys:
    """The keys of a lane to paint: only one of those that would overlap.

    Attributes
    ----------
    xs : (N,) float64
        Pixels from the left edge of the time axis.
    shapes : (N,) uint8
    selected : (N,) bool
    """

    xs: NDArray[np.float64]
    shapes: NDArray[np.uint8]
    selected: NDArray[np.bool_]


def seen_keys(lane: Lane, scale: TimeScale, width: float, selected: NDArray[np.int64]) -> SeenKeys:
    """Keys of a lane to paint in a view of this width; ``selected`` are frames of selected keys."""
    first, last = scale.visible(width)
    low, high = np.searchsorted(
        lane.frames, [first - int(_STAMP / scale.px) - 1, last + int(_STAMP / scale.px) + 2]
    )
    frames, shapes = lane.frames[low:high], lane.shapes[low:high]
    xs, marked = scale.xs(frames), np.isin(frames, selected)
    if len(frames) > width / (2 * _THIN_PX):
        cells, kept = np.unique(np.floor(xs / _THIN_PX), return_index=True)
        if len(cells) < len(xs):
            marked = np.logical_or.reduceat(marked, kept)
            xs, shapes = xs[kept], shapes[kept]
    return SeenKeys(xs, shapes, marked)


def paint_keys(painter: QPainter, lane: Lane, look: LaneLook, seen: SeenKeys, right: float) -> None:
    """Paint the keys of a lane, and the line from the first to the last."""
    if not len(seen.xs):
        return
    colours, middle = theme.current(), look.top + LANE_H / 2
    ratio = painter.device().devicePixelRatio()
    quiet = lane.every("muted")
    if len(lane.frames) > 1:
        pen = QPen(colours.color("mark" if quiet or lane.is_group else "amber", 110), 1)
        painter.setPen(pen)
        start, end = max(float(seen.xs[0]), 0.0), min(float(seen.xs[-1]), right)
        painter.drawLine(QPointF(HEAD_W + start, middle), QPointF(HEAD_W + end, middle))
    plain = "heading" if lane.is_group else "quiet" if quiet else "plain"
    top = round(middle - _STAMP / 2)
    lefts = np.round(seen.xs + (HEAD_W - _STAMP / 2)).astype(np.int64)
    kinds = seen.shapes.astype(np.int64) + 16 * seen.selected
    stamps = {
        kind: key_stamp(kind % 16, "selected" if kind >= 16 else plain, colours, ratio)
        for kind in set(kinds.tolist())
    }
    for left, kind in zip(lefts.tolist(), kinds.tolist(), strict=True):
        painter.drawPixmap(left, top, stamps[kind])


def name_room(lane: Lane, look: LaneLook) -> QRectF:
    """Room for the name of a lane, beside its number and the switches that are shown."""
    switches = _switches_of(lane, look)
    right = switch_rect(min(switches), 0).left() if switches else HEAD_W - 12.0
    left = _NAME_LEFT + (_NUMBER_W if lane.number and not lane.is_group else 0.0)
    return QRectF(left, look.top, right - left - 4, LANE_H)


def paint_heading(painter: QPainter, lane: Lane, look: LaneLook) -> None:
    """Paint the name, the number and the switches of a lane."""
    colours, top = theme.current(), look.top
    ground = "raised" if look.selected else "hover" if look.hovered else "panel"
    painter.fillRect(QRectF(0, top, HEAD_W, LANE_H), colours.color(ground))
    if look.selected:
        painter.fillRect(QRectF(0, top, 3, LANE_H), colours.color("accent"))
    if look.focused:
        painter.setPen(QPen(colours.color("accent"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(0.5, top + 0.5, HEAD_W - 2, LANE_H - 2))
    flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
    if lane.is_group:
        ratio = painter.device().devicePixelRatio()
        image = theme.icon_image(
            "chevron-down" if lane.is_open else "chevron-right",
            colours.secondary,
            side=12,
            ratio=ratio,
        )
        painter.drawImage(QPointF(10, top + (LANE_H - 12) / 2), image)
    elif lane.number:
        painter.setFont(theme.ui_font(11, semibold=True))
        painter.setPen(colours.color("secondary"))
        painter.drawText(QRectF(_NAME_LEFT, top, _NUMBER_W, LANE_H), flags, lane.number)
    painter.setFont(theme.ui_font(11 if lane.is_group else 12, semibold=lane.is_group))
    painter.setPen(colours.color("secondary" if lane.is_group or not lane.is_keyed else "text"))
    room = name_room(lane, look)
    text = painter.fontMetrics().elidedText(
        lane.name, Qt.TextElideMode.ElideRight, int(room.width())
    )
    painter.drawText(room, flags, text)
    for place in _switches_of(lane, look):
        _paint_switch(painter, lane, place, look)


def _is_on(lane: Lane, name: str) -> bool:
    return lane.mode == "absolute" if name == "mode" else name != "revert" and lane.every(name)


def _switches_of(lane: Lane, look: LaneLook) -> list[int]:
    """Indices of the visible switches: all if hovered or selected, else those that are on."""
    if lane.is_group or not lane.is_keyed:
        return []
    awake = look.hovered or look.selected
    return [place for place, (name, _, _) in enumerate(SWITCHES) if awake or _is_on(lane, name)]


def _paint_switch(painter: QPainter, lane: Lane, place: int, look: LaneLook) -> None:
    colours, (name, letter, _) = theme.current(), SWITCHES[place]
    rect, on = switch_rect(place, look.top), _is_on(lane, name)
    filled = on and name != "mode"
    if filled:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.color("accent"))
        painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 3, 3)
    painter.setFont(theme.ui_font(10, semibold=on))
    painter.setPen(colours.color("on_accent" if filled else "text"))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, "=" if name == "mode" and on else letter)
