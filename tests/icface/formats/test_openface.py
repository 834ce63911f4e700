from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from icface.face.controls import CHANNEL_INDEX, CHANNELS, direction
from icface.face.geometry import euler_angles_deg, rotation_matrix
from icface.formats import FormatError, load, save, sniff
from icface.formats.openface import INTENSITIES, PRESENCES
from icface.formats.rotations import flipped
from tests.icface.formats.tracking_files import (
    RATES,
    a_motion,
    openface_columns,
    rows_of_faces,
    rows_of_openface,
    write_table,
)

SMILE = float(direction("AU12L").max())
"""mouthSmile of a full AU12."""
NAMES = [
    "frame",
    "face_id",
    "timestamp",
    "confidence",
    "success",
    "pose_Rx",
    "pose_Ry",
    "pose_Rz",
    "AU12_r",
    "AU45_r",
]


def a_row(frame: int, **changed: object) -> dict[str, object]:
    return {
        "frame": frame,
        "timestamp": (frame - 1) / 25,
        "confidence": 0.98,
        "success": 1,
        **changed,
    }


def test_a_full_file_of_714_columns_drives_head_and_face(tmp_path: Path) -> None:
    names = openface_columns()
    places = {
        name: names.index(name)
        for name in ("frame", "pose_Rx", "x_0", "p_scale", "AU01_r", "AU45_r", "AU01_c", "AU45_c")
    }
    assert len(names) == 714
    assert list(places.values()) == [0, 296, 299, 639, 679, 695, 696, 713]
    rows = [a_row(i, pose_Ry=-0.1 * i, AU12_r=i, AU45_r=5, AU12_c=1) for i in range(1, 6)]
    path = write_table(tmp_path / "driver.csv", names, rows, separator=", ")
    assert sniff(path) == "openface"
    motion = load(path).motion
    assert len(motion) == 5
    assert motion.rate == 25
    np.testing.assert_allclose(
        motion.controls[:, 0], np.degrees([0.1, 0.2, 0.3, 0.4, 0.5]), rtol=1e-6
    )
    np.testing.assert_allclose(
        motion.controls[:, CHANNEL_INDEX["mouthSmile_L"]] / SMILE,
        [0.2, 0.4, 0.6, 0.8, 1],
        rtol=1e-6,
    )
    assert (motion.controls[:, CHANNEL_INDEX["eyeBlink_R"]] == 1).all()
    assert {"yaw", "jawOpen", "mouthSmile_R", "eyeBlink_L"} <= motion.carried
    assert not {"mouthPucker", "eyeLookUp_L", "tongueOut"} & motion.carried


def test_any_subset_of_the_columns_drives_what_it_has(tmp_path: Path) -> None:
    pose_only = write_table(
        tmp_path / "pose.csv", ["timestamp", "pose_Rx", "pose_Ry", "pose_Rz"], [{"pose_Rx": 0.2}]
    )
    assert load(pose_only).motion.carried == {"yaw", "pitch", "roll"}
    units_only = write_table(tmp_path / "units.csv", ["frame", "AU26_r"], [{"AU26_r": 5}])
    loaded = load(units_only)
    assert loaded.motion.carried == {"jawOpen"}
    assert any("no head rotation" in note for note in loaded.notes)


def test_presence_alone_drives_nothing(tmp_path: Path) -> None:
    path = write_table(tmp_path / "c.csv", ["frame", "AU12_c"], [{"AU12_c": 1}])
    with pytest.raises(FormatError, match="line 1: no column pose_Rx"):
        load(path)


def test_rows_without_success_have_no_face(tmp_path: Path) -> None:
    rows = [a_row(1, AU12_r=2), a_row(2, success=0, AU12_r=77, pose_Rx=9), a_row(3, AU12_r=3)]
    loaded = load(write_table(tmp_path / "a.csv", NAMES, rows))
    assert loaded.motion.present.tolist() == [True, False, True]
    assert loaded.motion.confidence.tolist() == pytest.approx([0.98, 0, 0.98])
    assert "1 of 3 frames have no face." in loaded.notes
    assert loaded.motion.controls[0, 1] == 0


def test_each_face_of_a_file_has_a_motion_most_frames_first(
    tmp_path: Path,
) -> None:
    rows = [
        a_row(i, face_id=face, AU12_r=face, success=int(face == 1 or i > 2))
        for i in range(1, 6)
        for face in (0, 1)
    ]
    path = write_table(tmp_path / "two.csv", NAMES, rows)
    loaded = load(path)
    assert loaded.labels == ("1", "0")
    assert loaded.motion.controls[0, CHANNEL_INDEX["mouthSmile_L"]] == pytest.approx(0.2 * SMILE)
    assert [int(motion.present.sum()) for motion in loaded.faces] == [5, 3]
    assert load(path, face=0).motion == loaded.faces[1]
    with pytest.raises(FormatError, match="no face 7; its faces are 1, 0"):
        load(path, face=7)


def test_rows_in_any_order_are_sorted_and_doubles_left_out(tmp_path: Path) -> None:
    rows = [
        a_row(3, AU12_r=3),
        a_row(1, AU12_r=1),
        a_row(2, AU12_r=2),
        a_row(2, AU12_r=5),
        a_row(2, success=0),
    ]
    loaded = load(write_table(tmp_path / "a.csv", NAMES, rows))
    np.testing.assert_allclose(
        loaded.motion.controls[:, CHANNEL_INDEX["mouthSmile_R"]] / SMILE, [0.2, 0.4, 0.6], rtol=1e-6
    )
    assert {
        "The rows were not in the order of time and have been sorted.",
        "2 rows stand at the time of another and were left out.",
    } <= (set(loaded.notes))


