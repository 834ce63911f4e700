"""The editor without its widgets: document, playhead, open photos, face edits and rendering.

Widgets request edits here and show what the signals report; each edit of the document is one pure
edit through `Session`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from PySide6.QtCore import QObject, Signal

from app.editor.face_editing import FaceEditing
from app.editor.open_photos import OpenPhotos
from app.editor.playhead import Pace, Playhead
from app.editor.render_bridge import RenderBridge
from app.editor.session import Session
from app.editor.steady_preview import SteadyPreview
from app.errors import Notice
from icface.document import Project
from icface.media import Photo
from icface.rendering.clip_pictures import beside_frame
from icface.rendering.engine import RenderEngine
from icface.rendering.frame_request import Frame
from icface.rendering.renderer import Renderer

_LARGEST_DRAFT = 2048
"""Longest side of drafts in pixels, however far the view is zoomed in.

The full picture follows when the slider rests.
"""


class Studio(QObject):
    """Puts the parts of the editor together, and renders the document when it changes.

    Parameters
    ----------
    session : Session
    bridge : RenderBridge
    parent : QObject, optional

    Attributes
    ----------
    session : Session
        The document and its history.
    bridge : RenderBridge
        The link to the engine.
    playhead : Playhead
    photos : OpenPhotos
    faces : FaceEditing
    """

    notice_raised = Signal(object)
    """A `Notice`."""
    notice_cleared = Signal(str)
    """Topic of notices that no longer apply."""
    pace_changed = Signal(float)
    """Frames shown per second while playing, once a second; 0 when playback stops."""

    def __init__(
        self, session: Session, bridge: RenderBridge, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.session = session
        self.bridge = bridge
        self.playhead = Playhead(session, parent=self)
        self.photos = OpenPhotos(session, bridge, self)
        self.faces = FaceEditing(session, self.playhead, self.photos, bridge, self)
        self._steady = SteadyPreview(bridge, self)
        self._pace = Pace()
        self._view_side = 1024
        self._connect()

    def _connect(self) -> None:
        session, bridge = self.session, self.bridge
        session.project_changed.connect(self._project_changed)
        session.document_emptied.connect(self._forget)
        session.edit_refused.connect(self.warn)
        session.edit_accepted.connect(lambda: self.notice_cleared.emit("edit"))
        for part in (self.photos, self.faces):
            part.notice_raised.connect(self.notice_raised)
        self.photos.notice_cleared.connect(self.notice_cleared)
        self.photos.photo_returned.connect(self.render)
        bridge.frame_ready.connect(self._count_frame)
        bridge.failed.connect(
            lambda title, text: self.notice_raised.emit(Notice.failure(title, text))
        )
        bridge.notice_raised.connect(
            lambda text: self.notice_raised.emit(Notice(kind="info", title=text, topic="device"))
        )
        self.playhead.moved.connect(lambda _frame: self.render())
        self.playhead.speed_changed.connect(self._speed_changed)
        self._steady.ready.connect(self.render)

    @property
    def project(self) -> Project:
        """The current document."""
        return self.session.project

    @property
    def photo(self) -> Photo | None:
        """The photo that is shown; None for an empty window."""
        return self.photos.photo

    def cancel(self) -> None:
        """Stop opening, reading and saving; the window keeps what it shows."""
        self.bridge.cancel()
        self._steady.forget()
        self.photos.stop_opening()

    def edit(
        self, function: Callable[[Project], Project], label: str, merge_key: Hashable = None
    ) -> None:
        """Edit the document as `Session.try_edit` does: a refused edit raises a notice."""
        self.session.try_edit(function, label, merge_key)

    def warn(self, text: str) -> None:
        """Raise a notice that the document does not allow something."""
        self.notice_raised.emit(Notice(kind="warning", title=text, topic="edit"))

    def set_view_side(self, side: int) -> None:
        """Set the longest side, in device pixels, at which drafts are shown."""
        self._view_side = min(side, _LARGEST_DRAFT)

    def render(self) -> None:
        """Ask for the picture of the document at the playhead; the newest request wins."""
        project, photo, source = self.project, self.photo, self.project.source
        if photo is None or source is None or source.digest != photo.digest:
            return
        if project.faces or project.is_moving:
            frame = self.playhead.frame
            self.bridge.request(
                self._steady.shown(project),
                photo,
                self._view_side,
                frame=frame,
                beside=beside_frame(project, frame),
                moving=self.playhead.is_playing,
            )

    def _project_changed(self, before: Project, after: Project) -> None:
        if not self.photos.follow(before, after):
            return
        if after.faces:
            self.notice_cleared.emit("no-face")
        self._steady.follow(after)
        self.render()

    def _forget(self) -> None:
        """Free memory: the document is empty, and undo leads nowhere."""
        self.photos.forget()
        self.bridge.forget()

    def _speed_changed(self, speed: float) -> None:
        self._pace = Pace()
        if speed == 0:
            self.pace_changed.emit(0.0)
            self.render()  # the full picture of the frame where playback stopped

    def _count_frame(self, frame: Frame) -> None:
        if self.playhead.is_playing and (pace := self._pace.count(frame.request.frame)) is not None:
            self.pace_changed.emit(pace)


def build_studio(renderer: Renderer | None = None) -> Studio:
    """Build a studio with its own engine; ``studio.bridge.close()`` ends the engine's thread."""
    made = renderer or Renderer()
    return Studio(Session(), RenderBridge(RenderEngine(made.render), made))
