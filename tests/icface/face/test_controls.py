from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.face.controls import (
    ACTION_UNITS,
    ANGLES,
    CHANNELS,
    CONTROL_IDS,
    EXPRESSIONS,
    UNIT_IDS,
    ActionUnit,
    ControlVector,
    UnknownControlError,
    action_units,
    channel_index,
    control_range,
    direction,
    most_read,
)
from icface.face.place import PLACES
from icface.face.selectors import apply_deltas, deltas_from_settings, expand_control
from tests.strategies import control_values, control_vectors

UNITS = UNIT_IDS
SHARING = ("AU11", "AU23", "AU25", "AU26", "AU27", "AU28")
"""Units that share channels with others."""
APART = tuple(i for i in CONTROL_IDS if not i.startswith(SHARING))


# ---- the table


def test_there_are_56_channels_each_named_once() -> None:
    assert len(CHANNELS) == len(set(CHANNELS)) == 56
    assert CHANNELS[:3] == ANGLES == ("yaw", "pitch", "roll")


def test_the_channels_are_those_of_the_rig_in_its_order() -> None:
    assert EXPRESSIONS[:4] == ("browDown_L", "browDown_R", "browInnerUp_L", "browInnerUp_R")
    assert EXPRESSIONS[-2:] == ("noseSneer_L", "noseSneer_R")


def test_every_unit_has_a_name_and_a_text_for_people() -> None:
    assert all(unit.help and unit.name for unit in ACTION_UNITS)


def test_units_combine_existing_channels_and_only_the_signed_is_negative() -> None:
    for unit in ACTION_UNITS:
        assert all(
            channel in EXPRESSIONS and weight > 0
            for side in unit.sides
            for channel, weight in unit.weights[side].items()
        )
        assert (unit.minimum, unit.maximum) == ((-1.0, 1.0) if unit.id == "AU30" else (0.0, 1.0))


def test_left_and_right_mirror_each_other() -> None:
    for unit in ACTION_UNITS:
        if len(unit.sides) == 2 and unit.region != "gaze":
            mirrored = {c.replace("_L", "_R"): weight for c, weight in unit.weights["L"].items()}
            assert mirrored == unit.weights["R"]


def test_every_control_id_has_a_direction_and_a_range() -> None:
    for control in CONTROL_IDS:
        low, high = control_range(control)
        assert low < high
        assert direction(control).any() == (control not in PLACES)


def test_a_direction_is_a_copy() -> None:
    direction("AU1L")[:] = 5
    assert direction("AU1L").sum() == 1


# ---- vectors


def test_a_vector_has_56_finite_numbers() -> None:
    with pytest.raises(ValueError, match="56 numbers, not 2"):
        ControlVector((1.0, 2.0))
    with pytest.raises(ValueError, match="finite"):
        ControlVector.of({"yaw": math.nan})


def test_a_vector_is_read_by_name() -> None:
    vector = ControlVector.of({"yaw": 3, "jawOpen": 0.5})
    assert (vector["yaw"], vector["jawOpen"], vector["mouthFunnel"]) == (3.0, 0.5, 0.0)
    assert vector.angles_deg == (3.0, 0.0, 0.0)


@pytest.mark.parametrize("name", ["AU12", "smile", ""])
def test_what_is_no_channel_is_named_in_the_message(name: str) -> None:
    with pytest.raises(UnknownControlError, match=f"'{name}'"):
        channel_index(name)


@given(control_vectors())
def test_a_vector_survives_the_way_through_an_array(vector: ControlVector) -> None:
    assert ControlVector.from_array(vector.array()) == vector


@given(st.lists(st.floats(-1e3, 1e3), min_size=56, max_size=56))
def test_clipping_brings_all_within_limits_and_twice_is_once(values: list[float]) -> None:
    clipped = ControlVector.from_array(values).clipped()
    for name, value in zip(CHANNELS, clipped.values, strict=True):
        low, high = control_range(name)
        assert low <= value <= high
    assert clipped.clipped() == clipped


# ---- selectors


@pytest.mark.parametrize(
    ("selector", "ids"),
    [
        ("yaw", ("yaw",)),
        ("PITCH", ("pitch",)),
        ("AU12", ("AU12L", "AU12R")),
        ("au12l", ("AU12L",)),
        ("AU06", ("AU6L", "AU6R")),
        ("AU1+2", ("AU1L", "AU1R", "AU2L", "AU2R")),
        ("AU1+2R", ("AU1R", "AU2R")),
        ("AU26", ("AU26",)),
        ("AU45", ("AU43L", "AU43R")),
        ("AU46R", ("AU43R",)),
        ("jawOpen", ("jawOpen",)),
    ],
)
def test_people_name_controls_in_many_ways(selector: str, ids: tuple[str, ...]) -> None:
    assert expand_control(selector) == ids


@pytest.mark.parametrize("selector", ["AU99", "AU26L", "AU1+99", "smile", "", "AU", "AU12LR"])
def test_a_name_that_means_nothing_is_refused_with_what_would(selector: str) -> None:
    with pytest.raises(
        UnknownControlError, match="yaw, pitch, roll, x, y, zoom, AU with one of 1, 2, 4"
    ):
        expand_control(selector)


