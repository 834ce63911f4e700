"""Limits of the painter's conditioning and of its paint."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from icface.face.controls import CHANNELS, ControlVector
from icface.face.geometry import Similarity
from icface.model.mouth.paint_limits import painter_controls, tone_of_drawn, within_training_range
from icface.model.mouth.patch import Patch


def conditioned_on(**channels: float) -> torch.Tensor:
    values = np.zeros(len(CHANNELS))
    for name, value in channels.items():
        values[CHANNELS.index(name)] = value
    return painter_controls(ControlVector.from_array(values))


def test_jaws_lips_and_small_turns_are_told_as_they_are() -> None:
    before, after = (
        conditioned_on(yaw=3, jawOpen=0.1, noseSneer_L=0.4),
        conditioned_on(yaw=9, jawOpen=0.8, noseSneer_L=0.4),
    )
    first, second = within_training_range(before, after)
    assert torch.equal(first, before)
    assert second == pytest.approx(after, abs=1e-6)


def test_far_turns_condition_as_small_ones_and_noses_and_cheeks_as_still() -> None:
    before = conditioned_on(roll=-5, noseSneer_R=0.2)
    second = within_training_range(
        before,
        conditioned_on(
            roll=40, noseSneer_R=0.9, cheekSquint_L=0.8, mouthPress_L=1, mouthSmile_L=0.7
        ),
    )[1]
    change = {
        name: float(v) for name, v in zip(CHANNELS, second - before, strict=True) if abs(v) > 1e-6
    }
    assert change == {"roll": pytest.approx(0.45), "mouthSmile_L": pytest.approx(0.7)}


def test_over_a_drawn_mouth_paint_changes_the_light_and_keeps_edges() -> None:
    rng = np.random.default_rng(0)
    drawn = np.zeros((96, 96), np.float32)
    drawn[30:66, 20:76] = 1
    stripes = np.float32(0.2) * (np.arange(96) % 4 < 2).astype(np.float32)
    colour = (-0.1 + stripes[None, :, None] + rng.normal(0, 0.02, (96, 96, 3))).astype(np.float32)
    paint = Patch(Similarity((1, 0, 0, 0, 1, 0)), colour, np.full((96, 96), 0.5, np.float32))
    toned = tone_of_drawn(paint, drawn)
    before, after = (p.colour * p.mask[..., None] for p in (paint, toned))
    np.testing.assert_allclose(after[drawn == 0], before[drawn == 0], atol=1e-6)
    inside = np.s_[40:56, 30:66]
    assert after[inside].mean() == pytest.approx(0.75 * before[inside].mean(), abs=0.004)
    assert after[inside].std() < 0.35 * before[inside].std()
    plain = tone_of_drawn(paint, np.zeros_like(drawn))
    np.testing.assert_allclose(plain.colour, paint.colour, rtol=1e-5)
