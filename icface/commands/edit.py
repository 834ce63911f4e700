"""``icface edit``: the own face of a clip changed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from icface.commands.exporting import carry_out, export_options
from icface.edit_list import SettingsError, parse_changes

_FRAMES = re.compile(r"(\d+)-(\d+)")


def _frames(context: click.Context, option: click.Parameter, text: str | None) -> tuple[int, int] | None:
    """First and last frame of a text such as 100-250."""
    if text is None:
        return None
    found = _FRAMES.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not FIRST-LAST, as in 100-250.", context, option)
    return int(found[1]), int(found[2])


@click.command()
@click.argument("clip", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "texts",
    multiple=True,
    required=True,
    metavar="NAME=VALUE",
    help="AU12=+0.5 adds, yaw=-8 too; AU43=0 without a sign is held. Repeat.",
)
@click.option("--absolute", is_flag=True, help="Values with a sign are held too.")
@click.option("--face", "face_index", type=click.IntRange(0), help="Whose: 0 is seen longest and largest.")
@click.option("--from", "edit_from", type=click.IntRange(0), metavar="FRAME", help="First frame with any effect.")
@click.option("--to", "edit_to", type=click.IntRange(0), metavar="FRAME", help="Last frame with any effect.")
@click.option("--fade", type=click.IntRange(0), default=0, metavar="FRAMES", help="Over how many it comes and goes.")
@click.option("--frames", callback=_frames, metavar="FIRST-LAST", help="Which frames are exported; all otherwise.")
@click.option("--sound", type=click.Choice(["none"]), help="none: without the clip's sound.")
@export_options
def edit(  # noqa: PLR0913  (one for each option of its own)
    clip: Path,
    texts: tuple[str, ...],
    *,
    absolute: bool,
    face_index: int | None,
    edit_from: int | None,
    edit_to: int | None,
    fade: int,
    frames: tuple[int, int] | None,
    device: str,
    **chosen: Any,
) -> None:
    """Change the face in CLIP and save the clip with it: a smile added, the head turned, eyes held open.

    Head angles are degrees, Action Units go from 0 to 1; AU12L or AU12R for one side. Frames without any effect keep their
    pictures; the sound is copied where the file can hold it.
    """
    from icface.commands.meter import watched
    from icface.media.video import VIDEO_SUFFIXES
    from icface.recipes import Changes, changed, opened_document, with_face
    from icface.render import Renderer

    if clip.is_file() and clip.suffix.lower() not in VIDEO_SUFFIXES:
        raise SettingsError(f"{clip} is no clip. Photos are changed by icface render.")
    added, held = parse_changes(texts, absolute=absolute)
    changes = Changes(added=added, held=held, first=edit_from, last=edit_to, fade=fade)
    renderer = Renderer(device=device)
    project = with_face(watched(opened_document(renderer, clip), clip.name), face_index)
    project = changed(project, changes)
    if frames is not None:
        chosen |= {"first": frames[0], "last": frames[1]}
    carry_out(project, chosen, renderer, {"input": str(clip), "face": project.face_index, "faces": len(project.faces)})
