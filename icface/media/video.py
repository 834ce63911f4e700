"""Videos frame by frame, upright, in square pixels, with the time at which each is shown.

One frame is in memory at a time. Times come from the file's own stamps, so that a variable frame rate is kept; the matrix
by which a telephone says how it was held, mirrored pictures and pixels that are not square are honoured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.frame import VideoFrame as Decoded
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
VIDEO_SUFFIXES = frozenset(
    (".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts",
     ".vob", ".webm", ".wmv")
)  # fmt: skip

_UNSPECIFIED, _HD_LINES = 2, 720
_MOST_MEGAPIXELS = 100


class VideoError(ValueError):
    """A video that cannot be read; the message names the file, what is wrong and what helps."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One frame, not yet converted.

    Attributes
    ----------
    index : int
        Its place among the frames that the file holds, from 0.
    seconds : float
        When it is shown, on the file's own clock, which need not begin at 0.
    """

    index: int
    seconds: float
    _decoded: Decoded
    _colours: VideoReformatter
    _glances: VideoReformatter
    _stretch: float

    def pixels(self) -> Pixels:
        """(H, W, 3) uint8 RGB."""
        frame = self._decoded
        width = max(round(frame.width * self._stretch), 1)
        # What does not say so is, by custom, BT.601 in standard definition and BT.709 above.
        guess = Colorspace.ITU709 if frame.colorspace == _UNSPECIFIED and frame.height >= _HD_LINES else None
        rgb = self._colours.reformat(frame, width=width, format="rgb24", src_colorspace=guess)
        return np.ascontiguousarray(_upright(rgb.to_ndarray().astype(np.uint8, copy=False), frame))

    def glance(self, size: int = 32) -> Pixels:
        """(size, size) uint8 grey: enough to see a cut. As stored, not upright."""
        small = self._glances.reformat(self._decoded, width=size, height=size, format="gray", interpolation="AREA")
        return small.to_ndarray().astype(np.uint8, copy=False)


def read_video(path: Path) -> Iterator[VideoFrame]:
    """All frames of the first video stream, in the order in which they are shown.

    Each is to be used before the next is asked for.

    Raises
    ------
    VideoError
        If the file is missing, holds no video, or breaks off in a frame that cannot be decoded.
    """
    if not path.is_file():
        raise VideoError(f"There is no file {path}. Check the name.")
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            if not container.streams.video:
                raise VideoError(f"{path} holds no video. Give a video file.")
            stream = container.streams.video[0]
            colours, glances = VideoReformatter(), VideoReformatter()
            step = 1 / (stream.average_rate or Fraction(25))
            clock: Fraction | None = None
            for index, frame in enumerate(container.decode(stream)):
                if frame.width * frame.height > _MOST_MEGAPIXELS * 1_000_000:
                    raise VideoError(f"{path} has frames of {frame.width} x {frame.height} pixels: scale it down first.")
                if frame.pts is not None and frame.time_base is not None:
                    clock = frame.pts * frame.time_base
                else:  # a bare stream has no clock: count
                    clock = Fraction(0) if clock is None else clock + step
                stretch = float(stream.sample_aspect_ratio or 1)
                yield VideoFrame(index, float(clock), frame, colours, glances, stretch)
    except (av.FFmpegError, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise VideoError(f"{path} cannot be read as a video ({why}). Convert or remove it.") from error


def _upright(picture: Pixels, frame: Decoded) -> Pixels:
    """The picture turned and mirrored as its display matrix says, in quarter turns."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return picture
    a, b, _, c, d = np.frombuffer(bytes(cast("bytes", matrix)), np.int32)[:5].astype(np.int64)  # x' = a x + c y, y' = b x + d y
    if abs(a) + abs(d) < abs(b) + abs(c):
        picture, a, d = picture.transpose(1, 0, 2), c, b
    return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
