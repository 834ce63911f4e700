"""Recordings joined end to end, such as with ``cat``: stamps that start again are lifted.

A transport or program stream may be cut and joined at any packet, and FFmpeg reads Matroska and
WebM files that are joined as wholes (the first two of those that say how long they are); then
stamps begin anew in the middle of the file, for pictures and sound at the same place. Each such
part is shifted as a whole: its first picture follows the last picture before it, and sound stays in
step with its own pictures.
"""

from __future__ import annotations

import errno
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from numpy.typing import NDArray

from icface.media.video_file import BROKEN_OFF, open_container

_STREAMS = frozenset({"mpegts", "mpeg"})
_MATROSKA = "matroska,webm"
_BACK_S = 0.1
"""Step back of decoding stamps on one stream that begins a new part, seconds."""
_AHEAD_S = 10.0
"""Step ahead of all decoding stamps that begins a new part, seconds, as in FFmpeg's own tool."""
_BACK_IN_MATROSKA_S = 1.0
"""Step back that begins a new part of a Matroska file, seconds: there FFmpeg gives decoding stamps
in the order of showing after a join."""
_EBML = 0x1A45DFA3
"""EBML element at the head of a Matroska file."""
_SEGMENT = 0x18538067
"""EBML element of a Matroska segment."""
_HEAD = 4096
"""Bytes in which the head of a recording and of its segment are looked for."""
_MOST_SEGMENTS = 1000
"""Most recordings that are counted in a file."""


@dataclass(frozen=True, slots=True, eq=False)
class Joins:
    """The parts of a file whose stamps start again.

    Attributes
    ----------
    starts : tuple of int
        Place in the file, in bytes, at which each part begins; rising, the first is 0.
    shifts : tuple of Fraction
        Seconds to add to the stamps of each part.
    places : dict of int to (K, 2) int64
        For each stream: shifted stamp of decoding, and place in bytes, of each packet with which
        decoding can begin.
    ends : dict of int to int
        For each stream: the shifted stamp at which its last packet ends.
    sought : bool
        Whether a place in bytes can be gone to; else such a file is read from its beginning.
    """

    starts: tuple[int, ...]
    shifts: tuple[Fraction, ...]
    places: dict[int, NDArray[np.int64]] = field(repr=False)
    ends: dict[int, int] = field(repr=False)
    sought: bool = True

    def lift(self, packet: Packet[Any], part: int) -> int:
        """Shift a packet's stamps; returns the number of its part.

        That is the given number where the packet has no place.
        """
        if packet.pos is not None:
            part = max(bisect_right(self.starts, packet.pos) - 1, 0)
        ticks = round(self.shifts[part] / Fraction(packet.time_base)) if packet.time_base else 0
        if packet.pts is not None:
            packet.pts += ticks
        if packet.dts is not None:
            packet.dts += ticks
        return part

    def place_before(self, stream: int, stamp: int) -> int:
        """Place, in bytes, of the last packet to begin decoding at, by its decoding stamp."""
        places = self.places.get(stream)
        if places is None or not len(places):
            return 0
        return int(places[max(int(np.searchsorted(places[:, 0], stamp, side="right")) - 1, 0), 1])


def joins_of(path: Path) -> Joins | None:
    """The places where a file's stamps start again, cached until the file changes.

    None for a file whose stamps do not.
    """
    status = path.stat()
    return _kept_joins(path.resolve(), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=32)
def _kept_joins(path: Path, _changed_ns: int, _size: int) -> Joins | None:
    with open_container(path) as container:
        kind = container.format.name
        if kind not in _STREAMS and (kind != _MATROSKA or _segments_in(path) == 1):
            return None
        back = _BACK_S if kind in _STREAMS else _BACK_IN_MATROSKA_S
        found = _joins(
            _Log.of(container),
            {s.index: Fraction(s.time_base or 1) for s in container.streams},
            back,
        )
        return None if found is None else replace(found, sought=kind in _STREAMS)


def _segments_in(path: Path) -> int | None:
    """The number of recordings in a Matroska file, from the sizes that they declare.

    See RFC 8794 and RFC 9559. None where one declares no size.
    """
    whole, place, count = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        while place < whole and count < _MOST_SEGMENTS:
            file.seek(place)
            head = file.read(_HEAD)
            length = _size_at(head, 4)
            if int.from_bytes(head[:4]) != _EBML or length is None:
                break  # something else behind the recordings
            start = 4 + length[1] + length[0]
            segment = _size_at(head, start + 4)
            if int.from_bytes(head[start : start + 4]) != _SEGMENT or segment is None:
                return None
            count, place = count + 1, place + start + 4 + segment[1] + segment[0]
    return count or None


def _size_at(data: bytes, place: int) -> tuple[int, int] | None:
    """A size of EBML, and the bytes that it takes; None where it is not known."""
    first = data[place] if place < len(data) else 0
    width = 9 - first.bit_length()
    if not first or place + width > len(data):
        return None
    size = int.from_bytes(data[place : place + width]) & ((1 << 7 * width) - 1)
    return None if size == (1 << 7 * width) - 1 else (size, width)


def packets_of(
    container: InputContainer, stream: Stream, joins: Joins | None
) -> Iterator[Packet[Any]]:
    """A stream's packets from the container's position on, their stamps lifted.

    Raises FFmpeg's errors where the file is broken.
    """
    part = 0
    for packet in container.demux(stream):
        if joins is not None and packet.size:
            part = joins.lift(packet, part)
        yield packet


def seek(container: InputContainer, stream: Stream, stamp: int, joins: Joins | None) -> None:
    """Seek the last packet of a stream where decoding can begin at or before a stamp.

    Raises FFmpeg's errors.
    """
    if joins is None:
        container.seek(stamp, stream=stream)
    elif not joins.sought:
        raise av.FFmpegError(errno.ENOSYS, "nothing can be sought in joined files of this kind")
    else:
        container.seek(
            joins.place_before(stream.index, stamp), stream=stream, unsupported_byte_offset=True
        )


