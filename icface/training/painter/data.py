"""Training data of the painter: moved patches of mouths, with what a photograph shows there.

Most samples end in an untouched photograph: it is warped by the rig into another state (a mouth
closed over its teeth, or opened on painted ones), and the two stages bring it back; or another
frame of the same person's clip is the end. The others are photographs driven to where no photograph
of that person exists; there the rig says what a mouth would show. All are made once, by processes
of their own, into plain arrays.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface.arrays import U8
from icface.face.controls import EXPRESSIONS
from icface.face.geometry import Similarity
from icface.face.landmarks import INNER_LIPS
from icface.rendering.predictor import FacePredictor
from icface.system.cores import pool_size
from icface.training.neutralizer.evaluate import observation
from icface.training.painter.patches import (
    Driven,
    Kind,
    PatchSample,
    Target,
    drive,
    sample,
    unpainted_predictor,
    write_patches,
)
from icface.training.portraits.canvases import Portraits
from icface.training.rig.mouth import open_mouth_on
from icface.training.rig.rig import Rig, State, View, flow, warp
from icface.training.tracker.data import paint_mouth

CANVAS = 448
"""Side of a canvas, pixels."""
MARGIN = 2.2
"""Width of a canvas in extents of the face."""
_MOUTH = ("jaw", "mouth", "cheekPuff")
_OF_MOUTH = np.array([i for i, name in enumerate(EXPRESSIONS) if name.startswith(_MOUTH)])
_TURNED_FAR = 0.25
"""Share of samples that turn as far as the rig can show."""
_TURNED = 0.7
"""Share of samples that turn at all."""
_AS_OTHERS = 0.4
"""Share of samples that change as one real face differs from another."""
_OPEN_LEAST = 120
"""Least number of canvas pixels inside a mouth that counts as open."""


@dataclass(frozen=True, slots=True)
class PatchSource:
    """The data and networks that patches are made from.

    Attributes
    ----------
    portraits, rig : Path
        The portraits folder and the rig file.
    cache : Path
        Folder for decoded portraits and for the patches.
    split : str
        ``train`` or ``val``.
    models : Path or None
        Folder of the two stages' weights; the shipped ones if None.
    """

    portraits: Path
    rig: Path
    cache: Path
    split: str
    models: Path | None = None


@cache
def _tools(source: PatchSource) -> tuple[Portraits, Rig, FacePredictor]:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    predictor = unpainted_predictor(source.models)
    portraits = Portraits(
        source.portraits, source.cache, source.split, canvas=CANVAS, margin=MARGIN
    )
    return portraits, Rig(source.rig), predictor


def open_pixels(view: View) -> int:
    """Number of pixels of a rig view that show the inside of the mouth."""
    return int(view.inside.sum())


def closed_mouth(rng: np.random.Generator, expression: NDArray[np.float64]) -> NDArray[np.float64]:
    """The expression with its mouth shut, or nearly."""
    e = expression.copy()
    e[_OF_MOUTH] *= 0.0 if rng.random() < 0.6 else rng.uniform(0, 0.3)
    if rng.random() < 0.25:
        e[EXPRESSIONS.index("mouthPucker")] = rng.uniform(0, 0.5)
    if rng.random() < 0.25:
        smile = rng.uniform(0, 0.35)
        e[[EXPRESSIONS.index("mouthSmile_L"), EXPRESSIONS.index("mouthSmile_R")]] = smile
    return e


def open_mouth(
    rng: np.random.Generator, expression: NDArray[np.float64], real: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The expression with another face's toothy mouth, or with a dropped jaw, or with a smile."""
    e = expression.copy()
    kind = rng.random()
    if kind < 0.5:
        e[_OF_MOUTH] = real[rng.integers(len(real))][_OF_MOUTH] * rng.uniform(0.7, 1.2)
    else:
        e[_OF_MOUTH] *= rng.random()
        if kind < 0.8:
            e[EXPRESSIONS.index("jawOpen")] = rng.uniform(0.15, 0.9)
        if kind > 0.65:
            smile = rng.uniform(0.4, 1)
            e[[EXPRESSIONS.index("mouthSmile_L"), EXPRESSIONS.index("mouthSmile_R")]] = smile
            if rng.random() < 0.5:
                e[[EXPRESSIONS.index("mouthUpperUp_L"), EXPRESSIONS.index("mouthUpperUp_R")]] = (
                    rng.uniform(0, 0.6)
                )
    return np.clip(e, 0, 1)


