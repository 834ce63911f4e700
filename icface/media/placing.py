"""Putting a finished export in place: it appears whole, or the old file stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import av

from icface.media.photo_writing import problem_with
from icface.media.presets import EncodeError
from icface.system.atomic_write import reason
from icface.system.register import Entry, Taken, entry_for


def check_destination(path: Path) -> None:
    """Check that a file of that name can be saved, before anything is rendered.

    Raises `EncodeError` if it cannot.
    """
    problem = problem_with(path)
    if problem:
        raise EncodeError(problem)


def alone_at(path: Path, *, by: Path | None = None, **about: str) -> Entry:
    """The right to write what gets this name, until it is given back or the process ends.

    Parameters
    ----------
    path : Path
        As the user names it, for messages.
    by : Path, optional
        The file that only one may write at a time, if it is not this one.
    **about
        What to tidy up after a process that was killed, see `icface.system.leftovers`.

    Raises
    ------
    EncodeError
        If another export of any process on this computer is writing a file of this name.
    """
    try:
        return Entry(entry_for((by or path).resolve()), about)
    except Taken:
        raise EncodeError(
            f"{path} is being written by another export. "
            "Wait until that has ended, or choose another name."
        ) from None


@contextmanager
def telling_why(path: Path) -> Iterator[None]:
    """Turn errors of the disk or an encoder into an `EncodeError` with the file and the cause."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise EncodeError(
            f"{path} could not be saved: {reason(cast('OSError', error))}."
        ) from error
