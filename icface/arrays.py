"""Array types by element type; shapes are given in each docstring."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]
Pixels = U8 | NDArray[np.uint16]
"""Picture values of 8 or 16 bits."""
AnyArray = NDArray[Any]
"""An array whose type is known when the program runs."""
