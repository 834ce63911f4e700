"""A face of the source, the tracker's reading of it, and the edits made on it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from icface.document.curves import Blend, Track
from icface.document.drivers import MixRule, group_channels, group_rank, split_mix_target
from icface.document.sources import ProjectError
from icface.face.controls import (
    AU_BY_NUMBER,
    CONTROL_IDS,
    ControlVector,
    action_units,
)
from icface.face.geometry import Box
from icface.face.landmarks import MESH_POINTS, N_LANDMARKS
from icface.face.lying import lying_deg, roll_about
from icface.face.observation import FaceObservation
from icface.motion.motion import MOST_CONTROL, Motion, sealed

_KNOWN = frozenset(CONTROL_IDS)


@lru_cache(maxsize=256)
def _readings(controls: ControlVector) -> Mapping[str, float]:
    return MappingProxyType(action_units(controls))


@dataclass(frozen=True, slots=True)
class Face:
    """One face of the source and what the tracker read in it; in a clip, one person.

    Attributes
    ----------
    box : Box
        Bounding box of the face mesh, image pixels.
    landmarks : (478, 3) float32, read-only
        MediaPipe face-mesh points with irises; x, y in image pixels, z smaller when nearer.
        Compared by digest.
    controls : ControlVector
        The photo's own state: degrees and channels in 0..1. Of a head that lies on its side or
        stands on its head, the roll counts from the quarter turn about which it does, so that every
        slider has its usual range.
    confidence : float
        0..1: that this is a face and its reading can be trusted.
    motion : Motion or None
        In a clip, this person's readings in every frame, landmarks included; the other
        attributes then belong to one frame that shows the face well. None in a photo.
    landmarks_digest : str
        Stands for the landmarks in comparisons and hashes.
    """

    box: Box
    landmarks: NDArray[np.float32] = field(compare=False, repr=False)
    controls: ControlVector
    confidence: float
    motion: Motion | None = None
    landmarks_digest: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shape = np.shape(self.landmarks)
        if shape != (N_LANDMARKS, 3):
            raise ProjectError(
                f"A face has landmarks of shape ({N_LANDMARKS}, 3), not {shape}; "
                "track the photo again."
            )
        if not 0.0 <= self.confidence <= 1.0:
            raise ProjectError(
                f"A face's confidence is 0..1, not {self.confidence:g}; track the photo again."
            )
        if self.motion is not None and self.motion.landmarks is None:
            raise ProjectError(
                "A face of a clip needs its landmarks in every frame; track the clip again."
            )
        if self.motion is not None and (torn := _torn_frames(self.motion)).size:
            raise ProjectError(
                f"In frame {torn[0]} a face is read without its landmarks; track the clip again."
            )
        own = sealed(self.landmarks, np.float32)
        if not np.isfinite(own).all():
            raise ProjectError(
                "A face has a landmark that is not a finite number; track the photo again."
            )
        object.__setattr__(self, "landmarks", own)
        object.__setattr__(
            self, "landmarks_digest", hashlib.blake2b(own.tobytes(), digest_size=16).hexdigest()
        )

    @classmethod
    def from_observation(cls, observation: FaceObservation) -> Face:
        """The face of a tracker's reading.

        The roll of a lying head counts from its quarter turn.
        """
        roll = observation.controls["roll"]
        quarter = lying_deg(roll)
        controls = (
            observation.controls.with_channels({"roll": roll_about(roll, quarter)})
            if quarter
            else observation.controls
        )
        return cls(observation.box, observation.landmarks, controls, observation.confidence)

    @classmethod
    def of_motion(cls, motion: Motion) -> Face:
        """A person of a clip, as in the frame of highest confidence; `ProjectError` without any."""
        if motion.landmarks is None or not motion.present.any():
            raise ProjectError("No frame of the clip shows this face; track the clip again.")
        frame = int(np.argmax(np.where(motion.present, motion.confidence, -1)))
        seen = _in_frame(motion, frame)
        assert seen is not None
        return cls(*seen, motion)

    def at(self, frame: int) -> Face | None:
        """The face in a frame; None where it is not visible.

        A photo's face is the same in every frame.

        Beyond the ends of a clip its first or last frame counts.
        """
        if self.motion is None:
            return self
        seen = _in_frame(self.motion, min(max(frame, 0), len(self.motion) - 1))
        return None if seen is None else Face(*seen)

    def observation(self) -> FaceObservation:
        """The face in the form of a tracker's reading."""
        return FaceObservation(self.box, self.landmarks, self.controls, self.confidence)

    @property
    def readings(self) -> Mapping[str, float]:
        """The photo's own value of every control id (degrees, 0..1; AU30 -1..1), cached."""
        return _readings(self.controls)


def _in_frame(
    motion: Motion, frame: int
) -> tuple[Box, NDArray[np.float32], ControlVector, float] | None:
    controls = motion.vector(frame)
    if controls is None or motion.landmarks is None:
        return None
    landmarks = motion.landmarks[frame]
    return Box.around(landmarks[:MESH_POINTS]), landmarks, controls, float(motion.confidence[frame])


