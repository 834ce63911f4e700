"""Training data of the detector: scenes with faces of many sizes and tilts, and faceless ones."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from icface.arrays import U8
from icface.face.geometry import Similarity
from icface.model.networks.tracker_nets import DETECTOR_STRIDE, SIZE_UNIT
from icface.training.portraits.table import read_rgb
from icface.training.tracker.augment import framing, photometric
from icface.training.tracker.data import LabelledImages

BACKGROUND_SIZE = 256
SCENE_SIZE = 160
LEAST_PIXELS = 16.0
"""Smallest face that the detector is to find, pixels."""
MOST_PIXELS = 110.0
"""Largest face that it is to find in one pass; a pyramid scales larger ones down, pixels."""
HELD_OUT = ("coffee.png", "motorcycle_left.png", "motorcycle_right.png", "page.png", "gravel.png")
"""Sample pictures without faces that measure false alarms and are not trained on."""
_TRIES = 200
"""Places that are tried for one without a face."""
TRAINED = (
    "brick.png",
    "cell.png",
    "chelsea.png",
    "chessboard_RGB.png",
    "color.png",
    "grass.png",
    "horse.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "logo.png",
    "microaneurysms.png",
    "moon.png",
    "phantom.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
    "clock_motion.png",
)


def sample_pictures(names: tuple[str, ...]) -> list[U8]:
    """scikit-image's sample pictures of these names that are installed, RGB uint8."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "scikit-image is not installed: its sample pictures are the negatives."
        )
    folder = Path(spec.origin).with_name("data")
    return [read_rgb(folder / name) for name in names if (folder / name).is_file()]


def _square(rng: np.random.Generator, picture: U8, low: float = 0.15, high: float = 1.0) -> U8:
    side = int(min(picture.shape[:2]) * rng.uniform(low, high))
    y, x = (
        rng.integers(0, picture.shape[0] - side + 1),
        rng.integers(0, picture.shape[1] - side + 1),
    )
    cut = picture[y : y + side, x : x + side]
    shrink = cv2.INTER_AREA if side > BACKGROUND_SIZE else cv2.INTER_LINEAR
    return cv2.resize(cut, (BACKGROUND_SIZE, BACKGROUND_SIZE), interpolation=shrink).astype(
        np.uint8, copy=False
    )


def _clutter(rng: np.random.Generator) -> U8:
    """Gradients, blobs, bars and noise."""
    size = BACKGROUND_SIZE
    picture = np.zeros((size, size, 3), np.float32) + rng.uniform(0, 255, 3)
    for octave in (3, 8, 24, 80):
        coarse = rng.normal(
            0, rng.uniform(0, 50), (octave, octave, 3 if rng.random() < 0.5 else 1)
        ).astype(np.float32)
        picture += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC).reshape(
            size, size, -1
        )
    drawn: U8 = np.clip(picture, 0, 255).astype(np.uint8)
    for _ in range(rng.integers(0, 25)):
        colour = tuple(float(c) for c in rng.integers(0, 256, 3))
        centre, axes = (
            tuple(int(v) for v in rng.integers(0, size, 2)),
            tuple(int(v) for v in rng.integers(3, 70, 2)),
        )
        thick = int(rng.choice([-1, 1, 3]))
        if rng.random() < 0.5:
            cv2.ellipse(
                drawn, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, thick, cv2.LINE_AA
            )
        else:
            cv2.rectangle(drawn, centre, (centre[0] + axes[0], centre[1] + axes[1]), colour, thick)
    return drawn


def without_face(
    rng: np.random.Generator, picture: U8, centre: tuple[float, float], extent: float
) -> U8:
    """The portrait with its face smeared away: hair, neck and shoulders without features."""
    size = picture.shape[0]
    mask = np.zeros((size, size), np.float32)
    middle = (round(centre[0]), round(centre[1]))
    cv2.ellipse(mask, middle, (int(extent * 0.5), int(extent * 0.58)), 0, 0, 360, (1.0,), -1)
    soft = cv2.GaussianBlur(mask, (0, 0), extent * 0.04)[..., None]
    if rng.random() < 0.5:
        smear = cv2.GaussianBlur(picture, (0, 0), extent * rng.uniform(0.2, 0.35)).astype(
            np.float32
        )
    else:
        turned = cv2.warpAffine(
            picture,
            cv2.getRotationMatrix2D(middle, 180, 1.0),
            (size, size),
            borderMode=cv2.BORDER_REFLECT,
        )
        smear = cv2.GaussianBlur(turned, (0, 0), extent * 0.12).astype(np.float32)
    return np.clip(picture * (1 - soft) + smear * soft, 0, 255).astype(np.uint8)


