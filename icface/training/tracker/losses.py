"""Losses of the tracker's three networks: the detector, the landmark network and the refiner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from icface.face.controls import EXPRESSIONS
from icface.face.landmarks import BOTH_IRISES, BROWS, LID_RIMS, LIPS
from icface.training.tracker.augment import CropBatch
from icface.training.tracker.data import LabelledImages
from icface.training.tracker.refiner import RefinerBatch
from icface.training.tracker.scenes import SceneBatch

_POINT_WEIGHTS = ((LIPS, 2.0), (LID_RIMS, 3.0), (BROWS, 2.0), (BOTH_IRISES, 3.0))
"""Landmarks that count more than the others, and by what factor."""
_COMMON_CHANNELS = (
    "jawOpen",
    "eyeBlink",
    "mouthSmile",
    "browInnerUp",
    "browOuterUp",
    "browDown",
)
"""Beginnings of the names of channels that are edited most: they count twice in both readings."""
_REFINED_CHANNELS = (*_COMMON_CHANNELS, "eyeLook")
"""Beginnings of the names of channels that count twice in the refiner's loss."""
_LEAST_SPREAD = 0.08
"""Smallest standard deviation that a channel's error is divided by."""
_LANDMARK_UNIT = 0.02
"""Unit of the landmark network's point errors, in crop sides."""
_REFINED_UNIT = 0.01
"""Unit of the refiner's point errors, in crop sides."""
_DEPTH_WEIGHT = 0.3
"""Weight of a landmark's depth beside its position in the picture."""
_WITHIN_PERSON = 1.5
"""Weight of differences between two pictures of one person. A movement is to be read at its full
size, although where a feature lies at rest, which differs between people, is unknown."""


def _smooth_l1(difference: Tensor, beta: float) -> Tensor:
    size = difference.abs()
    return torch.where(size < beta, size.square() / (2 * beta), size - beta / 2)


def _channel_weight(spread: NDArray[np.float32], common: tuple[str, ...]) -> Tensor:
    """(53,) weight of each channel's error: its inverse spread, more for common channels."""
    often = torch.tensor([2.0 if name.startswith(common) else 1.0 for name in EXPRESSIONS])
    return often.sqrt() / torch.from_numpy(np.maximum(spread, _LEAST_SPREAD))


def _detached(parts: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: part.detach() for name, part in parts.items()}


