"""The times of a clip's frames and the places where decoding can begin, from its packets.

Convention
----------
Ticks count a stream's own time base. Frames are counted in the order in which they are shown. What
an edit list hides is not counted. A file whose packets do not tell (no stamps, doubled stamps,
packets that show nothing) is decoded once instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from icface.media.picture_stream import PictureStream
from icface.media.video_file import Clock, VideoError, open_video

MOST_FRAMES = 10_000_000
_TRIED = 6
_SIZES_TRIED = 32
"""Key frames, spread over the clip, whose size is looked at."""
_SILENT_PACKETS = frozenset(
    {"vp8", "mpeg4", "msmpeg4v3"}
)  # some of their packets show nothing, or two frames
_GUESSED_STAMPS = frozenset(
    {"mpeg"}
)  # a program stream stamps some frames only; FFmpeg guesses others after a seek


@dataclass(frozen=True, slots=True, eq=False)
class ClipIndex:
    """The frames of a clip.

    Attributes
    ----------
    ticks : (N,) int64, read-only
        When each frame is shown, on the file's own clock; strictly increasing.
    time_base : Fraction
        Seconds in a tick.
    last_ticks : int
        How long the last frame is shown.
    stamps : (N,) int64, read-only, or None
        The stamp by which each frame is known when it is decoded; None where frames can only be
        told by counting.
    keys : (K, 2) int64, read-only
        Stamp of presentation and of decoding of each frame that needs no other, by rising stamp of
        presentation.
    rate : Fraction
        Frames a second; of a variable rate, the mean.
    variable : bool
        Whether the distances of frames differ by more than rounding.
    sizes : tuple of (int, int)
        Width and height of stored frames, in the order in which they were met; more than one where
        frames change size.
    """

    ticks: NDArray[np.int64] = field(repr=False)
    time_base: Fraction
    last_ticks: int
    stamps: NDArray[np.int64] | None = field(repr=False)
    keys: NDArray[np.int64] = field(repr=False)
    rate: Fraction
    variable: bool
    sizes: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame to the end of the last."""
        return (int(self.ticks[-1] - self.ticks[0]) + self.last_ticks) * self.time_base

    @property
    def start(self) -> Fraction:
        """Time of the first frame on the file's own clock, in seconds."""
        return int(self.ticks[0]) * self.time_base

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(N,) when each frame is shown, from the first on."""
        step = self.time_base
        return np.asarray(
            (self.ticks - self.ticks[0]) * step.numerator / step.denominator, np.float64
        )

    def time(self, frame: int) -> Fraction:
        """Exact time of a frame, in seconds from the first frame."""
        return int(self.ticks[frame] - self.ticks[0]) * self.time_base

    def at(self, seconds: float | Fraction) -> int:
        """The frame shown at a time; the first or last beyond the ends.

        Times count from the first frame on.
        """
        tick = int(Fraction(seconds) / self.time_base // 1) + int(self.ticks[0])
        return max(int(np.searchsorted(self.ticks, tick, side="right")) - 1, 0)


def clip_index(path: Path) -> ClipIndex:
    """The index of a clip; kept for the files that were asked for last, until they change.

    Raises
    ------
    VideoError
        If the file is missing, no video, damaged from its beginning or without a single frame.
    """
    container, _ = open_video(path)
    container.close()
    status = path.stat()
    return _kept_index(path.resolve(), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=32)
def _kept_index(path: Path, _changed_ns: int, _size: int) -> ClipIndex:
    return _from_packets(path) or _from_frames(path)


@dataclass(slots=True)
class _Seen:
    """The packets that have been read so far."""

    shown: list[int] = field(default_factory=list)
    keys: list[tuple[int, int]] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    doubtful: bool = False

    def note(self, packet: Packet[VideoStream]) -> None:
        if packet.size == 0:
            return
        if packet.pts is None:
            self.doubtful = True
            return
        if packet.is_keyframe:
            self.keys.append((packet.pts, packet.pts if packet.dts is None else packet.dts))
        if not packet.is_discard:
            self.shown.append(packet.pts)
            self.durations.append(packet.duration or 0)


@dataclass(slots=True)
class _Sizes:
    """Sizes of frames, looked at in some of the key frames while all packets pass."""

    pictures: PictureStream
    step: float
    found: dict[tuple[int, int], None] = field(default_factory=dict)
    _next: float = -np.inf

    @classmethod
    def of(cls, pictures: PictureStream) -> _Sizes:
        """The packets of a stream, read from its beginning."""
        return cls(pictures, (pictures.container.duration or 0) / av.time_base / _SIZES_TRIED)

    def note(self, packet: Packet[VideoStream]) -> None:
        """Check a packet if it is a key frame far enough behind the last one checked."""
        seconds = float((packet.dts or packet.pts or 0) * (packet.time_base or 0))
        if not packet.size or not packet.is_keyframe or seconds < self._next:
            return
        self._next = seconds + self.step
        self.found.update(dict.fromkeys((f.width, f.height) for f in self.pictures.alone(packet)))


def _from_packets(path: Path) -> ClipIndex | None:
    """The index, or None where packets do not tell."""
    with PictureStream(path) as pictures:
        stream, container = pictures.stream, pictures.container
        if stream.codec_context.name in _SILENT_PACKETS or container.format.name in _GUESSED_STAMPS:
            return None
        seen, sizes = _Seen(), _Sizes.of(pictures)
        for packet in islice(pictures.packets(), MOST_FRAMES):
            seen.note(packet)
            if seen.doubtful:
                return None
            sizes.note(packet)
        stamps = np.sort(np.array(seen.shown, np.int64))
        if not len(stamps) or not seen.keys or (np.diff(stamps) == 0).any():
            return None
        try:
            pictures.seek(min(int(stamps[0]), *(dts for _, dts in seen.keys)))
        except av.FFmpegError:  # of a kind of file in which nothing can be sought
            return None
        if _first_frames(pictures) != stamps[:_TRIED].tolist():
            return None
        last = seen.durations[int(np.argmax(seen.shown))]
        return _index(stream, stamps, last, stamps, seen.keys, tuple(sizes.found))


def _first_frames(pictures: PictureStream) -> list[int | None]:
    frames: list[int | None] = []
    for packet in pictures.packets():
        try:
            frames += [frame.pts for frame in pictures.decode(packet)]
        except av.FFmpegError:
            return []
        if len(frames) >= _TRIED:
            break
    return frames[:_TRIED]


def _from_frames(path: Path) -> ClipIndex:
    with PictureStream(path) as pictures:
        stream, sizes = pictures.stream, dict[tuple[int, int], None]()
        clock, ticks, stamps, seen = Clock(stream), [], [], _Seen()
        assert stream.time_base is not None  # every opened stream has one
        base, last = Fraction(stream.time_base), 0
        for packet in pictures.packets():
            seen.note(packet)
            for frame in pictures.frames_of(packet):
                ticks.append(round(clock.time(frame) / base))
                stamps.append(frame.pts)
                sizes[frame.width, frame.height] = None
                last = frame.duration
        if not ticks:
            raise VideoError(
                f"{path} holds no frame that can be decoded: it is damaged or cut short. "
                "Copy or download it again."
            )
        # Frames come in the order of showing; where stamps do not, such as in AVI, they are mixed.
        ticks.sort()
        for at in range(1, len(ticks)):
            ticks[at] = max(ticks[at], ticks[at - 1] + 1)
        guessed = pictures.container.format.name in _GUESSED_STAMPS
        told = not seen.doubtful and bool(seen.keys) and None not in stamps and not guessed
        told = told and all(b > a for a, b in pairwise(stamps))  # type: ignore[operator]
        known = np.array(stamps, np.int64) if told else None
        return _index(stream, np.array(ticks, np.int64), last, known, seen.keys, tuple(sizes))


def _index(
    stream: VideoStream,
    ticks: NDArray[np.int64],
    last: int,
    stamps: NDArray[np.int64] | None,
    keys: list[tuple[int, int]],
    sizes: tuple[tuple[int, int], ...],
) -> ClipIndex:
    base = Fraction(stream.time_base or Fraction(1, 90000))
    rate, variable = _rate(stream, ticks, base)
    usual = round(1 / (rate * base))
    if not variable or not 0 < last <= 10 * usual:
        last = max(usual, 1)
    at = np.array(sorted(keys), np.int64).reshape(-1, 2)
    for array in (ticks, at):
        array.flags.writeable = False
    return ClipIndex(ticks, base, last, stamps, at, rate, variable, sizes)


def _rate(stream: VideoStream, ticks: NDArray[np.int64], base: Fraction) -> tuple[Fraction, bool]:
    """Frames a second, and whether their distances vary."""
    claimed = [
        Fraction(rate)
        for rate in (stream.guessed_rate, stream.average_rate, stream.base_rate)
        if rate
    ]
    if len(ticks) < 2:
        return (claimed[0] if claimed else Fraction(25)), False
    span = int(ticks[-1] - ticks[0]) * base
    mean = (len(ticks) - 1) / span
    frames = np.arange(len(ticks))
    for rate in filter(None, [*claimed, mean.limit_denominator(1001)]):
        step = 1 / (rate * base)
        if (
            np.abs(ticks - ticks[0] - np.rint(frames * step.numerator / step.denominator)).max()
            <= 1
        ):
            return rate, False
    return max(mean.limit_denominator(100_000), Fraction(1, 100_000)), True
