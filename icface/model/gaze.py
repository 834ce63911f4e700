"""Eyeballs that turn behind their lids: irises that move, and what wider lids uncover of them.

Surfaces of eyes have no expressions of their own: what the animator knows of a gaze is what lids do. Here the iris of a photo
moves as a ball turns, the white of the eye is stretched and squeezed between it and the corners, and what lids hide in the
photo is seen as elsewhere on the same circle around the pupil, where it is not hidden. It is a layer of the photo's own
pixels, between the lids as they are after the edit.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.controls import EXPRESSIONS
from icface.model.followed import Followed
from icface.model.lids import LEFT_EYE, LOWER, RIGHT_EYE, UPPER
from icface.model.neutralizer import GRID

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_TO_SIDES_DEG, _UP_DEG, _DOWN_DEG = 32.0, 25.0, 28.0
"""How far eyes turn at full intensity."""
_BALL_CM = 1.2
_IRISES = {"L": (473, 474, 476), "R": (468, 469, 471)}
"""Face-mesh points of an iris: its middle and both sides."""
_NOT_SMALLER, _NOT_LARGER = 0.13, 0.3
"""An iris' radius lies between these, in widths of the eye."""
_INSET_PX = (0.7, 1.2)
"""So much of what is seen below the upper and above the lower lid is lashes, shadow and the lid's own edge, grid pixels."""
_RINGS, _RING = 24, 0.15
"""Circles about the pupil, and how much larger each is, in radii of the iris."""
_DEGREES = np.radians(np.arange(-90, 91, 3))
_REFLECTS = np.radians(20)
"""Hidden parts next to lids are seen as in a mirror, so far; farther ones as the last of these."""
_STAYS = 0.35
"""Share of an iris that a corner of the eye never hides."""
_FOLLOWS = 0.5, 0.72
"""Least and most of an open eye by which its lid follows."""
_FADES_IN = 0.06
"""Change of a channel from which on an eye is seen in full as it has turned."""
_SEAM_PX = 2.0
"""Half as wide as the strip in which one side's take on what is hidden leads over into the other's, grid pixels."""
_SUPPORT_PX = 2.0
"""A pixel between those of the grid looks at those so near."""
_BESIDE = 3
"""Pixels around the opening in which the flow is continued."""
_FINE = 4
_SMOOTH = 24


def _smoothing() -> F64:
    """(_SMOOTH, 9): a polynomial of the fourth degree through points along a lid."""
    given, wanted = (np.vander(np.linspace(-1, 1, n), 5) for n in (9, _SMOOTH))
    smoothing: F64 = wanted @ np.linalg.pinv(given)
    return smoothing


