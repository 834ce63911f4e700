"""Shares that rise without a corner."""

from __future__ import annotations

import numpy as np
import pytest

from icface.face.ramps import Ramp, smoothstep


def test_it_goes_from_nothing_to_all_and_is_level_at_both_ends() -> None:
    share = np.linspace(0, 1, 1001)
    risen = smoothstep(share)
    assert (risen[0], risen[500], risen[-1]) == (0, 0.5, 1)
    assert (np.diff(risen) > 0).all()
    assert np.diff(risen)[[0, -1]] == pytest.approx(0, abs=1e-5)
    assert np.diff(risen).max() == pytest.approx(1.5 / 1000, rel=1e-3)


def test_arrays_keep_their_type_and_numbers_are_numbers() -> None:
    assert smoothstep(np.full(3, 0.25, np.float32)).dtype == np.float32
    assert smoothstep(0.25) == 0.15625


def test_a_ramp_is_nothing_before_its_range_and_all_behind_it() -> None:
    ramp = Ramp(2.0, 4.0)
    assert [ramp(v) for v in (1.0, 2.0, 2.5, 4.0, 9.0)] == [0, 0, 0.25, 1, 1]
    assert ramp(np.array([1.0, 2.5, 9.0])).tolist() == [0, 0.25, 1]
    assert ramp.smooth(2.5) == smoothstep(0.25)


def test_a_ramp_from_high_to_low_rises_as_values_fall() -> None:
    ramp = Ramp(4.0, 2.0)
    assert [ramp(v) for v in (5.0, 3.5, 1.0)] == [0, 0.25, 1]
