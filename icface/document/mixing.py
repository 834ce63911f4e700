"""The mix of a document's parts: the state to render in a frame, and the sliders' values.

From the bottom up: the face's own state in the frame, its drivers under the rules of its mix,
keyed tracks and the sliders' changes on top. All of it is pure; readings of clips are conditioned
once and kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.document import Clip, Driver, FaceEdits, MixRule, Project, ProjectError, mix_target
from icface.document.curves import Track
from icface.document.presence import presence
from icface.face.action_units import action_unit_rows
from icface.face.controls import (
    ANGLE_LIMIT_DEG,
    ANGLES,
    CHANNEL_INDEX,
    CHANNELS,
    CONTROL_IDS,
    ControlVector,
    action_units,
    control_range,
)
from icface.face.selectors import apply_deltas, between
from icface.motion.blinks import whole_blinks
from icface.motion.conditioning import (
    MissingPolicy,
    at_seconds,
    filled,
    frames_at,
    mirrored,
    smoothed,
)
from icface.motion.motion import Motion
from icface.motion.reading.fitted import counts_anew, fitted

Frames = NDArray[np.integer]

_LOWEST = np.array([-ANGLE_LIMIT_DEG[angle] for angle in ANGLES] + [0.0] * (len(CHANNELS) - 3))
_HIGHEST = np.array([ANGLE_LIMIT_DEG[angle] for angle in ANGLES] + [1.0] * (len(CHANNELS) - 3))
_KNOWN = frozenset(CONTROL_IDS)


def resolve(
    project: Project, face_index: int | None = None, *, frame: int = 0
) -> ControlVector | None:
    """The state to render for a face in a frame, clipped to what a face can do.

    Parameters
    ----------
    project : Project
    face_index : int, optional
        Position in ``project.faces``; the chosen face when omitted.
    frame : int
        At the project's rate; matters when the source or its driver moves, or something is
        keyed.

    Returns
    -------
    ControlVector or None
        The face's own vector, the same object, when nothing changes it. None where a clip does not
        show the face.

    Raises
    ------
    ProjectError
        When there is no such face, or none is chosen.
    """
    index = _index(project, face_index)
    face, edits = project.faces[index].at(frame), project.edits[index]
    if face is None:
        return None
    if not edits.changes_something:
        return face.controls
    before = _driven(project, index, frame, face.controls)
    weight = edits.weight(frame)
    amounts = (
        {name: amount * weight for name, amount in _amounts(edits, before, frame).items()}
        if weight
        else {}
    )
    after = apply_deltas(before, amounts)
    seen = presence(project.faces[index].motion, frame)
    return after if seen == 1 else between(face.controls, after, seen)


def driven(
    project: Project, face_index: int | None = None, *, frame: int = 0
) -> ControlVector | None:
    """A face's state in a frame before manual edits; None where a clip does not show the face."""
    index = _index(project, face_index)
    face = project.faces[index].at(frame)
    return None if face is None else _driven(project, index, frame, face.controls)


def readings(project: Project, frame: int = 0) -> dict[str, float]:
    """Every control id's value before manual edits, of the chosen face; zeros without one."""
    return {name: _within(name, value) for name, value in full_readings(project, frame).items()}


def full_readings(project: Project, frame: int = 0) -> dict[str, float]:
    """Every control id's value like `readings`, also beyond where its slider ends.

    A smile broader than AU12 is read as more than 1, so that all of it can be taken away.
    """
    state = None if project.face is None else driven(project, frame=frame)
    return dict.fromkeys(CONTROL_IDS, 0.0) if state is None else dict(_readings(state))


def shown(project: Project, frame: int = 0) -> dict[str, float]:
    """Every control id's value as its slider shows it: reading, keys and slider change.

    Zeros while no face is visible.

    A blend is left out: a slider shows what is asked for where the edits count in full.
    """
    return {name: _within(name, value) for name, value in unclipped(project, frame).items()}


def unclipped(project: Project, frame: int = 0) -> dict[str, float]:
    """Every control id's value like `shown`, but not clipped to the control's range."""
    state = None if project.face is None else driven(project, frame=frame)
    if state is None or project.face_edits is None:
        return dict.fromkeys(CONTROL_IDS, 0.0)
    values = dict(_readings(state))
    for name, amount in _amounts(project.face_edits, state, frame).items():
        values[name] += amount
    return values


def curve(
    project: Project, control: str, frames: Frames, face_index: int | None = None
) -> tuple[F64, F64]:
    """A control over time: (F,) before manual edits, and (F,) as its slider would show it.

    NaN where a clip does not show the face.
    """
    before, after = curves(project, [control], frames, face_index)
    return before[0], after[0]


