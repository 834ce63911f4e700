"""A frame's display matrix, read without touching its other side data.

PyAV reads all of a frame's side data at once: it raises for the kinds that it has no name for, such
as the EXIF data of a photo, and frees twice what others bring along, such as the name of a colour
profile, which ends the process. So everything but the matrix is taken off a reference to the frame
first, by FFmpeg itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import cast

from av.filter import Graph
from av.video.frame import VideoFrame as Decoded

_DISPLAY_MATRIX = 6  # AV_FRAME_DATA_DISPLAYMATRIX, libavutil/frame.h
_MOST_KINDS = 64
"""Kinds of side data that are taken off; FFmpeg 8 has some 35."""


def display_matrix(frame: Decoded) -> bytes | None:
    """The nine numbers of a frame's display matrix, 36 bytes; None where it has none."""
    bare = _bare(frame)
    if not len(bare.side_data):
        return None
    return bytes(cast("Mapping[int, bytes]", bare.side_data)[0])


def _bare(frame: Decoded) -> Decoded:
    """A reference to a frame with no side data but its display matrix."""
    graph = Graph()
    graph.threads = 1
    base = frame.time_base or Fraction(1)
    last = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=base
    )
    for kind in range(_MOST_KINDS):
        if kind != _DISPLAY_MATRIX:
            taken = graph.add("sidedata", f"mode=delete:type={kind}")
            last.link_to(taken)
            last = taken
    sink = graph.add("buffersink")
    last.link_to(sink)
    graph.configure()
    graph.push(frame)
    return cast("Decoded", graph.pull())
