"""The frames that an export writes: their size, their shape and their range of brightness."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from av.video.format import VideoFormat

from icface.export.choices import ExportError
from icface.media.colour import BT709, LIMITED, Colours, bit_depth, has_alpha
from icface.media.frame_format import Pictures
from icface.media.orientation import UPRIGHT
from icface.media.presets import Preset
from icface.media.tone_mapping import is_hdr

MOST_SIDE = 16384
"""Largest height of an exported frame, pixels."""


def shaped(made: Pictures, *, side_by_side: bool, height: int | None) -> Pictures:
    """Frames at the size in which they are written."""
    if not side_by_side and height is None:
        return made
    width, high = made.orientation.size(made.width, made.height)
    aspect = made.aspect if not made.orientation.transposed else 1 / made.aspect
    if side_by_side:
        width = 2 * (width + width % 2)
    if height is not None:
        if not 2 <= height <= MOST_SIDE:
            raise ExportError(f"Frames have 2 to {MOST_SIDE} lines, not {height}.")
        width, high = max(round(width * aspect * height / high / 2), 1) * 2, height + height % 2
        aspect = Fraction(1)
    return replace(made, width=width, height=high, orientation=UPRIGHT, aspect=aspect)


def shown_by(preset: Preset, pictures: Pictures) -> Pictures:
    """Frames as a preset takes them.

    High dynamic range stays only where the preset's files can hold and declare it.
    """
    if not is_hdr(pictures.colours) or preset.name == "exr":
        return pictures
    kept = VideoFormat(preset.pixel_format(pictures.form))
    if preset.kind == "clip" and bit_depth(kept) > 8:
        return pictures
    width, height = pictures.square_size
    alpha = "a" if has_alpha(VideoFormat(pictures.form)) else ""
    form = f"yuv{alpha}444p10le" if preset.kind == "sequence" else f"yuv{alpha}420p"
    return replace(
        pictures,
        width=width,
        height=height,
        form=form,
        orientation=UPRIGHT,
        aspect=Fraction(1),
        colours=Colours(BT709, BT709, BT709, LIMITED),
    )
