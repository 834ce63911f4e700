from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icface.arrays import U8
from icface.evaluation.material import Subject
from icface.evaluation.reach import Reach, landmark_error, reach, table_of
from icface.face.controls import ControlVector
from icface.face.geometry import rotation_matrix
from icface.face.observation import FaceObservation
from icface.face.reach import reach_of_controls
from icface.motion.reading.face_basis import shipped_basis
from icface.rendering.predictor import FacePredictor
from tests.faces import ASTRONAUT_BOX, observation_in
from tests.strategies import a_face

OWN = ControlVector.of({"yaw": -8.0, "jawOpen": 0.1})
SMILE = ControlVector.of({"mouthSmile_L": 0.6, "mouthSmile_R": 0.6})


@pytest.fixture
def subject(astronaut: U8, tiny_predictor: FacePredictor) -> Subject:
    face = observation_in(ASTRONAUT_BOX, OWN)
    return Subject("astronaut", astronaut, face, tiny_predictor.encode(astronaut, face))


def seen_as(state: ControlVector, *, px_per_cm: float = 12.0) -> FaceObservation:
    """The mean face in a state, as a perfect tracker reads it."""
    basis = shipped_basis()
    shape = basis.mean + np.tensordot(state.array()[3:], basis.channels, 1)
    turned = shape @ rotation_matrix(*state.angles_deg).T
    landmarks = np.zeros((478, 3), np.float32)
    landmarks[:468] = turned * (px_per_cm, -px_per_cm, -px_per_cm) + (200, 200, 0)
    return replace(a_face(0, state).observation(), landmarks=landmarks, controls=state)


def test_a_picture_that_moves_as_asked_has_no_error() -> None:
    error = landmark_error(shipped_basis(), seen_as(ControlVector()), SMILE, seen_as(SMILE))
    assert error == pytest.approx(0, abs=1e-4)


def test_a_picture_that_does_not_move_is_off_by_the_whole_movement() -> None:
    rest = seen_as(ControlVector())
    basis = shipped_basis()
    still, half = (
        landmark_error(basis, rest, SMILE, seen_as(state))
        for state in (
            ControlVector(),
            ControlVector.of(dict.fromkeys(("mouthSmile_L", "mouthSmile_R"), 0.3)),
        )
    )
    assert still > 0.02
    assert half == pytest.approx(still / 2, rel=0.05)


def test_what_hardly_moves_landmarks_tells_nothing() -> None:
    little = ControlVector.of({"eyeWide_L": 0.05})
    rest = seen_as(ControlVector())
    assert np.isnan(landmark_error(shipped_basis(), rest, little, rest))


def test_a_control_reaches_to_the_last_value_before_the_first_that_goes_wrong() -> None:
    values, none = (0.25, 0.5, 0.75, 1.0), (0.0,) * 4
    assert Reach(values, (0.01, 0.02, 0.05, 0.01), none, none).farthest == 0.5
    assert Reach(values, (0.01,) * 4, (0.0, 0.0, 0.0, 0.9), none).farthest == 0.75
    assert Reach(values, (0.01,) * 4, none, (0.0, 0.5, 0.0, 0.0)).farthest == 0.25
    assert Reach(values, (float("nan"),) * 4, none, none).farthest == 1.0
    assert Reach(values, (0.9,) * 4, none, none).farthest == 0.0


def test_a_table_holds_the_nearer_of_two_directions_and_ends_where_examples_end() -> None:
    ten, none = (10.0, 20.0, 30.0, 40.0), (0.0,) * 4
    right = Reach(ten, (1.0,) * 4, none, none, 4.0)
    left = Reach(tuple(-v for v in ten), (1.0, 9.0, 9.0, 9.0), none, none, 4.0)
    assert table_of({"yaw": (left, right)}) == {"yaw": 10.0}
    assert table_of({"yaw": (right, right)}) == {"yaw": 30.0}


def test_controls_are_tried_in_both_directions_where_they_have_two(
    subject: Subject, tiny_predictor: FacePredictor
) -> None:
    class Still:
        name, version = "still", "1"

        def follow(self, _image: object, near: FaceObservation) -> FaceObservation:
            return near

        def detect(self, _image: object) -> list[FaceObservation]:
            return []

    found = reach(tiny_predictor, Still(), [subject], ("roll", "AU12"))  # type: ignore[arg-type]
    assert [len(directions) for directions in found.values()] == [2, 1]
    assert found["AU12"][0].values == (0.25, 0.5, 0.75, 1.0)
    assert found["roll"][0].farthest == 0.0, "a picture that is read as unturned is wrong"


def test_every_angle_and_unit_has_a_reach_within_its_range() -> None:
    found = reach_of_controls()
    assert found["yaw"] <= 45
    assert all(0 <= size <= 1 for name, size in found.items() if name.startswith("AU"))
