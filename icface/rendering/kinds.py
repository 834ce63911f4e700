"""The kind of a file, recognised by its content, for all commands and the window.

A name only counts where the content tells nothing: for a missing file, or one damaged from its
first byte.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from icface.formats import FORMATS
from icface.formats.files import encoding_of
from icface.media.unrolled import is_rolled
from icface.media.video_file import VIDEO_SUFFIXES

Group = Literal["photo", "clip", "sound", "table", "project", "folder", "other"]

DATA_SUFFIXES = frozenset(suffix for kind in FORMATS.values() for suffix in kind.read_suffixes)
PHOTO_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"))
"""Suffixes that name a photo where its content tells nothing."""
_HEAD = 65_536
"""Bytes at the start of a file that are read."""
_TAKEN_BY: Mapping[Group, str] = {
    "photo": "icface info describes a photo, icface render edits it, and icface animate drives it",
    "clip": "icface track reads the faces in a clip, icface edit changes them, "
    "and icface animate drives photos with it",
    "sound": "there is no face in it",
    "table": "icface convert makes another table of it, and icface animate drives photos with it",
    "project": "icface export makes a file of it",
    "folder": "give a file in it",
    "other": "give a photo, a clip or a table of tracking data",
}
"""Commands for a kind of file, for error messages."""
_NAMED: Mapping[Group, str] = {
    "photo": "a photo",
    "clip": "a clip",
    "sound": "sound alone",
    "table": "a table of tracking data",
    "project": "a project",
    "folder": "a folder",
    "other": "a file of another kind",
}
"""A kind of file with its article."""


class KindError(ValueError):
    """A file of the wrong kind; the message names its kind and the commands that take it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of a file.

    Attributes
    ----------
    group : str
        "photo", "clip", "sound", "table", "project", "folder" or "other".
    title : str
        Name for people, with its article: "an animated GIF".
    """

    group: Group
    title: str


def kind_of(path: str | Path) -> Kind:
    """The kind of a file; raises nothing, as its reader will say what is wrong with it."""
    path = Path(path)
    try:
        if path.is_dir():
            return _folder(path)
        if not path.is_file():
            return _by_name(path)
        status = path.stat()
    except (OSError, ValueError):
        return _by_name(path)
    return _by_content(path.absolute(), status.st_mtime_ns, status.st_size)


def is_clip(path: str | Path) -> bool:
    """Whether a file holds moving pictures."""
    return kind_of(path).group == "clip"


def is_data(path: str | Path) -> bool:
    """Whether a file holds tracking data."""
    return kind_of(path).group == "table"


def check_kind(path: Path, *accepted: Group) -> None:
    """`KindError` if a file is of none of these groups; a missing file passes to its reader."""
    try:
        there = path.exists()
    except (OSError, ValueError):
        return
    kind = kind_of(path)
    if there and kind.group not in (*accepted, "other"):
        what = " or ".join(_NAMED[group] for group in accepted)
        raise KindError(
            f"{path} is {kind.title}, but {what} is needed here: {_TAKEN_BY[kind.group]}."
        )


@lru_cache(maxsize=512)
def _by_content(path: Path, _changed_ns: int, _size: int) -> Kind:
    """The kind of a file by its first bytes; remembered until its date or size changes."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return _by_name(path)
    for recognise in _RECOGNISERS:
        kind = recognise(path, head)
        if kind is not None:
            return kind
    return _by_name(path)


def _by_name(path: Path) -> Kind:
    """The kind of a file by its suffix."""
    suffix = path.suffix.lower()
    groups: dict[Group, frozenset[str]] = {
        "clip": VIDEO_SUFFIXES,
        "table": DATA_SUFFIXES,
        "photo": PHOTO_SUFFIXES,
    }
    group: Group = next(
        (group for group, suffixes in groups.items() if suffix in suffixes), "other"
    )
    return Kind(group, _NAMED[group])


def _folder(path: Path) -> Kind:
    """A project's folder, or any other."""
    return (
        Kind("project", "a project's folder")
        if (path / "project.json").is_file()
        else Kind("folder", "a folder")
    )


# What the first bytes say -------------------------------------------------------------------------


def _picture(path: Path, head: bytes) -> Kind | None:
    """Photos, and pictures that move."""
    if head.startswith(b"GIF8"):
        return (
            Kind("clip", "an animated GIF")
            if _gif_frames(path) > 1
            else Kind("photo", "a GIF picture")
        )
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind("clip", "an animated PNG") if is_rolled(path) else Kind("photo", "a PNG photo")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return (
            Kind("clip", "an animated WebP") if is_rolled(path) else Kind("photo", "a WebP photo")
        )
    starts = {
        b"\xff\xd8\xff": "a JPEG photo",
        b"II*\0": "a TIFF photo",
        b"MM\0*": "a TIFF photo",
        b"II+\0": "a TIFF photo",
        b"MM\0+": "a TIFF photo",
        b"BM": "a BMP picture",
        b"8BPS": "a Photoshop picture",
        b"\0\0\0\x0cjP  ": "a JPEG 2000 picture",
    }
    return next(
        (Kind("photo", title) for start, title in starts.items() if head.startswith(start)), None
    )


