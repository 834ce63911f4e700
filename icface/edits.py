"""Every edit of the document as a pure function from one `Project` to the next.

An edit that changes nothing returns the very project it was given; all others share what they leave alone.
Values are absolute, as sliders show them: the photo's reading plus the stored change.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from icface.controls import ACTION_UNITS, AU_BY_NUMBER, CONTROL_IDS, ActionUnit, UnknownControlError, control_range
from icface.project import Face, FaceEdits, Project, ProjectError, Source, shown_values

_UNIT_OF: dict[str, ActionUnit] = {i: unit for unit in ACTION_UNITS for i in unit.control_ids}
_KNOWN = frozenset(CONTROL_IDS)
_DECIMALS = 9
"""Changes are kept to a billionth: enough for any slider, and no rounding noise stands for a change."""


def open_source(project: Project, source: Source, faces: Iterable[Face]) -> Project:
    """The document with another photo, its faces untouched and the first of them chosen."""
    found = tuple(faces)
    chosen = 0 if found else None
    return replace(project, source=source, faces=found, face_index=chosen, edits=(FaceEdits(),) * len(found))


def choose_face(project: Project, index: int) -> Project:
    """The sliders speak of another face; `ProjectError` if there is none of that index, counted from 0."""
    return project if index == project.face_index else replace(project, face_index=index)


def add_face(project: Project, face: Face) -> Project:
    """One more face, as after a box drawn by hand; it is chosen."""
    faces, edits = (*project.faces, face), (*project.edits, FaceEdits())
    return replace(project, faces=faces, face_index=len(faces) - 1, edits=edits)


def set_control(project: Project, control: str, value: float) -> Project:
    """A slider moved: both sides of a linked Action Unit, else the one control.

    Parameters
    ----------
    project : Project
        With a chosen face.
    control : str
        An id of `CONTROL_IDS`; either side stands for a linked unit.
    value : float
        Absolute; degrees or 0..1 (AU30 -1..1), clamped to the control's range.

    Raises
    ------
    UnknownControlError, ProjectError
        For a name that means nothing, a value that is not a number, or when no face is chosen.
    """
    _, _, edits = _chosen(project)
    return set_controls(project, dict.fromkeys(_moving_with(edits, control), value))


def set_controls(project: Project, values: Mapping[str, float]) -> Project:
    """Several controls at once, exactly those named; a unit whose two sides come apart is unlinked.

    See `set_control` for the values and the errors.
    """
    index, face, edits = _chosen(project)
    shown = shown_values(face, edits)
    deltas, changed = edits.by_control(), []
    for control, value in values.items():
        _require_known(control)
        if not math.isfinite(value):
            raise ProjectError(f"{control} cannot be {value:g}; give a number.")
        low, high = control_range(control)
        wanted = min(max(float(value), low), high)
        if wanted != shown[control]:
            deltas[control] = round(wanted - face.readings[control], _DECIMALS)
            shown[control] = wanted
            changed.append(control)
    parted = {unit.number for unit in _sided_units(changed) if len({shown[i] for i in unit.control_ids}) > 1}
    return _with_edits(project, index, FaceEdits.of(deltas, edits.unlinked | parted))


def reset_control(project: Project, control: str) -> Project:
    """The photo's own value again, to the bit: of both sides of a linked unit, else of the one control."""
    index, _, edits = _chosen(project)
    gone = _moving_with(edits, control)
    kept = {name: amount for name, amount in edits.deltas if name not in gone}
    return _with_edits(project, index, FaceEdits.of(kept, edits.unlinked))


def reset_all(project: Project) -> Project:
    """The chosen face as it was opened, links included."""
    index, _, _ = _chosen(project)
    return _with_edits(project, index, FaceEdits())


def link_unit(project: Project, number: int, linked: bool) -> Project:
    """Set the left and right of an Action Unit together or apart.

    Linking a unit of which a side was changed moves both sides to their mean; one that was never touched stays exactly
    as the photo has it.

    Raises
    ------
    UnknownControlError
        For an Action Unit that does not exist.
    ProjectError
        For one without sides, or when no face is chosen.
    """
    index, face, edits = _chosen(project)
    if number not in AU_BY_NUMBER:
        known = ", ".join(str(n) for n in sorted(AU_BY_NUMBER))
        raise UnknownControlError(f"There is no AU{number}; use one of {known}.")
    if not linked:
        return _with_edits(project, index, replace(edits, unlinked=edits.unlinked | {number}))
    joined = _with_edits(project, index, replace(edits, unlinked=edits.unlinked - {number}))
    ids = AU_BY_NUMBER[number].control_ids
    if number not in edits.unlinked or not any(name in ids for name, _ in edits.deltas):
        return joined
    shown = shown_values(face, edits)
    return set_controls(joined, dict.fromkeys(ids, sum(shown[i] for i in ids) / len(ids)))


def _chosen(project: Project) -> tuple[int, Face, FaceEdits]:
    if project.face_index is None:
        raise ProjectError("No face is chosen; choose one, or draw a box around it.")
    return project.face_index, project.faces[project.face_index], project.edits[project.face_index]


def _require_known(control: str) -> None:
    if control not in _KNOWN:
        raise UnknownControlError(f"Unknown control {control!r}; use an id of icface.controls.CONTROL_IDS.")


def _moving_with(edits: FaceEdits, control: str) -> tuple[str, ...]:
    _require_known(control)
    unit = _UNIT_OF.get(control)
    return (control,) if unit is None or unit.number in edits.unlinked else unit.control_ids


def _sided_units(controls: Iterable[str]) -> list[ActionUnit]:
    return [unit for control in controls if (unit := _UNIT_OF.get(control)) is not None and len(unit.sides) > 1]


def _with_edits(project: Project, index: int, edits: FaceEdits) -> Project:
    if edits == project.edits[index]:
        return project
    return replace(project, edits=(*project.edits[:index], edits, *project.edits[index + 1 :]))
