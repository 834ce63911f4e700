"""Documents made without a window: a file opened and tracked, edited, and driven.

Jobs belong to the thread of the renderer they are given.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from icface.document import (
    Clip,
    DataFile,
    Driver,
    Face,
    FaceEdits,
    Project,
    ProjectError,
    Source,
    edits,
)
from icface.document.curves import Blend, Key, Track
from icface.face.controls import ControlVector
from icface.face.observation import NoFaceError
from icface.face.selectors import deltas_from_settings, expand_control
from icface.jobs import Progress
from icface.rendering.driver_import import take_in
from icface.rendering.kinds import check_kind, kind_of
from icface.rendering.renderer import Renderer

MOST_SHOWN = Fraction(240)
"""Frames a second of a table above which pictures are not made at its rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Edits of a face.

    Attributes
    ----------
    added : mapping
        Selectors (``yaw``, ``AU12``) to what is added to the face's own state, degrees or
        intensity.
    held : mapping
        Selectors to the state that the face is to show in every frame.
    first, last : int or None
        The first and last frame with any effect.
    fade : int
        Frames over which it comes and goes.
    """

    added: Mapping[str, float] = field(default_factory=dict)
    held: Mapping[str, float] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None
    fade: int = 0


def opened_document(renderer: Renderer, path: str | Path) -> Generator[Progress, None, Project]:
    """Job: a document of a photo or clip with its faces; a clip's in every frame.

    Raises
    ------
    KindError
        If it is neither a photo nor a clip.
    PhotoError, VideoError
        If it cannot be read.
    NoFaceError
        If nobody is to be seen.
    """
    check_kind(Path(path), "photo", "clip")
    opened = yield from renderer.open(path)
    faces = opened.faces
    if opened.clip is not None:
        tracked = yield from renderer.track(opened.clip)
        faces = tuple(Face.of_motion(motion) for motion in tracked.motions if motion.present.any())
    if not faces:
        raise NoFaceError(f"No face was found in {path}. Choose another file.")
    return edits.open_source(Project(), opened.source, faces)


def with_face(project: Project, index: int | None) -> Project:
    """The document with a face chosen, counted from 0; `NoFaceError` if there are fewer."""
    if index is None:
        return project
    count = len(project.faces)
    if index >= count:
        found = "one face, number 0" if count == 1 else f"{count} faces, from 0"
        name = "the file" if project.source is None else project.source.path
        raise NoFaceError(f"There is no face {index} in {name}: {found}. Choose another.")
    return edits.choose_face(project, index)


def changed(project: Project, changes: Changes) -> Project:
    """The document with the chosen face changed.

    Raises
    ------
    ValueError
        For names that mean nothing, and values or frames out of range.
    """
    added = deltas_from_settings(ControlVector(), changes.added, relative=True)
    deltas_from_settings(ControlVector(), changes.held)  # for its errors
    tracks = [
        Track(control, (Key(frame=0, value=float(value)),), mode="absolute")
        for selector, value in changes.held.items()
        for control in expand_control(selector)
    ]
    made = FaceEdits.of(added)
    made = replace(
        made,
        tracks=tuple(sorted(tracks, key=lambda track: track.target)),
        blend=_blend(project, changes),
    )
    index = project.face_index
    if index is None:
        raise ProjectError("No face is chosen; choose one.")
    return replace(project, edits=(*project.edits[:index], made, *project.edits[index + 1 :]))


def _blend(project: Project, changes: Changes) -> Blend | None:
    if changes.first is None and changes.last is None and not changes.fade:
        return None
    last = project.n_frames - 1 if changes.last is None else changes.last
    return Blend(first=changes.first or 0, last=last, fade_in=changes.fade, fade_out=changes.fade)


def with_driver(
    renderer: Renderer, project: Project, name: str, path: Path, *, rate: Fraction | None = None
) -> Generator[Progress, None, tuple[Project, tuple[str, ...]]]:
    """Job: the document with one more driver, tracked, and what was assumed, for people.

    Parameters
    ----------
    renderer : Renderer
    project : Project
    name : str
        Of the source, unlike any other.
    path : Path
        A clip, a table or a photo.
    rate : Fraction, optional
        Frames a second of a table, if it does not say or is wrong.

    Raises
    ------
    VideoError, PhotoError, FormatError
        If the file cannot be read.
    NoFaceError
        If nobody is to be seen in it.
    """
    intake = yield from take_in(renderer, path, rate=rate)
    notes = tuple(f"{path.name}: {note}" for note in intake.notes)
    medium, motions = intake.medium, intake.motions
    if isinstance(medium, Clip):
        tracked = yield from renderer.track(medium)
        motions = tracked.motions
    seen = [motion for motion in motions if motion.present.any()]
    if not seen:
        raise NoFaceError(
            f"No face was found in {path}, so that it cannot drive one. Choose another file."
        )
    motion = seen[0]
    if isinstance(medium, Clip):
        driver = Driver(name=name, medium=medium)
        return edits.set_motion(edits.add_driver(project, driver), name, motion), notes
    if isinstance(medium, DataFile):
        driver = replace(edits.driver_of_data(project, medium, motion), name=name)
        shown = (
            motion.rate if motion.rate <= MOST_SHOWN else None
        )  # a measuring rate is none of pictures
        return edits.add_driver(project, driver, shown), notes
    return edits.add_driver(
        project, replace(edits.driver_of_photo(project, medium, motion), name=name)
    ), notes


def voice_of(project: Project) -> str:
    """The first driver with sound, as `OutputSettings.sound` names it; "" without one."""
    for driver in project.drivers:
        if isinstance(driver.medium, Clip) and driver.medium.has_sound:
            return driver.name
    return ""


def applied(pattern: Project, target: Project) -> Project:
    """Another photo or clip with the edits, drivers, range and output of a document.

    Edits are taken over face by face.

    Protected regions go along only if both pictures are of one size: they are places in the
    picture.
    """
    spare = len(target.faces) - len(pattern.edits)
    made = (*pattern.edits[: len(target.faces)], *(FaceEdits(),) * spare)
    same_size = _size(pattern.source) == _size(target.source)
    moving = isinstance(target.source, Clip)
    return replace(
        target,
        edits=made,
        drivers=pattern.drivers,
        rate=target.rate if moving else pattern.rate,
        output=pattern.output,
        first=pattern.first,
        last=pattern.last,
        regions=pattern.regions if same_size else (),
        length=None if moving else pattern.length,
    )


def _size(source: Source | Clip | None) -> tuple[int, int] | None:
    return None if source is None else (source.width, source.height)


def pattern_of(renderer: Renderer, path: Path) -> Generator[Progress, None, Project]:
    """Job: the pattern that many files follow.

    It is a document, or one whose first face a table, clip or photo drives.
    """
    from icface.project_file import load_project  # noqa: PLC0415  (cattrs takes a while)

    if kind_of(path).group in ("project", "folder") or path.suffix == ".icface":
        yield Progress(0, 1, f"Reading {path.name}")
        return load_project(path)
    stand_in = Project(edits=())
    driven, _ = yield from with_driver(renderer, stand_in, "A", path)
    return driven
