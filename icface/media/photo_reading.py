"""Opening photos: first the header, then the size, then the pixels.

A photo that is too large is refused before anything of it is decoded.

Pillow reads headers, EXIF, profiles and 8-bit pixels; OpenCV reads 16-bit pixels, which Pillow
would cut to 8.

Memory, for n pixels of c channels: 8 bit takes 4n bytes of Pillow's own beside the result's c n; 16
bit takes the file's bytes beside the result's 2 c n, and then the result a second time if the photo
has to be turned.
"""

from __future__ import annotations

import hashlib
import io
import logging
import math
import re
import stat
import warnings
from dataclasses import replace
from pathlib import Path
from typing import cast

from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from icface.media.details import details_of
from icface.media.endings import with_ending
from icface.media.photo import MAX_MEGAPIXELS, MAX_PIXEL_BYTES, Photo, PhotoError
from icface.media.photo_damage import (
    DamagedError,
    PhotoFile,
    check_png_is_whole,
    check_tiff_is_whole,
    damaged,
    why_unreadable,
)
from icface.media.photo_pixels import (
    check_deep_size,
    is_deep,
    read_8bit,
    read_16bit,
    rgb_profile,
    turned_upright,
)
from icface.system.atomic_write import reason

logging.getLogger("PIL.TiffImagePlugin").setLevel(
    logging.CRITICAL
)  # what it logs of damaged files, it raises as well
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF")

_TAGS_KEPT_FROM_TIFF = frozenset(
    {270, 271, 272, 305, 306, 315, 316, 33432, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo}
)
_TAGS_DROPPED = frozenset({ExifTags.Base.Orientation, 273, 279, 513, 514, 700, 34377, 34675})


def load_photo(path: str | Path) -> Photo:
    """Read a photo, turned upright.

    Raises
    ------
    PhotoError
        If there is no such file, it may not be read, it is no JPEG, PNG, WebP or TIFF, it is
        damaged or cut short, or it has more than `MAX_MEGAPIXELS` or colours of neither 8 nor 16
        bits.
    """
    path = Path(path)
    _check_is_file(path)
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # Pillow warns of large pictures and odd EXIF; both are dealt with here
            return _read_whole(path, file)
    except PermissionError:
        raise PhotoError(
            f"{path} may not be read: you lack the permission. Change the file's permissions."
        ) from None
    except MemoryError:
        raise PhotoError(
            f"{path} does not fit into memory. Close other programs or make the photo smaller."
        ) from None
    except OSError as error:
        raise PhotoError(f"{path} cannot be read: {reason(error)}.") from error


def _check_is_file(path: Path) -> None:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise PhotoError(f"There is no file {path}. Check the name and the folder.") from None
    except PermissionError:
        raise PhotoError(
            f"{path} may not be read: you lack the permission. Change the folder's permissions."
        ) from None
    except (OSError, ValueError):  # a name too long, or with a NUL in it
        raise PhotoError(
            f"{str(path)!r} is not a file name. Choose a photo by the name that your folder shows."
        ) from None
    if stat.S_ISDIR(status.st_mode):
        raise PhotoError(f"{path} is a folder. Choose a photo inside it.")
    if not stat.S_ISREG(status.st_mode):
        raise PhotoError(f"{path} is not an ordinary file. Choose a photo.")
    if status.st_size == 0:
        raise PhotoError(f"{path} is empty (0 bytes). Copy or download it again.")


def _read_whole(path: Path, file: PhotoFile) -> Photo:
    """The photo of a file that is whole or lacks only its end marker."""
    try:
        return _read(path, file)
    except PhotoError as error:
        file.seek(0)
        ended = with_ending(file.read(MAX_PIXEL_BYTES)) if isinstance(error, DamagedError) else None
        if ended is None:
            raise
    photo = _read(path, io.BytesIO(ended))
    file.seek(0)
    notes = ("The file lacks its end marker; the picture is whole, and saved again it has one.",)
    return replace(photo, digest=hashlib.file_digest(file, "sha256").hexdigest(), notes=notes)


