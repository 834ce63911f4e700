from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.document import Face, FaceEdits, Project, ProjectError, Source
from icface.face.controls import CONTROL_IDS, ControlVector, action_units
from icface.face.geometry import Box
from icface.face.observation import FaceObservation
from tests.strategies import a_face, a_project, control_vectors

SOURCE = Source("portrait.png", "d1", 100, 80)


# ---- the source


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5)])
def test_a_source_without_pixels_is_refused(width: int, height: int) -> None:
    with pytest.raises(ProjectError, match=f"portrait.png is {width} x {height} pixels"):
        Source("portrait.png", "d1", width, height)


# ---- faces


def test_a_face_keeps_landmarks_that_nobody_can_write_to() -> None:
    mine = np.random.default_rng(0).uniform(20, 80, (478, 3)).astype(np.float32)
    face = Face(Box(0, 0, 9, 9), mine, ControlVector(), 0.5)
    before = face.landmarks.copy()
    mine[:] = 0
    np.testing.assert_array_equal(face.landmarks, before)
    with pytest.raises(ValueError, match="read-only"):
        face.landmarks[0, 0] = 1


def test_landmarks_that_are_read_only_already_are_shared() -> None:
    mine = np.zeros((478, 3), np.float32)
    mine.flags.writeable = False
    assert Face(Box(0, 0, 9, 9), mine, ControlVector(), 0.5).landmarks is mine


def test_a_read_only_view_of_an_array_that_can_be_written_to_is_copied() -> None:
    mine = np.zeros((500, 3), np.float32)
    view = mine[:478]
    view.flags.writeable = False
    face = Face(Box(0, 0, 9, 9), view, ControlVector(), 0.5)
    mine[:] = 7
    assert face.landmarks.max() == 0


def test_landmarks_of_other_precision_are_converted() -> None:
    face = Face(Box(0, 0, 9, 9), np.ones((478, 3)), ControlVector(), 0.5)  # type: ignore[arg-type]
    assert face.landmarks.dtype == np.float32


def test_faces_are_equal_when_all_they_hold_is() -> None:
    face, twin = a_face(1), a_face(1)
    assert face == twin
    assert hash(face) == hash(twin)
    assert face != a_face(2)
    assert face != dataclasses.replace(face, confidence=0.1)
    assert face != dataclasses.replace(face, controls=ControlVector.of({"yaw": 1}))


def test_faces_differ_when_a_single_landmark_does() -> None:
    moved = a_face(1).landmarks.copy()
    moved[477, 2] += 1e-3
    assert dataclasses.replace(a_face(1), landmarks=moved) != a_face(1)


def test_a_face_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        a_face().confidence = 1.0  # type: ignore[misc]


def test_a_face_with_too_few_landmarks_is_refused() -> None:
    with pytest.raises(ProjectError, match=r"shape \(478, 3\), not \(468, 3\)"):
        Face(Box(0, 0, 9, 9), np.zeros((468, 3), np.float32), ControlVector(), 0.5)


def test_a_landmark_that_is_no_number_is_refused() -> None:
    broken = np.zeros((478, 3), np.float32)
    broken[3, 1] = np.inf
    with pytest.raises(ProjectError, match="not a finite number"):
        Face(Box(0, 0, 9, 9), broken, ControlVector(), 0.5)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, math.nan])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    with pytest.raises(ProjectError, match=f"not {confidence:g}"):
        dataclasses.replace(a_face(), confidence=confidence)


def test_a_face_is_made_from_a_trackers_reading_and_turned_into_one_again() -> None:
    face = a_face(3, ControlVector.of({"yaw": 7}))
    observation = face.observation()
    assert isinstance(observation, FaceObservation)
    assert observation.landmarks is face.landmarks
    assert Face.from_observation(observation) == face


@given(control_vectors())
def test_a_faces_readings_are_its_action_units_and_cannot_be_written_to(
    vector: ControlVector,
) -> None:
    readings = a_face(0, vector).readings
    assert dict(readings) == action_units(vector)
    with pytest.raises(TypeError):
        readings["yaw"] = 3  # type: ignore[index]


def test_readings_are_worked_out_once_for_equal_states() -> None:
    assert (
        a_face(1, ControlVector.of({"yaw": 2})).readings
        is a_face(2, ControlVector.of({"yaw": 2})).readings
    )


# ---- what was changed


@given(st.dictionaries(st.sampled_from(CONTROL_IDS), st.floats(-90, 90)))
def test_changes_are_kept_sorted_and_without_zeros(deltas: dict[str, float]) -> None:
    edits = FaceEdits.of(deltas)
    assert [name for name, _ in edits.deltas] == sorted(
        name for name, amount in deltas.items() if amount
    )
    assert edits.by_control() == {name: amount for name, amount in deltas.items() if amount}
    assert edits == FaceEdits.of(dict(reversed(deltas.items())))


@pytest.mark.parametrize(
    ("deltas", "message"),
    [
        ((("yaw", 1.0), ("AU12L", 1.0)), "sorted"),
        ((("yaw", 1.0), ("yaw", 2.0)), "name a control once"),
        ((("AU99", 1.0),), "'AU99'"),
        ((("jawOpen", 1.0),), "'jawOpen'"),
        ((("yaw", 0.0),), "yaw cannot change by 0"),
        ((("yaw", math.nan),), "yaw cannot change by nan"),
        ((("yaw", math.inf),), "yaw cannot change by inf"),
    ],
)
def test_changes_that_mean_nothing_are_refused(
    deltas: tuple[tuple[str, float], ...], message: str
) -> None:
    with pytest.raises(ProjectError, match=message):
        FaceEdits(deltas)


@pytest.mark.parametrize("number", [26, 99])
def test_only_units_with_sides_are_set_apart(number: int) -> None:
    with pytest.raises(ProjectError, match=f"AU{number} has no left and right"):
        FaceEdits(unlinked=frozenset({number}))


# ---- the document


def test_an_empty_document_has_no_face() -> None:
    assert Project().face is None
    assert Project().face_edits is None


def test_the_chosen_face_comes_with_its_edits() -> None:
    project = a_project(ControlVector(), ControlVector.of({"yaw": 3}))
    assert project.face is project.faces[0]
    other = dataclasses.replace(project, face_index=1)
    assert other.face is project.faces[1]
    assert other.face_edits is project.edits[1]


def test_documents_of_equal_parts_are_equal_and_hash_alike() -> None:
    assert a_project(ControlVector()) == a_project(ControlVector())
    assert hash(a_project(ControlVector())) == hash(a_project(ControlVector()))


def test_faces_need_a_photo() -> None:
    with pytest.raises(ProjectError, match="1 faces without a photo; open the photo first"):
        Project(faces=(a_face(),), edits=(FaceEdits(),))


def test_every_face_needs_edits_of_its_own() -> None:
    with pytest.raises(ProjectError, match="2 sets of edits for 1 faces"):
        Project(SOURCE, (a_face(),), 0, (FaceEdits(), FaceEdits()))


@pytest.mark.parametrize("index", [-1, 1])
def test_only_a_face_that_exists_can_be_chosen(index: int) -> None:
    with pytest.raises(ProjectError, match=f"Face {index} is not one of the 1"):
        Project(SOURCE, (a_face(),), index, (FaceEdits(),))
