"""Drivers read from files: clips to be tracked, tables of tracking data, photos' expressions."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from icface.document import Clip, DataFile, Medium
from icface.face.observation import NoFaceError
from icface.formats import format_of, load
from icface.jobs import Progress
from icface.media.clip import file_digest
from icface.motion.motion import Motion
from icface.rendering.kinds import is_data
from icface.rendering.renderer import Renderer


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Intake:
    """A file that can drive a face.

    Attributes
    ----------
    medium : Source, Clip or DataFile
    motions : tuple of Motion
        One for each face in it; empty for a clip, which is tracked later.
    labels : tuple of str
        Names of the faces, for people.
    notes : tuple of str
        Assumptions and losses, for people.
    """

    medium: Medium
    motions: tuple[Motion, ...] = ()
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def take_in(
    renderer: Renderer, path: str | Path, *, rate: Fraction | None = None
) -> Generator[Progress, None, Intake]:
    """Job: read a file that drives a face.

    Parameters
    ----------
    renderer : Renderer
    path : str or Path
    rate : Fraction, optional
        Frames a second of a table that gives none or a wrong one.

    Raises
    ------
    VideoError, PhotoError, FormatError
        If it cannot be read.
    NoFaceError
        If a photo shows no face.
    """
    path = Path(path)
    if is_data(path):
        yield Progress(0, 1, f"Reading {path.name}")
        return _table(path, rate)
    opened = yield from renderer.open(path)
    if isinstance(opened.source, Clip):
        return Intake(medium=opened.source)
    if not opened.faces:
        raise NoFaceError(
            f"No face was found in {path}, so it has no expression to give. Choose another photo."
        )
    motions = tuple(Motion.still(face.controls, path.name) for face in opened.faces)
    labels = tuple(f"Face {number + 1}" for number in range(len(motions)))
    return Intake(medium=opened.source, motions=motions, labels=labels)


def _table(path: Path, rate: Fraction | None) -> Intake:
    loaded = load(path, rate=rate)
    table = DataFile(str(path), file_digest(path), format_of(loaded.format).title)
    return Intake(medium=table, motions=loaded.faces, labels=loaded.labels, notes=loaded.notes)
