"""The edits of one photo: opened, drawn and saved one after the other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from icface.commands.arguments import Settings, SettingsError
from icface.commands.photo_report import rounded
from icface.jobs import run_to_end
from icface.system.telling import tell, tell_report

if TYPE_CHECKING:
    from icface.document import Face
    from icface.face.controls import ControlVector
    from icface.media import Photo
    from icface.media.details import Keep
    from icface.media.provenance import Provenance
    from icface.rendering.renderer import Renderer

BoxEdges = tuple[float, float, float, float]
"""Left, top, right and bottom, image pixels."""


def check_settings(edits: Mapping[str, Settings], *, source: Path | None) -> None:
    """Refuse unknown controls and values out of range before anything is loaded."""
    from icface.face.controls import ControlVector

    for name, settings in edits.items():
        try:
            settings.deltas(ControlVector())
        except ValueError as error:
            raise SettingsError(f"{source}: {name!r}: {error}" if source else str(error)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """How pictures are saved.

    Attributes
    ----------
    quality : int
        1 to 100, of JPEG and WebP.
    keep : str
        How much of the photo's own description is saved: "all", "no-place" or "none".
    labelled : bool
        An edited picture says that a trained model had a part in it.
    """

    quality: int
    keep: Keep
    labelled: bool


def open_face(
    renderer: Renderer, path: Path, face_index: int | None, box: BoxEdges | None
) -> tuple[Photo, Face | None, int | None]:
    """A photo, the chosen face and its number.

    The face is None where none was found and none was asked for; the number is None for a box.
    """
    from icface.face.geometry import Box
    from icface.face.observation import NoFaceError
    from icface.media import load_photo

    if box is not None:
        photo = load_photo(path)
        left, top, right, bottom = box
        if left >= photo.width or top >= photo.height or right <= 0 or bottom <= 0:
            raise SettingsError(
                f"The box lies outside {path}, which is {photo.width} x {photo.height} pixels."
            )
        return photo, renderer.observe(photo, Box(*box)), None
    opened = run_to_end(renderer.open(path))
    faces = opened.faces
    if face_index is None:
        return opened.photo, (faces[0] if faces else None), (0 if faces else None)
    if face_index >= len(faces):
        found = {0: "no face", 1: "one face, number 0"}.get(
            len(faces), f"{len(faces)} faces, from 0"
        )
        raise NoFaceError(
            f"There is no face {face_index} in {path}: {found}. Choose another, or use --box."
        )
    return opened.photo, faces[face_index], face_index


def targets_of(
    photo: Path, output: Path, names: tuple[str, ...], *, in_folder: bool
) -> dict[str, Path]:
    """The file of each edit by the edit's name, checked before anything is rendered."""
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


class Drawing(Protocol):
    """Networks that draw a face in a new state."""

    @property
    def provenance(self) -> Provenance:
        """The label of the pictures that these networks draw."""
        ...

    @property
    def needs_settings(self) -> bool:
        """Whether a photo without settings stays as it is."""
        ...

    def planned(self, photo: Photo) -> Photo:
        """A photo of the size and description that will be saved; its pixels do not matter."""
        ...

    def draw(self, photo: Photo, face: Face, wanted: ControlVector) -> Photo:
        """The picture of a face in the wanted state."""
        ...

    def report(self, wanted: ControlVector) -> dict[str, Any]:
        """Entries that these networks add to the report of an edit, ready for JSON."""
        ...


class StudioDrawing:
    """The networks of ICface Studio, which draw into the photo at its full size."""

    needs_settings = True

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    @property
    def provenance(self) -> Provenance:
        """A camera's picture with parts made by a trained network."""
        from icface.media.provenance import MADE_HERE

        return MADE_HERE

    def planned(self, photo: Photo) -> Photo:
        """The photo itself."""
        return photo

    def draw(self, photo: Photo, face: Face, wanted: ControlVector) -> Photo:
        """The photo with its face in the wanted state; the same photo where nothing changes."""
        from icface.rendering.frame_request import FrameRequest

        pixels = self._renderer.render(FrameRequest(photo, (face,), (wanted,))).pixels
        return photo if pixels is photo.pixels else photo.with_pixels(pixels)

    def report(self, _wanted: ControlVector) -> dict[str, Any]:
        """Nothing beside what every edit reports."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoEdits:
    """One photo, its chosen face, and how edits of it are drawn and saved."""

    drawing: Drawing
    photo: Photo
    face: Face | None
    saving: Saving

    def save(self, settings: Settings, path: Path) -> dict[str, Any]:
        """Draw and save one edit; returns its report, ready for JSON."""
        from icface.face.controls import CHANNELS
        from icface.face.place import PLACES
        from icface.face.selectors import apply_deltas
        from icface.media import save_photo

        start = time.perf_counter()
        deltas: dict[str, float] = {}
        changed: dict[str, float] = {}
        more: dict[str, Any] = {}
        picture = self.photo
        if self.face is not None and (settings or not self.drawing.needs_settings):
            own = self.face.controls
            deltas = settings.deltas(own)
            wanted = apply_deltas(own, deltas)
            picture = self.drawing.draw(self.photo, self.face, wanted)
            changed = {name: wanted[name] for name in CHANNELS if wanted[name] != own[name]}
            changed |= {n: v for n, v in zip(PLACES, wanted.place.values, strict=True) if v}
            more = self.drawing.report(wanted)
        milliseconds = (time.perf_counter() - start) * 1000
        is_labelled = self.saving.labelled and picture is not self.photo
        notes = save_photo(
            path,
            picture,
            self.saving.quality,
            provenance=self.drawing.provenance if is_labelled else None,
            keep=self.saving.keep,
        )
        return {
            "output": str(path),
            "settings": settings.as_edit(),
            "deltas": rounded(deltas),
            "controls": rounded(changed),
            "milliseconds": round(milliseconds, 1),
            "notes": list(notes),
        } | more


def tell_plan(
    path: Path,
    output: Path,
    edits: Mapping[str, Settings],
    *,
    drawing: Drawing,
    saving: Saving,
    as_json: bool,
) -> None:
    """List the files that would be saved and what would be left out of each."""
    from icface.media import load_photo, output_format
    from icface.media.losses import plan_of_photo

    photo, plans = drawing.planned(load_photo(path)), {}
    for name, settings in edits.items():
        target = output / f"{name}.png" if name else output
        kind = output_format(target) if not name else "PNG"
        is_labelled = saving.labelled and (bool(settings) or not drawing.needs_settings)
        provenance = drawing.provenance if is_labelled else None
        lines = plan_of_photo(photo, kind, keep=saving.keep, provenance=provenance)
        plans[str(target)] = [f"{target}: {photo.width} x {photo.height} pixels, {kind}.", *lines]
    if as_json:
        tell_report({"input": str(path), "plan": plans})
        return
    for lines in plans.values():
        tell(*lines)
