"""Training scenes of the detector: labels say where the product would find a face."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from icface.model.networks.tracker_nets import DETECTOR_STRIDE, SIZE_UNIT
from icface.tracking.detection import Proposal
from icface.training.tracker import mine as tracker_mining
from icface.training.tracker.augment import ALARM_SIZE, framing
from icface.training.tracker.data import LabelledImages
from icface.training.tracker.mine import collect_alarms
from icface.training.tracker.scenes import (
    BACKGROUND_SIZE,
    LEAST_PIXELS,
    SCENE_SIZE,
    TRAINED,
    SceneSampler,
    _label,
    make_backgrounds,
    sample_pictures,
)
from tests.icface.training.synthetic_rig import write_tracker_data

CELLS = SCENE_SIZE // DETECTOR_STRIDE


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tracker_data(tmp_path_factory.mktemp("scenes")) / "cache"


@pytest.fixture(scope="module")
def portraits(cache: Path) -> LabelledImages:
    return LabelledImages.load(cache, "train_portraits")


def labelled(x: float, y: float, extent: float, tilt: float = 0.0) -> np.ndarray:
    labels = np.zeros((8, CELLS, CELLS), np.float32)
    labels[1] = 1
    _label(labels, x, y, extent, tilt)
    return labels


@pytest.mark.parametrize(
    ("x", "y", "extent", "tilt"),
    [(80.0, 80.0, 60.0, 0.0), (33.3, 121.8, 24.0, -35.0), (5.0, 150.0, 100.0, 170.0)],
)
def test_a_label_read_as_the_product_reads_it_is_the_face(
    x: float, y: float, extent: float, tilt: float
) -> None:
    heat, counted, weight, log_size, cos, sin, right, down = labelled(x, y, extent, tilt)
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    assert heat[row, column] == weight[row, column] == 1
    assert counted.all()
    at = np.array([column + right[row, column], row + down[row, column]])
    assert (at + 0.5) * DETECTOR_STRIDE - 0.5 == pytest.approx([x, y], abs=1e-3)
    assert SIZE_UNIT * np.exp(log_size[row, column]) == pytest.approx(extent, rel=1e-5)
    assert np.degrees(np.arctan2(sin[row, column], cos[row, column])) == pytest.approx(
        tilt, abs=1e-3
    )


def test_a_face_too_small_for_one_look_may_or_may_not_be_called() -> None:
    heat, counted, weight = labelled(80, 80, LEAST_PIXELS * 0.8)[:3]
    assert not heat.any()
    assert not weight.any()
    assert 0 < (counted == 0).sum() < 20


def test_of_two_faces_each_cell_tells_of_the_nearer() -> None:
    labels = labelled(40, 80, 40, 10)
    _label(labels, 110, 80, 40, -20)
    tilt = np.degrees(np.arctan2(labels[5], labels[4]))
    assert tilt[labels[2] > 0].min() == pytest.approx(-20)
    assert tilt[labels[2] > 0].max() == pytest.approx(10)
    assert (labels[0] == 1).sum() == 2


def test_a_seed_decides_the_scenes(portraits: LabelledImages) -> None:
    backgrounds = make_backgrounds(portraits, samples=6, surroundings=0, faceless=3, clutter=5)
    assert backgrounds.shape == (14, BACKGROUND_SIZE, BACKGROUND_SIZE, 3)
    one, same, other = (
        SceneSampler(portraits, backgrounds, seed=seed).batch(8) for seed in (1, 1, 2)
    )
    assert torch.equal(one.pictures, same.pictures)
    assert torch.equal(one.heat, same.heat)
    assert not torch.equal(one.pictures, other.pictures)
    assert one.pictures.shape == (8, 3, SCENE_SIZE, SCENE_SIZE)
    assert one.pictures.abs().max() <= 1
    assert one.heat.shape == (8, CELLS, CELLS)
    assert (one.heat == 1).any()
    assert one.offset[one.weight[:, None].expand(-1, 2, -1, -1) == 1].abs().max() <= 0.5 + 1e-5


def test_surroundings_show_no_face_and_faces_that_fill_their_pictures_have_none(
    portraits: LabelledImages,
) -> None:
    with pytest.raises(ValueError, match="Only 0 of 4 surroundings"):
        make_backgrounds(portraits, samples=0, surroundings=4, faceless=0, clutter=1)
    landmarks, images = (
        portraits.landmarks * 0.2,
        np.zeros_like(portraits.images),
    )  # so that faces are in the left top corner
    for image, points in zip(images, landmarks, strict=True):
        x, y, extent, _ = framing(points)
        image[
            max(int(y - extent / 2), 0) : int(y + extent / 2),
            max(int(x - extent / 2), 0) : int(x + extent / 2),
        ] = 255
    assert (images > 0).any(axis=(1, 2, 3)).all()
    roomy = dataclasses.replace(portraits, landmarks=landmarks, images=images)
    made = make_backgrounds(roomy, samples=0, surroundings=40, faceless=0, clutter=1)
    assert len(made) == 41
    assert not made[:40].any()


class Alarmed:
    """Takes the same place for a face in every picture, and the true one where it knows it."""

    def __init__(self, *proposals: Proposal) -> None:
        self.proposals = proposals

    def propose(self, _image: np.ndarray) -> list[Proposal]:
        return list(self.proposals)


def test_false_alarms_are_cut_from_pictures_and_from_portraits_away_from_the_face(
    cache: Path, portraits: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_mining, "sample_pictures", lambda names: sample_pictures(names)[:1])
    assert sample_pictures(TRAINED)
    backgrounds = np.zeros((2, BACKGROUND_SIZE, BACKGROUND_SIZE, 3), np.uint8)
    corner = Proposal(12, 12, 20, 0, 0.9)
    x, y, extent, _ = framing(portraits.landmarks[0])
    face = Proposal(float(x), float(y), float(extent), 0, 0.8)
    alarms = collect_alarms(Alarmed(corner, face), cache, backgrounds)  # type: ignore[arg-type]
    assert alarms.shape[1:] == (ALARM_SIZE, ALARM_SIZE, 3)
    assert (
        2 * 3 + len(portraits) <= len(alarms) < 2 * 3 + 2 * len(portraits)
    )  # of portraits, the face is no alarm
    assert collect_alarms(Alarmed(), cache, backgrounds).shape == (0, ALARM_SIZE, ALARM_SIZE, 3)  # type: ignore[arg-type]
