"""A process that edits and saves as fast as it can, and one that kills it and checks the files.

Run as ``python -m tests.app.files.killed_saves FOLDER ROUNDS SEED``: prints a report as JSON. One
process without threads forks every round, so that a round costs milliseconds. Time runs by a clock
of its own: an edit takes up to four seconds of it, so that half a minute is many edits long.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from app.files.autosave import Schedule
from app.files.recovery import LeftBehind, RecoveryFolder, left_behind
from icface.document import Project, edits
from icface.document.curves import Key, Track
from icface.face.controls import ControlVector
from icface.motion.motion import Motion
from icface.project_file import load_project, save_project
from tests.strategies import a_driver, a_motion, a_project


@cache
def a_motion_of(kind: int) -> Motion:
    """Twenty frames with landmarks, 115 kB."""
    motion = a_motion(
        [ControlVector.of({"yaw": float(kind + frame)}) for frame in range(20)], seed=kind
    )
    assert motion.landmarks is not None
    return replace(
        motion, landmarks=motion.landmarks + np.arange(20, dtype=np.float32)[:, None, None]
    )


@cache
def base(folder: Path) -> Project:
    project = a_project(ControlVector())
    assert project.source is not None
    return replace(project, source=replace(project.source, path=str(folder / "portrait.png")))


def state(folder: Path, number: int) -> Project:
    """The document after so many edits: its markers count them; sources come and go."""
    project = edits.set_marker(base(folder), 1, str(number))
    keys = [Key(frame=frame, value=float(frame % 7 + number)) for frame in range(0, 200, 2)]
    project = replace(
        project, edits=(replace(project.edits[0], tracks=(Track.of("AU12L", keys),)),)
    )
    if number % 5:
        driver = a_driver("A", a_motion_of(number // 5 % 6))
        project = edits.add_driver(
            project, replace(driver, medium=replace(driver.medium, path=str(folder / "A.mp4")))
        )
    return project


def number_of(folder: Path, project: Project) -> int:
    """Number of edits of a document; `AssertionError` if it differs from that state."""
    number = int(project.markers[0].text)
    assert project == state(folder, number), f"state {number} has changed"
    return number


# --------------------------------------------------------------------------------------------------


class Victim:
    """Does what a window does, without showing anything."""

    def __init__(self, folder: Path, out: int, dice: random.Random) -> None:
        self.folder, self.out, self.dice = folder, out, dice
        self.path = folder / "work.icface"
        self.now = 0.0
        self.schedule = Schedule(lambda: self.now)
        self.copies = RecoveryFolder(folder / "unsaved")

    def say(self, what: str, number: int) -> None:
        os.write(self.out, f"{what} {number} {self.now:.6f}\n".encode())

    def run(self, steps: int | None) -> None:
        """Edit until killed, or for so many steps, and then save and end in good order."""
        number = self.restore()
        self.say("start", number)
        for _ in itertools.count() if steps is None else range(steps):
            self.pass_time(
                self.dice.uniform(0.05, 4.0) if self.dice.random() < 0.95 else 40.0, number
            )
            number += 1
            self.say("edit", number)
            self.schedule.changed()
            if self.dice.random() < 0.2:
                self.save(number)
        self.save(number)
        self.copies.close()

    def restore(self) -> int:
        """Restore as after a crash: back up the newest state, then remove older backups."""
        found = left_behind(self.folder / "unsaved")
        numbers = [number_of(self.folder, load_project(one.document)) for one in found]
        saved = number_of(self.folder, load_project(self.path)) if self.path.exists() else 0
        number = max([saved, *numbers])
        if number > saved:
            self.copies.keep(state(self.folder, number), self.path)
        for one in found:
            one.remove()
        return number

    def pass_time(self, seconds: float, number: int) -> None:
        """Time goes by, and the timer does its duty."""
        until = self.now + seconds
        while (due := self.schedule.due_in_s) is not None and self.now + due <= until:
            self.now += due
            self.schedule.begun()
            self.say("begin", number)
            self.copies.keep(state(self.folder, number), self.path)
            self.say("kept", number)
        self.now = until

    def save(self, number: int) -> None:
        self.say("begin", number)
        save_project(self.path, state(self.folder, number))
        self.say("saved", number)
        self.schedule.begun()
        self.copies.clear()


# --------------------------------------------------------------------------------------------------


@dataclass
class Report:
    """What was found; ``faults`` should be empty.

    Attributes
    ----------
    in_writing : int
        Kills while a file was being written.
    most_lost_s : float
        Longest time between the first edit that was lost and the kill, by the victim's clock.
    most_unfinished : int
        Most unfinished files that lay about after a kill.
    """

    rounds: int = 0
    in_writing: int = 0
    edits: int = 0
    saves: int = 0
    copies: int = 0
    most_lost_s: float = 0.0
    most_unfinished: int = 0
    most_folders: int = 0
    faults: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def forked(work: Callable[[int], None]) -> tuple[int, int]:
    """Process id of a child that does some work, and what it says."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            work(writing)
        except BaseException:  # noqa: BLE001  (a child must not go on as its parent)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    return child, reading


