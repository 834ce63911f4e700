"""``icface animate``: a photo or a clip, driven by clips and tracking data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from icface.commands.arguments import SettingsError, parse_mix, parse_named_file
from icface.commands.exporting import carry_out, export_options, range_options
from icface.commands.options import rate_of_text
from icface.system.telling import tell

if TYPE_CHECKING:
    from icface.document import MixRule, Project


@click.command()
@click.argument("photo", type=click.Path(path_type=Path))
@click.option(
    "--driver",
    "drivers",
    multiple=True,
    required=True,
    metavar="[NAME=]FILE",
    help="A clip, a tracking table such as an OpenFace CSV, or a photo. The first one drives "
    "everything. Can be repeated; drivers without a name are called A, B, ...",
)
@click.option(
    "--mix",
    "mixes",
    multiple=True,
    metavar="GROUP=NAME[*GAIN][+OFFSET][,WORD...]",
    help="The driver of a group, see above. Can be repeated.",
)
@click.option(
    "--smooth",
    type=click.FloatRange(0, 1),
    help="Amount of smoothing, 0 to 1. Default: some for clips, none for tables.",
)
@click.option(
    "--absolute",
    is_flag=True,
    help="Use the drivers' values themselves, not their changes from the driver at rest.",
)
@click.option(
    "--beyond",
    type=click.Choice(["hold", "loop", "pingpong"]),
    help="What happens after a driver ends.",
)
@click.option(
    "--rate",
    callback=rate_of_text,
    metavar="FPS",
    help="Frames a second of tables that do not state it.",
)
@click.option(
    "--face",
    "face_index",
    type=click.IntRange(0),
    help="Number of the face in the photo: 0 is the largest.",
)
@click.option(
    "--sound",
    metavar="NAME",
    help="Name of the driver whose sound is used, or none. Default: the first driver with sound.",
)
@export_options
@range_options
def animate(  # noqa: PLR0913  (one for each option of its own)
    photo: Path,
    drivers: tuple[str, ...],
    mixes: tuple[str, ...],
    *,
    smooth: float | None,
    absolute: bool,
    beyond: str | None,
    rate: Fraction | None,
    face_index: int | None,
    sound: str | None,
    device: str,
    **chosen: Any,
) -> None:
    """Make the face in PHOTO do what the face in a driver does, and save the clip.

    \b
    --mix gives a group of channels another driver than the first:
      GROUP  all, pose, yaw, pitch, roll, brows, eyes, gaze, cheeks, mouth,
             or an Action Unit such as AU12 or AU12L; narrower groups win
      NAME   a driver; nothing after the = leaves the group as in the photo
      *GAIN, +OFFSET  as in mouth=A*0.8+0.1; offsets are degrees or 0..1
      WORD   relative, absolute, mirror, shift=FRAMES, low=NUMBER, high=NUMBER
    """  # noqa: D301  (the backspace tells click to leave the lines as they are)
    from icface.batch.recipes import opened_document, voice_of, with_driver, with_face
    from icface.commands.meter import watched
    from icface.rendering.kinds import check_kind
    from icface.rendering.renderer import Renderer

    rules = [parse_mix(text) for text in mixes]
    files = _named(drivers)
    check_kind(photo, "photo", "clip")
    for path in files.values():
        check_kind(path, "clip", "table", "photo")
    unknown = [rule.driver for rule in rules if rule.driver and rule.driver not in files]
    if unknown:
        raise SettingsError(
            f"--mix names {unknown[0]!r}, but no --driver has that name. There are: "
            f"{', '.join(files)}."
        )
    if sound not in (None, "none", *files):
        raise SettingsError(
            f"--sound {sound!r} is no driver. There are: {', '.join(files)}; or none."
        )
    renderer = Renderer(device=device)
    project = with_face(watched(opened_document(renderer, photo), photo.name), face_index)
    for name, path in files.items():
        project, notes = watched(with_driver(renderer, project, name, path, rate=rate), path.name)
        for note in notes:
            tell(f"note: {note}", err=True)
    project = _mixed(project, rules, absolute=absolute, smooth=smooth, beyond=beyond)
    chosen["sound"] = voice_of(project) if sound is None else sound
    carry_out(
        project,
        chosen,
        renderer,
        {"input": str(photo), "drivers": {n: str(p) for n, p in files.items()}},
    )


def _named(texts: Sequence[str]) -> dict[str, Path]:
    """The drivers by name; unnamed ones get the first free letters."""
    files: dict[str, Path] = {}
    given = [parse_named_file(text) for text in texts]
    taken = {name for name, _ in given}
    letters = (letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in taken)
    for given_name, path in given:
        name = given_name or next(letters, "")
        if not name or name in files:
            raise SettingsError(
                f"Two drivers are called {name!r}, or there are too many without a name. "
                "Name each: NAME=FILE."
            )
        files[name] = path
    return files


def _mixed(
    project: Project, rules: Sequence[MixRule], *, absolute: bool, smooth: float | None, beyond: Any
) -> Project:
    from icface.document import edits

    for driver in project.drivers:
        project = edits.set_driver(project, driver.name, smoothing=smooth, beyond=beyond)
    project = edits.drive_with(project, project.drivers[0].name)
    for rule in rules:
        project = edits.set_rule(project, rule)
    if absolute and project.face_edits is not None:
        for rule in project.face_edits.mix:
            project = edits.set_rule(project, replace(rule, mode="absolute"))
    return project
