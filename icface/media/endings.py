"""Photos that lack only their end marker: a copy lost the last bytes, or a program forgot them."""

from __future__ import annotations

import io
import zlib

from PIL import Image, ImageChops

_JPEG = b"\xff\xd8\xff"
"""First bytes of a JPEG file."""
_JPEG_END = b"\xff\xd9"
"""End marker of a JPEG file."""
_PNG = b"\x89PNG\r\n\x1a\n"
"""First bytes of a PNG file."""
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
"""End marker of a PNG file."""
_FILLINGS = (b"\xaa" * 512, b"\x55" * 512)
"""Two fillings for pixels that may be missing, which no decoder reads alike."""


def with_ending(data: bytes) -> bytes | None:
    """A JPEG or PNG with the end marker that it lacks; None if more is missing, or nothing is.

    Parameters
    ----------
    data : bytes
        Of the whole file.
    """
    if data.startswith(_JPEG):
        return _ended_jpeg(data)
    return _ended_png(data) if data.startswith(_PNG) else None


def _ended_jpeg(data: bytes) -> bytes | None:
    """Whether a JPEG is complete: its decoder asks for no more bits, whatever follows.

    Of progressive ones that cannot be told, since scans that refine the picture may be missing.
    """
    kept = data.rstrip(b"\xff")
    try:
        first, second = (
            Image.open(io.BytesIO(kept + filling + _JPEG_END), formats=("JPEG",))
            for filling in _FILLINGS
        )
        if (
            first.info.get("progressive")
            or ImageChops.difference(first, second).getbbox() is not None
        ):
            return None
    except Exception:  # noqa: BLE001  (decoders of damaged files raise anything)
        return None
    return kept + _JPEG_END


def _ended_png(data: bytes) -> bytes | None:
    """Whether a PNG is complete: its stream of pixels ends, and a cut end marker follows."""
    at, unpacked = len(_PNG), zlib.decompressobj()
    while at + 12 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if at + 12 + length > len(data):
            return None
        try:
            if name == b"IDAT" and not _takes(unpacked, data[at + 8 : at + 8 + length]):
                return None
        except zlib.error:
            return None
        at += 12 + length
    return (
        data[:at] + _PNG_END
        if unpacked.eof and _PNG_END.startswith(data[at:]) and data[at - 8 : at] != _PNG_END[4:]
        else None
    )


def _takes(stream: zlib._Decompress, part: bytes) -> bool:
    """Whether a stream continues with a part; the unpacked data is discarded."""
    while part and not stream.eof:
        stream.decompress(part, 1 << 20)
        part = stream.unconsumed_tail
    return not part or stream.eof
