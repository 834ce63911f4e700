"""How far each control goes before pictures go wrong, for sliders that warn."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from icface.face.controls import ACTION_UNITS, ANGLE_SEEN_DEG
from icface.system import json_text

REACH_FILE = Path(__file__).resolve().parents[2] / "resources" / "reach.json"
"""Made by ``icface train reach``: size by angle or unit, degrees or intensity."""


@cache
def reach_of_controls() -> Mapping[str, float]:
    """The largest size of each angle and unit, such as AU12, whose pictures were right.

    Measured on people never trained on, by `icface.evaluation.reach`. A unit that the file lacks is
    right up to its end, an angle as far as the networks have seen examples.
    """
    try:
        table = json_text.parsed(REACH_FILE.read_bytes())
        found = {name: float(size) for name, size in table.items()}
    except (OSError, AttributeError, TypeError, ValueError):
        found = {}
    whole = dict(ANGLE_SEEN_DEG) | {unit.id: unit.maximum for unit in ACTION_UNITS}
    return MappingProxyType({name: found.get(name, size) for name, size in whole.items()})
