from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.face.geometry import (
    CROP_MARGIN,
    Box,
    Similarity,
    euler_angles_deg,
    eye_line_deg,
    face_crop,
    rotation_matrix,
)
from icface.face.landmarks import EYE_CORNERS
from tests.strategies import a_face

COORDINATES = st.floats(-1e4, 1e4)
SIZES = st.floats(0.5, 1e4)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top = draw(COORDINATES), draw(COORDINATES)
    return Box(left, top, left + draw(SIZES), top + draw(SIZES))


@st.composite
def similarities(draw: st.DrawFn) -> Similarity:
    centre = draw(st.tuples(st.floats(-500, 500), st.floats(-500, 500)))
    return Similarity.crop(
        centre=centre,
        side=draw(st.floats(20, 2000)),
        roll_deg=draw(st.floats(-180, 180)),
        size=draw(st.integers(32, 512)),
    )


# ---- boxes


@pytest.mark.parametrize(
    "sides", [(1, 1, 1, 2), (1, 1, 2, 1), (2, 1, 1, 2), (0, 0, float("nan"), 1)]
)
def test_a_box_without_width_or_height_is_refused(sides: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="needs a width and a height"):
        Box(*sides)


def test_a_box_knows_its_size_and_middle() -> None:
    box = Box(10, 20, 30, 60)
    assert (box.width, box.height, box.centre) == (20, 40, (20, 40))


@given(boxes(), boxes())
def test_the_overlap_of_two_boxes_lies_in_0_to_1_whichever_comes_first(a: Box, b: Box) -> None:
    assert 0 <= a.iou(b) <= 1 + 1e-9
    assert a.iou(b) == pytest.approx(b.iou(a))
    assert a.iou(a) == pytest.approx(1)


def test_boxes_that_touch_or_lie_apart_do_not_overlap() -> None:
    assert Box(0, 0, 10, 10).iou(Box(10, 0, 20, 10)) == 0
    assert Box(0, 0, 10, 10).iou(Box(50, 50, 60, 60)) == 0
    assert Box(0, 0, 10, 10).iou(Box(5, 0, 15, 10)) == pytest.approx(1 / 3)


def test_a_box_around_points_touches_the_outermost() -> None:
    assert Box.around(np.array([[3, 9, 1], [5, 2, 7], [4, 4, 4]])) == Box(3, 2, 5, 9)


# ---- similarities


@given(similarities(), st.lists(st.tuples(COORDINATES, COORDINATES), min_size=1, max_size=5))
def test_the_inverse_leads_back(there: Similarity, points: list[tuple[float, float]]) -> None:
    start = np.array(points)
    np.testing.assert_allclose(there.inverse().points(there.points(start)), start, atol=1e-6)
    np.testing.assert_allclose((there.inverse() @ there).matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-8)


@given(similarities(), similarities(), st.tuples(COORDINATES, COORDINATES))
def test_a_product_maps_as_its_factors_do_one_after_the_other(
    outer: Similarity, inner: Similarity, point: tuple[float, float]
) -> None:
    start = np.array([point])
    np.testing.assert_allclose(
        (outer @ inner).points(start), outer.points(inner.points(start)), rtol=1e-6, atol=1e-4
    )


@given(similarities(), similarities())
def test_scales_multiply_and_turns_add(outer: Similarity, inner: Similarity) -> None:
    assert (outer @ inner).scale == pytest.approx(outer.scale * inner.scale)
    turn = (outer @ inner).turn_deg - outer.turn_deg - inner.turn_deg
    assert np.cos(np.radians(turn)) == pytest.approx(1)


@given(similarities())
def test_depth_is_scaled_alone(there: Similarity) -> None:
    moved = there.points(np.array([[3.0, 4.0, 5.0]]))
    np.testing.assert_allclose(moved[:, :2], there.points(np.array([[3.0, 4.0]])))
    assert moved[0, 2] == pytest.approx(5 * there.scale)


