"""Training of the built-in tracker's refiner: it has the product's crops, and it learns."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from icface.face.controls import ANGLE_UNIT_DEG, CHANNELS, EXPRESSIONS
from icface.face.geometry import face_crop
from icface.model.networks.tracker_nets import (
    FEATURE_POINTS,
    REFINE_MARGIN,
    RefinerNet,
    RefinerOutput,
)
from icface.tracking.builtin import BuiltinTracker
from icface.tracking.reading import without_hidden_gaze
from icface.training.rig.rig import MIRROR
from icface.training.tracker.augment import photometric
from icface.training.tracker.calibrate import Calibration, calibration
from icface.training.tracker.data import LabelledImages
from icface.training.tracker.losses import RefinerLoss
from icface.training.tracker.refiner import RefinerSampler, crop_of
from icface.training.tracker.states import JUDGED, spread_expression, varied_expression
from tests.icface.training.synthetic_rig import write_tracker_data


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tracker_data(tmp_path_factory.mktemp("tracker"), rounds=3) / "cache"


def test_renders_of_both_splits_are_kept_with_their_labels(cache: Path) -> None:
    train, val = (LabelledImages.load(cache, f"{split}_renders") for split in ("train", "val"))
    assert (len(train), len(val)) == (4 * 18, 2 * 6)
    assert set(train.person).isdisjoint(val.person)
    assert np.ptp(train.controls[:, 0]) > 5
    assert len(LabelledImages.load(cache, "val_sweeps")) == 2 * 4


def test_crops_in_training_are_those_of_the_product() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(0, 30, (3, 478, 2)).astype(np.float32)
    linear, centre, turn_deg = crop_of(torch.from_numpy(points), 128)
    for n in range(3):
        there = face_crop(points[n], 128, margin=REFINE_MARGIN)
        assert linear[n].numpy() == pytest.approx(there.matrix[:, :2], abs=1e-5)
        assert there.points(centre[n].numpy()[None].astype(np.float64))[0] == pytest.approx(
            [63.5, 63.5], abs=1e-3
        )
        assert float(turn_deg[n]) == pytest.approx(there.turn_deg, abs=1e-4)


def test_a_batch_is_read_as_the_first_reading_errs(cache: Path) -> None:
    sampler = RefinerSampler(cache, 64, seed=1)
    batch = sampler.batch(6)
    assert batch.pictures.shape == (6, 1, 64, 64)
    error = (batch.first - batch.points).norm(dim=2).mean()
    assert 0 < float(error) < 0.5
    # the crop is framed by the first reading: it lies in the middle, as large as the margin says
    extent = (batch.first[:, :468].amax(1) - batch.first[:, :468].amin(1)).amax(1)
    assert extent.numpy() == pytest.approx(1 / REFINE_MARGIN, abs=1e-4)
    wrong = (batch.first_angles - batch.controls[:, :3]).abs() * ANGLE_UNIT_DEG
    assert 0 < float(wrong[:, :2].max()) < 90
    assert float(wrong[:, 2].max()) < 190


class Knowing(torch.nn.Module):
    """Answers with the truth."""

    def __init__(self, output: RefinerOutput) -> None:
        super().__init__()
        self.output = output

    def forward(
        self, crop: torch.Tensor, points: torch.Tensor, angles: torch.Tensor
    ) -> RefinerOutput:
        return self.output


def test_the_truth_costs_nothing(cache: Path) -> None:
    batch = RefinerSampler(cache, 64, seed=1).batch(4)
    knowing = Knowing(RefinerOutput((batch.points, batch.points), batch.controls))
    assert float(RefinerLoss(cache)(knowing, batch)[0]) == 0  # type: ignore[arg-type]


def test_the_refiner_learns(cache: Path) -> None:
    torch.manual_seed(0)
    net, sampler, loss = (
        RefinerNet(64, (8, 12, 16), 8, 64),
        RefinerSampler(cache, 64, seed=1),
        RefinerLoss(cache),
    )
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3)
    values = []
    for _ in range(30):
        value, told = loss(net, sampler.batch(8))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(float(value.detach()))
    assert set(told) == {"before", "last", "angles", "channels", "within"}
    assert np.mean(values[-5:]) < 0.7 * np.mean(values[:5])


def test_feature_points_are_landmarks_and_none_is_looked_at_twice() -> None:
    assert len(set(FEATURE_POINTS)) == len(FEATURE_POINTS)
    assert 0 <= min(FEATURE_POINTS) <= max(FEATURE_POINTS) < 478


def test_varied_expressions_hold_the_judged_movements_often() -> None:
    rng = np.random.default_rng(0)
    drawn = np.stack([varied_expression(rng, np.zeros(53)) for _ in range(200)])
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert len(JUDGED) == 4
    assert ((drawn > 0.1).sum(1) > 0).mean() > 0.8


def test_spread_expressions_hold_each_judged_movement_at_every_strength_and_brows_both_ways() -> (
    None
):
    rng = np.random.default_rng(0)
    drawn = np.stack([spread_expression(rng, np.zeros(53)) for _ in range(600)])
    for name in ("jawOpen", "eyeBlink_L", "mouthSmile_R"):
        assert drawn[:, EXPRESSIONS.index(name)].mean() == pytest.approx(0.5, abs=0.07)
    up, down = (drawn[:, EXPRESSIONS.index(name)] > 0 for name in ("browInnerUp_L", "browDown_L"))
    assert min((up & ~down).mean(), (down & ~up).mean()) > 0.25
    assert (up & down).mean() < 0.25
    sides = drawn[:, EXPRESSIONS.index("browDown_L")] == drawn[:, EXPRESSIONS.index("browDown_R")]
    assert 0.7 < sides.mean() < 1


def test_a_gaze_that_a_lid_hides_is_taught_to_be_straight_and_any_other_as_it_is() -> None:
    controls = np.zeros(56, np.float32)
    for name, value in (
        ("eyeLookDown_L", 0.8),
        ("eyeLookDown_R", 0.8),
        ("eyeBlink_L", 1.0),
        ("eyeBlink_R", 0.3),
    ):
        controls[CHANNELS.index(name)] = value
    seen = without_hidden_gaze(controls)
    assert seen[CHANNELS.index("eyeLookDown_L")] == 0
    assert seen[CHANNELS.index("eyeLookDown_R")] == controls[CHANNELS.index("eyeLookDown_R")]
    assert seen[CHANNELS.index("eyeBlink_L")] == 1


def test_half_of_a_batch_shows_the_people_of_the_other_half(cache: Path) -> None:
    batch = RefinerSampler(cache, 64, seed=1).batch(8, renders=1.0, plain=True)
    assert batch.same.tolist() == [1.0] * 4
    assert RefinerSampler(cache, 64, seed=1).batch(8, renders=0.0).same.tolist() == [0.0] * 4


def test_what_differs_between_people_but_not_within_one_costs_less(cache: Path) -> None:
    batch, loss = RefinerSampler(cache, 64, seed=1).batch(8, renders=1.0), RefinerLoss(cache)
    wrong = torch.zeros(8, 56)
    wrong[[0, 4], 3:] = 0.1  # one person read too high throughout
    by_person = Knowing(RefinerOutput((batch.points, batch.points), batch.controls + wrong))
    wrong[4, 3:] = -0.1
    within = Knowing(RefinerOutput((batch.points, batch.points), batch.controls + wrong))
    assert 2 * float(loss(by_person, batch)[0]) < float(loss(within, batch)[0])  # type: ignore[arg-type]


def test_readings_that_fall_short_are_scaled_up_and_poor_ones_left() -> None:
    rng = np.random.default_rng(0)
    person, true = (
        np.repeat(np.arange(40), 12),
        rng.random((480, 53)) * (rng.random((480, 53)) < 0.6),
    )
    own = rng.normal(0, 0.05, (40, 53))[
        person
    ]  # what people differ in is not to be mistaken for movement
    read = 0.1 + own + 0.6 * true + rng.normal(0, 0.02, true.shape)
    poor = EXPRESSIONS.index("jawForward")
    read[:, poor] = rng.random(480)
    small = EXPRESSIONS.index("mouthClose")
    read[:, small] = 0.1 + 0.3 * true[:, small]  # it would have to be scaled by more than MOST_GAIN
    found = calibration(read, true, person)
    left = np.array(
        [
            name.startswith("eyeLook") or name in ("jawForward", EXPRESSIONS[small])
            for name in EXPRESSIONS
        ]
    )
    assert found.gain[~left] == pytest.approx(1 / 0.6, rel=0.03)
    assert found.rest[~left] == pytest.approx(0.1, abs=0.03)
    assert (found.gain[left] == 1).all()
    assert (found.rest[left] == 0).all()
    assert (found.gain == found.gain[MIRROR]).all()


def test_a_calibration_is_worked_into_the_last_layer() -> None:
    torch.manual_seed(0)
    layer, hidden = torch.nn.Linear(5, 56), torch.randn(3, 5)
    before = layer(hidden).detach()
    Calibration(np.full(53, 1.5), np.full(53, 0.1)).into(layer)
    after = layer(hidden).detach()
    assert torch.equal(after[:, :3], before[:, :3])
    assert torch.allclose(after[:, 3:], 1.5 * (before[:, 3:] - 0.1), atol=1e-5)


def test_the_same_dice_make_the_same_accidents_whatever_was_drawn_elsewhere() -> None:
    picture = np.full((48, 48, 3), 120, np.uint8)
    made = []
    for elsewhere in (1, 2):
        cv2.setRNGSeed(elsewhere)
        rng = np.random.default_rng(5)
        made.append(np.stack([photometric(rng, picture) for _ in range(40)]))
    np.testing.assert_array_equal(made[0], made[1])


def test_faces_are_read_again_for_the_refiner_when_another_network_reads_them(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in cache.iterdir():
        if path.is_file() and not path.name.startswith("refiner"):
            shutil.copy(path, tmp_path / path.name)
    cut: list[Path] = []
    whole = RefinerSampler._cut_all

    def counted(
        self: RefinerSampler,
        folder: Path,
        splits: tuple[str, ...],
        path: Path,
        tracker: BuiltinTracker,
    ) -> None:
        cut.append(path)
        whole(self, folder, splits, path, tracker)

    monkeypatch.setattr(RefinerSampler, "_cut_all", counted)
    RefinerSampler(tmp_path, 64, seed=1)
    RefinerSampler(tmp_path, 64, seed=1)
    assert len(cut) == 1
    monkeypatch.setattr(BuiltinTracker, "digest", lambda _self, _name: "another network")
    RefinerSampler(tmp_path, 64, seed=1)
    assert len(cut) == 2
