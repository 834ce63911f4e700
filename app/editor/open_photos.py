"""Opening photos and clips, the photos kept in memory for undo, and saving the edited picture."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.editor.render_bridge import RenderBridge
from app.editor.render_jobs import Saved
from app.editor.session import Session
from app.errors import Notice
from icface.document import Project
from icface.document.edits import open_source
from icface.export import original_at, refusal
from icface.media import Keep, Photo, PhotoError, output_format, sample_photo_path
from icface.rendering.renderer import Opened

_CACHE_BYTES = 600 * 2**20
"""Pixels kept in memory; the photo opened last always stays."""


class OpenPhotos(QObject):
    """The photo that is shown, or the first frame of a clip, and those that undo may return to.

    Parameters
    ----------
    session : Session
    bridge : RenderBridge
    parent : QObject, optional
    """

    photo_changed = Signal(object)
    """`Photo`, or None when the window is empty again."""
    opening_changed = Signal(str)
    """Name of the file that is being opened; "" when none is."""
    photo_saved = Signal(object)
    """`Path` of the picture that was written."""
    photo_returned = Signal()
    """The photo of the document was read again: the document can be rendered."""
    box_requested = Signal()
    """The user wants to draw a box around a face."""
    notice_raised = Signal(object)
    """A `Notice`."""
    notice_cleared = Signal(str)
    """Topic of notices that no longer apply."""

    def __init__(
        self, session: Session, bridge: RenderBridge, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.photo: Photo | None = None
        self._session = session
        self._bridge = bridge
        self._cache: OrderedDict[str, Photo] = OrderedDict()
        self._opening = ""
        self._returning_to: str | None = None
        bridge.photo_opened.connect(self._opened)
        bridge.opening_failed.connect(self.stop_opening)
        bridge.photo_saved.connect(self._saved)

    @property
    def opening(self) -> str:
        """Name of the file that is being opened; "" when none is."""
        return self._opening

    def open(self, path: Path) -> None:
        """Read a photo or clip and its faces; what is shown stays until they are there."""
        self._returning_to = None
        self._set_opening(path.name)
        self._bridge.open_photo(path)

    def open_sample(self) -> None:
        """Open the bundled portrait."""
        try:
            self.open(sample_photo_path())
        except PhotoError as error:
            self.notice_raised.emit(Notice.failure("There is no sample portrait", str(error)))

    def save_image(self, path: Path, keep: Keep = "all") -> None:
        """Write the edited photo at full quality.

        Parameters
        ----------
        path : Path
            Its ending chooses the format.
        keep : Keep
            What is kept of the photo's metadata.
        """
        if self.photo is None:
            return
        try:
            output_format(path)
        except PhotoError as error:
            self.notice_raised.emit(Notice.failure(f"{path.name} could not be saved", str(error)))
            return
        project = self._session.project
        if found := original_at(project, path):
            self.notice_raised.emit(Notice.failure(f"{path.name} was not saved", refusal(found)))
        else:
            self._bridge.save_photo(project, self.photo, path, keep)

    def read_source(self) -> None:
        """Read the document's photo or clip again unless it is shown.

        This is needed when its file was missing and is found, or when undo leads back to it.
        """
        source = self._session.project.source
        if source is not None and (self.photo is None or self.photo.digest != source.digest):
            self._returning_to = source.digest
            self._set_opening(Path(source.path).name)
            self._bridge.open_photo(source.path)

    def follow(self, before: Project, after: Project) -> bool:
        """Show the photo of a document that changed.

        Returns
        -------
        bool
            False if the photo must be read from its file first.
        """
        old, new = before.source, after.source
        if new is None:
            self._show(None)
        elif old is None or old.digest != new.digest:
            if new.digest not in self._cache:
                self.read_source()
                return False
            self._show(self._cache[new.digest])
        return True

    def stop_opening(self) -> None:
        """Expect no file any more."""
        self._returning_to = None
        self._set_opening("")

    def forget(self) -> None:
        """Drop the photos in memory; undo reads them from their files again."""
        self._cache.clear()

    def _set_opening(self, name: str) -> None:
        self._opening = name
        self.opening_changed.emit(name)

    def _show(self, photo: Photo | None) -> None:
        if photo is not self.photo:
            self.photo = photo
            self.notice_cleared.emit("no-face")
            self.photo_changed.emit(photo)

    def _cache_photo(self, photo: Photo) -> None:
        """Keep a photo for undo, and drop the oldest when there are too many pixels."""
        self._cache[photo.digest] = photo
        self._cache.move_to_end(photo.digest)
        while (
            len(self._cache) > 1
            and sum(cached.pixels.nbytes for cached in self._cache.values()) > _CACHE_BYTES
        ):
            self._cache.popitem(last=False)

    def _opened(self, opened: Opened) -> None:
        self._cache_photo(opened.photo)
        if self._returning_to is not None:
            self._return(opened.photo)
            return
        self._set_opening("")
        name = opened.photo.path.name
        self.notice_cleared.emit("failure")

        def opens(project: Project) -> Project:
            return open_source(project, opened.source, opened.faces)

        same = self.photo is not None and self.photo.digest == opened.photo.digest
        if self._session.project.source is None:
            self._session.start(opens(Project()))
        else:
            self._session.open_over(opens, f"Open {name}")
        if same:
            self._show(opened.photo)
        if opened.clip is not None:
            self._bridge.track(opened.clip)
        elif not opened.faces:
            self.notice_raised.emit(Notice.of_no_face(name, self.box_requested.emit))
        if opened.photo.notes:
            self.notice_raised.emit(Notice.of_notes(name, opened.photo.notes))

    def _return(self, photo: Photo) -> None:
        """Show a photo that undo led back to, and that was read again."""
        self._returning_to = None
        self._set_opening("")
        source = self._session.project.source
        if source is not None and source.digest == photo.digest:
            self._show(photo)
            self.photo_returned.emit()
        else:
            text = (
                f"{photo.path} is not the same file as before. "
                "Restore the original file, or open another one."
            )
            self.notice_raised.emit(Notice.failure(f"{photo.path.name} has changed on disk", text))

    def _saved(self, saved: Saved) -> None:
        self.photo_saved.emit(saved.path)
        if saved.notes:
            self.notice_raised.emit(
                Notice(
                    kind="info",
                    title=f"Saved {saved.path.name}",
                    text=" ".join(saved.notes),
                    topic="saved",
                )
            )
