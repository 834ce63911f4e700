"""The animator's movements of a face's landmarks, as a table to fit readings with.

The table is made from the shipped networks by ``icface train reading``: the neutralizer says where
each landmark lies on the canonical face, the animator how that place moves under each channel. It
is a file of numbers, so that what is light can fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from icface.arrays import F64
from icface.face.controls import EXPRESSIONS
from icface.face.landmarks import MESH_POINTS
from icface.system.digests import DigestError, read_listed

TABLE_FILE = "reading.safetensors"


class FaceBasisError(ValueError):
    """A table that is missing or damaged; the message says which file, and what helps."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceBasis:
    """A face's landmarks and how they move, in the head frame, centimetres.

    x points to the subject's left, y up, z to the front.

    Attributes
    ----------
    mean : (468, 3) float64
        Landmarks of the mean face at rest.
    channels : (53, 468, 3) float64
        Displacement under each channel at full intensity.
    identity : (I, 468, 3) float64
        Displacement for each standard deviation by which a person differs from the mean.
    """

    mean: F64
    channels: F64
    identity: F64

    @classmethod
    def from_file(cls, path: Path) -> FaceBasis:
        """The table of a file.

        Raises
        ------
        FaceBasisError
            If the file is missing, damaged, or holds something else.
        """
        try:
            arrays = load(read_listed(path)[0])
            mean, channels, identity = (
                arrays[name].astype(np.float64) for name in ("mean", "channels", "identity")
            )
        except DigestError as error:
            raise FaceBasisError(str(error)) from error
        except (OSError, SafetensorError, KeyError) as error:
            raise FaceBasisError(
                f"{path} is missing or damaged ({error}). Install the program again."
            ) from error
        points = (MESH_POINTS, 3)
        if (
            mean.shape != points
            or channels.shape != (len(EXPRESSIONS), *points)
            or identity.shape[1:] != points
        ):
            shapes = f"{mean.shape} and {channels.shape}"
            raise FaceBasisError(f"{path} holds a table of another program: shapes {shapes}.")
        return cls(mean, channels, identity)


@cache
def shipped_basis() -> FaceBasis:
    """The table that ships, read once."""
    return FaceBasis.from_file(
        Path(__file__).resolve().parents[3] / "resources" / "models" / TABLE_FILE
    )
