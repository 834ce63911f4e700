"""Training of the built-in tracker's three networks, on one core or a GPU.

``python -m icface.training.tracker.train cache|detector|mine|landmarks|refiner|calibrate ...``:
first the cache is filled from the portraits folder and the rig file; then the detector is trained,
its false alarms are mined for the landmark network, and the refiner is trained on what that reads,
and calibrated. A run ends where its time ends (the learning rate falls with the clock), keeps a
moving average of the weights, writes a checkpoint every few minutes and can start from one.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
import cv2
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from icface.face.controls import EXPRESSIONS
from icface.face.landmarks import BOTH_IRISES, BROWS, LID_RIMS, LIPS
from icface.model.networks.tracker_nets import FaceDetectorNet, LandmarkNet, RefinerNet, TrackerNet
from icface.model.networks.weights import build, load_into, load_model, save_model
from icface.system.logs import printed_log
from icface.tracking.builtin import REFINER_FILE, BuiltinTracker
from icface.training.loop.array_files import save_array
from icface.training.loop.trainer import write_tensors
from icface.training.tracker.augment import CropBatch, CropSampler
from icface.training.tracker.calibrate import fit_calibration
from icface.training.tracker.data import LabelledImages, build_cache
from icface.training.tracker.mine import collect_alarms
from icface.training.tracker.refiner import RefinerLoss, RefinerSampler
from icface.training.tracker.scenes import SceneBatch, SceneSampler, make_backgrounds

log = logging.getLogger(__name__)

_READ_OFTEN = ("jawOpen", "eyeBlink", "mouthSmile", "browInnerUp", "browOuterUp", "browDown")
_POINT_UNIT = 0.02
_KEPT = 0.999
_Batch = TypeVar("_Batch")
_Command = TypeVar("_Command", bound=Callable[..., None])


def _smooth_l1(difference: Tensor, beta: float) -> Tensor:
    size = difference.abs()
    return torch.where(size < beta, size.square() / (2 * beta), size - beta / 2)


class LandmarkLoss(nn.Module):
    """How far a reading of crops is from their labels.

    Parameters
    ----------
    spread : (53,) float32
        Standard deviation of each expression channel among the labels.
    """

    point_weight: Tensor
    channel_weight: Tensor

    def __init__(self, spread: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
        super().__init__()
        weight = torch.ones(478, 3)
        for group, factor in ((LIPS, 2.0), (LID_RIMS, 3.0), (BROWS, 2.0), (BOTH_IRISES, 3.0)):
            weight[list(group)] *= factor
        weight[:, 2] *= 0.3
        self.register_buffer("point_weight", weight / weight.mean())
        often = torch.tensor([2.0 if name.startswith(_READ_OFTEN) else 1.0 for name in EXPRESSIONS])
        self.register_buffer(
            "channel_weight", often.sqrt() / torch.from_numpy(np.maximum(spread, 0.08))
        )

    def forward(self, net: LandmarkNet, batch: CropBatch) -> tuple[Tensor, dict[str, float]]:
        """The loss and its parts for the log."""
        out = net(batch.pictures)
        shown = batch.face > 0
        points = (_smooth_l1(out.points - batch.points, 0.003) * self.point_weight / _POINT_UNIT)[
            shown
        ].mean()
        wrong = out.controls[shown] - batch.controls[shown]
        angles = _smooth_l1(wrong[:, :3], 0.05).mean()
        confidence = 0.35 + 0.65 * batch.exact[shown, None]
        # squares: most channels are 0 in most faces, and the median of that would never leave 0
        channels = ((wrong[:, 3:] * self.channel_weight).square() * confidence).mean()
        face = nn.functional.binary_cross_entropy_with_logits(out.face, batch.face)
        parts = {"points": points, "angles": angles, "channels": channels, "face": face}
        return points + 3 * angles + 0.7 * channels + 0.3 * face, {
            k: float(v.detach()) for k, v in parts.items()
        }


def detector_loss(net: FaceDetectorNet, batch: SceneBatch) -> tuple[Tensor, dict[str, float]]:
    """Focal loss on the heat, L1 on what a face's cell says of it."""
    out = net(batch.pictures)
    heat = torch.sigmoid(out.heat).clamp(1e-4, 1 - 1e-4)
    middle = batch.heat >= 0.999
    hit = (1 - heat).square() * heat.log() * middle
    miss = (1 - batch.heat) ** 4 * heat.square() * (1 - heat).log() * ~middle * batch.counted
    count = batch.weight.sum().clamp(min=1)
    focal = -(hit.sum() + miss.sum()) / middle.sum().clamp(min=1)
    size = ((out.log_size - batch.log_size).abs() * batch.weight).sum() / count
    tilt = (_smooth_l1(out.tilt - batch.tilt, 0.1).sum(1) * batch.weight).sum() / count
    offset = (_smooth_l1(out.offset - batch.offset, 0.1).sum(1) * batch.weight).sum() / count
    parts = {"heat": focal, "size": size, "tilt": tilt, "offset": offset}
    return focal + size + tilt + offset, {k: float(v.detach()) for k, v in parts.items()}


