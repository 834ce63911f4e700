"""CPU cores that this process may use."""

from __future__ import annotations

import os
import sys


def cores() -> int:
    """Number of processor cores this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def pool_size(wanted: int, *, platform: str = sys.platform) -> int:
    """The number of pool processes for a requested number; Windows allows at most 61."""
    return min(wanted, 61) if platform == "win32" else wanted
