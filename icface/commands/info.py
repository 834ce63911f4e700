"""``icface info``: one photo and its faces, described."""

from __future__ import annotations

from pathlib import Path

import click

from icface.commands.options import device_option, json_option, photo_argument
from icface.commands.photo_report import about_face, about_photo, face_lines
from icface.jobs import run_to_end
from icface.system.telling import tell, tell_report


@click.command()
@photo_argument
@json_option
@device_option
def info(photo: Path, as_json: bool, device: str) -> None:
    """List the faces in PHOTO: where each one is and what it expresses.

    The 56 controls are head angles in degrees and expression channels from 0 to 1. Action Units are
    computed from them.
    """
    from icface.rendering.kinds import check_kind
    from icface.rendering.renderer import Renderer

    check_kind(photo, "photo")
    opened = run_to_end(Renderer(device=device).open(photo))
    about = about_photo(opened.photo)
    faces = [about_face(face, i) for i, face in enumerate(opened.faces)]
    if as_json:
        tell_report(about | {"faces": faces})
        return
    size = f"{about['width']} x {about['height']} pixels"
    alpha = ", with transparency" if about["alpha"] else ""
    tell(f"{photo}: {size}, {about['bits']} bits per colour{alpha}")
    for note in opened.photo.notes:
        tell(f"note: {note}", err=True)
    for face in faces:
        tell(*face_lines(face))
    if not faces:
        tell(
            "No face was found. Say where it is: "
            "icface render --box LEFT,TOP,RIGHT,BOTTOM in pixels."
        )
