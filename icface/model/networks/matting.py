"""The matte of a person: which pixels of a picture belong to somebody, with hair and clothes.

The network is MediaPipe's selfie segmentation (Google, Apache-2.0), a MobileNetV3 encoder (Howard
et al., *Searching for MobileNetV3*, ICCV 2019) with a decoder that gates its skip connections. It
runs here in torch; `icface.training.matte.convert` moves the published weights over.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from icface.model.networks.layers import upsample
from icface.model.networks.weights import load_into, load_model

KIND = "icface.matte"
SIDE = 256
"""Side of the picture that the network sees, and of its matte, pixels."""


class _Same(nn.Conv2d):
    """A convolution padded as TensorFlow pads ("SAME"): with stride 2, at the far sides only."""

    def __init__(
        self, c_in: int, c_out: int, size: int, *, stride: int = 1, depthwise: bool = False
    ) -> None:
        super().__init__(c_in, c_out, size, stride, groups=c_in if depthwise else 1)

    def forward(self, x: Tensor) -> Tensor:
        reach = self.kernel_size[0] - self.stride[0]
        near = reach // 2
        padded = F.pad(x, (near, reach - near, near, reach - near)) if reach else x
        out: Tensor = super().forward(padded)
        return out


class _Gate(nn.Module):
    """A factor 0..1 for each channel from the channels' means (squeeze and excitation)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((2, 3), keepdim=True)
        return torch.sigmoid(self.excite(F.relu(self.squeeze(mean))))


class _Inverted(nn.Module):
    """An inverted residual block: widen, filter every channel alone, gate, narrow."""

    def __init__(  # noqa: PLR0913  (the columns of the paper's table)
        self,
        c_in: int,
        wide: int,
        c_out: int,
        size: int,
        *,
        stride: int = 1,
        gate: int = 0,
        hard: bool = True,
    ) -> None:
        super().__init__()
        self.widen = nn.Conv2d(c_in, wide, 1)
        self.filter = _Same(wide, wide, size, stride=stride, depthwise=True)
        self.gate = _Gate(wide, gate) if gate else None
        self.narrow = nn.Conv2d(wide, c_out, 1)
        self.act = F.hardswish if hard else F.relu
        self.shortcut = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.filter(self.act(self.widen(x))))
        if self.gate is not None:
            y = y * self.gate(y)
        out: Tensor = self.narrow(y)
        return x + out if self.shortcut else out


class _Up(nn.Module):
    """Twice the size, joined with the encoder's features of that size through a gate."""

    def __init__(self, c_in: int, channels: int) -> None:
        super().__init__()
        self.bring = nn.Conv2d(c_in, channels, 1)
        self.gate = _Gate(channels, channels)
        self.mix = nn.Conv2d(channels, channels, 1)
        self.filter = _Same(channels, channels, 3, depthwise=True)

    def forward(self, x: Tensor, skipped: Tensor) -> Tensor:
        up = self.bring(upsample(x))
        y = F.relu(self.mix(skipped * self.gate(skipped + up) + up))
        return y + F.relu(self.filter(y))


class MatteNet(nn.Module):
    """Pictures (B, 3, 256, 256), RGB in 0..1, to mattes (B, 1, 256, 256) in 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Same(3, 16, 3, stride=2)
        self.to_64 = _Inverted(16, 16, 16, 3, stride=2, gate=8, hard=False)
        self.to_32 = nn.Sequential(
            _Inverted(16, 72, 24, 3, stride=2, hard=False), _Inverted(24, 88, 24, 3, hard=False)
        )
        self.to_16 = nn.Sequential(
            _Inverted(24, 96, 32, 5, stride=2, gate=24),
            _Inverted(32, 128, 32, 5, gate=32),
            _Inverted(32, 128, 32, 5, gate=32),
            _Inverted(32, 96, 32, 5, gate=24),
            _Inverted(32, 96, 32, 5, gate=24),
        )
        self.look = nn.Conv2d(32, 128, 1)
        self.survey = nn.Conv2d(32, 128, 1)
        self.up_32, self.up_64, self.up_128 = _Up(128, 24), _Up(24, 16), _Up(16, 16)
        self.out = nn.ConvTranspose2d(16, 1, 2, 2)

    @classmethod
    def from_file(cls, path: Path) -> MatteNet:
        """The network of a weights file, in evaluation mode."""
        network = cls()
        load_into(network, load_model(path, kind=KIND), path=path)
        return network.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Mattes (B, 1, 256, 256) of pictures (B, 3, 256, 256)."""
        at_128 = F.hardswish(self.stem(x))
        at_64 = self.to_64(at_128)
        at_32 = self.to_32(at_64)
        at_16 = self.to_16(at_32)
        seen = F.relu(self.look(at_16)) * torch.sigmoid(
            self.survey(at_16.mean((2, 3), keepdim=True))
        )
        y = self.up_64(self.up_32(seen, at_32), at_64)
        return torch.sigmoid(self.out(self.up_128(y, at_128)))
