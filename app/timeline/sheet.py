"""The lanes of a document, ready to be painted and hit; free of Qt.

A lane stands for what one slider moves: both sides of a linked Action Unit, one side of an unlinked
one, an angle, or the gain or offset of a mix rule. Lanes are grouped by region, from the top of a
face to its chin. The arrays of a track are cached as long as the track is the same object, so that
an edit of one key costs one lane.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.control_rows import rows
from icface.arrays import I64
from icface.document import FaceEdits, Project, split_mix_target
from icface.document.curves import Mode, Track
from icface.document.drivers import group_name
from icface.document.edits import KeyName, frames_by_target

GROUPS: tuple[tuple[str, str], ...] = (
    ("pose", "Pose"),
    ("brows", "Brows"),
    ("eyes", "Eyes"),
    ("gaze", "Gaze"),
    ("cheeks", "Nose and cheeks"),
    ("mouth", "Mouth and jaw"),
    ("mix", "Mix"),
)
"""Id and title, from top to bottom."""
_GROUP_OF_REGION = {"head": "pose", "nose": "cheeks", "jaw": "mouth"}
"""Group of a region of the controls panel, if of another name."""
SHAPES = ("hold", "linear", "ease", "bezier")
"""Interpolations, in the order of their shape numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackKeys:
    """The keys of one track as arrays."""

    track: Track
    frames: I64
    shapes: NDArray[np.uint8]

    @classmethod
    def of(cls, track: Track) -> TrackKeys:
        """Arrays of a track; a shape is 4 x interpolation in + out, as indices of `SHAPES`."""
        shapes = np.array(
            [_SHAPES[key.interpolation_in, key.interpolation_out] for key in track.keys], np.uint8
        )
        return cls(track, np.array(track.frames, np.int64), shapes)

    def has(self, frames: I64) -> NDArray[np.bool_]:
        """(N,) whether there is a key on each of these frames."""
        place = np.minimum(np.searchsorted(self.frames, frames), len(self.frames) - 1)
        found: NDArray[np.bool_] = self.frames[place] == frames
        return found


