"""A clip as numbered stills: PNG and TIFF with 16 bits, OpenEXR with linear half floats.

Each still appears whole or not at all. A sequence that was interrupted goes on where it stopped, if
what is to be shown has not changed since: until the sequence is complete, a file beside the stills
holds its key, and which stills stood there before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from av.codec.context import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame as Decoded
from numpy.typing import NDArray

from icface.arrays import Pixels
from icface.media.details import NO_DETAILS, Details, Keep
from icface.media.frame_format import Pictures, Written
from icface.media.losses import of_frames
from icface.media.photo import Photo, PhotoError
from icface.media.photo_reading import load_photo
from icface.media.photo_writing import save_photo
from icface.media.placing import alone_at, telling_why
from icface.media.presets import EncodeError, Preset
from icface.media.provenance import MADE_HERE, Provenance, exr_with_text
from icface.media.rgb_pixels import PicturePixels
from icface.media.write_back import byte_planes
from icface.system.atomic_write import write_whole
from icface.system.leftovers import is_resumable, mark_of, notes_of, standing

_EXR_MAGIC = b"\x76\x2f\x31\x01"
_CAMERA_TRANSFERS = frozenset({1, 6, 14, 15})
"""Transfers of cameras, by H.273: BT.709, BT.601 and BT.2020."""
_LINEAR = 8
"""Transfer, by H.273, of pixels that are linear in light."""
_HDR_TRANSFERS = frozenset({16, 18})
"""Transfers of high dynamic range, by H.273: PQ and HLG."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillsLike:
    """The description in stills that show a photo.

    Attributes
    ----------
    icc, exif, dpi, details
        As of a `Photo`.
    keep : str
        How much of its description they keep, see `icface.media.photo_writing.save_photo`.
    """

    icc: bytes | None = field(default=None, repr=False)
    exif: bytes | None = field(default=None, repr=False)
    dpi: tuple[float, float] | None = None
    details: Details = NO_DETAILS
    keep: Keep = "all"

    @classmethod
    def of(cls, photo: Photo, keep: Keep) -> StillsLike:
        """The description of a photo."""
        return cls(
            icc=photo.icc,
            exif=photo.exif,
            dpi=photo.dpi,
            details=replace(photo.details, mode="", beside=""),
            keep=keep,
        )

    def photo(self, pixels: Pixels, path: Path) -> Photo:
        """Pixels as a photo with this description."""
        return Photo(pixels, path, "", self.icc, self.exif, self.dpi, self.details)


PLAIN = StillsLike()
"""The description of stills that show a clip: none."""