def _boxes(_path: Path, head: bytes) -> Kind | None:
    """ISO media files: MP4, MOV, and pictures in the same boxes (ISO/IEC 14496-12, 23008-12)."""
    name, brand = head[4:8], head[8:12]
    if name == b"ftyp":
        if brand in (b"avif", b"heic", b"heix", b"mif1", b"heim", b"heis"):
            return Kind("photo", "an AVIF picture" if brand == b"avif" else "a HEIC picture")
        if brand.startswith(b"M4A"):
            return Kind("sound", "sound alone (M4A)")
        return Kind("clip", "a MOV clip" if brand == b"qt  " else "an MP4 clip")
    return (
        Kind("clip", "a MOV clip")
        if name in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
        else None
    )


def _stream(_path: Path, head: bytes) -> Kind | None:
    """Clips and sound in other containers."""
    starts = {
        b"\x1a\x45\xdf\xa3": Kind("clip", "a Matroska or WebM clip"),
        b"FLV\x01": Kind("clip", "an FLV clip"),
        b"0&\xb2u\x8ef\xcf\x11": Kind("clip", "a WMV clip"),
        b"\0\0\x01\xba": Kind("clip", "an MPEG clip"),
        b"\0\0\x01\xb3": Kind("clip", "an MPEG clip"),
        b"OggS": Kind("clip", "an Ogg clip"),
        b"\x06\x0e\x2b\x34": Kind("clip", "an MXF clip"),
        b"ID3": Kind("sound", "sound alone (MP3)"),
        b"fLaC": Kind("sound", "sound alone (FLAC)"),
    }
    if head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"WAVE"):
        return (
            Kind("clip", "an AVI clip")
            if head[8:12] == b"AVI "
            else Kind("sound", "sound alone (WAV)")
        )
    for step, first in ((188, 0), (192, 4)):
        if len(head) > first + 4 * step and all(head[first + n * step] == 0x47 for n in range(4)):
            return Kind("clip", "an MPEG transport stream")
    return next((kind for start, kind in starts.items() if head.startswith(start)), None)


def _archive(_path: Path, head: bytes) -> Kind | None:
    """Zips: projects and motions, by the name of the first entry; the directory is not read."""
    if not head.startswith(b"PK\x03\x04"):
        return None
    length = struct.unpack_from("<H", head.ljust(30, b"\0"), 26)[0]
    first = head[30 : 30 + length].decode("utf-8", errors="replace")
    if first.endswith(".npy"):
        return Kind("table", "a motion as npz")
    is_ours = first == "project.json" or first.startswith("arrays/")
    return Kind("project", "a project") if is_ours else Kind("other", "a zip archive")


def _text(path: Path, head: bytes) -> Kind | None:
    """Text counts as a table, unless the name says otherwise; its reader checks it."""
    if not head or _by_name(path).group not in ("table", "other"):
        return None
    start = head.decode(encoding_of(head), errors="replace")
    odd = sum(char == "\ufffd" or (ord(char) < 32 and char not in "\t\r\n\f") for char in start)
    return Kind("table", "a table of tracking data") if odd <= len(start) // 100 else None


_RECOGNISERS: tuple[Callable[[Path, bytes], Kind | None], ...] = (
    _picture,
    _boxes,
    _stream,
    _archive,
    _text,
)


def _gif_frames(path: Path) -> int:
    """Number of pictures in a GIF, 1 or 2 for more (GIF89a, sections 18 to 26); 1 if damaged."""
    with path.open("rb") as stream:
        flags = stream.read(13)[10:11]
        if flags:
            stream.seek(_palette(flags[0]), 1)
        frames = 0
        while frames < 2:
            block = stream.read(1)
            if block == b",":
                frames += 1
                stream.seek(_palette(stream.read(9).ljust(9, b"\0")[8]) + 1, 1)
            elif block == b"!":
                stream.read(1)
            else:
                break
            while size := stream.read(1).ljust(1, b"\0")[0]:
                stream.seek(size, 1)
        return max(frames, 1)


def _palette(flags: int) -> int:
    """Bytes of a GIF's palette."""
    return 3 << ((flags & 7) + 1) if flags & 128 else 0
