"""Saving photos whole or not at all, with the original's profile, EXIF data and depth.

The file is written beside its destination under another name, flushed to the disk and renamed.
8-bit JPEG, PNG and WebP are written by Pillow (from a copy of its own, 4 bytes a pixel). 16-bit PNG
and all TIFF are written here, in bands: neither Pillow nor OpenCV writes them together with a
profile and the camera's description.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, TiffImagePlugin, TiffTags

from icface.arrays import Pixels
from icface.media.details import IPTC_TAG, RESOURCES_HEAD, XMP_TAG, Keep, iptc_records
from icface.media.losses import Kept, kept_of_photo, of_pixels
from icface.media.photo import Photo, PhotoError, bands, eight_bit
from icface.media.provenance import MADE_HERE, Provenance, text_chunk
from icface.system.atomic_write import reason, write_whole

_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}
_XMP_KEYWORD = "XML:com.adobe.xmp"


def problem_with(path: Path) -> str:
    """The obstacle to saving a file of that name, as a sentence; empty if there is none."""
    if path.is_dir():
        return f"{path} is a folder. Choose a file name."
    if not path.parent.is_dir():
        return (
            f"There is no folder {path.parent} to save {path.name} in. Create it or choose another."
        )
    if path.exists() and not os.access(path, os.W_OK):
        return f"{path} could not be saved: {reason(PermissionError(errno.EACCES, ''))}."
    return ""


def photo_format(suffix: str) -> str:
    """The format of photos with an ending: JPEG, PNG, WEBP or TIFF; "" for any other ending."""
    return _FORMATS.get(suffix.lower(), "")


def output_format(path: str | Path) -> str:
    """The format a file name asks for: JPEG, PNG, WEBP or TIFF.

    Raises
    ------
    PhotoError
        For any other ending, a missing folder, or a folder of that name: what can be known before
        anything is rendered.
    """
    path = Path(path)
    kind = photo_format(path.suffix)
    if not kind:
        ending = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
        raise PhotoError(
            f"{path} {ending}. Photos are saved as {', '.join(_FORMATS)}: "
            "choose one of these endings."
        )
    problem = problem_with(path)
    if problem:
        raise PhotoError(problem)
    return kind


def save_photo(
    path: str | Path,
    photo: Photo,
    quality: int = 95,
    *,
    provenance: Provenance | None = MADE_HERE,
    keep: Keep = "all",
) -> tuple[str, ...]:
    """Save a photo in the format its name's ending asks for; a file of that name is replaced.

    Parameters
    ----------
    path : str or Path
        Ending in .jpg, .jpeg, .png, .webp, .tif or .tiff.
    photo : Photo
        PNG and TIFF keep every pixel value. JPEG is written without chroma subsampling.
    quality : int
        1 to 100, of JPEG and WebP.
    provenance : Provenance or None
        What the file says of its making; None for a picture that was not edited, or where a person
        chose so.
    keep : str
        What of the photo's EXIF, XMP and IPTC data and comments is saved: "all", "no-place" (all
        but GPS) or "none".

    Returns
    -------
    tuple of str
        What was left out, in plain words, see `icface.media.losses.of_photo`; empty when nothing
        was.

    Raises
    ------
    PhotoError
        If the format or size does not fit or the file cannot be written; then nothing has changed
        on the disk.
    """
    path = Path(path)
    kind = output_format(path)
    if not 1 <= quality <= 100:
        raise PhotoError(f"Quality {quality} is out of range: choose 1 to 100 (95 is a good one).")
    longest = max(photo.width, photo.height)
    if longest > _LONGEST_SIDE.get(kind, longest):
        raise PhotoError(
            f"{path}: {kind} pictures have at most {_LONGEST_SIDE[kind]} pixels a side, and "
            f"this one has {longest}. "
            "Save it as PNG or TIFF."
        )
    kept = kept_of_photo(photo, kind, keep=keep, provenance=provenance)
    try:
        write_whole(path, lambda file: _encode(file, photo, kind, quality, kept))
    except OSError as error:
        raise PhotoError(f"{path} could not be saved: {reason(error)}.") from error
    except MemoryError:
        raise PhotoError(
            f"{path} could not be saved: memory is full; close other programs."
        ) from None
    return *of_pixels(photo, kind), *kept.notes


def _encode(file: BinaryIO, photo: Photo, kind: str, quality: int, kept: Kept) -> None:
    if kind == "TIFF":
        _write_tiff(file, photo, kept)
    elif kind == "PNG" and photo.pixels.dtype == np.uint16:
        _write_png16(file, photo, kept)
    else:
        by_format: dict[str, dict[str, Any]] = {
            "JPEG": {"quality": quality, "subsampling": 0},
            "WEBP": {"quality": quality, "exact": True},
            "PNG": {"compress_level": 4},  # half the time of 6, and for photos no larger
        }
        image = _pillow_image(photo.pixels, flat=kind == "JPEG")
        image.save(file, kind, **by_format[kind], **_description(photo, kind, kept))


def _description(photo: Photo, kind: str, kept: Kept) -> dict[str, Any]:
    """Pillow's options for a photo's description."""
    options: dict[str, Any] = {"icc_profile": photo.icc, "dpi": photo.dpi, "exif": kept.exif}
    if kind == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        for keyword, text in _all_texts(kept):
            options["pnginfo"].add_itxt(keyword, text)
        return {name: value for name, value in options.items() if value}
    options["xmp"] = kept.xmp
    if kind == "JPEG":
        options["comment"] = dict(kept.texts).get("Comment", "").encode()
        if kept.iptc:  # beside what Pillow knows of: it writes these bytes as they are
            content = RESOURCES_HEAD + kept.iptc
            options["extra"] = b"\xff\xed" + struct.pack(">H", len(content) + 2) + content
    return {name: value for name, value in options.items() if value}


def _all_texts(kept: Kept) -> tuple[tuple[str, str], ...]:
    """The texts of a PNG file, its XMP packet among them."""
    return (*kept.texts, (_XMP_KEYWORD, kept.xmp.decode())) if kept.xmp else kept.texts


def _pillow_image(pixels: Pixels, *, flat: bool) -> Image.Image:
    """An 8-bit picture, made in bands, laid on white if `flat`."""
    height, width, channels = pixels.shape
    has_alpha = channels == 4
    image = Image.new("RGBA" if has_alpha and not flat else "RGB", (width, height))
    for rows in bands(height, width):
        band = eight_bit(pixels[rows])
        if has_alpha and flat:
            alpha = band[..., 3:].astype(np.uint32)
            band = ((band[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
        image.paste(Image.fromarray(band), (0, rows.start))
    return image


def _write_png16(file: BinaryIO, photo: Photo, kept: Kept) -> None:
    """PNG with 16 bits per channel (PNG specification, third edition: sections 5, 9 and 11)."""

    def chunk(name: bytes, data: bytes) -> None:
        file.write(
            struct.pack(">I", len(data))
            + name
            + data
            + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
        )

    file.write(b"\x89PNG\r\n\x1a\n")
    colour_type = 6 if photo.has_alpha else 2
    chunk(b"IHDR", struct.pack(">IIBBBBB", photo.width, photo.height, 16, colour_type, 0, 0, 0))
    if photo.icc:
        chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(photo.icc))
    if photo.dpi:
        chunk(b"pHYs", struct.pack(">IIB", *(round(v / 0.0254) for v in photo.dpi), 1))
    if kept.exif:
        chunk(b"eXIf", kept.exif.removeprefix(b"Exif\0\0"))
    for keyword, text in _all_texts(kept):
        chunk(b"iTXt", text_chunk(keyword, text))
    packer = zlib.compressobj(4)
    for rows in _filtered_rows(photo.pixels):
        chunk(b"IDAT", packer.compress(rows))
    chunk(b"IDAT", packer.flush())
    chunk(b"IEND", b"")


def _filtered_rows(pixels: Pixels) -> Iterator[bytes]:
    """Rows of big-endian samples as differences from the pixel to the left (PNG filter 1).

    These compress well.
    """
    step = pixels.shape[2] * 2
    for rows in bands(*pixels.shape[:2]):
        samples: NDArray[np.uint8] = (
            pixels[rows].astype(">u2").view(np.uint8).reshape(rows.stop - rows.start, -1)
        )
        filtered = np.empty((samples.shape[0], samples.shape[1] + 1), np.uint8)
        filtered[:, 0] = 1
        filtered[:, 1 : 1 + step] = samples[:, :step]
        np.subtract(samples[:, step:], samples[:, :-step], out=filtered[:, 1 + step :])
        yield filtered.tobytes()


def _write_tiff(file: BinaryIO, photo: Photo, kept: Kept) -> None:
    """Uncompressed little-endian TIFF of 8 or 16 bits a channel; Pillow makes the directory.

    See TIFF 6.0, section 6.
    """
    height, width, channels = photo.pixels.shape
    n_bytes = photo.pixels.dtype.itemsize
    slices = list(bands(height, width))
    sizes = tuple((rows.stop - rows.start) * width * channels * n_bytes for rows in slices)
    tags = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\x08\0\0\0")
    if kept.exif:
        described = Image.Exif()
        described.load(kept.exif)
        for tag in described:
            entries = described.get_ifd(tag)
            tags[tag] = dict(entries) if entries else described[tag]
    tags.update(
        {
            256: width,
            257: height,
            277: channels,
            258: (8 * n_bytes,) * channels,
            259: 1,
            262: 2,
            284: 1,
        }
    )
    tags[278] = slices[0].stop  # rows per strip
    tags[273] = tuple(
        sum(sizes[:i]) for i in range(len(sizes))
    )  # Pillow adds where the directory ends
    tags[279] = sizes
    if photo.has_alpha:
        tags[338] = (2,)  # unassociated alpha
    if photo.dpi:
        tags[282], tags[283], tags[296] = (*photo.dpi, 2)
    if photo.icc:
        tags[34675] = photo.icc
    if kept.xmp:
        tags.tagtype[XMP_TAG], tags[XMP_TAG] = TiffTags.BYTE, kept.xmp
    if records := iptc_records(kept.iptc):
        tags.tagtype[IPTC_TAG], tags[IPTC_TAG] = TiffTags.UNDEFINED, records
    tags.save(file)
    file.writelines(
        photo.pixels[rows].astype(f"<u{n_bytes}", copy=False).tobytes() for rows in slices
    )
