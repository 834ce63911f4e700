"""Training of the lid retoucher on closed eyes, drawn and photographed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from icface.model.networks.lid_retoucher import LidRetoucher
from icface.model.networks.weights import save_model
from icface.training.lids.pairs import LidPair, lid_pairs
from icface.training.loop.learner import Learner
from icface.training.loop.processes import Ranks, joined
from icface.training.loop.trainer import Plan, Trainer
from icface.training.painter.losses import Lite0Features

log = logging.getLogger(__name__)
KIND = "icface.lid_retoucher"
_GREY = 0.15
"""Share of samples without colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetouchPlan:
    """One run.

    Attributes
    ----------
    portraits : Path
        Folder with portraits.npz and images/.
    out : Path
        Folder of the checkpoint and of ``lids.safetensors``.
    held_out : tuple of int
        People whose eyes are only measured.
    looks : float
        Weight of the differences of EfficientNet-Lite0's features beside those of pixels.
    minutes, steps : float, int or None
        Length, by the clock if no steps are given.
    rate, batch, seed, device
        Highest learning rate, samples of a step, random seed, where it runs.
    resume : bool
        Whether to continue from the checkpoint.
    """

    portraits: Path
    out: Path
    held_out: tuple[int, ...] = ()
    looks: float = 0.15
    minutes: float = 25.0
    steps: int | None = None
    rate: float = 1.5e-3
    batch: int = 16
    seed: int = 0
    device: str = "cpu"
    resume: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class LidPairs:
    """Closed eyes.

    Attributes
    ----------
    drawn, photo : (N, 3, H, W) Tensor
        0..1.
    mask : (N, 1, H, W) Tensor
        0..1.
    person : (N,) int64
    """

    drawn: Tensor
    photo: Tensor
    mask: Tensor
    person: NDArray[np.int64]

    @classmethod
    def of(cls, found: list[tuple[LidPair, int]]) -> LidPairs:
        """All pairs with the person of each."""
        pairs = [pair for pair, _ in found]
        drawn, photo = (
            torch.from_numpy(np.stack(a)).permute(0, 3, 1, 2).contiguous()
            for a in ([p.drawn for p in pairs], [p.photo for p in pairs])
        )
        mask = torch.from_numpy(np.stack([p.mask for p in pairs]))[:, None]
        return cls(drawn, photo, mask, np.array([person for _, person in found]))

    def only(self, rows: NDArray[np.bool_]) -> LidPairs:
        """Some of them."""
        at = torch.from_numpy(np.flatnonzero(rows))
        return LidPairs(self.drawn[at], self.photo[at], self.mask[at], self.person[rows])

    def weights(self) -> Tensor:
        """(N,) how often each is drawn: a person with many frames counts as the root of them."""
        _, at, counts = np.unique(self.person, return_inverse=True, return_counts=True)
        return torch.from_numpy(counts[at] ** -0.5)


def retouched(network: torch.nn.Module, drawn: Tensor, mask: Tensor) -> Tensor:
    """(N, 3, H, W) 0..1, drawn lids with the light that they lack."""
    light: Tensor = network(torch.cat([drawn * 2 - 1, mask], 1))
    return drawn + light / 2


def lid_loss(made: Tensor, photo: Tensor, mask: Tensor) -> Tensor:
    """Mean difference of pixels from the photograph, where something was drawn."""
    far: Tensor = ((made - photo).abs() * mask).sum() / (3 * mask.sum()).clamp(min=1)
    return far


