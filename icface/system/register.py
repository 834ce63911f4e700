"""A register of the files being written, in the user's state folder, with their writers.

Each entry is a small file that is locked for as long as its process writes. Its name is a token, or
stands for the name of a file that only one may write at a time. An entry that can be locked belongs
to nobody any more.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from icface.system.file_locks import claimed, remove_locked
from icface.system.user_folders import make_private, state_folder

_NAME = re.compile(r"[0-9a-f]{16,32}\.json")
_MOST_BYTES = 100_000


class Taken(Exception):  # noqa: N818  (no error: a fact)
    """Somebody else holds this entry."""


def register_folder() -> Path:
    """The folder of the entries."""
    return state_folder() / "writing"


def entry_for(target: Path) -> str:
    """The register name of a target file, the same whichever way its folder is reached.

    Parameters
    ----------
    target : Path
        Links resolved. Its folder exists.
    """
    folder = target.parent.stat()
    named = f"{folder.st_dev}:{folder.st_ino}:{os.path.normcase(target.name)}"
    return hashlib.blake2b(named.encode(errors="surrogateescape"), digest_size=16).hexdigest()


class Entry:
    """One entry, held until it is given back or the process ends.

    Parameters
    ----------
    name : str
        16 to 32 hex digits.
    about : mapping
        What is being written, as JSON.

    Raises
    ------
    Taken
        If another holds it.
    """

    def __init__(self, name: str, about: Mapping[str, Any]) -> None:
        self._path = register_folder() / f"{name}.json"
        self._stream: BinaryIO | None = None
        with suppress(
            OSError
        ):  # without a register, nothing is tidied later; that is no reason not to save
            make_private(self._path.parent)
            self._stream = claimed(self._path)
            if self._stream is None:
                raise Taken(name)
            self.note(about)

    def note(self, about: Mapping[str, Any]) -> None:
        """Write down what is being written."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.seek(0)
                self._stream.truncate()
                self._stream.write(json.dumps(about).encode())
                self._stream.flush()

    def give_back(self, *, keep: bool = False) -> None:
        """Hold it no more; with `keep`, what it says stays for whoever tidies up."""
        stream, self._stream = self._stream, None
        if stream is not None and not keep:
            remove_locked(stream, self._path)
        elif stream is not None:
            stream.close()


class _Drop:
    """Removes an entry that is held."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream, self._path = stream, path

    def __call__(self) -> None:
        remove_locked(self._stream, self._path)


@contextmanager
def _held(path: Path) -> Iterator[BinaryIO | None]:
    stream = None
    with suppress(OSError):
        stream = claimed(path)
    try:
        yield stream
    finally:
        if stream is not None:
            stream.close()


def left_entries() -> Iterator[tuple[dict[str, Any], float, _Drop]]:
    """Entries that no process holds: contents, time of the last change, and a remover.

    Each is held while it is looked at.
    """
    with suppress(OSError):
        for path in sorted(register_folder().iterdir()):
            if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                with _held(path) as stream:
                    if stream is not None:
                        yield _said(stream), os.fstat(stream.fileno()).st_mtime, _Drop(stream, path)


def _said(stream: BinaryIO) -> dict[str, Any]:
    try:
        about = json.loads(stream.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}
