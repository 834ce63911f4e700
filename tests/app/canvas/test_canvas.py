from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColorSpace, QImage, QMouseEvent, QPainter, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.canvas import Canvas
from app.widgets.picture_layer import PictureLayer
from icface.document import Face, Region
from icface.face.geometry import Box
from icface.media import Photo
from icface.rendering.frame_request import Frame, FrameRequest
from tests.faces import observation_in

LEFT, RIGHT, MIDDLE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
)
PLAIN = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def photo(astronaut: NDArray[np.uint8]) -> Photo:
    return Photo(astronaut, Path("astronaut.png"), "digest")


@pytest.fixture
def canvas(qtbot: QtBot, photo: Photo) -> Iterator[Canvas]:
    made = Canvas()
    qtbot.addWidget(made)
    made.resize(700, 600)
    made.show()
    qtbot.waitExposed(made)
    made.show_photo(photo)
    return made


@pytest.fixture
def faces() -> tuple[Face, ...]:
    boxes = (Box(100, 60, 200, 180), Box(320, 80, 420, 200))
    return tuple(Face.from_observation(observation_in(box)) for box in boxes)


def pixels_of(image: QImage) -> NDArray[np.uint8]:
    """(H, W, 3) RGB."""
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return rows[:, : rgb.width() * 3].reshape(rgb.height(), rgb.width(), 3).copy()


def frame_of(photo: Photo, pixels: NDArray[np.uint8]) -> Frame:
    return Frame(pixels, 5.0, FrameRequest(photo, (), (), "draft"), photo)


def move(
    canvas: Canvas, place: QPointF, held: Qt.MouseButton, modifiers: Qt.KeyboardModifier = PLAIN
) -> None:
    everywhere = QPointF(canvas.mapToGlobal(place.toPoint()))
    none = Qt.MouseButton.NoButton
    QApplication.sendEvent(
        canvas, QMouseEvent(QEvent.Type.MouseMove, place, everywhere, none, held, modifiers)
    )


def drag(
    canvas: Canvas,
    start: QPointF,
    end: QPointF,
    button: Qt.MouseButton,
    modifiers: Qt.KeyboardModifier = PLAIN,
) -> None:
    QTest.mousePress(canvas, button, modifiers, start.toPoint())
    move(canvas, (start + end) / 2, button, modifiers)
    move(canvas, end, button, modifiers)
    QTest.mouseRelease(canvas, button, modifiers, end.toPoint())


def test_at_100_percent_every_screen_pixel_is_a_pixel_of_the_photo(
    canvas: Canvas, astronaut: NDArray[np.uint8]
) -> None:
    canvas.zoom_to(1.0)
    left, top, width, height = canvas.view.target
    assert (width, height) == (512, 512)
    shown = pixels_of(canvas.grab().toImage())
    assert np.array_equal(shown[top : top + 512, left : left + 512], astronaut)


@pytest.mark.parametrize("zoom", [0.37, 1.0, 2.5, 8.0])
def test_widget_and_image_points_are_each_others_inverse(canvas: Canvas, zoom: float) -> None:
    canvas.zoom_to(zoom, QPointF(200, 150))
    for x, y in ((0.0, 0.0), (255.5, 100.25), (511.0, 511.0)):
        assert canvas.image_point(canvas.widget_point(x, y)) == pytest.approx((x, y), abs=1e-9)


def test_large_zoom_shows_pixels_as_squares_where_the_mapping_says(
    canvas: Canvas, astronaut: NDArray[np.uint8]
) -> None:
    canvas.zoom_to(16.0, canvas.widget_point(200, 150))
    shown = pixels_of(canvas.grab().toImage())
    for x, y in ((200, 150), (203, 148), (195, 155)):
        place = canvas.widget_point(x, y)
        assert np.array_equal(shown[int(place.y()), int(place.x())], astronaut[y, x])


def test_the_surround_is_neutral_grey(canvas: Canvas) -> None:
    corner = pixels_of(canvas.grab().toImage())[3, 3]
    assert len(set(corner.tolist())) == 1


