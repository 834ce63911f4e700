"""Portraits with fitted states: an index file, pictures decoded once into one array of upright canvases.

The folder holds ``portraits.npz`` (image, person, split, landmarks, rot, scale, trans, identity, expression, fit_error; one
row per picture) and the pictures under ``images/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from icface.geometry import Similarity, face_crop
from icface.training.rig import State

CANVAS = 320
CANVAS_MARGIN = 2.6
MAX_FIT_ERROR = 0.016


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One face on its canvas.

    Attributes
    ----------
    image : (C, C, 3) uint8
        RGB, upright along the eye line; C is `CANVAS` and shows `CANVAS_MARGIN` face extents, unless asked otherwise.
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

    def __init__(self, folder: Path, cache: Path, split: str, *, canvas: int = CANVAS, margin: float = CANVAS_MARGIN) -> None:
        with np.load(folder / "portraits.npz") as data:
            table = {name: data[name] for name in data.files}
        self._canvases = _canvas_file(folder, cache, table, canvas, margin)
        self._table = table
        self._canvas, self._margin = canvas, margin
        self.rows = np.flatnonzero((table["split"] == split) & (table["fit_error"] < MAX_FIT_ERROR))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Portrait:
        row = self.rows[index]
        table = self._table
        canvas_from_image = face_crop(table["landmarks"][row], self._canvas, margin=self._margin)
        state = State(
            rotation=Rotation.from_rotvec(table["rot"][row]).as_matrix(),
            scale=float(table["scale"][row]),
            pivot=table["trans"][row].astype(np.float64),
            identity=table["identity"][row].astype(np.float64),
            expression=table["expression"][row].astype(np.float64),
        )
        return Portrait(
            image=self._canvases[row],
            landmarks=canvas_from_image.points(table["landmarks"][row].astype(np.float64)),
            state=state.moved(canvas_from_image),
            person=int(table["person"][row]),
        )

    def name(self, index: int) -> str:
        """Path of a picture in its folder; frames of clips lie under ``video``."""
        return str(self._table["image"][self.rows[index]])

    def person(self, index: int) -> int:
        """Who it is."""
        return int(self._table["person"][self.rows[index]])

    def expressions(self) -> NDArray[np.float64]:
        """(N, 53) fitted expressions of the split: what real faces do."""
        found: NDArray[np.float64] = self._table["expression"][self.rows].astype(np.float64)
        return found


def _canvas_file(
    folder: Path, cache: Path, table: dict[str, NDArray[np.generic]], side: int, margin: float
) -> NDArray[np.uint8]:
    path = cache / f"canvases-{side}-{margin:g}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part.npy")
        shape = (len(table["image"]), side, side, 3)
        canvases = np.lib.format.open_memmap(beside, "w+", np.uint8, shape)
        for row, name in enumerate(table["image"]):
            canvases[row] = _canvas(folder / "images" / str(name), table["landmarks"][row], side, margin)
        canvases.flush()
        beside.replace(path)
    opened: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return opened


def _canvas(path: Path, landmarks: NDArray[np.float32], side: int, margin: float) -> NDArray[np.uint8]:
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f"Cannot read the portrait {path}.")
    canvas_from_image: Similarity = face_crop(landmarks, side, margin=margin)
    if canvas_from_image.scale < 0.6:
        sigma = 0.4 / canvas_from_image.scale
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    canvas = cv2.warpAffine(
        image, canvas_from_image.matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.ascontiguousarray(canvas[:, :, ::-1]).astype(np.uint8, copy=False)
