from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icface.arrays import F32, F64
from icface.face.controls import EXPRESSIONS
from icface.training.rig.amended import amended
from tests.icface.rig_landmarks import landmark_mesh

UPPER_LIP, LOWER_LIP = [80, 81, 82, 13, 312, 311, 310], [88, 87, 178, 14, 317, 402, 318]
UPPER_LIP_EDGE, LOWER_LIP_EDGE = [37, 0, 267], [84, 17, 314]
INNER_BROW_LEFT, INNER_BROW_RIGHT = 285, 55
LEFT_LID, UPPER_LEFT_LID, LEFT_CORNER, RIGHT_CORNER = 374, 386, 291, 61
LEFT_WING, LEFT_CHEEK, LEFT_JOWL, CHIN = 358, 347, 434, 152
UNTOUCHED = ("eyeBlink_L", "jawOpen", "mouthSmile_L", "mouthSmile_R", "browInnerUp_L", "eyeWide_L")
PAIRED = sorted(name[:-2] for name in EXPRESSIONS if name.endswith("_L"))


@pytest.fixture(scope="module")
def shapes() -> F32:
    return amended(landmark_mesh())


def moves(shapes: F32, *channels: str) -> F64:
    """(468, 3) offsets of channels together, centimetres."""
    offsets: F64 = np.sum([shapes[EXPRESSIONS.index(name)] for name in channels], 0, np.float64)
    return offsets


def gap(shapes: F32, *channels: str) -> F64:
    """Height of the opening between the lips, centimetres."""
    height = (landmark_mesh().base + moves(shapes, *channels))[:, 1]
    opened: F64 = height[UPPER_LIP] - height[LOWER_LIP]
    return opened


def red(shapes: F32, *channels: str) -> float:
    """Height of the red of both lips, centimetres."""
    height = (landmark_mesh().base + moves(shapes, *channels))[:, 1]
    upper = height[UPPER_LIP_EDGE] - height[[82, 13, 312]]
    lower = height[[87, 14, 317]] - height[LOWER_LIP_EDGE]
    return float((upper + lower).mean())


def both(channel: str) -> tuple[str, str]:
    return f"{channel}_L", f"{channel}_R"


def test_channels_that_are_right_stay_to_the_bit(shapes: F32) -> None:
    before = landmark_mesh().shapes
    for name in UNTOUCHED:
        np.testing.assert_array_equal(
            shapes[EXPRESSIONS.index(name)], before[EXPRESSIONS.index(name)]
        )


@pytest.mark.parametrize("channel", PAIRED)
def test_the_right_side_of_a_mirrored_face_is_the_left_one(channel: str) -> None:
    mesh = landmark_mesh()
    mirrored = np.array([-1, 1, 1], np.float32)
    flip = [EXPRESSIONS.index(_other(name)) for name in EXPRESSIONS]
    turned = amended(
        replace(
            mesh,
            base=mesh.base * mirrored,
            shapes=mesh.shapes[flip] * mirrored,
            landmarks=mirror_points()[mesh.landmarks],
        )
    )
    left, right = (EXPRESSIONS.index(name) for name in both(channel))
    np.testing.assert_allclose(turned[right] * mirrored, amended(mesh)[left], atol=0.02)


def mirror_points() -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    base = landmark_mesh().base
    apart = np.linalg.norm(base[:, None] * (-1, 1, 1) - base[None], axis=2)
    return apart.argmin(1).astype(np.int32)


def _other(name: str) -> str:
    turned = {"_L": "_R", "_R": "_L"}
    if name[-2:] in turned:
        return name[:-2] + turned[name[-2:]]
    ends = {"Left": "Right", "Right": "Left"}
    return next((name.replace(a, b) for a, b in ends.items() if name.endswith(a)), name)


def test_a_frown_lowers_the_brows_and_draws_their_inner_ends_together(shapes: F32) -> None:
    before, now = moves(landmark_mesh().shapes, "browDown_L"), moves(shapes, "browDown_L")
    assert now[INNER_BROW_LEFT, 0] < before[INNER_BROW_LEFT, 0] - 0.2
    assert now[334, 1] == pytest.approx(1.6 * before[334, 1], rel=0.02)
    right = moves(shapes, "browDown_R")
    assert right[INNER_BROW_RIGHT, 0] == pytest.approx(-now[INNER_BROW_LEFT, 0], abs=0.02)
    assert np.abs(now[[168, 9, 151], 0]).max() < 0.01, "what lies between them stays there"


