"""Tracking a clip once, and again when the clip, the tracker or the method has changed."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.face.geometry import Box
from icface.media.clip import file_digest
from icface.motion.store import ReadingCache
from icface.tracking.clips import ClipTracking
from icface.tracking.remembered import reading_key, track_clip_once
from tests.faces import StandInTracker, observation_in
from tests.icface.media.videos import write_video


class Counting(StandInTracker):
    """Counts how often it is asked."""

    asked = 0

    def detect(self, image: NDArray[np.uint8]) -> Any:
        self.asked += 1
        return super().detect(image)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(
        tmp_path / "clip.mp4", [np.full((64, 96, 3), 90, np.uint8)] * 4, times_ms=[0, 40, 100, 120]
    )


def finish(job: Generator[Any, None, ClipTracking]) -> tuple[ClipTracking, int]:
    """The value of a job and the number of its steps."""
    steps = 0
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value, steps
        steps += 1


def test_the_second_time_nothing_is_read(tmp_path: Path, clip: Path) -> None:
    cache, tracker = ReadingCache(tmp_path / "cache"), Counting(observation_in(Box(10, 10, 50, 60)))
    first, steps = finish(track_clip_once(clip, tracker, cache=cache))
    asked = tracker.asked
    assert steps > 4
    assert asked > 0
    again, steps = finish(
        track_clip_once(clip.rename(tmp_path / "renamed.mp4"), tracker, cache=cache)
    )
    assert (tracker.asked, steps) == (asked, 1)
    assert again.motions == first.motions
    assert again.seconds.tolist() == first.seconds.tolist()
    facts = [(t.rate, t.size, t.cuts, t.every, t.tracker, t.notes) for t in (first, again)]
    assert facts[0] == facts[1]


def test_another_clip_tracker_or_rhythm_is_read_anew(tmp_path: Path, clip: Path) -> None:
    tracker = Counting()
    other = Counting()
    other.version = "2"
    keys = {
        reading_key("a", tracker),
        reading_key("b", tracker),
        reading_key("a", other),
        reading_key("a", tracker, every=2),
    }
    assert len(keys) == 4
    cache = ReadingCache(tmp_path / "cache")
    finish(track_clip_once(clip, tracker, cache=cache))
    (kept,) = cache.folder.iterdir()
    kept.write_bytes(kept.read_bytes()[:-40])
    before = tracker.asked
    finish(track_clip_once(clip, tracker, cache=cache))
    assert tracker.asked > before


def test_a_job_that_is_closed_keeps_nothing(tmp_path: Path, clip: Path) -> None:
    cache = ReadingCache(tmp_path / "cache")
    job = track_clip_once(clip, Counting(), cache=cache)
    for _ in range(3):
        next(job)
    job.close()
    assert not cache.folder.exists()


def test_what_was_kept_with_a_motion_of_another_length_is_read_anew(
    tmp_path: Path, clip: Path
) -> None:
    cache, tracker = ReadingCache(tmp_path / "cache"), Counting(observation_in(Box(10, 10, 50, 60)))
    first, _ = finish(track_clip_once(clip, tracker, cache=cache))
    key = reading_key(file_digest(clip), tracker)
    kept = cache.get(key)
    assert kept is not None
    cache.put(key, kept[0], {**kept[1], "seconds": kept[1]["seconds"][:-1]})
    again, steps = finish(track_clip_once(clip, tracker, cache=cache))
    assert steps > 4
    assert len(again) == len(first) == len(again.motions[0])


def test_what_was_kept_by_a_stranger_is_not_believed(tmp_path: Path, clip: Path) -> None:
    cache, tracker = ReadingCache(tmp_path / "cache"), Counting()
    finish(track_clip_once(clip, tracker, cache=cache))
    (kept,) = cache.folder.iterdir()
    cache.put(kept.stem, [], {"seconds": "never"})
    done, _ = finish(track_clip_once(clip, tracker, cache=cache))
    assert len(done) == 4