def test_frames_take_the_place_of_the_photo_whatever_their_size(
    canvas: Canvas, photo: Photo
) -> None:
    canvas.zoom_to(1.0)
    left, top, *_ = canvas.view.target
    for side in (512, 256):
        canvas.show_frame(frame_of(photo, np.full((side, side, 3), (10, 200, 90), np.uint8)))
        shown = pixels_of(canvas.grab().toImage())[top : top + 512, left : left + 512]
        assert (shown == (10, 200, 90)).all()


def test_a_frame_of_another_photo_is_ignored(
    canvas: Canvas, photo: Photo, astronaut: NDArray[np.uint8]
) -> None:
    other = Photo(np.zeros((512, 512, 3), np.uint8), Path("other.png"), "another digest")
    canvas.zoom_to(1.0)
    canvas.show_frame(frame_of(other, other.pixels))
    left, top, *_ = canvas.view.target
    assert np.array_equal(
        pixels_of(canvas.grab().toImage())[top + 300, left : left + 512], astronaut[300]
    )


def test_before_shows_the_photo_while_it_is_on(
    canvas: Canvas, photo: Photo, astronaut: NDArray[np.uint8]
) -> None:
    canvas.zoom_to(1.0)
    canvas.show_frame(frame_of(photo, np.zeros((512, 512, 3), np.uint8)))
    left, top, *_ = canvas.view.target
    row = (slice(top + 400, top + 401), slice(left, left + 512))
    assert not pixels_of(canvas.grab().toImage())[row].any()
    canvas.set_before(True)
    assert np.array_equal(pixels_of(canvas.grab().toImage())[row][0], astronaut[400])
    canvas.set_before(False)
    assert not pixels_of(canvas.grab().toImage())[row].any()


def test_the_wipe_line_splits_before_and_after_and_follows_the_pointer(
    canvas: Canvas, photo: Photo, astronaut: NDArray[np.uint8]
) -> None:
    canvas.zoom_to(1.0)
    canvas.show_frame(frame_of(photo, np.zeros((512, 512, 3), np.uint8)))
    canvas.set_wipe(True)
    left, top, *_ = canvas.view.target
    drag(canvas, canvas.widget_point(255.5, 100), canvas.widget_point(127.5, 100), LEFT)
    assert canvas.wipe == pytest.approx(0.25, abs=0.005)
    row = pixels_of(canvas.grab().toImage())[top + 400, left : left + 512]
    assert np.array_equal(row[:120], astronaut[400, :120])
    assert not row[140:].any()


