"""``icface render``: the face of one photo edited, and the picture saved."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from icface.commands.arguments import Settings, parse_box, parse_settings, read_edits
from icface.commands.options import (
    delta_option,
    device_option,
    json_option,
    keep_option,
    label_option,
    photo_argument,
    set_option,
)
from icface.commands.photo_edits import (
    Drawing,
    PhotoEdits,
    Saving,
    StudioDrawing,
    check_settings,
    open_face,
    targets_of,
    tell_plan,
)
from icface.commands.photo_report import about_face, about_photo
from icface.system.telling import tell, tell_report

if TYPE_CHECKING:
    from icface.document import Face
    from icface.media.details import Keep
    from icface.rendering.renderer import Renderer

LEGACY_HELP = (
    "Draw with the original ICface (Tripathy, Kannala and Rahtu, WACV 2020) instead: FILE is its "
    "authors' latest_net_G.pth, with latest_net_GN.pth beside it, or their folder. The output is "
    "what these networks draw: the cropped face, 128 x 128 pixels, neither pasted back nor given "
    "the photo's description, so that it compares with the paper. "
    "Their weights are not part of ICface Studio and may be used for "
    "non-commercial purposes only."
)


@click.command()
@photo_argument
@set_option
@click.option(
    "--edits",
    "edits_file",
    type=click.Path(path_type=Path),
    metavar="FILE.json",
    help='Many named edits: {"turn": {"yaw": -15}, "smile": {"AU12": "+0.3"}}. '
    "A number sets the value; a text with a plus adds to it.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The picture's file; with --edits, a folder.",
)
@delta_option
@click.option(
    "--face",
    "face_index",
    type=click.IntRange(0),
    help="The face to edit, by its number in icface info: 0 is the largest.",
)
@click.option(
    "--box",
    "box_text",
    metavar="LEFT,TOP,RIGHT,BOTTOM",
    help="Where the face is, in pixels, if it is not found by itself.",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=95,
    show_default=True,
    help="Quality of JPEG and WebP.",
)
@keep_option
@label_option
@click.option(
    "--plan",
    "plan_only",
    is_flag=True,
    help="List what would be saved and what would be left out; save nothing.",
)
@click.option("--legacy", type=click.Path(path_type=Path), metavar="FILE", help=LEGACY_HELP)
@json_option
@device_option
def render(  # noqa: PLR0913, PLR0917  (one for each option)
    photo: Path,
    texts: tuple[str, ...],
    edits_file: Path | None,
    output: Path,
    delta: bool,
    face_index: int | None,
    box_text: str | None,
    quality: int,
    keep: Keep,
    labelled: bool | None,
    plan_only: bool,
    legacy: Path | None,
    as_json: bool,
    device: str,
) -> None:
    """Change the face in PHOTO and save the picture.

    Values are what the face will show: head angles in degrees (yaw to the person's left, pitch
    down, roll to the person's right), the head's place in percent of the face's height (x to the
    right of the picture, y up), its zoom in percent, and Action Units from 0 to 1; AU12L or AU12R
    for one side. A number with a plus is added to what the face shows already. Controls that are
    not named stay as they are.
    """
    if edits_file and texts:
        raise click.UsageError(
            "--set and --edits exclude each other: put the settings into the file."
        )
    if face_index is not None and box_text:
        raise click.UsageError("--face and --box exclude each other.")
    from icface.rendering.kinds import check_kind
    from icface.rendering.renderer import Renderer

    check_kind(photo, "photo")
    box = parse_box(box_text) if box_text else None
    edits = (
        read_edits(edits_file, delta=delta)
        if edits_file
        else {"": parse_settings(texts, delta=delta)}
    )
    check_settings(edits, source=edits_file)
    saving = Saving(quality=quality, keep=keep, labelled=labelled is not False)
    renderer = Renderer(device=device)
    drawing = _drawing(renderer, legacy, device)
    if plan_only:
        tell_plan(photo, output, edits, drawing=drawing, saving=saving, as_json=as_json)
        return
    targets = targets_of(photo, output, tuple(edits), in_folder=edits_file is not None)

    start = time.perf_counter()
    opened, face, index = open_face(renderer, photo, face_index, box)
    open_ms = (time.perf_counter() - start) * 1000
    _check_face(photo, face, edits, drawing)
    work = PhotoEdits(drawing=drawing, photo=opened, face=face, saving=saving)
    tell(*(f"note: {note}" for note in opened.notes if not as_json), err=True)
    done = []
    for name, settings in edits.items():
        step = work.save(settings, targets[name])
        done.append({"name": name or None} | step)
        if not as_json:
            tell(f"{targets[name]}  {step['milliseconds']:.0f} ms")
            for note in step["notes"]:
                tell(f"note: {note}", err=True)
    notices = renderer.drain_notices()
    if as_json:
        report = about_photo(opened) | {
            "device": renderer.device_name or None,
            "face": None if face is None else about_face(face, index),
            "relative": delta,
            "open_milliseconds": round(open_ms, 1),
            "outputs": done,
            "notices": notices,
        }
        tell_report(report)
    else:
        for notice in notices:
            tell(f"note: {notice}", err=True)


def _drawing(renderer: Renderer, legacy: Path | None, device: str) -> Drawing:
    """The networks that draw: those of ICface Studio, or a checkpoint of the original ICface."""
    if legacy is None:
        return StudioDrawing(renderer)
    from icface.commands.legacy_drawing import LegacyDrawing

    return LegacyDrawing.load(legacy, device)


def _check_face(
    photo: Path, face: Face | None, edits: dict[str, Settings], drawing: Drawing
) -> None:
    """Refuse a photo without a face if any edit needs one."""
    if face is None and (any(edits.values()) or not drawing.needs_settings):
        from icface.face.observation import NoFaceError

        raise NoFaceError(
            f"No face was found in {photo}. Say where it is: --box LEFT,TOP,RIGHT,BOTTOM in pixels."
        )
