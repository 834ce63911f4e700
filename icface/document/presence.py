"""Presence of a face in a clip: how much of an edit shows in each frame.

Where tracking loses a face, its edits fade out before the gap and in after it, so that nothing
pops.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np

from icface.arrays import F64
from icface.face.ramps import smoothstep
from icface.motion.motion import Motion

FADE_FRAMES = 6
"""Frames over which the edits of a clip fade in or out where its face is found or lost."""


def presence(motion: Motion | None, frame: int) -> float:
    """The share 0..1 of an edit that shows in a frame of a clip.

    It falls towards frames without the face.

    A photo, which has no motion, has a presence of 1.
    """
    return 1.0 if motion is None else float(_presences(motion)[min(max(frame, 0), len(motion) - 1)])


@lru_cache(maxsize=32)
def _presences(motion: Motion) -> F64:
    """Smooth weights (N,): 0 where there is no face, 1 from `FADE_FRAMES` away on.

    Cuts are hard.
    """
    far = np.full(len(motion), FADE_FRAMES + 1.0)
    seen = motion.present
    for start, end in pairwise([0, *motion.cuts, len(motion)]):
        gone = np.flatnonzero(~seen[start:end]) + start
        if len(gone):
            frames = np.arange(start, end)
            place = np.searchsorted(gone, frames)
            before, after = (
                gone[np.clip(place - 1, 0, None)],
                gone[np.clip(place, None, len(gone) - 1)],
            )
            far[start:end] = np.minimum(np.abs(frames - before), np.abs(frames - after))
    share = np.clip(far / (FADE_FRAMES + 1), 0, 1)
    return smoothstep(share)
