"""Any frame of a clip, at once: forwards, backwards, to and fro.

A reader decodes from the last key frame before what is asked for, or goes on from where it is when
that is nearer. What it decodes on the way is kept up to a number of bytes, so that stepping
backwards decodes each stretch once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.frame import VideoFrame as Decoded
from numpy.typing import NDArray

from icface.media.clip_index import ClipIndex, clip_index
from icface.media.colour import Converter
from icface.media.orientation import Orientation
from icface.media.picture_stream import PictureStream
from icface.media.resizing import letterboxed
from icface.media.video_file import VideoError, in_plain_words, orientation_of, stretch_of
from icface.media.video_frame import VideoFrame

CACHE_BYTES = 256 << 20
"""Decoded frames that a reader keeps unless told otherwise, in bytes."""
_NEAR = 12


class ClipReader:
    """A clip with random access to its frames.

    Belongs to one thread; close it, or use it in a ``with``.

    Parameters
    ----------
    path : str or Path
        A file with moving pictures.
    cache_bytes : int
        Most bytes of decoded frames to keep. One frame is always kept.

    Raises
    ------
    VideoError
        If the file is missing, empty, cut short, damaged from its beginning, too large or holds no
        moving pictures.
    """

    def __init__(self, path: str | Path, *, cache_bytes: int = CACHE_BYTES) -> None:
        self.path = Path(path)
        self.index: ClipIndex = clip_index(self.path)
        self.damaged: set[int] = set()
        self.resized: set[int] = set()
        self._keys = self._key_frames()
        self._cache = _FrameCache(cache_bytes)
        self._converter = Converter()
        self._orientation: Orientation | None = None
        self._size: tuple[int, int] | None = None
        self._run: Iterator[tuple[int, Decoded]] = iter(())
        self._next = -1  # the run's next frame; -1 when there is no run
        self._open()

    def _open(self) -> None:
        self._pictures = PictureStream(self.path)
        self._stretch = float(stretch_of(self._pictures.stream))

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
        """Let go of the file and all frames."""
        self._run, self._next = iter(()), -1
        self._cache.clear()
        self._pictures.close()

    def __len__(self) -> int:
        """Frames that are shown."""
        return len(self.index)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(N,) when each frame is shown, from the first on; strictly increasing."""
        return self.index.seconds

    def time(self, frame: int) -> Fraction:
        """Exact time of a frame, in seconds from the first frame."""
        return self.index.time(frame)

    def at(self, seconds: float | Fraction) -> VideoFrame:
        """The frame shown at a time; the first or last beyond the ends.

        Times count from the first frame on.
        """
        return self.frame(self.index.at(seconds))

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[VideoFrame]:
        """The frames of a range in order, each decoded once."""
        for number in range(start, len(self) if stop is None else stop):
            yield self.frame(number)

    def frame(self, number: int) -> VideoFrame:
        """One frame, counted from 0 in the order of showing.

        Where the file is damaged it is the last good frame before, marked as `VideoFrame.damaged`;
        the numbers of such frames are collected in `damaged`. A frame of another size than the
        clip's first is scaled into that one's size, with bars where its aspect differs; the numbers
        of such frames are collected in `resized`.

        Raises
        ------
        IndexError
            Beyond the clip.
        VideoError
            If no frame at all can be decoded.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"Frame {number} is not one of the {len(self)} counted from 0.")
        found = self._find(number)
        if found is None or found.is_corrupt:
            self.damaged.add(number)
            return self._value(number, self._stand_in(number), damaged=True)
        return self._value(number, found, damaged=False)

    def _value(self, number: int, decoded: Decoded, *, damaged: bool) -> VideoFrame:
        if self._orientation is None:
            self._orientation = orientation_of(decoded)
        if self._size is None:
            self._size = (
                self.index.sizes[0] if self.index.sizes else (decoded.width, decoded.height)
            )
        if (decoded.width, decoded.height) != self._size:
            decoded = letterboxed(decoded, self._size)
            self.resized.add(number)
        seconds = float(self.index.time(number))
        return VideoFrame(
            number, seconds, decoded, self._converter, self._orientation, self._stretch, damaged
        )

    def _stand_in(self, number: int) -> Decoded:
        """The last good frame before a damaged one; where there is none, the first after it."""
        for other in chain(range(number - 1, -1, -1), range(number + 1, len(self))):
            found = None if other in self.damaged else self._find(other)
            if found is not None and not found.is_corrupt:
                return found
            self.damaged.add(other)
        raise VideoError(
            f"{self.path} holds no frame that can be decoded. Copy or download it again."
        )

    def _find(self, number: int) -> Decoded | None:
        kept = self._cache.get(number)
        if kept is not None or number in self.damaged:
            return kept
        key = self._key_before(number)
        began = 0 if key is None else int(self._keys[key, 0])
        if not (
            0 <= self._next <= number and (self._next >= began or number - self._next <= _NEAR)
        ):
            with in_plain_words(self.path):
                self._run = self._decode_from(key)
            self._next = began
        for place, decoded in self._run:
            self._next = place + 1
            self._cache.put(place, decoded)
            if place == number:
                return decoded
            if place > number:
                return None
        self._next = -1
        return None

    # ----------------------------------------------------------------------------------------------

    def _key_frames(self) -> NDArray[np.int64]:
        """(K, 3): number, presentation and decoding stamps of each key frame to seek."""
        stamps = self.index.stamps
        if stamps is None:
            return np.empty((0, 3), np.int64)
        numbers = np.searchsorted(
            stamps, self.index.keys[:, 0]
        )  # of a hidden one, the first that is shown after it
        return np.column_stack([numbers, self.index.keys])

    def _key_before(self, number: int) -> int | None:
        """The last key frame that is shown no later; None for the beginning of the file."""
        at = int(np.searchsorted(self._keys[:, 0], number, side="right")) - 1
        return at if at > 0 else None

    def _decode_from(self, key: int | None) -> Iterator[tuple[int, Decoded]]:
        step = 1
        while key is not None and key > 0:
            _, shown, decoded = (int(v) for v in self._keys[key])
            try:
                self._pictures.seek(decoded)
            except av.FFmpegError:  # of a kind of file in which nothing can be sought
                break
            run = self._after_landing(shown)
            if run is not None:
                return run
            key, step = key - step, step * 2
        self._pictures.close()
        self._open()  # the beginning, whatever the container says of seeking
        return self._numbered(self._decoded_packets(), None)

    def _after_landing(self, shown: int) -> Iterator[tuple[int, Decoded]] | None:
        """The frames from where a seek led; None if that is behind the key frame that was meant."""
        for packet in self._pictures.packets():
            if packet.size and packet.is_keyframe and packet.pts is not None:
                if packet.pts > shown:
                    return None
                first = self._pictures.frames_of(packet)
                return self._numbered(
                    (frame for part in (first, self._decoded_packets()) for frame in part),
                    packet.pts,
                )
        return None

    def _decoded_packets(self) -> Iterator[Decoded]:
        pictures = self._pictures
        for packet in pictures.packets():
            yield from pictures.frames_of(packet)

    def _numbered(
        self, frames: Iterator[Decoded], shown: int | None
    ) -> Iterator[tuple[int, Decoded]]:
        """Frames with their places, from the key frame that was decoded first on."""
        stamps = self.index.stamps
        if stamps is None:
            yield from enumerate(frames)
            return
        for frame in frames:
            stamp = frame.pts
            if stamp is None or (shown is not None and stamp < shown):
                continue
            place = int(np.searchsorted(stamps, stamp))
            if place < len(stamps) and stamps[place] == stamp:
                yield place, frame


class _FrameCache:
    """Decoded frames by number, the longest unused leaving first."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held: OrderedDict[int, tuple[Decoded, int]] = OrderedDict()
        self._bytes = 0

    def get(self, number: int) -> Decoded | None:
        if number not in self._held:
            return None
        self._held.move_to_end(number)
        return self._held[number][0]

    def put(self, number: int, frame: Decoded) -> None:
        self._bytes -= self._held.pop(number, (frame, 0))[1]
        size = sum(plane.buffer_size for plane in frame.planes)
        self._held[number] = frame, size
        self._bytes += size
        while self._bytes > self._most and len(self._held) > 1:
            self._bytes -= self._held.popitem(last=False)[1][1]

    def clear(self) -> None:
        self._held.clear()
        self._bytes = 0
