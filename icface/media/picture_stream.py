"""The pictures of an open file: packets in rising time, and frames with all that they hold."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame as Decoded
from av.video.stream import VideoStream

from icface.media.colour import Colours
from icface.media.joins import joins_of, packets_of, seek
from icface.media.video_file import BROKEN_OFF, open_video

_DECODERS_OF_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""WebM keeps transparency in a second stream of pictures beside the first, which FFmpeg's own
decoders pass over."""


class PictureStream:
    """The first stream of moving pictures of a file.

    Belongs to one thread; close it, or use it in a ``with``.

    Raises
    ------
    VideoError
        If the file is missing, empty, unreadable, holds no video or frames that are too large.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.container, self.stream = open_video(path)
        try:
            self._joins = joins_of(path)
            self._own = _decoder_of_alpha(self.stream)
        except BaseException:
            self.container.close()
            raise

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
        self.container.close()

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Packets from where the file stands up to its end or to where it is broken."""
        try:
            yield from packets_of(self.container, self.stream, self._joins)
        except BROKEN_OFF:
            return

    def decode(self, packet: Packet[Any]) -> list[Decoded]:
        """Frames that a packet completes; what FFmpeg raises where it is damaged."""
        if self._own is None:
            return packet.decode()
        frames = self._own.decode(packet if packet.size else None)
        for frame in frames:
            frame.time_base = Fraction(self.stream.time_base or 1)
            _say_colours(frame, self.stream)
        return frames

    def frames_of(self, packet: Packet[Any]) -> list[Decoded]:
        """Frames that a packet completes; none where it is damaged.

        The frames' numbers show the gap.
        """
        try:
            return self.decode(packet)
        except av.FFmpegError:
            return []

    def alone(self, packet: Packet[Any]) -> list[Decoded]:
        """The picture of a key frame's packet by itself; none where it is damaged.

        Decoding begins anew after it.
        """
        decoder = self.stream.codec_context if self._own is None else self._own
        try:
            return [*decoder.decode(packet), *decoder.decode(None)]
        except av.FFmpegError:
            return []
        finally:
            decoder.flush_buffers()

    def frames(self) -> Iterator[Decoded]:
        """Frames from where the file stands on; what FFmpeg raises where it is damaged."""
        for packet in packets_of(self.container, self.stream, self._joins):
            yield from self.decode(packet)

    def seek(self, stamp: int) -> None:
        """Seek the last key frame that is decoded at or before a stamp.

        Raises FFmpeg's error where the file cannot be sought.
        """
        seek(self.container, self.stream, stamp, self._joins)
        if self._own is not None:
            self._own.flush_buffers()


def _decoder_of_alpha(stream: VideoStream) -> VideoCodecContext | None:
    """A decoder that reads transparency, for a stream that declares it.

    None where FFmpeg's own decoder reads it.
    """
    name = _DECODERS_OF_ALPHA.get(stream.codec_context.name)
    if name is None or stream.metadata.get("alpha_mode") != "1" or name not in av.codecs_available:
        return None
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.extradata = stream.codec_context.extradata
    return decoder


def _say_colours(frame: Decoded, stream: VideoStream) -> None:
    """Let the container's word on colours stand where the coded pictures say none."""
    Colours.of(frame).or_else(Colours.of(stream.codec_context)).put_on(frame)
