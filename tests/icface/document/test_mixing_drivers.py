"""Faces that are driven: the rules of a mix, keys over them, and clips whose own face is edited."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.document import GROUPS, DataFile, Driver, MixRule, Project, edits, mixing
from icface.document.curves import Blend, Key, Track
from icface.document.presence import presence
from icface.face.controls import CHANNELS, CONTROL_IDS, ControlVector
from icface.motion.motion import Motion
from tests.strategies import (
    a_clip,
    a_clip_project,
    a_driver,
    a_motion,
    a_project,
    a_ramp,
    control_vectors,
)

RAMP = [0.0, 0.2, 0.4, 0.6, 0.8]


def driven_by(motion: Motion, own: ControlVector | None = None, **rule: Any) -> Project:
    """A photo whose face a clip named A drives by one rule."""
    project = edits.add_driver(a_project(own or ControlVector()), a_driver("A", motion))
    return edits.set_rule(project, MixRule(**{"group": "all", "driver": "A"} | rule))


def values(project: Project, channel: str, frames: int) -> list[float]:
    found = [mixing.resolve(project, frame=frame) for frame in range(frames)]
    return [round(state[channel], 5) for state in found if state is not None]


def test_a_driver_moves_a_face_by_what_it_moves_itself() -> None:
    project = driven_by(
        a_ramp("jawOpen", RAMP), ControlVector.of({"jawOpen": 0.1, "mouthSmile_L": 0.3})
    )
    assert values(project, "jawOpen", 5) == [0.1, 0.3, 0.5, 0.7, 0.9]
    assert values(project, "mouthSmile_L", 5) == [0.3] * 5


def test_absolute_rules_give_the_drivers_own_state() -> None:
    project = driven_by(
        a_ramp("jawOpen", RAMP), ControlVector.of({"jawOpen": 0.1}), mode="absolute"
    )
    assert values(project, "jawOpen", 5) == RAMP


def test_relative_rules_start_from_the_neutral_frame() -> None:
    project = edits.set_neutral(driven_by(a_ramp("yaw", [4.0, 5, 6])), "A", 1)
    assert values(project, "yaw", 3) == [-1, 0, 1]


def test_gain_offset_and_limits_are_applied_in_this_order() -> None:
    project = driven_by(a_ramp("yaw", [0.0, 5, 20]), group="yaw", gain=2, offset=1, low=2, high=30)
    assert values(project, "yaw", 3) == [2, 11, 30]


def test_a_driver_can_come_later() -> None:
    project = driven_by(a_ramp("jawOpen", RAMP), shift=2)
    assert values(project, "jawOpen", 7) == [0, 0, 0, 0.2, 0.4, 0.6, 0.8]


@pytest.mark.parametrize(
    ("beyond", "expected"),
    [("hold", [0.8, 0.8, 0.8]), ("loop", [0, 0.2, 0.4]), ("pingpong", [0.6, 0.4, 0.2])],
)
def test_a_driver_that_ends_early_goes_on_as_asked(beyond: Any, expected: list[float]) -> None:
    project = edits.set_driver(driven_by(a_ramp("jawOpen", RAMP)), "A", beyond=beyond)
    assert values(project, "jawOpen", 8)[5:] == pytest.approx(expected)


def test_a_mirrored_driver_acts_with_its_other_side() -> None:
    states = [ControlVector(), ControlVector.of({"mouthSmile_L": 0.5, "yaw": 10})]
    project = driven_by(a_motion(states), mirror=True)
    state = mixing.resolve(project, frame=1)
    assert state is not None
    assert (state["mouthSmile_R"], state["mouthSmile_L"], state["yaw"]) == (0.5, 0, -10)


def test_a_narrow_rule_prevails_over_a_wide_one_and_leaves_the_rest_to_it() -> None:
    a = a_motion([ControlVector.of({"jawOpen": 0.5, "browDown_L": 0.5, "yaw": 5})] * 2)
    b = a_motion([ControlVector.of({"jawOpen": 0.2, "browDown_L": 0.2, "yaw": 9})] * 2)
    project = edits.add_driver(driven_by(a), a_driver("B", b))
    project = edits.set_rule(project, MixRule(group="mouth", driver="B"))
    project = edits.set_rule(project, MixRule(group="pose", driver=""))
    state = mixing.resolve(project)
    assert state is not None
    assert [round(state[name], 5) for name in ("jawOpen", "browDown_L", "yaw")] == [0.2, 0.5, 0]


def test_a_single_action_unit_can_have_its_own_driver() -> None:
    project = driven_by(
        a_motion([ControlVector.of({"mouthSmile_L": 0.5, "mouthSmile_R": 0.5, "jawOpen": 0.3})]),
        group="AU12L",
    )
    state = mixing.resolve(project)
    assert state is not None
    assert [state[name] for name in ("mouthSmile_L", "mouthSmile_R", "jawOpen")] == [0.5, 0, 0]


def test_channels_that_a_table_does_not_carry_stay_with_the_face() -> None:
    motion = replace(a_ramp("yaw", [7.0, 7]), carried=frozenset({"yaw"}))
    project = driven_by(motion, ControlVector.of({"jawOpen": 0.4}), mode="absolute")
    state = mixing.resolve(project)
    assert state is not None
    assert (state["yaw"], state["jawOpen"]) == (7, 0.4)


def test_a_clip_that_is_not_tracked_yet_drives_nothing() -> None:
    own = ControlVector.of({"yaw": 3})
    project = edits.add_driver(a_project(own), Driver(name="A", medium=a_clip(5)))
    project = edits.drive_with(project, "A")
    assert mixing.resolve(project) is project.faces[0].controls


def test_where_a_driver_shows_no_face_the_policy_decides() -> None:
    ramp = a_ramp("jawOpen", [0.2, None, 0.6])
    for policy, expected in (("hold", 0.2), ("interpolate", 0.4), ("pass", 0.1)):
        project = driven_by(ramp, ControlVector.of({"jawOpen": 0.1}), mode="absolute")
        project = edits.set_driver(project, "A", missing=policy)  # type: ignore[arg-type]
        assert values(project, "jawOpen", 2)[1] == pytest.approx(expected)


def test_smoothing_takes_jitter_out_of_what_drives() -> None:
    jitter = [0.5 + 0.02 * (-1) ** n for n in range(40)]
    rough = driven_by(a_ramp("jawOpen", jitter))
    smooth = edits.set_driver(rough, "A", smoothing=1.0)
    assert np.std(values(smooth, "jawOpen", 40)) < 0.3 * np.std(values(rough, "jawOpen", 40))


def test_a_blink_that_a_tracker_read_in_part_closes_the_eye_it_drives() -> None:
    ramp = a_ramp("eyeBlink_L", [0.0] * 12 + [0.4] * 4 + [0.0] * 12)
    landmarks = np.zeros((len(ramp), 478, 3), np.float32)
    landmarks[:, 263, 0] = 20  # the eye's width
    for upper, lower in ((386, 374), (385, 380), (387, 373)):
        landmarks[:, lower, 1] = (
            np.where(ramp.controls[:, CHANNELS.index("eyeBlink_L")] > 0, 1, 6)
            + landmarks[:, upper, 1]
        )
    project = driven_by(replace(ramp, landmarks=landmarks))
    assert max(values(project, "eyeBlink_L", 28)) > 0.99
    assert max(values(driven_by(ramp), "eyeBlink_L", 28)) <= 0.4  # a table means what it says


def test_in_the_neutral_frame_a_smoothed_driver_moves_nothing() -> None:
    jittery = a_ramp("jawOpen", [0.3, 0.34] * 10)
    driver = replace(a_driver("A", jittery, smoothing=1.0), neutral_frame=7)
    project = edits.drive_with(
        edits.add_driver(a_project(ControlVector.of({"jawOpen": 0.5})), driver), "A"
    )
    assert mixing.resolve(project, frame=7) is project.faces[0].controls
    assert values(project, "jawOpen", 20) == pytest.approx([0.5] * 20, abs=0.01)


@given(control_vectors(), control_vectors())
def test_a_driver_at_rest_leaves_every_bit_of_the_face(
    own: ControlVector, other: ControlVector
) -> None:
    project = edits.set_neutral(driven_by(a_motion([other, other]), own), "A", 0)
    assert mixing.resolve(project, frame=1) is project.faces[0].controls


@given(
    control_vectors(),
    control_vectors(),
    st.sampled_from(sorted(GROUPS)),
    st.floats(-3, 3),
    st.floats(-2, 2),
)
def test_a_mix_touches_its_group_alone_and_stays_within_what_a_face_can_do(
    own: ControlVector, other: ControlVector, group: str, gain: float, offset: float
) -> None:
    project = driven_by(a_motion([other]), own, group=group, gain=gain, offset=offset)
    state = mixing.resolve(project)
    assert state is not None
    inside = set(GROUPS[group][1])
    assert all(state[name] == own[name] for name in CHANNELS if name not in inside)
    assert state == state.clipped()


def test_the_gain_of_a_rule_can_be_keyed() -> None:
    project = driven_by(a_motion([ControlVector.of({"yaw": 10})] * 5), group="yaw")
    project = edits.set_key(project, "mix:yaw:gain", 0, 0)
    project = edits.set_key(project, "mix:yaw:gain", 4, 1)
    assert values(project, "yaw", 5) == pytest.approx([0, 1.354, 5, 8.646, 10], abs=0.2)
    delta = edits.set_mode(project, "mix:yaw:gain", "delta")
    assert values(delta, "yaw", 5) == pytest.approx(values(project, "yaw", 5))
    resting = edits.set_track(project, "mix:yaw:gain", extrapolation="rest")
    assert mixing.resolve(
        edits.move_keys(resting, [("mix:yaw:gain", 0)], 2), frame=0
    ) == ControlVector.of({"yaw": 10})


# Keys ---------------------------------------------------------------------------------------------


def keyed(project: Project, control: str, *keys: tuple[int, float]) -> Project:
    for frame, value in keys:
        project = edits.set_key(project, control, frame, value)
    return project


def test_keys_are_added_to_what_drives_the_face() -> None:
    project = keyed(driven_by(a_ramp("yaw", [0.0, 5, 10])), "yaw", (0, 1), (2, 3))
    assert values(project, "yaw", 3) == [1, 7, 13]


def test_absolute_keys_take_the_place_of_what_drives_the_face() -> None:
    project = keyed(driven_by(a_ramp("yaw", [0.0, 5, 10])), "yaw", (0, 1))
    project = edits.set_mode(project, "yaw", "absolute")
    assert values(project, "yaw", 3) == [1, 1, 1]


def test_a_slider_is_added_to_keys() -> None:
    project = keyed(a_project(ControlVector.of({"yaw": 2})), "yaw", (0, 1), (2, 3))
    project = edits.set_control(project, "yaw", 10, frame=1)
    assert mixing.shown(project, 1)["yaw"] == pytest.approx(10)
    assert mixing.shown(project, 0)["yaw"] == pytest.approx(9)


def test_muted_tracks_are_left_out_and_a_solo_one_counts_alone() -> None:
    project = keyed(keyed(a_project(ControlVector()), "yaw", (0, 5)), "pitch", (0, 4))
    muted = mixing.resolve(edits.set_track(project, "yaw", muted=True))
    alone = mixing.resolve(edits.set_track(project, "yaw", solo=True))
    assert muted == ControlVector.of({"pitch": 4})
    assert alone == ControlVector.of({"yaw": 5})


def test_a_blend_fades_keys_and_sliders_but_not_what_drives() -> None:
    project = keyed(driven_by(a_motion([ControlVector.of({"yaw": 10})] * 9)), "yaw", (0, 4))
    project = edits.set_blend(project, Blend(first=3, last=7, fade_in=1, fade_out=1))
    assert values(project, "yaw", 9) == [10, 10, 10, 12, 14, 14, 14, 12, 10]


def test_a_track_at_rest_says_nothing() -> None:
    project = edits.set_track(
        keyed(a_project(ControlVector()), "yaw", (2, 5)), "yaw", extrapolation="rest"
    )
    assert values(project, "yaw", 4) == [0, 0, 5, 0]


@given(
    control_vectors(),
    st.lists(st.tuples(st.integers(0, 8), st.floats(-0.5, 0.5)), min_size=1, max_size=4),
)
def test_a_curve_shows_what_the_slider_shows_in_every_frame(
    own: ControlVector, keys: list[tuple[int, float]]
) -> None:
    project = driven_by(a_motion([own, ControlVector(), own]), own)
    project = keyed(project, "AU12L", *keys)
    before, after = mixing.curve(project, "AU12L", np.arange(6))
    for frame in range(6):
        assert before[frame] == pytest.approx(mixing.readings(project, frame)["AU12L"], abs=1e-4)
        assert after[frame] == pytest.approx(mixing.shown(project, frame)["AU12L"], abs=1e-4)


@given(
    control_vectors(),
    st.lists(st.tuples(st.integers(0, 8), st.floats(-0.5, 0.5)), min_size=1, max_size=4),
    st.booleans(),
)
def test_several_curves_are_each_as_it_is_alone(
    own: ControlVector, keys: list[tuple[int, float]], rests: bool
) -> None:
    project = driven_by(a_motion([own, ControlVector(), own]), own)
    for target in ("AU12L", "AU12R", "AU26"):
        project = keyed(project, target, *keys)
    project = edits.set_control(edits.set_mode(project, "AU12R", "absolute"), "AU26", 0.3)
    project = edits.set_track(project, "AU12R", extrapolation="rest" if rests else "hold")
    names = ["AU12L", "AU12R", "yaw", "AU26"]
    together = mixing.curves(project, names, np.arange(9))
    for number, name in enumerate(names):
        for some, alone in zip(together, mixing.curve(project, name, np.arange(9)), strict=True):
            np.testing.assert_array_equal(some[number], alone)


def test_an_absolute_curve_rests_where_its_track_does() -> None:
    project = edits.set_mode(
        keyed(driven_by(a_ramp("yaw", [1.0, 2, 3])), "yaw", (1, 5)), "yaw", "absolute"
    )
    project = edits.set_track(project, "yaw", extrapolation="rest")
    _, after = mixing.curve(project, "yaw", np.arange(3))
    assert after.tolist() == [1, 7, 3]


# Clips --------------------------------------------------------------------------------------------


def test_a_clips_face_without_edits_keeps_its_state_in_every_frame() -> None:
    project = a_clip_project(a_ramp("jawOpen", RAMP))
    assert values(project, "jawOpen", 5) == RAMP
    state = mixing.resolve(project, frame=2)
    face = project.faces[0].at(2)
    assert face is not None
    assert state == face.controls


def test_edits_of_a_clip_are_added_to_each_frames_own_state() -> None:
    project = edits.set_control(a_clip_project(a_ramp("yaw", [0.0, 5, 10])), "yaw", 7, frame=1)
    assert values(project, "yaw", 3) == [2, 7, 12]


def test_where_a_clip_does_not_show_the_face_there_is_nothing_to_resolve() -> None:
    project = edits.set_control(a_clip_project(a_ramp("yaw", [0.0, None, 10])), "yaw", 7, frame=2)
    assert mixing.resolve(project, frame=1) is None
    assert mixing.driven(project, frame=1) is None
    assert (
        mixing.shown(project, 1) == mixing.readings(project, 1) == dict.fromkeys(CONTROL_IDS, 0.0)
    )


def test_an_edit_comes_and_goes_smoothly_where_a_face_is_lost() -> None:
    project = a_clip_project(a_ramp("yaw", [0.0] * 12 + [None, None] + [0.0] * 12))
    project = edits.set_control(project, "yaw", 8)
    found = values(project, "yaw", 26)
    assert found[0] == found[-1] == 8
    assert np.abs(np.diff([*found[:12], 0, 0, *found[12:]])).max() < 2.5
    assert found[11] < 1


def test_an_edit_does_not_fade_over_a_cut() -> None:
    states: list[ControlVector | None] = [ControlVector()] * 6 + [None] * 4
    project = edits.set_control(a_clip_project(a_motion(states, cuts=[6])), "yaw", 8)
    assert values(project, "yaw", 6) == [8] * 6


def test_a_clips_curve_has_gaps_where_the_face_is_lost() -> None:
    project = a_clip_project(a_ramp("yaw", [1.0, None, 3]))
    before, after = mixing.curve(project, "yaw", np.arange(3))
    assert np.isnan([before[1], after[1]]).all()
    assert (before[2], after[2]) == (3, 3)


def test_a_clip_can_be_driven_by_another() -> None:
    project = edits.add_driver(
        a_clip_project(a_ramp("yaw", [1.0, 2, 3])),
        a_driver("B", a_ramp("jawOpen", [0.1, 0.2, 0.3])),
    )
    project = edits.set_rule(project, MixRule(group="mouth", driver="B", mode="absolute"))
    assert values(project, "jawOpen", 3) == [0.1, 0.2, 0.3]
    assert values(project, "yaw", 3) == [1, 2, 3]


def test_a_track_of_another_kind_changes_no_face() -> None:
    project = a_project(ControlVector.of({"yaw": 1}))
    only_mix = replace(project.edits[0], tracks=(Track("mix:yaw:gain", (Key(frame=0, value=1),)),))
    assert mixing.resolve(replace(project, edits=(only_mix,))) is project.faces[0].controls


# What is looked at and heard ----------------------------------------------------------------------


def test_the_frame_that_drives_is_known_with_its_shift() -> None:
    project = driven_by(a_ramp("yaw", [0.0, 1, 2]), shift=1)
    assert [mixing.driver_frame(project, "A", frame) for frame in range(5)] == [0, 0, 1, 2, 2]
    table = replace(project.driver("A"), name="B", medium=DataFile("b.csv", "d"))
    project = edits.add_driver(project, table)
    assert (mixing.driver_frame(project, "B", 2), mixing.motion_frame(project, "B", 2)) == (None, 2)
    waiting = edits.add_driver(a_project(ControlVector()), Driver(name="A", medium=a_clip(5)))
    assert mixing.motion_frame(waiting, "A", 2) is None
    assert mixing.prepared(waiting.driver("A")) is None
    assert mixing.prepared(project.driver("B")) == table.motion
    faceless = replace(project, face_index=None)
    assert mixing.motion_frame(faceless, "A", 1) == 1


def test_a_rules_value_is_known_keyed_or_not() -> None:
    project = driven_by(a_ramp("yaw", [0.0, 1]), group="yaw", gain=0.5)
    (rule,) = project.edits[0].mix
    assert mixing.rule_value(project.edits[0], rule, "gain", 3) == 0.5
    keyed_gain = edits.set_key(project, "mix:yaw:gain", 0, 2)
    assert mixing.rule_value(keyed_gain.edits[0], rule, "gain", 3) == 2


def test_the_clip_heard_is_the_source_the_driver_or_the_chosen_one() -> None:
    own = a_clip_project(a_ramp("yaw", [0.0, 1]))
    assert mixing.heard_clip(own) == (own.clip, 0)
    silent = replace(own, source=replace(a_clip(2), has_sound=False))
    assert mixing.heard_clip(silent) is None
    driven = driven_by(a_ramp("yaw", [0.0, 1]), shift=3)
    assert mixing.heard_clip(driven) == (driven.driver("A").medium, 3)
    assert mixing.heard_clip(edits.set_output(driven, sound="none")) is None
    undriven = edits.remove_rule(driven, "all")
    assert mixing.heard_clip(undriven) is None
    assert mixing.heard_clip(edits.set_output(undriven, sound="A")) == (
        driven.driver("A").medium,
        0,
    )
    assert mixing.heard_clip(replace(driven, face_index=None)) is None
    mute = replace(driven.driver("A"), name="B", medium=replace(a_clip(2), has_sound=False))
    both = edits.set_rule(edits.add_driver(driven, mute), MixRule(group="yaw", driver="B"))
    assert mixing.heard_clip(edits.set_output(both, sound="B")) is None


@pytest.mark.parametrize("gone", [{0}, {39}, {12, 13, 14}, {9, 20}, {3, 25, 26}, {19}, {20}, set()])
@pytest.mark.parametrize("cuts", [(), (20,), (10, 30)])
def test_an_edit_fades_in_after_missing_frames_and_at_once_after_a_cut(
    gone: set[int], cuts: tuple[int, ...]
) -> None:
    motion = a_motion(
        [None if frame in gone else ControlVector() for frame in range(40)], cuts=cuts
    )
    shots = list(zip((0, *cuts), (*cuts, 40), strict=True))
    for frame in range(40):
        first, end = next(shot for shot in shots if shot[0] <= frame < shot[1])
        far = min((abs(frame - other) for other in gone if first <= other < end), default=99)
        share = min(far / 7, 1.0)
        assert presence(motion, frame) == pytest.approx(share * share * (3 - 2 * share)), frame
    assert presence(motion, -3) == presence(motion, 0)
    assert presence(motion, 99) == presence(motion, 39)


def test_a_mirrored_driver_rests_in_its_mirrored_neutral_frame() -> None:
    states = [
        ControlVector.of({"yaw": 4 + i, "mouthSmile_L": 0.2 + 0.3 * i, "mouthSmile_R": 0.1})
        for i in range(3)
    ]
    project = edits.set_neutral(driven_by(a_motion(states), mirror=True), "A", 1)
    assert values(project, "yaw", 3) == [1, 0, -1]
    assert values(edits.set_neutral(project, "A", 0), "mouthSmile_R", 3) == [0, 0.3, 0.6]
    assert values(edits.set_neutral(project, "A", 0), "mouthSmile_L", 3) == [0, 0, 0]
    assert values(edits.set_neutral(project, "A", None), "yaw", 3) == [-4, -5, -6]


def test_absolute_rules_have_gain_offset_and_limits_too() -> None:
    motion = a_ramp("yaw", [-5.0, 0, 5, 20])
    assert values(driven_by(motion, group="yaw", mode="absolute", gain=2, offset=1), "yaw", 4) == [
        -9,
        1,
        11,
        41,
    ]
    assert values(driven_by(motion, group="yaw", mode="absolute", low=0), "yaw", 4) == [0, 0, 5, 20]
    assert values(driven_by(motion, group="yaw", mode="absolute", high=0), "yaw", 4) == [
        -5,
        0,
        0,
        0,
    ]
    assert values(
        driven_by(motion, ControlVector.of({"yaw": 3}), group="yaw", mode="absolute"), "yaw", 4
    ) == [-5, 0, 5, 20]
