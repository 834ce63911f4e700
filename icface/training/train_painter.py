"""Training of the painter with paired and unpaired supervision together.

After Tripathy, Kannala, Rahtu, "Learning image-to-image translation using paired and unpaired training samples" (ACCV 2018).
Domain X is patches as the two stages move them, domain Y photographs. The painter is G1: X -> Y; a second one, needed in
training only, is G2: Y -> X. Four discriminators judge, by least squares: D1 and D2 whether a patch looks like its domain,
D3 and D4 whether two patches belong together. D3 and D4 see real pairs in the paired phase, and (x, G1(x)) against
(G2(G1(x)), G1(x)) in the unpaired phase, which is how the two kinds of samples meet.

Ours beside the paper: L1 to the target in the paired phase (weighted up inside the mouth), L1 of features of our own tracker
instead of VGG's, and a price on an open mask where nothing is to be painted.
"""

from __future__ import annotations

import copy
import json
import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from icface.model.painter import Paint, Painter
from icface.model.store import build, load_into, load_model, models_dir, save_model
from icface.model.tracker_nets import RefinerNet
from icface.training.painter_batches import PatchBatch, PatchSampler
from icface.training.painter_patches import Kind

log = logging.getLogger(__name__)
_Shown = tuple[str, tuple[Tensor, ...], float]
"""A judge's name, the pictures it is shown, and the truth: 1 if they are real."""
Supervision = Literal["paired", "unpaired", "both"]
KIND = "icface.painter"


@dataclass(frozen=True, slots=True)
class PainterPlan:
    """One run.

    Attributes
    ----------
    patches : tuple of Path
        Folders that `icface.training.painter_patches.write_patches` filled.
    out : Path
        Folder of the checkpoint and of ``painter.safetensors``; a run goes on from what lies there.
    minutes : float
        Length.
    supervision : "paired", "unpaired" or "both"
        Which samples teach: pix2pix, CycleGAN, or both together.
    adversary : float
        Weight of the discriminators' opinion; 0 trains without them.
    rate, batch, seed, device
        Highest learning rate, samples of each kind a step, random seed, where it runs.
    """

    patches: tuple[Path, ...]
    out: Path
    minutes: float
    supervision: Supervision = "both"
    adversary: float = 0.1
    rate: float = 1e-3
    batch: int = 16
    seed: int = 0
    device: str = "cpu"
    every_minutes: float = 5.0


