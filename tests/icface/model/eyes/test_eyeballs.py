"""Eyeballs fitted to a photo, on irises drawn with a pencil."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from icface.face.landmarks import LEFT_EYE, RIGHT_EYE
from icface.model.eyes.eyeballs import eyeballs_of
from icface.model.eyes.gaze import Eyeball
from icface.model.networks.neutralizer import GRID
from icface.model.surface.fine_crop import FINE_CROP_SCALE, FINE_CROP_SIZE

WIDTH, TALL, SUPPOSED, PER_CM = 30.0, 13.0, 5.0, 8.0


def fitted(*, radius: float = SUPPOSED, aside: float = 0.0, dark: int = 50) -> tuple[Eyeball, ...]:
    """Eyeballs of eyes with irises of this size and distance from the landmarks, grid pixels."""
    ys, xs = np.mgrid[60:140, 40:200]
    source = np.stack([xs.ravel(), ys.ravel()], 1).astype(np.float64)
    landmarks, turn = np.full((478, 2), GRID / 2), np.linspace(0, 2 * np.pi, 16, endpoint=False)
    eye, fine_crop = (
        np.zeros(len(source), bool),
        np.full((FINE_CROP_SIZE, FINE_CROP_SIZE, 3), 210, np.uint8),
    )
    for ring, x, outer, iris in ((LEFT_EYE, 150, 1, 473), (RIGHT_EYE, 80, -1, 468)):
        landmarks[list(ring)] = np.stack(
            [x + outer * WIDTH / 2 * np.cos(turn), 100 - TALL / 2 * np.sin(turn)], 1
        )
        landmarks[iris : iris + 5] = [
            (x, 100),
            (x + SUPPOSED, 100),
            (x, 95),
            (x - SUPPOSED, 100),
            (x, 105),
        ]
        eye |= np.hypot((source[:, 0] - x) / WIDTH * 2, (source[:, 1] - 100) / TALL * 2) < 1
        at = np.round(((np.array([x + aside, 100.0]) + 0.5) * FINE_CROP_SCALE - 0.5) * 16).astype(
            int
        )
        cv2.circle(
            fine_crop,
            (int(at[0]), int(at[1])),
            round((radius * FINE_CROP_SCALE - 0.5) * 16),
            (dark, dark, dark),
            -1,
            cv2.LINE_AA,
            4,
        )
    return eyeballs_of(source, (~eye, eye), landmarks, PER_CM, fine_crop)


@pytest.mark.parametrize("radius", [4.6, 5.0, 6.0])
@pytest.mark.parametrize("aside", [-1.2, 0.0, 1.2])
def test_an_iris_is_as_large_and_lies_where_the_photo_shows_it(radius: float, aside: float) -> None:
    for eye, x in zip(fitted(radius=radius, aside=aside), (150, 80), strict=True):
        assert eye.radius == pytest.approx(radius * 1.04, abs=0.35)
        assert eye.centre == pytest.approx((x + aside, 100), abs=0.45)


def test_where_nothing_is_to_be_seen_the_landmarks_are_believed() -> None:
    for eye, x in zip(fitted(dark=205), (150, 80), strict=True):
        assert eye.radius == pytest.approx(SUPPOSED * 1.04)
        assert eye.centre == pytest.approx((x, 100))


def test_a_lid_follows_an_eye_that_looks_down_by_half_to_three_quarters() -> None:
    assert all(0.5 <= eye.lid_follows <= 0.75 for eye in fitted())
