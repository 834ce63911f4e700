"""Teeth that a photo shows: the pixels between parted lips that are bright and pale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icface.arrays import F32, F64, U8
from icface.model.mouth.opening import filled


@dataclass(frozen=True, slots=True, kw_only=True)
class ToothTest:
    """Thresholds by which a pixel counts as tooth; brightness and redness beside the median around.

    Redness is the red channel less the mean of the others, over brightness.

    Attributes
    ----------
    margin : float
        Room above and below the opening that counts as its surroundings, in its widths.
    least_bright, grey_penalty : float
        Least brightness over that around, and what is added to it in a photo without hues, where
        brightness alone tells lips from teeth.
    bright_range : float
        Brightness above the least at which a pixel counts in full.
    coloured_redness : float
        Redness around from which on a photo counts as coloured.
    red_share, red_least : float
        Greatest redness of a tooth: share of that around, plus this.
    pale_share, pale_least : float
        Redness below the greatest at which a pixel counts in full: share of that around, at least
        this.
    """

    margin: float = 0.2
    least_bright: float = 0.6
    grey_penalty: float = 0.25
    bright_range: float = 0.4
    coloured_redness: float = 0.1
    red_share: float = 0.75
    red_least: float = 0.03
    pale_share: float = 0.35
    pale_least: float = 0.03


_TEST = ToothTest()


@dataclass(frozen=True, slots=True, kw_only=True)
class TeethSeen:
    """Teeth that an opening shows.

    Attributes
    ----------
    share : float
        0..1, the share of the opening that is as bright as its surroundings and less red.
    reach : float
        0..1, how far down from the upper lip they reach in the middle of the mouth, in heights of
        the opening.
    """

    share: float
    reach: float


_NO_TEETH = TeethSeen(share=0.0, reach=0.0)
_COUNTS = 0.35
"""Likeness from which on a pixel ends the upper row."""
_MIDDLE = (0.3, 0.7)
"""The middle of an opening, in its widths."""


def teeth_seen(picture: U8, outline: F64) -> TeethSeen:
    """The teeth within an outline (K, 2) of a picture (H, W, 3)."""
    low, high = outline.min(0), outline.max(0)
    room = np.array([0.0, _TEST.margin * float(high[0] - low[0])])
    left, top = np.clip(np.floor(low - room), 0, None).astype(int)
    right, bottom = np.ceil(high + room).astype(int) + 1
    near = picture[top:bottom, left:right].astype(np.float32)
    if near.size == 0:
        return _NO_TEETH
    inside = filled(outline - (left, top), (near.shape[1], near.shape[0]))
    like = _like_teeth(near) * inside
    first, last = (int(low[0] - left + at * (high[0] - low[0])) for at in _MIDDLE)
    reach = [
        _reach(like[:, column], inside[:, column])
        for column in range(max(first, 0), min(last + 1, inside.shape[1]))
    ]
    return TeethSeen(
        share=float(like.sum() / max(float(inside.sum()), 1)),
        reach=float(np.median(reach)) if reach else 0.0,
    )


def _like_teeth(near: F32) -> F32:
    """(H, W) 0..1: how much each pixel looks like tooth beside the medians of a picture."""
    t = _TEST
    light = near.mean(2)
    red = (near[..., 0] - near[..., 1:].mean(2)) / np.maximum(light, 1)
    skin, skin_red = (float(np.median(v)) for v in (light, red))
    least = t.least_bright + t.grey_penalty * (1 - min(skin_red / t.coloured_redness, 1.0))
    bright = np.clip((light / max(skin, 1) - least) / t.bright_range, 0, 1)
    pale = np.clip(
        (t.red_share * skin_red + t.red_least - red) / max(t.pale_share * skin_red, t.pale_least),
        0,
        1,
    )
    return np.asarray(bright * pale, np.float32)


def _reach(like: F32, inside: F32) -> float:
    """0..1: the lowest tooth of one column, in heights of the opening there."""
    open_rows = np.flatnonzero(inside > 0.5)
    teeth = np.flatnonzero(like > _COUNTS)
    if not len(open_rows) or not len(teeth):
        return 0.0
    return float((teeth[-1] + 1 - open_rows[0]) / len(open_rows))
