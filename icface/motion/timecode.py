"""Timecode of frames: hours, minutes, seconds and frames, counted by SMPTE ST 12-1.

Convention
----------
A second counts the rate's nominal number of frames: 24 at 23.976, so that frame 86,400 is
01:00:00:00 though it is shown 3.6 seconds later than that. At 29.97 and its multiples the first
numbers of every minute but each tenth are left out, so that codes stay with the clock; such
drop-frame codes have a semicolon before the frames, and frame 17,982 is 00:10:00;00. No frame is
ever left out. At rates that are neither whole nor a thousandth below, such as 12.5 or the mean of a
variable rate, seconds are the clock's, and the frames that begin within each are counted.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_NEARLY = Fraction(1, 1000)
Number = TypeVar("Number", int, NDArray[np.float64])


def nominal_rate(rate: Fraction) -> int | None:
    """Frames that a second of timecode counts; None where seconds are the clock's."""
    if rate.denominator == 1:
        return int(rate)
    whole = round(rate * 1001 / 1000)
    return whole if whole >= 10 and abs(rate * 1001 / 1000 - whole) < _NEARLY else None


def drops_frames(rate: Fraction) -> bool:
    """Whether a rate is counted in drop-frame code, as 29.97 and 59.94 are."""
    nominal = nominal_rate(rate)
    return nominal is not None and rate.denominator != 1 and nominal % 30 == 0


def numbers_left_out(minutes: Number, nominal: int) -> Number:
    """The count of numbers that drop-frame code has skipped after so many minutes.

    Two of each 30 are skipped, except in each tenth minute.
    """
    return nominal // 15 * (minutes - minutes // 10)


def timecode(frame: int, rate: Fraction) -> str:
    """The timecode HH:MM:SS:FF of a frame, or HH:MM:SS;FF in drop-frame code; "-" if below 0."""
    sign, frame = ("-", -frame) if frame < 0 else ("", frame)
    nominal, drops = nominal_rate(rate), drops_frames(rate)
    if nominal is None:
        seconds = int(frame / rate)
        within = frame - _first_of(seconds, rate)
    else:
        seconds, within = divmod(_number(frame, nominal) if drops else frame, nominal)
    digits = max(len(str(_most(rate) - 1)), 2)
    mark = ";" if drops else ":"
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{sign}{clock}{mark}{within:0{digits}}"


def frame_of(seconds: int, frames: int, rate: Fraction) -> int:
    """The frame of a timecode, or the next one that has a code.

    Raises
    ------
    ValueError
        If a second has not so many frames.
    """
    if not 0 <= frames < _most(rate) or seconds < 0:
        raise ValueError(
            f"A second has frames 0 to {_most(rate) - 1} at {float(rate):g} a second, not {frames}."
        )
    nominal = nominal_rate(rate)
    if nominal is None:
        return _first_of(seconds, rate) + frames
    if not drops_frames(rate):
        return seconds * nominal + frames
    minutes, second = divmod(seconds, 60)
    if second == 0 and minutes % 10:
        frames = max(frames, nominal // 15)  # the numbers before are left out
    return seconds * nominal + frames - numbers_left_out(minutes, nominal)


def _most(rate: Fraction) -> int:
    """Frames in the longest second."""
    return nominal_rate(rate) or math.ceil(rate)


def _number(frame: int, nominal: int) -> int:
    """The drop-frame number of a frame."""
    left_out = nominal // 15
    in_ten = 600 * nominal - 9 * left_out
    tens, rest = divmod(frame, in_ten)
    after_first = max(rest - 60 * nominal, -1) // (60 * nominal - left_out) + 1
    return frame + left_out * (9 * tens + after_first)


def _first_of(seconds: int, rate: Fraction) -> int:
    """The first frame that begins at or after a whole second of the clock."""
    return math.ceil(seconds * rate)
