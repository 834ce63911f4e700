"""Animated WebP and PNG as clips: Pillow reads them once into a lossless clip.

FFmpeg shows at most their first picture.

The clip is the process's own, in a temporary folder that goes with it. Pixels, transparency and
times are the file's own.
"""

from __future__ import annotations

import atexit
import os
import struct
import tempfile
import warnings
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import av
import numpy as np
from av.video.frame import VideoFrame as Decoded
from PIL import Image, ImageFile

MOST_BYTES = 4 << 30
"""Most memory of all pictures of an animation, as pixels of four bytes."""
USUAL_MS = 100
"""Duration of a picture that declares none or a too short one, milliseconds, as in browsers."""
_TOO_SHORT_MS = 10
"""Longest duration that is too short, milliseconds."""
_PNG = b"\x89PNG\r\n\x1a\n"
_FIRST_CHUNKS = 1 << 20
_ONE_AT_A_TIME = Lock()


class AnimationError(ValueError):
    """An animation that cannot be read.

    The message names the file, the fault and the remedy.
    """


def is_rolled(path: Path) -> bool:
    """Whether a file's first bytes are of an animated WebP or PNG; False if it cannot be read."""
    try:
        with path.open("rb") as stream:
            head = stream.read(21)
            if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X":
                return bool(head[20] & 2)
            return head.startswith(_PNG) and _has_frames(stream)
    except OSError:
        return False


def _has_frames(stream: BinaryIO) -> bool:
    """Whether a PNG declares before its pixels that it is animated.

    See the PNG specification, third edition: acTL.
    """
    at = len(_PNG)
    while at < _FIRST_CHUNKS:
        stream.seek(at)
        length, name = struct.unpack(">I4s", stream.read(8).ljust(8, b"\0"))
        if name in (b"acTL", b"IDAT", b"IEND", b"\0\0\0\0"):
            return bool(name == b"acTL")
        at += 12 + length
    return False


def unrolled(path: Path) -> Path:
    """The clip of an animated WebP or PNG; made once, and again when the file changes.

    Raises
    ------
    AnimationError
        If it is damaged, or its pictures take more than `MOST_BYTES`.
    OSError
        If it cannot be read, or there is no room for the clip.
    """
    status = path.stat()
    with _ONE_AT_A_TIME:
        return _made(path.absolute(), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1)
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="icface-animations-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@lru_cache(maxsize=256)
def _made(path: Path, _changed_ns: int, _size: int) -> Path:
    handle, name = tempfile.mkstemp(".mkv", dir=_folder())
    os.close(handle)
    target = Path(name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # Pillow's, of large pictures: their size is looked at here
            with Image.open(path, formats=("WEBP", "PNG")) as image:
                _check_size(path, image)
                _write(image, target)
    except (AnimationError, OSError, MemoryError):
        target.unlink(missing_ok=True)
        raise
    except Exception as error:  # decoders of damaged files raise anything
        target.unlink(missing_ok=True)
        raise AnimationError(
            f"{path} is damaged or cut short. Copy or download it again."
        ) from error
    return target


def _check_size(path: Path, image: ImageFile.ImageFile) -> None:
    frames = getattr(image, "n_frames", 1)
    wanted = image.width * image.height * 4 * frames
    if wanted > MOST_BYTES:
        raise AnimationError(
            f"{path} has {frames} pictures of {image.width} x {image.height} pixels, "
            f"{wanted / 2**30:.1f} GiB in all; at most "
            f"{MOST_BYTES >> 30} GiB are read. Convert it to MP4 first, or make it smaller."
        )


def _pictures(image: ImageFile.ImageFile) -> Iterator[tuple[Image.Image, int]]:
    """Each picture and how long it is shown, in milliseconds."""
    first = (
        1 if image.info.get("default_image") else 0
    )  # a PNG's picture for those who know no animations
    for number in range(first, getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        shown = round(float(image.info.get("duration", 0)))
        yield image.convert("RGBA"), shown if shown > _TOO_SHORT_MS else USUAL_MS


def _write(image: ImageFile.ImageFile, target: Path) -> None:
    with av.open(str(target), "w", format="matroska") as output:
        stream = output.add_stream("ffv1", rate=1000, options={"g": "1"})
        stream.width, stream.height, stream.pix_fmt = image.width, image.height, "bgra"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        at = 0
        for picture, shown in _pictures(image):
            frame = Decoded.from_ndarray(np.asarray(picture)[..., [2, 1, 0, 3]], format="bgra")
            frame.pts, frame.duration, frame.time_base = at, shown, Fraction(1, 1000)
            for packet in stream.encode(frame):
                packet.duration = shown
                output.mux(packet)
            at += shown
        output.mux(stream.encode(None))
