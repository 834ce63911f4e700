"""Backups of unsaved documents, beside the program's other state, for use after a crash.

Each window has a folder of its own, locked for as long as its process lives: a folder that can be
locked was left behind.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from icface.document import Project
from icface.project_file import save_folder
from icface.system.atomic_write import write_whole
from icface.system.file_locks import try_to_lock
from icface.system.user_folders import state_folder

BEGINNING_S = 60
"""Seconds after which a folder without a lock is no window's that is just beginning."""
_NAME_BYTES = 8
_MOST_ABOUT_BYTES = 100_000


def users_folder() -> Path:
    """Folder of this user's backups."""
    return state_folder() / "unsaved"


class RecoveryFolder:
    """Folder of one window's backup; one thread may use it at a time.

    Parameters
    ----------
    root : Path
        Of the folders of all windows; made when it is needed.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / secrets.token_hex(_NAME_BYTES)
        self._lock: BinaryIO | None = None
        self._about: str | None = None

    @property
    def document(self) -> Path:
        """The folder that `icface.project_file.load_project` reads."""
        return self.path / "document"

    def keep(self, project: Project, path: Path | None) -> None:
        """Write the copy of a document, and of which file it is.

        Raises
        ------
        OSError, ProjectFileError
            If that fails; the copy before is whole then.
        """
        if self._lock is None:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / "lock").open("wb")
            try_to_lock(self._lock)
        about = json.dumps(
            {"path": None if path is None else str(path), "name": _name_of(project, path)}
        )
        if about != self._about:
            write_whole(self.path / "about.json", lambda stream: stream.write(about.encode()))
            self._about = about
        save_folder(self.document, project)

    def clear(self) -> None:
        """Remove the backup: the document is saved, or its changes are discarded."""
        if self._lock is not None:
            self._about = None
            _remove(self.path / "document")

    def close(self) -> None:
        """The window ends in good order: nothing is left behind."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
            _remove(self.path)


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A copy whose window is gone, locked so that no other window offers it.

    Attributes
    ----------
    folder : Path
    path : Path or None
        The project file that it is a later state of; None if it was never saved.
    name : str
        For people.
    kept_at : datetime
        Local time of the last change that it holds.
    """

    folder: Path
    path: Path | None
    name: str
    kept_at: datetime
    _lock: BinaryIO

    @property
    def document(self) -> Path:
        """The folder that `icface.project_file.load_project` reads."""
        return self.folder / "document"

    def remove(self) -> None:
        """Remove the backup: it was restored and saved elsewhere, or discarded."""
        self._lock.close()
        _remove(self.folder)

    def release(self) -> None:
        """Unlock the backup, so that another window may offer it."""
        self._lock.close()


def left_behind(root: Path) -> tuple[LeftBehind, ...]:
    """Backups of windows that ended without saving, newest first; empty folders are removed."""
    found = []
    for folder in root.iterdir() if root.is_dir() else ():
        try:
            lock = (folder / "lock").open("rb+")
        except OSError:
            _tidy(folder)
            continue
        if not try_to_lock(lock):
            lock.close()
            continue
        one = _read(folder, lock)
        if one is None:
            lock.close()
            _remove(folder)
        else:
            found.append(one)
    return tuple(sorted(found, key=lambda one: one.kept_at, reverse=True))


def _tidy(folder: Path) -> None:
    """Remove the folder of a window killed while starting or ending.

    A window that is just starting has its lock in a moment.
    """
    with suppress(OSError):
        is_ours = len(folder.name) == 2 * _NAME_BYTES and set(folder.name) <= set(
            "0123456789abcdef"
        )
        if is_ours and time.time() - folder.stat().st_mtime > BEGINNING_S:
            _remove(folder)


def _read(folder: Path, lock: BinaryIO) -> LeftBehind | None:
    try:
        kept_at = datetime.fromtimestamp(
            (folder / "document" / "project.json").stat().st_mtime
        ).astimezone()
    except OSError:
        return None
    path, name = None, "An unsaved document"
    with suppress(OSError, ValueError, KeyError, TypeError):
        with (folder / "about.json").open("rb") as stream:
            about = json.loads(stream.read(_MOST_ABOUT_BYTES))
        path, name = (None if about["path"] is None else Path(about["path"])), str(about["name"])
    return LeftBehind(folder, path, name, kept_at, lock)


def _name_of(project: Project, path: Path | None) -> str:
    if path is not None:
        return path.name
    return (
        "An unsaved document"
        if project.source is None
        else f"Edits of {Path(project.source.path).name}"
    )


def _remove(folder: Path) -> None:
    """Delete a backup, its JSON first, so that an interruption leaves no partial backup."""
    for path in (folder / "project.json", folder / "document" / "project.json"):
        with suppress(OSError):
            path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
