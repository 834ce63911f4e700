"""Training data of the built-in tracker: portraits with fitted states, and rig renders of them.

Everything is decoded and rendered once into plain arrays in a cache folder, so that a training step
only warps small pictures. The cache holds, for each split,

- ``{split}_portraits``: whole portraits scaled to `PORTRAIT_SIZE`, with landmarks and controls,
- ``{split}_renders``: crops of `RENDER_SIZE` of the same people in other states, labelled exactly,
- ``flip``: how the 478 landmarks and the 56 controls swap places when a picture is mirrored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, U8
from icface.face.controls import CHANNELS, EXPRESSIONS
from icface.face.geometry import face_crop
from icface.system.cores import pool_size
from icface.training.loop.array_files import array_on_disk, save_arrays
from icface.training.portraits.table import PortraitRow, PortraitTable, read_rgb
from icface.training.rig.rig import GUMS, MIRROR, SOCKET, TEETH, Rig, State, View, flow, warp
from icface.training.tracker.states import random_state, swept_state

PORTRAIT_SIZE = 256
RENDER_SIZE = 192
RENDER_MARGIN = 1.9
FIT_ERROR_LIMIT = 0.018
IRIS_RINGS = ((468, (469, 470, 471, 472)), (473, (474, 475, 476, 477)))
"""Iris centre and ring of the subject's right and left eye in the 478 landmarks."""

