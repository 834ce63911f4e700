from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from icface.face.controls import CHANNEL_INDEX
from icface.face.geometry import rotation_matrix
from icface.formats import FormatError, landmarker, load, sniff
from icface.formats.arkit_names import SHAPES
from tests.icface.formats.tracking_files import write_table

NAMES = [name for name in SHAPES.values() if name != "tongueOut"]


def a_matrix(yaw: float, pitch: float, roll: float) -> list[float]:
    whole = np.eye(4)
    whole[:3, :3] = 1.1 * rotation_matrix(yaw, pitch, roll)
    whole[:3, 3] = 1, 2, -40
    return [float(value) for value in whole.ravel()]


def a_line(frame: int, **changed: object) -> dict[str, object]:
    weights = dict.fromkeys(["_neutral", *NAMES], 0.0) | {
        "jawOpen": 0.1 * frame,
        "eyeBlinkLeft": 0.5,
    }
    return {
        "frame": frame,
        "timestamp_ms": 40 * frame,
        "blendshapes": weights,
        "matrix": a_matrix(10, -5, 3),
        **changed,
    }


def write_lines(path: Path, lines: list[object]) -> Path:
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    return path


def test_lines_of_json_drive_head_and_face(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [a_line(i) for i in range(3)])
    assert sniff(path) == "mediapipe"
    motion = load(path).motion
    np.testing.assert_allclose(motion.controls[:, :3], np.tile([10, -5, 3], (3, 1)), atol=1e-4)
    np.testing.assert_allclose(
        motion.controls[:, CHANNEL_INDEX["jawOpen"]], [0, 0.1, 0.2], atol=1e-6
    )
    assert motion.controls[0, CHANNEL_INDEX["eyeBlink_L"]] == 0.5
    assert motion.rate == 25


def test_matrices_by_columns_and_nested_ones_are_told_by_their_shift(tmp_path: Path) -> None:
    square = np.array(a_matrix(20, 4, -8)).reshape(4, 4)
    lines: list[object] = [
        a_line(0, matrix=square.T.ravel().tolist()),
        a_line(1, matrix=square.tolist()),
    ]
    motion = load(write_lines(tmp_path / "a.jsonl", lines)).motion
    np.testing.assert_allclose(motion.controls[:, :3], np.tile([20, 4, -8], (2, 1)), atol=1e-4)


def test_lists_of_categories_and_lines_without_a_face_are_understood(tmp_path: Path) -> None:
    listed = [{"categoryName": name, "score": 0.25} for name in NAMES]
    lines: list[object] = [
        a_line(0, blendshapes=listed),
        a_line(1, blendshapes=None, matrix=None),
        a_line(2, blendshapes=listed),
    ]
    motion = load(write_lines(tmp_path / "a.jsonl", lines)).motion
    assert motion.present.tolist() == [True, False, True]
    assert motion.controls[0, CHANNEL_INDEX["mouthPucker"]] == 0.25


def test_faces_are_kept_apart(tmp_path: Path) -> None:
    lines: list[object] = [
        a_line(i, face=face) for i in range(3) for face in ("a", "b") if face == "b" or i
    ]
    assert load(write_lines(tmp_path / "a.jsonl", lines)).labels == ("b", "a")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 3, character 1: not JSON"),
        ("[1]", "line 2: expected an object"),
        ('{"blendshapes": {"jawOpen": "wide"}}', "line 2, jawOpen: 'wide' is not a number"),
        ('{"blendshapes": 5}', "line 2, blendshapes: write names"),
        ('{"blendshapes": {}, "matrix": [1, 2]}', "line 2, matrix: a transformation matrix has 16"),
        ("[" * 100_000, "nested deeper than any file"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(a_line(0)) + "\n" + line + "\n")
    with pytest.raises(FormatError, match=message):
        load(path)


def test_lines_without_any_blend_shapes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no frame has blend shapes"):
        load(write_lines(tmp_path / "a.jsonl", [{"frame": 0, "blendshapes": {}}]))


def test_files_that_would_fill_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landmarker, "MOST_FRAMES", 2)
    with pytest.raises(FormatError, match="line 3: at most 2 frames"):
        load(write_lines(tmp_path / "a.jsonl", [a_line(i) for i in range(3)]))


def test_tables_have_the_same_names(tmp_path: Path) -> None:
    matrix = {f"matrix_{i}": value for i, value in enumerate(a_matrix(10, -5, 3))}
    rows: list[dict[str, object]] = [
        {"frame": i, "timestamp_ms": 20 * i, "jawOpen": 0.5, **matrix} for i in range(3)
    ]
    path = write_table(
        tmp_path / "a.csv", ["frame", "timestamp_ms", "_neutral", *NAMES, *matrix], rows
    )
    assert sniff(path) == "mediapipe"
    motion = load(path).motion
    np.testing.assert_allclose(motion.controls[2, :3], [10, -5, 3], atol=1e-4)
    assert motion.rate == 50
    plain = load(write_table(tmp_path / "b.csv", ["frame", *NAMES], [{"frame": 0}]))
    assert "yaw" not in plain.motion.carried
