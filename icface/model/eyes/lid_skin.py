"""The skin of a closed lid, which an open eye hides, painted from the photo's skin around it.

Moving pixels can only stretch the narrow strip of upper lid that the photo shows, with its lashes
and its crease, over the whole ball of the eye. So a closing lid is painted where it is stretched:
in the tones of the skin below the brow, below the eye and of the lid itself, shaded as a ball, with
the grain of the moved pixels, as a patch over them.
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
from icface.model.eyes.lid_tones import ACROSS, UP, lid_tones
from icface.model.eyes.lids import LASHES_OF_GAP, LASHES_PX, lid_reach
from icface.model.mouth.patch import SMOOTH_PX, Patch
from icface.model.surface.anchored import Anchored
from icface.model.surface.fine_crop import sample_fine_crop

Layers = tuple[F32, F32 | None, F32 | None]
"""Flow of the skin, flow behind its openings, and coverage by what is behind them."""

SIZE = 80
"""Side of the patch of one eye, pixels."""
_ROOM = 1.5
"""Side of that patch, in widths of the eye."""
_IS_OPEN = Ramp(0.1, 0.2)
"""Height of an eye in its widths, times how far it is open: how much of its closed lid the photo
hides."""
_GRAIN = 0.45
"""Share of the moved pixels' grain that stays."""
_STREAKS = 0.025
"""Contrast, 0..1, from which on fine light and dark are streaks and not grain."""
_LID_IS_MADE = Ramp(0.25, 0.85)
"""How far an eye is closed, 0..1: how much of its lid is painted."""
_LASHES_GO = Ramp(0.6, 0.95)
"""How far an eye is closed, 0..1: how much of the lid's lower edge is painted, over the photo's
lashes."""
_BELOW_PX = 1.1
"""Depth below its edge to which a closed lid is painted, grid pixels: the photo's edge is
ragged."""
_SIDES = 0.2
"""Length at each end of the lid along which the moved pixels come back, in lengths of the lid."""
_STRETCHED = 0.3
"""Share of new skin in a lid's height from which on it is painted in full."""
_MADE_UP_TO = Ramp(0.5, 1.0)
"""Height above the edge, in heights of the lid: how much of the moved pixels stays."""


@dataclass(frozen=True, slots=True, eq=False)
class LidSkin:
    """The skin of one eye's upper lid.

    Attributes
    ----------
    side : str
        ``L`` or ``R``, the subject's.
    edge, top : Anchored
        Nine points each, from the left to the right: the lid's edge, and the line above which a
        blink stretches nothing.
    width : float
        Width of the eye, grid pixels.
    height : (9,) float64
        Distances from the edge to the top in the photo, grid pixels.
    lashes : float
        Reach of the photo's lashes above the edge, grid pixels.
    hidden : float
        0..1, how much of the closed lid the photo hides.
    tones : (UP, ACROSS, 3) float32
        0..1, colours of the closed lid: from its edge up, from the left to the right.
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
        """The lid when the eye is closed this far, 0..1; None where it shows no new skin.

        Parameters
        ----------
        moved : (N, 2 or 3)
            Surface points after the edit, grid pixels.
        layers : tuple of array
            After the edit.
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
            self.tones, column, up * (UP - 1), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        new = np.clip((1 - rest / height) / _STRETCHED, 0, 1).astype(np.float32)[None]
        last = _LASHES_GO.smooth(closed)
        new = cv2.GaussianBlur(new + (cv2.dilate(new, _CORNER) - new) * last, (0, 0), 2.0)[0]
        kept_lashes = (self.lashes * (1 - last) - _BELOW_PX * last) * frame.scale
        begins = np.clip(up * height.astype(np.float32) - np.float32(kept_lashes - 0.5), 0, 1)
        from_end = 0.5 - np.abs(column[0] / (ACROSS - 1) - 0.5)
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
        column: F32 = ((_LINE - ends[0]) / max(ends[1] - ends[0], 1.0) * (ACROSS - 1)).astype(
            np.float32
        )
        return column

    def _columns(self, edge: F64, top: F64, scale: float) -> tuple[F64, F64, F64]:
        """Rows of edge and top, and height in the photo, (SIZE,) each by column; patch pixels."""
        lower, rest = (
            np.interp(_LINE, edge[:, 0], smooth_lid_curve(v, LID_POINTS))
            for v in (edge[:, 1], self.height * scale)
        )
        return lower, np.interp(_LINE, top[:, 0], smooth_lid_curve(top[:, 1], LID_POINTS)), rest


_CORNER = np.ones((1, 13), np.uint8)
"""Corners of the eye, where little is stretched, are painted along with their neighbours, or their
lashes would stick out."""
_MARGIN = 5
"""Rows beyond the painted ones that smoothing needs."""
_LINE = np.arange(SIZE, dtype=np.float64)
"""Columns of a patch."""


def lid_skins(
    source: F64,
    skin: NDArray[np.bool_],
    landmarks: F64,
    fine_crop: NDArray[np.uint8],
    controls: ControlVector,
) -> tuple[LidSkin, ...]:
    """The upper-lid skin of a face's eyes.

    Parameters
    ----------
    source : (N, 2)
        Surface points, grid pixels.
    skin : (N,) bool
        The points that are neither eyeball nor mouth.
    landmarks : (478, 2)
        Face-mesh points, grid pixels.
    fine_crop : (FINE_CROP_SIZE, FINE_CROP_SIZE, 3) uint8
        The crop's picture.
    controls : ControlVector
        The photo's own.
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
        reach, lashes = lid_reach(upper, brow), np.maximum(LASHES_PX, LASHES_OF_GAP * gap)
        top = upper - (reach + lashes)[:, None] * down
        tones = lid_tones(fine_crop, (upper, lower, top), down, width)
        height = ((upper - top) @ down).astype(np.float64)
        edge, end = Anchored.of(upper, source, own), Anchored.of(top, source, own)
        hidden = _IS_OPEN.smooth(float(gap.max()) / width * (1 - controls[f"eyeBlink_{side}"]))
        found.append(
            LidSkin(
                side=side,
                edge=edge,
                top=end,
                width=width,
                height=height,
                lashes=float(lashes.max()),
                hidden=hidden,
                tones=tones,
            )
        )
    return tuple(found)


def _down(line: F64) -> F64:
    """Unit vector across a line that runs to the right, downwards."""
    x, y = (line[-1] - line[0]) / max(float(np.linalg.norm(line[-1] - line[0])), 1e-6)
    return np.array([-y, x])


def _shown(frame: Similarity, rows: slice, layers: Layers, fine_crop: NDArray[np.uint8]) -> F32:
    """(K, SIZE, 3) 0..1: the moved pixels in some rows of the patch."""
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
    """(H, W, 3) 0..1: a picture through one flow at places of the grid (H, W)."""
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
        Share of the open eye that closes, 0..1, for the sides ``L`` and ``R`` that close.
    moved, layers, fine_crop
        See `LidSkin.drawn`.
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
