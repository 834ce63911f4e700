"""Held-out people on a small rig: who is measured, closed mouths, the rig as its oracle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from icface.cli import main
from icface.evaluation import command, protocol
from icface.face.controls import EXPRESSIONS, ControlVector
from icface.face.geometry import Box, rotation_matrix
from icface.model.face.encode import SourceEncoding
from icface.model.face.paint import MouthView, mouth_view
from icface.model.face.pose import PosedFace
from icface.model.mouth.patch import Patch, PatchView
from icface.rendering.predictor import FacePredictor
from icface.training.held_out import HeldOutCanvases, HeldOutPeople, rig_reenactment
from icface.training.neutralizer.evaluate import observation
from icface.training.painter import mouth_error as module
from icface.training.painter.mouth_error import (
    ClosedMouth,
    closed_mouth,
    mouth_error,
    open_mouths,
    score,
)
from icface.training.portraits.table import PortraitTable, read_rgb
from icface.training.rig.rig import Rig, View
from tests.faces import StandInTracker, observation_in
from tests.icface.training.synthetic_rig import write_portraits, write_rig
from tests.tiny_networks import tiny_face_predictor

SMILE = EXPRESSIONS.index("mouthSmile_L")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten eggs: three for training, three held-out people, four frames of a held-out clip."""
    folder = tmp_path_factory.mktemp("held-out")
    write_rig(folder / "rig.npz")
    write_portraits(folder / "portraits", folder / "rig.npz", people=10)
    table = folder / "portraits" / "portraits.npz"
    with np.load(table) as stored:
        rows = dict(stored)
    (folder / "portraits" / "images" / "video" / "eggs").mkdir(parents=True)
    (folder / "clips").mkdir()
    images = [str(name) for name in rows["image"]]
    for row in range(6, 10):
        images[row] = f"video/eggs/{row - 6:03}.png"
        (folder / "portraits" / "images" / f"{row}.png").rename(
            folder / "portraits" / "images" / images[row]
        )
    rows["image"] = np.array(images)
    rows["person"] = np.array([0, 1, 2, 3, 4, 4, 9, 9, 9, 9])
    rows["split"] = np.array(["train"] * 3 + ["val"] * 7)
    rows["expression"][5, SMILE] = 0.9
    np.savez(table, **rows)
    return folder


@pytest.fixture(scope="module")
def rig(data: Path) -> Rig:
    return Rig(data / "rig.npz")