def make_backgrounds(
    portraits: LabelledImages,
    *,
    seed: int = 0,
    samples: int = 500,
    surroundings: int = 500,
    faceless: int = 150,
    clutter: int = 250,
) -> U8:
    """(N, 256, 256, 3) pictures without faces.

    They are sample pictures, surroundings of portraits, smeared faces and clutter.
    """
    rng = np.random.default_rng(seed)
    pictures = sample_pictures(TRAINED)
    made = [_square(rng, pictures[n % len(pictures)]) for n in range(samples)]
    size = portraits.images.shape[1]
    for _ in range(_TRIES * surroundings):
        if len(made) == samples + surroundings:
            break
        i = int(rng.integers(len(portraits)))
        x, y, extent, _ = framing(portraits.landmarks[i])
        side = int(rng.uniform(0.18, 0.5) * size)
        left, top = rng.integers(0, size - side, 2)
        reach = extent * 0.52 + side / 2
        if abs(left + side / 2 - x) > reach or abs(top + side / 2 - y) > reach * 1.05:
            made.append(
                _square(
                    rng,
                    np.asarray(portraits.images[i][top : top + side, left : left + side]),
                    0.9,
                    1.0,
                )
            )
    if len(made) < samples + surroundings:
        found = len(made) - samples
        raise ValueError(
            f"Only {found} of {surroundings} surroundings show no face; "
            "use portraits with more room."
        )
    for i in rng.integers(len(portraits), size=faceless):
        x, y, extent, _ = framing(portraits.landmarks[i])
        made.append(without_face(rng, np.asarray(portraits.images[i]), (x, y), extent))
    made += [_clutter(rng) for _ in range(clutter)]
    return np.stack(made)


@dataclass(frozen=True, slots=True, eq=False)
class SceneBatch:
    """Scenes and their labels, in the shapes of `tracker_nets.DetectorOutput`.

    Attributes
    ----------
    pictures : (N, 3, S, S) float32 in -1..1
    heat : (N, S / 8, S / 8)
        1 in the cell of a face's middle, falling off as a Gaussian about it.
    counted : (N, S / 8, S / 8)
        0 where a face too small or too large for one look may or may not be called.
    weight : (N, S / 8, S / 8)
        How much the remaining labels count: 1 in a face's middle, less beside it, 0 elsewhere.
    """

    pictures: Tensor
    heat: Tensor
    counted: Tensor
    weight: Tensor
    log_size: Tensor
    tilt: Tensor
    offset: Tensor

    def to(self, device: torch.device) -> SceneBatch:
        """On another device, pictures channels last."""
        labels = (self.heat, self.counted, self.weight, self.log_size, self.tilt, self.offset)
        return SceneBatch(
            self.pictures.to(device, memory_format=torch.channels_last),
            *(t.to(device) for t in labels),
        )


