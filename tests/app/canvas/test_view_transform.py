from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.canvas.view_transform import MAX_SCALE, MIN_SCALE, ViewTransform

sizes = st.tuples(st.integers(1, 12_000), st.integers(1, 12_000))
views = st.tuples(st.integers(40, 4000), st.integers(40, 4000))
points = st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000))
scales = st.floats(MIN_SCALE, MAX_SCALE)


@given(sizes, views, points)
def test_image_points_come_back_from_the_view(
    image: tuple[int, int], view: tuple[int, int], point: tuple[float, float]
) -> None:
    fitted = ViewTransform.fitted(image, view)
    assert fitted.to_image(*fitted.to_view(*point)) == pytest.approx(point, abs=1e-6)


@given(sizes, views)
def test_a_fitted_image_is_whole_and_in_the_middle(
    image: tuple[int, int], view: tuple[int, int]
) -> None:
    left, top, width, height = ViewTransform.fitted(image, view).target
    assert left >= -1
    assert top >= -1
    assert left + width <= view[0] + 1
    assert top + height <= view[1] + 1
    assert abs((view[0] - width) - 2 * left) <= 2


def test_pixel_centres_have_whole_coordinates() -> None:
    at_100 = ViewTransform((100, 80), (100, 80), 1.0, 0.0, 0.0)
    assert at_100.to_image(0.5, 0.5) == (0.0, 0.0)
    assert at_100.to_image(99.5, 79.5) == (99.0, 79.0)
    assert at_100.to_view(-0.5, -0.5) == (0.0, 0.0)


@given(views, scales, st.floats(0.3, 0.7), st.floats(0.3, 0.7))
def test_zooming_keeps_the_point_under_the_pointer(
    view: tuple[int, int], scale: float, x: float, y: float
) -> None:
    image = (4000, 3000)
    start = ViewTransform(image, view, 1.0, -1500.0, -1000.0).settled()
    about = (x * view[0], y * view[1])
    zoomed = start.zoomed(scale, about)
    kept = start.to_image(*about)
    now = zoomed.to_view(*kept)
    for axis in (0, 1):
        if image[axis] * zoomed.scale > 2 * view[axis]:
            assert abs(now[axis] - about[axis]) <= 1.0


@given(
    views, st.lists(st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000)), max_size=8), scales
)
def test_however_it_is_moved_the_image_cannot_be_lost(
    view: tuple[int, int], moves: list[tuple[float, float]], scale: float
) -> None:
    transform = ViewTransform.fitted((900, 700), view).zoomed(scale, (0.0, 0.0))
    for move in moves:
        transform = transform.panned(*move)
    left, top, width, height = transform.target
    assert left < view[0]
    assert top < view[1]
    assert left + width > 0
    assert top + height > 0


def test_positions_are_whole_device_pixels_so_that_100_percent_is_exact() -> None:
    transform = (
        ViewTransform.fitted((511, 333), (800, 601)).zoomed(1.0, (123.4, 77.7)).panned(0.3, 0.4)
    )
    assert (transform.left, transform.top) == (round(transform.left), round(transform.top))
    assert transform.target[2:] == (511, 333)


def test_a_draft_need_not_be_larger_than_the_screen_nor_than_the_photo() -> None:
    assert ViewTransform.fitted((6000, 4000), (1200, 800)).needed_side == 1200
    assert ViewTransform.fitted((300, 200), (1200, 800)).needed_side == 300


def test_a_resized_view_keeps_its_middle() -> None:
    start = ViewTransform.fitted((4000, 3000), (800, 600)).zoomed(2.0, (400.0, 300.0))
    middle = start.to_image(400.0, 300.0)
    assert start.resized((1000, 700)).to_image(500.0, 350.0) == pytest.approx(middle, abs=1.0)
