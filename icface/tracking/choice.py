"""The trackers, by name."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from icface.face.observation import FaceTracker
from icface.jobs import Progress
from icface.tracking.builtin import BuiltinTracker
from icface.tracking.feat import FeatTracker

TRACKERS: dict[str, str] = {
    "builtin": "Built-in",
    "feat": "py-feat, Detectorv2",
    "feat-mp": "py-feat, MPDetector",
}
"""Names to names for people."""


def make_tracker(name: str, device: str = "cpu") -> BuiltinTracker | FeatTracker:
    """A tracker by one of the names of `TRACKERS`.

    Nothing is loaded before its first use or `begin`.

    Parameters
    ----------
    name : str
        One of `TRACKERS`.
    device : str
        Where its networks run, as torch names it.
    """
    if name == "builtin":
        return BuiltinTracker(device)
    if name in {"feat", "feat-mp"}:
        return FeatTracker("Detectorv2" if name == "feat" else "MPDetector", device=device)
    raise ValueError(f"Unknown tracker {name!r}; choose {', '.join(TRACKERS)}.")


def begin(tracker: FaceTracker) -> Generator[Progress, None, None]:
    """A job that makes a tracker ready, which may take many steps.

    Raises
    ------
    TrackerUnavailableError, ModelFileError
        If it cannot be used.
    """
    if isinstance(tracker, FeatTracker):
        yield from tracker.begin()
    elif isinstance(tracker, BuiltinTracker):
        yield Progress(0, 0, "reading the networks")
        tracker.load()


@contextmanager
def tracker_of(name: str, device: str = "cpu") -> Iterator[BuiltinTracker | FeatTracker]:
    """A tracker by name, closed at the end."""
    tracker = make_tracker(name, device)
    try:
        yield tracker
    finally:
        if isinstance(tracker, FeatTracker):
            tracker.close()
