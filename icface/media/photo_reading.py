"""Opening photos: header first, then size, then pixels, so that nothing large is decoded that would be refused anyway.

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
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageFile, UnidentifiedImageError

from icface.arrays import Pixels
from icface.media.details import details_of
from icface.media.endings import with_ending
from icface.media.photo import MAX_MEGAPIXELS, MAX_PIXEL_BYTES, Photo, PhotoError, bands
from icface.system.atomic_write import reason

logging.getLogger("PIL.TiffImagePlugin").setLevel(
    logging.CRITICAL
)  # what it logs of damaged files, it raises as well
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF")
_File = io.BufferedReader | io.BytesIO
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ODD_COLOURS = "{path} stores its colours as {what}, which cannot be edited. Save it as RGB with 8 or 16 bits per colour first."

# TIFF tags, by number as in the TIFF 6.0 specification
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _PLANAR, _EXTRA, _SAMPLE_FORMAT = (
    256,
    257,
    258,
    262,
    284,
    338,
    339,
)
_STRIPS, _TILES = (273, 279), (324, 325)
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


def _read_whole(path: Path, file: _File) -> Photo:
    """The photo of a file, also of one that lacks its end marker and nothing else."""
    try:
        return _read(path, file)
    except PhotoError as error:
        file.seek(0)
        ended = (
            with_ending(file.read(MAX_PIXEL_BYTES)) if isinstance(error, _DamagedError) else None
        )
        if ended is None:
            raise
    photo = _read(path, io.BytesIO(ended))
    file.seek(0)
    notes = ("The file lacks its end marker; the picture is whole, and saved again it has one.",)
    return replace(photo, digest=hashlib.file_digest(file, "sha256").hexdigest(), notes=notes)


def _read(path: Path, file: _File) -> Photo:
    head = file.read(32)
    file.seek(0)
    image = _open_header(path, file)
    width, height = image.size
    _check_size(path, width * height, f"{width} x {height} pixels, ")
    try:
        if image.format == "PNG":
            image.info["exif"] = _check_png_is_whole(
                path, file
            )  # or Pillow would decode all of it in search of these
        elif image.format == "TIFF":
            _check_tiff_is_whole(path, image)
        orientation, exif = _read_exif(image)
        if image.format == "TIFF":
            orientation = 1  # Pillow and OpenCV turn TIFFs, and only those, by themselves
        details = details_of(image, file)
        icc, dpi = cast("bytes | None", image.info.get("icc_profile")), _dpi(image)
        if _is_deep(path, image, head):
            _check_deep_size(path, image)
            pixels, icc = _turned(_read_16bit(path, image, file), orientation), _rgb_profile(icc)
        else:
            pixels, icc = _read_8bit(path, image, orientation, icc)
    except (PhotoError, MemoryError):
        raise
    except Exception as error:  # decoders of damaged files raise anything
        raise _damaged(path, _why(error)) from error
    file.seek(0)
    return Photo(
        pixels, path, hashlib.file_digest(file, "sha256").hexdigest(), icc, exif, dpi, details
    )


def _open_header(path: Path, file: _File) -> ImageFile.ImageFile:
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
        raise _damaged(path, _why(error)) from error


def _check_size(path: Path, pixels: int, size: str) -> None:
    if pixels > MAX_MEGAPIXELS * 1_000_000:
        raise PhotoError(
            f"{path} is too large: {size}{pixels / 1e6:.1f} megapixels. "
            f"The limit is {MAX_MEGAPIXELS} megapixels; make it smaller first."
        )


class _DamagedError(PhotoError):
    """A photo of which a part is missing or wrong."""


def _damaged(path: Path, why: str) -> _DamagedError:
    return _DamagedError(f"{path} is damaged or cut short: {why}. Copy or download it again.")


def _why(error: Exception) -> str:
    """What a decoder complains of, in words of our own: theirs speak of buffers, streams and sizes."""
    text = str(error).lower()
    early = any(
        word in text
        for word in ("truncated", "end of", "eof", "not enough", "broken data stream", "unpack")
    )
    return "it ends too early" if early else "its pixels or what it says of them cannot be decoded"


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        across, down = (float(v) for v in image.info.get("dpi", ()))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if all(math.isfinite(v) and 0 < v < 1e5 for v in (across, down)) else None


def _read_exif(image: Image.Image) -> tuple[int, bytes | None]:
    """The orientation (1 to 8), and the rest of the EXIF data rebuilt without orientation and thumbnail."""
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


def _stored(upright: Pixels, orientation: int) -> Pixels:
    """The view of upright pixels in which the file stores them (EXIF orientations 1 to 8)."""
    if orientation in (5, 6, 7, 8):
        upright = upright.swapaxes(0, 1)
    vertical = -1 if orientation in (3, 4, 6, 7) else 1
    horizontal = -1 if orientation in (2, 3, 7, 8) else 1
    return upright[::vertical, ::horizontal]


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    if orientation == 1:
        return pixels
    height, width, channels = pixels.shape
    upright = np.empty(
        (width, height, channels) if orientation >= 5 else pixels.shape, pixels.dtype
    )
    _stored(upright, orientation)[...] = pixels
    return upright


def _rgb_profile(icc: bytes | None) -> bytes | None:
    """The profile if it is one of an RGB space, as which the pixels are held and saved."""
    return icc if icc and icc[16:20] == b"RGB " else None


def _read_8bit(
    path: Path, image: ImageFile.ImageFile, orientation: int, icc: bytes | None
) -> tuple[Pixels, bytes | None]:
    mode, convert = _conversion(path, image, icc)
    image.load()
    width, height = image.size
    shape = (height, width) if orientation < 5 else (width, height)
    upright = np.empty((*shape, len(mode)), np.uint8)
    stored = _stored(upright, orientation)
    for rows in bands(height, width):
        stored[rows] = np.asarray(convert(image.crop((0, rows.start, width, rows.stop))))
    return upright, _rgb_profile(icc)


def _conversion(
    path: Path, image: Image.Image, icc: bytes | None
) -> tuple[str, Callable[[Image.Image], Image.Image]]:
    """The mode to hold a picture in, RGB or RGBA, and what brings a part of it there."""
    if image.mode in ("I", "F", "LAB", "HSV"):
        what = {"LAB": "CIELAB", "HSV": "HSV"}.get(image.mode, "32-bit numbers")
        raise PhotoError(_ODD_COLOURS.format(path=path, what=what))
    space = icc[16:20] if icc else b""
    if icc and (image.mode, space) in (("L", b"GRAY"), ("CMYK", b"CMYK")):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            transform = ImageCms.buildTransform(
                source, ImageCms.createProfile("sRGB"), image.mode, "RGB"
            )
        except ImageCms.PyCMSError:
            pass  # a broken profile: as if there were none
        else:
            return "RGB", lambda part: cast("Image.Image", ImageCms.applyTransform(part, transform))
    has_alpha = image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info
    mode = "RGBA" if has_alpha else "RGB"
    return mode, lambda part: part.convert(mode)


def _is_deep(path: Path, image: Image.Image, head: bytes) -> bool:
    """Whether the file has 16 bits per colour; an error if it has anything but that or at most 8."""
    if head.startswith(_PNG_SIGNATURE):
        return head[24] == 16
    if image.format != "TIFF":
        return False
    tags = image.tag_v2  # type: ignore[attr-defined]  # a TiffImageFile
    bits = set(tags.get(_BITS, (1,)))
    formats = set(tags.get(_SAMPLE_FORMAT, (1,)))
    if formats - {1, 4}:
        raise PhotoError(_ODD_COLOURS.format(path=path, what="floating-point or signed numbers"))
    if max(bits) <= 8:
        return False
    layout = tags.get(_PHOTOMETRIC), tags.get(_PLANAR, 1)
    if bits != {16} or layout[0] not in (0, 1, 2) or layout[1] != 1:
        what = f"{'/'.join(map(str, sorted(bits)))}-bit numbers (photometric {layout[0]}, planes {layout[1]})"
        raise PhotoError(_ODD_COLOURS.format(path=path, what=what))
    return True


def _check_deep_size(path: Path, image: Image.Image) -> None:
    clear = image.mode in ("RGBA", "LA", "RGBa") or "transparency" in image.info
    size = image.width * image.height * (4 if clear else 3) * 2
    if size > MAX_PIXEL_BYTES:
        most = MAX_PIXEL_BYTES // (8 if clear else 6) // 1_000_000
        raise PhotoError(
            f"{path} is too large: {image.width} x {image.height} pixels with 16 bits per colour take {size / 1e6:.0f} MB, and "
            f"{MAX_PIXEL_BYTES // 1_000_000} MB are the limit ({most} megapixels). Make it smaller, or save it with 8 bits."
        )


def _check_png_is_whole(path: Path, file: _File) -> bytes:
    """Compare every chunk with its checksum, which Pillow and OpenCV pass over in part; returns the EXIF data."""
    place, exif, name = file.tell(), b"", b""
    file.seek(len(_PNG_SIGNATURE))
    while name != b"IEND":
        length, name = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
        data = file.read(length)
        if len(data) < length or file.read(4) != struct.pack(
            ">I", zlib.crc32(data, zlib.crc32(name))
        ):
            raise _damaged(path, "a part of it is missing or does not match its checksum")
        if name == b"eXIf":
            exif = b"Exif\0\0" + data
    file.seek(place)
    return exif


def _check_tiff_is_whole(path: Path, image: ImageFile.ImageFile) -> None:
    """Compare where the pixels should lie with the file's length, before libtiff does so on the standard error."""
    tags, size = image.tag_v2, path.stat().st_size  # type: ignore[attr-defined]  # a TiffImageFile
    reach = (
        np.array([tile[1][2:] for tile in image.tile if tile[1]]).reshape(-1, 2).max(0, initial=0)
    )
    if reach[0] < tags[_WIDTH] or reach[1] < tags[_HEIGHT]:  # Pillow would leave the rest black
        raise _damaged(path, "a part of its pixels is missing")
    for offsets, counts in (_STRIPS, _TILES):
        ends = (a + b for a, b in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False))
        if max(ends, default=0) > size:
            raise _damaged(path, f"it has {size} bytes and should have more")


