from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.document import FaceEdits, Project, ProjectError, Source, edits, mixing
from icface.face.controls import (
    ACTION_UNITS,
    CONTROL_IDS,
    ControlVector,
    UnknownControlError,
    control_range,
)
from tests.strategies import a_face, a_project, control_values, control_vectors, projects

SIDED = tuple(unit.number for unit in ACTION_UNITS if len(unit.sides) == 2)
LOPSIDED = ControlVector.of({"mouthSmile_L": 0.4, "mouthSmile_R": 0.2})


def is_shared(before: Project, after: Project) -> bool:
    """Whether nothing but the chosen face's edits was made anew."""
    others = [i for i in range(len(before.edits)) if i != before.face_index]
    return (
        after.source is before.source
        and after.faces is before.faces
        and all(after.edits[i] is before.edits[i] for i in others)
    )


# ---- photos and faces


def test_an_opened_photo_has_its_first_face_chosen_and_nothing_edited() -> None:
    project = a_project(ControlVector(), ControlVector())
    assert project.face_index == 0
    assert project.edits == (FaceEdits(), FaceEdits())


def test_a_photo_without_a_face_has_none_chosen() -> None:
    assert a_project().face_index is None
    assert a_project().source is not None


def test_opening_another_photo_leaves_nothing_of_the_first() -> None:
    edited = edits.set_control(a_project(ControlVector()), "yaw", 10)
    other = Source("other.png", "d2", 10, 10)
    assert edits.open_source(edited, other, []) == Project(other)


def test_choosing_a_face_keeps_the_edits_of_all() -> None:
    project = edits.set_control(a_project(ControlVector(), ControlVector()), "yaw", 10)
    other = edits.choose_face(project, 1)
    assert other.face_index == 1
    assert other.edits is project.edits
    assert edits.choose_face(other, 1) is other
    with pytest.raises(ProjectError, match="Face 2 is not one of the 2"):
        edits.choose_face(project, 2)


def test_a_face_drawn_by_hand_is_added_last_and_chosen() -> None:
    project = edits.set_control(a_project(ControlVector()), "yaw", 10)
    drawn = a_face(9)
    more = edits.add_face(project, drawn)
    assert more.face is drawn
    assert more.edits == (project.edits[0], FaceEdits())
    assert more.edits[0] is project.edits[0]
    assert edits.add_face(a_project(), drawn).face_index == 0


# ---- setting


@given(control_vectors(), control_values())
def test_setting_what_is_shown_already_returns_the_very_same_document(
    vector: ControlVector, setting: tuple[str, float]
) -> None:
    project = edits.set_controls(a_project(vector), dict([setting]))
    assert edits.set_controls(project, mixing.shown(project)) is project


@given(control_vectors(), st.lists(control_values(), min_size=1, max_size=8))
def test_a_face_that_was_reset_equals_one_never_edited(
    vector: ControlVector, settings: list[tuple[str, float]]
) -> None:
    start = a_project(vector)
    edited = start
    for control, value in settings:
        edited = edits.set_control(edited, control, value)
    assert edits.reset_all(edited) == start
    one_by_one = edited
    for control, _ in settings:
        one_by_one = edits.reset_control(one_by_one, control)
    assert one_by_one == start
    assert mixing.resolve(one_by_one) is start.faces[0].controls


@given(control_vectors(), control_values())
def test_a_slider_dragged_out_and_home_again_leaves_no_trace(
    vector: ControlVector, setting: tuple[str, float]
) -> None:
    control, value = setting
    start = edits.link_unit(a_project(vector), 12, linked=False)
    home = mixing.shown(start)
    there = edits.set_control(start, control, value)
    back = edits.set_controls(there, home)
    assert back.edits[0].deltas == ()


@given(control_vectors(), st.sampled_from(CONTROL_IDS), st.floats(-200, 200))
def test_values_out_of_range_stop_at_its_end(
    vector: ControlVector, control: str, value: float
) -> None:
    low, high = control_range(control)
    shown = mixing.shown(edits.set_control(a_project(vector), control, value))
    assert shown[control] == pytest.approx(min(max(value, low), high), abs=1e-8)


@given(projects(), control_values())
def test_an_edit_shares_all_that_it_leaves_alone(
    project: Project, setting: tuple[str, float]
) -> None:
    after = edits.set_control(project, *setting)
    assert is_shared(project, after)
    assert edits.reset_control(after, "roll") is after or setting[0] == "roll"


def test_a_face_beyond_the_range_shows_its_end_and_moves_from_there() -> None:
    project = a_project(ControlVector.of({"yaw": 50}))
    assert edits.set_control(project, "yaw", 45) is project
    assert mixing.resolve(edits.set_control(project, "yaw", 40))["yaw"] == 40