@pytest.mark.parametrize("control", ["AU99", "smile"])
def test_only_controls_have_a_range_and_a_direction(control: str) -> None:
    with pytest.raises(UnknownControlError, match=control):
        control_range(control)
    with pytest.raises(UnknownControlError, match=control):
        direction(control)


def test_ranges_are_degrees_for_angles_and_one_for_the_rest() -> None:
    ranges = [control_range(name) for name in ("yaw", "pitch", "jawOpen", "AU12L", "AU30")]
    assert ranges == [(-45, 45), (-30, 30), (0, 1), (0, 1), (-1, 1)]


# ---- channels to units, and back again


@pytest.mark.parametrize(
    "unit", [unit for unit in ACTION_UNITS if unit.number != 27], ids=lambda unit: unit.id
)
@pytest.mark.parametrize("value", [0.25, 0.5, 0.75, 1.0])
def test_each_unit_alone_is_read_back_as_it_was_set_and_no_other_with_it(
    unit: ActionUnit, value: float
) -> None:
    for controls in {unit.control_ids, *((control,) for control in unit.control_ids)}:
        found = action_units(apply_deltas(ControlVector(), dict.fromkeys(controls, value)))
        wanted = dict.fromkeys(CONTROL_IDS, 0.0) | dict.fromkeys(controls, value)
        assert found == pytest.approx(wanted, abs=0.05)


@pytest.mark.parametrize("value", [0.25, 0.5, 0.75, 1.0])
def test_a_mouth_stretch_is_read_as_a_whole_jaw_drop_and_what_goes_beyond(value: float) -> None:
    found = action_units(apply_deltas(ControlVector(), {"AU27": value}))
    drop = direction("AU26")[channel_index("jawOpen")]
    assert found["AU26"] == pytest.approx(min(value / drop, 1), abs=0.02)
    assert found["AU27"] == pytest.approx(max(value - drop, 0), abs=0.02)
    others = [found[i] for i in UNITS if i not in {"AU26", "AU27"}]
    assert max(map(abs, others)) < 0.02


@given(
    st.sampled_from([i for i in UNITS if i != "AU27"]).flatmap(
        lambda i: st.tuples(st.just(i), st.floats(*control_range(i)))
    )
)
def test_a_unit_is_read_back_at_any_amount(setting: tuple[str, float]) -> None:
    control, value = setting
    found = action_units(apply_deltas(ControlVector(), {control: value}))
    assert found[control] == pytest.approx(value, abs=0.05)


def test_one_is_the_most_an_adult_does_and_not_all_that_a_channel_can() -> None:
    weak = {"AU5": 0.55, "AU9": 0.6, "AU10": 0.5, "AU12": 0.6}
    for number, most in weak.items():
        assert direction(f"{number}L").max() == pytest.approx(most)
    assert not direction("AU11L")[[channel_index(f"mouthUpperUp_{side}") for side in "LR"]].any()


def test_more_than_an_adult_does_is_read_as_one_and_can_be_taken_away_whole() -> None:
    broad = ControlVector.of({"mouthSmile_L": 0.9, "eyeWide_R": 1.0})
    assert (action_units(broad)["AU12L"], action_units(broad)["AU5R"]) == (1.0, 1.0)
    full = action_units(broad, beyond=True)
    assert (full["AU12L"], full["AU5R"]) == pytest.approx((1.5, 1 / 0.55), abs=0.01)
    gone = apply_deltas(broad, deltas_from_settings(broad, {"AU12": 0.0, "AU5": 0.0}))
    assert max(gone.values) < 0.01
    assert apply_deltas(broad, deltas_from_settings(broad, {"AU12L": 1.0})) == broad, "as shown"


def test_no_unit_is_read_beyond_what_its_channels_can_hold() -> None:
    for control, most in most_read().items():
        assert (most * direction(control)).max() <= 1 + 1e-9
    assert most_read()["AU26"] == 1.0, "AU27 continues it"


@given(control_vectors())
def test_units_are_read_within_their_ranges_and_angles_as_they_are(vector: ControlVector) -> None:
    found = action_units(vector)
    assert tuple(found) == CONTROL_IDS
    assert tuple(found[a] for a in ANGLES) == vector.angles_deg
    for control, value in found.items():
        low, high = control_range(control)
        assert low <= value <= high


@given(st.lists(control_values(), max_size=5))
def test_units_rebuild_the_channels_they_were_read_from(settings: list[tuple[str, float]]) -> None:
    vector = apply_deltas(ControlVector(), dict(settings))
    rebuilt = apply_deltas(ControlVector(), action_units(vector))
    np.testing.assert_allclose(rebuilt.array(), vector.array(), atol=0.04)


@given(control_vectors())
def test_a_face_rebuilt_from_its_reading_gives_the_same_reading(
    vector: ControlVector,
) -> None:
    first = action_units(vector)
    again = action_units(apply_deltas(ControlVector(), first))
    assert max(abs(again[i] - first[i]) for i in CONTROL_IDS) < 0.15


