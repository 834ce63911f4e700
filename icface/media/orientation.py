"""The orientation of a stored picture: quarter turns and mirroring that make it upright.

Convention
----------
A stored picture is first transposed (if at all), then mirrored: ``upright =
transpose(stored)[::down, ::across]``. Boxes are (left, top, width, height) in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PixelBox = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways to hold a camera.

    Attributes
    ----------
    transposed : bool
        Whether rows and columns change places, which happens first.
    upside_down, mirrored : bool
        Whether rows, and columns, are then reversed.
    """

    transposed: bool = False
    upside_down: bool = False
    mirrored: bool = False

    @classmethod
    def of_matrix(cls, matrix: bytes | None) -> Orientation:
        """The orientation of a display matrix, to the nearest quarter turn; none means upright.

        See ISO/IEC 14496-12, 8.3.2.
        """
        if matrix is None or len(matrix) < 20:
            return cls()
        a, b, _, c, d = (
            int(v) for v in np.frombuffer(matrix, np.int32)[:5]
        )  # x' = a x + c y, y' = b x + d y
        if abs(a) + abs(d) < abs(b) + abs(c):
            return cls(True, b < 0, c < 0)
        return cls(False, d < 0, a < 0)

    @property
    def upright_already(self) -> bool:
        """Whether the stored picture is upright."""
        return self == UPRIGHT

    def upright(self, stored: NDArray[Any]) -> NDArray[Any]:
        """A view of a stored picture (H, W, ...), upright."""
        picture = stored.swapaxes(0, 1) if self.transposed else stored
        return picture[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1]

    def stored(self, upright: NDArray[Any]) -> NDArray[Any]:
        """A view of an upright picture (H, W, ...) as the file stores it."""
        picture = upright[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1]
        return picture.swapaxes(0, 1) if self.transposed else picture

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height after turning (the same in both directions)."""
        return (height, width) if self.transposed else (width, height)

    def stored_box(self, box: PixelBox, upright_size: tuple[int, int]) -> PixelBox:
        """A box of the upright picture of that (width, height), in the stored picture."""
        left, top, width, height = box
        if self.mirrored:
            left = upright_size[0] - left - width
        if self.upside_down:
            top = upright_size[1] - top - height
        return (top, left, height, width) if self.transposed else (left, top, width, height)


UPRIGHT = Orientation()
