from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.face.action_units import action_unit_rows, channel_rows, channels_of, explained
from icface.face.controls import (
    ACTION_UNITS,
    ANGLES,
    CHANNEL_INDEX,
    CHANNELS,
    CONTROL_IDS,
    ActionUnit,
    ControlVector,
    action_units,
)
from icface.face.selectors import apply_deltas
from tests.strategies import control_vectors


@given(st.lists(control_vectors(), min_size=1, max_size=6))
def test_many_rows_have_the_units_that_each_has_alone(states: list[ControlVector]) -> None:
    found = action_unit_rows(np.stack([state.array() for state in states]))
    alone = np.array([[action_units(state)[i] for i in CONTROL_IDS] for state in states])
    np.testing.assert_allclose(found, alone, atol=1e-5)


def test_dense_and_impossible_faces_have_the_units_that_each_has_alone() -> None:
    rows = np.random.default_rng(4).uniform(0, 1, (40, len(CHANNELS)))
    rows[20:] = np.round(rows[20:])
    rows[-1, 3:] = 1
    alone = np.array(
        [[action_units(ControlVector.from_array(row))[i] for i in CONTROL_IDS] for row in rows]
    )
    np.testing.assert_allclose(action_unit_rows(rows), alone, atol=1e-5)


def test_rows_without_a_face_have_no_units_and_spoil_no_others() -> None:
    rows = np.zeros((3, len(CHANNELS)))
    rows[1] = np.nan
    rows[2, CHANNEL_INDEX["mouthSmile_L"]] = 0.5
    found = action_unit_rows(rows)
    assert np.isnan(found[1]).all()
    assert (found[0] == 0).all()
    assert found[2, CONTROL_IDS.index("AU12L")] == pytest.approx(0.5 / 0.6, abs=2e-3)


def calls_for(count: int) -> int:
    """How many functions are called for so many rows."""
    rows = np.random.default_rng(1).uniform(0, 1, (count, len(CHANNELS)))
    calls = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        action_unit_rows(rows)
    finally:
        sys.setprofile(before)
    return calls


def test_two_thousand_rows_take_hardly_more_calls_than_two() -> None:
    calls_for(2)  # what is kept from the first call on
    assert calls_for(2000) < 4 * calls_for(2)  # more turns where some row needs them


def test_no_rows_give_no_rows_and_other_shapes_are_refused() -> None:
    assert action_unit_rows(np.zeros((0, len(CHANNELS)))).shape == (0, len(CONTROL_IDS))
    with pytest.raises(ValueError, match="rows of 56"):
        action_unit_rows(np.zeros((2, 3)))


@pytest.mark.parametrize(
    "unit", [unit for unit in ACTION_UNITS if unit.number != 27], ids=lambda unit: unit.id
)
def test_a_unit_comes_back_from_its_channels(unit: ActionUnit) -> None:
    amounts = np.array([0.25, 0.5, 0.75, 1.0])
    found = action_unit_rows(channel_rows({unit.id: amounts}))
    for column, control in enumerate(CONTROL_IDS):
        wanted = amounts if control in unit.control_ids else np.zeros(4)
        np.testing.assert_allclose(found[:, column], wanted, atol=0.05, err_msg=control)


def test_rows_beyond_the_sliders_are_those_of_single_faces() -> None:
    rows = np.random.default_rng(5).uniform(0, 1, (30, len(CHANNELS)))
    alone = [action_units(ControlVector.from_array(row), beyond=True) for row in rows]
    wanted = np.array([[units[i] for i in CONTROL_IDS] for units in alone])
    np.testing.assert_allclose(action_unit_rows(rows, beyond=True), wanted, atol=1e-5)
    assert wanted.max(where=np.array([i not in ANGLES for i in CONTROL_IDS]), initial=0) > 1.2


@given(
    st.dictionaries(
        st.sampled_from([i for i in CONTROL_IDS if i not in ANGLES and i != "AU30"]),
        st.floats(0, 1),
        max_size=6,
    )
)
def test_units_move_the_channels_that_their_sliders_move(values: dict[str, float]) -> None:
    rows = channel_rows({control: [value] for control, value in values.items()})
    wanted = apply_deltas(ControlVector(), values).array()
    np.testing.assert_allclose(rows if values else wanted[None], wanted[None], atol=1e-12)


def test_blink_is_eyes_closed_and_jaw_sideways_has_two_directions() -> None:
    rows = channel_rows({"AU43": [0.4, 0.4], "AU45": [0.9, 0.1], "AU30": [-0.5, 0.5]})
    assert rows[:, CHANNEL_INDEX["eyeBlink_L"]].tolist() == [0.9, 0.4]
    assert rows[:, CHANNEL_INDEX["jawLeft"]].tolist() == [0.5, 0]
    assert rows[:, CHANNEL_INDEX["jawRight"]].tolist() == [0, 0.5]


def test_a_value_that_is_no_number_leaves_its_row_without_a_face() -> None:
    rows = channel_rows({"AU12": [0.5, np.nan, np.inf], "AU4": [0.1, 0.2, 0.3]})
    assert np.isnan(rows[1:]).all()
    assert np.isfinite(rows[0]).all()


def test_a_unit_says_which_channels_it_moves() -> None:
    assert channels_of(["AU12L"]) == {"mouthSmile_L"}
    assert channels_of(["AU25"]) == {
        "mouthLowerDown_L",
        "mouthLowerDown_R",
        "mouthUpperUp_L",
        "mouthUpperUp_R",
        "jawOpen",
    }


def test_units_that_do_not_overlap_are_found_exactly_without_sparing() -> None:
    units = ("AU25L", "AU25R", "AU26")
    values = np.random.default_rng(0).uniform(0, 1, (50, 3))
    rows = channel_rows(dict(zip(units, values.T, strict=True)))
    np.testing.assert_allclose(explained(rows, units, sparing=1e-3), values, atol=1e-5)
