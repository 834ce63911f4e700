"""Training of the tracker's networks: right answers cost nothing, and runs resume."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from icface.model.networks.tracker_nets import (
    DetectorOutput,
    FaceDetectorNet,
    LandmarkOutput,
    RefinerNet,
)
from icface.model.networks.weights import StoredModel, build, load_into, load_model
from icface.training.loop.processes import Ranks, TrainingError
from icface.training.tracker.augment import CropBatch
from icface.training.tracker.losses import LandmarkLoss, detector_loss
from icface.training.tracker.scenes import SceneBatch
from icface.training.tracker.train import (
    TrackerTraining,
    train,
    train_detector,
    train_landmarks,
    train_refiner,
)
from tests.icface.training.synthetic_rig import write_tracker_data


def crops(count: int = 4) -> CropBatch:
    rng = torch.Generator().manual_seed(1)
    face = torch.tensor([1.0, 1.0, 1.0, 0.0])[:count]
    shown = face[:, None]
    controls = torch.rand(count, 56, generator=rng) * shown
    return CropBatch(
        torch.zeros(count, 3, 8, 8),
        torch.rand(count, 478, 3, generator=rng) * shown[..., None],
        controls,
        face,
        face.clone(),
    )


def told(batch: CropBatch, *, points: float = 0.0, controls: float = 0.0) -> LandmarkOutput:
    return LandmarkOutput(
        batch.points + points, batch.controls + controls, (batch.face * 2 - 1) * 40
    )


def test_a_right_reading_costs_nothing_and_negatives_teach_no_landmarks() -> None:
    batch, loss = crops(), LandmarkLoss(np.full(53, 0.1, np.float32))
    right, parts = loss(lambda _: told(batch), batch)
    assert float(right) == pytest.approx(0, abs=1e-6)
    assert set(parts) == {"points", "angles", "channels", "face"}
    wrong = [
        float(loss(lambda _, change=change: told(batch, **change), batch)[0])
        for change in ({"points": 0.01}, {"controls": 0.1})
    ]
    assert min(wrong) > 0.1
    only_negative = CropBatch(
        *(
            part[3:].clone()
            for part in (batch.pictures, batch.points, batch.controls, batch.face, batch.exact)
        )
    )
    away = told(only_negative, points=5.0)
    both = CropBatch(
        *(torch.cat([a[:3], b]) for a, b in zip(_parts(batch), _parts(only_negative), strict=True))
    )
    output = LandmarkOutput(
        torch.cat([batch.points[:3], away.points]), both.controls, (both.face * 2 - 1) * 40
    )
    assert float(loss(lambda _: output, both)[0]) == pytest.approx(0, abs=1e-6)


def _parts(batch: CropBatch) -> tuple[Tensor, ...]:
    return batch.pictures, batch.points, batch.controls, batch.face, batch.exact


def test_a_detector_that_is_right_costs_next_to_nothing_and_one_that_misses_much() -> None:
    heat = torch.zeros(1, 4, 4)
    heat[0, 1, 2] = 1
    labels = {
        "weight": heat.clone(),
        "log_size": torch.full((1, 4, 4), 0.3),
        "tilt": torch.ones(1, 2, 4, 4),
        "offset": torch.zeros(1, 2, 4, 4),
    }
    scene = SceneBatch(
        pictures=torch.zeros(1, 3, 32, 32), heat=heat, counted=torch.ones(1, 4, 4), **labels
    )

    def cost(logits: Tensor, **changed: Tensor) -> float:
        said = {name: labels[name] for name in ("log_size", "tilt", "offset")} | changed
        return float(detector_loss(lambda _: DetectorOutput(logits, **said), scene)[0])  # type: ignore[arg-type]

    right = cost((heat * 2 - 1) * 20)
    assert right == pytest.approx(0, abs=1e-3)
    assert cost((heat * 2 - 1) * -20) > 5
    assert cost((heat * 2 - 1) * 20, log_size=labels["log_size"] + 1) == pytest.approx(
        right + 1, abs=1e-3
    )
    elsewhere = labels["log_size"].clone()
    elsewhere[0, 3, 3] = 9  # where no face is, its size does not matter
    assert cost((heat * 2 - 1) * 20, log_size=elsewhere) == pytest.approx(right, abs=1e-4)


def training(folder: Path, *, steps: int = 3, rate: float = 1e-3) -> TrackerTraining:
    return TrackerTraining(
        cache=folder,
        checkpoint=folder / "run.safetensors",
        out=folder / "detector.safetensors",
        steps=steps,
        rate=rate,
        device="cpu",
    )


def small_detector(seed: int) -> FaceDetectorNet:
    torch.manual_seed(seed)
    return FaceDetectorNet((4, 4, 8), (1, 1))


def noise(seed: int) -> Callable[[], Tensor]:
    """Draws random pictures; the seed decides them."""
    rng = torch.Generator().manual_seed(seed % 2**32)
    return lambda: torch.rand(2, 3, 32, 32, generator=rng)


def heat(net: nn.Module, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    value = net(batch).heat.square().mean()
    return value, {"heat": value.detach()}


def run(
    folder: Path, *, steps: int, network: FaceDetectorNet | None = None, rate: float = 1e-3
) -> StoredModel:
    net = network or small_detector(0)
    plan = training(folder, steps=steps, rate=rate)
    train(net, noise, heat, plan, Ranks(), kind="icface.detector")
    return load_model(folder / "detector.safetensors", kind="icface.detector")


def test_a_run_goes_on_from_its_checkpoint_and_its_average_loads_in_the_product(
    tmp_path: Path,
) -> None:
    assert run(tmp_path, steps=3).notes["steps"] == 3
    first = load_file(tmp_path / "run.safetensors")
    other = small_detector(1)
    name, weight = next(iter(other.state_dict().items()))
    assert not torch.equal(weight, first[f"network.network.{name}"])
    again = run(tmp_path, steps=0, network=other)
    assert again.notes["steps"] == 3
    for name, value in other.state_dict().items():
        assert torch.equal(value, first[f"network.network.{name}"])
    again = run(tmp_path, steps=3, network=small_detector(1))
    assert again.notes["steps"] == 6
    loaded = build(FaceDetectorNet, again.config, path=tmp_path)
    load_into(loaded, again, path=tmp_path)
    assert torch.isfinite(loaded.ready()(noise(0)()).heat).all()
    assert not list(tmp_path.glob("*.part"))


def test_a_run_that_goes_on_draws_other_batches(tmp_path: Path) -> None:
    seeds: list[int] = []

    def sampler(seed: int) -> Callable[[], Tensor]:
        seeds.append(seed)
        return noise(seed)

    for _ in range(2):
        train(small_detector(0), sampler, heat, training(tmp_path), Ranks(), kind="icface.detector")
    assert seeds[0] != seeds[1]


def test_the_detector_learns(tmp_path: Path) -> None:
    picture = noise(3)()

    def loss() -> float:
        stored = load_model(tmp_path / "detector.safetensors", kind="icface.detector")
        net = build(FaceDetectorNet, stored.config, path=tmp_path)
        load_into(net, stored, path=tmp_path)
        return float(heat(net.eval(), picture)[1]["heat"])

    run(tmp_path, steps=1)
    before = loss()
    run(tmp_path, steps=120, rate=5e-2)
    assert loss() < 0.5 * before


def test_a_checkpoint_of_another_network_is_not_taken(tmp_path: Path) -> None:
    run(tmp_path, steps=1)
    other = RefinerNet(64, (4, 4, 4), 4, 8, 1)
    with pytest.raises(TrainingError, match=r"run\.safetensors is not a checkpoint.*state_dict"):
        train(other, noise, heat, training(tmp_path), Ranks(), kind="icface.refiner")


def test_every_network_of_the_tracker_trains_by_its_recipe(tmp_path: Path) -> None:
    cache = write_tracker_data(tmp_path) / "cache"
    np.save(cache / "train_backgrounds.npy", np.zeros((2, 256, 256, 3), np.uint8))
    for recipe, kind in (
        (train_detector, "icface.detector"),
        (train_landmarks, "icface.landmarks"),
        (train_refiner, "icface.refiner"),
    ):
        name = kind.removeprefix("icface.")
        plan = TrackerTraining(
            cache=cache,
            checkpoint=tmp_path / f"{name}-training.safetensors",
            out=tmp_path / f"{name}.safetensors",
            steps=1,
            batch=2,
            device="cpu",
        )
        recipe(plan)
        assert load_model(plan.out, kind=kind).notes == {"steps": 1, "batch": 2}
