from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from icface.arrays import F64
from icface.document import FaceEdits, MixRule
from icface.document.curves import Key, Track
from icface.document.mixing import resolve
from icface.face.controls import ACTION_UNITS, CHANNEL_INDEX, CHANNELS, EXPRESSIONS, ControlVector
from icface.project_file.amounts import document_of_today, motion_of_today, state_of_today
from icface.project_file.tree import project_of, tree_of
from icface.training.rig.amended import amended
from tests.icface.rig_landmarks import landmark_mesh
from tests.strategies import a_motion, a_project

BEFORE: dict[int, dict[str, float]] = {
    4: {"browDown": 1}, 5: {"eyeWide": 1}, 6: {"cheekSquint": 1}, 7: {"eyeSquint": 1},
    9: {"noseSneer": 1}, 10: {"mouthUpperUp": 1}, 11: {"mouthUpperUp": 0.4, "noseSneer": 0.3},
    12: {"mouthSmile": 1}, 14: {"mouthDimple": 1}, 18: {"mouthPucker": 1}, 22: {"mouthFunnel": 1},
    23: {"mouthPress": 0.5, "mouthRollUpper": 0.4, "mouthRollLower": 0.4}, 24: {"mouthPress": 1},
    29: {"jawForward": 1}, 30: {"jawRight": 1}, 34: {"cheekPuff": 1},
}  # fmt: skip
"""Units that were other combinations of channels in versions 1 and 2, both sides together."""
REST = ControlVector()
LIDS = {6, 7}
"""Units that move a lid more, beside what they did: by less than a millimetre."""
CHANGED = {9, 11, 14, 18, 23, 24, 29, 34}
"""Units whose shapes were wrong, and were made right: their pictures change."""


def sides(channels: dict[str, float]) -> dict[str, float]:
    """Channels with both their sides."""
    return {
        name: amount
        for channel, amount in channels.items()
        for name in (channel, f"{channel}_L", f"{channel}_R")
        if name in CHANNEL_INDEX
    }


def displaced(channels: dict[str, float], shapes: np.ndarray[Any, Any]) -> F64:
    """(468, 3) offsets of landmarks, centimetres, by these shapes."""
    amounts = np.array([channels.get(name, 0.0) for name in EXPRESSIONS])
    moved: F64 = np.tensordot(amounts, shapes.astype(np.float64), 1)
    return moved


def reopened(edits: FaceEdits, own: ControlVector = REST) -> Any:
    """The document that a tree of version 2 with these edits of one face becomes."""
    project = replace(a_project(own), edits=(edits,))
    tree = {k: v for k, v in tree_of(project).items() if k not in ("format", "version")}
    landmarks = {face.landmarks_digest: face.landmarks for face in project.faces}
    return project_of(document_of_today(tree), {}, landmarks)


def channels_of(project: Any, frame: int = 0) -> dict[str, float]:
    state = resolve(project, frame=frame)
    return dict(zip(CHANNELS, state.values, strict=True))


@pytest.mark.parametrize("unit", ACTION_UNITS, ids=lambda unit: unit.id)
@pytest.mark.parametrize("amount", [0.4, 1.0])
def test_a_change_of_before_moves_landmarks_as_it_did(unit: Any, amount: float) -> None:
    if unit.number in BEFORE:
        old = sides(BEFORE[unit.number])
    else:
        names = [w for weights in unit.weights.values() for w in weights.items()]
        old = {name: sum(v for n, v in names if n == name) for name, _ in names}
    edits = FaceEdits.of(dict.fromkeys(unit.control_ids, amount))
    now = displaced(channels_of(reopened(edits)), amended(landmark_mesh()))
    before = displaced({k: v * amount for k, v in old.items()}, landmark_mesh().shapes)
    off = np.linalg.norm((now - before)[:, :2], axis=1)
    if unit.number == 4:
        off = off[np.abs(landmark_mesh().base[:, 0]) > 3.5]  # beside the medial pull
    if unit.number in CHANGED:
        assert off.mean() < 0.5 * np.linalg.norm(before, axis=1).mean() + 0.02
    else:
        assert np.quantile(off, 0.98) < (0.08 if unit.number in LIDS else 0.05)


