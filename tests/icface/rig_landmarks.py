"""The face-mesh points of the rig that the shipped weights come from (ICT Face Model Light)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from icface.face.controls import EXPRESSIONS
from icface.face.landmarks import MESH_POINTS
from icface.training.rig.amended import Mesh


@cache
def landmark_mesh() -> Mesh:
    """The 468 points as a mesh, with the shapes that the rig file holds."""
    with np.load(Path(__file__).with_suffix(".npz")) as data:
        base, shapes = data["base"].astype(np.float32), data["expression"].astype(np.float32)
    assert shapes.shape == (len(EXPRESSIONS), MESH_POINTS, 3)
    return Mesh(
        base=base,
        shapes=shapes,
        skin=np.ones(MESH_POINTS, np.bool_),
        landmarks=np.arange(MESH_POINTS, dtype=np.int32),
    )
