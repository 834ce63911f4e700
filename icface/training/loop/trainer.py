"""What all training loops share: processes, rates, averages, checkpoints, the log.

One process trains alone; started by ``torchrun``, several train together. Each holds a copy of the
networks, draws other data and answers for an equal part of the batch;
`torch.nn.parallel.DistributedDataParallel` averages the gradients, so that all copies stay equal.
If every loss is a mean over the batch, n processes with 1/n of the batch each take the step that
one process would take with all of it. Two things differ. A loss that divides by a sum over its own
part (of a mask, say) is averaged over the parts, not over the whole. Batch normalisation uses the
statistics of its own part, and the running statistics are those of the first process: prefer group
normalisation, or convert the network with `torch.nn.SyncBatchNorm.convert_sync_batchnorm` first,
which needs CUDA.

    with joined("auto") as ranks:
        trainer = Trainer({"painter": Learner(painter, rate=2e-4), "judge": Learner(judge,
        rate=1e-4)}, plan, ranks) for spent in trainer.run():  # the share of the run that is over,
        equal in all processes
            with trainer.autocast():
                painted = trainer["painter"](batch) judged = judge_loss(trainer["judge"](real),
                trainer["judge"](painted.detach())) with trainer.frozen("judge") as judge:  # its
                weights pass the gradient on and get none
                    fooled = painter_loss(judge(painted))
            trainer.step({"painter": fooled, "judge": judged}, {"fooled": fooled, "judged": judged})

Checkpoints are safetensors: weights, averaged weights, the optimisers' moments and the place in the
run. A run that was interrupted goes on where it stopped, with the rate it had; after a run that
ended, the next one starts its rates anew.
"""

from __future__ import annotations

import copy
import inspect
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as safetensors_bytes
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from icface.system.atomic_write import write_whole
from icface.training.loop.processes import Ranks, TrainingError