_ALONG = _smoothing()
_DILATE = np.ones((2 * _BESIDE - 1, 2 * _BESIDE - 1), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Eyeball:
    """That of one eye.

    Attributes
    ----------
    side : str
        ``L`` or ``R``, the subject's.
    lids : Followed
        The eye's contour in the order of `icface.model.lids.LEFT_EYE`.
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
    seen : (2, 2, _RINGS)
        Of circles around the iris, on the left and the right: the first and the last angle that the photo shows, radians from
        the first axis downwards.
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
    lids: Followed
    rows: NDArray[np.int64]
    source: F64
    centre: F64
    axes: F64
    radius: float
    corners: F64
    seen: F64
    ring_px: float
    farthest: F64
    ball_px: float
    lid_follows: float

    def shift(self, change: F64) -> F64:
        """(2,) how far a change of the channels (53,) moves the iris along the axes, grid pixels."""
        out, into, up, down = (float(change[EXPRESSIONS.index(f"eyeLook{way}_{self.side}")]) for way in _WAYS)
        across = np.radians(_TO_SIDES_DEG * (out - into)) * (1 if self.side == "L" else -1)
        along = np.radians(_DOWN_DEG * down - _UP_DEG * up)
        room = self.corners + (2 * _STAYS - 1) * self.radius * np.array([-1, 1])
        x = np.clip(self.ball_px * np.sin(across), min(room[0], 0), max(room[1], 0))
        return np.array([x, self.ball_px * np.sin(along)])

    def amount(self, change: F64) -> float:
        """0..1: how much of what is seen as the eye has turned is to be shown, for a change of the channels (53,)."""
        looks = [abs(change[EXPRESSIONS.index(f"eyeLook{way}_{self.side}")]) for way in _WAYS]
        wide = change[EXPRESSIONS.index(f"eyeWide_{self.side}")]
        shut = [change[EXPRESSIONS.index(f"{name}_{self.side}")] for name in ("eyeBlink", "eyeSquint")]
        return float(np.clip(max(*looks, wide, -shut[0], -shut[1]) / _FADES_IN, 0, 1))

    def opening(self, moved: F64) -> F64:
        """(2 * _SMOOTH, 2) the outline of what lids leave open when surface points are here (N, 2 or 3), grid pixels."""
        ring = self.lids.at(moved)
        upper, lower = _ALONG @ ring[UPPER], _ALONG @ ring[LOWER][::-1]
        down = np.array([-1.0, 1.0]) * (upper[-1] - upper[0])[::-1] * np.sign(upper[-1, 0] - upper[0, 0])
        down /= max(float(np.hypot(*down)), 1e-6)
        gap = (lower - upper) @ down
        return np.concatenate([upper, (lower - np.minimum(gap, 0)[:, None] * down)[::-1]])

    def turned_back(self, points: F64, shift: F64) -> F64:
        """(M, 2) where points (M, 2) of an eye that has turned were before, along the axes from the iris; pixels of the grid.

        The corners stay, the iris moves as a disc on a ball.
        """
        at = (points - self.centre) @ self.axes.T - shift
        far = np.hypot(at[:, 0], at[:, 1])
        to_left, to_right = np.maximum(np.array([-1.0, 1.0]) * (self.corners - shift[0]) - self.radius, 1.0)
        room = to_left + (to_right - to_left) * (0.5 + 0.5 * at[:, 0] / np.maximum(far, 1e-6))
        stays = np.clip((far - self.radius) / room, 0, 1)[:, None]
        along = shift / max(float(np.hypot(*shift)), 1e-6)
        narrower = 1 / np.sqrt(max(1 - float(shift @ shift) / self.ball_px**2, 0.25)) - 1  # as a disc that turns away
        wide = np.clip(at @ along, -self.radius, self.radius)[:, None] * along
        turned: F64 = at + shift * stays + wide * narrower * (1 - stays)
        return turned

    def found(self, at: F64, right: NDArray[np.bool_]) -> tuple[F64, NDArray[np.bool_]]:
        """Where the photo shows these points (M, 2), (M, 2) grid pixels; and for which of them lids hide them there, (M,).

        Parameters
        ----------
        at : (M, 2)
            Along the axes, from the iris.
        right : (M,)
            What is hidden is looked for on the right side of the iris.
        """
        own = at[:, 0] >= 0
        side, outwards = right.astype(np.int64), np.where(right, 1.0, -1.0)
        far = np.hypot(at[:, 0], at[:, 1])
        within = np.minimum(far, self.farthest[own.astype(np.int64)])
        turn = np.arctan2(at[:, 1], np.abs(at[:, 0]))
        ring = np.minimum(within / self.ring_px, _RINGS - 1)
        first, last = (self._limit(own.astype(np.int64), which, ring) for which in (0, 1))
        hidden = (turn < first) | (turn > last)
        far = np.where(hidden, np.minimum(far, self.farthest[side]), within)
        first, last = (self._limit(side, which, np.minimum(far / self.ring_px, _RINGS - 1)) for which in (0, 1))
        above = turn < 0
        edge = np.where(above, first, last)
        beyond = np.where(own == right, np.abs(turn - edge), np.pi - np.abs(turn) - np.abs(edge))
        mirrored = edge + np.where(above, 1, -1) * np.minimum(np.abs(beyond), _REFLECTS)
        turn = np.where(hidden, np.clip(mirrored, first, last), turn)
        outwards = np.where(hidden, outwards, np.where(own, 1.0, -1.0))
        seen = np.stack([outwards * np.cos(turn), np.sin(turn)], 1) * far[:, None]
        return self.centre + seen @ self.axes, hidden

    def _limit(self, right: NDArray[np.int64], which: int, ring: F64) -> F64:
        table = self.seen[:, which]
        low = ring.astype(np.int64)
        high = np.minimum(low + 1, _RINGS - 1)
        limit: F64 = table[right, low] + (table[right, high] - table[right, low]) * (ring - low)
        return limit


_WAYS = ("Out", "In", "Up", "Down")


def eyeballs_of(
    source: F64, part: tuple[NDArray[np.bool_], NDArray[np.bool_]], landmarks: F64, pixels_per_cm: float
) -> tuple[Eyeball, ...]:
    """Those of a face whose eyes are open.

    Parameters
    ----------
    source : (N, 2)
        Surface points, grid pixels.
    part : two of (N,) bool
        Those that are skin, and those that are eyeball.
    landmarks : (478, 2)
        Face-mesh points, grid pixels.
    pixels_per_cm : float
        Of the grid.
    """
    skin, eye = (np.flatnonzero(p) for p in part)
    found = []
    for side, ring in (("L", LEFT_EYE), ("R", RIGHT_EYE)):
        contour = landmarks[list(ring), :2]
        middle, *sides = landmarks[list(_IRISES[side]), :2]
        left, right = sorted((contour[0], contour[8]), key=lambda p: float(p[0]))
        width = float(np.hypot(*(right - left)))
        near = eye[np.hypot(*(source[eye] - contour.mean(0)).T) < 0.6 * width]
        if not len(skin) or len(near) < 12 or width < 6:
            continue
        along = (right - left) / width
        axes = np.array([along, [-along[1], along[0]]])
        radius = float(np.clip(np.hypot(*(sides[0] - sides[1])) / 2, _NOT_SMALLER * width, _NOT_LARGER * width))
        corners = (np.stack([left, right]) - middle) @ along
        if corners[0] > -radius / 2 or corners[1] < radius / 2:
            continue  # whatever that is, it is no iris
        seen, farthest = _seen((contour - middle) @ axes.T, radius * _RING)
        rows, ball_px = near[:: max(len(near) // 40, 1)], _BALL_CM * pixels_per_cm
        tall = float(np.ptp((contour - middle) @ axes[1]))
        found.append(
            Eyeball(
                side=side,
                lids=Followed.of(contour, source, skin),
                rows=rows,
                source=source[rows],
                centre=middle,
                axes=axes,
                radius=radius,
                corners=corners,
                seen=seen,
                ring_px=radius * _RING,
                farthest=farthest,
                ball_px=ball_px,
                lid_follows=float(np.clip(ball_px * np.sin(np.radians(_DOWN_DEG)) / tall, *_FOLLOWS)),
            )
        )
    return tuple(found)


def _seen(contour: F64, ring_px: float) -> tuple[F64, F64]:
    """`Eyeball.seen` and `Eyeball.farthest` of a contour (16, 2) along the axes, from the iris."""
    upper, lower = (line[np.argsort(line[:, 0])] for line in (contour[UPPER], contour[LOWER]))
    radii = np.arange(_RINGS)[:, None] * ring_px
    limits, farthest = np.zeros((2, 2, _RINGS)), np.zeros(2)
    for right in (0, 1):
        x, y = radii * np.cos(_DEGREES) * (1 if right else -1), radii * np.sin(_DEGREES)
        top, bottom = (np.interp(x, line[:, 0], line[:, 1]) for line in (upper, lower))
        above, below = (np.minimum(most, np.maximum(bottom - top, 0) / 4) for most in _INSET_PX)
        within = (x > upper[0, 0]) & (x < upper[-1, 0])
        shown = within & (y >= top + above) & (y <= bottom - below)
        limit = np.zeros(2)
        for ring, row in enumerate(shown):
            if row.any():
                places = np.flatnonzero(row)
                start = places[np.argmin(np.abs(_DEGREES[places]))]
                hidden = np.flatnonzero(~row)
                first = max(hidden[hidden < start], default=-1) + 1
                last = min(hidden[hidden > start], default=len(row)) - 1
                limit, farthest[right] = _DEGREES[[first, last]], radii[ring, 0]
            limits[right, :, ring] = limit
    return limits, farthest


def turned_eyes(eyeballs: tuple[Eyeball, ...], moved: F64, change: F64) -> tuple[tuple[F32, F32], ...]:
    """The eyes after an edit as layers, in order: flow (GRID, GRID, 2), grid pixels, and its share of a pixel (GRID, GRID).

    What lids hide in the photo is taken from that side of the iris that is nearer; a second layer leads from one to the other.

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
                layers.append((np.zeros((GRID, GRID, 2), np.float32), np.zeros((GRID, GRID), np.float32)))
            field, mask = layers[number]
            field[window][rows, columns] = flow
            shown = share[rows, columns] * np.float32(amount / 255) * part
            mask[window][rows, columns] = np.maximum(mask[window][rows, columns], shown)
    for _, mask in layers:
        mask[[0, -1]] = mask[:, [0, -1]] = 0
    return tuple(layers)


_Pixels = tuple[NDArray[np.int64], NDArray[np.int64]]


def _turned_eye(
    eye: Eyeball, moved: F64, change: F64
) -> tuple[tuple[slice, slice], _Pixels, NDArray[np.uint8], list[tuple[F64, F64]]] | None:
    """Window of the grid, rows and columns in it, how open the eye is there, 0..255; by layer flow (M, 2) and share (M,)."""
    outline = eye.opening(moved)
    left, top = np.maximum(np.floor(outline.min(0)).astype(int) - 2 * _BESIDE, 0).tolist()
    right, bottom = np.minimum(np.ceil(outline.max(0)).astype(int) + 2 * _BESIDE, GRID).tolist()
    if right <= left or bottom <= top:
        return None
    fine = np.zeros(((bottom - top) * _FINE, (right - left) * _FINE), np.uint8)
    cv2.fillPoly(fine, [np.round((outline - (left, top) + 0.5) * _FINE - 0.5).astype(np.int32)], (255,))
    share = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    rows, columns = np.nonzero(cv2.dilate(share, _DILATE))
    if not len(rows):
        return None
    here = np.stack([columns + left, rows + top], 1).astype(np.float64)
    at = eye.turned_back(_brought_back(here, moved[eye.rows, :2], eye.source), eye.shift(change))
    across = at[:, 0]
    seen, hidden = eye.found(at, across > -_SEAM_PX)
    flows = [(seen - here, np.ones(len(here)))]
    if (hidden & (np.abs(across) < _SEAM_PX) & (share[rows, columns] > 0)).any():
        strip = (across < _SEAM_PX + _SUPPORT_PX) & (across > -_SEAM_PX - 2 * _SUPPORT_PX)
        from_left, to_left = np.zeros_like(here), np.clip(0.5 - across / (2 * _SEAM_PX), 0, 1)
        from_left[strip] = eye.found(at[strip], np.zeros(int(strip.sum()), bool))[0] - here[strip]
        flows.append((from_left, to_left * to_left * (3 - 2 * to_left) * (across > -_SEAM_PX - _SUPPORT_PX)))
    return np.s_[top:bottom, left:right], (rows, columns), share.astype(np.uint8, copy=False), flows


def _brought_back(points: F64, moved: F64, source: F64) -> F64:
    """Points (M, 2) of an eye that has turned with its head, as they are in the photo: an affine map of some points (K, 2)."""
    if np.array_equal(moved, source):
        return points
    centre = moved.mean(0)
    matrix = np.linalg.lstsq(moved - centre, source - source.mean(0), rcond=None)[0]
    back: F64 = (points - centre) @ matrix + source.mean(0)
    return back
