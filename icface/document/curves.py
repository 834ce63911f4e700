"""Keyframe curves: the keys of one number over time, and the values between them.

Convention
----------
Frames are integers at the project's rate. Between two keys a cubic Bezier runs in the plane of
frame and value; its two inner points are set by the interpolation out of the first key and into
the second. An interpolation is one of

======  ===================================================================================
hold    the value of the earlier key until the next one (out of a key only)
linear  straight towards the other key
ease    level at the key, slow at that end: (0.42, 0) of the gap, as in CSS and After Effects
bezier  wherever its handle points
======  ===================================================================================

Handles reach at most across their gap, so that there is one value for each frame. Where no handle
is set, a curve stays between the values of its two keys: the inner points do, and a Bezier stays in
the hull of its points.
"""

from __future__ import annotations

import bisect
import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.document.bezier import values_on_curves
from icface.face.ramps import smoothstep

Interpolation = Literal["hold", "linear", "ease", "bezier"]
Mode = Literal["delta", "absolute"]
Extrapolation = Literal["hold", "rest"]
Handle = tuple[float, float]
"""Frames and value from the key to the end of its handle; frames below 0 on the left side, above on
the right."""

EASE = 0.42
MOST_FRAME = 100_000_000
MOST_KEYS = 1_000_000
MOST_VALUE = 1_000_000.0
"""Of a key and of where its handles end; what is keyed are degrees, intensities and gains."""


class CurveError(ValueError):
    """Keys that make no curve; the message names the frame, the value and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A keyframe: the value of a curve at one frame, and its interpolation.

    Attributes
    ----------
    frame : int
        Position at the project's rate.
    value : float
        In the unit of what is keyed: degrees, 0..1, a gain.
    interpolation_in, interpolation_out : str
        Interpolation before the key and after it.
    left_handle, right_handle : (frames, value)
        Ends of the handles of "bezier" interpolation, from the key.
    """

    frame: int
    value: float
    interpolation_in: Interpolation = "ease"
    interpolation_out: Interpolation = "ease"
    left_handle: Handle = (0.0, 0.0)
    right_handle: Handle = (0.0, 0.0)

    def __post_init__(self) -> None:
        if (
            isinstance(self.frame, bool)
            or not isinstance(self.frame, int)
            or not 0 <= self.frame <= MOST_FRAME
        ):
            raise CurveError(
                f"A key stands on a frame from 0 to {MOST_FRAME}, not on {self.frame!r}."
            )
        if not -MOST_VALUE <= self.value <= MOST_VALUE:
            raise CurveError(
                f"The key on frame {self.frame} has the value {self.value:g}; "
                f"give a finite number within {MOST_VALUE:g}."
            )
        if self.interpolation_in == "hold":
            raise CurveError(
                f"The key on frame {self.frame} holds to the left; a key holds to the right only."
            )
        if (
            self.left_handle[0] > 0
            or self.right_handle[0] < 0
            or not all(map(math.isfinite, (*self.left_handle, *self.right_handle)))
        ):
            raise CurveError(
                f"A handle of the key on frame {self.frame} points the wrong way, or to no finite "
                "place."
            )

    def moved(self, frames: int = 0, value: float = 0.0) -> Key:
        """The key moved by frames and value, its handles with it."""
        # not `replace`, which takes twice as long: ten thousand keys may be dragged at once
        return Key(
            frame=self.frame + frames,
            value=self.value + value,
            interpolation_in=self.interpolation_in,
            interpolation_out=self.interpolation_out,
            left_handle=self.left_handle,
            right_handle=self.right_handle,
        )


