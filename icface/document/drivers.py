"""Drivers of a face: clips, tables and photos with the motion read in them, and the mix rules."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from icface.document.sources import Clip, DataFile, Medium, ProjectError
from icface.face.controls import (
    ANGLES,
    AU_BY_NUMBER,
    CONTROL_IDS,
    EXPRESSIONS,
    ControlVector,
    direction,
)
from icface.face.place import PLACES
from icface.motion.conditioning import Beyond, MissingPolicy
from icface.motion.motion import Motion

MOST_SHIFT = 1_000_000
MOST_GAIN = 10.0


def _starting(*heads: str) -> tuple[str, ...]:
    return tuple(name for name in EXPRESSIONS if name.startswith(heads))


GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "all": ("Everything", (*ANGLES, *EXPRESSIONS)),
    "pose": ("Head pose", ANGLES),
    "yaw": ("Yaw", ("yaw",)),
    "pitch": ("Pitch", ("pitch",)),
    "roll": ("Roll", ("roll",)),
    "brows": ("Brows", _starting("brow")),
    "eyes": ("Eyes and lids", _starting("eyeBlink", "eyeSquint", "eyeWide")),
    "gaze": ("Gaze", _starting("eyeLook")),
    "cheeks": ("Nose and cheeks", _starting("noseSneer", "cheek")),
    "mouth": ("Mouth and jaw", _starting("mouth", "jaw")),
}
"""Groups of channels that one rule can speak of, from wide to narrow: id to name and channels. An
Action Unit such as "AU12" or "AU12L" is a group as well, narrower than all of these."""


def group_channels(group: str) -> tuple[str, ...]:
    """The channels of a group; `ProjectError` if there is no such group."""
    if group in GROUPS:
        return GROUPS[group][1]
    names = tuple(
        name for name in CONTROL_IDS if name == group or name in (f"{group}L", f"{group}R")
    )
    if not names or group in ANGLES + PLACES:
        known = ", ".join(GROUPS)
        raise ProjectError(
            f"Unknown group {group!r}; use one of {known}, or an Action Unit such as AU12 or AU12L."
        )
    weights = np.sum([np.abs(direction(name)) for name in names], axis=0)
    return tuple(
        channel for channel, weight in zip((*ANGLES, *EXPRESSIONS), weights, strict=True) if weight
    )


def group_name(group: str) -> str:
    """The name of a group in the window."""
    if group in GROUPS:
        return GROUPS[group][0]
    side = {"L": ", left", "R": ", right"}.get(group[-1], "")
    unit = AU_BY_NUMBER[int(group.removeprefix("AU").rstrip("LR"))]
    return f"{unit.id} {unit.name}{side}"


def target_name(target: str) -> str:
    """The name of a keyed target in the window: "AU12 Lip corner puller, left", "Brows: gain"."""
    parts = split_mix_target(target)
    return group_name(target) if parts is None else f"{group_name(parts[0])}: {parts[1]}"


def group_rank(group: str) -> int:
    """Rules of a higher rank speak last: a narrow group prevails over a wide one."""
    return (
        list(GROUPS).index(group) if group in GROUPS else len(GROUPS) + group.endswith(("L", "R"))
    )


def mix_target(group: str, parameter: str) -> str:
    """The target of a track that keys the gain or offset of a group's rule."""
    return f"mix:{group}:{parameter}"


