"""Generated checkpoints in the layout of the original ICface, and its computation written out."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def published_layout(filters: int = 128) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published code, written out without the network under test."""
    f = filters
    layout: dict[str, tuple[int, ...]] = {}

    def norm(name: str, channels: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            layout[f"{name}.{part}"] = (channels,)

    layout["model.1.weight"] = (f, 23, 7, 7)
    norm("model.2", f)
    layout["model.4.weight"] = (2 * f, f, 3, 3)
    norm("model.5", 2 * f)
    layout["model.7.weight"] = (4 * f, 2 * f, 3, 3)
    norm("model.8", 4 * f)
    for block in range(10, 16):
        for convolution, normalisation in ((1, 2), (6, 7)):
            layout[f"model.{block}.conv_block.{convolution}.weight"] = (4 * f, 4 * f, 3, 3)
            norm(f"model.{block}.conv_block.{normalisation}", 4 * f)
    layout["model.16.weight"] = (4 * f, 2 * f, 3, 3)
    norm("model.17", 2 * f)
    layout["model.19.weight"] = (2 * f, f, 3, 3)
    norm("model.20", f)
    layout["model.23.weight"] = (3, f, 7, 7)
    layout["model.23.bias"] = (3,)
    return layout


def generated_state(filters: int = 4, seed: int = 0) -> OrderedDict[str, Tensor]:
    """Random tensors in the published layout."""
    random = torch.Generator().manual_seed(seed)
    state: OrderedDict[str, Tensor] = OrderedDict()
    for name, shape in published_layout(filters).items():
        tensor = torch.randn(shape, generator=random) * 0.3
        state[name] = tensor.abs() + 0.5 if name.endswith("running_var") else tensor
    return state


def prefixed(state: OrderedDict[str, Tensor]) -> OrderedDict[str, Tensor]:
    return OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())


def container(state: OrderedDict[str, Tensor]) -> dict[str, Any]:
    optimizer = {
        "state": {0: {"step": 3, "square_avg": torch.zeros(4)}},
        "param_groups": [{"lr": 2e-4, "params": [0]}],
    }
    return {"state_dict": state, "optimizer": optimizer}


def saved(path: Path, content: object, *, zipped: bool = True) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def published_forward(state: OrderedDict[str, Tensor], x: Tensor) -> Tensor:
    """The published generator layer by layer, from names alone."""

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance, weight, bias = (
            state[f"{name}.{part}"][:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (variance + 1e-5).sqrt() * weight + bias

    def reflected(x: Tensor, border: int, name: str) -> Tensor:
        return F.conv2d(
            F.pad(x, (border,) * 4, mode="reflect"),
            state[f"{name}.weight"],
            state.get(f"{name}.bias"),
        )

    x = norm(reflected(x, 3, "model.1"), "model.2").relu()
    for convolution, normalisation in ((4, 5), (7, 8)):
        x = F.conv2d(x, state[f"model.{convolution}.weight"], stride=2, padding=1)
        x = norm(x, f"model.{normalisation}").relu()
    for block in (f"model.{i}.conv_block" for i in range(10, 16)):
        inner = norm(reflected(x, 1, f"{block}.1"), f"{block}.2").relu()
        x = x + norm(reflected(inner, 1, f"{block}.6"), f"{block}.7")
    for convolution, normalisation in ((16, 17), (19, 20)):
        x = F.conv_transpose2d(
            x, state[f"model.{convolution}.weight"], stride=2, padding=1, output_padding=1
        )
        x = norm(x, f"model.{normalisation}").relu()
    return reflected(x, 3, "model.23").tanh()
