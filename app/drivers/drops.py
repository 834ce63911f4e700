"""What becomes of files that fall on the window: opened, or let drive the face that is open, one after the other."""

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
    """Takes files that were dropped, by what is open then. While that is not known yet, they wait, in order.

    It is not known while a file is being opened, and for what could drive a clip's face while that
    is looked for.

    Parameters
    ----------
    studio : Studio
    controller : DriverController
    parent : QObject
    """

    status_message = Signal(str)
    """A word about a file that waits."""

    def __init__(self, studio: Studio, controller: DriverController, parent: QObject) -> None:
        super().__init__(parent)
        self._studio, self._controller = studio, controller
        self._waiting: list[tuple[Path, Open]] = []
        self._read: set[str] = set()  # digests of clips that are being tracked
        controller.tracking.connect(self._note_tracking)
        studio.session.project_changed.connect(self._project_changed)
        # Queued: what ends an opening is told before its faces are in the document.
        for signal in (studio.opening_changed, controller.tracking):
            signal.connect(self._go_on, Qt.ConnectionType.QueuedConnection)

    def welcome(self, event: QDropEvent) -> Path | None:
        """The file of a drop that can be opened, or can drive a face that is open or will be; None if there is none."""
        may_drive = self._studio.project.face is not None or bool(self._studio.opening)
        tables = dropped_drivers(event) if may_drive else []
        return dropped_file(event) or next(iter(tables), None)

    def hint(self, path: Path) -> str:
        """What will become of a file that is carried over the window."""
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
        """A file fell on the window: clips and tables drive the face that is open, all else is opened."""
        if self._waiting or self._awaited(path):
            self._waiting.append((path, open_instead))
            self._tell_waiting(path, open_instead)
        elif self._would_drive(path):
            self._controller.add_dropped(path, open_instead)
        elif is_data(path):
            text = "A table drives a face, and there is none. Open a photo or a clip with a face, and drop it again."
            self._studio.notice_raised.emit(
                Notice(kind="warning", title=f"{path.name} is not used", text=text, topic="dropped")
            )
        else:
            open_instead(path)

    def forget(self) -> None:
        """Take nothing of what waits."""
        self._waiting = []
        self._studio.notice_cleared.emit("waiting")

    def _would_drive(self, path: Path) -> bool:
        return self._studio.project.face is not None and drives(path)

    def _awaited(self, path: Path) -> str:
        """Name of the file that must be read before it is known what becomes of another; "" if none must."""
        if self._studio.opening:
            return self._studio.opening
        clip = self._studio.project.clip
        looked_for = (
            clip is not None and self._studio.project.face is None and clip.digest in self._read
        )
        return Path(clip.path).name if clip is not None and looked_for and drives(path) else ""

    def _tell_waiting(self, path: Path, open_instead: Open) -> None:
        if self._studio.opening or not self._awaited(path):
            self.status_message.emit(
                f"{path.name} is taken when {self._studio.opening or 'the file before it'} is open"
            )
            return

        def at_once() -> None:
            self.forget()
            open_instead(path)

        title = f"{path.name} waits until the faces of {self._awaited(path)} are read"
        text = "Then it is added to what drives the face."
        remedy, second = ("Open it instead", at_once), ("Do not use it", self.forget)
        self._studio.notice_raised.emit(
            Notice(
                kind="info", title=title, text=text, topic="waiting", remedy=remedy, second=second
            )
        )

    def _project_changed(self, _before: Project, after: Project) -> None:
        if after.source is None and not self._studio.opening and self._waiting:
            self.forget()  # it was meant for what is gone

    def _note_tracking(self, digest: str, _done: int, total: int) -> None:
        if total:
            self._read.add(digest)
        else:
            self._read.discard(digest)

    def _go_on(self) -> None:
        """Take what need not wait any longer."""
        while self._waiting and not self._awaited(self._waiting[0][0]):
            if len(self._waiting) == 1:
                self._studio.notice_cleared.emit("waiting")
            path, open_instead = self._waiting[0]
            rest, self._waiting = self._waiting[1:], []
            self.take(path, open_instead)
            self._waiting = rest
