"""Skin in place of an eye: the photo around one eye with its eye, lashes and crease painted out.

Tones run smoothly from the skin around the eye over what is painted out, and the fine grain is the
photo's own, from the skin below the eye, so that nothing shows a border.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from scipy.sparse import eye as identity
from scipy.sparse.linalg import spsolve

from icface.arrays import F32, F64
from icface.face.ramps import Ramp, smoothstep
from icface.model.eyes.eye_photo import EyePhoto, unit_axes

_COARSE = 56
"""Side of the square on which tones are solved, pixels."""
_LASHES = 0.10
"""Height above the upper lid that is always painted out, in widths of the eye."""
_BELOW = 0.035
"""Depth below the lower lid that is always painted out."""
_LASHES_BELOW = 0.15
"""Depth below the lower lid down to which lashes are looked for."""
_ASIDE = (0.05, 0.14)
"""Length beyond the inner and the outer corner that is always painted out."""
_REACH = 0.40
"""Greatest height above the upper lid up to which creases and lashes are painted out."""
_REACH_OF_BROW = 0.62
"""That height, at most, as a share of the way to the brow."""
_REACH_ASIDE = (0.12, 0.42)
"""Length beyond the inner and outer corner up to which dark lashes are painted out."""
_DARK_ASIDE = 0.16
"""`_DARK` beyond the outer corner, where wrinkles stay."""
_DARK = 0.09
"""Share by which lashes and creases are darker than the skin around them, at least."""
_HAIR = 0.72
"""Share of the brightness of the skin below the brow under which a pixel counts as hair."""
_THIN = 0.09
"""Half the width of the thickest fold, rim or line of lashes."""
_SKIN_ASIDE = 0.8
"""Least brightness of the skin at the outer corner over that below the eye, to tell lashes."""
_RIM = 0.65
"""Brightness of a rim of glasses or a strand of hair over the skin's, at most."""
_NOT_RIM = 0.03
"""Distance from the eye up to which nothing counts as a rim, in widths of the eye."""
_LENS_LIGHT = Ramp(0.15, 0.22)
"""Brightness around an eye over the cheek's: whether no dark glass is before it."""
_LENS_CONTRAST = Ramp(0.12, 0.24)
"""Range of brightness between the lids over the skin's: whether there is an eye."""
_SHUT = 0.12
"""Distance between the lids up to which an eye counts as shut, in widths of the eye."""
_CHEEK = 0.72
"""Depth below the corners from which on the square shows the cheek."""
_HAIR_BELOW = 0.12
"""Greatest depth of hair below the brow's edge, in widths of the eye."""
_FOLD_WITHIN = 0.7
"""Share of the way to the brow within which an open lid's fold lies."""
_BARE = 0.4
"""Least share of bare skin between the lid's edge and the brow."""
_ACROSS = 0.06
"""Smoothing of the tops of lashes along the lid, in widths of the eye."""
_SOFT = 0.035
"""Softness of the border of what is painted out."""
_GRAIN = 0.055
"""Reach of what counts as grain, in widths of the eye."""
_GRAIN_FROM = (0.13, 0.50)
"""Depth below the lower lid between which the grain is taken."""
_DEEPEST = 0.35
"""Greatest depth of a lower lid below the corners, however odd a face is."""
_GRAIN_MOST = 3.0
"""Largest grain that is kept, in units of its spread: no mole or lash is repeated."""


@dataclass(frozen=True, slots=True, eq=False)
class FilledEye:
    """The skin that would be there without an eye.

    Attributes
    ----------
    photo : EyePhoto
    skin : (S, S, 3) float32
        0..1, the photo with the eye painted out.
    painted : (S, S) float32
        0..1, where it was painted out.
    front : (S, S) float32
        0..1, what lies before the eye: rims of glasses, and strands of hair.
    fold : float
        0..1, how much darker than the skin the open lid's fold is.
    """

    photo: EyePhoto
    skin: F32
    painted: F32
    front: F32
    fold: float

    def lashes_and_brow(self) -> tuple[F32, F32, F32]:
        """Columns, tops of the lashes and lower edges of the brow's hair, (S,), units of the eye.

        What is painted out above the lid, lashes and crease, belongs to the lid; between it and
        the brow is bare skin.
        """
        x, y, upper, _ = _lids(self.photo)
        brow = np.interp(x, self.photo.brow[:, 0], self.photo.brow[:, 1]).astype(np.float32)
        dark = (self.painted > 0.5) & (y < upper)
        top = np.where(dark.any(0), y[dark.argmax(0), 0], upper)
        hair = _hair(self.photo, self.photo.pixels.mean(2)) & (y < upper - 0.1)
        low = np.where(hair.any(0), y[len(y) - 1 - hair[::-1].argmax(0), 0], brow)
        low = np.clip(low, brow, brow + _HAIR_BELOW)
        top = np.clip(top, low + _BARE * (upper - low), upper - _LASHES / 2)
        across = _ACROSS * self.photo.scale
        lashes, hairs = (
            cv2.GaussianBlur(np.asarray(line, np.float32)[None], (0, 0), across)[0]
            for line in (top, low)
        )
        return x, lashes, hairs


