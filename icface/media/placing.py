"""Putting a finished export in place: it appears at once and whole, or what stood there stays."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import av

from icface.media.presets import EncodeError
from icface.media.writing import problem_with
from icface.whole_file import flush_folder, reason


def check_destination(path: Path) -> None:
    """`EncodeError` where no file of that name can be saved: what can be known before anything is rendered."""
    problem = problem_with(path)
    if problem:
        raise EncodeError(problem)


def partial_of(target: Path) -> Path:
    """The name of an export that is not complete yet: the same for every try, so that an interrupted one is replaced."""
    return target.with_name(f".{target.name}.part")


@contextmanager
def telling_why(path: Path) -> Iterator[None]:
    """What the disk or an encoder raises inside becomes an `EncodeError` that names the file and the cause."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise EncodeError(f"{path} could not be saved: {reason(cast('OSError', error))}.") from error


def put_in_place(partial: Path, target: Path) -> None:
    """Flush a complete file to the disk and give it its name; a file of that name is replaced at once."""
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    if target.exists():
        shutil.copymode(target, partial)
    partial.replace(target)
    flush_folder(target.parent)