@pytest.mark.parametrize("control", ["AU12", "jawOpen", "smile"])
def test_only_control_ids_can_be_set_or_reset(control: str) -> None:
    project = a_project(ControlVector())
    actions: tuple[Callable[[], Project], ...] = (
        lambda: edits.set_control(project, control, 1),
        lambda: edits.set_controls(project, {control: 1}),
        lambda: edits.reset_control(project, control),
    )
    for action in actions:
        with pytest.raises(UnknownControlError, match=f"'{control}'"):
            action()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_cannot_be_set(value: float) -> None:
    with pytest.raises(ProjectError, match=f"yaw cannot be {value:g}; give a number"):
        edits.set_control(a_project(ControlVector()), "yaw", value)


def test_nothing_can_be_set_before_a_face_is_chosen() -> None:
    actions: tuple[Callable[[], Project], ...] = (
        lambda: edits.set_control(Project(), "yaw", 1),
        lambda: edits.set_controls(Project(), {"yaw": 1}),
        lambda: edits.reset_control(Project(), "yaw"),
        lambda: edits.reset_all(Project()),
        lambda: edits.link_unit(Project(), 12, linked=True),
    )
    for action in actions:
        with pytest.raises(ProjectError, match="No face is chosen"):
            action()


# ---- left and right


@pytest.mark.parametrize("number", SIDED)
def test_the_sides_of_a_linked_unit_move_together(number: int) -> None:
    shown = mixing.shown(edits.set_control(a_project(LOPSIDED), f"AU{number}R", 0.75))
    assert shown[f"AU{number}L"] == pytest.approx(shown[f"AU{number}R"]) == pytest.approx(0.75)


@pytest.mark.parametrize("number", SIDED)
def test_the_sides_of_an_unlinked_unit_move_alone(number: int) -> None:
    start = edits.link_unit(a_project(ControlVector()), number, linked=False)
    shown = mixing.shown(edits.set_control(start, f"AU{number}R", 0.75))
    assert (shown[f"AU{number}L"], shown[f"AU{number}R"]) == (0, 0.75)


def test_a_reset_takes_both_sides_of_a_linked_unit_one_of_an_unlinked() -> None:
    both = edits.set_control(a_project(ControlVector()), "AU12L", 0.5)
    assert edits.reset_control(both, "AU12R").edits[0].deltas == ()
    apart = edits.link_unit(both, 12, linked=False)
    assert edits.reset_control(apart, "AU12R").edits[0].deltas == (("AU12L", 0.5),)


def test_linking_moves_both_sides_to_their_mean() -> None:
    apart = edits.link_unit(a_project(LOPSIDED), 12, linked=False)
    shown = mixing.shown(edits.link_unit(edits.set_control(apart, "AU12L", 1.0), 12, linked=True))
    expected = (1.0 + mixing.readings(apart)["AU12R"]) / 2
    assert shown["AU12L"] == pytest.approx(expected, abs=1e-8)
    assert shown["AU12R"] == pytest.approx(expected, abs=1e-8)


@given(projects(), st.sampled_from(SIDED))
def test_unlinking_and_linking_a_unit_that_nobody_touched_changes_nothing(
    project: Project, number: int
) -> None:
    apart = edits.link_unit(project, number, linked=False)
    assert apart.edits[0].unlinked == {number}
    assert mixing.resolve(apart) is mixing.resolve(project)
    assert edits.link_unit(apart, number, linked=False) is apart
    assert edits.link_unit(apart, number, linked=True) == project
    assert edits.link_unit(project, number, linked=True) is project


def test_linking_what_is_linked_leaves_its_sides_where_they_are() -> None:
    project = edits.set_control(a_project(LOPSIDED), "AU12L", 0.9)
    assert edits.link_unit(project, 12, linked=True) is project


def test_several_controls_are_set_as_named_and_a_wink_unlinks_the_eyes() -> None:
    project = edits.set_controls(
        a_project(ControlVector()), {"AU43L": 1.0, "yaw": 5.0, "AU12L": 0.5, "AU12R": 0.5}
    )
    shown = mixing.shown(project)
    assert (shown["AU43L"], shown["AU43R"], shown["yaw"], shown["AU12L"]) == (1, 0, 5, 0.5)
    assert project.edits[0].unlinked == {43}


def test_setting_sides_to_what_the_photo_shows_does_not_part_them() -> None:
    project = a_project(LOPSIDED)
    assert edits.set_controls(project, mixing.readings(project)) is project


def test_units_without_sides_and_unknown_ones_have_no_link() -> None:
    with pytest.raises(ProjectError, match="AU26 has no left and right"):
        edits.link_unit(a_project(ControlVector()), 26, linked=False)
    with pytest.raises(UnknownControlError, match=r"There is no AU99; use one of 1, 2, 4"):
        edits.link_unit(a_project(ControlVector()), 99, linked=True)


def test_resetting_all_links_again_and_spares_the_other_faces() -> None:
    start = a_project(ControlVector(), ControlVector())
    first = edits.link_unit(edits.set_control(start, "yaw", 9), 12, linked=False)
    second = edits.set_control(edits.choose_face(first, 1), "yaw", -9)
    cleared = edits.reset_all(second)
    assert cleared.edits == (first.edits[0], FaceEdits())
    assert cleared.edits[0] is first.edits[0]
    assert edits.reset_all(cleared) is cleared
