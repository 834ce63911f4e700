"""Limits of lips: they do not cross, and the skin around follows where they give way."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from icface.face.controls import EXPRESSIONS
from icface.model.mouth.lip_limits import LipLimits, limits_of_contact, limits_of_lift
from icface.model.mouth.opening import gaps, rounded
from icface.model.networks.neutralizer import Part

PER_CM = 8.0


def ring(gap: float) -> np.ndarray:
    """(20, 2) an opening 40 pixels wide, in the order of `INNER_LIPS`."""
    t = np.linspace(0, np.pi, 11)
    lower, upper = (
        np.stack([x, y], 1)
        for x, y in ((-20 * np.cos(t), gap * np.sin(t)), (20 * np.cos(t), -gap * np.sin(t)))
    )
    return np.concatenate([lower, upper[1:-1]]) + 60


def surface() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[20:100, 20:100]
    source = np.stack([x.ravel(), y.ravel()], 1).astype(np.float64)
    part = np.where(source[:, 1] > 60, Part.LOWER, Part.SKIN)
    return source, part


def limits() -> tuple[LipLimits, np.ndarray]:
    source, part = surface()
    return LipLimits.of(ring(1.0), source, part, PER_CM, np.zeros((53, 20))), source


def test_crossing_lips_part_by_what_they_cross_and_no_further() -> None:
    before, after, shut = rounded(ring(1.0)), rounded(ring(-3.0)), np.zeros(36)
    up, down = limits_of_contact(after, before, shut)
    np.testing.assert_allclose(up + down, -gaps(after), atol=1e-9)
    assert not any(way.any() for way in limits_of_contact(before, before, shut))
    assert not any(way.any() for way in limits_of_contact(after, after, shut))


def test_lips_that_pucker_close_what_the_pucker_parts_and_do_not_cross() -> None:
    before, after = rounded(ring(0.0)), rounded(ring(2.0))
    for parts in (1.0, 9.0):
        up, down = limits_of_contact(after, before, np.full(36, parts))
        np.testing.assert_allclose(-up - down, np.minimum(parts, gaps(after)), atol=1e-9)
    lift = np.zeros((53, 20))
    pucker = EXPRESSIONS.index("mouthPucker")
    lift[pucker, 11:] = 2.0
    shut, opened = (LipLimits.of(ring(gap), *surface(), PER_CM, lift) for gap in (0.0, 1.0))
    change = np.zeros(53)
    assert not opened.of_change(change)[1].any()
    change[pucker] = 0.5
    assert shut.of_change(change)[1][18] == pytest.approx(1.0, abs=0.1)
    also_the_photos_own = opened.of_change(change)[1][18] - shut.of_change(change)[1][18]
    assert 0.7 < also_the_photos_own <= 1.0  # half of an opening of two pixels


def test_skin_follows_the_lip_that_gives_way_and_far_skin_stays() -> None:
    found, source = limits()
    points = torch.from_numpy(np.column_stack([source, source[:, 0] * 0])).float()
    ways = (np.full(36, -2.0), np.full(36, 1.0))
    moved = (found.held(points, ways, np.array([0.0, 1.0])) - points).numpy()
    by = moved[:, 1].reshape(80, 80)
    middle = by[:, 40]
    assert middle[38] < -1.8
    assert middle[42] > 0.9
    assert (np.diff(middle[10:39]) <= 1e-5).all()
    assert not moved[:, [0, 2]].any()
    assert not by[:8].any()
    assert not by[:, :8].any()
    still = (np.zeros(36), np.zeros(36))
    assert found.held(points, still, np.array([0.0, 1.0])) is points


def test_a_lip_rises_ever_less_and_never_beyond_its_limit() -> None:
    before = np.stack([np.linspace(-2, 2, 36), np.zeros(36)], 1)
    lifts = np.linspace(0, 2, 41)
    left = np.array(
        [
            lift - limits_of_lift(before + np.array((0, lift)), before, np.full(36, lift))[18]
            for lift in lifts
        ]
    )
    steps = np.diff(left)
    assert (steps > -1e-9).all()
    assert (np.diff(steps) < 1e-9).all()
    np.testing.assert_allclose(left[:5], lifts[:5], atol=1e-9)
    assert left[-1] < 0.9
