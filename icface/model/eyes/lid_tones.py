"""Tones of a closed lid, mixed from the photo's skin around the eye and shaded as a ball."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.ramps import smoothstep
from icface.model.surface.fine_crop import sample_fine_crop

ACROSS = 48
"""Columns of a lid's tones."""
UP = 40
"""Rows of a lid's tones."""
_SPREAD = 0.16
"""Smoothing of tones along the lid, in widths of the eye."""
_LID_SHARE = 0.5
"""Weight of the open lid in the tone at the lower edge."""
_BELOW_SHARE = 0.2
"""Weight of the skin below the eye in the tone at the lower edge; the rest is the skin above."""
_BRIGHT = 65
"""Percentile of brightness that counts as an open lid's tone: lashes and creases are darker."""
_DARKEST_ABOVE = 0.7
"""Least brightness of the skin above the eye, over the skin below it."""
_DARKEST_LID = 0.5
"""Least brightness of the lid, over the skin below the eye."""
_LIT = 75
"""Percentile of brightness of an eye with its lid that counts as its light."""
_DEEP_SHADE = 0.5
"""Light of an eye over the brightness of the skin below, under which a shadow lies on the eye
alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BallShading:
    """Light on a lid over the ball of an eye, as shares of the lid's tone.

    Heights are in heights of the lid from its edge, widths in half widths of the eye.

    Attributes
    ----------
    light, light_at, light_high, light_wide : float
        Light in the middle: its strength, height, and spread upwards and across.
    lashes, lashes_high : float
        Shadow at the lashes, and its spread upwards.
    crease, crease_at, crease_high : float
        Shadow in the crease, its height, and its spread upwards.
    ends : float
        Shadow at the ends, times the squared distance from the middle.
    """

    light: float = 0.07
    light_at: float = 0.42
    light_high: float = 0.25
    light_wide: float = 0.6
    lashes: float = 0.12
    lashes_high: float = 0.16
    crease: float = 0.06
    crease_at: float = 0.82
    crease_high: float = 0.12
    ends: float = 0.08


_BALL = BallShading()


def lid_tones(
    fine_crop: NDArray[np.uint8], lines: tuple[F64, F64, F64], down: F64, width: float
) -> F32:
    """(UP, ACROSS, 3) 0..1: the tones of a closed lid.

    Parameters
    ----------
    lines : three of (9, 2)
        The upper lid, the lower lid and the top, grid pixels.
    down : (2,)
        Unit vector from the brow to the eye.
    width : float
        Width of the eye, grid pixels.
    """
    upper, lower, top = (_resampled(line, ACROSS) for line in lines)
    reach = float(np.linalg.norm(upper - top, axis=1).mean())
    above = _along(_strip(fine_crop, top, down * reach * np.linspace(-0.3, 0.45, 8)[:, None]))
    below = _along(_strip(fine_crop, lower, down * width * np.linspace(0.16, 0.36, 8)[:, None]))
    open_lid = _colours(
        fine_crop, np.stack([upper + (top - upper) * f for f in np.linspace(0.25, 1, 8)])
    )
    eye = _colours(fine_crop, np.stack([upper + (lower - upper) * f for f in np.linspace(0, 1, 8)]))
    lit = float(
        np.percentile(np.concatenate([open_lid, eye]).mean(2), _LIT) / max(below.mean(), 1e-3)
    )
    below *= min(lit / _DEEP_SHADE, 1.0)
    above = _no_darker(above, below, _DARKEST_ABOVE)
    lid = _typical(open_lid[:, ACROSS // 6 : -ACROSS // 6].reshape(-1, 1, 3))
    own = _no_darker(lid, below.mean(0, keepdims=True), _DARKEST_LID)
    edge = _LID_SHARE * own + _BELOW_SHARE * below + (1 - _LID_SHARE - _BELOW_SHARE) * above
    up = np.linspace(0, 1, UP)[:, None, None]
    share = smoothstep(up)
    tones = (edge + (above - edge) * share) * _shade()[..., None]
    return np.clip(tones, 0, 1).astype(np.float32)


def _no_darker(tones: F64, than: F64, share: float) -> F64:
    """Tones (C, 3), lightened towards others where they are darker than a share of these.

    Brows and frames of glasses are.
    """
    dark = share - tones.mean(1, keepdims=True) / np.maximum(than.mean(1, keepdims=True), 1e-3)
    mixed: F64 = tones + (than - tones) * np.clip(dark / max(1 - share, 1e-3), 0, 1)
    return mixed


def _shade() -> F64:
    """(UP, ACROSS) light on a lid over the ball of an eye: `BallShading` in numbers."""
    s = _BALL
    up, across = np.linspace(0, 1, UP)[:, None], np.linspace(-1, 1, ACROSS)
    light = s.light * np.exp(
        -(((up - s.light_at) / s.light_high) ** 2) - (across / s.light_wide) ** 2
    )
    shadow = (
        s.lashes * np.exp(-((up / s.lashes_high) ** 2))
        + s.crease * np.exp(-(((up - s.crease_at) / s.crease_high) ** 2))
        + s.ends * across**2
    )
    return 1 + light - shadow


def _along(strip: F64) -> F64:
    """(ACROSS, 3) typical colour of each column of a strip (K, ACROSS, 3), smoothed along it."""
    smooth: F64 = cv2.GaussianBlur(
        _typical(strip)[None], (0, 0), _SPREAD * ACROSS, borderType=cv2.BORDER_REFLECT
    )[0]
    return smooth


def _typical(strip: F64) -> F64:
    """(C, 3) mean colour of each column of (K, C, 3) about the `_BRIGHT` percentile of light."""
    order = np.argsort(strip.sum(2), axis=0)
    count = len(strip)
    low, high = (
        int(count * (_BRIGHT - 20) / 100),
        max(int(np.ceil(count * (_BRIGHT + 20) / 100)), 1),
    )
    typical: F64 = np.take_along_axis(strip, order[low:high, :, None], axis=0).mean(0)
    return typical


def _strip(fine_crop: NDArray[np.uint8], line: F64, offsets: F64) -> F64:
    """(K, C, 3) colours beside a line (C, 2), at offsets (K, 2)."""
    return _colours(fine_crop, line + offsets[:, None])


def _resampled(line: F64, count: int) -> F64:
    """A line (K, 2) at this many evenly spaced places."""
    at, own = np.linspace(0, 1, count), np.linspace(0, 1, len(line))
    return np.stack([np.interp(at, own, line[:, k]) for k in (0, 1)], 1)


def _colours(fine_crop: NDArray[np.uint8], points: F64) -> F64:
    """(..., 3) colours of a picture, 0..1, at places (..., 2) on the grid."""
    flat = points.reshape(1, -1, 2)
    seen = sample_fine_crop(fine_crop, flat[..., 0], flat[..., 1])
    colours: F64 = seen.reshape(*points.shape[:-1], 3).astype(np.float64) / 255
    return colours
