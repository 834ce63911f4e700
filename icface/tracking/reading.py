"""Readings of faces: crops through the landmark network and the refiner, gaze by the irises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from icface.arrays import U8
from icface.face.controls import ANGLE_UNIT_DEG, CHANNELS, ControlVector
from icface.face.geometry import Box, Similarity, face_crop, rotation_matrix
from icface.face.landmarks import MESH_POINTS
from icface.face.observation import FaceObservation
from icface.face.ramps import Ramp
from icface.model.eyes.irises import with_irises, with_look
from icface.model.networks.tracker_nets import REFINE_MARGIN, LandmarkNet, RefinerNet
from icface.model.surface.crops import sample_crop

_Number = TypeVar("_Number", bound=np.floating)
LID_HIDES = (0.5, 0.9)
"""Closures of a lid, 0..1, from which on a gaze fades and is hidden. A hidden gaze is read as
straight ahead."""
_GAZE = {
    side: [
        i for i, name in enumerate(CHANNELS) if name.startswith("eyeLook") and name.endswith(side)
    ]
    for side in "LR"
}
"""Positions of the gaze channels of each eye."""


def device_of(network: nn.Module) -> torch.device:
    """The device of a network's weights."""
    return next(network.parameters()).device


def as_tensor(pictures: U8, device: torch.device) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32 in -1..1, channels last."""
    return torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


_TURNED_AWAY_DEG = Ramp(25.0, 65.0)
"""Angle from the camera over which a reading becomes a guess: on 210 photographs its landmarks are
off by 1.0 % of the face's height up to 25 degrees, 1.6 % at 40, 2.8 % at 50, 2.9 % from 55 on."""
_GUESSED = 0.6


@torch.inference_mode()
def read_crops(
    reader: LandmarkNet, image: U8, crops: Sequence[Similarity]
) -> list[FaceObservation]:
    """One reading of each crop (``crop_from_image``)."""
    if not crops:
        return []
    device = device_of(reader)
    size = reader.size
    out = reader(as_tensor(np.stack([sample_crop(image, crop, size) for crop in crops]), device))
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
def refine(
    refiner: RefinerNet, image: U8, faces: Sequence[FaceObservation]
) -> list[FaceObservation]:
    """The same faces, their landmarks, angles and channels corrected by a second look at each.

    The gaze is read from the irises.
    """
    if not faces:
        return []
    device = device_of(refiner)
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
        as_tensor(pictures, device),
        torch.from_numpy(((first - middle) / size).astype(np.float32)).to(device),
        torch.from_numpy((angles / ANGLE_UNIT_DEG).astype(np.float32)).to(device),
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
        sure = face.confidence * trusted(looking[:3])
        readings.append(_observation(crop, np.column_stack([seen, depth]), looking, sure))
    return readings


def trusted(angles_deg: NDArray[np.float64]) -> float:
    """Share, 0..1, of the confidence in a face that its reading keeps at head angles (3,).

    A network that tells faces from other things is as certain of a face turned away, whose far side
    it guesses.
    """
    away = np.degrees(np.arccos(np.clip(rotation_matrix(*angles_deg)[2, 2], -1, 1)))
    return 1 - _GUESSED * float(_TURNED_AWAY_DEG.smooth(float(away)))


def _observation(
    crop: Similarity, points: NDArray[np.float32], controls: NDArray[np.float64], confidence: float
) -> FaceObservation:
    landmarks = crop.inverse().points(points).astype(np.float32)
    controls = controls.copy()
    controls[2] = _turned(controls[2] - crop.turn_deg)
    controls[3:] = np.clip(controls[3:], 0, 1)
    return FaceObservation(
        Box.around(landmarks[:MESH_POINTS]),
        landmarks,
        ControlVector.from_array(controls),
        confidence,
    )


def without_hidden_gaze(controls: NDArray[_Number]) -> NDArray[_Number]:
    """Controls (56,) in which a closed eye looks straight ahead.

    Its gaze fades from half closed on.
    """
    seen = controls.copy()
    low, high = LID_HIDES
    for side in "LR":
        shown = np.clip((high - controls[CHANNELS.index(f"eyeBlink_{side}")]) / (high - low), 0, 1)
        seen[_GAZE[side]] *= shown
    return seen


def _turned(roll_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same angle in -180..180 degrees."""
    return (roll_deg + 180) % 360 - 180
