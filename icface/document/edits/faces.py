"""Edits of faces and their sliders.

Values are absolute, as sliders show them: the reading plus keys and the stored change.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from icface.document import Clip, Face, FaceEdits, Project, ProjectError, Source
from icface.document.curves import Key, Track
from icface.document.drivers import target_name
from icface.document.edits.still_time import keyed
from icface.document.faces import sorted_deltas
from icface.document.mixing import shown, unclipped
from icface.face.controls import (
    ACTION_UNITS,
    AU_BY_NUMBER,
    CONTROL_IDS,
    ActionUnit,
    UnknownControlError,
    control_range,
)

_UNIT_OF: dict[str, ActionUnit] = {i: unit for unit in ACTION_UNITS for i in unit.control_ids}
_KNOWN = frozenset(CONTROL_IDS)
_DECIMALS = 9
"""Changes are kept to a billionth: enough for any slider, and no rounding noise stands for a
change."""


def open_source(project: Project, source: Source | Clip, faces: Iterable[Face]) -> Project:
    """The document with another photo or clip, its faces untouched and the first of them chosen.

    A clip brings its frame rate along.
    """
    found = tuple(faces)
    rate, length = (
        (source.rate, None) if isinstance(source, Clip) else (project.rate, project.length)
    )
    edits, chosen = (FaceEdits(),) * len(found), 0 if found else None
    return replace(
        project,
        source=source,
        faces=found,
        face_index=chosen,
        edits=edits,
        rate=rate,
        length=length,
    )


def choose_face(project: Project, index: int) -> Project:
    """Another face chosen, by index from 0; `ProjectError` if there is none."""
    return project if index == project.face_index else replace(project, face_index=index)


def add_face(project: Project, face: Face) -> Project:
    """The document with one more face, which becomes the chosen one."""
    faces, edits = (*project.faces, face), (*project.edits, FaceEdits())
    return replace(project, faces=faces, face_index=len(faces) - 1, edits=edits)


def set_faces(project: Project, faces: Iterable[Face]) -> Project:
    """The faces of the source replaced, such as after tracking.

    The first faces keep their edits.
    """
    found = tuple(faces)
    edits = (*project.edits[: len(found)], *(FaceEdits(),) * (len(found) - len(project.edits)))
    chosen = None if not found else min(project.face_index or 0, len(found) - 1)
    return replace(project, faces=found, face_index=chosen, edits=edits)


def set_control(
    project: Project, control: str, value: float, *, frame: int = 0, auto_key: bool = False
) -> Project:
    """A control set to a value: both sides of a linked Action Unit, else the one control.

    Parameters
    ----------
    project : Project
        With a chosen face.
    control : str
        An id of `CONTROL_IDS`; either side stands for a linked unit.
    value : float
        Absolute; degrees or 0..1 (AU30 -1..1), clamped to the control's range.
    frame : int
        Where the playhead stands: the frame in which the slider is to show the value.
    auto_key : bool
        The value becomes a key on the frame. Otherwise a key on the frame takes the value, and
        where there is none it becomes a change that counts in all frames: the curve of a keyed
        control moves as a whole.

    Raises
    ------
    UnknownControlError, ProjectError
        For a name that means nothing, a value that is not a number, when no face is chosen or seen
        in the frame, or when the value would become a key of a locked track.
    """
    _, edits = chosen(project)
    return set_controls(
        project, dict.fromkeys(moving_with(edits, control), value), frame=frame, auto_key=auto_key
    )


def set_controls(
    project: Project, values: Mapping[str, float], *, frame: int = 0, auto_key: bool = False
) -> Project:
    """Several controls set at once, only those named; a unit whose sides differ is unlinked.

    See `set_control` for the values and the errors.
    """
    index, edits = chosen(project)
    if project.faces[index].at(frame) is None:
        raise ProjectError(
            f"The face is not to be seen in frame {frame}; go to a frame that shows it."
        )
    now, whole = shown(project, frame), unclipped(project, frame)
    changes: dict[str, float] = {}
    for control, value in values.items():
        wanted = _wanted(control, value)
        if wanted != now[control] or (auto_key and not _has_key(edits, control, frame)):
            changes[control] = wanted - whole[control]
            now[control] = wanted
    parted = {
        unit.number for unit in _sided_units(changes) if len({now[i] for i in unit.control_ids}) > 1
    }
    edits = replace(edits, unlinked=edits.unlinked | parted)
    to_keys = changes if auto_key else _of_keys(edits, changes, frame)
    shifts = {control: by for control, by in changes.items() if control not in to_keys}
    changed = _keyed_by(_shifted_by(edits, shifts), to_keys, whole, frame)
    return with_edits(keyed(project) if to_keys and changed.tracks else project, index, changed)


def _of_keys(edits: FaceEdits, changes: Mapping[str, float], frame: int) -> dict[str, float]:
    """The changes of controls with a key on a frame that counts, so that the key changes."""
    here = {track.target for track in edits.heard if track.key_at(frame) is not None}
    return {control: by for control, by in changes.items() if control in here}


def _wanted(control: str, value: float) -> float:
    _require_known(control)
    if not math.isfinite(value):
        raise ProjectError(f"{control} cannot be {value:g}; give a number.")
    low, high = control_range(control)
    return min(max(float(value), low), high)


def _has_key(edits: FaceEdits, control: str, frame: int) -> bool:
    track = edits.track(control)
    return track is not None and track.key_at(frame) is not None


def _shifted_by(edits: FaceEdits, changes: Mapping[str, float]) -> FaceEdits:
    deltas = edits.by_control()
    for control, change in changes.items():
        deltas[control] = round(deltas.get(control, 0.0) + change, _DECIMALS)
    return replace(edits, deltas=sorted_deltas(deltas))


def _keyed_by(
    edits: FaceEdits, changes: Mapping[str, float], whole: Mapping[str, float], frame: int
) -> FaceEdits:
    """The edits with keys on a frame that change the shown values by these amounts."""
    deltas, tracks = edits.by_control(), {track.target: track for track in edits.tracks}
    for control, change in changes.items():
        track = tracks.get(control)
        if (
            track is None
        ):  # what the slider had changed becomes the key, so that the other frames keep it
            value = round(deltas.pop(control, 0.0) + change, _DECIMALS)
            tracks[control] = Track(control, (Key(frame=frame, value=value),))
            continue
        require_unlocked(track)
        now = track.value(frame)
        if now is None:  # at rest here: the key starts from what is shown without it
            now = 0.0 if track.mode == "delta" else whole[control] - deltas.get(control, 0.0)
        old = track.key_at(frame)
        value = round(now + change, _DECIMALS)
        key = replace(old, value=value) if old else Key(frame=frame, value=value)
        tracks[control] = replace(track, keys=Track.of(control, (*track.keys, key)).keys)
    ordered = tuple(tracks[target] for target in sorted(tracks))
    return replace(edits, deltas=sorted_deltas(deltas), tracks=ordered)


def reset_control(project: Project, control: str) -> Project:
    """A control reset to the photo's own value, to the bit, its keys removed.

    Both sides of a linked unit are reset.
    """
    index, edits = chosen(project)
    gone = moving_with(edits, control)
    for track in edits.tracks:
        if track.target in gone:
            require_unlocked(track)
    deltas = {name: amount for name, amount in edits.deltas if name not in gone}
    tracks = tuple(track for track in edits.tracks if track.target not in gone)
    return with_edits(project, index, replace(edits, deltas=sorted_deltas(deltas), tracks=tracks))


def reset_all(project: Project) -> Project:
    """The chosen face without slider changes, keys and unlinked units; its drivers stay.

    Raises
    ------
    ProjectError
        If no face is chosen, or a track is locked.
    """
    index, edits = chosen(project)
    for track in edits.tracks:
        require_unlocked(track)
    return with_edits(project, index, FaceEdits(mix=edits.mix))


def can_reset(project: Project) -> bool:
    """Whether `reset_all` would change something."""
    edits = project.face_edits
    return edits is not None and edits != FaceEdits(mix=edits.mix)


def link_unit(project: Project, number: int, linked: bool, *, frame: int = 0) -> Project:
    """The left and right of an Action Unit linked or set apart.

    Linking a unit of which a side was changed moves both sides to their mean; one that was never
    touched stays exactly as the photo has it.

    Raises
    ------
    UnknownControlError
        For an Action Unit that does not exist.
    ProjectError
        For one without sides, or when no face is chosen.
    """
    index, edits = chosen(project)
    if number not in AU_BY_NUMBER:
        known = ", ".join(str(n) for n in sorted(AU_BY_NUMBER))
        raise UnknownControlError(f"There is no AU{number}; use one of {known}.")
    if not linked:
        return with_edits(project, index, replace(edits, unlinked=edits.unlinked | {number}))
    joined = with_edits(project, index, replace(edits, unlinked=edits.unlinked - {number}))
    ids = AU_BY_NUMBER[number].control_ids
    if number not in edits.unlinked or not any(name in ids for name, _ in edits.deltas):
        return joined
    now = shown(project, frame)
    return set_controls(
        joined, dict.fromkeys(ids, sum(now[i] for i in ids) / len(ids)), frame=frame
    )


def chosen(project: Project) -> tuple[int, FaceEdits]:
    """The index of the chosen face, and its edits; `ProjectError` while none is chosen."""
    if project.face_index is None:
        raise ProjectError("No face is chosen; choose one, or draw a box around it.")
    return project.face_index, project.edits[project.face_index]


def require_unlocked(track: Track) -> None:
    """`ProjectError` for a locked track."""
    if track.locked:
        raise ProjectError(
            f"{target_name(track.target)} is locked; unlock its lane in the timeline first."
        )


def moving_with(edits: FaceEdits, control: str) -> tuple[str, ...]:
    """The controls that a slider moves: both sides of a linked Action Unit, else the one."""
    _require_known(control)
    unit = _UNIT_OF.get(control)
    return (control,) if unit is None or unit.number in edits.unlinked else unit.control_ids


def _require_known(control: str) -> None:
    if control not in _KNOWN:
        raise UnknownControlError(
            f"Unknown control {control!r}; use an id of icface.face.controls.CONTROL_IDS."
        )


def _sided_units(controls: Iterable[str]) -> list[ActionUnit]:
    return [
        unit
        for control in controls
        if (unit := _UNIT_OF.get(control)) is not None and len(unit.sides) > 1
    ]


def with_edits(project: Project, index: int, edits: FaceEdits) -> Project:
    """The document with other edits of one face; the same object if they are equal."""
    if edits == project.edits[index]:
        return project
    return replace(project, edits=(*project.edits[:index], edits, *project.edits[index + 1 :]))
