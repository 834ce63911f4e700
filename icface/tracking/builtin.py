"""The built-in face tracker: a detector over an image pyramid, then readings of each face.

The detector proposes faces with their size and tilt; the landmark network reads an upright crop of
each, refuses what is no face, and reads again from a crop framed by its own landmarks; the refiner
corrects what was read, landmark by landmark. In clips the previous frame's landmarks frame the
crop, and one reading is enough. Photographs are never enlarged whole and never copied at full size.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from icface.arrays import U8
from icface.face.geometry import Box, Similarity, face_crop
from icface.face.observation import FaceObservation, NoFaceError
from icface.model.networks.tracker_nets import (
    READ_MARGIN,
    FaceDetectorNet,
    LandmarkNet,
    RefinerNet,
    TrackerNet,
)
from icface.model.networks.weights import build, load_into, load_model, models_dir
from icface.tracking.detection import Proposal, distinct, propose
from icface.tracking.reading import read_crops, refine

DETECTOR_FILE = "detector.safetensors"
LANDMARKS_FILE = "landmarks.safetensors"
REFINER_FILE = "refiner.safetensors"

METHOD = "5"
"""Changed whenever the same weights are used to read something else."""
FACE_LIMIT = 0.98
"""Least confidence of a face that nobody pointed at."""
LYING_LIMIT = 0.985
"""Least confidence of a face that lies on its side or stands on its head.

