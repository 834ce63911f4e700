"""Leftovers of killed processes, removed at the next start of any command or of the window.

Unfinished files go as soon as no process holds them. A sequence of stills that was interrupted
stays resumable: its notes go when it has no still to go on with, or after `KEPT_DAYS`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from icface.system.atomic_write import is_unfinished, remove_left_over
from icface.system.register import left_entries

KEPT_DAYS = 30
"""Days for which an interrupted sequence can be taken up again, and a file on a disk that is away
is remembered."""
_MOST_NOTES_BYTES = 64 << 20
_DAY_S = 86_400
_NOTES = re.compile(r"\..*\.sequence\.json", re.DOTALL)
_LONGEST_NAME = 255
"""Bytes that every usual disk takes for the name of a file."""


def clear_left_overs() -> None:
    """Remove what the register names and nobody holds."""
    for about, changed_s, drop in left_entries():
        is_old = time.time() - changed_s > KEPT_DAYS * _DAY_S
        with suppress(OSError):
            if _is_settled(about, is_old=is_old):
                drop()


def _is_settled(about: dict[str, Any], *, is_old: bool) -> bool:
    """Do what is to be done for an entry; whether it need not be remembered any more."""
    unfinished, sequence = about.get("unfinished"), about.get("sequence")
    if isinstance(unfinished, str) and is_unfinished(Path(unfinished).name):
        path = Path(unfinished)
        return remove_left_over(path) if path.parent.is_dir() else is_old
    if isinstance(sequence, str) and _NOTES.fullmatch(Path(sequence).name):
        notes = Path(sequence)
        if not notes.parent.is_dir():
            return is_old
        if is_old or not is_resumable(notes):
            notes.unlink(missing_ok=True)
        return not notes.exists()
    return True


def notes_of(path: Path) -> Path:
    """The file that lies beside a sequence of stills, ``take.png``, until it is complete."""
    name = f".{path.stem}.sequence.json"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = (
            f".{hashlib.blake2b(os.fsencode(path.stem), digest_size=16).hexdigest()}.sequence.json"
        )
    return path.with_name(name)


def mark_of(path: Path) -> list[int] | None:
    """Inode and change time, which identify a file even if another takes its name; None without."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_ino, status.st_mtime_ns]


def standing(folder: Path, stem: str, suffix: str) -> dict[str, list[int]]:
    """Name to mark of the stills of a sequence that are in a folder."""
    name = re.compile(rf"{re.escape(stem)}_\d{{6,}}{re.escape(suffix)}")
    marks = {path.name: mark_of(path) for path in folder.iterdir() if name.fullmatch(path.name)}
    return {name: mark for name, mark in marks.items() if mark is not None}


def is_resumable(notes: Path) -> bool:
    """Whether an interrupted sequence has a still to go on with; True where that is unknown."""
    try:
        with notes.open("rb") as stream:
            found = json.loads(stream.read(_MOST_NOTES_BYTES))
        before, stem, suffix = found["before"], found["stem"], found["suffix"]
        return any(
            before.get(name) != mark for name, mark in standing(notes.parent, stem, suffix).items()
        )
    except OSError:
        return False
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return True
