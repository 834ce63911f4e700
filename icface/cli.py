"""The command line: ``icface render``, ``info``, ``bench``, ``train`` and ``evaluate``.

Commands import what they need when they run, so that ``--help`` answers at once. Exit codes: 0, or 2 for bad use and
bad input, with one line on the standard error that says what is wrong and what helps.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from icface import __version__
from icface.edit_list import Settings, SettingsError, parse_box, parse_settings, read_edits

if TYPE_CHECKING:
    from icface.media import Photo
    from icface.project import Face
    from icface.render import Renderer

T = TypeVar("T")

BAD_INPUT = 2
_SHOWN_FROM = 0.05


class _Program(click.Group):
    """A group whose errors are one line each."""

    def main(self, args: Sequence[str] | None = None, *more: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run; with `standalone_mode`, leave the interpreter with an exit code."""
        run: Callable[[], Any] = partial(super().main, args, *more, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        try:
            code = run()
        except click.UsageError as error:
            where = f" See '{error.ctx.command_path} --help'." if error.ctx else ""
            _leave(error.format_message() + where)
        except click.ClickException as error:
            _leave(error.format_message())
        except click.Abort:
            _leave("Stopped.", 130)
        except BrokenPipeError:  # the reader of our output has gone, as with `| head`
            sys.stdout = io.StringIO()  # or Python would try to flush the old one once more
            sys.exit(1)
        except ValueError as error:  # what all errors of input are
            _leave(str(error))
        sys.exit(code if isinstance(code, int) else 0)


def _leave(text: str, code: int = BAD_INPUT) -> NoReturn:
    click.echo(f"icface: {' '.join(text.split())}", err=True)
    sys.exit(code)


@click.group(cls=_Program, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="icface")
@click.pass_context
def main(context: click.Context) -> None:
    """Edit head pose and Action Units of a face in a photo."""
    # Before torch is loaded: on a busy machine, threads that wait by spinning take the time from those they wait for.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


_photo_argument = click.argument("photo", type=click.Path(path_type=Path))
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the networks run.",
)


# -------------------------------------------------------------------------------------------------------------- render


def _check_settings(edits: Mapping[str, Settings], *, relative: bool, source: Path | None) -> None:
    """Refuse unknown controls and values out of range before anything is loaded."""
    from icface.controls import ControlVector, deltas_from_settings

    for name, settings in edits.items():
        try:
            deltas_from_settings(ControlVector(), settings, relative=relative)
        except ValueError as error:
            raise SettingsError(f"{source}: {name!r}: {error}" if source else str(error)) from None


@main.command()
@_photo_argument
@click.option("--set", "texts", multiple=True, metavar="NAME=VALUE", help="yaw=15 (degrees), AU12=0.8, AU43L=1. Repeat.")
@click.option("--edits", "edits_file", type=click.Path(path_type=Path), metavar="FILE.json", help="Many named edits.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File, or folder with --edits.")
@click.option("--delta", "relative", is_flag=True, help="Add values to the photo's own instead of replacing them.")
@click.option("--face", "face_index", type=click.IntRange(0), help="Which face, as icface info counts them: 0 is the largest.")
@click.option("--box", "box_text", metavar="LEFT,TOP,RIGHT,BOTTOM", help="Where the face is, in pixels, if it is not found.")
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="Of JPEG and WebP.")
@_json_option
@_device_option
def render(  # noqa: PLR0913, PLR0917  (one for each option)
    photo: Path,
    texts: tuple[str, ...],
    edits_file: Path | None,
    output: Path,
    relative: bool,
    face_index: int | None,
    box_text: str | None,
    quality: int,
    as_json: bool,
    device: str,
) -> None:
    """Change the face in PHOTO and save the picture.

    Values are what the face will show: head angles in degrees (yaw to the person's left, pitch down, roll to the
    person's right), Action Units from 0 to 1, AU12L or AU12R for one side. What is not named stays as it is.
    """
    if edits_file and texts:
        raise click.UsageError("--set and --edits exclude each other: put the settings into the file.")
    if face_index is not None and box_text:
        raise click.UsageError("--face and --box exclude each other.")
    box = parse_box(box_text) if box_text else None
    edits = read_edits(edits_file) if edits_file else {"": parse_settings(texts)}
    _check_settings(edits, relative=relative, source=edits_file)
    targets = _targets(photo, output, tuple(edits), in_folder=edits_file is not None)

    from icface.render import Renderer

    start = time.perf_counter()
    renderer = Renderer(device=device)
    opened, face, index = _open(renderer, photo, face_index, box)
    open_ms = (time.perf_counter() - start) * 1000
    if face is None and any(edits.values()):
        from icface.tracking import NoFaceError

        raise NoFaceError(f"No face was found in {photo}. Say where it is: --box LEFT,TOP,RIGHT,BOTTOM in pixels.")
    work = _Work(renderer=renderer, photo=opened, face=face, relative=relative, quality=quality)
    done = []
    for name, settings in edits.items():
        step = work.do(settings, targets[name])
        done.append({"name": name or None} | step)
        if not as_json:
            click.echo(f"{targets[name]}  {step['milliseconds']:.0f} ms")
            for note in step["notes"]:
                click.echo(f"note: {note}", err=True)
    notices = renderer.drain_notices()
    if as_json:
        report = _about(opened) | {
            "device": renderer.device_name or None,
            "face": None if face is None else _about_face(face, index),
            "relative": relative,
            "open_milliseconds": round(open_ms, 1),
            "outputs": done,
            "notices": notices,
        }
        click.echo(json.dumps(report, indent=2))
    else:
        for notice in notices:
            click.echo(f"note: {notice}", err=True)