Three more turns of the picture are three more chances to err."""
LYING_CROPS = (0.85, 1.2)
"""Sizes of the further crops, as shares of the first, in which a lying face must be as certain:
what only resembles a face does so in one crop rather than all."""
DRAWN_LIMIT = 0.15
"""Least confidence of a face in a box that a person drew."""
SURE_LIMIT = 0.9
"""Confidence below which a face in a drawn box is also looked for lying down."""
FOLLOW_LIMIT = 0.7
"""Least confidence of a face that is followed from the frame before."""
SAME_FACE = 0.5
"""Share of the smaller of two boxes that lies in the other from which on they are one face."""
MOST_PROPOSALS = 48
"""Proposals of a picture that are read at most."""
DRAWN_TILTS_DEG = (0.0, -28.0, 28.0, -56.0, 56.0)
"""Tilts at which a drawn box is read, degrees clockwise on the screen."""
DRAWN_SIZES = (1.0, 0.75)
"""Extents at which a drawn box is read, as shares of the box."""
QUARTERS = (1, 2, 3)
"""Turns of the picture by 90 degrees, counter-clockwise, in which a face is looked for that is not
upright."""

_AnyNet = TypeVar("_AnyNet", bound=TrackerNet)


class BuiltinTracker:
    """Faces, 478 landmarks and 56 controls from the project's own three small networks.

    Parameters
    ----------
    device : str
        Where the networks run, as torch names it.
    models : Path, optional
        Folder of the weights; the shipped ones by default. They are read at the first use.
    """

    def __init__(self, device: str = "cpu", *, models: Path | None = None) -> None:
        self._device = torch.device(device)
        self._models = models_dir() if models is None else models
        self._digests: dict[str, str] = {}

    @property
    def name(self) -> str:
        """Short name for people."""
        return "built-in"

    @property
    def version(self) -> str:
        """The method's number and the weights' digests; reads the weights if needed."""
        self.load()
        return " ".join([METHOD, *(self._digests[name] for name in sorted(self._digests))])

    def digest(self, name: str) -> str:
        """The digest of one file of weights, by name; reads the weights if needed."""
        self.load()
        return self._digests[name]

    def load(self) -> None:
        """Read the networks from disk if needed; `ModelFileError` if that fails."""
        _ = self.detector, self.reader, self.refiner

    @cached_property
    def detector(self) -> FaceDetectorNet:
        """The network that finds faces."""
        return self._network(FaceDetectorNet, DETECTOR_FILE)

    @cached_property
    def reader(self) -> LandmarkNet:
        """The network that reads a face."""
        return self._network(LandmarkNet, LANDMARKS_FILE)

    @cached_property
    def refiner(self) -> RefinerNet:
        """The network that corrects a reading."""
        return self._network(RefinerNet, REFINER_FILE)

    def _network(self, kind: type[_AnyNet], name: str) -> _AnyNet:
        path = self._models / name
        stored = load_model(path, kind=f"icface.{path.stem}")
        network = build(kind, stored.config, path=path)
        load_into(network, stored, path=path)
        self._digests[name] = stored.digest
        return network.ready().to(self._device)

    def detect(self, image: U8) -> tuple[FaceObservation, ...]:
        """All faces of an RGB image (H, W, 3) uint8, largest first; empty when there is none.

        Faces that lie on their side or stand on their head are looked for where none is upright: in
        pictures of at most `LYING_FINEST` pixels a side, so that a picture without any face takes
        at most four times as long.
        """
        _check(image)
        found = self._sure(image, self.propose(image), FACE_LIMIT)
        if not found:
            lying = [proposal for turns in QUARTERS for proposal in self.propose(image, turns)]
            found = [
                face
                for face in self._sure(image, lying, LYING_LIMIT)
                if self._is_steady(image, face)
            ]
        return tuple(
            sorted(self.look_closer(image, found), key=lambda f: -f.box.width * f.box.height)
        )

    def _sure(
        self, image: U8, proposals: Sequence[Proposal], least: float
    ) -> list[FaceObservation]:
        """The proposals that are faces, without duplicates, most confident first."""
        size = self.reader.size
        first = self.read(image, [p.crop(size) for p in distinct(proposals)[:MOST_PROPOSALS]])
        likely = [face for face in first if face.confidence > 0.4]
        second = self.read(
            image, [face_crop(face.landmarks, size, margin=READ_MARGIN) for face in likely]
        )
        kept: list[FaceObservation] = []
        for face in sorted(
            (f for f in second if f.confidence >= least), key=lambda f: -f.confidence
        ):
            if all(face.box.overlap(other.box) < SAME_FACE for other in kept):
                kept.append(face)
        return kept

    def _is_steady(self, image: U8, face: FaceObservation) -> bool:
        """Whether a lying face is as certain in narrower and in wider crops."""
        crops = [
            face_crop(face.landmarks, self.reader.size, margin=READ_MARGIN * share)
            for share in LYING_CROPS
        ]
        return all(again.confidence >= LYING_LIMIT for again in self.read(image, crops))

    def observe(self, image: U8, box: Box) -> FaceObservation:
        """The face in a box that a person drew, however the head is tilted.

        Raises
        ------
        NoFaceError
            If nothing in the box looks like a face.
        """
        _check(image)
        face = self._in_box(image, box, DRAWN_TILTS_DEG)
        if _fit(face, box) < SURE_LIMIT:
            lying = tuple(90.0 * turns + tilt for turns in QUARTERS for tilt in DRAWN_TILTS_DEG)
            face = max(face, self._in_box(image, box, lying), key=lambda f: _fit(f, box))
        if _fit(face, box) < DRAWN_LIMIT:
            raise NoFaceError(
                "No face was recognised in this box. "
                "Draw it around one face, from the forehead to the chin and from ear to ear."
            )
        return self.look_closer(image, [face])[0]

    def _in_box(self, image: U8, box: Box, tilts_deg: Sequence[float]) -> FaceObservation:
        """The best reading of a box at some tilts."""
        size, (x, y), extent = self.reader.size, box.centre, max(box.width, box.height)
        tries = [Proposal(x, y, extent * s, tilt, 1.0) for s in DRAWN_SIZES for tilt in tilts_deg]
        readings = self.read(image, [t.crop(size) for t in tries])
        for _ in range(2):
            best = sorted(readings, key=lambda f: -f.confidence)[:4]
            readings = self.read(
                image, [face_crop(f.landmarks, size, margin=READ_MARGIN) for f in best]
            )
        return max(readings, key=lambda f: _fit(f, box))

    def follow(self, image: U8, previous: FaceObservation) -> FaceObservation | None:
        """The same face in the next frame of a clip, from where it was; None when it is lost."""
        _check(image)
        size = self.reader.size
        face = self.read(image, [face_crop(previous.landmarks, size, margin=READ_MARGIN)])[0]
        if face.confidence < FOLLOW_LIMIT or face.box.iou(previous.box) <= 0.15:
            return None
        return self.look_closer(image, [face])[0]

    def propose(self, image: U8, turns: int = 0) -> list[Proposal]:
        """All proposals of the detector, see `icface.tracking.detection.propose`."""
        return propose(self.detector, image, turns)

    def read(self, image: U8, crops: Sequence[Similarity]) -> list[FaceObservation]:
        """One reading of each crop (``crop_from_image``)."""
        return read_crops(self.reader, image, crops)

    def look_closer(self, image: U8, faces: Sequence[FaceObservation]) -> list[FaceObservation]:
        """The same faces, corrected by the refiner, see `icface.tracking.reading.refine`."""
        return refine(self.refiner, image, faces)


def _fit(face: FaceObservation, box: Box) -> float:
    """Confidence that a reading is the face in a box; 0 where it lies elsewhere."""
    return face.confidence if face.box.iou(box) > 0.1 else 0.0


def _check(image: U8) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            "The tracker reads RGB pictures of shape (H, W, 3) and type uint8, not "
            f"{image.shape} {image.dtype}."
        )
