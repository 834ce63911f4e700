"""The skin of a closed lid, which an open eye hides: made of the photo's own skin around it.

Moving pixels can only stretch the little of an upper lid that is seen, with its lashes and its
crease, over the whole ball of the eye. So where a closing lid is stretched it is toned like the
skin below the brow, below the eye and of the lid itself, shaded as a ball, with the grain of the
skin below the eye, as a patch over the moved pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.controls import ControlVector
from icface.face.geometry import Similarity
from icface.face.landmarks import BROW_EDGES, EYES, LOWER_LID, UPPER_LID
from icface.face.ramps import Ramp, smoothstep
from icface.model.eyes.lashes import Lashes
from icface.model.eyes.lid_curve import LID_POINTS, smooth_lid_curve
from icface.model.eyes.lids import lid_reach
from icface.model.mouth.patch import SMOOTH_PX, Patch
from icface.model.surface.anchored import Anchored
from icface.model.surface.fine_crop import sample_fine_crop

Layers = tuple[F32, F32 | None, F32 | None]

SIZE = 80
"""Side of the patch of one eye, pixels."""
_ROOM = 1.5
"""Side of that patch, in widths of the eye."""
_ACROSS, _UP = 48, 40
"""Columns and rows of a lid's tones."""
_SPREAD = 0.16
"""How far tones are smoothed along the lid, in widths of the eye."""
_LID_SHARE, _BELOW_SHARE = 0.5, 0.2
"""Of a lid's tone at its lower edge: so much is the open lid's own, so much the skin's below the
eye, the rest that above."""
_BRIGHT = 65
"""Percentile of brightness that is taken for an open lid's tone: lashes and creases are darker."""
_DARKEST_ABOVE, _DARKEST_LID = 0.7, 0.5
"""Skin above the eye and on its lid is taken to be at least so bright, in brightnesses of the skin
below the eye."""
_LIT, _DEEP_SHADE = 75, 0.5
"""Percentile of brightness of an eye and its lid, and its ratio to the skin below, under which the
eye is in a shadow that the skin below is not in."""
_IS_OPEN = Ramp(0.1, 0.2)
"""Height of an eye in its widths, times how far it reads as open: how much of its closed lid the
photo hides."""
_GRAIN, _STREAKS = 0.45, 0.025
"""Share of the moved pixels' fine light and dark that stays, and its size, 0..1, from which on it
is streaks, not grain."""
_LID_IS_MADE = Ramp(0.25, 0.85)
"""How far an eye is closed, 0..1: how much of its lid is made."""
_LASHES_GO = Ramp(0.6, 0.95)
"""How far an eye is closed, 0..1: how much of the lid's lower edge is made, where the photo's
lashes are."""
_BELOW_PX = 1.1
"""How far below its edge a closed lid is made, grid pixels: the photo's edge is ragged."""
_SIDES = 0.2
"""Within so much of each end of the lid, in lengths of it, the moved pixels come back."""
_STRETCHED = 0.3
"""Share of a lid's height that is new from which on nothing of what is stretched is left."""
_MADE_UP_TO = Ramp(0.5, 1.0)
"""Height above the edge, in heights of the lid: how much of the moved pixels is left as it is."""


