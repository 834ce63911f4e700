"""Mask and colour of the animator: paint over moved pixels for what they cannot show.

A small U-Net takes a square patch about the mouth after the flow has moved it, and answers with a
colour to add and a mask for it: teeth and the inside of a mouth that opens, clean lips where a
mouth closes over teeth. ICface's animator (Tripathy, Kannala, Rahtu,
WACV 2020) paints every pixel; here the mask opens only where moving pixels was not enough, so that
skin, stubble and lips stay the photo's own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from icface.face.controls import CHANNELS
from icface.model.networks.layers import upsample
from icface.model.networks.weights import build, load_into, load_model

PATCH = 96
"""Side of a patch in pixels."""
PATCH_CHANNELS = 9
"""Moved picture (3), source picture at the same place (3), cavity, share of eyes and teeth,
stretch."""
MASK_AT_START = 0.0
"""Logit of the mask before training."""
_FORMER_NAMES = {
    "told": "condition_dim",
    "tell": "embed_controls",
    "on_the_way_down": "down_blocks",
    "on_the_way_up": "up_blocks",
}
"""Names that parts of the network have in older weights files."""


@dataclass(frozen=True, slots=True)
class PainterConfig:
    """Shape of the network.

    Attributes
    ----------
    widths : tuple of int
        Channels at strides 2, 4 and 8.
    condition_dim : int
        Length of the embedding of the controls, which conditions every block.
    """

    widths: tuple[int, ...] = (32, 56, 88)
    condition_dim: int = 48

    def __post_init__(self) -> None:
        if not isinstance(self.widths, tuple) or len(self.widths) < 2:
            raise ValueError(f"widths are two or more numbers of channels, not {self.widths!r}")


class FilmBlock(nn.Module):
    """Two convolutions beside a shortcut, modulated by the controls.

    The modulation is FiLM (Perez et al., AAAI 2018).
    """

    def __init__(self, channels: int, condition_dim: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        self.film = nn.Linear(condition_dim, 2 * channels)
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(N, C, H, W) and (N, condition_dim) to (N, C, H, W)."""
        scale, shift = self.film(condition)[:, :, None, None].chunk(2, 1)
        inner = F.silu(torch.addcmul(shift, self.norm(self.first(x)), 1 + scale))
        out: Tensor = x + self.second(inner)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Paint:
    """Paint for a patch.

    Attributes
    ----------
    colour : (N, 3, PATCH, PATCH) Tensor
        Colour to add to the moved picture under the mask, in units of half the range of values
        (-1..1 is the range).
    mask : (N, 1, PATCH, PATCH) Tensor
        0..1, fading to 0 along the border.
    """

    colour: Tensor
    mask: Tensor

    def over(self, moved: Tensor) -> Tensor:
        """The painted patch, from the moved one (N, 3, PATCH, PATCH) in -1..1."""
        return moved + self.mask * self.colour


class Painter(nn.Module):
    """U-Net from a moved patch and the controls before and after to its `Paint`."""

    fade: Tensor

    def __init__(self, config: PainterConfig | None = None) -> None:
        super().__init__()
        self.config = config or PainterConfig()
        w, dim = self.config.widths, self.config.condition_dim
        self.embed_controls = nn.Sequential(
            nn.Linear(2 * len(CHANNELS), 64), nn.SiLU(), nn.Linear(64, dim), nn.SiLU()
        )
        self.stem = nn.Conv2d(4 * (PATCH_CHANNELS + 2), w[0], 3, 1, 1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairwise(w))
        self.down_blocks = nn.ModuleList(FilmBlock(c, dim) for c in w)
        self.bottom = FilmBlock(w[-1], dim)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(w))
        self.up_blocks = nn.ModuleList(FilmBlock(c, dim) for c in w[:-1])
        self.head = nn.Conv2d(w[0], 4 * 4, 3, 1, 1)
        with torch.no_grad():
            self.head.weight[:12].mul_(0.1)
            self.head.bias.zero_()  # type: ignore[union-attr]
            self.head.bias[12:] = MASK_AT_START  # type: ignore[index]
        line = torch.linspace(-1, 1, PATCH)
        edge = ((1 - line.abs()) / 0.15).clamp(0, 1)
        self.register_buffer("fade", (edge[:, None] * edge)[None, None], persistent=False)
        self.register_buffer(
            "place", torch.stack(torch.meshgrid(line, line, indexing="ij"))[None], persistent=False
        )
        self.place: Tensor

    @classmethod
    def from_file(cls, path: Path) -> Painter:
        """The network of a weights file, in evaluation mode.

        Raises
        ------
        ModelFileError
            When the file is missing or damaged.
        """
        stored = load_model(path, kind="icface.painter").renamed(_FORMER_NAMES)
        network = cls(build(PainterConfig, stored.config, path=path))
        load_into(network, stored, path=path)
        return network.eval()

    def description(self) -> dict[str, Any]:
        """The configuration as plain values."""
        return asdict(self.config)

    def forward(self, patch: Tensor, before: Tensor, after: Tensor) -> Paint:
        """The paint for moved patches.

        Parameters
        ----------
        patch : (N, PATCH_CHANNELS, PATCH, PATCH)
            Pictures in -1..1, shares in 0..1, stretch in -1..1 (see `icface.model.mouth.patch`).
        before, after : (N, 56)
            Own and requested controls; angles in units of 30 degrees.
        """
        condition = self.embed_controls(torch.cat([after, after - before], 1))
        x = torch.cat([patch, self.place.expand(len(patch), -1, -1, -1)], 1)
        x = self.down_blocks[0](self.stem(F.pixel_unshuffle(x, 2)), condition)
        skipped = []
        for down, block in zip(self.down, self.down_blocks[1:], strict=True):
            skipped.append(x)
            x = block(F.silu(down(x)), condition)
        x = self.bottom(x, condition)
        for up, block in reversed(list(zip(self.up, self.up_blocks, strict=True))):
            x = block(skipped.pop() + upsample(up(x)), condition)
        out = F.pixel_shuffle(self.head(F.silu(x)), 2)
        return Paint(out[:, :3], torch.sigmoid(out[:, 3:]) * self.fade)
