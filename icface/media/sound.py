"""Sound of a clip: any stretch of it as samples.

Convention
----------
Times count from the clip's first shown picture, as those of its frames do; of a file without
pictures, from its first sample. Samples are float32 in -1..1 of shape (N, channels). What the file
does not hold is silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from icface.media.clip_index import clip_index
from icface.media.joins import joins_of, packets_of, seek
from icface.media.video_file import BROKEN_OFF, VideoError, check_is_file, open_container

Samples = NDArray[np.float32]

_LEAD_S = Fraction(1, 4)  # decoders of AAC, MP3 and Opus need what was before
_JOIN_S = 0.005
_MOST_RATE = 768_000
_SPARE_S = Fraction(60)
"""Seconds by which sound may outlast its declared duration."""
_LEAST_BYTES_A_SECOND = 250
"""Least rate of sound: a damaged file may declare years."""


class SoundError(ValueError):
    """Sound that cannot be read or played.

    The message names the file or device, the fault and the remedy.
    """


def open_sound(path: Path, track: int = 0) -> tuple[InputContainer, AudioStream, Fraction]:
    """A file, one of its sound tracks, and the file's time that counts as 0; the caller closes it.

    Raises
    ------
    SoundError
        If the file is missing, cannot be read or holds no sound.
    """
    try:
        check_is_file(path)
        container = open_container(path)
    except VideoError as error:
        raise SoundError(str(error)) from None
    except (av.FFmpegError, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SoundError(
            f"{path} cannot be read ({why}): it is damaged or of another kind. "
            "Convert or copy it again."
        ) from error
    try:
        stream = _sound(path, container, track)
        return container, stream, _zero(path, container, stream)
    except BaseException:
        container.close()
        raise


def sound_tracks(path: Path) -> int:
    """Number of sound tracks in a file; `SoundError` if there is none."""
    container, _, _ = open_sound(path)
    with container:
        return len(_decodable(container))


def _decodable(container: InputContainer) -> list[AudioStream]:
    return [s for s in container.streams.audio if s.codec_context is not None]


def _sound(path: Path, container: InputContainer, track: int) -> AudioStream:
    streams = _decodable(container)
    if track >= len(streams):
        lacks = "no sound" if not streams else f"no track {track} of sound"
        raise SoundError(f"{path} holds {lacks}. Choose a file that does.")
    stream = streams[track]
    if not (0 < stream.rate <= _MOST_RATE and stream.channels > 0):
        raise SoundError(
            f"{path} holds sound of {stream.rate} samples a second: it is damaged. "
            "Copy or download it again."
        )
    for other in container.streams:
        if other.index != stream.index:
            other.discard = av.stream.Discard.all
    return stream


def _zero(path: Path, container: InputContainer, stream: AudioStream) -> Fraction:
    if container.streams.video:
        try:
            return clip_index(path).start
        except VideoError:
            pass  # a cover picture
    return (stream.start_time or 0) * Fraction(stream.time_base or 1)


class SoundReader:
    """The sound of a file at any place. Belongs to one thread; to be closed, or used in a ``with``.

    Parameters
    ----------
    path : str or Path
        A clip, or a file of sound.
    rate : int, optional
        Samples a second to give; the file's own by default.
    channels : int, optional
        1 or 2 channels to give; the file's own, at most 2, by default.
    layout : str, optional
        Arrangement of channels to give, such as "5.1", in the place of their number.
    track : int
        Which of the file's tracks of sound, from 0.

    Attributes
    ----------
    duration : Fraction
        Seconds from the clip's first picture to the end of the sound, as the file claims.
    ended_at : int or None
        Number of the sample after the last, once a read has come to it.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        rate: int | None = None,
        channels: int | None = None,
        layout: str = "",
        track: int = 0,
    ) -> None:
        self.path, self._track = Path(path), track
        self._container, self._stream, self._zero = open_sound(self.path, track)
        try:
            self.rate = rate or self._stream.rate
            self.channels = (
                AudioLayout(layout).nb_channels
                if layout
                else channels or min(self._stream.channels, 2)
            )
            self._layout = layout or ("mono" if self.channels == 1 else "stereo")
            self._joins = joins_of(self.path)
            self.duration = self._claimed_duration()
            longest = Fraction(
                max(self._container.size, 0), _LEAST_BYTES_A_SECOND
            )  # a damaged file may claim years
            self._furthest = _SPARE_S + (
                min(self.duration, longest) if self.duration > 0 else longest
            )
            self.ended_at: int | None = None
            self._blocks: Iterator[tuple[int, Samples]] = iter(())
            self._pending: tuple[int, Samples] | None = None
            self._held: Samples = np.empty((0, self.channels), np.float32)
            self._at = 0  # place of the first held sample
            self._reading = False
            self._waiting = 0.0  # samples that the resampler holds back
            self._grid = self._frame_grid()
        except BaseException:
            self._container.close()
            raise

    def _claimed_duration(self) -> Fraction:
        base = Fraction(self._stream.time_base or Fraction(1, self._stream.rate))
        if self._joins is not None:
            return self._joins.ends[self._stream.index] * base - self._zero
        claimed = self._stream.duration
        start = (self._stream.start_time or 0) * base
        whole = Fraction(self._container.duration or 0, av.time_base)
        return start + (claimed * base if claimed else whole) - self._zero

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._blocks = iter(())
        self._container.close()

    def read(self, start: float | Fraction, count: int) -> Samples:
        """(count, channels) samples from a time on.

        Silence stands before the sound, after it and where the file is damaged.
        """
        return self.read_at(round(Fraction(start) * self.rate), count)

    def read_at(self, first: int, count: int) -> Samples:
        """(count, channels) samples from a number on; sample 0 is at the clip's first picture."""
        if not (self._reading and 0 <= first - self._at <= len(self._held) + self.rate):
            self._reading = True
            self._blocks, self._held, self._at = self._from(first), self._held[:0], first
            self.ended_at, self._pending = None, None
        self._hold(first + count)
        out = np.zeros((count, self.channels), np.float32)
        have = self._held[first - self._at :][:count]
        out[: len(have)] = have
        self._held = self._held[first - self._at + len(have) :]
        self._at = first + len(have)
        return out

    def _hold(self, wanted: int) -> None:
        """Decode samples up to a place, or to the end.

        Gaps between blocks are silent, and no sample comes twice.
        """
        end, parts = self._at + len(self._held), [self._held]
        while end < wanted:
            self._pending = self._pending or next(self._blocks, None)
            if self._pending is None:
                self.ended_at = end if self.ended_at is None else self.ended_at
                break
            place, samples = self._pending
            if place > end:  # as far as it is wanted, since it may last for hours
                silence = min(place, wanted) - end
                parts.append(np.zeros((silence, self.channels), np.float32))
                end += silence
            if place < wanted:
                parts.append(samples[max(end - place, 0) :])
                end += len(parts[-1])
                self._pending = None
        self._held = np.concatenate(parts)

    def _from(self, first: int) -> Iterator[tuple[int, Samples]]:
        """Blocks from shortly before a sample on, each with its place, free of jitter."""
        base = Fraction(self._stream.time_base or Fraction(1, self._stream.rate))
        beginning = self._stream.start_time or 0
        wanted = int((Fraction(first, self.rate) + self._zero - _LEAD_S) / base)
        try:
            seek(self._container, self._stream, max(wanted, beginning), self._joins)
        except (
            av.FFmpegError
        ):  # of a kind of file in which nothing can be sought: all of it up to there is read
            self._container.close()
            self._container, self._stream, self._zero = open_sound(self.path, self._track)
        resampler = av.AudioResampler(format="flt", layout=self._layout, rate=self.rate)
        place: int | None = None
        kind: tuple[str, str, int] | None = None
        end = self._edit_end()
        for frame in self._frames():
            stamp, kind_before = self._place(frame), kind
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            jumps = (
                place is not None
                and stamp is not None
                and abs(stamp - place - self._waiting) > _JOIN_S * self.rate
            )
            if (
                place is None or jumps or kind != kind_before
            ):  # broadcasts go from stereo to mono and back
                follows = 0 if place is None else place + round(self._waiting)
                for samples in self._resampled(resampler, None) if place is not None else ():
                    yield cast("int", place), samples
                resampler = av.AudioResampler(format="flt", layout=self._layout, rate=self.rate)
                place = follows if stamp is None else stamp
                self._waiting = 0.0
            self._waiting += frame.samples * self.rate / frame.sample_rate
            for samples in self._resampled(resampler, frame):
                yield place, samples if end is None else samples[: max(end - place, 0)]
                place += len(samples)
                self._waiting -= len(samples)
            if end is not None and place >= end:
                return
        for samples in self._resampled(resampler, None) if place is not None else ():
            yield cast("int", place), samples
            place = cast("int", place) + len(samples)

    def _edit_end(self) -> int | None:
        """Number of the sample after the last that an edit list keeps; None without such a list."""
        if self._stream.duration is None or not self._container.format.name.startswith("mov"):
            return None
        last = ((self._stream.start_time or 0) + self._stream.duration) * Fraction(
            self._stream.time_base or 1
        )
        return round((last - self._zero) * self.rate)

    def _place(self, frame: AudioFrame) -> int | None:
        """Number of a frame's first sample; None without a stamp.

        Coarse stamps are put on the grid of frames.
        """
        if frame.pts is None or frame.time_base is None:
            return None
        base, seconds = Fraction(frame.time_base), frame.pts * Fraction(frame.time_base)
        if self._grid is not None:
            first, step = self._grid
            nearest = first + round((seconds - first) / step) * step
            if abs(nearest - seconds) <= base:
                seconds = nearest
        if abs(seconds - self._zero) > self._furthest:
            return None  # a damaged stamp
        return round((seconds - self._zero) * self.rate)

    def _frame_grid(self) -> tuple[Fraction, Fraction] | None:
        """Start of the second frame and length of frames, seconds; None for fine stamps."""
        base = Fraction(self._stream.time_base or 0)
        if base < Fraction(1, 8000):
            return None
        frames = list(islice(self._frames(), 4))
        if (
            len(frames) < 4
            or len({frame.samples for frame in frames[1:]}) > 1
            or frames[0].pts is None
        ):
            return None
        one = Fraction(1, frames[0].sample_rate)
        return frames[0].pts * base + frames[0].samples * one, frames[1].samples * one

    def _frames(self) -> Iterator[AudioFrame]:
        try:
            for packet in packets_of(self._container, self._stream, self._joins):
                try:
                    yield from cast("list[AudioFrame]", packet.decode())
                except av.FFmpegError:
                    continue  # a gap, which the next stamp shows
        except BROKEN_OFF:
            return

    def _resampled(
        self, resampler: av.AudioResampler, frame: AudioFrame | None
    ) -> Iterator[Samples]:
        try:
            made = resampler.resample(frame)
        except (av.FFmpegError, ValueError) as error:
            raise SoundError(
                f"{self.path} holds sound that cannot be converted ({error}). "
                "Convert it to MP4 first."
            ) from error
        for out in made:
            samples = out.to_ndarray().reshape(-1, self.channels)
            yield samples.astype(np.float32, copy=False)
