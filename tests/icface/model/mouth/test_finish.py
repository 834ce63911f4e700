"""The softness and the grain of a photo."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from icface.model.mouth.finish import Finish, finish_of

PER_CM = 20.0


def portrait(size: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """A face of even skin with crisp dark eyes and lips, and its landmarks."""
    picture = np.full((size, size, 3), 170, np.uint8)
    points = np.zeros((478, 3))
    points[:, :2] = size / 2
    eyes = 8.9 * PER_CM / 2
    points[33, :2], points[263, :2] = (size / 2 - eyes, 150), (size / 2 + eyes, 150)
    points[61, :2], points[291, :2] = (size / 2 - 50, 290), (size / 2 + 50, 290)
    for x in (140, 260):
        cv2.circle(picture, (x, 150), 14, (40, 40, 40), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (200, 290), (50, 14), 0, 0, 360, (90, 60, 60), -1, cv2.LINE_AA)
    return picture, points


def test_a_crisp_clean_photo_asks_for_no_finish() -> None:
    finish = finish_of(*portrait())
    assert finish.blur_cm * PER_CM < 0.8
    assert finish.grain < 0.002


@pytest.mark.parametrize("blur", [1.5, 2.5])
def test_a_soft_photo_is_measured_as_soft_as_it_is(blur: float) -> None:
    picture, points = portrait()
    soft = finish_of(cv2.GaussianBlur(picture, (0, 0), blur), points)
    assert soft.blur_cm * PER_CM == pytest.approx(blur, rel=0.3)


def test_grain_is_measured_on_even_skin_and_drawn_alike() -> None:
    picture, points = portrait()
    noise = np.random.default_rng(0).normal(0, 5, picture.shape[:2])[..., None]
    grainy = np.clip(picture + noise, 0, 255).astype(np.uint8)
    found = finish_of(grainy, points)
    assert found.grain > 4 * finish_of(picture, points).grain
    drawn = found.applied(np.full((64, 64, 3), 0.5, np.float32), PER_CM, np.zeros(2))
    residual = drawn - cv2.GaussianBlur(drawn, (0, 0), 1.0)
    assert residual.std() == pytest.approx(found.grain, rel=0.25)
    assert np.ptp(drawn, axis=2).max() < 1e-6  # grain has no colour


def test_grain_moves_with_the_point_to_which_it_is_fixed() -> None:
    flat = np.full((40, 40, 3), 0.5, np.float32)
    finish = Finish(grain=0.01)
    here, there = (finish.applied(flat, PER_CM, np.array([x, 7.0])) for x in (10.0, 13.0))
    np.testing.assert_array_equal(here[:, :-3], there[:, 3:])


def test_no_finish_leaves_a_drawing_as_it_is() -> None:
    picture = np.random.default_rng(0).random((20, 30, 3)).astype(np.float32)
    np.testing.assert_array_equal(Finish().applied(picture, PER_CM, np.zeros(2)), picture)
