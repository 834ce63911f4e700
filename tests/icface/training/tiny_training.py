"""A tiny painter and its judge, trained on numbers, to be started by torchrun.

In double precision, so that Adam, which divides gradients by their size, does not enlarge what
processors round apart.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from icface.training.loop import trainer as engine
from icface.training.loop.learner import Learner
from icface.training.loop.processes import Ranks, joined
from icface.training.loop.trainer import Plan, Trainer

BATCH = 8


class Painter(nn.Module):
    """Two convolutions; group normalisation, so that parts of a batch are as good as the whole."""

    def __init__(self, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, 1, 1),
            nn.GroupNorm(2, 8),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Conv2d(8, 3, 3, 1, 1),
        )

    def forward(self, picture: Tensor) -> Tensor:
        painted: Tensor = self.layers(picture)
        return painted


def batch(step: int, ranks: Ranks) -> Tensor:
    """The process's part of the step's batch."""
    whole = torch.randn(
        BATCH, 3, 8, 8, generator=torch.Generator().manual_seed(step), dtype=torch.float64
    )
    part = ranks.part_of_batch(BATCH)
    return whole[ranks.rank * part : (ranks.rank + 1) * part]


def make(plan: Plan, ranks: Ranks, *, dropout: float = 0.0) -> Trainer:
    """The trainer of both."""
    torch.manual_seed(1)
    painter, judge = (
        Painter(dropout=dropout),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Conv2d(4, 1, 3)),
    )
    painter, judge = painter.double(), judge.double()
    learners = {
        "painter": Learner(painter, rate=1e-3),
        "judge": Learner(judge, rate=2e-3, averaged=False),
    }
    return Trainer(learners, plan, ranks)


def steps_of(trainer: Trainer) -> Iterator[float]:
    """Train; one item after each step: the painter's loss."""
    for _ in trainer.run():
        pictures = batch(trainer.steps, trainer.ranks)
        with trainer.autocast():
            painted = trainer["painter"](pictures)
            judged = (
                trainer["judge"](pictures).sub(1).square().mean()
                + trainer["judge"](painted.detach()).square().mean()
            )
            with trainer.frozen("judge") as judge:
                fooled = judge(painted).sub(1).square().mean() + F.mse_loss(
                    painted, pictures.flip(1)
                )
        trainer.step({"painter": fooled, "judge": judged}, {"fooled": fooled})
        yield float(fooled.detach())


def main(folder: Path) -> None:
    """Six steps, then a run by the clock in which only the first process's clock goes on."""
    with joined("cpu") as ranks:
        list(steps_of(make(Plan(checkpoint=folder / "six.safetensors", steps=6, warmup=2), ranks)))
        if not ranks.first:
            stopped = time.monotonic()
            engine.time = type("Clock", (), {"monotonic": lambda: stopped})  # type: ignore[assignment]
        trainer = make(Plan(checkpoint=folder / "clock.safetensors", minutes=0.005), ranks)
        list(steps_of(trainer))
        figures = {"world": ranks.world, "steps": trainer.steps, "seed": ranks.seed(3)}
        (folder / f"rank-{ranks.rank}.json").write_text(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
