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
from icface.tracking.parts import PARTS, PartName, part_crop
from icface.training.tracker_data import Floats, Images, LabelledImages

_POINT_UNIT = 0.02
_ANGLE_NOISE_DEG = 3.0
_SHIFT = 0.035
_ROOM, _FINER = 1.3, 1.25
"""How much larger than the crop a stored part is, and how much finer."""
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
    """Draws augmented grey crops of eyes (either side, the left one mirrored) or of mouths.

    All parts are cut once, a little too large; a batch is shifted, turned, scaled, relit and blurred at once. The crop is
    placed with as much error as a first reading makes.
    """

    def __init__(self, folder: Path, part: PartName, size: int, *, splits: tuple[str, ...] = ("train",), seed: int = 0) -> None:
        self._part, self._size = part, size
        self._rng = np.random.default_rng(seed)
        self._flip = dict(np.load(folder / "flip.npz"))
        path = folder / f"parts_{part}_{size}_{'_'.join(splits)}.npz"
        if not path.is_file():
            self._cut_all(folder, splits, path)
        with np.load(path) as stored:
            self._starts = [int(n) for n in stored["starts"]]
            self._pictures, self._points = torch.from_numpy(stored["pictures"]), torch.from_numpy(stored["points"])
            self._controls, self._exact = stored["controls"], torch.from_numpy(stored["exact"])

    def _cut_all(self, folder: Path, splits: tuple[str, ...], path: Path) -> None:
        """Cut the part out of every picture of these splits, and keep that for the next run."""
        cut: list[tuple[Images, Floats, Floats, float]] = []
        starts = [0]
        for pool in ("renders", "portraits"):
            for split in splits:
                data = LabelledImages.load(folder, f"{split}_{pool}")
                for image, landmarks, controls in zip(data.images, data.landmarks, data.controls, strict=True):
                    cut += self._cut(np.asarray(image), landmarks, controls, float(pool == "renders"))
            starts.append(len(cut))
        pictures, points, controls, exact = (np.stack(column) for column in zip(*cut, strict=True))
        exact = exact.astype(np.float32)
        np.savez(path, starts=starts, pictures=pictures, points=points, controls=controls, exact=exact)

    def _cut(
        self, image: Images, landmarks: Floats, controls: Floats, exact: float
    ) -> list[tuple[Images, Floats, Floats, float]]:
        """Parts of one face and, for the mouth, its mirror image: `_ROOM` times the crop, points in crop sides."""
        made = []
        size = round(self._size * _FINER * _ROOM)
        part = PARTS[self._part]
        for name, mirrored in ((self._part, False), ("mouth" if self._part == "mouth" else "left_eye", True)):
            crop = part_crop(landmarks, name, round(self._size * _FINER))
            crop = Similarity.from_matrix(
                crop.matrix + np.array([[0, 0, 1], [0, 0, 1]]) * (size - round(self._size * _FINER)) / 2
            )
            shape = (size, size)
            picture = cv2.warpAffine(image, crop.matrix, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            grey = picture.mean(2).astype(np.uint8)
            which = self._flip["landmarks"][part.points] if mirrored else part.points
            points = crop.points(landmarks[which, :2]) - (size - 1) / 2
            turned = controls.copy()
            turned[2] += crop.turn_deg
            if mirrored:
                grey, points[:, 0] = np.ascontiguousarray(grey[:, ::-1]), -points[:, 0]
                turned = turned[self._flip["controls"]] * self._flip["signs"]
            made.append((grey, (points / (self._size * _FINER)).astype(np.float32), turned.astype(np.float32), exact))
        return made

    def batch(self, count: int, *, renders: float = 0.7, plain: bool = False) -> PartBatch:
        """`count` crops, a share of them of renders; `plain` ones are not relit or blurred."""
        rng, size = self._rng, self._size
        first, middle, last = self._starts
        chosen = np.where(rng.random(count) < renders, rng.integers(first, middle, count), rng.integers(middle, last, count))
        index = torch.from_numpy(chosen)
        shift = torch.from_numpy(np.clip(rng.normal(0, _SHIFT, (count, 2)), -0.09, 0.09).astype(np.float32))
        zoom = np.exp(
            np.clip(
                rng.normal(0, 0.06),
                -0.15,
                0.15,
            )
            * np.ones(count)
            + rng.normal(0, 0.03, count)
        )
        turn_deg = rng.normal(0, 3.0, count)
        cos, sin = zoom * np.cos(np.radians(turn_deg)), zoom * np.sin(np.radians(turn_deg))
        linear = torch.from_numpy(np.stack([cos, -sin, sin, cos], 1).reshape(-1, 2, 2).astype(np.float32))
        theta = torch.cat([linear / _ROOM, shift[..., None] * 2 / _ROOM], 2)
        pictures = self._pictures[index][:, None].float() / 127.5 - 1
        grid = nn.functional.affine_grid(theta, [count, 1, size, size], align_corners=False)
        pictures = nn.functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
        points = (self._points[index] - shift[:, None]) @ torch.linalg.inv(linear).transpose(1, 2)
        controls = self._controls[chosen].copy()
        controls[:, 2] += turn_deg
        if not plain:
            pictures = _relit(rng, pictures)
        part = PARTS[self._part]
        angles = controls[:, :3] + rng.normal(0, _ANGLE_NOISE_DEG, (count, 3))
        return PartBatch(
            pictures,
            torch.from_numpy((angles / ANGLE_UNIT_DEG).astype(np.float32)),
            points,
            torch.from_numpy(controls[:, part.channels]),
            self._exact[index],
        )


def _relit(rng: np.random.Generator, pictures: Tensor) -> Tensor:
    """Another gamma, a slope of light, blur, noise and a patch in the way, each for some of the pictures."""
    count, _, size, _ = pictures.shape

    def random(*shape: int) -> Tensor:
        return torch.from_numpy(rng.random(shape, np.float32)) * 2 - 1

    some = torch.from_numpy(rng.random((3, count, 1, 1, 1)) < np.array([0.25, 0.3, 0.08]).reshape(3, 1, 1, 1, 1))
    pictures = (pictures * 0.5 + 0.5).clamp(0, 1) ** torch.exp(0.4 * random(count, 1, 1, 1))
    line = torch.linspace(-1, 1, size)
    pictures = pictures * (1 + 0.25 * (random(count, 1, 1, 1) * line + random(count, 1, 1, 1) * line[:, None]))
    soft = nn.functional.avg_pool2d(nn.functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
    pictures = torch.where(some[0], soft, pictures)
    noise = torch.from_numpy(rng.standard_normal(pictures.shape, np.float32)) * 0.05
    pictures = pictures + noise * some[1]
    place, reach = random(2, count, 1, 1, 1), 0.12 + 0.1 * random(2, count, 1, 1, 1)
    inside = ((line - place[0]).abs() < reach[0]) & ((line[:, None] - place[1]).abs() < reach[1])
    return torch.where(inside & some[2], random(count, 1, 1, 1) * 0.5 + 0.5, pictures) * 2 - 1


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
