"""First stage: the place of every pixel of a face on the neutral, frontal face.

ICface's neutralizer paints the same person frontal and without expression (Tripathy, Kannala,
Rahtu, WACV 2020). Ours says for each pixel *where it belongs*: its place on a canonical surface
common to all people (so that expressions can be looked up), and its position in the head's own
frame (so that the head can be turned). Both are seen by the pixel itself, which is why a small
network learns them well; the neutral picture follows by moving the pixels.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from icface.model.networks.layers import ConvBlock, Residual, upsample
from icface.model.networks.weights import build, load_into, load_model

GRID = 256
"""Side of the square face crop in which flows live, pixels."""
WINDOW = 160
"""Side of the window, the middle of that crop that the network sees, pixels."""
OFFSET = (GRID - WINDOW) // 2
"""First column and row of the window in the crop, pixels."""
ANCHORS = 96
"""Number of landmarks through which the first estimate of a surface runs."""
SMOOTHING = 0.02
"""Stiffness of that estimate: landmarks err by a few per cent of a face."""
_COARSE = 20
"""Side of the grid on which that estimate is evaluated."""
LENGTH_CM = 10.0
"""Unit of the networks' surface positions."""


class Part(IntEnum):
    """The part of a face that a pixel shows."""

    BACKGROUND = 0
    SKIN = 1
    LOWER = 2
    """Skin that falls with the jaw: lower lip and chin."""
    INSIDE = 3
    """Mouth cavity, gums, teeth."""
    EYE = 4


