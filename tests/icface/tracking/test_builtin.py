"""The built-in tracker with the weights that ship, on pictures that every installation has."""

from __future__ import annotations

import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from torch import Tensor

from icface.face.controls import ANGLE_UNIT_DEG
from icface.face.geometry import Box, Similarity
from icface.face.landmarks import EYE_CORNERS
from icface.face.observation import FaceObservation, NoFaceError
from icface.model.networks.weights import ModelFileError, load_model, models_dir, save_model
from icface.model.surface.crops import sample_crop
from icface.tracking.builtin import DETECTOR_FILE, LANDMARKS_FILE, BuiltinTracker
from icface.tracking.reading import trusted

ASTRONAUT_FACE = Box(173, 63, 275, 178)
NOSE_TIP, UPPER_LIP, CHIN, FOREHEAD = 1, 13, 152, 10


def picture_of(package: str, *parts: str) -> NDArray[np.uint8]:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    bgr = cv2.imread(str(Path(spec.origin).parent.joinpath(*parts)))
    assert bgr is not None
    return np.ascontiguousarray(bgr[..., ::-1]).astype(np.uint8)


@pytest.fixture(scope="module")
def tracker() -> BuiltinTracker:
    return BuiltinTracker()


@pytest.fixture(scope="module")
def astronaut() -> NDArray[np.uint8]:
    return picture_of("skimage", "data", "astronaut.png")


@pytest.fixture(scope="module")
def face(tracker: BuiltinTracker, astronaut: NDArray[np.uint8]) -> FaceObservation:
    faces = tracker.detect(astronaut)
    assert len(faces) == 1
    return faces[0]


def turned(
    image: NDArray[np.uint8], degrees: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The picture turned clockwise on the screen about the astronaut's face, with the matrix."""
    x, y = ASTRONAUT_FACE.centre
    matrix = cv2.getRotationMatrix2D((x, y), -degrees, 1.0)
    matrix[:, 2] += np.array([256, 256]) - (x, y)
    size = image.shape[1::-1]
    return cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE).astype(
        np.uint8
    ), np.asarray(matrix)


def eye_distance(points: NDArray[np.floating]) -> float:
    return float(np.linalg.norm(points[EYE_CORNERS[0], :2] - points[EYE_CORNERS[1], :2]))


def test_the_astronaut_is_found_where_she_is(face: FaceObservation) -> None:
    assert face.box.iou(ASTRONAUT_FACE) > 0.6
    assert face.confidence > 0.7
    assert face.landmarks.shape == (478, 3)
    assert face.landmarks.dtype == np.float32


def test_landmarks_lie_in_the_order_of_a_face(face: FaceObservation) -> None:
    points = face.landmarks
    assert (
        points[FOREHEAD, 1]
        < points[EYE_CORNERS[0], 1]
        < points[NOSE_TIP, 1]
        < points[UPPER_LIP, 1]
        < points[CHIN, 1]
    )
    assert points[EYE_CORNERS[0], 0] < points[NOSE_TIP, 0] < points[EYE_CORNERS[1], 0]
    assert points[33, 0] < points[468, 0] < points[133, 0]
    assert points[362, 0] < points[473, 0] < points[263, 0]
    assert points[NOSE_TIP, 2] < points[EYE_CORNERS[0], 2]


def test_the_astronaut_smiles_into_the_camera(face: FaceObservation) -> None:
    yaw, pitch, roll = face.controls.angles_deg
    assert abs(yaw) < 25
    assert abs(pitch) < 25
    assert abs(roll) < 15
    assert all(0 <= value <= 1 for value in face.controls.values[3:])


@pytest.mark.parametrize("degrees", [-45, -30, 30, 45])
def test_a_tilted_head_is_read_with_its_tilt(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8], face: FaceObservation, degrees: float
) -> None:
    image, matrix = turned(astronaut, degrees)
    faces = tracker.detect(image)
    assert len(faces) == 1
    expected = face.landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    apart = np.linalg.norm(faces[0].landmarks[:, :2] - expected, axis=1).mean()
    assert apart < 0.06 * eye_distance(face.landmarks)
    assert faces[0].controls["roll"] == pytest.approx(face.controls["roll"] - degrees, abs=4)
    assert faces[0].controls["yaw"] == pytest.approx(face.controls["yaw"], abs=5)