def _read_16bit(path: Path, image: ImageFile.ImageFile, file: _File) -> Pixels:
    tags = image.tag_v2 if image.format == "TIFF" else {}  # type: ignore[attr-defined]  # a TiffImageFile
    file.seek(0)
    decoded = _decode_quietly(file.read())
    if decoded is None:
        raise _damaged(path, "its pixels cannot be decoded")
    if decoded.dtype != np.uint16 or (decoded.ndim == 3 and decoded.shape[2] not in (3, 4)):
        raise PhotoError(
            _ODD_COLOURS.format(path=path, what=f"{decoded.shape[2:]} channels of {decoded.dtype}")
        )
    if tags.get(_PHOTOMETRIC) == 0:
        np.invert(decoded, out=decoded)  # white is 0
    if decoded.ndim == 2:
        return cast("Pixels", cv2.cvtColor(decoded, cv2.COLOR_GRAY2RGB))
    premultiplied = decoded.shape[2] == 4 and tags.get(_EXTRA, (2,))[0] == 1
    for rows in bands(*decoded.shape[:2]):
        band = decoded[rows]
        band[..., :3] = band[..., 2::-1].copy()  # OpenCV's order is blue, green, red
        if premultiplied:
            alpha = np.maximum(band[..., 3:], 1).astype(np.float64)
            band[..., :3] = np.minimum(np.rint(band[..., :3] * (65535 / alpha)), 65535)
    return cast("Pixels", decoded)


def _decode_quietly(data: bytes) -> NDArray[np.uint16] | None:
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cast(
            "NDArray[np.uint16] | None",
            cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED),
        )
    except cv2.error:
        return None
    finally:
        cv2.utils.logging.setLogLevel(level)
