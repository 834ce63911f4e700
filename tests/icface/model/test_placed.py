"""A head in another place: it arrives there as a whole, and its background stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from icface.face.controls import ControlVector
from icface.face.geometry import CROP_MARGIN
from icface.face.landmarks import EYE_CORNERS
from icface.face.observation import FaceObservation
from icface.face.place import Place
from icface.face.selectors import apply_deltas, between, deltas_from_settings
from icface.model.face.encode import SourceEncoding
from icface.model.face.placed import placing_in_grid
from icface.model.mouth.patch import Patch
from icface.model.networks.neutralizer import GRID
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor
from icface.tracking.builtin import BuiltinTracker

Picture = NDArray[np.uint8]
TWICE = np.array([[2.0, 0, 0.5], [0, 2.0, 0.5]])


@pytest.fixture(scope="module")
def tracker() -> BuiltinTracker:
    return BuiltinTracker()


@pytest.fixture(scope="module")
def photo(astronaut_path: Path) -> Picture:
    return np.array(Image.open(astronaut_path).convert("RGB"))


@pytest.fixture(scope="module")
def face(tracker: BuiltinTracker, photo: Picture) -> FaceObservation:
    return tracker.detect(photo)[0]


@pytest.fixture(scope="module")
def predictor() -> FacePredictor:
    return FacePredictor.load("cpu")


@pytest.fixture(scope="module")
def encoding(predictor: FacePredictor, photo: Picture, face: FaceObservation) -> SourceEncoding:
    return predictor.encode(photo, face)


def edited(
    predictor: FacePredictor, photo: Picture, encoding: SourceEncoding, **deltas: float
) -> Picture:
    wanted = apply_deltas(encoding.controls, deltas)
    made = composite(photo, encoding, predictor.predict(encoding, wanted))
    return np.asarray(made, np.uint8)


def eyes(tracker: BuiltinTracker, picture: Picture) -> NDArray[np.float64]:
    """(2, 2) the outer eye corners, from the tracker."""
    return tracker.detect(picture)[0].landmarks[list(EYE_CORNERS), :2].astype(np.float64)


def face_height(encoding: SourceEncoding) -> float:
    return GRID / CROP_MARGIN / encoding.crop_from_image.scale


@pytest.mark.parametrize(("control", "towards"), [("x", (1, 0)), ("y", (0, -1))])
def test_a_head_moves_by_percent_of_the_faces_height(
    predictor: FacePredictor,
    tracker: BuiltinTracker,
    photo: Picture,
    encoding: SourceEncoding,
    control: str,
    towards: tuple[int, int],
) -> None:
    made = edited(predictor, photo, encoding, **{control: 10.0})
    moved = (eyes(tracker, made) - eyes(tracker, photo)).mean(0)
    assert moved == pytest.approx(np.array(towards) * face_height(encoding) / 10, abs=2)


def test_zoom_makes_the_eyes_stand_farther_apart(
    predictor: FacePredictor, tracker: BuiltinTracker, photo: Picture, encoding: SourceEncoding
) -> None:
    before, after = (
        eyes(tracker, picture) for picture in (photo, edited(predictor, photo, encoding, zoom=20.0))
    )
    apart = np.linalg.norm(np.diff(after, axis=0)) / np.linalg.norm(np.diff(before, axis=0))
    assert apart == pytest.approx(1.2, rel=0.02)


def test_the_face_arrives_as_it_was_and_the_far_background_stays(
    predictor: FacePredictor, photo: Picture, encoding: SourceEncoding, face: FaceObservation
) -> None:
    made = edited(predictor, photo, encoding, x=10.0)
    right = face_height(encoding) / 10
    shifted = cv2.warpAffine(photo, np.array([[1, 0, right], [0, 1, 0]]), photo.shape[1::-1])
    low, high = face.landmarks[:, :2].min(0), face.landmarks[:, :2].max(0)
    window = np.s_[int(low[1]) : int(high[1]), int(low[0] + right) : int(high[0] + right)]
    assert np.abs(made[window].astype(float) - shifted[window]).mean() < 2
    assert encoding.backdrop is not None
    wide = np.full(photo.shape[:2], 1.0, np.float32)
    inner = encoding.crop_from_image.matrix.copy()
    pad = (len(encoding.backdrop.person) - GRID) // 2
    inner[:, 2] += pad
    person = cv2.dilate((encoding.backdrop.person > 0.01).astype(np.float32), np.ones((67, 67)))
    near = cv2.warpAffine(
        person, inner, photo.shape[1::-1], dst=wide, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    )
    assert (near == 0).any()
    assert np.array_equal(made[near == 0], photo[near == 0])


def test_the_photos_own_place_returns_the_photo_to_the_bit(
    predictor: FacePredictor, photo: Picture, encoding: SourceEncoding
) -> None:
    assert np.array_equal(edited(predictor, photo, encoding, x=0.0, y=0.0, zoom=0.0), photo)


def test_what_is_drawn_and_its_coverage_follow_the_head(
    predictor: FacePredictor, encoding: SourceEncoding
) -> None:
    pose = {"AU26": 1.0, "AU43L": 1.0}
    still = predictor.predict(encoding, apply_deltas(encoding.controls, pose))
    moved = predictor.predict(encoding, apply_deltas(encoding.controls, pose | {"zoom": 20.0}))
    way = placing_in_grid(
        Place(zoom=20.0), encoding.crop_from_image, encoding.mesh.pivot.double().numpy()
    )
    assert len(still.patches) == len(moved.patches) > 0
    corners = np.array([[0.0, 0.0], [40.0, 0.0], [0.0, 40.0]])

    def on_grid(patch: Patch) -> NDArray[np.float64]:
        return patch.patch_from_grid.inverse().points(corners)

    for one, other in zip(still.patches, moved.patches, strict=True):
        assert on_grid(other) == pytest.approx(way.points(on_grid(one)), abs=1e-3)
    covers = [
        (one.coverage.sum(), other.coverage.sum())
        for one, other in zip(still.layers, moved.layers, strict=True)
        if one.coverage is not None and other.coverage is not None and one.coverage.sum() > 50
    ]
    assert covers
    assert all(b == pytest.approx(1.44 * a, rel=0.05) for a, b in covers)


def test_a_place_stays_within_its_range_and_is_blended_and_typed_as_other_controls() -> None:
    state = apply_deltas(ControlVector(), {"x": 90.0, "y": -90.0, "zoom": 90.0})
    assert state.place == Place(25.0, -25.0, 40.0)
    assert state.values == ControlVector().values
    assert between(ControlVector(), state, 0.5).place == Place(12.5, -12.5, 20.0)
    assert state.with_channels({"yaw": 3.0}).place == state.place
    assert replace(state, place=Place()) == ControlVector()
    assert deltas_from_settings(state, {"x": 10.0}) == {"x": -15.0}
    with pytest.raises(ValueError, match="zoom goes from -30 to 40"):
        deltas_from_settings(ControlVector(), {"zoom": 120.0})
    with pytest.raises(ValueError, match="finite"):
        Place(x=float("nan"))
