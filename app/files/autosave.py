"""A backup of the document while it has unsaved changes: a crash costs seconds of work.

A copy is begun at the latest `LATEST_S` after the first change that the last copy lacks, and
earlier when no change has come for `QUIET_S`. The rest of half a minute is left for writing it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMetaObject, QObject, QTimer, Signal

from app.editor.session import Session
from app.files.disk_thread import DiskThread
from app.files.recovery import RecoveryFolder

LATEST_S = 15.0
QUIET_S = 3.0
_TOLD_MS = 10_000


class Schedule:
    """When the next copy is due.

    Parameters
    ----------
    clock : callable
        Seconds that rise steadily.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: float | None = None
        self._last = 0.0

    def changed(self) -> None:
        """A change that no copy holds."""
        self._last = self._clock()
        if self._first is None:
            self._first = self._last

    def begun(self) -> None:
        """A copy of everything up to now is being written, or none is needed."""
        self._first = None

    @property
    def due_in_s(self) -> float | None:
        """Seconds until a copy is due, 0 if it is; None when there is nothing to keep."""
        if self._first is None:
            return None
        due = min(self._first + LATEST_S, self._last + QUIET_S)
        return max(due - self._clock(), 0.0)


class Autosave(QObject):
    """Keeps copies of a session's document, on the disk's thread.

    Parameters
    ----------
    session : Session
    disk : DiskThread
    folder : RecoveryFolder
    parent : QObject, optional
    """

    backup_status = Signal(str)
    """"autosaved 10 s ago"; "" while there is no copy."""
    backup_written = Signal()
    """A copy is on the disk."""
    failed = Signal(str)
    """Why no backup could be written; emitted once until one succeeds again."""

    def __init__(
        self,
        session: Session,
        disk: DiskThread,
        folder: RecoveryFolder,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._disk = disk
        self._folder = folder
        self.path: Path | None = None
        self.schedule = Schedule()
        self._writing = False
        self._has_copy = False
        self._kept_at: float | None = None
        self._fails = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.keep_if_due)
        self._telling = QTimer(self)
        self._telling.setInterval(_TOLD_MS)
        self._telling.timeout.connect(self._tell)
        self._listening: tuple[QMetaObject.Connection, ...] = (
            session.project_changed.connect(lambda _before, _after: self._changed()),
            session.history_changed.connect(self._settled),
        )

    def keep_if_due(self) -> None:
        """Write a copy if it is time; one at a time."""
        due = self.schedule.due_in_s
        if due is None or self._writing:
            return
        if due > 0:
            self._timer.start(int(due * 1000) + 1)
            return
        self.keep()

    def keep(self) -> None:
        """Write a copy of the document as it is now."""
        self._writing, self._has_copy = True, True
        self.schedule.begun()
        project, path = self._session.project, self.path
        self._disk.do(
            lambda: self._folder.keep(project, path), lambda _: self._was_kept(), self._was_not_kept
        )

    def close(self) -> None:
        """Remove the backup, after `DiskThread.close`; repeated calls do nothing."""
        for connection in self._listening:
            QObject.disconnect(connection)
        self._listening = ()
        self._timer.stop()
        self._telling.stop()
        self._folder.close()

    def _changed(self) -> None:
        if self._session.is_modified:
            self.schedule.changed()
            self.keep_if_due()

    def _settled(self) -> None:
        """Remove the backup of a saved document."""
        if self._session.is_modified:
            return
        self.schedule.begun()
        self._timer.stop()
        self._kept_at = None
        self._tell()
        if self._has_copy:
            self._has_copy = False
            self._disk.do(self._folder.clear, lambda _: None, self._was_not_kept)

    def _was_kept(self) -> None:
        self._writing, self._fails = False, False
        if self._has_copy:
            self._kept_at = time.monotonic()
            self._tell()
            self.backup_written.emit()
        self.keep_if_due()

    def _was_not_kept(self, error: Exception) -> None:
        self._writing = False
        if not self._fails:
            self._fails = True
            self.failed.emit(str(error))
        if self._session.is_modified:
            self.schedule.changed()
            self._timer.start(int(LATEST_S * 1000))

    def _tell(self) -> None:
        if self._kept_at is None:
            self._telling.stop()
            self.backup_status.emit("")
            return
        if not self._telling.isActive():
            self._telling.start()
        self.backup_status.emit(f"autosaved {ago(time.monotonic() - self._kept_at)}")


def ago(seconds: float) -> str:
    """Elapsed time in words and round numbers."""
    if seconds < 5:
        return "just now"
    if seconds < 60:
        return f"{round(seconds / 10) * 10 or 10} s ago"
    return f"{int(seconds // 60)} min ago"
