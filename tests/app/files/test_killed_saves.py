"""A killed program leaves a whole project file and loses at most half a minute of edits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = 200


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="processes are forked, so that 200 of them take seconds"
)
def test_a_kill_damages_no_project_and_loses_at_most_30_seconds() -> None:
    memory = Path("/dev/shm")  # a disk in memory if there is one: more kills hit the program itself
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        arguments = [
            sys.executable,
            "-m",
            "tests.app.files.killed_saves",
            str(Path(folder) / "work"),
            str(ROUNDS),
            "5",
        ]
        done = subprocess.run(
            arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["faults"] == [], done.stderr
    assert report["rounds"] == ROUNDS
    assert report["in_writing"] >= ROUNDS // 4, report
    assert report["saves"] >= ROUNDS // 2, report
    assert report["copies"] >= ROUNDS // 2, report
    assert 0 < report["most_lost_s"] <= 30, report
    assert report["most_unfinished"] <= 3, (
        report
    )  # in the project's folder, in the copy's, and among its arrays
    assert report["most_folders"] <= 3, report
    assert report["left"] == ["unsaved", "work.icface"]
