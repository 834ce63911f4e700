"""Networks of the built-in tracker: a face detector, a landmark network and a refiner.

All take RGB scaled to -1..1. `DetectorOutput`, `LandmarkOutput` and `RefinerOutput` say what the
numbers of their heads mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from icface.face.controls import CHANNELS
from icface.face.landmarks import BOTH_IRISES, BROWS, FACE_SHAPE, LID_RIMS, LIPS, RIGID_POINTS

N_POINTS = 478
"""Landmarks of a face, with the irises."""
DETECTOR_STRIDE = 8
"""Side of a cell of the detector's maps, pixels."""
SIZE_UNIT = 32.0
"""Unit of face sizes in the detector's maps, pixels."""
READ_MARGIN = 1.35
"""Side of a landmark crop in extents of the face mesh."""


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
    """The reading of one crop.

    Attributes
    ----------
    points : (N, 478, 3) Tensor
        Landmarks, in crop sides from the crop's middle, z in the mesh's convention.
    controls : (N, 56) Tensor
        Angles in `ANGLE_UNIT_DEG`, channels in 0..1 (not clipped).
    face : (N,) Tensor
        Logit that this is a face, well framed.
    """

    points: Tensor
    controls: Tensor
    face: Tensor


class ConvNorm(nn.Module):
    """3 x 3 convolution and batch normalisation, which `fuse` turns into one operation."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv: nn.Conv2d = nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y: Tensor = self.norm(self.conv(x))
        return y

    def fuse(self) -> None:
        """Fold the normalisation into the convolution; for inference only."""
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
    """A convolution to half the size and another width."""

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
    """Base of the tracker's networks: built from plain values, fused for inference."""

    config: dict[str, Any]

    def ready(self) -> Self:
        """The network itself, for inference: evaluation mode, fused, channels last."""
        self.eval().requires_grad_(False)
        for module in self.modules():
            if isinstance(module, ConvNorm):
                module.fuse()
        return self.to(memory_format=torch.channels_last)


class FaceDetectorNet(TrackerNet):
    """Detector of faces of about 14 to 110 pixels, tilted by up to some 50 degrees."""

    def __init__(
        self, widths: tuple[int, int, int] = (16, 24, 48), blocks: tuple[int, int] = (1, 3)
    ) -> None:
        super().__init__()
        a, b, c = widths
        self.config = {"widths": list(widths), "blocks": list(blocks)}
        layers: list[nn.Module] = [
            Down(3, a),
            Down(a, b),
            *(Residual(b) for _ in range(blocks[0])),
            Down(b, c),
        ]
        layers += [Residual(c, dilation=2 if i % 2 else 1) for i in range(blocks[1])]
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Conv2d(c, 6, 1)
        nn.init.constant_(self.head.bias[:1], -4.0)  # type: ignore[index]

    def forward(self, picture: Tensor) -> DetectorOutput:
        """Maps of pictures (N, 3, H, W), with H and W multiples of `DETECTOR_STRIDE`."""
        maps = self.head(self.trunk(picture))
        return DetectorOutput(maps[:, 0], maps[:, 1], maps[:, 2:4], maps[:, 4:6])


