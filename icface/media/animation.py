"""Animations for web pages, written frame by frame: GIF with a palette a frame, and WebP.

GIF counts hundredths of a second and WebP thousandths: times are rounded, not added up, so that
nothing drifts.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame as Decoded
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from icface.arrays import Pixels
from icface.media.frame_format import Pictures
from icface.media.losses import of_frames
from icface.media.photo import eight_bit
from icface.media.presets import EncodeError, Preset
from icface.media.provenance import MADE_HERE, Provenance, gif_ending
from icface.media.rgb_pixels import PicturePixels
from icface.media.single_file import OneFileWriter

_LONGEST_SIDE = {"gif": 65535, "webp": 16383}
_TICK = {"gif": Fraction(1, 100), "webp": Fraction(1, 1000)}
_TRANSPARENT = 255


class AnimationWriter(OneFileWriter):
    """An animation being written; frames closer than a tick are left out.

    Parameters
    ----------
    path : str or Path
        Where it is to be. A file of that name is replaced, at the very end.
    preset : Preset
        Of kind "animation".
    pictures : Pictures
        What kind of frames will come.
    provenance : Provenance or None
        What the file says of its making.

    Raises
    ------
    EncodeError
        If the frames are too large or the file cannot be made; then nothing has changed on the
        disk.
    """

    def __init__(
        self,
        path: str | Path,
        preset: Preset,
        pictures: Pictures,
        *,
        provenance: Provenance | None = MADE_HERE,
    ) -> None:
        super().__init__(Path(path), preset, pictures, provenance, tick=_TICK[preset.name])
        width, height = pictures.square_size
        most = _LONGEST_SIDE[preset.name]
        if max(width, height) > most:
            raise EncodeError(
                f"{preset.name} has at most {most} pixels a side, and these frames {width} x "
                f"{height}."
            )
        self.notes = of_frames(preset, pictures, pictures)
        self._pixels = PicturePixels(pictures)
        with self._opening():
            self._output = av.open(
                str(self.partial), "w", format=preset.name, container_options={"loop": "0"}
            )
            self._stream = self._video_stream(self._output, width, height)

    def _video_stream(self, output: OutputContainer, width: int, height: int) -> VideoStream:
        options = (
            {"quality": "85", "compression_level": "3", "loop": "0"}
            if self._preset.name == "webp"
            else {}
        )
        stream = cast(
            "VideoStream",
            output.add_stream(self._preset.encoder, rate=int(1 / self._tick), options=options),
        )
        stream.width, stream.height = width, height
        stream.pix_fmt = "pal8" if self._preset.name == "gif" else "bgra"
        stream.codec_context.time_base = self._tick
        return stream

    def write(self, picture: Decoded | Pixels, time: Fraction) -> None:
        """Add a frame that is shown from a time on; see `OneFileWriter.write`."""
        ticks = round(time / self._tick)
        if self._waiting is not None and ticks <= self._waiting[1]:
            return
        self._times.add(ticks)
        pixels = eight_bit(self._pixels.rgba(picture))
        frame = (
            _palette_frame(pixels)
            if self._preset.name == "gif"
            else Decoded.from_ndarray(pixels, format="rgba")
        )
        self._let_wait(frame, ticks)

    def _encode_waiting(self) -> None:
        if self._waiting is not None:
            frame, ticks = self._waiting
            frame.pts, frame.duration = ticks, self._times.length(ticks)
            frame.time_base = self._tick
            self._mux(self._stream.encode(frame))

    def _tell_length(self, packet: Packet[VideoStream]) -> None:
        if self._preset.name == "gif":
            super()._tell_length(packet)

    def _say_how_made(self) -> None:
        packet = b"" if self._provenance is None else self._provenance.xmp()
        if self._preset.name == "webp":
            _complete_webp(self.partial, round(self._times.whole / self._tick), packet)
        elif self._provenance is not None:
            with self.partial.open("rb+") as file:
                file.seek(-1, 2)
                file.write(gif_ending(self._provenance))

    def _verify(self) -> None:
        wanted = self._times.count - 1
        with Image.open(self.partial) as image:
            found = getattr(image, "n_frames", 1)
            image.seek(found - 1)
            image.load()
        if found > wanted or (
            found != wanted and self._preset.name == "gif"
        ):  # WebP joins frames that are alike
            raise EncodeError(
                f"{self.path} could not be saved: {found} frames were read back instead of "
                f"{wanted}."
            )


def _palette_frame(pixels: NDArray[np.uint8]) -> Decoded:
    """A frame with the 255 colours that suit it best.

    Pixels that are more transparent than not take the 256th, which is transparent.
    """
    height, width = pixels.shape[:2]
    image = Image.fromarray(np.ascontiguousarray(pixels[..., :3])).quantize(
        _TRANSPARENT, Image.Quantize.MEDIANCUT
    )
    indices = np.array(image, np.uint8)
    indices[pixels[..., 3] < 128] = _TRANSPARENT
    colours = np.zeros((256, 4), np.uint8)  # in memory: blue, green, red, alpha
    found = np.array(image.getpalette() or [], np.uint8).reshape(-1, 3)[:_TRANSPARENT]
    colours[: len(found), :3] = found[:, ::-1]
    colours[:_TRANSPARENT, 3] = 255
    frame = Decoded(width, height, "pal8")
    rows = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(height, -1)
    rows[:, :width] = indices
    np.frombuffer(memoryview(frame.planes[1]), np.uint8)[:] = colours.ravel()
    return frame


def _complete_webp(path: Path, whole: int, packet: bytes) -> None:
    """Set the last frame's duration, which FFmpeg guesses, and add an XMP packet, if any.

    See RFC 9649, section 2.7.
    """
    with path.open("rb+") as file:
        if file.read(16)[12:] != b"VP8X":
            return  # a single picture, which has neither times nor a place for XMP
        spent, shown, last, size = 0, 0, 0, file.seek(0, 2)
        at = 12
        while at < size:
            file.seek(at)
            name, length = struct.unpack("<4sI", file.read(8))
            if name == b"ANMF":
                last = at + 20
                file.seek(last)
                shown = int.from_bytes(file.read(3), "little")
                spent += shown
            at += 8 + length + length % 2
        if last:
            file.seek(last)
            file.write((whole - spent + shown).to_bytes(3, "little"))
        if packet:
            file.seek(20)
            flags = file.read(1)[0]
            file.seek(20)
            file.write(bytes([flags | 4]))
            file.seek(0, 2)
            file.write(b"XMP " + struct.pack("<I", len(packet)) + packet + bytes(len(packet) % 2))
            size = file.tell()
            file.seek(4)
            file.write(struct.pack("<I", size - 8))
