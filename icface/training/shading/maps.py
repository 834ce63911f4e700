"""Maps of light on the chart: how the rig's skin turns to the light under each channel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32
from icface.model.skin.chart import RADIUS_CM, SIDE_CM, chart_of, map_from_chart
from icface.model.skin.shading_maps import MAP_SIDE
from icface.training.rig.rig import SKIN, Rig, rasterise

_GAIN = 1.4
"""Ratio of light in real smiles over that of the turning normals, in logarithms."""
LIGHT_FROM = (0.38, 0.50)
"""Brightening by normals that turn up, and to the front: the mean of real smiles."""
_FINER = 4
"""Maps are drawn so many times as fine as they are stored."""
_BLUR_CM = 0.15
"""Blur of the maps: the rig's triangles are a few millimetres wide."""
_DEPTH = 20.0
"""Weight of the distance from the cylinder's axis in the depth buffer."""


@dataclass(frozen=True, slots=True, eq=False)
class _Chart:
    """The rig's skin on the chart: triangles of pixels, and weights of their corners."""

    faces: NDArray[np.int32]
    triangle: NDArray[np.int32]
    weights: F32

    def drawn(self, per_vertex: F32) -> F32:
        """(S, S, 1) values of vertices (V, 1), continued smoothly where there is no skin."""
        corners = self.faces[np.maximum(self.triangle, 0)]
        second, third = self.weights[..., :1], self.weights[..., 1:]
        values = (
            per_vertex[corners[..., 0]] * (1 - second - third)
            + per_vertex[corners[..., 1]] * second
            + per_vertex[corners[..., 2]] * third
        )
        seen = (self.triangle >= 0).astype(np.float32)[..., None]
        sigma = _BLUR_CM * self.triangle.shape[0] / SIDE_CM
        total = cv2.GaussianBlur(values * seen, (0, 0), sigma)[..., None]
        share = cv2.GaussianBlur(seen, (0, 0), sigma)[..., None]
        blurred: F32 = np.asarray(total / np.maximum(share, 0.1), np.float32)
        return blurred


def light_on(rig: Rig) -> F32:
    """(53, MAP_SIDE, MAP_SIDE) brightening of the mean face under each channel at full intensity.

    Logarithm of linear light; `LIGHT_FROM` weighs the change of the normals.
    """
    chart = _chart_of(rig)
    rest = _normals(rig.base, chart.faces)
    maps = np.empty((len(rig.shapes), MAP_SIDE, MAP_SIDE), np.float32)
    for channel, shape in enumerate(rig.shapes):
        turned = _normals(rig.base + shape, chart.faces) - rest
        fine = chart.drawn((turned @ np.array((0, *LIGHT_FROM), np.float32) * _GAIN)[:, None])
        maps[channel] = cv2.resize(fine, (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_AREA)
    return maps


def places_of_landmarks(rig: Rig) -> F32:
    """(468, 2) chart points of the rig's landmarks on the neutral face."""
    return chart_of(rig.base[rig.mesh]).astype(np.float32)


def _chart_of(rig: Rig) -> _Chart:
    """The outermost skin under each pixel of the chart."""
    side = MAP_SIDE * _FINER
    faces = np.ascontiguousarray(rig.faces[rig.part == SKIN])
    at = map_from_chart(side).points(chart_of(rig.base))
    out = np.hypot(rig.base[:, 0], rig.base[:, 2]) / RADIUS_CM * _DEPTH
    _, triangle, weights = rasterise(np.column_stack([at, out]).astype(np.float32), faces, side)
    return _Chart(faces, triangle, weights)


def _normals(vertices: F32, faces: NDArray[np.int32]) -> F32:
    """(V, 3) unit normals, outwards; 0 for vertices of no triangle."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    of_faces = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, faces[:, k], of_faces)
    unit: F32 = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return unit
