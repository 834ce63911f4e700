"""The built-in face tracker: a detector over an image pyramid, then a reading of each face from coarse to fine.

The detector proposes faces with their size and tilt; the landmark network reads an upright crop of
each, refuses what is no face, and reads again from a crop framed by its own landmarks; the refiner
corrects what was read, landmark by landmark. In clips the previous frame's landmarks frame the
crop, and one reading is enough. Photographs are never enlarged whole and never copied at full size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from icface.arrays import U8
from icface.face.controls import ANGLE_UNIT_DEG, CHANNELS, ControlVector
from icface.face.geometry import Box, Similarity, face_crop
from icface.face.observation import FaceObservation, NoFaceError
from icface.model.eyes.irises import with_irises, with_look
from icface.model.networks.tracker_nets import (
    DETECTOR_STRIDE,
    READ_MARGIN,
    REFINE_MARGIN,
    SIZE_UNIT,
    FaceDetectorNet,
    LandmarkNet,
    RefinerNet,
    TrackerNet,
)
from icface.model.networks.weights import build, load_into, load_model, models_dir
from icface.model.surface.crops import sample_crop

DETECTOR_FILE = "detector.safetensors"
LANDMARKS_FILE = "landmarks.safetensors"
REFINER_FILE = "refiner.safetensors"

METHOD = "3"
"""Another whenever the same weights are used to read something else."""
HEAT_LIMIT = 0.2
FACE_LIMIT = 0.98
"""Least confidence of a face that nobody pointed at."""
LYING_LIMIT, _LYING_LOOKS = 0.985, (0.85, 1.2)
"""Least confidence of one that lies on its side or stands on its head, in crops so much narrower
and wider, too: three more turns of the picture are three more chances to err, and what only
resembles a face does so in one crop rather than all."""
DRAWN_LIMIT = 0.15
"""Least confidence of a face in a box that a person drew."""
SURE_LIMIT = 0.9
"""A face in such a box that is read with less is looked for lying down, too."""
FOLLOW_LIMIT = 0.7
SAME_FACE = 0.5
"""Share of the smaller of two boxes that lies in the other from which on they are one face."""
MOST_PROPOSALS = 48
_COARSEST, _FINEST_LEAST, _FINEST_USUAL, _FINEST_MOST = 112, 480, 1280, 2048
"""Longer sides of the pictures that the detector sees, pixels."""
_FINEST_SHARE = 0.32
"""Of a large photograph's longer side, that the finest picture keeps at least."""
_PAD = 16
_Number = TypeVar("_Number", bound=np.floating)
_BACK = tuple(
    torch.tensor(np.linalg.matrix_power(np.array([[0, 1], [-1, 0]]), turns), dtype=torch.float32)
    for turns in range(4)
)
"""Points about the middle (N, 2), as rows, of a picture turned so often, to those of the picture
that is not."""
_LID_HIDES = (0.5, 0.9)
"""A gaze is hidden from here, and wholly from here on: a lid so far closed. What cannot be seen is
read as straight ahead."""
_GAZE = {
    side: [
        i for i, name in enumerate(CHANNELS) if name.startswith("eyeLook") and name.endswith(side)
    ]
    for side in "LR"
}
_DRAWN_TILTS_DEG = (0.0, -28.0, 28.0, -56.0, 56.0)
_DRAWN_SIZES = (1.0, 0.75)
_LYING_FINEST = 640
"""Longest side of the pictures in which lying faces are looked for, pixels: of a large photograph a
quarter of the work."""
_QUARTERS = (1, 2, 3)
"""Turns of the picture by 90 degrees, counter-clockwise, in which a face that is not upright is."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A face as the detector sees it: centre and extent in image pixels, tilt clockwise on the screen."""

    x: float
    y: float
    extent: float
    tilt_deg: float
    score: float

    @property
    def box(self) -> Box:
        """The upright square about it."""
        half = self.extent / 2
        return Box(self.x - half, self.y - half, self.x + half, self.y + half)

    def crop(self, size: int) -> Similarity:
        """``crop_from_image`` for the landmark network."""
        side = self.extent * READ_MARGIN
        return Similarity.crop(
            centre=(self.x, self.y), side=side, roll_deg=self.tilt_deg, size=size
        )


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
        """How it reads, and digests of the weights, which are read from disk for it if that has not happened yet."""
        self.load()
        return " ".join([METHOD, *(self._digests[name] for name in sorted(self._digests))])

    def digest(self, name: str) -> str:
        """That of one of the files of weights, by name; read from disk for it if that has not happened yet."""
        self.load()
        return self._digests[name]

    def load(self) -> None:
        """Read the networks from disk, if that has not happened yet; `ModelFileError` if it is impossible."""
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
        """The network that looks again at what was read."""
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
        pictures of at most `_LYING_FINEST` pixels a side, so that a picture without any face takes
        at most four times as long.
        """
        _check(image)
        found = self._sure(image, self.propose(image), FACE_LIMIT)
        if not found:
            lying = [proposal for turns in _QUARTERS for proposal in self.propose(image, turns)]
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
        """The proposals that are faces, read twice, each once, surest first."""
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
        """Whether a face is as surely one in narrower and in wider crops."""
        crops = [
            face_crop(face.landmarks, self.reader.size, margin=READ_MARGIN * share)
            for share in _LYING_LOOKS
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
        face = self._in_box(image, box, _DRAWN_TILTS_DEG)
        if _fit(face, box) < SURE_LIMIT:
            lying = tuple(90.0 * turns + tilt for turns in _QUARTERS for tilt in _DRAWN_TILTS_DEG)
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
        tries = [Proposal(x, y, extent * s, tilt, 1.0) for s in _DRAWN_SIZES for tilt in tilts_deg]
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

    @torch.inference_mode()
    def propose(self, image: U8, turns: int = 0) -> list[Proposal]:
        """Everything that looks a little like a face to the detector alone, at every scale, unsorted.

        Parameters
        ----------
        image : (H, W, 3) uint8
        turns : int
            Look at the picture turned by so many times 90 degrees counter-clockwise; what is found
            is given as it lies in the picture that is not turned.
        """
        detector = self.detector
        found: list[Proposal] = []
        for upright, scale in _pyramid(image, most=_LYING_FINEST if turns else _FINEST_MOST):
            picture = np.ascontiguousarray(np.rot90(upright, turns))
            maps = detector(_as_tensor(picture[None], self._device))
            heat = torch.sigmoid(maps.heat)
            peak = (heat == torch.nn.functional.max_pool2d(heat[:, None], 3, 1, 1)[:, 0]) & (
                heat > HEAT_LIMIT
            )
            rows, columns = torch.nonzero(peak[0], as_tuple=True)
            at = torch.stack([columns, rows], 1) + maps.offset[0, :, rows, columns].T
            middle = torch.tensor([(n - 1) / 2 for n in picture.shape[1::-1]])
            looked = (
                (at.float().cpu() + 0.5) * DETECTOR_STRIDE - 0.5 - middle
            )  # from the middle, in the turned picture
            back = looked @ _BACK[turns] + torch.tensor([(n - 1) / 2 for n in upright.shape[1::-1]])
            centres = ((back + 0.5 - _PAD) / scale - 0.5).tolist()
            extents = (
                SIZE_UNIT * torch.exp(maps.log_size[0, rows, columns].clamp(-2, 2)) / scale
            ).tolist()
            cos, sin = maps.tilt[0, :, rows, columns]
            tilts, scores = (
                torch.rad2deg(torch.atan2(sin, cos)).tolist(),
                heat[0, rows, columns].tolist(),
            )
            for (x, y), extent, tilt, score in zip(centres, extents, tilts, scores, strict=True):
                found.append(Proposal(x, y, extent, tilt + 90 * turns, score))
        return found

    @torch.inference_mode()
    def read(self, image: U8, crops: Sequence[Similarity]) -> list[FaceObservation]:
        """One reading of each crop (``crop_from_image``)."""
        if not crops:
            return []
        reader = self.reader
        size = reader.size
        out = reader(
            _as_tensor(np.stack([sample_crop(image, crop, size) for crop in crops]), self._device)
        )
        points = (out.points.float() * size).cpu().numpy()
        points[..., :2] += (size - 1) / 2
        controls = out.controls.double().cpu().numpy()
        controls[:, :3] *= ANGLE_UNIT_DEG
        confidence = torch.sigmoid(out.face.float()).tolist()
        return [
            _observation(crop, *reading)
            for crop, *reading in zip(crops, points, controls, confidence, strict=True)
        ]

    @torch.inference_mode()
    def look_closer(self, image: U8, faces: Sequence[FaceObservation]) -> list[FaceObservation]:
        """The same faces, their landmarks, angles and channels corrected by a second look at each, gaze by irises."""
        if not faces:
            return []
        refiner = self.refiner
        size = refiner.size
        crops = [face_crop(face.landmarks, size, margin=REFINE_MARGIN) for face in faces]
        pictures = np.stack([sample_crop(image, crop, size) for crop in crops])
        first = np.stack(
            [crop.points(face.landmarks[:, :2]) for crop, face in zip(crops, faces, strict=True)]
        )
        angles = np.array([face.controls.angles_deg for face in faces])
        angles[:, 2] = _turned(angles[:, 2] + [crop.turn_deg for crop in crops])
        middle = (size - 1) / 2
        out = refiner(
            _as_tensor(pictures, self._device),
            torch.from_numpy(((first - middle) / size).astype(np.float32)).to(self._device),
            torch.from_numpy((angles / ANGLE_UNIT_DEG).astype(np.float32)).to(self._device),
        )
        points, controls = (
            out.points[-1].float().cpu().numpy() * size + middle,
            out.controls.double().cpu().numpy(),
        )
        controls[:, :3] *= ANGLE_UNIT_DEG
        readings = []
        for crop, picture, face, at, values in zip(
            crops, pictures, faces, points, controls, strict=True
        ):
            depth = face.landmarks[:, 2:] * crop.scale
            seen = with_irises(at, picture)
            looking = without_hidden_gaze(with_look(values, seen))
            readings.append(
                _observation(crop, np.column_stack([seen, depth]), looking, face.confidence)
            )
        return readings


def _observation(
    crop: Similarity, points: NDArray[np.float32], controls: NDArray[np.float64], confidence: float
) -> FaceObservation:
    landmarks = crop.inverse().points(points).astype(np.float32)
    controls = controls.copy()
    controls[2] = _turned(controls[2] - crop.turn_deg)
    controls[3:] = np.clip(controls[3:], 0, 1)
    return FaceObservation(
        Box.around(landmarks[:468]), landmarks, ControlVector.from_array(controls), confidence
    )


def without_hidden_gaze(controls: NDArray[_Number]) -> NDArray[_Number]:
    """Controls (56,) with the gaze of an eye that is closed straight ahead, faded from half closed on."""
    seen = controls.copy()
    low, high = _LID_HIDES
    for side in "LR":
        shown = np.clip((high - controls[CHANNELS.index(f"eyeBlink_{side}")]) / (high - low), 0, 1)
        seen[_GAZE[side]] *= shown
    return seen


def _turned(roll_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same angle in -180..180 degrees."""
    return (roll_deg + 180) % 360 - 180


