"""The opening of a mouth as a closed curve."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from icface.model.mouth.opening import (
    LOWER_LIP,
    filled,
    gaps,
    height_over_width,
    mean_height,
    rounded,
    uncrossed,
    upper_lip,
)


def ring(height: float = 12.0) -> np.ndarray:
    """(20, 2) an opening 60 pixels wide, in the order of `INNER_LIPS`."""
    t = np.linspace(0, np.pi, 11)
    lower = np.stack([-30 * np.cos(t), height * np.sin(t)], 1)
    upper = np.stack([30 * np.cos(t), -0.5 * height * np.sin(t)], 1)
    return np.concatenate([lower, upper[1:-1]]) + 50


def test_a_rounded_ring_keeps_the_corners_and_evens_out_a_torn_point() -> None:
    torn = ring()
    torn[5, 1] += 6
    curve = rounded(torn)
    assert curve[[0, 40]] == pytest.approx(torn[[0, 10]], abs=1e-9)
    assert ring()[5, 1] < curve[20, 1] < torn[5, 1] - 2


def test_points_of_the_upper_lip_lie_above_their_counterparts() -> None:
    curve = rounded(ring())
    lower, upper = curve[LOWER_LIP], upper_lip(curve)
    assert upper[:, 0] == pytest.approx(lower[:, 0], abs=1e-6)
    assert (upper[:, 1] < lower[:, 1]).all()


def test_a_filled_ring_covers_its_area_softly() -> None:
    curve = rounded(ring())
    share = filled(curve, (100, 100))
    outline = curve.astype(np.float32)
    area, edge = cv2.contourArea(outline), cv2.arcLength(outline, closed=True)
    assert area <= share.sum() <= area + edge
    assert share[50, 50] == 1
    assert ((share > 0.05) & (share < 0.95)).any()


def test_heights_measure_an_opening_whatever_its_size() -> None:
    assert mean_height(ring(24.0)) == pytest.approx(2 * mean_height(ring()), rel=1e-6)
    assert height_over_width(3 * ring()) == pytest.approx(height_over_width(ring()), rel=1e-6)


def test_lips_that_cross_have_a_negative_gap_and_leave_no_opening() -> None:
    crossed = rounded(ring(-12.0))
    assert (gaps(crossed) < 0).all()
    assert mean_height(ring(-12.0)) == 0
    assert gaps(uncrossed(crossed)) == pytest.approx(0, abs=1e-9)
    assert uncrossed(rounded(ring())) == pytest.approx(rounded(ring()))


def test_an_opening_is_as_high_when_its_head_rolls() -> None:
    turn = np.array([[0.5, -np.sqrt(0.75)], [np.sqrt(0.75), 0.5]])
    assert mean_height(ring() @ turn.T) == pytest.approx(mean_height(ring()), rel=1e-6)
