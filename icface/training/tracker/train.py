"""Training of the built-in tracker's three networks, on one core or a GPU.

First `icface.training.tracker.data.build_cache` fills the cache from the portraits folder and the
rig file; then the detector is trained, its false alarms are collected for the landmark network, and
the refiner is trained on what that network reads, and calibrated. The commands are in
`icface.training.tracker.command`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from icface.arrays import U8
from icface.model.networks.tracker_nets import FaceDetectorNet, LandmarkNet, RefinerNet, TrackerNet
from icface.model.networks.weights import load_into, load_model, save_model
from icface.training.loop.array_files import save_array
from icface.training.loop.learner import Learner
from icface.training.loop.processes import Ranks, TrainingError, joined
from icface.training.loop.trainer import Plan, Trainer
from icface.training.tracker.augment import CropBatch, CropSampler
from icface.training.tracker.data import LabelledImages
from icface.training.tracker.losses import LandmarkLoss, RefinerLoss, detector_loss
from icface.training.tracker.refiner import RefinerBatch, RefinerSampler
from icface.training.tracker.scenes import SceneBatch, SceneSampler, make_backgrounds

DETECTOR = "icface.detector"
LANDMARKS = "icface.landmarks"
REFINER = "icface.refiner"


class Batch(Protocol):
    """A training batch that can be moved to a device."""

    def to(self, device: torch.device, /) -> Any:
        """The batch on that device."""


_Batch = TypeVar("_Batch", bound=Batch)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerTraining:
    """The data, length and learning rate of one run.

    Attributes
    ----------
    cache : Path
        The folder that `icface.training.tracker.data.build_cache` filled.
    checkpoint : Path
        Read at the start if it exists and `resume` is set, then written.
    out : Path
        Where the averaged weights go in the product's format.
    minutes, steps : float, int or None
        Length of the run; by the clock if no steps are given.
    rate : float
        Highest learning rate.
    batch : int
        Samples of a step, in all processes together.
    seed : int
        Random seed.
    device : str
        As torch names it, or "auto".
    resume : bool
        Whether to continue from the checkpoint.
    """

    cache: Path
    checkpoint: Path
    out: Path
    minutes: float = 30.0
    steps: int | None = None
    rate: float = 2e-3
    batch: int = 32
    seed: int = 0
    device: str = "auto"
    resume: bool = True


def train(
    network: TrackerNet,
    sampler: Callable[[int], Callable[[], _Batch]],
    loss: Callable[[nn.Module, _Batch], tuple[Tensor, dict[str, Tensor]]],
    training: TrackerTraining,
    ranks: Ranks,
    *,
    kind: str,
) -> None:
    """Train one network for one run; writes its averaged weights whenever a checkpoint is written.

    Parameters
    ----------
    network : TrackerNet
    sampler : callable
        Takes a random seed and returns a function that draws the next batch.
    loss : callable
        Takes the network and a batch; returns the loss and its parts for the log.
    training : TrackerTraining
    ranks : Ranks
        The place of this process among those that train together.
    kind : str
        Name of the network in the weights file.

    Raises
    ------
    TrainingError
        If the checkpoint is of another network, or many steps in a row have no finite gradient.
    """

    def write_weights(trainer: Trainer) -> None:
        save_model(
            training.out,
            kind=kind,
            config=network.config,
            state=trainer.average("network").state_dict(),
            notes={"steps": trainer.steps, "batch": training.batch},
        )

    network = network.to(memory_format=torch.channels_last)
    plan = Plan(
        checkpoint=training.checkpoint,
        minutes=training.minutes,
        steps=training.steps,
        warmup=200,
        seed=training.seed,
        resume=training.resume,
    )
    learner = Learner(network, rate=training.rate, weight_decay=0.02, clip=5.0)
    trainer = Trainer({"network": learner}, plan, ranks, after_checkpoint=write_weights)
    draw = sampler(ranks.seed(training.seed, trainer.steps))
    for _ in trainer.run():
        value, parts = loss(trainer["network"], draw().to(ranks.device))
        trainer.step({"network": value}, parts)


def backgrounds(cache: Path) -> U8:
    """Pictures without faces, (N, 256, 256, 3) uint8; made at the first call, kept in the cache.

    Raises
    ------
    TrainingError
        If the portraits have too little room around their faces.
    """
    path = cache / "train_backgrounds.npy"
    if not path.is_file():
        try:
            save_array(path, make_backgrounds(LabelledImages.load(cache, "train_portraits")))
        except ValueError as error:
            raise TrainingError(str(error)) from error
    return np.asarray(np.load(path), np.uint8)


def train_detector(training: TrackerTraining) -> None:
    """Train the face detector on scenes of pasted portraits."""
    with joined(training.device) as ranks:
        torch.manual_seed(training.seed)
        portraits = LabelledImages.load(training.cache, "train_portraits")
        scenery, count = backgrounds(training.cache), ranks.part_of_batch(training.batch)

        def sampler(seed: int) -> Callable[[], SceneBatch]:
            scenes = SceneSampler(portraits, scenery, seed=seed)
            return lambda: scenes.batch(count)

        train(FaceDetectorNet(), sampler, detector_loss, training, ranks, kind=DETECTOR)


def train_landmarks(training: TrackerTraining) -> None:
    """Train the landmark network on augmented crops; it starts from the mean face."""
    with joined(training.device) as ranks:
        torch.manual_seed(training.seed)
        network = LandmarkNet()
        scenery, count = backgrounds(training.cache), ranks.part_of_batch(training.batch)

        def crops(seed: int) -> CropSampler:
            return CropSampler(training.cache, network.size, scenery, seed=seed)

        def sampler(seed: int) -> Callable[[], CropBatch]:
            drawn = crops(seed)
            return lambda: drawn.batch(count)

        with torch.no_grad():
            network.points.weight.mul_(0.2)
            network.points.bias.copy_(crops(training.seed).mean_points().flatten())
        spread = LabelledImages.load(training.cache, "train_renders").controls[:, 3:].std(0)
        loss = LandmarkLoss(spread).to(ranks.device)
        train(network, sampler, loss, training, ranks, kind=LANDMARKS)


def train_refiner(training: TrackerTraining, *, start: Path | None = None) -> None:
    """Train the network that corrects a first reading.

    Parameters
    ----------
    training : TrackerTraining
    start : Path, optional
        Weights to start from where there is no checkpoint.
    """
    with joined(training.device) as ranks:
        torch.manual_seed(training.seed)
        network = RefinerNet()
        if start is not None:
            load_into(network, load_model(start, kind=REFINER), path=start)
        count = ranks.part_of_batch(training.batch)

        def sampler(seed: int) -> Callable[[], RefinerBatch]:
            faces = RefinerSampler(training.cache, network.size, seed=seed)
            return lambda: faces.batch(count)

        loss = RefinerLoss(training.cache).to(ranks.device)
        train(network, sampler, loss, training, ranks, kind=REFINER)
