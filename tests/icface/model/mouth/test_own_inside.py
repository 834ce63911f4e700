"""What a photo shows between its lips holds for an edit, or is drawn instead."""

from __future__ import annotations

import numpy as np
import pytest

from icface.model.mouth.own_inside import OwnInside


def ring(gap: float) -> np.ndarray:
    """(20, 2) an opening 40 pixels wide, in the order of `INNER_LIPS`."""
    t = np.linspace(0, np.pi, 11)
    lower = np.stack([-20 * np.cos(t), gap * np.sin(t)], 1)
    upper = np.stack([20 * np.cos(t), -gap * np.sin(t)], 1)
    return np.concatenate([lower, upper[1:-1]]) + 60


def raised(gap: float, rise: float) -> np.ndarray:
    lips = ring(gap)
    lips[11:, 1] -= rise
    return lips


@pytest.mark.parametrize("skull_share", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("gap", [0.0, 0.2, 5.0])
def test_it_holds_at_rest_and_gives_way_the_further_the_upper_lip_rises(
    skull_share: float, gap: float
) -> None:
    own = OwnInside(opening=ring(gap), skull_share=skull_share, pixels_per_cm=8.0)
    held = [own.holds(raised(gap, rise)) for rise in (0.0, 0.5, 2.0, 8.0, 40.0)]
    assert held[0] == 1
    assert held == sorted(held, reverse=True)
    assert held[-1] == 0
    assert np.isfinite(held).all()
