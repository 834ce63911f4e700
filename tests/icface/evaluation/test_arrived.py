"""The share of a movement that arrives: of known movements, and of pictures that stand still."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.evaluation.arrived import arrived, mean_arrived, movement
from icface.evaluation.material import Shot
from icface.face.controls import ControlVector
from icface.rendering.predictor import FacePredictor
from tests.faces import ASTRONAUT_BOX, StandInTracker, observation_in

CORNERS, CHIN = (61, 291), 152


def frames(
    moved: dict[int, tuple[float, float]], amounts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(F, 478, 2) landmarks moved from nought by an amount in each frame."""
    points = np.zeros((len(amounts), 478, 2))
    for point, by in moved.items():
        points[:, point] = amounts[:, None] * by
    return points


def test_half_a_movement_of_the_corners_is_a_share_of_a_half_of_the_corners_alone() -> None:
    amounts = np.array([0.2, 1.0, 0.5])
    true = frames(dict.fromkeys(CORNERS, (0.1, -0.2)), amounts)
    found = movement(true / 2, true, np.zeros((478, 2)), 1.0)
    assert found["lip corners"]["share"] == pytest.approx(0.5)
    assert found["lip corners"]["correlation"] == pytest.approx(1)
    assert found["jaw"]["share"] is None


def test_a_movement_the_other_way_is_no_share_and_sideways_ones_of_the_jaw_do_not_count() -> None:
    amounts = np.array([0.2, 1.0, 0.5])
    down, aside = frames({CHIN: (0.0, 0.3)}, amounts), frames({CHIN: (0.5, 0.3)}, amounts)
    assert movement(-down, down, np.zeros((478, 2)), 1.0)["jaw"]["share"] == pytest.approx(-1)
    assert movement(aside, down, np.zeros((478, 2)), 1.0)["jaw"]["share"] == pytest.approx(1)


def test_clips_count_by_how_much_moves_in_them() -> None:
    row = {"share": 1.0, "correlation": 1.0, "motion": 0.03, "frames": 5.0}
    still = {"share": None, "correlation": None, "motion": 0.001, "frames": 5.0}
    mean = mean_arrived(
        {
            "a": {"lips": row},
            "b": {"lips": row | {"share": 0.5, "motion": 0.01}},
            "c": {"lips": still},
        }
    )
    assert mean["lips"]["share"] == pytest.approx(0.875)
    assert mean["jaw"] == {"share": None, "correlation": None}


def test_a_tracker_that_sees_no_movement_in_what_was_edited_tells_that_nothing_arrives(
    astronaut: NDArray[np.uint8], tiny_predictor: FacePredictor
) -> None:
    face = observation_in(ASTRONAUT_BOX, ControlVector())
    landmarks = face.landmarks.copy()
    landmarks[list(CORNERS), 1] -= 12
    smiling = observation_in(
        ASTRONAUT_BOX, ControlVector.of({"mouthSmile_L": 0.6, "mouthSmile_R": 0.6})
    )
    object.__setattr__(smiling, "landmarks", landmarks)
    shots = [Shot(astronaut, face), Shot(astronaut, smiling)]
    found = arrived(tiny_predictor, StandInTracker(face), shots, [smiling.controls])
    assert found["lip corners"]["share"] == pytest.approx(0, abs=1e-9)
    assert found["lip corners"]["frames"] == 1
