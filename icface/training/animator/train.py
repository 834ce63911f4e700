"""Training of the animator: the rig's expression shapes as a function of the place on the face."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from icface.model.networks.animator import Animator
from icface.model.networks.neutralizer import LENGTH_CM
from icface.model.networks.weights import save_model
from icface.training.loop.learner import Learner
from icface.training.loop.processes import Ranks, joined
from icface.training.loop.trainer import Plan, Trainer
from icface.training.neutralizer.data import SurfaceAtlas
from icface.training.rig.rig import EYE, SKIN, Rig

log = logging.getLogger(__name__)
PLACE_NOISE_CM = 0.01
"""Standard deviation of the noise on trained places, cm."""
_HIDDEN_SHARE = 0.3
"""Share of triangles that are drawn from, among those that are neither skin nor eye."""
_MOVING_CM = 0.1
"""Displacement from which a place counts as moving in the figures, cm."""
_JUDGED_PLACES = 50_000
"""Random places that each evaluation looks at."""
_JUDGE_SEED = 7
_LEAST_MOVE_CM = 1e-3
"""Smallest typical displacement of a channel that its weight is computed from, cm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimatorTraining:
    """The rig, length and learning rate of one run; the defaults made the shipped weights.

    Attributes
    ----------
    rig, out : Path
        Rig file; folder for checkpoint and weights.
    minutes, steps : float, int or None
        Length of the run; by the clock if no steps are given.
    batch : int
        Places of a step, in all processes together.
    rate : float
        Highest learning rate.
    seed : int
        Random seed.
    device : str
        As torch names it, or "auto".
    resume : bool
        Whether to continue from the checkpoint.
    """

    rig: Path
    out: Path
    minutes: float = 13.0
    steps: int | None = None
    batch: int = 4096
    rate: float = 5e-3
    seed: int = 0
    device: str = "cpu"
    resume: bool = True


def place_sampler(rig: Rig, seed: int) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Draws random places of the surface (N, 3) and their true displacements (N, 53, 3) in cm.

    Every triangle is as likely as any other: the mesh is finest where expressions are, at lids and
    lips.
    """
    rng = np.random.default_rng(seed)
    atlas = SurfaceAtlas.of(rig)
    outer = (rig.part == SKIN) | (rig.part == EYE)
    visible = np.flatnonzero(outer | (rng.random(len(rig.part)) < _HIDDEN_SHARE))
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


@torch.inference_mode()
def judge(field: Animator, rig: Rig, device: torch.device | str = "cpu") -> dict[str, float]:
    """Mean errors of displacements, cm: of all places and channels, and of those that move."""
    place, moves = place_sampler(rig, _JUDGE_SEED)(_JUDGED_PLACES)
    error = (field(place.to(device)).cpu() - moves).norm(dim=2)
    moving = moves.norm(dim=2) > _MOVING_CM
    return {
        "mean_cm": round(error.mean().item(), 5),
        "moving_cm": round(error[moving].mean().item(), 5),
    }


def train(training: AnimatorTraining) -> Path:
    """Train for one run, alone or as one of torchrun's processes; returns the weights' path."""
    with joined(training.device) as ranks:
        return _train(training, ranks)


def _train(training: AnimatorTraining, ranks: Ranks) -> Path:
    torch.manual_seed(training.seed)
    rig, weights = Rig(training.rig), training.out / "animator.safetensors"

    def write_weights(trainer: Trainer) -> None:
        field = cast("Animator", trainer.average("field"))
        figures = judge(field, rig, ranks.device)
        log.info("after %d steps: %s", trainer.steps, json.dumps(figures))
        save_model(
            weights,
            kind="icface.animator",
            config=field.description(),
            state=field.state_dict(),
            notes={"steps": trainer.steps, "figures": figures},
            half=False,
        )

    plan = Plan(
        checkpoint=training.out / "animator-training.safetensors",
        minutes=training.minutes,
        steps=training.steps,
        floor=0.005,
        average_decay=0.99,
        seed=training.seed,
        resume=training.resume,
    )
    learner = Learner(Animator(), rate=training.rate, weight_decay=0.0)
    trainer = Trainer({"field": learner}, plan, ranks, after_checkpoint=write_weights)
    weight = _channel_weight(place_sampler(rig, training.seed)).to(ranks.device)
    draw = place_sampler(rig, ranks.seed(training.seed, trainer.steps))
    count = ranks.part_of_batch(training.batch)
    for _ in trainer.run():
        place, moves = (part.to(ranks.device) for part in draw(count))
        error = (trainer["field"](place) - moves) * weight
        loss = error.abs().mean() + 2 * error.square().mean()
        trainer.step({"field": loss}, {"weighted_cm": error.norm(dim=2).mean()})
    return weights


def _channel_weight(draw: Callable[[int], tuple[Tensor, Tensor]]) -> Tensor:
    """(53, 1) weight of each channel's error: lids, which move less than jaws, count for more."""
    typical = draw(20_000)[1].square().sum(2).mean(0).sqrt()[:, None]  # cm
    return (typical.mean() / typical.clamp(min=_LEAST_MOVE_CM)).sqrt()