class SequenceWriter:
    """Numbered stills being written.

    Stills that exist when the writer stops stay, and a writer with the same key goes on from
    there.

    Parameters
    ----------
    path : str or Path
        Folder and name to begin with: ``out/take.png`` becomes ``out/take_000000.png`` and so on.
        The folder is made.
    preset : Preset
        Of kind "sequence".
    pictures : Pictures
        What kind of frames will come.
    key : str
        Stands for all that decides what the frames show. Stills of another key are written again.
    provenance : Provenance or None
        What each file says of its making.
    like : StillsLike
        What else PNG and TIFF files say: profile, resolution and description of the photo they
        show.
    """

    def __init__(
        self,
        path: str | Path,
        preset: Preset,
        pictures: Pictures,
        *,
        key: str = "",
        provenance: Provenance | None = MADE_HERE,
        like: StillsLike = PLAIN,
    ) -> None:
        self._like = like
        self.path = Path(path)
        self._preset = preset
        self._pictures = pictures
        self._provenance = provenance
        self._pixels = PicturePixels(pictures)
        self._notes_file = notes_of(self.path)
        self._count = 0
        self._first = Fraction(0)
        self._last = Fraction(0)
        with telling_why(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._alone = alone_at(
                self.path, by=self._notes_file, sequence=str(self._notes_file.resolve())
            )
            try:
                before = self._left_off(key) if key else None
                self._resumes, self._before = before is not None, before or {}
                if not self._resumes:
                    self._begin(key)
            except BaseException:
                self._alone.give_back(keep=True)
                raise

    def _begin(self, key: str) -> None:
        """Record the stills of an earlier sequence of this name, so that none is reused."""
        stem, suffix = self.path.stem, self._preset.suffix
        about = {
            "key": key,
            "stem": stem,
            "suffix": suffix,
            "before": standing(self.path.parent, stem, suffix),
        }
        write_whole(self._notes_file, lambda stream: stream.write(json.dumps(about).encode()))

    def _left_off(self, key: str) -> dict[str, list[int]] | None:
        """The stills before an interrupted sequence of this key; None without one."""
        try:
            found = json.loads(self._notes_file.read_bytes())
        except (OSError, ValueError):
            return None
        before = (
            found.get("before") if isinstance(found, dict) and found.get("key") == key else None
        )
        return before if isinstance(before, dict) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abandon()

    def abandon(self) -> None:
        """Stop: complete stills stay, to be resumed; without any, nothing stays."""
        if not self._stays:
            self._notes_file.unlink(missing_ok=True)
        self._alone.give_back(keep=self._stays)

    @property
    def _stays(self) -> bool:
        """Whether there are stills to resume from later."""
        return self._notes_file.exists() and is_resumable(self._notes_file)

    def file(self, number: int) -> Path:
        """The file of a frame."""
        return self.path.with_name(f"{self.path.stem}_{number:06d}{self._preset.suffix}")

    def wanted(self, number: int) -> bool:
        """Whether a frame is still to be written; if not, `pass_over` it."""
        file = self.file(number)
        return not self._resumes or mark_of(file) in (None, self._before.get(file.name))

    def pass_over(self, time: Fraction) -> None:
        """Count the next frame, which is there already."""
        self._note(time)

    def write(self, picture: Decoded | Pixels, time: Fraction) -> None:
        """Add the next frame; see `OneFileWriter.write`."""
        pixels = self._pixels.sixteen(picture)
        target = self.file(self._count)
        with telling_why(target):
            if self._preset.name == "exr":
                self._save_exr(target, pixels)
            else:
                self._save_photo(target, pixels)
        self._note(time)

    def _note(self, time: Fraction) -> None:
        self._first = self._first if self._count else time
        self._count, self._last = self._count + 1, time

    def _save_photo(self, target: Path, pixels: Pixels) -> None:
        try:
            save_photo(
                target,
                self._like.photo(pixels, target),
                provenance=self._provenance,
                keep=self._like.keep,
            )
        except PhotoError as error:
            raise EncodeError(str(error)) from error

    def _save_exr(self, target: Path, pixels: Pixels) -> None:
        data = exr_bytes(linear(pixels, self._pictures.colours.transfer))
        labelled = data if self._provenance is None else exr_with_text(data, self._provenance)
        write_whole(target, lambda stream: stream.write(labelled))

    def finish(self, end: Fraction | None = None) -> Written:
        """Check that every still exists and that the first and last can be read."""
        if not self._count:
            raise EncodeError(f"{self.path} would have no frames. Choose a range that holds one.")
        for number in range(self._count):
            if not self.file(number).is_file():
                raise EncodeError(
                    f"{self.file(number)} is missing: somebody removed it. "
                    "Export again to make it anew."
                )
        for number in (0, self._count - 1):
            self._check(self.file(number))
        self._notes_file.unlink(missing_ok=True)
        stop = self._last + 1 / self._pictures.rate if end is None else end
        return Written(
            self.file(0),
            self._count,
            stop - self._first,
            "",
            of_frames(self._preset, self._pictures, self._pictures),
        )

    def _check(self, file: Path) -> None:
        try:
            if self._preset.name == "exr":
                read_exr(file.read_bytes())
            else:
                load_photo(file)
        except (PhotoError, ValueError, OSError) as error:
            raise EncodeError(f"{file} could not be read back ({error}). Export again.") from error


def linear(pixels: Pixels, transfer: int) -> NDArray[np.float32]:
    """(H, W, 3 or 4) in 0..1, linear in light; alpha and HDR transfers stay as they are."""
    values = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    shown = values[..., :3]
    if transfer in _CAMERA_TRANSFERS:
        shown[...] = np.where(shown < 0.081, shown / 4.5, ((shown + 0.099) / 1.099) ** (1 / 0.45))
    elif transfer != _LINEAR and transfer not in _HDR_TRANSFERS:
        shown[...] = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    return values


def exr_bytes(values: NDArray[np.float32]) -> bytes:
    """An OpenEXR file of half floats, ZIP-compressed, of (H, W, 3 or 4) linear values."""
    height, width, channels = values.shape
    form = "gbrpf32le" if channels == 3 else "gbrapf32le"
    context = CodecContext.create("exr", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, form
    context.time_base = Fraction(1, 25)
    context.options = {"compression": "zip16", "format": "half"}
    frame = Decoded(width, height, form)
    for plane, channel in zip(byte_planes(frame), (1, 2, 0, 3), strict=False):
        plane.view(np.float32)[...] = values[..., channel]
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode()])


def read_exr(data: bytes) -> NDArray[np.float32]:
    """(H, W, 3 or 4) float32 of an OpenEXR file. `ValueError` if it is none."""
    if data[:4] != _EXR_MAGIC:
        raise ValueError("it is no OpenEXR file")
    context = CodecContext.create("exr", "r")
    assert isinstance(context, VideoCodecContext)
    frames = [*context.decode(Packet(data)), *context.decode(None)]
    if not frames:
        raise ValueError("it holds no picture")
    kind = np.float16 if "f16" in frames[0].format.name else np.float32
    planes = [plane.view(kind).astype(np.float32) for plane in byte_planes(frames[0])]
    return np.stack([planes[n] for n in ((2, 0, 1) if len(planes) == 3 else (2, 0, 1, 3))], 2)
