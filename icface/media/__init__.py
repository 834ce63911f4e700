"""Photos and moving pictures in and out of files, without loss of colour, depth or description.

What stands here is for photos. Moving pictures have modules of their own: `clip` (what is known of
a clip), `clip_reader` (any frame of it), `put_back` (edited pixels into its own samples), `sound`
and `sound_player`, `presets` and `saving` (all exports).

Formats of photos: JPEG, PNG, WebP and TIFF with 8 bits per colour, PNG and TIFF also with 16, with
or without alpha; at most 100 megapixels, with 16 bits 66, or 50 with transparency.
"""

from icface.arrays import Pixels
from icface.media.details import Keep
from icface.media.photo import (
    MAX_MEGAPIXELS,
    Photo,
    PhotoError,
    eight_bit,
    sample_photo_path,
    thumbnail,
)
from icface.media.photo_reading import load_photo
from icface.media.photo_writing import output_format, save_photo
from icface.media.provenance import MADE_HERE

__all__ = [
    "MADE_HERE",
    "MAX_MEGAPIXELS",
    "Keep",
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
