"""Writing a clip: pictures and sound beside their destination, read back, then put in place.

Frames that nobody edited reach the encoder as they were decoded. Times are exact fractions and may
be uneven. The source's declared colours are declared again. Until everything is written and has
been read back, a file of that name stays as it was.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame as Decoded
from av.video.stream import VideoStream

from icface.arrays import Pixels
from icface.media.clip_reader import ClipReader
from icface.media.clip_tags import labelled_tags, needs_own_names
from icface.media.frame_conversion import Fitter, frame_of_pixels, upright_frame
from icface.media.frame_format import Pictures
from icface.media.losses import even_size, of_frames
from icface.media.presets import EncodeError, Preset
from icface.media.provenance import MADE_HERE, Provenance, append_xmp_box
from icface.media.single_file import OneFileWriter
from icface.media.sound_track import SoundCut, SoundTrack, plan_tracks
from icface.media.video_file import VideoError

NO_TAGS: Mapping[str, str] = MappingProxyType({})


class ClipWriter(OneFileWriter):
    """A clip being written.

    Parameters
    ----------
    path : str or Path
        Where the clip is to be. A file of that name is replaced, at the very end.
    preset : Preset
        Of kind "clip".
    pictures : Pictures
        What kind of frames will come.
    sound : SoundCut, optional
        Sound to go with them.
    provenance : Provenance, optional
        What the file says of its making; None only where a person chose so.
    tags : mapping of str to str, optional
        What else it says, by FFmpeg's names: title, date, place.

    Raises
    ------
    EncodeError
        If an encoder is missing or the file cannot be made; then nothing has changed on the disk.
    SoundError
        If the sound cannot be read.
    """

    def __init__(
        self,
        path: str | Path,
        preset: Preset,
        pictures: Pictures,
        *,
        sound: SoundCut | None = None,
        provenance: Provenance | None = MADE_HERE,
        tags: Mapping[str, str] = NO_TAGS,
    ) -> None:
        _require_encoders(preset, with_sound=sound is not None)
        super().__init__(Path(path), preset, pictures, provenance, tick=pictures.tick)
        self._form = preset.pixel_format(pictures.form)
        self.notes = of_frames(preset, pictures, pictures)
        stored = pictures.orientation.size(pictures.width, pictures.height)
        self._colours = pictures.colours_in(self._form, full_range=preset.full_range)
        self._size = even_size(preset, self._form, stored)
        self._fitter = Fitter(self._form, self._size, self._colours)
        self._sounds: tuple[SoundTrack, ...] = ()
        with self._opening():
            self._open(sound, labelled_tags(tags, provenance))

    def _open(self, sound: SoundCut | None, tags: Mapping[str, str]) -> None:
        preset = self._preset
        flags = (
            "+faststart+use_metadata_tags"
            if needs_own_names(tags, preset.container)
            else "+faststart"
        )
        options = {"movflags": flags} if preset.container in ("mp4", "mov") else {}
        self._output = av.open(
            str(self.partial), "w", format=preset.container, container_options=options
        )
        self._output.metadata.update(tags)
        self._stream = self._video_stream(self._output)
        if sound is not None:
            for plan in plan_tracks(sound, preset):
                self._sounds += (SoundTrack(sound, plan, self._output, preset),)

    def _video_stream(self, output: OutputContainer) -> VideoStream:
        preset, pictures = self._preset, self._pictures
        if preset.encoder == "libsvtav1":
            os.environ.setdefault("SVT_LOG", "1")  # or it prints a page about itself
        stream = output.add_stream(
            preset.encoder,
            rate=pictures.rate.limit_denominator(1_000_000),
            options=dict(preset.options),
        )
        if not isinstance(stream, VideoStream):
            raise EncodeError(f"{preset.encoder} is no encoder of pictures. Choose another preset.")
        stream.width, stream.height = self._size
        stream.pix_fmt = self._form
        context = stream.codec_context
        context.time_base = pictures.tick
        stream.time_base = pictures.tick
        aspect = pictures.aspect if not pictures.orientation.transposed else 1 / pictures.aspect
        context.sample_aspect_ratio = aspect
        self._colours.put_on(context)
        if preset.name == "lossless" and (self._size[0] % 4 or self._size[1] % 4):
            context.options = {
                key: value for key, value in context.options.items() if key != "slices"
            }  # it would refuse
        if preset.name == "mp4-hevc":
            context.codec_tag = "hvc1"
        if preset.name == "mov":
            context.options = {
                **context.options,
                "profile": "hq" if self._form == "yuv422p10le" else "4444",
            }
        context.thread_type = "AUTO"
        return stream

    def abandon(self) -> None:
        """Leave off: what was written so far is removed, and a file of that name is as it was."""
        for sound in self._sounds:
            sound.close()
        super().abandon()

    def write(self, picture: Decoded | Pixels, time: Fraction) -> None:
        """Add a frame that is shown from a time on; see `OneFileWriter.write`."""
        ticks = round(time / self._tick)
        self._times.add(ticks)
        if isinstance(picture, np.ndarray):
            self._check_size(picture)
            frame = frame_of_pixels(picture, self._form, self._colours)
        else:
            frame = upright_frame(picture, self._pictures.orientation)
        self._let_wait(frame, ticks)

    def _check_size(self, pixels: Pixels) -> None:
        height, width = pixels.shape[:2]
        stored = self._pictures.orientation.size(self._pictures.width, self._pictures.height)
        if (width, height) not in (stored, self._pictures.square_size):
            wide, high = self._pictures.square_size
            raise EncodeError(
                f"A picture of {width} x {height} pixels does not fit {self.path.name}, which "
                f"has {wide} x {high}."
            )

    def _encode_waiting(self) -> None:
        if self._waiting is None:
            return
        frame, ticks = self._waiting
        fitted = self._fitter.fit(frame)
        was = fitted.pts, fitted.time_base, fitted.pict_type
        fitted.pts, fitted.time_base, fitted.pict_type = (
            ticks,
            self._tick,
            0,
        )  # the encoder chooses the kind
        try:
            packets = self._stream.encode(fitted)
        finally:
            fitted.pts, fitted.pict_type = was[0], was[2]
            if was[1] is not None:
                fitted.time_base = was[1]
        for sound in self._sounds:
            sound.write_until(ticks * self._tick)
        self._mux(packets)

    def _flush(self) -> None:
        super()._flush()
        for sound in self._sounds:
            sound.write_until(None)

    @property
    def _kept_sound(self) -> str:
        return (
            ""
            if not self._sounds
            else "copied"
            if all(sound.copied for sound in self._sounds)
            else "encoded"
        )

    def _say_how_made(self) -> None:
        if self._provenance is not None and self._preset.container in ("mp4", "mov"):
            append_xmp_box(self.partial, self._provenance)

    def _verify(self) -> None:
        wanted, whole = self._times.count - 1, self._times.whole
        try:
            with ClipReader(self.partial, cache_bytes=1) as reader:
                found, lasts = len(reader), reader.index.duration
                good = found == wanted and not any(reader.frame(n).damaged for n in (0, found - 1))
        except VideoError as error:
            raise EncodeError(
                f"{self.path} could not be saved: {self._why_unread()} ({error})"
            ) from error
        if not good or abs(lasts - whole) > 2 / self._pictures.rate:
            raise EncodeError(
                f"{self.path} could not be saved: {found} frames of {float(lasts):.3f} s were "
                f"read back instead of {wanted} of "
                f"{float(whole):.3f} s. {self._why_unread()}"
            )

    def _why_unread(self) -> str:
        if shutil.disk_usage(self._target.parent).free < 1 << 20:
            return "The disk is full; make room or choose another folder."
        return "Choose another preset, and report this."


def _require_encoders(preset: Preset, *, with_sound: bool) -> None:
    missing = preset.missing_encoders(sound=with_sound)
    if missing:
        raise EncodeError(
            f"{preset.title} needs the encoder {', '.join(missing)}, which this build of FFmpeg "
            "lacks. Choose another preset."
        )
