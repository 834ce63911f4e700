"""Timecodes of Live Link Face: ``HH:MM:SS:FF.mmm``, with thousandths of a frame.

Convention
----------
How far ``FF`` counts is told from where it starts again with the second; where no second ends, it
is 60. Beyond 240 it is milliseconds. ``;`` before it marks drop-frame counting (29.97 and 59.94
frames a second). Thousandths that rise by one with each row number the rows, as some converters do,
and are no part of the time. A code that falls by more than half a day has passed midnight.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from icface.arrays import F64
from icface.motion.timecode import numbers_left_out

USUAL_BASE = 60
MILLISECONDS = 1000
"""The base of codes whose last part is milliseconds."""
_SMALLER_BASES = (24, 25, 30, 48, 50)
_GREATER_BASES = (60, 100, 120, 240)
_CODE = re.compile(r"\s*(\d{1,3}):([0-5]?\d):([0-5]?\d)([:;.])(\d{1,3}(?:\.\d*)?)\s*")
_DAY_S = 86_400.0


class TimecodeError(ValueError):
    """A text that is no timecode; `row` says which."""

    def __init__(self, row: int, text: str) -> None:
        super().__init__(text)
        self.row = row
        self.text = text


def seconds_of(codes: Sequence[str], base: int | None = None) -> tuple[F64, int, bool]:
    """Seconds (N,) of timecodes, NaN where there is none; the base, and whether it is drop-frame.

    Parameters
    ----------
    codes : sequence of str
        One for each row; empty where there is none.
    base : int, optional
        Frames a second that ``FF`` counts, or `MILLISECONDS`. By default it is told from the
        numbers.

    Raises
    ------
    TimecodeError
        For a text that is neither empty nor a timecode.
    """
    parts = np.full((len(codes), 4), np.nan)
    drops = False
    for row, code in enumerate(codes):
        match = _CODE.fullmatch(code)
        if match is None:
            if code:
                raise TimecodeError(row, code)
            continue
        parts[row] = [float(match[i]) for i in (1, 2, 3, 5)]
        drops |= match[4] == ";"
    hours, minutes, seconds, frames = parts.T
    whole = 60 * (60 * hours + minutes) + seconds
    if _numbers_rows(frames):
        frames = np.floor(frames)
    base = base or _base(whole, frames)
    if drops and base in {30, 60}:
        count = whole * base + frames - numbers_left_out(60 * hours + minutes, base)
        times = count * 1001 / (1000 * base)
    else:
        drops = False
        times = whole + frames / base
    return _past_midnight(times), base, drops


def code_of(seconds: float) -> str:
    """The timecode of a time, counted at 60 frames a second."""
    thousandths = round(seconds * USUAL_BASE * 1000)
    second, frame = divmod(thousandths, USUAL_BASE * 1000)
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return f"{clock}:{frame // 1000:02d}.{frame % 1000:03d}"


def _numbers_rows(frames: F64) -> bool:
    """Whether the thousandths rise by one from row to row, and so say which row it is."""
    known = frames[np.isfinite(frames)]
    steps = np.diff(np.round(known % 1 * 1000)) % 1000
    return len(steps) >= 2 and float(np.mean(steps == 1)) >= 0.95


def _base(whole: F64, frames: F64) -> int:
    known = np.isfinite(frames)
    counted = np.floor(frames[known])
    numbers = np.unique(counted)
    most = int(numbers[-1]) if len(numbers) else 0
    if most >= _GREATER_BASES[-1]:
        return MILLISECONDS
    found = _base_of_turns(whole[known], counted, most)
    if found is not None:
        return found
    if most >= USUAL_BASE:
        return next((base for base in _GREATER_BASES if base > most), most + 1)
    return next(
        (base for base in _SMALLER_BASES if most < base and len(numbers) >= 0.9 * base), USUAL_BASE
    )


def _base_of_turns(whole: F64, frames: F64, most: int) -> int | None:
    """The base that fits how the frame count restarts with each second.

    None if it fits under half.
    """
    seconds, steps = np.diff(whole) % _DAY_S, np.diff(frames)
    within = steps[(seconds == 0) & (steps > 0)]
    turns = -steps[seconds == 1]
    if not len(within) or not len(turns):
        return None
    least, largest = turns + np.percentile(within, 5), turns + np.percentile(within, 95)
    bases = (USUAL_BASE, *_SMALLER_BASES, *_GREATER_BASES, *range(2, _GREATER_BASES[-1] + 1))
    possible = [base for base in dict.fromkeys(bases) if base > most]
    explained = {base: float(np.mean((least <= base) & (base <= largest))) for base in possible}
    best = max(possible, key=lambda base: explained[base])
    return best if explained[best] >= 0.5 else None


def _past_midnight(times: F64) -> F64:
    known = np.flatnonzero(np.isfinite(times))
    days = (
        np.cumsum(np.concatenate([[0], np.diff(times[known]) < -_DAY_S / 2]))
        if len(known)
        else np.zeros(0)
    )
    lifted = times.copy()
    lifted[known] += days * _DAY_S
    return lifted
