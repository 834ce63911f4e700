"""Plans of exports, made before anything is rendered: frames, sound, and what is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from icface.document import Clip, Project
from icface.document.edits import set_output
from icface.document.mixing import heard_clip
from icface.export.choices import ExportError, ExportOptions, as_format, chosen_preset, with_quality
from icface.export.originals import found_clip, found_photo, original_at, originals, refusal
from icface.export.plan import ExportPlan, SoundPlan
from icface.export.written_frames import shaped, shown_by
from icface.media.clip_reader import ClipReader
from icface.media.clip_tags import clip_tags, saved_tags
from icface.media.details import Keep
from icface.media.frame_format import Pictures
from icface.media.losses import (
    of_clip_tags,
    of_frames,
    of_photo,
    of_photo_in_motion,
    of_sound,
    place_said,
    sound_left_out,
)
from icface.media.photo_writing import photo_format
from icface.media.placing import check_destination
from icface.media.presets import Preset
from icface.media.provenance import MADE_HERE, Provenance
from icface.media.sequence import PLAIN, StillsLike
from icface.media.sound import sound_tracks
from icface.media.sound_track import SoundCut, plan_tracks
from icface.media.tone_mapping import is_hdr

MOST_FRAMES = 10_000_000
"""Most frames of an export: four days at 25 frames a second."""


def plan_export(
    project: Project, path: str | Path, options: ExportOptions | None = None
) -> ExportPlan:
    """The plan for a document as it is now. Reads the source; nothing is written.

    Parameters
    ----------
    project : Project
    path : str or Path
        Where to; the ending chooses among presets unless one is named. Without an ending it gets
        the preset's.
    options : ExportOptions, optional
        What differs from the document's own settings of output.

    Raises
    ------
    ExportError
        If the range, the preset, the sound or the destination cannot be.
    PhotoError, VideoError, SoundError, EncodeError
        If the source, its sound or an encoder is missing.
    """
    options = options or ExportOptions()
    if project.source is None:
        raise ExportError("There is nothing to export: open a photo or a clip first.")
    first, last = _range(project, options)
    frames = _frames(project, first, last)
    preset, path = chosen_preset(project, Path(path), options, last - first + 1, bits=frames.bits)
    preset = with_quality(preset, options.quality)
    _refuse_sources(project, path, preset)
    if preset.kind != "sequence":
        check_destination(path)
    side_by_side = (
        project.output.side_by_side if options.side_by_side is None else options.side_by_side
    )
    labelled = project.output.labelled if options.labelled is None else options.labelled
    sound, notes = _sound(project, preset, options, frames)
    provenance = MADE_HERE if labelled else None
    written = shown_by(
        preset, shaped(frames.made, side_by_side=side_by_side, height=options.height)
    )
    about = _description(project, preset, path, keep=options.keep, provenance=provenance)
    losses = (
        ()
        if about.is_photo
        else of_frames(as_format(preset, path), frames.made, written, bits=frames.bits)
    )
    losses += (*(() if sound is None else of_sound(sound.tracks)), *about.losses)
    return ExportPlan(
        project=project,
        path=path,
        preset=preset,
        first=first,
        last=last,
        tick=frames.made.tick,
        ticks=frames.ticks,
        end=frames.stop - frames.start,
        made=frames.made,
        quality=options.quality,
        side_by_side=side_by_side,
        sound=sound,
        written=written,
        provenance=provenance,
        keep=options.keep,
        tags=about.tags,
        like=about.like,
        losses=losses,
        notes=(*frames.notes, *notes),
    )


def _range(project: Project, options: ExportOptions) -> tuple[int, int]:
    first, last = project.range
    first = first if options.first is None else options.first
    last = last if options.last is None else options.last
    most = project.n_frames - 1
    if not 0 <= first <= last or (first > most and isinstance(project.source, Clip)):
        raise ExportError(
            f"Frames {first} to {last} cannot be exported: the frames are 0 to {most}."
        )
    if isinstance(project.source, Clip) and last > most:
        raise ExportError(f"There is no frame {last}: the frames are 0 to {most}.")
    if last - first >= MOST_FRAMES:
        raise ExportError(
            f"Frames {first} to {last} are too many: at most {MOST_FRAMES} are exported at a time."
        )
    return first, last


def _refuse_sources(project: Project, path: Path, preset: Preset) -> None:
    """Refuse to write over a file of the document, whole or as a still of a sequence."""
    found = original_at(project, path)
    if found is None and preset.kind == "sequence":
        stills = re.compile(rf"{re.escape(path.stem)}_\d{{6,}}{re.escape(preset.suffix)}")
        folder = path.resolve().parent
        own = (
            one
            for one in originals(project)
            if stills.fullmatch(one.name) and one.resolve().parent == folder
        )
        found = next(own, None)
    if found is not None:
        raise ExportError(refusal(found))


@dataclass(frozen=True, slots=True)
class _FramesPlan:
    """The frames to make, and their stretch of the document's time."""

    made: Pictures
    bits: int
    ticks: NDArray[np.int64]
    start: Fraction
    stop: Fraction
    notes: tuple[str, ...] = ()


