"""Videos frame by frame, upright, in square pixels, with the time at which each is shown.

One frame is in memory at a time. Times come from the file's own stamps, so that a variable frame
rate is kept; the matrix by which a telephone says how it was held, mirrored pictures and pixels
that are not square are honoured.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from icface.media.colour import Converter
from icface.media.picture_stream import PictureStream
from icface.media.video_file import (
    VIDEO_SUFFIXES,
    Clock,
    VideoError,
    check_size,
    in_plain_words,
    orientation_of,
    stretch_of,
)
from icface.media.video_frame import VideoFrame

__all__ = ["VIDEO_SUFFIXES", "VideoError", "VideoFrame", "read_video"]


def read_video(path: Path) -> Iterator[VideoFrame]:
    """All frames of the first video stream, in the order in which they are shown.

    Each is to be used before the next is asked for. `icface.media.clip_reader` goes to and fro, and
    over damage.

    Raises
    ------
    VideoError
        If the file is missing, holds no video, or breaks off in a frame that cannot be decoded.
    """
    with PictureStream(path) as pictures, in_plain_words(path):
        converter, clock, stretch = (
            Converter(),
            Clock(pictures.stream),
            float(stretch_of(pictures.stream)),
        )
        orientation = None
        for index, frame in enumerate(pictures.frames()):
            check_size(path, frame.width, frame.height)
            orientation = orientation or orientation_of(frame)
            yield VideoFrame(
                index, float(clock.time(frame)), frame, converter, orientation, stretch
            )