def test_keys_of_before_show_the_curve_they_showed() -> None:
    keys = (
        Key(frame=0, value=0.0),
        Key(frame=10, value=0.9, interpolation_in="bezier", left_handle=(-3, -0.2)),
    )
    for mode in ("delta", "absolute"):
        tracks = tuple(Track.of(f"AU12{side}", keys, mode=mode) for side in "LR")
        own = ControlVector.of({"mouthSmile_L": 0.8, "mouthSmile_R": 0.1})
        project = reopened(FaceEdits(tracks=tracks), own)
        for frame in (0, 4, 7, 10):
            value = tracks[0].value(frame)
            assert value is not None
            for side in "LR":
                start = own[f"mouthSmile_{side}"] if mode == "delta" else 0.0
                shown = channels_of(project, frame)[f"mouthSmile_{side}"]
                assert shown == pytest.approx(min(start + value, 1), abs=0.01)


def test_a_full_smile_of_before_stays_full_though_its_slider_ends_earlier() -> None:
    project = reopened(FaceEdits.of({"AU12L": 1.0, "AU12R": 1.0}))
    assert project.edits[0].by_control()["AU12L"] > 1.6
    assert channels_of(project)["mouthSmile_L"] == 1.0


def test_a_wrinkled_nose_of_before_keeps_its_lifted_lip() -> None:
    edits = FaceEdits(
        deltas=(("AU9L", 0.5),), tracks=(Track.of("AU9R", (Key(frame=0, value=0.5),)),)
    )
    channels = channels_of(reopened(edits))
    for side in "LR":
        assert channels[f"mouthUpperUp_{side}"] == pytest.approx(0.4)
        assert channels[f"noseSneer_{side}"] == pytest.approx(0.225)


def test_a_track_of_its_own_counts_where_two_of_before_would_move_one_unit() -> None:
    tracks = tuple(
        Track.of(target, (Key(frame=0, value=value),))
        for target, value in (("AU10L", 0.3), ("AU9L", 0.5))
    )
    edits = FaceEdits(tracks=tracks)
    channels = channels_of(reopened(edits))
    assert channels["mouthUpperUp_L"] == pytest.approx(0.3)
    assert channels["noseSneer_L"] == pytest.approx(0.225)


def test_states_and_motions_of_before_are_read_in_the_channels_of_today() -> None:
    before = {"yaw": 12.0, "browDown_L": 0.5, "noseSneer_R": 0.2, "mouthSmile_L": 0.4}
    wanted = {
        "yaw": 12.0, "browDown_L": 0.3, "noseSneer_R": 0.09, "mouthUpperUp_R": 0.16,
        "mouthSmile_L": 0.4,
    }  # fmt: skip
    assert state_of_today(before) == pytest.approx(wanted)
    motion = motion_of_today(a_motion([ControlVector.of(before), None]))
    first = motion.vector(0)
    assert first is not None
    np.testing.assert_allclose(first.values, ControlVector.of(wanted).values, atol=1e-6)
    assert motion.vector(1) is None


def test_rules_keep_their_gain_and_convert_offsets_where_their_channels_agree() -> None:
    rule = MixRule(group="AU4", driver="", gain=0.5, offset=0.2, high=0.9)
    wide = MixRule(group="brows", driver="", offset=0.2)
    found = reopened(FaceEdits(mix=(wide, rule))).edits[0].mix
    assert (found[1].gain, found[1].offset, found[1].low) == (0.5, pytest.approx(0.12), None)
    assert found[1].high == pytest.approx(0.54)
    assert found[0].offset == 0.2
