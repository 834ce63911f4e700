"""What a drawn closed lid lacks of a photographed one: a small U-Net.

It looks at one closed lid as it is drawn, in a window about the line where the lids meet, and
answers with light to add. It is run once per photo and eye.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from icface.model.networks.layers import upsample
from icface.model.networks.weights import build, load_into, load_model

LID_ROWS, LID_COLUMNS = 64, 96
"""Size of the window, pixels."""
LID_CHANNELS = 4
"""Drawn picture (3, -1..1), and where it was drawn (0..1)."""
_MOST = 0.5
"""Most light that is added, in units of the picture's range (-1..1)."""


@dataclass(frozen=True, slots=True)
class RetoucherConfig:
    """Shape of the network.

    Attributes
    ----------
    widths : tuple of int
        Channels at strides 1, 2 and 4.
    """

    widths: tuple[int, ...] = (16, 32, 48)

    def __post_init__(self) -> None:
        if not isinstance(self.widths, tuple) or len(self.widths) < 2:
            raise ValueError(f"widths are two or more numbers of channels, not {self.widths!r}")


class _Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        self.norm = nn.GroupNorm(4, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        out: Tensor = x + self.second(F.silu(self.first(self.norm(x))))
        return out


class LidRetoucher(nn.Module):
    """U-Net from drawn closed lids, their outer corners on the right, to the light they lack."""

    def __init__(self, config: RetoucherConfig | None = None) -> None:
        super().__init__()
        self.config = config or RetoucherConfig()
        w = self.config.widths
        self.stem = nn.Conv2d(LID_CHANNELS + 2, w[0], 3, 1, 1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairwise(w))
        self.down_blocks = nn.ModuleList(_Block(c) for c in w)
        self.bottom = _Block(w[-1])
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(w))
        self.up_blocks = nn.ModuleList(_Block(c) for c in w[:-1])
        self.head = nn.Conv2d(w[0], 3, 3, 1, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]
        rows, columns = (torch.linspace(-1, 1, n) for n in (LID_ROWS, LID_COLUMNS))
        place = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None]
        self.register_buffer("place", place, persistent=False)
        self.place: Tensor

    @classmethod
    def from_file(cls, path: Path) -> LidRetoucher:
        """The network of a weights file, in evaluation mode.

        Raises
        ------
        ModelFileError
            When the file is missing or damaged.
        """
        stored = load_model(path, kind="icface.lid_retoucher")
        network = cls(build(RetoucherConfig, stored.config, path=path))
        load_into(network, stored, path=path)
        return network.eval()

    def description(self) -> dict[str, Any]:
        """The configuration as plain values."""
        return asdict(self.config)

    def forward(self, drawn: Tensor) -> Tensor:
        """Light (N, 3, LID_ROWS, LID_COLUMNS) to add, 0 where nothing was drawn.

        Parameters
        ----------
        drawn : (N, LID_CHANNELS, LID_ROWS, LID_COLUMNS)
        """
        x = self.stem(torch.cat([drawn, self.place.expand(len(drawn), -1, -1, -1)], 1))
        x = self.down_blocks[0](x)
        skipped = []
        for down, block in zip(self.down, self.down_blocks[1:], strict=True):
            skipped.append(x)
            x = block(F.silu(down(x)))
        x = self.bottom(x)
        for up, block in reversed(list(zip(self.up, self.up_blocks, strict=True))):
            x = block(skipped.pop() + upsample(up(x)))
        light: Tensor = _MOST * torch.tanh(self.head(F.silu(x))) * drawn[:, 3:]
        return light
