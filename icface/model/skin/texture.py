"""Fine contrast of a photo's skin: how wrinkled it is, and where it is hair."""

from __future__ import annotations

import cv2
import numpy as np

from icface.arrays import F32, U8, AnyArray

FINEST_CM = 0.06
"""Details smaller than this are noise and pores."""
COARSEST_CM = 0.2
"""Details larger than this are shape and light."""
_DARK = 6.0
"""Added to brightness before its logarithm is taken, 0..255: noise of the dark is no texture."""
_NEAR_CM = 0.2
"""Reach of the mean about a place."""


def fine_contrast(picture: U8, pixels_per_cm: float) -> F32:
    """(H, W) contrast of wrinkles about each pixel, root mean square of log brightness."""
    grey: AnyArray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    value: AnyArray = cv2.log(grey.astype(np.float32) + _DARK)
    fine, coarse = (
        cv2.GaussianBlur(value, (0, 0), reach * pixels_per_cm) for reach in (FINEST_CM, COARSEST_CM)
    )
    band = np.subtract(fine, coarse)
    contrast: F32 = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), _NEAR_CM * pixels_per_cm))
    return contrast
