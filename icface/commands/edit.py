"""``icface edit``: the face of a clip edited."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from icface.commands.arguments import parse_settings
from icface.commands.exporting import carry_out, export_options
from icface.commands.options import delta_option, set_option
from icface.face.controls import ControlVector

_FRAMES = re.compile(r"(\d+)-(\d+)")


def _frames(
    context: click.Context, option: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    """First and last frame, from a text such as 100-250."""
    if text is None:
        return None
    found = _FRAMES.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not FIRST-LAST, as in 100-250.", context, option)
    return int(found[1]), int(found[2])


@click.command()
@click.argument("clip", type=click.Path(path_type=Path))
@set_option
@delta_option
@click.option(
    "--face",
    "face_index",
    type=click.IntRange(0),
    help="Number of the face: 0 is seen longest and largest.",
)
@click.option(
    "--from",
    "edit_from",
    type=click.IntRange(0),
    metavar="FRAME",
    help="First frame that is edited.",
)
@click.option(
    "--to", "edit_to", type=click.IntRange(0), metavar="FRAME", help="Last frame that is edited."
)
@click.option(
    "--fade",
    type=click.IntRange(0),
    default=0,
    metavar="FRAMES",
    help="Number of frames over which the edit fades in and out.",
)
@click.option(
    "--frames",
    callback=_frames,
    metavar="FIRST-LAST",
    help="The frames to export. Default: all.",
)
@click.option("--sound", type=click.Choice(["none"]), help="none leaves out the clip's sound.")
@export_options
def edit(  # noqa: PLR0913  (one for each option of its own)
    clip: Path,
    texts: tuple[str, ...],
    *,
    delta: bool,
    face_index: int | None,
    edit_from: int | None,
    edit_to: int | None,
    fade: int,
    frames: tuple[int, int] | None,
    device: str,
    **chosen: Any,
) -> None:
    """Change the face in CLIP and save the clip: add a smile, turn the head, keep eyes open.

    Head angles are in degrees, Action Units from 0 to 1; AU12L or AU12R for one side. A number is
    what the face shows in every frame; a number with a plus is added to what it shows already.
    Frames that are not edited keep their pictures. The sound is copied where the file can hold it.
    """
    from icface.batch.recipes import Changes, changed, opened_document, with_face
    from icface.commands.meter import watched
    from icface.rendering.kinds import check_kind
    from icface.rendering.renderer import Renderer

    check_kind(clip, "clip")
    if not texts:
        raise click.UsageError("Give at least one setting, such as --set AU12=+0.5.")
    settings = parse_settings(texts, delta=delta)
    settings.deltas(ControlVector())  # for its errors, before the clip is read
    changes = Changes(
        added=settings.added, held=settings.held, first=edit_from, last=edit_to, fade=fade
    )
    renderer = Renderer(device=device)
    project = with_face(watched(opened_document(renderer, clip), clip.name), face_index)
    project = changed(project, changes)
    if frames is not None:
        chosen |= {"first": frames[0], "last": frames[1]}
    carry_out(
        project,
        chosen,
        renderer,
        {"input": str(clip), "face": project.face_index, "faces": len(project.faces)},
    )
