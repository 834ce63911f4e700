"""Eyeballs that turn behind their lids: irises that move, and what wider lids uncover of them.

Surfaces of eyes have no expressions of their own: what the animator knows of a gaze is what lids
do. Here the iris of a photo moves as a ball turns, the white of the eye is stretched and squeezed
between it and the corners, and what lids hide in the photo is seen as elsewhere on the same circle
around the pupil, where it is not hidden. It is a layer of the photo's own pixels, between the lids
as they are after the edit.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.controls import EXPRESSIONS
from icface.face.landmarks import LOWER_LID, UPPER_LID
from icface.face.ramps import smoothstep
from icface.model.eyes.irises import TO_SIDES_DEG
from icface.model.eyes.lid_curve import smooth_lid_curve
from icface.model.networks.neutralizer import GRID
from icface.model.surface.anchored import Anchored
from icface.model.surface.layers import FlowLayer

_UP_DEG, DOWN_DEG = 25.0, 28.0
"""How far eyes turn up and down at full intensity."""
_LID_PX = 0.8
"""What was so much nearer to a lid in the photo is taken from elsewhere."""
RINGS, RING = 24, 0.15
"""Circles about the pupil, and how much larger each is, in radii of the iris."""
_REFLECTS = np.radians(20)
"""Hidden parts next to lids are seen as in a mirror, so far; farther ones as the last of these."""
_STAYS = 0.35
"""Share of an iris that a corner of the eye never hides."""
_FADES_IN = 0.06
"""Change of a channel from which on an eye is seen in full as it has turned."""
_SEAM_PX = 2.0
"""Half as wide as the strip in which one side's take on what is hidden leads over into the other's,
grid pixels."""
_SUPPORT_PX = 2.0
"""A pixel between those of the grid looks at those so near."""
_BESIDE = 3
"""Pixels around the opening in which the flow is continued."""
_FINE = 4


_DILATE = np.ones((2 * _BESIDE - 1, 2 * _BESIDE - 1), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Eyeball:
    """That of one eye.

    Attributes
    ----------
    side : str
        ``L`` or ``R``, the subject's.
    lids : Anchored
        The eye's contour in the order of `icface.face.landmarks.LEFT_EYE`.
    rows : (K,) int64
        Surface points of the eye itself.
    source : (K, 2)
        Where those are in the photo, grid pixels.
    centre : (2,)
        Of the iris in the photo, grid pixels.
    axes : (2, 2)
        Unit vectors along the line of the corners to the right, and down.
    radius : float
        Of the iris, grid pixels.
    corners : (2,)
        Where the left and the right corner are along the first axis, from the iris.
    edges : (2, CURVE_POINTS, 2)
        The upper and the lower lid in the photo along the axes from the iris, from the left to the
        right.
    seen : (2, 2, RINGS)
        Of circles around the iris, on the left and the right: the first and the last angle that the
        photo shows, radians from the first axis downwards.
    ring_px : float
        Step from one of those circles to the next.
    farthest : (2,)
        Radius of the last circle that is seen at all, on the left and the right.
    ball_px : float
        Radius of the ball.
    lid_follows : float
        Share of an open eye by which its upper lid falls when it looks all the way down.
    """

    side: str
    lids: Anchored
    rows: NDArray[np.int64]
    source: F64
    centre: F64
    axes: F64
    radius: float
    corners: F64
    edges: F64
    seen: F64
    ring_px: float
    farthest: F64
    ball_px: float
    lid_follows: float

    def shift(self, change: F64) -> F64:
        """(2,) how far a change of the channels (53,) moves the iris along the axes, grid pixels."""
        out, into, up, down = (
            float(change[EXPRESSIONS.index(f"eyeLook{way}_{self.side}")]) for way in _WAYS
        )
        across = np.radians(TO_SIDES_DEG * (out - into)) * (1 if self.side == "L" else -1)
        along = np.radians(DOWN_DEG * down - _UP_DEG * up)
        room = self.corners + (2 * _STAYS - 1) * self.radius * np.array([-1, 1])
        x = np.clip(self.ball_px * np.sin(across), min(room[0], 0), max(room[1], 0))
        return np.array([x, self.ball_px * np.sin(along)])

    def amount(self, change: F64) -> float:
        """0..1: how much of what is seen as the eye has turned is to be shown, for a change of the channels (53,)."""
        looks = [abs(change[EXPRESSIONS.index(f"eyeLook{way}_{self.side}")]) for way in _WAYS]
        wide = change[EXPRESSIONS.index(f"eyeWide_{self.side}")]
        shut = [
            change[EXPRESSIONS.index(f"{name}_{self.side}")] for name in ("eyeBlink", "eyeSquint")
        ]
        return float(np.clip(max(*looks, wide, -shut[0], -shut[1]) / _FADES_IN, 0, 1))

    def opening(self, moved: F64) -> F64:
        """(2, CURVE_POINTS, 2) the upper and the lower lid when surface points are here (N, 2 or 3), grid pixels."""
        return smooth_lids(self.lids.at(moved))

    def along_axes(self, points: F64) -> F64:
        """(..., 2) points of the grid along the axes from the iris."""
        along: F64 = (points - self.centre) @ self.axes.T
        return along

    def turned_back(self, points: F64, shift: F64) -> F64:
        """(M, 2) where points (M, 2) of an eye that has turned were before, both along the axes.

        The corners stay, the iris moves as a disc on a ball.
        """
        at = points - shift
        far = np.hypot(at[:, 0], at[:, 1])
        to_left, to_right = np.maximum(
            np.array([-1.0, 1.0]) * (self.corners - shift[0]) - self.radius, 1.0
        )
        room = to_left + (to_right - to_left) * (0.5 + 0.5 * at[:, 0] / np.maximum(far, 1e-6))
        stays = np.clip((far - self.radius) / room, 0, 1)[:, None]
        along = shift / max(float(np.hypot(*shift)), 1e-6)
        narrower = (
            1 / np.sqrt(max(1 - float(shift @ shift) / self.ball_px**2, 0.25)) - 1
        )  # as a disc that turns away
        wide = np.clip(at @ along, -self.radius, self.radius)[:, None] * along
        turned: F64 = at + shift * stays + wide * narrower * (1 - stays)
        return turned

    def found(self, at: F64, right: NDArray[np.bool_]) -> tuple[F64, NDArray[np.bool_]]:
        """Where the photo shows these points (M, 2) if lids hide them there, along the axes; and which are hidden, (M,).

        Parameters
        ----------
        at : (M, 2)
            Along the axes.
        right : (M,)
            They are looked for on the right side of the iris.
        """
        own, side = (at[:, 0] >= 0).astype(np.int64), right.astype(np.int64)
        far = np.hypot(at[:, 0], at[:, 1])
        turn = np.arctan2(at[:, 1], np.abs(at[:, 0]))
        first, last = self._limits(own, far)
        hidden = (turn < first) | (turn > last) | (far > self.farthest[own])
        far = np.minimum(far, self.farthest[side])
        first, last = self._limits(side, far)
        above = turn < 0
        edge = np.where(above, first, last)
        beyond = np.where(own == side, np.abs(turn - edge), np.pi - np.abs(turn) - np.abs(edge))
        mirrored = edge + np.where(above, 1, -1) * np.minimum(np.abs(beyond), _REFLECTS)
        seen = np.clip(mirrored, first, last)
        return np.stack([np.where(right, far, -far) * np.cos(seen), far * np.sin(seen)], 1), hidden

    def uncovered(self, points: F64, at: F64, edges: F64) -> F64:
        """(M,) 0..1: how much nearer to a lid points are in the photo than they are to be: its shadow and lashes stay with it.

        Parameters
        ----------
        points, at : (M, 2)
            Along the axes, after the edit and in the photo.
        edges : (2, CURVE_POINTS, 2)
            The lids after the edit, along the axes.
        """
        below = at[:, 1] >= 0
        after, before = (_depth(p, lids, below) for p, lids in ((points, edges), (at, self.edges)))
        return np.clip((after - before) / _LID_PX, 0, 1)

    def _limits(self, right: NDArray[np.int64], far: F64) -> tuple[F64, F64]:
        ring = np.minimum(np.minimum(far, self.farthest[right]) / self.ring_px, RINGS - 1)
        low = ring.astype(np.int64)
        high, part = np.minimum(low + 1, RINGS - 1), ring - low
        first, last = self.seen[right, :, low].T * (1 - part) + self.seen[right, :, high].T * part
        return first, last


def smooth_lids(contour: F64) -> F64:
    """(2, CURVE_POINTS, 2) the upper and the lower lid of a contour (16, 2), from the left to the right, never crossed."""
    lids = np.stack(
        [smooth_lid_curve(contour[UPPER_LID]), smooth_lid_curve(contour[LOWER_LID][::-1])]
    )
    if lids[0, 0, 0] > lids[0, -1, 0]:
        lids = lids[:, ::-1]
    down = np.array([-1.0, 1.0]) * (lids[0, -1] - lids[0, 0])[::-1]
    down /= max(float(np.hypot(*down)), 1e-6)
    gap = (lids[1] - lids[0]) @ down
    lids[1] -= np.minimum(gap, 0)[:, None] * down
    return lids


def _depth(points: F64, edges: F64, below: NDArray[np.bool_]) -> F64:
    """(M,) how far points (M, 2) lie from the upper lid, or from the lower one where they are below the pupil."""
    top, bottom = (np.interp(points[:, 0], lid[:, 0], lid[:, 1]) for lid in edges)
    depth: F64 = np.where(below, bottom - points[:, 1], points[:, 1] - top)
    return depth


_WAYS = ("Out", "In", "Up", "Down")


def turned_eyes(eyeballs: tuple[Eyeball, ...], moved: F64, change: F64) -> tuple[FlowLayer, ...]:
    """The eyes after an edit as layers, in order.

    What lids hide in the photo is taken from that side of the iris that is nearer; a second layer
    leads from one to the other.

    Parameters
    ----------
    moved : (N, 2 or 3)
        Surface points after it, grid pixels.
    change : (53,)
        Of the channels.
    """
    layers: list[tuple[F32, F32]] = []
    for eye in eyeballs:
        amount = eye.amount(change)
        drawn = _turned_eye(eye, moved, change) if amount > 0 else None
        if drawn is None:
            continue
        window, (rows, columns), share, flows = drawn
        for number, (flow, part) in enumerate(flows):
            if number == len(layers):
                layers.append(
                    (np.zeros((GRID, GRID, 2), np.float32), np.zeros((GRID, GRID), np.float32))
                )
            field, mask = layers[number]
            field[window][rows, columns] = flow
            shown = share[rows, columns] * np.float32(amount / 255) * part
            mask[window][rows, columns] = np.maximum(mask[window][rows, columns], shown)
    for _, mask in layers:
        mask[[0, -1]] = mask[:, [0, -1]] = 0
    return tuple(FlowLayer("eye", field, mask) for field, mask in layers)


_Pixels = tuple[NDArray[np.int64], NDArray[np.int64]]


def _turned_eye(
    eye: Eyeball, moved: F64, change: F64
) -> tuple[tuple[slice, slice], _Pixels, NDArray[np.uint8], list[tuple[F64, F64]]] | None:
    """Window of the grid, rows and columns in it, how open the eye is there, 0..255; by layer flow (M, 2) and share (M,)."""
    lids = eye.opening(moved)
    outline = np.concatenate([lids[0], lids[1, ::-1]])
    left, top = np.maximum(np.floor(outline.min(0)).astype(int) - 2 * _BESIDE, 0).tolist()
    right, bottom = np.minimum(np.ceil(outline.max(0)).astype(int) + 2 * _BESIDE, GRID).tolist()
    if right <= left or bottom <= top:
        return None
    fine = np.zeros(((bottom - top) * _FINE, (right - left) * _FINE), np.uint8)
    cv2.fillPoly(
        fine, [np.round((outline - (left, top) + 0.5) * _FINE - 0.5).astype(np.int32)], (255,)
    )
    share = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    rows, columns = np.nonzero(cv2.dilate(share, _DILATE))
    if not len(rows):
        return None
    here = np.stack([columns + left, rows + top], 1).astype(np.float64)
    back = _brought_back(np.concatenate([here, *lids]), moved[eye.rows, :2], eye.source)
    points, edges = (
        eye.along_axes(back[: len(here)]),
        eye.along_axes(back[len(here) :]).reshape(2, -1, 2),
    )
    at = eye.turned_back(points, eye.shift(change))
    across, uncovered = at[:, 0], eye.uncovered(points, at, edges)
    hidden = np.zeros(len(at), bool)

    def flow(of: NDArray[np.bool_], right: NDArray[np.bool_]) -> F64:
        seen, hidden[of] = eye.found(at[of], right[of])
        moved = np.where(hidden[of], uncovered[of], 0)[:, None]
        there: F64 = eye.centre + (at[of] + (seen - at[of]) * moved) @ eye.axes - here[of]
        return there

    everywhere = np.ones(len(at), bool)
    flows = [(flow(everywhere, across > -_SEAM_PX - _SUPPORT_PX), np.ones(len(at)))]
    if (hidden & (uncovered > 0) & (np.abs(across) < _SEAM_PX) & (share[rows, columns] > 0)).any():
        strip = (across < _SEAM_PX + _SUPPORT_PX) & (across > -_SEAM_PX - 3 * _SUPPORT_PX)
        from_left, to_left = np.zeros_like(here), np.clip(0.5 - across / (2 * _SEAM_PX), 0, 1)
        from_left[strip] = flow(strip, ~everywhere)
        flows.append((from_left, smoothstep(to_left) * (across > -_SEAM_PX - 2 * _SUPPORT_PX)))
    return np.s_[top:bottom, left:right], (rows, columns), share.astype(np.uint8, copy=False), flows


def _brought_back(points: F64, moved: F64, source: F64) -> F64:
    """Points (M, 2) of an eye that has turned with its head, as they are in the photo: an affine map of some points (K, 2)."""
    if np.array_equal(moved, source):
        return points
    centre = moved.mean(0)
    matrix = np.linalg.lstsq(moved - centre, source - source.mean(0), rcond=None)[0]
    back: F64 = (points - centre) @ matrix + source.mean(0)
    return back
