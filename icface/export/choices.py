"""The options of an export, and the preset that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from icface.document import Project
from icface.media.details import KEEPS, Keep
from icface.media.presets import PRESETS, EncodeError, Preset, preset_for, preset_named

STILL = Preset(
    name="still",
    title="Still: one frame as JPEG, PNG, WebP or TIFF",
    suffix=".png",
    kind="sequence",
    encoder="png",
    formats=("rgb24", "rgba", "rgb48le", "rgba64le"),
)
STILL_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"})
EXPORT_PRESETS: Mapping[str, Preset] = MappingProxyType({**PRESETS, STILL.name: STILL})
"""All ways to export, by name."""

_CRF = {"libx264": (8, 38), "libx265": (10, 40), "libvpx-vp9": (6, 56), "libsvtav1": (8, 56)}
"""Constant rate factors of quality 100 and 1."""


class ExportError(ValueError):
    """An export that cannot be; the message names the value, the limit and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """Options that differ from a document's own output settings; None keeps the document's.

    Attributes
    ----------
    preset : str
        One of `EXPORT_PRESETS`; None chooses by the file's ending.
    quality : int
        1 (small) to 100 (best); the preset's own otherwise.
    first, last : int
        Frames, the last included; the document's in and out points otherwise.
    sound : str
        "" for the source's own, the name of a driver for that clip's, "none" for silence.
    side_by_side : bool
        The unedited picture stands to the left.
    labelled : bool
        The file says that a trained model had a part in it.
    height : int
        Lines of a frame; None keeps the source's.
    keep : str
        How much is kept of what the source's file says (title, date, place, rights): "all",
        "no-place" (all but where it was taken) or "none".
    """

    preset: str | None = None
    quality: int | None = None
    first: int | None = None
    last: int | None = None
    sound: str | None = None
    side_by_side: bool | None = None
    labelled: bool | None = None
    height: int | None = None
    keep: Keep = "all"

    def __post_init__(self) -> None:
        if self.keep not in KEEPS:
            raise ExportError(
                f"What the source's file says is kept as {', '.join(KEEPS)}, not as {self.keep!r}."
            )


def as_format(preset: Preset, path: Path) -> Preset:
    """The preset with what a still of that ending can hold; any other preset itself."""
    holds = {".jpg": ("rgb24",), ".jpeg": ("rgb24",), ".webp": ("rgb24", "rgba")}.get(
        path.suffix.lower()
    )
    return preset if preset is not STILL or holds is None else replace(preset, formats=holds)


def chosen_preset(
    project: Project, path: Path, options: ExportOptions, count: int, *, bits: int = 8
) -> tuple[Preset, Path]:
    """The preset and the path with its ending; `bits` is the source's depth per colour.

    Raises
    ------
    ExportError, EncodeError
        If the ending belongs to no preset, or to another one than is named, or a still would have
        several frames.
    """
    suffix = path.suffix.lower()
    if options.preset is None:
        preset = _holding(
            _by_ending(project, suffix, count), bits if project.clip is not None else 8
        )
    elif options.preset == STILL.name:
        preset = STILL
    else:
        preset = preset_named(options.preset)
    if not suffix:
        path = path.with_name(path.name + preset.suffix)
    elif not _fits(preset, suffix):
        wanted = ", ".join(sorted(STILL_SUFFIXES)) if preset is STILL else preset.suffix
        raise ExportError(
            f"{path.name} ends in {suffix}, and files of preset {preset.name} in {wanted}. "
            "Change one of them."
        )
    if preset is STILL and count != 1:
        raise ExportError(
            f"{path.name} holds one frame, not {count}. Choose one frame, or the ending of a clip."
        )
    return preset, path


def _by_ending(project: Project, suffix: str, count: int) -> Preset:
    own = EXPORT_PRESETS.get(project.output.preset)
    if not suffix:
        return preset_named(project.output.preset)
    if suffix in STILL_SUFFIXES and (count == 1 or suffix in (".jpg", ".jpeg")):
        return STILL
    if own is not None and own is not STILL and _fits(own, suffix) and not own.missing_encoders():
        return own
    return preset_for(suffix)


def _holding(preset: Preset, bits: int) -> Preset:
    """HEVC for clips of more than 8 bits.

    H.264 of that depth would not play everywhere, so it is only used where a person asked for
    it.
    """
    better = PRESETS["mp4-hevc"]
    return better if preset.name == "mp4" and bits > 8 and not better.missing_encoders() else preset


def _fits(preset: Preset, suffix: str) -> bool:
    if preset is STILL:
        return suffix in STILL_SUFFIXES
    return {".tif": ".tiff", ".m4v": ".mp4"}.get(suffix, suffix) == preset.suffix


def with_quality(preset: Preset, quality: int | None) -> Preset:
    """The preset at a quality of 1 to 100; itself for None.

    Raises
    ------
    ExportError
        If it is out of range, or the preset is not one of better and worse.
    """
    if quality is None:
        return preset
    if not 1 <= quality <= 100:
        raise ExportError(f"The quality is 1 (small) to 100 (best), not {quality}.")
    if preset is STILL:
        return preset
    if preset.encoder not in _CRF:
        raise ExportError(
            f"Preset {preset.name} keeps all it can: it has no quality to choose. "
            "Leave the quality out."
        )
    best, worst = _CRF[preset.encoder]
    crf = round(worst + (best - worst) * (quality - 1) / 99)
    return replace(
        preset,
        options=tuple(
            (name, str(crf) if name == "crf" else value) for name, value in preset.options
        ),
    )


__all__ = [
    "EXPORT_PRESETS",
    "STILL",
    "STILL_SUFFIXES",
    "EncodeError",
    "ExportError",
    "ExportOptions",
    "chosen_preset",
    "with_quality",
]
