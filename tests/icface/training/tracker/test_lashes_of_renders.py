"""Lashes on lids that the rig closed: dark along the rim of a shut eye, and nowhere else."""

from __future__ import annotations

import numpy as np

from icface.face.controls import EXPRESSIONS
from icface.training.tracker.data import UPPER_RIMS, draw_lashes


def test_a_closed_lid_gets_a_dark_rim_and_an_open_one_does_not() -> None:
    picture = np.full((120, 200, 3), 180, np.uint8)
    landmarks = np.zeros((478, 3), np.float32)
    for side, left in (("R", 30.0), ("L", 120.0)):
        landmarks[list(UPPER_RIMS[side]), 0] = left + 50 * np.linspace(0, 1, 9)
        landmarks[list(UPPER_RIMS[side]), 1] = 60
    expression = np.zeros(len(EXPRESSIONS))
    expression[EXPRESSIONS.index("eyeBlink_R")] = 0.9
    drawn = [
        draw_lashes(np.random.default_rng(n), picture, landmarks, expression) for n in range(8)
    ]
    darkest = np.min([one.astype(int) for one in drawn], axis=0)
    assert darkest[56:66, 35:75].min(0).max() < 150
    assert (darkest[:, 110:] == 180).all()
    assert (darkest[:50] == 180).all()
    expression[:] = 0
    open_eyes = draw_lashes(np.random.default_rng(0), picture, landmarks, expression)
    np.testing.assert_array_equal(open_eyes, picture)
