"""Training data and loss of the networks that look closer at the eyes and the mouth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from icface.controls import CHANNELS
from icface.geometry import Similarity
from icface.model.tracker_nets import ANGLE_UNIT_DEG, PartNet
from icface.tracking.parts import PARTS, PartName, face_unit, part_crop
from icface.training.tracker_augment import occlude, photometric
from icface.training.tracker_data import Floats, Images, LabelledImages

_POINT_UNIT = 0.02
_ANGLE_NOISE_DEG = 3.0
_READ_OFTEN = ("jawOpen", "eyeBlink", "mouthSmile", "browInnerUp", "browOuterUp", "browDown")


@dataclass(frozen=True, slots=True, eq=False)
class PartBatch:
    """A training batch, shapes as `icface.model.tracker_nets.PartOutput`.

    Attributes
    ----------
    pictures : (N, 3, S, S) float32 in -1..1
    angles : (N, 3)
        Head angles as a first reading would give them.
    exact : (N,)
        1 where the channels come from the rig, 0 where they were fitted.
    """

    pictures: Tensor
    angles: Tensor
    points: Tensor
    channels: Tensor
    exact: Tensor

    def to(self, device: torch.device) -> PartBatch:
        """On another device, pictures channels last."""
        pictures = self.pictures.to(device, memory_format=torch.channels_last)
        return PartBatch(pictures, *(t.to(device) for t in (self.angles, self.points, self.channels, self.exact)))


class PartSampler:
    """Draws augmented crops of eyes (either side, the left one mirrored) or of mouths.

    The crop is placed by landmarks with as much error as a first reading makes.
    """

    def __init__(self, folder: Path, part: PartName, size: int, *, seed: int = 0) -> None:
        self._part, self._size = part, size
        self._rng = np.random.default_rng(seed)
        self._flip = dict(np.load(folder / "flip.npz"))
        self._pools = [LabelledImages.load(folder, f"train_{name}") for name in ("renders", "portraits")]

    def batch(self, count: int, *, renders: float = 0.65) -> PartBatch:
        """`count` crops, a share of them of renders."""
        rng, size, part = self._rng, self._size, PARTS[self._part]
        pictures = np.empty((count, size, size, 3), np.uint8)
        points = np.empty((count, len(part.points), 2), np.float32)
        controls = np.empty((count, len(CHANNELS)), np.float32)
        exact = np.empty(count, np.float32)
        for n in range(count):
            pool = int(rng.random() >= renders)
            picture, points[n], controls[n] = self._one(self._pools[pool])
            exact[n] = 1 - pool
            if rng.random() < 0.07:
                picture = occlude(rng, picture, pictures[rng.integers(n)] if n else picture)
            pictures[n] = photometric(rng, picture)
        angles = controls[:, :3] + rng.normal(0, _ANGLE_NOISE_DEG, (count, 3))
        scaled = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        return PartBatch(
            scaled,
            torch.from_numpy((angles / ANGLE_UNIT_DEG).astype(np.float32)),
            torch.from_numpy(points),
            torch.from_numpy(controls[:, part.channels]),
            torch.from_numpy(exact),
        )

    def _one(self, data: LabelledImages) -> tuple[Images, Floats, Floats]:
        rng, size = self._rng, self._size
        i = int(rng.integers(len(data)))
        landmarks, controls = data.landmarks[i], data.controls[i].copy()
        mirrored = bool(rng.random() < 0.5)
        name = self._part if self._part == "mouth" else "left_eye" if mirrored else "right_eye"
        exactly = part_crop(landmarks, name, size)
        away = rng.normal(0, 0.09, 2) * face_unit(landmarks)
        zoom, turn = np.exp(np.clip(rng.normal(0, 0.06), -0.2, 0.2)), rng.normal(0, 3.0)
        middle = exactly.inverse().points(np.full((1, 2), (size - 1) / 2))[0] + away
        crop = Similarity.crop(
            centre=(float(middle[0]), float(middle[1])),
            side=float(size / exactly.scale * zoom),
            roll_deg=float(exactly.turn_deg + turn),
            size=size,
        )
        shape = (size, size)
        cut = cv2.warpAffine(data.images[i], crop.matrix, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        picture = cut.astype(np.uint8, copy=False)
        controls[2] += crop.turn_deg
        points = crop.points(landmarks[PARTS[name].points, :2])
        if mirrored:
            picture = np.ascontiguousarray(picture[:, ::-1])
            controls = controls[self._flip["controls"]] * self._flip["signs"]
            if name == "mouth":
                points = crop.points(landmarks[self._flip["landmarks"][PARTS[name].points], :2])
            points[:, 0] = size - 1 - points[:, 0]
        return picture, ((points - (size - 1) / 2) / size).astype(np.float32), controls


class PartLoss(nn.Module):
    """How far a reading of parts is from their labels."""

    channel_weight: Tensor

    def __init__(self, part: PartName, folder: Path) -> None:
        super().__init__()
        channels = PARTS[part].channels
        spread = LabelledImages.load(folder, "train_renders").controls[:, channels].std(0)
        often = torch.tensor([2.0 if CHANNELS[k].startswith(_READ_OFTEN) else 1.0 for k in channels]).sqrt()
        self.register_buffer("channel_weight", often / torch.from_numpy(np.maximum(spread, 0.08)))

    def forward(self, net: PartNet, batch: PartBatch) -> tuple[Tensor, dict[str, float]]:
        """The loss and its parts for the log."""
        out = net(batch.pictures, batch.angles)
        points = nn.functional.smooth_l1_loss(out.points / _POINT_UNIT, batch.points / _POINT_UNIT, beta=0.3)
        trust = 0.3 + 0.7 * batch.exact[:, None]
        # squares: most channels are 0 in most faces, and the median of that would never leave 0
        channels = (((out.channels - batch.channels) * self.channel_weight).square() * trust).mean()
        return points + channels, {"points": float(points.detach()), "channels": float(channels.detach())}
