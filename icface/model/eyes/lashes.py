"""The line where closed lids meet: lashes of one face, drawn where its upper lids come down.

The skin that a blink unfolds is stretched from what the photo shows, which has no line where lids
meet. The line is drawn in the tone of the photo's own lashes, stronger the farther the eye is
closed, as a patch over the moved pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.face.geometry import Similarity
from icface.face.landmarks import EYES, UPPER_LID
from icface.face.ramps import Ramp, smoothstep
from icface.model.eyes.lid_curve import smooth_lid_curve
from icface.model.mouth.patch import Patch
from icface.model.surface.anchored import Anchored
from icface.model.surface.fine_crop import in_fine_crop

SIZE = 64
"""Side of the patch of one eye, pixels."""
_ROOM = 1.5
"""Side of that patch, in widths of the eye."""
_THICK_PX = 1
"""Thickness of the line, pixels of the patch."""
_BLUR_PX = 0.7
"""Blur of the line, pixels of the patch."""
_LINE_SHOWS = Ramp(0.4, 0.95)
"""How far an eye is closed, 0..1: how much of the line shows."""
_STRENGTH = 0.9
"""Greatest coverage by the line."""
_LEAST = 0.3
"""Least share by which the line is darker than the lid: where lids meet, no light gets in."""
_LID_ABOVE = 0.3
"""Height above the lid's edge at which its skin is sampled, in widths of the eye."""


@dataclass(frozen=True, slots=True, eq=False)
class Lashes:
    """The lashes of one eye's upper lid.

    Attributes
    ----------
    side : str
        ``L`` or ``R``, the subject's.
    edge : Anchored
        Nine points of the edge of the upper lid, from the outer corner to the inner.
    width : float
        Width of the eye, grid pixels.
    colour : (3,) float32
        Colour of the lashes less the lid's, in units of the range of values; darker by at least
        `_LEAST`.
    """

    side: str
    edge: Anchored
    width: float
    colour: NDArray[np.float32]

    def line(self, moved: F64) -> F64:
        """(24, 2) the lid's edge, grid pixels, when surface points have moved (N, 2 or 3)."""
        line: F64 = smooth_lid_curve(self.edge.at(moved))
        return line

    def drawn(self, line: F64, closed: float) -> Patch | None:
        """The line when the eye is closed this far, 0..1; None where there is none yet."""
        share = _LINE_SHOWS(closed)
        if share == 0:
            return None
        frame = Similarity.crop(
            centre=(line[:, 0].mean(), line[:, 1].mean()),
            side=_ROOM * self.width,
            roll_deg=0.0,
            size=SIZE,
        )
        points = np.round(frame.points(line) * 16).astype(np.int32)
        ink = np.zeros((SIZE, SIZE), np.uint8)
        cv2.polylines(
            ink,
            [points],
            isClosed=False,
            color=(255,),
            thickness=_THICK_PX,
            lineType=cv2.LINE_AA,
            shift=4,
        )
        mask = cv2.GaussianBlur(ink, (0, 0), _BLUR_PX).astype(np.float32) * (
            _STRENGTH * smoothstep(share) / 255
        )
        along = np.clip(
            (np.arange(SIZE) - frame.points(line)[:, 0].min())
            / max(float(np.ptp(frame.points(line)[:, 0])), 1),
            0,
            1,
        )
        mask *= np.sqrt(np.sin(np.pi * along)).astype(np.float32)
        mask[[0, -1]] = mask[:, [0, -1]] = 0
        return Patch(frame, np.broadcast_to(self.colour, (SIZE, SIZE, 3)), mask.astype(np.float32))


def lashes_of(
    source: F64, skin: NDArray[np.bool_], landmarks: F64, fine_crop: NDArray[np.uint8]
) -> tuple[Lashes, ...]:
    """The lashes of a face's eyes.

    Parameters
    ----------
    source : (N, 2)
        Surface points, grid pixels.
    skin : (N,) bool
        The points that are neither eyeball nor mouth.
    landmarks : (478, 2)
        Face-mesh points, grid pixels.
    fine_crop : (FINE_CROP_SIZE, FINE_CROP_SIZE, 3) uint8
        The crop's picture.
    """
    own = np.flatnonzero(skin)
    found = []
    for side, ring in EYES.items():
        edge = landmarks[list(ring), :2][UPPER_LID]
        width = float(np.linalg.norm(edge[-1] - edge[0]))
        if not len(own) or width < 3:
            continue
        along = smooth_lid_curve(edge)
        lash = np.concatenate(
            [_colours(fine_crop, along + np.array([0.0, down])) for down in (-1.0, -0.5, 0.0)]
        )
        dark = lash[np.argsort(lash.sum(1))[: len(lash) // 4]].mean(0)
        lid = np.median(_colours(fine_crop, along[4:-4] - (0, _LID_ABOVE * width)), axis=0)
        colour = np.minimum(dark - lid, -_LEAST * lid).astype(np.float32) / 255
        found.append(Lashes(side, Anchored.of(edge, source, own), width, colour))
    return tuple(found)


def _colours(fine_crop: NDArray[np.uint8], points: F64) -> F64:
    """(N, 3) colours of a picture, 0..255, at places (N, 2) on the grid."""
    at = np.clip(np.rint(in_fine_crop(points)), 0, len(fine_crop) - 1).astype(int)
    colours: F64 = fine_crop[at[:, 1], at[:, 0]].astype(np.float64)
    return colours