UPPER_RIMS = {
    "R": (33, 246, 161, 160, 159, 158, 157, 173, 133),
    "L": (263, 466, 388, 387, 386, 385, 384, 398, 362),
}
"""Landmarks along the upper lid's rim, from the outer corner to the inner one."""


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Square pictures with their labels, kept on disk and read as they are needed.

    Attributes
    ----------
    images : (N, S, S, 3) uint8
        RGB.
    landmarks : (N, 478, 3) float32
        In pixels of the picture.
    controls : (N, 56) float32
        Degrees and 0..1, in the order of `icface.face.controls.CHANNELS`.
    person : (N,) int64
        Number of the person.
    """

    images: U8
    landmarks: F32
    controls: F32
    person: NDArray[np.int64]

    @classmethod
    def load(cls, folder: Path, name: str) -> LabelledImages:
        """Open what `save` wrote; the pictures are mapped, not read."""
        with np.load(folder / f"{name}.npz") as labels:
            landmarks, controls, person = (
                labels[part] for part in ("landmarks", "controls", "person")
            )
        images = np.load(folder / f"{name}.npy", mmap_mode="r")[: len(person)]
        return cls(images, landmarks, controls, person)

    def __len__(self) -> int:
        return len(self.person)


def _save_labels(
    folder: Path,
    name: str,
    landmarks: Sequence[F32],
    controls: Sequence[F32],
    person: Sequence[int],
) -> None:
    save_arrays(
        folder / f"{name}.npz",
        landmarks=np.stack(landmarks).astype(np.float32),
        controls=np.stack(controls).astype(np.float32),
        person=np.array(person, np.int64),
    )


def _open_images(folder: Path, name: str, count: int, size: int) -> U8:
    with (folder / f"{name}.npy").open("wb+") as stream:
        return array_on_disk(stream, (count, size, size, 3))


def flip_permutations(canonical: F32) -> tuple[NDArray[np.int64], NDArray[np.int64], F32]:
    """Permutations and signs that turn a picture's labels into those of its mirror image.

    Parameters
    ----------
    canonical : (468, 3) array
        The canonical face mesh, x to the subject's left.

    Returns
    -------
    landmarks : (478,) int
        ``mirrored = labels[landmarks]`` (then ``x -> width - 1 - x``).
    controls : (56,) int
        The same for the controls, to be multiplied by `signs`.
    signs : (56,) float32
        -1 for yaw and roll.
    """
    mirrored = canonical * np.array([-1, 1, 1], np.float32)
    mesh = np.argmin(np.linalg.norm(mirrored[:, None] - canonical[None], axis=2), axis=1)
    irises = [
        473,
        476,
        475,
        474,
        477,
        468,
        471,
        470,
        469,
        472,
    ]  # the ring goes outwards to the subject's left, up, right, down
    landmarks = np.concatenate([mesh, np.array(irises)])
    controls = np.concatenate([np.arange(3), 3 + MIRROR])
    signs = np.ones(len(CHANNELS), np.float32)
    signs[[0, 2]] = -1
    return landmarks.astype(np.int64), controls.astype(np.int64), signs


def labels_of(landmarks: F32, source: View, target: View) -> tuple[F32, F32]:
    """Landmarks and controls of `target`: the rig's points, plus the source's fitting residual.

    Returns
    -------
    landmarks : (478, 3) float32
    controls : (56,) float32
    """
    rig = source.rig
    moved = target.vertices - source.vertices
    moved[:, 2] *= -1  # the mesh counts depth away from the camera
    new = landmarks.astype(np.float32).copy()
    new[:468] += moved[rig.mesh]
    for (centre, ring), pupil in zip(IRIS_RINGS, rig.pupils, strict=True):
        new[[centre, *ring]] += moved[pupil]
    return new, np.concatenate([target.state.angles_deg, target.state.expression]).astype(
        np.float32
    )


def cache_portraits(portraits: PortraitTable, split: str, folder: Path) -> None:
    """Decode every portrait of a split once, at `PORTRAIT_SIZE`."""
    rows = portraits.rows(split, worst_fit=FIT_ERROR_LIMIT)
    name = f"{split}_portraits"
    images = _open_images(folder, name, len(rows), PORTRAIT_SIZE)
    landmarks, controls, people = [], [], []
    half = np.array([0.5, 0.5, 0])  # pixel centres
    for n, i in enumerate(rows):
        row = portraits[i]
        picture = read_rgb(row.path)
        factor = PORTRAIT_SIZE / picture.shape[0]
        images[n] = cv2.resize(
            picture, (PORTRAIT_SIZE, PORTRAIT_SIZE), interpolation=cv2.INTER_AREA
        )
        landmarks.append(((row.landmarks + half) * factor - half).astype(np.float32))
        controls.append(
            np.concatenate([row.state.angles_deg, row.state.expression]).astype(np.float32)
        )
        people.append(row.person)
    _save_labels(folder, name, landmarks, controls, people)


def render_person(
    rig: Rig,
    row: PortraitRow,
    count: int,
    rng: np.random.Generator,
    *,
    choose: Callable[[np.random.Generator, State], State] = random_state,
) -> list[tuple[U8, F32, F32]]:
    """Crops of one portrait warped to random states, with landmarks and controls."""
    crop = face_crop(row.landmarks, RENDER_SIZE, margin=RENDER_MARGIN)
    picture = read_rgb(row.path)
    if crop.scale < 0.8:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.35 / crop.scale).astype(np.uint8, copy=False)
    shape = (RENDER_SIZE, RENDER_SIZE)
    cut = cv2.warpAffine(
        picture, crop.matrix, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    small = cut.astype(np.uint8, copy=False)
    state = row.state.moved(crop)
    landmarks = crop.points(row.landmarks).astype(np.float32)
    neutral = rig.neutral_shape(state.identity)
    before = View(rig, state, RENDER_SIZE, neutral=neutral)
    made = []
    for _ in range(count):
        after = View(rig, choose(rng, state), RENDER_SIZE, neutral=neutral)
        field, _ = flow(before, after)
        points, controls = labels_of(landmarks, before, after)
        picture = paint_mouth(rng, warp(small, field), before, after)
        made.append((draw_lashes(rng, picture, points, after.state.expression), points, controls))
    return made


def paint_mouth(rng: np.random.Generator, picture: U8, before: View, after: View) -> U8:
    """Give a mouth that the photograph showed closed something to open on: dark, teeth, tongue."""
    inside = after.inside
    if rng.random() < 0.2 or inside.sum() < 1.5 * before.inside.sum() + 15:
        return picture
    light = 0.4 + picture[after.triangle >= 0].mean() / 255
    colours = {
        part: np.array(dark) + (np.array(bright) - dark) * rng.random() + rng.normal(0, 6, 3)
        for part, dark, bright in (
            (SOCKET, (25, 8, 8), (70, 35, 35)),
            (GUMS, (80, 30, 30), (170, 90, 90)),
            (TEETH, (130, 120, 105), (225, 220, 205)),
        )
    }
    paint = picture.astype(np.float32)
    for part, colour in colours.items():
        paint[after.part == part] = colour * light
    soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.7)[..., None]
    softened = cv2.GaussianBlur(paint, (0, 0), 0.6)
    return np.clip(picture * (1 - soft) + softened * soft, 0, 255).astype(np.uint8)


def draw_lashes(
    rng: np.random.Generator, picture: U8, landmarks: F32, expression: NDArray[np.floating]
) -> U8:
    """Draw dark lashes on lids that the rig closed: without them they resemble a look down."""
    drawn = picture.astype(np.float32)
    for side, rim in UPPER_RIMS.items():
        closed = float(
            np.clip((expression[EXPRESSIONS.index(f"eyeBlink_{side}")] - 0.4) / 0.5, 0, 1)
        )
        if closed == 0 or rng.random() < 0.25:
            continue
        wide = float(np.linalg.norm(landmarks[rim[0], :2] - landmarks[rim[-1], :2]))
        line = np.zeros(picture.shape[:2], np.float32)
        points = np.round((landmarks[list(rim), :2] + [0, 0.02 * wide]) * 16).astype(np.int32)
        thick = max(round(wide * rng.uniform(0.04, 0.11)), 1)
        cv2.polylines(line, [points[:, None]], False, 1.0, thick, cv2.LINE_AA, 4)
        line = cv2.GaussianBlur(line, (0, 0), max(0.02 * wide, 0.4)) * (
            closed * rng.uniform(0.3, 0.75)
        )
        drawn *= 1 - np.asarray(line)[..., None]
    return np.clip(drawn, 0, 255).astype(np.uint8)


_Job = tuple[PortraitRow, int, int]


@cache
def _rig(path: Path) -> Rig:
    """The rig of a rendering process, read once."""
    cv2.setNumThreads(1)
    return Rig(path)


def _render_job(rig_file: Path, job: _Job) -> list[tuple[U8, F32, F32]]:
    row, count, seed = job
    return render_person(_rig(rig_file), row, count, np.random.default_rng(seed))


def cache_renders(  # noqa: PLR0913
    portraits: PortraitTable,
    rig_file: Path,
    split: str,
    folder: Path,
    *,
    rounds: Sequence[int],
    seed: int,
    workers: int = 1,
) -> None:
    """Render the people of a split in random states, in processes of their own.

    `rounds` are numbers of renders per still; after each round the pool can be used. Frames of
    clips get a render in the first round only. What is rendered follows from `seed`, not from the
    number of workers.
    """
    rng = np.random.default_rng(seed)
    stills, frames = (
        portraits.rows(split, worst_fit=FIT_ERROR_LIMIT, stills=still) for still in (True, False)
    )
    name = f"{split}_renders"
    total = sum(rounds) * len(stills) + len(frames)
    images = _open_images(folder, name, total, RENDER_SIZE)
    landmarks: list[F32] = []
    controls: list[F32] = []
    people: list[int] = []
    with ProcessPoolExecutor(pool_size(workers), mp_context=get_context("spawn")) as pool:
        for number, count in enumerate(rounds):
            todo = [(i, count) for i in stills] + ([(i, 1) for i in frames] if number == 0 else [])
            jobs = [
                (portraits[todo[k][0]], todo[k][1], int(rng.integers(2**62)))
                for k in rng.permutation(len(todo))
            ]
            made = pool.map(partial(_render_job, rig_file), jobs, chunksize=8)
            for (row, _, _), rendered in zip(jobs, made, strict=True):
                for picture, points, vector in rendered:
                    images[len(people)] = picture
                    landmarks.append(points)
                    controls.append(vector)
                    people.append(row.person)
            _save_labels(folder, name, landmarks, controls, people)


def cache_sweeps(
    portraits: PortraitTable, rig: Rig, folder: Path, *, count: int = 4, seed: int
) -> None:
    """Render the `val` stills with the judged channels spread evenly: ``val_sweeps``."""
    rng = np.random.default_rng(seed)
    made = [
        (*shown, row.person)
        for row in (
            portraits[i] for i in portraits.rows("val", worst_fit=FIT_ERROR_LIMIT, stills=True)
        )
        for shown in render_person(rig, row, count, rng, choose=swept_state)
    ]
    images = _open_images(folder, "val_sweeps", len(made), RENDER_SIZE)
    images[:] = [shown[0] for shown in made]
    _save_labels(
        folder, "val_sweeps", [m[1] for m in made], [m[2] for m in made], [m[3] for m in made]
    )


def build_cache(
    portraits_folder: Path,
    rig_file: Path,
    folder: Path,
    *,
    seed: int = 0,
    workers: int = 1,
    rounds: int = 3,
) -> None:
    """Fill the cache folder from the portraits and the rig; takes some ten minutes on one core.

    Every training still is rendered in six states a round.
    """
    cv2.setNumThreads(1)
    folder.mkdir(parents=True, exist_ok=True)
    portraits, rig = PortraitTable(portraits_folder), Rig(rig_file)
    landmarks, controls, signs = flip_permutations(rig.canonical.astype(np.float32))
    save_arrays(folder / "flip.npz", landmarks=landmarks, controls=controls, signs=signs)
    for split in ("train", "val"):
        cache_portraits(portraits, split, folder)
    cache_sweeps(portraits, rig, folder, seed=seed + 2)
    cache_renders(portraits, rig_file, "val", folder, rounds=(6,), seed=seed + 1, workers=workers)
    cache_renders(
        portraits, rig_file, "train", folder, rounds=(6,) * rounds, seed=seed, workers=workers
    )
