from __future__ import annotations

import pytest
from hypothesis import given

from icface.document import Project, ProjectError, edits, mixing
from icface.face.controls import CONTROL_IDS, ControlVector, action_units
from icface.face.selectors import apply_deltas
from tests.strategies import a_project, control_values, control_vectors, projects


@given(projects())
def test_an_untouched_face_resolves_to_its_very_own_state(project: Project) -> None:
    assert all(mixing.resolve(project, i) is face.controls for i, face in enumerate(project.faces))
    assert mixing.resolve(project) is project.faces[0].controls


@given(control_vectors(), control_values())
def test_an_edited_face_resolves_to_its_state_with_the_changes_applied(
    vector: ControlVector, setting: tuple[str, float]
) -> None:
    project = edits.set_controls(a_project(vector), dict([setting]))
    assert mixing.resolve(project) == apply_deltas(vector, project.edits[0].by_control())


def test_each_face_is_resolved_with_its_own_edits() -> None:
    project = edits.set_control(a_project(ControlVector(), ControlVector.of({"yaw": 3})), "yaw", 10)
    assert [mixing.resolve(project, i)["yaw"] for i in (0, 1)] == [10, 3]


@pytest.mark.parametrize("index", [-1, 1])
def test_a_face_that_does_not_exist_cannot_be_resolved(index: int) -> None:
    with pytest.raises(ProjectError, match=f"Face {index} was asked for; the photo has 1"):
        mixing.resolve(a_project(ControlVector()), index)


def test_nothing_can_be_resolved_before_a_face_is_chosen() -> None:
    with pytest.raises(ProjectError, match="No face is chosen"):
        mixing.resolve(Project())


def test_without_a_face_all_sliders_stand_at_zero() -> None:
    assert mixing.readings(Project()) == mixing.shown(Project()) == dict.fromkeys(CONTROL_IDS, 0.0)


@given(control_vectors())
def test_readings_are_those_of_the_chosen_face_as_a_copy(vector: ControlVector) -> None:
    project = a_project(vector)
    found = mixing.readings(project)
    assert found == action_units(vector)
    found["yaw"] = 99
    assert mixing.readings(project) != found


@given(control_vectors())
def test_an_untouched_face_is_shown_as_it_is_read(vector: ControlVector) -> None:
    assert mixing.shown(a_project(vector)) == action_units(vector)


@given(control_vectors(), control_values())
def test_a_slider_shows_what_it_was_set_to(
    vector: ControlVector, setting: tuple[str, float]
) -> None:
    control, value = setting
    project = edits.set_control(a_project(vector), control, value)
    assert mixing.shown(project)[control] == pytest.approx(value, abs=1e-8)
