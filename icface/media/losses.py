"""The losses of a save or an export, in plain words: the one place that decides and states them.

Plans show these sentences before anything is written, and the writers hold to the same decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from av.video.format import VideoFormat

from icface.media import xmp
from icface.media.clip_tags import ClipTags
from icface.media.colour import BT709, PQ, UNSPECIFIED, Layout, bit_depth, has_alpha
from icface.media.details import RESOURCES_HEAD, Keep, exif_without, has_place
from icface.media.frame_format import Pictures
from icface.media.photo import Photo
from icface.media.presets import Preset
from icface.media.provenance import Provenance
from icface.media.sound_track import TrackPlan
from icface.media.tone_mapping import is_hdr

_SEGMENT_BYTES = 65533
"""Most that a segment of JPEG holds."""
_XMP_HEAD_BYTES = 29
_HOLDS_IPTC = frozenset({"JPEG", "TIFF"})
_HOLDS_TEXTS = frozenset({"PNG"})
_DEEP = frozenset({"PNG", "TIFF"})


# Photos -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The description in a saved picture, beside its pixels, profile and resolution.

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


def kept_of_photo(
    photo: Photo, kind: str, *, keep: Keep = "all", provenance: Provenance | None = None
) -> Kept:
    """The part of a photo's description that a kind of file gets, and what is left out.

    Kinds are JPEG, PNG, WEBP and TIFF.
    """
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
        exif=exif,
        xmp=packet,
        iptc=iptc,
        texts=texts,
        notes=(*about_place, *about_exif, *about_xmp, *about_iptc, *about_texts),
    )


def of_photo(
    photo: Photo, kind: str, *, keep: Keep = "all", provenance: Provenance | None = None
) -> tuple[str, ...]:
    """The losses of a photo in a kind of file (JPEG, PNG, WEBP, TIFF)."""
    return *of_pixels(photo, kind), *kept_of_photo(
        photo, kind, keep=keep, provenance=provenance
    ).notes


def of_pixels(photo: Photo, kind: str) -> tuple[str, ...]:
    """The losses of a photo's pixels and of all else that is not words, in a kind of file."""
    notes = []
    if photo.pixels.dtype == np.uint16 and kind not in _DEEP:
        notes.append(
            f"{kind} holds 8 bits per colour: the photo's 16 are rounded. PNG and TIFF keep them."
        )
    if kind == "JPEG" and photo.has_alpha and _is_clear(photo):
        notes.append(
            "JPEG knows no transparency: the photo is laid on white. PNG, WebP and TIFF keep it."
        )
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


def plan_of_photo(
    photo: Photo, kind: str, *, keep: Keep = "all", provenance: Provenance | None = None
) -> list[str]:
    """The label and the losses of saving a photo in a kind of file, one sentence a line."""
    notes = (*of_photo(photo, kind, keep=keep, provenance=provenance), *place_said(photo, keep))
    return [*(f"Note: {note}" for note in notes), label_said(provenance)]


def label_said(provenance: Provenance | None) -> str:
    """A sentence about what a file says of its making."""
    if provenance is None:
        return "The file does NOT say that a trained model had a part in it."
    return "The file says that a trained model had a part in it (IPTC digital source type)."


def _is_clear(photo: Photo) -> bool:
    return bool((photo.pixels[..., 3] < np.iinfo(photo.pixels.dtype).max).any())


def _nothing_kept(photo: Photo) -> tuple[str, ...]:
    details = photo.details
    there = {
        "EXIF data": photo.exif,
        "XMP data": details.xmp,
        "IPTC data": details.iptc,
        "comments": details.texts,
    }
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


def _packet(
    photo: Photo, kind: str, provenance: Provenance | None, *, place: bool
) -> tuple[bytes, tuple[str, ...]]:
    own = b"" if provenance is None else provenance.xmp()
    try:
        packet = xmp.saved_packet(photo.details.xmp, provenance, place=place)
    except xmp.XmpError as error:
        return own, (f"The photo's XMP data are damaged ({error}) and left out.",)
    if kind == "JPEG" and len(packet) > _SEGMENT_BYTES - _XMP_HEAD_BYTES:
        return own, (
            (
                f"JPEG holds {_SEGMENT_BYTES - _XMP_HEAD_BYTES} bytes of XMP data, and this photo "
                "has more: left out."
            ),
        )
    return packet, ()


