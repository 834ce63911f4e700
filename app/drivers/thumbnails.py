"""Thumbnails of the source and of the drivers, requested from the engine once each."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.editor.studio import Studio
from icface.document import Clip, DataFile, Project

THUMBNAIL_SIDE = 160
"""Longest side of a thumbnail, pixels."""
FILM_FRAMES = 48
"""Number of frames of a clip that get a thumbnail."""


class Thumbnails(QObject):
    """Requests the thumbnails of media that are new in the document.

    Parameters
    ----------
    studio : Studio
    parent : QObject, optional
    """

    film_ready = Signal(str, object)
    """Digest of a clip; thumbnails (h, w, 3) RGB by frame."""
    neutral_ready = Signal(str, object)
    """Digest of a clip or photo; the thumbnail of its neutral frame, by frame."""

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._films: set[str] = set()
        self._neutral: set[tuple[str, int]] = set()
        studio.bridge.film_ready.connect(self.film_ready)
        studio.bridge.thumbnail_ready.connect(self.neutral_ready)
        studio.session.project_changed.connect(self._project_changed)
        studio.session.document_emptied.connect(self.forget)

    def forget(self) -> None:
        """Request everything anew when its file comes back."""
        self._films.clear()
        self._neutral.clear()

    def _project_changed(self, before: Project, after: Project) -> None:
        """Request thumbnails of new media; a missing file waits until it is found."""
        if after.drivers is before.drivers and after.source is before.source:
            return
        media = (after.source, *(driver.medium for driver in after.drivers))
        present = {
            medium.path for medium in media if medium is not None and Path(medium.path).is_file()
        }
        for medium in media:
            if isinstance(medium, Clip) and medium.path in present:
                self._request_film(medium)
        for driver in after.drivers:
            medium = driver.medium
            frame = driver.neutral_frame if isinstance(medium, Clip) else 0
            if isinstance(medium, DataFile) or medium.path not in present or frame is None:
                continue
            if (medium.digest, frame) not in self._neutral:
                self._neutral.add((medium.digest, frame))
                self._studio.bridge.make_thumbnail(medium, frame, THUMBNAIL_SIDE)

    def _request_film(self, clip: Clip) -> None:
        if clip.digest not in self._films:
            self._films.add(clip.digest)
            step = max(clip.n_frames / FILM_FRAMES, 1)
            frames = {int(step * n) for n in range(FILM_FRAMES)}
            shown = sorted(frame for frame in frames if frame < clip.n_frames)
            self._studio.bridge.make_film(clip, shown, THUMBNAIL_SIDE)
