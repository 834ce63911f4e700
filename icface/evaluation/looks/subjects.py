"""Photos to judge and their edited pictures, with the places that the measures look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from icface.arrays import F64, U8
from icface.evaluation.material import Item, Subject, state_for
from icface.face.controls import ControlVector
from icface.face.geometry import Similarity
from icface.face.observation import FaceTracker, NoFaceError
from icface.media import load_photo
from icface.model.face.pose import FacePrediction
from icface.model.networks.neutralizer import GRID
from icface.model.surface.crops import sample_crop
from icface.motion.reading.fitted import fitted_face
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor

LONGEST_PX = 1024
"""Longer sides of photos are reduced to this many pixels, so that figures compare."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Edited:
    """A photo after one edit.

    Attributes
    ----------
    subject : Subject
    edit : str
        A name in `icface.evaluation.looks.edits.EDITS`.
    controls : ControlVector
        The requested ones.
    prediction : FacePrediction
    lips : (20, 2) float64, or None
        The opening of the mouth, pixels of the photo; None where nothing was changed.
    picture : (H, W, 3) uint8
    """

    subject: Subject
    edit: str
    controls: ControlVector
    prediction: FacePrediction
    lips: F64 | None
    picture: U8


def read_photo(item: Item, predictor: FacePredictor, tracker: FaceTracker) -> Subject | None:
    """A photo of at most `LONGEST_PX` with its largest face; None if no face is found.

    Its controls are fitted to its landmarks, as the editor reads a photo.

    Raises
    ------
    PhotoError
        If the photo cannot be read.
    """
    image = reduced(load_photo(item.path).rgb8)
    faces = tracker.detect(image)
    if not faces:
        return None
    face = fitted_face(faces[0])
    try:
        return Subject(item.name, image, face, predictor.encode(image, face))
    except NoFaceError:
        return None


def reduced(image: U8) -> U8:
    """A picture whose longer side is at most `LONGEST_PX`."""
    share = LONGEST_PX / max(image.shape[:2])
    if share >= 1:
        return image
    size = (max(round(image.shape[1] * share), 1), max(round(image.shape[0] * share), 1))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def edited_pictures(
    predictor: FacePredictor, subject: Subject, edits: dict[str, dict[str, float]]
) -> Iterator[Edited]:
    """The photo after each edit, in their order; one without settings is the photo at rest."""
    for name, edit in edits.items():
        own = subject.face.controls
        yield edited(predictor, subject, name, state_for(own, edit) if edit else own)


def edited(
    predictor: FacePredictor, subject: Subject, name: str, controls: ControlVector
) -> Edited:
    """The photo with its face in another state."""
    encoding = subject.encoding
    prediction = predictor.predict(encoding, controls)
    posed = predictor.posed(encoding, controls)
    picture: U8 = composite(subject.image, encoding, prediction)
    back = encoding.crop_from_image.inverse()
    return Edited(
        subject=subject,
        edit=name,
        controls=controls,
        prediction=prediction,
        lips=None if posed is None else back.points(posed.lips),
        picture=picture,
    )


def face_view(picture: U8, crop_from_image: Similarity, side: int) -> U8:
    """(side, side, 3) the crop that the networks see, of any size."""
    scale = side / GRID
    larger = Similarity((scale, 0, (scale - 1) / 2, 0, scale, (scale - 1) / 2))
    return sample_crop(picture, larger @ crop_from_image, side)
