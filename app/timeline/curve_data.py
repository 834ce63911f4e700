"""The curves of the chosen lanes as numbers: what is tracked, what comes of it, and where the keys lie; Qt-free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from app.control_rows import rows
from app.timeline.sheet import Ints, Lane
from icface.curves import Key, Track
from icface.mixing import curve
from icface.project import Project, split_mix_target

Floats = NDArray[np.float64]
_MOST_POINTS = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One target over the frames that are seen.

    Attributes
    ----------
    target, lane : str
    frames : (F,) int64
        Rising; every frame, or evenly spread ones with those of keys among them.
    before, after : (F,) float64
        As tracked or driven, and as edited; NaN where no face is seen.
    track : Track or None
    keys : tuple of Key
        Those that are seen.
    at : (K,) int64
        Where these keys stand.
    shapes : (K,) uint8
        As `app.timeline.sheet.TrackKeys` has them.
    heights : (K,) float64
        Where these keys lie on the edited curve.
    """

    target: str
    lane: str
    frames: NDArray[np.int64]
    before: Floats
    after: Floats
    track: Track | None = None
    keys: tuple[Key, ...] = ()
    at: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    shapes: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    heights: Floats = field(default_factory=lambda: np.zeros(0))

    def height(self, frame: int) -> float:
        """The edited curve at a frame that is near those that are seen."""
        return float(np.interp(frame, self.frames, self.after))

    @property
    def moves(self) -> bool:
        """Whether editing makes any difference."""
        return not np.array_equal(self.before, self.after, equal_nan=True)


def unit_of(lane: str) -> str:
    """What the values of a lane are counted in: "°" for angles, "x" for gains, "" for intensities and offsets."""
    if lane in rows():
        return "°" if rows()[lane].is_angle else ""
    return "x" if lane.endswith(":gain") else ""


def of_one_unit(lanes: Iterable[Lane]) -> tuple[Lane, ...]:
    """The lanes that can share an axis with the last of them."""
    found = tuple(lanes)
    return tuple(lane for lane in found if unit_of(lane.id) == unit_of(found[-1].id))


def of_commonest_unit(lanes: Iterable[Lane], most: int) -> tuple[Lane, ...]:
    """The first lanes of the unit in which the most keys are counted."""
    found = tuple(lanes)
    by_unit = Counter[str]()
    for lane in found:
        by_unit[unit_of(lane.id)] += len(lane.frames)
    unit = max(by_unit, key=by_unit.__getitem__, default="")
    return tuple(lane for lane in found if unit_of(lane.id) == unit)[:most]


def curves(project: Project, lanes: Iterable[Lane], first: int, last: int, most: int = _MOST_POINTS) -> tuple[Curve, ...]:
    """The curves of lanes over a range of frames; of sides with the same keys one curve, their mean, as on their slider.

    Over more than `most` frames, so many points and those of keys are worked out.
    """
    found: list[Curve] = []
    for lane in lanes:
        made = [_curve(project, lane, target, (first, last), most) for target in lane.targets]
        found += [_mean(made)] if _like(made) else made
    return tuple(found)


def _mean(made: list[Curve]) -> Curve:
    before, after = (np.mean([getattr(one, name) for one in made], 0) for name in ("before", "after"))
    return replace(made[0], before=before, after=after, heights=np.mean([one.heights for one in made], 0))


def stepped(one: Curve) -> tuple[Floats, Floats]:
    """(P,) frames and edited values of a curve as it is drawn: what holds goes up to the next key and turns there."""
    after_hold = [b.frame for a, b in pairwise(one.keys) if a.right == "hold"]
    place = np.searchsorted(one.frames, after_hold)
    place = place[place > 0]
    return np.insert(one.frames.astype(np.float64), place, one.frames[place]), np.insert(one.after, place, one.after[place - 1])


def _like(made: list[Curve]) -> bool:
    return all(one.keys == made[0].keys for one in made[1:])


def _curve(project: Project, lane: Lane, target: str, seen: tuple[int, int], most: int) -> Curve:
    first, last = seen
    part = next((part for part in lane.parts if part.track.target == target), None)
    low, high = (0, 0) if part is None else np.searchsorted(part.frames, [first, last + 1])
    own = np.zeros(0, np.int64) if part is None else part.frames[low:high]
    frames, before, after = _points(project, target, (first, last, most), own, None if part is None else part.track)
    if part is None:
        return Curve(target, lane.id, frames, before, after)
    heights = after[np.searchsorted(frames, own)]
    keys, shapes = part.track.keys[low:high], part.shapes[low:high]
    return Curve(target, lane.id, frames, before, after, part.track, keys, own, shapes, heights)


def _points(
    project: Project, target: str, spread: tuple[int, int, int], own: Ints, track: Track | None
) -> tuple[Ints, Floats, Floats]:
    """Frames with the values before and after editing: all from a first to a last, or no more than so many and those of keys.

    The spread ones do not depend on the keys, so that what is read in them is worked out once for a drag.
    """
    first, last, most = spread
    if last - first < most:
        frames: Ints = np.arange(first, last + 1)
        return (frames, *_values(project, target, frames, track))
    even = np.unique(np.linspace(first, last, most).astype(np.int64))
    if not len(own):
        return (even, *_values(project, target, even, track))
    both = [_values(project, target, some, track) for some in (even, own)]
    frames, place = np.unique(np.concatenate([even, own]), return_index=True)
    before, after = (np.concatenate([one[n] for one in both])[place] for n in (0, 1))
    return frames, before, after


def _values(project: Project, target: str, frames: NDArray[np.int64], track: Track | None) -> tuple[Floats, Floats]:
    parts = split_mix_target(target)
    if parts is None:
        before, after = curve(project, target, frames)
        return before, after
    edits = project.face_edits
    rule = None if edits is None else edits.rule(parts[0])
    plain = np.full(len(frames), 0.0 if rule is None else float(getattr(rule, parts[1])))
    if track is None or track.muted:
        return plain, plain
    keyed = track.values(frames) + (plain if track.mode == "delta" else 0.0)
    return plain, np.where(np.isnan(keyed), plain, keyed)