log = logging.getLogger(__name__)
_MOST_SKIPPED = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one run goes.

    Attributes
    ----------
    checkpoint : Path
        Read at the start if it exists and `resume` is set, then written.
    minutes, steps : float, int or None
        Length of the run; by the first process's clock if no steps are given.
    warmup : int
        Steps over which the rates rise from nothing; then they fall as half a cosine to `floor` of
        their height.
    kept : float
        Share of the averaged weights that a step leaves as they were, 0..1; less in the first
        steps.
    every_minutes, report_seconds : float
        How often checkpoints and lines in the log are written.
    mixed : bool
        Whether `Trainer.autocast` computes in bfloat16; on CUDA only.
    seed : int
        Decides, with the rank and the step, torch's random numbers in every step.
    """

    checkpoint: Path
    minutes: float = 60.0
    steps: int | None = None
    warmup: int = 100
    floor: float = 0.01
    kept: float = 0.999
    every_minutes: float = 4.0
    report_seconds: float = 30.0
    mixed: bool = True
    seed: int = 0
    resume: bool = True


@dataclass(slots=True, eq=False)
class Learner:
    """A network that learns by an AdamW of its own.

    Attributes
    ----------
    network : nn.Module
        It is moved to the device of the process.
    rate : float
        Highest learning rate.
    clip : float
        Longest gradient, in the norm over all weights.
    averaged : bool
        Whether a moving average of the weights is kept.
    spare_weights : bool
        Set it if a step may leave some weights unused; processes then look for them, which takes
        time.
    """

    network: nn.Module
    rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-3
    clip: float = 1.0
    averaged: bool = True
    spare_weights: bool = False


class Trainer:
    """Networks by name, trained together by a plan; see the head of this module.

    Parameters
    ----------
    learners : mapping of str to Learner
        Names without dots.
    after_checkpoint : callable, optional
        Called in the first process after each checkpoint, the last one included, with the trainer:
        to judge, to draw a contact sheet, to write the product's weights. The other processes wait
        for it at the next step.

    Raises
    ------
    TrainingError
        If the checkpoint cannot be read or is of other networks.
    """

    def __init__(
        self,
        learners: Mapping[str, Learner],
        plan: Plan,
        ranks: Ranks,
        *,
        after_checkpoint: Callable[[Trainer], None] | None = None,
    ) -> None:
        self.plan, self.ranks = plan, ranks
        self.steps = 0
        """Steps done, in all runs."""
        self._learners = {name: _Learning(learner, ranks) for name, learner in learners.items()}
        self._after_checkpoint = after_checkpoint
        self._run_steps, self._run_seconds = 0, 0.0
        self._sums: dict[str, tuple[Tensor | float, int]] = {}
        self._skipped = 0
        if plan.resume and plan.checkpoint.exists():
            self._load()
        if ranks.agreed(self.steps) != self.steps:
            raise TrainingError(
                f"{plan.checkpoint} is not the same file for all processes: put it into a folder that all of them see."
            )

    def __getitem__(self, name: str) -> nn.Module:
        """The network to call in training; it lets processes share its gradients, so call nothing but the network itself."""
        return self._learners[name].shared

    def network(self, name: str) -> nn.Module:
        """The network itself."""
        return self._learners[name].network

    def average(self, name: str) -> nn.Module:
        """The network with the moving average of its weights, ready to judge; itself if none is kept."""
        learning = self._learners[name]
        return learning.network if learning.average is None else learning.average

    @contextmanager
    def frozen(self, name: str) -> Iterator[nn.Module]:
        """The network as it is, to be called within the context: gradients go through it, and its weights get none."""
        learning = self._learners[name]
        for weight in learning.weights:
            weight.requires_grad_(False)
        try:
            yield learning.network
        finally:
            for weight in learning.weights:
                weight.requires_grad_(True)

    def autocast(self) -> AbstractContextManager[object]:
        """What the forward pass runs in: bfloat16 where that is safe, on CUDA and if the plan says so."""
        kind = self.ranks.device.type
        return torch.autocast(kind, torch.bfloat16, enabled=self.plan.mixed and kind == "cuda")

    def run(self) -> Iterator[float]:
        """One item for each step: the share of the run that is over, 0..1, equal in all processes."""
        begun = reported = written = time.monotonic()
        before, told = self._run_seconds, self.steps
        while (spent := self._spent()) < 1:
            self._begin(spent)
            yield spent
            self.steps, self._run_steps = self.steps + 1, self._run_steps + 1
            for learning in self._learners.values():
                learning.follow(min(self.plan.kept, self.steps / (self.steps + 10)))
            now = time.monotonic()
            self._run_seconds = before + now - begun
            if now - reported > self.plan.report_seconds:
                self._report(spent, (self.steps - told) / (now - reported))
                reported, told = now, self.steps
            if now - written > 60 * self.plan.every_minutes:
                self.keep()
                written = time.monotonic()
        self._run_steps, self._run_seconds = 0, 0.0
        self.keep()

    def step(
        self, losses: Mapping[str, Tensor], figures: Mapping[str, Tensor | float] | None = None
    ) -> None:
        """Let networks learn from a loss each; all gradients are taken before any weight changes.

        Parameters
        ----------
        losses : mapping of str to scalar Tensor
            For each network that learns now. A loss must reach the weights of the others only
            through `frozen`.
        figures : mapping of str to scalar
            Their means, over the steps and in the first process, go to the log.

        Raises
        ------
        TrainingError
            After many steps without a finite gradient; single ones are passed over.
        """
        for name, loss in losses.items():
            self._learners[name].optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
        norms = [self._learners[name].clipped() for name in losses]
        if bool(
            torch.isfinite(torch.stack(norms)).all()
        ):  # shared gradients: all processes decide alike
            self._skipped = 0
            for name in losses:
                self._learners[name].optimiser.step()
        else:
            self._skipped += 1
            if self._skipped >= _MOST_SKIPPED:
                raise TrainingError(
                    f"{self._skipped} steps in a row had no finite gradient, up to step {self.steps}: "
                    "start again from the last checkpoint with a lower rate."
                )
        for name, figure in (figures or {}).items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = (
                total + (figure.detach().float() if isinstance(figure, Tensor) else figure),
                count + 1,
            )

    def means(self) -> dict[str, float]:
        """The figures' means since the last report in the log."""
        return {name: float(total) / count for name, (total, count) in self._sums.items()}

    def keep(self) -> None:
        """Write the checkpoint, in the first process, and call what is to be called after it."""
        if not self.ranks.first:
            return
        place = {"steps": torch.tensor(self.steps), "run.steps": torch.tensor(self._run_steps)}
        state = place | {"run.seconds": torch.tensor(self._run_seconds, dtype=torch.float64)}
        for name, learning in self._learners.items():
            state |= {f"{name}.{key}": value for key, value in learning.state().items()}
        write_tensors(self.plan.checkpoint, state)
        if self._after_checkpoint is not None:
            self._after_checkpoint(self)

    def _spent(self) -> float:
        if self.plan.steps is not None:
            return self._run_steps / self.plan.steps if self.plan.steps else 1.0
        return self.ranks.agreed(self._run_seconds / 60 / self.plan.minutes)

    def _begin(self, spent: float) -> None:
        rise = min(1.0, (self._run_steps + 1) / max(self.plan.warmup, 1))
        height = rise * (
            self.plan.floor + (1 - self.plan.floor) * 0.5 * (1 + math.cos(math.pi * spent))
        )
        for learning in self._learners.values():
            learning.begin(height)
        torch.manual_seed(self.ranks.seed(self.plan.seed, self.steps))

    def _report(self, spent: float, steps_per_second: float) -> None:
        shown = "  ".join(f"{name} {value:.4f}" for name, value in self.means().items())
        log.info(
            "%3.0f %%  step %d  %.2f steps/s  %s", 100 * spent, self.steps, steps_per_second, shown
        )
        self._sums = {}

    def _load(self) -> None:
        path = self.plan.checkpoint
        try:
            saved = load_file(path)
            self.steps, self._run_steps = int(saved.pop("steps")), int(saved.pop("run.steps"))
            self._run_seconds = float(saved.pop("run.seconds"))
            for name, learning in self._learners.items():
                learning.load(
                    {
                        k.removeprefix(f"{name}."): v
                        for k, v in saved.items()
                        if k.startswith(f"{name}.")
                    }
                )
        except (SafetensorError, OSError, KeyError, RuntimeError) as error:
            raise TrainingError(
                f"{path} is not a checkpoint of this training ({' '.join(str(error).split())[:200]}). "
                "Give another folder, or start anew (--fresh)."
            ) from error


