"""A timeline over a moving document, without the rest of the window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.editor.playhead import Playhead
from app.editor.session import Session
from app.timeline.lanes import Lanes
from app.timeline.panel import TimelinePanel
from icface.document import Project, edits
from icface.document.curves import Track
from icface.face.controls import ControlVector
from icface.motion.motion import Motion
from tests.strategies import a_clip_project, a_motion

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
LENGTH = 100


def moving_project() -> Project:
    """A clip of 100 frames with no face in 60 to 64, low confidence in 30 to 33, and two tracks."""
    smile = [
        ControlVector.of({"mouthSmile_L": n / 200, "mouthSmile_R": n / 200, "yaw": n / 10})
        for n in range(LENGTH)
    ]
    motion = a_motion([None if 60 <= n < 65 else state for n, state in enumerate(smile)])
    project = a_clip_project(less_sure(motion, 30, 34))
    for frame, value in ((10, 0.0), (40, 0.3), (80, 0.1)):
        for target in ("AU12L", "AU12R"):
            project = edits.set_key(project, target, frame, value)
    for frame, value in ((20, 0.0), (50, 12.0)):
        project = edits.set_key(project, "yaw", frame, value)
    return project


def less_sure(motion: Motion, first: int, last: int) -> Motion:
    confidence = np.array(motion.confidence)
    confidence[first:last] = 0.3
    return replace(motion, confidence=confidence)


class Stand:
    """A timeline panel with its session and playhead, connected as in the window."""

    def __init__(self, project: Project) -> None:
        self.session = Session(project)
        self.playhead = Playhead(self.session)
        self.panel = TimelinePanel(self.session, self.playhead)
        self.session.setParent(self.panel)
        self.playhead.setParent(self.panel)
        self.session.project_changed.connect(self.panel.apply)
        self.refused: list[str] = []
        self.panel.refused.connect(self.refused.append)
        self.session.edit_refused.connect(self.refused.append)

    @property
    def lanes(self) -> Lanes:
        return self.panel.lanes

    @property
    def project(self) -> Project:
        return self.session.project

    def track(self, target: str) -> Track:
        edits_of_face = self.project.face_edits
        assert edits_of_face is not None
        track = edits_of_face.track(target)
        assert track is not None
        return track

    def frames(self, target: str) -> tuple[int, ...]:
        return self.track(target).frames

    def key(self, lane: str, frame: int) -> QPointF:
        """Widget point of a frame in a lane."""
        return QPointF(self.lanes.x_of(frame), self.lanes.lane_y(lane))

    def drag_key(
        self, lane: str, frame: int, to: int, modifier: Qt.KeyboardModifier = NONE
    ) -> None:
        start = self.key(lane, frame)
        drag(self.lanes, start, QPointF(self.lanes.x_of(to), start.y()), modifier)


def mouse(
    widget: QWidget,
    kind: QEvent.Type,
    at: QPointF,
    modifier: Qt.KeyboardModifier = NONE,
    button: Qt.MouseButton = LEFT,
) -> None:
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
    event = QMouseEvent(kind, at, QPointF(widget.mapToGlobal(at)), button, held, modifier)
    QApplication.sendEvent(widget, event)


def click(
    widget: QWidget,
    at: QPointF,
    modifier: Qt.KeyboardModifier = NONE,
    button: Qt.MouseButton = LEFT,
) -> None:
    mouse(widget, QEvent.Type.MouseButtonPress, at, modifier, button)
    mouse(widget, QEvent.Type.MouseButtonRelease, at, modifier, button)


def double_click(widget: QWidget, at: QPointF) -> None:
    click(widget, at)
    mouse(widget, QEvent.Type.MouseButtonDblClick, at)
    mouse(widget, QEvent.Type.MouseButtonRelease, at)


def drag(
    widget: QWidget,
    start: QPointF,
    end: QPointF,
    modifier: Qt.KeyboardModifier = NONE,
    steps: int = 6,
) -> None:
    mouse(widget, QEvent.Type.MouseButtonPress, start, modifier)
    for step in range(1, steps + 1):
        mouse(widget, QEvent.Type.MouseMove, start + (end - start) * step / steps, modifier)
    mouse(widget, QEvent.Type.MouseButtonRelease, end, modifier)
