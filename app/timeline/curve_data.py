"""The curves of lanes as arrays: tracked values, edited values and keys; free of Qt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from app.control_rows import rows
from app.timeline.sheet import Lane, TrackKeys
from icface.arrays import F64, I64
from icface.document import Project, mixing, split_mix_target
from icface.document.curves import Key, Track

_MOST_POINTS = 2000
"""Default of the most points of a curve."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The curve of one target over the visible frames.

    Attributes
    ----------
    target, lane : str
    frames : (F,) int64
        In order: every frame, or evenly spaced ones and those with keys.
    before, after : (F,) float64
        Values before editing (tracked or driven) and after; NaN without a face.
    track : Track or None
    keys : tuple of Key
        The visible keys.
    at : (K,) int64
        Frames of these keys.
    shapes : (K,) uint8
        Shapes of these keys, see `app.timeline.sheet.TrackKeys`.
    heights : (K,) float64
        Values of the edited curve at these keys.
    """

    target: str
    lane: str
    frames: NDArray[np.int64]
    before: F64
    after: F64
    track: Track | None = None
    keys: tuple[Key, ...] = ()
    at: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    shapes: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    heights: F64 = field(default_factory=lambda: np.zeros(0))

    def height(self, frame: int) -> float:
        """Value of the edited curve at a visible frame."""
        return float(np.interp(frame, self.frames, self.after))

    @property
    def moves(self) -> bool:
        """Whether the edited curve differs from the tracked one."""
        return not np.array_equal(self.before, self.after, equal_nan=True)


def unit_of(lane: str) -> str:
    """Unit of a lane: "°", "%" of a place, "x" of gains, "" of intensities and offsets."""
    if lane in rows():
        return rows()[lane].sign
    return "x" if lane.endswith(":gain") else ""


def of_one_unit(lanes: Iterable[Lane]) -> tuple[Lane, ...]:
    """The lanes with the same unit as the last of them."""
    found = tuple(lanes)
    return tuple(lane for lane in found if unit_of(lane.id) == unit_of(found[-1].id))


def of_commonest_unit(lanes: Iterable[Lane], most: int) -> tuple[Lane, ...]:
    """The first lanes of the unit with the most keys."""
    found = tuple(lanes)
    by_unit = Counter[str]()
    for lane in found:
        by_unit[unit_of(lane.id)] += len(lane.frames)
    unit = max(by_unit, key=by_unit.__getitem__, default="")
    return tuple(lane for lane in found if unit_of(lane.id) == unit)[:most]


def curves(
    project: Project, lanes: Iterable[Lane], first: int, last: int, most: int = _MOST_POINTS
) -> tuple[Curve, ...]:
    """The curves of lanes over a range of frames.

    Two sides with the same keys share one curve, their mean, like their slider. Over more than
    `most` frames, only that many points and those with keys are computed.
    """
    some = tuple(lanes)
    made = iter(
        _curves(
            project,
            [(lane, target) for lane in some for target in lane.targets],
            (first, last),
            most,
        )
    )
    found: list[Curve] = []
    for lane in some:
        sides = list(islice(made, len(lane.targets)))
        found += [_mean(sides)] if _like(sides) else sides
    return tuple(found)


def _mean(made: list[Curve]) -> Curve:
    before, after = (
        np.mean([getattr(one, name) for one in made], 0) for name in ("before", "after")
    )
    return replace(
        made[0], before=before, after=after, heights=np.mean([one.heights for one in made], 0)
    )


def stepped(one: Curve) -> tuple[F64, F64]:
    """(P,) frames and edited values of a curve as drawn: a held value steps at the next key."""
    after_hold = [b.frame for a, b in pairwise(one.keys) if a.interpolation_out == "hold"]
    place = np.searchsorted(one.frames, after_hold)
    place = place[place > 0]
    return np.insert(one.frames.astype(np.float64), place, one.frames[place]), np.insert(
        one.after, place, one.after[place - 1]
    )


def _like(made: list[Curve]) -> bool:
    return all(one.keys == made[0].keys for one in made[1:])


@dataclass(frozen=True, slots=True, eq=False)
class _VisibleKeys:
    """The visible keys of a target."""

    lane: str
    target: str
    part: TrackKeys | None
    low: int
    high: int

    @property
    def frames(self) -> I64:
        return (
            np.zeros(0, np.int64) if self.part is None else self.part.frames[self.low : self.high]
        )

    def curve(self, frames: I64, before: F64, after: F64) -> Curve:
        """The curve through points that include those of its keys."""
        if self.part is None:
            return Curve(self.target, self.lane, frames, before, after)
        own, track = self.frames, self.part.track
        keys, shapes = track.keys[self.low : self.high], self.part.shapes[self.low : self.high]
        return Curve(
            self.target,
            self.lane,
            frames,
            before,
            after,
            track,
            keys,
            own,
            shapes,
            after[np.searchsorted(frames, own)],
        )


def _curves(
    project: Project, wanted: list[tuple[Lane, str]], visible: tuple[int, int], most: int
) -> list[Curve]:
    """A curve for each target, over all visible frames, or over `most` of them and those with keys.

    The spaced frames do not depend on the keys, so that their readings are computed once for a
    drag.
    """
    first, last = visible
    some = [_visible_keys(lane, target, first, last) for lane, target in wanted]
    if last - first < most:
        frames: I64 = np.arange(first, last + 1)
        return [
            one.curve(frames, *values)
            for one, *values in zip(some, *_values(project, some, frames), strict=True)
        ]
    even = np.unique(np.linspace(first, last, most).astype(np.int64))
    keyed = np.unique(np.concatenate([one.frames for one in some] or [even[:0]]))
    found = []
    for one, *spread, own_before, own_after in zip(
        some, *_values(project, some, even), *_values(project, some, keyed), strict=True
    ):
        own = np.searchsorted(keyed, one.frames)
        frames, place = np.unique(np.concatenate([even, one.frames]), return_index=True)
        both = zip(spread, (own_before[own], own_after[own]), strict=True)
        found.append(one.curve(frames, *(np.concatenate(values)[place] for values in both)))
    return found


def _visible_keys(lane: Lane, target: str, first: int, last: int) -> _VisibleKeys:
    part = next((part for part in lane.parts if part.track.target == target), None)
    low, high = (
        (0, 0) if part is None else map(int, np.searchsorted(part.frames, [first, last + 1]))
    )
    return _VisibleKeys(lane.id, target, part, low, high)


def _values(project: Project, some: list[_VisibleKeys], frames: I64) -> tuple[list[F64], list[F64]]:
    """(F,) values before and after editing, for each target."""
    controls = [one.target for one in some if split_mix_target(one.target) is None]
    known = (
        dict(
            zip(controls, zip(*mixing.curves(project, controls, frames), strict=True), strict=True)
        )
        if controls
        else {}
    )
    pairs = [
        known[one.target] if one.target in known else _mix_values(project, one, frames)
        for one in some
    ]
    return [before for before, _ in pairs], [after for _, after in pairs]


def _mix_values(project: Project, one: _VisibleKeys, frames: I64) -> tuple[F64, F64]:
    group, parameter = split_mix_target(one.target) or ("", "")
    edits = project.face_edits
    rule = None if edits is None else edits.rule(group)
    plain = np.full(len(frames), 0.0 if rule is None else float(getattr(rule, parameter)))
    if one.part is None or one.part.track.muted:
        return plain, plain
    track = one.part.track
    keyed = track.values(frames) + (plain if track.mode == "delta" else 0.0)
    return plain, np.where(np.isnan(keyed), plain, keyed)