def split_mix_target(target: str) -> tuple[str, str] | None:
    """Group and "gain" or "offset" of a track's target; None for a control."""
    parts = target.split(":")
    return (
        (parts[1], parts[2])
        if len(parts) == 3 and parts[0] == "mix" and parts[2] in ("gain", "offset")
        else None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A face whose motion drives others, and the settings of its motion.

    Attributes
    ----------
    name : str
        Short and unlike any other of the document: "A", "brows take 2".
    medium : Source, Clip or DataFile
        The file in which the motion was read.
    motion : Motion or None
        None while the clip is not tracked.
    neutral_frame : int or None
        The frame in which this face is at rest, from which "relative" counts; None for a face at
        rest by definition: looking straight ahead, no expression.
    missing : str
        Filling of frames without a face, see `icface.motion.conditioning`.
    smoothing : float
        0 (as read) to 1.
    beyond : str
        After the last frame: "hold" it, "loop" the clip, or "pingpong" back and forth.
    """

    name: str
    medium: Medium
    motion: Motion | None = None
    neutral_frame: int | None = None
    missing: MissingPolicy = "interpolate"
    smoothing: float = 0.5
    beyond: Beyond = "hold"

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > 60 or any(c in self.name for c in "=*+:\n"):
            raise ProjectError(
                f"A driver cannot be called {self.name!r}: use 1 to 60 characters, none of = * + :."
            )
        if not 0 <= self.smoothing <= 1:
            raise ProjectError(
                f"The smoothing of {self.name} is {self.smoothing:g}; it goes from 0 to 1."
            )
        if self.motion is None and not isinstance(self.medium, Clip):
            raise ProjectError(
                f"{self.name} has no motion; only a clip can wait for being tracked."
            )
        frame = self.neutral_frame
        if frame is not None and (
            self.motion is None or not 0 <= frame < len(self.motion) or self.neutral is None
        ):
            raise ProjectError(
                f"Frame {frame} of {self.name} shows no face and cannot be the neutral one; "
                "choose another."
            )

    @property
    def neutral(self) -> ControlVector | None:
        """The state that counts as rest; None where the neutral frame has no face."""
        if self.neutral_frame is None or self.motion is None:
            return ControlVector()
        return self.motion.vector(self.neutral_frame)

    @property
    def is_still(self) -> bool:
        """Whether it is a single expression, such as a photo's."""
        return self.motion is not None and len(self.motion) == 1

    @property
    def is_data(self) -> bool:
        """Whether it came from a table, without pictures."""
        return isinstance(self.medium, DataFile)


@dataclass(frozen=True, slots=True, kw_only=True)
class MixRule:
    """One row of the mixing matrix: what drives a group of channels, and how.

    With d the driver's value, n its value at rest and own the face's own value, a channel becomes
    ``own + gain * (d - n) + offset`` in relative mode and ``gain * d + offset`` in absolute mode,
    then is held within the limits.

    Attributes
    ----------
    group : str
        One of `GROUPS`, or an Action Unit.
    driver : str
        Name of a driver; "" leaves the group as the face itself has it.
    mode : str
        "relative" or "absolute".
    gain : float
        -10 to 10.
    offset : float
        Degrees or intensity, added to each channel of the group.
    shift : int
        Frames at the project's rate by which the driver comes later (below 0: earlier).
    mirror : bool
        Left and right of the driver change places.
    low, high : float or None
        Limits, degrees or intensity.
    """

    group: str
    driver: str
    mode: str = "relative"
    gain: float = 1.0
    offset: float = 0.0
    shift: int = 0
    mirror: bool = False
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        group_channels(self.group)
        if self.mode not in ("relative", "absolute"):
            raise ProjectError(f"A rule is relative or absolute, not {self.mode!r}.")
        if not -MOST_GAIN <= self.gain <= MOST_GAIN:
            raise ProjectError(
                f"The gain of {self.group} is {self.gain:g}; "
                f"it goes from {-MOST_GAIN:g} to {MOST_GAIN:g}."
            )
        limits = [limit for limit in (self.offset, self.low, self.high) if limit is not None]
        if not all(math.isfinite(limit) and abs(limit) <= 180 for limit in limits):
            raise ProjectError(
                f"Offset and limits of {self.group} lie within 180; they are {limits}."
            )
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ProjectError(
                f"The limits of {self.group} are {self.low:g} to {self.high:g}; "
                "give the lower one first."
            )
        if abs(self.shift) > MOST_SHIFT:
            raise ProjectError(
                f"{self.group} is shifted by {self.shift} frames; "
                f"at most {MOST_SHIFT} are possible."
            )

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that the rule drives."""
        return group_channels(self.group)
