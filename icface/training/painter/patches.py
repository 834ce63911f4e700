"""Patches around the mouth in the format of the painter's training files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import U8
from icface.face.controls import ControlVector
from icface.face.geometry import Similarity
from icface.face.observation import FaceObservation, NoFaceError
from icface.model.face.encode import SourceEncoding
from icface.model.face.paint import conditioning, view_of_mouth
from icface.model.networks.animator import Animator
from icface.model.networks.neutralizer import Neutralizer
from icface.model.networks.painter import PATCH, PATCH_CHANNELS
from icface.model.networks.weights import models_dir
from icface.rendering.predictor import FacePredictor
from icface.system.atomic_write import write_whole
from icface.training.loop.array_files import save_array

ROOMY = 112
"""Side of a stored patch: a batch is cut out of it, shifted and turned a little."""
_PICTURES = [0, 1, 2, 3, 4, 5, 8]
"""Channels of a patch with values -1..1."""
_SHARES = [6, 7]
"""Channels of a patch with values 0..1."""


class Kind(IntEnum):
    """The kind of a sample's target."""

    RIG = 0
    """The photograph warped, its mouth painted by the rig: a target where no photograph is one."""
    PHOTO = 1
    """An untouched photograph."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchSample:
    """One stored patch.

    Attributes
    ----------
    seen : (PATCH_CHANNELS, ROOMY, ROOMY) uint8
        Input of the painter: values -1..1 (shares 0..1), stored as 0..255.
    target : (3, ROOMY, ROOMY) uint8
        The photograph there, or the rig's version of it.
    zone : (2, ROOMY, ROOMY) uint8
        Where painting is welcome, and where the target shows the inside of a mouth; 0 or 255.
    controls : (2, 56) float32
        Before and after, as the painter is conditioned on them.
    kind : Kind
        The kind of the target.
    """

    seen: U8
    target: U8
    zone: U8
    controls: NDArray[np.float32]
    kind: Kind


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """A patch after the two stages took a picture from its own state to another.

    Attributes
    ----------
    encoding : SourceEncoding
    target_controls : ControlVector
        The other state.
    frame : Similarity
        ``patch_from_grid`` of the roomy patch.
    seen : (PATCH_CHANNELS, ROOMY, ROOMY) float32
    """

    encoding: SourceEncoding
    target_controls: ControlVector
    frame: Similarity
    seen: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """The picture that a driven patch ought to show.

    Attributes
    ----------
    picture : (H, W, 3) uint8
    inside : (H, W) bool
        Where it shows the inside of the mouth.
    lips : (20, 2)
        `INNER_LIPS` in its pixels.
    picture_from_source : Similarity
        From the pixels of the driven picture.
    """

    picture: U8
    inside: NDArray[np.bool_]
    lips: NDArray[np.float64]
    picture_from_source: Similarity


def unpainted_predictor(folder: Path | None = None) -> FacePredictor:
    """A predictor on the CPU that moves and draws pixels but paints none.

    Parameters
    ----------
    folder : Path, optional
        Folder of the weights; the shipped ones by default.
    """
    where = folder or models_dir()
    return FacePredictor(
        Neutralizer.from_file(where / "neutralizer.safetensors"),
        Animator.from_file(where / "animator.safetensors"),
    )


def drive(
    predictor: FacePredictor, image: U8, face: FaceObservation, target_controls: ControlVector
) -> Driven | None:
    """Take a face to another state; None where none is seen, or nothing changes."""
    try:
        encoding = predictor.encode(image, face)
    except NoFaceError:
        return None
    posed = predictor.posed(encoding, target_controls)
    if posed is None:
        return None
    view = view_of_mouth(encoding, posed, size=ROOMY, room=ROOMY / PATCH)
    return Driven(encoding, target_controls, view.patch_from_grid, view.channels[:PATCH_CHANNELS])


def sample(driven: Driven, target: Target, kind: Kind) -> PatchSample:
    """The sample in the form in which it is stored."""
    seen = driven.seen
    packed = np.empty(seen.shape, np.uint8)
    packed[_PICTURES] = np.clip(seen[_PICTURES] * 127.5 + 127.5, 0, 255)
    packed[_SHARES] = np.clip(seen[_SHARES] * 255, 0, 255)
    patch_from_picture = (
        driven.frame @ driven.encoding.crop_from_image @ target.picture_from_source.inverse()
    )
    m, shape = patch_from_picture.matrix, (ROOMY, ROOMY)
    shown = cv2.warpAffine(
        target.picture, m, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    inside = cv2.warpAffine(
        target.inside.astype(np.uint8) * 255, m, shape, flags=cv2.INTER_LINEAR
    ).astype(np.uint8)
    zone = np.maximum(inside, packed[_SHARES].max(0))
    lips = patch_from_picture.points(target.lips).round().astype(np.int32)
    cv2.polylines(zone, [lips], isClosed=True, color=(255,), thickness=3)
    zone = cv2.dilate(zone, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))).astype(np.uint8)
    controls = np.stack(
        [c.numpy() for c in conditioning(driven.encoding.controls, driven.target_controls)]
    )
    picture: U8 = shown.transpose(2, 0, 1).astype(np.uint8)
    return PatchSample(packed, picture, np.stack([zone, inside]), controls, kind)


def write_patches(folder: Path, samples: Iterable[PatchSample]) -> int:
    """Keep samples in a folder; returns how many there were, `ValueError` if none."""
    stored = list(samples)
    if not stored:
        raise ValueError(
            f"No patches could be made for {folder}: no face in its sources could be driven."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("seen", "target", "zone", "controls"):
        save_array(folder / f"{name}.npy", np.stack([getattr(s, name) for s in stored]))
    save_array(folder / "kind.npy", np.array([s.kind for s in stored], np.int64))
    about = json.dumps({"samples": len(stored), "channels": PATCH_CHANNELS})
    write_whole(folder / "complete.json", lambda stream: stream.write(about.encode()))
    return len(stored)
