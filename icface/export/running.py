"""An export as a job: frame after frame from the source to the file.

Steps are short, so that a preview can come between.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from av.video.frame import VideoFrame as Decoded

from icface.arrays import Pixels
from icface.document import Clip, Project
from icface.export.originals import found_clip, found_photo
from icface.export.plan import ExportPlan
from icface.export.shaping import Shaping
from icface.export.writing import WriterThread
from icface.jobs import Progress
from icface.media import Photo
from icface.media.clip_reader import ClipReader
from icface.media.frame_format import Written
from icface.rendering.frame_request import FrameRequest
from icface.rendering.renderer import Renderer
from icface.rendering.stabilising import steadied


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The result of an export.

    Attributes
    ----------
    path : Path
        The file; of a sequence its first.
    frames : int
        How many there are.
    edited : int
        In how many of them a face was changed, in this run.
    reused : int
        Stills that were there already, from a run that was interrupted.
    seconds : float
        How long they last.
    sound : str
        "copied", "encoded" or "" for none.
    notes : tuple of str
        What to know of it, in plain words.
    """

    path: Path
    frames: int
    edited: int
    reused: int
    seconds: float
    sound: str
    notes: tuple[str, ...]


T = TypeVar("T")


class _Picture(Protocol):
    """A frame as it is to be written, and as it was."""

    @property
    def is_changed(self) -> bool: ...

    def edited(self) -> Decoded | Pixels: ...

    def before(self) -> Decoded | Pixels: ...


class _Maker(Protocol):
    unseen: int

    def make(self, number: int) -> Generator[None, None, _Picture]: ...


def export(plan: ExportPlan, renderer: Renderer) -> Generator[Progress, None, Exported]:
    """Job: write what a plan describes.

    Closing the generator cancels the export: a file of that name stays as it was.

    Memory does not grow with the number of frames. A sequence of stills that was interrupted goes
    on where it stopped.

    Parameters
    ----------
    plan : ExportPlan
    renderer : Renderer
        Of the thread that advances the job.

    Raises
    ------
    ExportError, PhotoError, VideoError
        If the source is gone, or another one than was planned with.
    EncodeError
        If the disk is full, or an encoder fails; a file of that name is then as it was.
    """
    total, name = plan.count, plan.path.name
    begun = Progress(0, total, f"Preparing {name}")
    yield begun
    project = yield from _reporting(steadied(plan.project), begun)
    edited = reused = 0
    with _maker(project, renderer) as maker, WriterThread(plan) as writer:
        yield from _reporting(writer.open(), begun)
        shaping, progress = Shaping(plan), begun
        for number in range(total):
            picture: Callable[[], Decoded | Pixels] | None = None
            if writer.wanted(number):
                made = yield from _reporting(maker.make(plan.first + number), progress)
                edited += made.is_changed
                picture = partial(_shaped, shaping, made)  # on the thread that encodes
            else:
                reused += 1
            yield from _reporting(writer.write(picture, plan.time(number)), progress)
            progress = Progress(number + 1, total, f"Exporting {name}")
            yield progress
        written = yield from _reporting(
            writer.finish(plan.end), Progress(total, total, f"Checking {name}")
        )
        return _exported(plan, written, edited, reused, maker.unseen)


def _reporting(steps: Generator[None, None, T], progress: Progress) -> Generator[Progress, None, T]:
    """Smaller steps of a job, each of which reports the same progress."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        yield progress


def _shaped(shaping: Shaping, made: _Picture) -> Decoded | Pixels:
    return shaping.shaped(made.edited(), made.before())


def _exported(
    plan: ExportPlan, written: Written, edited: int, reused: int, unseen: int
) -> Exported:
    notes = list(written.notes)
    if unseen:
        notes.append(
            f"In {unseen} frames no face could be made out where it should be; "
            "they were left as they are."
        )
    if reused:
        notes.append(f"{reused} stills were there already and were used again.")
    return Exported(
        path=written.path,
        frames=written.frames,
        edited=edited,
        reused=reused,
        seconds=float(written.duration),
        sound=written.sound,
        notes=(*plan.notes, *notes),
    )


@contextmanager
def _maker(project: Project, renderer: Renderer) -> Iterator[_Maker]:
    if isinstance(project.source, Clip):
        from icface.export.clip_frames import ClipFrames  # noqa: PLC0415  (torch, which no window should wait for)

        info = found_clip(project.source)
        with ClipReader(info.path, cache_bytes=1) as reader:
            yield ClipFrames(project, reader, renderer.predictor)
    else:
        yield PhotoFrames(project, found_photo(project), renderer)


@dataclass(frozen=True, slots=True, eq=False)
class MadeOfPhoto:
    """A driven photo in one frame."""

    pixels: Pixels
    own: Pixels

    @property
    def is_changed(self) -> bool:
        """Whether the frame was edited."""
        return self.pixels is not self.own

    def edited(self) -> Pixels:
        """The picture as it is to be written."""
        return self.pixels

    def before(self) -> Pixels:
        """The photo as it is."""
        return self.own


class PhotoFrames:
    """Makes the frames of a document whose source is a photo; its faces are encoded once."""

    def __init__(self, project: Project, photo: Photo, renderer: Renderer) -> None:
        self._project, self._photo, self._renderer = project, photo, renderer
        self._last: tuple[FrameRequest, Pixels] | None = None
        self.unseen = 0

    def make(self, number: int) -> Generator[None, None, MadeOfPhoto]:
        """One frame of the document; the previous frame's pixels where nothing has moved since."""
        request = FrameRequest.of(self._project, self._photo, "full", frame=number)
        if self._last is None or self._last[0] != request:
            if self._last is None:
                yield from self._prepared(request)
            self._last = request, self._renderer.render(request).pixels
            yield
        return MadeOfPhoto(self._last[1], self._photo.pixels)

    def _prepared(self, request: FrameRequest) -> Generator[None, None, None]:
        for _ in self._renderer.prepare(self._photo, tuple(face for face, _ in request.changes)):
            yield
