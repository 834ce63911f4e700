"""Atomic writing: a file is written beside its target, flushed to the disk and renamed.

The other name is a new one each time, for one writer alone, and short; the file is its owner's only
until it takes its place.

A process that is killed while it writes leaves its unfinished file behind. While a file is being
written it is locked, and stands in the register: the next one to write into the folder, and the
next start of the program, remove what nobody holds.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

from icface.system.file_locks import NO_LINKS, is_at, lock, remove_locked, try_to_lock
from icface.system.register import Entry, Taken

T = TypeVar("T")

_UNFINISHED = re.compile(r"\.([0-9a-f]{16})\.unfinished")
_TRIES = 100
_BLOCK = bytes(1 << 20)
_FOLDER_AGE_S = 86_400
"""Seconds after which an unfinished folder is nobody's, where folders cannot be locked."""
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
"""What Windows says where another program has the file open; the first, too, where the permission
lacks."""


def reason(error: OSError) -> str:
    """Why a file could not be read or written, and what helps, as the end of a sentence."""
    if getattr(error, "winerror", None) in _IN_USE:
        return (
            "another program has it open, or you lack the permission; "
            "close it there, or choose another name"
        )
    return _REASONS.get(error.errno or 0, error.strerror or str(error))


class Unfinished:
    """A file that is being written beside its target, removed again unless it is put in place.

    Parameters
    ----------
    target : Path
        Where it is to be, links resolved; its folder exists.
    private : bool
        Whether the finished file, too, is to be its owner's only. Otherwise it gets the permissions
        of the file whose place it takes, or those of any new file.

    Attributes
    ----------
    path : Path
        Where it is now: a name of its own, which no other file or link had.
    stream : BinaryIO
        The file, open for reading and writing. Others of this process may open `path` as well.

    Raises
    ------
    OSError
        If no file can be made there.
    """

    def __init__(self, target: Path, *, private: bool = False) -> None:
        self._target, self._private = target, private
        _check_is_kept(target)
        remove_unfinished(target.parent)
        for _ in range(_TRIES):
            token = secrets.token_hex(8)
            self.path = target.with_name(f".{token}.unfinished")
            if self._begins(token):
                return
        raise OSError(errno.EAGAIN, "other programs remove what is being written", str(target))

    def _begins(self, token: str) -> bool:
        """Make the file.

        False if the name exists, or if it was removed as a leftover before locking.
        """
        try:
            self._entry = Entry(token, {"unfinished": str(self.path)})
        except Taken:
            return False
        try:
            self.stream = _created(self.path)
        except BaseException as error:
            self._entry.give_back()
            if isinstance(error, FileExistsError):
                return False
            raise
        if sys.platform == "win32" or (
            lock(self.stream) is not False and is_at(self.stream, self.path)
        ):
            return True
        self.abandon()
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abandon()

    def put_in_place(self) -> None:
        """Flush the file to the disk and rename it over its target; `OSError` if that fails."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        if not self._private:
            with suppress(PermissionError):  # of disks that know no permissions
                self.path.chmod(
                    self._target.stat().st_mode & 0o7777
                    if self._target.exists()
                    else 0o666 & ~_mask()
                )
        if sys.platform == "win32":
            self.stream.close()
        self.path.replace(self._target)  # elsewhere still locked while it is renamed
        self.stream.close()
        self._entry.give_back()
        flush_folder(self._target.parent)

    def abandon(self) -> None:
        """Close and remove it; nothing happens if it has been put in place."""
        if not self.stream.closed:
            remove_locked(self.stream, self.path)
        else:
            self.path.unlink(missing_ok=True)
        self._entry.give_back()


def _created(path: Path) -> BinaryIO:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_LINKS | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o600), "rb+")


_umask_lock = threading.Lock()


def _mask() -> int:
    """The permissions that the user wants new files not to have."""
    with _umask_lock:
        mask = os.umask(
            0o077
        )  # the only way to ask; what others make in this moment is their owner's only
        os.umask(mask)
    return mask


def write_whole(path: Path, write: Callable[[BinaryIO], T], *, private: bool = False) -> T:
    """Replace a file by the output of `write`; the old one stands until the new one is on the disk.

    Of several that write one file at a time, the last to end has its say; the file is whole at any
    moment.

    Parameters
    ----------
    path : Path
        Of a link, what it points at is replaced, not the link. A file that is there gives the new
        one its permissions.
    write : callable
        Gets a binary stream.
    private : bool
        Whether the file is to be its owner's only.

    Returns
    -------
    whatever `write` returns

    Raises
    ------
    OSError
        If the file cannot be written; then nothing has changed. What `write` raises is passed on in
        the same way.
    """
    target = path.resolve()
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder", str(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "read-only file", str(path))
    with Unfinished(target, private=private) as unfinished:
        result = write(unfinished.stream)
        unfinished.put_in_place()
    return result


class UnfinishedFolder:
    """A folder that is being filled beside its target, removed again unless it is put in place.

    Parameters
    ----------
    target : Path
        Where it is to be; the folder above is made.

    Attributes
    ----------
    path : Path
        Where it is now, under a name of its own.

    Raises
    ------
    OSError
        If it cannot be made.
    """

    def __init__(self, target: Path) -> None:
        self._target, token = target, secrets.token_hex(8)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.path = target.with_name(f".{token}.unfinished")
        self._entry = Entry(token, {"unfinished": str(self.path)})
        self.path.mkdir(mode=0o700)
        self._lock = _locked_folder(self.path)

    def put_in_place(self) -> None:
        """Give it its name; a folder of that name is replaced. `OSError` if that fails."""
        with suppress(PermissionError):
            self.path.chmod(0o777 & ~_mask())
        for _ in range(_TRIES):
            try:
                self.path.rename(self._target)
            except OSError:
                if not self._target.is_dir():
                    raise
                old = self._target.with_name(f".{secrets.token_hex(8)}.unfinished")
                with suppress(FileNotFoundError):  # another was quicker
                    self._target.rename(old)
                    shutil.rmtree(old, ignore_errors=True)
            else:
                break
        flush_folder(self._target.parent)

    def abandon(self) -> None:
        """Remove it; nothing happens if it has been put in place."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        self._entry.give_back()


