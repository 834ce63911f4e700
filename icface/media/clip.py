"""Facts about a clip, known before a frame of it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
from av.codec import Codec

from icface.media.clip_index import ClipIndex, clip_index
from icface.media.colour import PQ, Colours, bit_depth, has_alpha
from icface.media.joins import was_joined
from icface.media.orientation import Orientation
from icface.media.picture_stream import PictureStream
from icface.media.tone_mapping import is_hdr
from icface.media.video_file import (
    VideoError,
    check_is_file,
    in_plain_words,
    orientation_of,
    stretch_of,
)
from icface.system.file_stamp import sha256_of


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """All facts about a clip that its file and one frame give.

    A document stores only some of them, as `icface.document.Clip`, which must load without any
    codec; exports and previews probe the rest anew.

    Attributes
    ----------
    path : str
        Where it was found.
    digest : str
        SHA-256 of the file's bytes, hexadecimal.
    width, height : int
        Of a frame, upright, in square pixels.
    rate : Fraction
        Frames a second; of a variable rate, the mean.
    variable : bool
        Whether the rate is variable: then only a `ClipReader` knows the times.
    count : int
        Frames that are shown.
    duration : Fraction
        Seconds from the first frame to the end of the last.
    has_sound : bool
        Whether there is a stream of sound.
    bits : int
        Per colour.
    has_alpha : bool
        Whether there is transparency.
    colours : Colours
        Primaries, transfer, matrix and range.
    orientation : Orientation
        How stored frames are turned to stand upright.
    codec, pixel_format, container : str
        As FFmpeg names them.
    notes : tuple of str
        What to know of how it is read, in plain words.
    """

    path: str
    digest: str
    width: int
    height: int
    rate: Fraction
    variable: bool
    count: int
    duration: Fraction
    has_sound: bool
    bits: int
    has_alpha: bool
    colours: Colours
    orientation: Orientation
    codec: str
    pixel_format: str
    container: str
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


def probe(path: str | Path) -> ClipInfo:
    """The facts about a clip, from one reading of the file and one decoded frame.

    Raises
    ------
    VideoError
        If the file is missing, empty, cut short, damaged, too large or holds no moving pictures.
    """
    path = Path(path)
    index: ClipIndex = clip_index(path)
    with PictureStream(path) as pictures, in_plain_words(path):
        container, stream = pictures.container, pictures.stream
        frame = next(pictures.frames(), None)
        if frame is None:
            raise VideoError(
                f"{path} holds no frame that can be decoded. Copy or download it again."
            )
        orientation = orientation_of(frame)
        width, height = orientation.size(
            max(round(frame.width * stretch_of(stream)), 1), frame.height
        )
        colours = Colours.of(frame)
        return ClipInfo(
            path=str(path),
            digest=file_digest(path),
            width=width,
            height=height,
            rate=index.rate,
            variable=index.variable,
            count=len(index),
            duration=index.duration,
            has_sound=any(s.codec_context for s in container.streams.audio),
            bits=bit_depth(frame.format),
            has_alpha=has_alpha(frame.format),
            colours=colours,
            orientation=orientation,
            codec=stream.codec_context.name,
            pixel_format=frame.format.name,
            container=container.format.name,
            notes=_notes(path, index, orientation, colours),
        )


def _notes(
    path: Path, index: ClipIndex, orientation: Orientation, colours: Colours
) -> tuple[str, ...]:
    """Notes, for people, on how a clip is read."""
    found = [was_joined(path)]
    if len(index.sizes) > 1:
        first, *others = (
            f"{w} x {h}" for w, h in (orientation.size(*size) for size in index.sizes)
        )
        found.append(
            f"Its frames change their size ({first}, then {', '.join(others)} pixels): "
            "those of another size than the first are scaled into it, with bars where their "
            "shape differs."
        )
    if is_hdr(colours):
        name = "PQ" if colours.transfer == PQ else "HLG"
        found.append(
            f"Its colours are of high dynamic range ({name}): "
            "they are shown as an ordinary screen can show them."
        )
    return tuple(filter(None, found))


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal, cached until the file changes.

    Raises `VideoError` if the file cannot be read.
    """
    path = Path(path)
    check_is_file(path)
    status = path.stat()
    with in_plain_words(path):
        return _kept_digest(path.resolve(), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1024)
def _kept_digest(path: Path, _changed_ns: int, _size: int) -> str:
    return sha256_of(path)


def has_encoder(name: str) -> bool:
    """Whether this build of FFmpeg can encode with the codec of that name."""
    try:
        return bool(Codec(name, "w").is_encoder)
    except av.codec.codec.UnknownCodecError:
        return False
