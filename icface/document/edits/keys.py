"""Edits of the chosen face's keyframes: set, move, scale, copy, paste, interpolate.

Keys are named by (target, frame). An edit of keys that lie on locked tracks is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from icface.document import FaceEdits, Project, ProjectError, split_mix_target
from icface.document.curves import (
    MOST_FRAME,
    Blend,
    Extrapolation,
    Handle,
    Interpolation,
    Key,
    Mode,
    Track,
    moved_keys,
    smooth_handles,
)
from icface.document.drivers import group_name, target_name
from icface.document.edits.faces import chosen, moving_with, require_unlocked, with_edits
from icface.document.edits.still_time import keyed
from icface.document.mixing import full_readings

KeyName = tuple[str, int]
"""Target of the track and frame of the key."""


@dataclass(frozen=True, slots=True)
class CopiedKeys:
    """Keys without a document: tracks whose first key is on frame 0."""

    tracks: tuple[Track, ...]


def set_key(project: Project, target: str, frame: int, value: float) -> Project:
    """A key set to a value: a delta or an absolute value, by the track's mode.

    A key that is there already keeps its interpolation.

    A target that is not keyed yet gets a track of deltas; gains and offsets get an absolute one.
    The first key gives a photo time, see `given_time`.
    """
    index, edits = chosen(project)
    project = keyed(project)
    track = edits.track(target)
    if track is None:
        mode: Mode = "delta" if split_mix_target(target) is None else "absolute"
        return _with_track(project, index, Track(target, (Key(frame=frame, value=value),), mode))
    require_unlocked(track)
    old = track.key_at(frame)
    key = replace(old, value=value) if old else Key(frame=frame, value=value)
    return _with_track(project, index, track.with_keys((*track.keys, key)))


def key_controls(project: Project, controls: Iterable[str], frame: int) -> Project:
    """Keys that hold the values shown on a frame, for several controls.

    Both sides of a linked unit are keyed, and slider changes go into the keys.

    Gains and offsets of mix rules are keyed with the value that they have.
    """
    index, edits = chosen(project)
    deltas = edits.by_control()
    tracks = {track.target: track for track in edits.tracks}
    for control in controls:
        parts = split_mix_target(control)
        for target in (control,) if parts else moving_with(edits, control):
            track = tracks.get(target)
            if track is not None:
                require_unlocked(track)
            elif parts is None:
                tracks[target] = Track(target, (Key(frame=frame, value=deltas.pop(target, 0.0)),))
                continue
            value = _present_value(project, edits, target, track, frame)
            old = None if track is None else track.key_at(frame)
            key = replace(old, value=value) if old else Key(frame=frame, value=value)
            made = (
                Track(target, (key,), "absolute")
                if track is None
                else track.with_keys((*track.keys, key))
            )
            assert made is not None
            tracks[target] = made
    kept = tuple(sorted((name, amount) for name, amount in deltas.items()))
    ordered = tuple(tracks[target] for target in sorted(tracks))
    return with_edits(
        keyed(project) if tracks else project, index, replace(edits, deltas=kept, tracks=ordered)
    )


def _present_value(
    project: Project, edits: FaceEdits, target: str, track: Track | None, frame: int
) -> float:
    """The value a key on a frame must have to change nothing there."""
    value = None if track is None else track.value(frame)
    if value is not None:
        return value
    parts = split_mix_target(target)
    if parts is not None:
        rule = edits.rule(parts[0])
        if rule is None:
            raise ProjectError(
                f"{group_name(parts[0])} has no rule whose {parts[1]} could be keyed; "
                "choose a driver first."
            )
        return (
            0.0 if track is not None and track.mode == "delta" else float(getattr(rule, parts[1]))
        )
    assert track is not None
    return 0.0 if track.mode == "delta" else full_readings(project, frame)[target]


def remove_keys(project: Project, keys: Collection[KeyName]) -> Project:
    """The document without these keys; a track without keys is removed."""
    return _rewrite(project, keys, lambda _track, _some: [])


def move_keys(
    project: Project, keys: Collection[KeyName], frames: int, value: float = 0.0
) -> Project:
    """Keys moved by frames and value; keys that they land on are replaced.

    None goes below frame 0: the group stops there as a whole.
    """
    if not keys:
        return project
    by = max(frames, -min(map(min, frames_by_target(keys).values())))
    return _rewrite(project, keys, lambda _track, some: moved_keys(some, by, value))


def scale_keys(project: Project, keys: Collection[KeyName], pivot: int, factor: float) -> Project:
    """The times of keys scaled about a frame and rounded, their handles with them.

    Of keys that meet on a frame the later stays.
    """
    if not 0 < factor <= MOST_FRAME:
        raise ProjectError(f"Keys are stretched by a factor above 0, not by {factor:g}.")

    def stretched(_track: Track, some: list[Key]) -> list[Key]:
        made = []
        for key in some:
            (lx, ly), (rx, ry) = key.left_handle, key.right_handle
            frame = max(round(pivot + (key.frame - pivot) * factor), 0)
            made.append(
                replace(
                    key, frame=frame, left_handle=(lx * factor, ly), right_handle=(rx * factor, ry)
                )
            )
        return made

    return _rewrite(project, keys, stretched)


def set_interpolation(
    project: Project,
    keys: Collection[KeyName],
    interpolation_in: Interpolation | None = None,
    interpolation_out: Interpolation | None = None,
) -> Project:
    """The interpolation of keys set; None leaves a side alone.

    "hold" into a key is taken for "linear".

    A side that becomes "bezier" gets a handle on a smooth curve.
    """
    arriving: Interpolation | None = "linear" if interpolation_in == "hold" else interpolation_in

    def eased(track: Track, some: list[Key]) -> list[Key]:
        made = []
        for key in some:
            handles = smooth_handles(track.keys, track.keys.index(key))
            changed = key if arriving is None else replace(key, interpolation_in=arriving)
            changed = (
                changed
                if interpolation_out is None
                else replace(changed, interpolation_out=interpolation_out)
            )
            if arriving == "bezier" and key.interpolation_in != "bezier":
                changed = replace(changed, left_handle=handles[0])
            if interpolation_out == "bezier" and key.interpolation_out != "bezier":
                changed = replace(changed, right_handle=handles[1])
            made.append(changed)
        return made

    return _rewrite(project, keys, eased)


def set_handle(
    project: Project,
    key: KeyName,
    side: Literal["left", "right"],
    handle: Handle,
    *,
    joined: bool = True,
) -> Project:
    """A handle dragged, "left" or "right"; that side's interpolation becomes "bezier".

    When `joined`, the other handle stays in line with it.
    """

    def bent(_track: Track, some: list[Key]) -> list[Key]:
        (old,) = some
        across, up = handle
        slope = up / across if across else 0.0
        if side == "left":
            changed = replace(old, interpolation_in="bezier", left_handle=(min(across, 0.0), up))
            if joined and across < 0 and old.interpolation_out == "bezier":
                changed = replace(
                    changed, right_handle=(old.right_handle[0], old.right_handle[0] * slope)
                )
        else:
            changed = replace(old, interpolation_out="bezier", right_handle=(max(across, 0.0), up))
            if joined and across > 0 and old.interpolation_in == "bezier":
                changed = replace(
                    changed, left_handle=(old.left_handle[0], old.left_handle[0] * slope)
                )
        return [changed]

    return _rewrite(project, [key], bent)


def copy_keys(project: Project, keys: Collection[KeyName]) -> CopiedKeys:
    """Keys copied, to be pasted elsewhere."""
    _, edits = chosen(project)
    picked = [
        (track, [key for key in track.keys if (track.target, key.frame) in keys])
        for track in edits.tracks
    ]
    start = min((key.frame for _, some in picked for key in some), default=0)
    return CopiedKeys(
        tuple(
            replace(track, keys=tuple(key.moved(-start) for key in some), locked=False)
            for track, some in picked
            if some
        )
    )


def paste_keys(project: Project, copied: CopiedKeys, frame: int) -> Project:
    """Copied keys pasted with the first of them on a frame; keys that they land on are replaced.

    A target that is not keyed yet takes over the copied mode.
    """
    index, edits = chosen(project)
    tracks = {track.target: track for track in edits.tracks}
    for track in copied.tracks:
        there = tracks.get(track.target)
        moved = tuple(key.moved(frame) for key in track.keys)
        if there is None:
            tracks[track.target] = replace(track, keys=moved, muted=False, solo=False)
        else:
            require_unlocked(there)
            tracks[track.target] = replace(
                there, keys=Track.of(track.target, (*there.keys, *moved)).keys
            )
    made = replace(edits, tracks=tuple(tracks[target] for target in sorted(tracks)))
    return with_edits(keyed(project) if copied.tracks else project, index, made)


def set_track(
    project: Project,
    target: str,
    *,
    muted: bool | None = None,
    solo: bool | None = None,
    locked: bool | None = None,
    extrapolation: Extrapolation | None = None,
) -> Project:
    """A track's switches set; None leaves one alone. `ProjectError` if the target is not keyed."""
    index, edits = chosen(project)
    given = {"muted": muted, "solo": solo, "locked": locked, "extrapolation": extrapolation}
    changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    return _with_track(project, index, replace(_track(edits, target), **changes))  # type: ignore[arg-type]


