"""Train the animator's field: the rig's expression shapes, learnt as a function of the place on the canonical surface."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from icface.model.networks.animator import Animator
from icface.model.networks.neutralizer import LENGTH_CM
from icface.model.networks.weights import save_model
from icface.training.neutralizer.data import SurfaceAtlas
from icface.training.neutralizer.train import progress
from icface.training.rig.rig import EYE, SKIN, Rig

log = logging.getLogger(__name__)
PLACE_NOISE_CM = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimatorTraining:
    """What a run needs: rig file, folder for weights, minutes (or steps)."""

    rig: Path
    out: Path
    minutes: float
    steps: int | None = None
    batch: int = 4096
    rate: float = 5e-3
    seed: int = 0


def place_sampler(rig: Rig, seed: int) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Draws random places of the surface (N, 3) and their true displacements (N, 53, 3).

    Every triangle is as likely as any other: the mesh is finest where expressions are, at lids and
    lips.
    """
    rng = np.random.default_rng(seed)
    atlas = SurfaceAtlas.of(rig)
    visible = np.flatnonzero(
        (rig.part == SKIN) | (rig.part == EYE) | (rng.random(len(rig.part)) < 0.3)
    )
    faces, place = rig.faces[visible], atlas.place / LENGTH_CM
    shapes = np.ascontiguousarray(rig.shapes.transpose(1, 0, 2))  # (V, 53, 3)

    def draw(count: int) -> tuple[Tensor, Tensor]:
        corners = faces[rng.integers(len(faces), size=count)]
        weights = rng.dirichlet((1, 1, 1), size=count).astype(np.float32)
        where = np.einsum("nk,nkc->nc", weights, place[corners])
        moves = sum(weights[:, k, None, None] * shapes[corners[:, k]] for k in range(3))
        where = where + rng.normal(0, PLACE_NOISE_CM / LENGTH_CM, where.shape).astype(np.float32)
        return torch.from_numpy(where.astype(np.float32)), torch.from_numpy(
            np.asarray(moves, np.float32)
        )

    return draw


def train(training: AnimatorTraining) -> Path:
    """Run until the minutes are over; returns the path of the weights in the out folder."""
    torch.manual_seed(training.seed)
    field = Animator()
    draw = place_sampler(Rig(training.rig), training.seed)
    typical = (
        draw(20_000)[1].square().sum(2).mean(0).sqrt()[:, None]
    )  # (53, 1) cm: lids move less than jaws
    weight = (typical.mean() / typical.clamp(min=1e-3)).sqrt()
    optimiser = torch.optim.AdamW(field.parameters(), training.rate, weight_decay=0)
    begun, step = time.monotonic(), 0
    while (spent := progress(step, training.steps, begun, training.minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = (
                training.rate
                * min(1, (step + 1) / 100)
                * (0.5 * (1 + math.cos(math.pi * spent)) + 0.005)
            )
        place, moves = draw(training.batch)
        error = (field(place) - moves) * weight
        loss = error.abs().mean() + 2 * error.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        if step % 500 == 0:
            log.info("step %d: mean weighted error %.4f cm", step, error.norm(dim=2).mean().item())
    place, moves = draw(50_000)
    with torch.inference_mode():
        error = (field(place) - moves).norm(dim=2)
    moving = moves.norm(dim=2) > 0.1
    figures = {
        "mean_cm": round(error.mean().item(), 5),
        "moving_cm": round(error[moving].mean().item(), 5),
    }
    log.info("after %d steps: %s", step, figures)
    weights = training.out / "animator.safetensors"
    notes = {"steps": step, "figures": figures}
    save_model(
        weights,
        kind="icface.animator",
        config=field.description(),
        state=field.state_dict(),
        notes=notes,
        half=False,
    )
    return weights
