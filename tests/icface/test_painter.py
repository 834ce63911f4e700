"""Mask and colour: the painter's network, the patch it looks at, and its training with paired and unpaired samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from icface.geometry import rotation_matrix
from icface.model.neutralizer import GRID
from icface.model.painter import PATCH, PATCH_CHANNELS, Paint, Painter, PainterConfig
from icface.model.patches import FINER, KEPT, PatchAnchor, needed, patch_of
from icface.training.painter_batches import PatchSampler
from icface.training.painter_data import PatchSource, make_patches
from icface.training.painter_patches import Kind
from icface.training.train_painter import PainterPlan, PainterTraining, TrackerFeatures, mouth_figures, paired_loss, train
from tests.icface.synthetic_rig import write_portraits, write_rig


@pytest.fixture(scope="module")
def painter() -> Painter:
    torch.manual_seed(0)
    return Painter(PainterConfig(widths=(8, 12, 16), told=6)).eval()


def test_the_mask_is_shut_along_the_border(painter: Painter) -> None:
    with torch.inference_mode():
        paint = painter(torch.randn(2, PATCH_CHANNELS, PATCH, PATCH), torch.zeros(2, 56), torch.randn(2, 56))
    assert paint.colour.shape == (2, 3, PATCH, PATCH)
    assert float(paint.mask[..., 20:-20, 20:-20].min()) > 0
    assert float(paint.mask.max()) < 1
    for side in (paint.mask[..., 0], paint.mask[..., -1], paint.mask[..., 0, :], paint.mask[..., -1, :]):
        assert (side == 0).all()


def test_what_is_painted_depends_on_the_controls_wanted_and_on_those_of_the_source() -> None:
    torch.manual_seed(1)
    painter = Painter(PainterConfig(widths=(8, 12), told=6)).eval()
    for module in painter.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, 0, 0.3)
    patch, nothing, wanted = torch.randn(1, PATCH_CHANNELS, PATCH, PATCH), torch.zeros(1, 56), torch.rand(1, 56)
    first = painter(patch, nothing, wanted).colour
    assert not torch.allclose(first, painter(patch, nothing, wanted * 0.5).colour)
    assert not torch.allclose(first, painter(patch, wanted * 0.5, wanted).colour)


def waves() -> np.ndarray:
    """A picture of the crop whose values are known between pixels: red grows to the right, green downwards."""
    at = (np.arange(KEPT) + 0.5) / FINER - 0.5
    kept = np.zeros((KEPT, KEPT, 3))
    kept[..., 0], kept[..., 1] = at[None] / GRID * 255, at[:, None] / GRID * 255
    return np.clip(kept, 0, 255).astype(np.uint8)


def test_a_patch_shows_the_moved_picture_beside_the_photo() -> None:
    anchor = PatchAnchor(np.array([10.0, -20.0, 30.0]), 60.0)
    frame = anchor.frame(np.array([120.0, 110.0]), np.eye(3), 0.0)
    assert frame.inverse().points(np.array([[(PATCH - 1) / 2] * 2]))[0] == pytest.approx([130.0, 130.0])
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[..., 0] = 12.0
    seen = patch_of(waves(), frame, flow, None, None, None, (0, 0, 0))
    middle = PATCH // 2
    shown = (seen[:, middle, middle] + 1) * 127.5
    assert shown[0] - shown[3] == pytest.approx(12.0 / GRID * 255, abs=1.5)
    assert shown[1] == pytest.approx(shown[4], abs=1)
    assert seen[8, 10:-10, 10:-10] == pytest.approx(0.0, abs=0.05)


def test_the_patch_tells_where_the_surface_is_stretched() -> None:
    frame = PatchAnchor(np.zeros(3), 60.0).frame(np.array([128.0, 128.0]), np.eye(3), 0.0)
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[..., 1] = -0.75 * (np.arange(GRID) - 128)[:, None]  # each pixel shows a quarter of a pixel's height
    seen = patch_of(waves(), frame, flow, None, None, None, (0, 0, 0))
    assert seen[8, 20:-20, 20:-20] == pytest.approx(np.log(0.25) / 2, abs=0.05)


def test_cavity_and_eyes_and_teeth_are_laid_over_as_in_the_picture() -> None:
    frame = PatchAnchor(np.zeros(3), 60.0).frame(np.array([128.0, 128.0]), np.eye(3), 0.0)
    still, half = np.zeros((GRID, GRID, 2), np.float32), np.full((GRID, GRID), 0.5, np.float32)
    behind = still.copy()
    behind[..., 0] = 40.0
    middle = PATCH // 2
    plain = patch_of(waves(), frame, still, None, None, None, (0, 0, 0))[:, middle, middle]
    teeth = patch_of(waves(), frame, still, behind, half, None, (0, 0, 0))[:, middle, middle]
    assert (teeth[0] - plain[0]) * 127.5 == pytest.approx(20.0 / GRID * 255, abs=1.5)
    hollow = patch_of(waves(), frame, still, None, None, half, (0, 0, 0))[:, middle, middle]
    assert hollow[0] + 1 == pytest.approx((plain[0] + 1) / 2, abs=0.02)
    assert (teeth[7], hollow[6]) == (0.5, 0.5)


def test_paint_is_needed_where_pixels_are_stretched_or_hidden_and_not_where_they_only_moved() -> None:
    patch = np.zeros((PATCH_CHANNELS, PATCH, PATCH), np.float32)
    patch[8] = 0.1  # a turn of the head
    assert needed(patch).max() == 0
    patch[8, 40:50, 40:50] = -0.7
    patch[6, 70:80, 40:50] = 1
    patch[8, 20:30, 40:50] = 0.6  # squeezed
    for row in (45, 75, 25):
        assert needed(patch)[row, 45] > 0.9
        assert needed(patch)[row, 10] == 0


def test_the_patch_turns_with_the_head() -> None:
    anchor = PatchAnchor(np.array([0.0, -40.0, 50.0]), 60.0)
    pivot = np.array([128.0, 120.0])
    turned = anchor.frame(pivot, rotation_matrix(20, 0, 0), 0.0).inverse().points(np.array([[47.5, 47.5]]))[0]
    assert turned[0] == pytest.approx(128 + 50 * np.sin(np.radians(20)))
    rolled = anchor.frame(pivot, rotation_matrix(0, 0, 30), 30.0)
    chin = rolled.points(np.array([[*(pivot + 60 * np.array([np.sin(np.radians(30)), np.cos(np.radians(30))]))]]))[0]
    assert chin == pytest.approx([47.5, 47.5 + 20 * 96 / 60])


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("painter")
    write_rig(folder / "rig.npz")
    write_portraits(folder / "portraits", folder / "rig.npz")
    return make_patches(PatchSource(folder / "portraits", folder / "rig.npz", folder / "cache", "train"), pairs=0)


def test_patches_are_made_of_every_person_and_the_seed_decides_them(patches: Path) -> None:
    kind, target = np.load(patches / "kind.npy"), np.load(patches / "target.npy")
    assert len(kind) >= 8
    assert set(kind) == {Kind.PHOTO, Kind.RIG}
    assert all(target[kind == k].std() > 1 for k in Kind)
    first, again = (PatchSampler(patches, seed=3).batch(4) for _ in range(2))
    assert torch.equal(first.seen, again.seen)
    assert not torch.equal(first.seen, PatchSampler(patches, seed=4).batch(4).seen)


def test_a_perfect_painting_costs_nothing_but_its_mask(patches: Path) -> None:
    batch = PatchSampler(patches).batch(4)
    mask = torch.zeros(4, 1, PATCH, PATCH)
    right = paired_loss(Paint(batch.target - batch.seen[:, :3], mask), batch.target, batch)
    found = {name: float(value) for name, value in right.items()}
    assert found == pytest.approx({"l1": 0.0, "steep": 0.0, "mask": 0.0, "colour": 0.0}, abs=1e-5)
    dear = paired_loss(Paint(torch.zeros(4, 3, PATCH, PATCH), mask + 1), batch.target, replace(batch, zone=batch.zone * 0))
    cheap = paired_loss(Paint(torch.zeros(4, 3, PATCH, PATCH), mask + 1), batch.target, replace(batch, zone=batch.zone * 0 + 1))
    assert float(dear["mask"]) > 10 * float(cheap["mask"])


@pytest.mark.parametrize("supervision", ["paired", "unpaired", "both"])
def test_every_supervision_moves_painter_and_judges(patches: Path, tmp_path: Path, supervision: str) -> None:
    plan = PainterPlan((patches,), tmp_path, 1, supervision=supervision, batch=2)  # type: ignore[arg-type]
    training = PainterTraining(plan, TrackerFeatures())
    sampler = PatchSampler(patches)
    before = {k: v.clone() for k, v in training.judges.state_dict().items()}
    painter = {k: v.clone() for k, v in training.there.state_dict().items()}
    paired = sampler.batch(2) if supervision != "unpaired" else None
    unpaired = (sampler.batch(2, Kind.RIG), sampler.batch(2, Kind.PHOTO)) if supervision != "paired" else None
    for _ in range(2):
        told = training.one_step(paired, unpaired)
    assert all(np.isfinite(v) for v in told.values())
    moved = {k.split(".")[0] for k, v in training.judges.state_dict().items() if not torch.equal(v, before[k])}
    assert (
        moved == {"paired": {"d3", "d4"}, "unpaired": {"d1", "d2", "d3", "d4"}, "both": {"d1", "d2", "d3", "d4"}}[supervision]
    )
    assert any(not torch.equal(v, painter[k]) for k, v in training.there.state_dict().items())


def test_the_painter_learns_its_pairs_resumes_and_its_weights_load(patches: Path, tmp_path: Path) -> None:
    plan = PainterPlan((patches,), tmp_path, 0.12, supervision="paired", adversary=0.0, batch=4, rate=2e-3)
    figures = train(plan, held_out=patches)
    assert figures["error_painted"] < figures["error_moved"]
    painter = Painter.from_file(tmp_path / "painter.safetensors")
    held = PatchSampler(patches).in_order(8)
    assert mouth_figures(painter, held, torch.device("cpu")) == pytest.approx(figures, rel=0.05)
    assert PainterTraining(plan, TrackerFeatures()).step > 5