def set_mode(project: Project, target: str, mode: Mode) -> Project:
    """A track's mode set to "delta" or "absolute"; the values shown on its keys stay the same."""
    index, edits = chosen(project)
    track = _track(edits, target)
    if track.mode == mode:
        return project
    require_unlocked(track)
    sign = 1.0 if mode == "absolute" else -1.0

    def base(frame: int) -> float:
        parts = split_mix_target(target)
        if parts is None:
            return full_readings(project, frame)[target]
        rule = edits.rule(parts[0])
        return 0.0 if rule is None else float(getattr(rule, parts[1]))

    keys = tuple(replace(key, value=key.value + sign * base(key.frame)) for key in track.keys)
    return _with_track(project, index, replace(track, keys=keys, mode=mode))


def remove_track(project: Project, target: str) -> Project:
    """The chosen face without the keys of a target: back to the tracked value."""
    index, edits = chosen(project)
    require_unlocked(_track(edits, target))
    return with_edits(
        project, index, replace(edits, tracks=tuple(t for t in edits.tracks if t.target != target))
    )


def set_blend(project: Project, blend: Blend | None) -> Project:
    """The blend of the chosen face set: the frames in which its edits count; None for all."""
    index, edits = chosen(project)
    return with_edits(project, index, replace(edits, blend=blend))


