"""What a file is, told by what is in it: one way for all commands and the window.

A name only counts where the content says nothing: for a file that is not there, or is damaged from
its first byte.
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
_HEAD = 65_536
_TAKEN_BY: Mapping[Group, str] = {
    "photo": "icface info describes a photo, icface render edits it, and icface animate drives it",
    "clip": "icface track reads the faces in a clip, icface edit changes them, and icface animate drives photos with it",
    "sound": "there is no face in it",
    "table": "icface convert makes another table of it, and icface animate drives photos with it",
    "project": "icface export makes a file of it",
    "folder": "give a file in it",
    "other": "give a photo, a clip or a table of tracking data",
}
_NAMED: Mapping[Group, str] = {
    "photo": "a photo", "clip": "a clip", "sound": "sound alone", "table": "a table of tracking data",
    "project": "a project", "folder": "a folder", "other": "a file of another kind",
}  # fmt: skip


class KindError(ValueError):
    """A file of another kind than is wanted; the message names what it is and what takes it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is.

    Attributes
    ----------
    group : str
        "photo", "clip", "sound", "table", "project", "folder" or "other".
    title : str
        For people, with its article: "an animated GIF".
    """

    group: Group
    title: str


def kind_of(path: str | Path) -> Kind:
    """What a file is. Nothing is raised: whoever opens it finds out what is wrong with it."""
    path = Path(path)
    try:
        if path.is_dir():
            return _folder(path)
        if not path.is_file():
            return _by_name(path)
        status = path.stat()
    except (OSError, ValueError):
        return _by_name(path)
    return _kept(path.absolute(), status.st_mtime_ns, status.st_size)


def is_clip(path: str | Path) -> bool:
    """Whether a file holds moving pictures."""
    return kind_of(path).group == "clip"


def is_data(path: str | Path) -> bool:
    """Whether a file holds tracking data."""
    return kind_of(path).group == "table"


def check_kind(path: Path, *wanted: Group) -> None:
    """`KindError` if a file is of none of these groups; a file that is not there passes, for its reader to say so."""
    try:
        there = path.exists()
    except (OSError, ValueError):
        return
    kind = kind_of(path)
    if there and kind.group not in (*wanted, "other"):
        what = " or ".join(_NAMED[group] for group in wanted)
        raise KindError(
            f"{path} is {kind.title}, and {what} is wanted here: {_TAKEN_BY[kind.group]}."
        )


@lru_cache(maxsize=512)
def _kept(path: Path, _changed_ns: int, _size: int) -> Kind:
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return _by_name(path)
    for told in _TOLD_BY:
        kind = told(path, head)
        if kind is not None:
            return kind
    return _by_name(path)


def _by_name(path: Path) -> Kind:
    suffix = path.suffix.lower()
    groups: dict[Group, frozenset[str]] = {
        "clip": VIDEO_SUFFIXES, "table": DATA_SUFFIXES, "photo": PHOTO_SUFFIXES
    }  # fmt: skip
    group: Group = next(
        (group for group, suffixes in groups.items() if suffix in suffixes), "other"
    )
    return Kind(group, _NAMED[group])


def _folder(path: Path) -> Kind:
    return (
        Kind("project", "a project's folder")
        if (path / "project.json").is_file()
        else Kind("folder", "a folder")
    )


# What the first bytes say -------------------------------------------------------------------------


def _picture(path: Path, head: bytes) -> Kind | None:
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
    starts = {b"\xff\xd8\xff": "a JPEG photo", b"II*\0": "a TIFF photo", b"MM\0*": "a TIFF photo", b"II+\0": "a TIFF photo",
              b"MM\0+": "a TIFF photo", b"BM": "a BMP picture", b"8BPS": "a Photoshop picture",
              b"\0\0\0\x0cjP  ": "a JPEG 2000 picture"}  # fmt: skip
    return next(
        (Kind("photo", title) for start, title in starts.items() if head.startswith(start)), None
    )


def _boxes(_path: Path, head: bytes) -> Kind | None:
    """ISO media files: MP4, MOV and their kin, and pictures in the same boxes (ISO/IEC 14496-12 and 23008-12)."""
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
    starts = {
        b"\x1a\x45\xdf\xa3": Kind("clip", "a Matroska or WebM clip"), b"FLV\x01": Kind("clip", "an FLV clip"),
        b"0&\xb2u\x8ef\xcf\x11": Kind("clip", "a WMV clip"), b"\0\0\x01\xba": Kind("clip", "an MPEG clip"),
        b"\0\0\x01\xb3": Kind("clip", "an MPEG clip"), b"OggS": Kind("clip", "an Ogg clip"),
        b"\x06\x0e\x2b\x34": Kind("clip", "an MXF clip"), b"ID3": Kind("sound", "sound alone (MP3)"),
        b"fLaC": Kind("sound", "sound alone (FLAC)"),
    }  # fmt: skip
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
    """Zips: projects, and arrays of our own. The first entry's name tells; the directory is not read."""
    if not head.startswith(b"PK\x03\x04"):
        return None
    length = struct.unpack_from("<H", head.ljust(30, b"\0"), 26)[0]
    first = head[30 : 30 + length].decode("utf-8", errors="replace")
    if first.endswith(".npy"):
        return Kind("table", "a motion as npz")
    is_ours = first == "project.json" or first.startswith("arrays/")
    return Kind("project", "a project") if is_ours else Kind("other", "a zip archive")


def _text(path: Path, head: bytes) -> Kind | None:
    """Text is a table, or none that is read: which, its reader says. A name that says otherwise is believed."""
    if not head or _by_name(path).group not in ("table", "other"):
        return None
    start = head.decode(encoding_of(head), errors="replace")
    odd = sum(char == "\ufffd" or (ord(char) < 32 and char not in "\t\r\n\f") for char in start)
    return Kind("table", "a table of tracking data") if odd <= len(start) // 100 else None


_TOLD_BY: tuple[Callable[[Path, bytes], Kind | None], ...] = (
    _picture,
    _boxes,
    _stream,
    _archive,
    _text,
)


def _gif_frames(path: Path) -> int:
    """How many pictures a GIF has, two at most (GIF89a, sections 18 to 26); 1 where it is damaged."""
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
    return 3 << ((flags & 7) + 1) if flags & 128 else 0
