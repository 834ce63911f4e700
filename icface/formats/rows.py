"""Conversion of a file's rows to a motion: sorted, timed, and clipped to plausible values.

Convention
----------
Rows are as the file has them, in any order and with gaps. Controls are degrees, then 0..1, in the
order of `CHANNELS`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.face.controls import ANGLES, CHANNELS
from icface.formats.errors import FormatError
from icface.motion.motion import Motion, MotionError

Key = TypeVar("Key", bound=Hashable)

ASSUMED_RATE = Fraction(30)
"""Frames a second where a file has no times and nobody says."""
_USUAL_RATES = (
    *(
        Fraction(n)
        for n in (1, 5, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 200, 240, 1000)
    ),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 60, 120)),
    Fraction(25, 2),
    Fraction(15000, 1001),
)
MOST_FACES = 256
_FASTEST_CAMERA = 240
_SAME_START = 0.25
"""By how much of a frame recordings appended to one another may differ in where they start to
count."""
_STAMP_ERROR_S = 6e-4
"""By how much times written with three decimals are off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Options of a person for a file: facts that the file does not contain.

    Attributes
    ----------
    rate : Fraction or None
        Frames a second; the file's own times are then put aside.
    units : str or None
        "degrees", "radians" or "half-turns", for angles.
    """

    rate: Fraction | None = None
    units: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The contents of a file of tracking data.

    Attributes
    ----------
    format : str
        Its name in `icface.formats.FORMATS`.
    faces : tuple of Motion
        One for each face, that with most frames read first.
    labels : tuple of str
        What the file calls each of them.
    notes : tuple of str
        For people: what was assumed, merged or lost.
    """

    format: str
    faces: tuple[Motion, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def motion(self) -> Motion:
        """The face with most frames read."""
        return self.faces[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One face's rows.

    Attributes
    ----------
    controls : (N, 56) float64
        NaN where a number is missing.
    missing : (N,) bool
        Whether the file says that no face was read.
    confidence : (N,) float64
        0..1; ones if the file does not say.
    frames, seconds : (N,) float64 or None
        When each row is shown, by number or by time.
    carried : frozenset of str
        Channels that the file has.
    label : str
        What the file calls the face.
    """

    controls: F64 = field(repr=False)
    missing: NDArray[np.bool_] = field(repr=False)
    confidence: F64 = field(repr=False)
    frames: F64 | None = field(default=None, repr=False)
    seconds: F64 | None = field(default=None, repr=False)
    carried: frozenset[str]
    label: str = ""

    def part(self, rows: NDArray[np.int64]) -> Rows:
        """These rows alone, in this order."""
        return replace(
            self,
            controls=self.controls[rows],
            missing=self.missing[rows],
            confidence=self.confidence[rows],
            frames=None if self.frames is None else self.frames[rows],
            seconds=None if self.seconds is None else self.seconds[rows],
        )


def loaded(
    path: Path,
    faces: Iterable[Rows],
    *,
    name: str,
    origin: str,
    notes: Iterable[str],
    options: ReadOptions,
) -> Loaded:
    """Motions of a file's faces, most frames first; `FormatError` if they cannot be motions."""
    said = list(notes)
    found: list[tuple[Motion, str]] = []
    several = list(faces)
    if len(several) > MOST_FACES:
        raise FormatError(
            f"{path} has {len(several)} faces, and at most {MOST_FACES} are read. "
            "Leave out those that are seen rarely."
        )
    for rows in several:
        motion, more = motion_of(path, rows, origin=origin, rate=options.rate)
        prefix = f"Face {rows.label}: " if len(several) > 1 else ""
        said += [prefix + note for note in more]
        found.append((motion, rows.label))
    found.sort(key=lambda face: -int(face[0].present.sum()))
    if len(found) > 1:
        counts = [(label, int(motion.present.sum())) for motion, label in found[:8]]
        shown = ", ".join(
            f"{label} ({count} {'frame' if count == 1 else 'frames'})" for label, count in counts
        )
        said.append(
            f"{len(found)} faces: {shown}. The first of these is taken where only one is wanted."
        )
    motions, labels = tuple(motion for motion, _ in found), tuple(label for _, label in found)
    return Loaded(format=name, faces=motions, labels=labels, notes=tuple(dict.fromkeys(said)))


def motion_of(
    path: Path, rows: Rows, *, origin: str, rate: Fraction | None
) -> tuple[Motion, list[str]]:
    """The motion of one face's rows, and notes on the repairs made."""
    notes: list[str] = []
    rows, seconds = _timed(path, rows, rate, notes)
    seconds = _following(seconds, notes)
    if rate is None and rows.seconds is not None and (start := float(seconds.min())) != 0:
        notes.append(f"The file counts from {start:g} s; the motion begins at 0 s.")
    rows, seconds = _in_order(path, rows, seconds, notes)
    controls = _plausible(rows, notes)
    gone = np.isnan(controls[:, 0])
    rate = rate if rate is not None and len(seconds) == 1 else rate_of(seconds)
    if rate > _FASTEST_CAMERA:
        notes.append(
            f"The times say {float(rate):g} frames a second. If that is not so, say the rate."
        )
    try:
        motion = Motion(
            seconds=seconds,
            controls=controls.astype(np.float32),
            confidence=np.where(
                gone, 0, np.clip(np.nan_to_num(rows.confidence, nan=1.0), 0, 1)
            ).astype(np.float32),
            rate=rate,
            carried=rows.carried,
            origin=origin,
        )
    except MotionError as error:
        raise FormatError(f"{path} cannot be a motion. {error}") from error
    if gone.all():
        notes.append("No row has a face that was read.")
    elif gone.any():
        notes.append(f"{int(gone.sum())} of {len(gone)} frames have no face.")
    return motion, notes


def rate_of(seconds: F64) -> Fraction:
    """The mean rate of rising times.

    The usual rate that they were rounded from, if there is one.
    """
    if len(seconds) < 2:
        return ASSUMED_RATE
    span = float(seconds[-1] - seconds[0])
    mean = (len(seconds) - 1) / span
    usual = min(_USUAL_RATES, key=lambda rate: abs(float(rate) / mean - 1))
    if abs(float(usual) / mean - 1) <= max(_STAMP_ERROR_S / span, 1e-6):
        return usual
    close = Fraction(mean).limit_denominator(1001)
    return close if close > 0 else Fraction(mean)


def _timed(path: Path, rows: Rows, rate: Fraction | None, notes: list[str]) -> tuple[Rows, F64]:
    """Times of the rows in seconds, from the file's own start; rows without a time are left out."""
    seconds, frames = (
        None if values is None or _one_value(values) else values
        for values in (rows.seconds, rows.frames)
    )
    if rate is None and seconds is not None:
        times = seconds
    else:
        if rate is None and len(rows.controls) > 1:
            notes.append(
                f"The file has no times: {ASSUMED_RATE} frames a second were assumed. "
                "Others are set by icface convert --rate."
            )
        counted = frames if frames is not None else np.arange(len(rows.controls), dtype=np.float64)
        times = counted / float(rate or ASSUMED_RATE)
    timed = np.flatnonzero(np.isfinite(times))
    if not len(timed):
        raise FormatError(
            f"{path}: no row has a time or a frame number. Say how many frames a second there are."
        )
    if len(timed) < len(times):
        notes.append(f"{len(times) - len(timed)} rows without a time were left out.")
    return rows.part(timed), times[timed]


def _following(times: F64, notes: list[str]) -> F64:
    """Times of appended recordings, each of which starts again, made to follow one another."""
    steps = np.diff(times)
    starts = np.flatnonzero(steps < 0) + 1
    if not len(starts) or not (steps > 0).any():
        return times
    step = float(np.median(steps[steps > 0]))
    parts = np.split(times, starts)
    if min(map(len, parts)) < 2 or any(
        abs(part[0] - times[0]) > step * _SAME_START for part in parts
    ):
        return times  # rows out of order, which are sorted
    longest = max(parts, key=len)
    if (
        longest[-1] > longest[0] and np.diff(longest).max() <= 1.5 * step
    ):  # even, so that the mean says it more closely than rounded times
        step = 1 / float(rate_of(longest))
    joined, shown = [parts[0]], parts[0][-1] - times[0]
    for part in parts[1:]:
        shown = step * round(
            shown / step + 1
        )  # whole frames, so that the rounding of times does not add up
        joined.append(part - part[0] + times[0] + shown)
        shown += part[-1] - part[0]
    notes.append(
        "The times start again "
        f"({len(starts)} {'time' if len(starts) == 1 else 'times'}): each recording in the file "
        "follows the one before."
    )
    return np.concatenate(joined)


def _one_value(values: F64) -> bool:
    """Whether all rows have the same value, such as 0 for a folder of pictures."""
    return len(values) > 1 and bool(
        np.nanmin(values, initial=np.inf) == np.nanmax(values, initial=-np.inf)
    )


def _in_order(path: Path, rows: Rows, times: F64, notes: list[str]) -> tuple[Rows, F64]:
    """Rows sorted by time, from 0 s on; of several at one time, one with a face."""
    if np.any(np.diff(times) < 0):
        notes.append("The rows were not in the order of time and have been sorted.")
    order = np.lexsort((rows.missing, times))
    sorted_times = times[order]
    kept = order[np.concatenate([[True], np.diff(sorted_times) > 0])]
    if len(kept) < len(order):
        notes.append(
            f"{len(order) - len(kept)} rows stand at the time of another and were left out."
        )
    seconds = times[kept]
    seconds = seconds - seconds[0]
    steps = np.diff(seconds)
    if np.any(steps <= 0):
        raise FormatError(f"{path}: times are too large to tell frames apart. Count from 0 s.")
    if len(steps) and steps.max() > 1.5 * np.median(steps):
        notes.append(
            "Some frames have no row; the others keep their times, and between them the motion is "
            "interpolated."
        )
    elif (
        rows.frames is not None
        and len(kept) > 1
        and (step := float(np.median(np.diff(rows.frames[kept])))) > 1
    ):
        notes.append(
            f"One frame in {step:g} was read; they keep their times, and between them the motion "
            "is interpolated."
        )
    return rows.part(kept), seconds


def _plausible(rows: Rows, notes: list[str]) -> F64:
    """Controls (N, 56) within a face's range; NaN in every row in which anything is missing."""
    torn = ~np.isfinite(rows.controls).all(1)
    holes = int((torn & ~rows.missing).sum())
    if holes:
        notes.append(
            f"{holes} rows have an empty cell or no finite number and count as frames without a "
            "face."
        )
    controls = rows.controls.copy()
    channels = controls[:, len(ANGLES) :]
    beyond = ((channels < -1e-6) | (channels > 1 + 1e-6)) & ~(torn | rows.missing)[:, None]
    if beyond.any():
        which = ", ".join(CHANNELS[len(ANGLES) + i] for i in np.flatnonzero(beyond.any(0))[:4])
        notes.append(
            f"{int(beyond.any(1).sum())} rows had channels outside of 0 to 1 and were clipped "
            f"({which})."
        )
    controls[:, len(ANGLES) :] = np.clip(channels, 0, 1)
    controls[torn | rows.missing] = np.nan
    return controls


def rows_by(keys: Sequence[Key]) -> dict[Key, NDArray[np.int64]]:
    """The rows of each key, in the order in which keys and rows appear."""
    found: dict[Key, list[int]] = {}
    for row, key in enumerate(keys):
        found.setdefault(key, []).append(row)
    return {key: np.array(rows, np.int64) for key, rows in found.items()}


def zeros(count: int) -> F64:
    """Face states (N, 56) at rest."""
    return np.zeros((count, len(CHANNELS)))