class PatchJudge(nn.Sequential):
    """A PatchGAN discriminator (Isola et al., CVPR 2017): a map of scores, one for every patch of 34 pixels."""

    def __init__(self, inputs: int, width: int = 24) -> None:
        super().__init__(
            nn.Conv2d(inputs, width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.InstanceNorm2d(2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, 1, 1),
            nn.InstanceNorm2d(4 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 4, 1, 1),
        )


class TrackerFeatures(nn.Module):
    """What the built-in tracker's refiner sees in a patch: the perceptual distance of our own networks.

    Patches show a face about twice as large as the refiner is used to, so they are halved first.
    """

    def __init__(self, models: Path | None = None) -> None:
        super().__init__()
        path = (models or models_dir()) / "refiner.safetensors"
        stored = load_model(path, kind="icface.refiner")
        net = build(RefinerNet, stored.config, path=path)
        load_into(net, stored, path=path)
        net.ready()
        self.fine, self.middle = net.fine, net.middle

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Maps of (N, 3, S, S) in -1..1 at half and a quarter of the halved size."""
        grey = F.avg_pool2d(picture.mean(1, keepdim=True), 2) / 0.5
        fine = self.fine(grey)
        return [fine, self.middle(fine)]

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Mean absolute difference of the features."""
        pairs = zip(self(a), self(b), strict=True)
        return torch.stack([(x - y.detach()).abs().mean() for x, y in pairs]).sum()


def paired_loss(paint: Paint, out: Tensor, batch: PatchBatch) -> dict[str, Tensor]:
    """L1 to the photograph, of its gradients, of the colour alone, and the price of an open mask, each a scalar."""
    weight = 0.1 + batch.zone + 4 * batch.inside
    far = ((out - batch.target).abs() * weight).mean()
    steep = torch.zeros(())
    for axis in (2, 3):
        difference = (out - batch.target).diff(dim=axis).abs() * batch.zone.narrow(axis, 1, batch.zone.shape[axis] - 1)
        steep = steep + difference.mean()
    unmasked = batch.seen[:, :3] + paint.colour  # or a mask that has shut keeps its colour from ever learning
    colour = ((unmasked - batch.target).abs() * (batch.zone + 4 * batch.inside)).mean()
    return {"l1": far, "steep": steep, "colour": colour, "mask": mask_price(paint, batch)}


def mask_price(paint: Paint, batch: PatchBatch) -> Tensor:
    """Painting is dear where moving pixels is enough, and nearly free where it is not."""
    return (paint.mask * (0.2 * (1 - batch.zone) + 0.005)).mean()


def mouth_figures(painter: Painter, batches: Iterable[PatchBatch], device: torch.device) -> dict[str, float]:
    """How the inside of the mouth compares with the photograph, over paired patches.

    Returns
    -------
    dict
        ``error_moved``, ``error_painted``: mean absolute error in 0..1 before and after painting. ``sharpness_moved``,
        ``sharpness_painted``: mean gradient there, over the photograph's (1 is as sharp as the photograph).
    """
    sums: dict[str, float] = dict.fromkeys(("moved", "painted", "steep_moved", "steep_painted", "steep", "pixels"), 0.0)
    painter.eval()
    with torch.inference_mode():
        for batch in (b.to(device) for b in batches):
            out = painter(batch.seen, batch.before, batch.after).over(batch.seen[:, :3]).clamp(-1, 1)
            weight = (batch.inside > 0.5).float()
            sums["pixels"] += float(weight.sum())
            sums["steep"] += _steepness(batch.target, weight)
            for name, picture in (("moved", batch.seen[:, :3]), ("painted", out)):
                sums[name] += float(((picture - batch.target).abs().mean(1, keepdim=True) / 2 * weight).sum())
                sums[f"steep_{name}"] += _steepness(picture, weight)
    painter.train()
    pixels, steep = max(sums["pixels"], 1.0), max(sums["steep"], 1e-9)
    figures = {f"error_{name}": sums[name] / pixels for name in ("moved", "painted")}
    figures |= {f"sharpness_{name}": sums[f"steep_{name}"] / steep for name in ("moved", "painted")}
    return {name: round(value, 5) for name, value in figures.items()}


def _steepness(picture: Tensor, weight: Tensor) -> float:
    """Summed size of the grey gradient where the weight is 1."""
    grey = picture.mean(1, keepdim=True)
    across, down = grey[..., :-1, 1:] - grey[..., :-1, :-1], grey[..., 1:, :-1] - grey[..., :-1, :-1]
    return float((torch.hypot(across, down) * weight[..., :-1, :-1]).sum())


def _says(scores: Tensor, wanted: float) -> Tensor:
    return (scores - wanted).square().mean()


class PainterTraining:
    """The painter, its counterpart and the four discriminators, with their optimisers, a moving average and a checkpoint."""

    def __init__(self, plan: PainterPlan, features: TrackerFeatures) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.device = plan, torch.device(plan.device)
        self.there, self.back = Painter(), Painter()  # G1, G2
        self.judges = nn.ModuleDict({"d1": PatchJudge(3), "d2": PatchJudge(3), "d3": PatchJudge(6), "d4": PatchJudge(6)})
        self.features = features.to(self.device)
        self.average = copy.deepcopy(self.there).requires_grad_(False)
        self.step = 0
        self._resume()
        for module in (self.there, self.back, self.judges, self.average):
            module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        generators = [*self.there.parameters(), *self.back.parameters()]
        self.painting = torch.optim.AdamW(generators, plan.rate, betas=(0.5, 0.99), weight_decay=0.01)
        self.judging = torch.optim.Adam(self.judges.parameters(), plan.rate / 2, betas=(0.5, 0.99))

    @property
    def _checkpoint(self) -> Path:
        return self.plan.out / "painter-training.safetensors"

    def _modules(self) -> dict[str, nn.Module]:
        return {"there": self.there, "back": self.back, "judges": self.judges, "average": self.average}

    def _resume(self) -> None:
        if self._checkpoint.is_file():
            saved = load_file(self._checkpoint)
            self.step = int(saved.pop("step"))
            for name, module in self._modules().items():
                prefix = f"{name}."
                module.load_state_dict({k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)})

    def write(self, figures: dict[str, Any]) -> None:
        """The checkpoint, and the averaged painter in the product's format."""
        self.plan.out.mkdir(parents=True, exist_ok=True)
        state = {f"{n}.{k}": v.contiguous().cpu() for n, m in self._modules().items() for k, v in m.state_dict().items()}
        beside = self._checkpoint.with_suffix(".part")
        save_file(state | {"step": torch.tensor(self.step)}, beside)
        beside.replace(self._checkpoint)
        notes = {"steps": self.step, "held_out": figures, **{k: str(v) for k, v in asdict(self.plan).items() if k != "out"}}
        path = self.plan.out / "painter.safetensors"
        save_model(path, kind=KIND, config=self.average.description(), state=self.average.state_dict(), notes=notes)

    def paint(self, net: Painter, batch: PatchBatch, picture: Tensor) -> tuple[Paint, Tensor]:
        """What a generator makes of a picture under the batch's masks and controls."""
        paint: Paint = net(torch.cat([picture, batch.seen[:, 3:]], 1), batch.before, batch.after)
        return paint, paint.over(picture)

    def one_step(self, paired: PatchBatch | None, unpaired: tuple[PatchBatch, PatchBatch] | None) -> dict[str, float]:
        """One step of the generators and, with an adversary, one of the discriminators.

        `unpaired` are a batch whose moved patches are used and one whose photographs are used.
        """
        told: dict[str, Tensor] = {}
        loss = torch.zeros((), device=self.device)
        seen: list[_Shown] = []
        adversary = self.plan.adversary
        self.judges.requires_grad_(False)
        if paired is not None:
            x, y = paired.seen[:, :3], paired.target
            paint, out = self.paint(self.there, paired, x)
            parts = paired_loss(paint, out, paired)
            told |= parts | {"features": self.features.distance(out, y)}
            loss = loss + 10 * parts["l1"] + 5 * parts["steep"] + 5 * parts["colour"] + parts["mask"] + told["features"]
            if adversary:
                reverse_paint, reverse = self.paint(self.back, paired, y)
                loss = loss + 10 * ((reverse - x).abs() * (0.1 + paired.zone)).mean() + mask_price(reverse_paint, paired)
                loss = loss + adversary * self._opinion("d3", x, out) + adversary * self._opinion("d4", y, reverse)
                seen += [("d3", (x, y), 1.0), ("d3", (x, out), 0.0), ("d4", (y, x), 1.0), ("d4", (y, reverse), 0.0)]
        if unpaired is not None:
            cycle, taught = self._cycle(*unpaired, told)
            loss, seen = loss + cycle, seen + taught
        self.painting.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([*self.there.parameters(), *self.back.parameters()], 5.0)
        self.painting.step()
        self._taken_into_average()
        if seen:
            told["judges"] = self._judge(seen)
        return {name: float(value.detach()) for name, value in told.items()}

    def _opinion(self, name: str, *pictures: Tensor) -> Tensor:
        return _says(self.judges[name](torch.cat(pictures, 1)), 1.0)

    def _cycle(self, moved: PatchBatch, real: PatchBatch, told: dict[str, Tensor]) -> tuple[Tensor, list[_Shown]]:
        """The unpaired phase: realism, the way there and back, and what is right already stays."""
        a, x, y = self.plan.adversary or 0.1, moved.seen[:, :3], real.target
        paint, out = self.paint(self.there, moved, x)
        returned = self.paint(self.back, moved, out)[1]
        reverse_paint, reverse = self.paint(self.back, real, y)
        forward = self.paint(self.there, real, reverse)[1]
        same = self.paint(self.there, real, y)[1]
        cycle = (returned - x).abs().mean() + (forward - y).abs().mean()
        identity = (same - y).abs().mean()
        realism = self._opinion("d1", out) + self._opinion("d2", reverse)
        consistency = self._opinion("d3", returned, out) + self._opinion("d4", forward, reverse)
        told |= {"cycle": cycle, "identity": identity, "realism": realism}
        loss = (
            10 * cycle
            + 5 * identity
            + a * realism
            + a * consistency
            + mask_price(paint, moved)
            + mask_price(reverse_paint, real)
        )
        taught: list[_Shown] = [("d1", (y,), 1.0), ("d1", (out,), 0.0), ("d2", (x,), 1.0), ("d2", (reverse,), 0.0)]
        taught += [
            ("d3", (x, out), 1.0),
            ("d3", (returned, out), 0.0),
            ("d4", (y, reverse), 1.0),
            ("d4", (forward, reverse), 0.0),
        ]
        return loss, taught

    def _judge(self, seen: list[_Shown]) -> Tensor:
        self.judges.requires_grad_(True)
        total = torch.zeros((), device=self.device)
        for name, pictures, truth in seen:
            total = total + _says(self.judges[name](torch.cat(pictures, 1).detach()), truth)
        self.judging.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self.judging.step()
        return total / len(seen)

    @torch.no_grad()
    def _taken_into_average(self) -> None:
        self.step += 1
        keep = min(0.998, (self.step + 1) / (self.step + 20))
        for mean, now in zip(self.average.state_dict().values(), self.there.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)