def killed_after(child: int, reading: int, seconds: float) -> list[list[str]]:
    """Whole lines that a child printed until it was killed, seconds after the first."""
    said = b""
    deadline: float | None = None
    while True:
        patience = 30.0 if deadline is None else deadline - time.monotonic()
        ready = patience > 0 and select.select([reading], [], [], patience)[0]
        chunk = os.read(reading, 1 << 16) if ready else b""
        if not chunk:
            break
        deadline = time.monotonic() + seconds if deadline is None else deadline
        said += chunk
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while chunk := os.read(reading, 1 << 16):
        said += chunk
    os.close(reading)
    return [line.split() for line in said.decode().split("\n")[:-1]]


def judge(folder: Path, lines: list[list[str]], report: Report) -> None:
    """Check that all reported saves are whole, and that only recent edits were lost."""
    report.rounds += 1
    report.in_writing += bool(lines) and lines[-1][0] == "begin"
    edited = [(int(number), float(at)) for what, number, at in lines if what == "edit"]
    safe = max(
        (int(number) for what, number, _ in lines if what in ("start", "saved", "kept")), default=0
    )
    saved = max((int(number) for what, number, _ in lines if what == "saved"), default=0)
    report.edits += len(edited)
    report.saves += sum(what == "saved" for what, _, _ in lines)
    report.copies += sum(what == "kept" for what, _, _ in lines)
    path, found = folder / "work.icface", [0]
    if path.exists():
        found.append(number_of(folder, load_project(path)))
    assert found[-1] >= saved, f"the file holds state {found[-1]}, and {saved} was saved"
    copies: tuple[LeftBehind, ...] = left_behind(folder / "unsaved")
    for one in copies:
        found.append(number_of(folder, load_project(one.document)))
        one.release()
    best = max(found)
    assert best >= safe, f"state {best} was found, and {safe} was on the disk"
    lost = [at for number, at in edited if number > best]
    if lost:
        report.most_lost_s = max(report.most_lost_s, float(lines[-1][2]) - lost[0])
    everywhere = [p.name for p in folder.rglob("*")]
    report.most_unfinished = max(
        report.most_unfinished, sum(name.endswith(".unfinished") for name in everywhere)
    )
    report.most_folders = max(report.most_folders, sum(1 for _ in (folder / "unsaved").iterdir()))


def main(folder: Path, rounds: int, seed: int) -> Report:
    """Kill so often, then let one end in good order."""
    dice, report = random.Random(seed), Report()
    (folder / "unsaved").mkdir(parents=True)
    for kind in range(6):
        a_motion_of(kind)  # every child has them then
    for _ in range(rounds):
        if len(report.faults) > 3:
            break
        its_dice = random.Random(dice.random())
        child, reading = forked(lambda out, d=its_dice: Victim(folder, out, d).run(None))  # type: ignore[misc]
        lines = killed_after(child, reading, dice.uniform(0.0, 0.09))
        try:
            judge(folder, lines, report)
        except Exception as error:  # noqa: BLE001  (whatever a damaged file raises is what is looked for)
            report.faults.append(
                f"round {report.rounds}, after {lines[-3:]}: {type(error).__name__}: {error}"
            )
    child, reading = forked(lambda out: Victim(folder, out, dice).run(10))
    while os.read(reading, 1 << 16):
        pass
    os.close(reading)
    if os.waitpid(child, 0)[1]:
        report.faults.append("the last one, which was not killed, failed")
    for begun in (folder / "unsaved").iterdir():
        os.utime(begun, (0, 0))  # a minute and more has passed
    left_behind(folder / "unsaved")  # as the next window looks
    report.left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    return report


if __name__ == "__main__":
    found = main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(json.dumps(found.__dict__))
