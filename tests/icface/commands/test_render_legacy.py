"""``icface render --legacy``: generated checkpoints of the published size, run on a photo."""

from __future__ import annotations

import json
import math
import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from torch import Tensor

from icface.cli import main
from icface.face.geometry import Box
from icface.face.observation import FaceObservation
from icface.model.networks.legacy import ANIMATOR_FILE, NEUTRALIZER_FILE, UNITS
from icface.rendering import renderer
from tests.faces import StandInTracker, observation_in
from tests.icface.model.networks.legacy_release import (
    container,
    prefixed,
    published_forward,
    published_layout,
    saved,
)
from tests.tiny_networks import tiny_face_predictor

FACE = Box(183.5, 64.5, 263.5, 164.5)
"""A face 80 pixels wide, so that its crop of 1.6 widths is 128 pixels and not resampled."""
CROP = np.s_[51:179, 160:288]
"""Rows and columns of that crop in the photo."""
NEUTRAL = [0.5, 0.5, 0.5] + [0.0] * 17


def quiet_state(seed: int) -> OrderedDict[str, Tensor]:
    """A generator of the published size whose pictures are neither black nor white throughout."""
    random = torch.Generator().manual_seed(seed)
    state: OrderedDict[str, Tensor] = OrderedDict()
    for name, shape in published_layout().items():
        if len(shape) == 4:
            tensor = torch.randn(shape, generator=random) / math.sqrt(math.prod(shape[1:]))
        else:
            tensor = torch.ones(shape) if name.endswith(("weight", "var")) else torch.zeros(shape)
        state[name] = tensor.half().float()
    state["model.23.weight"] *= 4  # for pictures of good contrast; exact in half precision
    return state


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the authors publish it, in half precision to be small."""
    folder = tmp_path_factory.mktemp("release")
    for seed, name in enumerate((NEUTRALIZER_FILE, ANIMATOR_FILE)):
        state = OrderedDict((key, t.half()) for key, t in prefixed(quiet_state(seed)).items())
        saved(folder / name, container(state))
    return folder


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> StandInTracker:
    """The renderer with small random networks and a tracker that finds `FACE`."""
    found = observation_in(FACE)
    landmarks = found.landmarks.copy()
    x, y = FACE.centre
    edges = [(FACE.left, y), (FACE.right, y), (x, FACE.top), (x, FACE.bottom)]
    landmarks[[0, 1, 2, 3], :2] = edges
    face = FaceObservation(FACE, landmarks, found.controls, found.confidence)
    tracker, real = StandInTracker(face), renderer.Renderer
    predictor = tiny_face_predictor()
    monkeypatch.setattr(renderer, "Renderer", lambda **_: real(predictor, tracker))
    return tracker


def run(*words: object) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def refused(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    return line


def drawn_by_the_paper(pixels: np.ndarray, drivers: list[float]) -> np.ndarray:
    """The published two stages on a crop, computed without the command's code."""
    picture = torch.from_numpy(pixels / 127.5 - 1).float().permute(2, 0, 1)[None]
    with torch.inference_mode():
        for seed, row in enumerate((NEUTRAL, drivers)):
            planes = torch.tensor(row)[None, :, None, None].expand(1, 20, 128, 128)
            picture = published_forward(quiet_state(seed), torch.cat([picture, planes], 1))
    drawn: np.ndarray = (picture[0].permute(1, 2, 0).numpy() + 1) * 127.5
    return drawn


@pytest.mark.parametrize("named", ["file", "folder"])
def test_the_picture_is_what_the_papers_two_networks_draw_of_the_crop(
    tracker: StandInTracker, release: Path, astronaut_path: Path, tmp_path: Path, named: str
) -> None:
    output = tmp_path / "out.png"
    legacy = release / ANIMATOR_FILE if named == "file" else release
    words = ("--legacy", legacy, "--set", "yaw=20", "--set", "AU12=0.8", "--set", "AU4=0.25")
    result = run("render", astronaut_path, "-o", output, *words, "--json")
    assert result.exit_code == 0, result.stderr
    drivers = json.loads(result.stdout)["outputs"][0]["legacy_drivers"]
    assert drivers["pose_Ry"] == pytest.approx((0.7 - math.radians(20)) / 1.4, abs=1e-3)
    assert drivers["AU12"] == pytest.approx(0.8, abs=0.02)
    assert drivers["AU04"] == pytest.approx(0.25, abs=0.02)
    assert list(drivers)[3:] == [f"AU{number:02d}" for number in UNITS]
    picture = np.array(Image.open(output))
    assert picture.shape == (128, 128, 3)
    crop = np.array(Image.open(astronaut_path).convert("RGB"))[CROP]
    expected = drawn_by_the_paper(crop, list(drivers.values()))
    assert np.ptp(expected) > 50
    assert np.abs(picture - expected).max() < 3