def _targets(photo: Path, output: Path, names: tuple[str, ...], *, in_folder: bool) -> dict[str, Path]:
    """Where each edit is saved, checked before anything is rendered."""
    from icface.media import PhotoError, output_format

    if in_folder:
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PhotoError(f"{output} cannot be made a folder: {error.strerror or error}.") from None
    targets = {name: output / f"{name}.png" if in_folder else output for name in names}
    for path in targets.values():
        output_format(path)
        if path.exists() and photo.exists() and path.samefile(photo):
            raise PhotoError(f"{path} is the photo itself. Choose another name, so that the original stays.")
    return targets


def _finish(job: Generator[Any, None, T]) -> T:
    """Run a job to its end and return its value."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            value: T = end.value
            return value


def _open(
    renderer: Renderer, path: Path, face_index: int | None, box: tuple[float, float, float, float] | None
) -> tuple[Photo, Face | None, int | None]:
    """The photo, the face that is meant, and its number; no face if none was found and none is asked for."""
    from icface.geometry import Box
    from icface.media import load_photo
    from icface.tracking import NoFaceError

    if box is not None:
        photo = load_photo(path)
        left, top, right, bottom = box
        if left >= photo.width or top >= photo.height or right <= 0 or bottom <= 0:
            raise SettingsError(f"The box lies outside of {path}, which is {photo.width} x {photo.height} pixels.")
        return photo, renderer.observe(photo, Box(*box)), None
    opened = _finish(renderer.open(path))
    if face_index is None:
        return opened.photo, (opened.faces[0] if opened.faces else None), (0 if opened.faces else None)
    if face_index >= len(opened.faces):
        found = {0: "no face", 1: "one face, number 0"}.get(len(opened.faces), f"{len(opened.faces)} faces, from 0")
        raise NoFaceError(f"There is no face {face_index} in {path}: {found}. Choose another, or use --box.")
    return opened.photo, opened.faces[face_index], face_index


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What all edits of one photo share."""

    renderer: Renderer
    photo: Photo
    face: Face | None
    relative: bool
    quality: int

    def do(self, settings: Settings, path: Path) -> dict[str, Any]:
        """Render and save one edit; returns what was done."""
        from icface.controls import CHANNELS, apply_deltas, deltas_from_settings
        from icface.media import save_photo
        from icface.render import FrameRequest

        start = time.perf_counter()
        deltas: Settings = {}
        changed: dict[str, float] = {}
        pixels = self.photo.pixels
        if self.face is not None and settings:
            own = self.face.controls
            deltas = deltas_from_settings(own, settings, relative=self.relative)
            wanted = apply_deltas(own, deltas)
            pixels = self.renderer.render(FrameRequest(self.photo, (self.face,), (wanted,))).pixels
            changed = {name: wanted[name] for name in CHANNELS if wanted[name] != own[name]}
        milliseconds = (time.perf_counter() - start) * 1000
        notes = save_photo(path, self.photo.with_pixels(pixels), self.quality)
        return {
            "output": str(path),
            "settings": settings,
            "deltas": _rounded(deltas),
            "controls": _rounded(changed),
            "milliseconds": round(milliseconds, 1),
            "notes": list(notes),
        }


