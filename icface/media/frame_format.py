"""The kind of an export's frames, their times, and the result of writing them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.format import VideoFormat

from icface.arrays import Pixels
from icface.media.clip import ClipInfo
from icface.media.clip_reader import ClipReader
from icface.media.colour import BT709, FULL, HD_LINES, LIMITED, NOT_SAID, SMPTE170M, Colours
from icface.media.orientation import UPRIGHT, Orientation
from icface.media.presets import EncodeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """The kind of frames that will be written.

    Attributes
    ----------
    width, height : int
        Of a stored frame; of RGB pixels, as they are.
    form : str
        FFmpeg's name of the source's pixel format.
    colours : Colours
        What the source says of its colours.
    rate : Fraction
        Frames a second; of a variable rate, the mean.
    tick : Fraction
        Seconds of which all times are whole multiples.
    orientation : Orientation
        How frames are turned to stand upright; written files are upright.
    aspect : Fraction
        Width of a stored pixel over its height.
    """

    width: int
    height: int
    form: str = "yuv420p"
    colours: Colours = NOT_SAID
    rate: Fraction
    tick: Fraction
    orientation: Orientation = UPRIGHT
    aspect: Fraction = Fraction(1)

    @property
    def square_size(self) -> tuple[int, int]:
        """Width and height, upright, in square pixels."""
        return self.orientation.size(max(round(self.width * self.aspect), 1), self.height)

    def colours_in(self, form: str, *, full_range: bool = True) -> Colours:
        """The colours to declare when these frames are saved in a pixel format."""
        said = replace(self.colours, range=FULL) if self.form.startswith("yuvj") else self.colours
        if VideoFormat(self.form).is_rgb and not VideoFormat(form).is_rgb:
            return replace(
                said, matrix=BT709 if self.height >= HD_LINES else SMPTE170M, range=LIMITED
            )
        return said if full_range or said.range != FULL else replace(said, range=LIMITED)

    @classmethod
    def of_clip(cls, info: ClipInfo, reader: ClipReader) -> Pictures:
        """The frames of a clip, in its own format."""
        frame = reader.frame(0)
        return cls(
            width=frame.decoded.width,
            height=frame.decoded.height,
            form=info.pixel_format,
            colours=info.colours,
            rate=info.rate,
            tick=reader.index.time_base,
            orientation=frame.orientation,
            aspect=Fraction(frame.stretch).limit_denominator(1000),
        )

    @classmethod
    def of_pixels(cls, pixels: Pixels, rate: Fraction) -> Pictures:
        """The frames of a photo's RGB or RGBA pixels, at an even rate."""
        height, width, channels = pixels.shape
        deep, alpha = pixels.dtype == np.uint16, channels == 4
        form = (
            ("yuva444p10le" if alpha else "yuv444p10le")
            if deep
            else ("yuva420p" if alpha else "yuv420p")
        )
        matrix = BT709 if height >= HD_LINES else SMPTE170M
        said = Colours(BT709, BT709, matrix, LIMITED)
        return cls(width=width, height=height, form=form, colours=said, rate=rate, tick=1 / rate)


@dataclass(frozen=True, slots=True)
class Written:
    """The result of writing an export.

    Attributes
    ----------
    path : Path
        Where it is.
    frames : int
        How many there are.
    duration : Fraction
        Seconds from the first frame to the end of the last.
    sound : str
        "copied", "encoded" or "" for none.
    notes : tuple of str
        What the format could not hold, in plain words.
    """

    path: Path
    frames: int
    duration: Fraction
    sound: str = ""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Times:
    """The times of frames, in ticks; durations are kept until their packets have come."""

    tick: Fraction
    count: int = 0
    _first: int = 0
    _last: int = 0
    _lengths: dict[int, int] = field(default_factory=dict)

    def add(self, ticks: int) -> None:
        """Add the next time, or the end of the last frame; `EncodeError` if it is not later."""
        if self.count and ticks <= self._last:
            raise EncodeError(
                f"A frame at {float(ticks * self.tick):.4f} s comes after a later one; "
                "give frames in order."
            )
        if self.count:
            self._lengths[self._last] = ticks - self._last
        else:
            self._first = ticks
        self._last = ticks
        self.count += 1

    def length(self, ticks: int) -> int:
        """Duration of the frame at a time, in ticks; 0 where it is not known yet."""
        return self._lengths.get(ticks, 0)

    def duration(self, pts: int, time_base: Fraction) -> int:
        """Duration of a packet's frame, in its time base."""
        ticks = round(pts * time_base / self.tick)
        return round(self._lengths.pop(ticks, 0) * self.tick / time_base)

    @property
    def whole(self) -> Fraction:
        """Seconds from the first time to the last."""
        return (self._last - self._first) * self.tick
