"""Layout and painting of a control row."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app import theme
from app.control_rows import INTENSITY_LETTERS, RowSpec, intensity_letter
from app.controls.foretelling import PLAIN, Outlook
from app.theme import EDGE, Palette
from app.widgets.key_mark import KeyState, paint_diamond

NUMBER_W = 36
"""Width of the FACS number, logical pixels."""
NAME_W = 124
"""Width of the name, logical pixels."""
VALUE_W = 46
"""Width of the value, logical pixels."""
LINK_W = 18
"""Width and height of the link button, logical pixels."""
GAP = 4
"""Space before and after the track, logical pixels."""


@dataclass(frozen=True, slots=True)
class RowPlaces:
    """Rectangles of a row, widget pixels.

    Attributes
    ----------
    key, name, track, number, link : QRectF
        The diamond, the name, the slider's track, the number and the link button.
    grip : QRectF
        The area that starts a drag: the track and a margin around it.
    """

    key: QRectF
    name: QRectF
    track: QRectF
    grip: QRectF
    number: QRectF
    link: QRectF
    height: float
    handle_radius: float = 6.0

    @classmethod
    def of(cls, width: int, height: int, *, has_link: bool) -> RowPlaces:
        """Layout of a row of this size; columns do not depend on the link."""
        right = width - EDGE + 6 - LINK_W
        number = QRectF(right - VALUE_W - 2, 0, VALUE_W, height)
        left = EDGE + NUMBER_W + NAME_W + GAP
        track = QRectF(left + 6, 0, max(number.left() - GAP - 6 - left - 6, 24), height)
        link = QRectF(right, (height - LINK_W) / 2, LINK_W, LINK_W) if has_link else QRectF()
        key = QRectF(2, 0, EDGE - 3, height)
        return cls(
            key,
            QRectF(EDGE, 0, NUMBER_W + NAME_W, height),
            track,
            track.adjusted(-9, 0, 9, 0),
            number,
            link,
            height,
        )

    def x_of(self, value: float, spec: RowSpec) -> float:
        """Widget x of a value."""
        share = (value - spec.minimum) / (spec.maximum - spec.minimum)
        return self.track.left() + share * self.track.width()

    def value_at(self, x: float, spec: RowSpec) -> float:
        """Value at a widget x, clamped to the range."""
        share = (x - self.track.left()) / self.track.width()
        return spec.clamp(spec.minimum + share * (spec.maximum - spec.minimum))


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLook:
    """The whole state of a painted row."""

    spec: RowSpec
    value: float
    photo: float
    edited: bool
    linked: bool
    split: bool
    enabled: bool
    hovered: bool
    focused: bool
    dragging: bool
    key: KeyState = ""
    outlook: Outlook = PLAIN

    @property
    def is_awake(self) -> bool:
        """Whether the row is hovered or focused, and shows its details."""
        return self.enabled and (self.hovered or self.focused)


def paint_row(painter: QPainter, places: RowPlaces, look: RowLook, colours: Palette) -> None:
    """Paint one row."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if look.hovered and look.enabled:
        painter.fillRect(painter.viewport(), colours.color("raised"))
    if look.focused:
        painter.fillRect(QRectF(0, 2, 3, places.height - 4), colours.color("accent"))
    _paint_key(painter, places, look, colours)
    _paint_name(painter, places, look, colours)
    if not look.split:
        _paint_track(painter, places, look, colours)
        _paint_number(painter, places, look, colours)
    if look.spec.can_unlink:
        _paint_link(painter, places, look, colours)


def _paint_key(painter: QPainter, places: RowPlaces, look: RowLook, colours: Palette) -> None:
    """Paint the diamond of a keyed, hovered or focused row."""
    if not look.enabled or not (look.key or look.is_awake):
        return
    middle = places.key.center()
    if look.outlook.shifted:  # the slider has moved the whole curve: a line through the diamond
        painter.setPen(QPen(colours.color("accent"), 1.5))
        painter.drawLine(QPointF(middle.x(), middle.y() - 9), QPointF(middle.x(), middle.y() + 9))
    paint_diamond(
        painter, middle, 4.5, look.key, colours.color("raised" if look.hovered else "panel")
    )


def _paint_name(painter: QPainter, places: RowPlaces, look: RowLook, colours: Palette) -> None:
    spec, rect = look.spec, places.name
    name, indent = spec.name, float(NUMBER_W if spec.number else 0)
    if spec.side:
        name = "Left" if spec.side == "L" else "Right"
    elif spec.number:
        painter.setFont(theme.ui_font(11))
        painter.setPen(colours.color("secondary" if look.enabled else "mark"))
        painter.drawText(
            QRectF(rect.left(), 0, NUMBER_W, rect.height()),
            Qt.AlignmentFlag.AlignVCenter,
            spec.number,
        )
    font = theme.ui_font(semibold=look.edited)
    painter.setFont(font)
    painter.setPen(colours.color("text" if look.enabled else "mark"))
    room = QRectF(rect.left() + indent, 0, rect.width() - indent, rect.height())
    text = QFontMetricsF(font).elidedText(name, Qt.TextElideMode.ElideRight, room.width())
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)


