"""Killed at any moment, an export leaves the old file or the new one, and stills that are whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = 100


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_exports_killed_a_hundred_times_leave_no_damaged_file(
    tmp_path: Path,
) -> None:
    root = Path(__file__).resolve().parents[3]
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.icface.export.killed_exports",
        str(tmp_path),
        str(ROUNDS),
    ]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{ROUNDS} exports killed")
