"""Tracking a clip once: readings are kept by the digests of the clip and the tracker."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from icface.face.observation import FaceTracker
from icface.jobs import Progress
from icface.media.clip import file_digest
from icface.motion.motion import Motion
from icface.motion.store import ReadingCache
from icface.tracking.clips import ClipTracking, track_clip

METHOD = 2
"""Raised whenever faces are read, followed, cut or put together in another way by the same weights:
what was kept is not used any more then."""


def reading_key(digest: str, tracker: FaceTracker, *, every: int = 1) -> str:
    """A key of everything that decides the readings of a clip of that digest."""
    return ReadingCache.key(METHOD, digest, tracker.name, tracker.version, every)


def track_clip_once(
    path: str | Path, tracker: FaceTracker, *, every: int = 1, cache: ReadingCache | None = None
) -> Generator[Progress, None, ClipTracking]:
    """Job: `icface.tracking.clips.track_clip`, at once for a clip that was tracked before.

    Parameters
    ----------
    path, tracker, every
        As there.
    cache : ReadingCache, optional
        The user's by default.
    """
    cache = ReadingCache.of_user() if cache is None else cache
    yield Progress(0, 0, "looking at the file")
    key = reading_key(file_digest(path), tracker, every=every)
    kept = cache.get(key)
    if kept is not None and (found := _tracking(*kept)) is not None:
        return found
    done = yield from track_clip(path, tracker, every=every)
    cache.put(key, done.motions, _about(done))
    return done


def _about(done: ClipTracking) -> dict[str, Any]:
    return {
        "seconds": done.seconds.tolist(),
        "rate": str(done.rate),
        "size": list(done.size),
        "cuts": list(done.cuts),
        "every": done.every,
        "tracker": done.tracker,
        "notes": list(done.notes),
    }


def _tracking(motions: tuple[Motion, ...], about: Mapping[str, Any]) -> ClipTracking | None:
    """The cached tracking; None if it is not valid."""
    try:
        width, height = (int(n) for n in about["size"])
        seconds = np.array(about["seconds"], np.float64)
        if any(len(motion) != len(seconds) for motion in motions):
            return None
        return ClipTracking(
            motions=motions,
            seconds=seconds,
            rate=Fraction(about["rate"]),
            size=(width, height),
            cuts=tuple(int(cut) for cut in about["cuts"]),
            every=int(about["every"]),
            tracker=str(about["tracker"]),
            notes=tuple(str(note) for note in about["notes"]),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
