"""A job of `icface.training.clips.prepare` whose process dies of one clip."""

from __future__ import annotations

import os
from pathlib import Path

from icface.training.clips.prepare import Outcome


def work(path: Path) -> Outcome:
    """An outcome, or the end of the process."""
    if "deadly" in path.name:
        os._exit(1)
    return Outcome(path=path, status="prepared", frames=1, tracks=1)
