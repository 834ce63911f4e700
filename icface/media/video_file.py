"""Opening files of moving pictures, with the reason in plain words if one cannot be opened."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame as Decoded
from av.video.stream import VideoStream

from icface.media.orientation import Orientation
from icface.media.side_data import display_matrix
from icface.media.unrolled import AnimationError, is_rolled, unrolled

VIDEO_SUFFIXES = frozenset(
    (".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts",
     ".mxf", ".ogv", ".ts",
     ".vob", ".webm", ".wmv")
)  # fmt: skip
MOST_MEGAPIXELS = 100
"""Largest frame that is decoded, in millions of pixels."""
BROKEN_OFF = (
    av.FFmpegError,
    IndexError,
)  # the latter where damage looks like a stream that was not there before
KINDS = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "asf", "flv", "mxf", "mxf_opatom",
    "gxf", "ogg", "gif", "apng",
    "dv", "nut", "ivf", "obu", "av1", "h264", "hevc", "vvc", "vc1", "m4v", "mjpeg", "rm", "swf",
    "wtv", "yuv4mpegpipe", "webp",
    "wav", "w64", "aiff", "caf", "au", "mp3", "aac", "latm", "loas", "ac3", "eac3", "dts",
    "dtshd", "truehd", "flac", "ape",
    "wv", "tta", "tak", "amr", "amrnb", "amrwb",
)  # fmt: skip
"""Demuxers, by FFmpeg's names, of files that hold their pictures and sound themselves. All others
are refused: lists of other files (HLS, concat, DASH), subtitles that open a neighbour, devices, and
stills, which are photos."""
_ONLY_THE_FILE = {"format_whitelist": ",".join(KINDS), "protocol_whitelist": "file"}


class VideoError(ValueError):
    """A video that cannot be read; the message names the file, what is wrong and what helps."""


def check_is_file(path: Path) -> None:
    """`VideoError` where there is no ordinary file with something in it."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise VideoError(f"There is no file {path}. Check the name.") from None
    except (OSError, ValueError) as error:
        raise VideoError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or error}). Check the name."
        ) from None
    if not stat.S_ISREG(status.st_mode):
        raise VideoError(f"{path} is not an ordinary file. Choose a video file.")
    if status.st_size == 0:
        raise VideoError(f"{path} is empty (0 bytes). Copy or download it again.")


@contextmanager
def in_plain_words(path: Path) -> Iterator[None]:
    """Turn FFmpeg's errors into a `VideoError` that names the file."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            f"{path} cannot be read as a video ({why}): "
            "it is of another kind, damaged or cut short. "
            "Convert it or copy it again."
        ) from error


def open_container(path: Path) -> InputContainer:
    """A file as FFmpeg reads it, whatever its name: ``take:1.mp4`` names no protocol.

    Of an animated WebP or PNG, which FFmpeg does not read, it is the clip that
    `icface.media.unrolled` makes of it.

    Nothing but this file is opened, whatever it says.

    Raises
    ------
    VideoError
        If it is none of the `KINDS`.
    av.FFmpegError, OSError
        If it cannot be read.
    """
    if is_rolled(path):
        try:
            path = unrolled(path)
        except AnimationError as error:
            raise VideoError(str(error)) from error
    try:
        return av.open(
            str(path.absolute()), metadata_errors="ignore", container_options=_ONLY_THE_FILE
        )
    except av.ArgumentError:
        raise VideoError(
            f"{path} is none of the kinds of video or sound that are read, such as MP4, MOV, "
            "MKV, WebM, AVI, MP3 and WAV. "
            "Convert it to MP4 first; a still picture is opened as a photo."
        ) from None


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """A file and its first stream of moving pictures; the caller closes it.

    Raises
    ------
    VideoError
        If the file is missing, empty, unreadable, holds no video or frames above `MOST_MEGAPIXELS`.
    """
    check_is_file(path)
    with in_plain_words(path):
        container = open_container(path)
    try:
        return container, _moving_pictures(container, path)
    except BaseException:
        container.close()
        raise


def _moving_pictures(container: InputContainer, path: Path) -> VideoStream:
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        if container.streams.audio:
            raise VideoError(
                f"{path} holds sound only, no video. Give a file with moving pictures."
            )
        raise VideoError(f"{path} holds no video. Give a video file.")
    stream = streams[0]
    if stream.codec_context is None:
        raise VideoError(
            f"{path} is of a kind of video that this program has no decoder for. "
            "Convert it to MP4 (H.264)."
        )
    check_size(path, stream.codec_context.width, stream.codec_context.height)
    for other in container.streams:
        if other.index != stream.index:
            other.discard = av.stream.Discard.all
    stream.thread_type = "AUTO"
    return stream


def check_size(path: Path, width: int, height: int) -> None:
    """`VideoError` for frames that are too large to decode."""
    if width * height > MOST_MEGAPIXELS * 1_000_000:
        raise VideoError(
            f"{path} has frames of {width} x {height} pixels: "
            f"scale it down to {MOST_MEGAPIXELS} megapixels first."
        )


def orientation_of(frame: Decoded) -> Orientation:
    """The orientation of a frame."""
    return Orientation.of_matrix(display_matrix(frame))


def stretch_of(stream: VideoStream) -> Fraction:
    """Width of a stored pixel over its height; 1 where the file declares nothing or nonsense."""
    aspect = stream.sample_aspect_ratio
    return Fraction(aspect) if aspect and Fraction(1, 16) <= aspect <= 16 else Fraction(1)


class Clock:
    """The times of frames on the file's own clock; frames without a stamp are counted on."""

    def __init__(self, stream: VideoStream) -> None:
        self._step = 1 / (stream.average_rate or stream.guessed_rate or Fraction(25))
        self._last: Fraction | None = None

    def time(self, frame: Decoded) -> Fraction:
        """Seconds; frames are given in the order in which they are shown."""
        if frame.pts is not None and frame.time_base is not None:
            self._last = frame.pts * Fraction(frame.time_base)
        else:
            self._last = Fraction(0) if self._last is None else self._last + self._step
        return self._last
