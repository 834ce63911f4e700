"""``icface track``: the face in a clip, tracked frame by frame into a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from icface.commands.options import device_option, json_option
from icface.system.telling import tell, tell_report

if TYPE_CHECKING:
    from icface.motion.motion import Motion
    from icface.tracking.clips import ClipTracking

_SHOWN_PIECES = 20


@click.command()
@click.argument("clip", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The file: .json, .npz (with landmarks), .csv or .bvh.",
)
@click.option(
    "--tracker",
    "tracker_name",
    type=click.Choice(["builtin", "feat", "feat-mp"]),
    default="builtin",
    show_default=True,
    help="feat and feat-mp are py-feat's Detectorv2 and MPDetector.",
)
@click.option(
    "--person",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Number of the person: 0 is seen longest and largest.",
)
@click.option(
    "--every",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Track every n-th frame only.",
)
@click.option(
    "--smooth",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Amount of smoothing, 0 to 1.",
)
@click.option(
    "--missing",
    type=click.Choice(["pass", "hold", "interpolate"]),
    default="pass",
    show_default=True,
    help="Frames without a face: left empty, the last reading, or interpolated within a shot.",
)
@click.option(
    "--reading",
    type=click.Choice(["fitted", "regressed"]),
    default="fitted",
    show_default=True,
    help="Controls fitted to the landmarks, as changes from the frame at rest, or as predicted "
    "by the tracker's network.",
)
@click.option("--again", is_flag=True, help="Track the clip again even if it was tracked before.")
@json_option
@device_option
def track(  # noqa: PLR0913, PLR0917  (one for each option)
    clip: Path,
    output: Path,
    tracker_name: str,
    person: int,
    every: int,
    smooth: float,
    missing: Any,
    reading: str,
    again: bool,
    as_json: bool,
    device: str,
) -> None:
    """Track the face in CLIP: head angles, expression and confidence of every frame.

    Readings are cached, so that a second call with the same clip is instant. Times are the clip's
    own. Cuts are found, and a face that is lost and found again counts as one person.
    """
    from icface.commands.meter import watched
    from icface.formats import FormatError, format_to_write, save
    from icface.model.device import pick_device
    from icface.motion.conditioning import filled, smoothed
    from icface.motion.reading.fitted import regressed
    from icface.rendering.kinds import check_kind
    from icface.tracking.choice import begin, tracker_of
    from icface.tracking.clips import track_clip
    from icface.tracking.remembered import track_clip_once

    check_kind(clip, "clip")
    format_to_write(output)
    if output.exists() and clip.exists() and output.samefile(clip):
        raise FormatError(
            f"{output} is the clip itself. Choose another name, so that the original stays."
        )
    if not output.parent.is_dir():
        raise FormatError(
            f"There is no folder {output.parent} to save {output.name} in. "
            "Create it or choose another."
        )
    begun = time.monotonic()
    with tracker_of(tracker_name, pick_device(device).torch_device.type) as tracker:
        watched(begin(tracker), clip.name)
        job = (
            track_clip(clip, tracker, every=every)
            if again
            else track_clip_once(clip, tracker, every=every)
        )
        done = watched(job, clip.name)
    read = _person(done, person, clip)
    if reading == "regressed":
        read = regressed(read)
    lost = save(output, smoothed(filled(read, missing), smooth))
    report = _report(done, read) | {
        "person": person,
        "smooth": smooth,
        "missing": missing,
        "lost": list(lost),
    }
    report |= {
        "input": str(clip),
        "output": str(output),
        "took_seconds": round(time.monotonic() - begun, 2),
    }
    if as_json:
        tell_report(report)
        return
    cuts = (
        "no cut" if not done.cuts else "1 cut" if len(done.cuts) == 1 else f"{len(done.cuts)} cuts"
    )
    tell(
        f"{output}  {report['frames_with_face']} of {len(done)} frames with a face, {cuts}, "
        f"{report['took_seconds']:.1f} s"
    )
    if len(done.motions) > 1:
        others = ", ".join(f"{n} in {frames}" for n, frames in enumerate(report["people"]))
        tell(
            f"note: {len(done.motions)} people, by number in frames: {others}. "
            "Choose with --person.",
            err=True,
        )
    for note in (*report["notes"], *lost):
        tell(f"note: {note}", err=True)


def _person(done: ClipTracking, person: int, clip: Path) -> Motion:
    from icface.face.observation import NoFaceError

    if not done.motions:
        raise NoFaceError(
            f"No face was found in {clip} ({len(done)} frames were looked at). Choose another clip."
        )
    if person >= len(done.motions):
        who = (
            "one person, number 0"
            if len(done.motions) == 1
            else f"{len(done.motions)} people, from 0"
        )
        raise NoFaceError(f"There is no person {person} in {clip}: {who}.")
    return done.motions[person]


def _report(done: ClipTracking, read: Motion) -> dict[str, Any]:
    from icface.motion.conditioning import neutral_frame
    from icface.tracking.clips import roll_counts_from_deg

    gaps, quarter_deg = gaps_of(read), roll_counts_from_deg(read)
    return {
        "tracker": done.tracker,
        "size": list(done.size),
        "rate": str(done.rate),
        "every": done.every,
        "frames": len(done),
        "frames_with_face": int(read.present.sum()),
        "seconds": round(read.duration_s, 6),
        "cuts": list(done.cuts),
        "without_face": gaps[:_SHOWN_PIECES],
        "pieces_without_face": len(gaps),
        "people": [int(motion.present.sum()) for motion in done.motions],
        "reading": read.reading,
        "neutral_frame": neutral_frame(read) if read.rest is None else read.rest,
        "least_confidence": round(float(read.confidence[read.present].min()), 4),
        "lies_at_degrees": quarter_deg,
        "notes": [*done.notes, *_roll_note(quarter_deg)],
    }


def _roll_note(quarter_deg: float) -> tuple[str, ...]:
    """What a reader of the table must know of the roll of a head that lies."""
    if not quarter_deg:
        return ()
    how = "is upside down" if quarter_deg == 180 else "lies on its side"
    counts = f"its roll counts from {quarter_deg:g} degrees"
    return (f"The head {how}: {counts}. Add that for its angle in the picture.",)


def gaps_of(motion: Motion) -> list[list[int]]:
    """First and last frame of each gap without a face."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[True], motion.present, [True]])))
    return [
        [int(first), int(after) - 1] for first, after in zip(edges[::2], edges[1::2], strict=True)
    ]