def _paint_track(painter: QPainter, places: RowPlaces, look: RowLook, colours: Palette) -> None:
    spec, track = look.spec, places.track
    middle = places.height / 2 - (2.0 if look.is_awake and not spec.is_of_head else 0.0)
    groove = QRectF(track.left() - 2, middle - 2, track.width() + 4, 4)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.color("line"))
    painter.drawRoundedRect(groove, 2, 2)
    if look.outlook.moves == "curve" and look.enabled:  # all of it moves: a tint from end to end
        painter.setBrush(colours.color("accent", 80))
        painter.drawRoundedRect(groove, 2, 2)
    if spec.seen is not None:
        _paint_unseen(painter, places, look, groove, colours)
    _paint_marks(painter, places, look, colours, middle)
    if not look.enabled:
        return
    photo_x, value_x = places.x_of(look.photo, spec), places.x_of(look.value, spec)
    beyond = spec.is_beyond_seen(look.value)
    if look.edited:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.color("amber" if beyond else "accent"))
        painter.drawRoundedRect(
            QRectF(min(photo_x, value_x), middle - 2, abs(value_x - photo_x), 4), 2, 2
        )
    painter.setPen(QPen(colours.color("secondary"), 2, c=Qt.PenCapStyle.FlatCap))
    painter.drawLine(QPointF(photo_x, middle - 6), QPointF(photo_x, middle + 6))
    radius = (
        places.handle_radius + (1.0 if look.dragging else 0.0) - (0.0 if look.is_awake else 1.0)
    )
    ring = colours.color("raised" if look.hovered else "panel")
    painter.setPen(QPen(ring, 2))
    handle = "text" if look.edited or look.is_awake else "secondary"
    painter.setBrush(colours.color("amber" if look.outlook.moves == "key" else handle))
    painter.drawEllipse(QPointF(value_x, middle), radius, radius)


def _paint_unseen(
    painter: QPainter, places: RowPlaces, look: RowLook, groove: QRectF, colours: Palette
) -> None:
    """Paint the range in which pictures went wrong in amber dashes."""
    spec, hovered = look.spec, look.hovered and look.enabled
    seen = spec.seen or 0.0
    pen = QPen(colours.color("amber", 150), groove.height(), c=Qt.PenCapStyle.FlatCap)
    pen.setDashPattern([0.75, 0.5])
    ends = ((-seen, spec.minimum), (seen, spec.maximum))
    for start, end in ends if spec.minimum < 0 else ends[1:]:
        away = 2 if end > 0 else -2
        left, right = sorted((places.x_of(start, spec), places.x_of(end, spec) + away))
        painter.fillRect(
            QRectF(left, groove.top(), right - left, groove.height()),
            colours.color("raised" if hovered else "panel"),
        )
        painter.setPen(pen)
        first, last = places.x_of(start, spec), places.x_of(end, spec) + away
        painter.drawLine(QPointF(first, groove.center().y()), QPointF(last, groove.center().y()))


def _paint_marks(
    painter: QPainter, places: RowPlaces, look: RowLook, colours: Palette, middle: float
) -> None:
    """Paint the marks of the track: A to E, every 15 degrees, or every 10 percent."""
    spec = look.spec
    if spec.is_of_head:
        step = 10 if spec.is_place else 15
        marks = [float(v) for v in range(-45, 46) if v % step == 0]
        marks = [v for v in marks if spec.minimum <= v <= spec.maximum]
        letters = [""] * len(marks)
    elif spec.minimum < 0:
        marks, letters = [-1.0, -0.5, 0.0, 0.5, 1.0], [""] * 5
    else:
        marks, letters = [(i + 1) / 5 for i in range(5)], list(INTENSITY_LETTERS)
    now = intensity_letter(look.value)
    for value, letter in zip(marks, letters, strict=True):
        x = places.x_of(value, spec)
        if look.is_awake and letter:
            painter.setFont(theme.ui_font(9, semibold=letter == now))
            painter.setPen(colours.color("text" if letter == now else "secondary"))
            painter.drawText(
                QRectF(x - 8, middle + 5, 16, 10), Qt.AlignmentFlag.AlignCenter, letter
            )
        else:
            painter.setPen(QPen(colours.color("mark", 150), 1))
            at = round(x) + 0.5
            painter.drawLine(QPointF(at, middle + 5), QPointF(at, middle + 8))


def _paint_number(painter: QPainter, places: RowPlaces, look: RowLook, colours: Palette) -> None:
    beyond = look.spec.is_beyond_seen(look.value)
    colour = "text" if look.edited else "secondary"
    painter.setFont(theme.ui_font(semibold=look.edited))
    painter.setPen(colours.color(("amber" if beyond else colour) if look.enabled else "mark"))
    left = look.outlook.in_picture
    value = look.value if left is None else left
    text = look.spec.text(value) if look.enabled or left is not None else "\u2013"
    flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
    painter.drawText(places.number, flags, text)
    if look.is_awake:
        painter.setPen(QPen(QColor(colours.line), 1))
        bottom = places.height - 4.5
        painter.drawLine(
            QPointF(places.number.left() + 6, bottom), QPointF(places.number.right(), bottom)
        )


def _paint_link(painter: QPainter, places: RowPlaces, look: RowLook, colours: Palette) -> None:
    if look.linked and not look.is_awake:
        return
    colour = (
        (colours.accent if not look.linked else colours.secondary) if look.enabled else colours.mark
    )
    ratio = painter.device().devicePixelRatio()
    image = theme.icon_image("link" if look.linked else "unlink", colour, side=14, ratio=ratio)
    painter.drawImage(places.link.center() - QPointF(7, 7), image)
