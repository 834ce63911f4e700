"""Stable readings for the preview of an edited clip, so that it looks as it will be exported.

They are computed once, in the background.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.editor.render_bridge import RenderBridge
from icface.document import Face, Project
from icface.jobs import Progress
from icface.motion.motion import Motion
from icface.rendering.stabilising import steady_motion


class SteadyPreview(QObject):
    """The edited faces of the open clip with stable readings; until these are computed, as read.

    Parameters
    ----------
    bridge : RenderBridge
        Runs the computation.
    parent : QObject
    """

    ready = Signal()
    """New readings are there: the document must be rendered again."""

    def __init__(self, bridge: RenderBridge, parent: QObject) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._steady: list[tuple[Motion, Face | None]] = []  # None while it is being computed

    def follow(self, project: Project) -> None:
        """Begin with faces that are edited now, and drop those of another clip."""
        present = [face.motion for face in project.faces if face.motion is not None]
        self._steady = [
            (motion, face)
            for motion, face in self._steady
            if face is None or any(motion is one for one in present)
        ]
        name = "" if project.clip is None else Path(project.clip.path).name
        for face, edits in zip(project.faces, project.edits, strict=True):
            motion = face.motion
            if (
                motion is not None
                and motion.landmarks is not None
                and edits.changes_something
                and not any(motion is known for known, _ in self._steady)
            ):
                self._steady.append((motion, None))
                work = _made_steady(motion, f"Stabilising the readings of {name}")
                self._bridge.run(work, partial(self._keep, motion))

    def shown(self, project: Project) -> Project:
        """The document with the stable readings there are; the same object if there are none."""
        known = {id(motion): face for motion, face in self._steady if face is not None}
        pairs = zip(project.faces, project.edits, strict=True)
        faces = tuple(
            known.get(id(face.motion), face) if edits.changes_something else face
            for face, edits in pairs
        )
        same = all(new is old for new, old in zip(faces, project.faces, strict=True))
        return project if same else replace(project, faces=faces)

    def forget(self) -> None:
        """Give up what is being computed, since it was cancelled; the next edit begins again."""
        self._steady = [pair for pair in self._steady if pair[1] is not None]

    def _keep(self, motion: Motion, face: Face) -> None:
        self._steady = [pair for pair in self._steady if pair[0] is not motion]
        self._steady.append((motion, face))
        self.ready.emit()


def _made_steady(motion: Motion, text: str) -> Generator[Progress, None, Face]:
    yield Progress(0, 1, text)
    steps = steady_motion(motion)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return Face.of_motion(end.value)
        yield Progress(0, 1, text)
