"""Irises that are found, and where they look, on eyes drawn with a pencil."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from icface.face.controls import CHANNELS
from icface.face.geometry import rotation_matrix
from icface.face.landmarks import IRISES, LEFT_EYE, RIGHT_EYE
from icface.model.eyes.irises import TO_SIDES_DEG, look_deg, with_irises, with_look

PER_CM = 12.0
HALF_CM, EYE_CM, TALL_CM, IRIS_CM = 4.635, 2.7, 1.0, 0.62
SKIN, WHITE, DARK = (190, 150, 125), (225, 220, 215), (60, 45, 40)


def face(
    across_cm: float = 0.0, up_cm: float = 0.0, *, tall_cm: float = TALL_CM
) -> tuple[np.ndarray, np.ndarray]:
    """A picture of two eyes with shifted irises, and landmarks with irises in the middle."""
    picture = np.full((200, 200, 3), SKIN, np.uint8)
    landmarks = np.full((478, 3), 100.0, np.float32)
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    for side, ring, outer in (("L", LEFT_EYE, 1), ("R", RIGHT_EYE, -1)):
        middle = np.array([100 + outer * (HALF_CM - EYE_CM / 2) * PER_CM, 100.0])
        lids = (
            np.stack([outer * EYE_CM / 2 * np.cos(turn), -tall_cm / 2 * np.sin(turn)], 1) * PER_CM
            + middle
        )
        mask, eye = np.zeros(picture.shape[:2], np.uint8), np.full_like(picture, WHITE)
        cv2.fillPoly(mask, [np.round(lids * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
        at = middle + np.array([across_cm, -up_cm]) * PER_CM
        cv2.circle(
            eye,
            tuple(np.round(at * 16).astype(int).tolist()),
            round(IRIS_CM * PER_CM * 16),
            DARK,
            -1,
            cv2.LINE_AA,
            4,
        )
        share = mask[..., None] / 255
        picture = (picture * (1 - share) + eye * share).astype(np.uint8)
        landmarks[list(ring), :2] = lids
        radius = IRIS_CM * PER_CM
        landmarks[list(IRISES[side]), :2] = middle + radius * np.array(
            [[0, 0], [1, 0], [0, -1], [-1, 0], [0, 1]]
        )
    return picture, landmarks


@pytest.mark.parametrize("across_cm", [-0.45, -0.2, 0.0, 0.2, 0.45])
def test_an_iris_is_found_where_it_is_dark(across_cm: float) -> None:
    picture, landmarks = face(across_cm)
    found = with_irises(landmarks, picture)
    for points in IRISES.values():
        shift = (found - landmarks)[list(points), :2] / PER_CM
        assert np.ptp(shift, axis=0) == pytest.approx((0, 0), abs=1e-4)  # as a whole
        assert shift[0, 0] == pytest.approx(across_cm, abs=0.1)
    assert (found[:468] == landmarks[:468]).all()


def test_an_iris_is_not_looked_for_in_a_shut_eye_or_where_all_is_alike() -> None:
    picture, landmarks = face(0.3, tall_cm=0.08)
    assert (with_irises(landmarks, picture) == landmarks).all()
    _, landmarks = face()
    assert (with_irises(landmarks, np.full((200, 200, 3), 128, np.uint8)) == landmarks).all()


def test_a_face_that_is_a_dot_is_left_alone() -> None:
    picture, landmarks = face()
    dot = np.full_like(landmarks, 50)
    assert (with_irises(dot, picture) == dot).all()
    assert look_deg(dot, np.eye(3)) == 0


def read(across_cm: float, up_cm: float, **angles: float) -> np.ndarray:
    controls = np.zeros(len(CHANNELS))
    controls[CHANNELS.index("eyeBlink_L")], controls[CHANNELS.index("eyeLookDown_L")] = 0.25, 0.5
    for name, value in angles.items():
        controls[CHANNELS.index(name)] = value
    _, landmarks = face()
    for points in IRISES.values():
        landmarks[list(points), :2] += np.array([across_cm, -up_cm], np.float32) * PER_CM
    return with_look(controls, landmarks)


def channel(row: np.ndarray, name: str) -> float:
    return float(row[CHANNELS.index(name)])


def test_a_look_is_read_in_both_eyes_and_nothing_else_is() -> None:
    row = read(0.4, 0.0)
    left = np.degrees(np.arcsin(0.4 / 1.25)) / TO_SIDES_DEG
    assert (
        channel(row, "eyeLookOut_L") == channel(row, "eyeLookIn_R") == pytest.approx(left, abs=0.08)
    )
    assert channel(row, "eyeLookIn_L") == channel(row, "eyeLookOut_R") == 0
    assert channel(row, "eyeBlink_L") == 0.25
    assert channel(read(-0.4, 0.0), "eyeLookOut_R") > 0.4
    assert (
        read(0.0, 0.3)[[CHANNELS.index(f"eyeLook{way}_L") for way in ("Up", "Down")]] == (0, 0.5)
    ).all()


def test_readings_rise_with_the_look_and_stay_within_their_range() -> None:
    steps = [channel(read(cm, 0.25), "eyeLookOut_L") for cm in np.linspace(0, 2, 12)]
    assert (np.diff(steps) >= 0).all()
    assert steps[-1] == 1


def test_eyes_that_keep_looking_at_the_camera_turn_in_a_head_that_turns() -> None:
    _, landmarks = face()
    ahead = look_deg(landmarks, np.eye(3))
    for yaw in (-20.0, 20.0):
        rotation = rotation_matrix(yaw, 0, 0)
        turned = landmarks.astype(np.float64)
        middle = {"L": np.array([0.11, 0.14, -0.34]), "R": np.array([-0.11, 0.14, -0.34])}
        for side, ring in (("L", LEFT_EYE), ("R", RIGHT_EYE)):
            contour = turned[list(ring), :2]
            corners = (contour[0] + contour[8]) / 2
            turned[list(ring), :2] = (contour - corners) * (np.cos(np.radians(yaw)), 1) + corners
            turned[list(IRISES[side]), :2] = (
                corners + (rotation[:2] @ middle[side]) * (1, -1) * PER_CM
            )
        assert look_deg(turned, rotation) == pytest.approx(-yaw, abs=5)
    assert ahead == pytest.approx(0, abs=1)


def test_a_shut_eye_looks_straight_ahead() -> None:
    _, landmarks = face(tall_cm=0.2)
    for points in IRISES.values():
        landmarks[list(points), 0] += 0.5 * PER_CM
    assert look_deg(landmarks, np.eye(3)) == 0
