"""The pixels of a photo's file, decoded to RGB or RGBA with 8 or 16 bits and turned upright."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile
from PIL.ExifTags import Base as Tag

from icface.arrays import Pixels
from icface.media.photo import MAX_PIXEL_BYTES, PhotoError, bands
from icface.media.photo_damage import PNG_SIGNATURE, PhotoFile, damaged

_ODD_COLOURS = (
    "{path} stores its colours as {what}, which cannot be edited. "
    "Save it as RGB with 8 or 16 bits per colour first."
)


def stored_view(upright: Pixels, orientation: int) -> Pixels:
    """Upright pixels, viewed in the order in which a file stores them.

    The EXIF orientation is 1 to 8.
    """
    if orientation in (5, 6, 7, 8):
        upright = upright.swapaxes(0, 1)
    vertical = -1 if orientation in (3, 4, 6, 7) else 1
    horizontal = -1 if orientation in (2, 3, 7, 8) else 1
    return upright[::vertical, ::horizontal]


def turned_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Stored pixels, turned upright by an EXIF orientation (1 to 8)."""
    if orientation == 1:
        return pixels
    height, width, channels = pixels.shape
    upright = np.empty(
        (width, height, channels) if orientation >= 5 else pixels.shape, pixels.dtype
    )
    stored_view(upright, orientation)[...] = pixels
    return upright


def rgb_profile(icc: bytes | None) -> bytes | None:
    """An ICC profile if it is of an RGB space; None otherwise.

    Pixels are held and saved as RGB, so that a profile of another space would be wrong.
    """
    return icc if icc and icc[16:20] == b"RGB " else None


def read_8bit(
    path: Path, image: ImageFile.ImageFile, orientation: int, icc: bytes | None
) -> tuple[Pixels, bytes | None]:
    """Upright 8-bit pixels of a photo, and their RGB profile."""
    mode, convert = _conversion(path, image, icc)
    image.load()
    width, height = image.size
    shape = (height, width) if orientation < 5 else (width, height)
    upright = np.empty((*shape, len(mode)), np.uint8)
    stored = stored_view(upright, orientation)
    for rows in bands(height, width):
        stored[rows] = np.asarray(convert(image.crop((0, rows.start, width, rows.stop))))
    return upright, rgb_profile(icc)


def _conversion(
    path: Path, image: Image.Image, icc: bytes | None
) -> tuple[str, Callable[[Image.Image], Image.Image]]:
    """The mode of the pixels, RGB or RGBA, and the function that converts a part of the picture."""
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


def is_deep(path: Path, image: Image.Image, head: bytes) -> bool:
    """Whether a file has 16 bits per colour.

    Raises
    ------
    PhotoError
        If it has neither 16 nor at most 8.
    """
    if head.startswith(PNG_SIGNATURE):
        return head[24] == 16
    if image.format != "TIFF":
        return False
    tags = image.tag_v2  # type: ignore[attr-defined]  # a TiffImageFile
    bits = set(tags.get(Tag.BitsPerSample, (1,)))
    formats = set(tags.get(Tag.SampleFormat, (1,)))
    if formats - {1, 4}:
        raise PhotoError(_ODD_COLOURS.format(path=path, what="floating-point or signed numbers"))
    if max(bits) <= 8:
        return False
    layout = tags.get(Tag.PhotometricInterpretation), tags.get(Tag.PlanarConfiguration, 1)
    if bits != {16} or layout[0] not in (0, 1, 2) or layout[1] != 1:
        depths = "/".join(map(str, sorted(bits)))
        what = f"{depths}-bit numbers (photometric {layout[0]}, planes {layout[1]})"
        raise PhotoError(_ODD_COLOURS.format(path=path, what=what))
    return True


def check_deep_size(path: Path, image: Image.Image) -> None:
    """`PhotoError` for a photo with 16 bits per colour that takes more than `MAX_PIXEL_BYTES`."""
    clear = image.mode in ("RGBA", "LA", "RGBa") or "transparency" in image.info
    size = image.width * image.height * (4 if clear else 3) * 2
    if size > MAX_PIXEL_BYTES:
        most = MAX_PIXEL_BYTES // (8 if clear else 6) // 1_000_000
        raise PhotoError(
            f"{path} is too large: {image.width} x {image.height} pixels "
            f"with 16 bits per colour take {size / 1e6:.0f} MB, and "
            f"{MAX_PIXEL_BYTES // 1_000_000} MB are the limit ({most} megapixels). "
            "Make it smaller, or save it with 8 bits."
        )


def read_16bit(path: Path, image: ImageFile.ImageFile, file: PhotoFile) -> Pixels:
    """The 16-bit pixels of a photo, in the order in which the file stores them."""
    tags = image.tag_v2 if image.format == "TIFF" else {}  # type: ignore[attr-defined]  # a TiffImageFile
    file.seek(0)
    decoded = _decode_quietly(file.read())
    if decoded is None:
        raise damaged(path, "its pixels cannot be decoded")
    if decoded.dtype != np.uint16 or (decoded.ndim == 3 and decoded.shape[2] not in (3, 4)):
        raise PhotoError(
            _ODD_COLOURS.format(path=path, what=f"{decoded.shape[2:]} channels of {decoded.dtype}")
        )
    if tags.get(Tag.PhotometricInterpretation) == 0:
        np.invert(decoded, out=decoded)  # white is 0
    if decoded.ndim == 2:
        return cast("Pixels", cv2.cvtColor(decoded, cv2.COLOR_GRAY2RGB))
    premultiplied = decoded.shape[2] == 4 and tags.get(Tag.ExtraSamples, (2,))[0] == 1
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
