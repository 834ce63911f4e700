"""Several processes train like one, and an interrupted run ends like an uninterrupted one."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from icface.training.loop.learner import Learner
from icface.training.loop.processes import Ranks, TrainingError, joined
from icface.training.loop.trainer import Plan, Trainer
from tests.icface.training import tiny_training
from tests.icface.training.tiny_training import batch, make, steps_of

ROOT = Path(__file__).resolve().parents[4]


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    return {key: value for key, value in load_file(path).items() if not key.startswith("run.")}


def furthest(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    assert first.keys() == second.keys()
    return max(float((value - second[key]).abs().max()) for key, value in first.items())


def linear(tmp_path: Path, **options: float) -> Trainer:
    learner = Learner(nn.Linear(2, 1), rate=1.0, weight_decay=0.0)
    plan = Plan(checkpoint=tmp_path / "line.safetensors", **{"steps": 10, "warmup": 4, **options})  # type: ignore[arg-type]
    return Trainer({"line": learner}, plan, Ranks())


def test_two_processes_take_the_steps_of_one_and_stop_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [*command, "-m", "tests.icface.training.tiny_training", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    def alone(name: str) -> dict[str, torch.Tensor]:
        path = tmp_path / name
        list(steps_of(make(Plan(checkpoint=path, steps=6, warmup=2), Ranks())))
        return weights_of(path)

    whole = alone("alone.safetensors")
    monkeypatch.setattr(
        tiny_training, "batch", lambda step, ranks: batch(step, ranks)[: tiny_training.BATCH // 2]
    )
    half = alone("half.safetensors")
    together = weights_of(tmp_path / "six.safetensors")
    assert furthest(together, whole) < 1e-9
    assert (
        furthest(together, half) > 1e-3
    )  # one process's part of the batch would have led elsewhere

    first, second = (json.loads((tmp_path / f"rank-{rank}.json").read_text()) for rank in (0, 1))
    assert first["world"] == second["world"] == 2
    assert first["steps"] == second["steps"] > 0
    assert first["seed"] != second["seed"]


def test_an_interrupted_run_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    def run(name: str) -> Trainer:
        return make(
            Plan(checkpoint=tmp_path / name, steps=8, warmup=3, checkpoint_minutes=0),
            Ranks(),
            dropout=0.3,
        )

    straight = run("straight")
    losses = list(steps_of(straight))
    broken = list(
        islice(steps_of(run("broken")), 5)
    )  # the fifth step is lost: its checkpoint was not written
    again = run("broken")
    assert again.steps == 4
    rest = list(steps_of(again))
    assert broken[:4] + rest == losses
    assert furthest(weights_of(tmp_path / "straight"), weights_of(tmp_path / "broken")) == 0


def test_after_a_run_that_ended_the_rates_start_anew(tmp_path: Path) -> None:
    def rates(trainer: Trainer) -> list[float]:
        found = []
        for _ in trainer.run():
            found.append(trainer.rate("line"))
            trainer.step({"line": trainer["line"](torch.ones(1, 2)).square().mean()})
        return found

    first = linear(tmp_path)
    seen = rates(first)
    assert seen[0] == pytest.approx(0.25)
    assert max(seen) == max(seen[2:5])
    assert seen[3:] == sorted(seen[3:], reverse=True)
    assert seen[-1] < 0.05
    second = linear(tmp_path)
    assert second.steps == 10
    assert rates(second) == seen
    assert second.steps == 20
    assert linear(tmp_path, resume=False).steps == 0


def test_a_checkpoint_holds_no_pickle_and_leaves_nothing_beside(tmp_path: Path) -> None:
    list(steps_of(make(Plan(checkpoint=tmp_path / "c.safetensors", steps=2), Ranks())))
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]
    with safe_open(tmp_path / "c.safetensors", framework="pt") as file:
        names = set(file.keys())
    assert {
        "steps",
        "painter.average.layers.0.weight",
        "judge.network.0.weight",
        "judge.optimiser.0.exp_avg_sq",
    } <= names
    assert not any(name.startswith("judge.average") for name in names)


def test_a_checkpoint_of_other_networks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "line.safetensors"
    save_file({"steps": torch.tensor(3)}, path)
    with pytest.raises(
        TrainingError, match=r"line\.safetensors is not a checkpoint of this training.*--fresh"
    ):
        linear(tmp_path)
    path.unlink()
    list(steps_of(make(Plan(checkpoint=path, steps=1), Ranks())))
    with pytest.raises(
        TrainingError, match=r"line\.safetensors is not a checkpoint of this training"
    ):
        linear(tmp_path)
    path.write_bytes(b"no tensors")
    with pytest.raises(
        TrainingError, match=r"line\.safetensors is not a checkpoint of this training"
    ):
        linear(tmp_path)


def test_the_average_trails_the_weights(tmp_path: Path) -> None:
    trainer = linear(tmp_path, average_decay=0.9)
    start = trainer.network("line").weight.detach().clone()
    for _ in trainer.run():
        trainer.step({"line": trainer["line"](torch.ones(1, 2)).mean()})  # always downhill
    moved = (trainer.network("line").weight - start).abs().sum()
    trailed = (trainer.average("line").weight - start).abs().sum()
    assert 0 < trailed < moved
    assert not trainer.average("line").training


def test_a_frozen_network_passes_gradients_on_and_takes_none(tmp_path: Path) -> None:
    trainer = linear(tmp_path)
    given = torch.ones(1, 2, requires_grad=True)
    with trainer.frozen("line") as line:
        loss = line(given).sum()
    loss.backward()
    assert given.grad is not None
    assert trainer.network("line").weight.grad is None
    assert trainer.network("line").weight.requires_grad


def test_a_step_without_a_finite_gradient_is_passed_over_and_many_end_the_run(
    tmp_path: Path,
) -> None:
    trainer = linear(tmp_path, steps=100)
    before = trainer.network("line").weight.detach().clone()
    run = trainer.run()
    next(run)
    trainer.step({"line": trainer["line"](torch.full((1, 2), float("nan"))).sum()})
    assert torch.equal(trainer.network("line").weight, before)
    for _ in range(23):
        next(run)
        trainer.step({"line": trainer["line"](torch.full((1, 2), float("nan"))).sum()})
    next(run)
    loss = trainer["line"](torch.full((1, 2), float("nan"))).sum()
    with pytest.raises(TrainingError, match="25 steps in a row had no finite gradient"):
        trainer.step({"line": loss})


def test_means_are_logged_and_the_first_process_is_told_of_checkpoints(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []
    plan = Plan(checkpoint=tmp_path / "c", steps=3, report_seconds=0, checkpoint_minutes=0)
    trainer = Trainer(
        {"line": Learner(nn.Linear(2, 1), rate=1e-3)},
        plan,
        Ranks(),
        after_checkpoint=lambda t: seen.append(t.steps),
    )
    with caplog.at_level(logging.INFO, logger="icface"):
        for _ in trainer.run():
            loss = trainer["line"](torch.ones(1, 2)).square().mean()
            trainer.step({"line": loss}, {"loss": loss, "two": 2.0})
    assert seen == [1, 2, 3, 3]
    assert caplog.records[0].getMessage().endswith("two 2.0000")


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    plan = Plan(checkpoint=tmp_path / "c", steps=1)
    trainer = Trainer({"line": Learner(nn.Linear(2, 1), rate=1e-3)}, plan, Ranks())
    trainer.ranks = Ranks(rank=1)
    trainer.write_checkpoint()
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_shared_or_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrainingError, match="A batch of 5 cannot be shared equally by 2 processes"):
        Ranks(world=2).part_of_batch(5)
    assert [list(Ranks(rank=r, world=3).part_of(range(7))) for r in range(3)] == [
        [0, 3, 6],
        [1, 4],
        [2, 5],
    ]
    with pytest.raises(TrainingError, match="no kind of device 'gpu'"), joined("gpu"):
        pass
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="torch sees 0: choose --device cpu"), joined("cuda"):
        pass
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(TrainingError, match="WORLD_SIZE is 'two', not a number"), joined("cpu"):
        pass
