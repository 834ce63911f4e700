"""Locks on files that end with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_TAKEN = frozenset({errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK, errno.EDEADLK})
_TRIES = 100
REMOVES_OPEN_FILES = sys.platform != "win32"
"""Where it does not, nobody can remove what another has open, and a lock need not be held until it
is gone."""
NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
"""Flag of `os.open` that refuses a link, where the system knows it."""


def try_to_lock(stream: BinaryIO) -> bool:
    """Lock an open file until it is closed; False if it is taken or locks do not work there."""
    return lock(stream) is True


def claimed(path: Path) -> BinaryIO | None:
    """A file locked for this process, created if it is missing and readable by its owner only.

    Returns
    -------
    BinaryIO or None
        None if another holds it. Where locks do not work, the file is open but not locked.

    Raises
    ------
    OSError
        If the file cannot be made or opened, or is a link.
    """
    for _ in range(_TRIES):
        descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | NO_LINKS | getattr(os, "O_BINARY", 0), 0o600
        )
        stream = os.fdopen(descriptor, "rb+")
        if lock(stream) is False:
            stream.close()
            return None
        if is_at(stream, path):
            return stream
        stream.close()  # whoever held it before removed it in between
    return None


def is_at(stream: BinaryIO, path: Path) -> bool:
    """Whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.lstat(path))
    except OSError:
        return False


def remove_locked(stream: BinaryIO, path: Path) -> None:
    """Remove and close a locked file, so that nobody else can take it over in between."""
    if not REMOVES_OPEN_FILES:
        stream.close()
    with suppress(OSError):
        path.unlink(missing_ok=True)
    stream.close()


def lock(stream: BinaryIO) -> bool | None:
    """Lock an open file: True if it worked, False if another holds it, None without locks there."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _TAKEN else None
    return True
