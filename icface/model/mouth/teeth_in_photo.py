"""Teeth that a photo shows: the pixels between parted lips that are bright and pale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icface.arrays import F64, U8
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


def share_of_teeth(picture: U8, outline: F64) -> float:
    """0..1, the share of an outline (K, 2) that is as bright as its surroundings and less red."""
    t = _TEST
    low, high = outline.min(0), outline.max(0)
    room = np.array([0.0, t.margin * float(high[0] - low[0])])
    left, top = np.clip(np.floor(low - room), 0, None).astype(int)
    right, bottom = np.ceil(high + room).astype(int) + 1
    near = picture[top:bottom, left:right].astype(np.float32)
    if near.size == 0:
        return 0.0
    inside = filled(outline - (left, top), (near.shape[1], near.shape[0]))
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
    return float((bright * pale * inside).sum() / max(float(inside.sum()), 1))
