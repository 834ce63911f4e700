"""Media files of a document that were moved or removed: reported, relocated and read."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.editor.studio import Studio
from app.errors import Notice
from app.files.disk_thread import DiskThread
from app.files.file_dialogs import ask_to_find
from app.settings import Settings
from icface.document import Clip, Medium, Project
from icface.media import Photo
from icface.project_file import DifferentFileError, find, missing_media, relinked


class MissingMedia(QObject):
    """Looks for the media of a window's document.

    Parameters
    ----------
    owner : QWidget
        The window, for its dialogs.
    studio : Studio
    settings : Settings
    disk : DiskThread
        Where files are compared.
    """

    notice_raised = Signal(object)
    """A `Notice`."""
    notice_cleared = Signal(str)
    """Topic of notices whose reason is gone."""
    missing_changed = Signal(bool)
    """Whether a file of the document is missing."""

    def __init__(
        self, owner: QWidget, studio: Studio, settings: Settings, disk: DiskThread
    ) -> None:
        super().__init__(owner)
        self._owner = owner
        self._studio = studio
        self._session = studio.session
        self._settings = settings
        self._disk = disk
        studio.photos.photo_changed.connect(self._photo_changed)
        studio.session.project_changed.connect(self._project_changed)
        studio.bridge.failed.connect(lambda _title, _text: None if studio.photo else self._tell())

    def look_for_all(self) -> None:
        """Track clips that were saved untracked, and report missing files."""
        project = self._session.project
        waiting = dict.fromkeys(
            driver.medium for driver in project.drivers if driver.motion is None
        )
        if project.clip is not None and not project.faces:
            waiting[project.clip] = None
        for medium in waiting:
            if isinstance(medium, Clip) and Path(medium.path).is_file():
                self._studio.bridge.track(medium)
        self._tell()

    def find_next(self) -> None:
        """Let the user show where the first of the missing files is now."""
        missing = self._look()
        if missing:
            self._ask_to_find(missing[0].path)
        else:
            self.notice_cleared.emit("missing")

    def _look(self) -> tuple[Medium, ...]:
        missing = missing_media(self._session.project)
        self.missing_changed.emit(bool(missing))
        return missing

    def _project_changed(self, before: Project, after: Project) -> None:
        if after.source is not before.source or after.drivers is not before.drivers:
            self._look()

    def _tell(self) -> None:
        missing = self._look()
        if not missing:
            self.notice_cleared.emit("missing")
            return
        first, count = missing[0], len(missing)
        name = Path(first.path).name
        title = (
            f"{name} is missing"
            if count == 1
            else f"{count} files are missing, {name} is one of them"
        )
        folder = Path(first.path).parent
        text = f"It was in {folder}. Edits are kept. Missing files beside it are relocated too."
        button = ("Find…", lambda: self._ask_to_find(first.path))
        self.notice_raised.emit(
            Notice(kind="warning", title=title, text=text, topic="missing", remedy=button)
        )

    def _ask_to_find(self, old: str) -> None:
        dialog = ask_to_find(
            self._owner, self._settings, Path(old).name, lambda path: self.relink(old, path)
        )
        dialog.rejected.connect(self._tell)

    def relink(self, old: str, new: Path, *, different: bool = False) -> None:
        """Replace a missing file by another; ask first if its content differs."""
        project = self._session.project

        def failed(error: Exception) -> None:
            if not isinstance(error, DifferentFileError):
                self.notice_raised.emit(Notice.of_error(f"{new.name} could not be used", error))
                return
            yes = ("Use it anyway", lambda: self.relink(old, new, different=True))
            search = ("Find another…", lambda: self._ask_to_find(old))
            title = f"{new.name} is a different file"
            text = "Its content differs from the original; tracked faces may not fit."
            self.notice_raised.emit(
                Notice(
                    kind="warning",
                    title=title,
                    text=text,
                    topic="missing",
                    remedy=search,
                    second=yes,
                )
            )

        self._disk.do(lambda: find(project, old, new, different=different), self._found, failed)

    def _found(self, found: dict[str, tuple[str, str]]) -> None:
        names = ", ".join(Path(path).name for path, _ in found.values())
        self._studio.edit(lambda project: relinked(project, found), f"Find {names}")
        self._studio.photos.read_source()
        self.look_for_all()

    def _photo_changed(self, photo: Photo | None) -> None:
        source = self._session.project.source
        if photo is None or source is None or photo.digest != source.digest:
            return
        if (photo.width, photo.height) != (source.width, source.height):
            size, was = (
                f"{photo.width} \u00d7 {photo.height}",
                f"{source.width} \u00d7 {source.height}",
            )
            anew = ("Open as new", lambda: self._studio.photos.open(photo.path))
            text = f"It has {size} pixels, and the faces were read in {was}: they will not fit."
            title = f"{photo.path.name} has another size"
            self.notice_raised.emit(
                Notice(kind="warning", title=title, text=text, topic="missing", remedy=anew)
            )
