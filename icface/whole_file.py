"""Files that appear whole or not at all: written beside their place under another name, flushed to the disk and renamed.

A process that is killed while it writes leaves its unfinished file behind. While a file is being written it is locked, so
that the next one to write into the folder can tell what is left over from what somebody else is writing, and removes it.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

T = TypeVar("T")

_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.unfinished")
_REASONS = {
    errno.ENOENT: "there is no such file or folder",
    errno.EISDIR: "there is a folder of that name; choose another name",
    errno.EACCES: "you lack the permission; choose another folder",
    errno.EPERM: "you lack the permission; choose another folder",
    errno.EROFS: "the disk can only be read; choose another folder",
    errno.ENOSPC: "the disk is full; make room or choose another folder",
    errno.EDQUOT: "your share of the disk is used up; make room or choose another folder",
    errno.EFBIG: "the file is larger than this disk or account allows; choose another folder",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


_IN_USE = frozenset({5, 32, 33})
"""What Windows says where another program has the file open; the first, too, where the permission lacks."""


def reason(error: OSError) -> str:
    """Why a file could not be read or written, and what helps, as the end of a sentence."""
    if getattr(error, "winerror", None) in _IN_USE:
        return "another program has it open, or you lack the permission; close it there, or choose another name"
    return _REASONS.get(error.errno or 0, error.strerror or str(error))


def write_whole(path: Path, write: Callable[[BinaryIO], T]) -> T:
    """Put what `write` writes in the place of a file; the old one stands until the new one is on the disk.

    Parameters
    ----------
    path : Path
        Of a link, what it points at is replaced, not the link. A file that is there gives the new one its permissions.
    write : callable
        Gets a binary stream.

    Returns
    -------
    whatever `write` returns

    Raises
    ------
    OSError
        If the file cannot be written; then nothing has changed. What `write` raises is passed on in the same way.
    """
    target = path.resolve()
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder", str(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "read-only file", str(path))
    remove_unfinished(target.parent)
    partial = target.with_name(f".{secrets.token_hex(8)}.unfinished")
    try:
        with partial.open("xb") as stream:
            try_to_lock(stream)
            result = write(stream)
            stream.flush()
            os.fsync(stream.fileno())
            if target.exists():
                shutil.copymode(target, partial)
            if sys.platform != "win32":  # still locked while it is renamed
                partial.replace(target)
        if sys.platform == "win32":
            partial.replace(target)
        flush_folder(target.parent)
    finally:
        partial.unlink(missing_ok=True)
    return result


def is_unfinished(name: str) -> bool:
    """Whether a file of this name is one that is being written, or was when its process was killed."""
    return _UNFINISHED.fullmatch(name) is not None


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder; what is being written now is left alone."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            if is_unfinished(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    with Path(entry.path).open("rb") as stream:
                        is_left_over = try_to_lock(stream)
                    if is_left_over:  # and closed by now: Windows removes no file that is open
                        Path(entry.path).unlink(missing_ok=True)


def try_to_lock(stream: BinaryIO) -> bool:
    """Lock an open file until it is closed or its process ends; False if somebody has it, or if locks do not work there."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def flush_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk, where the system can do that."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