_SHAPES = {
    (left, right): 4 * n + m for n, left in enumerate(SHAPES) for m, right in enumerate(SHAPES)
}


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One line of the timeline.

    Attributes
    ----------
    id : str
        Key of the slider's row, the target of a mix track, or ``group:ID``.
    name, number : str
        Name, and FACS number if there is one.
    targets : tuple of str
        Targets of the lane, with and without keys.
    parts : tuple of TrackKeys
        The targets with keys.
    frames : (K,) int64
        Frames on which any of them has a key, in order.
    shapes : (K,) uint8
        Shape of the first key on each of these frames.
    is_group, is_open : bool
        Whether it is a heading, and whether its lanes are shown.
    """

    id: str
    name: str
    number: str = ""
    targets: tuple[str, ...] = ()
    parts: tuple[TrackKeys, ...] = ()
    frames: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    shapes: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    is_group: bool = False
    is_open: bool = True

    @property
    def is_keyed(self) -> bool:
        """Whether the lane has a key."""
        return bool(self.parts)

    def every(self, switch: str) -> bool:
        """Whether all tracks are "muted", "solo" or "locked"."""
        return bool(self.parts) and all(getattr(part.track, switch) for part in self.parts)

    @property
    def mode(self) -> Mode:
        """Mode of the lane: delta unless all tracks are absolute."""
        return (
            "absolute"
            if self.parts and all(part.track.mode == "absolute" for part in self.parts)
            else "delta"
        )

    def names_at(self, frame: int) -> frozenset[KeyName]:
        """Names of the keys on a frame."""
        return self.names_between(frame, frame)

    def names_between(self, first: int, last: int) -> frozenset[KeyName]:
        """Names of the keys from first to last frame, inclusive; none of locked tracks."""
        found: list[KeyName] = []
        for part in self.parts:
            if part.track.locked:
                continue
            low, high = np.searchsorted(part.frames, [first, last + 1])
            found += [(part.track.target, int(frame)) for frame in part.frames[low:high]]
        return frozenset(found)

    def nearest(self, frame: float) -> int | None:
        """The nearest frame with a key; None without keys."""
        if not len(self.frames):
            return None
        place = int(np.searchsorted(self.frames, frame))
        near = self.frames[max(place - 1, 0) : place + 1]
        return int(near[np.argmin(np.abs(near - frame))])


@lru_cache(maxsize=4)
def selected_by_target(keys: frozenset[KeyName]) -> dict[str, I64]:
    """Frames of keys, in order, by target; cached for a set."""
    return {
        target: np.sort(np.fromiter(frames, np.int64, len(frames)))
        for target, frames in frames_by_target(keys).items()
    }


def selected_ends(keys: frozenset[KeyName]) -> tuple[int, int] | None:
    """First and last frame of keys; None without keys."""
    some = selected_by_target(keys).values()
    return (
        (min(int(frames.min()) for frames in some), max(int(frames.max()) for frames in some))
        if some
        else None
    )


class SheetMaker:
    """Makes the lanes of a document, and reuses unchanged ones."""

    def __init__(self) -> None:
        self._keys: dict[str, TrackKeys] = {}
        self._lanes: dict[str, Lane] = {}
        self.keyed: tuple[Lane, ...] = ()

    def lanes(
        self,
        project: Project,
        *,
        closed: Iterable[str] = (),
        shown: Iterable[str] = (),
        everything: bool = False,
    ) -> tuple[Lane, ...]:
        """The lanes from top to bottom, each group under its heading.

        Parameters
        ----------
        project : Project
        closed : iterable of str
            Groups that are folded.
        shown : iterable of str
            Lanes to include even without keys.
        everything : bool
            Whether to include all lanes.
        """
        edits = project.face_edits
        if edits is None:
            self._keys, self.keyed = {}, ()
            return ()
        tracks = {track.target: track for track in edits.tracks}
        self._keys = {target: self._of(track) for target, track in tracks.items()}
        wanted, shut = set(shown), set(closed)
        by_group: dict[str, list[Lane]] = {group: [] for group, _ in GROUPS}
        for group, lane in self._all(edits, tracks):
            if lane.parts or everything or lane.id in wanted:
                by_group[group].append(lane)
        found: list[Lane] = []
        for group, title in GROUPS:
            inside = by_group[group]
            if inside:
                found.append(self._heading(group, title, inside, is_open=group not in shut))
                found += [] if group in shut else inside
        self._lanes = {
            lane.id: lane
            for lane in (*found, *(lane for some in by_group.values() for lane in some))
        }
        self.keyed = tuple(lane for some in by_group.values() for lane in some if lane.is_keyed)
        return tuple(found)

    def standing(self, keys: Collection[KeyName]) -> frozenset[KeyName]:
        """The keys that exist; the same set if all do."""
        keys = keys if isinstance(keys, frozenset) else frozenset(keys)
        gone: list[KeyName] = []
        for target, frames in selected_by_target(keys).items():
            part = self._keys.get(target)
            lost = frames if part is None else frames[~part.has(frames)]
            gone += [(target, frame) for frame in lost.tolist()]
        return keys.difference(gone) if gone else keys

    def _of(self, track: Track) -> TrackKeys:
        known = self._keys.get(track.target)
        return known if known is not None and known.track is track else TrackKeys.of(track)

    def _all(self, edits: FaceEdits, tracks: dict[str, Track]) -> Iterable[tuple[str, Lane]]:
        for key, spec in rows().items():
            apart = spec.unit in edits.unlinked
            if spec.side and not apart:
                continue
            if spec.can_unlink and apart:
                continue
            group = _GROUP_OF_REGION.get(spec.region, spec.region)
            yield group, self._lane(key, spec.name, f"{spec.number}{spec.side}", spec.ids)
        for rule in edits.mix:
            for parameter in ("gain", "offset"):
                target = f"mix:{rule.group}:{parameter}"
                yield (
                    "mix",
                    self._lane(target, f"{group_name(rule.group)}: {parameter}", "", (target,)),
                )
        ruled = {rule.group for rule in edits.mix}
        for target in tracks:
            parts = split_mix_target(target)
            if parts is not None and parts[0] not in ruled:
                yield (
                    "mix",
                    self._lane(target, f"{group_name(parts[0])}: {parts[1]}", "", (target,)),
                )

    def _lane(self, lane: str, name: str, number: str, targets: tuple[str, ...]) -> Lane:
        parts = tuple(self._keys[target] for target in targets if target in self._keys)
        known = self._lanes.get(lane)
        if known is not None and known.targets == targets and _same(known.parts, parts):
            return known
        frames, shapes = _together(parts)
        return Lane(lane, name, number, targets, parts, frames, shapes)

    def _heading(self, group: str, title: str, inside: list[Lane], *, is_open: bool) -> Lane:
        lane = f"group:{group}"
        parts = tuple(part for one in inside for part in one.parts)
        targets = tuple(target for one in inside for target in one.targets)
        known = self._lanes.get(lane)
        if (
            known is not None
            and known.is_open is is_open
            and known.targets == targets
            and _same(known.parts, parts)
        ):
            return known
        frames, shapes = _together(parts)
        return Lane(lane, title, "", targets, parts, frames, shapes, True, is_open)


def _same(one: tuple[TrackKeys, ...], other: tuple[TrackKeys, ...]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _together(parts: tuple[TrackKeys, ...]) -> tuple[I64, NDArray[np.uint8]]:
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.uint8)
    if len(parts) == 1:
        return parts[0].frames, parts[0].shapes
    frames, first = np.unique(np.concatenate([part.frames for part in parts]), return_index=True)
    return frames, np.concatenate([part.shapes for part in parts])[first]


# Tracking quality ---------------------------------------------------------------------------------

GOOD = 0
"""State of a frame whose tracking is confident."""
LOW = 1
"""State of a frame whose tracking is below `LOW_CONFIDENCE`."""
MISSING = 2
"""State of a frame without a face."""
LOW_CONFIDENCE = 0.5
"""Confidence below which tracking is marked, 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackingQuality:
    """The quality of a face's tracking, frame by frame at the project's rate.

    Attributes
    ----------
    confidence : (F,) float32
        0..1.
    state : (F,) uint8
        `GOOD`, `LOW` or `MISSING`.
    problems : (P,) int64
        First frames of the spans that are not good, in order.
    """

    confidence: NDArray[np.float32]
    state: NDArray[np.uint8]
    problems: I64

    @classmethod
    def of(cls, confidence: NDArray[np.float32], present: NDArray[np.bool_]) -> TrackingQuality:
        """Quality from a tracker's confidence and presence of a face."""
        state = np.where(present, np.where(confidence < LOW_CONFIDENCE, LOW, GOOD), MISSING).astype(
            np.uint8
        )
        begins = np.flatnonzero(np.diff(state, prepend=np.uint8(GOOD)) != 0)
        return cls(confidence, state, begins[state[begins] != GOOD].astype(np.int64))


def tracking_quality(project: Project) -> tuple[str, TrackingQuality] | None:
    """Name and tracking quality of the selected face of a clip, or else of a driver.

    Of several drivers, the first that drives the selected face counts, or else the first tracked.
    """
    face, edits = project.face, project.face_edits
    if face is not None and face.motion is not None:
        return "This face", TrackingQuality.of(face.motion.confidence, face.motion.present)
    names = [rule.driver for rule in edits.mix] if edits else []
    known = {
        one.name: one for one in project.drivers if one.motion is not None and not one.is_still
    }
    name = next((one for one in names if one in known), next(iter(known), None))
    if name is None:
        return None
    motion = known[name].motion
    assert motion is not None
    times = project.seconds(
        np.arange(min(project.n_frames, round(motion.duration_s * float(project.rate)) or 1))
    )
    at = np.clip(
        np.searchsorted(motion.seconds, times + 1e-6, side="right") - 1, 0, len(motion) - 1
    )
    return name, TrackingQuality.of(motion.confidence[at], motion.present[at])
