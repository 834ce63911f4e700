"""What the shading of all faces has in common, on the chart: folds that turn to the light, creases.

Made by ``icface train shading`` from the rig; one file, ``shading.safetensors``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from icface.arrays import F32
from icface.face.controls import EXPRESSIONS
from icface.face.landmarks import MESH_POINTS
from icface.model.networks.weights import ModelFileError, load_model

KIND = "icface.shading"
MAP_SIDE = 96
"""Side of a map of light, pixels of the chart."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CreaseMap:
    """One crease, drawn on a rectangle of the chart.

    Attributes
    ----------
    picture : (H, W) float32
        Logarithm of the light at full strength.
    corner_cm : tuple of 2 float
        Chart point of the first pixel.
    usual_texture : float
        Contrast of skin there, the median of many people (`icface.model.skin.texture`).
    """

    picture: F32
    corner_cm: tuple[float, float]
    usual_texture: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ShadingMaps:
    """Shading of all faces.

    Attributes
    ----------
    light : (53, MAP_SIDE, MAP_SIDE) float32
        Brightening under each channel at full intensity, logarithm of linear light.
    places : (468, 2) float32
        Chart points of the landmarks.
    creases : dict of str to CreaseMap
    pixel_cm : float
        Side of a pixel of the creases.
    """

    light: F32
    places: F32
    creases: dict[str, CreaseMap]
    pixel_cm: float

    @classmethod
    def from_file(cls, path: Path) -> ShadingMaps:
        """The maps of a file.

        Raises
        ------
        ModelFileError
            When the file is missing, damaged or of another kind.
        """
        stored = load_model(path, kind=KIND)
        try:
            light = _shaped(stored.state["light"], (len(EXPRESSIONS), MAP_SIDE, MAP_SIDE))
            places = _shaped(stored.state["places"], (MESH_POINTS, 2))
            creases = {
                str(name): CreaseMap(
                    picture=_finite(stored.state[f"crease.{name}"]),
                    corner_cm=(float(left), float(top)),
                    usual_texture=float(texture),
                )
                for name, (left, top, texture) in stored.config["creases"].items()
            }
            pixel_cm = float(stored.config["pixel_cm"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelFileError(
                f"{path} holds other maps than this version knows ({error}). "
                "Reinstall ICface Studio."
            ) from error
        return cls(light=light, places=places, creases=creases, pixel_cm=pixel_cm)


def _shaped(tensor: Tensor, shape: tuple[int, ...]) -> F32:
    """The numbers of a tensor of this shape."""
    if tuple(tensor.shape) != shape:
        raise ValueError(f"{tuple(tensor.shape)} in place of {shape}")
    return _finite(tensor)


def _finite(tensor: Tensor) -> F32:
    """The numbers of a tensor, all finite."""
    array: F32 = tensor.numpy().astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError("numbers that are not finite")
    return array
