"""The predictor on a real portrait, with the shipped weights."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from icface.arrays import U8
from icface.face.geometry import Box, Similarity
from icface.face.observation import FaceObservation, NoFaceError
from icface.face.selectors import apply_deltas
from icface.model.device import Device
from icface.model.face.encode import SourceEncoding, one_face
from icface.model.face.pose import FacePrediction
from icface.model.mouth.paint_limits import hues_of, in_own_hues
from icface.model.networks.animator import Animator
from icface.model.networks.neutralizer import GRID, WINDOW, Neutralizer, Part
from icface.model.networks.painter import Painter
from icface.model.networks.weights import models_dir
from icface.model.surface.crops import sample_crop
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor
from icface.tracking.builtin import BuiltinTracker
from tests.tiny_networks import tiny_face_predictor


@pytest.fixture(scope="module")
def predictor() -> FacePredictor:
    return FacePredictor.load("cpu")


@pytest.fixture(scope="module")
def face(astronaut_path: object) -> FaceObservation:
    from PIL import Image

    return BuiltinTracker().detect(np.array(Image.open(str(astronaut_path)).convert("RGB")))[0]


@pytest.fixture
def encoding(predictor: FacePredictor, astronaut: U8, face: FaceObservation) -> SourceEncoding:
    return predictor.encode(astronaut, face)


def edited(predictor: FacePredictor, image: U8, encoding: SourceEncoding, **deltas: float) -> U8:
    wanted = apply_deltas(encoding.controls, deltas)
    return composite(image, encoding, predictor.predict(encoding, wanted))


def region(face: FaceObservation, points: list[int], pad: int = 6) -> tuple[slice, slice]:
    where = face.landmarks[points, :2]
    left, top = np.floor(where.min(0)).astype(int) - pad
    right, bottom = np.ceil(where.max(0)).astype(int) + pad
    return slice(top, bottom), slice(left, right)


LEFT_EYE, RIGHT_EYE = [263, 362, 386, 374], [33, 133, 159, 145]


def test_the_sources_own_controls_return_the_source_byte_for_byte(
    predictor: FacePredictor, astronaut: U8, encoding: SourceEncoding
) -> None:
    assert predictor.predict(encoding, encoding.controls).layers == ()
    assert (
        composite(astronaut, encoding, predictor.predict(encoding, encoding.controls)) is astronaut
    )


def test_the_background_stays_while_the_head_turns(
    predictor: FacePredictor, astronaut: U8, encoding: SourceEncoding
) -> None:
    result = edited(predictor, astronaut, encoding, yaw=30.0, roll=12.0)
    change = np.abs(result.astype(int) - astronaut).max(2)
    assert change[:150, 330:].max() == 0  # the shuttle
    assert change[60:140, 190:260].max() > 30


def test_pixels_outside_the_crop_are_never_touched(
    predictor: FacePredictor, astronaut: U8, encoding: SourceEncoding
) -> None:
    result = edited(predictor, astronaut, encoding, AU1L=1.0, AU27=0.8)
    ys, xs = np.mgrid[: astronaut.shape[0], : astronaut.shape[1]]
    grid = encoding.crop_from_image.points(np.stack([xs.ravel(), ys.ravel()], 1).astype(np.float64))
    outside = ((grid < -0.5) | (grid > GRID - 0.5)).any(1).reshape(xs.shape)
    assert outside.any()
    assert (result[outside] == astronaut[outside]).all()
    assert (result != astronaut).any()


def test_a_wink_closes_one_eye_and_leaves_the_other(
    predictor: FacePredictor, astronaut: U8, encoding: SourceEncoding, face: FaceObservation
) -> None:
    result = edited(predictor, astronaut, encoding, AU43L=1.0)
    change = np.abs(result.astype(int) - astronaut).mean(2)
    assert change[region(face, LEFT_EYE, 0)].mean() > 8
    assert change[region(face, RIGHT_EYE, 0)].max() <= 1


def test_small_edits_make_small_changes(
    predictor: FacePredictor, astronaut: U8, encoding: SourceEncoding
) -> None:
    """Nothing jumps when a slider leaves its place."""
    change = [
        np.abs(edited(predictor, astronaut, encoding, yaw=yaw).astype(int) - astronaut).mean()
        for yaw in (0.05, 0.5, 5.0)
    ]
    assert change[0] < 0.1 * change[2]
    assert change == sorted(change)


def test_a_face_is_encoded_in_steps_between_which_others_may_have_a_turn(
    predictor: FacePredictor, astronaut: U8, encoding: SourceEncoding, face: FaceObservation
) -> None:
    steps = predictor.encoding(astronaut, face)
    next(steps)
    predictor.predict(
        encoding, apply_deltas(encoding.controls, {"yaw": 9.0})
    )  # a preview comes between
    with pytest.raises(StopIteration) as end:
        next(steps)
    made = end.value.value
    assert (
        edited(predictor, astronaut, made, AU26=0.5)
        == edited(predictor, astronaut, encoding, AU26=0.5)
    ).all()


def skin_flow(prediction: FacePrediction) -> NDArray[np.float32]:
    """The flow of the skin in a prediction that moves something."""
    assert prediction.skin is not None
    return prediction.skin.flow


def test_the_flow_of_an_encoding_does_not_depend_on_what_was_asked_before(
    predictor: FacePredictor, encoding: SourceEncoding
) -> None:
    wanted = apply_deltas(encoding.controls, {"yaw": 10.0, "AU12L": 0.5})
    first = skin_flow(predictor.predict(encoding, wanted))
    predictor.predict(encoding, apply_deltas(encoding.controls, {"AU26": 1.0}))
    again = skin_flow(predictor.predict(encoding, wanted))
    assert (first == again).all()


@pytest.mark.parametrize("tilt", [-30.0, 30.0])
@pytest.mark.parametrize("edit", [{"yaw": 20.0}, {"pitch": 12.0}, {"roll": 10.0}])
def test_a_tilted_photo_is_turned_as_an_upright_one(
    predictor: FacePredictor,
    astronaut: U8,
    face: FaceObservation,
    edit: dict[str, float],
    tilt: float,
) -> None:
    x, y = face.box.centre
    tilted = Similarity.crop(
        centre=(x, y), side=512.0, roll_deg=tilt, size=512
    )  # counter-clockwise by the tilt
    landmarks = tilted.points(face.landmarks).astype(np.float32)
    controls = face.controls.with_channels({"roll": face.controls["roll"] + tilt})
    whole = replace(face, landmarks=landmarks, controls=controls, box=Box.around(landmarks))
    made = []
    for image, seen in ((astronaut, face), (sample_crop(astronaut, tilted, 512), whole)):
        encoding = predictor.encode(image, seen)
        made.append(skin_flow(predictor.predict(encoding, apply_deltas(seen.controls, edit))))
    assert np.median(np.linalg.norm(made[0], axis=2)[100:180, 100:156]) > 5
    assert np.median(np.linalg.norm(made[1] - made[0], axis=2)[100:180, 100:156]) < 1


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("quality", ["draft", "full"])
def test_depth_and_channels_of_the_photo_are_kept(
    predictor: FacePredictor,
    astronaut: U8,
    encoding: SourceEncoding,
    depth: type,
    channels: int,
    quality: str,
) -> None:
    alpha = np.full((*astronaut.shape[:2], channels - 3), 255, np.uint8)
    photo = np.concatenate([astronaut, alpha], 2).astype(depth) * (257 if depth is np.uint16 else 1)
    wanted = apply_deltas(encoding.controls, {"AU27": 0.7, "yaw": 8.0})
    result = composite(photo, encoding, predictor.predict(encoding, wanted), quality=quality)  # type: ignore[arg-type]
    assert result.dtype == depth
    assert result.shape == photo.shape
    if channels == 4:
        assert (result[..., 3] == np.iinfo(depth).max).all()


def test_a_face_at_the_edge_of_the_photo_is_edited_too(
    predictor: FacePredictor, astronaut: U8, face: FaceObservation
) -> None:
    left, top = int(face.box.left) + 10, int(face.box.top) + 10
    cut = np.ascontiguousarray(astronaut[top:, left:])
    landmarks = face.landmarks - np.array([left, top, 0], np.float32)
    moved = FaceObservation(Box.around(landmarks), landmarks, face.controls, face.confidence)
    encoding = predictor.encode(cut, moved)
    assert (edited(predictor, cut, encoding, AU12L=0.8, AU12R=0.8) != cut).any()


def shipped_networks() -> tuple[Neutralizer, Animator, Painter]:
    where = models_dir()
    return (
        Neutralizer.from_file(where / "neutralizer.safetensors"),
        Animator.from_file(where / "animator.safetensors"),
        Painter.from_file(where / "painter.safetensors"),
    )


class Blinkered(torch.nn.Module):
    """Takes a square in the middle of the window for face, and all else for background."""

    def __init__(self, network: torch.nn.Module, side: int) -> None:
        super().__init__()
        self.network, self.side = network, side

    def forward(self, image: torch.Tensor, landmarks: torch.Tensor) -> object:
        surface = self.network(image, landmarks)
        size = surface.logits.shape[-1]
        first = (size - self.side) // 2
        scores = torch.zeros_like(surface.logits)
        scores[:, Part.BACKGROUND] = 1
        square = slice(first, first + self.side)
        scores[:, Part.BACKGROUND, square, square], scores[:, Part.SKIN, square, square] = 0, 1
        return replace(surface, logits=scores)


def test_a_crop_in_which_less_than_a_fiftieth_is_face_is_refused(
    astronaut: U8, face: FaceObservation
) -> None:
    neutralizer, animator, painter = shipped_networks()
    least = math.ceil(math.sqrt(0.02) * WINDOW)
    for side in (0, least - 1):
        predictor = FacePredictor(Blinkered(neutralizer, side), animator, painter)  # type: ignore[arg-type]
        with pytest.raises(NoFaceError, match="draw a box"):
            predictor.encode(astronaut, face)
    seen = FacePredictor(Blinkered(neutralizer, least), animator, painter).encode(astronaut, face)  # type: ignore[arg-type]
    assert len(seen.mesh.source) > 0


def test_only_the_largest_face_of_a_crop_is_moved() -> None:
    part = np.zeros((40, 40), np.int64)
    part[2:20, 2:20] = Part.SKIN
    part[8, 8] = Part.BACKGROUND
    part[30:35, 30:35] = Part.SKIN
    largest = one_face(part)
    assert largest[8, 8] == Part.SKIN
    assert not largest[30:35, 30:35].any()


class Overflowing(torch.nn.Module):
    """Lets a network answer with infinities as long as it is in half precision."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor, landmarks: torch.Tensor) -> object:
        if image.dtype is torch.float16:
            surface = self.network.float()(image.float(), landmarks)
            surface.head[0, 0, 0, 0] = float("inf")
            return surface
        return self.network(image, landmarks)