def _fit(face: FaceObservation, box: Box) -> float:
    """Confidence of a reading that is to be the face in a box; 0 where it lies elsewhere."""
    return face.confidence if face.box.iou(box) > 0.1 else 0.0


def distinct(proposals: Sequence[Proposal]) -> list[Proposal]:
    """The best of each heap of proposals, best first."""
    kept: list[Proposal] = []
    for proposal in sorted(proposals, key=lambda p: -p.score):
        if all(proposal.box.iou(other.box) < 0.45 for other in kept):
            kept.append(proposal)
    return kept


def _check(image: U8) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            f"The tracker reads RGB pictures of shape (H, W, 3) and type uint8, not {image.shape} {image.dtype}."
        )


def _as_tensor(pictures: U8, device: torch.device) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32 in -1..1, channels last."""
    return torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def _pyramid(image: U8, *, most: int = _FINEST_MOST) -> list[tuple[U8, float]]:
    """Reductions of the image by halves, padded for the detector, with their scales; none longer than `most` pixels.

    The finest shows a 64 px face of a photograph up to 24 megapixels at some 20 px or more; the
    coarsest shows a face that fills the picture.
    """
    high, wide = image.shape[:2]
    longest = max(high, wide)
    side = min(float(longest), float(np.clip(0.5 * longest, _FINEST_LEAST, _FINEST_USUAL)))
    side = min(max(side, _FINEST_SHARE * longest), most)
    levels = []
    picture = image
    while True:
        scale = side / longest
        shape = (max(round(wide * scale), 1), max(round(high * scale), 1))
        if shape != picture.shape[1::-1]:
            picture = cv2.resize(picture, shape, interpolation=cv2.INTER_AREA).astype(
                np.uint8, copy=False
            )
        right, below = (_PAD + (-n) % DETECTOR_STRIDE for n in shape)
        padded = cv2.copyMakeBorder(picture, _PAD, below, _PAD, right, cv2.BORDER_REPLICATE)
        levels.append((padded.astype(np.uint8, copy=False), scale))
        if side <= _COARSEST:
            return levels
        side /= 2
