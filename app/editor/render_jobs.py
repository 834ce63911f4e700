"""The table of jobs that the editor gives the engine, and the work of those made up here."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from icface.document import Face, Project
from icface.face.geometry import Box
from icface.jobs import Progress
from icface.media import MADE_HERE, Keep, Photo, save_photo
from icface.rendering.frame_request import FrameRequest
from icface.rendering.renderer import Renderer


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of job.

    Attributes
    ----------
    title : str
        Heading of the notice when such a job fails; ``{}`` stands for the name.
    must_finish : bool
        Closing waits for such a job, and a newer one does not replace it.
    name : str
        The file that the job is about; jobs of one kind differ in it.
    """

    title: str
    must_finish: bool = False
    name: str = field(default="", compare=False)

    @property
    def heading(self) -> str:
        """Title that names the file."""
        return self.title.format(self.name)

    def of(self, path: str | Path) -> JobKind:
        """The kind for a job about a file."""
        return replace(self, name=Path(path).name)


RENDER = JobKind("The picture could not be rendered")
LOAD = JobKind("The networks could not be loaded")
OPEN = JobKind("{} could not be opened")
OBSERVE = JobKind("No face could be read in the box")
PREPARE = JobKind("The face could not be prepared for editing")
SAVE = JobKind("{} could not be saved", must_finish=True)
IMPORT = JobKind("{} could not be read")
TRACK = JobKind("{} could not be tracked")
FILM = JobKind("The filmstrip of {} could not be made")
THUMBNAIL = JobKind("The thumbnail of {} could not be made")
PORTRAITS = JobKind("The people in {} could not be shown")
OTHER = JobKind("The work could not be finished")
FORGET = JobKind("The memory could not be freed")


def ignore(*_values: object) -> None:
    """Take no notice of an answer or of progress."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A job whose result is still of interest, and who is told what becomes of it.

    Attributes
    ----------
    kind : JobKind
    key : str
        Tells jobs of one kind apart, such as the digest of a clip.
    then : callable
        Receives the result.
    failed : callable
        Receives the exception.
    progress : callable
        Receives the steps done and the steps in all; 0 of 0 when the job is over, however it ended.
    """

    kind: JobKind
    key: str
    then: Callable[[Any], object]
    failed: Callable[[Exception], object]
    progress: Callable[[int, int], object] = ignore


@dataclass(frozen=True, slots=True)
class Saved:
    """A picture that was written.

    Attributes
    ----------
    path : Path
    notes : tuple of str
        What the file format could not hold, in plain words.
    project : Project
        The document as it was rendered.
    """

    path: Path
    notes: tuple[str, ...]
    project: Project


def observing(renderer: Renderer, photo: Photo, box: Box) -> Generator[Progress, None, Face]:
    """The work of reading the face in a box, in image pixels."""
    yield Progress(0, 1, "Reading the face in the box")
    return renderer.observe(photo, box)


def saving(
    renderer: Renderer, project: Project, photo: Photo, path: Path, keep: Keep
) -> Generator[Progress, None, Saved]:
    """The work of rendering a document at full quality and writing the picture."""
    request = FrameRequest.of(project, photo, "full")
    yield Progress(0, 2, "Rendering at full quality")
    pixels = renderer.render(request).pixels
    yield Progress(1, 2, f"Saving {path.name}")
    provenance = MADE_HERE if project.output.labelled and pixels is not photo.pixels else None
    notes = save_photo(path, photo.with_pixels(pixels), provenance=provenance, keep=keep)
    return Saved(path, notes, project)
