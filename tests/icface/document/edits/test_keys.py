"""Edits of keyframes, and sliders over them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.document import MixRule, Project, ProjectError, edits, mixing
from icface.document.curves import Blend, CurveError, Key
from icface.face.controls import ControlVector
from tests.strategies import a_clip_project, a_driver, a_motion, a_project, a_ramp, control_vectors


def keyed(
    *keys: tuple[int, float], target: str = "yaw", own: ControlVector | None = None
) -> Project:
    project = a_project(own or ControlVector())
    for frame, value in keys:
        project = edits.set_key(project, target, frame, value)
    return project


def keys_of(project: Project, target: str = "yaw") -> list[tuple[int, float]]:
    track = project.edits[0].track(target)
    return [] if track is None else [(key.frame, key.value) for key in track.keys]


def test_keys_stand_in_order_and_one_on_a_frame() -> None:
    project = keyed((5, 1), (2, 3), (5, 2))
    assert keys_of(project) == [(2, 3), (5, 2)]


def test_a_key_set_again_keeps_its_sides() -> None:
    project = edits.set_interpolation(
        keyed((5, 1)), [("yaw", 5)], interpolation_in="linear", interpolation_out="hold"
    )
    track = edits.set_key(project, "yaw", 5, 9).edits[0].track("yaw")
    assert track is not None
    assert track.keys == (
        Key(frame=5, value=9, interpolation_in="linear", interpolation_out="hold"),
    )


def test_with_auto_key_a_slider_sets_a_key() -> None:
    project = edits.set_control(
        a_project(ControlVector.of({"yaw": 2})), "yaw", 10, frame=4, auto_key=True
    )
    assert keys_of(project) == [(4, 8)]
    assert project.edits[0].deltas == ()
    project = edits.set_control(project, "yaw", 0, frame=9, auto_key=True)
    assert keys_of(project) == [(4, 8), (9, -2)]
    assert mixing.shown(project, 9)["yaw"] == 0


def test_the_first_key_takes_over_what_the_slider_had_changed() -> None:
    project = edits.set_control(a_project(ControlVector()), "yaw", 5)
    project = edits.set_control(project, "yaw", 8, frame=3, auto_key=True)
    assert keys_of(project) == [(3, 8)]
    assert project.edits[0].deltas == ()


def test_a_key_is_set_with_auto_key_even_where_the_value_is_the_same() -> None:
    project = edits.set_control(keyed((0, 5)), "yaw", 5, frame=9, auto_key=True)
    assert keys_of(project) == [(0, 5), (9, 5)]
    assert edits.set_control(project, "yaw", 5, frame=9, auto_key=True) is project


def test_both_sides_of_a_linked_unit_are_keyed() -> None:
    project = edits.set_control(a_project(ControlVector()), "AU12L", 0.5, frame=2, auto_key=True)
    assert keys_of(project, "AU12L") == keys_of(project, "AU12R") == [(2, 0.5)]


def test_without_auto_key_a_slider_moves_the_whole_curve() -> None:
    project = edits.set_control(keyed((0, 0), (4, 8)), "yaw", 10, frame=5)
    assert keys_of(project) == [(0, 0), (4, 8)]
    assert mixing.shown(project, 0)["yaw"] == 2


def test_on_a_key_a_slider_changes_that_key_alone() -> None:
    project = edits.set_control(keyed((0, 0), (4, 8)), "yaw", 10, frame=4)
    assert keys_of(project) == [(0, 0), (4, 10)]
    assert project.edits[0].deltas == ()
    assert mixing.shown(project, 4)["yaw"] == 10


def test_a_muted_key_is_left_alone_and_a_locked_one_is_refused() -> None:
    muted = edits.set_track(keyed((4, 8)), "yaw", muted=True)
    project = edits.set_control(muted, "yaw", 10, frame=4)
    assert keys_of(project) == [(4, 8)]
    assert mixing.shown(project, 4)["yaw"] == 10
    locked = edits.set_track(keyed((4, 8)), "yaw", locked=True)
    with pytest.raises(ProjectError, match="locked"):
        edits.set_control(locked, "yaw", 10, frame=4)


def test_where_a_track_rests_a_key_starts_from_what_is_shown() -> None:
    project = edits.set_track(
        keyed((5, 3), own=ControlVector.of({"yaw": 4})), "yaw", extrapolation="rest"
    )
    delta = edits.set_control(project, "yaw", 10, frame=1, auto_key=True)
    assert keys_of(delta)[0] == (1, 6)
    absolute = edits.set_control(
        edits.set_mode(project, "yaw", "absolute"), "yaw", 10, frame=1, auto_key=True
    )
    assert keys_of(absolute) == [(1, 10), (5, 7)]


def test_a_face_that_is_not_to_be_seen_cannot_be_set() -> None:
    project = a_clip_project(a_ramp("yaw", [1.0, None, 3]))
    with pytest.raises(ProjectError, match="not to be seen in frame 1"):
        edits.set_control(project, "yaw", 4, frame=1)


@given(control_vectors(), st.integers(0, 20), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_a_slider_shows_what_it_was_set_to_over_keys_and_drivers(
    own: ControlVector, frame: int, first: float, second: float, auto_key: bool
) -> None:
    project = edits.add_driver(
        a_project(own), a_driver("A", a_motion([ControlVector(), own, ControlVector()]))
    )
    project = edits.set_rule(project, MixRule(group="mouth", driver="A"))
    for value, at in ((first, 3), (second, frame)):
        project = edits.set_control(project, "AU12L", value, frame=at, auto_key=auto_key)
        assert mixing.shown(project, at)["AU12L"] == pytest.approx(value, abs=1e-6)


def test_keying_a_control_changes_nothing_that_is_shown() -> None:
    project = edits.set_control(a_project(ControlVector.of({"yaw": 2})), "yaw", 7)
    made = edits.key_controls(project, ["yaw", "AU12L"], 6)
    assert mixing.shown(made, 6) == mixing.shown(project, 6)
    assert keys_of(made) == [(6, 5)]
    assert keys_of(made, "AU12R") == [(6, 0)]
    again = edits.key_controls(edits.set_key(made, "yaw", 10, 9), ["yaw"], 8)
    assert keys_of(again)[1][1] == pytest.approx(7)


@pytest.mark.parametrize("mode", ["delta", "absolute"])
def test_keying_where_a_track_rests_changes_nothing_there(mode: str) -> None:
    project = edits.set_mode(keyed((5, 3), own=ControlVector.of({"yaw": 4})), "yaw", mode)  # type: ignore[arg-type]
    project = edits.set_track(project, "yaw", extrapolation="rest")
    assert mixing.shown(edits.key_controls(project, ["yaw"], 1), 1)["yaw"] == 4


def test_the_gain_of_a_rule_is_keyed_with_its_value() -> None:
    project = edits.add_driver(a_project(ControlVector()), a_driver("A", a_ramp("yaw", [1.0, 2])))
    project = edits.set_rule(project, MixRule(group="pose", driver="A", gain=0.7))
    made = edits.key_controls(project, ["mix:pose:gain"], 3)
    assert keys_of(made, "mix:pose:gain") == [(3, 0.7)]
    again = edits.key_controls(made, ["mix:pose:gain"], 9)
    assert keys_of(again, "mix:pose:gain") == [(3, 0.7), (9, 0.7)]
    resting = edits.set_track(
        edits.set_mode(made, "mix:pose:gain", "delta"), "mix:pose:gain", extrapolation="rest"
    )
    assert keys_of(edits.key_controls(resting, ["mix:pose:gain"], 9), "mix:pose:gain") == [
        (3, 0),
        (9, 0),
    ]
    absolute = edits.set_track(made, "mix:pose:gain", extrapolation="rest")
    assert keys_of(edits.key_controls(absolute, ["mix:pose:gain"], 9), "mix:pose:gain")[1] == (
        9,
        0.7,
    )
    with pytest.raises(ProjectError, match="Gaze has no rule"):
        edits.key_controls(project, ["mix:gaze:gain"], 3)


def test_keys_are_removed_and_an_empty_track_is_gone() -> None:
    project = keyed((1, 1), (2, 2))
    assert keys_of(edits.remove_keys(project, [("yaw", 1)])) == [(2, 2)]
    assert edits.remove_keys(project, [("yaw", 1), ("yaw", 2)]).edits[0].tracks == ()
    assert edits.remove_keys(project, [("yaw", 9), ("AU12L", 1)]) is project


def test_keys_are_moved_together_and_those_they_land_on_give_way() -> None:
    project = keyed((1, 1), (2, 2), (4, 4))
    assert keys_of(edits.move_keys(project, [("yaw", 1), ("yaw", 2)], 2, 0.5)) == [
        (3, 1.5),
        (4, 2.5),
    ]


def test_keys_stop_together_at_the_first_frame() -> None:
    assert keys_of(edits.move_keys(keyed((1, 1), (3, 3)), [("yaw", 1), ("yaw", 3)], -5)) == [
        (0, 1),
        (2, 3),
    ]
    assert edits.move_keys(keyed((1, 1)), [], 5) == keyed((1, 1))


@given(st.lists(st.integers(0, 90), min_size=1, max_size=6, unique=True), st.integers(-30, 60))
def test_moving_keys_back_restores_them(frames: list[int], by: int) -> None:
    project = keyed(*((frame, float(frame)) for frame in frames))
    names = [("yaw", frame) for frame in frames]
    real = max(by, -min(frames))
    moved = edits.move_keys(project, names, by)
    assert edits.move_keys(moved, [("yaw", frame + real) for frame in frames], -real) == project


def test_times_are_stretched_about_a_frame() -> None:
    project = edits.set_interpolation(
        keyed((2, 2), (4, 4), (8, 8)), [("yaw", 4)], interpolation_out="bezier"
    )
    stretched = edits.scale_keys(project, [("yaw", 2), ("yaw", 4), ("yaw", 8)], pivot=2, factor=1.5)
    assert keys_of(stretched) == [(2, 2), (5, 4), (11, 8)]
    before, after = (p.edits[0].tracks[0].keys[1].right_handle for p in (project, stretched))
    assert after == (before[0] * 1.5, before[1])
    assert keys_of(edits.scale_keys(project, [("yaw", 2), ("yaw", 4)], pivot=2, factor=0.01))[
        0
    ] == (2, 4)
    with pytest.raises(ProjectError, match="factor above 0, not by 0"):
        edits.scale_keys(project, [("yaw", 2)], pivot=2, factor=0)


def test_interpolation_is_set_and_bezier_begins_smooth() -> None:
    project = edits.set_interpolation(
        keyed((0, 0), (3, 3), (6, 6)),
        [("yaw", 3)],
        interpolation_in="bezier",
        interpolation_out="bezier",
    )
    key = project.edits[0].tracks[0].keys[1]
    assert (key.interpolation_in, key.interpolation_out, key.left_handle, key.right_handle) == (
        "bezier",
        "bezier",
        (-1, -1),
        (1, 1),
    )
    assert (
        edits.set_interpolation(
            project, [("yaw", 3)], interpolation_in="bezier", interpolation_out="bezier"
        )
        is project
    )
    held = (
        edits.set_interpolation(
            project, [("yaw", 0)], interpolation_in="hold", interpolation_out="hold"
        )
        .edits[0]
        .tracks[0]
        .keys[0]
    )
    assert (held.interpolation_in, held.interpolation_out) == ("linear", "hold")


def test_a_handle_is_dragged_and_the_other_stays_in_line() -> None:
    project = edits.set_interpolation(
        keyed((0, 0), (3, 3), (6, 6)),
        [("yaw", 3)],
        interpolation_in="bezier",
        interpolation_out="bezier",
    )
    key = edits.set_handle(project, ("yaw", 3), "right", (2.0, 4.0)).edits[0].tracks[0].keys[1]
    assert (key.right_handle, key.left_handle) == ((2, 4), (-1, -2))
    key = edits.set_handle(project, ("yaw", 3), "left", (-2.0, 1.0)).edits[0].tracks[0].keys[1]
    assert (key.left_handle, key.right_handle) == ((-2, 1), (1, -0.5))
    key = (
        edits.set_handle(project, ("yaw", 3), "right", (2.0, 4.0), joined=False)
        .edits[0]
        .tracks[0]
        .keys[1]
    )
    assert key.left_handle == (-1, -1)
    for side, handle in (("right", (-2.0, 4.0)), ("left", (2.0, 4.0))):
        key = edits.set_handle(project, ("yaw", 3), side, handle).edits[0].tracks[0].keys[1]  # type: ignore[arg-type]
        assert getattr(key, f"{side}_handle") == (0, 4)
    eased = (
        edits.set_handle(keyed((0, 0), (3, 3)), ("yaw", 3), "left", (-1.0, 1.0))
        .edits[0]
        .tracks[0]
        .keys[1]
    )
    assert (eased.interpolation_in, eased.interpolation_out) == ("bezier", "ease")


def test_copied_keys_are_pasted_where_they_are_wanted() -> None:
    project = edits.set_key(keyed((3, 3), (5, 5), (9, 9)), "AU12L", 4, 0.4)
    copied = edits.copy_keys(project, [("yaw", 3), ("yaw", 5), ("AU12L", 4)])
    pasted = edits.paste_keys(project, copied, 7)
    assert keys_of(pasted) == [(3, 3), (5, 5), (7, 3), (9, 5)]
    assert keys_of(pasted, "AU12L") == [(4, 0.4), (8, 0.4)]
    elsewhere = edits.paste_keys(a_project(ControlVector()), copied, 0)
    assert keys_of(elsewhere) == [(0, 3), (2, 5)]
    assert edits.paste_keys(project, edits.copy_keys(project, []), 7) is project


LOCKED: list[Callable[[Project], Project]] = [
    lambda p: edits.set_key(p, "yaw", 3, 1),
    lambda p: edits.remove_keys(p, [("yaw", 1)]),
    lambda p: edits.move_keys(p, [("yaw", 1)], 1),
    lambda p: edits.set_interpolation(p, [("yaw", 1)], interpolation_in="linear"),
    lambda p: edits.remove_track(p, "yaw"),
    lambda p: edits.set_mode(p, "yaw", "absolute"),
    lambda p: edits.key_controls(p, ["yaw"], 4),
    lambda p: edits.paste_keys(p, edits.copy_keys(p, [("yaw", 1)]), 4),
    lambda p: edits.set_control(p, "yaw", 9, frame=2, auto_key=True),
    lambda p: edits.reset_control(p, "yaw"),
    edits.reset_all,
]


@pytest.mark.parametrize("edit", LOCKED)
def test_a_locked_track_is_not_changed(edit: Callable[[Project], Project]) -> None:
    project = edits.set_track(keyed((1, 1)), "yaw", locked=True)
    with pytest.raises(ProjectError, match="Yaw is locked; unlock its lane"):
        edit(project)
    edit(edits.set_track(project, "yaw", locked=False))


def test_what_is_refused_is_called_as_the_window_calls_it() -> None:
    sided = edits.set_track(edits.set_key(keyed((0, 1)), "AU12L", 0, 0.5), "AU12L", locked=True)
    with pytest.raises(ProjectError, match=r"^AU12 Lip corner puller, left is locked"):
        edits.remove_keys(sided, [("AU12L", 0)])
    with pytest.raises(ProjectError, match=r"^Gaze: gain has no keys"):
        edits.set_track(sided, "mix:gaze:gain", muted=True)


def test_a_track_changes_its_mode_and_shows_what_it_showed_on_its_keys() -> None:
    project = edits.add_driver(keyed((0, 1), (2, 3)), a_driver("A", a_ramp("yaw", [0.0, 5, 10])))
    project = edits.set_rule(project, MixRule(group="yaw", driver="A"))
    absolute = edits.set_mode(project, "yaw", "absolute")
    assert keys_of(absolute) == [(0, 1), (2, 13)]
    assert edits.set_mode(absolute, "yaw", "delta") == project
    assert edits.set_mode(project, "yaw", "delta") is project
    loose = edits.set_mode(
        edits.set_key(project, "mix:gaze:gain", 0, 0.5), "mix:gaze:gain", "delta"
    )
    assert keys_of(loose, "mix:gaze:gain") == [(0, 0.5)]


def test_removing_a_track_goes_back_to_what_is_tracked() -> None:
    assert edits.remove_track(keyed((1, 1)), "yaw").edits[0].tracks == ()
    with pytest.raises(ProjectError, match="Pitch has no keys"):
        edits.remove_track(keyed((1, 1)), "pitch")


def test_resetting_takes_keys_away_too_and_leaves_what_drives() -> None:
    project = edits.add_driver(keyed((1, 1)), a_driver("A", a_ramp("yaw", [0.0, 5])))
    project = edits.set_blend(edits.drive_with(project, "A"), Blend(first=0, last=3))
    assert edits.reset_control(project, "yaw").edits[0].tracks == ()
    assert edits.reset_control(project, "pitch") is project
    everything = edits.reset_all(project).edits[0]
    assert (everything.tracks, everything.blend, len(everything.mix)) == ((), None, 1)


def test_a_blend_is_set_and_taken_away() -> None:
    project = edits.set_blend(keyed((1, 1)), Blend(first=2, last=8))
    assert project.edits[0].blend == Blend(first=2, last=8)
    assert edits.set_blend(project, Blend(first=2, last=8)) is project
    assert edits.set_blend(project, None) == keyed((1, 1))


def test_linking_in_a_frame_takes_the_mean_shown_there() -> None:
    project = edits.link_unit(a_project(ControlVector()), 12, False)
    project = edits.set_key(project, "AU12L", 0, 0.2)
    project = edits.set_control(project, "AU12R", 0.6)
    linked = edits.link_unit(project, 12, True, frame=4)
    now = mixing.shown(linked, 4)
    assert now["AU12L"] == pytest.approx(0.4)
    assert now["AU12R"] == pytest.approx(0.4)


def test_keys_cannot_stand_before_the_first_frame() -> None:
    with pytest.raises(CurveError, match="not on -1"):
        edits.set_key(a_project(ControlVector()), "yaw", -1, 0)


def bent_at_three(**sides: str) -> Project:
    """Keys at 0, 3 and 6; the middle one has handles (-1, -2) and (1, 2) on bezier sides."""
    project = edits.set_interpolation(
        keyed((0, 0), (3, 6), (6, 12)),
        [("yaw", 3)],
        interpolation_in="bezier",
        interpolation_out="bezier",
    )
    return edits.set_interpolation(project, [("yaw", 3)], **sides)  # type: ignore[arg-type]


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize(
    ("side", "handle", "dragged", "other_in_line"),
    [
        ("left", (-2.0, 1.0), (-2.0, 1.0), (1.0, -0.5)),
        ("right", (2.0, 6.0), (2.0, 6.0), (-1.0, -3.0)),
        ("right", (0.5, 0.5), (0.5, 0.5), (-1.0, -1.0)),
        ("left", (-0.5, 0.5), (-0.5, 0.5), (1.0, -1.0)),
        ("left", (0.0, 1.0), (0.0, 1.0), (1.0, 2.0)),  # upright: there is no slope to follow
        ("right", (0.0, 1.0), (0.0, 1.0), (-1.0, -2.0)),
        ("left", (2.0, 1.0), (0.0, 1.0), (1.0, 2.0)),  # dragged past the key
        ("right", (-2.0, 1.0), (0.0, 1.0), (-1.0, -2.0)),
    ],
)
def test_the_other_handle_stays_in_line_while_handles_are_joined(
    side: str,
    handle: tuple[float, float],
    dragged: tuple[float, float],
    other_in_line: tuple[float, float],
    joined: bool,
) -> None:
    moved = edits.set_handle(bent_at_three(), ("yaw", 3), side, handle, joined=joined)  # type: ignore[arg-type]
    key = moved.edits[0].tracks[0].keys[1]
    other = other_in_line if joined else {"left": (1.0, 2.0), "right": (-1.0, -2.0)}[side]
    assert (key.left_handle, key.right_handle) == (
        (dragged, other) if side == "left" else (other, dragged)
    )


def test_a_side_without_a_handle_is_not_bent_by_the_other_one() -> None:
    project = edits.set_handle(
        bent_at_three(interpolation_out="linear"), ("yaw", 3), "left", (-2.0, 1.0)
    )
    assert project.edits[0].tracks[0].keys[1].right_handle == (1.0, 2.0)
    project = edits.set_handle(
        bent_at_three(interpolation_in="ease"), ("yaw", 3), "right", (2.0, 4.0)
    )
    assert project.edits[0].tracks[0].keys[1].left_handle == (-1.0, -2.0)


def test_pasted_keys_are_heard_and_open_whatever_their_track_was() -> None:
    project = edits.set_key(keyed((2, 1), (5, 4)), "AU12L", 3, 0.5)
    project = edits.set_track(project, "yaw", muted=True, solo=True, locked=True)
    copied = edits.copy_keys(project, [("yaw", 2), ("yaw", 5), ("AU12L", 3)])
    pasted = edits.paste_keys(a_project(ControlVector()), copied, 10).edits[0]
    assert [track.target for track in pasted.tracks] == ["AU12L", "yaw"]
    assert [[key.frame for key in track.keys] for track in pasted.tracks] == [[11], [10, 13]]
    assert not any(track.muted or track.solo or track.locked for track in pasted.tracks)
    there = edits.set_track(keyed((10, 9)), "yaw", muted=True, solo=True)
    again = edits.paste_keys(there, copied, 10).edits[0].track("yaw")
    assert again is not None
    assert (again.muted, again.solo) == (True, True)  # a track that is there stays as it is
    assert [(key.frame, key.value) for key in again.keys] == [(10, 1), (13, 4)]
