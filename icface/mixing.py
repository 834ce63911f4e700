"""What the parts of a document add up to: the state to render, and the values that sliders show."""

from __future__ import annotations

from icface.controls import CONTROL_IDS, ControlVector, apply_deltas
from icface.project import Project, ProjectError, shown_values


def resolve(project: Project, face_index: int | None = None) -> ControlVector:
    """The state to render for a face: the photo's own with the changes applied, clipped to what a face can do.

    Parameters
    ----------
    project : Project
    face_index : int, optional
        Position in ``project.faces``; the chosen face when omitted.

    Returns
    -------
    ControlVector
        The face's own vector, the same object, when nothing was changed.

    Raises
    ------
    ProjectError
        When there is no such face, or none is chosen.
    """
    index = project.face_index if face_index is None else face_index
    if index is None:
        raise ProjectError("No face is chosen; choose one, or draw a box around it.")
    if not 0 <= index < len(project.faces):
        raise ProjectError(f"Face {index} was asked for; the photo has {len(project.faces)}, counted from 0.")
    return apply_deltas(project.faces[index].controls, project.edits[index].by_control())


def readings(project: Project) -> dict[str, float]:
    """The photo's own value of every control id for the chosen face; zeros while no face is chosen."""
    return dict.fromkeys(CONTROL_IDS, 0.0) if project.face is None else dict(project.face.readings)


def shown(project: Project) -> dict[str, float]:
    """The value of every control id as its slider shows it: reading plus change; zeros while no face is chosen."""
    if project.face is None or project.face_edits is None:
        return dict.fromkeys(CONTROL_IDS, 0.0)
    return shown_values(project.face, project.face_edits)
