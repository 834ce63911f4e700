"""Files opened for reading with a bound, and written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from icface.formats.errors import FormatError
from icface.system import atomic_write as whole_file

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_WHY = {
    errno.ENOENT: "there is no such file or folder",
    errno.EISDIR: "it is a folder",
    errno.EACCES: "reading or writing it is not permitted",
    errno.EPERM: "reading or writing it is not permitted",
    errno.ENOSPC: "the disk is full; make room and try again",
}


@contextmanager
def readable(path: Path) -> Iterator[BufferedReader]:
    """The file's bytes; `FormatError` if it cannot be read, is no plain file, or is empty."""
    try:
        if path.exists() and not path.is_file():
            raise FormatError(f"{path} is not a file. Choose a file of tracking data.")
        with path.open("rb") as stream:
            if not stream.peek(1):
                raise FormatError(f"{path} is empty. Record or export it again.")
            yield stream
    except OSError as error:
        raise FormatError(f"{path} could not be read: {_reason(error)}.") from error


@contextmanager
def readable_text(path: Path) -> Iterator[TextIOWrapper]:
    """The file's text, line ends unchanged; undecodable bytes become replacement characters."""
    with (
        readable(path) as stream,
        TextIOWrapper(stream, encoding_of(stream.peek(4)), errors="replace", newline="") as text,
    ):
        yield text


def encoding_of(head: bytes) -> str:
    """The text encoding that the first bytes of a file show: UTF-8 unless a mark says UTF-16."""
    return "utf-16" if head[:2] in _UTF16 else "utf-8-sig"


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write beside the target, then replace it; on `FormatError` the old file is unchanged."""
    with writable(path) as target:
        whole_file.write_whole(target, write)


@contextmanager
def writable(path: Path) -> Iterator[Path]:
    """The target of a path, links resolved.

    `FormatError` if it cannot be written, now or within.
    """
    target = path.resolve()
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "read-only file")
        yield target
    except OSError as error:
        raise FormatError(f"{path} could not be saved: {_reason(error)}.") from error


def _reason(error: OSError) -> str:
    return _WHY.get(error.errno or 0, error.strerror or str(error))