def test_the_wheel_zooms_about_the_pointer(canvas: Canvas) -> None:
    canvas.zoom_to(2.0)
    place = QPointF(310, 255)
    under = canvas.image_point(place)
    event = QWheelEvent(
        place,
        QPointF(canvas.mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        PLAIN,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)
    assert canvas.zoom == pytest.approx(2.0 * 1.2**2)
    assert canvas.image_point(place) == pytest.approx(under, abs=0.5)


@pytest.mark.parametrize("button", [LEFT, MIDDLE])
def test_the_picture_is_moved_by_dragging_it(canvas: Canvas, button: Qt.MouseButton) -> None:
    canvas.zoom_to(4.0)
    under = canvas.image_point(QPointF(300, 300))
    drag(canvas, QPointF(300, 300), QPointF(220, 340), button)
    assert canvas.image_point(QPointF(220, 340)) == pytest.approx(under, abs=0.3)


def test_the_middle_button_moves_the_picture_even_over_a_face(
    canvas: Canvas, faces: tuple[Face, ...], qtbot: QtBot
) -> None:
    canvas.show_faces(faces, 0)
    canvas.zoom_to(4.0, canvas.widget_point(370, 140))
    start = canvas.view
    with qtbot.assertNotEmitted(canvas.face_chosen):
        drag(
            canvas,
            canvas.widget_point(370, 140),
            canvas.widget_point(360, 140),
            Qt.MouseButton.MiddleButton,
        )
    assert canvas.view != start


def test_fit_stays_fitted_when_the_window_changes(qtbot: QtBot, canvas: Canvas) -> None:
    canvas.fit()
    before = canvas.zoom
    canvas.resize(500, 400)
    assert canvas.zoom < before
    assert canvas.view.target[3] <= 400


def test_a_double_click_goes_between_the_whole_picture_and_100_percent(canvas: Canvas) -> None:
    fitted = canvas.zoom
    QTest.mouseDClick(canvas, LEFT, pos=QPoint(350, 300))
    assert canvas.zoom == 1.0
    QTest.mouseDClick(canvas, LEFT, pos=QPoint(350, 300))
    assert canvas.zoom == fitted


def test_a_click_on_another_face_chooses_it(
    qtbot: QtBot, canvas: Canvas, faces: tuple[Face, ...]
) -> None:
    canvas.show_faces(faces, 0)
    with qtbot.waitSignal(canvas.face_chosen) as chosen:
        QTest.mouseClick(canvas, LEFT, pos=canvas.widget_point(370, 140).toPoint())
    assert chosen.args == [1]


def test_hidden_face_frames_cannot_be_clicked(
    qtbot: QtBot, canvas: Canvas, faces: tuple[Face, ...]
) -> None:
    canvas.show_faces(faces, 0)
    canvas.set_overlays(False)
    with qtbot.assertNotEmitted(canvas.face_chosen):
        QTest.mouseClick(canvas, LEFT, pos=canvas.widget_point(370, 140).toPoint())


def test_a_box_is_drawn_in_image_pixels(qtbot: QtBot, canvas: Canvas) -> None:
    canvas.zoom_to(1.0)
    canvas.start_drawing_box()
    with qtbot.waitSignal(canvas.box_drawn) as drawn:
        drag(canvas, canvas.widget_point(300.5, 200.5), canvas.widget_point(100.5, 80.5), LEFT)
    (box,) = drawn.args
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(
        (100.5, 80.5, 300.5, 200.5), abs=0.51
    )


def test_an_area_to_be_protected_is_drawn_and_then_shown(qtbot: QtBot, canvas: Canvas) -> None:
    canvas.zoom_to(1.0)
    canvas.start_drawing_region()
    with qtbot.waitSignal(canvas.region_drawn) as drawn, qtbot.assertNotEmitted(canvas.box_drawn):
        drag(canvas, canvas.widget_point(100.5, 80.5), canvas.widget_point(300.5, 200.5), LEFT)
    without = canvas.grab().toImage()
    canvas.show_regions((Region(box=drawn.args[0]), Region(box=drawn.args[0], shape="box")))
    assert canvas.grab().toImage() != without
    canvas.start_drawing_box()
    with qtbot.waitSignal(canvas.box_drawn), qtbot.assertNotEmitted(canvas.region_drawn):
        drag(canvas, canvas.widget_point(100.5, 80.5), canvas.widget_point(300.5, 200.5), LEFT)


def test_a_box_cannot_leave_the_photo_and_a_click_is_none(qtbot: QtBot, canvas: Canvas) -> None:
    canvas.zoom_to(1.0)
    canvas.start_drawing_box()
    with qtbot.assertNotEmitted(canvas.box_drawn):
        QTest.mouseClick(canvas, LEFT, pos=QPoint(350, 300))
    with qtbot.waitSignal(canvas.box_drawn) as drawn:
        drag(canvas, canvas.widget_point(400, 400), QPointF(690, 590), LEFT)
    assert drawn.args[0].right <= 511.5
    assert drawn.args[0].bottom <= 511.5


def test_escape_gives_up_drawing(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.start_drawing_box()
    with qtbot.waitSignal(canvas.drawing_changed):
        QTest.keyClick(canvas, Qt.Key.Key_Escape)


def test_the_right_button_turns_the_head(
    qtbot: QtBot, canvas: Canvas, faces: tuple[Face, ...]
) -> None:
    canvas.show_faces(faces, 0)
    turns: list[tuple[float, float, float, int]] = []
    canvas.head_turned.connect(lambda *turn: turns.append(turn))
    start, across = canvas.widget_point(150, 120), canvas.widget_point(200, 145)
    drag(canvas, start, across, RIGHT)
    yaw, pitch, roll, gesture = turns[-1]
    assert (yaw, pitch, roll) == pytest.approx((20.0, 10.0, 0.0), abs=0.5)
    assert {turn[3] for turn in turns} == {gesture}
    drag(canvas, start, across, RIGHT, Qt.KeyboardModifier.ControlModifier)
    assert turns[-1][0] == 0.0
    assert turns[-1][2] == pytest.approx(-20.0, abs=0.5)
    assert turns[-1][3] != gesture
    drag(canvas, start, across, RIGHT, Qt.KeyboardModifier.ShiftModifier)
    assert turns[-1][0] == pytest.approx(2.0, abs=0.05)


def test_a_photo_with_alpha_lies_on_squares(canvas: Canvas, astronaut: NDArray[np.uint8]) -> None:
    alpha = np.dstack([astronaut, np.zeros((512, 512), np.uint8)])
    canvas.show_photo(Photo(alpha, Path("clear.png"), "clear"))
    shown = pixels_of(canvas.grab().toImage())
    left, top, width, height = canvas.view.target
    inside = shown[top + 10 : top + height - 10, left + 10 : left + width - 10].reshape(-1, 3)
    assert len(np.unique(inside, axis=0)) == 2


def test_a_photo_of_another_colour_space_is_shown_in_the_screens(canvas: Canvas) -> None:
    pixels = np.full((64, 64, 3), (40, 200, 40), np.uint8)
    icc = bytes(QColorSpace(QColorSpace.NamedColorSpace.DisplayP3).iccProfile().data())
    canvas.show_photo(Photo(pixels, Path("p3.png"), "p3", icc=icc))
    shown = pixels_of(canvas.grab().toImage())
    left, top, width, height = canvas.view.target
    middle = shown[top + height // 2, left + width // 2]
    assert middle[0] < 10
    assert middle[1] > 200


def test_nothing_is_painted_before_there_is_a_photo(qtbot: QtBot) -> None:
    canvas = Canvas()
    qtbot.addWidget(canvas)
    canvas.resize(300, 200)
    shown = pixels_of(canvas.grab().toImage())
    assert len(np.unique(shown)) == 1
    QTest.mouseClick(canvas, LEFT, pos=QPoint(50, 50))
    canvas.zoom_to(3.0)
    canvas.start_drawing_box()


def test_large_photos_are_reduced_without_losing_fine_detail(canvas: Canvas) -> None:
    stripes = np.zeros((3000, 4000, 3), np.uint8)
    stripes[:, ::2] = 254
    canvas.show_photo(Photo(stripes, Path("stripes.png"), "stripes"))
    shown = pixels_of(canvas.grab().toImage())
    left, top, width, height = canvas.view.target
    inside = shown[top + 5 : top + height - 5, left + 5 : left + width - 5]
    assert abs(inside.astype(int) - 127).max() <= 24


def test_very_large_photos_are_exact_at_100_percent_too(canvas: Canvas) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (3500, 4500, 3), np.uint8)
    canvas.show_photo(Photo(pixels, Path("large.png"), "large"))
    canvas.zoom_to(1.0, QPointF(350, 300))
    x, y = (round(v) for v in canvas.image_point(QPointF(0.5, 0.5)))
    shown = pixels_of(canvas.grab().toImage())
    assert np.array_equal(shown, pixels[y : y + 600, x : x + 700])


def test_a_draft_that_is_a_little_too_large_is_painted_quickly_and_alike(
    astronaut: NDArray[np.uint8],
) -> None:
    pictures = []
    for quick in (False, True):
        image = QImage(430, 430, QImage.Format.Format_RGB888)
        painter = QPainter(image)
        PictureLayer(astronaut, quick=quick).paint(painter, image.rect(), image.rect())
        painter.end()
        pictures.append(
            np.frombuffer(image.constBits(), np.uint8).reshape(430, -1)[:, : 3 * 430].astype(int)
        )
    assert np.abs(pictures[0] - pictures[1]).mean() < 4
    assert (pictures[0] != pictures[1]).any()
