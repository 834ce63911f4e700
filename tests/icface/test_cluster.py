"""A batch on a local Ray cluster of two workers."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from icface import edits
from icface.batch import run_batch, tasks_for
from icface.cluster import ClusterError, on_ray
from icface.engine import run_to_end
from icface.export import ExportOptions
from icface.media import load_photo
from icface.project import Face, Project, Source
from icface.project_file import save_project
from tests.faces import ASTRONAUT_BOX, observation_in


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own, of sockets and of what it will do some day
def test_two_workers_make_what_a_process_would(astronaut_path: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    face = Face.from_observation(observation_in(ASTRONAUT_BOX))
    source = Source(str(astronaut_path), load_photo(astronaut_path).digest, 512, 512)
    save_project(tmp_path / "p.icface", edits.set_control(edits.open_source(Project(), source, [face]), "yaw", 15))
    photos = [tmp_path / f"{name}.png" for name in "abc"]
    for photo in photos:
        shutil.copy(astronaut_path, photo)
    photos[1].write_bytes(b"no photo")
    tasks = tasks_for(photos, tmp_path / "p.icface", tmp_path / "out", ExportOptions(preset="still"), device="cpu")
    outcomes = run_to_end(run_batch(tasks, tmp_path / "out", on_ray(workers=2)))
    assert [outcome.state for outcome in outcomes] == ["made", "failed", "made"], outcomes
    assert load_photo(tmp_path / "out" / "c.png").pixels.shape == (512, 512, 3)
    again = run_to_end(run_batch(tasks[::2], tmp_path / "out", on_ray(workers=2)))
    assert [outcome.state for outcome in again] == ["kept", "kept"]


def test_without_ray_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterError, match=r"icface-studio\[cluster\]"):
        on_ray()
