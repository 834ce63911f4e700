"""The softness and the grain of one photo, which a drawing in it must share.

A crisp drawing in a soft photo gives itself away, and so does a clean one in a grainy photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from icface.arrays import F32, F64, U8
from icface.face.geometry import Similarity
from icface.face.landmarks import EYE_CORNERS, OUTER_LIPS

_EYES_APART_CM = 8.9
"""Distance of the outer eye corners of a mean face."""
_FINEST = 24.0
"""Pixels per centimetre at which a photo is looked at; a coarser one in its own pixels."""
_ROOM = 0.35
"""Room around eyes and mouth, in distances of the outer eye corners."""
_STEEPEST = (98.5, 99.9)
"""Percentiles of gradients: from the first, and from half the second, on they count as edges."""
_CRISP_PX = 0.75
"""Blur of the edges of a drawing, and of a photo that is as crisp, pixels."""
_SOFTEST_PX = 4.0
"""Greatest blur of a drawing, pixels."""
_BLOCK = 8
"""Side of the blocks whose evenness shows the grain, pixels."""
_EVEN = 20
"""Percentile of these blocks, by their grain: most others have pores, stubble or edges."""
_MOST_GRAIN = 0.018
"""Greatest grain that is drawn."""
_GRAIN_PX = 0.6
"""Blur of drawn grain, pixels."""
_TILE = 128
"""Side of the tile of grain, pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Softness and grain of a photo.

    Attributes
    ----------
    blur_cm : float
        Blur that a crisp drawing lacks (the sigma of a Gaussian), centimetres of a mean face.
    grain : float
        Spread of the pixels about their blurred picture where skin is even, 0..1.
    """

    blur_cm: float = 0.0
    grain: float = 0.0

    def applied(self, picture: F32, per_cm: float, origin: F64) -> F32:
        """A drawing (H, W, 3) with this finish.

        Parameters
        ----------
        per_cm : float
            Its pixels per centimetre.
        origin : (2,)
            The point to which the grain is fixed, pixels.
        """
        blur = min(self.blur_cm * per_cm, _SOFTEST_PX)
        if blur > 0.3:
            picture = cv2.GaussianBlur(picture, (0, 0), blur).astype(np.float32, copy=False)
        if self.grain == 0:
            return picture
        high, wide = picture.shape[:2]
        x, y = (-np.rint(origin)).astype(int)
        rows, columns = np.arange(y, y + high) % _TILE, np.arange(x, x + wide) % _TILE
        noise = _grain()[np.ix_(rows, columns)][..., None]
        grained: F32 = picture + np.float32(self.grain) * noise
        return grained


NO_FINISH = Finish()


def finish_of(image: U8, landmarks: F64) -> Finish:
    """The finish of a photo (H, W, 3) around the face with these landmarks (478, 2 or 3)."""
    points = landmarks[:, :2]
    eyes = points[list(EYE_CORNERS)]
    apart = max(float(np.linalg.norm(np.diff(landmarks[list(EYE_CORNERS)], axis=0))), 1.0)
    per_cm = min(apart / _EYES_APART_CM, _FINEST)
    scale = per_cm * _EYES_APART_CM / apart
    outline = np.concatenate([eyes, points[list(OUTER_LIPS)]])
    low = outline.min(0) - _ROOM * apart
    size = np.ceil((np.ptp(outline, axis=0) + 2 * _ROOM * apart) * scale).astype(int)
    place = Similarity((scale, 0, -scale * float(low[0]), 0, scale, -scale * float(low[1])))
    near = cv2.warpAffine(
        image, place.matrix, (int(size[0]), int(size[1])), flags=cv2.INTER_AREA,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    grey = np.asarray(cv2.cvtColor(near, cv2.COLOR_RGB2GRAY) / 255, np.float32)
    softer = np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.0), np.float32)
    blur = np.sqrt(max(_edge_blur(grey, softer) ** 2 - _CRISP_PX**2, 0.0))
    grain = min(_evenest(np.asarray(grey - softer)), _MOST_GRAIN)
    return Finish(blur_cm=float(blur) / per_cm, grain=grain)


def _edge_blur(grey: F32, softer: F32) -> float:
    """Blur (sigma) of the edges of a picture, pixels, by how much a blur of 1 flattens them.

    The gradient of an edge of blur s falls by s / sqrt(s² + 1).
    """
    before, after = (_gradient(one) for one in (grey, softer))
    many, few = np.percentile(before, _STEEPEST)
    steep = before >= max(many, few / 2)
    left = float(np.median(after[steep] / np.maximum(before[steep], 1e-6)))
    left = min(left, 0.98)
    return left / float(np.sqrt(1 - left * left))


def _gradient(grey: F32) -> F32:
    """(H, W) length of a picture's gradient, central differences."""
    down, across = np.gradient(grey)
    return np.asarray(np.hypot(down, across), np.float32)


def _evenest(residual: F32) -> float:
    """Spread of a residual (H, W) in its even blocks."""
    high, wide = (side // _BLOCK * _BLOCK for side in residual.shape)
    if not high or not wide:
        return 0.0
    blocks = residual[:high, :wide].reshape(high // _BLOCK, _BLOCK, wide // _BLOCK, _BLOCK)
    return float(np.percentile(blocks.std(axis=(1, 3)), _EVEN))


@cache
def _grain() -> F32:
    """(_TILE, _TILE) grain that wraps around, of spread 1 about its blurred picture."""
    noise = np.random.default_rng(1).standard_normal((_TILE, _TILE)).astype(np.float32)
    room = 8
    wrapped = np.pad(noise, room, mode="wrap")
    soft = cv2.GaussianBlur(wrapped, (0, 0), _GRAIN_PX)
    residual = (soft - cv2.GaussianBlur(soft, (0, 0), 1.0))[room:-room, room:-room]
    return np.asarray(soft[room:-room, room:-room] / residual.std(), np.float32)
