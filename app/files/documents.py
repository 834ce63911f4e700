"""A window's document and its file: new, open, save, and no unsaved change lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from app.editor.studio import Studio
from app.errors import Notice
from app.files.autosave import Autosave
from app.files.backup_offer import BackupOffer, read_backup
from app.files.disk_thread import DiskThread
from app.files.file_dialogs import (
    ask_about_changed_file,
    ask_about_changes,
    ask_to_open,
    ask_to_save,
    ask_to_save_project,
)
from app.files.missing_media import MissingMedia
from app.files.recovery import LeftBehind, RecoveryFolder
from app.files.save_question import ask_about_losses
from app.settings import Settings
from icface.document import Project
from icface.export import original_at, refusal
from icface.media import Photo
from icface.project_file import (
    ENDING,
    LoadedProject,
    read_project,
    save_project,
)
from icface.system.file_stamp import FileStamp, is_as_seen, stamp_of


class _ChangedError(Exception):
    """A file is not as it was when it was opened or saved last."""


class Documents(QObject):
    """Reads and writes documents on a thread of its own.

    Parameters
    ----------
    owner : QWidget
        The window, for its dialogs, and closed when a close that had to wait may go on.
    studio : Studio
    settings : Settings
    unsaved : Path or None
        Where backups of unsaved documents are stored, see `app.files.recovery.users_folder`; None
        keeps none.
    """

    changed = Signal()
    """The name of the document, or whether there are changes to save, may differ from before."""
    recent_changed = Signal()
    """The recent files changed."""
    notice_raised = Signal(object)
    """A `Notice`."""
    notice_cleared = Signal(str)
    """Topic of notices that no longer apply."""
    saved = Signal(object)
    """`Path` of the project or picture that was written."""
    backup_status = Signal(str)
    """"autosaved 10 s ago", or ""."""

    def __init__(
        self, owner: QWidget, studio: Studio, settings: Settings, unsaved: Path | None = None
    ) -> None:
        super().__init__(owner)
        self.path: Path | None = None
        self.disk = DiskThread(self)
        self.autosave: Autosave | None = None
        self._owner = owner
        self._studio = studio
        self._session = studio.session
        self._settings = settings
        self._backups = BackupOffer(unsaved, self._restore, self)
        self._backups.notice_raised.connect(self.notice_raised)
        self._asked: Path | None = None
        self._seen: dict[
            Path, FileStamp | None
        ] = {}  # the document's file, as it was opened or written last
        self._may_close = False
        self._being_written: Project | None = None
        self._when_written: Callable[[], object] = _nothing
        if unsaved is not None:
            self.autosave = Autosave(self._session, self.disk, RecoveryFolder(unsaved), self)
            self.autosave.backup_status.connect(self.backup_status)
            self.autosave.failed.connect(self._tell_autosave_failed)
            self.autosave.backup_written.connect(self._backups.remove_restored)
        self._session.history_changed.connect(self.changed)
        studio.photos.photo_changed.connect(self._photo_changed)
        studio.photos.photo_saved.connect(self._image_saved)
        self.media = MissingMedia(owner, studio, settings, self.disk)
        self.media.notice_raised.connect(self.notice_raised)
        self.media.notice_cleared.connect(self.notice_cleared)

    @property
    def name(self) -> str:
        """Name of the document in the title; "" for an empty one."""
        source = self._session.project.source
        if self.path is not None:
            return self.path.name
        return "" if source is None else Path(source.path).name

    @property
    def is_modified(self) -> bool:
        """Whether there are changes to save."""
        return self._session.is_modified

    # New and open ---------------------------------------------------------------------------------

    def new(self) -> None:
        """Start an empty document, after asking about unsaved changes."""
        self._when_kept(lambda: self._start(Project(), None))

    def ask_to_open(self) -> None:
        """Let the user choose a project, a photo or a clip."""
        ask_to_open(self._owner, self._settings, self.open)

    def ask_to_open_clip(self) -> None:
        """Let the user choose a clip."""
        ask_to_open(self._owner, self._settings, self.open, "Clips")

    def open(self, path: Path) -> None:
        """Open a project, after asking about unsaved changes, or a photo or clip."""
        self._settings.folder = path.parent
        if path.suffix.lower() == ENDING:
            self._when_kept(lambda: self._open_project(path))
        else:
            self._asked = path
            self._studio.photos.open(path)

    def _open_project(self, path: Path) -> None:
        before = self._session.project
        self.disk.do(
            lambda: (stamp_of(path), read_project(path)),
            lambda read: self._unless_edited(before, lambda: self._loaded(path, *read)),
            lambda error: self._tell_failure(f"{path.name} could not be opened", error),
        )

    def _loaded(self, path: Path, seen: FileStamp | None, loaded: LoadedProject) -> None:
        self._start(loaded.project, path, seen)
        self._remember(path)
        if loaded.notes:
            self.notice_raised.emit(
                Notice(
                    kind="info",
                    title=f"Opened {path.name}",
                    text=" ".join(loaded.notes),
                    topic="opened",
                )
            )
        self.media.look_for_all()

    def _start(self, project: Project, path: Path | None, seen: FileStamp | None = None) -> None:
        self._seen = {} if path is None else {path: seen}
        self._set_path(path)
        self.notice_cleared.emit("failure")
        self.notice_cleared.emit("missing")
        if self._session.project.source is not None:
            self._session.start(Project())  # nothing of the document before stays on the screen
        self._session.start(project)

    def _set_path(self, path: Path | None) -> None:
        self.path = path
        self._session.has_file = path is not None
        if self.autosave is not None:
            self.autosave.path = path

    # Save -----------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write the document to its file, or ask for one."""
        self._save(_nothing)

    def save_as(self) -> None:
        """Ask for a file, and write the document to it."""
        self._ask_where(_nothing)

    def _save(self, then: Callable[[], object]) -> None:
        if self.path is None:
            self._ask_where(then)
        else:
            self._write(self.path, then, over_others=False)

    def _ask_where(self, then: Callable[[], object]) -> None:
        name = Path(self.name).stem or "Untitled"
        ask_to_save_project(
            self._owner, self._settings, name + ENDING, lambda path: self._write(path, then)
        )

    def _write(self, path: Path, then: Callable[[], object], *, over_others: bool = True) -> None:
        """Write the document; with `over_others` even if another program changed the file."""
        project = self._session.project
        found = original_at(project, path)
        if found is not None:
            self.notice_raised.emit(Notice.failure(f"{path.name} was not saved", refusal(found)))
            return
        self._settings.folder = path.parent
        if (
            self._being_written is None or then is not _nothing
        ):  # a save amid one that is to end in something still is
            self._when_written = then
        self._being_written = project

        def writes() -> (
            None
        ):  # seen when it is this save's turn: one before it may just have written the file
            if not (over_others or path.is_dir() or is_as_seen(path, self._seen.get(path))):
                raise _ChangedError
            save_project(path, project)
            self._seen[path] = stamp_of(path)

        self.disk.do(
            writes,
            lambda _: self._written(path, project),
            lambda error: self._not_written(path, project, error),
        )

    def _not_written(self, path: Path, project: Project, error: Exception) -> None:
        then = self._end_writing(project)
        if isinstance(error, _ChangedError):
            ask_about_changed_file(
                self._owner,
                path,
                overwrite=lambda: self._write(path, then),
                save_as=lambda: self._ask_where(then),
            )
            return
        self._tell_failure(f"{path.name} could not be saved", error)

    def _end_writing(self, project: Project) -> Callable[[], object]:
        """The pending continuation, unless a later save is running."""
        if project is not self._being_written:
            return _nothing
        then, self._being_written, self._when_written = self._when_written, None, _nothing
        return then

    def _written(self, path: Path, project: Project) -> None:
        then = self._end_writing(project)
        self._set_path(path)
        self._session.mark_saved(project)
        self._remember(path)
        self._backups.remove_restored()
        self.notice_cleared.emit("failure")
        self.saved.emit(path)
        then()

    def save_image_as(self) -> None:
        """Ask where to, and save the picture as edited."""
        photo = self._studio.photo
        if photo is not None:
            name = photo.path.with_stem(f"{photo.path.stem}-edited").name
            ask_to_save(self._owner, self._settings, name, self._save_image)

    def _save_image(self, path: Path) -> None:
        photo = self._studio.photo
        if photo is not None:
            ask_about_losses(
                self._owner, path, photo, lambda keep: self._studio.photos.save_image(path, keep)
            )

    def _image_saved(self, path: Path) -> None:
        self._settings.folder = path.parent
        self.saved.emit(path)

    def _photo_changed(self, photo: Photo | None) -> None:
        if photo is not None and photo.path == self._asked:
            self._remember(photo.path)

    def _remember(self, path: Path) -> None:
        self._settings.add_recent(path)
        self.recent_changed.emit()

    # Changes that would be lost -------------------------------------------------------------------

    def _when_kept(self, then: Callable[[], object]) -> None:
        """Continue at once, after the running save, or when the user has decided about changes."""
        if self._session.project is self._being_written:
            self._when_written = then
        elif self.is_modified:
            ask_about_changes(
                self._owner,
                self.name or "this document",
                save=lambda: self._save(then),
                discard=then,
            )
        else:
            then()

    def _unless_edited(self, before: Project, then: Callable[[], object]) -> None:
        """Use a disk result if the document is still `before`; else ask about the edits."""
        if self._session.project is before:
            then()
        else:
            self._when_kept(then)

    def may_close(self) -> bool:
        """Whether the window may close now; if not, the user is asked, and it closes afterwards."""
        if self._may_close or not self.is_modified:
            return True
        if not any(box.isVisible() for box in self._owner.findChildren(QMessageBox)):
            self._when_kept(self._close_owner)
        return False

    def _close_owner(self) -> None:
        self._may_close = True
        self._owner.close()

    def close(self) -> None:
        """Finish writing and remove the backup as the window closes; repeated calls do nothing."""
        self.disk.close()
        if self.autosave is not None:
            self.autosave.close()
        self._backups.close()

    # After a crash --------------------------------------------------------------------------------

    def offer_left_behind(self) -> None:
        """Offer the newest backup that a crash left, if there is one."""
        self._backups.offer()

    def _restore(self, backup: LeftBehind) -> None:
        self._when_kept(lambda: self._read_backup(backup))

    def _read_backup(self, backup: LeftBehind) -> None:
        before = self._session.project
        self.disk.do(
            lambda: read_backup(backup),
            lambda found: self._unless_edited(before, lambda: self._restored(backup, *found)),
            lambda error: self._tell_failure(f"{backup.name} could not be restored", error),
        )

    def _restored(
        self, backup: LeftBehind, seen: FileStamp | None, saved: Project, unsaved: Project
    ) -> None:
        """Show a restored document; undo leads to its saved state."""
        self._start(saved, backup.path, seen)
        self._session.edit(lambda _: unsaved, "Restore unsaved work")
        self._backups.mark_restored(backup)
        if self.autosave is not None:
            self.autosave.keep()
        self.media.look_for_all()

    def _tell_autosave_failed(self, text: str) -> None:
        notice = Notice(
            kind="warning",
            title="Unsaved changes cannot be backed up",
            text=f"{text} Save your work.",
            topic="autosave",
        )
        self.notice_raised.emit(notice)

    def _tell_failure(self, title: str, error: Exception) -> None:
        self.notice_raised.emit(Notice.of_error(title, error))


def _nothing() -> None:
    """A continuation that does nothing."""