def curves(
    project: Project, controls: Sequence[str], frames: Frames, face_index: int | None = None
) -> tuple[F64, F64]:
    """Several controls over time, (C, F) before and (C, F) after manual edits, see `curve`."""
    index = _index(project, face_index)
    edits, at = project.edits[index], np.asarray(frames)
    rows = _reading_rows(_driven_rows(project, index, at).tobytes())
    before = rows.T[[CONTROL_IDS.index(control) for control in controls]]
    after = before.copy()
    tracks, deltas = {track.target: track for track in edits.heard}, edits.by_control()
    former: Track | None = None
    keyed = np.empty(0)
    for number, (control, own) in enumerate(zip(controls, before, strict=True)):
        track = tracks.get(control)
        if track is not None:
            if former is None or (track.keys, track.extrapolation) != (
                former.keys,
                former.extrapolation,
            ):  # as of sides keyed alike
                keyed = track.values(at)
            former = track
            after[number] = np.where(
                np.isnan(keyed), own, keyed + own if track.mode == "delta" else keyed
            )
        limits = control_range(control)
        after[number] = np.clip(after[number] + deltas.get(control, 0.0), *limits)
        before[number] = np.clip(own, *limits)
    return before, after


def driver_frame(
    project: Project, name: str, frame: int, face_index: int | None = None
) -> int | None:
    """The frame of a driving clip at a frame of the document.

    None for a driver without pictures.
    """
    moves = isinstance(project.driver(name).medium, Clip)
    return motion_frame(project, name, frame, face_index) if moves else None


def motion_frame(
    project: Project, name: str, frame: int, face_index: int | None = None
) -> int | None:
    """The frame of a driver at a frame of the document; None while it is not tracked.

    The widest rule that names the driver gives the shift.
    """
    driver = project.driver(name)
    if driver.motion is None:
        return None
    index = project.face_index if face_index is None else face_index
    rules = () if index is None else project.edits[index].mix
    shift = next((rule.shift for rule in rules if rule.driver == name), 0)
    seconds = project.seconds(np.array([frame - shift]))
    return int(frames_at(driver.motion, seconds, beyond=driver.beyond)[0])


def prepared(driver: Driver) -> Motion | None:
    """A driver's motion ready for rules: fitted, filled, smoothed, blinks completed.

    None while the driver is not tracked.
    """
    return (
        None
        if driver.motion is None
        else _ready(driver.motion, driver.missing, driver.smoothing, driver.neutral_frame)
    )


def rule_value(edits: FaceEdits, rule: MixRule, parameter: str, frame: int) -> float:
    """A rule's "gain" or "offset" in a frame: keyed, or its own."""
    return float(_keyed(edits, rule, parameter, np.array([frame]))[0])


def heard_clip(project: Project) -> tuple[Clip, int] | None:
    """The clip whose sound is heard, and its delay in frames; None for silence.

    Where nothing is chosen it is the source's own; for a photo, the first clip with sound
    among those that drive its chosen face.
    """
    wanted, own = project.output.sound, project.clip
    if wanted == "none":
        return None
    if not wanted and own is not None:
        return (own, 0) if own.has_sound else None
    rules = () if project.face_edits is None else project.face_edits.mix
    names = [wanted] if wanted else [rule.driver for rule in rules if rule.driver]
    media = {driver.name: driver.medium for driver in project.drivers}
    for name in names:
        medium = media.get(name)
        if isinstance(medium, Clip) and medium.has_sound:
            return medium, next((rule.shift for rule in rules if rule.driver == name), 0)
    return None


def _index(project: Project, face_index: int | None) -> int:
    index = project.face_index if face_index is None else face_index
    if index is None:
        raise ProjectError("No face is chosen; choose one, or draw a box around it.")
    if not 0 <= index < len(project.faces):
        raise ProjectError(
            f"Face {index} was asked for; the photo has {len(project.faces)}, counted from 0."
        )
    return index


@lru_cache(maxsize=4096)
def _readings(state: ControlVector) -> Mapping[str, float]:
    return action_units(state, beyond=True)


def _within(control: str, value: float) -> float:
    low, high = control_range(control)
    return min(max(value, low), high)


def _amounts(edits: FaceEdits, before: ControlVector, frame: int) -> dict[str, float]:
    """The amounts that keys and sliders add to each control in a frame."""
    amounts: dict[str, float] = {}
    for track in edits.heard:
        value = track.value(frame) if track.target in _KNOWN else None
        if value is not None:
            amounts[track.target] = (
                value if track.mode == "delta" else value - _readings(before)[track.target]
            )
    for name, amount in edits.deltas:
        amounts[name] = amounts.get(name, 0.0) + amount
    return amounts


