"""Portraits with fitted states on upright canvases, decoded once into one array.

The folder is described in `icface.training.portraits.table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.face.geometry import Similarity, face_crop
from icface.system.atomic_write import Unfinished
from icface.training.loop.array_files import array_on_disk
from icface.training.portraits.table import PortraitRow, PortraitTable, read_rgb
from icface.training.rig.rig import State

CANVAS = 320
CANVAS_MARGIN = 2.6
MAX_FIT_ERROR = 0.016


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One face on its canvas.

    Attributes
    ----------
    image : (C, C, 3) uint8
        RGB, upright along the eye line; C is `CANVAS` and shows `CANVAS_MARGIN` face extents,
        unless asked otherwise.
    landmarks : (478, 3) float64
        Face-mesh points, canvas pixels.
    state : State
        The fitted rig state, canvas pixels.
    person : int
        Pictures of one person share it.
    """

    image: NDArray[np.uint8]
    landmarks: NDArray[np.float64]
    state: State
    person: int


class Portraits:
    """The portraits of one split, decoded lazily from a canvas file that is built on first use."""

    def __init__(
        self,
        folder: Path,
        cache: Path,
        split: str,
        *,
        canvas: int = CANVAS,
        margin: float = CANVAS_MARGIN,
    ) -> None:
        self._table = PortraitTable(folder)
        self._canvases = _canvas_file(self._table, cache, canvas, margin)
        self._canvas, self._margin = canvas, margin
        self.rows = self._table.rows(split, worst_fit=MAX_FIT_ERROR)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Portrait:
        row = self.rows[index]
        found = self._table[row]
        canvas_from_image = face_crop(found.landmarks, self._canvas, margin=self._margin)
        return Portrait(
            image=self._canvases[row],
            landmarks=canvas_from_image.points(found.landmarks.astype(np.float64)),
            state=found.state.moved(canvas_from_image),
            person=found.person,
        )

    def name(self, index: int) -> str:
        """Path of a picture in its folder; frames of clips lie under ``video``."""
        return self._table.name(self.rows[index])

    def person(self, index: int) -> int:
        """The number of the person in a row."""
        return self._table.person(self.rows[index])

    def expressions(self) -> NDArray[np.float64]:
        """(N, 53) fitted expressions of the split: what real faces do."""
        return self._table.expressions(self.rows)


def _canvas_file(table: PortraitTable, cache: Path, side: int, margin: float) -> NDArray[np.uint8]:
    """(rows of the table, side, side, 3) their canvases, mapped from a file."""
    path = cache / f"canvases-{side}-{margin:g}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with Unfinished(path) as unfinished:
            canvases = array_on_disk(unfinished.stream, (len(table), side, side, 3))
            for row in range(len(table)):
                canvases[row] = _canvas(table[row], side, margin)
            del canvases  # Windows renames no file that is mapped
            unfinished.put_in_place()
    opened: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return opened


def _canvas(row: PortraitRow, side: int, margin: float) -> NDArray[np.uint8]:
    image: NDArray[Any] = read_rgb(row.path)
    canvas_from_image: Similarity = face_crop(row.landmarks, side, margin=margin)
    if canvas_from_image.scale < 0.6:
        sigma = 0.4 / canvas_from_image.scale
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    canvas = cv2.warpAffine(
        image,
        canvas_from_image.matrix,
        (side, side),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return canvas.astype(np.uint8, copy=False)
