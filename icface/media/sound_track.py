"""The sound of an export: a stretch of a clip's, copied where the container can cut it exactly.

MP4 and MOV cut anywhere: packets from a little before the beginning are copied, and an edit list
hides what is too much. Matroska and WebM have no such list: they take copies of sound that begins
with the stretch. All else is encoded again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from icface.media.joins import joins_of, packets_of, seek
from icface.media.presets import PCM, EncodeError, Preset
from icface.media.sound import SoundReader, open_sound, sound_tracks

_LEAD_S = {
    "mp3": Fraction(3, 10),
    "opus": Fraction(1, 10),
    "pcm": Fraction(0),
    "flac": Fraction(0),
    "alac": Fraction(0),
}
_USUAL_LAYOUTS = {3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_BIBLIOGRAPHIC = {
    "sqi": "alb", "hye": "arm", "eus": "baq", "mya": "bur", "zho": "chi",
    "ces": "cze", "nld": "dut", "fra": "fre", "kat": "geo", "deu": "ger",
    "ell": "gre", "isl": "ice", "mkd": "mac", "mri": "mao", "msa": "may",
    "fas": "per", "ron": "rum", "slk": "slo", "bod": "tib", "cym": "wel",
}  # fmt: skip
"""ISO 639-2: the twenty languages that have two codes."""
_CUTS_ANYWHERE = frozenset({"mp4", "mov"})
_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class SoundCut:
    """A stretch of a clip's sound.

    Attributes
    ----------
    path : Path
        The clip, or a file of sound.
    start, stop : Fraction
        Seconds from the clip's first picture.
    """

    path: Path
    start: Fraction
    stop: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackPlan:
    """The plan for one track of sound.

    Attributes
    ----------
    number : int
        Its place among the file's tracks of sound, from 0.
    copied : bool
        Whether it is copied as it is; else it is encoded again.
    channels : int
        What the file has.
    layout : str
        How channels are arranged in what is written: "mono", "stereo", "5.1".
    kept_channels : int
        How many of them are written.
    """

    number: int
    copied: bool
    channels: int
    layout: str
    kept_channels: int


def plan_tracks(cut: SoundCut, preset: Preset) -> tuple[TrackPlan, ...]:
    """The plan for each track of a clip's sound; `SoundError` if there is none."""
    return tuple(_planned(cut, preset, number) for number in range(sound_tracks(cut.path)))


def _planned(cut: SoundCut, preset: Preset, number: int) -> TrackPlan:
    container, stream, zero = open_sound(cut.path, number)
    with container:
        channels, layout = stream.channels, stream.layout.name
        begins = (stream.start_time or 0) * Fraction(stream.time_base or 1) - zero
        cuts = preset.container in _CUTS_ANYWHERE or cut.start <= begins
        if cuts and _codec(stream) in preset.sound_kept:
            return TrackPlan(
                number=number, copied=True, channels=channels, layout=layout, kept_channels=channels
            )
    for wanted in dict.fromkeys(
        (layout, _USUAL_LAYOUTS.get(channels, layout), "mono" if channels == 1 else "stereo")
    ):
        if _takes(preset.sound_encoder, wanted):
            break
    kept = AudioLayout(wanted).nb_channels
    return TrackPlan(
        number=number, copied=False, channels=channels, layout=wanted, kept_channels=kept
    )


@lru_cache(maxsize=64)
def _takes(encoder: str, layout: str) -> bool:
    """Whether a sound encoder takes an arrangement of channels, found by trying."""
    if layout in ("mono", "stereo"):
        return True
    try:
        with av.open(BytesIO(), "w", format="matroska") as container:
            stream = cast(
                "AudioStream",
                container.add_stream(encoder, rate=48000, layout=layout, options=_options(encoder)),
            )
            stream.codec_context.open()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _options(encoder: str) -> dict[str, str]:
    return {"mapping_family": "1"} if encoder == "libopus" else {}


def _name_like(target: AudioStream, source: AudioStream, container: str) -> None:
    """Give a track the language and title of another.

    QuickTime uses the bibliographic codes of languages.
    """
    for name in ("language", "title"):
        text = source.metadata.get(name, "und")
        if text != "und":
            target.metadata[name] = _BIBLIOGRAPHIC.get(text, text) if container == "mov" else text


