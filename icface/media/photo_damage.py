"""Photos that are damaged or cut short, found before a decoder meets the damage."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import ImageFile
from PIL.ExifTags import Base as Tag

from icface.media.photo import PhotoError

PhotoFile = io.BufferedReader | io.BytesIO
"""A file, open for reading, or its bytes."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STORES = ((Tag.StripOffsets, Tag.StripByteCounts), (Tag.TileOffsets, Tag.TileByteCounts))
"""The TIFF tags that give place and length of the pixels: in strips, or in tiles."""


class DamagedError(PhotoError):
    """A photo of which a part is missing or wrong."""


def damaged(path: Path, why: str) -> DamagedError:
    """An error that names the file and the damage."""
    return DamagedError(f"{path} is damaged or cut short: {why}. Copy or download it again.")


def why_unreadable(error: Exception) -> str:
    """A decoder's complaint in plain words; its own speak of buffers, streams and sizes."""
    text = str(error).lower()
    early = any(
        word in text
        for word in ("truncated", "end of", "eof", "not enough", "broken data stream", "unpack")
    )
    return "it ends too early" if early else "its pixels or what it says of them cannot be decoded"


def check_png_is_whole(path: Path, file: PhotoFile) -> bytes:
    """Compare every chunk with its checksum, which Pillow and OpenCV skip in part.

    Returns
    -------
    bytes
        The EXIF data with its header; empty for none.

    Raises
    ------
    DamagedError
    """
    place, exif, name = file.tell(), b"", b""
    file.seek(len(PNG_SIGNATURE))
    while name != b"IEND":
        length, name = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
        data = file.read(length)
        if len(data) < length or file.read(4) != struct.pack(
            ">I", zlib.crc32(data, zlib.crc32(name))
        ):
            raise damaged(path, "a part of it is missing or does not match its checksum")
        if name == b"eXIf":
            exif = b"Exif\0\0" + data
    file.seek(place)
    return exif


def check_tiff_is_whole(path: Path, image: ImageFile.ImageFile) -> None:
    """Compare the places of the pixels with the file's length.

    libtiff does so too, but prints its findings on the standard error.

    Raises
    ------
    DamagedError
    """
    tags, size = image.tag_v2, path.stat().st_size  # type: ignore[attr-defined]  # a TiffImageFile
    reach = (
        np.array([tile[1][2:] for tile in image.tile if tile[1]]).reshape(-1, 2).max(0, initial=0)
    )
    if (
        reach[0] < tags[Tag.ImageWidth] or reach[1] < tags[Tag.ImageLength]
    ):  # Pillow would leave the rest black
        raise damaged(path, "a part of its pixels is missing")
    for offsets, counts in _STORES:
        ends = (a + b for a, b in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False))
        if max(ends, default=0) > size:
            raise damaged(path, f"it has {size} bytes and should have more")
