"""icface edit, export and animate: real files, real weights, few frames."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from icface.cli import main
from icface.commands.arguments import SettingsError, parse_mix, parse_named_file, parse_settings
from icface.document import MixRule, ProjectError, edits
from icface.media.clip import probe
from icface.media.clip_reader import ClipReader
from icface.project_file import save_project
from tests.icface.export.exporting import LOSSLESS, document, portrait_clip, same, samples


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, [*map(str, arguments)], prog_name="icface")
    return done.exit_code, done.stdout, done.stderr


def report(*arguments: object) -> dict[str, Any]:
    code, out, said = run(*arguments, "--json")
    assert code == 0, said
    made: dict[str, Any] = json.loads(out)
    return made


@pytest.fixture
def short_clip(tmp_path: Path, astronaut: NDArray[np.uint8]) -> Path:
    """A clip of the portrait, short enough to be tracked in a test."""
    return portrait_clip(tmp_path / "short.mkv", astronaut, 6, replace(LOSSLESS, rate=10))


def test_a_smile_comes_and_goes_in_a_clip(short_clip: Path, tmp_path: Path) -> None:
    done = report(
        "edit",
        short_clip,
        "--set",
        "AU12=+0.5",
        "--from",
        1,
        "--to",
        4,
        "--fade",
        1,
        "-o",
        tmp_path / "o.mkv",
    )
    assert (done["frames"], done["edited"], done["faces"], done["face"]) == (6, 4, 1, 0)
    before, after = samples(short_clip), samples(tmp_path / "o.mkv")
    assert [n for n in range(6) if not same(before[n], after[n])] == [1, 2, 3, 4]
    strength = [
        float(np.abs(b[0].astype(int) - a[0]).mean()) for b, a in zip(before, after, strict=True)
    ]
    assert strength[2] > strength[1]
    assert done["frames_per_second"] > 0


def test_a_plan_is_told_and_nothing_is_done(short_clip: Path, tmp_path: Path) -> None:
    code, out, _ = run(
        "edit", short_clip, "--set", "yaw=+5", "--frames", "2-4", "-o", tmp_path / "o.mp4", "--plan"
    )
    assert code == 0
    assert "3 frames (frames 2 to 4), 0.30 s, 10 a second." in out
    assert not (tmp_path / "o.mp4").exists()


def test_a_saved_document_is_exported_between_its_points(short_clip: Path, tmp_path: Path) -> None:
    project = edits.set_range(edits.set_control(document(short_clip), "yaw", 10), 1, 3)
    save_project(tmp_path / "a.icface", project)
    code, out, said = run(
        "export", tmp_path / "a.icface", "-o", tmp_path / "o.mp4", "--height", "160", "--no-label"
    )
    assert code == 0, said
    assert "3 frames, 3 edited" in out
    assert "does NOT say" in said
    assert probe(tmp_path / "o.mp4").size == (160, 160)
    assert (
        report("export", tmp_path / "a.icface", "-o", tmp_path / "s.jpg", "--from", 2, "--to", 2)[
            "frames"
        ]
        == 1
    )


def test_a_photo_is_driven_by_a_table_and_a_clip_at_once(
    astronaut_path: Path, feat_data: Path, short_clip: Path, tmp_path: Path
) -> None:
    done = report(
        "animate",
        astronaut_path,
        "--driver",
        feat_data / "OpenFace_Test.csv",
        "--driver",
        f"look={short_clip}",
        "--mix",
        "gaze=look*0.5",
        "--mix",
        "AU12=A*0.8+0.1,high=0.9",
        "--rate",
        "25",
        "--to",
        4,
        "-o",
        tmp_path / "o.mp4",
    )
    assert (done["frames"], done["edited"], done["sound"]) == (5, 5, "")
    about = probe(tmp_path / "o.mp4")
    assert (about.size, about.rate, about.count) == ((512, 512), 25, 5)
    with ClipReader(tmp_path / "o.mp4") as reader:
        assert reader.frame(0).pixels().std() > 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("edit", "PHOTO", "--set", "yaw=5", "-o", "o.mp4"), "but a clip is needed here"),
        (("edit", "CLIP", "--set", "yaw", "-o", "o.mp4"), "is not NAME=NUMBER"),
        (("edit", "CLIP", "-o", "o.mp4"), "--set AU12=+0.5"),
        (("edit", "CLIP", "--set", "AU12=-0.5", "-o", "o.mp4"), "AU12=+-0.5"),
        (
            ("animate", "PHOTO", "--driver", "PHOTO", "--to", "1000000000000", "-o", "o.mp4"),
            "at most 10000000",
        ),
        (("edit", "CLIP", "--set", "yaw=5", "--frames", "5", "-o", "o.mp4"), "not FIRST-LAST"),
        (
            ("animate", "PHOTO", "--driver", "CLIP", "--mix", "mouth=B", "-o", "o.mp4"),
            "but no --driver has that name",
        ),
        (
            ("animate", "PHOTO", "--driver", "CLIP", "--mix", "mouth", "-o", "o.mp4"),
            "is not GROUP=NAME",
        ),
        (("animate", "PHOTO", "--driver", "CLIP", "--sound", "B", "-o", "o.mp4"), "is no driver"),
        (
            ("animate", "PHOTO", "--driver", "A=CLIP", "--driver", "A=CLIP", "-o", "o.mp4"),
            "Two drivers",
        ),
        (("export", "absent.icface", "-o", "o.mp4"), "absent.icface"),
    ],
)
def test_bad_use_is_one_line_and_writes_nothing(
    arguments: tuple[str, ...],
    message: str,
    astronaut_path: Path,
    feat_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    there = {"PHOTO": str(astronaut_path), "CLIP": str(feat_data / "single_face.mp4")}
    texts = [
        argument.replace("CLIP", there["CLIP"]).replace("PHOTO", there["PHOTO"])
        for argument in arguments
    ]
    code, out, said = run(*texts)
    assert (code, out, said.count("\n")) == (2, "", 1)
    assert message in said
    assert not list(tmp_path.iterdir())


# What is asked for in words -----------------------------------------------------------------------


def test_a_plus_adds_and_any_other_number_holds() -> None:
    said = parse_settings(("AU12=+0.5", "yaw=-8", "AU43=0"))
    assert (said.added, said.held) == ({"AU12": 0.5}, {"yaw": -8.0, "AU43": 0.0})


def test_a_rule_is_read_as_it_is_written() -> None:
    assert parse_mix("mouth=A*0.8+0.1") == MixRule(group="mouth", driver="A", gain=0.8, offset=0.1)
    assert parse_mix("pose=b2*-1-5,shift=-3,mirror,absolute,low=-20,high=20") == MixRule(
        group="pose",
        driver="b2",
        gain=-1,
        offset=-5,
        shift=-3,
        mirror=True,
        mode="absolute",
        low=-20,
        high=20,
    )
    assert parse_mix("gaze=") == MixRule(group="gaze", driver="")


@pytest.mark.parametrize(
    "text",
    [
        "mouth",
        "mouth=A*",
        "mouth=A*0.8*2",
        "mouth=A 0.8",
        "mouth=1A",
        "=A",
        "mouth=A,loud",
        "mouth=A,mirror,mirror",
        "mouth=A,absolute,relative",
        "mouth=A*1e3",
        "mouth=A*nan",
        "mouth=A,shift=0.5",
        "gaze=,mirror",
    ],
)
def test_a_rule_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="--mix"):
        parse_mix(text)


def test_what_a_rule_cannot_be_is_told() -> None:
    with pytest.raises(ProjectError, match="Unknown group"):
        parse_mix("nose=A")
    with pytest.raises(ProjectError, match="gain"):
        parse_mix("mouth=A*11")


def test_a_source_may_have_a_name(tmp_path: Path) -> None:
    odd = tmp_path / "a=b.mp4"
    odd.touch()
    assert parse_named_file(str(odd)) == ("", odd)
    assert parse_named_file("look=c.mp4") == ("look", Path("c.mp4"))
    assert parse_named_file("c.mp4") == ("", Path("c.mp4"))
