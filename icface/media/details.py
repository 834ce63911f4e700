"""A photo's description beside pixels, profile and EXIF data: XMP, IPTC, comments.

IPTC data are held as Photoshop image resources (8BIM blocks), as JPEG stores them. Blocks that show
or describe the unedited picture, as its thumbnail does, are left where they are.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from PIL import ExifTags, Image

from icface.media import xmp

Keep = Literal["all", "no-place", "none"]
"""The part of a photo's description that a saved picture keeps: all, all but the place, or none."""
KEEPS: tuple[Keep, ...] = ("all", "no-place", "none")
XMP_TAG = 700
"""TIFF tag of an XMP packet."""
IPTC_TAG = 33723
"""TIFF tag of IPTC data."""
RESOURCES_TAG = 34377
"""TIFF tag of image resources."""
_IPTC = 0x0404
"""Image resource of IPTC data."""
_COPYRIGHT_FLAG = 0x040A
"""Image resource that marks a picture as under copyright."""
_URL = 0x040B
"""Image resource of an address."""
_IPTC_DIGEST = 0x0425
"""Image resource of the digest of IPTC data."""
_KEPT_RESOURCES = (_IPTC, _COPYRIGHT_FLAG, _URL, _IPTC_DIGEST)
RESOURCES_HEAD = b"Photoshop 3.0\0"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_MOST_TEXT = 1 << 20


@dataclass(frozen=True, slots=True)
class Details:
    """A file's description in words, and its other contents.

    Attributes
    ----------
    xmp : bytes
        The packet; empty for none.
    iptc : bytes
        Image resources with IPTC data; empty for none.
    texts : tuple of (str, str)
        Keyword and text, as PNG has them; the comment of a JPEG file is its "Comment".
    mode : str
        How the file stores its colours, where that is not RGB: "CMYK", "grey", "a palette"; else
        "".
    beside : str
        What else the file holds that is not opened: "a gain map of HDR"; "" for nothing.
    """

    xmp: bytes = field(default=b"", repr=False)
    iptc: bytes = field(default=b"", repr=False)
    texts: tuple[tuple[str, str], ...] = ()
    mode: str = ""
    beside: str = ""

    @property
    def comment(self) -> str:
        """The comment of a JPEG file, or what a PNG file has under that keyword."""
        return dict(self.texts).get("Comment", "")


NO_DETAILS = Details()
"""The description of a picture that came from no file."""
_MODES = {
    "CMYK": "CMYK",
    "L": "grey",
    "1": "black and white",
    "P": "a palette",
    "LA": "grey",
    "PA": "a palette",
    "I;16": "grey",
    "I;16B": "grey",
    "YCbCr": "YCbCr",
}


def details_of(image: Image.Image, file: BinaryIO) -> Details:
    """The description in a file; damaged parts are ignored.

    Parameters
    ----------
    image : PIL.Image.Image
        Opened, with its pixels or without.
    file : binary stream
        The file itself; its place stays as it is.
    """
    mode = "" if image.format == "JPEG" and image.mode == "YCbCr" else _MODES.get(image.mode, "")
    texts: tuple[tuple[str, str], ...] = ()
    packet, resources, beside = b"", b"", ""
    with suppress(
        Exception
    ):  # programs write broken descriptions in every way; the picture matters more
        if image.format == "PNG":
            texts = tuple(_png_texts(file))
            packet = dict(texts).get("XML:com.adobe.xmp", "").encode()
            texts = tuple(
                (key, text)
                for key, text in texts
                if not key.startswith(("XML:com.adobe", "Raw profile type"))
            )
        elif image.format == "TIFF":
            packet, resources = _of_tiff(image)
        else:
            packet = _bytes(image.info.get("xmp"))
            resources, comment = _of_jpeg(image)
            texts = (("Comment", comment),) if comment else ()
    if b"hdrgm:" in packet or b"HDRGainMap" in packet:
        beside = "a gain map of HDR"
    elif any(_EXTENDED_XMP in content[:40] for _, content in getattr(image, "applist", ())):
        beside = "XMP data in several parts"
    return Details(packet, resources, texts, mode, beside)


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, tuple) and all(isinstance(v, int) and 0 <= v < 256 for v in value):
        return bytes(value)
    return b""


