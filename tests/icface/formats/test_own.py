from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from icface.face.controls import CHANNELS
from icface.formats import FormatError, load, save, sniff
from icface.formats.own import KIND
from icface.motion.motion import Motion
from tests.icface.formats.tracking_files import RATES, a_motion, rows_of_faces


def any_motion(
    rows: NDArray[np.float64], rate: Fraction, gone: set[int], carried: set[str]
) -> Motion:
    whole = a_motion(rows, rate=rate, gone=tuple(i for i in gone if i < len(rows)))
    return Motion(
        seconds=whole.seconds,
        controls=whole.controls,
        confidence=whole.confidence,
        rate=rate,
        carried=frozenset(carried),
        cuts=tuple(range(1, len(rows), 2)),
        origin='caméra "A"',
    )


@pytest.mark.parametrize("ending", ["json", "npz"])
@given(
    rows_of_faces(),
    st.sampled_from(RATES),
    st.sets(st.integers(0, 5)),
    st.sets(st.sampled_from(CHANNELS)),
)
def test_a_motion_comes_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory,
    ending: str,
    rows: NDArray[np.float64],
    rate: Fraction,
    gone: set[int],
    carried: set[str],
) -> None:
    motion = any_motion(rows, rate, gone, carried)
    path = tmp_path_factory.mktemp("own") / f"m.{ending}"
    assert save(path, motion) == ()
    assert sniff(path) == ending
    back = load(path).motion
    assert back == motion
    assert back.controls.tobytes() == motion.controls.tobytes()


def test_extreme_numbers_come_back_as_well(tmp_path: Path) -> None:
    rows = np.zeros((1, len(CHANNELS)), np.float32)
    rows[0, :6] = 1e-38, -999.9999, np.nextafter(np.float32(1), np.float32(0)), 1e-45, 0.1, -0.0
    motion = a_motion(rows)
    save(tmp_path / "m.json", motion)
    assert load(tmp_path / "m.json").motion == motion


def test_people_can_read_it(tmp_path: Path) -> None:
    save(tmp_path / "m.json", a_motion(np.zeros((2, len(CHANNELS))), gone=(1,)))
    lines = (tmp_path / "m.json").read_text().splitlines()
    assert len(lines) == 4
    whole = json.loads("\n".join(lines))
    assert whole["format"] == KIND
    assert whole["rate"] == "25"
    assert whole["frames"][1] == {"seconds": 0.04, "confidence": 0, "controls": None}


def a_document(**changed: object) -> dict[str, object]:
    frames = [{"seconds": 0, "confidence": 1, "controls": [1, 0.5]}]
    return {
        "format": KIND,
        "version": 1,
        "rate": "25",
        "channels": ["yaw", "jawOpen"],
        "carried": ["yaw"],
        "frames": frames,
    } | changed


def test_a_file_with_few_channels_is_enough(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(a_document()))
    motion = load(tmp_path / "m.json").motion
    assert motion.controls[0, 0] == 1
    assert motion.controls[0, CHANNELS.index("jawOpen")] == 0.5
    assert load(tmp_path / "m.json", rate=Fraction(50)).motion.rate == 50


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": "other"}, "not a motion of ICface Studio"),
        ({"version": 9}, "version 9, and this program reads 1"),
        ({"frames": []}, "frames: expected a list"),
        (
            {"frames": [{"seconds": 0, "confidence": 1, "controls": [1]}]},
            "frame 0: seconds, confidence and 2 controls",
        ),
        ({"frames": [5]}, "frame 0"),
        (
            {"frames": [{"seconds": 0, "confidence": 7, "controls": None}]},
            "confidence 7; it is 0 to 1",
        ),
        ({"channels": ["yaw", "tail"]}, "channels: names must be"),
        ({"channels": ["yaw", "yaw"]}, "channels: names must be"),
        ({"channels": [["yaw"], "roll"]}, "channels: names must be"),
        (
            {"rate": "fast"},
            "A rate is frames a second, such as 25, 29.97 or 30000/1001, not 'fast'",
        ),
        ({"rate": "1/0"}, "not '1/0'"),
        ({"rate": "1e999999999"}, "not '1e999999999'"),
        ({"rate": "1" * 5000}, "A rate is frames a second"),
        ({"rate": 1e300}, "a rate of 1e-06 to 100000 frames a second"),
        (
            {"rate": "100000000000000"},
            "a rate of 1e-06 to 100000 frames a second, not 100000000000000",
        ),
        ({"rate": None}, "A rate is frames a second"),
        (
            {"frames": [{"seconds": 0, "confidence": 1, "controls": [9e15, 0]}]},
            "Frame 0 has a control beyond 1000",
        ),
        (
            {"frames": [{"seconds": s, "confidence": 0, "controls": None} for s in (0, 1e20)]},
            "ends 1e\\+08 s after",
        ),
        ({"carried": ["tail"]}, "Unknown channel 'tail'"),
        ({"cuts": ["x"]}, "rate, carried, cuts or origin"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps(a_document(**changed)))
    with pytest.raises(FormatError, match=message):
        load(path, name="json")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 100_000,
        '{"format": NaN}',
        "9" * 5000,
        '{"format": "icface-motion", "version": 1}',
        "\xff\xfe",
    ],
)
def test_broken_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FormatError, match=r"m\.json"):
        load(path, name="json")