def test_pictures_of_a_folder_are_all_at_0_s_and_take_the_given_rate(
    tmp_path: Path,
) -> None:
    path = write_table(tmp_path / "a.csv", NAMES, [a_row(i, timestamp=0) for i in (1, 2, 3)])
    assert load(path).motion.rate == 30
    assert any("30 frames a second were assumed" in note for note in load(path).notes)
    assert load(path, rate=Fraction(10)).motion.seconds.tolist() == pytest.approx([0, 0.1, 0.2])


def test_degrees_where_radians_belong_are_told_by_their_size_and_by_word(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.csv", NAMES, [a_row(1, pose_Rx=20)])
    loaded = load(path)
    assert loaded.motion.controls[0, 1] == pytest.approx(20)
    assert any("taken for degrees" in note for note in loaded.notes)
    small = write_table(tmp_path / "b.csv", NAMES, [a_row(1, pose_Rx=1)])
    assert load(small).motion.controls[0, 1] == pytest.approx(np.degrees(1))
    assert load(small, units="degrees").motion.controls[0, 1] == pytest.approx(1)


def test_the_written_columns_are_those_of_openface(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    save(path, a_motion(np.zeros((2, len(CHANNELS))), gone=(1,)))
    header, first, second = path.read_text().splitlines()
    fixed = [
        "frame",
        "face_id",
        "timestamp",
        "confidence",
        "success",
        "pose_Tx",
        "pose_Ty",
        "pose_Tz",
    ]
    fixed += ["pose_Rx", "pose_Ry", "pose_Rz"]
    assert header.split(",") == fixed + [f"AU{n}_r" for n in INTENSITIES] + [
        f"AU{n}_c" for n in PRESENCES
    ]
    assert [name for name in openface_columns() if name in header.split(",")] == header.split(",")
    assert first.startswith("1,0,0,0.75,1,0,0,0,")
    assert second.startswith("2,0,0.04,0,0,0,0,0,")


@given(rows_of_openface(), st.sampled_from(RATES), st.sets(st.integers(0, 5)))
def test_what_openface_can_say_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: NDArray[np.float64],
    rate: Fraction,
    gone: set[int],
) -> None:
    motion = a_motion(rows, rate=rate, gone=tuple(i for i in gone if i < len(rows)))
    path = tmp_path_factory.mktemp("openface") / "m.csv"
    save(path, motion)
    back = load(path).motion
    np.testing.assert_allclose(back.controls[:, :3], motion.controls[:, :3], atol=2e-4)
    np.testing.assert_allclose(back.controls[:, 3:], motion.controls[:, 3:], atol=2e-5)
    np.testing.assert_allclose(back.seconds, motion.seconds, atol=1e-7)
    np.testing.assert_allclose(back.confidence, motion.confidence, atol=1e-6)
    assert back.rate == (rate if len(motion) > 1 else 30)


@given(rows_of_faces())
def test_what_is_lost_is_lost_once(
    tmp_path_factory: pytest.TempPathFactory, rows: NDArray[np.float64]
) -> None:
    folder = tmp_path_factory.mktemp("openface")
    save(folder / "a.csv", a_motion(rows))
    once = load(folder / "a.csv").motion
    save(folder / "b.csv", once)
    np.testing.assert_allclose(load(folder / "b.csv").motion.controls, once.controls, atol=1e-3)


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    rows = np.zeros((1, len(CHANNELS)))
    for name, value in {
        "mouthSmile_L": 0.8,
        "mouthPucker": 0.5,
        "browDown_L": 0.4,
        "browDown_R": 0.4,
    }.items():
        rows[0, CHANNEL_INDEX[name]] = value
    notes = " ".join(save(tmp_path / "m.csv", a_motion(rows)))
    assert "Left and right are merged: mouthSmile." in notes
    assert "only in part: mouthPucker." in notes
    assert load(tmp_path / "m.csv").motion.controls[
        0, CHANNEL_INDEX["mouthSmile_R"]
    ] == pytest.approx(0.4, abs=1e-3)


def test_head_angles_of_a_real_file_agree_with_its_own_points(feat_data: Path) -> None:
    """OpenFace's 68 points of the head in space: their rotation matches the angles."""
    lines = (feat_data / "OpenFace_Test.csv").read_text().splitlines()
    names = [name.strip() for name in lines[0].split(",")]
    table = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]])
    points = np.stack(
        [table[:, [names.index(f"{axis}_{i}") for i in range(68)]] for axis in "XYZ"], axis=2
    )
    angles = load(feat_data / "OpenFace_Test.csv").motion.controls[:, :3].astype(np.float64)
    first = points[0] - points[0].mean(0)
    for row in (20, 50, 99):
        here = points[row] - points[row].mean(0)
        left, _, right = np.linalg.svd(here.T @ first)
        turned = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
        wanted = euler_angles_deg(flipped(turned[None])[0] @ rotation_matrix(*angles[0]))
        np.testing.assert_allclose(angles[row], wanted, atol=1.0)
    face = first @ np.array([[1, 0, 0], [0, -1, 0], [0, 0, -1]])  # to our frame
    eyes = face[42:48].mean(0) - face[36:42].mean(0)
    assert eyes[0] > 0  # the subject's left eye is to the right of the picture
    assert np.degrees(np.arctan2(eyes[1], eyes[0])) == pytest.approx(angles[0, 2], abs=1.5)
    assert np.degrees(np.arctan2(-eyes[2], eyes[0])) == pytest.approx(angles[0, 0], abs=2.5)
