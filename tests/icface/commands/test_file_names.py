"""Names that a file may have and that few expect: every command reads and writes them."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from icface.cli import main
from icface.document import edits
from icface.media import load_photo
from icface.media.clip import probe
from icface.project_file import load_project, save_project
from icface.rendering import renderer as render
from tests.icface.commands.test_cli import KnowingTracker
from tests.icface.export.exporting import LOSSLESS, document, portrait_clip
from tests.tiny_networks import tiny_face_predictor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these names are Unix's")
LONG = "\u9854" * 82
"""246 bytes, which is 250 with an ending of four; a name has at most 255."""
STEMS = [
    "-o",
    "a=b",
    "B=take",
    "100%d %s",
    "x#1?",
    "take:1",
    "line\nbreak",
    "sp ace ",
    os.fsdecode(b"caf\xe9"),
    LONG,
]


@pytest.fixture(autouse=True)
def small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    real, predictor = render.Renderer, tiny_face_predictor()
    monkeypatch.setattr(render, "Renderer", lambda **_: real(predictor, KnowingTracker(1)))


def done(*words: object) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("stem", STEMS, ids=ascii)
def test_a_photo_of_any_name_is_described_and_rendered(
    tmp_path: Path, astronaut_path: Path, stem: str
) -> None:
    photo, out = tmp_path / f"{stem}.png", tmp_path / "out" / f"{stem}.png"
    out.parent.mkdir()
    shutil.copy(astronaut_path, photo)
    done("info", photo)
    assert done("render", photo, "--set", "yaw=5", "-o", out).count("\n") == 1
    assert load_photo(out).pixels.shape == (512, 512, 3)
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize("stem", STEMS, ids=ascii)
def test_a_clip_of_any_name_is_exported_to_one_of_that_name(
    tmp_path: Path, astronaut: NDArray[np.uint8], stem: str
) -> None:
    clip, out = tmp_path / f"{stem}.mkv", tmp_path / "out" / f"{stem}.mp4"
    out.parent.mkdir()
    portrait_clip(clip, astronaut, 2, replace(LOSSLESS, rate=10))
    save_project(tmp_path / "p.icface", edits.set_control(document(clip), "yaw", 5))
    assert load_project(tmp_path / "p.icface").clip == document(clip).clip
    assert done("export", tmp_path / "p.icface", "-o", out).count("\n") == 1
    assert probe(out).count == 2
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_a_name_that_begins_with_a_dash_comes_after_two(
    tmp_path: Path, astronaut_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(astronaut_path, tmp_path / "-photo.png")
    assert "-photo.png: 512 x 512" in done("info", "--", "-photo.png")
