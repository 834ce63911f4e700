"""Smears: skin that is drawn out so far that hairs, shadows and grain turn into streaks."""

from __future__ import annotations

import numpy as np

from icface.arrays import F32
from icface.evaluation.looks.flow_steps import CROP_PX, visible_skin
from icface.model.face.pose import FacePrediction
from icface.model.networks.neutralizer import GRID

DRAWN_OUT = 2.5
"""Skin smears that is more than so many times as long as in the photo, where it is longest."""


def smeared_px(prediction: FacePrediction) -> int:
    """Number of pixels of smeared skin, of a crop of `CROP_PX` squared.

    Skin under an opening, an eye or an opaque drawing is not seen and does not count.
    """
    count = sum(
        int((seen & (stretch(flow) > DRAWN_OUT)).sum()) for flow, seen in visible_skin(prediction)
    )
    return round(count * (CROP_PX / GRID) ** 2)


def stretch(flow: F32) -> F32:
    """(H, W) how many times longer the picture is than its source, where it is stretched most.

    That is 1 over the smaller singular value of the Jacobian of ``x + flow(x)``, flow (H, W, 2) in
    pixels; at most 1000.
    """
    down, across = (np.asarray(np.gradient(flow, axis=axis), np.float32) for axis in (0, 1))
    a, b = 1 + across[..., 0], down[..., 0]
    c, d = across[..., 1], 1 + down[..., 1]
    area = np.abs(a * d - b * c)
    squares = a * a + b * b + c * c + d * d
    largest = np.sqrt((squares + np.sqrt(np.maximum(squares**2 - 4 * area**2, 0))) / 2)
    found: F32 = (largest / np.maximum(area, 1e-3 * largest)).astype(np.float32)
    return found
