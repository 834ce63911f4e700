"""Screenshots with a real clip, its film, keys and curves: nothing is empty or clipped.

Set ICFACE_SCREENS to a folder to keep them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.timeline.time_widget import HEAD_W
from app.window.main_window import MainWindow
from tests.app.conftest import NewWindow
from tests.app.window.test_screens import keep
from tests.app.window.test_story import clip, open_both, portrait, set_keys, settle

__all__ = ["clip", "portrait"]  # fixtures
pytestmark = pytest.mark.screens
SIZES = ((1100, 700), (1440, 900))


def part(
    window: MainWindow, image: QImage, widget: QWidget, inside: QRect | None = None
) -> NDArray[np.uint8]:
    """RGB of what a picture of the window shows of a widget."""
    place = QRect(widget.mapTo(window, QPoint()), widget.size()) if inside is None else inside
    ratio = image.devicePixelRatio()
    fine = image.copy(
        QRect(place.topLeft() * ratio, place.size() * ratio)
    )  # an image counts in pixels of the screen
    fine.setDevicePixelRatio(1)
    plain = fine.scaled(
        place.size(),
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    cut = plain.convertToFormat(QImage.Format.Format_RGB888)
    flat = np.array(cut.constBits(), np.uint8).reshape(
        cut.height(), cut.bytesPerLine()
    )  # outlives the picture
    return flat[:, : 3 * cut.width()].reshape(cut.height(), cut.width(), 3)


def about(
    window: MainWindow, image: QImage, widget: QWidget, at: QPointF, reach: int = 3
) -> NDArray[np.int64]:
    """The pixels around a place of a widget, in any order."""
    middle = widget.mapTo(window, at.toPoint())
    return (
        part(
            window,
            image,
            widget,
            QRect(middle.x() - reach, middle.y() - reach, 2 * reach + 1, 2 * reach + 1),
        )
        .reshape(-1, 3)
        .astype(np.int64)
    )


def is_there(pixels: NDArray[np.int64], colour: str) -> bool:
    wanted = theme.QColor(colour).getRgb()[:3]
    return bool((np.abs(pixels - wanted).max(1) < 40).any())


def texts_cut_off(window: MainWindow) -> list[str]:
    """Of all labels, buttons and fields that are seen, those whose text is wider than they are."""
    found = []
    for widget in (
        *window.findChildren(QLabel),
        *window.findChildren(QAbstractButton),
        *window.findChildren(QLineEdit),
    ):
        text = widget.text().replace("&", "")
        if (
            not widget.isVisible()
            or not text
            or widget.visibleRegion().isEmpty()
            or text.startswith("<")
        ):
            continue
        if (
            isinstance(widget, QToolButton)
            and widget.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
        ):
            continue
        if isinstance(widget, QLabel) and widget.wordWrap():
            if widget.heightForWidth(widget.width()) > widget.height():
                found.append(f"{text!r} in {widget.height()} px of height")
        else:
            wide = max(widget.fontMetrics().horizontalAdvance(line) for line in text.splitlines())
            if wide > widget.contentsRect().width():
                found.append(f"{text!r}, {wide} px in {widget.contentsRect().width()}")
    return found


def check(window: MainWindow, image: QImage, *, curves: bool) -> None:
    """What a machine can see of a picture."""
    timeline = window.timeline
    assert (
        len(np.unique(part(window, image, window.canvas).reshape(-1, 3), axis=0)) > 1000
    )  # the photo
    film = part(window, image, timeline.film)[:, HEAD_W:]
    start, end = (round(timeline.film.x_of(frame)) - HEAD_W for frame in (0, 71))
    for left in range(start, end - 24, 24):
        assert film[4:-4, left : left + 24].std() > 10, (
            f"The film is empty {left} px from its start."
        )
    assert not texts_cut_off(window)
    if curves:
        editor = timeline.curves
        assert editor is not None
        assert {one.lane for one in editor.curves} == {"AU12"}
        looks = [
            editor.colour(place) for place in range(len(editor.curves))
        ]  # the sides lie on each other
        for one in editor.curves:
            for frame in (15, 25, 50, 65):
                pixels = about(window, image, editor, editor.point(frame, one.height(frame)))
                assert any(is_there(pixels, colour) for colour in looks), (
                    f"No curve in frame {frame}."
                )
    else:
        for lane, frame in (("yaw", 35), ("AU12", 10), ("AU12", 35), ("AU12", 60)):
            at = QPointF(timeline.lanes.x_of(frame), timeline.lanes.lane_y(lane))
            assert timeline.lanes.rect().contains(at.toPoint()), (
                f"The lane of {lane} is out of sight."
            )
            colours = theme.current()
            pixels = about(window, image, timeline.lanes, at)
            assert is_there(pixels, colours.amber) or is_there(pixels, colours.accent), (
                f"No key of {lane} in frame {frame}."
            )


def test_a_real_clip_with_keys_and_curves_is_whole_in_both_themes(
    qtbot: QtBot, new_window: NewWindow, portrait: Path, clip: Path
) -> None:
    window = new_window()
    open_both(qtbot, window, portrait, clip)
    set_keys(qtbot, window)
    window.notices.close_notice()
    window.timeline.view.select_keys(())
    window.timeline.view.select_lanes(("AU12",))
    film = window.timeline.film
    qtbot.waitUntil(film.isVisible, timeout=20_000)
    pictures = {}
    for curves in (False, True):
        window.timeline.transport.show_curves(curves)
        for colours in ("dark", "light"):
            window.set_theme(colours)
            for width, height in SIZES:
                window.resize(width, height)
                qtbot.waitUntil(
                    lambda size=(width, height): (window.width(), window.height()) == size
                )
                settle(qtbot, window)
                image = keep(qtbot, window, "clip-curves" if curves else "clip-keys")
                check(window, image, curves=curves)
                pictures[curves, colours, width] = part(window, image, window.timeline).mean()
    for curves in (False, True):
        assert pictures[curves, "dark", 1440] < 80
        assert pictures[curves, "light", 1440] > 160
