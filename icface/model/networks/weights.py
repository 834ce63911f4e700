"""Weights on disk: safetensors with the network's configuration inside, loaded strictly.

A file names its kind (``icface.neutralizer`` and so on), the configuration the network is built
from, and notes on how it was made. Nothing is unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as safetensors_of
from safetensors.torch import save as safetensors_bytes
from torch import Tensor, nn

from icface.system.atomic_write import write_whole
from icface.system.digests import (
    REMEDY,
    SELF,
    DigestError,
    digest_of_parts,
    note_written,
    read_listed,
)
from icface.system.json_text import parsed

FORMAT = "icface-1"
Network = TypeVar("Network")


class ModelFileError(ValueError):
    """A weights file that is missing, damaged, or of another network."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredModel:
    """The contents of a weights file.

    Attributes
    ----------
    kind : str
        Name of the network, such as ``icface.painter``.
    config : dict
        Plain values the network is built from.
    notes : dict
        Origin of the weights: data, steps, held-out figures.
    state : dict of Tensor
        Parameters and buffers, float32.
    digest : str
        First 16 hex digits of the file's SHA-256.
    """

    kind: str
    config: dict[str, Any]
    notes: dict[str, Any]
    state: dict[str, Tensor]
    digest: str

    def renamed(self, former: Mapping[str, str]) -> StoredModel:
        """The same weights with former names replaced, in configuration and tensor names."""
        config = {former.get(name, name): value for name, value in self.config.items()}
        state = {
            ".".join(former.get(part, part) for part in name.split(".")): tensor
            for name, tensor in self.state.items()
        }
        return replace(self, config=config, state=state)


def models_dir() -> Path:
    """The folder of the shipped weights."""
    return Path(__file__).resolve().parents[3] / "resources" / "models"


def save_model(
    path: Path,
    *,
    kind: str,
    config: Mapping[str, Any],
    state: Mapping[str, Tensor],
    notes: Mapping[str, Any] | None = None,
    half: bool = True,
) -> None:
    """Write a weights file whole or not at all; floats in half precision if `half`."""
    stored = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor)
        .detach()
        .cpu()
        .contiguous()
        .clone()
        for name, tensor in state.items()
    }
    metadata = {
        "format": FORMAT,
        "kind": kind,
        "config": json.dumps(dict(config)),
        "notes": json.dumps(dict(notes or {})),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata[SELF] = digest_of_parts(metadata, _tensors_in(safetensors_bytes(stored, metadata)))
    write_whole(path, lambda file: file.write(safetensors_bytes(stored, metadata)))
    note_written(path)


def load_model(path: Path, *, kind: str) -> StoredModel:
    """Read a weights file of the given kind.

    Raises
    ------
    ModelFileError
        Naming the file and what is wrong with it.
    """
    if not path.is_file():
        raise ModelFileError(
            f"The weights file {path} is missing. "
            "Reinstall ICface Studio, or train it: icface train --help."
        )
    try:
        data, digest = read_listed(path)
        metadata, state = _metadata_in(data), safetensors_of(data)
        config, notes = (
            parsed(metadata.get("config", "{}")),
            parsed(metadata.get("notes", "{}"), constants=True),
        )
    except DigestError as error:
        raise ModelFileError(str(error)) from error
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path} is not a readable weights file ({error}). Reinstall ICface Studio."
        ) from error
    if metadata.get("format") != FORMAT or metadata.get("kind") != kind:
        raise ModelFileError(
            f"{path} holds {metadata.get('kind', 'no ICface network')!r}, expected {kind!r}."
        )
    if metadata.get(SELF, SELF) not in (SELF, digest_of_parts(metadata, _tensors_in(data))):
        raise ModelFileError(f"{path} is damaged: it is not what was written. {REMEDY}")
    state = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }
    return StoredModel(kind, config, notes, state, digest[:16])


def _metadata_in(data: bytes) -> dict[str, str]:
    """The metadata of a safetensors file; `ValueError` if it is none."""
    head = parsed(data[8 : 8 + int.from_bytes(data[:8], "little")])
    found = head.get("__metadata__", {}) if isinstance(head, dict) else {}
    return (
        {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
    )


def _tensors_in(data: bytes) -> memoryview:
    """The part of a safetensors file after its head."""
    return memoryview(data)[8 + int.from_bytes(data[:8], "little") :]


def build(kind: Callable[..., Network], config: Mapping[str, Any], *, path: Path) -> Network:
    """The network of a file's configuration; `ModelFileError` if this version cannot build it."""
    try:
        return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in config.items()})
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelFileError(
            f"{path} describes a network that this version does not know ({error}). "
            "Reinstall ICface Studio."
        ) from error


def load_into(network: nn.Module, stored: StoredModel, *, path: Path) -> None:
    """Load weights strictly; `ModelFileError` names missing, unexpected and misshapen tensors."""
    try:
        network.load_state_dict(stored.state, strict=True)
    except RuntimeError as error:
        raise ModelFileError(f"{path} does not fit the network it claims to be: {error}") from error
    if not all(
        torch.isfinite(p).all() for p in network.state_dict().values() if p.is_floating_point()
    ):
        raise ModelFileError(f"{path} holds numbers that are not finite. Reinstall ICface Studio.")
