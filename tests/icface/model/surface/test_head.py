"""The head around a face: it turns, keeps its outline, folds nowhere, and ends with the crop."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from icface.arrays import F32
from icface.evaluation.looks.flow_steps import MANY_PX, flow_steps_px
from icface.face.geometry import rotation_matrix
from icface.face.selectors import apply_deltas, expand_control
from icface.model.face.encode import SourceEncoding
from icface.model.face.pose import FacePrediction
from icface.model.networks.neutralizer import GRID
from icface.model.surface.head import CROP, PAD, Head, with_head
from icface.model.surface.layers import FlowLayer, flow_layer
from icface.model.surface.mesh import SurfaceMesh
from icface.rendering.predictor import FacePredictor
from icface.tracking.builtin import BuiltinTracker

PX_PER_CM = 8.0
MIDDLE = (GRID - 1) / 2
TURNS = [
    (25, 0, 0),
    (-25, 0, 0),
    (30, 0, 0),
    (0, 15, 0),
    (0, -15, 0),
    (0, 0, 20),
    (20, 10, 10),
    (-20, -10, -10),
]


def mesh_of(*, half: tuple[float, float] = (60.0, 68.0), seed: int | None = None) -> SurfaceMesh:
    """The front of an egg in the middle of the crop, without expressions; ragged with a seed."""
    ys, xs = np.mgrid[:GRID, :GRID]
    height = 1 - ((xs - MIDDLE) / half[0]) ** 2 - ((ys - MIDDLE) / half[1]) ** 2
    ys, xs = np.nonzero(height > 0.03)
    depth = 80 * np.sqrt(height[ys, xs])
    if seed is not None:
        depth += np.random.default_rng(seed).normal(0, 8, len(depth))
    nothing = torch.zeros((0, 4), dtype=torch.long)
    return SurfaceMesh(
        source=torch.tensor(np.column_stack([xs, ys]), dtype=torch.float32),
        camera=torch.tensor(
            np.column_stack([xs - MIDDLE, MIDDLE - ys, depth]), dtype=torch.float32
        ),
        basis=torch.zeros(53, 3, len(xs)),
        quads=nothing,
        layer=nothing[:, 0],
        seams=nothing,
        pivot=torch.tensor([MIDDLE, MIDDLE]),
        pixels_per_cm=PX_PER_CM,
    )


@pytest.fixture(scope="module")
def head() -> Head:
    found = with_head(mesh_of())[1]
    assert found is not None
    return found


def determinant(flow: F32) -> F32:
    """Source area per pixel; not above 0 where the picture is folded over."""
    right, down = np.diff(flow, axis=1)[:-1], np.diff(flow, axis=0)[:, :-1]
    area: F32 = (1 + right[..., 0]) * (1 + down[..., 1]) - right[..., 1] * down[..., 0]
    return area


def test_a_head_that_is_not_turned_leaves_no_flow(head: Head) -> None:
    assert not head.flow(np.eye(3)).any()


@pytest.mark.parametrize("angles", TURNS)
def test_the_flow_ends_at_the_border_and_folds_nowhere(
    head: Head, angles: tuple[float, float, float]
) -> None:
    flow = head.flow(rotation_matrix(*angles))
    assert np.abs(flow).max() > 5
    assert not np.concatenate([flow[0], flow[-1], flow[:, 0], flow[:, -1]]).any()
    assert determinant(flow).min() > 0


@pytest.mark.parametrize("yaw", [10, 25])
def test_left_and_right_are_alike(head: Head, yaw: float) -> None:
    right, left = head.flow(rotation_matrix(yaw, 0, 0)), head.flow(rotation_matrix(-yaw, 0, 0))
    assert np.abs(right - left[:, ::-1] * (-1, 1)).max() < 0.05


def test_the_outline_stays_while_the_face_turns(head: Head) -> None:
    flow = head.flow(rotation_matrix(25, 0, 0))[CROP]
    outline = round(MIDDLE + 60 + 3 * PX_PER_CM)
    assert flow[GRID // 2, GRID // 2, 0] < -25
    assert abs(flow[GRID // 2, outline, 0]) < 8
    assert abs(flow[GRID // 2, GRID - 1 - outline, 0]) < 8


def test_a_turn_uncovers_one_side_of_the_head_and_hides_the_other(
    head: Head,
) -> None:
    shown = determinant(head.flow(rotation_matrix(20, 0, 0))[CROP])[GRID // 2]
    beside = round(MIDDLE - 62), round(MIDDLE + 68)
    assert shown[beside[0]] < 0.95  # the near side is stretched
    assert shown[beside[1]] > 1.05


def test_hair_above_the_forehead_rolls_with_the_head(head: Head) -> None:
    flow, above = head.flow(rotation_matrix(0, 0, 12))[CROP], round(MIDDLE - 75)
    back = rotation_matrix(0, 0, -12)[:2, :2] @ np.array([0.0, MIDDLE - above]) - np.array(
        [0.0, MIDDLE - above]
    )
    assert flow[above, round(MIDDLE)] == pytest.approx(back * (1, -1), abs=1.5)


@pytest.fixture(scope="module")
def cut_out() -> Head:
    found = with_head(mesh_of(), cut_out=True)[1]
    assert found is not None
    return found


@pytest.mark.parametrize("angles", TURNS)
def test_a_head_that_is_cut_out_folds_nowhere_and_ends_beyond_the_crop(
    cut_out: Head, angles: tuple[float, float, float]
) -> None:
    flow = cut_out.flow(rotation_matrix(*angles))
    assert not np.concatenate([flow[0], flow[-1], flow[:, 0], flow[:, -1]]).any()
    assert np.abs(flow[CROP][0]).max() > 1
    assert determinant(flow).min() > 0


def test_wide_hair_of_a_head_that_is_cut_out_rolls_with_the_skull(cut_out: Head) -> None:
    flow = cut_out.flow(rotation_matrix(0, 0, 12))
    place = np.array([MIDDLE - 100, MIDDLE - 60])
    out = (place - MIDDLE) * (1, -1)
    back = (rotation_matrix(0, 0, -12)[:2, :2] @ out - out) * (1, -1)
    column, row = np.round(place).astype(int) + PAD
    assert flow[row, column] == pytest.approx(back, abs=2)


def test_shoulders_of_a_head_that_is_cut_out_stay(cut_out: Head) -> None:
    flow = cut_out.flow(rotation_matrix(20, 0, 0))
    assert np.abs(flow[round(MIDDLE) + PAD + 165]).max() < 0.5


def test_a_slow_turn_goes_smoothly(head: Head) -> None:
    flows = [head.flow(rotation_matrix(yaw, 0, 0)) for yaw in np.arange(-30, 30.5, 0.5)]
    steps = [float(np.abs(b - a).max()) for a, b in pairwise(flows)]
    assert max(steps) < 1.5


def test_a_ragged_rim_is_laid_on_the_body_and_the_face_stays() -> None:
    rough = mesh_of(seed=1)
    mesh, _ = with_head(rough)
    change = (mesh.camera - rough.camera).abs()
    distance = (mesh.source - MIDDLE) / torch.tensor([60.0, 68.0])
    inner, outer = distance.norm(dim=1) < 0.8, distance.norm(dim=1) > 0.96
    assert change[:, :2].max() == 0
    assert change[inner].max() == 0
    assert mesh.camera[outer, 2].std() < 0.7 * rough.camera[outer, 2].std()


def test_a_face_of_a_few_pixels_has_no_head() -> None:
    small = mesh_of(half=(2.0, 2.0))
    mesh, head = with_head(small)
    assert head is None
    assert mesh is small


@pytest.fixture(scope="module")
def predictor() -> FacePredictor:
    return FacePredictor.load("cpu")


@pytest.fixture(scope="module")
def encoding(predictor: FacePredictor, astronaut_path: object) -> SourceEncoding:
    photo = np.array(Image.open(str(astronaut_path)).convert("RGB"))
    return predictor.encode(photo, BuiltinTracker().detect(photo)[0])


def skin_of(prediction: FacePrediction) -> FlowLayer:
    """The layer of skin of a prediction that moves something."""
    assert prediction.skin is not None
    return prediction.skin


def covered(prediction: FacePrediction) -> NDArray[np.bool_]:
    """(GRID, GRID) bool: the pixels on and beside skin that has folded over other skin."""
    folds = flow_layer(prediction.layers, "folds")
    if folds is None or folds.coverage is None:
        return np.zeros((GRID, GRID), bool)
    return folds.coverage > 0


@pytest.mark.parametrize("angles", TURNS)
def test_a_portrait_is_hardly_folded_by_a_turn(
    predictor: FacePredictor, encoding: SourceEncoding, angles: tuple[float, float, float]
) -> None:
    wanted = apply_deltas(
        encoding.controls, dict(zip(("yaw", "pitch", "roll"), angles, strict=True))
    )
    prediction = predictor.predict(encoding, wanted)
    folded = determinant(skin_of(prediction).flow) <= 0
    assert (folded & ~covered(prediction)[1:, 1:]).mean() < 3e-4  # without a head up to 2e-3


@pytest.mark.parametrize(
    "edit",
    [
        {"AU9": 1.0, "AU10": 1.0},
        {"AU4": 1.0},
        {"AU28": 1.0},
        {"AU15": 1.0, "AU17": 1.0},
        {"AU22": 1.0},
        {"AU27": 0.8},
        {"yaw": 20.0},
        {"yaw": -20.0, "AU12": 1.0},
        {"pitch": 15.0},
    ],
    ids=str,
)
def test_no_edit_leaves_a_visible_step_in_the_skin(
    predictor: FacePredictor, encoding: SourceEncoding, edit: dict[str, float]
) -> None:
    wanted = apply_deltas(
        encoding.controls, {one: v for name, v in edit.items() for one in expand_control(name)}
    )
    assert flow_steps_px(predictor.predict(encoding, wanted)) <= MANY_PX


def test_an_expression_leaves_the_head_alone(
    predictor: FacePredictor, encoding: SourceEncoding
) -> None:
    smile = apply_deltas(encoding.controls, {"AU12L": 0.8, "AU12R": 0.8, "AU26": 0.5})
    made, without_head = (
        skin_of(predictor.predict(e, smile)) for e in (encoding, replace(encoding, head=None))
    )
    assert (made.flow == without_head.flow).all()


def test_the_pixels_of_the_face_do_not_depend_on_its_head(
    predictor: FacePredictor, encoding: SourceEncoding
) -> None:
    wanted = apply_deltas(encoding.controls, {"yaw": 20.0, "pitch": -5.0, "roll": 8.0})
    predictions = [predictor.predict(e, wanted) for e in (encoding, replace(encoding, head=None))]
    made, without_head = map(skin_of, predictions)
    assert made.known is not None
    inner = cv2.erode(made.known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    inner &= ~(covered(predictions[0]) | covered(predictions[1]))
    assert np.abs(made.flow - without_head.flow)[inner].max() < 1e-3
