"""How the window looks: two neutral palettes, one bundled font, icons tinted to fit.

Greys are strictly neutral so that skin can be judged; colours are read from
``resources/styles/palette.json`` and put into ``app.qss``. A widget that paints itself asks
`current` for its colours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from pathlib import Path
from string import Template
from typing import Literal

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QImage, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

EDGE = 16
"""Pixels between a panel's border and what is in it."""
RESOURCES = Path(__file__).resolve().parent.parent / "resources"
ThemeName = Literal["dark", "light"]
FONT_FAMILY = "Inter"
TEXT_PX = 12
ROW_PX = 26
GRID_PX = 8


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme, as ``#rrggbb``.

    Attributes
    ----------
    surround : str
        Around the photo.
    panel, raised, hover, line : str
        Ground of panels, of what stands on them, of what the pointer is on, and the lines between.
    mark : str
        Ticks and small marks that carry no text.
    text, secondary : str
        What is read first, and second.
    accent, on_accent : str
        Selection and the filled part of a slider; text on it.
    amber, error : str
        Values beyond what the networks have seen; errors only.
    """

    name: ThemeName
    surround: str
    panel: str
    raised: str
    hover: str
    line: str
    mark: str
    text: str
    secondary: str
    accent: str
    on_accent: str
    amber: str
    error: str

    def color(self, role: str, alpha: int = 255) -> QColor:
        """A colour by role name, with alpha 0..255."""
        found = QColor(getattr(self, role))
        found.setAlpha(alpha)
        return found


def contrast_ratio(first: str, second: str) -> float:
    """WCAG contrast of two ``#rrggbb`` colours, 1..21."""

    def luminance(colour: str) -> float:
        parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        red, green, blue = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@cache
def palette(name: ThemeName) -> Palette:
    """The palette of a theme, read once."""
    table = json.loads((RESOURCES / "styles" / "palette.json").read_text("utf-8"))
    return Palette(name, **table[name])


@cache
def load_fonts() -> None:
    """Make the bundled font known to Qt; needs an application object."""
    for file in sorted((RESOURCES / "fonts").glob("*.otf")):
        QFontDatabase.addApplicationFont(str(file))


@cache
def ui_font(pixels: int = TEXT_PX, *, semibold: bool = False) -> QFont:
    """The bundled font at a size in pixels, with figures of equal width; do not modify it."""
    font = QFont(FONT_FAMILY)
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight.DemiBold if semibold else QFont.Weight.Normal)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


_current: list[ThemeName] = ["dark"]


def current() -> Palette:
    """The palette that was applied last."""
    return palette(_current[-1])


def apply_theme(application: QApplication, name: ThemeName) -> None:
    """Give the whole application one theme: font, palette, style sheet."""
    load_fonts()
    colours = palette(name)
    _current[:] = [name]
    application.setStyle("Fusion")
    application.setFont(ui_font())
    application.setPalette(_qt_palette(colours))
    values = {field.name: getattr(colours, field.name) for field in fields(colours)}
    values["icons"] = (RESOURCES / "icons").as_posix()
    sheet = Template((RESOURCES / "styles" / "app.qss").read_text("utf-8"))
    application.setStyleSheet(sheet.substitute(values))


def _qt_palette(colours: Palette) -> QPalette:
    role = QPalette.ColorRole
    table = {
        role.Window: "panel",
        role.Base: "raised",
        role.AlternateBase: "panel",
        role.Button: "raised",
        role.WindowText: "text",
        role.Text: "text",
        role.ButtonText: "text",
        role.ToolTipBase: "raised",
        role.ToolTipText: "text",
        role.Highlight: "accent",
        role.HighlightedText: "on_accent",
        role.Link: "accent",
        role.PlaceholderText: "secondary",
        role.Mid: "line",
        role.Dark: "line",
        role.Light: "hover",
    }
    made = QPalette()
    for which, name in table.items():
        made.setColor(which, colours.color(name))
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, which, colours.color("mark"))
    return made


@lru_cache(maxsize=256)
def icon_image(name: str, colour: str, *, side: int = 16, ratio: float = 1.0) -> QImage:
    """An icon of ``resources/icons`` in one colour, `side` logical pixels at a pixel ratio."""
    source = (
        (RESOURCES / "icons" / f"{name}.svg").read_text("utf-8").replace("currentColor", colour)
    )
    made = QImage(
        QSize(round(side * ratio), round(side * ratio)), QImage.Format.Format_ARGB32_Premultiplied
    )
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    QSvgRenderer(QByteArray(source.encode())).render(
        painter, QRectF(0, 0, made.width(), made.height())
    )
    painter.end()
    made.setDevicePixelRatio(ratio)
    return made


def icon(name: str) -> QIcon:
    """A tinted icon with its disabled and checked states, sharp at 100 % and 200 %."""
    return _icon(name, current())


@cache
def _icon(name: str, colours: Palette) -> QIcon:
    made = QIcon()
    states = (
        (QIcon.Mode.Normal, QIcon.State.Off, colours.text),
        (QIcon.Mode.Normal, QIcon.State.On, colours.accent),
        (QIcon.Mode.Disabled, QIcon.State.Off, colours.mark),
    )
    for mode, state, colour in states:
        for ratio in (1.0, 2.0):
            made.addPixmap(QPixmap.fromImage(icon_image(name, colour, ratio=ratio)), mode, state)
    return made


def application_icon() -> QIcon:
    """The program's icon in the sizes that desktops ask for."""
    found, drawing = QIcon(), QSvgRenderer(str(RESOURCES / "icface-studio.svg"))
    for side in (16, 24, 32, 48, 64, 128, 256):
        picture = QPixmap(side, side)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        drawing.render(painter)
        painter.end()
        found.addPixmap(picture)
    return found
