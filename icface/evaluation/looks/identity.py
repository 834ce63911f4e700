"""Whether an edited face is still the same person, by dlib's face network.

The weights come with ``face_recognition_models``, the network with ``dlib-bin``, both optional
extras (CC0). Its descriptions of one person lie 0.22 apart (at most 0.32), of two people 0.84 (at
least 0.57).
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from icface.arrays import F64, U8
from icface.evaluation.looks.packages import package_file
from icface.evaluation.looks.subjects import Edited
from icface.face.geometry import Box

MOST = 0.35
"""Greatest distance of an edited face from its photo that is surely the same person."""
_PACKAGE = "face_recognition_models"
_NETWORK = "models/dlib_face_recognition_resnet_model_v1.dat"
_CORNERS = "models/shape_predictor_5_face_landmarks.dat"


class IdentityJudge:
    """The distance of each edited face from its photo, as the figure ``identity.distance``.

    Parameters
    ----------
    dlib : module
    network, corners : str
        Files of the face network, and of the finder of eye corners and nose.
    """

    def __init__(self, dlib: Any, network: str, corners: str) -> None:
        self._rectangle = dlib.rectangle
        self._network = dlib.face_recognition_model_v1(network)
        self._corners = dlib.shape_predictor(corners)
        self._seen: tuple[object, F64] | None = None

    @classmethod
    def installed(cls) -> IdentityJudge | None:
        """The judge; None if one of its packages is not installed."""
        network, corners = package_file(_PACKAGE, _NETWORK), package_file(_PACKAGE, _CORNERS)
        if network is None or corners is None or importlib.util.find_spec("dlib") is None:
            return None
        return cls(importlib.import_module("dlib"), str(network), str(corners))

    def figures(self, one: Edited) -> dict[str, dict[str, float]]:
        """The distance between the descriptions of the edited face and of the photo's."""
        box = one.subject.face.box
        if self._seen is None or self._seen[0] is not one.subject:
            self._seen = (one.subject, self.description(one.subject.image, box))
        apart = np.linalg.norm(self.description(one.picture, box) - self._seen[1])
        return {"identity": {"distance": float(apart)}}

    def description(self, picture: U8, box: Box) -> F64:
        """(128,) the description of the face in a box of a picture (H, W, 3), RGB."""
        where = self._rectangle(*(round(v) for v in (box.left, box.top, box.right, box.bottom)))
        corners = self._corners(picture, where)
        return np.array(self._network.compute_face_descriptor(picture, corners), np.float64)
