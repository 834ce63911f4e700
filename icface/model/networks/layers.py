"""Building blocks of the networks."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


class ConvBlock(nn.Sequential):
    """3 x 3 convolution, batch normalisation, SiLU."""

    def __init__(self, c_in: int, c_out: int, *, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.SiLU(inplace=True),
        )


class Residual(nn.Module):
    """Two convolution blocks about a shortcut, (B, C, H, W) to the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvBlock(channels, channels), ConvBlock(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """The sum of `x` and the blocks' answer to it."""
        out: Tensor = x + self.body(x)
        return out


def upsample(x: Tensor) -> Tensor:
    """A map (B, C, H, W) at twice its size, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class DirectConv2d(nn.Conv2d):
    """A convolution by oneDNN on the CPU: for one small picture, torch picks slower loops."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002  (as in torch)
        if (
            input.device.type != "cpu"
            or input.dtype is not torch.float32
            or isinstance(self.padding, str)
        ):
            out: Tensor = super()._conv_forward(input, weight, bias)
            return out
        return torch.mkldnn_convolution(
            input, weight, bias, self.padding, self.stride, self.dilation, self.groups
        )


def for_inference(network: Network) -> Network:
    """A faster copy of a network, not to be trained.

    Normalisations are folded into convolutions, and memory is in the order channels last.
    """
    quick = copy.deepcopy(network).eval().requires_grad_(False)
    for module in list(quick.modules()):
        names = [name for name, _ in module.named_children()]
        for first, second in pairwise(names):
            conv, norm = getattr(module, first), getattr(module, second)
            if isinstance(conv, nn.Conv2d) and isinstance(
                norm, nn.BatchNorm2d
            ):  # children stand in the order of their use
                setattr(module, first, fuse_conv_bn_eval(conv, norm))
                setattr(module, second, nn.Identity())
    if torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        for module in quick.modules():
            if type(module) is nn.Conv2d and module.padding_mode == "zeros":
                module.__class__ = DirectConv2d
    return quick.to(memory_format=torch.channels_last)
