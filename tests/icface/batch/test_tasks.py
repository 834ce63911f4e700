"""Many files with one document or one motion: made once, kept, not stopped by a failure."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from icface.batch import tasks as batch
from icface.batch.tasks import BatchTask, Outcome, do_task, in_processes, run_batch, tasks_for
from icface.cli import main
from icface.document import Face, Project, Source, edits
from icface.export import ExportError, ExportOptions
from icface.jobs import Progress, run_to_end
from icface.media import load_photo
from icface.media.clip import probe
from icface.project_file import save_project
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Renderer
from tests.faces import ASTRONAUT_BOX, StandInTracker, observation_in
from tests.icface.export.exporting import portrait_clip

STILL = ExportOptions(preset="still")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tiny_predictor: FacePredictor) -> None:
    """Tasks that are done in this process use small networks."""
    renderer = Renderer(tiny_predictor, StandInTracker(observation_in(ASTRONAUT_BOX)))
    monkeypatch.setattr(batch, "_renderer", lambda _device: renderer)
    batch._pattern.cache_clear()


@pytest.fixture
def pattern(tmp_path: Path, astronaut_path: Path) -> Path:
    """A saved document that turns a head."""
    digest = load_photo(astronaut_path).digest
    face = Face.from_observation(observation_in(ASTRONAUT_BOX))
    project = edits.open_source(Project(), Source(str(astronaut_path), digest, 512, 512), [face])
    save_project(tmp_path / "turn.icface", edits.set_control(project, "yaw", 15))
    return tmp_path / "turn.icface"


@pytest.fixture
def photos(tmp_path: Path, astronaut_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.png" for name in ("a", "b", "c")]
    for path in paths:
        shutil.copy(astronaut_path, path)
    return paths


def one_by_one(tasks: Sequence[BatchTask]) -> Iterator[Outcome]:
    yield from map(do_task, tasks)


def run(
    sources: Sequence[Path], pattern: Path, folder: Path, options: ExportOptions = STILL
) -> list[str]:
    tasks = tasks_for(sources, pattern, folder, options)
    return [outcome.state for outcome in run_to_end(run_batch(tasks, folder, one_by_one))]


def test_every_photo_gets_the_edits_of_the_document(
    here: None, photos: list[Path], pattern: Path, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    assert run(photos, pattern, tmp_path / "out") == ["made"] * 3
    for name in "abc":
        made = load_photo(tmp_path / "out" / f"{name}.png").pixels
        assert np.abs(made.astype(int) - astronaut).mean() > 0.5


def test_outputs_are_kept_until_their_file_pattern_or_settings_change(
    here: None, photos: list[Path], pattern: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    run(photos, pattern, folder)
    assert run(photos, pattern, folder) == ["kept"] * 3
    (folder / "b.png").unlink()
    photos[2].write_bytes(photos[2].read_bytes() + b" ")
    assert run(photos, pattern, folder) == ["kept", "made", "made"]
    assert run(photos, pattern, folder, replace(STILL, labelled=False)) == ["made"] * 3
    project = tmp_path / "turn.icface"
    shutil.copy(project, tmp_path / "same.icface")
    assert (
        run(photos, tmp_path / "same.icface", folder, replace(STILL, labelled=False))
        == ["kept"] * 3
    )


def test_one_failure_does_not_stop_the_others(
    here: None, photos: list[Path], pattern: Path, tmp_path: Path
) -> None:
    photos[1].write_bytes(b"no photo")
    tasks = tasks_for([*photos, tmp_path / "gone.png"], pattern, tmp_path / "out", STILL)
    outcomes = run_to_end(run_batch(tasks, tmp_path / "out", one_by_one))
    assert [outcome.state for outcome in outcomes] == ["made", "failed", "made", "failed"]
    assert "b.png" in outcomes[1].text
    assert "gone.png" in outcomes[3].text
    assert set(json.loads((tmp_path / "out" / batch.RECORD).read_text())) == {"a.png", "c.png"}


@pytest.mark.parametrize(
    "case",
    [
        (
            RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
            "RuntimeError: mat1 and mat2",
            True,
        ),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            "not enough memory for b.png",
            False,
        ),
        (MemoryError(), "Use fewer --jobs", False),
        (av.error.EncoderNotFoundError(1, "no such encoder"), "no such encoder", True),
        (KeyError("yaw"), "A fault of the program came up with b.png", True),
    ],
)
@pytest.mark.usefixtures("here")
def test_whatever_a_network_or_a_codec_raises_fails_one_task_alone(
    photos: list[Path],
    pattern: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    case: tuple[Exception, str, bool],
) -> None:
    error, told, faulty = case
    open_as_ever = batch.opened_document

    def opened(renderer: Renderer, path: Path) -> Generator[Progress, None, Project]:
        if path.stem == "b":
            raise error
        return open_as_ever(renderer, path)

    monkeypatch.setattr(batch, "opened_document", opened)
    tasks = tasks_for(photos, pattern, tmp_path / "out", STILL)
    with caplog.at_level(logging.ERROR):
        outcomes = run_to_end(run_batch(tasks, tmp_path / "out", one_by_one))
    assert [outcome.state for outcome in outcomes] == ["made", "failed", "made"]
    assert told in outcomes[1].text
    assert ["raise error" in record.getMessage() for record in caplog.records] == (
        [True] if faulty else []
    )


def test_a_table_drives_every_photo(
    here: None, photos: list[Path], feat_data: Path, tmp_path: Path
) -> None:
    table = feat_data / "OpenFace_Test.csv"
    options = ExportOptions(preset="gif", height=64, last=2)
    assert run(photos[:2], table, tmp_path / "out", options) == ["made", "made"]
    assert probe(tmp_path / "out" / "a.gif").count == 3


def test_clips_get_the_edits_in_every_frame(
    here: None, pattern: Path, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    clip = portrait_clip(tmp_path / "clip.mkv", astronaut, 3)
    assert run([clip], pattern, tmp_path / "out", ExportOptions(preset="mp4")) == ["made"]
    assert probe(tmp_path / "out" / "clip.mp4").count == 3


def test_outputs_that_would_be_one_file_are_refused(
    photos: list[Path], pattern: Path, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="would both become"):
        tasks_for([photos[0], photos[0]], pattern, tmp_path / "out", STILL)
    with pytest.raises(ExportError, match="would be overwritten"):
        tasks_for(photos, pattern, photos[0].parent, STILL)
    with pytest.raises(ExportError, match="no preset 'film'"):
        tasks_for(photos, pattern, tmp_path / "out", ExportOptions(preset="film"))


def die(_task: BatchTask) -> Outcome:
    os._exit(9)


def test_a_process_that_dies_takes_its_own_task_along_and_no_other(
    photos: list[Path], pattern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "do_task", die)
    tasks = tasks_for(photos[:2], pattern, tmp_path / "out", STILL)
    outcomes = list(in_processes(1)(tasks))
    assert [outcome.state for outcome in outcomes] == ["failed", "failed"]
    assert outcomes[0].text.startswith(
        "Its process ended before it was done (code 9): a file may be damaged"
    )
    assert "memory" not in outcomes[0].text


def die_of_b(task: BatchTask) -> Outcome:
    if task.source.stem == "b":
        os._exit(9)
    return Outcome(task=task, state="made")


@pytest.mark.parametrize("jobs", [2, 3])
def test_what_worked_beside_a_process_that_died_is_done_all_the_same(
    photos: list[Path], pattern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    monkeypatch.setattr(batch, "do_task", die_of_b)
    tasks = tasks_for(photos, pattern, tmp_path / "out", STILL)
    states = {outcome.task.source.stem: outcome.state for outcome in in_processes(jobs)(tasks)}
    assert states == {"a": "made", "b": "failed", "c": "made"}


def test_the_command_makes_files_in_two_processes_and_tells_what_failed(
    photos: list[Path], pattern: Path, tmp_path: Path
) -> None:
    photos[2].write_bytes(b"no photo")
    arguments = [
        "batch",
        *photos,
        "--with",
        pattern,
        "-o",
        tmp_path / "out",
        "--preset",
        "still",
        "--jobs",
        2,
    ]
    done = CliRunner().invoke(main, list(map(str, arguments)), prog_name="icface")
    assert "2 made, 0 kept, 1 failed" in done.stdout, done.stderr
    assert done.exit_code == 3
    assert "c.png" in done.stderr
    assert load_photo(tmp_path / "out" / "a.png").pixels.shape == (512, 512, 3)
