"""What the editor can do, without saying how it looks: the document, the photo's pixels and the engine put together.

Widgets request edits here and show what the signals report; each edit of the document is one pure
edit through `Session`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.control_rows import GAZE_UNITS, describe_gaze, gaze_settings, row_label, rows
from app.editor.expression_clipboard import expression_text, read_settings
from app.editor.playhead import Pace, Playhead
from app.editor.render_bridge import RenderBridge
from app.editor.render_jobs import Saved
from app.editor.session import Session
from app.editor.steady_preview import SteadyPreview
from app.errors import Notice
from icface.document import Face, Project, ProjectError, Region
from icface.document.curves import CurveError
from icface.document.edits import (
    add_face,
    add_region,
    choose_face,
    link_unit,
    open_source,
    reset_all,
    reset_control,
    set_control,
    set_controls,
    without_regions,
)
from icface.document.mixing import shown
from icface.export import original_at, refusal
from icface.face.controls import AU_BY_NUMBER
from icface.face.geometry import Box
from icface.media import Keep, Photo, PhotoError, output_format, sample_photo_path
from icface.rendering.clip_pictures import beside_frame
from icface.rendering.engine import RenderEngine
from icface.rendering.frame_request import Frame
from icface.rendering.renderer import Opened, Renderer

_KEPT_BYTES = 600 * 2**20
REGION_FEATHER = 0.12
"""Width of the soft edge of a protected area, in shares of its smaller side."""
_LARGEST_DRAFT = 2048
"""Longest side of drafts, however far the view is zoomed in: the full picture follows when the
slider rests."""


class Studio(QObject):
    """Opens, edits, renders and saves one photo at a time.

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
    notice_raised = Signal(object)
    """A `Notice`."""
    notice_cleared = Signal(str)
    """Topic of notices whose reason is gone."""
    box_wanted = Signal()
    """The user wants to draw a box around a face."""
    auto_key_changed = Signal(bool)
    """Whether a slider that moves sets a key."""
    pace_changed = Signal(float)
    """Frames a second that were shown while playing, told once a second; 0 when it stands still."""

    def __init__(
        self, session: Session, bridge: RenderBridge, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.session = session
        self.bridge = bridge
        self.photo: Photo | None = None
        self.playhead = Playhead(session, parent=self)
        self._steady = SteadyPreview(bridge, self)
        self._auto_key = False
        self._pace = Pace()
        self._photos: OrderedDict[str, Photo] = OrderedDict()
        self._opening = ""
        self._returning_to: str | None = None
        self._view_side = 1024
        self._turning: tuple[int, dict[str, float]] = (0, {})
        session.project_changed.connect(self._project_changed)
        session.document_emptied.connect(self._forget)
        bridge.photo_opened.connect(self._opened)
        bridge.face_observed.connect(self._face_observed)
        bridge.photo_saved.connect(self._saved)
        bridge.frame_ready.connect(self._count_frame)
        bridge.opening_failed.connect(self._not_opened)
        bridge.failed.connect(
            lambda title, text: self.notice_raised.emit(Notice.failure(title, text))
        )
        self.playhead.moved.connect(lambda _frame: self.render())
        self._steady.ready.connect(self.render)
        self.playhead.speed_changed.connect(self._speed_changed)
        bridge.notice_raised.connect(
            lambda text: self.notice_raised.emit(Notice(kind="info", title=text, topic="device"))
        )

    @property
    def project(self) -> Project:
        """The present document."""
        return self.session.project

    @property
    def opening(self) -> str:
        """Name of the file that is being opened; "" when none is."""
        return self._opening

    # Files ----------------------------------------------------------------------------------------

    def open_photo(self, path: Path) -> None:
        """Read a photo and its faces; the window keeps what it shows until they are there."""
        self._returning_to = None
        self._set_opening(path.name)
        self.bridge.open_photo(path)

    def open_sample(self) -> None:
        """Open the portrait that comes along."""
        try:
            self.open_photo(sample_photo_path())
        except PhotoError as error:
            self.notice_raised.emit(Notice.failure("There is no sample portrait", str(error)))

    def save_image(self, path: Path, keep: Keep = "all") -> None:
        """Write the edited photo at full quality in the format of the name's ending, and what is kept of its words."""
        if self.photo is None:
            return
        try:
            output_format(path)
        except PhotoError as error:
            self.notice_raised.emit(Notice.failure("The picture could not be saved", str(error)))
            return
        if found := original_at(self.project, path):
            self.notice_raised.emit(Notice.failure("The picture was not saved", refusal(found)))
        else:
            self.bridge.save_photo(self.project, self.photo, path, keep)

    def cancel(self) -> None:
        """Stop opening, reading and saving; the window keeps what it shows."""
        self.bridge.cancel()
        self._steady.forget()
        self._not_opened()

    def _not_opened(self) -> None:
        """Nothing is being opened any more. Whatever else fails meanwhile must not look like that."""
        self._returning_to = None
        self._set_opening("")

    def _set_opening(self, name: str) -> None:
        self._opening = name
        self.opening_changed.emit(name)

    def _opened(self, opened: Opened) -> None:
        self._keep(opened.photo)
        if self._returning_to is not None:
            self._return(opened.photo)
            return
        self._set_opening("")
        name = opened.photo.path.name
        self.notice_cleared.emit("failure")

        def opens(project: Project) -> Project:
            return open_source(project, opened.source, opened.faces)

        same = self.photo is not None and self.photo.digest == opened.photo.digest
        if self.project.source is None:
            self.session.start(opens(Project()))
        else:
            self.session.edit(opens, f"Open {name}")
        if same:
            self._set_photo(opened.photo)
        if opened.clip is not None:
            self.bridge.track(opened.clip)
        elif not opened.faces:
            self.notice_raised.emit(Notice.of_no_face(name, self.box_wanted.emit))
        if opened.photo.notes:
            self.notice_raised.emit(Notice.of_notes(name, opened.photo.notes))

    def _keep(self, photo: Photo) -> None:
        """Photos stay at hand for undo, the oldest are let go."""
        self._photos[photo.digest] = photo
        self._photos.move_to_end(photo.digest)
        while (
            len(self._photos) > 1
            and sum(kept.pixels.nbytes for kept in self._photos.values()) > _KEPT_BYTES
        ):
            self._photos.popitem(last=False)

    def _forget(self) -> None:
        """The document is empty, and undo leads nowhere: no photo is needed at hand."""
        self._photos.clear()
        self.bridge.forget()

    def _return(self, photo: Photo) -> None:
        """Undo led back to a photo that had to be read again."""
        self._returning_to = None
        self._set_opening("")
        source = self.project.source
        if source is not None and source.digest == photo.digest:
            self._set_photo(photo)
            self.render()
        else:
            text = f"{photo.path} is another picture than before. Put the old one back, or open another photo."
            self.notice_raised.emit(Notice.failure("The photo has changed on the disk", text))

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

    # The document ---------------------------------------------------------------------------------

    def _project_changed(self, before: Project, after: Project) -> None:
        old, new = before.source, after.source
        if new is None:
            self._set_photo(None)
        elif old is None or old.digest != new.digest:
            if new.digest not in self._photos:
                self.read_source()
                return
            self._set_photo(self._photos[new.digest])
        if after.faces:
            self.notice_cleared.emit("no-face")
        self._steady.follow(after)
        self.render()

    def read_source(self) -> None:
        """Read the document's photo or clip again if it is not on the screen, as when its file was missing and is found."""
        source = self.project.source
        if source is not None and (self.photo is None or self.photo.digest != source.digest):
            self._returning_to = source.digest
            self._set_opening(Path(source.path).name)
            self.bridge.open_photo(source.path)

    def _set_photo(self, photo: Photo | None) -> None:
        if photo is not self.photo:
            self.photo = photo
            self.notice_cleared.emit("no-face")
            self.photo_changed.emit(photo)

    def set_view_side(self, side: int) -> None:
        """Longest side, in device pixels, at which drafts are shown."""
        self._view_side = min(side, _LARGEST_DRAFT)

    def render(self) -> None:
        """Ask for the picture of the present document under the playhead; the newest request wins."""
        project, source = self.project, self.project.source
        if self.photo is None or source is None or source.digest != self.photo.digest:
            return
        if project.faces or project.is_moving:
            frame = self.playhead.frame
            beside = beside_frame(project, frame)
            moving = self.playhead.is_playing
            seen = self._steady.shown(project)
            self.bridge.request(
                seen, self.photo, self._view_side, frame=frame, beside=beside, moving=moving
            )

    def _speed_changed(self, speed: float) -> None:
        self._pace = Pace()
        if speed == 0:
            self.pace_changed.emit(0.0)
            self.render()  # the full picture of where it stopped

    def _count_frame(self, frame: Frame) -> None:
        if self.playhead.is_playing and (pace := self._pace.count(frame.request.frame)) is not None:
            self.pace_changed.emit(pace)

    @property
    def auto_key(self) -> bool:
        """Whether a slider that moves sets a key on the frame under the playhead."""
        return self._auto_key

    def set_auto_key(self, on: bool) -> None:
        """Let sliders set keys, or move whole curves."""
        if on is not self._auto_key:
            self._auto_key = on
            self.auto_key_changed.emit(on)

    def edit(
        self, function: Callable[[Project], Project], label: str, merge_key: Hashable = None
    ) -> None:
        """One edit of the document; what the document refuses is told in a notice, and nothing has changed then."""
        try:
            self.session.edit(function, label, merge_key)
        except (ProjectError, CurveError) as error:
            self.notice_raised.emit(Notice(kind="warning", title=str(error), topic="edit"))
        else:
            self.notice_cleared.emit("edit")

    def set_values(
        self, values: Mapping[str, float], label: str, merge_key: Hashable = None
    ) -> None:
        """Several controls of the chosen face under the playhead, as one step."""
        frame, auto_key = self.playhead.frame, self._auto_key
        self.edit(
            lambda project: set_controls(project, values, frame=frame, auto_key=auto_key),
            label,
            merge_key,
        )

    def choose_face(self, index: int) -> None:
        """The controls speak of another face."""
        self.edit(lambda project: choose_face(project, index), f"Choose face {index + 1}")

    def observe_box(self, box: Box) -> None:
        """Read the face in a box drawn by hand, image pixels."""
        if self.photo is None or self.project.clip is not None:
            return
        width, height = self.photo.width - 0.5, self.photo.height - 0.5
        inside = Box(
            max(box.left, -0.5), max(box.top, -0.5), min(box.right, width), min(box.bottom, height)
        )
        self.bridge.observe(self.photo, inside)

    def protect(self, box: Box) -> None:
        """The ellipse in a box, image pixels, stays as it is, with a soft edge."""
        soft = round(REGION_FEATHER * min(box.width, box.height), 1)
        self.edit(
            lambda project: add_region(project, Region(box=box, feather=soft)), "Protect an area"
        )

    def protect_nothing(self) -> None:
        """No part of the picture is protected any more."""
        self.edit(without_regions, "Protect nothing")

    def _face_observed(self, face: Face) -> None:
        self.edit(lambda project: add_face(project, face), "Add a face")

    # Controls -------------------------------------------------------------------------------------

    def set_row(self, key: str, value: float, gesture: int) -> None:
        """A row was moved: one step of the history per gesture."""
        spec = rows()[key]
        label = f"{row_label(spec)} {spec.text(value)}"
        frame, auto_key = self.playhead.frame, self._auto_key
        self.edit(
            lambda project: set_control(
                project, spec.ids[0], value, frame=frame, auto_key=auto_key
            ),
            label,
            (key, gesture),
        )

    def set_gaze(self, x: float, y: float, gesture: int) -> None:
        """The gaze pad was moved."""
        self.set_values(gaze_settings(x, y), f"Gaze {describe_gaze(x, y)}", ("gaze", gesture))

    def turn_head(self, yaw: float, pitch: float, roll: float, gesture: int) -> None:
        """The head was dragged by so many degrees since the gesture began."""
        if self._turning[0] != gesture:
            now = shown(self.project, self.playhead.frame)
            self._turning = gesture, {angle: now[angle] for angle in ("yaw", "pitch", "roll")}
        moved = {"yaw": yaw, "pitch": pitch, "roll": roll}
        settings = {angle: start + moved[angle] for angle, start in self._turning[1].items()}
        self.set_values(settings, "Turn the head", ("head", gesture))

    def reset_row(self, key: str, gesture: int) -> None:
        """The photo's own value of a row, or of the whole gaze, again."""
        if key == "gaze":
            ids = tuple(i for number in GAZE_UNITS for i in AU_BY_NUMBER[number].control_ids)
            name = "the gaze"
        else:
            ids, name = rows()[key].ids, row_label(rows()[key])

        def reset(project: Project) -> Project:
            for control in ids:
                project = reset_control(project, control)
            return project

        self.edit(reset, f"Reset {name}", (key, gesture))

    def reset_all(self) -> None:
        """The chosen face as it was opened."""
        if self.project.face is not None:
            self.edit(reset_all, "Reset all")

    def link(self, number: int, linked: bool) -> None:
        """Move both sides of an Action Unit together, or apart."""
        label = f"{'Link' if linked else 'Unlink'} AU{number}"
        frame = self.playhead.frame
        self.edit(lambda project: link_unit(project, number, linked, frame=frame), label)

    def go_to(self, position: int) -> None:
        """To the state after so many steps of the history."""
        while self.session.position > position and self.session.undo_label is not None:
            self.session.undo()
        while self.session.position < position and self.session.redo_label is not None:
            self.session.redo()

    def copied_expression(self) -> str:
        """The expression (not the pose) of the chosen face as JSON, which ``icface render --edits`` reads too."""
        return expression_text(self.project, self.playhead.frame)

    def paste_expression(self, text: str) -> None:
        """Take over an expression that was copied, or any JSON of controls and values."""
        if self.project.face is None:
            return
        try:
            settings = read_settings(text)
        except ValueError as error:
            self.notice_raised.emit(
                Notice(
                    kind="warning",
                    title="There is no expression to paste",
                    text=str(error),
                    topic="paste",
                )
            )
            return
        self.set_values(settings, "Paste expression")


def build_studio(renderer: Renderer | None = None) -> Studio:
    """A session with an engine of its own; ``studio.bridge.close()`` ends the engine's thread."""
    made = renderer or Renderer()
    return Studio(Session(), RenderBridge(RenderEngine(made.render), made))
