"""Measures against values known beforehand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from icface.evaluation.metrics import (
    MOST_DECIBELS,
    fine_detail,
    hull_mask,
    masked_l1,
    place_and_size,
    psnr,
    rank_correlation,
    slope,
    ssim,
)
from icface.face.geometry import Similarity


def noise(seed: int, shape: tuple[int, ...] = (64, 64, 3)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def everywhere(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.ones(image.shape[:2], bool)


def test_the_hull_covers_what_its_points_enclose_and_forgets_the_irises() -> None:
    points = np.full((478, 3), 15.0)
    points[:4, :2] = (10, 10), (20, 10), (20, 20), (10, 20)
    points[470:, :2] = 30
    mask = hull_mask(points, (40, 40, 3))
    assert mask[10:21, 10:21].all()
    assert mask.sum() == 11 * 11


def test_a_hull_beyond_the_picture_is_cut_off_at_its_border() -> None:
    points = np.full((478, 2), 5.0)
    points[:4] = (-10, -10), (9, -10), (9, 9), (-10, 9)
    assert hull_mask(points, (20, 30)).sum() == 10 * 10


def test_differences_count_inside_the_mask_only() -> None:
    a = np.full((8, 8, 3), 100, np.uint8)
    b = a.copy()
    b[:, 4:] = 202
    left = np.zeros((8, 8), bool)
    left[:, :4] = True
    assert masked_l1(a, b, left) == 0
    assert masked_l1(a, b, ~left) == pytest.approx(102 / 255)
    assert masked_l1(b, a, everywhere(a)) == pytest.approx(51 / 255)
    assert masked_l1(a, b, np.zeros((8, 8), bool)) == 0


def test_psnr_is_that_of_the_textbook() -> None:
    a = np.zeros((4, 4, 3), np.uint8)
    b = np.full((4, 4, 3), 51, np.uint8)  # a fifth of the range: a mean square of 0.04
    assert psnr(a, b, everywhere(a)) == pytest.approx(-10 * np.log10(0.04))
    assert psnr(a, a, everywhere(a)) == MOST_DECIBELS


def test_structure_is_the_same_or_not_at_all() -> None:
    a, b = noise(1), noise(2)
    assert ssim(a, a, everywhere(a)) == pytest.approx(1)
    assert abs(ssim(a, b, everywhere(a))) < 0.1
    assert ssim(a, 255 - a, everywhere(a)) < -0.9


def test_structure_is_judged_where_the_mask_is() -> None:
    a = noise(1)
    b = a.copy()
    b[:, 32:] = noise(2)[:, 32:]
    mask = np.zeros((64, 64), bool)
    mask[:, :20] = True
    assert ssim(a, b, mask) == pytest.approx(1)
    assert ssim(a, b, ~mask) < 0.6


def test_blur_takes_detail_away_and_noise_adds_little() -> None:
    rng = np.random.default_rng(3)
    picture = cv2.GaussianBlur(rng.normal(128, 400, (96, 96, 3)), (0, 0), 1.2)
    sharp = np.clip(picture, 0, 255).astype(np.uint8)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 2.0)
    grainy = np.clip(sharp + rng.normal(0, 5, sharp.shape), 0, 255).astype(np.uint8)
    mask = everywhere(sharp)
    before = fine_detail(sharp, mask)
    assert before > 0.01
    assert fine_detail(blurred, mask) < 0.5 * before
    assert fine_detail(grainy, mask) == pytest.approx(before, rel=0.02)
    assert fine_detail(np.full_like(sharp, 9), mask) == pytest.approx(0, abs=1e-6)


def test_detail_outside_of_the_mask_does_not_count() -> None:
    picture = np.full((60, 60, 3), 90, np.uint8)
    picture[:, 40:] = noise(4, (60, 20, 3))
    mask = np.zeros((60, 60), bool)
    mask[10:50, 5:25] = True
    assert fine_detail(picture, mask) == pytest.approx(0, abs=1e-6)


def test_shift_and_scale_are_found_and_a_turn_is_not_undone() -> None:
    points = np.random.default_rng(5).uniform(0, 100, (12, 2))
    wanted = Similarity((1.5, 0, -7, 0, 1.5, 20))
    found = place_and_size(points, wanted.points(points))
    assert np.allclose(found.rows, wanted.rows)
    turned = Similarity.crop(centre=(50, 50), side=100, roll_deg=10, size=100).points(points)
    assert place_and_size(points, turned).turn_deg == 0


def test_points_in_one_place_have_no_size() -> None:
    with pytest.raises(ValueError, match="12 points in one place"):
        place_and_size(np.ones((12, 2)), np.zeros((12, 2)))


def test_the_slope_of_a_line_is_its_slope() -> None:
    asked = np.linspace(-20, 20, 7)
    assert slope(asked, 0.7 * asked + 3) == pytest.approx(0.7)
    assert slope(asked, np.full(7, 2.0)) == 0
    assert np.isnan(slope(np.ones(7), asked))


def test_ranks_follow_the_order_and_not_the_size() -> None:
    asked = np.linspace(0, 1, 7)
    assert rank_correlation(asked, asked**3) == pytest.approx(1)
    assert rank_correlation(asked, -np.exp(asked)) == pytest.approx(-1)
    assert rank_correlation(asked, np.ones(7)) == 0
