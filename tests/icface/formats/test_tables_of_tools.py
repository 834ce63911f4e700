"""Tables as real tools and spreadsheets write them: small inputs with the expected reading."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from icface.face.controls import CHANNEL_INDEX, direction
from icface.formats import FormatError, load, sniff
from icface.formats.livelink import COLUMNS
from icface.formats.timecode import seconds_of

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
]


def of_rows(count: int, rate: float = 30.0) -> list[list[str]]:
    """A head that turns and a smile that rises, as OpenFace writes them."""
    return [
        [
            str(i + 1),
            "0",
            f"{i / rate:.3f}",
            "0.98",
            "1",
            "0.05",
            f"{0.2 * math.sin(i):.3f}",
            "0.01",
            f"{i % 6:.2f}",
        ]
        for i in range(count)
    ]


def write(
    path: Path,
    rows: list[list[str]],
    *,
    separator: str = ", ",
    encoding: str = "utf-8",
    before: str = "",
) -> Path:
    path.write_bytes(
        (before + "".join(separator.join(row) + "\r\n" for row in rows)).encode(encoding)
    )
    return path


@pytest.mark.parametrize(
    "word", ["-nan(ind)", "-1.#IND", "1.#QNAN", "nan(snan)", "-nan", "#NUM!", "NA", "null"]
)
def test_a_row_that_failed_is_no_face_however_its_numbers_are_spelt(
    tmp_path: Path, word: str
) -> None:
    rows = of_rows(8)
    rows[3][4:] = ["0", *[word] * 4]
    rows[4][5:] = [word] * 4  # says success, and holds nothing
    motion = load(write(tmp_path / "a.csv", [NAMES, *rows])).motion
    assert motion.present.tolist() == [True] * 3 + [False] * 2 + [True] * 3
    assert motion.rate == 30


def test_a_word_that_stands_for_no_number_is_still_refused(tmp_path: Path) -> None:
    rows = of_rows(3)
    rows[1][5] = "left"
    with pytest.raises(FormatError, match=r"line 3, column pose_Rx: 'left' is not a number"):
        load(write(tmp_path / "a.csv", [NAMES, *rows]))


def test_faces_of_one_picture_are_faces_and_not_frames(tmp_path: Path) -> None:
    names = ["face", "confidence", *NAMES[5:]]
    rows = [[str(i), "0.9", "0.05", f"{0.3 * i - 0.3:.1f}", "0.01", f"{i}.00"] for i in range(3)]
    loaded = load(write(tmp_path / "a.csv", [names, *rows]))
    assert loaded.labels == ("0", "1", "2")
    assert [len(motion) for motion in loaded.faces] == [1, 1, 1]
    smiles = [
        float(motion.controls[0, CHANNEL_INDEX["mouthSmile_L"]]) / SMILE for motion in loaded.faces
    ]
    assert smiles == pytest.approx([0, 0.2, 0.4], abs=1e-3)
    assert any("faces of one picture" in note for note in loaded.notes)
    assert not any("a second were assumed" in note for note in loaded.notes)


@pytest.mark.parametrize(
    ("separator", "encoding", "before", "name"),
    [
        (";", "utf-8-sig", "", "a.csv"),
        (";", "utf-8-sig", "sep=;\r\n", "a.csv"),
        ("\t", "utf-16", "", "a.txt"),
        ("\t", "utf-16", "sep=\t\r\n", "a.csv"),
        ("\t", "utf-8", "", "a.tsv"),
    ],
)
def test_what_a_spreadsheet_with_decimal_commas_saves_is_read(
    tmp_path: Path, separator: str, encoding: str, before: str, name: str
) -> None:
    rows = of_rows(12)
    commas = [[cell.replace(".", ",") for cell in row] for row in rows]
    path = write(
        tmp_path / name, [NAMES, *commas], separator=separator, encoding=encoding, before=before
    )
    assert sniff(path) == "openface"
    motion = load(path).motion
    plain = load(write(tmp_path / "plain.csv", [NAMES, *rows])).motion
    assert np.array_equal(motion.controls, plain.controls)
    assert motion.seconds.tolist() == plain.seconds.tolist()


def test_a_line_that_names_the_separator_counts_as_a_line(tmp_path: Path) -> None:
    rows = of_rows(3)
    rows[2][5] = "left"
    path = write(tmp_path / "a.csv", [NAMES, *rows], separator=";", before="sep=;\r\n")
    with pytest.raises(FormatError, match=r"line 5, column pose_Rx"):
        load(path)


def test_two_people_in_one_file_are_two_faces(tmp_path: Path) -> None:
    rows = []
    for i, row in enumerate(of_rows(10)):
        rows.append(row)
        if i < 6:
            rows.append([row[0], "1", *row[2:]])
    loaded = load(write(tmp_path / "a.csv", [NAMES, *rows]))
    assert [
        (label, len(motion)) for label, motion in zip(loaded.labels, loaded.faces, strict=True)
    ] == [("0", 10), ("1", 6)]


@pytest.mark.parametrize("again", [True, False])
def test_recordings_appended_to_one_file_follow_one_another(tmp_path: Path, again: bool) -> None:
    rows = of_rows(10)
    path = write(tmp_path / "a.csv", [NAMES, *rows, *([NAMES] if again else []), *rows, *rows])
    loaded = load(path)
    assert len(loaded.motion) == 30
    assert loaded.motion.rate == 30
    assert loaded.motion.seconds == pytest.approx(np.arange(30) / 30, abs=2e-3)
    assert np.array_equal(loaded.motion.controls[:10], loaded.motion.controls[20:])
    assert any("start again (2 times)" in note for note in loaded.notes)
    assert any("stand again on line 12" in note for note in loaded.notes) == again
    assert len(load(path, rate=Fraction(25)).motion) == 30


def test_rows_out_of_order_are_sorted_and_not_taken_for_recordings(tmp_path: Path) -> None:
    rows = of_rows(9)
    loaded = load(write(tmp_path / "a.csv", [NAMES, *rows[::3], *rows[1::3], *rows[2::3]]))
    assert len(loaded.motion) == 9
    assert loaded.motion.duration_s == pytest.approx(0.3, abs=2e-3)


# --------------------------------------------------------------------------------------------------


def take(path: Path, codes: list[str]) -> Path:
    lines = [",".join(COLUMNS)]
    lines += [f"{code},61," + ",".join(["0.01"] * (len(COLUMNS) - 2)) for code in codes]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def numbered(count: int, fps: int) -> list[str]:
    """Timecodes counted at the clip's rate, the row number in place of the thousandths."""
    return [f"00:00:{i // fps:02d}:{i % fps:02d}.{i % 1000:03d}" for i in range(1, count + 1)]


