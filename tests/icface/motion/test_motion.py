from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from icface.face.controls import CHANNELS, ControlVector
from icface.face.landmarks import N_LANDMARKS
from icface.motion.motion import Motion, MotionError
from tests.strategies import a_face


def a_motion(count: int = 4, **changed: Any) -> Motion:
    rows = np.zeros((count, len(CHANNELS)), np.float32)
    rows[:, 0] = np.arange(count)
    whole: dict[str, Any] = {
        "seconds": np.arange(count) / 25,
        "controls": rows,
        "confidence": np.ones(count, np.float32),
        "rate": Fraction(25),
    }
    return Motion(**whole | changed)


def test_a_frame_without_a_face_has_no_state() -> None:
    rows = np.zeros((2, len(CHANNELS)), np.float32)
    rows[1] = np.nan
    motion = a_motion(2, controls=rows, confidence=np.array([1, 0], np.float32))
    assert motion.present.tolist() == [True, False]
    assert motion.vector(0) == ControlVector()
    assert motion.vector(1) is None


def test_a_frame_beyond_the_clip_is_an_error() -> None:
    with pytest.raises(IndexError, match="Frame 4 is not one of the 4"):
        a_motion().vector(4)


def test_motions_of_the_same_content_are_equal_and_others_are_not() -> None:
    assert a_motion() == a_motion()
    assert hash(a_motion()) == hash(a_motion())
    different = [
        a_motion(5),
        a_motion(cuts=(2,)),
        a_motion(rate=Fraction(30)),
        a_motion(carried=frozenset({"yaw"})),
    ]
    assert len({a_motion(), *different}) == 5
    assert a_motion() != "motion"


def test_nobody_can_write_into_a_motion() -> None:
    rows = np.zeros((4, len(CHANNELS)), np.float32)
    motion = a_motion(controls=rows)
    rows[0, 0] = 5
    assert motion.controls[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        motion.controls[0, 0] = 1
    assert Motion(
        seconds=motion.seconds,
        controls=motion.controls,
        confidence=motion.confidence,
        rate=motion.rate,
    ).controls is (motion.controls)


def test_a_motion_is_made_of_what_a_tracker_saw() -> None:
    face = a_face(controls=ControlVector.of({"yaw": 7, "jawOpen": 0.5})).observation()
    motion = Motion.of_observations(
        [face, None, face], [0, 0.04, 0.09], rate=Fraction(25), cuts=[2], origin="test"
    )
    assert motion.present.tolist() == [True, False, True]
    assert motion.vector(2) == ControlVector.of({"yaw": 7, "jawOpen": 0.5})
    assert motion.landmarks is not None
    assert np.array_equal(motion.landmarks[0], face.landmarks)
    assert np.isnan(motion.landmarks[1]).all()
    assert motion.duration_s == pytest.approx(0.13)
    assert motion.carries.all()


def test_a_photos_expression_is_a_motion_of_one_frame() -> None:
    motion = Motion.still(ControlVector.of({"pitch": 3}), "portrait.jpg")
    assert (len(motion), motion.vector(0), motion.origin) == (
        1,
        ControlVector.of({"pitch": 3}),
        "portrait.jpg",
    )


def test_channels_that_were_not_read_are_known() -> None:
    carries = a_motion(carried=frozenset({"yaw", "jawOpen"})).carries
    assert [name for name, carried in zip(CHANNELS, carries, strict=True) if carried] == [
        "yaw",
        "jawOpen",
    ]


def _with(row: int, value: float) -> np.ndarray[Any, Any]:
    rows = np.zeros((4, len(CHANNELS)), np.float32)
    rows[row, 5] = value
    return rows


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seconds": np.zeros(0)}, "1 to 10000000 frames, not 0"),
        ({"controls": np.zeros((4, 3), np.float32)}, r"controls of shape \(4, 56\), not \(4, 3\)"),
        (
            {"landmarks": np.zeros((4, 3, 3), np.float32)},
            rf"landmarks of shape \(4, {N_LANDMARKS}, 3\)",
        ),
        ({"rate": Fraction(0)}, "rate of 1e-06 to 100000"),
        ({"seconds": np.array([1.0, 2, 3, 4])}, "begin at 0 s, not 1"),
        ({"seconds": np.array([0.0, 2, 2, 4])}, "Frame 2 is shown at 2 s"),
        ({"carried": frozenset({"AU12"})}, "Unknown channel 'AU12'"),
        ({"controls": _with(2, np.nan)}, "Frame 2 has a control that is not a finite number"),
        ({"controls": _with(3, np.inf)}, "Frame 3 has a control that is not a finite number"),
        ({"confidence": np.array([1, 1, 2, 1], np.float32)}, "Frame 2 has confidence 2"),
        ({"confidence": np.array([1, np.nan, 1, 1], np.float32)}, "Frame 1 has confidence nan"),
        ({"cuts": (0,)}, "rising frames from 1 to 3"),
        ({"cuts": (2, 1)}, "rising frames from 1 to 3"),
    ],
)
def test_rows_that_can_be_no_motion_are_refused_by_name(
    changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(MotionError, match=message):
        a_motion(**changed)
