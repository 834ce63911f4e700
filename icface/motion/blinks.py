"""Blinks of a driver, completed so that they close the eyes they drive.

A tracker reads lids that are shut as a blink of a half or less: how a shut eye looks differs more
from one person to the next than how far an open one is open. Its readings stay as they are. But
when they drive another face, it matters that a blink is a blink. Whether lids were shut is told by
the landmarks, in comparison with how far apart they are otherwise; from there on, and for as long
as it lasts, the person's own shut reading stands for 1. Lids that are merely low are left alone.

Readings that are fitted to the landmarks close by how far lids are apart already. What they lack is
that landmarks do not meet on shut lids: only lids that are as near as this person's ever come, or
nearly, are closed for good.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64, Bools
from icface.face.controls import CHANNEL_INDEX
from icface.face.landmarks import BOTH_EYE_CORNERS, LID_PAIRS
from icface.face.ramps import Ramp
from icface.motion.motion import Motion

_EYES = {side: (*LID_PAIRS[side], BOTH_EYE_CORNERS[side]) for side in "LR"}
"""By side, three points of the upper lid with those below them, and the corners."""
_OPEN_PERCENTILE = 75
_SHUT = 0.52
"""Lids are shut when they are nearer than this share of how far apart they are in an open eye."""
_LEAST = 0.12
"""A reading that rises by less above its median is no blink."""
_ALIKE = 0.7
"""Of how far the strongest blink rises: what rises less far was not shut."""
_COMPLETED = Ramp(0.25, 0.75)
"""Share of a person's shut reading: how far a blink is completed."""
_FROM_SHUT_S = Ramp(0.12, 0.28)
"""Seconds from a shut eye: how much of what is read is left as it is."""
_SURELY_SHUT = 0.45
"""A fitted eye is shut when its lids are nearer than this share: 0.14 to 0.43 in shut eyes of
twelve clips, the more the smaller the face, and from 0.30 in eyes that look down through a slit."""
_NEARLY = 0.2
"""Share of the way from a person's shut lids to open ones in which lids are closed in part."""


def whole_blinks(motion: Motion) -> Motion:
    """The motion with blinks that go to 1 where the landmarks say that an eye was shut.

    Parameters
    ----------
    motion : Motion
        Regressed or fitted. Without landmarks, or when no eye shuts, it is returned as it is; and
        so are all rows that are not beside a blink.
    """
    if motion.landmarks is None:
        return motion
    found = np.flatnonzero(motion.present & ~np.isnan(motion.landmarks[:, 0, 0]))
    if len(found) < 3:
        return motion
    rows = motion.controls.copy()
    channels = [CHANNEL_INDEX[f"eyeBlink_{side}"] for side in _EYES]
    read = motion.controls[found][:, channels].astype(np.float64)
    apart = np.stack(
        [
            _apart(motion.landmarks[:, [p for pair in points for p in pair], :2][found])
            for points in _EYES.values()
        ],
        1,
    )
    if motion.reading == "fitted":
        whole = _whole_fitted(apart)
    else:
        whole = _whole_regressed(read, apart < _SHUT, motion.seconds[found])
    for k, at in enumerate(channels):
        blink = read[:, k]
        rows[found, at] = np.where(blink < 1, blink + (1 - blink) * whole[:, k], blink)
    return (
        motion
        if np.array_equal(rows, motion.controls, equal_nan=True)
        else replace(motion, controls=rows)
    )


def _apart(points: NDArray[np.float32]) -> F64:
    """How far lids are apart (N,), 1 in an open eye; points are (N, 8, 2), see `_EYES`."""
    length = np.linalg.norm(
        np.diff(points.astype(np.float64).reshape(len(points), 4, 2, 2), axis=2)[:, :, 0], axis=2
    )
    apart = length[:, :3].mean(1) / np.maximum(length[:, 3], 1e-6)
    share: F64 = apart / max(float(np.percentile(apart, _OPEN_PERCENTILE)), 1e-6)
    return share


def _whole_fitted(apart: F64) -> F64:
    """Shares (N, 2) of what fitted readings lack to be whole blinks that are to be added."""
    both = _nearly_shut(apart.mean(1)) * (apart < _SURELY_SHUT).all(1)
    return np.stack([np.maximum(_nearly_shut(eye), both) for eye in apart.T], 1)


def _nearly_shut(apart: F64) -> F64:
    """How nearly (N,) lids are as near as they ever come; nought for lids that never shut."""
    nearest = float(apart.min())
    if nearest >= _SURELY_SHUT:
        return np.zeros_like(apart)
    return 1 - Ramp(nearest, nearest + _NEARLY * (1 - nearest)).smooth(apart)


def _whole_regressed(read: F64, shut: Bools, seconds: F64) -> F64:
    """Shares (N, 2) of what each reading lacks to be a whole blink that are to be added."""
    both = _whole(read.mean(1), shut[:, 0] & shut[:, 1], seconds)
    # of two eyes that shut, one is often read as hardly closing
    return np.stack(
        [np.maximum(both, _whole(read[:, k], shut[:, k], seconds)) for k in range(2)], 1
    )


def _whole(blink: F64, shut: Bools, seconds: F64) -> F64:
    """Shares (N,) 0..1 of what each reading lacks to be a whole blink that are to be added."""
    above = blink - np.median(blink)
    shut = shut & (above >= _LEAST)
    if not shut.any():
        return np.zeros_like(blink)
    height = float(above[shut].max())
    rises = _COMPLETED.smooth(
        above / height
    )  # flat above: a shut eye that is held shut does not flutter
    times = seconds[shut & (above >= _ALIKE * height)]
    place = np.searchsorted(times, seconds)
    before, after = (np.abs(seconds - times[np.clip(place - k, 0, len(times) - 1)]) for k in (1, 0))
    return rises * (1 - _FROM_SHUT_S.smooth(np.minimum(before, after)))
