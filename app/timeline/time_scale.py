"""Conversion of frames to pixels and to text; free of Qt.

Convention
----------
A frame is an integer at the project's rate. Its x is in logical pixels from the left edge of the
lanes; the first of two frames is on screen for the time between them. Timecode follows
`icface.motion.timecode`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from icface.document.project import MOST_RATE
from icface.motion.timecode import frame_of, nominal_rate, timecode

MIN_PX = 1e-4
"""Smallest zoom, pixels per frame."""
MAX_PX = 80.0
"""Largest zoom, pixels per frame."""
_TICK_PX = 10
"""Minimum distance of ticks, logical pixels."""
_LABEL_PX = 96
"""Minimum distance of labels, logical pixels."""


class TimeTextError(ValueError):
    """A typed time that cannot be read; the message says what can be typed."""


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Zoom and position in time.

    Attributes
    ----------
    start : float
        The frame at the left edge; may be fractional and a little below 0.
    px : float
        Pixels per frame.
    """

    start: float = 0.0
    px: float = 8.0

    def x(self, frame: float) -> float:
        """Pixels from the left edge."""
        return (frame - self.start) * self.px

    def xs(self, frames: NDArray[np.integer]) -> NDArray[np.float64]:
        """(N,) pixels from the left edge."""
        placed: NDArray[np.float64] = (frames.astype(np.float64) - self.start) * self.px
        return placed

    def frame(self, x: float) -> int:
        """The frame nearest to an x, 0 or above."""
        return max(round(self.start + x / self.px), 0)

    def exact(self, x: float) -> float:
        """The time at an x, in frames."""
        return self.start + x / self.px

    def visible(self, width: float) -> tuple[int, int]:
        """First and last frame visible in a view of this width."""
        return max(math.floor(self.start), 0), math.ceil(self.start + width / self.px)

    def zoomed(self, factor: float, about_x: float) -> TimeScale:
        """The scale zoomed in (factor above 1) or out about an x."""
        px = min(max(self.px * factor, MIN_PX), MAX_PX)
        return TimeScale(self.exact(about_x) - about_x / px, px)

    def panned(self, by_px: float) -> TimeScale:
        """The scale scrolled to the right by so many pixels."""
        return replace(self, start=self.start + by_px / self.px)

    def ends(self, count: int, width: float) -> tuple[float, float]:
        """Range of `start` that keeps frames 0 to `count` - 1 in view with a margin."""
        margin = MARGIN_PX / self.px
        return -margin, max(count - 1 + margin - width / self.px, -margin)

    def held(self, count: int, width: float) -> TimeScale:
        """The scale with `start` clamped to `ends`."""
        least, most = self.ends(count, width)
        return replace(self, start=min(max(self.start, least), most))

    @classmethod
    def fitted(cls, first: int, last: int, width: float) -> TimeScale:
        """The scale that fits frames first to last into a width, with margins."""
        px = min(max((width - 2 * MARGIN_PX) / max(last - first, 1), MIN_PX), MAX_PX)
        return cls(first - MARGIN_PX / px, px)

    def following(self, frame: int, width: float) -> TimeScale:
        """The scale itself if it shows a frame, else scrolled to that frame."""
        if MARGIN_PX / 2 <= self.x(frame) <= width - MARGIN_PX / 2:
            return self
        return replace(self, start=frame - MARGIN_PX / self.px)


MARGIN_PX = 24.0
"""Margin before the first and after the last frame, logical pixels."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of the ruler; ticks with a label are longer."""

    frame: int
    label: str = ""


def tick_steps(px: float, rate: Fraction) -> tuple[int, int]:
    """Frames between ticks and between labels, spaced for so many pixels per frame."""
    second = nominal_rate(rate) or max(round(rate), 1)
    nice = [step for step in (1, 2, 5, 10) if step < second]
    nice += [second * n for n in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)]
    longest = nice[-1]
    label = next(
        (step for step in nice if step * px >= _LABEL_PX),
        longest * max(math.ceil(_LABEL_PX / (px * longest)), 1),
    )
    fits = [step for step in nice if label % step == 0 and step * px >= _TICK_PX]
    return (fits[0] if fits else label), label


