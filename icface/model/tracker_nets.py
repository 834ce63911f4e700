"""The networks of the built-in tracker: one finds faces in a picture, one reads a face, two look closer at its parts.

All take RGB scaled to -1..1. Heads are plain numbers; `DetectorOutput` and `LandmarkOutput` say what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from icface.controls import CHANNELS

N_POINTS = 478
DETECTOR_STRIDE = 8
SIZE_UNIT = 32.0
"""Face size in pixels whose logarithm the detector calls 0."""
READ_MARGIN = 1.35
"""Side of a landmark crop in extents of the face mesh."""
ANGLE_UNIT_DEG = 30.0
"""Head angles leave the landmark network in these units."""


@dataclass(frozen=True, slots=True)
class DetectorOutput:
    """Maps of one picture in cells of `DETECTOR_STRIDE` pixels, shapes (N, h, w) or (N, 2, h, w).

    Attributes
    ----------
    heat : Tensor
        Logit that the middle of a face lies in this cell.
    log_size : Tensor
        log of the face mesh's larger extent over `SIZE_UNIT`.
    tilt : Tensor
        cos and sin of the eye line's angle, clockwise on the screen (not normalised).
    offset : Tensor
        x and y from the cell's middle to the face's, in cells.
    """

    heat: Tensor
    log_size: Tensor
    tilt: Tensor
    offset: Tensor


@dataclass(frozen=True, slots=True)
class LandmarkOutput:
    """What a crop shows.

    Attributes
    ----------
    points : (N, 478, 3) Tensor
        In crop sides from the crop's middle, z in the mesh's convention.
    controls : (N, 56) Tensor
        Angles in `ANGLE_UNIT_DEG`, channels in 0..1 (not clipped).
    face : (N,) Tensor
        Logit that this is a face, well framed.
    """

    points: Tensor
    controls: Tensor
    face: Tensor


class ConvNorm(nn.Module):
    """3 x 3 convolution and batch normalisation, which `fuse` makes one."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv: nn.Conv2d = nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y: Tensor = self.norm(self.conv(x))
        return y

    def fuse(self) -> None:
        """Work the normalisation into the convolution; for inference only."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.first = ConvNorm(width, width)
        self.second = ConvNorm(width, width, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class Down(nn.Module):
    """Half the size, another width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = ConvNorm(inputs, outputs, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / 2, W / 2)."""
        return torch.relu(self.conv(x))


def dense(inputs: int, outputs: int) -> nn.Sequential:
    """A fully connected layer whose units cannot die: normalised, then a smooth step."""
    return nn.Sequential(nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.SiLU())


class TrackerNet(nn.Module):
    """What the networks share: built from plain values, ready for inference in one call."""

    config: dict[str, Any]

    def ready(self) -> Self:
        """For inference: evaluation mode, normalisations fused, channels last."""
        self.eval().requires_grad_(False)
        for module in self.modules():
            if isinstance(module, ConvNorm):
                module.fuse()
        return self.to(memory_format=torch.channels_last)


class FaceDetectorNet(TrackerNet):
    """Faces of about 14 to 110 pixels anywhere in a picture, at any tilt up to some 50 degrees."""

    def __init__(self, widths: tuple[int, int, int] = (16, 24, 48), blocks: tuple[int, int] = (1, 3)) -> None:
        super().__init__()
        a, b, c = widths
        self.config = {"widths": list(widths), "blocks": list(blocks)}
        layers: list[nn.Module] = [Down(3, a), Down(a, b), *(Residual(b) for _ in range(blocks[0])), Down(b, c)]
        layers += [Residual(c, dilation=2 if i % 2 else 1) for i in range(blocks[1])]
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Conv2d(c, 6, 1)
        nn.init.constant_(self.head.bias[:1], -4.0)  # type: ignore[index]

    def forward(self, picture: Tensor) -> DetectorOutput:
        """(N, 3, H, W) with H and W multiples of `DETECTOR_STRIDE`."""
        maps = self.head(self.trunk(picture))
        return DetectorOutput(maps[:, 0], maps[:, 1], maps[:, 2:4], maps[:, 4:6])


class LandmarkNet(TrackerNet):
    """Landmarks, controls and "is this a face" of one crop."""

    def __init__(
        self,
        size: int = 128,
        widths: tuple[int, int, int, int, int] = (16, 24, 48, 96, 160),
        blocks: tuple[int, int, int, int] = (1, 2, 2, 1),
        hidden: int = 320,
    ) -> None:
        super().__init__()
        self.size = size
        self.config = {"size": size, "widths": list(widths), "blocks": list(blocks), "hidden": hidden}
        layers: list[nn.Module] = [Down(3, widths[0])]
        for before, after, count in zip(widths, widths[1:], blocks, strict=False):
            layers += [Down(before, after), *(Residual(after) for _ in range(count))]
        self.trunk = nn.Sequential(*layers)
        self.hidden = dense(widths[-1] * (size // 32) ** 2, hidden)
        self.points = nn.Linear(hidden, N_POINTS * 3)
        self.controls = nn.Linear(hidden, len(CHANNELS))
        self.face = nn.Linear(hidden, 1)

    def forward(self, crop: Tensor) -> LandmarkOutput:
        """(N, 3, size, size)."""
        features = self.hidden(self.trunk(crop).flatten(1))
        return LandmarkOutput(
            self.points(features).unflatten(1, (N_POINTS, 3)), self.controls(features), self.face(features)[:, 0]
        )


@dataclass(frozen=True, slots=True)
class PartOutput:
    """What a crop of an eye or of the mouth shows.

    Attributes
    ----------
    points : (N, K, 2) Tensor
        In crop sides from the crop's middle.
    channels : (N, C) Tensor
        0..1 (not clipped).
    """

    points: Tensor
    channels: Tensor


class PartNet(TrackerNet):
    """Points and channels of one part of the face, given the head's angles; blind to colour, brightness and contrast."""

    def __init__(self, size: int, points: int, channels: int, widths: tuple[int, int] = (24, 48), hidden: int = 192) -> None:
        super().__init__()
        self.size = size
        self.config = {
            "size": size,
            "points": points,
            "channels": channels,
            "widths": list(widths),
            "hidden": hidden,
        }
        narrow, wide = widths
        self.trunk = nn.Sequential(Down(1, narrow), Residual(narrow), Down(narrow, wide), Residual(wide))
        self.hidden = dense(wide * (size // 4) ** 2 + 3, hidden)
        self.points = nn.Linear(hidden, points * 2)
        self.channels = nn.Linear(hidden, channels)

    def forward(self, crop: Tensor, angles: Tensor) -> PartOutput:
        """(N, 1 or 3, size, size) and (N, 3) yaw, pitch, roll in `ANGLE_UNIT_DEG`, as the crop shows them."""
        grey = crop.mean(1, keepdim=True)
        grey = grey - grey.mean((2, 3), keepdim=True)
        grey = grey / (grey.std((2, 3), keepdim=True) + 0.02)
        features = self.hidden(torch.cat([self.trunk(grey).flatten(1), angles], 1))
        return PartOutput(self.points(features).unflatten(1, (-1, 2)), self.channels(features))
