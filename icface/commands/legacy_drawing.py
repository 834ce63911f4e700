"""``icface render --legacy``: a photo's face drawn by the original ICface's own networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from icface.arrays import U8
from icface.media import Photo
from icface.media.provenance import GENERATED, Provenance
from icface.model.device import pick_device
from icface.model.networks.legacy import (
    DRIVER_NAMES,
    SIZE,
    LegacyIcface,
    crop_from_image,
    driving_vector,
    release_folder,
)
from icface.model.surface.crops import sample_crop

if TYPE_CHECKING:
    from icface.document import Face
    from icface.face.controls import ControlVector


class LegacyDrawing:
    """A checkpoint of the original ICface, which draws a face crop of 128 x 128 pixels.

    The pictures are the network's own: the crop is not pasted back into the photo, and nothing of
    the photo's description goes with it but its colour space.
    """

    needs_settings = False
    provenance: Provenance = GENERATED

    def __init__(self, networks: LegacyIcface) -> None:
        self._networks = networks

    @classmethod
    def load(cls, path: Path, device: str) -> LegacyDrawing:
        """The networks of a folder or of a checkpoint in it; `ModelFileError` if they are wrong."""
        return cls(LegacyIcface.load(release_folder(path), device=pick_device(device)))

    def planned(self, photo: Photo) -> Photo:
        """A picture of the size that will be saved, without the photo's description."""
        return self._picture(photo, np.zeros((SIZE, SIZE, 3), np.uint8))

    def draw(self, photo: Photo, face: Face, wanted: ControlVector) -> Photo:
        """The cropped face, made neutral and then animated to the wanted state."""
        crop = sample_crop(photo.rgb8, crop_from_image(face.landmarks), SIZE)
        neutral = self._networks.neutralize(crop)
        return self._picture(photo, self._networks.animate(neutral, driving_vector(wanted)))

    def report(self, wanted: ControlVector) -> dict[str, Any]:
        """The 20 numbers that drive the networks, by OpenFace's names."""
        numbers = driving_vector(wanted).tolist()
        named = zip(DRIVER_NAMES, numbers, strict=True)
        return {"legacy_drivers": {name: round(number, 4) for name, number in named}}

    @staticmethod
    def _picture(photo: Photo, pixels: U8) -> Photo:
        return Photo(pixels, photo.path, photo.digest, icc=photo.icc)
