from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from icface.cli import main
from icface.formats import load, sniff


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["convert", *map(str, arguments)], prog_name="icface")
    return done.exit_code, done.stdout, done.stderr


def test_a_file_is_converted_and_what_is_lost_is_said(feat_data: Path, tmp_path: Path) -> None:
    code, out, said = run(feat_data / "001.csv", tmp_path / "o.csv", "--rate", "30000/1001")
    assert code == 0, said
    assert "40 of 40 frames with a face, 29.970 frames/s" in out
    assert "read: Head angles go up to 14.6 and were taken for degrees" in said
    assert "written: OpenFace's Action Units do not say, or only in part: mouthPress_L" in said
    assert sniff(tmp_path / "o.csv") == "openface"
    assert load(tmp_path / "o.csv").motion.rate.denominator == 1001


def test_the_report_is_json_when_it_is_asked_for(feat_data: Path, tmp_path: Path) -> None:
    code, out, _ = run(
        feat_data / "OpenFace_Test.csv",
        tmp_path / "o.csv",
        "--from",
        "openface",
        "--to",
        "livelink",
        "--json",
    )
    report = json.loads(out)
    assert code == 0
    assert (report["format"], report["frames"], report["frames_with_face"], report["faces"]) == (
        "openface",
        100,
        100,
        ["0"],
    )
    assert any("1000 frames a second" in note for note in report["assumed"])
    assert any("radians" in note for note in report["lost"])
    assert sniff(tmp_path / "o.csv") == "livelink"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("IN", "IN"), "is the file that is read"),
        (("IN", "o.txt"), "ending does not say the format"),
        (("IN", "o.csv", "--face", "9"), "has no face 9"),
        (("IN", "o.csv", "--rate", "fast"), "'fast' is not a rate"),
        (("IN", "o.csv", "--rate", "0"), "'0' is not a rate"),
        (("absent.csv", "o.csv"), "there is no such file"),
    ],
)
def test_bad_use_is_one_line_and_writes_nothing(
    feat_data: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes((feat_data / "002.csv").read_bytes())
    paths = [
        source if word == "IN" else tmp_path / word if "." in word else word for word in arguments
    ]
    code, _, said = run(*paths)
    assert code == 2
    assert message in said
    assert len(said.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
