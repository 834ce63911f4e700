"""What the painter may be told."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from icface.controls import CHANNELS, ControlVector
from icface.model.paint_limits import as_taught, painter_controls


def told(**channels: float) -> torch.Tensor:
    values = np.zeros(len(CHANNELS))
    for name, value in channels.items():
        values[CHANNELS.index(name)] = value
    return painter_controls(ControlVector.from_array(values))


def test_jaws_lips_and_small_turns_are_told_as_they_are() -> None:
    before, after = told(yaw=3, jawOpen=0.1, noseSneer_L=0.4), told(yaw=9, jawOpen=0.8, noseSneer_L=0.4)
    first, second = as_taught(before, after)
    assert torch.equal(first, before)
    assert second == pytest.approx(after, abs=1e-6)


def test_a_head_turned_far_is_told_as_turned_a_little_and_noses_and_cheeks_as_still() -> None:
    before = told(roll=-5, noseSneer_R=0.2)
    second = as_taught(before, told(roll=40, noseSneer_R=0.9, cheekSquint_L=0.8, browDown_L=1, mouthSmile_L=0.7))[1]
    change = {name: float(v) for name, v in zip(CHANNELS, second - before, strict=True) if abs(v) > 1e-6}
    assert change == {"roll": pytest.approx(0.45), "mouthSmile_L": pytest.approx(0.7)}
