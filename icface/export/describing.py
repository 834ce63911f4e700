"""A plan in plain words, before it starts."""

from __future__ import annotations

from fractions import Fraction

from av.video.format import VideoFormat

from icface.document import Clip
from icface.export.choices import STILL
from icface.export.plan import ExportPlan
from icface.media.colour import BT470BG, BT709, BT2020, FULL, SMPTE170M, Layout, bit_depth
from icface.media.losses import label_said
from icface.media.sound_track import TrackPlan

_MILLISECONDS = frozenset({"matroska", "webm"})
_MATRICES = {BT709: "BT.709", BT470BG: "BT.601", SMPTE170M: "BT.601", BT2020: "BT.2020"}


def describe(plan: ExportPlan) -> list[str]:
    """The effects of a plan, one sentence a line."""
    lines = [_what(plan), _frames(plan), _size(plan)]
    if plan.preset is not STILL:
        lines.append(_colours(plan))
    if plan.preset.kind == "clip":
        lines.append(_sound(plan))
    if plan.preset.container in _MILLISECONDS and (1000 * plan.tick).denominator != 1:
        lines.append(
            "Note: this kind of file keeps times to a thousandth of a second; "
            "MP4 and MOV keep them exactly."
        )
    lines += [f"Note: {note}" for note in (*plan.losses, *plan.notes)]
    if (
        isinstance(plan.project.source, Clip)
        and plan.preset.kind == "clip"
        and not plan.tone_mapped
    ):
        lines.append(_untouched(plan))
    lines.append(label_said(plan.provenance))
    if plan.preset.kind != "sequence" or plan.preset is STILL:
        lines.append(
            "The file of that name is replaced, once the new one is complete."
            if plan.path.exists()
            else ""
        )
    return [line for line in lines if line]


def _what(plan: ExportPlan) -> str:
    quality = "" if plan.quality is None else f", quality {plan.quality}"
    return f"{plan.path}: {plan.preset.title}{quality}."


def _frames(plan: ExportPlan) -> str:
    span = f"frame {plan.first}" if plan.count == 1 else f"frames {plan.first} to {plan.last}"
    if plan.count == 1:
        return f"{span.capitalize()} of {plan.project.n_frames}."
    even = len(set((plan.ticks[1:] - plan.ticks[:-1]).tolist())) == 1 or not _is_uneven(plan)
    rate = (
        f"{_rate(plan.made.rate)} a second"
        if even
        else f"{_rate(plan.made.rate)} a second on average, at their own times"
    )
    return f"{plan.count} frames ({span}), {float(plan.end):.2f} s, {rate}."


def _is_uneven(plan: ExportPlan) -> bool:
    steps = plan.ticks[1:] - plan.ticks[:-1]
    return int(steps.max()) - int(steps.min()) > 1


def _rate(rate: Fraction) -> str:
    return str(rate) if rate.denominator == 1 else f"{float(rate):.3f}"


def _size(plan: ExportPlan) -> str:
    width, height = plan.written.square_size
    own = plan.made.square_size
    text = f"{width} x {height} pixels"
    if plan.side_by_side:
        text += ", the unedited picture to the left"
    return f"{text}, the source's own size." if (width, height) == own else f"{text}."


def _colours(plan: ExportPlan) -> str:
    form = VideoFormat(plan.preset.pixel_format(plan.written.form))
    colours = plan.written.colours_in(form.name, full_range=plan.preset.full_range)
    layout = Layout.of(form)
    depth = f"{bit_depth(form)} bits per colour"
    if plan.preset.kind != "clip" or layout is None:
        return f"{depth[0].upper()}{depth[1:]}."
    chroma = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}.get(
        (layout.across, layout.down), form.name
    )
    matrix = _MATRICES.get(colours.matrix, "as the source")
    span = "full range" if colours.range == FULL else "limited range"
    return f"{depth[0].upper()}{depth[1:]}, {chroma}, {matrix}, {span}."


def _sound(plan: ExportPlan) -> str:
    if plan.sound is None:
        return "No sound."
    name, tracks = plan.sound.cut.path.name, plan.sound.tracks
    if len({track.copied for track in tracks}) == 1:
        all_ = f", {len(tracks)} tracks" if len(tracks) > 1 else ""
        return f"Sound of {name}{all_}, {_how(tracks[0], plan)}."
    each = "; ".join(f"track {track.number + 1} {_how(track, plan)}" for track in tracks)
    return f"Sound of {name}: {each}."


def _how(track: TrackPlan, plan: ExportPlan) -> str:
    return "copied as it is" if track.copied else f"encoded again ({plan.preset.sound_encoder})"


def _untouched(plan: ExportPlan) -> str:
    if plan.preset.name == "lossless" and plan.written is plan.made:
        return (
            "Frames without edits stay as they are, bit for bit; "
            "in the others, all around the edited faces."
        )
    return (
        "Frames without edits are encoded as they were decoded; "
        "in the others, only the edited faces change."
    )
