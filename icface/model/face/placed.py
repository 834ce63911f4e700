"""A posed face in another place of its picture: moved, nearer or farther.

All that a pose shows lies on the grid of its crop. A change of place carries that whole picture:
flows are followed by the flow of the head as it takes its new place, coverages are seen through it,
and drawings are laid where it puts the face. So the place changes nothing of how a face is posed,
lit or painted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, AnyArray
from icface.face.geometry import CROP_MARGIN, Similarity
from icface.face.place import Place
from icface.model.mouth.patch import Patch
from icface.model.networks.neutralizer import GRID
from icface.model.surface.backdrop import Backdrop
from icface.model.surface.head import CROP, PAD, Head
from icface.model.surface.layers import ColourLayer, Layer, Surroundings


@dataclass(frozen=True, slots=True, eq=False)
class Placing:
    """The way of one face from its own place to another.

    Attributes
    ----------
    moved : Similarity
        From a place in the head, on the grid, to where it goes.
    back : (WIDE, WIDE, 2) float32
        Backward flow of head, neck and shoulders; in the face that of `moved`.
    backdrop : Backdrop, or None
        The background that stays; without one it gives way.
    """

    moved: Similarity
    back: F32
    backdrop: Backdrop | None

    @classmethod
    def of(
        cls,
        head: Head,
        backdrop: Backdrop | None,
        moved: Similarity,
    ) -> Placing:
        """The way of a head by a map of its grid."""
        return cls(moved, head.shifted(moved), backdrop)

    def layers(self, layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        """The layers of a posed face in the new place; none for a face that changes nothing."""
        return tuple(self._layer(layer) for layer in layers)

    def patches(self, patches: tuple[Patch, ...]) -> tuple[Patch, ...]:
        """The drawings of a posed face in the new place."""
        there = self.moved.inverse()
        return tuple(replace(p, patch_from_grid=p.patch_from_grid @ there) for p in patches)

    def _layer(self, layer: Layer) -> Layer:
        back = self.back[CROP]
        if isinstance(layer, ColourLayer):
            return replace(layer, coverage=_through(layer.coverage, back))
        if layer.coverage is not None:
            return replace(
                layer,
                flow=_after(layer.flow, back, border=cv2.BORDER_REPLICATE),
                coverage=_through(layer.coverage, back),
                ramp_px=None if layer.ramp_px is None else layer.ramp_px * self.moved.scale,
            )
        known = layer.known
        if known is not None:
            known = _through(known.astype(np.float32), back) > 0.5
        if self.backdrop is None:
            return replace(layer, flow=_after(layer.flow, back), known=known)
        if layer.surroundings is None:
            around = np.pad(layer.flow, ((PAD, PAD), (PAD, PAD), (0, 0)))
        else:
            around = layer.surroundings.flow
        around = _after(around, self.back)
        return replace(
            layer,
            flow=around[CROP].copy(),
            known=known,
            surroundings=Surroundings(around, self.backdrop),
        )


def placing_in_grid(
    place: Place, crop_from_image: Similarity, pivot: NDArray[np.float64]
) -> Similarity:
    """The map of the grid that brings a head into a place; `pivot` (2,) stays but for the shift."""
    face_px = GRID / CROP_MARGIN
    upright = crop_from_image.matrix[:, :2] / crop_from_image.scale
    shift = upright @ (place.x, -place.y) * (face_px / 100)
    size = place.scale
    at = pivot * (1 - size) + shift
    return Similarity((size, 0.0, float(at[0]), 0.0, size, float(at[1])))


def _after(flow: F32, back: F32, *, border: int = cv2.BORDER_CONSTANT) -> F32:
    """One backward flow seen through another: a pixel goes `back`, and from there on by `flow`."""
    followed: F32 = back + _through(flow, back, border=border)
    followed[[0, -1]] = followed[:, [0, -1]] = 0
    return followed


def _through(field: AnyArray, back: F32, *, border: int = cv2.BORDER_CONSTANT) -> F32:
    """A field on the grid seen through a backward flow."""
    rows, columns = np.indices(back.shape[:2], np.float32)
    seen = cv2.remap(
        np.asarray(field, np.float32),
        columns + back[..., 0],
        rows + back[..., 1],
        cv2.INTER_LINEAR,
        borderMode=border,
    )
    return np.asarray(seen, np.float32)
