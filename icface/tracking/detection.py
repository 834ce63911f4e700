"""Proposals of faces: the detector over an image pyramid, upright or in quarter turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from icface.arrays import U8
from icface.face.geometry import Box, Similarity
from icface.model.networks.tracker_nets import (
    DETECTOR_STRIDE,
    READ_MARGIN,
    SIZE_UNIT,
    FaceDetectorNet,
)
from icface.tracking.reading import as_tensor, device_of

HEAT_LIMIT = 0.2
"""Least heat of a proposal, 0..1."""
SAME_PROPOSAL = 0.45
"""Overlap of two proposals, as intersection over union, from which on they are one."""
LYING_FINEST = 640
"""Longest side of the pictures in which lying faces are looked for, pixels: of a large photograph a
quarter of the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PyramidSides:
    """Longer sides of the pictures that the detector sees.

    Attributes
    ----------
    coarsest : int
        The smallest picture, pixels.
    finest_least, finest_usual : int
        Bounds of the finest picture, which is half the photograph's size, pixels.
    finest_most : int
        Largest finest picture, pixels.
    finest_share : float
        Share of a large photograph's longer side that the finest picture keeps at least.
    """

    coarsest: int = 112
    finest_least: int = 480
    finest_usual: int = 1280
    finest_most: int = 2048
    finest_share: float = 0.32


SIDES = PyramidSides()
_PAD = 16
"""Pixels repeated beyond each edge, so that faces at the edge are found."""
_BACK = tuple(
    torch.tensor(np.linalg.matrix_power(np.array([[0, 1], [-1, 0]]), turns), dtype=torch.float32)
    for turns in range(4)
)
"""Matrices by number of quarter turns: from points (N, 2) about the middle of the turned picture to
the picture that is not turned."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A face as the detector sees it: centre and extent, image pixels; tilt, degrees."""

    x: float
    y: float
    extent: float
    tilt_deg: float
    score: float

    @property
    def box(self) -> Box:
        """The upright square around the face."""
        half = self.extent / 2
        return Box(self.x - half, self.y - half, self.x + half, self.y + half)

    def crop(self, size: int) -> Similarity:
        """``crop_from_image`` for the landmark network."""
        side = self.extent * READ_MARGIN
        return Similarity.crop(
            centre=(self.x, self.y), side=side, roll_deg=self.tilt_deg, size=size
        )


@torch.inference_mode()
def propose(detector: FaceDetectorNet, image: U8, turns: int = 0) -> list[Proposal]:
    """The detector's proposals at every scale, unsorted, many of which are no faces.

    Parameters
    ----------
    image : (H, W, 3) uint8
    turns : int
        Look at the picture turned by so many times 90 degrees counter-clockwise; what is found
        is given as it lies in the picture that is not turned.
    """
    device = device_of(detector)
    found: list[Proposal] = []
    for upright, scale in _pyramid(image, most=LYING_FINEST if turns else SIDES.finest_most):
        picture = np.ascontiguousarray(np.rot90(upright, turns))
        maps = detector(as_tensor(picture[None], device))
        heat = torch.sigmoid(maps.heat)
        peak = (heat == torch.nn.functional.max_pool2d(heat[:, None], 3, 1, 1)[:, 0]) & (
            heat > HEAT_LIMIT
        )
        rows, columns = torch.nonzero(peak[0], as_tuple=True)
        at = torch.stack([columns, rows], 1) + maps.offset[0, :, rows, columns].T
        middle = torch.tensor([(n - 1) / 2 for n in picture.shape[1::-1]])
        looked = (
            (at.float().cpu() + 0.5) * DETECTOR_STRIDE - 0.5 - middle
        )  # from the middle, in the turned picture
        back = looked @ _BACK[turns] + torch.tensor([(n - 1) / 2 for n in upright.shape[1::-1]])
        centres = ((back + 0.5 - _PAD) / scale - 0.5).tolist()
        extents = (
            SIZE_UNIT * torch.exp(maps.log_size[0, rows, columns].clamp(-2, 2)) / scale
        ).tolist()
        cos, sin = maps.tilt[0, :, rows, columns]
        tilts, scores = (
            torch.rad2deg(torch.atan2(sin, cos)).tolist(),
            heat[0, rows, columns].tolist(),
        )
        for (x, y), extent, tilt, score in zip(centres, extents, tilts, scores, strict=True):
            found.append(Proposal(x, y, extent, tilt + 90 * turns, score))
    return found


def distinct(proposals: Sequence[Proposal]) -> list[Proposal]:
    """The best of each group of overlapping proposals, best first."""
    kept: list[Proposal] = []
    for proposal in sorted(proposals, key=lambda p: -p.score):
        if all(proposal.box.iou(other.box) < SAME_PROPOSAL for other in kept):
            kept.append(proposal)
    return kept


def _pyramid(image: U8, *, most: int = SIDES.finest_most) -> list[tuple[U8, float]]:
    """Reductions of an image by halves, padded for the detector, with their scales.

    None is longer than `most` pixels.

    The finest shows a 64 px face of a photograph up to 24 megapixels at some 20 px or more; the
    coarsest shows a face that fills the picture.
    """
    high, wide = image.shape[:2]
    longest = max(high, wide)
    side = min(
        float(longest), float(np.clip(0.5 * longest, SIDES.finest_least, SIDES.finest_usual))
    )
    side = min(max(side, SIDES.finest_share * longest), most)
    levels = []
    picture = image
    while True:
        scale = side / longest
        shape = (max(round(wide * scale), 1), max(round(high * scale), 1))
        if shape != picture.shape[1::-1]:
            picture = cv2.resize(picture, shape, interpolation=cv2.INTER_AREA).astype(
                np.uint8, copy=False
            )
        right, below = (_PAD + (-n) % DETECTOR_STRIDE for n in shape)
        padded = cv2.copyMakeBorder(picture, _PAD, below, _PAD, right, cv2.BORDER_REPLICATE)
        levels.append((padded.astype(np.uint8, copy=False), scale))
        if side <= SIDES.coarsest:
            return levels
        side /= 2
