"""Light follows the folds of the skin: of the shipped maps on a photograph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from icface.arrays import F32, U8
from icface.face.controls import ControlVector
from icface.face.landmarks import EYES, OUTER_LIPS
from icface.face.observation import FaceObservation
from icface.face.selectors import apply_deltas
from icface.model.face.encode import SourceEncoding
from icface.model.networks.neutralizer import GRID
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor
from icface.tracking.builtin import BuiltinTracker

FOLD = {"L": [423, 426], "R": [203, 206]}
"""Landmarks beside the wings of the nose, where a smile folds the cheek."""
SMILE = ("mouthSmile_L", "mouthSmile_R", "cheekSquint_L", "cheekSquint_R")
NOTHING = ControlVector()
SMILING = ControlVector().with_channels(dict.fromkeys(SMILE, 0.9))


@pytest.fixture(scope="module")
def predictor() -> FacePredictor:
    return FacePredictor.load("cpu")


@pytest.fixture(scope="module")
def photo(astronaut_path: Path) -> U8:
    return np.array(Image.open(astronaut_path).convert("RGB"))


@pytest.fixture(scope="module")
def face(photo: U8) -> FaceObservation:
    return BuiltinTracker().detect(photo)[0]


@pytest.fixture(scope="module")
def encoding(predictor: FacePredictor, photo: U8, face: FaceObservation) -> SourceEncoding:
    return predictor.encode(photo, face)


def light(encoding: SourceEncoding, before: ControlVector, after: ControlVector) -> F32:
    """(GRID, GRID) logarithm of the change of light."""
    assert encoding.skin_light is not None
    change = encoding.skin_light.change(before, after)
    assert change is not None
    onto = change.light_from_grid.inverse().matrix
    return cv2.warpAffine(change.log, onto, (GRID, GRID), flags=cv2.INTER_AREA).astype(np.float32)


def at(field: F32, encoding: SourceEncoding, face: FaceObservation, points: list[int]) -> float:
    """Mean of a field about landmarks."""
    where = encoding.crop_from_image.points(face.landmarks[points, :2])
    return float(
        np.mean([field[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] for x, y in where])
    )


def test_the_same_expression_under_another_turn_changes_no_light(encoding: SourceEncoding) -> None:
    assert encoding.skin_light is not None
    turned = NOTHING.with_channels({"yaw": 20.0, "pitch": -5.0})
    assert encoding.skin_light.change(NOTHING, turned) is None


def test_a_smile_darkens_the_folds_beside_the_nose(
    encoding: SourceEncoding, face: FaceObservation
) -> None:
    change = light(encoding, NOTHING, SMILING)
    for points in FOLD.values():
        assert at(change, encoding, face, points) < -0.08


def test_taking_a_smile_off_lights_its_folds(
    encoding: SourceEncoding, face: FaceObservation
) -> None:
    change = light(encoding, SMILING, NOTHING)
    for points in FOLD.values():
        assert at(change, encoding, face, points) > 0.02


def test_half_a_smile_folds_half_a_face(encoding: SourceEncoding, face: FaceObservation) -> None:
    left = ControlVector().with_channels({"mouthSmile_L": 0.9})
    change = light(encoding, NOTHING, left)
    assert at(change, encoding, face, FOLD["L"]) < -0.05
    assert abs(at(change, encoding, face, FOLD["R"])) < 0.01


def test_lips_and_eyes_keep_their_light(encoding: SourceEncoding, face: FaceObservation) -> None:
    change = light(encoding, NOTHING, SMILING)
    for outline in (OUTER_LIPS, *EYES.values()):
        inside = np.zeros((GRID, GRID), np.uint8)
        points = encoding.crop_from_image.points(face.landmarks[list(outline), :2])
        cv2.fillPoly(inside, [np.rint(points).astype(np.int32)], (1,))
        assert np.abs(change[cv2.erode(inside, np.ones((3, 3), np.uint8)) > 0]).max() < 0.02


def test_light_stays_within_its_bounds_and_off_the_border(encoding: SourceEncoding) -> None:
    everything = ControlVector().with_channels(
        dict.fromkeys(("browDown_L", "noseSneer_L", "mouthUpperUp_L", *SMILE), 1.0)
    )
    assert encoding.skin_light is not None
    plain = replace(encoding.skin_light, creases=())
    change = plain.change(NOTHING, everything)
    assert change is not None
    assert change.log.min() >= -0.6
    assert change.log.max() <= 0.25
    assert not change.log[[0, -1]].any()
    assert not change.log[:, [0, -1]].any()


def test_raised_brows_draw_lines_across_the_forehead_and_a_frown_none_there(
    encoding: SourceEncoding, face: FaceObservation
) -> None:
    def lines(names: tuple[str, ...]) -> float:
        after = ControlVector().with_channels(dict.fromkeys(names, 1.0))
        x, y = encoding.crop_from_image.points(face.landmarks[[151], :2])[0].astype(int)
        strip = light(encoding, NOTHING, after)[y - 18 : y + 6, x - 6 : x + 7].mean(1)
        return float(np.abs(np.diff(strip, 2)).mean())

    raised = lines(("browInnerUp_L", "browInnerUp_R", "browOuterUp_L", "browOuterUp_R"))
    assert raised > 3 * lines(("browDown_L", "browDown_R"))


def test_a_black_and_white_photo_stays_black_and_white(
    predictor: FacePredictor, photo: U8, face: FaceObservation
) -> None:
    grey = np.repeat(photo.mean(2, keepdims=True).astype(np.uint8), 3, 2)
    encoding = predictor.encode(grey, face)
    assert encoding.skin_light is not None
    assert encoding.skin_light.of_channels == pytest.approx((1, 1, 1), abs=1e-6)


def test_light_reaches_the_picture_and_can_be_left_out(
    predictor: FacePredictor, photo: U8, face: FaceObservation, encoding: SourceEncoding
) -> None:
    wanted = apply_deltas(encoding.controls, {"AU4L": 0.8, "AU4R": 0.8})
    unlit = replace(encoding, skin_light=None)
    lit, plain = (composite(photo, e, predictor.predict(e, wanted)) for e in (encoding, unlit))
    changed = (lit != plain).any(2)
    assert changed.any()
    rows, columns = np.nonzero(changed)
    box = face.box
    assert columns.min() > box.left - box.width / 4
    assert columns.max() < box.right + box.width / 4
    assert rows.min() > box.top - box.height / 4