@dataclass(frozen=True, slots=True, eq=False)
class LidSkin:
    """That of one eye.

    Attributes
    ----------
    side : str
        ``L`` or ``R``, the subject's.
    edge, top : Anchored
        Nine points each of the edge of the upper lid and of where a blink stretches no more, from
        the left to the right.
    width : float
        Of the eye, grid pixels.
    height : (9,) float64
        Between those points in the photo, grid pixels.
    lashes : float
        How far the photo's lashes reach above the edge, grid pixels.
    hidden : float
        0..1, how much of the closed lid the photo does not show.
    tones : (_UP, _ACROSS, 3) float32
        0..1, of the closed lid: from its edge up, from the left to the right.
    """

    side: str
    edge: Anchored
    top: Anchored
    width: float
    height: F64
    lashes: float
    hidden: float
    tones: F32

    def drawn(
        self, moved: F64, layers: Layers, fine_crop: NDArray[np.uint8], closed: float
    ) -> Patch | None:
        """The lid when the eye is closed so far, 0..1; None where it has nothing new.

        Parameters
        ----------
        moved : (N, 2 or 3)
            Surface points after the edit, grid pixels.
        layers : tuple of array
            Flow, back flow and back of `icface.model.face.pose.FacePrediction`.
        fine_crop : (FINE_CROP_SIZE, FINE_CROP_SIZE, 3) uint8
            The crop's picture.
        """
        amount = _LID_IS_MADE.smooth(closed) * self.hidden
        if amount == 0:
            return None
        edge, top = self.edge.at(moved), self.top.at(moved)
        along = edge[-1] - edge[0]
        roll_deg = float(np.degrees(np.arctan2(along[1], along[0])))
        middle = (edge.mean(0) + top.mean(0)) / 2
        frame = Similarity.crop(
            centre=(middle[0], middle[1]), side=_ROOM * self.width, roll_deg=roll_deg, size=SIZE
        )
        lower, upper, rest = self._columns(frame.points(edge), frame.points(top), frame.scale)
        height = np.maximum(lower - upper, 1.0)
        up = ((lower - _LINE[:, None]) / height).astype(np.float32)
        column = np.broadcast_to(self._across(frame, edge), up.shape)
        tones = cv2.remap(
            self.tones, column, up * (_UP - 1), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        new = np.clip((1 - rest / height) / _STRETCHED, 0, 1).astype(np.float32)[None]
        last = _LASHES_GO.smooth(closed)
        new = cv2.GaussianBlur(new + (cv2.dilate(new, _CORNER) - new) * last, (0, 0), 2.0)[0]
        kept_lashes = (self.lashes * (1 - last) - _BELOW_PX * last) * frame.scale
        begins = np.clip(up * height.astype(np.float32) - np.float32(kept_lashes - 0.5), 0, 1)
        from_end = 0.5 - np.abs(column[0] / (_ACROSS - 1) - 0.5)
        aside = np.clip(from_end / _SIDES * (1 + last) + last / 2, 0, 1)
        ends = 1 - _MADE_UP_TO(up)
        mask = np.minimum((amount * new * aside).astype(np.float32) * begins * smoothstep(ends), 1)
        mask[[0, -1]] = mask[:, [0, -1]] = 0
        rows = np.flatnonzero(mask.any(1))
        if not len(rows):
            return None
        own = np.s_[max(rows[0] - _MARGIN, 0) : rows[-1] + 1 + _MARGIN]
        shown = _shown(frame, own, layers, fine_crop)
        smooth = cv2.GaussianBlur(shown, (0, 0), SMOOTH_PX)
        fine = cv2.GaussianBlur(
            np.abs(cv2.cvtColor(shown - smooth, cv2.COLOR_RGB2GRAY)), (0, 0), SMOOTH_PX
        )
        colour, streaks = np.zeros((SIZE, SIZE, 3), np.float32), np.zeros((SIZE, SIZE), np.float32)
        colour[own] = tones[own] - smooth
        streaks[own] = mask[own] * np.clip(fine / _STREAKS, 1 - _GRAIN, 1)
        return Patch(frame, colour, mask, smooth=streaks)

    def _across(self, frame: Similarity, edge: F64) -> F32:
        """(SIZE,) column of the tones under each column of the patch."""
        ends = frame.points(edge[[0, -1]])[:, 0]
        column: F32 = ((_LINE - ends[0]) / max(ends[1] - ends[0], 1.0) * (_ACROSS - 1)).astype(
            np.float32
        )
        return column

    def _columns(self, edge: F64, top: F64, scale: float) -> tuple[F64, F64, F64]:
        """Rows of the edge and the top, and the lid's height in the photo, for each column of the patch; pixels of it."""
        lower, rest = (
            np.interp(_LINE, edge[:, 0], smooth_lid_curve(v, LID_POINTS))
            for v in (edge[:, 1], self.height * scale)
        )
        return lower, np.interp(_LINE, top[:, 0], smooth_lid_curve(top[:, 1], LID_POINTS)), rest


_CORNER = np.ones((1, 13), np.uint8)
"""Corners of the eye, where hardly anything is stretched, are made with what is beside them, or
their lashes stick out."""
_MARGIN = 5
"""Rows beyond those that are drawn, for what is smoothed."""
_LINE = np.arange(SIZE, dtype=np.float64)


def lid_skins(
    source: F64,
    skin: NDArray[np.bool_],
    landmarks: F64,
    fine_crop: NDArray[np.uint8],
    controls: ControlVector,
) -> tuple[LidSkin, ...]:
    """The lids of a face's eyes.

    Parameters
    ----------
    source : (N, 2)
        Surface points, grid pixels.
    skin : (N,) bool
        Those that are not eyeball or mouth.
    landmarks : (478, 2)
        Face-mesh points, grid pixels.
    fine_crop : (FINE_CROP_SIZE, FINE_CROP_SIZE, 3) uint8
        The crop's picture.
    controls : ControlVector
        What the photo shows.
    """
    own = np.flatnonzero(skin)
    found = []
    for side, ring in EYES.items():
        contour, brow = landmarks[list(ring), :2], landmarks[list(BROW_EDGES[side]), :2]
        upper, lower = contour[UPPER_LID], contour[LOWER_LID][::-1]
        if upper[0, 0] > upper[-1, 0]:
            upper, lower = upper[::-1], lower[::-1]
        width = float(np.linalg.norm(upper[-1] - upper[0]))
        if not len(own) or width < 3:
            continue
        down = _down(upper)
        gap = np.maximum((lower - upper) @ down, 0)
        reach, lashes = lid_reach(upper, brow), np.maximum(1.3, 0.2 * gap)
        top = upper - (reach + lashes)[:, None] * down
        tones = _tones(fine_crop, (upper, lower, top), down, width)
        height = ((upper - top) @ down).astype(np.float64)
        edge, end = Anchored.of(upper, source, own), Anchored.of(top, source, own)
        hidden = _IS_OPEN.smooth(float(gap.max()) / width * (1 - controls[f"eyeBlink_{side}"]))
        found.append(LidSkin(side, edge, end, width, height, float(lashes.max()), hidden, tones))
    return tuple(found)


def _down(line: F64) -> F64:
    """Unit vector across a line that runs to the right, downwards."""
    x, y = (line[-1] - line[0]) / max(float(np.linalg.norm(line[-1] - line[0])), 1e-6)
    return np.array([-y, x])


def _tones(
    fine_crop: NDArray[np.uint8], lines: tuple[F64, F64, F64], down: F64, width: float
) -> F32:
    """(_UP, _ACROSS, 3) 0..1, the tones of a closed lid; `lines` are the upper and the lower lid and the top, (9, 2) each."""
    upper, lower, top = (_resampled(line, _ACROSS) for line in lines)
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
    lid = _typical(open_lid[:, _ACROSS // 6 : -_ACROSS // 6].reshape(-1, 1, 3))
    own = _no_darker(lid, below.mean(0, keepdims=True), _DARKEST_LID)
    edge = _LID_SHARE * own + _BELOW_SHARE * below + (1 - _LID_SHARE - _BELOW_SHARE) * above
    up = np.linspace(0, 1, _UP)[:, None, None]
    share = smoothstep(up)
    tones = (edge + (above - edge) * share) * _shade()[..., None]
    return np.clip(tones, 0, 1).astype(np.float32)


def _no_darker(tones: F64, than: F64, share: float) -> F64:
    """Tones (C, 3), mixed with others where they are darker than this share of those: brows and frames of glasses are."""
    dark = share - tones.mean(1, keepdims=True) / np.maximum(than.mean(1, keepdims=True), 1e-3)
    mixed: F64 = tones + (than - tones) * np.clip(dark / max(1 - share, 1e-3), 0, 1)
    return mixed


def _shade() -> F64:
    """(_UP, _ACROSS) light on a ball under a lid: lighter in the middle, darker in the crease, at the lashes and the ends."""
    up, across = np.linspace(0, 1, _UP)[:, None], np.linspace(-1, 1, _ACROSS)
    light = 0.07 * np.exp(-(((up - 0.42) / 0.25) ** 2) - (across / 0.6) ** 2)
    shadow = (
        0.12 * np.exp(-((up / 0.16) ** 2))
        + 0.06 * np.exp(-(((up - 0.82) / 0.12) ** 2))
        + 0.08 * across**2
    )
    return 1 + light - shadow


def _along(strip: F64) -> F64:
    """(_ACROSS, 3) the typical colour of each column of a strip (K, _ACROSS, 3), smoothed along it."""
    smooth: F64 = cv2.GaussianBlur(
        _typical(strip)[None], (0, 0), _SPREAD * _ACROSS, borderType=cv2.BORDER_REFLECT
    )[0]
    return smooth


def _typical(strip: F64) -> F64:
    """(C, 3) of each column of (K, C, 3) the mean colour of what is about as bright as its `_BRIGHT` percentile."""
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
    at, own = np.linspace(0, 1, count), np.linspace(0, 1, len(line))
    return np.stack([np.interp(at, own, line[:, k]) for k in (0, 1)], 1)


def _colours(fine_crop: NDArray[np.uint8], points: F64) -> F64:
    """(..., 3) 0..1, of a picture at places on the grid."""
    flat = points.reshape(1, -1, 2)
    seen = sample_fine_crop(fine_crop, flat[..., 0], flat[..., 1])
    colours: F64 = seen.reshape(*points.shape[:-1], 3).astype(np.float64) / 255
    return colours


def _shown(frame: Similarity, rows: slice, layers: Layers, fine_crop: NDArray[np.uint8]) -> F32:
    """(K, SIZE, 3) 0..1: what is there after the flow, in some rows of the patch."""
    m = frame.inverse().matrix.astype(np.float32)
    line = _LINE.astype(np.float32)
    x, y = (m[k, 0] * line + m[k, 1] * line[rows, None] + m[k, 2] for k in (0, 1))
    flow, back_flow, back = layers
    seen = _moved(flow, x, y, fine_crop)
    if back is not None and back_flow is not None:
        share = cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if share.any():
            seen += (_moved(back_flow, x, y, fine_crop) - seen) * share[..., None]
    return seen


def _moved(flow: F32, x: F32, y: F32, fine_crop: NDArray[np.uint8]) -> F32:
    shift = cv2.remap(flow, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    seen: F32 = sample_fine_crop(fine_crop, x + shift[..., 0], y + shift[..., 1]).astype(np.float32)
    seen /= 255
    return seen


def closed_lids(
    skins: Iterable[LidSkin],
    lines: Iterable[Lashes],
    closed: Mapping[str, float],
    moved: F64,
    layers: Layers,
    fine_crop: NDArray[np.uint8],
) -> tuple[Patch, ...]:
    """The skin of lids that close, and then their lines.

    Parameters
    ----------
    closed : mapping
        How much of what is left to close is closed, 0..1, for the sides ``L`` and ``R`` that close.
    moved, layers, fine_crop
        As `LidSkin.drawn`.
    """
    folded = [
        skin.drawn(moved, layers, fine_crop, closed[skin.side])
        for skin in skins
        if skin.side in closed
    ]
    drawn = [
        line.drawn(line.line(moved), closed[line.side]) for line in lines if line.side in closed
    ]
    return tuple(patch for patch in folded + drawn if patch is not None)