def _clock(minutes: float) -> Iterator[float]:
    start = time.monotonic()
    while (passed := (time.monotonic() - start) / (60 * minutes)) < 1:
        yield passed


@dataclass(frozen=True, slots=True)
class Plan:
    """How one training run goes.

    Attributes
    ----------
    cache : Path
        The folder that `icface.training.tracker.data.build_cache` filled.
    checkpoint : Path
        Safetensors with weights, their average and the step; read at the start if it exists, then
        written.
    out : Path
        Where the averaged weights go in the product's format.
    minutes, rate, batch, seed
        Length, highest learning rate, batch size, random seed.
    device : str
        As torch names it, or "auto".
    every_minutes : float
        How often a checkpoint is written.
    """

    cache: Path
    checkpoint: Path
    out: Path
    minutes: float
    rate: float
    batch: int
    seed: int
    device: str
    every_minutes: float = 4.0

    @property
    def where(self) -> torch.device:
        """The device meant."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)


class _Weights:
    """A network, the moving average of its weights, and the steps done, kept in a checkpoint."""

    def __init__(self, net: TrackerNet, plan: Plan, *, kind: str) -> None:
        self._net, self._plan, self._kind = net, plan, kind
        self._average = copy.deepcopy(net).requires_grad_(False)
        self.step = 0
        if plan.checkpoint.is_file():
            saved = load_file(plan.checkpoint, device=str(plan.where))
            self.step = int(saved.pop("step"))
            for prefix, module in (("net.", self._net), ("average.", self._average)):
                module.load_state_dict(
                    {k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)},
                )

    @torch.no_grad()
    def moved(self) -> None:
        """Count a step and take it into the average."""
        self.step += 1
        keep = min(_KEPT, (self.step + 1) / (self.step + 20))
        for mean, now in zip(
            self._average.state_dict().values(), self._net.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)

    def write(self) -> None:
        """Write the checkpoint, and the average in the product's format."""
        state = {f"net.{k}": v.contiguous() for k, v in self._net.state_dict().items()}
        state |= {f"average.{k}": v.contiguous() for k, v in self._average.state_dict().items()}
        write_tensors(self._plan.checkpoint, state | {"step": torch.tensor(self.step)})
        notes = {"steps": self.step, "batch": self._plan.batch}
        save_model(
            self._plan.out,
            kind=self._kind,
            config=self._net.config,
            state=self._average.state_dict(),
            notes=notes,
        )


def fit(
    net: TrackerNet,
    draw: Callable[[], _Batch],
    loss_of: Callable[[_Batch], tuple[Tensor, dict[str, float]]],
    plan: Plan,
    *,
    kind: str,
) -> None:
    """Train for the planned minutes; the learning rate warms up, then falls as a half cosine to a hundredth.

    Parameters
    ----------
    draw, loss_of
        The next batch; the loss of a batch (closing over `net`) with its parts.
    kind : str
        What the weights file calls the network.
    """
    weights = _Weights(net, plan, kind=kind)
    optimiser = torch.optim.AdamW(net.parameters(), plan.rate, weight_decay=0.02)
    first = told_step = weights.step
    told = written = time.monotonic()
    sums: dict[str, float] = {}
    for passed in _clock(plan.minutes):
        warm = min((weights.step - first + 1) / 200, 1.0)
        for group in optimiser.param_groups:
            group["lr"] = plan.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * passed)))
        net.train()
        loss, parts = loss_of(draw())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        weights.moved()
        sums = {k: sums.get(k, 0.0) + v for k, v in parts.items()}
        now = time.monotonic()
        if now - told > 30:
            steps = weights.step - told_step
            shown = "  ".join(f"{k} {v / steps:.4f}" for k, v in sums.items())
            log.info(
                "%4.0f %%  step %d  %.2f steps/s  %s",
                100 * passed,
                weights.step,
                steps / (now - told),
                shown,
            )
            told, told_step, sums = now, weights.step, {}
        if now - written > 60 * plan.every_minutes:
            weights.write()
            written = now
    weights.write()


def _backgrounds(cache: Path) -> np.ndarray[tuple[int, int, int, int], np.dtype[np.uint8]]:
    path = cache / "train_backgrounds.npy"
    if not path.is_file():
        try:
            save_array(path, make_backgrounds(LabelledImages.load(cache, "train_portraits")))
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    return np.asarray(np.load(path), np.uint8)


@click.group()
@click.option("--threads", default=1, show_default=True, help="CPU threads of the network.")
@click.pass_context
def main(context: click.Context, threads: int) -> None:
    """Train the built-in tracker."""
    context.with_resource(printed_log())
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)


