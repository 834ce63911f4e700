"""The readings of py-feat's detectors, in this project's units.

Convention
----------
Theirs: a table with a row for each face, or one row of NaN where there is none. Head angles are
radians with signs of their own (see `icface.formats.rotations`), Action Units and blend shapes are
0..1. Detectorv2 has the 478 points of the mesh in ``mesh_x_0`` and so on, and calls ``x_0`` the 68
points of dlib; MPDetector has the 478 points in ``x_0``. Depth is in units of the crop that the
networks saw: 1 for its side in Detectorv2, 256 in MPDetector.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from icface.arrays import F64
from icface.face.action_units import channel_rows
from icface.face.controls import AU_BY_NUMBER, ControlVector
from icface.face.geometry import Box
from icface.face.landmarks import MESH_POINTS, N_LANDMARKS
from icface.face.observation import FaceObservation
from icface.formats.arkit_names import columns_of, fill
from icface.formats.rotations import angles_deg, of_fex, of_fex_mesh

Detector = Literal["Detectorv2", "MPDetector"]
Table = Mapping[str, F64]
"""Columns (N,) of a Fex by name, and all points as ``mesh`` (N, 478, 3)."""

_CROP_SIDE: dict[Detector, float] = {"Detectorv2": 1.0, "MPDetector": 256.0}


def wanted_columns(names: Iterable[str]) -> list[str]:
    """The columns of a Fex that are read, apart from the points."""
    names = tuple(names)
    plain = {"Pitch", "Roll", "Yaw", "FaceScore", "FaceRectWidth", "FaceRectHeight"}
    shapes = columns_of(names)
    return [name for name in names if name in plain or name in shapes or _unit(name) is not None]


def mesh_columns(detector: Detector) -> tuple[list[str], list[str], list[str]]:
    """Names of the columns of x, y and z of the 478 points."""
    stem = "mesh_" if detector == "Detectorv2" else ""
    x, y, z = ([f"{stem}{axis}_{n}" for n in range(N_LANDMARKS)] for axis in "xyz")
    return x, y, z


def observations(table: Table, detector: Detector) -> tuple[FaceObservation, ...]:
    """The faces of a picture, largest first."""
    mesh = np.asarray(table["mesh"], np.float64).reshape(-1, N_LANDMARKS, 3).copy()
    side = (table["FaceRectWidth"] + table["FaceRectHeight"]) / 2
    mesh[:, :, 2] *= (side / _CROP_SIDE[detector])[:, None]
    states, score = _controls(table, detector), np.nan_to_num(table["FaceScore"])
    found = []
    for points, state, confidence in zip(mesh, states, score, strict=True):
        flat = np.ptp(points[:MESH_POINTS, :2], axis=0).min() <= 0
        if confidence > 0 and np.isfinite(points).all() and np.isfinite(state).all() and not flat:
            box = Box.around(points[:MESH_POINTS])
            landmarks = points.astype(np.float32)
            found.append(
                FaceObservation(
                    box, landmarks, ControlVector.from_array(state), float(min(confidence, 1.0))
                )
            )
    return tuple(sorted(found, key=lambda face: -face.box.width * face.box.height))


def _controls(table: Table, detector: Detector) -> F64:
    """(N, 56) face states; NaN where there is no face."""
    pose = table["Pitch"], table["Roll"], table["Yaw"]
    shapes = {shape: np.clip(table[name], 0, 1) for name, shape in columns_of(tuple(table)).items()}
    if shapes and not all(np.isnan(weight).all() for weight in shapes.values()):
        states = np.zeros((len(pose[0]), len(ControlVector().values)))
        fill(states, shapes)
    else:  # older weights have no blend shapes
        states = channel_rows(
            {name: np.clip(table[name], 0, 1) for name in table if _unit(name) is not None}
        )
    turned = of_fex(*pose) if detector == "Detectorv2" else of_fex_mesh(*pose)
    states[:, :3] = angles_deg(turned)
    return states


def _unit(name: str) -> int | None:
    """The number of the Action Unit in a column, if this project has that unit."""
    number = int(name[2:]) if name.startswith("AU") and name[2:].isdecimal() else None
    return number if number in AU_BY_NUMBER or number == 45 else None