def fill_eye(photo: EyePhoto) -> FilledEye:
    """The photo around one eye with its eye, lashes and crease painted out."""
    light = photo.pixels.mean(2)
    bright, hair = _closed(light, photo.scale), _hair(photo, light)
    rim = _rim(photo, light, bright)
    hair |= rim > 0.3
    core = _always(photo) * (1 - rim)
    painted, lashes, deep = core, hair, np.zeros_like(light)
    tones = _tones(photo.pixels, core, hair)
    for _ in range(2):
        deep, found = _dark(photo, light, np.maximum(tones.mean(2), bright))
        wide = cv2.dilate(found, _disc(0.03 * photo.scale)) * (1 - rim)
        painted = np.maximum(core, wide * _zone(photo, _BELOW + 0.02))
        lashes = hair | (wide * _zone(photo, _LASHES_BELOW) > 0.5)
        tones = _tones(photo.pixels, painted, lashes)
    soft = cv2.GaussianBlur(painted, (0, 0), _SOFT * photo.scale)
    soft = np.maximum(soft, cv2.GaussianBlur(core, (0, 0), 0.4 * _SOFT * photo.scale)) * (1 - rim)
    lit = tones.mean(2, keepdims=True) / max(_below(photo), 0.02)
    filled = tones + _grain(photo) * np.clip(lit, 0.3, 1.3)
    skin = photo.pixels + (filled - photo.pixels) * soft[..., None]
    return FilledEye(
        photo=photo,
        skin=np.clip(skin, 0, 1).astype(np.float32),
        painted=soft.astype(np.float32),
        front=rim,
        fold=_fold(photo, deep),
    )


def _dark(photo: EyePhoto, light: F32, skin: F32) -> tuple[F32, F32]:
    """How much darker than the skin each pixel is, and whether it is a lash or a crease, 0..1."""
    x, _ = unit_axes(photo.size)
    aside = np.clip((x * photo.outer - 0.4) / 0.1, 0, 1)
    skin = np.maximum(skin, aside * _SKIN_ASIDE * _below(photo))
    deep = 1 - cv2.GaussianBlur(light, (0, 0), 0.012 * photo.scale) / np.maximum(skin, 1e-3)
    least = np.where(x * photo.outer > 0.55, _DARK_ASIDE, _DARK)  # by column
    return deep.astype(np.float32), np.clip(deep / least - 0.5, 0, 1).astype(np.float32)


def _lids(photo: EyePhoto) -> tuple[F32, F32, F32, F32]:
    """Columns and rows, (S,) and (S, 1), and the lids by column (S,), in units of the eye."""
    x, y = unit_axes(photo.size)
    upper, lower = (
        np.interp(x, line[:, 0], line[:, 1]).astype(np.float32)
        for line in (photo.upper, photo.lower)
    )
    return x, y[:, None], upper, lower


def _aside(photo: EyePhoto, x: F32) -> tuple[F32, F32]:
    """Distance beyond the inner and the outer corner by column, negative between them."""
    return -x * photo.outer - np.float32(0.5), x * photo.outer - np.float32(0.5)


def _always(photo: EyePhoto) -> F32:
    """(S, S) 0 or 1: the eye, with its lashes and its corners."""
    x, y, upper, lower = _lids(photo)
    inner, outer = _aside(photo, x)
    near = smoothstep(np.clip((0.56 - np.abs(x)) / 0.3, 0, 1))
    high = upper - _LASHES * (0.35 + 0.65 * np.maximum(near, outer > -0.25))
    deep = lower + _BELOW * (0.4 + 0.6 * near)
    shown = (y > high) & (y < deep) & (inner < _ASIDE[0]) & (outer < _ASIDE[1])
    return shown.astype(np.float32)


