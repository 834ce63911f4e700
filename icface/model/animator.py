"""Second stage: how each place of the face moves under each expression channel.

ICface's animator takes the neutral face and a vector people can read (head angles, Action Units) and gives the animated face
(Tripathy, Kannala, Rahtu, WACV 2020). Ours is a field over the canonical surface: asked for a place, it answers with the
displacement of that place under every one of the 53 channels, in the head's own frame. Expressions add up linearly there, the
head's turn follows as a rotation, and `icface.model.warp` turns both into a flow over the photo.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from icface.controls import EXPRESSIONS
from icface.model.store import load_into, load_model


@dataclass(frozen=True, slots=True)
class AnimatorConfig:
    """Shape of the field: octaves of the place's Fourier features, hidden width, hidden layers."""

    octaves: int = 6
    width: int = 256
    depth: int = 3


class Animator(nn.Module):
    """A field from places (N, 3) in units of `LENGTH_CM` to displacements (N, 53, 3) in centimetres at full intensity."""

    def __init__(self, config: AnimatorConfig | None = None) -> None:
        super().__init__()
        self.config = config or AnimatorConfig()
        c = self.config
        features = 3 + 6 * c.octaves
        sizes = [features] + [c.width] * c.depth
        layers: list[nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.SiLU()]
        self.body = nn.Sequential(*layers, nn.Linear(c.width, 3 * len(EXPRESSIONS)))

    @classmethod
    def from_file(cls, path: Path) -> Animator:
        """The field of a weights file, in evaluation mode."""
        stored = load_model(path, kind="icface.animator")
        network = cls(AnimatorConfig(**{k: int(v) for k, v in stored.config.items()}))
        load_into(network, stored, path=path)
        return network.eval()

    def description(self) -> dict[str, Any]:
        """The configuration as plain values."""
        return asdict(self.config)

    def forward(self, place: Tensor) -> Tensor:
        """Displacements at these places."""
        octaves = math.pi * 2.0 ** torch.arange(self.config.octaves, device=place.device, dtype=place.dtype)
        phase = (place[:, :, None] * octaves).flatten(1)  # (N, 3 * octaves)
        out: Tensor = self.body(torch.cat([place, phase.sin(), phase.cos()], 1))
        return out.view(-1, len(EXPRESSIONS), 3)
