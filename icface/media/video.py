"""Videos frame by frame, upright, in square pixels, with the time at which each is shown.

One frame is in memory at a time. Times come from the file's own stamps, so that a variable frame rate is kept; the matrix
by which a telephone says how it was held, mirrored pictures and pixels that are not square are honoured.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from icface.media.colour import Converter
from icface.media.video_file import (
    VIDEO_SUFFIXES,
    Clock,
    VideoError,
    check_size,
    in_plain_words,
    open_video,
    orientation_of,
    stretch_of,
)
from icface.media.video_frame import VideoFrame

__all__ = ["VIDEO_SUFFIXES", "VideoError", "VideoFrame", "read_video"]


def read_video(path: Path) -> Iterator[VideoFrame]:
    """All frames of the first video stream, in the order in which they are shown.

    Each is to be used before the next is asked for. `icface.media.clip_reader` goes to and fro, and over damage.

    Raises
    ------
    VideoError
        If the file is missing, holds no video, or breaks off in a frame that cannot be decoded.
    """
    container, stream = open_video(path)
    with container, in_plain_words(path):
        converter, clock, stretch = Converter(), Clock(stream), float(stretch_of(stream))
        for index, frame in enumerate(container.decode(stream)):
            check_size(path, frame.width, frame.height)
            yield VideoFrame(index, float(clock.time(frame)), frame, converter, orientation_of(frame), stretch)
