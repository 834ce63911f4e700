"""Contact sheets: people in rows, edits in columns; whole faces, mouths and eyes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from icface.arrays import U8
from icface.evaluation.looks.edits import EDITS, EYES, MOUTHS
from icface.evaluation.looks.patches import Patches
from icface.evaluation.looks.subjects import Edited, face_view
from icface.face.geometry import Similarity
from icface.face.landmarks import EYES as EYE_CONTOURS
from icface.face.landmarks import OUTER_LIPS
from icface.model.surface.crops import sample_crop
from icface.system.atomic_write import write_whole

T = TypeVar("T")
PEOPLE_A_SHEET = 6
EDITS_A_SHEET = 9
PATCHES_A_ROW = 14
SIDE_PX = 172
"""Width of a thumbnail: sheets of nine stay below 1600 px."""
_HEAD_PX = 18
_FACE_SHARE = 0.72
"""Share of the networks' crop that a face's thumbnail shows."""


class Sheets:
    """Thumbnails of edited pictures, gathered person by person and written as PNG sheets."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, U8]]] = {name: [] for name in _KINDS}

    def add(self, pictures: Iterable[Edited]) -> Iterator[Edited]:
        """Pass one person's pictures on, and keep their thumbnails as a new row."""
        rows: dict[str, dict[str, U8]] = {name: {} for name in _KINDS}
        for one in pictures:
            for kind, (edits, view) in _KINDS.items():
                if one.edit in edits:
                    rows[kind][one.edit] = view(one)
            yield one
        for kind, row in rows.items():
            self._rows[kind].append(row)

    def write(self, folder: Path) -> list[Path]:
        """Write all sheets into a folder that exists; the files, in order."""
        written = []
        for kind, (edits, _) in _KINDS.items():
            for page, people in enumerate(_parts(self._rows[kind], PEOPLE_A_SHEET), 1):
                for part, names in enumerate(_parts(edits, EDITS_A_SHEET), 1):
                    path = folder / f"{kind}-people{page}-edits{part}.png"
                    write_png(path, sheet(names, people))
                    written.append(path)
        return written


def sheet(edits: Sequence[str], people: Iterable[dict[str, U8]]) -> U8:
    """A titled sheet: a row for each person, a column for each of the edits."""
    rows = [np.hstack([row[name] for name in edits]) for row in people]
    head = np.full((_HEAD_PX, rows[0].shape[1], 3), 255, np.uint8)
    for column, name in enumerate(edits):
        place = (column * rows[0].shape[1] // len(edits) + 3, 13)
        cv2.putText(head, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.36, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([head, *rows])


def patch_sheet(patches: Patches) -> U8:
    """Real patches above a white line, edited ones below it."""
    blocks = []
    for kind in (False, True):
        own = [
            p
            for p, is_edited in zip(patches.pictures, patches.is_edited, strict=True)
            if is_edited == kind
        ]
        empty = np.full_like(own[0], 255)
        rows = [
            np.hstack([*row, *[empty] * (PATCHES_A_ROW - len(row))])
            for row in _parts(own, PATCHES_A_ROW)
        ]
        blocks.append(np.vstack(rows))
    line = np.full((_HEAD_PX, blocks[0].shape[1], 3), 255, np.uint8)
    return np.vstack([blocks[0], line, blocks[1]])


def _parts(whole: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """A sequence in parts of a size; the last may be shorter."""
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def write_png(path: Path, picture: U8) -> None:
    """Write a picture (H, W, 3) RGB as PNG, beside the file and renamed."""
    _, packed = cv2.imencode(".png", picture[:, :, ::-1])
    write_whole(path, lambda stream: stream.write(packed.tobytes()))


def _face(one: Edited) -> U8:
    side = round(SIDE_PX / _FACE_SHARE)
    view = face_view(one.picture, one.subject.encoding.crop_from_image, side)
    start = (side - SIDE_PX) // 2
    return view[start : start + SIDE_PX, start : start + SIDE_PX]


def _mouth(one: Edited) -> U8:
    return _zoomed(one, OUTER_LIPS, margin=2.0)


def _eyes(one: Edited) -> U8:
    view = _zoomed(one, EYE_CONTOURS["L"] + EYE_CONTOURS["R"], margin=1.35)
    start = SIDE_PX // 4
    return view[start : start + SIDE_PX // 2]


def _zoomed(one: Edited, around: Sequence[int], *, margin: float) -> U8:
    """A square about some landmarks of the photo, upright along the eye line."""
    crop = one.subject.encoding.crop_from_image
    points = crop.points(one.subject.face.landmarks[list(around), :2])
    low, high = points.min(0), points.max(0)
    x, y = (low + high) / 2
    square = Similarity.crop(
        centre=(float(x), float(y)),
        side=float((high - low).max()) * margin,
        roll_deg=0.0,
        size=SIDE_PX,
    )
    return sample_crop(one.picture, square @ crop, SIDE_PX)


_KINDS: dict[str, tuple[tuple[str, ...], Callable[[Edited], U8]]] = {
    "faces": (tuple(EDITS), _face),
    "mouths": (MOUTHS, _mouth),
    "eyes": (EYES, _eyes),
}
"""Sheets by name: the edits they show, and a thumbnail of one."""