# Driving ------------------------------------------------------------------------------------------


def _driven(project: Project, index: int, frame: int, own: ControlVector) -> ControlVector:
    edits = project.edits[index]
    if not edits.mix:
        return own
    row = own.array()[None]
    mixed = _mixed(project, edits, np.array([frame]), row)
    return own if np.array_equal(mixed, row) else ControlVector.from_array(mixed[0])


def _driven_rows(project: Project, index: int, frames: Frames) -> F64:
    """The states (F, 56) before manual edits; NaN where a clip does not show the face."""
    face, edits = project.faces[index], project.edits[index]
    if face.motion is None:
        own = np.repeat(face.controls.array()[None], len(frames), axis=0)
    else:
        own = face.motion.controls[np.clip(frames, 0, len(face.motion) - 1)].astype(np.float64)
    return _mixed(project, edits, frames, own) if edits.mix else own


@lru_cache(maxsize=16)
def _reading_rows(rows: bytes) -> F64:
    """Readings (F, controls) of rows of controls, in the order of `CONTROL_IDS`.

    They are cached, since curves are drawn at every edit.
    """
    states = np.frombuffer(rows, np.float64).reshape(-1, len(CHANNELS))
    return action_unit_rows(states, beyond=True)


def _mixed(project: Project, edits: FaceEdits, frames: Frames, own: F64) -> F64:
    """The face's own rows (F, 56) with the rules applied, narrow groups over wide ones.

    Channels that no rule moves keep their bits.
    """
    rows = own.copy()
    for rule in edits.mix:
        places = [CHANNEL_INDEX[channel] for channel in rule.channels]
        driver = project.driver(rule.driver) if rule.driver else None
        if driver is None or driver.motion is None:
            rows[:, places] = own[:, places]
            continue
        taken = _taken(project, edits, rule, driver, frames, own)
        for place in places:
            says = ~np.isnan(taken[:, place])
            rows[says, place] = np.clip(taken[says, place], _LOWEST[place], _HIGHEST[place])
            rows[~says, place] = own[~says, place]
    return rows


def _taken(
    project: Project, edits: FaceEdits, rule: MixRule, driver: Driver, frames: Frames, own: F64
) -> F64:
    """The rows (F, 56) that a rule takes from its driver.

    NaN where the driver shows no face, and in channels that it does not carry.
    """
    assert driver.motion is not None
    motion = _ready(driver.motion, driver.missing, driver.smoothing, driver.neutral_frame)
    neutral = _resting(driver, motion)
    if rule.mirror:
        motion, neutral = (
            _mirrored(motion),
            _mirrored(Motion.still(neutral)).vector(0) or ControlVector(),
        )
    rows = at_seconds(motion, project.seconds(frames - rule.shift), beyond=driver.beyond)
    rows[:, ~motion.carries] = np.nan
    gain, offset = (_keyed(edits, rule, name, frames) for name in ("gain", "offset"))
    if rule.mode == "relative":
        taken = own + gain[:, None] * (rows - neutral.array()) + offset[:, None]
    else:
        taken = gain[:, None] * rows + offset[:, None]
    return np.clip(
        taken, -np.inf if rule.low is None else rule.low, np.inf if rule.high is None else rule.high
    )


def _resting(driver: Driver, motion: Motion) -> ControlVector:
    """A driver's state at rest, in its prepared motion.

    In the neutral frame nothing moves, however much the motion is smoothed.
    """
    at_rest = None if driver.neutral_frame is None else motion.vector(driver.neutral_frame)
    return at_rest or ControlVector()


def _keyed(edits: FaceEdits, rule: MixRule, parameter: str, frames: Frames) -> F64:
    """A rule's gain or offset (F,): its own value, or its track's where it is keyed."""
    plain = np.full(len(frames), float(getattr(rule, parameter)))
    track = next((t for t in edits.heard if t.target == mix_target(rule.group, parameter)), None)
    if track is None:
        return plain
    keyed = track.values(frames)
    if track.mode == "delta":
        keyed = keyed + plain
    return np.where(np.isnan(keyed), plain, keyed)


@lru_cache(maxsize=64)
def _ready(motion: Motion, missing: MissingPolicy, smoothing: float, rest: int | None) -> Motion:
    counted = fitted(motion, rest) if counts_anew(motion, rest) else motion
    return whole_blinks(smoothed(filled(counted, missing), smoothing))


@lru_cache(maxsize=32)
def _mirrored(motion: Motion) -> Motion:
    return mirrored(motion)
