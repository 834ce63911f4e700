"""Exports killed at random moments, and what they leave on the disk.

Run as a process of its own, which forks.

``python -m tests.icface.export.killed_exports FOLDER ROUNDS``: half of the rounds write a clip,
half a sequence of stills.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from icface.document import Project, edits
from icface.export import ExportPlan, export, plan_export
from icface.jobs import run_to_end
from icface.media import load_photo, sample_photo_path
from icface.media.clip_reader import ClipReader
from icface.rendering.renderer import Renderer
from icface.system.atomic_write import is_unfinished
from tests.icface.export.exporting import document, portrait_clip
from tests.tiny_networks import tiny_face_predictor

COUNT = 6


def killed(plan: ExportPlan, renderer: Renderer, seconds: float) -> bool:
    """Export in a child that is killed after so many seconds; whether it was done before that."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            run_to_end(export(plan, renderer))
            os.write(writing, b".")
        finally:
            os._exit(0)
    os.close(writing)
    ended = bool(select.select([reading], [], [], seconds)[0])
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    return ended


def check_clip(target: Path, old: bytes) -> None:
    """A file of that name is the old one or a whole one."""
    if target.read_bytes() == old:
        return
    with ClipReader(target) as reader:
        assert len(reader) == COUNT
        assert not any(frame.damaged for frame in reader.frames())
    others = [path.name for path in target.parent.iterdir() if path != target]
    assert len(others) <= 1, others  # each export removes what the one before left
    assert all(map(is_unfinished, others)), others


def check_stills(target: Path) -> int:
    """Every still is whole; how many there are."""
    stills = sorted(target.parent.glob(f"{target.stem}_*.png"))
    assert all(load_photo(path).pixels.shape == (320, 320, 3) for path in stills)
    return len(stills)


def main(folder: Path, rounds: int) -> None:
    """Kill, and look."""
    dice = random.Random(5)
    with Image.open(sample_photo_path()) as opened:
        astronaut = np.array(opened.convert("RGB"))
    project: Project = edits.set_control(
        document(portrait_clip(folder / "clip.mkv", astronaut, COUNT)), "yaw", 15
    )
    renderer = Renderer(tiny_face_predictor())
    (folder / "clips").mkdir()
    clip = plan_export(project, folder / "clips" / "out.mp4")
    stills = plan_export(project, folder / "stills" / "take.png")
    old, most, done = b"old", 0, 0
    clip.path.write_bytes(old)
    for number in range(rounds):
        plan = stills if number % 2 else clip
        ended = killed(plan, renderer, dice.uniform(0.0, 0.4))
        done += ended
        if plan is clip:
            check_clip(clip.path, old)
            clip.path.write_bytes(old)
        else:
            there = check_stills(stills.path)
            assert there >= most or there == COUNT, "stills that were complete are gone"
            most = there
            if most == COUNT:
                for path in stills.path.parent.iterdir():
                    path.unlink()
                most = 0
    run_to_end(export(clip, renderer))
    assert [path.name for path in clip.path.parent.iterdir()] == ["out.mp4"]
    last = run_to_end(export(stills, renderer))
    assert last.frames == COUNT
    assert last.reused == most
    print(f"{rounds} exports killed, {done} of them at their end")  # noqa: T201  (read by the test)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