@dataclass(frozen=True, slots=True)
class NeutralizerConfig:
    """Shape of the network: channels at strides 2, 4, 8, 16 and 32."""

    widths: tuple[int, ...] = (16, 48, 80, 112, 144)

    def __post_init__(self) -> None:
        if not isinstance(self.widths, tuple) or len(self.widths) < 2:
            raise ValueError(f"widths are two or more numbers of channels, not {self.widths!r}")


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The neutralizer's answer, per pixel of the window.

    Attributes
    ----------
    head : (B, 3, WINDOW, WINDOW)
        Position in the head frame (x to the subject's left, y up, z to the front), `LENGTH_CM`
        units.
    place : (B, 4, 3, WINDOW, WINDOW)
        Place on the canonical surface if the pixel showed SKIN, LOWER, INSIDE or EYE, same units.
    logits : (B, 5, WINDOW, WINDOW)
        Scores of the `Part` values.
    """

    head: Tensor
    place: Tensor
    logits: Tensor

    @property
    def is_finite(self) -> bool:
        """Whether all numbers are finite: half precision may overflow."""
        return all(bool(t.isfinite().all()) for t in (self.head, self.place, self.logits))


class Neutralizer(nn.Module):
    """A U-Net from a face window and its landmarks to its `Surface`.

    A few landmarks, the anchors, tell roughly where on a mean face each pixel lies. The network
    gets that estimate (a smoothing thin-plate spline through the anchors) and learns the
    difference.

    Attributes
    ----------
    anchors : (ANCHORS,) int64
        Face-mesh indices of the anchors.
    anchor_places : (ANCHORS, 3)
        Their places on the mean face, head frame, `LENGTH_CM` units.
    """

    anchors: Tensor
    anchor_places: Tensor

    def __init__(self, config: NeutralizerConfig | None = None) -> None:
        super().__init__()
        self.config = config or NeutralizerConfig()
        w = self.config.widths
        self.register_buffer("anchors", torch.arange(ANCHORS))
        self.register_buffer("anchor_places", torch.zeros(ANCHORS, 3))
        self.stem = nn.Sequential(
            nn.Conv2d(8, w[0], 5, 2, 2, bias=False), nn.BatchNorm2d(w[0]), nn.SiLU(inplace=True)
        )
        self.first = Residual(w[0])
        self.down = nn.ModuleList(
            nn.Sequential(ConvBlock(a, b, stride=2), Residual(b)) for a, b in pairwise(w)
        )
        self.up = nn.ModuleList(
            nn.Sequential(ConvBlock(b + a, a), ConvBlock(a, a))
            for a, b in zip(w[-2::-1], w[:0:-1], strict=True)
        )
        self.head = nn.Conv2d(w[0], 20 * 4, 3, 1, 1)

    @classmethod
    def from_file(cls, path: Path) -> Neutralizer:
        """The network of a weights file, in evaluation mode."""
        stored = load_model(path, kind="icface.neutralizer")
        network = cls(build(NeutralizerConfig, stored.config, path=path))
        load_into(network, stored, path=path)
        return network.eval()

    def description(self) -> dict[str, Any]:
        """The configuration as plain values."""
        return asdict(self.config)

    def forward(self, image: Tensor, landmarks: Tensor) -> Surface:
        """The surface under each pixel.

        Parameters
        ----------
        image : (B, 3, S, S)
            RGB in -1..1.
        landmarks : (B, 468 or more, 2)
            Face-mesh points, -1..1 over the window.
        """
        rough = place_estimate(
            landmarks[:, self.anchors].float(), self.anchor_places.float(), image.shape[-1]
        ).to(image.dtype)
        x = torch.cat([image, _coordinates(image), rough], 1)
        x = self.first(self.stem(x))
        skips = [x]
        for block in self.down:
            x = block(x)
            skips.append(x)
        for block, skip in zip(self.up, skips[-2::-1], strict=True):
            x = block(torch.cat([upsample(x), skip], 1))
        y = F.pixel_shuffle(self.head(x), 2)  # (B, 20, WINDOW, WINDOW)
        place = y[:, 3:15].reshape(-1, 4, 3, *y.shape[2:]) + rough[:, None]
        return Surface(head=y[:, :3] + rough, place=place, logits=y[:, 15:])


def place_estimate(points: Tensor, values: Tensor, size: int) -> Tensor:
    """A smoothing thin-plate spline through scattered points, evaluated on a grid.

    Parameters
    ----------
    points : (B, N, 2)
        Places of the given values, -1..1 over the picture.
    values : (N, C)
        The values, the same for every picture.
    size : int
        Side of the grid.

    Returns
    -------
    (B, C, size, size)

    Notes
    -----
    Kernel r^2 log r with an affine part (Bookstein 1989). It is smooth, so it is evaluated on a
    coarse grid and enlarged.
    """
    b, n, _ = points.shape
    ones = torch.ones(b, n, 1, dtype=points.dtype, device=points.device)
    affine = torch.cat([ones, points], 2)  # (B, N, 3)
    system = torch.zeros(b, n + 3, n + 3, dtype=points.dtype, device=points.device)
    system[:, :n, :n] = _thin_plate(points, points) + SMOOTHING * torch.eye(
        n, dtype=points.dtype, device=points.device
    )
    system[:, :n, n:], system[:, n:, :n] = affine, affine.transpose(1, 2)
    system[:, n:, n:] -= 1e-6 * torch.eye(3, dtype=points.dtype, device=points.device)
    target = torch.cat([values, values.new_zeros(3, values.shape[1])])[None].expand(b, -1, -1)
    weights = torch.linalg.solve(system, target)  # (B, N + 3, C)
    t = (torch.arange(_COARSE, dtype=points.dtype, device=points.device) + 0.5) * 2 / _COARSE - 1
    ys, xs = torch.meshgrid(t, t, indexing="ij")
    nodes = torch.stack([xs.flatten(), ys.flatten()], 1)[None].expand(b, -1, -1)
    basis = torch.cat([_thin_plate(nodes, points), torch.ones_like(nodes[..., :1]), nodes], 2)
    coarse = (basis @ weights).transpose(1, 2).reshape(b, -1, _COARSE, _COARSE)
    return F.interpolate(coarse, (size, size), mode="bicubic", align_corners=False)


def _thin_plate(a: Tensor, b: Tensor) -> Tensor:
    """(B, N, M) the kernel between points (B, N, 2) and (B, M, 2)."""
    square = (a[:, :, None] - b[:, None]).square().sum(-1)
    return 0.5 * square * (square + 1e-9).log()


def _coordinates(image: Tensor) -> Tensor:
    """(B, 2, H, W) x and y of the pixels, -1..1."""
    b, _, h, w = image.shape
    ys = torch.linspace(-1, 1, h, device=image.device, dtype=image.dtype)[:, None].expand(h, w)
    xs = torch.linspace(-1, 1, w, device=image.device, dtype=image.dtype)[None, :].expand(h, w)
    return torch.stack([xs, ys])[None].expand(b, -1, -1, -1)