@pytest.fixture
def _small_mouths_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mouth of an egg is about 45 pixels at the size at which mouths are counted."""
    monkeypatch.setattr(module, "OPEN_LEAST", 20)


@pytest.fixture
def people(data: Path) -> HeldOutPeople:
    return HeldOutPeople(
        portraits=data / "portraits", clips=data / "clips", rig=data / "rig.npz", people=40
    )


def test_canvases_show_the_held_out_where_their_states_say(data: Path, rig: Rig) -> None:
    canvases = HeldOutCanvases(data / "portraits", side=200)
    assert len(canvases) == 7
    portrait = canvases[0]
    assert portrait.image.shape == (200, 200, 3)
    assert (
        np.abs(rig.vertices(portrait.state)[rig.mesh, :2] - portrait.landmarks[:468, :2]).max()
        < 0.05
    )
    inside = View(rig, portrait.state, 200).triangle >= 0
    assert portrait.image[inside].mean() > portrait.image[~inside].mean() + 30


def test_each_person_is_one_photo_and_only_the_held_out_are_taken(
    data: Path, people: HeldOutPeople
) -> None:
    assert [item.name for item in people.photos] == ["portraits/3.png", "portraits/4.png"]
    fewer = HeldOutPeople(
        portraits=data / "portraits", clips=data / "clips", rig=data / "rig.npz", people=1
    )
    assert len(fewer.photos) == 1


def test_clips_are_those_of_held_out_people_and_py_feats(data: Path, people: HeldOutPeople) -> None:
    for name in ("eggs.mp4", "strangers.mp4", "eggs.txt"):
        (data / "clips" / name).touch()
    names = [item.name for item in people.clips]
    assert names[0] == "clips/eggs.mp4"
    assert all(name.startswith("pyfeat/") for name in names[1:])


def test_all_that_is_measured_is_listed(people: HeldOutPeople) -> None:
    listed = people.listed
    assert [row["name"] for row in listed["fitted_frames"]] == [
        f"portraits/video/eggs/{i:03}.png" for i in range(4)
    ]
    assert [row["name"] for row in listed["tables"]] == ["portraits.npz", "rig"]
    assert all(len(row["sha256"]) == 64 for rows in listed.values() for row in rows)


def test_the_mouth_that_shows_most_stands_for_a_person(
    data: Path, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvases = HeldOutCanvases(data / "portraits", side=120)
    shown = dict(zip(range(7), (80, 70, 90, 10, 300, 59, 61), strict=True))
    pixels = iter(shown.values())
    monkeypatch.setattr(module, "_open_pixels", lambda *_: next(pixels))
    assert open_mouths(canvases, rig, 10) == [
        0,
        2,
        4,
    ]  # person 3; person 4 in its second picture; the clip's widest
    monkeypatch.setattr(module, "_open_pixels", lambda *_: 100)
    assert open_mouths(canvases, rig, 2) == [0, 3]
    monkeypatch.setattr(module, "_open_pixels", lambda *_: 59)
    assert open_mouths(canvases, rig, 2) == []


def test_a_closed_mouth_keeps_its_photo_and_is_read_exactly(data: Path, rig: Rig) -> None:
    portrait = HeldOutCanvases(data / "portraits", side=240)[2]
    mouth = closed_mouth(portrait, rig)
    assert (mouth.photo == portrait.image).all()
    assert mouth.target_controls["mouthSmile_L"] == pytest.approx(0.9)
    assert mouth.face.controls["mouthSmile_L"] == 0
    assert mouth.face.controls.angles_deg == pytest.approx(mouth.target_controls.angles_deg)
    assert mouth.inside.sum() > 50
    truth = observation(rig, replace(portrait.state, expression=np.zeros(53)))
    assert np.abs(mouth.face.landmarks[:468, :2] - truth.landmarks[:468, :2]).max() < 0.1
    changed = np.abs(mouth.closed.astype(int) - mouth.photo).max(2) > 0
    assert changed[mouth.inside].any()
    assert not changed[:40].any()  # hair and brows


def by_hand(photo_level: int, closed_level: int) -> ClosedMouth:
    photo = np.full((240, 240, 3), (120, 100, 80), np.uint8)
    inside = np.zeros((240, 240), bool)
    inside[150:160, 100:140] = True
    closed = photo.copy()
    photo[inside], closed[inside] = photo_level, closed_level
    face = observation_in(Box(60, 60, 180, 200))
    return ClosedMouth(
        photo,
        closed,
        face,
        ControlVector.of({"jawOpen": 0.8}),
        inside,
        (slice(140, 170), slice(90, 150)),
    )


class Idle(FacePredictor):
    """Changes nothing, whatever is asked."""

    def __init__(self, tiny: FacePredictor) -> None:
        self._tiny = tiny

    def encode(self, image, face):  # type: ignore[no-untyped-def]
        return self._tiny.encode(image, face)

    def predict(self, encoding, controls):  # type: ignore[no-untyped-def]
        return self._tiny.predict(encoding, encoding.controls)


def test_the_error_is_the_mean_difference_inside_the_mouth_and_in_its_box(
    tiny_predictor: FacePredictor,
) -> None:
    figures = score(Idle(tiny_predictor), [by_hand(202, 100), by_hand(100, 100)])
    for name in ("full", "moved", "closed"):
        assert figures[name]["inside"] == pytest.approx(0.4 / 2)
        assert figures[name]["box"] == pytest.approx(0.4 / 2 * (10 * 40) / (30 * 60))
    assert (figures["people"], figures["lost"]) == (2, 0)


def test_paint_is_what_full_and_moved_differ_by(
    tiny_predictor: FacePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everywhere(seen: PatchView, _lips: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.ones_like(seen.cavity)  # even on a flat picture

    def drawn(encoding: SourceEncoding, posed: PosedFace) -> MouthView | None:
        nothing, all_of_it = np.zeros((4, 4, 3), np.float32), np.ones((4, 4), np.float32)
        faint = Patch(encoding.crop_from_image, nothing, all_of_it)
        return mouth_view(encoding, replace(posed, mouth_share=1.0, interior=(faint,)))

    monkeypatch.setattr("icface.model.face.paint.paint_mask", everywhere)
    monkeypatch.setattr("icface.rendering.predictor.mouth_view", drawn)
    full, moved = (score(tiny_predictor, [by_hand(202, 100)])[name] for name in ("full", "moved"))
    assert full["inside"] != moved["inside"]


def test_without_an_open_mouth_there_is_no_figure(tiny_predictor: FacePredictor) -> None:
    assert score(tiny_predictor, []) == {
        name: {"inside": None, "box": None} for name in ("full", "moved", "closed")
    } | {"people": 0, "lost": 0}


@pytest.mark.usefixtures("_small_mouths_count")
def test_the_mouth_error_repeats_and_takes_any_portraits(
    data: Path, rig: Rig, tiny_predictor: FacePredictor
) -> None:
    canvases = HeldOutCanvases(data / "portraits", side=240)
    figures = mouth_error(tiny_predictor, canvases, rig, 2)
    assert figures["people"] == 2
    assert 0 < figures["closed"]["inside"] < 1
    assert figures == mouth_error(tiny_predictor, canvases, rig, 2)


def test_the_rig_brings_one_fit_over_the_other(data: Path, rig: Rig) -> None:
    row = PortraitTable(data / "portraits")[3]
    image = read_rgb(row.path)
    still = rig_reenactment(rig, image, row, row)
    assert np.abs(still.astype(int) - image).mean() < 1
    turned = replace(row, state=replace(row.state, rotation=rotation_matrix(15, 0, 0)))
    assert np.abs(rig_reenactment(rig, image, row, turned).astype(int) - image).mean() > 3


@pytest.mark.usefixtures("_small_mouths_count")
def test_fitted_frames_are_reenacted_in_four_ways(
    people: HeldOutPeople, tiny_predictor: FacePredictor
) -> None:
    measured = people.measure(tiny_predictor, StandInTracker(), frames=2)
    clip = measured["reenactment_fitted"]["clips"]["eggs"]
    assert clip["frames"] == 2
    methods = {"driven_by_readings", "driven_by_fit", "still", "rig"}
    assert methods <= set(clip)
    assert set(measured["reenactment_fitted"]["mean"]) == methods
    assert measured["mouth"]["people"] == 3


def test_a_folder_without_a_table_or_without_anyone_held_out_is_refused(
    data: Path, tmp_path: Path
) -> None:
    where = {"clips": tmp_path, "rig": data / "rig.npz", "people": 3}
    with pytest.raises(ValueError, match=r"no .*portraits\.npz; --portraits takes a folder"):
        HeldOutPeople(portraits=tmp_path, **where)
    with np.load(data / "portraits" / "portraits.npz") as stored:
        rows = dict(stored)
    np.savez(tmp_path / "portraits.npz", **(rows | {"split": np.full(10, "train")}))
    with pytest.raises(ValueError, match="nobody whose split is 'val'"):
        HeldOutPeople(portraits=tmp_path, **where)


@pytest.mark.usefixtures("_small_mouths_count")
def test_the_command_measures_the_held_out(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = StandInTracker()
    monkeypatch.setattr(tracker, "load", lambda: None, raising=False)
    monkeypatch.setattr(command, "BuiltinTracker", lambda *_, **__: tracker)
    monkeypatch.setattr(command.FacePredictor, "load", lambda *_: tiny_face_predictor())
    monkeypatch.setattr(protocol, "timings", lambda *_: {})
    monkeypatch.setattr("icface.training.held_out.installed", lambda: ([], [], []))
    (data / "clips" / "eggs.mp4").unlink(missing_ok=True)
    words = [
        "--portraits",
        data / "portraits",
        "--clips",
        data / "clips",
        "--rig",
        data / "rig.npz",
        "--frames",
        "2",
    ]
    result = CliRunner().invoke(main, ["evaluate", *map(str, words)])
    assert result.exit_code == 0, result.stderr
    assert "mouths closed by the rig and opened again, 3 people" in result.stdout
    assert "the rig itself" in result.stdout