def test_half_precision_that_overflows_falls_back_and_says_so(
    astronaut: U8, face: FaceObservation
) -> None:
    neutralizer, animator, painter = shipped_networks()
    half = Device(torch.device("cpu"), torch.float16)
    predictor = FacePredictor(Overflowing(neutralizer), animator, painter, half)  # type: ignore[arg-type]
    predictor.encode(astronaut, face)
    assert any("float32" in notice for notice in predictor.drain_notices())
    assert predictor.drain_notices() == []


class Exhausted(torch.nn.Module):
    """Runs out of memory once."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network, self.failed = network, False

    def forward(self, image: torch.Tensor, landmarks: torch.Tensor) -> object:
        if not self.failed:
            self.failed = True
            raise torch.OutOfMemoryError
        return self.network(image, landmarks)


def test_running_out_of_memory_continues_on_the_cpu_with_a_notice(
    astronaut: U8, face: FaceObservation
) -> None:
    neutralizer, animator, painter = shipped_networks()
    predictor = FacePredictor(Exhausted(neutralizer), animator, painter)  # type: ignore[arg-type]
    assert predictor.encode(astronaut, face).mesh.source.shape[1] == 2
    assert any("ran out of memory" in notice for notice in predictor.drain_notices())


def test_an_unknown_or_absent_device_is_refused() -> None:
    with pytest.raises(ValueError, match="Unknown device"):
        FacePredictor.load("quantum")


def test_a_tiny_predictor_moves_pixels(astronaut: U8, face: FaceObservation) -> None:
    tiny = tiny_face_predictor()
    encoding = tiny.encode(astronaut, face)
    assert (edited(tiny, astronaut, encoding, yaw=10.0) != astronaut).any()


def test_a_photo_without_colour_gets_paint_without_colour(
    predictor: FacePredictor, astronaut: U8, face: FaceObservation
) -> None:
    grey = np.repeat(astronaut.mean(2, keepdims=True).astype(np.uint8), 3, 2)
    encoding = predictor.encode(grey, face)
    result = edited(predictor, grey, encoding, AU27=0.8).astype(int)
    assert np.ptp(result[region(face, [13, 14, 61, 291], 0)], axis=2).max() <= 2


def test_paint_keeps_to_the_hues_of_the_photo() -> None:
    rng = np.random.default_rng(0)
    paint = rng.normal(0, 0.2, (8, 8, 3)).astype(np.float32)
    grey = np.full((8, 8, 3), 166, np.uint8)
    painted = grey / 255 + in_own_hues(paint, seen(grey), hues_of(grey))
    assert np.ptp(painted, axis=2).max() < 1e-6
    colourful = rng.integers(0, 256, (8, 8, 3), np.uint8)
    within = np.zeros((8, 8, 3), np.float32)
    within[2:6, 2:6] = 0.1
    assert in_own_hues(within, seen(colourful) * 0.2, hues_of(colourful)) == pytest.approx(
        within, abs=1e-6
    )
    skin = np.full((8, 8, 3), (204, 153, 128), np.uint8)
    blue = np.broadcast_to(np.array([-0.2, 0.0, 0.4], np.float32), (8, 8, 3))
    painted = skin / 255 + in_own_hues(blue, seen(skin), hues_of(skin))
    assert (painted[..., 2] - painted.mean(2)).max() < 0.02  # 0.2 without
    assert painted.mean() == pytest.approx((skin / 255 + blue).mean(), abs=0.05)


def seen(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) as (3, H, W), in the painter's units but with black as 0."""
    return (picture.transpose(2, 0, 1) * (2 / 255)).astype(np.float32)