@dataclass(slots=True)
class _Log:
    """Packets of pictures and sound in the order of the file."""

    streams: array[int] = field(default_factory=lambda: array("q"))
    places: array[int] = field(default_factory=lambda: array("q"))
    shown: array[int] = field(default_factory=lambda: array("q"))
    decoded: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[int] = field(default_factory=lambda: array("q"))
    keys: array[int] = field(default_factory=lambda: array("q"))
    pictures: int | None = None

    @classmethod
    def of(cls, container: InputContainer) -> _Log:
        """All packets of a container."""
        log, last, ends = cls(), dict[int, int](), dict[int, int]()
        log.pictures = container.streams.video[0].index if container.streams.video else None
        wanted = [*container.streams.video, *container.streams.audio]
        try:
            for packet in container.demux(wanted) if wanted else ():
                shown = packet.pts if packet.pts is not None else packet.dts
                shown = (
                    ends.get(packet.stream_index) if shown is None else shown
                )  # counted on, as in program streams
                if not packet.size or shown is None:
                    continue
                ends[packet.stream_index] = shown + (packet.duration or 0)
                place = packet.pos if packet.pos is not None else last.get(packet.stream_index, 0)
                last[packet.stream_index] = place
                row = (
                    packet.stream_index,
                    place,
                    shown,
                    shown if packet.dts is None else packet.dts,
                )
                for column, value in zip(
                    (log.streams, log.places, log.shown, log.decoded), row, strict=True
                ):
                    column.append(value)
                log.lengths.append(packet.duration or 0)
                log.keys.append(packet.is_keyframe and packet.pts is not None)
        except BROKEN_OFF:
            pass
        return log

    def table(self) -> NDArray[np.int64]:
        """(N, 6) packets by rising place.

        Columns: stream, place, presentation and decoding stamps, duration, and whether
        decoding can begin.
        """
        columns = (self.streams, self.places, self.shown, self.decoded, self.lengths, self.keys)
        rows = np.column_stack([np.array(column, np.int64) for column in columns])
        return rows[np.argsort(rows[:, 1], kind="stable")]


def _joins(log: _Log, bases: dict[int, Fraction], back_s: float) -> Joins | None:
    rows = log.table()
    firsts = _first_rows(rows, bases, back_s)
    if len(firsts) < 2:
        return None
    parts = np.split(rows, firsts[1:])
    shifts, before = [Fraction(0)], parts[0]
    for part in parts[1:]:
        shifts.append(shifts[-1] + _follows(before, part, bases, log.pictures))
        before = part
    for part, shift in zip(parts, shifts, strict=True):
        for stream, base in bases.items():
            part[part[:, 0] == stream, 2:4] += round(shift / base)
    whole = np.concatenate(parts)
    places = {
        s: np.ascontiguousarray(whole[(whole[:, 0] == s) & (whole[:, 5] > 0)][:, [3, 1]])
        for s in bases
    }
    ends = {
        s: int((mine[:, 2] + mine[:, 4]).max())
        for s in bases
        if len(mine := whole[whole[:, 0] == s])
    }
    return Joins((0, *(int(part[0, 1]) for part in parts[1:])), tuple(shifts), places, ends)


def _first_rows(rows: NDArray[np.int64], bases: dict[int, Fraction], back_s: float) -> list[int]:
    """The row with which each part begins."""
    firsts, last = [0], dict[int, float]()
    seconds = np.zeros(len(rows))
    for stream, base in bases.items():
        mine = rows[:, 0] == stream
        seconds[mine] = rows[mine, 3] * float(base)
    for row, (stream, now) in enumerate(zip(rows[:, 0].tolist(), seconds.tolist(), strict=True)):
        if last and (now < last.get(stream, now) - back_s or now > max(last.values()) + _AHEAD_S):
            firsts.append(row)
            last.clear()
        last[stream] = max(now, last.get(stream, now))
    return firsts if len(rows) else []


def _follows(
    before: NDArray[np.int64],
    part: NDArray[np.int64],
    bases: dict[int, Fraction],
    pictures: int | None,
) -> Fraction:
    """Seconds from a part's own beginning to the end of the part before it.

    Each part counts on its own stamps.
    """
    common = sorted(
        set(before[:, 0].tolist()) & set(part[:, 0].tolist()),
        key=lambda stream: (stream != pictures, stream),
    )
    if not common:
        ended = max(Fraction(int(row[2] + row[4])) * bases[int(row[0])] for row in before)
        return ended - min(Fraction(int(row[2])) * bases[int(row[0])] for row in part)
    stream = common[0]
    old, new = (np.sort(rows[rows[:, 0] == stream, 2]) for rows in (before, part))
    steps = np.diff(old)
    last = int(before[before[:, 0] == stream, 4][-1]) or (
        int(np.median(steps)) if len(steps) else 0
    )
    return (int(old[-1]) + last - int(new[0])) * bases[stream]


def was_joined(path: Path) -> str:
    """A note, for people, on a file whose stamps start again; "" for all others."""
    try:
        joins = joins_of(path)
    except (av.FFmpegError, OSError):
        return ""
    if joins is None:
        return ""
    read, there = len(joins.starts), 0 if joins.sought else _segments_in(path) or 0
    if there > read:
        return (
            f"{there} recordings were joined in it, of which the first {read} are read. "
            "Join them with a program that writes one file anew, such as mkvmerge, to have all "
            "of them."
        )
    return (
        f"{read} recordings were joined in it, whose times start again; "
        "they are read one after the other."
    )
