"""Training data and loss of the network that looks again at a face that was read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from icface.arrays import F32, U8
from icface.face.controls import ANGLE_UNIT_DEG
from icface.face.geometry import face_crop
from icface.face.landmarks import EYE_CORNERS, MESH_POINTS
from icface.model.networks.tracker_nets import READ_MARGIN, REFINE_MARGIN
from icface.tracking.builtin import LANDMARKS_FILE, BuiltinTracker
from icface.tracking.reading import without_hidden_gaze
from icface.training.loop.array_files import save_arrays
from icface.training.tracker.data import LabelledImages

_ROOM = 1.3
"""Side of a stored face, in sides of its crop."""
_ANGLE_NOISE_DEG = 1.5
"""Standard deviation of the noise added to first angles, degrees."""


@dataclass(frozen=True, slots=True, eq=False)
class RefinerBatch:
    """A training batch.

    Attributes
    ----------
    pictures : (N, 1, S, S) float32 in -1..1
    first : (N, 478, 2), first_angles : (N, 3)
        What a first reading says, as `icface.model.networks.tracker_nets.RefinerNet.forward` takes
        it.
    points : (N, 478, 2), controls : (N, 56)
        The truth, in the same units.
    exact : (N,)
        1 where the channels come from the rig, 0 where they were fitted.
    same : (N // 2,)
        1 where a picture of the first half and its fellow in the second are renders of one person.
    """

    pictures: Tensor
    first: Tensor
    first_angles: Tensor
    points: Tensor
    controls: Tensor
    exact: Tensor
    same: Tensor

    def to(self, device: torch.device) -> RefinerBatch:
        """On another device, pictures channels last."""
        pictures = self.pictures.to(device, memory_format=torch.channels_last)
        rest = (self.first, self.first_angles, self.points, self.controls, self.exact, self.same)
        return RefinerBatch(pictures, *(t.to(device) for t in rest))


class RefinerSampler:
    """Draws augmented grey crops of faces, and first readings with the landmark network's errors.

    All faces are cut and read once; a batch is mirrored, cropped by its first readings, relit and
    blurred at once.
    """

    def __init__(
        self,
        folder: Path,
        size: int,
        *,
        models: Path | None = None,
        splits: tuple[str, ...] = ("train",),
        seed: int = 0,
    ) -> None:
        self._size = size
        self._rng = np.random.default_rng(seed)
        with np.load(folder / "flip.npz") as flip:
            self._mirror_points = torch.from_numpy(flip["landmarks"])
            self._mirror_controls, self._mirror_signs = (
                torch.from_numpy(flip["controls"]),
                torch.from_numpy(flip["signs"]),
            )
        path, tracker = (
            folder / f"refiner_{size}_{'_'.join(splits)}.npz",
            BuiltinTracker(models=models),
        )
        if not _was_cut_by(tracker, path):
            self._cut_all(folder, splits, path, tracker)
        with np.load(path) as stored:
            self._starts = [int(n) for n in stored["starts"]]
            self._pictures, self._points = (
                torch.from_numpy(stored["pictures"]),
                torch.from_numpy(stored["points"]),
            )
            self._first, self._controls = (
                torch.from_numpy(stored["first"]),
                torch.from_numpy(stored["controls"]),
            )
            self._first_angles, self._exact = (
                torch.from_numpy(stored["first_angles"]),
                torch.from_numpy(stored["exact"]),
            )
            self._person = np.asarray(stored["person"], np.int64)
        renders = self._person[: self._starts[1]]
        by_person = np.argsort(renders, kind="stable")
        people, first = np.unique(renders[by_person], return_index=True)
        self._renders_of = dict(zip(people.tolist(), np.split(by_person, first[1:]), strict=True))

    def _cut_all(
        self, folder: Path, splits: tuple[str, ...], path: Path, tracker: BuiltinTracker
    ) -> None:
        """Cut every face of these splits, with its first reading, into a file for later runs."""
        cut: list[tuple[U8, F32, F32, F32, F32, float]] = []
        person: list[NDArray[np.int64]] = []
        starts = [0]
        for pool in ("renders", "portraits"):
            for split in splits:
                data = LabelledImages.load(folder, f"{split}_{pool}")
                for image, landmarks, controls in zip(
                    data.images, data.landmarks, data.controls, strict=True
                ):
                    seen = without_hidden_gaze(controls)
                    cut.append(
                        self._cut(
                            np.asarray(image), landmarks, seen, float(pool == "renders"), tracker
                        )
                    )
                person.append(data.person)
            starts.append(len(cut))
        names = ("pictures", "points", "first", "controls", "first_angles", "exact")
        columns = {
            name: np.stack(column)
            for name, column in zip(names, zip(*cut, strict=True), strict=True)
        }
        columns["exact"] = columns["exact"].astype(np.float32)
        facts = {
            "starts": np.array(starts),
            "person": np.concatenate(person),
            "reader": np.array(_first_readers(tracker)),
        }
        save_arrays(path, **facts, **columns)

    def _cut(
        self, image: U8, landmarks: F32, controls: F32, exact: float, tracker: BuiltinTracker
    ) -> tuple[U8, F32, F32, F32, F32, float]:
        """A picture `_ROOM` times as large as the crop; points in its pixels from its middle."""
        size = round(self._size * _ROOM)
        crop = face_crop(landmarks, size, margin=REFINE_MARGIN * _ROOM)
        picture = cv2.warpAffine(
            image,
            crop.matrix,
            (size, size),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        reader = tracker.reader.size
        first = tracker.read(image, [face_crop(landmarks, reader, margin=READ_MARGIN)])[0]
        first = tracker.read(image, [face_crop(first.landmarks, reader, margin=READ_MARGIN)])[0]
        turned, read = controls.copy(), np.array(first.controls.angles_deg, np.float32)
        for roll in (turned, read):
            roll[2] = (
                roll[2] + crop.turn_deg + 180
            ) % 360 - 180  # as the product tells the network
        middle = (size - 1) / 2
        points, guess = (
            crop.points(p[:, :2]).astype(np.float32) - middle for p in (landmarks, first.landmarks)
        )
        grey = picture.mean(2).astype(np.uint8)
        return (
            grey,
            points.astype(np.float32),
            guess.astype(np.float32),
            turned.astype(np.float32),
            read,
            exact,
        )

    def batch(self, count: int, *, renders: float = 0.85, plain: bool = False) -> RefinerBatch:
        """`count` crops, a share of them of renders; `plain` ones are not augmented."""
        rng, size = self._rng, self._size
        first, middle, last = self._starts
        chosen = np.where(
            rng.random(count) < renders,
            rng.integers(first, middle, count),
            rng.integers(middle, last, count),
        )
        half = count // 2
        for i, one in enumerate(chosen[:half]):
            if one < middle:
                chosen[half + i] = rng.choice(self._renders_of[int(self._person[one])])
        same = torch.from_numpy((chosen[:half] < middle).astype(np.float32))
        index = torch.from_numpy(chosen)
        pictures = self._pictures[index][:, None].float() / 127.5 - 1
        points, controls = self._points[index], self._controls[index].clone()
        error, wrong = self._first[index] - points, self._first_angles[index] - controls[:, :3]
        wrong[:, 2] = (wrong[:, 2] + 180) % 360 - 180
        if not plain:
            error, wrong = self._misread(error, wrong)
            mirrored = torch.from_numpy(rng.random(count) < 0.5)
            mirrored[half : 2 * half] = mirrored[:half]
            pictures[mirrored] = pictures[mirrored].flip(3)
            for place in (points, error):
                turned = place[mirrored][:, self._mirror_points]
                turned[..., 0] *= -1
                place[mirrored] = turned
            controls[mirrored] = controls[mirrored][:, self._mirror_controls] * self._mirror_signs
            wrong[mirrored] *= self._mirror_signs[:3]
        guess, angles = points + error, controls[:, :3] + wrong
        linear, centre, turn_deg = crop_of(guess, size)
        stored = pictures.shape[-1]
        inverse = torch.linalg.inv(linear)
        theta = torch.cat([inverse * (size / stored), centre[..., None] * (2 / stored)], 2)
        grid = nn.functional.affine_grid(theta, [count, 1, size, size], align_corners=False)
        pictures = nn.functional.grid_sample(
            pictures, grid, padding_mode="border", align_corners=False
        )
        if not plain:
            pictures = _relit(rng, pictures)
        for a in (angles, controls):
            a[:, 2] += turn_deg
        read, true = (
            (p - centre[:, None]) @ linear.transpose(1, 2) / size for p in (guess, points)
        )
        controls[:, :3] /= ANGLE_UNIT_DEG
        return RefinerBatch(
            pictures, read, angles / ANGLE_UNIT_DEG, true, controls, self._exact[index], same
        )

    def _misread(self, error: Tensor, wrong: Tensor) -> tuple[Tensor, Tensor]:
        """Errors of first readings: some exchanged between faces, all shifted, scaled and noisy."""
        rng, count = self._rng, len(error)

        def normal(*shape: int) -> Tensor:
            return torch.from_numpy(rng.standard_normal(shape, np.float32))

        swap = torch.from_numpy(
            np.where(rng.random(count) < 0.35, rng.integers(0, count, count), np.arange(count))
        )
        strength = torch.from_numpy(rng.uniform(0.3, 1.5, (count, 1, 1)).astype(np.float32))
        error = error[swap] * strength + normal(count, 1, 2) * 0.6 + normal(count, 478, 2) * 0.3
        return error, wrong[swap] + normal(count, 3) * _ANGLE_NOISE_DEG


def _first_readers(tracker: BuiltinTracker) -> str:
    """Stands for the network whose readings the refiner corrects."""
    return tracker.digest(LANDMARKS_FILE)


def _was_cut_by(tracker: BuiltinTracker, path: Path) -> bool:
    """True if this tracker read the faces in a file; files that do not say are accepted."""
    if not path.is_file():
        return False
    with np.load(path) as stored:
        return "reader" not in stored or str(stored["reader"]) == _first_readers(tracker)


def crop_of(points: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """`icface.face.geometry.face_crop` of a batch of landmarks (N, 478, 2).

    Returns the linear part (N, 2, 2), the centre (N, 2) and the turn (N,) in degrees.
    """
    line = points[:, EYE_CORNERS[1]] - points[:, EYE_CORNERS[0]]
    roll = torch.atan2(line[:, 1], line[:, 0])
    cos, sin = roll.cos(), roll.sin()
    upright_from_here = torch.stack([torch.stack([cos, sin], 1), torch.stack([-sin, cos], 1)], 1)
    upright = points[:, :MESH_POINTS] @ upright_from_here.transpose(1, 2)
    low, high = upright.amin(1), upright.amax(1)
    centre = ((low + high)[:, None] / 2 @ upright_from_here)[:, 0]
    scale = size / ((high - low).amax(1) * REFINE_MARGIN)
    return upright_from_here * scale[:, None, None], centre, torch.rad2deg(roll)


def _relit(rng: np.random.Generator, pictures: Tensor) -> Tensor:
    """The pictures with gamma, sloping light, blur, noise and occluders, each in some of them."""
    count, _, size, _ = pictures.shape

    def random(*shape: int) -> Tensor:
        return torch.from_numpy(rng.random(shape, np.float32)) * 2 - 1

    some = torch.from_numpy(
        rng.random((4, count, 1, 1, 1)) < np.array([0.25, 0.3, 0.08, 0.08]).reshape(4, 1, 1, 1, 1)
    )
    pictures = (pictures * 0.5 + 0.5).clamp(0, 1) ** torch.exp(0.4 * random(count, 1, 1, 1))
    line = torch.linspace(-1, 1, size)
    pictures = pictures * (
        1 + 0.25 * (random(count, 1, 1, 1) * line + random(count, 1, 1, 1) * line[:, None])
    )
    soft = nn.functional.avg_pool2d(
        nn.functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1
    )
    pictures = torch.where(some[0], soft, pictures)
    coarse = nn.functional.interpolate(
        nn.functional.avg_pool2d(pictures, 2), scale_factor=2.0, mode="bilinear"
    )
    pictures = torch.where(some[3], coarse, pictures)
    noise = torch.from_numpy(rng.standard_normal(pictures.shape, np.float32)) * 0.05
    pictures = pictures + noise * some[1]
    place, reach = random(2, count, 1, 1, 1), 0.12 + 0.1 * random(2, count, 1, 1, 1)
    inside = ((line - place[0]).abs() < reach[0]) & ((line[:, None] - place[1]).abs() < reach[1])
    return torch.where(inside & some[2], random(count, 1, 1, 1) * 0.5 + 0.5, pictures) * 2 - 1
