"""Documents of versions 1 and 2 in the amounts of version 3, so that their pictures stay.

Up to version 2 an Action Unit of 1 was one whole channel of the rig, whatever a face could do, and
channels were those of another rig. Since version 3 a unit of 1 is the most that an adult does, and
some channels have other shapes (`icface.training.rig.amended`). An amount is converted so that
landmarks go where they went; it may come out beyond 1, further than its slider reaches, and counts
in full.

Some things cannot be kept: brows are drawn together where they were only lowered, lids follow a
raised cheek by up to a millimetre, a puff goes to the side where it went forwards, a wrinkled nose
is put together of AU9 and AU10, and lips are pressed, dimpled, puckered and pushed forwards with
other proportions. Since version 3 these look as their names say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from icface.document.drivers import group_channels, split_mix_target
from icface.face.controls import AU_BY_NUMBER, CHANNEL_INDEX, CHANNELS
from icface.motion.motion import Motion

_CHANNELS: Mapping[str, float] = {
    "browDown": 0.6, "cheekSquint": 0.88, "eyeSquint": 0.67, "jawForward": 0.78, "jawLeft": 0.8,
    "jawRight": 0.8, "mouthDimple": 0.81, "mouthPress": 0.63, "mouthPucker": 0.6,
    "noseSneer": 0.45,
}  # fmt: skip
"""What a channel of before is of the same channel today, by least squares over 468 landmarks."""
_LIP_OF_SNEER = 0.8
"""What noseSneer of before moved of the upper lip, in mouthUpperUp."""
_UNITS: Mapping[int, Mapping[int, float]] = {
    4: {4: 0.6}, 5: {5: 1 / 0.55}, 6: {6: 0.88}, 7: {7: 0.67}, 9: {9: 0.75, 10: 1.6}, 10: {10: 2},
    11: {9: 0.225, 10: 1.28}, 12: {12: 1 / 0.6}, 14: {14: 0.81}, 18: {18: 0.6}, 22: {22: 1 / 0.6},
    23: {23: 0.7}, 24: {24: 0.63}, 29: {29: 0.78}, 30: {30: 0.8}, 34: {34: 1 / 0.75},
}  # fmt: skip
"""What a unit of before is of units today; others are as they were."""


def state_of_today(state: Mapping[str, float]) -> dict[str, float]:
    """The channels and angles of a face state of before, by name, with their values today."""
    values = np.array([[state.get(name, 0.0) for name in CHANNELS]], np.float64)
    found = zip(CHANNELS, _of_today(values)[0].tolist(), strict=True)
    return {name: value for name, value in found if value or name in state}


def motion_of_today(motion: Motion) -> Motion:
    """A motion of before with its values today."""
    fitted, network = motion.controls, motion.regressed
    return replace(
        motion,
        controls=_of_today(fitted).astype(np.float32),
        regressed=None if network is None else _of_today(network).astype(np.float32),
    )


def document_of_today(tree: dict[str, Any]) -> dict[str, Any]:
    """A document's tree of version 2 with the amounts of version 3; its motions are not in it."""
    return {
        **tree,
        "faces": [{**face, "controls": state_of_today(face["controls"])} for face in tree["faces"]],
        "edits": [
            {
                **edits,
                "deltas": _changes(edits["deltas"]),
                "tracks": _tracks(edits["tracks"]),
                "mix": [_rule(rule) for rule in edits["mix"]],
            }
            for edits in tree["edits"]
        ],
    }


def _of_today(controls: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    found = np.array(controls, np.float64)
    for channel, factor in _CHANNELS.items():
        for name in (channel, f"{channel}_L", f"{channel}_R"):
            if name in CHANNEL_INDEX:
                found[:, CHANNEL_INDEX[name]] *= factor
    for side in "LR":
        lifted = _LIP_OF_SNEER * controls[:, CHANNEL_INDEX[f"noseSneer_{side}"]]
        found[:, CHANNEL_INDEX[f"mouthUpperUp_{side}"]] += lifted
    return found


def _units_of_today(control: str) -> dict[str, float]:
    """The control ids of today that one of before stands for, with their shares."""
    digits = control.removeprefix("AU").rstrip("LR")
    number = int(digits) if control.startswith("AU") and digits.isdigit() else None
    if number not in AU_BY_NUMBER:
        return {control: 1.0}
    side = control.removeprefix(f"AU{digits}")
    shares = _UNITS.get(number, {number: 1.0})
    return {f"AU{unit}{side}": float(share) for unit, share in shares.items()}


def _changes(deltas: list[list[Any]]) -> list[list[Any]]:
    found: dict[str, float] = {}
    for control, amount in deltas:
        for name, share in _units_of_today(control).items():
            found[name] = found.get(name, 0.0) + amount * share
    return [[name, amount] for name, amount in sorted(found.items()) if amount]


def _tracks(tracks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tracks of today; where two of before would move one unit, its own counts."""
    found: dict[str, dict[str, Any]] = {}
    for track in tracks:
        target = track["target"]
        if split_mix_target(target) is not None:
            found[target] = _scaled(track, target, _share_of_mix(target))
        for name, share in _units_of_today(target).items() if target not in found else ():
            if name == target or not any(other["target"] == name for other in tracks):
                found.setdefault(name, _scaled(track, name, share))
    return [found[target] for target in sorted(found)]


def _scaled(track: dict[str, Any], target: str, share: float) -> dict[str, Any]:
    keys = [{**key, **_key(key, share)} for key in track["keys"]] if share != 1 else track["keys"]
    mode = track["mode"] if target == track["target"] else "delta"
    return {**track, "target": target, "keys": keys, "mode": mode}


def _key(key: dict[str, Any], share: float) -> dict[str, Any]:
    handles = {name: key[name] for name in ("left_handle", "right_handle") if name in key}
    return {"value": key["value"] * share} | {
        name: [frames, value * share] for name, (frames, value) in handles.items()
    }


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule whose offset and limits are amounts of today, where its channels agree on them."""
    share = _share(rule["group"])
    kept = {name: rule[name] for name in ("offset", "low", "high") if rule[name] is not None}
    return {**rule, **{name: value * share for name, value in kept.items()}} if share != 1 else rule


def _share_of_mix(target: str) -> float:
    group, parameter = split_mix_target(target) or ("", "")
    return _share(group) if parameter == "offset" else 1.0


def _share(group: str) -> float:
    shares = {_CHANNELS.get(name.rstrip("LR").rstrip("_"), 1.0) for name in group_channels(group)}
    return shares.pop() if len(shares) == 1 else 1.0
