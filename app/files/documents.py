"""The document of a window and its file: new, open, save, changes not lost by mistake, media found again, copies restored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from app.editor.studio import Studio
from app.errors import Notice
from app.files.autosave import Autosave
from app.files.disk_thread import DiskThread
from app.files.file_dialogs import (
    ask_about_changed_file,
    ask_about_changes,
    ask_to_open,
    ask_to_save,
    ask_to_save_project,
)
from app.files.missing_media import MissingMedia
from app.files.recovery import LeftBehind, RecoveryFolder, left_behind
from app.files.save_question import ask_about_losses
from app.settings import Settings
from icface.document import Project
from icface.export import original_at, refusal
from icface.media import Photo
from icface.project_file import (
    ENDING,
    LoadedProject,
    load_project,
    read_project,
    save_project,
)
from icface.system.file_stamp import FileStamp, is_as_seen, stamp_of


class _ChangedError(Exception):
    """A file is not as it was when it was opened or saved last."""


class Documents(QObject):
    """Takes documents from and to the disk, on a thread of its own.

    Parameters
    ----------
    owner : QWidget
        The window, for its dialogs, and closed when a close that had to wait may go on.
    studio : Studio
    settings : Settings
    unsaved : Path or None
        Where copies of unsaved documents are kept, see `app.files.recovery.users_folder`; None
        keeps none.
    """

    changed = Signal()
    """The name of the document, or whether there are changes to save, may differ from before."""
    recent_changed = Signal()
    """The recent files changed."""
    notice_raised = Signal(object)
    """A `Notice`."""
    notice_cleared = Signal(str)
    """Topic of notices whose reason is gone."""
    status_message = Signal(str)
    """A word about what went well."""
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
        self._unsaved = unsaved
        self._offered: list[LeftBehind] = []
        self._replaced: list[LeftBehind] = []
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
            self.autosave.backup_written.connect(self._remove_replaced)
        self._session.history_changed.connect(self.changed)
        studio.photos.photo_changed.connect(self._photo_changed)
        studio.photos.photo_saved.connect(self._image_saved)
        self.media = MissingMedia(owner, studio, settings, self.disk)
        self.media.notice_raised.connect(self.notice_raised)
        self.media.notice_cleared.connect(self.notice_cleared)

    @property
    def name(self) -> str:
        """What the document is called in the title; "" for an empty one."""
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
        """An empty document, after asking what becomes of changes."""
        self._when_kept(lambda: self._start(Project(), None))

    def ask_to_open(self) -> None:
        """Let the user choose a project, a photo or a clip."""
        ask_to_open(self._owner, self._settings, self.open)

    def ask_to_open_clip(self) -> None:
        """Let the user choose a clip."""
        ask_to_open(self._owner, self._settings, self.open, "Clips")

    def open(self, path: Path) -> None:
        """Open a project, after asking what becomes of changes; opening a photo or a clip is an edit that can be undone."""
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
        """Write the document; what another program has made of its own file meanwhile only if that is wanted."""
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
        """What was to follow, unless a later save is under way."""
        if project is not self._being_written:
            return _nothing
        then, self._being_written, self._when_written = self._when_written, None, _nothing
        return then

    def _written(self, path: Path, project: Project) -> None:
        then = self._end_writing(project)
        self._set_path(path)
        self._session.mark_saved(project)
        self._remember(path)
        self._remove_replaced()
        self.notice_cleared.emit("failure")
        self.status_message.emit(f"Saved {path}")
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
        self.status_message.emit(f"Saved {path}")

    def _photo_changed(self, photo: Photo | None) -> None:
        if photo is not None and photo.path == self._asked:
            self._remember(photo.path)

    def _remember(self, path: Path) -> None:
        self._settings.add_recent(path)
        self.recent_changed.emit()

    # Changes that would be lost -------------------------------------------------------------------

    def _when_kept(self, then: Callable[[], object]) -> None:
        """Go on at once, when the save in hand is done, or when the user has said what becomes of the changes."""
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
        """Go on with what the disk was asked for when the document was `before`; edits made since are asked about."""
        if self._session.project is before:
            then()
        else:
            self._when_kept(then)

    def may_close(self) -> bool:
        """Whether the window may close now; if not, the user is asked, and the window closed when it may."""
        if self._may_close or not self.is_modified:
            return True
        if not any(box.isVisible() for box in self._owner.findChildren(QMessageBox)):
            self._when_kept(self._close_owner)
        return False

    def _close_owner(self) -> None:
        self._may_close = True
        self._owner.close()

    def close(self) -> None:
        """The window ends in good order: what is being written is finished, no copy is left. Further calls do nothing."""
        self.disk.close()
        if self.autosave is not None:
            self.autosave.close()
        for one in (*self._offered, *self._replaced):
            one.release()
        self._offered, self._replaced = [], []

    # After a crash --------------------------------------------------------------------------------

    def offer_left_behind(self) -> None:
        """Offer the newest copy that a crash left, if there is one."""
        if self._unsaved is not None and not self._offered:
            self._offered = list(left_behind(self._unsaved))
        self._offer()

    def _offer(self) -> None:
        if not self._offered:
            return
        one, more = self._offered[0], len(self._offered) - 1
        when = f"{one.kept_at:%A %d %B, %H:%M}"
        text = f"{one.name}, as it was on {when}, was not saved before the program ended."
        text += " The file itself was saved later than that." if _is_later(one) else ""
        text += (
            f" There {'is one more' if more == 1 else f'are {more} more'} after it." if more else ""
        )
        restore, discard = (
            ("Restore", lambda: self._restore(one)),
            ("Discard", lambda: self._discard(one)),
        )
        title = "Unsaved work was found"
        self.notice_raised.emit(
            Notice(
                kind="warning",
                title=title,
                text=text,
                topic="unsaved",
                remedy=restore,
                second=discard,
            )
        )

    def _discard(self, one: LeftBehind) -> None:
        self._offered.remove(one)
        one.remove()
        self._offer()

    def _restore(self, one: LeftBehind) -> None:
        self._when_kept(lambda: self._read_copy(one))

    def _read_copy(self, one: LeftBehind) -> None:
        before = self._session.project
        self.disk.do(
            lambda: (_seen(one.path), _or_empty(one.path), load_project(one.document)),
            lambda found: self._unless_edited(before, lambda: self._restored(one, *found)),
            lambda error: self._tell_failure(f"{one.name} could not be restored", error),
        )

    def _restored(
        self, one: LeftBehind, seen: FileStamp | None, saved: Project, kept: Project
    ) -> None:
        """The saved state is where undo leads to; the copy goes once this window keeps one of its own."""
        self._start(saved, one.path, seen)
        self._session.edit(lambda _: kept, "Restore unsaved work")
        self._offered.remove(one)
        self._replaced.append(one)
        if self.autosave is not None:
            self.autosave.keep()
        self.media.look_for_all()

    def _remove_replaced(self) -> None:
        """What was restored is on the disk again, as this window's copy or in its file."""
        for one in self._replaced:
            one.remove()
        self._replaced = []

    def _tell_autosave_failed(self, text: str) -> None:
        notice = Notice(
            kind="warning",
            title="Unsaved changes cannot be kept",
            text=f"{text} Save your work.",
            topic="autosave",
        )
        self.notice_raised.emit(notice)

    def _tell_failure(self, title: str, error: Exception) -> None:
        self.notice_raised.emit(Notice.of_error(title, error))


def _is_later(one: LeftBehind) -> bool:
    """Whether the file of a copy was written after it."""
    try:
        return one.path is not None and one.path.stat().st_mtime > one.kept_at.timestamp()
    except OSError:
        return False


def _nothing() -> None:
    """What follows when nothing does."""


def _seen(path: Path | None) -> FileStamp | None:
    return None if path is None else stamp_of(path)


def _or_empty(path: Path | None) -> Project:
    """What was saved last; an empty document if there is none, or none that can be read."""
    if path is None:
        return Project()
    try:
        return load_project(path)
    except ValueError:
        return Project()
