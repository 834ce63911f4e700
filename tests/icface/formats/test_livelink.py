from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from icface.face.controls import CHANNEL_INDEX, CHANNELS
from icface.formats import FormatError, load, save, sniff
from icface.formats.arkit_names import BOTH_SIDES, CHANNELS_OF
from icface.formats.livelink import COLUMNS
from tests.icface.formats.tracking_files import RATES, a_motion, rows_of_faces, write_table


def a_row(frame: int, **changed: object) -> dict[str, object]:
    return {
        "Timecode": f"11:22:33:{frame:02d}.000",
        "BlendshapeCount": 61,
        "HeadYaw": 0.1,
        **changed,
    }


def test_the_columns_are_the_recorder_s_63() -> None:
    assert len(COLUMNS) == 63
    assert COLUMNS[:4] == ("Timecode", "BlendshapeCount", "EyeBlinkLeft", "EyeLookDownLeft")
    assert COLUMNS[16:21] == ("JawForward", "JawRight", "JawLeft", "JawOpen", "MouthClose")
    assert COLUMNS[45:57] == (
        "BrowInnerUp",
        "BrowOuterUpLeft",
        "BrowOuterUpRight",
        "CheekPuff",
        "CheekSquintLeft",
        "CheekSquintRight",
        "NoseSneerLeft",
        "NoseSneerRight",
        "TongueOut",
        "HeadYaw",
        "HeadPitch",
        "HeadRoll",
    )
    assert len({name.lower() for name in COLUMNS}) == 63
    assert sorted(channel for channels in CHANNELS_OF.values() for channel in channels) == sorted(
        CHANNELS[3:]
    )


def test_weights_drive_the_channels_of_their_side(tmp_path: Path) -> None:
    rows = [
        a_row(0, EyeBlinkLeft=0.7, BrowInnerUp=0.4, JawOpen=0.2, TongueOut=0.9),
        a_row(1, MouthSmileRight=1),
    ]
    path = write_table(tmp_path / "take.csv", list(COLUMNS), rows)
    assert sniff(path) == "livelink"
    loaded = load(path)
    first = loaded.motion.controls[0]
    seen = {
        name: round(float(first[CHANNEL_INDEX[name]]), 4)
        for name in ("eyeBlink_L", "eyeBlink_R", "browInnerUp_L", "jawOpen")
    }
    assert seen == {"eyeBlink_L": 0.7, "eyeBlink_R": 0, "browInnerUp_L": 0.4, "jawOpen": 0.2}
    assert first[CHANNEL_INDEX["browInnerUp_R"]] == pytest.approx(0.4)
    assert loaded.motion.controls[1, CHANNEL_INDEX["mouthSmile_R"]] == 1
    assert loaded.motion.rate == 60
    assert loaded.motion.carried == set(CHANNELS)
    assert "No channel for TongueOut: left out." in loaded.notes


@pytest.mark.parametrize(
    "spell", [str.lower, str.upper, lambda name: name.replace("shape", "Shape")]
)
def test_names_count_in_any_case(tmp_path: Path, spell: Callable[[str], str]) -> None:
    row = {spell(name): value for name, value in a_row(0, JawOpen=0.5).items()}
    loaded = load(write_table(tmp_path / "take.csv", [spell(name) for name in COLUMNS], [row]))
    assert loaded.format == "livelink"
    assert loaded.motion.controls[0, CHANNEL_INDEX["jawOpen"]] == 0.5


def test_without_timecode_and_count_61_columns_remain_and_need_a_rate(
    tmp_path: Path,
) -> None:
    path = write_table(
        tmp_path / "take.csv",
        list(COLUMNS[2:]),
        [{"JawOpen": 0.1 * i, "HeadYaw": 0.1} for i in range(4)],
    )
    assert load(path).motion.rate == 30
    assert load(path, rate=Fraction(60)).motion.seconds.tolist() == pytest.approx(
        [0, 1 / 60, 2 / 60, 3 / 60]
    )


def test_rows_with_count_0_have_no_face_and_may_be_short(tmp_path: Path) -> None:
    path = write_table(tmp_path / "take.csv", list(COLUMNS), [a_row(0), a_row(2)])
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], "11:22:33:01.000,0", lines[2]]))
    motion = load(path).motion
    assert motion.present.tolist() == [True, False, True]
    assert motion.seconds.tolist() == pytest.approx([0, 1 / 60, 2 / 60])


def test_head_angles_are_radians_unless_too_large_or_said_otherwise(
    tmp_path: Path,
) -> None:
    radians = write_table(tmp_path / "r.csv", list(COLUMNS), [a_row(0, HeadYaw=0.5)])
    degrees = write_table(tmp_path / "d.csv", list(COLUMNS), [a_row(0, HeadYaw=12)])
    assert load(radians).motion.controls[0, 0] == pytest.approx(np.degrees(0.5))
    assert load(degrees).motion.controls[0, 0] == pytest.approx(12)
    assert load(radians, units="degrees").motion.controls[0, 0] == pytest.approx(0.5)
    assert load(radians, units="half-turns").motion.controls[0, 0] == pytest.approx(90)
    assert any(
        "taken for radians" in note and "icface convert --units" in note
        for note in load(radians).notes
    )


def test_head_angles_that_were_not_recorded_drive_nothing(tmp_path: Path) -> None:
    loaded = load(write_table(tmp_path / "take.csv", list(COLUMNS), [a_row(0, HeadYaw=0)]))
    assert loaded.motion.carried == set(CHANNELS[3:])
    assert any("no head rotation" in note for note in loaded.notes)


def test_a_timecode_that_is_none_is_named(tmp_path: Path) -> None:
    path = write_table(tmp_path / "take.csv", list(COLUMNS), [a_row(0), a_row(1, Timecode="later")])
    with pytest.raises(FormatError, match="line 3, column Timecode: 'later' is not a timecode"):
        load(path)


def test_a_cell_that_is_empty_leaves_its_frame_without_a_face(tmp_path: Path) -> None:
    loaded = load(
        write_table(tmp_path / "take.csv", list(COLUMNS), [a_row(0), a_row(1, JawOpen="")])
    )
    assert loaded.motion.present.tolist() == [True, False]
    assert any("1 rows have an empty cell" in note for note in loaded.notes)


@given(rows_of_faces(), st.sampled_from(RATES), st.sets(st.integers(0, 5)))
def test_what_arkit_can_say_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: NDArray[np.float64],
    rate: Fraction,
    gone: set[int],
) -> None:
    for shape in BOTH_SIDES:
        left, right = CHANNELS_OF[shape]
        rows[:, CHANNEL_INDEX[right]] = rows[:, CHANNEL_INDEX[left]]
    motion = a_motion(rows, rate=rate, gone=tuple(i for i in gone if 0 < i < len(rows)))
    path = tmp_path_factory.mktemp("livelink") / "m.csv"
    save(path, motion, "livelink")
    back = load(path).motion
    np.testing.assert_allclose(back.controls[:, :3], motion.controls[:, :3], atol=1e-4)
    np.testing.assert_allclose(back.controls[:, 3:], motion.controls[:, 3:], atol=1e-6)
    np.testing.assert_allclose(back.seconds, motion.seconds, atol=1 / 60_000)
    assert back.carried == set(CHANNELS)


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    rows = np.zeros((1, len(CHANNELS)))
    rows[0, CHANNEL_INDEX["browInnerUp_L"]] = 1
    notes = " ".join(save(tmp_path / "m.csv", a_motion(rows), "livelink"))
    assert "Left and right are merged: browInnerUp." in notes
    assert "radians" in notes