def test_a_wrinkled_nose_lifts_its_wings_and_leaves_the_lips(shapes: F32) -> None:
    wrinkled = moves(shapes, *both("noseSneer"))
    assert wrinkled[LEFT_WING, 1] > 0.8
    np.testing.assert_allclose(gap(shapes, *both("noseSneer")), gap(shapes), atol=1e-3)
    assert np.abs(wrinkled[[LEFT_CORNER, RIGHT_CORNER, 0, 17]]).max() < 1e-3


def test_a_raised_cheek_lifts_cheek_and_lower_lid_but_not_the_upper_lid(shapes: F32) -> None:
    before, now = moves(landmark_mesh().shapes, "cheekSquint_L"), moves(shapes, "cheekSquint_L")
    assert now[LEFT_CHEEK, 1] > before[LEFT_CHEEK, 1] + 0.1
    assert now[LEFT_LID, 1] > before[LEFT_LID, 1] + 0.05
    assert now[UPPER_LEFT_LID, 1] < 0.02


def test_tightened_lids_come_nearer_from_both_sides_and_do_not_meet(shapes: F32) -> None:
    now = moves(shapes, "eyeSquint_L")
    open_cm = landmark_mesh().base[UPPER_LEFT_LID, 1] - landmark_mesh().base[LEFT_LID, 1]
    assert now[LEFT_LID, 1] > 0.2
    assert now[UPPER_LEFT_LID, 1] < -0.1
    assert now[LEFT_LID, 1] - now[UPPER_LEFT_LID, 1] < 0.7 * open_cm


def test_puffed_cheeks_widen_the_face_and_keep_the_mouth_behind_the_cheek(shapes: F32) -> None:
    before, now = moves(landmark_mesh().shapes, "cheekPuff_L"), moves(shapes, "cheekPuff_L")
    assert now[LEFT_JOWL, 0] > before[LEFT_JOWL, 0] + 0.4
    assert now[LEFT_CORNER, 2] < 0.5 * before[LEFT_CORNER, 2]


def test_a_dimple_draws_the_corner_to_the_side(shapes: F32) -> None:
    before, now = moves(landmark_mesh().shapes, "mouthDimple_L"), moves(shapes, "mouthDimple_L")
    assert now[LEFT_CORNER, 0] > before[LEFT_CORNER, 0] + 0.2
    assert now[LEFT_CORNER, 2] < -0.5, "and in"
    assert np.abs(now[RIGHT_CORNER]).max() < 0.05


def test_pressed_and_rolled_lips_thin_their_red_and_do_not_cross(shapes: F32) -> None:
    pressed, rolled = both("mouthPress"), ("mouthRollUpper", "mouthRollLower")
    assert red(shapes, *pressed) < 0.6 * red(shapes)
    assert red(shapes, *rolled) < 0.35 * red(shapes)
    assert gap(shapes, *pressed).min() > -0.05
    assert gap(shapes, *rolled).min() > -0.05


def test_a_pucker_narrows_the_mouth_by_a_third_with_lips_that_meet(shapes: F32) -> None:
    base = landmark_mesh().base
    width = base[LEFT_CORNER, 0] - base[RIGHT_CORNER, 0]
    puckered = moves(shapes, "mouthPucker")
    assert puckered[RIGHT_CORNER, 0] - puckered[LEFT_CORNER, 0] > width / 3
    assert abs(float(gap(shapes, "mouthPucker").mean())) < 0.1


def test_a_thrust_jaw_goes_forwards_with_lips_closed(shapes: F32) -> None:
    before = moves(landmark_mesh().shapes, "jawForward")
    assert moves(shapes, "jawForward")[CHIN, 2] > 1.2 * before[CHIN, 2]
    assert float(gap(shapes, "jawForward").mean()) < float(gap(shapes).mean()) + 0.05


def test_a_jaw_goes_equally_far_to_both_sides(shapes: F32) -> None:
    to_left, to_right = (moves(shapes, name)[CHIN] for name in ("jawLeft", "jawRight"))
    assert to_left[0] > 1.0
    np.testing.assert_allclose(to_left * (-1, 1, 1), to_right, atol=0.02)


def test_teeth_and_eyes_move_only_with_shapes_that_moved_them() -> None:
    mesh = landmark_mesh()
    none = replace(mesh, shapes=np.zeros_like(mesh.shapes), skin=np.zeros(468, np.bool_))
    assert not amended(none).any()
