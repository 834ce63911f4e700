"""The queue of exports: waiting, running and ended ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.editor.render_bridge import RenderBridge
from app.errors import in_plain_words
from icface.export import Exported, ExportPlan
from icface.jobs import Advanced, Cancelled, Event, Failed, Finished, Job, TimeLeft, time_left_text

State = Literal["waiting", "running", "paused", "stopping", "done", "failed", "stopped"]
UNFINISHED = frozenset({"waiting", "running", "paused", "stopping"})
"""States of exports that have not ended."""


@dataclass(slots=True, eq=False)
class QueuedExport:
    """One export and its progress.

    Attributes
    ----------
    plan : ExportPlan
        The plan, with the document as it was when the export was requested.
    state : str
    done : int
        Frames exported.
    text : str
        The state, as text.
    path : Path
        The file that is to be written, or that was.
    """

    plan: ExportPlan
    state: State = "waiting"
    done: int = 0
    text: str = "Waiting"
    path: Path = field(default_factory=Path)
    job: Job | None = None
    left: TimeLeft = field(default_factory=TimeLeft)

    def __post_init__(self) -> None:
        self.path = self.plan.path

    @property
    def share(self) -> float:
        """Share of the frames exported, 0..1."""
        return self.done / self.plan.count


class ExportQueue(QObject):
    """Runs exports one at a time, in the order requested, while editing continues."""

    changed = Signal(object)
    """A `QueuedExport` whose state has changed."""
    added = Signal(object)
    """A `QueuedExport` that is new."""
    removed = Signal(object)
    """A `QueuedExport` that was removed."""
    finished = Signal(object)
    """A `QueuedExport` that is done or has failed."""

    def __init__(self, bridge: RenderBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.items: list[QueuedExport] = []

    @property
    def unfinished(self) -> list[QueuedExport]:
        """Exports that wait, run or are paused."""
        return [item for item in self.items if item.state in UNFINISHED]

    @property
    def current(self) -> QueuedExport | None:
        """The running or paused export."""
        return next(
            (item for item in self.items if item.state in ("running", "paused", "stopping")), None
        )

    def is_taken(self, path: Path) -> bool:
        """Whether an unfinished export writes to a file."""
        return any(item.plan.path.resolve() == path.resolve() for item in self.unfinished)

    def add(self, plan: ExportPlan) -> QueuedExport:
        """Add an export; it begins when those before it have ended."""
        item = QueuedExport(plan)
        self.items.append(item)
        self.added.emit(item)
        self._begin_next()
        return item

    def pause(self, item: QueuedExport, on: bool) -> None:
        """Pause or resume the current export."""
        if item.job is not None and item.state in ("running", "paused"):
            self._bridge.pause(item.job, on)
            item.left = TimeLeft()
            self._report(item, "paused" if on else "running", "Paused" if on else "Resuming …")

    def stop(self, item: QueuedExport) -> None:
        """Stop and discard an export, unless it is being verified; existing files are kept."""
        if item.done == item.plan.count:
            return
        if item.state == "waiting":
            self._report(item, "stopped", "Stopped; nothing was written")
        elif item.job is not None and item.state in ("running", "paused"):
            self._bridge.pause(item.job, False)
            self._bridge.stop(item.job)
            self._report(item, "stopping", "Stopping …")

    def remove(self, item: QueuedExport) -> None:
        """Remove an export that has ended."""
        if item.state not in UNFINISHED:
            self.items.remove(item)
            self.removed.emit(item)

    def stop_all(self) -> None:
        """Stop and discard all unfinished exports."""
        for item in reversed(self.unfinished):
            self.stop(item)

    def _begin_next(self) -> None:
        waiting = next((item for item in self.items if item.state == "waiting"), None)
        if waiting is None or self.current is not None:
            return
        waiting.left = TimeLeft()
        waiting.job = self._bridge.export(waiting.plan, self._listener(waiting))
        self._report(waiting, "running", "Preparing …")

    def _listener(self, item: QueuedExport) -> Callable[[Event], None]:
        return lambda event: self._receive(item, event)

    def _receive(self, item: QueuedExport, event: Event) -> None:
        match event:
            case Advanced():
                self._advanced(item, event)
                return
            case Finished(value=Exported() as made):
                item.done, item.path = item.plan.count, made.path
                self._report(item, "done", _made(made))
            case Failed():
                self._report(item, "failed", in_plain_words(event.error))
            case Cancelled():
                kept = (
                    "; finished stills are kept"
                    if item.plan.preset.kind == "sequence"
                    else "; existing files are kept"
                )
                self._report(item, "stopped", f"Stopped{kept}")
        if item.state in ("done", "failed"):
            self.finished.emit(item)
        self._begin_next()

    def _advanced(self, item: QueuedExport, event: Advanced) -> None:
        progress = event.progress
        if item.state != "running" or (
            progress.done == item.done and progress.done < progress.total
        ):
            return
        item.done = progress.done
        if progress.done == progress.total:
            self._report(item, "running", "Verifying …")
            return
        left = item.left.seconds(progress.done, progress.total)
        soon = "" if left is None else f", {time_left_text(left)} left"
        self._report(item, "running", f"{progress.done} of {progress.total} frames{soon}")

    def _report(self, item: QueuedExport, state: State, text: str) -> None:
        item.state, item.text = state, text
        self.changed.emit(item)


def _made(made: Exported) -> str:
    frames = "1 frame" if made.frames == 1 else f"{made.frames} frames"
    return " ".join((f"Done: {frames}.", *made.notes))
