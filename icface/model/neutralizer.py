"""First stage: every pixel of a face finds its place on the neutral, frontal face.

ICface's neutralizer paints the same person frontal and without expression (Tripathy, Kannala, Rahtu, WACV 2020). Ours says
for each pixel *where it belongs*: its place on a canonical surface common to all people (so that expressions can be looked
up), and its position in the head's own frame (so that the head can be turned). Both are seen by the pixel itself, which is
why a small network learns them well; the neutral picture follows by moving the pixels.
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

from icface.model.layers import ConvBlock, Residual, upsample
from icface.model.store import load_into, load_model

GRID = 256
"""Side of the square face crop in which flows live, pixels."""
WINDOW = 160
"""Side of the middle of that crop, which the network looks at."""
OFFSET = (GRID - WINDOW) // 2
LENGTH_CM = 10.0
"""Surface positions are learnt in units of this many centimetres."""


class Part(IntEnum):
    """What a pixel shows."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """What the neutralizer sees, per pixel of the window.

    Attributes
    ----------
    head : (B, 3, WINDOW, WINDOW)
        Position in the head frame (x to the subject's left, y up, z to the front), `LENGTH_CM` units.
    place : (B, 4, 3, WINDOW, WINDOW)
        Place on the canonical surface if the pixel showed SKIN, LOWER, INSIDE or EYE, same units.
    logits : (B, 5, WINDOW, WINDOW)
        Scores of the `Part` values.
    """

    head: Tensor
    place: Tensor
    logits: Tensor


class Neutralizer(nn.Module):
    """A U-Net from a face window (B, 3, 160, 160), RGB in -1..1, to its `Surface`."""

    def __init__(self, config: NeutralizerConfig | None = None) -> None:
        super().__init__()
        self.config = config or NeutralizerConfig()
        w = self.config.widths
        self.stem = nn.Sequential(nn.Conv2d(5, w[0], 5, 2, 2, bias=False), nn.BatchNorm2d(w[0]), nn.SiLU(inplace=True))
        self.first = Residual(w[0])
        self.down = nn.ModuleList(
            nn.Sequential(ConvBlock(a, b, stride=2), Residual(b)) for a, b in pairwise(w)
        )
        self.up = nn.ModuleList(
            nn.Sequential(ConvBlock(b + a, a), ConvBlock(a, a)) for a, b in zip(w[-2::-1], w[:0:-1], strict=True)
        )
        self.head = nn.Conv2d(w[0], 20 * 4, 3, 1, 1)

    @classmethod
    def from_file(cls, path: Path) -> Neutralizer:
        """The network of a weights file, in evaluation mode."""
        stored = load_model(path, kind="icface.neutralizer")
        network = cls(NeutralizerConfig(widths=tuple(stored.config["widths"])))
        load_into(network, stored, path=path)
        return network.eval()

    def description(self) -> dict[str, Any]:
        """The configuration as plain values."""
        return asdict(self.config)

    def forward(self, image: Tensor) -> Surface:
        """The surface under each pixel."""
        x = torch.cat([image, _coordinates(image)], 1)
        x = self.first(self.stem(x))
        skips = [x]
        for block in self.down:
            x = block(x)
            skips.append(x)
        for block, skip in zip(self.up, skips[-2::-1], strict=True):
            x = block(torch.cat([upsample(x), skip], 1))
        y = F.pixel_shuffle(self.head(x), 2)  # (B, 20, WINDOW, WINDOW)
        return Surface(head=y[:, :3], place=y[:, 3:15].reshape(-1, 4, 3, *y.shape[2:]), logits=y[:, 15:])


def _coordinates(image: Tensor) -> Tensor:
    b, _, h, w = image.shape
    ys = torch.linspace(-1, 1, h, device=image.device, dtype=image.dtype)[:, None].expand(h, w)
    xs = torch.linspace(-1, 1, w, device=image.device, dtype=image.dtype)[None, :].expand(h, w)
    return torch.stack([xs, ys])[None].expand(b, -1, -1, -1)