def test_paint_leaves_the_mouth_alone_when_only_eyes_and_brows_move(
    predictor: FacePredictor, astronaut: U8, encoding: SourceEncoding
) -> None:
    wink = predictor.predict(encoding, apply_deltas(encoding.controls, {"AU43L": 1.0, "AU4R": 0.5}))
    assert len(wink.patches) == 1  # that eye's lid
    mouth = encoding.mouth.anchor.frame(encoding.mesh.pivot.numpy(), np.eye(3), 0.0)
    for patch in wink.patches:
        assert (
            mouth.points(patch.patch_from_grid.inverse().points(np.array([[31.5, 31.5]])))[0, 1] < 0
        )
    opened = predictor.predict(encoding, apply_deltas(encoding.controls, {"AU27": 1.0}))
    assert opened.patches[0].mask.max() > 0.5


def test_paint_fades_in(predictor: FacePredictor, encoding: SourceEncoding) -> None:
    painted = [
        predictor.predict(encoding, apply_deltas(encoding.controls, {"AU27": v})).patches
        for v in (0.01, 0.05, 0.3)
    ]
    masks = [max((patch.mask.max() for patch in patches), default=0.0) for patches in painted]
    assert masks == sorted(masks)
    assert masks[0] < 0.15


def test_a_smile_needs_neither_lids_nor_background(
    predictor: FacePredictor, astronaut: U8, face: FaceObservation, encoding: SourceEncoding
) -> None:
    less = predictor.encode(astronaut, face, turns=False, lids=False)
    wanted = apply_deltas(encoding.controls, {"AU12L": -0.5, "AU12R": -0.5, "AU26": 0.3})
    whole = composite(astronaut, encoding, predictor.predict(encoding, wanted))
    quick = composite(astronaut, less, predictor.predict(less, wanted))
    assert (whole == quick).all()
    assert (whole != astronaut).any()