# ---------------------------------------------------------------------------------------------------------------- info


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
    }


def _about_face(face: Face, index: int | None) -> dict[str, Any]:
    from icface.controls import CHANNELS

    box = face.box
    return {
        "index": index,
        "box": [round(v, 1) for v in (box.left, box.top, box.right, box.bottom)],
        "confidence": round(face.confidence, 4),
        "controls": _rounded(dict(zip(CHANNELS, face.controls.values, strict=True))),
        "action_units": _rounded(face.readings),
    }


def _face_lines(about: dict[str, Any]) -> Iterator[str]:
    from icface.controls import ACTION_UNITS, ANGLES

    left, top, right, bottom = about["box"]
    readings: dict[str, float] = about["action_units"]
    yield f"face {about['index']}: {left:.0f},{top:.0f},{right:.0f},{bottom:.0f}  confidence {about['confidence']:.2f}"
    yield "  " + "  ".join(f"{angle} {readings[angle]:+.1f} deg" for angle in ANGLES)
    for unit in ACTION_UNITS:
        values = [readings[control] for control in unit.control_ids]
        if max(map(abs, values)) >= _SHOWN_FROM:
            sides = "  ".join(
                f"{c.removeprefix(unit.id) or ' '} {v:.2f}" for c, v in zip(unit.control_ids, values, strict=True)
            )
            yield f"  {unit.id:<5} {unit.name:<22} {sides}"


@main.command()
@_photo_argument
@_json_option
@_device_option
def info(photo: Path, as_json: bool, device: str) -> None:
    """Show the faces in PHOTO: where they are and what they express.

    The 56 controls are head angles in degrees and expression channels from 0 to 1; Action Units are read from them.
    """
    from icface.render import Renderer

    opened = _finish(Renderer(device=device).open(photo))
    about = _about(opened.photo)
    faces = [_about_face(face, i) for i, face in enumerate(opened.faces)]
    if as_json:
        click.echo(json.dumps(about | {"faces": faces}, indent=2))
        return
    alpha = ", with transparency" if about["alpha"] else ""
    click.echo(f"{photo}: {about['width']} x {about['height']} pixels, {about['bits']} bits per colour{alpha}")
    for face in faces:
        click.echo("\n".join(_face_lines(face)))
    if not faces:
        click.echo("No face was found. Say where it is: icface render --box LEFT,TOP,RIGHT,BOTTOM in pixels.")


# ----------------------------------------------------------------------------------------------------- bench and train


@main.command()
@click.option("--size", type=click.IntRange(64, 8192), default=1024, show_default=True, help="Side of the portrait, pixels.")
@click.option("--ticks", type=click.IntRange(2, 10_000), default=60, show_default=True, help="Slider movements.")
@_json_option
@_device_option
def bench(size: int, ticks: int, as_json: bool, device: str) -> None:
    """Measure how fast photos open and sliders answer, on the sample portrait."""
    from icface.bench import measure, table

    figures = measure(size=size, ticks=ticks, device=device)
    click.echo(json.dumps(figures, indent=2) if as_json else table(figures))


@contextmanager
def _needs_numba(what: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
        raise click.ClickException(f"{what} needs numba, which is not there: python -m pip install numba") from error


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    short_help="Train the networks (see icface train --help).",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def train(arguments: tuple[str, ...]) -> Any:
    """Train the networks."""
    with _needs_numba("Training"):
        from icface.training.command import main as command
    return command.main(list(arguments), prog_name="icface train", standalone_mode=False)


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    short_help="Measure what the networks do (see icface evaluate --help).",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def evaluate(arguments: tuple[str, ...]) -> Any:
    """Measure what the networks do."""
    from icface.evaluation.command import main as command

    def held_out(**where: Any) -> Any:
        with _needs_numba("Measuring held-out people"):
            from icface.training.held_out import HeldOutPeople
        return HeldOutPeople(**where)

    return command.main(list(arguments), prog_name="icface evaluate", standalone_mode=False, obj=held_out)


if __name__ == "__main__":
    main()
