"""Which actions of the window have an object; the others are disabled."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QAction

from app.editor.studio import Studio
from icface.document.edits import can_reset

_OF_A_PICTURE = (
    "save_image",
    "export",
    "fit",
    "actual",
    "zoom_in",
    "zoom_out",
    "before",
    "wipe",
    "protect",
)


def enable_actions(actions: Mapping[str, QAction], studio: Studio) -> None:
    """Enable the actions on picture, face and history that have something to act on."""
    project, has_picture = studio.project, studio.photo is not None
    for names, useful in (
        (_OF_A_PICTURE, has_picture),
        (("draw_box",), has_picture and project.clip is None),
        (("copy", "paste"), project.face is not None),
        (("reset",), can_reset(project)),
        (("unprotect",), bool(project.regions)),
        (("history",), bool(studio.session.labels)),
        (("beside",), bool(project.drivers)),
    ):
        for name in names:
            actions[name].setEnabled(useful)