@pytest.mark.parametrize("pixels", [64, 110])
def test_a_small_face_is_found(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8], face: FaceObservation, pixels: int
) -> None:
    factor = pixels / max(face.box.width, face.box.height)
    size = round(512 * factor)
    small = cv2.resize(astronaut, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8)
    faces = tracker.detect(small)
    assert len(faces) == 1
    apart = np.linalg.norm(
        faces[0].landmarks[:, :2] / (size / 512) - face.landmarks[:, :2], axis=1
    ).mean()
    assert apart < 0.06 * eye_distance(face.landmarks)


def test_a_small_face_is_found_in_a_large_picture(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8]
) -> None:
    large = np.full((2400, 3200, 3), 118, np.uint8)
    small = cv2.resize(astronaut, (340, 340), interpolation=cv2.INTER_AREA)
    large[1500:1840, 2100:2440] = small
    faces = tracker.detect(large)
    assert len(faces) == 1
    x, y = faces[0].box.centre
    assert (x - 2100, y - 1500) == pytest.approx(
        tuple(c * 340 / 512 for c in ASTRONAUT_FACE.centre), abs=12
    )


def test_a_face_that_fills_the_picture_is_found(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8]
) -> None:
    close = cv2.resize(
        astronaut[50:195, 150:295], (900, 900), interpolation=cv2.INTER_CUBIC
    ).astype(np.uint8)
    faces = tracker.detect(close)
    assert len(faces) == 1
    assert faces[0].box.height > 420


def test_several_people_are_found_largest_first(tracker: BuiltinTracker) -> None:
    faces = tracker.detect(picture_of("feat", "tests", "data", "multi_face.jpg"))
    assert len(faces) >= 4
    areas = [face.box.width * face.box.height for face in faces]
    assert areas == sorted(areas, reverse=True)


@pytest.mark.parametrize("name", ["coffee.png", "brick.png"])
def test_pictures_without_faces_have_none(tracker: BuiltinTracker, name: str) -> None:
    assert tracker.detect(picture_of("skimage", "data", name)) == ()


def test_a_blank_picture_has_no_face(tracker: BuiltinTracker) -> None:
    assert tracker.detect(np.full((300, 400, 3), 128, np.uint8)) == ()


@pytest.mark.parametrize("shape", [(1, 1), (9, 300), (40, 40)])
def test_tiny_pictures_are_read_without_complaint(
    tracker: BuiltinTracker, shape: tuple[int, int]
) -> None:
    assert tracker.detect(np.zeros((*shape, 3), np.uint8)) == ()


def test_the_refiner_is_told_small_angles_of_a_head_that_is_upside_down(
    astronaut: NDArray[np.uint8], face: FaceObservation, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = BuiltinTracker()
    told: list[np.ndarray] = []
    refine = own.refiner.forward

    def forward(pictures: Tensor, points: Tensor, angles: Tensor) -> Any:
        told.append(angles.numpy() * ANGLE_UNIT_DEG)
        return refine(pictures, points, angles)

    monkeypatch.setattr(own.refiner, "forward", forward)
    x, y = ASTRONAUT_FACE.centre
    landmarks = (face.landmarks * (-1, -1, 1) + (2 * x, 2 * y, 0)).astype(np.float32)
    turn = face.controls["roll"] + 180
    for roll in (turn, turn - 360):
        over = replace(
            face, landmarks=landmarks, controls=face.controls.with_channels({"roll": roll})
        )
        own.look_closer(np.ascontiguousarray(astronaut[::-1, ::-1]), [over])
    assert np.abs(told[0][0, 2]) < 30
    assert told[0] == pytest.approx(told[1], abs=1e-3)


def test_a_drawn_box_is_enough(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8], face: FaceObservation
) -> None:
    observed = tracker.observe(astronaut, Box(150, 40, 300, 200))
    assert observed.box.iou(face.box) > 0.8


