"""Closed eyes of portraits, each as it was photographed and as it would be drawn.

A closed eye is painted out and drawn anew: as much is painted out as an open eye hides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.controls import ControlVector
from icface.face.geometry import face_crop
from icface.face.landmarks import EYES, LID_PAIRS
from icface.model.eyes.eye_photo import EyePhoto, eye_photos
from icface.model.eyes.lashes import lash_ink
from icface.model.eyes.lid_fill import fill_eye
from icface.model.eyes.lid_retouch import drawn_over
from icface.model.eyes.lid_skin import lid_skins
from icface.model.eyes.lid_window import lid_window
from icface.model.networks.neutralizer import GRID
from icface.model.surface.anchored import Anchored

SHUT = 0.115
"""Distance between the lids up to which an eye is shut, in widths of the eye."""
_GAP = (0.22, 0.36)
"""Opening that an eye is given before it is closed again, in widths of the eye."""
_LASHES_BELOW = 0.10
"""Depth below the line to which the photographed lashes are painted out."""
_LINE_LOW = 0.02
"""Depth below the line at which the photographed lashes are measured."""


@dataclass(frozen=True, slots=True, eq=False)
class LidPair:
    """One closed eye in its window (`icface.model.eyes.lid_window`), outer corner on the right.

    Attributes
    ----------
    drawn, photo : (LID_ROWS, LID_COLUMNS, 3) float32
        0..1.
    mask : (LID_ROWS, LID_COLUMNS) float32
        0..1, where it was drawn.
    """

    drawn: F32
    photo: F32
    mask: F32


def openness(landmarks: NDArray[np.floating]) -> float:
    """Distance between the lids of the wider eye of landmarks (478, 2 or 3), in its widths."""
    found = []
    for side, pairs in LID_PAIRS.items():
        ring = EYES[side]
        width = np.hypot(*(landmarks[ring[0], :2] - landmarks[ring[8], :2]))
        gaps = [np.hypot(*(landmarks[a, :2] - landmarks[b, :2])) for a, b in pairs]
        found.append(float(np.mean(gaps) / max(width, 1e-6)))
    return max(found)


def lid_pair(photo: EyePhoto, rng: np.random.Generator) -> LidPair:
    """A photographed closed eye, and the same eye drawn."""
    x = photo.upper[:, 0]
    line = (photo.upper[:, 1] + photo.lower[:, 1]) / 2
    bow = np.clip(1 - (2 * x) ** 2, 0, 1)
    opened = replace(
        photo,
        upper=np.column_stack([x, line - rng.uniform(*_GAP) * bow]),
        lower=np.column_stack([x, line + _LASHES_BELOW * (0.3 + 0.7 * bow)]),
    )
    filled = fill_eye(opened)
    source = _grid_around(photo)
    (skin,) = lid_skins(source, np.ones(len(source), bool), [filled], ControlVector())
    on_line = np.column_stack([x, line])
    own = replace(photo, upper=on_line + np.array([0, _LINE_LOW]))
    skin = replace(
        skin,
        lower=Anchored.of(photo.on_grid(on_line), source, np.arange(len(source))),
        ink=lash_ink(own, filled.skin),
        hidden=1.0,
    )
    drawn, mask = drawn_over(skin, photo, source)
    height = skin.line_at(source)
    windows = [lid_window(a, height, photo.outer) for a in (drawn, photo.pixels, mask)]
    return LidPair(*windows)


def _grid_around(photo: EyePhoto) -> F64:
    """(N, 2) grid pixels around an eye."""
    middle = photo.on_grid(np.zeros((1, 2)))[0]
    line = np.arange(-1.5 * photo.width, 1.5 * photo.width, 0.5)
    x, y = np.meshgrid(line, line)
    points: F64 = np.stack([x.ravel(), y.ravel()], 1) + middle
    return points


def lid_pairs(portraits: Path, seed: int = 0) -> Iterator[tuple[LidPair, int, str]]:
    """The closed eyes of a portraits folder, with the person and the split of each.

    Parameters
    ----------
    portraits : Path
        See ``icface/training/README.md``.
    seed : int
        Of the openings that eyes are given.
    """
    rng = np.random.default_rng(seed)
    with np.load(portraits / "portraits.npz", allow_pickle=False) as table:
        names, people = table["image"], table["person"]
        splits, landmarks = table["split"], table["landmarks"]
    for name, person, split, points in zip(names, people, splits, landmarks, strict=True):
        if openness(points) > SHUT:
            continue
        seen = cv2.imread(str(portraits / "images" / str(name)))
        if seen is None:
            continue
        image = cv2.cvtColor(seen, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
        crop = face_crop(points, GRID)
        for photo in eye_photos(image, crop, crop.points(points[:, :2])):
            yield lid_pair(photo, rng), int(person), str(split)
