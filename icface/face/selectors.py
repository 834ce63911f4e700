"""Selectors: people's names for controls, and the changes that reach the values they ask for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from icface.face.controls import (
    ANGLES,
    AU_BY_NUMBER,
    CHANNEL_INDEX,
    CHANNELS,
    UNIT_SELECTOR,
    ControlVector,
    UnknownControlError,
    action_units,
    control_range,
    direction,
)
from icface.face.place import PLACES, Place

_ALIASES = {45: 43, 46: 43}
"""Action Units that are another one's movement in time: blink and wink are movements of AU43."""


def expand_control(selector: str) -> tuple[str, ...]:
    """Control ids of a selector such as ``yaw``, ``zoom``, ``AU12L``, ``au1+2`` or a channel name.

    Returns ids of `CONTROL_IDS`, or the channel's own name when it is one of `EXPRESSIONS`.

    Raises
    ------
    UnknownControlError
        Naming the selector, and what would have been understood.
    """
    if selector.lower() in ANGLES + PLACES:
        return (selector.lower(),)
    if selector in CHANNEL_INDEX:
        return (selector,)
    match = UNIT_SELECTOR.fullmatch(selector.strip())
    if match:
        side = match[3].upper()
        ids: list[str] = []
        for number in (int(g) for g in (match[1], match[2]) if g):
            unit = AU_BY_NUMBER.get(_ALIASES.get(number, number))
            wanted = (
                []
                if unit is None
                else [i for i in unit.control_ids if not side or i == f"{unit.id}{side}"]
            )
            if not wanted:
                break
            ids += wanted
        else:
            return tuple(ids)
    known = ", ".join(str(n) for n in sorted(AU_BY_NUMBER))
    raise UnknownControlError(
        f"Unknown control {selector!r}. Use yaw, pitch, roll, x, y, zoom, AU with one of {known} "
        "(L or R for one side), or a channel name."
    )


def deltas_from_settings(
    source: ControlVector, settings: Mapping[str, float], *, relative: bool = False
) -> dict[str, float]:
    """The deltas over a source that reach the values a person asked for.

    Parameters
    ----------
    source : ControlVector
        What the tracker reads in the photo.
    settings : mapping
        Selectors as `expand_control` takes them, to values in degrees or 0..1.
    relative : bool
        Values are added to the source's reading instead of replacing it.

    Raises
    ------
    UnknownControlError
        For a name that means nothing.
    ValueError
        For a value outside the control's range (twice it, when relative) or not a number.
    """
    reading = action_units(source, beyond=True) if settings and not relative else {}
    deltas: dict[str, float] = {}
    for selector, value in settings.items():
        for control in expand_control(selector):
            low, high = control_range(control)
            if relative:
                low, high = min(low, -1.0) * (2 if low < -1 else 1), high * (2 if high > 1 else 1)
            if not (np.isfinite(value) and low <= value <= high):
                raise ValueError(
                    f"{selector}={value:g} is out of range: {control} goes from {low:g} to "
                    f"{high:g}."
                )
            now = (
                0.0
                if relative
                else reading.get(control, source[control] if control in CHANNEL_INDEX else 0.0)
            )
            if not relative and value == high and now > high:
                now = high  # as far as the slider goes: what is beyond stays
            deltas[control] = deltas.get(control, 0.0) * relative + float(value) - now
    return deltas


def apply_deltas(base: ControlVector, deltas: Mapping[str, float]) -> ControlVector:
    """A face state with amounts of control ids added, clipped to what a face can do.

    Channels that no delta touches keep their value to the last bit, so that no delta at all returns
    `base`.
    """
    if not any(deltas.values()):
        return base
    change = np.zeros(len(CHANNELS))
    for control, amount in deltas.items():
        if control == "AU30":
            now = base["jawRight"] - base["jawLeft"] + amount
            change[CHANNEL_INDEX["jawRight"]] += max(now, 0.0) - base["jawRight"]
            change[CHANNEL_INDEX["jawLeft"]] += max(-now, 0.0) - base["jawLeft"]
        else:
            change += amount * direction(control)
    moved = ControlVector.from_array(base.array() + change).clipped()
    shifts = zip(base.place.values, PLACES, strict=True)
    return ControlVector(
        tuple(m if c else b for b, m, c in zip(base.values, moved.values, change, strict=True)),
        Place(*(own + deltas.get(name, 0.0) for own, name in shifts)).clipped(),
    )


def between(own: ControlVector, after: ControlVector, share: float) -> ControlVector:
    """The state a share of the way from one face state to another, 0..1."""
    start = own.array()
    places = zip(own.place.values, after.place.values, strict=True)
    return ControlVector(
        tuple((start + share * (after.array() - start)).tolist()),
        Place(*(was + share * (now - was) for was, now in places)),
    )