def test_many_edits_are_drawn_from_one_crop_each_in_its_own_file(
    tracker: StandInTracker, release: Path, astronaut_path: Path, tmp_path: Path
) -> None:
    edits = tmp_path / "edits.json"
    edits.write_text('{"rest": {}, "smile": {"AU12": 1}}')
    words = ("-o", tmp_path / "out", "--edits", edits, "--legacy", release)
    assert run("render", astronaut_path, *words).exit_code == 0
    rest, smile = (np.array(Image.open(tmp_path / "out" / f"{n}.png")) for n in ("rest", "smile"))
    assert rest.shape == smile.shape == (128, 128, 3)
    assert (rest != smile).any()


def test_a_legacy_picture_is_labelled_as_generated_as_a_whole(
    tracker: StandInTracker, release: Path, astronaut_path: Path, tmp_path: Path
) -> None:
    labelled, plain = tmp_path / "labelled.png", tmp_path / "plain.png"
    run("render", astronaut_path, "-o", labelled, "--legacy", release)
    run("render", astronaut_path, "-o", plain, "--legacy", release, "--no-label")
    assert b"digitalsourcetype/trainedAlgorithmicMedia" in labelled.read_bytes()
    assert b"lgorithmicMedia" not in plain.read_bytes()


def test_the_plan_of_a_legacy_picture_gives_its_size_and_writes_nothing(
    tracker: StandInTracker, release: Path, astronaut_path: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.png"
    result = run("render", astronaut_path, "-o", output, "--legacy", release, "--plan")
    assert f"{output}: 128 x 128 pixels, PNG." in result.stdout
    assert not output.exists()


def test_a_legacy_picture_needs_a_face(
    tracker: StandInTracker, release: Path, astronaut_path: Path, tmp_path: Path
) -> None:
    tracker.faces = ()
    output = tmp_path / "out.png"
    assert "No face" in refused("render", astronaut_path, "-o", output, "--legacy", release)
    assert not output.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("latest_net_G.pth", None, "There is no file"),
        ("face.png", b"picture", "does not have the name of an ICface checkpoint"),
        ("latest_net_G.pth", b"<html>Quota exceeded</html>", "is damaged, incomplete"),
    ],
    ids=["missing", "another name", "a web page"],
)
def test_a_wrong_checkpoint_is_named_and_nothing_is_written(
    tracker: StandInTracker,
    astronaut_path: Path,
    tmp_path: Path,
    name: str,
    content: bytes | None,
    message: str,
) -> None:
    output, legacy = tmp_path / "out.png", tmp_path / name
    if content is not None:
        legacy.write_bytes(content)
        saved(tmp_path / NEUTRALIZER_FILE, prefixed(quiet_state(0)))
    error = refused("render", astronaut_path, "-o", output, "--legacy", legacy)
    assert message in error
    assert str(legacy) in error
    assert not output.exists()


def test_a_checkpoint_without_its_neutralizer_names_the_missing_file(
    tracker: StandInTracker, astronaut_path: Path, tmp_path: Path
) -> None:
    legacy = saved(tmp_path / ANIMATOR_FILE, {"model.1.weight": torch.zeros(3)})
    error = refused("render", astronaut_path, "-o", tmp_path / "out.png", "--legacy", legacy)
    assert f"{tmp_path / NEUTRALIZER_FILE} is missing" in error


def test_help_says_whose_the_weights_are_and_how_they_may_be_used() -> None:
    text = re.sub(r"\s+", " ", run("render", "--help").stdout)
    assert "not part of ICface Studio" in text
    assert "non-commercial" in text
    assert "128 x 128" in text
