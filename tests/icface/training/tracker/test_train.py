"""Training of the tracker's networks: what is right costs nothing, and a run goes on where it was left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from icface.model.networks.tracker_nets import (
    DetectorOutput,
    FaceDetectorNet,
    LandmarkOutput,
    RefinerNet,
)
from icface.model.networks.weights import build, load_into, load_model
from icface.training.tracker import train as tracker_train
from icface.training.tracker.augment import CropBatch
from icface.training.tracker.scenes import SceneBatch
from icface.training.tracker.train import LandmarkLoss, Plan, detector_loss, fit


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


def plan(folder: Path) -> Plan:
    return Plan(
        cache=folder, checkpoint=folder / "run.safetensors", out=folder / "detector.safetensors", minutes=0.004, rate=1e-3,
        batch=1, seed=0, device="cpu",
    )  # fmt: skip


def test_a_run_goes_on_from_its_checkpoint_and_its_average_loads_in_the_product(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        tracker_train, "_clock", lambda _minutes: iter([0.0, 0.3, 0.6])
    )  # three steps, however busy the machine
    torch.manual_seed(0)
    net = FaceDetectorNet((4, 4, 8), (1, 1))
    picture = torch.rand(1, 3, 32, 32)

    def loss(batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        value = net(batch).heat.square().mean()
        return value, {"heat": float(value.detach())}

    fit(net, lambda: picture, loss, plan(tmp_path), kind="icface.detector")
    first = load_model(tmp_path / "detector.safetensors", kind="icface.detector")
    assert first.notes["steps"] == 3
    torch.manual_seed(1)
    net = FaceDetectorNet((4, 4, 8), (1, 1))
    fit(net, lambda: picture, loss, plan(tmp_path), kind="icface.detector")
    again = load_model(tmp_path / "detector.safetensors", kind="icface.detector")
    assert again.notes["steps"] == 6
    loaded = build(FaceDetectorNet, again.config, path=tmp_path)
    load_into(loaded, again, path=tmp_path)
    assert torch.isfinite(loaded.ready()(picture).heat).all()
    assert not list(tmp_path.glob("*.part"))


def test_a_checkpoint_of_another_network_is_not_taken(tmp_path: Path) -> None:
    net = FaceDetectorNet((4, 4, 8), (1, 1))
    fit(
        net,
        lambda: torch.rand(1, 3, 32, 32),
        lambda b: (net(b).heat.mean(), {}),
        plan(tmp_path),
        kind="icface.detector",
    )
    other = RefinerNet(64, (4, 4, 4), 4, 8, 1)
    with pytest.raises(RuntimeError, match="state_dict"):
        fit(
            other,
            lambda: None,
            lambda _: (torch.zeros(()), {}),
            plan(tmp_path),
            kind="icface.refiner",
        )
