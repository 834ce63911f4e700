"""The offer to restore backups that windows left behind when the program ended without saving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.errors import Notice
from app.files.recovery import LeftBehind, left_behind
from icface.document import Project
from icface.project_file import load_project
from icface.system.file_stamp import FileStamp, stamp_of


class BackupOffer(QObject):
    """Offers one backup after the other, and removes those that were restored or discarded.

    Parameters
    ----------
    folder : Path or None
        Where windows keep their backups; None offers nothing.
    restore : callable
        Receives the backup that the user wants.
    parent : QObject, optional
    """

    notice_raised = Signal(object)
    """A `Notice`."""

    def __init__(
        self,
        folder: Path | None,
        restore: Callable[[LeftBehind], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._restore = restore
        self._offered: list[LeftBehind] = []
        self._restored: list[LeftBehind] = []

    def offer(self) -> None:
        """Look for backups, and offer the newest."""
        if self._folder is not None and not self._offered:
            self._offered = list(left_behind(self._folder))
        self._offer_next()

    def mark_restored(self, backup: LeftBehind) -> None:
        """Offer a backup no more; it stays on disk until `remove_restored`."""
        self._offered.remove(backup)
        self._restored.append(backup)

    def remove_restored(self) -> None:
        """Remove restored backups, since their content is on disk again."""
        for backup in self._restored:
            backup.remove()
        self._restored = []

    def close(self) -> None:
        """Leave the remaining backups for another window."""
        for backup in (*self._offered, *self._restored):
            backup.release()
        self._offered, self._restored = [], []

    def _offer_next(self) -> None:
        if not self._offered:
            return
        backup, more = self._offered[0], len(self._offered) - 1
        when = f"{backup.kept_at:%A %d %B, %H:%M}"
        text = f"{backup.name}, as it was on {when}, was not saved before the program ended."
        if _is_file_newer(backup):
            text += " The file itself was saved later than that."
        if more:
            text += f" There {'is one more' if more == 1 else f'are {more} more'} after it."
        self.notice_raised.emit(
            Notice(
                kind="warning",
                title="Unsaved work was found",
                text=text,
                topic="unsaved",
                remedy=("Restore", lambda: self._restore(backup)),
                second=("Discard", lambda: self._discard(backup)),
            )
        )

    def _discard(self, backup: LeftBehind) -> None:
        self._offered.remove(backup)
        backup.remove()
        self._offer_next()


def read_backup(backup: LeftBehind) -> tuple[FileStamp | None, Project, Project]:
    """Read a backup.

    Returns
    -------
    tuple
        Stamp of the document's file, the document last saved (empty if there is none, or none
        that can be read), and the unsaved document.
    """
    stamp = None if backup.path is None else stamp_of(backup.path)
    return stamp, _saved_document(backup.path), load_project(backup.document)


def _saved_document(path: Path | None) -> Project:
    if path is None:
        return Project()
    try:
        return load_project(path)
    except ValueError:
        return Project()


def _is_file_newer(backup: LeftBehind) -> bool:
    try:
        path = backup.path
        return path is not None and path.stat().st_mtime > backup.kept_at.timestamp()
    except OSError:
        return False
