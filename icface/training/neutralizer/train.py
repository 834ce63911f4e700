"""Train the neutralizer on rig surfaces, in one process or several; judges on held-out people."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from icface.model.networks.neutralizer import (
    ANCHORS,
    LENGTH_CM,
    WINDOW,
    Neutralizer,
    NeutralizerConfig,
    Part,
    Surface,
)
from icface.model.networks.weights import save_model
from icface.training.loop.learner import Learner
from icface.training.loop.processes import Ranks, joined
from icface.training.loop.trainer import Plan, Trainer
from icface.training.neutralizer.data import (
    SurfaceAtlas,
    SurfaceStream,
    random_turn,
    sparse_expression,
    surface_sample,
)
from icface.training.portraits.canvases import Portraits
from icface.training.rig.rig import Rig

log = logging.getLogger(__name__)
SMALL = 96
PART_WEIGHT = torch.tensor([0.5, 1.0, 1.5, 8.0, 8.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class NeutralizerTraining:
    """The data, length and learning rate of one run; the defaults made the shipped weights.

    Attributes
    ----------
    portraits, rig, cache, out : Path
        Folder of portraits, rig file, folder for decoded canvases, folder for checkpoints.
    minutes, steps : float, int or None
        Length of this run, in steps if they are given; the learning rate falls to nothing over it.
    batch, workers : int
        Samples of a step, in all processes together; rendering processes of each process that
        trains.
    rate, device, seed, resume
        Highest learning rate, where it runs, random seed, whether to go on from the checkpoint that
        is there.
    widths : tuple of int
        Channels of the network, see `NeutralizerConfig`.
    small_share : float
        Share of the run that looks at pictures of `SMALL` instead of `WINDOW` pixels: three times
        as many of them.
    """

    portraits: Path
    rig: Path
    cache: Path
    out: Path
    minutes: float = 80.0
    steps: int | None = None
    batch: int = 16
    rate: float = 2e-3
    workers: int = 1
    device: str = "cpu"
    seed: int = 0
    resume: bool = True
    small_share: float = 0.25
    widths: tuple[int, ...] = NeutralizerConfig().widths


def surface_loss(surface: Surface, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy of parts, and L1 of both positions and their gradients where the face shows.

    Pixels near a boundary of parts (lips, lids) weigh four times as much: there a pixel more or
    less is a different face.
    """
    part = batch["part"]
    ce = F.cross_entropy(surface.logits, part, PART_WEIGHT.to(part.device))
    face = (part > 0)[:, None].float()
    edge = (
        F.max_pool2d(part[:, None].float(), 5, 1, 2)
        != -F.max_pool2d(-part[:, None].float(), 5, 1, 2)
    ).float()
    weight = face * (1 + 3 * edge)
    total = weight.sum() + 1
    head = ((surface.head - batch["head"]).abs() * weight).sum() / total
    own = surface.place.gather(1, (part - 1).clamp(min=0)[:, None, None].expand(-1, 1, 3, -1, -1))[
        :, 0
    ]  # (B, 3, S, S)
    place = ((own - batch["place"]).abs() * weight).sum() / total
    steep = sum(
        _gradient_loss(own, batch["place"], part, axis)
        + _gradient_loss(surface.head, batch["head"], part, axis)
        for axis in (2, 3)
    )
    loss = 0.5 * ce + 4 * head + 8 * place + 8 * steep
    return loss, {
        "parts": ce.item(),
        "head_cm": head.item() * LENGTH_CM,
        "place_cm": place.item() * LENGTH_CM,
    }


def _gradient_loss(a: Tensor, b: Tensor, part: Tensor, axis: int) -> Tensor:
    n = a.shape[axis]
    same = (part.narrow(axis - 1, 1, n - 1) == part.narrow(axis - 1, 0, n - 1)) & (
        part.narrow(axis - 1, 0, n - 1) > 0
    )
    difference = (a - b).narrow(axis, 1, n - 1) - (a - b).narrow(axis, 0, n - 1)
    return (difference.abs() * same[:, None]).sum() / (same.sum() + 1)


def choose_anchors(network: Neutralizer, rig: Rig) -> None:
    """Spread the anchors over the canonical face mesh by farthest-point sampling."""
    chosen = [1]
    distance = np.linalg.norm(rig.canonical - rig.canonical[1], axis=1)
    while len(chosen) < ANCHORS:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(
            distance, np.linalg.norm(rig.canonical - rig.canonical[chosen[-1]], axis=1)
        )
    network.anchors.copy_(torch.tensor(chosen))
    network.anchor_places.copy_(torch.from_numpy(rig.canonical[chosen] / LENGTH_CM))