def _locked_folder(folder: Path) -> int | None:
    """A descriptor that holds a folder; None if another does, or where folders cannot be locked."""
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415  (there is none on Windows)

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | NO_LINKS)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _check_is_kept(target: Path) -> None:
    """`OSError` if a finished file would have a name under which unfinished ones are removed."""
    if is_unfinished(target.name):
        raise OSError(
            errno.EINVAL,
            "files of such a name are removed as unfinished; choose another name",
            str(target),
        )


def is_unfinished(name: str) -> bool:
    """Whether a file name is that of a file being written, or left by a killed process."""
    return _UNFINISHED.fullmatch(name) is not None


def remove_unfinished(folder: Path) -> None:
    """Remove unfinished files of killed processes from a folder; files being written stay."""
    with suppress(OSError), os.scandir(folder) as entries:
        for path in [Path(entry.path) for entry in entries if is_unfinished(entry.name)]:
            remove_left_over(path)


def remove_left_over(path: Path) -> bool:
    """Remove one unfinished file or folder if nobody holds it; whether it is gone."""
    with suppress(OSError):
        if not is_unfinished(path.name) or path.is_symlink():
            return False
        if path.is_dir():
            _remove_folder(path)
        elif path.is_file():
            stream = path.open("rb")
            if try_to_lock(stream) and is_at(stream, path):
                remove_locked(stream, path)
            stream.close()
    return not path.exists()


def _remove_folder(path: Path) -> None:
    held = _locked_folder(path)
    if held is not None:
        shutil.rmtree(path, ignore_errors=True)
        os.close(held)
    elif sys.platform == "win32" and time.time() - path.stat().st_mtime > _FOLDER_AGE_S:
        shutil.rmtree(path, ignore_errors=True)


def reserve(stream: BinaryIO, size: int) -> None:
    """Reserve disk space for an open file, so that writing through memory cannot fail later.

    A file that is mapped beyond the room there is ends its process when the disk is full.

    Parameters
    ----------
    stream : BinaryIO
        Open for writing; grows to `size` bytes, and its position is undefined then.
    size : int

    Raises
    ------
    OSError
        If there is not so much room.
    """
    stream.flush()
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(stream.fileno(), 0, size)
        return
    at = stream.seek(0, os.SEEK_END)
    while at < size:
        at += stream.write(_BLOCK[: size - at])
    stream.flush()


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