def _shortened(packet: Packet[AudioStream], most: int, stream: AudioStream) -> Packet[AudioStream]:
    """A packet of at most this many ticks.

    Uncompressed samples are cut; other packets declare the shorter length.
    """
    duration = packet.duration or 0
    if duration <= most:
        return packet
    if _codec(stream) in PCM:
        short = cast("Packet[AudioStream]", Packet(bytes(packet)[: packet.size * most // duration]))
        short.time_base = packet.time_base
        packet = short
    packet.duration = most
    return packet


def _codec(stream: AudioStream) -> str:
    return stream.codec_context.codec.canonical_name


class SoundTrack:
    """One track of an export's sound, written alongside its pictures.

    Parameters
    ----------
    cut : SoundCut
        What to write; its start is put at time 0.
    plan : TrackPlan
        Which track, and what becomes of it.
    output : av.container.OutputContainer
        Where to; a stream is added to it.
    preset : Preset
        What the container holds, and the encoder for all else.

    Attributes
    ----------
    copied : bool
        Whether packets are copied.
    """

    def __init__(
        self, cut: SoundCut, plan: TrackPlan, output: OutputContainer, preset: Preset
    ) -> None:
        self.copied = plan.copied
        self._output, self._cut, self._plan = output, cut, plan
        self._packets = self._copies(preset) if self.copied else self._encoded(preset)
        self._ahead: Packet[AudioStream] | None = None
        self._ahead = next(self._packets, None)  # opens what it needs, so that the stream is there

    def write_until(self, seconds: Fraction | None) -> None:
        """Write the sound before a time from the export's beginning; all of the rest for None."""
        while self._ahead is not None:
            packet = self._ahead
            at = (packet.pts or 0) * Fraction(packet.time_base)
            if seconds is not None and at >= seconds:
                return
            self._output.mux(packet)
            self._ahead = next(self._packets, None)

    def close(self) -> None:
        """Let go of the clip."""
        self._packets = iter(())
        self._ahead = None

    def _copies(self, preset: Preset) -> Iterator[Packet[AudioStream]]:
        container, stream, zero = open_sound(self._cut.path, self._plan.number)
        with container:
            target = self._output.add_stream_from_template(stream)
            _name_like(target, stream, preset.container)
            base = Fraction(stream.time_base or Fraction(1, stream.rate))
            first, last = (round((zero + at) / base) for at in (self._cut.start, self._cut.stop))
            lead = _LEAD_S.get(_codec(stream).split("_")[0], Fraction(2048, stream.rate))
            earliest = first - round(lead / base) if preset.container in _CUTS_ANYWHERE else first
            joins = joins_of(self._cut.path)
            with suppress(
                av.FFmpegError
            ):  # of a kind of file in which nothing can be sought: from its beginning
                seek(container, stream, max(earliest, stream.start_time or 0), joins)
            for packet in packets_of(container, stream, joins):
                if packet.pts is None or packet.size == 0:
                    continue
                duration = packet.duration or 0
                if packet.pts + duration <= earliest:
                    continue
                if packet.pts >= last:
                    return
                kept = _shortened(packet, last - packet.pts, stream)
                kept.pts = kept.dts = packet.pts - first
                kept.stream = target
                yield kept

    def _encoded(self, preset: Preset) -> Iterator[Packet[AudioStream]]:
        layout, channels, encoder = (
            self._plan.layout,
            self._plan.kept_channels,
            preset.sound_encoder,
        )
        container, stream, _ = open_sound(self._cut.path, self._plan.number)
        with container:
            rate = 48000 if encoder == "libopus" else stream.rate
            options = _options(encoder) if channels > 2 else {}
            target = self._output.add_stream(encoder, rate=rate, layout=layout, options=options)
            if not isinstance(target, AudioStream):
                raise EncodeError(f"{encoder} is no encoder of sound. Choose another preset.")
            _name_like(target, stream, preset.container)
        if encoder in ("aac", "libopus"):
            target.bit_rate = 96_000 * channels
        resampler = av.AudioResampler(format=target.format, layout=layout, rate=rate)
        with SoundReader(
            self._cut.path, rate=rate, layout=layout, track=self._plan.number
        ) as reader:
            fifo = av.AudioFifo()
            for block in self._blocks(reader, layout):
                for part in resampler.resample(block):
                    fifo.write(part)
                while (frame := fifo.read(target.codec_context.frame_size or _BLOCK)) is not None:
                    yield from target.encode(frame)
            rest = fifo.read(0, partial=True)
            if rest is not None:
                yield from target.encode(rest)
        yield from target.encode()

    def _blocks(self, reader: SoundReader, layout: str) -> Iterator[AudioFrame]:
        first, last = (round(at * reader.rate) for at in (self._cut.start, self._cut.stop))
        for at in range(first, last, 8 * _BLOCK):
            samples = reader.read_at(at, min(8 * _BLOCK, last - at))
            if reader.ended_at is not None:
                samples = samples[: max(reader.ended_at - at, 0)]
            if len(samples):
                frame = AudioFrame.from_ndarray(
                    np.ascontiguousarray(samples.reshape(1, -1)), "flt", layout
                )
                frame.sample_rate, frame.pts, frame.time_base = (
                    reader.rate,
                    at - first,
                    Fraction(1, reader.rate),
                )
                yield frame
            if reader.ended_at is not None:
                return
