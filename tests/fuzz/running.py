"""Workers that read the corpus side by side; a dead one is replaced, and its file is named."""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.corpus import Made, make

ROOT = Path(__file__).parents[2]
_MOST_SECONDS = 300
"""For one that waits for something and uses no processor time; far more than any machine needs for
a file."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one file."""

    number: int
    kind: str
    story: str
    outcome: str
    text: str


def run(seed: int, numbers: Iterable[int], *, workers: int = 2) -> list[Result]:
    """Make and read these files of a seed; results in their order."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in numbers:
        waiting.put(number)
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="icface-fuzz-") as folder:
        make(Path(folder), seed, 0)  # what all are made from is made once, before there are threads
        with ThreadPoolExecutor(workers) as pool:
            for done in [
                pool.submit(_work, Path(folder), seed, waiting, results) for _ in range(workers)
            ]:
                done.result()
    return sorted(results, key=lambda result: result.number)


def _work(folder: Path, seed: int, waiting: queue.SimpleQueue[int], results: list[Result]) -> None:
    worker = _started(folder)
    while True:
        try:
            number = waiting.get_nowait()
        except queue.Empty:
            break
        made = make(folder, seed, number)
        outcome, text = _asked(worker, made)
        results.append(Result(number, made.kind, made.story, outcome, text))
        made.path.unlink(missing_ok=True)
        if worker.poll() is not None:
            _end(worker)
            worker = _started(folder)
    _end(worker)


def _started(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.worker"],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def _end(worker: subprocess.Popen[str]) -> None:
    """Let a worker come to its end, and close what it was spoken to through."""
    worker.communicate()


def _asked(worker: subprocess.Popen[str], made: Made) -> tuple[str, str]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(json.dumps([str(made.path), made.kind]) + "\n")
    worker.stdin.flush()
    if not select.select([worker.stdout], [], [], _MOST_SECONDS)[0]:
        worker.kill()
        worker.wait()
        return "wrong", f"hang: no answer within {_MOST_SECONDS} s"
    answer = worker.stdout.readline()
    if not answer:
        code = worker.wait()
        return "wrong", f"the process ended with {code}" + (
            " (20 s of work)" if code == -27 else ""
        )
    outcome, text = json.loads(answer)
    return outcome, text