def _zone(photo: EyePhoto, below: float) -> F32:
    """(S, S) 0..1: where creases and lashes are looked for.

    At the outer corner, where the lashes of both lids meet, it reaches deeper than elsewhere, where
    it ends a little below the lower lid.
    """
    x, y, upper, lower = _lids(photo)
    inner, outer = _aside(photo, x)
    brow = np.interp(x, photo.brow[:, 0], photo.brow[:, 1])
    reach = np.clip(_REACH_OF_BROW * (upper - brow), 0.08, _REACH)
    up = np.clip((y - (upper - reach)) / 0.06, 0, 1)
    corner = np.clip((outer + 0.25) / 0.2, 0, 1)
    deepest = below + (_LASHES_BELOW - below) * corner
    down = np.clip((lower + deepest - y) / 0.03, 0, 1)
    sides = np.clip((_REACH_ASIDE[0] - inner) / 0.08, 0, 1) * np.clip(
        (_REACH_ASIDE[1] - outer) / 0.08, 0, 1
    )
    zone: F32 = (up * down * sides).astype(np.float32)
    return zone


def _hair(photo: EyePhoto, light: F32) -> NDArray[np.bool_]:
    """(S, S): hair of the brow, which lends no tone to the lid."""
    x, y, upper, _ = _lids(photo)
    brow = np.interp(x, photo.brow[:, 0], photo.brow[:, 1])
    strip = (y < upper - 0.06) & (y > np.minimum(brow, upper - 0.14)) & (np.abs(x) < 0.5)
    if not strip.any():
        return np.zeros(light.shape, bool)
    skin = float(np.percentile(light[strip], 65))
    return (y < (upper + brow) / 2) & (cv2.erode(light, _disc(0.03 * photo.scale)) < _HAIR * skin)


def _fold(photo: EyePhoto, deep: F32) -> float:
    """How dark the fold of an open lid is, 0..1: the darkest above the lashes, by column."""
    x, y, upper, _ = _lids(photo)
    brow = np.interp(x, photo.brow[:, 0], photo.brow[:, 1])
    above = (y < upper - _LASHES) & (y > upper - _FOLD_WITHIN * (upper - brow))
    middle = np.abs(x) < 0.3
    darkest = np.where(above, deep, 0).max(0)[middle]
    return float(np.clip(np.median(darkest), 0, 1)) if darkest.size else 0.0


def _closed(light: F32, scale: float) -> F32:
    """(S, S) brightness without dark things that are thinner than a fold or a rim."""
    closed: F32 = cv2.morphologyEx(
        cv2.GaussianBlur(light, (0, 0), 0.012 * scale), cv2.MORPH_CLOSE, _disc(_THIN * scale)
    ).astype(np.float32)
    return cv2.GaussianBlur(closed, (0, 0), 0.5 * _THIN * scale).astype(np.float32)


def _rim(photo: EyePhoto, light: F32, tone: F32) -> F32:
    """(S, S) 0..1: dark things that cross the square, such as rims of glasses and hair.

    Lashes end in the square, and brows end there or touch its top.
    """
    x, y, upper, lower = _lids(photo)
    beside = np.maximum(np.abs(x) - 0.5, 0)
    eye = (y > upper - _NOT_RIM + beside) & (y < lower + _NOT_RIM - beside)
    dark = (light < _RIM * tone) & ~eye
    _, labels = cv2.connectedComponents(dark.astype(np.uint8), connectivity=8)
    low = y[:, 0] > -0.6
    ends = np.concatenate([labels[-1], labels[low, 0], labels[low, -1]])
    crossing = np.isin(labels, ends[ends > 0])
    if not crossing.any():
        return np.zeros_like(light)
    wide = cv2.dilate(crossing.astype(np.float32), _disc(0.025 * photo.scale)) * ~eye
    return cv2.GaussianBlur(wide, (0, 0), 0.01 * photo.scale).astype(np.float32)


