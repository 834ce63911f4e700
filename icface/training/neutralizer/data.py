"""Endless samples for the neutralizer: face windows and the rig surface under each pixel.

Half of the pictures are photographs as they are, half are warped by the rig into another pose and
expression, so that closed eyes, open mouths and turned heads are seen as often as resting faces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from icface.arrays import U8
from icface.face.controls import EXPRESSIONS
from icface.face.geometry import Similarity, face_crop
from icface.model.networks.neutralizer import GRID, LENGTH_CM, OFFSET, WINDOW, Part
from icface.training.portraits.canvases import CANVAS, Portrait, Portraits
from icface.training.rig.rig import EYE, SKIN, Rig, State, View, flow
from icface.training.tracker.states import look_about

_SINGLE = tuple(name for name in EXPRESSIONS if name[-2:] not in ("_L", "_R"))
_BOTH = tuple(
    name[:-2] for name in EXPRESSIONS if name.endswith("_L") and not name.startswith("eyeLook")
)
POOL = 1500
"""Samples that are held in memory, to be drawn several times."""
REUSE = 4
"""Times that each rendered sample is drawn, on average."""
"""Each rendered sample is shown about four times, each time through another camera; rendering costs
more than that."""
_INDEX = {name: i for i, name in enumerate(EXPRESSIONS)}


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceAtlas:
    """The rig on the canonical surface: the place of each vertex, the part of each triangle.

    The canonical surface is the neutral mean face with its jaw half open and with eyeballs and the
    inside of the mouth pushed back, so that surfaces that touch in pictures (lips, lids and eyes)
    are well apart in it.

    Attributes
    ----------
    place : (V, 3) float32
        Canonical coordinates, centimetres.
    part : (F,) int64
        `Part` of each triangle.
    """

    place: NDArray[np.float32]
    part: NDArray[np.int64]

    @classmethod
    def of(cls, rig: Rig) -> SurfaceAtlas:
        """The atlas of a rig."""
        jaw = rig.shapes[_INDEX["jawOpen"]]
        place = rig.base + 0.4 * jaw
        inside = np.unique(rig.faces[rig.part != SKIN])
        skin = np.unique(rig.faces[rig.part == SKIN])
        place[np.setdiff1d(inside, skin), 2] -= 1.5
        drop = np.linalg.norm(jaw, axis=1)
        lower = (drop > 0.4 * drop.max())[rig.faces].all(1)
        part = np.full(len(rig.faces), Part.INSIDE, np.int64)
        part[rig.part == EYE] = Part.EYE
        part[rig.part == SKIN] = Part.SKIN
        part[(rig.part == SKIN) & lower] = Part.LOWER
        return cls(place.astype(np.float32), part)


def sparse_expression(rng: np.random.Generator, real: NDArray[np.float64]) -> NDArray[np.float64]:
    """(53,) a sparse combination of channels, three times in ten a real face's, scaled."""
    e = np.zeros(len(EXPRESSIONS))
    if rng.random() < 0.3:
        taken: NDArray[np.float64] = np.clip(
            real[rng.integers(len(real))] * rng.uniform(0.5, 1.2), 0, 1
        )
        return taken
    for name in rng.choice(_BOTH, rng.integers(0, 5), replace=False):
        left = rng.random()
        e[_INDEX[name + "_L"]], e[_INDEX[name + "_R"]] = (
            left,
            rng.random() if rng.random() < 0.25 else left,
        )
    if rng.random() < 0.25:
        e[_INDEX["eyeBlink_L"]] = e[_INDEX["eyeBlink_R"]] = rng.random() ** 0.5
    for name in rng.choice(_SINGLE, rng.integers(0, 3), replace=False):
        e[_INDEX[name]] = rng.random() * (0.3 if name == "mouthClose" else 0.9)
    if rng.random() < 0.4:
        look_about(rng, e)
    return e


def random_turn(rng: np.random.Generator, state: State) -> State:
    """The state turned by up to ±30, 20, 12 degrees more, within ±45, 30, 30."""
    angles = np.array(state.angles_deg) + rng.uniform(-1, 1, 3) * (30, 20, 12)
    yaw, pitch, roll = np.clip(angles, (-45, -30, -30), (45, 30, 30))
    return state.turned(float(yaw), float(pitch), float(roll))


