from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtGui import QFontInfo, QFontMetricsF
from PySide6.QtWidgets import QApplication

from app import theme
from app.actions import ACTIONS
from app.theme import ThemeName, contrast_ratio, palette

THEMES = get_args(ThemeName)
READ = [
    (text, ground)
    for text in ("text", "secondary", "accent", "amber", "error")
    for ground in ("panel", "raised", "surround")
    if (text, ground) not in {("accent", "surround"), ("amber", "surround"), ("error", "surround")}
]


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize(("text", "ground"), [*READ, ("on_accent", "accent"), ("text", "hover")])
def test_text_is_legible_on_its_ground(name: ThemeName, text: str, ground: str) -> None:
    colours = palette(name)
    assert contrast_ratio(getattr(colours, text), getattr(colours, ground)) >= 4.5


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("ground", ["panel", "raised", "surround"])
def test_marks_without_text_can_be_told_from_their_ground(name: ThemeName, ground: str) -> None:
    assert contrast_ratio(palette(name).mark, getattr(palette(name), ground)) >= 2.5


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize(
    "role", ["surround", "panel", "raised", "hover", "line", "mark", "text", "secondary"]
)
def test_greys_are_strictly_neutral(name: ThemeName, role: str) -> None:
    colour = palette(name).color(role)
    assert colour.red() == colour.green() == colour.blue()


def test_contrast_is_that_of_the_web_guidelines() -> None:
    assert contrast_ratio("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast_ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_bundled_font_is_used_and_its_figures_are_of_equal_width(qapp: QApplication) -> None:
    theme.load_fonts()
    font = theme.ui_font(13)
    assert QFontInfo(font).family() == "Inter"
    metrics = QFontMetricsF(font)
    assert len({metrics.horizontalAdvance(digit * 3) for digit in "0123456789"}) == 1


def test_the_fonts_come_with_their_licence_and_are_small() -> None:
    folder = theme.RESOURCES / "fonts"
    assert "SIL OPEN FONT LICENSE" in (folder / "OFL.txt").read_text("utf-8")
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 1_500_000


def test_every_icon_that_is_named_exists_and_is_tinted(qapp: QApplication) -> None:
    named = {spec.icon for spec in ACTIONS if spec.icon}
    for source in (Path(__file__).parents[2] / "app").glob("*.py"):
        named |= set(re.findall(r'icon(?:_image)?\("([a-z-]+)"', source.read_text("utf-8")))
    assert named
    for name in named:
        image = theme.icon_image(name, "#ff0000", side=16)
        colours = {
            image.pixelColor(x, y).name()
            for x in range(16)
            for y in range(16)
            if image.pixelColor(x, y).alpha() > 200
        }
        assert colours == {"#ff0000"}, name


def test_both_themes_name_the_same_colours() -> None:
    table = json.loads((theme.RESOURCES / "styles" / "palette.json").read_text("utf-8"))
    assert table["dark"].keys() == table["light"].keys()


def test_the_style_sheet_uses_colours_of_the_palette_only() -> None:
    sheet = (theme.RESOURCES / "styles" / "app.qss").read_text("utf-8")
    assert not re.findall(r":\s[^;]*#[0-9a-fA-F]{3,8}\b", sheet)
