"""Files dropped on the window: opened, or added as drivers of the open face, one after another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QDropEvent

from app.drivers.controller import DriverController
from app.editor.studio import Studio
from app.errors import Notice
from app.files.file_dialogs import PHOTO_ENDINGS, drives, dropped_drivers, dropped_file
from icface.document import Project
from icface.rendering.kinds import is_data

Open = Callable[[Path], object]


class Drops(QObject):
    """Opens dropped files or adds them as drivers, whichever fits the open document.

    Files dropped while another is opening are queued, in order. So are possible drivers while the
    faces of a clip are tracked.

    Parameters
    ----------
    studio : Studio
    controller : DriverController
    parent : QObject
    """

    status_message = Signal(str)
    """Text about a queued file."""

    def __init__(self, studio: Studio, controller: DriverController, parent: QObject) -> None:
        super().__init__(parent)
        self._studio, self._controller = studio, controller
        self._waiting: list[tuple[Path, Open]] = []
        self._read: set[str] = set()  # digests of clips that are being tracked
        controller.tracking.connect(self._note_tracking)
        studio.session.project_changed.connect(self._project_changed)
        # Queued connections: the signal comes before the faces are in the document.
        for signal in (studio.photos.opening_changed, controller.tracking):
            signal.connect(self._go_on, Qt.ConnectionType.QueuedConnection)

    def welcome(self, event: QDropEvent) -> Path | None:
        """The dropped file that can be opened or can drive a face; None if there is none."""
        may_drive = self._studio.project.face is not None or bool(self._studio.photos.opening)
        tables = dropped_drivers(event) if may_drive else []
        return dropped_file(event) or next(iter(tables), None)

    def hint(self, path: Path) -> str:
        """The text shown while a file is dragged over the window."""
        if awaited := self._awaited(path):
            return f"Drop to use it after {awaited}"
        if self._would_drive(path):
            return "Drop to drive the face"
        could_drive = self._studio.project.face is not None and path.suffix.lower() in PHOTO_ENDINGS
        return (
            "Drop to open it instead; on the left, to drive the face"
            if could_drive
            else "Drop to open"
        )

    def take(self, path: Path, open_instead: Open) -> None:
        """Use a dropped file: a clip or table drives the open face, any other file is opened."""
        if self._waiting or self._awaited(path):
            self._waiting.append((path, open_instead))
            self._notify_waiting(path, open_instead)
        elif self._would_drive(path):
            self._controller.add_dropped(path, open_instead)
        elif is_data(path):
            text = (
                "A table drives a face, but none is open. "
                "Open a photo or a clip with a face, then drop the table again."
            )
            self._studio.notice_raised.emit(
                Notice(
                    kind="warning", title=f"{path.name} was not used", text=text, topic="dropped"
                )
            )
        else:
            open_instead(path)

    def forget(self) -> None:
        """Drop the queue."""
        self._waiting = []
        self._studio.notice_cleared.emit("waiting")

    def _would_drive(self, path: Path) -> bool:
        return self._studio.project.face is not None and drives(path)

    def _awaited(self, path: Path) -> str:
        """Name of the file that a dropped one waits for; "" if it need not wait."""
        if self._studio.photos.opening:
            return self._studio.photos.opening
        clip = self._studio.project.clip
        looked_for = (
            clip is not None and self._studio.project.face is None and clip.digest in self._read
        )
        return Path(clip.path).name if clip is not None and looked_for and drives(path) else ""

    def _notify_waiting(self, path: Path, open_instead: Open) -> None:
        if self._studio.photos.opening or not self._awaited(path):
            self.status_message.emit(
                f"{path.name} will be used once "
                f"{self._studio.photos.opening or 'the previous file'} has opened"
            )
            return

        def at_once() -> None:
            self.forget()
            open_instead(path)

        title = f"{path.name} will be used once {self._awaited(path)} has been tracked"
        text = "It will then be added as a driver."
        remedy, second = ("Open it instead", at_once), ("Do not use it", self.forget)
        self._studio.notice_raised.emit(
            Notice(
                kind="info", title=title, text=text, topic="waiting", remedy=remedy, second=second
            )
        )

    def _project_changed(self, _before: Project, after: Project) -> None:
        if after.source is None and not self._studio.photos.opening and self._waiting:
            self.forget()  # its document was closed

    def _note_tracking(self, digest: str, _done: int, total: int) -> None:
        if total:
            self._read.add(digest)
        else:
            self._read.discard(digest)

    def _go_on(self) -> None:
        """Use the queued files that need not wait any longer."""
        while self._waiting and not self._awaited(self._waiting[0][0]):
            if len(self._waiting) == 1:
                self._studio.notice_cleared.emit("waiting")
            path, open_instead = self._waiting[0]
            rest, self._waiting = self._waiting[1:], []
            self.take(path, open_instead)
            self._waiting = rest
