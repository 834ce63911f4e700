"""Ways to save moving pictures, as data: their purpose, their encoder and their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from av.video.format import VideoFormat

from icface.media.clip import has_encoder
from icface.media.colour import Layout, bit_depth, has_alpha

Kind = Literal["clip", "animation", "sequence"]


class EncodeError(ValueError):
    """Moving pictures that cannot be saved.

    The message names the file or encoder, the fault and the remedy.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One way to save.

    Attributes
    ----------
    name, title : str
        For the command line, and for people.
    suffix : str
        Ending of the file, or of each file of a sequence.
    kind : str
        A clip with sound, an animation without, or a sequence of stills in a folder.
    encoder : str
        FFmpeg's name of the encoder.
    container : str
        FFmpeg's name of the container.
    formats : tuple of str
        Pixel formats from the plainest to the richest; empty means "the source's own".
    options : tuple of (str, str)
        Of the encoder.
    full_range : bool
        Whether a file can say that black is 0 and white the highest number; else samples are
        brought to limited range.
    sound_kept : frozenset of str
        Codecs of sound that are copied without encoding them again.
    sound_encoder : str
        For all others.
    """

    name: str
    title: str
    suffix: str
    kind: Kind = "clip"
    encoder: str
    container: str = ""
    formats: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    full_range: bool = True
    sound_kept: frozenset[str] = frozenset()
    sound_encoder: str = ""

    def missing_encoders(self, *, sound: bool = False) -> tuple[str, ...]:
        """Encoders that this preset needs and this build of FFmpeg lacks."""
        needed = (self.encoder, self.sound_encoder) if sound else (self.encoder,)
        return tuple(name for name in needed if name and not has_encoder(name))

    def pixel_format(self, source: str) -> str:
        """The pixel format to save frames of another format in, with as little loss as possible."""
        form = VideoFormat(source.replace("yuvj", "yuv"))
        if not self.formats:
            return _lossless_format(form)
        depth, alpha = bit_depth(form), has_alpha(form)
        return min(
            self.formats, key=lambda name: _shortfall(VideoFormat(name), form, depth, alpha=alpha)
        )


def _chroma(form: VideoFormat) -> int:
    layout = Layout.of(form)
    return 1 if layout is None else layout.across * layout.down


def _shortfall(
    name: VideoFormat, source: VideoFormat, depth: int, *, alpha: bool
) -> tuple[int, ...]:
    lost_bits, spare_bits = max(depth - bit_depth(name), 0), max(bit_depth(name) - depth, 0)
    lost_chroma, spare_chroma = (
        max(_chroma(name) - _chroma(source), 0),
        max(_chroma(source) - _chroma(name), 0),
    )
    lost_alpha = alpha and not has_alpha(name)
    return (
        int(lost_alpha),
        lost_bits,
        lost_chroma,
        int(has_alpha(name) and not alpha),
        spare_bits,
        spare_chroma,
    )


def _lossless_format(form: VideoFormat) -> str:
    """The format in which FFV1 stores another one without changing a value."""
    if form.has_palette or form.name in ("rgba", "argb", "abgr"):
        return "bgra"
    if form.name in ("rgb24", "bgr24", "rgb0", "0rgb", "0bgr", "gbrp"):
        return "bgr0"
    renamed = {"rgb48be": "rgb48le", "rgba64be": "rgba64le", "gbrap": "bgra"}
    return renamed.get(form.name, form.name)


_MP4_SOUND = frozenset({"aac", "mp3", "alac", "ac3", "eac3"})
PCM = frozenset({"pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_f32le"})
_ALL = (
    Preset(
        name="mp4",
        title="MP4 (H.264): plays everywhere",
        suffix=".mp4",
        encoder="libx264",
        container="mp4",
        formats=("yuv420p",),
        options=(("crf", "14"), ("preset", "fast")),
        sound_kept=_MP4_SOUND,
        sound_encoder="aac",
    ),
    Preset(
        name="mp4-hevc",
        title="MP4 (HEVC): half the size, HDR, newer players",
        suffix=".mp4",
        encoder="libx265",
        container="mp4",
        formats=("yuv420p", "yuv420p10le", "yuv420p12le"),
        options=(("crf", "19"), ("preset", "medium"), ("x265-params", "log-level=none")),
        sound_kept=_MP4_SOUND,
        sound_encoder="aac",
    ),
    Preset(
        name="webm",
        title="WebM (VP9): for web pages",
        suffix=".webm",
        encoder="libvpx-vp9",
        container="webm",
        formats=("yuv420p", "yuva420p"),
        options=(
            ("crf", "22"),
            ("b", "0"),
            ("row-mt", "1"),
            ("deadline", "good"),
            ("cpu-used", "4"),
        ),
        sound_kept=frozenset({"opus", "vorbis"}),
        sound_encoder="libopus",
    ),
    Preset(
        name="webm-av1",
        title="WebM (AV1): smallest",
        suffix=".webm",
        encoder="libsvtav1",
        container="webm",
        formats=("yuv420p", "yuv420p10le"),
        options=(("crf", "24"), ("preset", "8")),
        sound_kept=frozenset({"opus", "vorbis"}),
        sound_encoder="libopus",
    ),
    Preset(
        name="mov",
        title="MOV (ProRes): for editing, with transparency",
        suffix=".mov",
        encoder="prores_ks",
        container="mov",
        formats=("yuv422p10le", "yuv444p10le", "yuva444p10le"),
        options=(("vendor", "apl0"),),
        full_range=False,
        sound_kept=_MP4_SOUND | PCM,
        sound_encoder="pcm_s24le",
    ),
    Preset(
        name="lossless",
        title="Lossless (FFV1 in Matroska)",
        suffix=".mkv",
        encoder="ffv1",
        container="matroska",
        options=(("level", "3"), ("slices", "4"), ("slicecrc", "1"), ("g", "1")),
        sound_kept=_MP4_SOUND | PCM | {"opus", "vorbis", "flac", "dts", "truehd", "mp2"},
        sound_encoder="flac",
    ),
    Preset(
        name="gif",
        title="GIF: animation with 256 colours",
        suffix=".gif",
        kind="animation",
        encoder="gif",
        formats=("rgba",),
    ),
    Preset(
        name="webp",
        title="WebP: animation",
        suffix=".webp",
        kind="animation",
        encoder="libwebp_anim",
        formats=("rgba",),
    ),
    Preset(
        name="png",
        title="PNG sequence, 16 bits",
        suffix=".png",
        kind="sequence",
        encoder="png",
        formats=("rgb48le", "rgba64le"),
    ),
    Preset(
        name="tiff",
        title="TIFF sequence, 16 bits",
        suffix=".tiff",
        kind="sequence",
        encoder="tiff",
        formats=("rgb48le", "rgba64le"),
    ),
    Preset(
        name="exr",
        title="OpenEXR sequence, linear half floats",
        suffix=".exr",
        kind="sequence",
        encoder="exr",
        formats=("gbrpf32le", "gbrapf32le"),
    ),
)
PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _ALL})
"""All ways to save, by name."""


def preset_named(name: str, *, sound: bool = False) -> Preset:
    """The preset of a name, sure to work with this build of FFmpeg.

    Raises
    ------
    EncodeError
        If there is none, or this build lacks its encoder; the message names those that work.
    """
    working = ", ".join(p.name for p in _ALL if not p.missing_encoders(sound=sound))
    preset = PRESETS.get(name)
    if preset is None:
        raise EncodeError(f"There is no preset {name!r}. Choose one of: {working}.")
    missing = preset.missing_encoders(sound=sound)
    if missing:
        raise EncodeError(
            f"Preset {name} needs the encoder {', '.join(missing)}, which this build of FFmpeg "
            f"lacks. Choose one of: {working}."
        )
    return preset


def preset_for(suffix: str) -> Preset:
    """The plainest preset whose files have an ending; `EncodeError` for any other ending."""
    wanted = {".tif": ".tiff", ".m4v": ".mp4"}.get(suffix.lower(), suffix.lower())
    for preset in _ALL:
        if preset.suffix == wanted:
            return preset_named(preset.name)
    endings = ", ".join(dict.fromkeys(p.suffix for p in _ALL))
    raise EncodeError(f"{suffix!r} is no ending of moving pictures. Choose one of: {endings}.")
