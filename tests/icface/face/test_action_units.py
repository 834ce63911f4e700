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
    ControlVector,
    action_units,
    apply_deltas,
)
from tests.strategies import control_vectors

AMBIGUOUS = {11, 23, 25, 27, 28}
"""Units that others explain as well, and more sparingly."""


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
    assert found[2, CONTROL_IDS.index("AU12L")] == pytest.approx(0.5, abs=1e-3)


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
    assert calls_for(2000) < 2 * calls_for(2)  # a few more, where only some rows need them


def test_no_rows_give_no_rows_and_other_shapes_are_refused() -> None:
    assert action_unit_rows(np.zeros((0, len(CHANNELS)))).shape == (0, len(CONTROL_IDS))
    with pytest.raises(ValueError, match="rows of 56"):
        action_unit_rows(np.zeros((2, 3)))


@pytest.mark.parametrize(
    "unit",
    [unit for unit in ACTION_UNITS if unit.number not in AMBIGUOUS],
    ids=lambda unit: unit.id,
)
@pytest.mark.parametrize("amount", [0.2, 0.9])
def test_a_unit_comes_back_from_its_channels(unit: object, amount: float) -> None:
    assert hasattr(unit, "id")
    found = dict(
        zip(CONTROL_IDS, action_unit_rows(channel_rows({unit.id: [amount]}))[0], strict=True)
    )
    for control in CONTROL_IDS:
        wanted = amount if control in unit.control_ids else 0
        assert found[control] == pytest.approx(wanted, abs=0.08), control


@pytest.mark.parametrize("number", sorted(AMBIGUOUS))
def test_what_explains_an_ambiguous_unit_instead_moves_the_same_channels(number: int) -> None:
    rows = channel_rows({f"AU{number}": [0.8]})
    found = dict(zip(CONTROL_IDS, action_unit_rows(rows)[0], strict=True))
    again = apply_deltas(
        ControlVector(), {i: found[i] for i in CONTROL_IDS if i not in ANGLES}
    ).array()
    np.testing.assert_allclose(again, rows[0], atol=0.03)


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