def _of_jpeg(image: Image.Image) -> tuple[bytes, str]:
    parts = [content for segment, content in getattr(image, "applist", ()) if segment == "APP13"]
    joined = b"".join(
        part.removeprefix(RESOURCES_HEAD) for part in parts if part.startswith(RESOURCES_HEAD)
    )
    comment = image.info.get("comment", b"")
    text = comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)
    return kept_resources(joined), text.rstrip("\0")


def _of_tiff(image: Image.Image) -> tuple[bytes, bytes]:
    tags = image.tag_v2  # type: ignore[attr-defined]  # a TiffImageFile
    packet, resources = _bytes(tags.get(XMP_TAG)), kept_resources(_bytes(tags.get(RESOURCES_TAG)))
    found = tags.get(IPTC_TAG)
    if isinstance(found, tuple) and found and max(found) > 255:  # written as whole numbers by some
        found = struct.pack(f"<{len(found)}I", *found)
    records = _bytes(found)
    if records and not iptc_records(resources):
        resources = resource(_IPTC, records) + resources
    return packet, resources


def _png_texts(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """Keyword and text of all chunks of text (PNG specification, third edition, 11.3.3)."""
    place, name = file.tell(), b""
    file.seek(8)
    while name != b"IEND":
        length, name = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
        if name in (b"tEXt", b"zTXt", b"iTXt") and length <= _MOST_TEXT:
            keyword, _, rest = file.read(length).partition(b"\0")
            with suppress(zlib.error, UnicodeDecodeError, IndexError):
                yield keyword.decode("latin-1"), _png_text(name, rest)
            file.seek(4, 1)
        elif name == b"\0\0\0\0":
            break
        else:
            file.seek(length + 4, 1)
    file.seek(place)


def _png_text(kind: bytes, rest: bytes) -> str:
    if kind == b"tEXt":
        return rest.decode("latin-1")
    if kind == b"zTXt":
        return _inflated(rest[1:]).decode("latin-1")
    packed = rest[0] == 1
    text = rest[2:].split(b"\0", 2)[2]
    return (_inflated(text) if packed else text).decode()


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, _MOST_TEXT)


# Image resources ----------------------------------------------------------------------------------


def kept_resources(blocks: bytes) -> bytes:
    """The blocks with IPTC data, and what belongs to them."""
    return b"".join(
        resource(number, data) for number, data in _resources(blocks) if number in _KEPT_RESOURCES
    )


def iptc_records(blocks: bytes) -> bytes:
    """The records of IPTC data in image resources; empty where there are none."""
    return next((data for number, data in _resources(blocks) if number == _IPTC), b"")


def resource(number: int, data: bytes) -> bytes:
    """One block of image resources."""
    return (
        b"8BIM"
        + struct.pack(">H", number)
        + b"\0\0"
        + struct.pack(">I", len(data))
        + data
        + bytes(len(data) % 2)
    )


def _resources(blocks: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each complete block of image resources.

    See Adobe Photoshop file formats, image resources.
    """
    at = 0
    while blocks[at : at + 4] == b"8BIM" and at + 12 <= len(blocks):
        number = int.from_bytes(blocks[at + 4 : at + 6], "big")
        name = blocks[at + 6] + 1
        at += 6 + name + name % 2
        size = int.from_bytes(blocks[at : at + 4], "big")
        if at + 4 + size > len(blocks):
            return
        yield number, blocks[at + 4 : at + 4 + size]
        at += 4 + size + size % 2


# The place ----------------------------------------------------------------------------------------


def has_place(exif: bytes | None, details: Details) -> bool:
    """Whether a photo's description gives the place where it was taken."""
    return bool(_loaded(exif).get_ifd(ExifTags.IFD.GPSInfo)) or xmp.has_place(details.xmp)


def exif_without(exif: bytes | None, *, place: bool = True, maker: bool = True) -> bytes | None:
    """EXIF data, without the place or the maker's notes where these are False; or None."""
    found, kept = _loaded(exif), Image.Exif()
    for tag in found:
        if tag == ExifTags.IFD.GPSInfo and not place:
            continue
        if tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            entries = dict(found.get_ifd(tag))
            if not maker:
                entries.pop(ExifTags.IFD.MakerNote, None)
            kept[tag] = entries
        else:
            kept[tag] = found[tag]
    return kept.tobytes() if len(kept) else None


def _loaded(exif: bytes | None) -> Image.Exif:
    found = Image.Exif()
    with suppress(Exception):  # as above
        found.load(exif or b"")
    return found
