"""The portraits folder: a table of landmarks and fitted states, and pictures in ``images/``.

The index is ``portraits.npz`` (image, person, split, landmarks, rot, scale, trans, identity,
expression, fit_error; one row per picture). Frames of clips lie under ``images/video``, everything
else is a still. `icface.training.portraits.canvases` keeps the same pictures decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from icface.training.loop.array_files import read_arrays
from icface.training.rig.rig import State

_CLIPS = "video"


@dataclass(frozen=True, slots=True, eq=False)
class PortraitRow:
    """One row of the table.

    Attributes
    ----------
    path : Path
        The picture.
    landmarks : (478, 3) float32
        Face-mesh points, pixels of the picture.
    state : State
        The fitted rig state, pixels of the picture.
    person : int
        Pictures of one person share it.
    """

    path: Path
    landmarks: NDArray[np.float32]
    state: State
    person: int


class PortraitTable:
    """Rows of the table, counted over all splits; pictures are not opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._table = read_arrays(folder / "portraits.npz", kind="a table of portraits")

    def __len__(self) -> int:
        return len(self._table["image"])

    def __getitem__(self, row: int) -> PortraitRow:
        t = self._table
        state = State(
            rotation=Rotation.from_rotvec(t["rot"][row].astype(np.float64)).as_matrix(),
            scale=float(t["scale"][row]),
            pivot=t["trans"][row].astype(np.float64),
            identity=t["identity"][row].astype(np.float64),
            expression=t["expression"][row].astype(np.float64),
        )
        return PortraitRow(
            self.folder / "images" / self.name(row),
            self.landmarks(row),
            state,
            int(t["person"][row]),
        )

    def rows(self, split: str, *, worst_fit: float, stills: bool | None = None) -> list[int]:
        """Rows of a split in order.

        Parameters
        ----------
        split : str
            ``train`` or ``val``.
        worst_fit : float
            Rows with a ``fit_error`` of this much or more are left out: their states cannot be
            trusted.
        stills : bool, optional
            Only stills, or only frames of clips.
        """
        good = (self._table["split"] == split) & (self._table["fit_error"] < worst_fit)
        if stills is not None:
            frame = np.char.find(self._table["image"], _CLIPS) >= 0
            good &= ~frame if stills else frame
        return [int(row) for row in np.flatnonzero(good)]

    def name(self, row: int) -> str:
        """Path of a picture below ``images``."""
        return str(self._table["image"][row])

    def landmarks(self, row: int) -> NDArray[np.float32]:
        """(478, 3) face-mesh points, pixels of the picture."""
        found: NDArray[np.float32] = self._table["landmarks"][row]
        return found

    def person(self, row: int) -> int:
        """The number of the person in a row."""
        return int(self._table["person"][row])

    def expressions(self, rows: list[int]) -> NDArray[np.float64]:
        """(N, 53) fitted expressions of rows: what real faces do."""
        found: NDArray[np.float64] = self._table["expression"][rows].astype(np.float64)
        return found


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) an 8-bit picture as RGB; `FileNotFoundError` if it is missing or no picture."""
    packed = np.frombuffer(
        path.read_bytes(), np.uint8
    )  # OpenCV itself opens no names with other than ASCII on Windows
    bgr = cv2.imdecode(packed, cv2.IMREAD_COLOR) if len(packed) else None
    if bgr is None:
        raise FileNotFoundError(f"{path} is no picture.")
    return np.ascontiguousarray(bgr[..., ::-1]).astype(np.uint8, copy=False)