def train(plan: PainterPlan, *, held_out: Path | None = None, features: TrackerFeatures | None = None) -> dict[str, Any]:
    """Train for the planned minutes, from the checkpoint if there is one; returns the held-out figures.

    Parameters
    ----------
    held_out : Path, optional
        Patches of people not trained on: the error inside the mouth is logged whenever weights are written.
    """
    training = PainterTraining(plan, features or TrackerFeatures())
    sampler = PatchSampler(*plan.patches, seed=plan.seed + training.step)
    judged = PatchSampler(held_out).in_order(32) if held_out else []
    draw: Callable[[Kind | None], PatchBatch] = lambda kind: sampler.batch(plan.batch, kind).to(training.device)  # noqa: E731
    start = told_at = written = time.monotonic()
    sums: dict[str, float] = {}
    first = told_step = training.step
    while (passed := (time.monotonic() - start) / (60 * plan.minutes)) < 1:
        warm = min((training.step - first + 1) / 100, 1.0) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * passed)))
        for optimiser, rate in ((training.painting, plan.rate), (training.judging, plan.rate / 2)):
            for group in optimiser.param_groups:
                group["lr"] = rate * warm
        paired = draw(None) if plan.supervision != "unpaired" else None
        unpaired = (draw(Kind.RIG), draw(Kind.PHOTO)) if plan.supervision != "paired" else None
        for name, value in training.one_step(paired, unpaired).items():
            sums[name] = sums.get(name, 0.0) + value
        now = time.monotonic()
        if now - told_at > 30:
            steps = training.step - told_step
            shown = "  ".join(f"{k} {v / steps:.4f}" for k, v in sums.items())
            log.info("%4.0f %%  step %d  %.2f steps/s  %s", 100 * passed, training.step, steps / (now - told_at), shown)
            told_at, told_step, sums = now, training.step, {}
        if now - written > 60 * plan.every_minutes:
            _written(training, judged)
            written = now
    return _written(training, judged)


def _written(training: PainterTraining, judged: list[PatchBatch]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if judged:
        figures = mouth_figures(training.average, judged, training.device)
        log.info("held out: %s", json.dumps(figures))
    training.write(figures)
    return figures