class SceneSampler:
    """Endless made-up scenes: portraits of many sizes and tilts over pictures without faces."""

    def __init__(
        self, portraits: LabelledImages, backgrounds: U8, *, size: int = SCENE_SIZE, seed: int = 0
    ) -> None:
        self._size, self._backgrounds = size, backgrounds
        self._rng = np.random.default_rng(seed)
        self._levels = [np.asarray(portraits.images)]
        for _ in range(3):
            half = self._levels[-1].shape[1] // 2
            self._levels.append(
                np.stack(
                    [
                        cv2.resize(p, (half, half), interpolation=cv2.INTER_AREA)
                        for p in self._levels[-1]
                    ]
                )
            )
        self._framings = np.stack([framing(points) for points in portraits.landmarks])
        _, which, often = np.unique(portraits.person, return_inverse=True, return_counts=True)
        weight = (1 + np.abs(portraits.controls[:, 0]) / 15) / np.sqrt(often[which])
        self._chances = np.cumsum(weight) / weight.sum()

    def batch(self, count: int) -> SceneBatch:
        """`count` scenes with their labels."""
        size, cells = self._size, self._size // DETECTOR_STRIDE
        pictures = np.empty((count, size, size, 3), np.uint8)
        labels = np.zeros((count, 8, cells, cells), np.float32)
        labels[:, 1] = 1
        for n in range(count):
            picture, faces = self._scene()
            pictures[n] = photometric(self._rng, picture)
            for face in faces:
                _label(labels[n], *face)
        scaled = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        heat, counted, weight, log_size = torch.from_numpy(labels[:, :4].copy()).unbind(1)
        rest = torch.from_numpy(labels[:, 4:].copy())
        return SceneBatch(scaled, heat, counted, weight, log_size, rest[:, :2], rest[:, 2:])

    def _scene(self) -> tuple[U8, list[tuple[float, float, float, float]]]:
        rng, size = self._rng, self._size
        faces: list[tuple[float, float, float, float]] = []
        kind = rng.random()
        if kind < 0.3:  # one portrait fills the picture
            x, y = rng.uniform(0.3, 0.7, 2) * size
            canvas = np.zeros((size, size, 3), np.uint8)
            extent = float(np.exp(rng.uniform(np.log(30), np.log(MOST_PIXELS * 1.15))))
            self._paste(canvas, faces, x, y, extent, whole=True)
            return canvas, faces
        background = self._backgrounds[rng.integers(len(self._backgrounds))]
        side = rng.uniform(0.35, 1.0) * background.shape[0]
        middle = tuple(float(v) for v in rng.uniform(side / 2, background.shape[0] - side / 2, 2))
        look = Similarity.crop(
            centre=(middle[0], middle[1]),
            side=float(side),
            roll_deg=float(rng.normal(0, 15)),
            size=size,
        )
        canvas = np.ascontiguousarray(
            cv2.warpAffine(
                background,
                look.matrix,
                (size, size),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT,
            )
        )
        wanted = 0 if kind < 0.42 else int(rng.choice([1, 2, 3, 5], p=[0.45, 0.25, 0.2, 0.1]))
        for _ in range(wanted * 2):
            if len(faces) == wanted:
                break
            extent = float(np.exp(rng.uniform(np.log(LEAST_PIXELS * 0.75), np.log(MOST_PIXELS))))
            x, y = rng.uniform(0, size, 2)
            if all(np.hypot(x - f[0], y - f[1]) > 0.75 * (extent + f[2]) for f in faces):
                self._paste(canvas, faces, float(x), float(y), extent, whole=False)
        return canvas, faces

    def _paste(
        self,
        canvas: U8,
        faces: list[tuple[float, float, float, float]],
        x: float,
        y: float,
        extent: float,
        *,
        whole: bool,
    ) -> None:
        """Put a portrait's face at x, y with this extent, and note x, y, extent and tilt."""
        rng, size = self._rng, self._size
        i = int(np.searchsorted(self._chances, rng.random()))
        own_x, own_y, own_extent, own_tilt = self._framings[i]
        scale = extent / own_extent
        level = int(np.clip(np.floor(np.log2(1 / scale)), 0, len(self._levels) - 1))
        image = self._levels[level][i]
        if rng.random() < 0.5:
            image, own_x, own_tilt = (
                np.ascontiguousarray(image[:, ::-1]),
                self._levels[0].shape[1] - 1 - own_x,
                -own_tilt,
            )
        shrunk = 2.0**-level
        own_x, own_y = (own_x + 0.5) * shrunk - 0.5, (own_y + 0.5) * shrunk - 0.5
        turn = rng.normal(0, 8) if rng.random() < 0.4 else rng.uniform(-50, 50)
        cos, sin = (
            np.cos(np.radians(turn)) * scale / shrunk,
            np.sin(np.radians(turn)) * scale / shrunk,
        )
        matrix = np.array(
            [[cos, -sin, x - cos * own_x + sin * own_y], [sin, cos, y - sin * own_x - cos * own_y]]
        )
        border = cv2.BORDER_REPLICATE if whole and rng.random() < 0.5 else cv2.BORDER_CONSTANT
        placed = cv2.warpAffine(
            image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border
        )
        tilt = float(own_tilt + turn)
        if whole:
            canvas[:] = placed
        else:
            mask = np.zeros((size, size), np.float32)
            if rng.random() < 0.3:
                corners = (
                    np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]])
                    * [image.shape[1] - 1, image.shape[0] - 1, 1]
                    @ matrix.T
                )
                cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), (1.0,))
            else:
                wide, high = rng.uniform(0.55, 1.0, 2) * extent
                middle = (round(x * 16), round((y - 0.1 * extent * rng.random()) * 16))
                cv2.ellipse(
                    mask,
                    middle,
                    (int(wide * 16), int(high * 16)),
                    tilt,
                    0,
                    360,
                    (1.0,),
                    -1,
                    shift=4,
                )
                inside = np.ones(image.shape[:2], np.float32)
                mask *= cv2.warpAffine(inside, matrix, (size, size))
            if rng.random() < 0.7:
                mask = cv2.GaussianBlur(mask, (0, 0), extent * rng.uniform(0.01, 0.1)).astype(
                    np.float32
                )
            canvas[:] = (canvas * (1 - mask[..., None]) + placed * mask[..., None]).astype(np.uint8)
        faces.append((x, y, extent, tilt))


def _label(labels: NDArray[np.float32], x: float, y: float, extent: float, tilt: float) -> None:
    """Write one face into a scene's labels, (8, cells, cells).

    The channels are heat, counted, weight, log size, tilt (2) and offset (2).
    """
    cells = labels.shape[1]
    at_x, at_y = (x + 0.5) / DETECTOR_STRIDE - 0.5, (y + 0.5) / DETECTOR_STRIDE - 0.5
    ys, xs = np.mgrid[:cells, :cells].astype(np.float32)
    far = np.hypot(xs - at_x, ys - at_y)
    if not LEAST_PIXELS <= extent <= MOST_PIXELS:
        labels[1][far < max(extent / DETECTOR_STRIDE * 0.5, 1.2)] = 0
        return
    wide = max(extent / DETECTOR_STRIDE * 0.13, 0.45)
    bell = np.exp(-far * far / (2 * wide * wide))
    i, j = round(at_y), round(at_x)
    weight = np.where(bell > 0.4, bell, 0)
    if 0 <= i < cells and 0 <= j < cells:
        bell[i, j] = weight[i, j] = 1
    labels[0] = np.maximum(labels[0], bell)
    here = weight > labels[2]
    labels[2][here] = weight[here]
    cos, sin = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    values = (np.log(extent / SIZE_UNIT), cos, sin, at_x - xs, at_y - ys)
    for k, value in enumerate(values):
        labels[3 + k][here] = value[here] if isinstance(value, np.ndarray) else value
