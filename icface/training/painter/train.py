"""Training of the painter with paired and unpaired supervision together, in one process or several.

After Tripathy, Kannala, Rahtu, "Learning image-to-image translation using paired and unpaired
training samples" (ACCV 2018). Domain X is patches as the two stages move them, domain Y
photographs. The painter is G1: X -> Y; a second one, needed in training only, is G2: Y -> X. Four
discriminators judge, by least squares: D1 and D2 whether a patch looks like its domain, D3 and D4
whether two patches belong together. D3 and D4 see real pairs in the paired phase, and (x, G1(x))
against (G2(G1(x)), G1(x)) in the unpaired phase, which is how the two kinds of samples meet.
Without unpaired samples G2 and the other three teach G1 nothing, and are left out.

Ours beside the paper: L1 to the target in the paired phase (weighted up inside the mouth), L1 of
features of our own tracker instead of VGG's and of what D3 sees, and a price on an open mask where
nothing is to be painted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from icface.model.networks.layers import for_inference
from icface.model.networks.painter import Paint, Painter, PainterConfig
from icface.model.networks.weights import save_model
from icface.training.loop.learner import Learner
from icface.training.loop.processes import Ranks, joined
from icface.training.loop.trainer import Plan, Trainer
from icface.training.painter.batches import PatchBatch, PatchSampler
from icface.training.painter.losses import (
    Judges,
    Lite0Features,
    TrackerFeatures,
    likeness,
    mask_price,
    mouth_figures,
    paired_loss,
    says,
)
from icface.training.painter.patches import Kind

log = logging.getLogger(__name__)
_Shown = tuple[str, tuple[Tensor, ...], float, Tensor]
"""A judge's name, its pictures, the truth (1 if they are real), and the zone to look at."""
Supervision = Literal["paired", "unpaired", "both"]
KIND = "icface.painter"
SHIPPED_WIDTHS = (16, 48, 80)
"""Channels of the painter that ships, level by level; its teacher has those of `PainterConfig`."""
_TAUGHT_FIDELITY = 0.15
"""Weight of the differences from the photograph beside a teacher, if none is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PainterPlan:
    """One run.

    Attributes
    ----------
    patches : tuple of Path
        Folders that `icface.training.painter.patches.write_patches` filled.
    out : Path
        Folder of the checkpoint and of ``painter.safetensors``; a run goes on from what lies there.
    minutes, steps : float, int or None
        Length, by the clock if no steps are given.
    start : Path, optional
        Weights to start from where there is no checkpoint. Its normalisations keep their
        statistics, so that small batches, and parts of batches in several processes, learn as large
        ones.
    widths : tuple of int
        Channels of a painter that starts from nothing, as in
        `icface.model.networks.painter.PainterConfig`; `SHIPPED_WIDTHS` if there are none.
    teacher : Path, optional
        Weights of a painter whose answers are learnt too, as a rule a larger one's (Hinton,
        Vinyals, Dean, "Distilling the knowledge in a neural network", 2015).
    supervision : "paired", "unpaired" or "both"
        Which samples teach: pix2pix, CycleGAN, or both together.
    adversary : float
        Weight of the discriminators' opinion; 0 trains without them where samples are paired alone
        (in the unpaired phase nothing else teaches, and it is 0.1 then).
    fidelity : float, optional
        Weight of the differences from the photograph; 0.15 beside a teacher and 1 without one, if
        not given.
    looks : float
        Weight of the differences of EfficientNet-Lite0's features in the mouth.
    rate, batch, seed, device
        Highest learning rate of the generators (the judges learn at twice the rate), samples of
        each kind a step (of all processes), random seed, where it runs.
    checkpoint_minutes : float
        How often a checkpoint is written.
    warmup : int
        Steps in which the learning rates rise.
    resume : bool
        Whether to continue from the checkpoint.
    """

    patches: tuple[Path, ...]
    out: Path
    minutes: float = 35.0
    steps: int | None = None
    start: Path | None = None
    widths: tuple[int, ...] = ()
    teacher: Path | None = None
    supervision: Supervision = "paired"
    adversary: float = 0.0
    fidelity: float | None = None
    looks: float = 0.0
    rate: float = 2e-3
    batch: int = 12
    seed: int = 0
    device: str = "cpu"
    checkpoint_minutes: float = 5.0
    warmup: int = 100
    resume: bool = True

    def __post_init__(self) -> None:
        if self.widths and self.start is not None:
            raise ValueError("Weights to start from have their own widths: give one or the other.")
        if self.teacher is not None and self.supervision == "unpaired":
            raise ValueError("A teacher teaches over paired samples: use paired or both.")

    @property
    def photograph_weight(self) -> float:
        """The weight of the differences from the photograph, given or by default."""
        if self.fidelity is not None:
            return self.fidelity
        return 1.0 if self.teacher is None else _TAUGHT_FIDELITY


class SettledNorm(nn.BatchNorm2d):
    """A batch normalisation that keeps the statistics it has, in training too."""

    def train(self, mode: bool = True) -> SettledNorm:
        """Stay in evaluation mode."""
        return super().train(mode=False)


class Generators(nn.Module):
    """G1, the painter, and G2, which leads back; without unpaired samples G1 alone."""

    def __init__(self, there: Painter, back: Painter | None) -> None:
        super().__init__()
        self.there, self.back = there, back

    def forward(
        self, way: str, seen: Tensor, before: Tensor, after: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Colour and mask of one of them, ``there`` or ``back``."""
        paint: Paint = getattr(self, way)(seen, before, after)
        return paint.colour, paint.mask