@pytest.mark.parametrize("fps", [10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 120])
def test_the_rate_of_a_take_is_told_from_its_own_seconds(tmp_path: Path, fps: int) -> None:
    path = take(tmp_path / "a.csv", numbered(3 * fps, fps))
    loaded = load(path)
    assert loaded.motion.rate == fps
    assert loaded.motion.seconds == pytest.approx(np.arange(3 * fps) / fps)
    assert any(f"count {fps} frames a second" in note and "--rate" in note for note in loaded.notes)
    assert load(path, rate=Fraction(25)).motion.rate == 25


def test_a_take_of_24_a_second_on_a_count_of_60_stays_as_it_is() -> None:
    frames = [math.floor(i * 60 / 24) for i in range(72)]
    codes = [f"10:00:{f // 60:02d}:{f % 60:02d}.000" for f in frames]
    times, base, _ = seconds_of(codes)
    assert base == 60
    assert np.diff(times).sum() == pytest.approx(frames[-1] / 60)


def test_a_take_that_lost_frames_keeps_its_base() -> None:
    kept = [i for i in range(300) if i % 7 != 3]
    times, base, _ = seconds_of([f"10:00:{i // 60:02d}:{i % 60:02d}.123" for i in kept])
    assert base == 60
    assert times - times[0] == pytest.approx(np.array(kept) / 60)


def test_milliseconds_in_the_place_of_frames_are_milliseconds(tmp_path: Path) -> None:
    stamps = [round(i * 1000 / 30) for i in range(90)]
    loaded = load(
        take(
            tmp_path / "a.csv",
            [f"00:00:{ms // 1000:02d}:{ms % 1000:02d}.{i:03d}" for i, ms in enumerate(stamps)],
        )
    )
    assert loaded.motion.rate == 30
    assert loaded.motion.duration_s == pytest.approx(3, abs=2e-3)
    assert any("milliseconds" in note for note in loaded.notes)


def test_drop_frames_and_midnight_keep_a_take_even(tmp_path: Path) -> None:
    def dropped(n: int) -> str:
        n += 2 * ((n - 2) // 1798) if n >= 2 else 0
        return f"00:{n // 1800:02d}:{n // 30 % 60:02d};{n % 30:02d}.000"

    drop = load(take(tmp_path / "drop.csv", [dropped(1753 + i) for i in range(90)])).motion
    assert drop.rate == Fraction(30000, 1001)
    assert np.diff(drop.seconds) == pytest.approx(np.full(89, 1001 / 30_000))
    frames = [(86_398 * 60 + i) % (86_400 * 60) for i in range(180)]
    codes = [
        f"{f // 216000:02d}:{f // 3600 % 60:02d}:{f // 60 % 60:02d}:{f % 60:02d}.123"
        for f in frames
    ]
    night = load(take(tmp_path / "night.csv", codes)).motion
    assert np.diff(night.seconds) == pytest.approx(np.full(179, 1 / 60))


def test_ten_minutes_of_drop_frame_counting_are_17982_frames() -> None:
    second = [f"00:00:00;{i:02d}" for i in range(30)]
    times, base, drops = seconds_of([*second, "00:00:01;00", "00:10:00;00"])
    assert (base, drops) == (30, True)
    assert round(times[-1] * 30_000 / 1001) == 17_982


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [True, False])
def test_a_face_that_py_feat_does_not_name_is_followed_by_its_place(
    tmp_path: Path, first: bool
) -> None:
    names = [
        "frame",
        "FaceRectX",
        "FaceRectY",
        "FaceRectWidth",
        "FaceRectHeight",
        "FaceScore",
        "Pitch",
        "Roll",
        "Yaw",
        "AU12",
    ]
    rows = []
    for i in range(24):
        here = [str(i), f"{100 + i}", "80", "200", "220", "0.99", "2", "1", "5", "0.5", "clip.mp4"]
        false = [str(i), "400", "10", "30", "30", "0.51", "9", "40", "30", "0.9", "clip.mp4"]
        both = [false, here] if first else [here, false]
        rows += both if i % 8 == 3 else [here]
    loaded = load(write(tmp_path / "a.csv", [[*names, "input"], *rows], separator=","))
    assert [(len(motion), int(motion.present.sum())) for motion in loaded.faces] == [
        (24, 24),
        (3, 3),
    ]
    smiles = loaded.motion.controls[:, CHANNEL_INDEX["mouthSmile_L"]] / SMILE
    assert smiles == pytest.approx(np.full(24, 0.5), abs=1e-6)
    assert any("followed by its place" in note for note in loaded.notes)