def _iptc(photo: Photo, kind: str) -> tuple[bytes, tuple[str, ...]]:
    iptc = photo.details.iptc
    if not iptc:
        return b"", ()
    if kind not in _HOLDS_IPTC:
        return b"", (
            (
                f"{_NAMES[kind]} has no place for IPTC data (caption, credit): left out. "
                "JPEG and TIFF keep them."
            ),
        )
    if kind == "JPEG" and len(iptc) > _SEGMENT_BYTES - len(RESOURCES_HEAD):
        return b"", (
            "JPEG holds 64 KB of IPTC data, and this photo has more: left out. TIFF keeps them.",
        )
    return iptc, ()


def _texts(photo: Photo, kind: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    texts = photo.details.texts
    if kind in _HOLDS_TEXTS or not texts:
        return texts, ()
    kept = tuple(
        pair
        for pair in texts
        if kind == "JPEG" and pair[0] == "Comment" and len(pair[1].encode()) <= _SEGMENT_BYTES
    )
    gone = [name for name, _ in texts if name not in dict(kept)]
    if not gone:
        return kept, ()
    if gone == ["Comment"]:
        return kept, (
            f"{_NAMES[kind]} has no place for the photo's comment: left out. JPEG and PNG keep it.",
        )
    return kept, (
        (
            f"{_NAMES[kind]} has no place for the photo's texts ({', '.join(gone)}): left out. "
            "PNG keeps them."
        ),
    )


_NAMES = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WebP", "TIFF": "TIFF"}


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# Frames -------------------------------------------------------------------------------------------


_ANIMATIONS = {
    "gif": "GIF has 256 colours a frame, and times of whole 1/100 s.",
    "webp": "WebP animations are compressed with loss, and have times of whole 1/1000 s.",
}


def of_frames(
    preset: Preset, made: Pictures, written: Pictures, *, bits: int | None = None
) -> tuple[str, ...]:
    """The losses of frames in a preset.

    Parameters
    ----------
    preset : Preset
    made, written : Pictures
        Frames as they are made, and as they are handed to the writer.
    bits : int, optional
        Per colour of the source, where frames have fewer.
    """
    notes = [_ANIMATIONS[preset.name]] if preset.name in _ANIMATIONS else []
    notes += [
        *_of_format(preset, written.form, bits or bit_depth(VideoFormat(made.form))),
        *_of_range(preset, made, written),
    ]
    return (*notes, *_of_aspect(preset, made, written), *_of_size(preset, written))


def _of_format(preset: Preset, form: str, bits: int) -> tuple[str, ...]:
    """The losses of frames in a pixel format, from a source of this many bits, in a preset."""
    source, kept = VideoFormat(form.replace("yuvj", "yuv")), VideoFormat(preset.pixel_format(form))
    notes = []
    if bit_depth(kept) < bits:
        notes.append(f"{bits} bits per colour are reduced to {bit_depth(kept)}.")
    if has_alpha(source) and not has_alpha(kept):
        notes.append("Transparency is left out.")
    if _chroma(kept) > _chroma(source):
        notes.append("Colours are stored at half the resolution of brightness.")
    return tuple(notes)


def _chroma(form: VideoFormat) -> int:
    layout = Layout.of(form)
    return 1 if layout is None else layout.across * layout.down


def _of_range(preset: Preset, made: Pictures, written: Pictures) -> tuple[str, ...]:
    name = "PQ" if made.colours.transfer == PQ else "HLG"
    if is_hdr(made.colours) and not is_hdr(written.colours):
        return (
            f"High dynamic range ({name}) is brought to that of ordinary screens (SDR, BT.709).",
        )
    if is_hdr(made.colours):
        as_it_is = f"High dynamic range ({name}) is kept as it is"
        if preset.name == "exr":
            return (f"{as_it_is}, not made linear.",)
        return (f"{as_it_is}: it needs a screen or player for it.",)
    if preset.kind != "clip" and made.colours.primaries not in (BT709, UNSPECIFIED, 0, 5, 6, 7):
        return (
            (
                "The clip's colours are wider than sRGB; these files do not say so, and programs "
                "show them paler."
            ),
        )
    return ()


def _of_aspect(preset: Preset, made: Pictures, written: Pictures) -> tuple[str, ...]:
    if made.aspect == 1:
        return ()
    wide, high = written.square_size
    ratio = f"{made.aspect.numerator}:{made.aspect.denominator}"
    if preset.kind == "clip" and written.aspect != 1:
        stored = "{} x {}".format(*written.orientation.size(written.width, written.height))
        return (
            f"Pixels are not square ({ratio}) and stay so: {stored} are shown as {wide} x {high}.",
        )
    return (f"Pixels that are not square ({ratio}) are made square.",)


def _of_size(preset: Preset, written: Pictures) -> tuple[str, ...]:
    size = written.orientation.size(written.width, written.height)
    even = even_size(preset, preset.pixel_format(written.form), size)
    if preset.kind != "clip" or even == size:
        return ()
    return (
        f"The last column or row is repeated: this format wants even sides, {even[0]} x {even[1]}.",
    )


def even_size(preset: Preset, form: str, size: tuple[int, int]) -> tuple[int, int]:
    """The size of the frames of a clip: codecs for players want whole chroma samples."""
    layout = Layout.of(VideoFormat(form))
    if layout is None or not preset.formats:
        return size
    return size[0] + size[0] % layout.across, size[1] + size[1] % layout.down


# Sound and words ----------------------------------------------------------------------------------


def of_sound(tracks: Sequence[TrackPlan]) -> tuple[str, ...]:
    """The losses of the sound tracks that are written."""
    return tuple(
        f"Track {track.number + 1} of the sound has {track.channels} channels; "
        f"{track.kept_channels} of them all are made."
        for track in tracks
        if track.kept_channels < track.channels
    )


def sound_left_out(count: int, preset: Preset) -> tuple[str, ...]:
    """A sentence about a clip's tracks of sound in a kind of file without any."""
    if preset.kind == "clip" or not count:
        return ()
    return (
        (
            f"The sound is left out ({'one track' if count == 1 else f'{count} tracks'}): "
            "this kind of file has none."
        ),
    )


def of_clip_tags(tags: ClipTags, preset: Preset, keep: Keep) -> tuple[str, ...]:
    """The losses of a clip's tags and of its other contents."""
    notes = []
    named = _listed(list(tags.names)[:8]) if tags.names else ""
    if named and preset.kind != "clip":
        notes.append(f"What the clip says of itself ({named}) is left out: it stays with clips.")
    elif named and keep == "none":
        notes.append(f"What the clip says of itself ({named}) is left out, as chosen.")
    elif tags.has_place and keep == "no-place":
        notes.append("Where the clip was taken (GPS) is left out, as chosen.")
    elif tags.has_place:
        notes.append("The file goes on saying where the clip was taken (GPS).")
    if tags.others:
        notes.append(f"The clip also holds {_listed(list(tags.others))}: left out.")
    return tuple(notes)


def of_photo_in_motion(photo: Photo, preset: Preset) -> tuple[str, ...]:
    """The losses of a photo's description and profile in a clip or animation made from it."""
    if preset.kind == "sequence":
        return ()
    details = photo.details
    there = {
        "EXIF data": photo.exif,
        "XMP data": details.xmp,
        "IPTC data": details.iptc,
        "texts": details.texts,
    }
    found = [name for name, data in there.items() if data]
    notes = (
        [f"What the photo's file says ({_listed(found)}) is left out: it stays with pictures."]
        if found
        else []
    )
    if photo.icc:
        notes.append(
            "The photo's colour profile is left out: its colours are shown as if they were sRGB."
        )
    return tuple(notes)