def _read(path: Path, file: PhotoFile) -> Photo:
    head = file.read(32)
    file.seek(0)
    image = _open_header(path, file)
    width, height = image.size
    _check_size(path, width * height, f"{width} x {height} pixels, ")
    try:
        if image.format == "PNG":
            image.info["exif"] = check_png_is_whole(
                path, file
            )  # or Pillow would decode all of it in search of these
        elif image.format == "TIFF":
            check_tiff_is_whole(path, image)
        orientation, exif = _read_exif(image)
        if image.format == "TIFF":
            orientation = 1  # Pillow and OpenCV turn TIFFs, and only those, by themselves
        details = details_of(image, file)
        icc, dpi = cast("bytes | None", image.info.get("icc_profile")), _dpi(image)
        if is_deep(path, image, head):
            check_deep_size(path, image)
            pixels, icc = (
                turned_upright(read_16bit(path, image, file), orientation),
                rgb_profile(icc),
            )
        else:
            pixels, icc = read_8bit(path, image, orientation, icc)
    except (PhotoError, MemoryError):
        raise
    except Exception as error:  # decoders of damaged files raise anything
        raise damaged(path, why_unreadable(error)) from error
    file.seek(0)
    return Photo(
        pixels, path, hashlib.file_digest(file, "sha256").hexdigest(), icc, exif, dpi, details
    )


def _open_header(path: Path, file: PhotoFile) -> ImageFile.ImageFile:
    try:
        return Image.open(file, formats=_FORMATS)
    except Image.DecompressionBombError as error:  # Pillow's own limit, above ours
        found = re.search(r"\d+", str(error))
        _check_size(path, int(found[0]) if found else 10**9, "")
        raise
    except UnidentifiedImageError:
        raise PhotoError(
            f"{path} is not a JPEG, PNG, WebP or TIFF picture, or it is damaged. "
            "Save it as one of these in another program first."
        ) from None
    except Exception as error:  # decoders of damaged files raise anything
        raise damaged(path, why_unreadable(error)) from error


def _check_size(path: Path, pixels: int, size: str) -> None:
    if pixels > MAX_MEGAPIXELS * 1_000_000:
        raise PhotoError(
            f"{path} is too large: {size}{pixels / 1e6:.1f} megapixels. "
            f"The limit is {MAX_MEGAPIXELS} megapixels; make it smaller first."
        )


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        across, down = (float(v) for v in image.info.get("dpi", ()))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if all(math.isfinite(v) and 0 < v < 1e5 for v in (across, down)) else None


def _read_exif(image: Image.Image) -> tuple[int, bytes | None]:
    """The EXIF orientation (1 to 8), and the EXIF data without it and without the thumbnail."""
    orientation = 1
    try:
        found = image.getexif()
        orientation = int(found.get(ExifTags.Base.Orientation, 1))
        kept = Image.Exif()
        for tag in list(found):
            if tag in _TAGS_KEPT_FROM_TIFF if image.format == "TIFF" else tag not in _TAGS_DROPPED:
                is_directory = tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
                kept[tag] = dict(found.get_ifd(tag)) if is_directory else found[tag]
        if not len(kept):
            return _valid(orientation), None
        camera = kept.get(ExifTags.IFD.Exif)
        if camera and orientation in (5, 6, 7, 8):
            across, down = ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight
            if across in camera and down in camera:
                camera[across], camera[down] = camera[down], camera[across]
        kept[ExifTags.Base.Orientation] = 1
        return _valid(orientation), kept.tobytes()
    except Exception:  # noqa: BLE001  (cameras write broken EXIF in every way; the picture matters more)
        return _valid(orientation), None


def _valid(orientation: int) -> int:
    return orientation if 1 <= orientation <= 8 else 1