@dataclass(frozen=True, slots=True)
class Track:
    """The keys of one number of the document.

    Attributes
    ----------
    target : str
        What is keyed: an id of `icface.face.controls.CONTROL_IDS`, or ``mix:GROUP:gain`` or
        ``mix:GROUP:offset``.
    keys : tuple of Key
        By rising frame, at least one.
    mode : str
        "delta": values are added to what the face shows without them. "absolute": they replace it.
    extrapolation : str
        Before the first and after the last key: "hold" keeps their values, "rest" leaves the
        target without one.
    muted, solo, locked : bool
        Muted: left out. Solo: only soloed tracks count. Locked: not to be changed.
    """

    target: str
    keys: tuple[Key, ...]
    mode: Mode = "delta"
    extrapolation: Extrapolation = "hold"
    muted: bool = False
    solo: bool = False
    locked: bool = False
    frames: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """Frames of the keys."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.keys) <= MOST_KEYS:
            raise CurveError(
                f"The track of {self.target} has {len(self.keys)} keys; it takes 1 to {MOST_KEYS}."
            )
        object.__setattr__(self, "frames", tuple([key.frame for key in self.keys]))
        if not _rises(self.frames):
            raise CurveError(
                f"The keys of {self.target} are not in order, or two stand on one frame; "
                "use Track.of."
            )

    @classmethod
    def of(cls, target: str, keys: Iterable[Key], mode: Mode = "delta") -> Track:
        """A track of keys in any order; of two on one frame the later given counts."""
        by_frame = {key.frame: key for key in keys}
        return cls(target, tuple(by_frame[frame] for frame in sorted(by_frame)), mode)

    def key_at(self, frame: int) -> Key | None:
        """The key on a frame, if there is one."""
        place = bisect.bisect_left(self.frames, frame)
        return (
            self.keys[place] if place < len(self.keys) and self.keys[place].frame == frame else None
        )

    def with_keys(self, keys: Iterable[Key]) -> Track | None:
        """The same track with other keys, as `of` takes them; None without any."""
        ordered = tuple(keys)
        if not _rises([key.frame for key in ordered]):
            by_frame = {key.frame: key for key in ordered}
            ordered = tuple(by_frame[frame] for frame in sorted(by_frame))
        if ordered == self.keys:
            return self
        return replace(self, keys=ordered) if ordered else None

    def value(self, frame: float) -> float | None:
        """The value at a frame; None where the track is at rest."""
        found = float(self.values(np.array([frame], np.float64))[0])
        return None if math.isnan(found) else found

    def values(self, frames: NDArray[np.integer] | F64) -> F64:
        """(F,) values at frames, whole or between; NaN where the track is at rest."""
        at = np.asarray(frames, np.float64)
        keyed, values = (
            np.array(self.frames, np.float64),
            np.array([key.value for key in self.keys], np.float64),
        )
        place = (
            np.searchsorted(keyed, at, side="right") - 1
        )  # the last key that is not after the frame
        found = values[np.clip(place, 0, None)].copy()
        between = (place >= 0) & (place < len(keyed) - 1) & (keyed[np.clip(place, 0, None)] != at)
        if between.any():
            found[between] = _in_gaps(self.keys, place[between], at[between])
        if self.extrapolation == "rest":
            found[(at < keyed[0]) | (at > keyed[-1])] = np.nan
        return found


def moved_keys(keys: Iterable[Key], frames: int, value: float = 0.0) -> list[Key]:
    """Keys moved by frames and value, each as by `Key.moved` but several times as fast.

    Ten thousand keys may be dragged at once.

    Raises
    ------
    CurveError
        As for a single key.
    """
    some = list(keys)
    stands = [key.frame + frames for key in some]
    values = [key.value + value for key in some]
    if (
        not some
        or min(stands) < 0
        or max(stands) > MOST_FRAME
        or not all(map(math.isfinite, values))
    ):
        return [key.moved(frames, value) for key in some]  # says what is wrong
    made: list[Key] = []
    for key, frame, height in zip(some, stands, values, strict=True):
        one = object.__new__(
            Key
        )  # the key it comes from was checked when it was made, and what differs was checked above
        _SET_FRAME(one, frame)
        _SET_VALUE(one, height)
        _SET_INTERPOLATION_IN(one, key.interpolation_in)
        _SET_INTERPOLATION_OUT(one, key.interpolation_out)
        _SET_LEFT_HANDLE(one, key.left_handle)
        _SET_RIGHT_HANDLE(one, key.right_handle)
        made.append(one)
    return made


(
    _SET_FRAME,
    _SET_VALUE,
    _SET_INTERPOLATION_IN,
    _SET_INTERPOLATION_OUT,
    _SET_LEFT_HANDLE,
    _SET_RIGHT_HANDLE,
) = (
    Key.__dict__[name].__set__
    for name in (
        "frame",
        "value",
        "interpolation_in",
        "interpolation_out",
        "left_handle",
        "right_handle",
    )
)


def _rises(frames: Sequence[int]) -> bool:
    return all(map(operator.lt, frames, frames[1:]))


def control_points(first: Key, second: Key) -> F64:
    """(4, 2) points of frame and value of the Bezier from one key to the next (not of a "hold")."""
    points: F64 = _control_points(_gap_rows([(first, second)]))[0]
    return points


def _gap_rows(pairs: Iterable[tuple[Key, Key]]) -> F64:
    """Rows (G, 10), one for each gap between two keys.

    A row holds frame and value of both keys, then interpolation and handle out of the first key,
    and interpolation and handle into the second.

    The handle of arrival is turned about, as if the curve ran to the right. Sides are places in
    `_CODES`.
    """
    return np.array(
        [
            (
                a.frame,
                a.value,
                b.frame,
                b.value,
                _CODES[a.interpolation_out],
                *a.right_handle,
                _CODES[b.interpolation_in],
                -b.left_handle[0],
                -b.left_handle[1],
            )
            for a, b in pairs
        ],
        np.float64,
    )


_CODES = {"hold": 0, "linear": 1, "ease": 2, "bezier": 3}


def _control_points(rows: F64) -> F64:
    """(G, 4, 2) points of frame and value of the Beziers of gaps."""
    first, second = rows[:, :2], rows[:, 2:4]
    leave, arrive = _reaches(rows[:, 4:7], second - first), _reaches(rows[:, 7:10], second - first)
    return np.stack([first, first + leave, second - arrive, second], axis=1)


def _reaches(sides: F64, gaps: F64) -> F64:
    """(G, 2) from keys to their inner points, as if the curves ran to the right."""
    side, handle = sides[:, 0], sides[:, 1:]
    reach = gaps / 3
    reach[side == _CODES["ease"]] = gaps[side == _CODES["ease"]] * (EASE, 0.0)
    bent = side == _CODES["bezier"]
    share = gaps[:, 0] / np.maximum(handle[:, 0], gaps[:, 0])  # shortened, it points the same way
    reach[bent] = (handle * share[:, None])[bent]
    return reach


def _in_gaps(keys: tuple[Key, ...], gaps: NDArray[np.integer], frames: F64) -> F64:
    """(F,) values at frames, each between the key of its gap and the next; all gaps at once."""
    used, which = np.unique(gaps, return_inverse=True)
    rows = _gap_rows((keys[gap], keys[gap + 1]) for gap in used.tolist())
    start, rise = rows[:, :2], rows[:, 2:4] - rows[:, :2]
    share = (frames - start[which, 0]) / rise[which, 0]
    holds = rows[:, 4] == _CODES["hold"]
    found: F64 = start[which, 1] + np.where(holds[which], 0.0, share) * rise[which, 1]
    bends = ~holds & ~((rows[:, 4] == _CODES["linear"]) & (rows[:, 7] == _CODES["linear"]))
    curved = bends[which]
    if curved.any():
        found[curved] = values_on_curves(_control_points(rows)[which[curved]], frames[curved])
    return found


def smooth_handles(keys: tuple[Key, ...], place: int) -> tuple[Handle, Handle]:
    """The two handles that put a key on one smooth curve with its neighbours, without overshoot.

    The slope is that of Fritsch and Carlson's monotone cubic (SIAM J. Numer. Anal. 17, 1980): level
    at peaks and dips, elsewhere the harmonic mean of the slopes to both sides.
    """
    key = keys[place]
    before = keys[place - 1] if place > 0 else None
    after = keys[place + 1] if place + 1 < len(keys) else None
    slopes = [
        (b.value - a.value) / (b.frame - a.frame)
        for a, b in ((before, key), (key, after))
        if a and b
    ]
    rises = len(slopes) == 2 and slopes[0] * slopes[1] > 0
    slope = 2 * slopes[0] * slopes[1] / (slopes[0] + slopes[1]) if rises else 0.0
    left = (key.frame - before.frame) / 3 if before else 0.0
    right = (after.frame - key.frame) / 3 if after else 0.0
    return (-left, -left * slope), (right, right * slope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """The range of frames in which a face's edits count, with fades at its ends.

    Attributes
    ----------
    first, last : int
        The first and last frame with any effect.
    fade_in, fade_out : int
        Frames until the full effect, and from it to none; 0 is at once.
    """

    first: int
    last: int
    fade_in: int = 0
    fade_out: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last <= MOST_FRAME:
            raise CurveError(
                f"A blend runs from a frame to a later one, not from {self.first} to {self.last}."
            )
        if (
            min(self.fade_in, self.fade_out) < 0
            or self.fade_in + self.fade_out > self.last - self.first + 1
        ):
            raise CurveError(
                f"Fades of {self.fade_in} and {self.fade_out} frames do not fit into "
                f"{self.last - self.first + 1} frames."
            )

    def weights(self, frames: NDArray[np.integer] | F64) -> F64:
        """(F,) 0..1, smooth at both ends of a fade."""
        at = np.asarray(frames, np.float64)
        rising = (at - self.first + 1) / (self.fade_in + 1)
        falling = (self.last - at + 1) / (self.fade_out + 1)
        share = np.clip(np.minimum(rising, falling), 0, 1)
        return smoothstep(share)