def held_out(training: NeutralizerTraining, *, count: int = 96) -> dict[str, Tensor]:
    """A fixed batch of held-out people: every other one as photographed, the rest warped."""
    rng = np.random.default_rng(7)
    rig, people = Rig(training.rig), Portraits(training.portraits, training.cache, "val")
    atlas, real = SurfaceAtlas.of(rig), people.expressions()
    samples = []
    for n, index in enumerate(np.linspace(0, len(people) - 1, count).astype(int)):
        portrait = people[int(index)]
        target = (
            random_turn(rng, portrait.state).expressed(sparse_expression(rng, real))
            if n % 2
            else None
        )
        samples.append(surface_sample(rig, atlas, portrait, target=target, rng=rng))
    return {
        "image": torch.stack([torch.from_numpy(s.image).permute(2, 0, 1) for s in samples]),
        "landmarks": torch.stack([torch.from_numpy(s.landmarks) for s in samples]),
        "head": torch.stack([torch.from_numpy(s.head).permute(2, 0, 1) for s in samples]),
        "place": torch.stack([torch.from_numpy(s.place).permute(2, 0, 1) for s in samples]),
        "part": torch.stack([torch.from_numpy(s.part) for s in samples]),
    }


@torch.inference_mode()
def judge(network: Neutralizer, batch: dict[str, Tensor]) -> dict[str, float]:
    """Held-out figures: intersection over union of each part, mean errors in centimetres."""
    network.eval()
    pairs = zip(torch.split(batch["image"], 16), torch.split(batch["landmarks"], 16), strict=True)
    chunks = [network(scaled(images), landmarks) for images, landmarks in pairs]
    surface = Surface(
        *(torch.cat([getattr(c, name) for c in chunks]) for name in ("head", "place", "logits"))
    )
    _, figures = surface_loss(surface, batch)
    guess, part = surface.logits.argmax(1), batch["part"]
    overlap = [
        ((guess == p) & (part == p)).sum() / ((guess == p) | (part == p)).sum().clamp(min=1)
        for p in Part
    ]
    figures |= {f"iou_{p.name.lower()}": float(v) for p, v in zip(Part, overlap, strict=True)}
    return {name: round(value, 4) for name, value in figures.items()}


def resized(batch: dict[str, Tensor], size: int) -> dict[str, Tensor]:
    """A batch at another size: pictures averaged, labels taken from the nearest pixel."""
    if batch["part"].shape[-1] == size:
        return batch
    labels = {name: F.interpolate(batch[name], (size, size)) for name in ("head", "place")}
    part = F.interpolate(batch["part"][:, None].float(), (size, size))[:, 0].long()
    image = F.interpolate(batch["image"].float(), (size, size), mode="area").round().to(torch.uint8)
    return {"image": image, "landmarks": batch["landmarks"], **labels, "part": part}


def scaled(image: Tensor) -> Tensor:
    """Pictures, uint8, scaled for the network: -1..1, channels last."""
    return (image.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def train(training: NeutralizerTraining) -> Path:
    """Train for one run, alone or as one of torchrun's processes; returns the weights' path."""
    with joined(training.device) as ranks:
        return _train(training, ranks)


def _train(training: NeutralizerTraining, ranks: Ranks) -> Path:
    torch.manual_seed(training.seed)
    weights = training.out / "neutralizer.safetensors"
    batch_size = ranks.part_of_batch(training.batch)
    network = Neutralizer(NeutralizerConfig(widths=training.widths))
    choose_anchors(network, Rig(training.rig))
    network = network.to(memory_format=torch.channels_last)
    # The others wait for the first process where the trainer is made: the file of canvases is built
    # once.
    test = (
        {name: value.to(ranks.device) for name, value in held_out(training).items()}
        if ranks.first
        else {}
    )

    def keep(trainer: Trainer) -> None:
        figures = judge(cast("Neutralizer", trainer.average("network")), test)
        log.info("held out after %d steps: %s", trainer.steps, json.dumps(figures))
        save_model(
            weights,
            kind="icface.neutralizer",
            config={"widths": list(training.widths)},
            state=trainer.average("network").state_dict(),
            notes={"steps": trainer.steps, "held_out": figures},
        )

    plan = Plan(
        checkpoint=training.out / "neutralizer-training.safetensors",
        minutes=training.minutes,
        steps=training.steps,
        average_decay=0.998,
        seed=training.seed,
        resume=training.resume,
    )
    trainer = Trainer(
        {"network": Learner(network, rate=training.rate)}, plan, ranks, after_checkpoint=keep
    )
    loader = DataLoader(
        SurfaceStream(
            training.portraits,
            training.rig,
            training.cache,
            seed=ranks.seed(training.seed, trainer.steps),
        ),
        batch_size,
        num_workers=training.workers,
        prefetch_factor=6 if training.workers else None,
        multiprocessing_context="spawn" if training.workers else None,
    )
    batches: Iterator[dict[str, Tensor]] = iter(loader)
    for spent in trainer.run():
        batch = {name: value.to(ranks.device) for name, value in next(batches).items()}
        batch = resized(batch, SMALL if spent < training.small_share else WINDOW)
        surface = trainer["network"](
            scaled(batch["image"]), batch["landmarks"]
        )  # float32: places need the digits
        loss, figures = surface_loss(surface, batch)
        trainer.step({"network": loss}, figures)
    return weights
