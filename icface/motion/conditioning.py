"""Conditioning of a motion for driving: gaps filled, jitter smoothed, mirrored, resampled.

Everything here is a pure function of a motion and keeps to its shots: nothing is carried over a
cut, except by the policy that says so.

Convention
----------
Angles take the short way round: 179 degrees and -179 are two apart.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64, I64
from icface.face.controls import ANGLE_UNIT_DEG, ANGLES, CHANNEL_INDEX, CHANNELS
from icface.motion.motion import Motion

MissingPolicy = Literal["hold", "interpolate", "pass"]
"""Filling of frames without a face: the last reading, a line between readings of one shot, or
nothing."""
Beyond = Literal["hold", "loop", "pingpong"]
"""Continuation before the first frame and after the last: the frame itself, the clip again, or the
clip backwards."""

MISSING_POLICIES: tuple[MissingPolicy, ...] = get_args(MissingPolicy)
BEYOND: tuple[Beyond, ...] = get_args(Beyond)
REST_HZ = 0.6
"""Cutoff in Hz at full strength for a channel that stands still."""
HZ_PER_SPEED = 3.0
"""Cutoff in Hz added at full strength for each unit a second: at half strength a blink keeps nine
tenths of its height."""
SPEED_HZ = 2.5
"""Cutoff in Hz of the speed from which the cutoff is computed."""

_ANGLES = slice(0, len(ANGLES))
_BLINKS = [CHANNEL_INDEX["eyeBlink_L"], CHANNEL_INDEX["eyeBlink_R"]]
_GAZE = [i for name, i in CHANNEL_INDEX.items() if name.startswith("eyeLook")]


class ConditioningError(ValueError):
    """A request that a motion cannot meet.

    The message names the value, the limit and the remedy.
    """


# -------------------------------------------------------------------------------------------------


def filled(motion: Motion, policy: MissingPolicy) -> Motion:
    """The motion with the controls of frames without a face filled in; their confidence stays 0.

    Parameters
    ----------
    motion : Motion
        Landmarks are left as they are: missing where no face was read.
    policy : str
        "hold" keeps the last reading until the next, over cuts too; the first stands for what comes
        before it. "interpolate" draws a line by time between the readings before and after in one
        shot, holds the nearest at the shot's ends, and leaves a shot without any reading missing.
        "pass" changes nothing.
    """
    if policy not in MISSING_POLICIES:
        raise ConditioningError(
            f"Unknown policy {policy!r} for frames without a face; "
            f"choose {', '.join(MISSING_POLICIES)}."
        )
    found = np.flatnonzero(motion.present)
    if policy == "pass" or not len(found) or len(found) == len(motion):
        return motion
    rows = np.arange(len(motion))
    after = np.searchsorted(
        found, rows
    )  # place in `found` of the first reading at or after each row
    later = found[np.minimum(after, len(found) - 1)]
    earlier = found[np.maximum(np.searchsorted(found, rows, side="right") - 1, 0)]
    if policy == "hold":
        return replace(motion, controls=motion.controls[earlier])
    shot = shots(motion)
    before_fits, after_fits = shot[earlier] == shot, shot[later] == shot
    earlier, later = np.where(before_fits, earlier, later), np.where(after_fits, later, earlier)
    times = motion.seconds
    span = times[later] - times[earlier]
    share = np.clip(
        np.divide(times - times[earlier], span, out=np.zeros(len(motion)), where=span > 0), 0, 1
    )
    between = _between(motion.controls[earlier], motion.controls[later], share)
    between[~(before_fits | after_fits)] = np.nan
    whole = np.where(motion.present[:, None], motion.controls, between.astype(np.float32))
    return replace(motion, controls=whole)


def shots(motion: Motion) -> I64:
    """The shot (N,) of each frame, from 0."""
    starts = np.zeros(len(motion), np.int64)
    starts[list(motion.cuts)] = 1
    return starts.cumsum()


def _between(first: NDArray[np.float32], second: NDArray[np.float32], share: F64) -> F64:
    """States (N, 56) a share of the way from one to the other, angles the short way round."""
    start = first.astype(np.float64)
    step = second - start
    step[:, _ANGLES] = (step[:, _ANGLES] + 180) % 360 - 180
    moved: F64 = start + share[:, None] * step
    return np.where(share[:, None] > 0, moved, start)


# --------------------------------------------------------------------------------------------------


def smoothed(motion: Motion, strength: float) -> Motion:
    """The motion without jitter; quick movements keep their height and their time.

    The cutoff of a low-pass filter rises with the speed of each channel, by the rule of the 1 euro
    filter (Casiez, Roussel and Vogel, *1 euro filter*, CHI 2012). A clip is there as a whole, so
    that the filter need not lag as theirs does: it is the minimum of ``sum (y - x)^2 + sum (dy /
    dt)^2 / (2 pi cutoff)^2``, the same first-order low-pass filter run in both directions, whose
    phase is zero. What comes out lies within the range of what goes in.

    Parameters
    ----------
    motion : Motion
        Missing rows stay missing; shots do not touch each other.
    strength : float
        0 (the motion itself) to 1.
    """
    if not 0 <= strength <= 1:
        raise ConditioningError(f"The strength of smoothing is 0 (off) to 1, not {strength:g}.")
    if strength == 0:
        return motion
    rows, shot = motion.controls.copy(), shots(motion)
    found = np.flatnonzero(motion.present)
    for piece in np.split(found, np.flatnonzero(np.diff(shot[found])) + 1):
        if len(piece) > 1:
            rows[piece] = _smooth_shot(
                motion.controls[piece], motion.seconds[piece], float(motion.rate), strength
            )
    return replace(motion, controls=rows)


def _smooth_shot(
    rows: NDArray[np.float32], seconds: F64, rate: float, strength: float
) -> NDArray[np.float32]:
    """Readings (N, 56) of one shot, smoothed."""
    wound = rows.astype(np.float64)
    wound[:, _ANGLES] = np.unwrap(wound[:, _ANGLES], period=360, axis=0)
    unit = np.ones(rows.shape[1])
    unit[_ANGLES] = ANGLE_UNIT_DEG
    smooth = low_passed(wound, seconds, rate, strength, unit)
    turned = np.abs(smooth) > 180
    turned[:, len(ANGLES) :] = False
    return np.where(turned, (smooth + 180) % 360 - 180, smooth).astype(np.float32)


def low_passed(rows: F64, seconds: F64, rate: float, strength: float, unit: F64 | float) -> F64:
    """Columns (N, C) of one shot without jitter, see `smoothed`.

    Parameters
    ----------
    rows : (N, C) array
        Two or more.
    seconds : (N,) array
        Increasing.
    rate : float
        Frames a second.
    strength : float
        Above 0, at most 1.
    unit : (C,) array or float
        What counts as one, when speed is judged.
    """
    steps = np.diff(seconds)[:, None]  # (N - 1, 1) seconds
    slow = _low_pass(rows, np.full_like(rows[1:], SPEED_HZ), steps, rate)
    speed = np.abs(np.diff(slow, axis=0)) / steps / unit
    smooth = _low_pass(rows, (REST_HZ + HZ_PER_SPEED * speed) / strength**2, steps, rate)
    within: F64 = np.clip(smooth, rows.min(0), rows.max(0))  # what rounding could add to the bound
    return within


def _low_pass(rows: F64, cutoff_hz: F64, steps: F64, rate: float) -> F64:
    """Columns (N, C) after a zero-phase first-order low-pass filter.

    Parameters
    ----------
    rows : (N, C) array
    cutoff_hz : (N - 1, C) array
        Between each row and the next.
    steps : (N - 1, 1) array
        Seconds from each row to the next.
    rate : float
        Rows a second at which one reading counts for one frame of time.
    """
    tie = rate / (steps * (2 * np.pi * cutoff_hz) ** 2)  # (N - 1, C) weight of each difference
    diagonal = np.ones_like(rows)
    diagonal[:-1] += tie
    diagonal[1:] += tie
    out = rows.copy()
    for n in range(
        1, len(rows)
    ):  # Thomas' algorithm: the system is tridiagonal and dominated by its diagonal
        factor = tie[n - 1] / diagonal[n - 1]
        diagonal[n] -= factor * tie[n - 1]
        out[n] += factor * out[n - 1]
    out[-1] /= diagonal[-1]
    for n in range(len(rows) - 2, -1, -1):
        out[n] = (out[n] + tie[n] * out[n + 1]) / diagonal[n]
    return out


# --------------------------------------------------------------------------------------------------


def neutral_frame(motion: Motion) -> int:
    """The frame whose face is nearest to rest.

    It has little expression, the head's usual pose, open eyes and a confident reading.

    Of a motion that was fitted, it is the frame that its controls count from.

    Raises
    ------
    ConditioningError
        If no frame has a face.
    """
    if motion.rest is not None:
        return motion.rest
    found = np.flatnonzero(motion.present)
    if not len(found):
        raise ConditioningError(
            "No frame has a face, so none can be the neutral one. Choose another clip."
        )
    rows = motion.controls[found].astype(np.float64)
    channels = rows[:, len(ANGLES) :].copy()
    channels[:, [i - len(ANGLES) for i in (*_BLINKS, *_GAZE)]] *= (
        0.25  # lids are judged below, and gaze matters little
    )
    away = (rows[:, _ANGLES] - np.median(rows[:, _ANGLES], axis=0) + 180) % 360 - 180
    blink = rows[:, _BLINKS].max(1)
    shut = np.maximum(blink - np.median(blink), 0)
    cost = (
        channels.sum(1)
        + np.abs(away).sum(1) / ANGLE_UNIT_DEG
        + 4 * shut
        + 4 * (1 - motion.confidence[found])
    )
    return int(found[np.argmin(cost)])


# --------------------------------------------------------------------------------------------------


@cache
def _mirror() -> tuple[I64, NDArray[np.float32]]:
    """The channel that each takes its value from in a mirror, and its sign."""
    swaps = {
        "jawLeft": "jawRight",
        "jawRight": "jawLeft",
        "mouthLeft": "mouthRight",
        "mouthRight": "mouthLeft",
    }
    for name in CHANNELS:
        if name[-2:] in {"_L", "_R"}:
            swaps[name] = name[:-1] + ("R" if name[-1] == "L" else "L")
    signs = np.ones(len(CHANNELS), np.float32)
    signs[[CHANNEL_INDEX["yaw"], CHANNEL_INDEX["roll"]]] = -1
    return np.array([CHANNEL_INDEX[swaps.get(name, name)] for name in CHANNELS]), signs


def mirrored(motion: Motion) -> Motion:
    """The motion as a mirror shows it, without the landmarks."""
    source, signs = _mirror()
    rows = motion.controls[:, source] * signs + np.float32(0)  # no negative zero
    carried = frozenset(
        name for name, at in zip(CHANNELS, source, strict=True) if CHANNELS[at] in motion.carried
    )
    return replace(motion, controls=rows, landmarks=None, regressed=None, carried=carried)


# --------------------------------------------------------------------------------------------------


def at_seconds(
    motion: Motion, seconds: NDArray[np.floating] | float, *, beyond: Beyond = "hold"
) -> F64:
    """The controls at any times, drawn between the frames before and after.

    Where one of the two has no face, or a cut lies between them, it is the frame that a player
    shows then.

    Parameters
    ----------
    motion : Motion
    seconds : float or array
        F times since the clip's first frame, in any order; before 0 and after the end too.
    beyond : str
        "hold" the first and last frame; "loop": the clip begins anew once its last frame has
        lasted; "pingpong": it runs backwards from the last frame, and so on.

    Returns
    -------
    (F, 56) float64
        NaN where the frame has no face.
    """
    times = np.atleast_1d(np.asarray(seconds, np.float64))
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ConditioningError("Times are finite seconds, one number each.")
    times = _within(times, motion, beyond)
    first = np.clip(np.searchsorted(motion.seconds, times, side="right") - 1, 0, len(motion) - 1)
    second = np.minimum(first + 1, len(motion) - 1)
    shot, present = shots(motion), motion.present
    joined = (shot[first] == shot[second]) & present[first] & present[second] & (second > first)
    span = np.where(joined, motion.seconds[second] - motion.seconds[first], 1.0)
    share = np.where(joined, np.clip((times - motion.seconds[first]) / span, 0, 1), 0.0)
    return _between(motion.controls[first], motion.controls[second], share)


def frames_at(
    motion: Motion, seconds: NDArray[np.floating] | float, *, beyond: Beyond = "hold"
) -> I64:
    """Frames (F,) that a player shows at any times; see `at_seconds` for the times."""
    times = _within(np.atleast_1d(np.asarray(seconds, np.float64)), motion, beyond)
    return np.clip(
        np.searchsorted(motion.seconds, times + 1e-9, side="right") - 1, 0, len(motion) - 1
    )


def _within(times: F64, motion: Motion, beyond: Beyond) -> F64:
    """The times brought between the first frame and the last."""
    last = float(motion.seconds[-1])
    if beyond == "hold":
        return np.clip(times, 0, last)
    if beyond == "loop":
        inside = (times >= 0) & (times < motion.duration_s)
        return np.where(inside, times, np.mod(times, motion.duration_s))
    if beyond == "pingpong":
        folded = last - np.abs(np.mod(times, 2 * last) - last) if last > 0 else np.zeros_like(times)
        return np.where((times >= 0) & (times <= last), times, folded)
    raise ConditioningError(f"Unknown way to go on {beyond!r}; choose {', '.join(BEYOND)}.")
