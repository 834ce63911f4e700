"""The waveform of a clip's sound, for a timeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count as counted
from pathlib import Path

import numpy as np

from icface.arrays import F32
from icface.media.sound import SoundReader

CHUNK_S = 10
"""Seconds of sound that are read at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """The waveform of a sound: its extremes in many short stretches, all channels together.

    Attributes
    ----------
    lows, highs : (N,) float32, read-only
        Least and greatest sample of each stretch, in -1..1.
    per_second : int
        Stretches in a second; the first begins at the clip's first picture.
    """

    lows: F32 = field(repr=False)
    highs: F32 = field(repr=False)
    per_second: int

    def __post_init__(self) -> None:
        self.lows.flags.writeable = self.highs.flags.writeable = False


def peaks(path: str | Path, *, per_second: int = 200) -> Peaks:
    """The waveform of a clip's sound; `SoundError` if there is none."""
    parts = list(peak_blocks(path, per_second=per_second))
    lows, highs = (
        np.concatenate([np.empty(0, np.float32), *(part[side] for part in parts)])
        for side in (0, 1)
    )
    return Peaks(lows, highs, per_second)


def peak_blocks(path: str | Path, *, per_second: int = 200) -> Iterator[tuple[F32, F32]]:
    """Lows and highs, ten seconds at a time, from the clip's first picture on.

    Between two yields progress can be shown and the work stopped.
    """
    with SoundReader(path) as reader:
        chunk = CHUNK_S * reader.rate
        starts = np.rint(np.arange(CHUNK_S * per_second) * (reader.rate / per_second)).astype(int)
        for first in counted(0, chunk):
            samples, end = reader.read_at(first, chunk), reader.ended_at
            if end is not None:
                samples = samples[: max(end - first, 0)]
            used = starts[starts < len(samples)] * reader.channels
            if len(used):  # channels interleave: a stretch of all of them is one stretch
                yield (
                    np.minimum.reduceat(samples.ravel(), used),
                    np.maximum.reduceat(samples.ravel(), used),
                )
            if end is not None:
                return