class LandmarkLoss(nn.Module):
    """Distance between the landmark network's reading of crops and their labels.

    Parameters
    ----------
    spread : (53,) float32
        Standard deviation of each expression channel among the labels.
    """

    point_weight: Tensor
    channel_weight: Tensor

    def __init__(self, spread: NDArray[np.float32]) -> None:
        super().__init__()
        weight = torch.ones(478, 3)
        for group, factor in _POINT_WEIGHTS:
            weight[list(group)] *= factor
        weight[:, 2] *= _DEPTH_WEIGHT
        self.register_buffer("point_weight", weight / weight.mean())
        self.register_buffer("channel_weight", _channel_weight(spread, _COMMON_CHANNELS))

    def forward(self, net: nn.Module, batch: CropBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and its parts for the log; `net` is a `LandmarkNet`."""
        out = net(batch.pictures)
        shown = batch.face > 0
        error = _smooth_l1(out.points - batch.points, 0.003) / _LANDMARK_UNIT
        points = (error * self.point_weight)[shown].mean()
        wrong = out.controls[shown] - batch.controls[shown]
        angles = _smooth_l1(wrong[:, :3], 0.05).mean()
        confidence = 0.35 + 0.65 * batch.exact[shown, None]
        # squares: most channels are 0 in most faces, and the median of that would never leave 0
        channels = ((wrong[:, 3:] * self.channel_weight).square() * confidence).mean()
        face = nn.functional.binary_cross_entropy_with_logits(out.face, batch.face)
        parts = {"points": points, "angles": angles, "channels": channels, "face": face}
        return points + 3 * angles + 0.7 * channels + 0.3 * face, _detached(parts)


def detector_loss(net: nn.Module, batch: SceneBatch) -> tuple[Tensor, dict[str, Tensor]]:
    """Focal loss of the heat map, and L1 of size, tilt and offset in the cells of faces.

    Parameters
    ----------
    net : nn.Module
        A `FaceDetectorNet`.
    batch : SceneBatch

    Returns
    -------
    Tensor, dict of str to Tensor
        The loss, and its parts for the log.
    """
    out = net(batch.pictures)
    heat = torch.sigmoid(out.heat).clamp(1e-4, 1 - 1e-4)
    middle = batch.heat >= 0.999
    hit = (1 - heat).square() * heat.log() * middle
    miss = (1 - batch.heat) ** 4 * heat.square() * (1 - heat).log() * ~middle * batch.counted
    count = batch.weight.sum().clamp(min=1)
    focal = -(hit.sum() + miss.sum()) / middle.sum().clamp(min=1)
    size = ((out.log_size - batch.log_size).abs() * batch.weight).sum() / count
    tilt = (_smooth_l1(out.tilt - batch.tilt, 0.1).sum(1) * batch.weight).sum() / count
    offset = (_smooth_l1(out.offset - batch.offset, 0.1).sum(1) * batch.weight).sum() / count
    parts = {"heat": focal, "size": size, "tilt": tilt, "offset": offset}
    return focal + size + tilt + offset, _detached(parts)


class RefinerLoss(nn.Module):
    """Distance between a second reading and the labels.

    Points are compared after every stage, angles and channels after the last.

    Parameters
    ----------
    folder : Path
        The cache; the spread of its training renders' channels sets their weights.
    """

    channel_weight: Tensor
    point_weight: Tensor

    def __init__(self, folder: Path) -> None:
        super().__init__()
        spread = LabelledImages.load(folder, "train_renders").controls[:, 3:].std(0)
        self.register_buffer("channel_weight", _channel_weight(spread, _REFINED_CHANNELS))
        weight = torch.ones(478, 1)
        for group, factor in _POINT_WEIGHTS:
            weight[list(group)] = factor
        self.register_buffer("point_weight", weight / weight.mean())

    def forward(self, net: nn.Module, batch: RefinerBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and its parts for the log; `net` is a `RefinerNet`.

        The parts `before` and `last` are the mean point errors of the first reading and of the last
        stage, in per cent of the crop's side.
        """
        out = net(batch.pictures, batch.first, batch.first_angles)
        points = torch.stack([self._point_error(found, batch.points) for found in out.points])
        wrong = out.controls - batch.controls
        angles = nn.functional.smooth_l1_loss(out.controls[:, :3], batch.controls[:, :3], beta=0.05)
        confidence = 0.3 + 0.7 * batch.exact[:, None]
        # squares: most channels are 0 in most faces, and the median of that would never leave 0
        channels = ((wrong[:, 3:] * self.channel_weight).square() * confidence).mean()
        one, other = wrong[:, 3:].split(len(batch.same))[:2]
        within = ((one - other) * self.channel_weight).square().mean(1) / 2
        within = (within * batch.same).mean()
        before, last = (
            100 * (p - batch.points).norm(dim=2).mean() for p in (batch.first, out.points[-1])
        )
        parts = {
            "before": before,
            "last": last,
            "angles": angles,
            "channels": channels,
            "within": within,
        }
        loss = points.mean() + 3 * angles + channels + _WITHIN_PERSON * within
        return loss, _detached(parts)

    def _point_error(self, found: Tensor, true: Tensor) -> Tensor:
        error = nn.functional.smooth_l1_loss(
            found / _REFINED_UNIT, true / _REFINED_UNIT, beta=0.3, reduction="none"
        )
        return (error * self.point_weight).mean()
