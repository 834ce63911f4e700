"""Release of free memory back to the system, which does not happen by itself."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def give_back() -> None:
    """Return memory that the allocators keep, on the processor and, if it was used, on the GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # other C libraries do so by themselves, or cannot
            ctypes.CDLL(None).malloc_trim(0)