def window_from_canvas(
    landmarks: NDArray[np.floating], rng: np.random.Generator | None = None
) -> Similarity:
    """The network's window for these landmarks, with errors of place, scale and turn."""
    grid = face_crop(landmarks, GRID)
    if rng is not None:
        shift, scale, roll = (
            rng.normal(0, 0.006, 2) * GRID,
            float(np.exp(rng.normal(0, 0.02))),
            float(rng.normal(0, 1.0)),
        )
        middle = (GRID - 1) / 2
        jitter = Similarity.crop(
            centre=(middle + float(shift[0]), middle + float(shift[1])),
            side=GRID * scale,
            roll_deg=roll,
            size=GRID,
        )
        grid = jitter @ grid
    return Similarity((1, 0, -OFFSET, 0, 1, -OFFSET)) @ grid


def sample_canvas(image: U8, window: Similarity, field: NDArray[np.float32] | None) -> U8:
    """(WINDOW, WINDOW, 3) canvas in the window, warped by a backward flow in window pixels."""
    ys, xs = np.mgrid[:WINDOW, :WINDOW].astype(np.float32)
    if field is not None:
        xs, ys = xs + field[..., 0], ys + field[..., 1]
    m = window.inverse().matrix.astype(np.float32)
    at_x, at_y = m[0, 0] * xs + m[0, 1] * ys + m[0, 2], m[1, 0] * xs + m[1, 1] * ys + m[1, 2]
    sampled = cv2.remap(image, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return sampled.astype(np.uint8, copy=False)


def degrade(image: U8, rng: np.random.Generator) -> U8:
    """The picture by another camera: gain, gamma, cast, blur, noise, compression, occluder."""
    x: NDArray[Any] = image.astype(np.float32)
    x = x * rng.uniform(0.7, 1.25) + rng.uniform(-20, 20)
    x *= rng.normal(1, 0.06, 3).astype(np.float32)
    if rng.random() < 0.3:
        x = 255 * np.clip(x / 255, 0, 1) ** rng.uniform(0.6, 1.6)
    if rng.random() < 0.1:
        x[:] = x.mean(2, keepdims=True)
    if rng.random() < 0.2:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.25:
        x = x + rng.normal(0, rng.uniform(2, 10), x.shape).astype(np.float32)
    if rng.random() < 0.12:
        w, h = rng.integers(12, 50, 2)
        left, top = rng.integers(0, WINDOW - 12, 2)
        x[top : top + h, left : left + w] = rng.uniform(0, 255, 3)
    result = np.clip(x, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        _, packed = cv2.imencode(
            ".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 85))]
        )
        result = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceSample:
    """A face window with its labels.

    Attributes
    ----------
    image : (WINDOW, WINDOW, 3) uint8
    landmarks : (468, 2) float32
        As a tracker might read them, -1..1 over the window.
    head : (WINDOW, WINDOW, 3) float32
        Head-frame position of the surface, `LENGTH_CM` units.
    place : (WINDOW, WINDOW, 3) float32
        Canonical position of the surface, `LENGTH_CM` units.
    part : (WINDOW, WINDOW) int64
    state : State
        What the picture shows, window pixels.
    """

    image: U8
    landmarks: NDArray[np.float32]
    head: NDArray[np.float32]
    place: NDArray[np.float32]
    part: NDArray[np.int64]
    state: State


def surface_sample(
    rig: Rig,
    atlas: SurfaceAtlas,
    portrait: Portrait,
    *,
    target: State | None = None,
    rng: np.random.Generator | None = None,
) -> SurfaceSample:
    """A portrait, warped by the rig to `target` if given, through a window about its face."""
    neutral = rig.neutral_shape(portrait.state.identity)
    landmarks = portrait.landmarks[: len(rig.mesh), :2]
    if target is not None:
        before, after = (
            rig.project(s, rig.head_shape(s, neutral))[rig.mesh, :2]
            for s in (portrait.state, target)
        )
        landmarks = after + (landmarks - before)
    if rng is not None:
        landmarks = misread(landmarks, rng)
    window = window_from_canvas(landmarks, rng)
    shown = View(
        rig, (portrait.state if target is None else target).moved(window), WINDOW, neutral=neutral
    )
    field = None
    if target is not None:
        field = flow(View(rig, portrait.state.moved(window), WINDOW, neutral=neutral), shown)[0]
    part = np.where(shown.triangle >= 0, atlas.part[shown.triangle], Part.BACKGROUND)
    return SurfaceSample(
        image=sample_canvas(portrait.image, window, field),
        landmarks=window_coordinates(landmarks, window),
        head=shown.interpolate(shown.head_shape) / LENGTH_CM,
        place=shown.interpolate(atlas.place) / LENGTH_CM,
        part=part,
        state=shown.state,
    )


def misread(landmarks: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.float64]:
    """(N, 2) landmarks with a tracker's errors: of the whole face, smooth over it, and single.

    The mean error is about 3 % of the distance between the eyes, itself varied from face to face.
    """
    centre, extent = landmarks.mean(0), float(np.ptp(landmarks, axis=0).max())
    unit = (landmarks - centre) / extent  # within about ±0.6
    strength = rng.gamma(2.0, 0.5)
    waves = np.stack(
        [
            np.ones(len(unit)),
            unit[:, 0],
            unit[:, 1],
            unit[:, 0] ** 2,
            unit[:, 0] * unit[:, 1],
            unit[:, 1] ** 2,
        ]
    )
    smooth = rng.normal(0, (0.006, 0.012, 0.012, 0.02, 0.02, 0.02), (2, 6)) @ waves
    alone = rng.normal(0, 0.005, (2, len(unit)))
    wrong: NDArray[np.float64] = landmarks + strength * extent * (smooth + alone).T
    return wrong


def window_coordinates(landmarks: NDArray[np.floating], window: Similarity) -> NDArray[np.float32]:
    """Landmarks through the window, -1..1 over it."""
    coordinates: NDArray[np.float32] = (
        (window.points(landmarks[:, :2]) + 0.5) * (2 / WINDOW) - 1
    ).astype(np.float32)
    return coordinates


def flipped(portrait: Portrait, rig: Rig) -> Portrait:
    """Mirrored left to right; the irises keep their order, which nothing here uses."""
    landmarks = portrait.landmarks * (-1, 1, 1) + (CANVAS - 1, 0, 0)
    landmarks[: len(rig.mesh)] = landmarks[rig.mesh_mirror]
    return Portrait(
        np.ascontiguousarray(portrait.image[:, ::-1]),
        landmarks,
        portrait.state.flipped(CANVAS),
        portrait.person,
    )


class SurfaceStream(IterableDataset[dict[str, torch.Tensor]]):
    """Endless samples of the training people as tensors.

    A sample has `image` (3, S, S) uint8, `head` and `place` (3, S, S), and `part` (S, S).
    """

    def __init__(self, portraits: Path, rig: Path, cache: Path, *, seed: int) -> None:
        self._paths, self._seed = (portraits, rig, cache), seed

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        cv2.setNumThreads(1)
        info = get_worker_info()
        rng = np.random.default_rng((self._seed, info.id if info else 0))
        folder, rig_path, cache = self._paths
        rig, people = Rig(rig_path), Portraits(folder, cache, "train")
        atlas, real = SurfaceAtlas.of(rig), people.expressions()
        pool: list[SurfaceSample] = []
        while True:
            sample = self._new_sample(rig, atlas, people, real, rng)
            if len(pool) < POOL:
                pool.append(sample)
            else:
                pool[int(rng.integers(POOL))] = sample
            yield _tensors(sample, rng)
            for _ in range(REUSE - 1):
                yield _tensors(pool[int(rng.integers(len(pool)))], rng)

    @staticmethod
    def _new_sample(
        rig: Rig,
        atlas: SurfaceAtlas,
        people: Portraits,
        real: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> SurfaceSample:
        portrait = people[int(rng.integers(len(people)))]
        if rng.random() < 0.5:
            portrait = flipped(portrait, rig)
        target = None
        if rng.random() < 0.5:
            target = random_turn(rng, portrait.state) if rng.random() < 0.7 else portrait.state
            target = target.expressed(sparse_expression(rng, real))
        return surface_sample(rig, atlas, portrait, target=target, rng=rng)


def _tensors(sample: SurfaceSample, rng: np.random.Generator) -> dict[str, torch.Tensor]:
    return {
        "image": torch.from_numpy(degrade(sample.image, rng)).permute(2, 0, 1),
        "landmarks": torch.from_numpy(sample.landmarks),
        "head": torch.from_numpy(sample.head).permute(2, 0, 1),
        "place": torch.from_numpy(sample.place).permute(2, 0, 1),
        "part": torch.from_numpy(sample.part),
    }