@main.command()
@click.option(
    "--portraits", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True
)
@click.option("--rig", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--cache", "folder", type=click.Path(path_type=Path), required=True)
@click.option("--workers", default=1, show_default=True, help="Processes that render.")
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Times six renders of every still.",
)
def cache(portraits: Path, rig: Path, folder: Path, workers: int, rounds: int) -> None:
    """Decode the portraits and render them in random states, once."""
    build_cache(portraits, rig, folder, workers=workers, rounds=rounds)


@main.command()
@click.option("--cache", type=click.Path(exists=True, path_type=Path), required=True)
@click.option(
    "--models",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help="Folder of the weights.",
)
def mine(cache: Path, models: Path | None) -> None:
    """Collect false alarms of the detector, for the next training of the landmark network."""
    save_array(
        cache / "train_alarms.npy",
        collect_alarms(BuiltinTracker(models=models), cache, _backgrounds(cache)),
    )


_TRAINING = (
    click.option("--cache", type=click.Path(exists=True, path_type=Path), required=True),
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        required=True,
        help="Read if it exists, then written.",
    ),
    click.option(
        "--out", type=click.Path(path_type=Path), required=True, help="Weights file to write."
    ),
    click.option("--minutes", default=30.0, show_default=True),
    click.option("--rate", default=2e-3, show_default=True, help="Highest learning rate."),
    click.option("--batch", default=32, show_default=True),
    click.option("--seed", default=0, show_default=True),
    click.option("--device", default="auto", show_default=True),
)


def _with_training_options(command: _Command) -> _Command:
    for option in reversed(_TRAINING):
        command = option(command)
    return command


@main.command()
@_with_training_options
def landmarks(**options: Any) -> None:
    """Train the landmark network."""
    plan = Plan(**options)
    torch.manual_seed(plan.seed)
    net = LandmarkNet()
    sampler = CropSampler(plan.cache, net.size, _backgrounds(plan.cache), seed=plan.seed)
    renders = LabelledImages.load(plan.cache, "train_renders")
    with torch.no_grad():
        net.points.weight.mul_(0.2)
        net.points.bias.copy_(sampler.mean_points().flatten())
    net.to(plan.where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss = LandmarkLoss(renders.controls[:, 3:].std(0)).to(plan.where)
    fit(
        net,
        lambda: sampler.batch(plan.batch).to(plan.where),
        lambda b: loss(net, b),
        plan,
        kind="icface.landmarks",
    )


@main.command()
@_with_training_options
def detector(**options: Any) -> None:
    """Train the face detector."""
    plan = Plan(**options)
    torch.manual_seed(plan.seed)
    net = FaceDetectorNet()
    sampler = SceneSampler(
        LabelledImages.load(plan.cache, "train_portraits"), _backgrounds(plan.cache), seed=plan.seed
    )
    net.to(plan.where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    draw = lambda: sampler.batch(plan.batch).to(plan.where)  # noqa: E731
    fit(net, draw, lambda b: detector_loss(net, b), plan, kind="icface.detector")


@main.command()
@_with_training_options
@click.option(
    "--start",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help="Weights to begin with.",
)
def refiner(start: Path | None, **options: Any) -> None:
    """Train the network that looks again at a face that was read once."""
    plan = Plan(**options)
    torch.manual_seed(plan.seed)
    net = RefinerNet()
    if start is not None:
        load_into(net, load_model(start, kind="icface.refiner"), path=start)
    sampler = RefinerSampler(plan.cache, net.size, seed=plan.seed)
    net.to(plan.where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss = RefinerLoss(plan.cache).to(plan.where)
    fit(
        net,
        lambda: sampler.batch(plan.batch).to(plan.where),
        lambda b: loss(net, b),
        plan,
        kind="icface.refiner",
    )


@main.command()
@click.option("--cache", type=click.Path(exists=True, path_type=Path), required=True)
@click.option(
    "--models",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="Folder with the trained weights.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Weights file of the refiner to write.",
)
def calibrate(cache: Path, models: Path, out: Path) -> None:
    """Scale what the refiner reads too small, once after its training."""
    path = models / REFINER_FILE
    stored = load_model(path, kind="icface.refiner")
    net = build(RefinerNet, stored.config, path=path)
    load_into(net, stored, path=path)
    found = fit_calibration(BuiltinTracker(models=models), cache)
    found.into(net.controls)
    gains = {
        name: round(float(gain), 3)
        for name, gain in zip(EXPRESSIONS, found.gain, strict=True)
        if gain > 1
    }
    save_model(
        out,
        kind=stored.kind,
        config=stored.config,
        state=net.state_dict(),
        notes=stored.notes | {"gains": gains},
    )
    click.echo(gains)


if __name__ == "__main__":
    main()