def test_a_half_open_jaw_is_read_as_a_jaw_drop_rather_than_a_mouth_stretch() -> None:
    found = action_units(ControlVector.of({"jawOpen": 0.3}))
    assert found["AU26"] > 0.5
    assert found["AU27"] < 0.1


# ---- deltas


@given(control_vectors(), st.lists(st.sampled_from(CONTROL_IDS)))
def test_deltas_of_zero_return_the_very_same_face(
    vector: ControlVector, controls: list[str]
) -> None:
    assert apply_deltas(vector, dict.fromkeys(controls, 0.0)) is vector


@given(control_vectors(), control_values())
def test_channels_that_no_delta_touches_stay_to_the_last_bit(
    vector: ControlVector, setting: tuple[str, float]
) -> None:
    control, value = setting
    moved = apply_deltas(vector, {control: value})
    touched = (
        {"jawLeft", "jawRight"}
        if control == "AU30"
        else {CHANNELS[i] for i in np.flatnonzero(direction(control))}
    )
    assert all(moved[name] == vector[name] for name in CHANNELS if name not in touched)


@given(
    control_vectors(), st.dictionaries(st.sampled_from(CONTROL_IDS), st.floats(-90, 90), max_size=6)
)
def test_a_moved_face_stays_within_what_a_face_can_do(
    vector: ControlVector, deltas: dict[str, float]
) -> None:
    assert apply_deltas(vector, deltas).clipped() == apply_deltas(vector, deltas)


@pytest.mark.parametrize(
    ("start", "amount", "left", "right"),
    [(0.0, 0.5, 0, 0.5), (0.0, -0.5, 0.5, 0), (0.3, -0.5, 0.2, 0)],
)
def test_the_jaw_goes_sideways_in_one_direction_at_a_time(
    start: float, amount: float, left: float, right: float
) -> None:
    moved = apply_deltas(ControlVector.of({"jawRight": start}), {"AU30": amount})
    assert (moved["jawLeft"], moved["jawRight"]) == pytest.approx((left, right))


@given(control_vectors(), control_values())
def test_absolute_settings_are_reached_from_any_face(
    vector: ControlVector, setting: tuple[str, float]
) -> None:
    control, value = setting
    deltas = deltas_from_settings(vector, {control: value})
    reading = action_units(vector, beyond=True)[control]
    if value == control_range(control)[1] < reading:
        assert deltas[control] == 0, "as far as the slider goes"
    else:
        assert reading + deltas[control] == pytest.approx(value)


@given(control_vectors(), st.sampled_from(EXPRESSIONS), st.floats(0, 1))
def test_absolute_settings_of_a_channel_are_reached(
    vector: ControlVector, channel: str, value: float
) -> None:
    moved = apply_deltas(vector, deltas_from_settings(vector, {channel: value}))
    assert moved[channel] == pytest.approx(value)


@given(
    st.sampled_from(APART).flatmap(lambda i: st.tuples(st.just(i), st.floats(*control_range(i))))
)
def test_a_smiling_turned_face_reads_what_was_asked_of_it(setting: tuple[str, float]) -> None:
    control, value = setting
    source = ControlVector.of(
        {"yaw": 12, "mouthSmile_L": 0.4, "mouthSmile_R": 0.3, "browDown_L": 0.2, "jawRight": 0.1}
    )
    moved = apply_deltas(source, deltas_from_settings(source, {control: value}))
    assert action_units(moved)[control] == pytest.approx(value, abs=0.02)


def test_relative_settings_are_added_to_the_reading_and_to_each_other() -> None:
    source = ControlVector.of({"yaw": 5, "mouthSmile_L": 0.4})
    deltas = deltas_from_settings(source, {"yaw": -50, "AU12L": 0.1, "AU12": 0.2}, relative=True)
    assert deltas == pytest.approx({"yaw": -50, "AU12L": 0.3, "AU12R": 0.2})


def test_no_settings_are_no_deltas() -> None:
    assert deltas_from_settings(ControlVector.of({"yaw": 5}), {}) == {}


@pytest.mark.parametrize(
    ("settings", "relative", "message"),
    [
        ({"yaw": 46}, False, "yaw=46 is out of range: yaw goes from -45 to 45"),
        ({"AU12": -0.1}, False, "AU12=-0.1 is out of range: AU12L goes from 0 to 1"),
        ({"AU12": math.nan}, False, "AU12=nan"),
        ({"yaw": 91}, True, "yaw=91 is out of range: yaw goes from -90 to 90"),
        ({"AU12": -1.1}, True, "AU12L goes from -1 to 1"),
    ],
)
def test_a_setting_out_of_range_names_value_and_limit(
    settings: dict[str, float], relative: bool, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        deltas_from_settings(ControlVector(), settings, relative=relative)


def test_a_setting_of_an_unknown_control_is_refused() -> None:
    with pytest.raises(UnknownControlError, match="AU99"):
        deltas_from_settings(ControlVector(), {"AU99": 1})
