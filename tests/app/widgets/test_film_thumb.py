"""Thumbnails are cut around the face, and stay within their picture."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, QRectF
from pytestqt.qtbot import QtBot

from app.widgets.film_thumb import FilmThumb


@pytest.fixture
def thumb(qtbot: QtBot) -> FilmThumb:
    made = FilmThumb(84, 56)
    qtbot.addWidget(made)
    return made


def test_without_a_face_the_middle_is_shown(thumb: FilmThumb) -> None:
    assert thumb.cut_of(160, 160) == QRectF(0, (160 - 160 / 1.5) / 2, 160, 160 / 1.5)


@pytest.mark.parametrize("left", [0.0, 0.1, 0.4, 0.8])
@pytest.mark.parametrize("top", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("side", [0.05, 0.2])
@pytest.mark.parametrize("size", [(160, 160), (160, 90), (60, 160)])
def test_the_whole_face_is_shown_larger_and_within_the_picture(
    thumb: FilmThumb, left: float, top: float, side: float, size: tuple[int, int]
) -> None:
    wide, high = size
    middle = thumb.cut_of(wide, high)
    thumb.show_face(QRectF(left, top, side, side))
    cut = thumb.cut_of(wide, high)
    face = QRectF(left * wide, top * high, side * wide, side * high)
    assert QRectF(0, 0, wide, high).adjusted(-1e-6, -1e-6, 1e-6, 1e-6).contains(cut)
    assert cut.adjusted(-1e-6, -1e-6, 1e-6, 1e-6).contains(face)
    assert cut.width() / cut.height() == pytest.approx(84 / 56)
    assert middle.height() / 3 - 1e-6 <= cut.height() <= middle.height() + 1e-6


def test_a_face_away_from_the_edges_lies_in_the_middle(thumb: FilmThumb) -> None:
    thumb.show_face(QRectF(0.45, 0.2, 0.2, 0.2))
    cut = thumb.cut_of(160, 160)
    away = cut.center() - QPointF(0.55 * 160, 0.3 * 160)
    assert away.manhattanLength() < 1e-6
