"""What a save or an export leaves out or changes, in plain words: the one place that decides it and says it.

Plans show these sentences before anything is written, and the writers hold to the same decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from icface.media import xmp
from icface.media.details import RESOURCES_HEAD, Keep, exif_without, has_place
from icface.media.photo import Photo
from icface.media.provenance import Provenance

_SEGMENT_BYTES = 65533
"""Most that a segment of JPEG holds."""
_XMP_HEAD_BYTES = 29
_HOLDS_IPTC = frozenset({"JPEG", "TIFF"})
_HOLDS_TEXTS = frozenset({"PNG"})
_DEEP = frozenset({"PNG", "TIFF"})


# Photos --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a saved picture says beside its pixels, profile and resolution.

    Attributes
    ----------
    exif, xmp, iptc : bytes
        EXIF data, an XMP packet, image resources with IPTC data; empty for none.
    texts : tuple of (str, str)
        Keyword and text.
    notes : tuple of str
        What is left out, in plain words.
    """

    exif: bytes = field(default=b"", repr=False)
    xmp: bytes = field(default=b"", repr=False)
    iptc: bytes = field(default=b"", repr=False)
    texts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def kept_of_photo(photo: Photo, kind: str, *, keep: Keep = "all", provenance: Provenance | None = None) -> Kept:
    """What of a photo's description a file of a kind (JPEG, PNG, WEBP, TIFF) gets, and what is left out."""
    if keep == "none":
        own = b"" if provenance is None else provenance.xmp()
        return Kept(xmp=own, notes=_nothing_kept(photo))
    exif, about_exif = _exif(photo, kind, place=keep == "all")
    packet, about_xmp = _packet(photo, kind, provenance, place=keep == "all")
    iptc, about_iptc = _iptc(photo, kind)
    texts, about_texts = _texts(photo, kind)
    removed = keep == "no-place" and has_place(photo.exif, photo.details)
    about_place = ("Where the picture was taken (GPS) is left out, as chosen.",) if removed else ()
    return Kept(
        exif=exif, xmp=packet, iptc=iptc, texts=texts,
        notes=(*about_place, *about_exif, *about_xmp, *about_iptc, *about_texts),
    )  # fmt: skip


def of_photo(photo: Photo, kind: str, *, keep: Keep = "all", provenance: Provenance | None = None) -> tuple[str, ...]:
    """What a file of a kind (JPEG, PNG, WEBP, TIFF) does not keep of a photo."""
    return *of_pixels(photo, kind), *kept_of_photo(photo, kind, keep=keep, provenance=provenance).notes


def of_pixels(photo: Photo, kind: str) -> tuple[str, ...]:
    """What of a photo's pixels, and of all else that is not words, a file of a kind does not keep."""
    notes = []
    if photo.pixels.dtype == np.uint16 and kind not in _DEEP:
        notes.append(f"{kind} holds 8 bits per colour: the photo's 16 are rounded. PNG and TIFF keep them.")
    if kind == "JPEG" and photo.has_alpha and _is_clear(photo):
        notes.append("JPEG knows no transparency: the photo is laid on white. PNG, WebP and TIFF keep it.")
    if photo.details.mode:
        notes.append(f"The file's colours are {photo.details.mode}; the picture is saved as RGB.")
    if photo.details.beside:
        notes.append(f"The file also holds {photo.details.beside}, which is left out.")
    return tuple(notes)


def place_said(photo: Photo, keep: Keep) -> tuple[str, ...]:
    """A sentence about a place that a saved picture goes on telling; none where it does not."""
    if keep != "all" or not has_place(photo.exif, photo.details):
        return ()
    return ("The file goes on saying where the picture was taken (GPS).",)


def _is_clear(photo: Photo) -> bool:
    return bool((photo.pixels[..., 3] < np.iinfo(photo.pixels.dtype).max).any())


def _nothing_kept(photo: Photo) -> tuple[str, ...]:
    details = photo.details
    there = {"EXIF data": photo.exif, "XMP data": details.xmp, "IPTC data": details.iptc, "comments": details.texts}
    found = [name for name, data in there.items() if data]
    return (f"The photo's {_listed(found)} are left out, as chosen.",) if found else ()


def _exif(photo: Photo, kind: str, *, place: bool) -> tuple[bytes, tuple[str, ...]]:
    exif = photo.exif or b""
    if exif and not place:
        exif = exif_without(exif, place=False) or b""
    if kind != "JPEG" or len(exif) <= _SEGMENT_BYTES:
        return exif, ()
    smaller = exif_without(exif, maker=False) or b""
    much = f"JPEG holds {_SEGMENT_BYTES} bytes of EXIF data, and this photo has more"
    if len(smaller) <= _SEGMENT_BYTES:
        return smaller, (f"{much}: the maker's own part of it (MakerNote) is left out.",)
    return b"", (f"{much}: it is left out.",)


def _packet(photo: Photo, kind: str, provenance: Provenance | None, *, place: bool) -> tuple[bytes, tuple[str, ...]]:
    own = b"" if provenance is None else provenance.xmp()
    try:
        packet = xmp.saved_packet(photo.details.xmp, provenance, place=place)
    except xmp.XmpError as error:
        return own, (f"The photo's XMP data are damaged ({error}) and left out.",)
    if kind == "JPEG" and len(packet) > _SEGMENT_BYTES - _XMP_HEAD_BYTES:
        return own, (f"JPEG holds {_SEGMENT_BYTES - _XMP_HEAD_BYTES} bytes of XMP data, and this photo has more: left out.",)
    return packet, ()


def _iptc(photo: Photo, kind: str) -> tuple[bytes, tuple[str, ...]]:
    iptc = photo.details.iptc
    if not iptc:
        return b"", ()
    if kind not in _HOLDS_IPTC:
        return b"", (f"{_NAMES[kind]} has no place for IPTC data (caption, credit): left out. JPEG and TIFF keep them.",)
    if kind == "JPEG" and len(iptc) > _SEGMENT_BYTES - len(RESOURCES_HEAD):
        return b"", ("JPEG holds 64 KB of IPTC data, and this photo has more: left out. TIFF keeps them.",)
    return iptc, ()


def _texts(photo: Photo, kind: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    texts = photo.details.texts
    if kind in _HOLDS_TEXTS or not texts:
        return texts, ()
    kept = tuple(pair for pair in texts if kind == "JPEG" and pair[0] == "Comment" and len(pair[1].encode()) <= _SEGMENT_BYTES)
    gone = [name for name, _ in texts if name not in dict(kept)]
    if not gone:
        return kept, ()
    if gone == ["Comment"]:
        return kept, (f"{_NAMES[kind]} has no place for the photo's comment: left out. JPEG and PNG keep it.",)
    return kept, (f"{_NAMES[kind]} has no place for the photo's texts ({', '.join(gone)}): left out. PNG keeps them.",)


_NAMES = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WebP", "TIFF": "TIFF"}


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