def test_a_crop_puts_its_centre_in_the_middle_and_a_corner_in_the_corner() -> None:
    crop = Similarity.crop(centre=(50, 40), side=64, roll_deg=0, size=128)
    np.testing.assert_allclose(crop.points(np.array([[50.0, 40.0]])), [[63.5, 63.5]])
    assert crop.scale == pytest.approx(2)
    assert crop.turn_deg == pytest.approx(0)


@given(st.floats(-170, 170))
def test_a_crop_turns_the_picture_by_the_tilt_it_is_given(roll_deg: float) -> None:
    crop = Similarity.crop(centre=(5, 5), side=10, roll_deg=roll_deg, size=20)
    assert crop.turn_deg == pytest.approx(roll_deg)
    along = np.array(
        [[5.0, 5.0], [5 + np.cos(np.radians(roll_deg)), 5 + np.sin(np.radians(roll_deg))]]
    )
    first, second = crop.points(along)
    np.testing.assert_allclose(second - first, [2, 0], atol=1e-9)


# ---- the face crop


@given(st.floats(-80, 80), st.floats(0.2, 5), st.tuples(st.floats(-99, 99), st.floats(-99, 99)))
def test_a_tilted_larger_shifted_face_lands_on_the_same_crop(
    roll_deg: float, scale: float, shift: tuple[float, float]
) -> None:
    upright = a_face().landmarks[:, :2].astype(np.float64)
    upright[EYE_CORNERS[0]], upright[EYE_CORNERS[1]] = (35, 45), (65, 45)
    cos, sin = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    moved = scale * upright @ np.array([[cos, sin], [-sin, cos]]) + shift
    assert eye_line_deg(moved) == pytest.approx(roll_deg, abs=1e-6)
    np.testing.assert_allclose(
        face_crop(moved, 128).points(moved), face_crop(upright, 128).points(upright), atol=1e-6
    )


def test_a_face_fills_its_crop_up_to_the_margin() -> None:
    upright = a_face().landmarks[:, :2].copy()
    upright[EYE_CORNERS[0]], upright[EYE_CORNERS[1]] = (35, 45), (65, 45)
    mesh = face_crop(upright, 101).points(upright)[:468]
    extent = (mesh.max(0) - mesh.min(0)).max()
    assert extent == pytest.approx(101 / CROP_MARGIN)
    np.testing.assert_allclose((mesh.max(0) + mesh.min(0)) / 2, [50, 50], atol=1e-4)
    tighter = face_crop(upright, 101, margin=1.25).points(upright)[:468]
    assert (tighter.max(0) - tighter.min(0)).max() == pytest.approx(101 / 1.25)


# ---- rotations


@given(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179))
def test_angles_survive_the_way_through_a_rotation(yaw: float, pitch: float, roll: float) -> None:
    found = euler_angles_deg(rotation_matrix(yaw, pitch, roll))
    np.testing.assert_allclose(found, (yaw, pitch, roll), atol=1e-6)


@given(st.floats(-360, 360), st.floats(-360, 360), st.floats(-360, 360))
def test_a_rotation_keeps_lengths_and_handedness(yaw: float, pitch: float, roll: float) -> None:
    turned = rotation_matrix(yaw, pitch, roll)
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turned) == pytest.approx(1)


def test_the_head_turns_the_way_the_signs_say() -> None:
    nose, crown = np.array([0.0, 0, 1]), np.array([0.0, 1, 0])
    assert (rotation_matrix(20, 0, 0) @ nose)[0] > 0.3  # to the subject's left
    assert (rotation_matrix(0, 20, 0) @ nose)[1] < -0.3  # down
    assert (rotation_matrix(0, 0, 20) @ crown)[
        0
    ] < -0.3  # to the subject's right, the viewer's left


def test_what_lies_in_another_box_is_a_share_of_the_smaller_one() -> None:
    box, small = Box(0, 0, 10, 10), Box(6, 6, 8, 11)
    assert box.overlap(small) == small.overlap(box) == pytest.approx(0.8)
    assert box.overlap(Box(-5, -5, 20, 20)) == 1.0
    assert box.overlap(Box(20, 20, 30, 30)) == box.overlap(Box(20, 0, 30, 10)) == 0.0
