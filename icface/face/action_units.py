"""Action Units of many face states at once, for tables, curves and files of a motion.

Convention
----------
Rows are face states, columns those of `icface.face.controls.CHANNELS` or of `CONTROL_IDS`. A row
with a number that is not finite has none in the answer either.

Two directions, the same as for the sliders:

* Units to channels: what every unit asks of a channel is added, then clipped to 0..1. AU25 and AU26
  both open the jaw, and together they open it further than either alone. Blink and wink (45, 46)
  are AU43; of several of them the strongest counts.
* Channels to units: the non-negative values that explain the channels with the least squared error,
  as `icface.face.controls.action_units` finds them one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from icface.arrays import F64
from icface.face.controls import (
    ANGLES,
    CHANNEL_INDEX,
    CHANNELS,
    CONTROL_IDS,
    COST,
    COST_WEIGHT,
    RIDGE,
    UNIT_IDS,
    direction,
    most_read,
)
from icface.face.place import PLACES
from icface.face.selectors import expand_control

_BATCH = 4096
_SLACK = 1e-9
"""The tolerance of a bound, and how much a unit at its bound may want to leave it, by rounding
alone."""
_MOST_TURNS = 2000
_LOW = -1
"""State of a unit at its lower bound."""
_FREE = 0
"""State of a unit between its bounds."""
_HIGH = 1
"""State of a unit at its upper bound."""


def action_unit_rows(controls: NDArray[np.floating], *, beyond: bool = False) -> F64:
    """Values of all control ids, shape (N, len(CONTROL_IDS)), of face states of shape (N, 56).

    The numbers of `icface.face.controls.action_units`, to 1e-6: angles in degrees as they are,
    units in 0..1 (up to `most_read` with `beyond`), AU30 in -1..1, and a head in its own place.
    """
    rows = _as_rows(controls)
    found = np.full((len(rows), len(CONTROL_IDS)), np.nan)
    seen = np.isfinite(rows @ np.ones(len(CHANNELS)))
    places = {control: column for column, control in enumerate(CONTROL_IDS)}
    units = tuple(i for i in UNIT_IDS if i != "AU30")
    known = np.flatnonzero(seen)
    values = explained(rows[known], units)
    found[known[:, None], [places[i] for i in units]] = values if beyond else values.clip(max=1)
    found[:, [places[i] for i in ANGLES]] = np.where(seen[:, None], rows[:, : len(ANGLES)], np.nan)
    found[:, [places[i] for i in PLACES]] = np.where(seen[:, None], 0.0, np.nan)
    sideways = rows[:, CHANNEL_INDEX["jawRight"]] - rows[:, CHANNEL_INDEX["jawLeft"]]
    found[:, places["AU30"]] = np.where(seen, np.clip(sideways, -1, 1), np.nan)
    return found


def explained(
    controls: NDArray[np.floating], units: tuple[str, ...], *, sparing: float = 1.0
) -> F64:
    """Values 0..`most_read`, shape (N, len(units)), of these units alone that best explain states.

    Parameters
    ----------
    controls : (N, 56) array
        Finite rows. Channels below 0 count as 0.
    units : tuple of str
        Control ids of units, AU30 not among them.
    sparing : float
        By how much the small costs count that make the answer unique where units overlap. Units
        that do not overlap can do with next to none, and are then found exactly.
    """
    goal = np.clip(_as_rows(controls)[:, len(ANGLES) :], 0, None)
    found = np.zeros((len(goal), len(units)))
    most = np.array([most_read()[unit] for unit in units])
    for group, columns, gram, cost in _groups(units, sparing):
        for start in range(0, len(goal), _BATCH):
            part = slice(start, start + _BATCH)
            found[part, group] = _bounded(gram, goal[part] @ columns - cost) * most[group]
    return found


def channel_rows(values: Mapping[str, ArrayLike]) -> F64:
    """Face states of shape (N, 56), angles 0, of intensities 0..1 of units.

    Parameters
    ----------
    values : mapping
        Names of units, as `icface.face.selectors.expand_control` takes them ("AU12", "AU12L",
        "AU45"), to numbers of shape (N,). A unit without a side moves both. A value that is not
        finite makes its whole row NaN.

    Raises
    ------
    UnknownControlError
        For a name that means nothing.
    """
    strongest: dict[str, F64] = {}
    for name, intensity in values.items():
        amount = np.asarray(intensity, np.float64)
        for control in expand_control(name):
            strongest[control] = (
                np.maximum(strongest[control], amount) if control in strongest else amount
            )
    count = max((len(amount) for amount in strongest.values()), default=0)
    rows = np.zeros((count, len(CHANNELS)))
    right, left = CHANNEL_INDEX["jawRight"], CHANNEL_INDEX["jawLeft"]
    for control, amount in strongest.items():
        if control == "AU30":  # signed: one of two channels
            rows[:, right] += np.clip(amount, 0, None)
            rows[:, left] += np.clip(-amount, 0, None)
            continue
        rows += np.outer(np.where(np.isfinite(amount), amount, 0), direction(control))
        rows[~np.isfinite(amount)] = np.nan
    return np.clip(rows, 0, 1)


def channels_of(names: Iterable[str]) -> frozenset[str]:
    """The channels that units of these names move."""
    moved = (direction(control) for name in names for control in expand_control(name))
    return frozenset(CHANNELS[i] for towards in moved for i in np.flatnonzero(towards))


def _as_rows(controls: NDArray[np.floating]) -> F64:
    rows = np.asarray(controls, np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(CHANNELS):
        raise ValueError(
            f"Face states are rows of {len(CHANNELS)} numbers, not an array of shape {rows.shape}."
        )
    return rows


@lru_cache(maxsize=16)
def _groups(units: tuple[str, ...], sparing: float) -> tuple[tuple[list[int], F64, F64, F64], ...]:
    """Groups of units that share channels: places, directions (53, n), normal equations, costs.

    In shares of `most_read`, so that every unit is at most 1.
    """
    most = np.array([most_read()[unit] for unit in units])
    columns = np.stack([direction(i)[len(ANGLES) :] for i in units], axis=1) * most
    cost = sparing * COST_WEIGHT * most * np.array([COST.get(i, COST[""]) for i in units])
    gram = columns.T @ columns + np.diag(np.square(sparing * RIDGE * most))
    group_of = list(range(len(units)))
    for one, other in np.argwhere(gram != 0):
        joined = group_of[other]
        group_of = [group_of[one] if group == joined else group for group in group_of]
    members = [
        [i for i, group in enumerate(group_of) if group == root] for root in sorted(set(group_of))
    ]
    return tuple(
        (group, columns[:, group], gram[np.ix_(group, group)], cost[group]) for group in members
    )


def _bounded(gram: F64, target: F64) -> F64:
    """Minimisers x (N, n) in 0..1 of x gram x / 2 - target x, gram (n, n) positive definite.

    Block principal pivoting: every unit is at a bound or free; all that are so wrongly change
    places at once, and when that makes matters worse for a while, one at a time, which comes to an
    end for certain (Judice and Pires, 1994).
    """
    count, size = target.shape
    state = np.zeros((count, size), np.int8)
    best, patience = np.full(count, size + 1), np.full(count, 3)
    answer = np.zeros((count, size))
    open_rows = np.arange(count)
    for _ in range(_MOST_TURNS):
        values = _solved(gram, target[open_rows], state[open_rows])
        turned = _turned(gram, target[open_rows], state[open_rows], values)
        wrong = turned != state[open_rows]
        answer[open_rows] = values
        going = wrong.any(1)
        open_rows, turned, wrong = open_rows[going], turned[going], wrong[going]
        if not len(open_rows):
            return np.clip(answer, 0, 1)
        number = wrong.sum(1)
        better = number < best[open_rows]
        best[open_rows] = np.minimum(best[open_rows], number)
        patience[open_rows] = np.where(better, 3, patience[open_rows] - 1)
        last = size - 1 - np.argmax(wrong[:, ::-1], axis=1)
        alone = np.arange(size)[None] == last[:, None]
        change = wrong & (alone | (patience[open_rows] >= 0)[:, None])
        state[open_rows] = np.where(change, turned, state[open_rows])
    raise ArithmeticError(
        "The Action Units of a face state were not found; its channels are not numbers of a face."
    )


def _solved(gram: F64, target: F64, state: NDArray[np.int8]) -> F64:
    """The best values of the free units with the others at their bounds."""
    free, at_bound = state == _FREE, (state == _HIGH).astype(np.float64)
    system = (
        np.where(free[:, :, None] & free[:, None, :], gram, 0)
        + np.eye(len(gram)) * (~free)[:, :, None]
    )
    right_side = np.where(free, target - at_bound @ gram, at_bound)
    solution: F64 = np.linalg.solve(system, right_side[:, :, None])[:, :, 0]
    return solution


def _turned(gram: F64, target: F64, state: NDArray[np.int8], values: F64) -> NDArray[np.int8]:
    """The place of each unit, at a bound or free, by the values that `state` leads to."""
    slope = values @ gram - target
    turned = state.copy()
    turned[(state == _FREE) & (values < -_SLACK)] = _LOW
    turned[(state == _FREE) & (values > 1 + _SLACK)] = _HIGH
    turned[((state == _LOW) & (slope < -_SLACK)) | ((state == _HIGH) & (slope > _SLACK))] = _FREE
    return turned
