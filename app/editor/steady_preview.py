"""What is seen of an edited clip is what will be exported: its readings are made steady once, beside the work."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.editor.render_bridge import RenderBridge
from icface.document import Face, Project
from icface.jobs import Progress
from icface.motion.motion import Motion
from icface.rendering.stabilising import steady_motion


class SteadyPreview(QObject):
    """Keeps the faces of the clip that is open with steady readings, those that are edited. Until they are there, as they are.

    Parameters
    ----------
    bridge : RenderBridge
        Whose engine works them out.
    parent : QObject
    """

    ready = Signal()
    """The pictures of a document differ from now on."""

    def __init__(self, bridge: RenderBridge, parent: QObject) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._steady: list[tuple[Motion, Face]] = []
        self._running: dict[int, Motion] = {}
        bridge.job_finished.connect(self._finished)

    def follow(self, project: Project) -> None:
        """Begin with faces that are edited now; let go of those of another clip."""
        present = [face.motion for face in project.faces if face.motion is not None]
        self._steady = [
            pair for pair in self._steady if any(pair[0] is motion for motion in present)
        ]
        for face, edits in zip(project.faces, project.edits, strict=True):
            motion = face.motion
            if (
                motion is None
                or motion.landmarks is None
                or not edits.changes_something
                or self._is_known(motion)
            ):
                continue
            name = "" if project.clip is None else Path(project.clip.path).name
            self._running[
                self._bridge.run(_made_steady(motion, f"Making the readings of {name} steady"))
            ] = motion

    def shown(self, project: Project) -> Project:
        """The document with steady readings, as far as there are any; the very same one if none of its faces has them."""
        known = {id(motion): face for motion, face in self._steady}
        pairs = zip(project.faces, project.edits, strict=True)
        faces = tuple(
            known.get(id(face.motion), face) if edits.changes_something else face
            for face, edits in pairs
        )
        same = all(new is old for new, old in zip(faces, project.faces, strict=True))
        return project if same else replace(project, faces=faces)

    def forget(self) -> None:
        """What is being worked out was cancelled; the next edit begins again."""
        self._running.clear()

    def _is_known(self, motion: Motion) -> bool:
        return any(
            motion is other
            for other in (*self._running.values(), *(one for one, _ in self._steady))
        )

    def _finished(self, number: int, value: object) -> None:
        motion = self._running.pop(number, None)
        if motion is not None and isinstance(value, Face):
            self._steady.append((motion, value))
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
