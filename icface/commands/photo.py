"""``icface render`` and ``icface info``: one photo edited, or described."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from icface.commands.arguments import Settings, SettingsError, parse_box, parse_settings, read_edits
from icface.commands.options import (
    delta_option,
    device_option,
    json_option,
    keep_option,
    label_option,
    photo_argument,
    set_option,
)
from icface.jobs import run_to_end
from icface.system.telling import tell, tell_report

if TYPE_CHECKING:
    from icface.document import Face
    from icface.media import Photo
    from icface.media.details import Keep
    from icface.media.provenance import Provenance
    from icface.rendering.renderer import Renderer

_SHOWN_FROM = 0.05


def _check_settings(edits: Mapping[str, Settings], *, source: Path | None) -> None:
    """Refuse unknown controls and values out of range before anything is loaded."""
    from icface.face.controls import ControlVector

    for name, settings in edits.items():
        try:
            settings.deltas(ControlVector())
        except ValueError as error:
            raise SettingsError(f"{source}: {name!r}: {error}" if source else str(error)) from None


@click.command()
@photo_argument
@set_option
@click.option(
    "--edits",
    "edits_file",
    type=click.Path(path_type=Path),
    metavar="FILE.json",
    help='Many named edits: {"turn": {"yaw": -15}, "smile": {"AU12": "+0.3"}}; a number holds, a text with a plus adds.',
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="File, or folder with --edits.",
)
@delta_option
@click.option(
    "--face",
    "face_index",
    type=click.IntRange(0),
    help="Which face, as icface info counts them: 0 is the largest.",
)
@click.option(
    "--box",
    "box_text",
    metavar="LEFT,TOP,RIGHT,BOTTOM",
    help="Where the face is, in pixels, if it is not found.",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=95,
    show_default=True,
    help="Of JPEG and WebP.",
)
@keep_option
@label_option
@click.option(
    "--plan",
    "plan_only",
    is_flag=True,
    help="Say what would be saved and what left out, and do nothing.",
)
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
    as_json: bool,
    device: str,
) -> None:
    """Change the face in PHOTO and save the picture.

    Values are what the face will show: head angles in degrees (yaw to the person's left, pitch
    down, roll to the person's right), Action Units from 0 to 1, AU12L or AU12R for one side. A
    number with a plus is added to what the face shows by itself. What is not named stays as it is.
    """
    if edits_file and texts:
        raise click.UsageError(
            "--set and --edits exclude each other: put the settings into the file."
        )
    if face_index is not None and box_text:
        raise click.UsageError("--face and --box exclude each other.")
    from icface.rendering.kinds import check_kind

    check_kind(photo, "photo")
    box = parse_box(box_text) if box_text else None
    edits = (
        read_edits(edits_file, delta=delta)
        if edits_file
        else {"": parse_settings(texts, delta=delta)}
    )
    _check_settings(edits, source=edits_file)
    saving = _Saving(quality=quality, keep=keep, labelled=labelled is not False)
    if plan_only:
        _tell_plan(photo, output, edits, saving, as_json=as_json)
        return
    targets = _targets(photo, output, tuple(edits), in_folder=edits_file is not None)

    from icface.rendering.renderer import Renderer

    start = time.perf_counter()
    renderer = Renderer(device=device)
    opened, face, index = _open(renderer, photo, face_index, box)
    open_ms = (time.perf_counter() - start) * 1000
    if face is None and any(edits.values()):
        from icface.face.observation import NoFaceError

        raise NoFaceError(
            f"No face was found in {photo}. Say where it is: --box LEFT,TOP,RIGHT,BOTTOM in pixels."
        )
    work = _Work(renderer=renderer, photo=opened, face=face, saving=saving)
    tell(*(f"note: {note}" for note in opened.notes if not as_json), err=True)
    done = []
    for name, settings in edits.items():
        step = work.do(settings, targets[name])
        done.append({"name": name or None} | step)
        if not as_json:
            tell(f"{targets[name]}  {step['milliseconds']:.0f} ms")
            for note in step["notes"]:
                tell(f"note: {note}", err=True)
    notices = renderer.drain_notices()
    if as_json:
        report = _about(opened) | {
            "device": renderer.device_name or None,
            "face": None if face is None else _about_face(face, index),
            "relative": delta,
            "open_milliseconds": round(open_ms, 1),
            "outputs": done,
            "notices": notices,
        }
        tell_report(report)
    else:
        for notice in notices:
            tell(f"note: {notice}", err=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saving:
    """How pictures are saved."""

    quality: int
    keep: Keep
    labelled: bool

    def provenance(self, *, edited: bool) -> Provenance | None:
        """What a picture says of its making: nothing where it is the photo's own."""
        from icface.media.provenance import MADE_HERE

        return MADE_HERE if self.labelled and edited else None


def _tell_plan(
    path: Path, output: Path, edits: Mapping[str, Settings], saving: _Saving, *, as_json: bool
) -> None:
    """Say what would be saved and what left out of it, file by file."""
    from icface.media import load_photo, output_format
    from icface.media.losses import plan_of_photo

    photo, plans = load_photo(path), {}
    for name, settings in edits.items():
        target = output / f"{name}.png" if name else output
        kind = output_format(target) if not name else "PNG"
        provenance = saving.provenance(edited=bool(settings))
        lines = plan_of_photo(photo, kind, keep=saving.keep, provenance=provenance)
        plans[str(target)] = [f"{target}: {photo.width} x {photo.height} pixels, {kind}.", *lines]
    if as_json:
        tell_report({"input": str(path), "plan": plans})
        return
    for lines in plans.values():
        tell(*lines)


def _targets(
    photo: Path, output: Path, names: tuple[str, ...], *, in_folder: bool
) -> dict[str, Path]:
    """Where each edit is saved, checked before anything is rendered."""
    from icface.media import PhotoError, output_format

    if in_folder:
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PhotoError(
                f"{output} cannot be made a folder: {error.strerror or error}."
            ) from None
    targets = {name: output / f"{name}.png" if in_folder else output for name in names}
    for path in targets.values():
        output_format(path)
        if path.exists() and photo.exists() and path.samefile(photo):
            raise PhotoError(
                f"{path} is the photo itself. Choose another name, so that the original stays."
            )
    return targets


def _open(
    renderer: Renderer,
    path: Path,
    face_index: int | None,
    box: tuple[float, float, float, float] | None,
) -> tuple[Photo, Face | None, int | None]:
    """The photo, the face that is meant, and its number; no face if none was found and none is asked for."""
    from icface.face.geometry import Box
    from icface.face.observation import NoFaceError
    from icface.media import load_photo

    if box is not None:
        photo = load_photo(path)
        left, top, right, bottom = box
        if left >= photo.width or top >= photo.height or right <= 0 or bottom <= 0:
            raise SettingsError(
                f"The box lies outside of {path}, which is {photo.width} x {photo.height} pixels."
            )
        return photo, renderer.observe(photo, Box(*box)), None
    opened = run_to_end(renderer.open(path))
    if face_index is None:
        return (
            opened.photo,
            (opened.faces[0] if opened.faces else None),
            (0 if opened.faces else None),
        )
    if face_index >= len(opened.faces):
        found = {0: "no face", 1: "one face, number 0"}.get(
            len(opened.faces), f"{len(opened.faces)} faces, from 0"
        )
        raise NoFaceError(
            f"There is no face {face_index} in {path}: {found}. Choose another, or use --box."
        )
    return opened.photo, opened.faces[face_index], face_index


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What all edits of one photo share."""

    renderer: Renderer
    photo: Photo
    face: Face | None
    saving: _Saving

    def do(self, settings: Settings, path: Path) -> dict[str, Any]:
        """Render and save one edit; returns what was done."""
        from icface.face.controls import CHANNELS, apply_deltas
        from icface.media import save_photo
        from icface.rendering.renderer import FrameRequest

        start = time.perf_counter()
        deltas: dict[str, float] = {}
        changed: dict[str, float] = {}
        pixels = self.photo.pixels
        if self.face is not None and settings:
            own = self.face.controls
            deltas = settings.deltas(own)
            wanted = apply_deltas(own, deltas)
            pixels = self.renderer.render(FrameRequest(self.photo, (self.face,), (wanted,))).pixels
            changed = {name: wanted[name] for name in CHANNELS if wanted[name] != own[name]}
        milliseconds = (time.perf_counter() - start) * 1000
        provenance = self.saving.provenance(edited=pixels is not self.photo.pixels)
        picture, saving = self.photo.with_pixels(pixels), self.saving
        notes = save_photo(path, picture, saving.quality, provenance=provenance, keep=saving.keep)
        return {
            "output": str(path),
            "settings": settings.said(),
            "deltas": _rounded(deltas),
            "controls": _rounded(changed),
            "milliseconds": round(milliseconds, 1),
            "notes": list(notes),
        }


# --------------------------------------------------------------------------------------------------


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def _about(photo: Photo) -> dict[str, Any]:
    return {
        "input": str(photo.path),
        "digest": photo.digest,
        "width": photo.width,
        "height": photo.height,
        "bits": photo.pixels.dtype.itemsize * 8,
        "alpha": photo.has_alpha,
        "icc_profile": photo.icc is not None,
        "notes": list(photo.notes),
    }


def _about_face(face: Face, index: int | None) -> dict[str, Any]:
    from icface.face.controls import CHANNELS, lying_deg
    from icface.face.geometry import eye_line_deg

    box = face.box
    return {
        "index": index,
        "lies_at_degrees": lying_deg(-eye_line_deg(face.landmarks)),
        "box": [round(v, 1) for v in (box.left, box.top, box.right, box.bottom)],
        "confidence": round(face.confidence, 4),
        "controls": _rounded(dict(zip(CHANNELS, face.controls.values, strict=True))),
        "action_units": _rounded(face.readings),
    }


def _face_lines(about: dict[str, Any]) -> Iterator[str]:
    from icface.face.controls import ACTION_UNITS, ANGLES

    left, top, right, bottom = about["box"]
    readings: dict[str, float] = about["action_units"]
    lies = about["lies_at_degrees"]
    counted = f"  lies at {lies:+.0f} deg, from which roll counts" if lies else ""
    yield (
        f"face {about['index']}: {left:.0f},{top:.0f},{right:.0f},{bottom:.0f}  confidence {about['confidence']:.2f}{counted}"
    )
    yield "  " + "  ".join(f"{angle} {readings[angle]:+.1f} deg" for angle in ANGLES)
    for unit in ACTION_UNITS:
        values = [readings[control] for control in unit.control_ids]
        if max(map(abs, values)) >= _SHOWN_FROM:
            sides = "  ".join(
                f"{c.removeprefix(unit.id) or ' '} {v:.2f}"
                for c, v in zip(unit.control_ids, values, strict=True)
            )
            yield f"  {unit.id:<5} {unit.name:<22} {sides}"


@click.command()
@photo_argument
@json_option
@device_option
def info(photo: Path, as_json: bool, device: str) -> None:
    """Show the faces in PHOTO: where they are and what they express.

    The 56 controls are head angles in degrees and expression channels from 0 to 1; Action Units are
    read from them.
    """
    from icface.rendering.kinds import check_kind
    from icface.rendering.renderer import Renderer

    check_kind(photo, "photo")
    opened = run_to_end(Renderer(device=device).open(photo))
    about = _about(opened.photo)
    faces = [_about_face(face, i) for i, face in enumerate(opened.faces)]
    if as_json:
        tell_report(about | {"faces": faces})
        return
    alpha = ", with transparency" if about["alpha"] else ""
    tell(
        f"{photo}: {about['width']} x {about['height']} pixels, {about['bits']} bits per colour{alpha}"
    )
    for note in opened.photo.notes:
        tell(f"note: {note}", err=True)
    for face in faces:
        tell(*_face_lines(face))
    if not faces:
        tell(
            "No face was found. Say where it is: icface render --box LEFT,TOP,RIGHT,BOTTOM in pixels."
        )