def _tones(pixels: F32, painted: F32, hair: NDArray[np.bool_]) -> F32:
    """(S, S, 3) smooth tones: the skin's own, and a membrane over what is painted out."""
    size = len(pixels)
    known = ((painted < 0.5) & ~hair).astype(np.float32)
    weighted = np.dstack([pixels * known[..., None], known])
    coarse = cv2.resize(weighted, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(coarse, (0, 0), 1.2, borderType=cv2.BORDER_REFLECT)
    colour = blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-3)
    fixed = coarse[..., 3] > 0.6
    solved = _membrane(colour.astype(np.float64), fixed)
    return cv2.resize(solved, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float32)


def _membrane(colour: F64, fixed: NDArray[np.bool_]) -> F64:
    """Colours (C, C, 3) with those that are not fixed solved as a membrane through the others."""
    if fixed.all() or not fixed.any():
        return colour
    side = len(colour)
    count = side * side
    place = np.arange(count).reshape(side, side)
    pairs = np.concatenate(
        [
            np.stack([place[:, :-1].ravel(), place[:, 1:].ravel()], 1),
            np.stack([place[:-1].ravel(), place[1:].ravel()], 1),
        ]
    )
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    near = csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (count, count))
    degree = np.asarray(near.sum(1)).ravel()
    free = np.flatnonzero(~fixed.ravel())
    rows = (diags(degree) - near).tocsr()[free]
    known = np.flatnonzero(fixed.ravel())
    flat = colour.reshape(count, 3).copy()
    right = -rows[:, known] @ flat[known]
    flat[free] = spsolve((rows[:, free] + 1e-9 * identity(len(free))).tocsc(), right)
    return flat.reshape(side, side, 3)


def _below(photo: EyePhoto) -> float:
    """Brightness of the skin below the eye, 0..1."""
    return float(np.median(_patch_below(photo).mean(2)))


def _patch_below(photo: EyePhoto) -> F32:
    """The skin below the eye (h, w, 3)."""
    x, y = unit_axes(photo.size)
    deepest = min(float(photo.lower[:, 1].max()), _DEEPEST)
    rows = (y > deepest + _GRAIN_FROM[0]) & (y < deepest + _GRAIN_FROM[1])
    return photo.pixels[rows][:, np.abs(x) < 0.42]


def _grain(photo: EyePhoto) -> F32:
    """(S, S, 3) grain of the skin below the eye, tiled in mirrors over the square."""
    part = _patch_below(photo)
    if min(part.shape[:2]) < 4:
        return np.zeros_like(photo.pixels)
    reach = _GRAIN * photo.scale
    fine = part - cv2.GaussianBlur(part, (0, 0), reach, borderType=cv2.BORDER_REFLECT)
    spread = _GRAIN_MOST * 1.48 * float(np.median(np.abs(fine.mean(2))))
    fine = np.clip(fine, -spread, spread)
    most = photo.size - np.array(part.shape[:2])
    low = most // 2
    tiled: F32 = cv2.copyMakeBorder(
        fine,
        int(low[0]),
        int(most[0] - low[0]),
        int(low[1]),
        int(most[1] - low[1]),
        cv2.BORDER_REFLECT_101,
    )
    return tiled


def _disc(radius: float) -> NDArray[np.uint8]:
    side = 2 * max(round(radius), 1) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)).astype(np.uint8)


def seen_eye(photo: EyePhoto) -> float:
    """0..1: whether the photo shows an eye between the lids, and not a dark or mirroring glass.

    Around an eye behind dark glasses it is dark, and between its lids there is little contrast. An
    eye that is shut counts as seen.
    """
    x, y, upper, lower = _lids(photo)
    light = photo.pixels.mean(2)
    ring = (np.abs(x) < 0.45) & (
        ((y < upper - 0.08) & (y > upper - 0.2)) | ((y > lower + 0.1) & (y < lower + 0.25))
    )
    eye = (y > upper + 0.02) & (y < lower - 0.01) & (np.abs(x) < 0.45)
    if float((lower - upper).max()) < _SHUT or eye.sum() < 9 or not ring.any():
        return 1.0
    beside = max(float(np.median(light[ring])), 1e-3)
    cheek = max(float(np.percentile(light[y[:, 0] > _CHEEK], 60)), 1e-3)
    low, high = np.percentile(cv2.GaussianBlur(light, (0, 0), 0.02 * photo.scale)[eye], [5, 95])
    return float(_LENS_LIGHT(beside / cheek) * _LENS_CONTRAST(float(high - low) / beside))
