"""The grips of curves, keys and handles, and the grip at a point; vectorised over all keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

from app.timeline.curve_data import Curve
from app.timeline.sheet import selected_by_target
from icface.arrays import F64
from icface.document.curves import EASE, Handle, Key
from icface.document.edits import KeyName

MOST_BENT = 200
"""Most selected keys whose handles are shown: more would be indistinguishable."""


@dataclass(frozen=True, slots=True)
class Grip:
    """A draggable point: a key, or one of its handles.

    Attributes
    ----------
    name : KeyName
        The key.
    at, root : QPointF
        Widget points of the grip and of its key.
    side : str
        "left" or "right" for a handle, "" for the key itself.
    """

    name: KeyName
    at: QPointF
    root: QPointF
    side: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Mapping to widget points: x = left + frame * across, y = top - value * up."""

    left: float
    across: float
    top: float
    up: float

    def xs(self, frames: NDArray[np.int64]) -> F64:
        """(N,) widget x."""
        placed: F64 = self.left + frames.astype(np.float64) * self.across
        return placed

    def ys(self, values: F64) -> F64:
        """(N,) widget y."""
        placed: F64 = self.top - values * self.up
        return placed

    def point(self, frame: float, value: float) -> QPointF:
        """Widget point of a frame and a value."""
        return QPointF(self.left + frame * self.across, self.top - value * self.up)


def is_selected(one: Curve, selected: frozenset[KeyName]) -> NDArray[np.bool_]:
    """(K,) whether each of a curve's keys is selected."""
    frames = selected_by_target(selected).get(one.target)
    if frames is None:
        return np.zeros(len(one.keys), bool)
    marked: NDArray[np.bool_] = frames[np.searchsorted(frames, one.at) % len(frames)] == one.at
    return marked


def handles(
    curves: Sequence[Curve], selected: Sequence[NDArray[np.bool_]], place: Frame
) -> list[Grip]:
    """Handles of the selected keys (`is_selected`), topmost last; none if too many."""
    marked = [np.flatnonzero(some) for some in selected]
    if sum(map(len, marked)) > MOST_BENT:
        return []
    return [
        grip
        for one, places in zip(curves, marked, strict=True)
        for n in places
        for grip in _handles(one, int(n), place)
    ]


def _handles(one: Curve, number: int, place: Frame) -> list[Grip]:
    if one.track is None:
        return []
    key, height, frames = one.keys[number], float(one.heights[number]), one.track.frames
    here = frames.index(key.frame)
    before = frames[here - 1] - key.frame if here else 0
    after = frames[here + 1] - key.frame if here + 1 < len(frames) else 0
    ends = {"left": _handle("left", key, before), "right": _handle("right", key, after)}
    root, name = place.point(key.frame, height), (one.target, key.frame)
    return [
        Grip(name, place.point(key.frame + end[0], height + end[1]), root, side)
        for side, end in ends.items()
        if end is not None
    ]


def keys(curves: Sequence[Curve], place: Frame) -> list[Grip]:
    """Grips of the visible keys, topmost last."""
    found: list[Grip] = []
    for one in curves:
        roots = map(QPointF, place.xs(one.at).tolist(), place.ys(one.heights).tolist())
        found += [
            Grip((one.target, key.frame), root, root)
            for key, root in zip(one.keys, roots, strict=True)
        ]
    return found


def key_near(curves: Sequence[Curve], place: Frame, at: QPointF, reach: float) -> Grip | None:
    """The key nearest to a point within a Manhattan distance; the topmost if equal."""
    best: Grip | None = None
    for one in reversed(curves):
        if not one.keys:
            continue
        xs, ys = place.xs(one.at), place.ys(one.heights)
        far = np.nan_to_num(np.abs(xs - at.x()) + np.abs(ys - at.y()), nan=np.inf)[::-1]
        nearest = int(np.argmin(far))
        if far[nearest] <= reach and (best is None or far[nearest] < reach):
            number, reach = len(far) - 1 - nearest, float(far[nearest])
            root = QPointF(float(xs[number]), float(ys[number]))
            best = Grip((one.target, one.keys[number].frame), root, root)
    return best


def in_box(one: Curve, place: Frame, box: QRectF) -> NDArray[np.int64]:
    """Frames of a curve's keys inside a box of the widget."""
    xs, ys = place.xs(one.at), place.ys(one.heights)
    found: NDArray[np.int64] = one.at[
        (xs >= box.left()) & (xs <= box.right()) & (ys >= box.top()) & (ys <= box.bottom())
    ]
    return found


def _handle(side: str, key: Key, gap: int) -> Handle | None:
    """Offset of a handle's end from its key over a gap in frames; None without a handle."""
    way = key.interpolation_in if side == "left" else key.interpolation_out
    if not gap or way not in ("bezier", "ease"):
        return None
    if way == "ease":
        return EASE * gap, 0.0
    return key.left_handle if side == "left" else key.right_handle
