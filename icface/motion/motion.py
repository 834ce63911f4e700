"""The motion of a face: a table of controls, one row for each frame of a clip.

Convention
----------
Rows are frames in the order in which they are shown, from 0. Seconds count from the clip's first
frame, so that row 0 is at 0. Columns are those of `icface.face.controls.CHANNELS`: degrees, then
0..1. A row in which no face was read is all NaN, and so are its landmarks.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.face.controls import CHANNEL_INDEX, CHANNELS, ControlVector
from icface.face.landmarks import N_LANDMARKS
from icface.face.observation import FaceObservation

MOST_FRAMES = 10_000_000
LEAST_RATE = Fraction(1, 1_000_000)
"""Frames a second: less than one in eleven days."""
MOST_RATE = Fraction(100_000)
"""Frames a second: more than any camera for faces."""
LONGEST_S = 100_000_000.0
"""Three years."""
MOST_CONTROL = 1000.0
"""Degrees or intensity, far beyond what any face shows; greater numbers are damage."""
_RATE = re.compile(r"\d{1,40}(\.\d{1,40}|/0*[1-9]\d{0,39})?")


class MotionError(ValueError):
    """Rows that cannot be a face's motion; the message names the row, the value and the remedy."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Motion:
    """The controls of one face, frame by frame. Compared and hashed by `digest`.

    Attributes
    ----------
    seconds : (N,) float64, read-only
        When each frame is shown; 0 first, strictly increasing.
    controls : (N, 56) float32, read-only
        Degrees and 0..1 in the order of `CHANNELS`; NaN where no face was read.
    confidence : (N,) float32, read-only
        0..1, that the reading can be trusted; 0 where no face was read.
    landmarks : (N, 478, 3) float32, read-only, or None
        MediaPipe face-mesh points with irises in pixels of the upright frame; NaN where no face was
        read. Only what a tracker reads in pictures has them.
    rate : Fraction
        Frames a second; of a variable rate, the mean.
    carried : frozenset of str
        Channels that were really read. The others are 0 and drive nothing.
    cuts : tuple of int
        First frames after a cut, rising.
    origin : str
        Who read it, for people: "built-in tracker", "OpenFace CSV".
    regressed : (N, 56) float32, read-only, or None
        What the tracker's network read, where `controls` were fitted to the landmarks
        (`icface.motion.reading`).
    rest : int or None
        The frame in which the face was taken to be at rest when `controls` were fitted.
    digest : str
        Stands for the content in comparisons.
    """

    seconds: F64 = field(repr=False)
    controls: NDArray[np.float32] = field(repr=False)
    confidence: NDArray[np.float32] = field(repr=False)
    landmarks: NDArray[np.float32] | None = field(default=None, repr=False)
    rate: Fraction
    carried: frozenset[str] = frozenset(CHANNELS)
    cuts: tuple[int, ...] = ()
    origin: str = ""
    regressed: NDArray[np.float32] | None = field(default=None, repr=False)
    rest: int | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.seconds)
        _check_shapes(self, count)
        _check_times(self.seconds, self.rate)
        _check_values(self)
        for name in ("seconds", "controls", "confidence"):
            object.__setattr__(
                self,
                name,
                sealed(getattr(self, name), np.float64 if name == "seconds" else np.float32),
            )
        for name in ("landmarks", "regressed"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, sealed(value, np.float32))
        object.__setattr__(self, "digest", _digest(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Motion) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __len__(self) -> int:
        return len(self.seconds)

    @classmethod
    def still(cls, controls: ControlVector, origin: str = "") -> Motion:
        """A motion of one frame: a photo's expression as a driver."""
        row = controls.array().astype(np.float32)[None]
        return cls(
            seconds=np.zeros(1),
            controls=row,
            confidence=np.ones(1, np.float32),
            rate=Fraction(25),
            origin=origin,
        )

    @classmethod
    def of_observations(
        cls,
        observations: Sequence[FaceObservation | None],
        seconds: Iterable[float],
        *,
        rate: Fraction,
        cuts: Iterable[int] = (),
        origin: str = "",
    ) -> Motion:
        """The motion of a tracker's readings of one face, with landmarks.

        None where it saw none.
        """
        count = len(observations)
        controls = np.full((count, len(CHANNELS)), np.nan, np.float32)
        landmarks = np.full((count, N_LANDMARKS, 3), np.nan, np.float32)
        confidence = np.zeros(count, np.float32)
        for row, seen in enumerate(observations):
            if seen is not None:
                controls[row], landmarks[row], confidence[row] = (
                    seen.controls.values,
                    seen.landmarks,
                    seen.confidence,
                )
        return cls(
            seconds=np.fromiter(seconds, np.float64),
            controls=controls,
            confidence=confidence,
            landmarks=landmarks,
            rate=rate,
            cuts=tuple(cuts),
            origin=origin,
        )

    @property
    def present(self) -> NDArray[np.bool_]:
        """(N,) whether a face was read in the frame."""
        found: NDArray[np.bool_] = ~np.isnan(self.controls[:, 0])
        return found

    @property
    def reading(self) -> str:
        """The kind of reading: "fitted" if controls were fitted to landmarks, else "regressed"."""
        return "regressed" if self.regressed is None else "fitted"

    @property
    def carries(self) -> NDArray[np.bool_]:
        """(56,) whether a channel was really read."""
        return _carries(self.carried)

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the end of the last one."""
        return float(self.seconds[-1] + 1 / self.rate)

    def vector(self, frame: int) -> ControlVector | None:
        """The state in a frame; None where no face was read. `IndexError` beyond the clip."""
        if not 0 <= frame < len(self):
            raise IndexError(f"Frame {frame} is not one of the {len(self)} counted from 0.")
        row = self.controls[frame]
        return None if np.isnan(row[0]) else ControlVector.from_array(row)


def rate_from(value: object) -> Fraction:
    """Frames a second of a text such as "25", "29.97" or "30000/1001", or of a number.

    Raises
    ------
    MotionError
        For all else, and for rates that no motion has; before anything is computed, which for
        "1e999999999" would take days.
    """
    if isinstance(value, str):
        sound = _RATE.fullmatch(value) is not None
    else:
        sound = (
            isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        )
    if not sound:
        raise MotionError(
            f"A rate is frames a second, such as 25, 29.97 or 30000/1001, not {value!r:.60}."
        )
    rate = Fraction(str(value))
    _check_rate(rate)
    return rate


@lru_cache(maxsize=64)
def _carries(carried: frozenset[str]) -> NDArray[np.bool_]:
    mask = np.array([name in carried for name in CHANNELS])
    mask.flags.writeable = False
    return mask


def _check_shapes(motion: Motion, count: int) -> None:
    if not 1 <= count <= MOST_FRAMES:
        raise MotionError(f"A motion has 1 to {MOST_FRAMES} frames, not {count}.")
    wanted: dict[str, tuple[int, ...]] = {
        "seconds": (count,),
        "controls": (count, len(CHANNELS)),
        "confidence": (count,),
        "landmarks": (count, N_LANDMARKS, 3),
        "regressed": (count, len(CHANNELS)),
    }
    for name, shape in wanted.items():
        value: NDArray[Any] | None = getattr(motion, name)
        if value is not None and value.shape != shape:
            raise MotionError(
                f"A motion of {count} frames has {name} of shape {shape}, not {value.shape}."
            )


def _check_rate(rate: Fraction) -> None:
    if not LEAST_RATE <= rate <= MOST_RATE:
        limits = f"{float(LEAST_RATE):g} to {float(MOST_RATE):g}"
        raise MotionError(
            f"A motion has a rate of {limits} frames a second, not {rate!s:.40}; say another rate."
        )


def _check_times(seconds: F64, rate: Fraction) -> None:
    _check_rate(rate)
    if not np.isfinite(seconds).all() or seconds[0] != 0:
        raise MotionError(f"The times of a motion are finite and begin at 0 s, not {seconds[0]:g}.")
    if seconds[-1] > LONGEST_S:
        raise MotionError(
            f"A motion ends {LONGEST_S:g} s after it begins at the latest, not at {seconds[-1]:g} "
            "s."
        )
    steps = np.flatnonzero(np.diff(seconds) <= 0)
    if len(steps):
        row = int(steps[0]) + 1
        raise MotionError(
            f"Frame {row} is shown at {seconds[row]:g} s, which is not after the frame before; "
            "sort the rows."
        )


def _check_values(motion: Motion) -> None:
    unknown = motion.carried - CHANNEL_INDEX.keys()
    if unknown:
        raise MotionError(
            f"Unknown channel {min(unknown)!r}; "
            "the channels are those of icface.face.controls.CHANNELS."
        )
    missing = np.isnan(motion.controls).sum(1)
    torn = np.flatnonzero((missing != 0) & (missing != len(CHANNELS)))
    if len(torn) or np.isinf(motion.controls).any():
        row = (
            int(torn[0]) if len(torn) else int(np.flatnonzero(np.isinf(motion.controls).any(1))[0])
        )
        raise MotionError(
            f"Frame {row} has a control that is not a finite number; "
            "leave all of the row out instead."
        )
    if (beyond := np.flatnonzero((np.abs(motion.controls) > MOST_CONTROL).any(1))).size:
        raise MotionError(
            f"Frame {beyond[0]} has a control beyond {MOST_CONTROL:g}; controls are degrees, and "
            "intensities from 0 to 1."
        )
    confidence = motion.confidence
    if not ((confidence >= 0) & (confidence <= 1)).all():
        row = int(np.flatnonzero(~((confidence >= 0) & (confidence <= 1)))[0])
        raise MotionError(f"Frame {row} has confidence {confidence[row]:g}; it is 0 to 1.")
    if motion.rest is not None and not 0 <= motion.rest < len(motion.seconds):
        raise MotionError(
            f"The frame at rest is one of 0 to {len(motion.seconds) - 1}, not {motion.rest}."
        )
    if list(motion.cuts) != sorted(set(motion.cuts)) or not all(
        0 < cut < len(motion.seconds) for cut in motion.cuts
    ):
        raise MotionError(
            f"Cuts are rising frames from 1 to {len(motion.seconds) - 1}, not {motion.cuts[:5]}."
        )


def sealed(array: NDArray[Any], dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """The array itself if nobody can write to it any more, else a read-only copy.

    A mapped file is safe only if it is one of `icface.system.scratch`, which nobody else can
    reach.
    """
    is_own = array.base is None or (isinstance(array, np.memmap) and array.filename is None)
    if array.dtype == dtype and not array.flags.writeable and is_own:
        return array
    own = np.array(array, dtype, order="C")
    own.flags.writeable = False
    return own


def _digest(motion: Motion) -> str:
    digest = hashlib.blake2b(digest_size=16)
    about = (motion.rate.as_integer_ratio(), sorted(motion.carried), motion.cuts, motion.origin)
    digest.update(repr(about).encode())
    if motion.rest is not None:
        digest.update(f"rest {motion.rest}".encode())
    for array in (
        motion.seconds,
        motion.controls,
        motion.confidence,
        motion.landmarks,
        motion.regressed,
    ):
        if array is not None:
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
