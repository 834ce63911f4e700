"""A small painter trained for three steps with all four judges, to be started by torchrun.

In double precision: Adam divides each gradient by its own size, so in single precision it would
enlarge what sums of another order differ by, which is another number on every processor.
"""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

import torch

from icface.model.networks.painter import Painter, PainterConfig
from icface.model.networks.weights import save_model
from icface.training.loop.processes import Ranks, joined
from icface.training.painter.batches import PatchBatch, PatchSampler
from icface.training.painter.losses import TrackerFeatures
from icface.training.painter.patches import Kind
from icface.training.painter.train import KIND, PainterPlan, PainterTraining

BATCH = 4


def part(batch: PatchBatch, ranks: Ranks) -> PatchBatch:
    """The process's part of a batch that all of them drew, in double precision."""
    count = ranks.part_of_batch(BATCH)
    own = slice(ranks.rank * count, (ranks.rank + 1) * count)
    return PatchBatch(
        **{f.name: getattr(batch, f.name)[own].double().contiguous() for f in fields(batch)}
    )


def main(patches: Path, out: Path) -> None:
    """Three steps of paired and unpaired supervision."""
    sampler = PatchSampler(patches, seed=1)
    torch.set_default_dtype(torch.float64)
    with joined("cpu") as ranks:
        start = out / "start.safetensors"
        if ranks.first:
            torch.manual_seed(3)
            painter = Painter(PainterConfig(widths=(8, 12), condition_dim=4))
            save_model(
                start,
                kind=KIND,
                config=painter.description(),
                state=painter.state_dict(),
                half=False,
            )
        ranks.agreed(0)  # the file is there
        plan = PainterPlan(
            patches=(patches,),
            out=out,
            steps=3,
            warmup=1,
            start=start,
            batch=BATCH,
            rate=5e-3,
            supervision="both",
            adversary=0.1,
        )
        training = PainterTraining(plan, ranks, TrackerFeatures())
        for _ in training.trainer.run():
            paired, moved, real = (
                sampler.batch(BATCH),
                sampler.batch(BATCH, Kind.RIG),
                sampler.batch(BATCH, Kind.PHOTO),
            )
            training.one_step(part(paired, ranks), (part(moved, ranks), part(real, ranks)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
