"""Teeth and jaw of a mean mouth."""

from __future__ import annotations

import numpy as np
import pytest

from icface.model.mouth.anatomy import LOWER, UPPER, Jaw, row_of


def test_crowns_have_the_widths_of_a_mean_jaw_on_both_sides() -> None:
    row = row_of(UPPER)
    x = row.place[:, 0]
    dark = np.flatnonzero((row.gap > 0.5) & (np.abs(x) < 2.6))
    at = np.array([x[one].mean() for one in np.split(dark, np.flatnonzero(np.diff(dark) > 1) + 1)])
    assert at == pytest.approx(-at[::-1], abs=0.02)
    middle = len(at) // 2
    assert at[middle] == pytest.approx(0, abs=0.02)
    assert at[middle + 1] == pytest.approx(0.85, abs=0.03)
    assert np.hypot(
        *np.ptp(row.place[np.searchsorted(x, at[middle + 1 : middle + 3])][:, [0, 2]], 0)
    ) == pytest.approx(0.65, abs=0.05)


def test_upper_teeth_lie_in_front_of_the_lower_ones_and_overlap_them() -> None:
    upper, lower = (row_of(arch).place[len(row_of(arch).place) // 2] for arch in (UPPER, LOWER))
    assert upper[2] > lower[2]
    assert upper[1] < lower[1]


def test_a_jaw_that_opens_moves_its_teeth_down_and_back() -> None:
    place = row_of(LOWER).place
    moved = Jaw(1.0).moves(place)
    assert (moved[:, 1] < place[:, 1] - 1).all()
    assert (moved[:, 2] < place[:, 2]).all()
    np.testing.assert_array_equal(Jaw(0.0).moves(place), place)


def test_a_jaw_shifts_to_a_side_and_to_the_front() -> None:
    place = row_of(LOWER).place
    shift = Jaw(0.0, to_left=1.0, forward=1.0).moves(place) - place
    assert shift == pytest.approx(np.broadcast_to([0.55, 0.0, 0.5], shift.shape))