def without_teeth(rng: np.random.Generator, picture: U8, view: View) -> U8:
    """The picture with the line between closed lips inpainted: teeth there would be a giveaway."""
    lips = view.vertices[view.rig.mesh[list(INNER_LIPS)], :2].round().astype(np.int32)
    line = view.inside.astype(np.uint8)
    cv2.polylines(line, [lips], isClosed=True, color=(1,), thickness=2)
    hidden = cv2.dilate(line, np.ones((3, 3), np.uint8))
    filled = cv2.inpaint(picture, hidden, 3, cv2.INPAINT_TELEA).astype(np.float32)
    dark = cv2.GaussianBlur(line.astype(np.float32), (0, 0), 0.8)[..., None] * rng.uniform(0.1, 0.5)
    return np.clip(filled * (1 - dark), 0, 255).astype(np.uint8)


def as_others_change(
    rng: np.random.Generator, expression: NDArray[np.float64], real: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The expression plus the difference of two real ones: lips move with noses and cheeks."""
    one, other = real[rng.integers(len(real), size=2)]
    changed: NDArray[np.float64] = np.clip(expression + (one - other) * rng.uniform(0.7, 1.3), 0, 1)
    return changed


def turned(rng: np.random.Generator, state: State) -> State:
    """The state as it is, or turned by a few degrees, or as far as the rig can show."""
    kind = rng.random()
    far = (
        rng.uniform(-1, 1, 3) * (25, 18, 20)
        if kind < _TURNED_FAR
        else np.clip(rng.normal(0, (5, 3, 3)), -14, 14)
    )
    yaw, pitch, roll = np.array(state.angles_deg) + far * (kind < _TURNED)
    return state.turned(float(yaw), float(pitch), float(roll))


def _driven(
    predictor: FacePredictor, image: U8, rig: Rig, start: State, end: State
) -> Driven | None:
    """The patch of a picture that the two stages drove from one fitted state to another."""
    face = observation(rig, start.clipped())
    return drive(predictor, image, face, end.controls)


def _target(picture: U8, view: View, picture_from_source: Similarity) -> Target:
    """A picture as a target, with the mouth of its rig view."""
    lips = view.vertices[view.rig.mesh[list(INNER_LIPS)], :2].astype(np.float64)
    return Target(picture, view.inside, lips, picture_from_source)


def samples_of_still(source: PatchSource, job: tuple[int, int, int]) -> list[PatchSample]:
    """Samples of one photograph: brought back from other states, and driven to new ones."""
    index, count, seed = job
    portraits, rig, predictor = _tools(source)
    rng = np.random.default_rng(seed)
    portrait, real = portraits[index], _open_expressions(source)
    state = portrait.state.clipped()
    here = View(rig, state, CANVAS)
    opened = open_pixels(here) >= _OPEN_LEAST
    same = Similarity((1, 0, 0, 0, 1, 0))
    made = []
    for number in range(count):
        back = number % 3 != 2 if opened else number % 2 == 0
        shut = opened and rng.random() < 0.8
        change = (
            closed_mouth(rng, state.expression) if shut else open_mouth(rng, state.expression, real)
        )
        if rng.random() < _AS_OTHERS:
            change = as_others_change(rng, change if shut else state.expression, real)
        other = turned(rng, state.expressed(change))
        if back:
            there = View(rig, other, CANVAS)
            field, _ = flow(here, there)
            picture = paint_mouth(rng, warp(portrait.image, field), here, there)
            if shut and rng.random() < 0.6:
                picture = without_teeth(rng, picture, there)
            driven = _driven(predictor, picture, rig, other, state)
            if driven is not None:
                made.append(sample(driven, _target(portrait.image, here, same), Kind.PHOTO))
        else:
            driven = _driven(predictor, portrait.image, rig, state, other)
            there = View(rig, other, CANVAS)
            shown = open_mouth_on(
                rng, warp(portrait.image, flow(here, there)[0]), portrait.image, here, there
            )
            if driven is not None:
                made.append(sample(driven, _target(shown, there, same), Kind.RIG))
    return made


def samples_of_pair(source: PatchSource, job: tuple[int, int]) -> list[PatchSample]:
    """One frame of a clip driven to the state of another, which is the target."""
    portraits, rig, predictor = _tools(source)
    first, second = (portraits[i] for i in job)
    start, seen = (p.state.clipped() for p in (first, second))
    end = replace(start, rotation=seen.rotation, expression=seen.expression)
    driven = _driven(predictor, first.image, rig, start, end)
    if driven is None:
        return []
    scale = seen.scale / start.scale
    shift = seen.pivot - start.pivot * scale
    picture_from_source = Similarity((scale, 0, float(shift[0]), 0, scale, float(shift[1])))
    return [
        sample(
            driven, _target(second.image, View(rig, seen, CANVAS), picture_from_source), Kind.PHOTO
        )
    ]


@cache
def _open_expressions(source: PatchSource) -> NDArray[np.float64]:
    """(N, 53) expressions of real faces whose teeth may show."""
    found = np.clip(_tools(source)[0].expressions(), 0, 1)
    names = ("jawOpen", "mouthSmile_L", "mouthUpperUp_L", "mouthLowerDown_L")
    openness = found[:, [EXPRESSIONS.index(name) for name in names]].sum(1)
    taken: NDArray[np.float64] = found[openness > min(0.5, openness.max())]
    return taken if len(taken) else found


def _jobs(
    portraits: Portraits, rng: np.random.Generator, per_still: int, pairs: int
) -> tuple[list[tuple[int, int, int]], list[tuple[int, int]]]:
    stills = [i for i in range(len(portraits)) if "video" not in portraits.name(i)]
    chosen = [(int(i), per_still, int(rng.integers(2**62))) for i in rng.permutation(stills)]
    people: dict[int, list[int]] = {}
    for i in sorted(set(range(len(portraits))) - set(stills)):
        people.setdefault(portraits.person(i), []).append(i)
    clips = [frames for frames in people.values() if len(frames) > 1]
    two = [
        tuple(int(i) for i in rng.choice(clips[k % len(clips)], 2, replace=False))
        for k in range(pairs if clips else 0)
    ]
    return chosen, [(a, b) for a, b in two]


def make_patches(
    source: PatchSource, *, per_still: int = 3, pairs: int = 1500, workers: int = 1, seed: int = 0
) -> Path:
    """Make and keep the patches of a split; returns the folder they are in.

    Parameters
    ----------
    per_still, pairs : int
        Samples of every photograph; pairs of frames over all clips.
    workers : int
        Processes; what is made follows from `seed`, not from their number.
    """
    folder = source.cache / f"patches-{source.split}"
    folder.mkdir(parents=True, exist_ok=True)
    portraits = Portraits(
        source.portraits, source.cache, source.split, canvas=CANVAS, margin=MARGIN
    )
    stills, two = _jobs(portraits, np.random.default_rng(seed), per_still, pairs)
    with ProcessPoolExecutor(pool_size(workers), mp_context=get_context("spawn")) as pool:
        found = pool.map(partial(samples_of_pair, source), two, chunksize=4)
        rest = pool.map(partial(samples_of_still, source), stills, chunksize=4)
        write_patches(folder, (s for many in chain(found, rest) for s in many))
    return folder