def ticks(scale: TimeScale, width: float, rate: Fraction) -> tuple[Tick, ...]:
    """Ticks of a ruler of this width, in order, with one on every whole second that is marked."""
    step, label = tick_steps(scale.px, rate)
    nominal = nominal_rate(rate) or max(round(rate), 1)
    first, last = scale.visible(width)
    first = max(first - math.ceil(_LABEL_PX / scale.px), 0)  # a label extends to the right
    every, labelled = max(step // nominal, 1), max(label // nominal, 1)
    second = int(first / (nominal_rate(rate) or rate))
    second -= second % labelled
    found: list[Tick] = []
    begins = frame_of(second, 0, rate)
    while begins <= last:
        following = frame_of(second + every, 0, rate)
        for within in range(0, following - begins, min(step, nominal)) if every == 1 else (0,):
            if within and following - begins - within < step:
                break  # a short second ends here, and the next one has a tick of its own
            frame = begins + within
            named = within % label == 0 and second % labelled == 0
            if first <= frame <= last:
                found.append(Tick(frame, timecode(frame, rate) if named else ""))
        second, begins = second + every, following
    return tuple(found)


def snapped(frame: int, targets: Iterable[int], within: float) -> int:
    """The nearest target within so many frames, else the frame; of two equal ones the earlier."""
    near = min(targets, key=lambda target: (abs(target - frame), target), default=None)
    return frame if near is None or abs(near - frame) > within else near


def rate_text(rate: Fraction) -> str:
    """Text of a frame rate, to two decimals: "25", "29.97"."""
    return f"{float(rate):.2f}".rstrip("0").rstrip(".")


def parse_rate(text: str) -> Fraction:
    """The frame rate in a typed text, such as 25, 23.976 (the NTSC rate) or 30000/1001.

    Raises
    ------
    TimeTextError
        For any other text, and outside 1 to 1000 frames a second.
    """
    cleaned = text.strip().removesuffix("fps").strip().replace(",", ".")
    found = re.fullmatch(r"\d{1,4}(\.\d{1,6})?|\d{1,7}/[1-9]\d{0,5}", cleaned)
    rate = Fraction(cleaned) if found else Fraction(0)
    if not 1 <= rate <= MOST_RATE:
        raise TimeTextError(
            f"{text.strip()} is not a frame rate. "
            f"Type 1 to {MOST_RATE} frames a second, such as 25, 29.97 or 30000/1001."
        )
    whole = math.ceil(rate)
    ntsc = Fraction(whole * 1000, 1001)
    return ntsc if "." in cleaned and abs(rate - ntsc) < Fraction(1, 100) else rate


_EXAMPLES = (
    "Type a frame (120), a timecode (00:00:04:20), seconds (4.8s), or a step (+20, -5, +1:00)."
)


def parse_time(text: str, rate: Fraction, present: int) -> int:
    """The frame in a typed text, 0 or above.

    Parameters
    ----------
    text : str
        A frame number, a timecode of two to four parts ending in frames, seconds such as ``1.5s``;
        with a sign, a step from the current frame. At 29.97 and 59.94 a timecode is
        drop-frame code, with semicolons or colons.
    rate : Fraction
        Frames a second.
    present : int
        Current frame, where steps begin.

    Raises
    ------
    TimeTextError
        For any other text, and for impossible times.
    """
    cleaned = text.strip().replace("\u2212", "-").replace(",", ".")
    match = re.fullmatch(
        r"([+-]?)\s*(?:(\d{1,9})|(\d{1,6}(?:\.\d{0,9})?|\.\d{1,9})\s*s|(\d{1,6}(?:[:;]\d{1,6}){1,3}))",
        cleaned,
    )
    if match is None:
        raise TimeTextError(f"{text.strip() or 'Nothing'} is not a time. {_EXAMPLES}")
    sign, frames, seconds, code = match.groups()
    if frames is not None:
        amount = int(frames)
    elif seconds is not None:
        amount = round(Fraction(seconds) * rate)
    else:
        amount = _of_timecode(re.split("[:;]", code), rate)
    if sign:
        return max(present + (amount if sign == "+" else -amount), 0)
    return amount


def _of_timecode(parts: list[str], rate: Fraction) -> int:
    numbers = [0] * (4 - len(parts)) + [int(part) for part in parts]
    hours, minutes, seconds, frames = numbers
    wrong = f"{':'.join(parts)} is not a timecode at {float(rate):g} frames a second. {_EXAMPLES}"
    if (len(parts) > 2 and seconds > 59) or (len(parts) > 3 and minutes > 59):
        raise TimeTextError(wrong)
    try:
        return frame_of(hours * 3600 + minutes * 60 + seconds, frames, rate)
    except ValueError:
        raise TimeTextError(wrong) from None
