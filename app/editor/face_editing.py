"""Edits of the selected face: controls, gaze, pose, expressions and protected areas."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from PySide6.QtCore import QObject, Signal

from app.control_rows import GAZE_UNITS, describe_gaze, gaze_settings, row_label, rows
from app.editor.expression_clipboard import expression_text, read_settings
from app.editor.open_photos import OpenPhotos
from app.editor.playhead import Playhead
from app.editor.render_bridge import RenderBridge
from app.editor.session import Session
from app.errors import Notice
from icface.document import Face, Project, ProjectError, Region
from icface.document.edits import (
    add_face,
    add_region,
    choose_face,
    link_unit,
    reset_all,
    reset_control,
    set_control,
    set_controls,
    without_regions,
)
from icface.document.mixing import shown
from icface.face.controls import AU_BY_NUMBER
from icface.face.geometry import Box

REGION_FEATHER = 0.12
"""Width of the soft edge of a protected area, as a share of its smaller side."""


class FaceEditing(QObject):
    """Everything that sliders, the gaze pad and the canvas do to a face.

    Parameters
    ----------
    session : Session
    playhead : Playhead
        Values are set on its frame.
    photos : OpenPhotos
    bridge : RenderBridge
    parent : QObject, optional
    """

    auto_key_changed = Signal(bool)
    """Whether a slider that moves sets a key."""
    notice_raised = Signal(object)
    """A `Notice`."""

    def __init__(
        self,
        session: Session,
        playhead: Playhead,
        photos: OpenPhotos,
        bridge: RenderBridge,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._playhead = playhead
        self._photos = photos
        self._bridge = bridge
        self._auto_key = False
        self._turning: tuple[int, dict[str, float]] = (0, {})  # gesture, angles where it began
        bridge.face_observed.connect(self._face_observed)

    @property
    def auto_key(self) -> bool:
        """Whether a slider that moves sets a key on the frame under the playhead."""
        return self._auto_key

    def set_auto_key(self, on: bool) -> None:
        """Let sliders set keys, or move whole curves."""
        if on is not self._auto_key:
            self._auto_key = on
            self.auto_key_changed.emit(on)

    def set_values(
        self, values: Mapping[str, float], label: str, merge_key: Hashable = None
    ) -> None:
        """Set several controls of the selected face at the playhead, as one step."""
        frame, auto_key = self._playhead.frame, self._auto_key
        self._session.try_edit(
            lambda project: set_controls(
                _counting(project, frame), values, frame=frame, auto_key=auto_key
            ),
            label,
            merge_key,
        )

    def choose_face(self, index: int) -> None:
        """Select the face that the controls edit."""
        self._session.try_edit(
            lambda project: choose_face(project, index), f"Choose face {index + 1}"
        )

    def observe_box(self, box: Box) -> None:
        """Read the face in a drawn box, image pixels; the box is cut at the photo's edges."""
        photo = self._photos.photo
        if photo is None or self._session.project.clip is not None:
            return
        width, height = photo.width - 0.5, photo.height - 0.5
        inside = Box(
            max(box.left, -0.5), max(box.top, -0.5), min(box.right, width), min(box.bottom, height)
        )
        self._bridge.observe(photo, inside)

    def protect(self, box: Box) -> None:
        """Protect the ellipse in a box, image pixels, with a soft edge, from all edits."""
        soft = round(REGION_FEATHER * min(box.width, box.height), 1)
        self._session.try_edit(
            lambda project: add_region(project, Region(box=box, feather=soft)), "Protect an area"
        )

    def clear_protection(self) -> None:
        """Clear all protected areas."""
        self._session.try_edit(without_regions, "Clear protected areas")

    def _face_observed(self, face: Face) -> None:
        self._session.try_edit(lambda project: add_face(project, face), "Add a face")

    def set_row(self, key: str, value: float, gesture: int) -> None:
        """Set the control of a row; one gesture is one step of the history."""
        spec = rows()[key]
        label = f"{row_label(spec)} {spec.text(value)}"
        frame, auto_key = self._playhead.frame, self._auto_key
        self._session.try_edit(
            lambda project: set_control(
                _counting(project, frame), spec.ids[0], value, frame=frame, auto_key=auto_key
            ),
            label,
            (key, gesture),
        )

    def set_gaze(self, x: float, y: float, gesture: int) -> None:
        """Turn both eyes, as the gaze pad asks."""
        self.set_values(gaze_settings(x, y), f"Gaze {describe_gaze(x, y)}", ("gaze", gesture))

    def turn_head(self, yaw: float, pitch: float, roll: float, gesture: int) -> None:
        """Turn the head by degrees counted from where the gesture began."""
        if self._turning[0] != gesture:
            now = shown(self._session.project, self._playhead.frame)
            self._turning = gesture, {angle: now[angle] for angle in ("yaw", "pitch", "roll")}
        moved = {"yaw": yaw, "pitch": pitch, "roll": roll}
        settings = {angle: start + moved[angle] for angle, start in self._turning[1].items()}
        self.set_values(settings, "Turn the head", ("head", gesture))

    def reset_row(self, key: str, gesture: int) -> None:
        """Reset a row, or the whole gaze, to the photo's own value."""
        if key == "gaze":
            ids = tuple(i for number in GAZE_UNITS for i in AU_BY_NUMBER[number].control_ids)
            name = "the gaze"
        else:
            ids, name = rows()[key].ids, row_label(rows()[key])

        def reset(project: Project) -> Project:
            for control in ids:
                project = reset_control(project, control)
            return project

        self._session.try_edit(reset, f"Reset {name}", (key, gesture))

    def reset_all(self) -> None:
        """Reset the selected face to how it was opened."""
        if self._session.project.face is not None:
            self._session.try_edit(reset_all, "Reset all")

    def link(self, number: int, linked: bool) -> None:
        """Move both sides of an Action Unit together, or apart."""
        label = f"{'Link' if linked else 'Unlink'} AU{number}"
        frame = self._playhead.frame
        self._session.try_edit(
            lambda project: link_unit(project, number, linked, frame=frame), label
        )

    def copied_expression(self) -> str:
        """Expression of the selected face, without its pose, as JSON.

        ``icface render --edits`` reads it too.
        """
        return expression_text(self._session.project, self._playhead.frame)

    def paste_expression(self, text: str) -> None:
        """Apply a copied expression, or any JSON of controls and values."""
        if self._session.project.face is None:
            return
        try:
            settings = read_settings(text)
        except ValueError as error:
            self.notice_raised.emit(
                Notice(
                    kind="warning",
                    title="No expression to paste",
                    text=str(error),
                    topic="paste",
                )
            )
            return
        self.set_values(settings, "Paste expression")


def _counting(project: Project, frame: int) -> Project:
    """The project itself where edits count in a frame; `ProjectError` outside the blend."""
    edits = project.face_edits
    if edits is not None and edits.blend is not None and edits.weight(frame) == 0:
        raise ProjectError(
            f"Frame {frame} is outside the blend, frames {edits.blend.first} to "
            f"{edits.blend.last}, so edits do not count in it. Go to a frame inside the blend, "
            "or remove the blend: right-click the time ruler."
        )
    return project
