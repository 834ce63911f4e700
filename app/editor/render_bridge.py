"""Between the window and the engine: the only object that knows of threads.

Requests go to the engine as values; what the engine tells arrives as Qt signals on the thread of
the window.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal

from app.errors import in_plain_words
from icface.document import Clip, Face, Project, Source
from icface.export import ExportPlan, export
from icface.face.geometry import Box
from icface.jobs import Advanced, Cancelled, Event, Failed, Finished, Job, Progress, Rendered, Work
from icface.media import MADE_HERE, Keep, Photo, save_photo
from icface.motion.motion import Motion
from icface.rendering.clip_pictures import ClipFrame, photo_thumbnail
from icface.rendering.driver_import import Intake, take_in
from icface.rendering.engine import RenderEngine
from icface.rendering.frame_request import Frame, FrameRequest
from icface.rendering.renderer import Opened, Renderer, Tracked
from icface.system.failures import trace_of_fault
from icface.system.logs import note_fault

_Kind = Literal[
    "render", "load", "open", "observe", "prepare", "save", "take", "track", "film", "thumbnail", "portraits", "job", "forget"
]  # fmt: skip
_TITLES: dict[_Kind, str] = {
    "render": "The picture could not be computed",
    "load": "The networks could not be loaded",
    "open": "The photo could not be opened",
    "observe": "No face could be read in the box",
    "prepare": "The face could not be prepared for editing",
    "save": "The picture could not be saved",
    "take": "The source could not be read",
    "track": "The clip could not be tracked",
    "film": "The clip could not be looked through",
    "thumbnail": "A small picture could not be made",
    "portraits": "The people could not be shown",
    "job": "The work could not be finished",
    "forget": "The memory could not be given back",
}
_SIDE_STEP = 256


@dataclass(frozen=True, slots=True)
class Saved:
    """A picture that was written, and in plain words what its format could not hold."""

    path: Path
    notes: tuple[str, ...]
    project: Project


class RenderBridge(QObject):
    """Asks the engine for pictures and photos and tells the window what came of it.

    Parameters
    ----------
    engine : RenderEngine
        Not started yet; it renders with `renderer`.
    renderer : Renderer
        Touched by the engine's thread only.
    parent : QObject, optional
    """

    frame_ready = Signal(object)
    """`Frame`: the newest finished picture, a draft or the full one after it."""
    photo_opened = Signal(object)
    """`Opened`: the photo asked for last, and its faces."""
    opening_failed = Signal()
    """The photo asked for last could not be opened; `failed` says why."""
    face_observed = Signal(object)
    """`Face`: found in the box drawn last."""
    photo_saved = Signal(object)
    """`Saved`: where the picture is now, and what its format could not hold."""
    taken_in = Signal(object)
    """`Intake`: a file that is to drive a face."""
    tracked = Signal(object)
    """`Tracked`: what was read in a clip."""
    tracking = Signal(str, int, int)
    """Digest of a clip, frames read, frames in all; 0 of 0 when it is over, whatever came of it."""
    film_ready = Signal(str, object)
    """Digest of a clip, pictures by frame."""
    thumbnail_ready = Signal(str, object)
    """Digest of a clip or photo, a few small pictures by frame."""
    portraits_ready = Signal(str, object)
    """Key that was given, and a small picture of each person."""
    job_finished = Signal(int, object)
    """Number and value of a job handed to `run`."""
    failed = Signal(str, str)
    """Title and text in plain words; after an empty line in the text, details for whoever reports
    the fault."""
    notice_raised = Signal(str)
    """Something to know that went well all the same, as a fall back from GPU to CPU."""
    busy_changed = Signal(bool)
    """Whether anything is being computed."""
    progress = Signal(int, int, str)
    """Steps done, steps in all, and what is being done."""
    device_changed = Signal(str)
    """Name of the device the networks run on."""

    _arrived = Signal(
        object, object, str
    )  # an event, notices and the device's name, from the engine's thread

    def __init__(
        self,
        engine: RenderEngine[FrameRequest, Frame],
        renderer: Renderer,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._renderer = renderer
        self._asked: tuple[FrameRequest, FrameRequest] | None = (
            None  # the newest draft and the full picture after it
        )
        self._waiting = False
        self._jobs: dict[Job, tuple[_Kind, str]] = {}  # those that are still of interest
        self._heard: dict[Job, Callable[[Event], object]] = {}
        self._prepared: tuple[str, tuple[Face, ...]] | None = None
        self._busy = False
        self._closed = False
        self._milliseconds: float | None = None
        self._device_name = ""
        self._arrived.connect(self._receive, Qt.ConnectionType.QueuedConnection)
        engine.start(self._on_engine_thread)

    @property
    def milliseconds(self) -> float | None:
        """How long the last picture took; None before the first."""
        return self._milliseconds

    @property
    def device_name(self) -> str:
        """Where the networks run, for people; empty until they are loaded."""
        return self._device_name

    @property
    def is_busy(self) -> bool:
        """Whether anything is being computed."""
        return self._busy

    def warm_up(self) -> None:
        """Load the networks now, so that the first photo need not wait for them."""
        self._begin("load", self._renderer.warm_up())

    def request(
        self,
        project: Project,
        photo: Photo,
        max_side: int | None,
        *,
        frame: int = 0,
        beside: ClipFrame | None = None,
        moving: bool = False,
    ) -> None:
        """Ask for the picture of a document: a draft at once, the full one when no newer request has come for a moment.

        Parameters
        ----------
        project : Project
            With `photo` as its source.
        photo : Photo
            As it was opened.
        max_side : int or None
            Longest side in device pixels that the screen can show; drafts are made for the next
            multiple of 256, so that a window being resized asks for few new preparations. None:
            drafts at the photo's size.
        frame : int
            Of the document.
        beside : ClipFrame, optional
            What is shown small beside it.
        moving : bool
            The next frame will be asked for soon: the draft is enough.
        """
        side = None if max_side is None else -(-max(max_side, 1) // _SIDE_STEP) * _SIDE_STEP
        draft = replace(
            FrameRequest.of(project, photo, "draft", side, frame=frame),
            beside=beside,
            playing=moving,
        )
        full = draft if moving else replace(draft, quality="full", max_side=None)
        self._asked = draft, full
        self._waiting = True
        self._engine.request(draft, None if moving else full)
        if project.clip is None and self._prepared != (photo.digest, project.faces):
            self._prepared = photo.digest, project.faces
            self._begin("prepare", self._renderer.prepare(photo, project.faces))
        self._tell_busy()

    def open_photo(self, path: str | Path) -> None:
        """Read a photo and find its faces: `photo_opened` or `failed` follows, for the newest call alone."""
        self._begin("open", self._renderer.open(path))

    def observe(self, photo: Photo, box: Box) -> None:
        """Read the face in a box, in image pixels: `face_observed` or `failed` follows."""
        self._begin("observe", _observing(self._renderer, photo, box))

    def save_photo(
        self, project: Project, photo: Photo, path: str | Path, keep: Keep = "all"
    ) -> None:
        """Render the document as it is now at full quality and save it: `photo_saved` or `failed` follows."""
        self._begin("save", _saving(self._renderer, project, photo, Path(path), keep))

    def take_in(self, path: str | Path) -> None:
        """Look into a file that is to drive a face: `taken_in` or `failed` follows."""
        self._begin("take", take_in(self._renderer, path), str(path))

    def track(self, clip: Clip) -> None:
        """Read the faces of a clip: `tracking` tells how far it is, `tracked` or `failed` follows."""
        self._begin("track", self._renderer.track(clip), clip.digest)
        self.tracking.emit(clip.digest, 0, clip.n_frames)

    def stop_tracking(self, digest: str) -> None:
        """Stop reading a clip."""
        self._drop("track", digest)
        self._tell_busy()

    def look_through(self, clip: Clip, frames: Sequence[int], side: int) -> None:
        """Small pictures of a clip's frames: `film_ready` follows."""
        self._begin("film", self._renderer.filmstrip(clip, frames, side), clip.digest)

    def glance(self, medium: Clip | Source, frame: int, side: int) -> None:
        """One small picture of a clip's frame or of a photo: `thumbnail_ready` follows."""
        work: Work = photo_thumbnail(medium.path, side)
        if isinstance(medium, Clip):
            work = self._renderer.filmstrip(medium, [frame], side)
        self._begin("thumbnail", work, f"{medium.digest}:{frame}")

    def portray(self, clip: Clip, motions: Sequence[Motion], key: str, side: int) -> None:
        """A small picture of each person of a clip: `portraits_ready` follows."""
        self._begin("portraits", self._renderer.portraits(clip, motions, side), key)

    def run(self, work: Work, *, must_finish: bool = False) -> int:
        """Any other job, as writing a table: `job_finished` or `failed` follows. Returns its number."""
        job = self._engine.add_job(work, must_finish=must_finish)
        self._jobs[job] = "job", str(job.number)
        self._tell_busy()
        return job.number

    def export(self, plan: ExportPlan, heard: Callable[[Event], object]) -> Job:
        """Write what a plan says, whatever else is done or cancelled meanwhile; `heard` gets each event of the job."""
        job = self._engine.add_job(export(plan, self._renderer))
        self._heard[job] = heard
        return job

    def pause(self, job: Job, on: bool) -> None:
        """Let an export rest, or go on."""
        self._engine.pause(job, on)

    def stop(self, job: Job) -> None:
        """Stop an export: `Cancelled` is heard when its file is gone."""
        self._engine.cancel(job)

    def forget(self) -> None:
        """Nothing that was opened is needed any more: give its memory back."""
        self._asked, self._prepared, self._waiting = None, None, False
        self._engine.withdraw()
        self._begin("forget", self._renderer.forget())

    def cancel(self) -> None:
        """Stop all jobs that run but exports; nothing more is heard of them."""
        for kind, key in set(self._jobs.values()):
            self._drop(kind, key)
        self._tell_busy()

    def close(self) -> None:
        """Finish what is to be saved, stop the engine's thread and wait for its end; other results are ignored."""
        self._closed = True
        self._engine.close()

    def _begin(self, kind: _Kind, work: Work, key: str = "") -> None:
        if kind != "save":  # what was to be saved is saved; of all else, the newest of a key counts
            self._drop(kind, key)
        self._jobs[self._engine.add_job(work, must_finish=kind == "save")] = kind, key
        self._tell_busy()

    def _drop(self, kind: _Kind, key: str = "") -> None:
        for job in [job for job, what in self._jobs.items() if what == (kind, key)]:
            self._engine.cancel(job)
            del self._jobs[job]
            if kind == "track":
                self.tracking.emit(key, 0, 0)

    def _tell_busy(self) -> None:
        busy = self._waiting or bool(self._jobs)
        if busy is not self._busy:
            self._busy = busy
            self.busy_changed.emit(busy)

    def _on_engine_thread(self, event: Event) -> None:
        if isinstance(event, Failed) and trace_of_fault(event.error):
            note_fault(event.error, "on the engine's thread")
        self._arrived.emit(event, self._renderer.drain_notices(), self._renderer.device_name)

    def _receive(self, event: Event, notices: list[str], device_name: str) -> None:
        if self._closed:
            return
        for notice in notices:
            self.notice_raised.emit(notice)
        if device_name != self._device_name:
            self._device_name = device_name
            self.device_changed.emit(device_name)
        match event:
            case Rendered():
                self._receive_frame(event.result)
            case Failed(task=task) if isinstance(task, FrameRequest):
                self._receive_failed_frame(task, event.error)
            case (
                Cancelled(job=job)
                | Advanced(job=job)
                | Finished(job=job)
                | Failed(task=Job() as job)
            ) if job in self._heard:
                heard = self._heard[job] if isinstance(event, Advanced) else self._heard.pop(job)
                heard(event)
            case Advanced() | Finished() | Failed():
                self._receive_from_job(event)
        self._tell_busy()

    def _receive_frame(self, frame: Frame) -> None:
        if self._asked is None or frame.request.photo_digest != self._asked[0].photo_digest:
            return
        if frame.request is self._asked[1]:
            self._waiting = False
        self._milliseconds = frame.milliseconds
        self.frame_ready.emit(frame)

    def _receive_failed_frame(self, request: FrameRequest, error: Exception) -> None:
        if self._asked is not None and any(request is asked for asked in self._asked):
            self._waiting = False
            self.failed.emit(_TITLES["render"], in_plain_words(error))

    def _receive_from_job(self, event: Advanced | Finished | Failed) -> None:
        job = event.task if isinstance(event, Failed) else event.job
        if job not in self._jobs:
            return
        kind, key = self._jobs[job]
        if isinstance(event, Advanced):
            self.progress.emit(event.progress.done, event.progress.total, event.progress.text)
            if kind == "track":
                self.tracking.emit(key, event.progress.done, event.progress.total)
            return
        del self._jobs[job]
        if kind == "track":
            self.tracking.emit(key, 0, 0)
        if isinstance(event, Failed):
            self._tell_failure(kind, event.error)
        elif kind == "film":
            self.film_ready.emit(key, event.value)
        elif kind == "thumbnail":
            self.thumbnail_ready.emit(key.partition(":")[0], event.value)
        elif kind == "portraits":
            self.portraits_ready.emit(key, event.value)
        elif kind == "job":
            self.job_finished.emit(int(key), event.value)
        else:
            self._tell_result(event.value)

    def _tell_failure(self, kind: _Kind, error: Exception) -> None:
        if kind == "open":
            self.opening_failed.emit()
        self.failed.emit(_TITLES[kind], in_plain_words(error))

    def _tell_result(self, value: object) -> None:
        if isinstance(value, Opened):
            self._drop("observe")  # a face of the photo before would be a stranger in this one
            self.photo_opened.emit(value)
        elif isinstance(value, Face):
            self.face_observed.emit(value)
        elif isinstance(value, Saved):
            self.photo_saved.emit(value)
        elif isinstance(value, Intake):
            self.taken_in.emit(value)
        elif isinstance(value, Tracked):
            self.tracked.emit(value)


def _observing(renderer: Renderer, photo: Photo, box: Box) -> Generator[Progress, None, Face]:
    yield Progress(0, 1, "Reading the face in the box")
    return renderer.observe(photo, box)


def _saving(
    renderer: Renderer, project: Project, photo: Photo, path: Path, keep: Keep
) -> Generator[Progress, None, Saved]:
    request = FrameRequest.of(project, photo, "full")
    yield Progress(0, 2, "Rendering at full quality")
    pixels = renderer.render(request).pixels
    yield Progress(1, 2, f"Saving {path.name}")
    says = MADE_HERE if project.output.labelled and pixels is not photo.pixels else None
    return Saved(
        path, save_photo(path, photo.with_pixels(pixels), provenance=says, keep=keep), project
    )
