"""The link between the window and the engine, and the only object of the editor that knows threads.

Requests go to the engine as values; its answers arrive as Qt signals on the window's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from app.editor import render_jobs as jobs
from app.editor.render_jobs import JobKind, Pending, ignore
from app.errors import in_plain_words
from icface.document import Clip, Face, Project, Source
from icface.export import ExportPlan, export
from icface.face.geometry import Box
from icface.jobs import Advanced, Cancelled, Event, Failed, Finished, Job, Progress, Rendered, Work
from icface.media import Keep, Photo
from icface.motion.motion import Motion
from icface.rendering.clip_pictures import ClipFrame, photo_thumbnail
from icface.rendering.driver_import import take_in
from icface.rendering.engine import RenderEngine
from icface.rendering.frame_request import Frame, FrameRequest
from icface.rendering.renderer import Opened, Renderer
from icface.system.failures import trace_of_fault
from icface.system.logs import note_fault

_SIDE_STEP = 256
T = TypeVar("T")


class RenderBridge(QObject):
    """Passes requests to the engine, and its answers to the window.

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
    driver_imported = Signal(object)
    """`Intake`: a file that is to drive a face."""
    tracked = Signal(object)
    """`Tracked`: the faces tracked in a clip."""
    tracking = Signal(str, int, int)
    """Digest of a clip, frames read, frames in all; 0 of 0 when tracking ended, however it did."""
    film_ready = Signal(str, object)
    """Digest of a clip, pictures by frame."""
    thumbnail_ready = Signal(str, object)
    """Digest of a clip or photo, a few small pictures by frame."""
    portraits_ready = Signal(str, object)
    """Key given to `make_portraits`, and a small picture of each person."""
    failed = Signal(str, str)
    """Title and text in plain words; after an empty line in the text, details for whoever reports
    the fault."""
    notice_raised = Signal(str)
    """Something to know although the work succeeded, such as a fall-back from GPU to CPU."""
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
        self._pending: dict[Job, Pending] = {}
        self._exports: dict[Job, Callable[[Event], object]] = {}
        self._prepared: tuple[str, tuple[Face, ...]] | None = None
        self._busy = False
        self._closed = False
        self._milliseconds: float | None = None
        self._device_name = ""
        self._arrived.connect(self._receive, Qt.ConnectionType.QueuedConnection)
        engine.start(self._on_engine_thread)

    @property
    def milliseconds(self) -> float | None:
        """Time to render the last picture, milliseconds; None before the first."""
        return self._milliseconds

    @property
    def device_name(self) -> str:
        """Name of the device the networks run on; empty until they are loaded."""
        return self._device_name

    @property
    def is_busy(self) -> bool:
        """Whether anything is being computed."""
        return self._busy

    def warm_up(self) -> None:
        """Load the networks now, so that the first photo need not wait for them."""
        self._begin(jobs.LOAD, self._renderer.warm_up())

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
        """Ask for a document's picture: a draft at once, the full one when requests pause.

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
            self._begin(jobs.PREPARE, self._renderer.prepare(photo, project.faces))
        self._report_busy()

    def open_photo(self, path: str | Path) -> None:
        """Read a photo and find its faces.

        `photo_opened`, or `opening_failed` and `failed`, follows for the newest call alone.
        """

        def opened(result: Opened) -> None:
            self._drop(jobs.OBSERVE)  # a face of the previous photo has no place in this one
            self.photo_opened.emit(result)

        def failed(error: Exception) -> None:
            self.opening_failed.emit()
            self._report(kind, error)

        kind = jobs.OPEN.of(path)
        self._begin(kind, self._renderer.open(path), opened, failed)

    def observe(self, photo: Photo, box: Box) -> None:
        """Read the face in a box, in image pixels: `face_observed` or `failed` follows."""
        work = jobs.observing(self._renderer, photo, box)
        self._begin(jobs.OBSERVE, work, self.face_observed.emit)

    def save_photo(
        self, project: Project, photo: Photo, path: str | Path, keep: Keep = "all"
    ) -> None:
        """Render the present document at full quality and save it.

        `photo_saved` or `failed` follows.
        """
        work = jobs.saving(self._renderer, project, photo, Path(path), keep)
        self._begin(jobs.SAVE.of(path), work, self.photo_saved.emit)

    def import_driver(self, path: str | Path) -> None:
        """Read a file that is to drive a face: `driver_imported` or `failed` follows."""
        work = take_in(self._renderer, path)
        self._begin(jobs.IMPORT.of(path), work, self.driver_imported.emit, key=str(path))

    def track(self, clip: Clip) -> None:
        """Track the faces of a clip: `tracking` reports progress, `tracked` or `failed` follows."""
        self._begin(
            jobs.TRACK.of(clip.path),
            self._renderer.track(clip),
            self.tracked.emit,
            key=clip.digest,
            progress=partial(self.tracking.emit, clip.digest),
        )
        self.tracking.emit(clip.digest, 0, clip.n_frames)

    def stop_tracking(self, digest: str) -> None:
        """Stop tracking a clip."""
        self._drop(jobs.TRACK, digest)
        self._report_busy()

    def make_film(self, clip: Clip, frames: Sequence[int], side: int) -> None:
        """Small pictures of a clip's frames: `film_ready` follows."""
        work = self._renderer.filmstrip(clip, frames, side)
        then = partial(self.film_ready.emit, clip.digest)
        self._begin(jobs.FILM.of(clip.path), work, then, key=clip.digest)

    def make_thumbnail(self, medium: Clip | Source, frame: int, side: int) -> None:
        """One small picture of a clip's frame or of a photo: `thumbnail_ready` follows."""
        work: Work = photo_thumbnail(medium.path, side)
        if isinstance(medium, Clip):
            work = self._renderer.filmstrip(medium, [frame], side)
        then = partial(self.thumbnail_ready.emit, medium.digest)
        kind = jobs.THUMBNAIL.of(medium.path)
        self._begin(kind, work, then, key=f"{medium.digest}:{frame}")

    def make_portraits(self, clip: Clip, motions: Sequence[Motion], key: str, side: int) -> None:
        """A small picture of each person of a clip: `portraits_ready` follows."""
        work = self._renderer.portraits(clip, motions, side)
        then = partial(self.portraits_ready.emit, key)
        self._begin(jobs.PORTRAITS.of(clip.path), work, then, key=key)

    def run(
        self,
        work: Generator[Progress, None, T],
        then: Callable[[T], object],
        failed: Callable[[Exception], object] | None = None,
        *,
        must_finish: bool = False,
    ) -> None:
        """Do any other work on the engine's thread, such as writing a table.

        Parameters
        ----------
        work : generator of Progress
        then : callable
            Receives what the work returns, on the window's thread.
        failed : callable, optional
            Receives the exception instead; by default the signal `failed` is emitted.
        must_finish : bool
            Closing waits for the work.
        """
        kind = replace(jobs.OTHER, must_finish=must_finish)
        self._add(work, Pending(kind, "", then, failed or partial(self._report, kind)))

    def export(self, plan: ExportPlan, listener: Callable[[Event], object]) -> Job:
        """Carry out an export plan; `listener` receives each event of the job.

        Other jobs, and `cancel`, leave it alone.
        """
        job = self._engine.add_job(export(plan, self._renderer))
        self._exports[job] = listener
        return job

    def pause(self, job: Job, on: bool) -> None:
        """Pause an export, or resume it."""
        self._engine.pause(job, on)

    def stop(self, job: Job) -> None:
        """Stop an export: its listener receives `Cancelled` when the unfinished file is gone."""
        self._engine.cancel(job)

    def forget(self) -> None:
        """Free the memory of everything that was opened."""
        self._asked, self._prepared, self._waiting = None, None, False
        self._engine.withdraw()
        self._begin(jobs.FORGET, self._renderer.forget())

    def cancel(self) -> None:
        """Stop all running jobs except exports; their results are ignored."""
        for pending in tuple(self._pending.values()):
            self._drop(pending.kind, pending.key)
        self._report_busy()

    def close(self) -> None:
        """Finish saving, then stop the engine's thread; other results are ignored."""
        self._closed = True
        self._engine.close()

    def _begin(
        self,
        kind: JobKind,
        work: Work,
        then: Callable[[Any], object] = ignore,
        failed: Callable[[Exception], object] | None = None,
        *,
        key: str = "",
        progress: Callable[[int, int], object] = ignore,
    ) -> None:
        """Start a job; it replaces an older one of its kind and key, unless that must finish."""
        if not kind.must_finish:
            self._drop(kind, key)
        failed = failed or partial(self._report, kind)
        self._add(work, Pending(kind, key, then, failed, progress))

    def _add(self, work: Work, pending: Pending) -> None:
        job = self._engine.add_job(work, must_finish=pending.kind.must_finish)
        self._pending[job] = pending
        self._report_busy()

    def _drop(self, kind: JobKind, key: str = "") -> None:
        for job, pending in tuple(self._pending.items()):
            if (pending.kind, pending.key) == (kind, key):
                self._engine.cancel(job)
                del self._pending[job]
                pending.progress(0, 0)

    def _report_busy(self) -> None:
        busy = self._waiting or bool(self._pending)
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
            case Failed(task=FrameRequest() as task):
                self._receive_failed_frame(task, event.error)
            case Failed(task=Job() as job):
                self._receive_from_job(job, event)
            case Cancelled(job=job) | Advanced(job=job) | Finished(job=job):
                self._receive_from_job(job, event)
        self._report_busy()

    def _receive_from_job(self, job: Job, event: Event) -> None:
        if job in self._exports:
            listener = self._exports[job]
            if not isinstance(event, Advanced):
                del self._exports[job]
            listener(event)
        elif job in self._pending:
            match event:
                case Advanced(progress=progress):
                    self.progress.emit(progress.done, progress.total, progress.text)
                    self._pending[job].progress(progress.done, progress.total)
                case Finished():
                    self._end(job).then(event.value)
                case Failed():
                    self._end(job).failed(event.error)

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
            self._report(jobs.RENDER, error)

    def _end(self, job: Job) -> Pending:
        pending = self._pending.pop(job)
        pending.progress(0, 0)
        return pending

    def _report(self, kind: JobKind, error: Exception) -> None:
        self.failed.emit(kind.heading, in_plain_words(error))
