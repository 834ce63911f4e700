"""Stamps of files, which show whether another program has changed a file since it was read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal; `OSError` if it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A file's size, time and content at one moment.

    Attributes
    ----------
    size : int
        Bytes.
    changed_ns : int
        Time of the last change, as the file system says it.
    digest : str
        Of the content; "" when it could not be read.
    """

    size: int
    changed_ns: int
    digest: str


def stamp_of(path: Path) -> FileStamp | None:
    """The stamp of a file as it is now; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return FileStamp(found.st_size, found.st_mtime_ns, _digest(path))


def is_as_seen(path: Path, seen: FileStamp | None) -> bool:
    """Whether a file has the content of its stamp; for None, whether there is still no file."""
    try:
        found = path.stat()
    except OSError:
        return seen is None
    if seen is None or found.st_size != seen.size:
        return False
    return found.st_mtime_ns == seen.changed_ns or (
        seen.digest != "" and _digest(path) == seen.digest
    )


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return ""