def varied(batch: LidPairs, random: torch.Generator) -> LidPairs:
    """The same eyes in other light, a little moved and turned; drawn and photo alike."""
    count = len(batch.drawn)

    def draw(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=random) * 2 - 1

    turn, grow = 0.08 * draw(), 1 + 0.08 * draw()
    cos, sin = torch.cos(turn) * grow, torch.sin(turn) * grow
    place = torch.zeros(count, 2, 3)
    place[:, 0, 0], place[:, 0, 1], place[:, 1, 0], place[:, 1, 1] = cos, -sin, sin, cos
    place[:, :, 2] = 0.08 * draw(2)
    whole = torch.cat([batch.drawn, batch.photo, batch.mask], 1)
    at = F.affine_grid(place, list(whole.shape), align_corners=False)
    whole = F.grid_sample(whole, at, padding_mode="border", align_corners=False)
    drawn, photo, mask = whole[:, :3], whole[:, 3:6], whole[:, 6:]
    gain = torch.exp(0.3 * draw(1, 1, 1) + 0.12 * draw(3, 1, 1))
    bend = torch.exp(0.25 * draw(1, 1, 1))
    grey = (torch.rand(count, 1, 1, 1, generator=random) < _GREY).float()

    def toned(picture: Tensor) -> Tensor:
        lit = (picture.clamp(1e-3, 1) ** bend * gain).clamp(0, 1)
        return lit + grey * (lit.mean(1, keepdim=True) - lit)

    return LidPairs(toned(drawn), toned(photo), mask, batch.person)


@torch.no_grad()
def figures(network: torch.nn.Module, pairs: LidPairs) -> str:
    """Differences of held-out lids from their photographs, as drawn and as retouched."""
    made = retouched(network, pairs.drawn, pairs.mask)
    drawn, after = (float(lid_loss(p, pairs.photo, pairs.mask)) for p in (pairs.drawn, made))
    return f"held out: L1 {drawn:.4f} -> {after:.4f}"


def train_retoucher(plan: RetouchPlan) -> Path:
    """Train the lid retoucher; returns its weights file.

    Raises
    ------
    ValueError
        Where no eye is shut, or the looks should count and their network is not installed.
    """
    looks = Lite0Features(plan.device) if plan.looks else None
    found = [(pair, person) for pair, person, _ in lid_pairs(plan.portraits, plan.seed)]
    if not found:
        raise ValueError(
            f"{plan.portraits} shows no shut eyes to learn from. Add portraits with closed eyes."
        )
    pairs = LidPairs.of(found)
    held = np.isin(pairs.person, plan.held_out)
    learns, judged = pairs.only(~held), pairs.only(held)
    log.info("%d eyes to learn from, %d held out", len(learns.drawn), len(judged.drawn))
    with joined(plan.device) as ranks:
        return _train(plan, learns, judged, ranks, looks)


def _train(
    plan: RetouchPlan,
    learns: LidPairs,
    judged: LidPairs,
    ranks: Ranks,
    looks: Lite0Features | None,
) -> Path:
    network = LidRetoucher()
    weights_file = plan.out / "lids.safetensors"

    def written(trainer: Trainer) -> None:
        average = trainer.average("retoucher")
        if len(judged.drawn):
            log.info("step %d  %s", trainer.steps, figures(average, judged))
        notes = {"steps": trainer.steps, "eyes": len(learns.drawn)}
        save_model(
            weights_file,
            kind=KIND,
            config=network.description(),
            state=average.state_dict(),
            notes=notes,
        )

    trainer = Trainer(
        {"retoucher": Learner(network, rate=plan.rate, weight_decay=1e-2)},
        Plan(
            checkpoint=plan.out / "lids.checkpoint.safetensors",
            minutes=plan.minutes,
            steps=plan.steps,
            resume=plan.resume,
            average_decay=0.995,
            seed=plan.seed,
        ),
        ranks,
        after_checkpoint=written,
    )
    random = torch.Generator().manual_seed(plan.seed)
    chances = learns.weights()
    for _ in trainer.run():
        rows = torch.multinomial(chances, plan.batch, replacement=True, generator=random)
        batch = LidPairs(
            learns.drawn[rows], learns.photo[rows], learns.mask[rows], learns.person[rows.numpy()]
        )
        batch = varied(batch, random)
        made = retouched(trainer["retoucher"], batch.drawn, batch.mask)
        far = lid_loss(made, batch.photo, batch.mask)
        loss, shown = far, {"l1": far}
        if looks is not None:
            shown["looks"] = looks.distance(made * 2 - 1, batch.photo * 2 - 1, batch.mask)
            loss = loss + plan.looks * shown["looks"]
        trainer.step({"retoucher": loss}, shown)
    return weights_file