class LandmarkNet(TrackerNet):
    """Reader of landmarks and controls in a crop, and of whether it shows a face."""

    def __init__(
        self,
        size: int = 128,
        widths: tuple[int, int, int, int, int] = (16, 24, 48, 96, 160),
        blocks: tuple[int, int, int, int] = (1, 2, 2, 1),
        hidden: int = 320,
    ) -> None:
        super().__init__()
        self.size = size
        self.config = {
            "size": size,
            "widths": list(widths),
            "blocks": list(blocks),
            "hidden": hidden,
        }
        layers: list[nn.Module] = [Down(3, widths[0])]
        for before, after, count in zip(widths, widths[1:], blocks, strict=False):
            layers += [Down(before, after), *(Residual(after) for _ in range(count))]
        self.trunk = nn.Sequential(*layers)
        self.hidden = dense(widths[-1] * (size // 32) ** 2, hidden)
        self.points = nn.Linear(hidden, N_POINTS * 3)
        self.controls = nn.Linear(hidden, len(CHANNELS))
        self.face = nn.Linear(hidden, 1)

    def forward(self, crop: Tensor) -> LandmarkOutput:
        """Readings of crops (N, 3, size, size)."""
        features = self.hidden(self.trunk(crop).flatten(1))
        return LandmarkOutput(
            self.points(features).unflatten(1, (N_POINTS, 3)),
            self.controls(features),
            self.face(features)[:, 0],
        )


FEATURE_POINTS = (*LID_RIMS, *BROWS, *BOTH_IRISES, *LIPS, *FACE_SHAPE)
"""Face-mesh indices of the landmarks at which the refiner samples features."""
REFINE_MARGIN = 1.25
"""Side of a refiner's crop in extents of the face mesh."""


@dataclass(frozen=True, slots=True)
class RefinerOutput:
    """The refined reading of a crop.

    Attributes
    ----------
    points : tuple of (N, 478, 2) Tensor
        The landmarks after each stage, in crop sides from the crop's middle; the last is the
        answer.
    controls : (N, 56) Tensor
        Angles in `ANGLE_UNIT_DEG`, channels in 0..1 (not clipped).
    """

    points: tuple[Tensor, ...]
    controls: Tensor


_DROPOUT = 0.15
"""Share of a stage's hidden units that training drops."""


class RefinerStage(nn.Module):
    """One correction of a face's shape from features at each of its points."""

    def __init__(self, features: int, reduced: int, hidden: int) -> None:
        super().__init__()
        count = len(FEATURE_POINTS)
        self.reduce = nn.Linear(features, reduced)
        self.hidden = nn.Sequential(dense(count * (reduced + 2) + 3, hidden), dense(hidden, hidden))
        self.points = nn.Linear(hidden, N_POINTS * 2)

    def forward(self, seen: Tensor, shape: Tensor, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden units and a correction (N, 478, 2) of the landmarks.

        Parameters
        ----------
        seen : (N, K, F)
            Features at the points.
        shape : (N, K, 2)
            Places of the points on the face.
        angles : (N, 3)
            In `ANGLE_UNIT_DEG`.
        """
        inputs = torch.cat(
            [nn.functional.silu(self.reduce(seen)).flatten(1), shape.flatten(1), angles], 1
        )
        hidden: Tensor = nn.functional.dropout(self.hidden[0](inputs), _DROPOUT, self.training)
        hidden = self.hidden[1](hidden)
        return hidden, self.points(hidden).unflatten(1, (N_POINTS, 2))


class RefinerNet(TrackerNet):
    """Refiner of landmarks and controls, from the features of a small trunk at each landmark.

    A cascade after Xiong and De la Torre, "Supervised descent method and its applications to face
    alignment" (CVPR 2013), with learnt, shape-indexed features: at a landmark, its distance from
    its edge shows. Colour, brightness and contrast are normalised away.
    """

    def __init__(
        self,
        size: int = 128,
        widths: tuple[int, int, int] = (16, 32, 48),
        reduced: int = 24,
        hidden: int = 256,
        stages: int = 2,
    ) -> None:
        super().__init__()
        self.size = size
        self.config = {
            "size": size,
            "widths": list(widths),
            "reduced": reduced,
            "hidden": hidden,
            "stages": stages,
        }
        a, b, c = widths
        self.fine = nn.Sequential(Down(1, a), Residual(a))
        self.middle = nn.Sequential(Down(a, b), Residual(b))
        self.coarse = nn.Sequential(Down(b, c), Residual(c))
        self.stages = nn.ModuleList(RefinerStage(a + b + c, reduced, hidden) for _ in range(stages))
        self.controls = nn.Linear(hidden, len(CHANNELS))
        self.register_buffer("looked_at", torch.tensor(FEATURE_POINTS), persistent=False)
        self.register_buffer("rigid", torch.tensor(RIGID_POINTS), persistent=False)
        self.looked_at: Tensor
        self.rigid: Tensor

    def forward(self, crop: Tensor, points: Tensor, angles: Tensor) -> RefinerOutput:
        """Refined readings of crops.

        Parameters
        ----------
        crop : (N, 1 or 3, size, size)
        points : (N, 478, 2)
            Landmarks of a first reading, in crop sides from the crop's middle.
        angles : (N, 3)
            Yaw, pitch and roll of the first reading in the crop, in `ANGLE_UNIT_DEG`, to be
            corrected.
        """
        grey = crop.mean(1, keepdim=True)
        grey = grey - grey.mean((2, 3), keepdim=True)
        grey = grey / (grey.std((2, 3), keepdim=True) + 0.02)
        fine = self.fine(grey)
        middle = self.middle(fine)
        maps = (fine, middle, self.coarse(middle))
        found: list[Tensor] = []
        hidden = angles
        for stage in self.stages:
            here = points[:, self.looked_at]
            grid = (2 * here)[:, :, None]
            seen = [
                nn.functional.grid_sample(m, grid, align_corners=False, padding_mode="border")[
                    ..., 0
                ]
                for m in maps
            ]
            rigid = points[:, self.rigid]
            middle_point = rigid.mean(1, keepdim=True)
            unit = (rigid - middle_point).square().sum(2).mean(1).sqrt()[:, None, None] + 1e-4
            hidden, change = stage(
                torch.cat(seen, 1).transpose(1, 2), (here - middle_point) / unit * 0.5, angles
            )
            points = points + change * unit
            found.append(points)
            points = points.detach()
        controls = self.controls(hidden)
        return RefinerOutput(
            tuple(found), torch.cat([angles + controls[:, :3], controls[:, 3:]], 1)
        )