def _unjudged(_painter: Painter) -> dict[str, Any]:
    return {}


class PainterTraining:
    """The painter, its counterpart and the discriminators at work."""

    def __init__(
        self,
        plan: PainterPlan,
        ranks: Ranks,
        features: TrackerFeatures,
        *,
        judge: Callable[[Painter], dict[str, Any]] = _unjudged,
    ) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.features = plan, features.to(ranks.device)
        self.looks = Lite0Features(ranks.device) if plan.looks else None
        self._judge = judge
        unpaired = plan.supervision != "paired"
        there = self._first() if plan.start is None else settled(Painter.from_file(plan.start))
        self.teacher = (
            None
            if plan.teacher is None
            else for_inference(Painter.from_file(plan.teacher)).to(ranks.device)
        )
        back = Painter(there.config) if unpaired else None
        if back is not None and plan.start is not None:
            back = settled(back)
        generators = Generators(there, back).to(memory_format=torch.channels_last)
        names = ("d1", "d2", "d3", "d4") if unpaired else ("d3",) if plan.adversary else ()
        learners = {
            "generators": Learner(
                generators, plan.rate, betas=(0.5, 0.99), weight_decay=0.01, clip=5.0
            )
        }
        if names:
            judges = Judges(names).to(memory_format=torch.channels_last)
            learners["judges"] = Learner(
                judges,
                2 * plan.rate,
                betas=(0.5, 0.99),
                weight_decay=0.0,
                clip=50.0,
                averaged=False,
            )
        run = Plan(
            checkpoint=plan.out / "painter-training.safetensors",
            minutes=plan.minutes,
            steps=plan.steps,
            average_decay=0.998,
            checkpoint_minutes=plan.checkpoint_minutes,
            warmup=plan.warmup,
            seed=plan.seed,
            resume=plan.resume,
        )
        self.trainer = Trainer(learners, run, ranks, after_checkpoint=self._write)

    def _first(self) -> Painter:
        return Painter(PainterConfig(widths=self.plan.widths or SHIPPED_WIDTHS))

    def _write(self, trainer: Trainer) -> None:
        """Write the averaged painter in the product's format, with its held-out figures."""
        painter = cast("Generators", trainer.average("generators")).there
        figures = self._judge(painter)
        log.info("held out after %d steps: %s", trainer.steps, json.dumps(figures))
        elsewhere = ("out", "patches", "start", "teacher", "steps", "resume", "fidelity")
        notes: dict[str, Any] = {
            k: str(v) for k, v in asdict(self.plan).items() if k not in elsewhere
        }
        notes |= {"fidelity": str(self.plan.photograph_weight)}
        notes |= {"steps": trainer.steps, "held_out": figures, "taught": self.teacher is not None}
        path = self.plan.out / "painter.safetensors"
        save_model(
            path, kind=KIND, config=painter.description(), state=painter.state_dict(), notes=notes
        )

    def paint(self, way: str, batch: PatchBatch, picture: Tensor) -> tuple[Paint, Tensor]:
        """A generator's paint and painted picture under the batch's masks and controls."""
        seen = torch.cat([picture, batch.seen[:, 3:]], 1)
        paint = Paint(*self.trainer["generators"](way, seen, batch.before, batch.after))
        return paint, paint.over(picture)

    def one_step(
        self, paired: PatchBatch | None, unpaired: tuple[PatchBatch, PatchBatch] | None
    ) -> dict[str, Tensor]:
        """One step of generators and, if any, discriminators; returns the parts of the loss.

        `unpaired` are a batch whose moved patches are used and one whose photographs are used.
        """
        figures: dict[str, Tensor] = {}
        loss = torch.zeros((), device=self.trainer.ranks.device)
        shown: list[_Shown] = []
        if paired is not None:
            loss, shown = self._pairs(paired, figures)
        if unpaired is not None:
            more, seen = self._cycle(*unpaired, figures)
            loss, shown = loss + more, shown + seen
        losses = {"generators": loss}
        if shown:
            judges = self.trainer["judges"]
            opinions = [
                says(judges(name, *(p.detach() for p in pictures))[-1], truth, zone)
                for name, pictures, truth, zone in shown
            ]
            losses["judges"] = figures["judges"] = torch.stack(opinions).mean()
        self.trainer.step(losses, figures)
        return figures

    def _opinion(self, name: str, zone: Tensor, *pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        """A judge's distance from taking pictures for real, and its feature maps."""
        with self.trainer.frozen("judges") as judges:
            maps = judges(name, *pictures)
        return says(maps[-1], 1.0, zone), maps

    def _pairs(self, batch: PatchBatch, figures: dict[str, Tensor]) -> tuple[Tensor, list[_Shown]]:
        """The paired phase."""
        x, y, zone, a = batch.seen[:, :3], batch.target, batch.zone, self.plan.adversary
        paint, out = self.paint("there", batch, x)
        parts = paired_loss(paint, out, batch)
        figures |= parts | {"features": self.features.distance(out, y)}
        loss = 10 * parts["l1"] + 5 * parts["steep"] + 5 * parts["colour"] + figures["features"]
        if self.looks is not None:
            figures["looks"] = self.looks.distance(out, y, batch.inside)
            loss = loss + self.plan.looks * figures["looks"]
        loss = self.plan.photograph_weight * loss + parts["mask"]
        if self.teacher is not None:
            figures["taught"] = self._untaught(paint, batch)
            loss = loss + 10 * figures["taught"]
        if not a:
            return loss, []
        figures["fooled"], seen = self._opinion("d3", zone, x, out)
        figures["alike"] = likeness(seen, self._opinion("d3", zone, x, y)[1])
        loss = loss + a * figures["fooled"] + 5 * a * figures["alike"]
        shown: list[_Shown] = [("d3", (x, y), 1.0, zone), ("d3", (x, out), 0.0, zone)]
        if self.plan.supervision == "paired":
            return loss, shown
        reverse_paint, reverse = self.paint("back", batch, y)
        loss = (
            loss
            + 10 * ((reverse - x).abs() * (0.1 + zone)).mean()
            + mask_price(reverse_paint, batch)
        )
        loss = loss + a * self._opinion("d4", zone, y, reverse)[0]
        return loss, [*shown, ("d4", (y, x), 1.0, zone), ("d4", (y, reverse), 0.0, zone)]

    def _untaught(self, paint: Paint, batch: PatchBatch) -> Tensor:
        """Distance of the paint from the teacher's: of the added colour and of the mask."""
        assert self.teacher is not None
        with torch.no_grad():
            taught: Paint = self.teacher(batch.seen, batch.before, batch.after)
        weight = 0.1 + batch.zone + 4 * batch.inside
        added = ((paint.mask * paint.colour - taught.mask * taught.colour).abs() * weight).mean()
        return added + 0.2 * ((paint.mask - taught.mask).abs() * weight).mean()

    def _cycle(
        self, moved: PatchBatch, real: PatchBatch, figures: dict[str, Tensor]
    ) -> tuple[Tensor, list[_Shown]]:
        """The unpaired phase: realism, the way there and back, and what is right already stays."""
        a, x, y = self.plan.adversary or 0.1, moved.seen[:, :3], real.target
        paint, out = self.paint("there", moved, x)
        returned = self.paint("back", moved, out)[1]
        reverse_paint, reverse = self.paint("back", real, y)
        forward, same = self.paint("there", real, reverse)[1], self.paint("there", real, y)[1]
        cycle = (returned - x).abs().mean() + (forward - y).abs().mean()
        identity = (same - y).abs().mean()
        realism = (
            self._opinion("d1", moved.zone, out)[0] + self._opinion("d2", real.zone, reverse)[0]
        )
        consistency = (
            self._opinion("d3", moved.zone, returned, out)[0]
            + self._opinion("d4", real.zone, forward, reverse)[0]
        )
        figures |= {"cycle": cycle, "identity": identity, "realism": realism}
        priced = mask_price(paint, moved) + mask_price(reverse_paint, real)
        loss = 10 * cycle + 5 * identity + a * realism + a * consistency + priced
        return loss, [
            ("d1", (y,), 1.0, real.zone),
            ("d1", (out,), 0.0, moved.zone),
            ("d2", (x,), 1.0, moved.zone),
            ("d2", (reverse,), 0.0, real.zone),
            ("d3", (x, out), 1.0, moved.zone),
            ("d3", (returned, out), 0.0, moved.zone),
            ("d4", (y, reverse), 1.0, real.zone),
            ("d4", (forward, reverse), 0.0, real.zone),
        ]


def settled(painter: Painter) -> Painter:
    """The painter, to be trained on with its normalisations as they are."""
    for module in painter.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SettledNorm
    return painter.requires_grad_(True)


def train(
    plan: PainterPlan, *, held_out: Path | None = None, features: TrackerFeatures | None = None
) -> dict[str, Any]:
    """Train for one run, alone or as one of torchrun's processes, from the checkpoint if any.

    Parameters
    ----------
    held_out : Path, optional
        Patches of people not trained on: the error inside the mouth is logged whenever weights are
        written.

    Returns
    -------
    dict
        The last of those figures; empty without `held_out`, and in all processes but the first.
    """
    figures: dict[str, Any] = {}
    with joined(plan.device) as ranks:
        judged = PatchSampler(held_out).in_order(32) if held_out and ranks.first else []

        def judge(painter: Painter) -> dict[str, Any]:
            figures.update(mouth_figures(painter, judged, ranks.device) if judged else {})
            return dict(figures)

        training = PainterTraining(plan, ranks, features or TrackerFeatures(), judge=judge)
        sampler = PatchSampler(*plan.patches, seed=ranks.seed(plan.seed, training.trainer.steps))
        count = ranks.part_of_batch(plan.batch)
        for _ in training.trainer.run():
            paired = (
                sampler.batch(count).to(ranks.device) if plan.supervision != "unpaired" else None
            )
            unpaired = None
            if plan.supervision != "paired":
                unpaired = (
                    sampler.batch(count, Kind.RIG).to(ranks.device),
                    sampler.batch(count, Kind.PHOTO).to(ranks.device),
                )
            training.one_step(paired, unpaired)
    return figures