class _Learning:
    """A learner at work: its network, as one process or several call it, the average, the optimiser."""

    def __init__(self, learner: Learner, ranks: Ranks) -> None:
        self._learner = learner
        self.network = learner.network.to(ranks.device)
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.shared = self.network
        if ranks.world > 1:
            self.shared = DistributedDataParallel(
                self.network,
                device_ids=[ranks.device] if ranks.device.type == "cuda" else None,
                find_unused_parameters=learner.spare_weights,
                **_buffers_kept(),
            )
        self.average = (
            copy.deepcopy(self.network).requires_grad_(False).eval() if learner.averaged else None
        )
        self.optimiser = torch.optim.AdamW(
            self.weights, learner.rate, betas=learner.betas, weight_decay=learner.weight_decay
        )

    def begin(self, height: float) -> None:
        """Set the rate to a share of its highest; turn on what is for training only."""
        for group in self.optimiser.param_groups:
            group["lr"] = self._learner.rate * height
        self.shared.train()

    def clipped(self) -> Tensor:
        """The gradient's length before it was cut to the longest allowed."""
        return nn.utils.clip_grad_norm_(self.weights, self._learner.clip)

    @torch.no_grad()
    def follow(self, kept: float) -> None:
        """Take the weights into the average."""
        if self.average is None:
            return
        for mean, now in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - kept)
            else:
                mean.copy_(now)

    def state(self) -> dict[str, Tensor]:
        """All that a later run needs."""
        state = {f"network.{key}": value for key, value in self.network.state_dict().items()}
        if self.average is not None:
            state |= {f"average.{key}": value for key, value in self.average.state_dict().items()}
        for number, weight in enumerate(self.weights):
            state |= {
                f"optimiser.{number}.{key}": value
                for key, value in self.optimiser.state[weight].items()
            }
        return state

    def load(self, saved: Mapping[str, Tensor]) -> None:
        """The reverse of `state`."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {
                key.removeprefix(prefix): value
                for key, value in saved.items()
                if key.startswith(prefix)
            }

        self.network.load_state_dict(part("network."))
        if self.average is not None:
            self.average.load_state_dict(part("average."))
        for number, weight in enumerate(self.weights):
            for key, value in part(f"optimiser.{number}.").items():
                if value.ndim == 0:  # the count of steps: AdamW keeps it on the CPU
                    self.optimiser.state[weight][key] = value
                    continue
                self.optimiser.state[weight][key] = torch.empty_like(weight).copy_(value)


def _buffers_kept() -> dict[str, Any]:
    """The option, under the name this torch gives it, that keeps buffers from changing between two calls of one step."""
    known = inspect.signature(DistributedDataParallel).parameters
    return {
        next(name for name in ("forward_sync_buffers", "broadcast_buffers") if name in known): False
    }


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file beside and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    write_whole(path, lambda file: file.write(safetensors_bytes(plain)))
