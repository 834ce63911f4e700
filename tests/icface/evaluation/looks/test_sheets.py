"""Contact sheets and the judges' document, by the command, with small networks."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from icface.arrays import U8
from icface.cli import main
from icface.evaluation import command
from icface.evaluation.looks.edits import EDITS, EYES, MOUTHS, OPENS_MOUTH, SHUTS_EYES, SMILE
from icface.evaluation.looks.judging import summary
from icface.evaluation.looks.sheets import SIDE_PX, sheet
from icface.evaluation.looks.subjects import LONGEST_PX, reduced
from tests.faces import ASTRONAUT_BOX, StandInTracker, observation_in
from tests.tiny_networks import tiny_face_predictor


@pytest.fixture
def photos(astronaut: U8, tmp_path: Path) -> Path:
    """A folder with two photos and a text."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("b.png", "a.png"):
        cv2.imwrite(str(folder / name), astronaut[:, :, ::-1])
    (folder / "notes.txt").write_text("no photo")
    return folder


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> StandInTracker:
    """The command with small networks and a tracker that knows the face."""
    tracker = StandInTracker(observation_in(ASTRONAUT_BOX))
    monkeypatch.setattr(command.FacePredictor, "load", lambda *_: tiny_face_predictor())
    monkeypatch.setattr(tracker, "load", lambda: None, raising=False)
    monkeypatch.setattr(command, "BuiltinTracker", lambda *_, **__: tracker)
    return tracker


def run(*words: object) -> Result:
    result = CliRunner().invoke(main, ["evaluate", *(str(word) for word in words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_every_edit_of_every_photo_is_on_a_sheet_and_in_the_document(
    photos: Path, networks: StandInTracker, tmp_path: Path
) -> None:
    out, written = tmp_path / "sheets", tmp_path / "out.json"
    result = run("--sheets", out, "--photos", photos, "-o", written)
    assert result.exit_code == 0, result.output
    document = json.loads(written.read_text())
    assert [row["name"] for row in document["data"]["photos"]] == ["a.png", "b.png"]
    assert list(document["edits"]) == list(document["people"]["a.png"]) == list(EDITS)
    assert document["edits"]["rest"]["rest"] == {"people": 2, "equal": 1.0}
    assert sorted(path.name for path in out.iterdir()) == sorted(document["sheets"])
    first = cv2.imread(str(out / "faces-people1-edits1.png"))
    assert first.shape[1] == 9 * SIDE_PX
    assert 2 * SIDE_PX < first.shape[0] < 2.5 * SIDE_PX
    for edit in EDITS:
        assert f"\n{edit} " in result.output


def test_the_same_photos_give_the_same_figures(
    photos: Path, networks: StandInTracker, tmp_path: Path
) -> None:
    documents = []
    for _ in range(2):
        result = run("--sheets", tmp_path / "sheets", "--photos", photos, "--people", 1, "--json")
        documents.append(json.loads(result.stdout))
    assert documents[0].pop("time") != {}
    documents[1].pop("time")
    assert documents[0] == documents[1]


def test_a_photo_without_a_face_is_noted(
    photos: Path, networks: StandInTracker, tmp_path: Path
) -> None:
    networks.faces = ()
    result = run("--sheets", tmp_path / "sheets", "--photos", photos)
    assert result.exit_code == 2
    assert "No face was found in any photo" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--photos", "PHOTOS"], "--photos goes with --sheets"),
        (["--sheets", "PHOTOS/none/at/all"], "There is no folder"),
        (["--sheets", "PHOTOS", "--photos", "EMPTY"], "holds no photos"),
        (["--sheets", "PHOTOS", "--portraits", "EMPTY"], "There is no"),
    ],
)
def test_wrong_use_says_what_is_wrong(
    words: list[str], said: str, photos: Path, networks: StandInTracker, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    names = {"PHOTOS": str(photos), "EMPTY": str(tmp_path / "empty")}
    for name, path in names.items():
        words = [word.replace(name, path) for word in words]
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.output


def test_the_lists_of_edits_name_edits() -> None:
    for names in (EYES, MOUTHS, OPENS_MOUTH, SHUTS_EYES, (SMILE,)):
        assert set(names) <= set(EDITS)
    assert len(EDITS) == 27


def test_a_sheet_has_its_people_in_rows_and_its_edits_in_columns() -> None:
    tiles = {(p, e): np.full((20, 30, 3), 10 * p + e, np.uint8) for p in range(2) for e in range(3)}
    rows = [{str(e): tiles[p, e] for e in range(3)} for p in range(2)]
    made = sheet(["0", "2"], rows)
    assert (
        made[-40:].tolist()
        == np.vstack([np.hstack([tiles[p, 0], tiles[p, 2]]) for p in range(2)]).tolist()
    )


def test_large_photos_are_reduced_and_small_ones_are_not() -> None:
    assert reduced(np.zeros((500, 2 * LONGEST_PX, 3), np.uint8)).shape == (250, LONGEST_PX, 3)
    small = np.zeros((50, 60, 3), np.uint8)
    assert reduced(small) is small


def test_a_summary_counts_people_with_many_steps_and_takes_medians() -> None:
    people = [
        {
            edit: {"flow": {"steps_px": steps}, "lids": {"line": line} if line else {}}
            for edit in EDITS
        }
        for steps, line in ((0.0, 0.3), (11.0, 0.5), (99.0, None))
    ]
    row = summary(people)["AU43"]
    assert row["flow"] == {"people": 3, "steps_px": 11.0, "many": 2}
    assert row["lids"] == {"people": 2, "line": 0.4}
