"""Small videos for tests, written with codecs that every FFmpeg has."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def write_video(
    path: Path, pictures: Sequence[Pixels], *, times_ms: Sequence[int] | None = None, pixel_aspect: int = 1
) -> Path:
    """Pictures (H, W, 3) of even sides, 25 a second or at the times given."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=1000)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 8_000_000
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.sample_aspect_ratio = Fraction(pixel_aspect, 1)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts = times_ms[number] if times_ms else 40 * number
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn_video(path: Path, target: Path, matrix: tuple[int, int, int, int]) -> Path:
    """A copy of an MP4 file whose track header says: x' = a x + c y, y' = b x + d y for (a, b, c, d)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44  # ISO/IEC 14496-12, 8.3.2: version 0
    a, b, c, d = (int(v * 65536).to_bytes(4, "big", signed=True) for v in matrix)
    data[at : at + 20] = a + b + bytes(4) + c + d
    target.write_bytes(data)
    return target


def drifting(picture: Pixels, count: int, *, step: int = 2, side: int = 320) -> list[Pixels]:
    """A square part of the astronaut's portrait, cut close above the face, moving to the right."""
    return [picture[40 : 40 + side, 60 + step * n : 60 + step * n + side] for n in range(count)]
