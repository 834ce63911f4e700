"""A share that rises and falls without a corner at either end."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Share = TypeVar("Share", float, NDArray[np.float32], NDArray[np.float64])


def smoothstep(share: Share) -> Share:
    """Hermite's cubic 3 s² - 2 s³ of shares 0..1: 0 at 0, 1 at 1, level at both."""
    return share * share * (3 - 2 * share)
