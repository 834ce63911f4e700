"""Second stage: the movement of each place of the face under each expression channel.

ICface's animator takes the neutral face and a vector people can read (head angles, Action Units)
and gives the animated face (Tripathy, Kannala, Rahtu, WACV 2020). Ours is a field over the
canonical surface: from a place to its displacement under every one of the 53 channels, in the head
frame. Expressions add up linearly there, the head's turn follows as a rotation, and
`icface.model.surface.mesh` turns both into a flow over the photo.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from icface.face.controls import EXPRESSIONS
from icface.model.networks.weights import build, load_into, load_model

_REACH = 1.4
"""Half the side of the planes, in units of `LENGTH_CM`: they cover a face with its jaw open."""


@dataclass(frozen=True, slots=True)
class AnimatorConfig:
    """Shape of the field.

    Attributes
    ----------
    planes : tuple of int
        Sides of the feature planes.
    features : int
        Features of each plane.
    width, depth : int
        Width and number of the hidden layers.
    """

    planes: tuple[int, ...] = (24, 64, 160)
    features: int = 6
    width: int = 128
    depth: int = 2


class Animator(nn.Module):
    """A field from places on the canonical surface to their displacements.

    Places are (N, 3) in units of `LENGTH_CM`, displacements (N, 53, 3) in centimetres at full
    intensity. A place is looked up in three learnt planes (xy, xz, yz) at several resolutions, and
    a small perceptron turns the features into displacements (Chan et al., *Efficient geometry-aware
    3D generative adversarial networks*, CVPR 2022, section 3).
    """

    def __init__(self, config: AnimatorConfig | None = None) -> None:
        super().__init__()
        self.config = config or AnimatorConfig()
        c = self.config
        self.planes = nn.ParameterList(
            nn.Parameter(0.1 * torch.randn(3, c.features, side, side)) for side in c.planes
        )
        sizes = [3 + 3 * c.features * len(c.planes)] + [c.width] * c.depth
        layers: list[nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.SiLU()]
        self.body = nn.Sequential(*layers, nn.Linear(c.width, 3 * len(EXPRESSIONS)))

    @classmethod
    def from_file(cls, path: Path) -> Animator:
        """The field of a weights file, in evaluation mode."""
        stored = load_model(path, kind="icface.animator")
        network = cls(build(AnimatorConfig, stored.config, path=path))
        load_into(network, stored, path=path)
        return network.eval()

    def description(self) -> dict[str, Any]:
        """The configuration as plain values."""
        return asdict(self.config)

    def forward(self, place: Tensor) -> Tensor:
        """(N, 53, 3) displacements at places (N, 3)."""
        out: Tensor = self.body[-1](self._hidden(place))
        return out.view(-1, len(EXPRESSIONS), 3)

    def turned(self, place: Tensor, turn: Tensor) -> Tensor:
        """(53, 3, N) displacements at places (N, 3), turned by `turn` (3, 3) from the head frame.

        The turn is folded into the last layer, and the channels come first, as they are used: this
        takes half the time of turning afterwards.
        """
        last = self.body[-1]
        assert isinstance(last, nn.Linear)
        weight = (turn @ last.weight.view(len(EXPRESSIONS), 3, -1)).flatten(0, 1)
        bias = (turn @ last.bias.view(len(EXPRESSIONS), 3, 1)).flatten(0, 1)
        return torch.addmm(bias, weight, self._hidden(place).T).view(len(EXPRESSIONS), 3, -1)

    def _hidden(self, place: Tensor) -> Tensor:
        """(N, width) the last hidden layer at places (N, 3)."""
        at = place / _REACH
        faces = torch.stack([at[:, [0, 1]], at[:, [0, 2]], at[:, [1, 2]]])[
            :, :, None
        ]  # (3, N, 1, 2)
        found = [
            F.grid_sample(plane, faces, padding_mode="border", align_corners=False).squeeze(
                3
            )  # (3, features, N)
            for plane in self.planes
        ]
        features = torch.cat(found, 1).flatten(0, 1).T  # (N, 3 * features * planes)
        hidden: Tensor = self.body[:-1](torch.cat([place, features], 1))
        return hidden