def _frames(project: Project, first: int, last: int) -> _FramesPlan:
    if isinstance(project.source, Clip):
        return _clip_frames(project.source, first, last)
    return _photo_frames(project, first, last)


def _clip_frames(clip: Clip, first: int, last: int) -> _FramesPlan:
    info = found_clip(clip)
    with ClipReader(info.path, cache_bytes=1) as reader:
        index, made = reader.index, Pictures.of_clip(info, reader)
    ticks = index.ticks[first : last + 1] - index.ticks[first]
    ticks.flags.writeable = False
    stop = index.time(last + 1) if last + 1 < len(index) else index.duration
    # The last note describes how a screen shows high dynamic range, which an export need not do.
    notes = info.notes[:-1] if is_hdr(info.colours) else info.notes
    return _FramesPlan(made, info.bits, ticks, index.time(first), stop, notes)


def _photo_frames(project: Project, first: int, last: int) -> _FramesPlan:
    pixels = found_photo(project).pixels
    made, bits = Pictures.of_pixels(pixels, project.rate), 8 * pixels.itemsize
    ticks = np.arange(last - first + 1, dtype=np.int64)
    ticks.flags.writeable = False
    return _FramesPlan(made, bits, ticks, first / project.rate, (last + 1) / project.rate)


def _sound(
    project: Project, preset: Preset, options: ExportOptions, frames: _FramesPlan
) -> tuple[SoundPlan | None, tuple[str, ...]]:
    wanted = project.output.sound if options.sound is None else options.sound
    if wanted == "none" or preset.kind != "clip":
        return None, ()
    if wanted:
        project.driver(wanted)  # refuses a name that is not there
    heard = heard_clip(set_output(project, sound=wanted))
    if heard is None or not found_clip(heard[0]).has_sound:
        if wanted:
            raise ExportError(f"{wanted} has no sound. Choose another source of sound, or none.")
        return None, ()
    clip, shift = heard[0], heard[1] / project.rate
    cut = SoundCut(Path(clip.path), frames.start - shift, frames.stop - shift)
    if cut.stop <= 0 or float(cut.start) >= clip.duration_s:
        return None, (f"{Path(clip.path).name} is not heard in these frames.",)
    preset_needs = preset.missing_encoders(sound=True)
    plan = SoundPlan(cut=cut, tracks=plan_tracks(cut, preset))
    if preset_needs and not plan.copied:
        raise ExportError(
            f"The sound needs the encoder {', '.join(preset_needs)}, which is missing. "
            "Choose another preset."
        )
    return plan, ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Description:
    """The part of the source's description that the file gets, and what is left out."""

    tags: tuple[tuple[str, str], ...] = ()
    like: StillsLike = PLAIN
    losses: tuple[str, ...] = ()
    is_photo: bool = False


def _description(
    project: Project, preset: Preset, path: Path, *, keep: Keep, provenance: Provenance | None
) -> _Description:
    if isinstance(project.source, Clip):
        source_tags = clip_tags(Path(project.source.path))
        silent = sound_left_out(
            sound_tracks(Path(project.source.path)) if project.source.has_sound else 0, preset
        )
        tags = tuple(saved_tags(source_tags, keep).items()) if preset.kind == "clip" else ()
        return _Description(tags=tags, losses=(*silent, *of_clip_tags(source_tags, preset, keep)))
    photo = found_photo(project)
    if preset.kind != "sequence" or preset.name == "exr":
        return _Description(losses=of_photo_in_motion(photo, preset))
    kind = photo_format(path.suffix if preset.name == "still" else preset.suffix)
    losses = of_photo(photo, kind, keep=keep, provenance=provenance)
    return _Description(
        like=StillsLike.of(photo, keep), losses=(*losses, *place_said(photo, keep)), is_photo=True
    )
