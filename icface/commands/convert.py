"""``icface convert``: tracking data of one program in the format of another."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import click

from icface.commands.options import json_option, rate_of_text
from icface.system.telling import tell, tell_report

_READ = ("openface", "livelink", "fex", "mediapipe", "json", "npz")
_WRITTEN = ("openface", "livelink", "json", "npz", "bvh")


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "read_as",
    type=click.Choice(_READ),
    help="Format of IN. Default: by its content.",
)
@click.option(
    "--to",
    "write_as",
    type=click.Choice(_WRITTEN),
    help="Format of OUT. Default: by its ending; .csv is OpenFace's.",
)
@click.option(
    "--face", metavar="NAME", help="Name of the face in IN. Default: the face with most frames."
)
@click.option(
    "--rate",
    callback=rate_of_text,
    metavar="FPS",
    help="Frames a second of IN, if it does not state them or is wrong.",
)
@click.option(
    "--units",
    type=click.Choice(["degrees", "radians", "half-turns"]),
    help="Units of the head angles in IN, if the guess is wrong.",
)
@json_option
def convert(  # noqa: PLR0913, PLR0917  (one for each option)
    source: Path,
    target: Path,
    read_as: str | None,
    write_as: str | None,
    face: str | None,
    rate: Fraction | None,
    units: str | None,
    as_json: bool,
) -> None:
    """Convert the tracking data in IN to OUT, and print what was assumed and what is lost.

    Reads OpenFace, py-feat, Live Link Face (ARKit) and MediaPipe files. Writes OpenFace and Live
    Link Face CSV, BVH of the head's rotation, and JSON and npz files of its own: npz loses nothing,
    JSON only the landmarks.
    """
    from icface.formats import FormatError, load, save
    from icface.rendering.kinds import check_kind

    if target.exists() and source.exists() and target.samefile(source):
        raise FormatError(
            f"{target} is the file that is read. Choose another name, so that the original stays."
        )
    if read_as is None:
        check_kind(source, "table")
    found = load(source, face=face, units=units, rate=rate, name=read_as)
    motion = found.motion
    lost = save(target, motion, write_as)
    if as_json:
        report = {
            "input": str(source),
            "format": found.format,
            "face": found.labels[0],
            "faces": list(found.labels),
            "frames": len(motion),
            "frames_with_face": int(motion.present.sum()),
            "rate": str(motion.rate),
            "seconds": round(motion.duration_s, 6),
            "carried": sorted(motion.carried),
            "output": str(target),
            "assumed": list(found.notes),
            "lost": list(lost),
        }
        tell_report(report)
        return
    seen = int(motion.present.sum())
    tell(
        f"{target}  {seen} of {len(motion)} frames with a face, {_decimal(motion.rate)} "
        f"frames/s, {motion.duration_s:.2f} s"
    )
    for note in found.notes:
        tell(f"read: {note}", err=True)
    for note in lost:
        tell(f"written: {note}", err=True)


def _decimal(rate: Fraction) -> str:
    return (
        f"{float(rate):g}"
        if math.isclose(float(f"{float(rate):g}"), rate, rel_tol=1e-9)
        else f"{float(rate):.3f}"
    )
