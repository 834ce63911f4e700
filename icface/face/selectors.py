"""Selectors: people's names for controls, and the changes that reach the values they ask for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from icface.face.controls import (
    ANGLES,
    AU_BY_NUMBER,
    CHANNEL_INDEX,
    UNIT_SELECTOR,
    ControlVector,
    UnknownControlError,
    action_units,
    control_range,
)

_ALIASES = {45: 43, 46: 43}
"""Action Units that are another one's movement in time: blink and wink are movements of AU43."""


def expand_control(selector: str) -> tuple[str, ...]:
    """Control ids of a selector such as ``yaw``, ``AU12``, ``AU12L``, ``au1+2`` or a channel name.

    Returns ids of `CONTROL_IDS`, or the channel's own name when it is one of `EXPRESSIONS`.

    Raises
    ------
    UnknownControlError
        Naming the selector, and what would have been understood.
    """
    if selector.lower() in ANGLES:
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
        f"Unknown control {selector!r}. Use yaw, pitch, roll, AU with one of {known} (L or R for "
        "one side), or a channel name."
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
