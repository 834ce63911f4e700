"""Many processes that write at the same moment. Run in a process of its own, which forks.

``python -m tests.icface.system.rivals exports TARGET COUNT`` has so many export another clip to one
name; ``python -m tests.icface.system.rivals saves FOLDER COUNT`` has so many save files of their
own and one in common into a folder; ``python -m tests.icface.system.rivals killed TARGET`` ends in
the middle of an export. The first two print JSON.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from icface.media.begin_writer import MovingWriter, begin
from icface.media.frame_format import Pictures
from icface.media.presets import PRESETS, EncodeError
from icface.system.atomic_write import remove_unfinished, write_whole

SIDE, FRAMES = 64, 12
ROUNDS = 40
PATIENCE_S = 30


def grey_of(number: int) -> int:
    """What tells the clip of one process from those of the others."""
    return 20 + 10 * number


def writer_to(target: Path) -> MovingWriter:
    name = "png" if target.suffix == ".png" else "lossless"
    return begin(
        target,
        PRESETS[name],
        Pictures(width=SIDE, height=SIDE, rate=Fraction(25), tick=Fraction(1, 25)),
        key="k",
    )


def export(target: Path, grey: int, tried: tuple[int, int], count: int) -> str:
    """ "done", or why not. Who may write goes on when all have tried."""
    try:
        with writer_to(target) as writer:
            os.write(tried[1], b".")
            for _ in range(count):
                if not select.select([tried[0]], [], [], PATIENCE_S)[0]:
                    break
                os.read(tried[0], 1)
            for number in range(FRAMES):
                writer.write(np.full((SIDE, SIDE, 3), grey, np.uint8), Fraction(number, 25))
            writer.finish()
    except EncodeError as error:
        os.write(tried[1], b".")
        return str(error)
    return "done"


def save(folder: Path, number: int) -> str:
    """ "done", or the first failure."""
    try:
        for turn in range(ROUNDS):
            mine = folder / f"{number}-{turn}"
            write_whole(mine, lambda stream: stream.write(b"mine" * 100))
            write_whole(folder / "common", lambda stream: stream.write(bytes([number]) * 10_000))
            remove_unfinished(folder)
            if (
                mine.read_bytes() != b"mine" * 100
                or len(set((folder / "common").read_bytes())) != 1
            ):
                return "damaged"
    except OSError as error:
        return str(error)
    return "done"


def together(count: int, work: Callable[[int], str]) -> list[str]:
    """What so many processes say that begin at the same moment."""
    gate, opened = os.pipe()
    children = []
    for number in range(count):
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.close(opened)
            os.read(gate, 1)  # until all are there
            os.write(writing, work(number).encode())
            os._exit(0)
        os.close(writing)
        children.append(reading)
    os.close(gate)
    os.close(opened)
    said = []
    for reading in children:
        with os.fdopen(reading) as stream:
            said.append(stream.read())
        os.wait()
    return said


def main(kind: str, target: Path, count: int) -> None:
    if kind == "killed":
        with writer_to(target) as writer:
            for number in range(FRAMES):
                writer.write(np.full((SIDE, SIDE, 3), 99, np.uint8), Fraction(number, 25))
            os.kill(os.getpid(), signal.SIGKILL)
    tried = os.pipe()
    work = (
        (lambda n: export(target, grey_of(n), tried, count))
        if kind == "exports"
        else (lambda n: save(target, n))
    )
    sys.stdout.write(json.dumps(together(count, work)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