def test_a_drawn_box_may_hold_a_tilted_face(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8]
) -> None:
    image, _ = turned(astronaut, 50)
    observed = tracker.observe(image, Box(180, 180, 332, 332))
    assert observed.controls["roll"] == pytest.approx(-50, abs=15)


def test_a_box_without_a_face_says_what_to_do(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8]
) -> None:
    with pytest.raises(NoFaceError, match="Draw it around one face"):
        tracker.observe(np.full_like(astronaut, 90), Box(10, 10, 200, 200))


def test_following_keeps_a_moving_face(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8], face: FaceObservation
) -> None:
    now: FaceObservation | None = face
    for step in range(1, 5):
        frame = np.roll(astronaut, (3 * step, 5 * step), (0, 1))
        now = tracker.follow(frame, now) if now else None
    assert now is not None
    moved = now.landmarks[:, :2].mean(0) - face.landmarks[:, :2].mean(0)
    assert tuple(moved) == pytest.approx((20, 12), abs=2.5)


def test_a_face_that_leaves_is_lost(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8], face: FaceObservation
) -> None:
    assert tracker.follow(np.full_like(astronaut, 100), face) is None


def test_a_reading_is_trusted_the_less_the_farther_the_head_turns_away() -> None:
    yaws = [trusted(np.array([yaw, 0.0, 0.0])) for yaw in (0, 20, 35, 50, 65)]
    assert yaws[:2] == [1, 1]
    assert (np.diff(yaws[1:]) < 0).all()
    assert yaws[-1] < 0.5
    for angles in ((-50.0, 0, 0), (0, 50, 0), (50, 0, 30), (50, 0, 180)):
        assert trusted(np.array(angles, float)) == pytest.approx(yaws[3], abs=1e-6)


def test_the_same_picture_is_read_the_same_way(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8], face: FaceObservation
) -> None:
    again = tracker.detect(astronaut)[0]
    assert np.array_equal(again.landmarks, face.landmarks)
    assert again.controls == face.controls


def test_a_crop_is_averaged_when_it_is_reduced(astronaut: NDArray[np.uint8]) -> None:
    crop = Similarity.crop(centre=(255.5, 255.5), side=512, roll_deg=0, size=64)
    small = sample_crop(astronaut, crop, 64).astype(int)
    whole = cv2.resize(astronaut, (64, 64), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small - whole)[2:-2, 2:-2].mean() < 1.5


def test_missing_weights_are_named(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    with pytest.raises(ModelFileError, match=r"detector\.safetensors"):
        BuiltinTracker(models=tmp_path).detect(astronaut)


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    (tmp_path / DETECTOR_FILE).write_bytes((models_dir() / DETECTOR_FILE).read_bytes())
    (tmp_path / LANDMARKS_FILE).write_bytes((models_dir() / LANDMARKS_FILE).read_bytes()[:5000])
    with pytest.raises(ModelFileError, match=r"landmarks\.safetensors"):
        BuiltinTracker(models=tmp_path).load()


def test_a_picture_of_another_kind_is_refused(tracker: BuiltinTracker) -> None:
    with pytest.raises(ValueError, match="RGB"):
        tracker.detect(np.zeros((10, 10, 4), np.uint8))


def test_a_crop_of_a_picture_wider_than_opencv_warps_is_cut() -> None:
    wide = np.zeros((40, 33_000, 3), np.uint8)
    wide[:, 32_900:32_940] = 200
    crop = sample_crop(wide, Similarity((1, 0, -32_900, 0, 1, 0)), 40)
    assert (crop == 200).all()


def test_the_version_stands_for_the_weights(tmp_path: Path) -> None:
    shipped = BuiltinTracker().version
    assert BuiltinTracker().version == shipped
    for path in models_dir().glob("*.safetensors"):
        shutil.copy(path, tmp_path)
    stored = load_model(tmp_path / "refiner.safetensors", kind="icface.refiner")
    other = {
        name: value + 1e-3 if value.is_floating_point() else value
        for name, value in stored.state.items()
    }
    save_model(
        tmp_path / "refiner.safetensors", kind="icface.refiner", config=stored.config, state=other
    )
    assert BuiltinTracker(models=tmp_path).version != shipped
