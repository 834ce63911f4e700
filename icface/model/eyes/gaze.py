"""Eyeballs that turn behind their lids: irises that move, and what wider lids uncover of them.

The surface of an eye has no expression of its own: all the animator knows of a gaze is what lids
do. Here the iris of a photo moves as a ball turns, and the white of the eye is stretched and
squeezed between the iris and the corners. What lids hide in the photo is filled from another place
on the same circle around the pupil. The result is a layer of the photo's own pixels, between the
lids as they are after the edit.
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

_UP_DEG = 25.0
"""Turn of the eyes upwards at full intensity."""
DOWN_DEG = 28.0
"""Turn of the eyes downwards at full intensity."""
_LID_PX = 0.8
"""A pixel that was this much nearer to a lid in the photo is filled from elsewhere, grid pixels."""
RINGS = 24
"""Number of circles about the pupil."""
RING = 0.15
"""Step from one circle to the next, in radii of the iris."""
_REFLECTS_RAD = np.radians(20)
"""Angle up to which hidden parts next to a lid mirror what is beside the lid; beyond it, the last
mirrored place is repeated."""
_STAYS = 0.35
"""Share of an iris that a corner of the eye never hides."""
_FADES_IN = 0.06
"""Change of a channel from which on a turned eye is shown in full."""
_SEAM_PX = 2.0
"""Half the width of the strip in which the filling from the left is blended into the one from the
right, grid pixels."""
_SUPPORT_PX = 2.0
"""Reach of the interpolation between grid pixels."""
_BESIDE = 3
"""Pixels around the opening in which the flow is continued."""
_FINE = 4
"""Subpixels per grid pixel, along each axis, at which an opening is filled."""
_DILATE = np.ones((2 * _BESIDE - 1, 2 * _BESIDE - 1), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Eyeball:
    """The eyeball of one eye, in grid pixels of the photo.

    Attributes
    ----------
    side : str
        ``L`` or ``R``, the subject's.
    lids : Anchored
        The eye's contour in the order of `icface.face.landmarks.LEFT_EYE`.
    rows : (K,) int64
        Surface points on the eyeball.
    source : (K, 2)
        Places of those points in the photo, grid pixels.
    centre : (2,)
        Middle of the iris in the photo, grid pixels.
    axes : (2, 2)
        Unit vectors along the line of the corners to the right, and down.
    radius : float
        Radius of the iris, grid pixels.
    corners : (2,)
        Places of the left and the right corner along the first axis, from the iris, grid pixels.
    edges : (2, CURVE_POINTS, 2)
        The upper and the lower lid in the photo along the axes from the iris, from the left to the
        right, grid pixels.
    seen : (2, 2, RINGS)
        First and last angle that the photo shows of each circle around the iris, on the left and
        the right, radians from the first axis downwards.
    ring_px : float
        Step from one of those circles to the next, grid pixels.
    farthest : (2,)
        Radius of the last circle that the photo shows any of, on the left and the right, grid
        pixels.
    ball_px : float
        Radius of the ball, grid pixels.
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
        """(2,) movement of the iris along the axes under a change of the channels (53,), pixels."""
        out, into, up, down = (
            float(change[EXPRESSIONS.index(f"eyeLook{way}_{self.side}")]) for way in _WAYS
        )
        across = np.radians(TO_SIDES_DEG * (out - into)) * (1 if self.side == "L" else -1)
        along = np.radians(DOWN_DEG * down - _UP_DEG * up)
        room = self.corners + (2 * _STAYS - 1) * self.radius * np.array([-1, 1])
        x = np.clip(self.ball_px * np.sin(across), min(room[0], 0), max(room[1], 0))
        return np.array([x, self.ball_px * np.sin(along)])

    def amount(self, change: F64) -> float:
        """0..1, how much of the turned eye is shown under a change of the channels (53,)."""
        looks = [abs(change[EXPRESSIONS.index(f"eyeLook{way}_{self.side}")]) for way in _WAYS]
        wide = change[EXPRESSIONS.index(f"eyeWide_{self.side}")]
        shut = [
            change[EXPRESSIONS.index(f"{name}_{self.side}")] for name in ("eyeBlink", "eyeSquint")
        ]
        return float(np.clip(max(*looks, wide, -shut[0], -shut[1]) / _FADES_IN, 0, 1))

    def opening(self, moved: F64) -> F64:
        """(2, CURVE_POINTS, 2) upper and lower lid when surface points have moved (N, 2 or 3)."""
        return smooth_lids(self.lids.at(moved))

    def along_axes(self, points: F64) -> F64:
        """(..., 2) points of the grid along the axes from the iris."""
        along: F64 = (points - self.centre) @ self.axes.T
        return along

    def turned_back(self, points: F64, shift: F64) -> F64:
        """(M, 2) places in the photo of points (M, 2) of a turned eye, both along the axes.

        The corners stay, and the iris moves as a disc on a ball.
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
        """Places at which the photo shows what lids hide of these points.

        Parameters
        ----------
        at : (M, 2)
            Points along the axes.
        right : (M,) bool
            Where to look for each point: right or left of the iris.

        Returns
        -------
        places : (M, 2)
            Along the axes.
        hidden : (M,) bool
            The points that lids hide in the photo.
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
        mirrored = edge + np.where(above, 1, -1) * np.minimum(np.abs(beyond), _REFLECTS_RAD)
        seen = np.clip(mirrored, first, last)
        return np.stack([np.where(right, far, -far) * np.cos(seen), far * np.sin(seen)], 1), hidden

    def uncovered(self, points: F64, at: F64, edges: F64) -> F64:
        """(M,) 0..1, how much nearer to a lid points are in the photo than after the edit.

        The shadow and the lashes of a lid stay with it, so such points are filled from elsewhere.

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
    """(2, CURVE_POINTS, 2) lids of a contour (16, 2), from left to right, that never cross."""
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
    """(M,) distance of points (M, 2) from the upper lid or, below the pupil, from the lower one."""
    top, bottom = (np.interp(points[:, 0], lid[:, 0], lid[:, 1]) for lid in edges)
    depth: F64 = np.where(below, bottom - points[:, 1], points[:, 1] - top)
    return depth


_WAYS = ("Out", "In", "Up", "Down")
"""Directions of the eyeLook channels."""


def turned_eyes(eyeballs: tuple[Eyeball, ...], moved: F64, change: F64) -> tuple[FlowLayer, ...]:
    """The eyes after an edit as layers, in order.

    What lids hide in the photo is filled from the nearer side of the iris; a second layer blends
    between the two sides.

    Parameters
    ----------
    moved : (N, 2 or 3)
        Surface points after the edit, grid pixels.
    change : (53,)
        Change of each channel.
    """
    layers: list[tuple[F32, F32]] = []
    for eye in eyeballs:
        amount = eye.amount(change)
        drawn = _turned_eye(eye, moved, change) if amount > 0 else None
        if drawn is None:
            continue
        window, (rows, columns) = drawn.window, drawn.pixels
        for number, (flow, part) in enumerate(drawn.flows):
            if number == len(layers):
                layers.append(
                    (np.zeros((GRID, GRID, 2), np.float32), np.zeros((GRID, GRID), np.float32))
                )
            field, mask = layers[number]
            field[window][rows, columns] = flow
            shown = drawn.openness[rows, columns] * np.float32(amount / 255) * part
            mask[window][rows, columns] = np.maximum(mask[window][rows, columns], shown)
    for _, mask in layers:
        mask[[0, -1]] = mask[:, [0, -1]] = 0
    return tuple(FlowLayer("eye", field, mask, moves_alone=True) for field, mask in layers)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _TurnedEye:
    """One eye after an edit.

    Attributes
    ----------
    window : two slices
        Rows and columns of the grid around the eye.
    pixels : two of (M,) int64
        Rows and columns in the window of the pixels that have a flow.
    openness : (H, W) uint8
        Coverage of each pixel of the window by the opening, 0..255.
    flows : list of ((M, 2), (M,))
        Flow and share, 0..1, of each layer.
    """

    window: tuple[slice, slice]
    pixels: tuple[NDArray[np.int64], NDArray[np.int64]]
    openness: NDArray[np.uint8]
    flows: list[tuple[F64, F64]]


def _turned_eye(eye: Eyeball, moved: F64, change: F64) -> _TurnedEye | None:
    """One eye after an edit; None where it is outside the grid or shut."""
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
    return _TurnedEye(
        window=np.s_[top:bottom, left:right],
        pixels=(rows, columns),
        openness=share.astype(np.uint8, copy=False),
        flows=flows,
    )


def _brought_back(points: F64, moved: F64, source: F64) -> F64:
    """Points (M, 2) of an eye that moved with its head, back in the photo.

    The map is affine, fitted to surface points (K, 2) after and before the edit.
    """
    if np.array_equal(moved, source):
        return points
    centre = moved.mean(0)
    matrix = np.linalg.lstsq(moved - centre, source - source.mean(0), rcond=None)[0]
    back: F64 = (points - centre) @ matrix + source.mean(0)
    return back
