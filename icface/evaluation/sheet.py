"""The contact sheet, by which networks are judged: people in rows, edits in columns."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.face.controls import action_units
from icface.face.geometry import Similarity
from icface.face.observation import FaceObservation
from icface.face.selectors import apply_deltas, expand_control
from icface.model.networks.neutralizer import GRID
from icface.model.surface.crops import sample_crop
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor

SHEET_EDITS: dict[str, dict[str, float]] = {
    "rest": {},
    "smile": {"AU12": 0.9, "AU6": 0.6},
    "wink": {"AU43L": 1.0},
    "eyes closed": {"AU43": 1.0},
    "brows up": {"AU1": 1.0, "AU2": 1.0},
    "frown": {"AU4": 1.0},
    "jaw drop": {"AU26": 1.0},
    "shout": {"AU27": 0.8},
    "pucker": {"AU18": 0.8},
    "look left": {"AU61": 0.9},
    "yaw 25": {"yaw": 25.0},
    "yaw -25": {"yaw": -25.0},
    "pitch 15": {"pitch": 15.0},
    "roll -15": {"roll": -15.0},
}


def contact_sheet(
    predictor: FacePredictor,
    pictures: Iterable[tuple[NDArray[np.uint8], FaceObservation]],
    *,
    side: int = 200,
) -> NDArray[np.uint8]:
    """(rows * side, columns * side, 3) contact sheet: a row for each person, a column an edit."""
    rows = []
    for image, face in pictures:
        encoding = predictor.encode(image, face)
        own = action_units(face.controls)
        row = []
        for edit in SHEET_EDITS.values():
            deltas = {
                i: v - own[i] * (i in edit)
                for name, v in edit.items()
                for i in expand_control(name)
            }
            edited = composite(
                image, encoding, predictor.predict(encoding, apply_deltas(face.controls, deltas))
            )
            row.append(_thumbnail(edited, encoding.crop_from_image, side))
        rows.append(np.hstack(row))
    return np.vstack(rows)


def png_of(picture: NDArray[np.uint8]) -> bytes:
    """A picture, (H, W, 3) RGB, as the bytes of a PNG file."""
    _, packed = cv2.imencode(".png", picture[:, :, ::-1])
    return packed.tobytes()


def _thumbnail(image: NDArray[np.uint8], grid: Similarity, side: int) -> NDArray[np.uint8]:
    scale = side / GRID
    return sample_crop(
        image, Similarity((scale, 0, (scale - 1) / 2, 0, scale, (scale - 1) / 2)) @ grid, side
    )
