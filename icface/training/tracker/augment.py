"""Batches of face crops for the landmark network, and photographic defects to train with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from icface.arrays import F32, U8
from icface.face.controls import ANGLE_UNIT_DEG
from icface.face.geometry import Similarity, eye_line_deg
from icface.face.landmarks import MESH_POINTS
from icface.model.networks.tracker_nets import READ_MARGIN
from icface.training.tracker.data import LabelledImages

ALARM_SIZE = 192
"""Side of a stored false alarm, pixels."""
ALARM_MARGIN = 2.2
"""Side of a stored false alarm in extents of the supposed face."""


def framing(landmarks: F32) -> NDArray[np.float64]:
    """(4,) framing: centre x and y, larger extent along the eye line, its angle in degrees."""
    roll = eye_line_deg(landmarks)
    cos, sin = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    upright = landmarks[:MESH_POINTS, :2] @ np.array([[cos, -sin], [sin, cos]])
    low, high = upright.min(0), upright.max(0)
    x, y = (low + high) / 2
    return np.array([cos * x - sin * y, sin * x + cos * y, (high - low).max(), roll])


def photometric(rng: np.random.Generator, image: U8) -> U8:
    """The picture in another light, lens and file format, (H, W, 3) uint8."""
    size = image.shape[0]
    if rng.random() < 0.15:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)  # type: ignore[assignment]
    ramp = np.arange(256, dtype=np.float32)[:, None] / 255
    gamma = np.exp(rng.normal(0, 0.25)) * np.exp(rng.normal(0, 0.07, 3))
    gain, lift = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.07, 3)), rng.normal(0, 0.06)
    table = np.clip((ramp**gamma - 0.5) * gain + 0.5 + lift, 0, 1) * 255
    image = cv2.LUT(image, table.astype(np.uint8)[None])  # type: ignore[assignment]
    if rng.random() < 0.2:
        tall, wide = image.shape[:2]
        factor = rng.uniform(0.3, 0.8)
        small = cv2.resize(
            image,
            (max(int(wide * factor), 8), max(int(tall * factor), 8)),
            interpolation=cv2.INTER_AREA,
        )
        image = cv2.resize(
            small,
            (wide, tall),
            interpolation=(cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[rng.integers(3)],
        )  # type: ignore[assignment]
    elif rng.random() < 0.15:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, size / 80))  # type: ignore[assignment]
    elif rng.random() < 0.08:
        length = int(rng.integers(3, max(size // 16, 4)))
        kernel = np.zeros((length, length), np.float32)
        cv2.line(
            kernel,
            (0, int(rng.integers(length))),
            (length - 1, int(rng.integers(length))),
            (1.0,),
            1,
        )
        image = cv2.filter2D(image, -1, kernel / kernel.sum())  # type: ignore[assignment]
    if rng.random() < 0.2:
        noise = rng.standard_normal(image.shape, np.float32) * rng.uniform(2, 14)
        image = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    if rng.random() < 0.12:
        coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])[
            1
        ]
        image = cv2.imdecode(coded, cv2.IMREAD_COLOR)  # type: ignore[assignment]
    return image


def occlude(rng: np.random.Generator, image: U8, other: U8) -> U8:
    """The picture, changed in place, partly covered by a colour or by another picture."""
    size = image.shape[0]
    wide, high = rng.integers(size // 10, size // 3, 2)
    x, y = rng.integers(0, size - wide), rng.integers(0, size - high)
    if rng.random() < 0.5:
        image[y : y + high, x : x + wide] = rng.integers(0, 256, 3)
    else:
        image[y : y + high, x : x + wide] = cv2.resize(other, (int(wide), int(high)))
    return image


@dataclass(frozen=True, slots=True, eq=False)
class CropBatch:
    """A training batch; labels of negatives are zero and not to be used.

    Attributes
    ----------
    pictures : (N, 3, S, S) float32 in -1..1
    points : (N, 478, 3), controls : (N, 56), face : (N,)
        As `icface.model.networks.tracker_nets.LandmarkOutput`; `face` is 0 or 1.
    exact : (N,)
        1 where the controls come from the rig, 0 where they were fitted.
    """

    pictures: Tensor
    points: Tensor
    controls: Tensor
    face: Tensor
    exact: Tensor

    def to(self, device: torch.device) -> CropBatch:
        """On another device, pictures channels last."""
        pictures = self.pictures.to(device, memory_format=torch.channels_last)
        return CropBatch(
            pictures, *(t.to(device) for t in (self.points, self.controls, self.face, self.exact))
        )


class CropSampler:
    """Draws augmented face crops and negatives without end.

    Parameters
    ----------
    folder : Path
        The cache that `icface.training.tracker.data.build_cache` fills.
    size : int
        Side of the crops.
    backgrounds : (N, B, B, 3) uint8
        Pictures without faces.
    """

    def __init__(self, folder: Path, size: int, backgrounds: U8, *, seed: int = 0) -> None:
        self._folder, self._size, self._backgrounds = folder, size, backgrounds
        self._rng = np.random.default_rng(seed)
        with np.load(folder / "flip.npz") as flip:
            self._flip = dict(flip)
        alarms = folder / "train_alarms.npy"
        self._alarms = np.load(alarms) if alarms.is_file() else np.empty((0, 1, 1, 3), np.uint8)
        self._pools = [
            LabelledImages.load(self._folder, f"train_{name}") for name in ("renders", "portraits")
        ]
        self._framings = [
            np.stack([framing(points) for points in pool.landmarks]) for pool in self._pools
        ]
        self._chances = []
        for pool in self._pools:
            _, which, often = np.unique(pool.person, return_inverse=True, return_counts=True)
            weight = (1 + np.abs(pool.controls[:, 0]) / 15) / np.sqrt(
                np.maximum(often[which] / np.median(often), 1)
            )
            self._chances.append(np.cumsum(weight) / weight.sum())

    def mean_points(self) -> Tensor:
        """(478, 3) mean of some well-framed crops' points."""
        return self.batch(400, negatives=0.0).points.mean(0)

    def batch(self, count: int, *, renders: float = 0.55, negatives: float = 0.16) -> CropBatch:
        """`count` crops, of which a share are negatives and a share of the faces are renders."""
        rng, size = self._rng, self._size
        pictures = np.empty((count, size, size, 3), np.uint8)
        points = np.zeros((count, 478, 3), np.float32)
        controls = np.zeros((count, 56), np.float32)
        face, exact = np.zeros(count, np.float32), np.zeros(count, np.float32)
        for n in range(count):
            if rng.random() < negatives:
                picture = self._negative()
            else:
                pool = int(rng.random() >= renders)
                picture, points[n], controls[n] = self._face(pool)
                face[n], exact[n] = 1, 1 - pool
            pictures[n] = photometric(rng, picture)
        controls[:, :3] /= ANGLE_UNIT_DEG
        as_tensor = torch.from_numpy
        scaled = as_tensor(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        return CropBatch(
            scaled, as_tensor(points), as_tensor(controls), as_tensor(face), as_tensor(exact)
        )

    def _pick(self, pool: int) -> int:
        return int(np.searchsorted(self._chances[pool], self._rng.random()))

    def _face(self, pool: int) -> tuple[U8, F32, F32]:
        rng, size, data = self._rng, self._size, self._pools[pool]
        i = self._pick(pool)
        x, y, extent, roll = self._framings[pool][i]
        rough = rng.random() < 0.5  # as after the detector; otherwise as after a first reading
        shift, zoom, turn = (0.09, 0.14, 13.0) if rough else (0.025, 0.05, 4.0)
        dx, dy = np.clip(rng.normal(0, shift, 2), -0.2, 0.2) * extent
        side = extent * READ_MARGIN * np.exp(np.clip(rng.normal(0, zoom), -0.3, 0.3))
        tilt = roll + np.clip(rng.normal(0, turn), -32, 32)
        crop = Similarity.crop(centre=(x + dx, y + dy), side=side, roll_deg=tilt, size=size)
        border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_CONSTANT
        picture: U8 = cv2.warpAffine(
            data.images[i], crop.matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border
        )  # type: ignore[assignment]
        points = crop.points(data.landmarks[i]).astype(np.float32)
        controls = data.controls[i].copy()
        controls[2] += crop.turn_deg
        if rng.random() < 0.5:
            picture = np.ascontiguousarray(picture[:, ::-1])
            points = points[self._flip["landmarks"]]
            points[:, 0] = size - 1 - points[:, 0]
            controls = controls[self._flip["controls"]] * self._flip["signs"]
        if rng.random() < 0.12:
            picture = occlude(rng, picture, self._backgrounds[rng.integers(len(self._backgrounds))])
        points[:, :2] -= (size - 1) / 2
        return picture, (points / size).astype(np.float32), controls

    def _negative(self) -> U8:
        rng, size = self._rng, self._size
        if len(self._alarms) and rng.random() < 0.55:
            image = self._alarms[rng.integers(len(self._alarms))]
            whole = image.shape[0]
            side = whole / ALARM_MARGIN * READ_MARGIN * np.exp(rng.normal(0, 0.12))
            centre = tuple((whole - 1) / 2 + rng.normal(0, 0.06, 2) * side)
            tilt = rng.normal(0, 10)
        elif rng.random() < 0.5:
            image = self._backgrounds[rng.integers(len(self._backgrounds))]
            whole = image.shape[0]
            side = rng.uniform(0.2, 1.0) * whole
            centre, tilt = tuple(rng.uniform(side / 2, whole - side / 2, 2)), rng.normal(0, 25)
        else:
            pool = int(rng.random() < 0.7)
            i = self._pick(pool)
            image = self._pools[pool].images[i]
            x, y, extent, roll = self._framings[pool][i]
            side, tilt, away = extent * READ_MARGIN, roll + rng.normal(0, 15), np.zeros(2)
            kind = rng.random()
            if kind < 0.5:
                angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.55, 1.0) * extent
                away, side = (
                    far * np.array([np.cos(angle), np.sin(angle)]),
                    side * rng.uniform(0.6, 1.3),
                )
            elif kind < 0.8:
                side *= rng.uniform(0.2, 0.5) if rng.random() < 0.6 else rng.uniform(2.2, 4.0)
                away = rng.normal(0, 0.15, 2) * extent
            else:
                tilt += rng.choice([-1, 1]) * rng.uniform(75, 180)
            centre = (x + away[0], y + away[1])
        crop = Similarity.crop(
            centre=(float(centre[0]), float(centre[1])),
            side=float(side),
            roll_deg=float(tilt),
            size=size,
        )
        border = cv2.BORDER_REFLECT if rng.random() < 0.5 else cv2.BORDER_CONSTANT
        picture: U8 = cv2.warpAffine(
            image, crop.matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border
        )  # type: ignore[assignment]
        return picture
