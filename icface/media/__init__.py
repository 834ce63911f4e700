"""Photos in and out of files: nothing of the file's colour, depth or description is lost on the way.

Formats: JPEG, PNG, WebP and TIFF with 8 bits per colour, PNG and TIFF also with 16, with or without alpha; at most 100
megapixels.
"""

from icface.media.photo import (
    MAX_MEGAPIXELS,
    Photo,
    PhotoError,
    Pixels,
    eight_bit,
    sample_photo_path,
    thumbnail,
)
from icface.media.reading import load_photo
from icface.media.writing import output_format, save_photo

__all__ = [
    "MAX_MEGAPIXELS",
    "Photo",
    "PhotoError",
    "Pixels",
    "eight_bit",
    "load_photo",
    "output_format",
    "sample_photo_path",
    "save_photo",
    "thumbnail",
]