def _torn_frames(motion: Motion) -> NDArray[np.intp]:
    assert motion.landmarks is not None
    whole = np.isfinite(motion.landmarks).all((1, 2))
    return np.flatnonzero(motion.present & ~whole)


@dataclass(frozen=True, slots=True)
class FaceEdits:
    """The edits of one face.

    Attributes
    ----------
    deltas : tuple of (control id, amount)
        Amounts added to the photo's reading, sorted by id; never zero, so that an undone change
        leaves nothing behind.
    unlinked : frozenset of int
        Numbers of the Action Units whose left and right are set apart.
    mix : tuple of MixRule
        Rules of the drivers, one for a group, in the order of
        `icface.document.drivers.group_rank`.
    tracks : tuple of Track
        Keyframes, one track for a target, in the order of the targets' names.
    blend : Blend or None
        The frames in which `deltas` and `tracks` count; None for all.
    """

    deltas: tuple[tuple[str, float], ...] = ()
    unlinked: frozenset[int] = frozenset()
    mix: tuple[MixRule, ...] = ()
    tracks: tuple[Track, ...] = ()
    blend: Blend | None = None

    def __post_init__(self) -> None:
        names = [name for name, _ in self.deltas]
        if names != sorted(set(names)):
            raise ProjectError(
                f"Changes are sorted and name a control once, not as {names}; use FaceEdits.of."
            )
        for name, amount in self.deltas:
            if name not in _KNOWN:
                raise ProjectError(
                    f"Unknown control {name!r}; use an id of icface.face.controls.CONTROL_IDS."
                )
            if amount == 0.0 or not -MOST_CONTROL <= amount <= MOST_CONTROL:
                raise ProjectError(
                    f"{name} cannot change by {amount:g}: leave zeros out, and give finite numbers "
                    f"within {MOST_CONTROL:g}."
                )
        for number in self.unlinked:
            if number not in AU_BY_NUMBER or len(AU_BY_NUMBER[number].sides) == 1:
                raise ProjectError(
                    f"AU{number} has no left and right to set apart; leave it linked."
                )
        groups = [rule.group for rule in self.mix]
        if len(set(groups)) != len(groups) or groups != sorted(groups, key=_mix_order):
            raise ProjectError(
                f"Rules go from wide groups to narrow ones, one for each, not as {groups}; "
                "use edits.set_rule."
            )
        targets = [track.target for track in self.tracks]
        if targets != sorted(set(targets)):
            raise ProjectError(
                f"Tracks are sorted and there is one for a target, not as {targets}; "
                "use edits.set_key."
            )
        for target in targets:
            _require_target(target)

    @classmethod
    def of(cls, deltas: Mapping[str, float], unlinked: frozenset[int] = frozenset()) -> FaceEdits:
        """Edits of changes in any order; zeros are left out."""
        return cls(sorted_deltas(deltas), unlinked)

    @property
    def changes_something(self) -> bool:
        """Whether the edits could make the face differ from what was opened."""
        return bool(self.deltas or self.mix or self.tracks)

    def track(self, target: str) -> Track | None:
        """The track of a control, or of a rule's gain or offset; None if it is not keyed."""
        return next((track for track in self.tracks if track.target == target), None)

    @property
    def heard(self) -> tuple[Track, ...]:
        """The tracks that are not muted, or only the soloed ones if there are any."""
        soloed = any(track.solo for track in self.tracks)
        return tuple(
            track for track in self.tracks if not track.muted and (track.solo or not soloed)
        )

    def weight(self, frame: int) -> float:
        """How much of the edits counts in a frame, 0..1: all of them without a blend."""
        return 1.0 if self.blend is None else float(self.blend.weights(np.array([frame]))[0])

    def rule(self, group: str) -> MixRule | None:
        """The rule of a group; None if there is none."""
        return next((rule for rule in self.mix if rule.group == group), None)

    def ruling(self, group: str) -> MixRule | None:
        """The rule that decides a group: its own, or the narrowest of a wider group.

        None without any.
        """
        channels, rank = set(group_channels(group)), group_rank(group)
        wide = [
            rule
            for rule in self.mix
            if group_rank(rule.group) <= rank and channels <= set(rule.channels)
        ]
        return self.rule(group) or (wide[-1] if wide else None)

    def by_control(self) -> dict[str, float]:
        """A fresh mapping of control id to amount; ids that are not changed are missing."""
        return dict(self.deltas)


def sorted_deltas(deltas: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Slider changes in the form of `FaceEdits`: sorted by name, zeros left out."""
    return tuple(sorted((name, float(amount)) for name, amount in deltas.items() if amount != 0.0))


def _mix_order(group: str) -> tuple[int, str]:
    return group_rank(group), group


def _require_target(target: str) -> None:
    parts = split_mix_target(target)
    if parts is not None:
        group_channels(parts[0])
    elif target not in _KNOWN:
        raise ProjectError(
            f"Unknown control {target!r}; a track is of an id of icface.face.controls.CONTROL_IDS, "
            "or of a mix rule."
        )
