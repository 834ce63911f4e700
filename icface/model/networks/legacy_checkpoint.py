"""Checkpoints of the original ICface, read without running code in them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from icface.model.networks.weights import ModelFileError

_NAMED = 6
"""Number of tensor names that an error message lists."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The tensors of a checkpoint.

    Attributes
    ----------
    tensors : dict of Tensor
        By name, without the ``module.`` of `torch.nn.DataParallel`.
    has_container : bool
        The file keeps them under ``state_dict``.
    """

    tensors: dict[str, Tensor]
    has_container: bool


def read_checkpoint(path: Path) -> Checkpoint:
    """The tensors of a file; `ModelFileError` names the file and what is wrong with it."""
    if not path.is_file():
        raise ModelFileError(
            f"{path} is missing. "
            f"Put the authors' {path.name} there; it is not part of this project."
        )
    content = _unpickle_tensors(path)
    has_container = isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping)
    named: Any = content["state_dict"] if has_container else content
    if (
        not isinstance(named, Mapping)
        or not named
        or not all(isinstance(name, str) for name in named)
    ):
        raise ModelFileError(f"{path} holds no named tensors: it is not an ICface checkpoint.")
    strangers = [name for name, value in named.items() if not isinstance(value, Tensor)]
    if strangers:
        raise ModelFileError(
            f"{path} is not an ICface checkpoint: {listed(strangers)} should be tensors."
        )
    prefix = "module." if all(name.startswith("module.") for name in named) else ""
    return Checkpoint(
        {name.removeprefix(prefix): value for name, value in named.items()}, has_container
    )


def _unpickle_tensors(path: Path) -> Any:
    """The content of a torch file that holds nothing but tensors and plain values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old pickles are recognised by their content below
            # the authors' format:
            return torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # a damaged file makes the reader raise nearly anything
        if "global" in str(error).lower():
            raise ModelFileError(
                f"{path} holds Python objects besides tensors, which could run code when read; "
                "it is refused. A checkpoint of the authors holds tensors only."
            ) from error
        raise ModelFileError(
            f"{path} is damaged, incomplete or no torch checkpoint. Copy it anew."
        ) from error


def listed(names: list[str]) -> str:
    """Names for an error message, the first of them if there are many."""
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