def _track(edits: FaceEdits, target: str) -> Track:
    track = edits.track(target)
    if track is None:
        raise ProjectError(f"{target_name(target)} has no keys; set one first.")
    return track


def _with_track(project: Project, index: int, track: Track | None) -> Project:
    assert track is not None
    edits = project.edits[index]
    others = [t for t in edits.tracks if t.target != track.target]
    return with_edits(
        project,
        index,
        replace(edits, tracks=tuple(sorted([*others, track], key=lambda t: t.target))),
    )


_Change = Callable[[Track, list[Key]], list[Key]]


def frames_by_target(keys: Collection[KeyName]) -> dict[str, frozenset[int]]:
    """Frames of keys, by target.

    Cached for a frozenset, since a drag passes the same at every move.
    """
    return _grouped(keys if isinstance(keys, frozenset) else frozenset(keys))


@lru_cache(maxsize=4)
def _grouped(keys: frozenset[KeyName]) -> dict[str, frozenset[int]]:
    found: dict[str, list[int]] = {}
    for target, frame in keys:
        found.setdefault(target, []).append(frame)
    return {target: frozenset(frames) for target, frames in found.items()}


def _rewrite(project: Project, keys: Collection[KeyName], change: _Change) -> Project:
    """The document with some keys changed; keys that they land on are replaced."""
    index, edits = chosen(project)
    wanted = frames_by_target(keys)
    tracks: list[Track] = []
    for track in edits.tracks:
        frames = wanted.get(track.target, frozenset())
        some = [key for key in track.keys if key.frame in frames] if frames else []
        if not some:
            tracks.append(track)
            continue
        require_unlocked(track)
        rest = (
            [key for key in track.keys if key.frame not in frames]
            if len(some) < len(track.keys)
            else []
        )
        changed = track.with_keys((*rest, *change(track, some)))
        if changed is not None:
            tracks.append(changed)
    return with_edits(project, index, replace(edits, tracks=tuple(tracks)))
