"""Expressions on the clipboard, as the JSON that ``icface render --edits`` reads."""

from __future__ import annotations

import json

from icface.document import Project
from icface.document.mixing import shown
from icface.face.controls import (
    ACTION_UNITS,
    CONTROL_IDS,
    UnknownControlError,
    control_range,
)
from icface.face.selectors import expand_control
from icface.system.json_text import JsonError, parsed
from icface.system.json_text import shown as shown_value

MOST_CHARACTERS = 100_000
"""Longest text read, characters; an expression has about 2000."""


def expression_text(project: Project, frame: int = 0) -> str:
    """The expression (not the pose) of the chosen face in a frame; "" while none is chosen."""
    edits = project.face_edits
    if edits is None:
        return ""
    now, settings = shown(project, frame), dict[str, float]()
    for unit in ACTION_UNITS:
        if unit.number in edits.unlinked:
            settings |= {i: round(now[i], 3) for i in unit.control_ids}
        else:
            settings[unit.id] = round(
                sum(now[i] for i in unit.control_ids) / len(unit.control_ids), 3
            )
    return json.dumps(settings)


def read_settings(text: str) -> dict[str, float]:
    """Values by control id from JSON such as {"AU12": 0.4}."""
    try:
        table = parsed(text[: MOST_CHARACTERS + 1])  # a longer one is cut, and so no JSON
    except JsonError:
        raise ValueError("Copy an expression first: Edit, Copy.") from None
    if not isinstance(table, dict) or not table:
        raise ValueError("Copy an expression first: Edit, Copy.")
    settings: dict[str, float] = {}
    for selector, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            message = f"{shown_value(selector)} is {shown_value(value)}; a control takes a number."
            raise ValueError(message)  # noqa: TRY004 (bad input, not a bug)
        for control in expand_control(str(selector)):
            if control not in CONTROL_IDS:
                raise UnknownControlError(
                    f"{control} is a channel; paste head angles and Action Units."
                )
            low, high = control_range(control)
            settings[control] = min(max(float(value), low), high)
    return settings