# --------------------------------------------------------------------------------------------------


def python_frames(count: int, faces: int = 1) -> list[dict[str, object]]:
    return [
        {
            "face_landmarks": [[{"x": 0.5, "y": 0.5, "z": 0.0, "visibility": None}] * 478] * faces,
            "face_blendshapes": [
                [
                    {
                        "index": 25,
                        "score": 0.1 * i + 0.5 * face,
                        "display_name": "",
                        "category_name": "jawOpen",
                    }
                ]
                for face in range(faces)
            ],
            "facial_transformation_matrixes": [np.eye(4).tolist()] * faces,
            "timestamp_ms": 40 * i,
        }
        for i in range(count)
    ]


def javascript_frames(count: int) -> list[dict[str, object]]:
    return [
        {
            "faceLandmarks": [],
            "faceBlendshapes": [
                {
                    "categories": [
                        {
                            "index": 25,
                            "score": 0.1 * i,
                            "categoryName": "jawOpen",
                            "displayName": "",
                        }
                    ],
                    "headIndex": -1,
                    "headName": "",
                }
            ],
            "facialTransformationMatrixes": [
                {"rows": 4, "columns": 4, "data": np.eye(4).ravel().tolist()}
            ],
        }
        for i in range(count)
    ]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("within", ["list", "frames", "lines"])
@pytest.mark.parametrize("spelling", ["python", "javascript"])
def test_results_of_the_face_landmarker_are_read_in_both_spellings(
    tmp_path: Path, spelling: str, within: str, indent: int | None
) -> None:
    frames = python_frames(5) if spelling == "python" else javascript_frames(5)
    lines = "\n".join(json.dumps(frame, indent=indent) for frame in frames)
    whole = json.dumps(frames if within == "list" else {"frames": frames}, indent=indent)
    path = tmp_path / "a.json"
    path.write_text(lines if within == "lines" else whole, encoding="utf-8")
    assert sniff(path) == "mediapipe"
    loaded = load(path)
    assert loaded.motion.rate == (25 if spelling == "python" else 30)
    assert loaded.motion.controls[:, CHANNEL_INDEX["jawOpen"]] == pytest.approx(
        0.1 * np.arange(5), abs=1e-6
    )
    assert {"yaw", "jawOpen"} <= loaded.motion.carried
    assert any("30 frames a second were assumed" in note for note in loaded.notes) == (
        spelling == "javascript"
    )


def test_several_faces_are_several_motions_and_an_empty_frame_has_none(
    tmp_path: Path,
) -> None:
    frames = python_frames(4, faces=2)
    frames[2] |= {"face_blendshapes": [], "facial_transformation_matrixes": []}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(frames), encoding="utf-8")
    loaded = load(path)
    assert loaded.labels == ("0", "1")
    assert loaded.faces[0].present.tolist() == [True, True, False, True]
    assert loaded.faces[1].controls[0, CHANNEL_INDEX["jawOpen"]] == pytest.approx(0.5)
    assert loaded.faces[1].seconds.tolist() == pytest.approx([0, 0.04, 0.12])


@pytest.mark.parametrize("name", [["jawOpen"], {"jawOpen": 1}, 7])
def test_a_category_whose_name_is_no_text_is_refused_in_words(tmp_path: Path, name: object) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps([{"blendshapes": [{"categoryName": name, "score": 0.5}]}]), encoding="utf-8"
    )
    with pytest.raises(
        FormatError, match=r"line 1, categoryName: .* is not the name of a blend shape"
    ):
        load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[{"blendshapes": {"jawOpen": ' + "9" * 5000 + "}}]",
            "a number of 5000 digits; at most 100 are read",
        ),
        ('[{"blendshapes": {"jawOpen": 0.5}}', "the list is never closed"),
        ('[{"blendshapes": {"jawOpen": 0.5}}] x', "something follows the end of the list"),
        ('[{"blendshapes": {"jawOpen": 0.5}}, {"blend', "line 1, character"),
    ],
)
def test_broken_results_are_refused_in_words(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match=message):
        load(path)
