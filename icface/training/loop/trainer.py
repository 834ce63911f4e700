"""The loop that trains every network: processes, learning rates, averages, checkpoints, the log.

One process trains alone; started by ``torchrun``, several train together. Each holds a copy of the
networks, draws different data and computes an equal part of the batch;
`torch.nn.parallel.DistributedDataParallel` averages the gradients, so all copies stay equal.
If every loss is a mean over the batch, n processes with 1/n of the batch each take the step that
one process would take with all of it. Two things differ. A loss that divides by a sum over its own
part (of a mask, say) is averaged over the parts, not over the whole. Batch normalisation uses the
statistics of its own part, and the first process's running statistics are stored: prefer group
normalisation, or convert the network with `torch.nn.SyncBatchNorm.convert_sync_batchnorm` first,
which needs CUDA. For example::

    learners = {"painter": Learner(painter, rate=2e-4), "judge": Learner(judge, rate=1e-4)}
    with joined("auto") as ranks:
        trainer = Trainer(learners, plan, ranks)
        for progress in trainer.run():  # share of the run that is over, equal in all processes
            with trainer.autocast():
                painted = trainer["painter"](batch)
                judged = judge_loss(trainer["judge"](real), trainer["judge"](painted.detach()))
                with trainer.frozen("judge") as judge:  # gradients pass, its weights get none
                    fooled = painter_loss(judge(painted))
            trainer.step({"painter": fooled, "judge": judged}, {"fooled": fooled, "judged": judged})

Checkpoints are safetensors: weights, averaged weights, the optimisers' moments and the position in
the run. An interrupted run resumes where it stopped, at the learning rate it had; after a run that
ended, the next one starts its schedule anew.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from icface.training.loop.array_files import save_tensors
from icface.training.loop.learner import Learner, LearnerState
from icface.training.loop.processes import Ranks, TrainingError

log = logging.getLogger(__name__)
_MOST_SKIPPED = 25
"""Steps in a row without a finite gradient after which a run fails."""
_AVERAGE_RISE = 10
"""Steps after which the average keeps half of itself at a step; later it keeps more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The length, schedule and checkpoint of one run.

    Attributes
    ----------
    checkpoint : Path
        Read at the start if it exists and `resume` is set, then written.
    minutes, steps : float, int or None
        Length of the run; by the first process's clock if no steps are given.
    warmup : int
        Steps over which the learning rates rise from nothing.
    floor : float
        Share of the highest rate, 0..1, to which the rates then fall as half a cosine.
    average_decay : float
        Share of the averaged weights that a step leaves as they were, 0..1; less in the first
        steps.
    checkpoint_minutes, report_seconds : float
        How often checkpoints and lines in the log are written.
    mixed : bool
        Whether `Trainer.autocast` computes in bfloat16; on CUDA only.
    seed : int
        Seeds torch's random numbers, together with the rank and the step, at every step.
    resume : bool
        Whether to continue from the checkpoint.
    """

    checkpoint: Path
    minutes: float = 60.0
    steps: int | None = None
    warmup: int = 100
    floor: float = 0.01
    average_decay: float = 0.999
    checkpoint_minutes: float = 4.0
    report_seconds: float = 30.0
    mixed: bool = True
    seed: int = 0
    resume: bool = True


class Trainer:
    """Named networks trained together by a plan; the module's docstring has an example.

    Parameters
    ----------
    learners : mapping of str to Learner
        Names without dots.
    plan : Plan
    ranks : Ranks
    after_checkpoint : callable, optional
        Called in the first process after each checkpoint, the last one included, with the trainer:
        to evaluate, to draw a contact sheet, to write the product's weights. The other processes
        wait for it at the next step.

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
        self._learners = {name: LearnerState(learner, ranks) for name, learner in learners.items()}
        self._after_checkpoint = after_checkpoint
        self._run_steps, self._run_seconds = 0, 0.0
        self._sums: dict[str, tuple[Tensor | float, int]] = {}
        self._skipped = 0
        if plan.resume and plan.checkpoint.exists():
            self._load()
        if ranks.agreed(self.steps) != self.steps:
            raise TrainingError(
                f"{plan.checkpoint} is not the same file for all processes: "
                "put it into a folder that all of them see."
            )

    def __getitem__(self, name: str) -> nn.Module:
        """The network to call in training, and only to call: processes share its gradients."""
        return self._learners[name].shared

    def network(self, name: str) -> nn.Module:
        """The network itself."""
        return self._learners[name].network

    def average(self, name: str) -> nn.Module:
        """The network with the moving average of its weights; itself if none is kept."""
        learner = self._learners[name]
        return learner.network if learner.average is None else learner.average

    def rate(self, name: str) -> float:
        """The learning rate of the current step."""
        return float(self._learners[name].optimiser.param_groups[0]["lr"])

    @contextmanager
    def frozen(self, name: str) -> Iterator[nn.Module]:
        """The network, to be called within the context: gradients pass, its weights get none."""
        learner = self._learners[name]
        for weight in learner.weights:
            weight.requires_grad_(False)
        try:
            yield learner.network
        finally:
            for weight in learner.weights:
                weight.requires_grad_(True)

    def autocast(self) -> AbstractContextManager[object]:
        """The context of a forward pass: bfloat16 where that is safe, on CUDA and if planned."""
        kind = self.ranks.device.type
        return torch.autocast(kind, torch.bfloat16, enabled=self.plan.mixed and kind == "cuda")

    def run(self) -> Iterator[float]:
        """One item a step: the share of the run that is over, 0..1, equal in all processes."""
        begun = reported = written = time.monotonic()
        seconds_before, reported_steps = self._run_seconds, self.steps
        while (progress := self._progress()) < 1:
            self._begin_step(progress)
            yield progress
            self.steps, self._run_steps = self.steps + 1, self._run_steps + 1
            decay = min(self.plan.average_decay, self.steps / (self.steps + _AVERAGE_RISE))
            for learner in self._learners.values():
                learner.update_average(decay)
            now = time.monotonic()
            self._run_seconds = seconds_before + now - begun
            if now - reported > self.plan.report_seconds:
                self._report(progress, (self.steps - reported_steps) / (now - reported))
                reported, reported_steps = now, self.steps
            if now - written > 60 * self.plan.checkpoint_minutes:
                self.write_checkpoint()
                written = time.monotonic()
        self._run_steps, self._run_seconds = 0, 0.0
        self.write_checkpoint()

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
        norms = torch.stack([self._learners[name].clip_gradient() for name in losses])
        if bool(torch.isfinite(norms).all()):  # gradients are shared: all processes decide alike
            self._skipped = 0
            for name in losses:
                self._learners[name].optimiser.step()
        else:
            self._skipped += 1
            if self._skipped >= _MOST_SKIPPED:
                raise TrainingError(
                    f"{self._skipped} steps in a row had no finite gradient, up to step "
                    f"{self.steps}: start again from the last checkpoint with a lower rate."
                )
        for name, figure in (figures or {}).items():
            total, count = self._sums.get(name, (0.0, 0))
            value = figure.detach().float() if isinstance(figure, Tensor) else figure
            self._sums[name] = total + value, count + 1

    def means(self) -> dict[str, float]:
        """The figures' means since the last report in the log."""
        return {name: float(total) / count for name, (total, count) in self._sums.items()}

    def write_checkpoint(self) -> None:
        """Write the checkpoint, in the first process only, and call `after_checkpoint`."""
        if not self.ranks.first:
            return
        state = {
            "steps": torch.tensor(self.steps),
            "run.steps": torch.tensor(self._run_steps),
            "run.seconds": torch.tensor(self._run_seconds, dtype=torch.float64),
        }
        for name, learner in self._learners.items():
            state |= {f"{name}.{key}": value for key, value in learner.state().items()}
        save_tensors(self.plan.checkpoint, state)
        if self._after_checkpoint is not None:
            self._after_checkpoint(self)

    def _progress(self) -> float:
        if self.plan.steps is not None:
            return self._run_steps / self.plan.steps if self.plan.steps else 1.0
        return self.ranks.agreed(self._run_seconds / 60 / self.plan.minutes)

    def _begin_step(self, progress: float) -> None:
        rise = min(1.0, (self._run_steps + 1) / max(self.plan.warmup, 1))
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        rate_share = rise * (self.plan.floor + (1 - self.plan.floor) * cosine)
        for learner in self._learners.values():
            learner.begin_step(rate_share)
        torch.manual_seed(self.ranks.seed(self.plan.seed, self.steps))

    def _report(self, progress: float, steps_per_second: float) -> None:
        shown = "  ".join(f"{name} {value:.4f}" for name, value in self.means().items())
        log.info(
            "%3.0f %%  step %d  %.2f steps/s  %s",
            100 * progress,
            self.steps,
            steps_per_second,
            shown,
        )
        self._sums = {}

    def _load(self) -> None:
        path = self.plan.checkpoint
        try:
            saved = load_file(path)
            self.steps, self._run_steps = int(saved.pop("steps")), int(saved.pop("run.steps"))
            self._run_seconds = float(saved.pop("run.seconds"))
            for name, learner in self._learners.items():
                prefix = f"{name}."
                learner.load(
                    {k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)}
                )
        except (SafetensorError, OSError, KeyError, RuntimeError) as error:
            raise TrainingError(
                f"{path} is not a checkpoint of this training "
                f"({' '.join(str(error).split())[:200]}). "
                "Give another folder, or start anew (--fresh)."
            ) from error
