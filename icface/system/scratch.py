"""Large arrays in private temporary files, with errors instead of a crash on a full disk.

A file that is mapped into memory ends the process when it is shortened, or when the disk has no
room for what is written to it. What is mapped here has no name that others could open it by, is
written as a file is, and is read only once it is mapped.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from icface.system.atomic_write import reason

_PIECE_BYTES = 1 << 22


class ScratchError(ValueError):
    """Not enough room for temporary data; the message says where, and what helps."""


class Scratch:
    """A private temporary file, as a context; arrays made of it outlive it.

    Raises
    ------
    ScratchError
        If it cannot be made, here, or if there is no room, when it is written to.
    """

    def __init__(self) -> None:
        self._size = 0
        with _telling():
            self._file: BinaryIO = tempfile.TemporaryFile(prefix="icface-", buffering=0)  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, data: bytes | memoryview, at: int | None = None) -> None:
        """Write at a place, counted in bytes, or at the end."""
        left = memoryview(data).cast("B")
        with _telling():
            self._file.seek(self._size if at is None else at)
            while left:
                left = left[self._file.write(left) :]
            self._size = max(self._size, self._file.tell())

    def pieces(self, size: int) -> Iterator[bytes]:
        """All that was written, so many bytes at a time; the last piece may be shorter."""
        for at in range(0, self._size, size):
            self._file.seek(at)
            piece = b""
            while len(piece) < min(size, self._size - at):
                piece += self._file.read(min(size, self._size - at) - len(piece))
            yield piece

    def array(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[np.generic]:
        """The contents as a read-only array that outlives the file; write nothing after that."""
        return np.memmap(self._file, dtype, "r", shape=shape)


class Rows:
    """Float32 rows (N, ...) written in any order, NaN at first, in memory or a temporary file.

    A context, so that a file is closed.

    Parameters
    ----------
    shape : tuple of int
        N first.
    in_memory_bytes : int
        What needs more than this is kept in a file.
    """

    def __init__(self, shape: tuple[int, ...], *, in_memory_bytes: int) -> None:
        self._shape, self._row_bytes = shape, 4 * int(np.prod(shape[1:]))
        self._scratch: Scratch | None = None
        if shape[0] * self._row_bytes <= in_memory_bytes:
            self._held = np.full(shape, np.nan, np.float32)
            return
        self._scratch = Scratch()
        blank = np.full(
            max(1, _PIECE_BYTES // self._row_bytes) * self._row_bytes // 4, np.nan, np.float32
        ).tobytes()
        try:
            for at in range(0, shape[0] * self._row_bytes, len(blank)):
                self._scratch.write(blank[: shape[0] * self._row_bytes - at])
        except BaseException as error:
            self._scratch.__exit__(type(error), error, error.__traceback__)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._scratch is not None:
            self._scratch.__exit__(kind, error, trace)

    def put(self, rows: NDArray[np.integer], values: NDArray[np.floating]) -> None:
        """Put values down at some rows, which rise.

        Parameters
        ----------
        rows : (M,) int
        values : (M, ...)
        """
        if self._scratch is None:
            self._held[rows] = values
            return
        for run in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1):
            if len(run):
                data = np.ascontiguousarray(values[run], np.float32)
                self._scratch.write(data.data, int(rows[run[0]]) * self._row_bytes)

    def finish(self) -> NDArray[np.float32]:
        """All rows, read-only; nothing can be put down any more."""
        if self._scratch is not None:
            return self._scratch.array(self._shape, np.float32)  # type: ignore[return-value]
        self._held.flags.writeable = False
        return self._held


def copied(
    stream: BinaryIO, shape: tuple[int, ...], dtype: DTypeLike, *, in_memory_bytes: int
) -> NDArray[np.generic]:
    """A read-only copy of the next bytes of a file as an array, safe from changes of the file.

    Parameters
    ----------
    stream : BinaryIO
    shape : tuple of int
    dtype : data type
    in_memory_bytes : int
        What needs more than this is kept in a temporary file.

    Raises
    ------
    EOFError
        If the file ends before.
    ScratchError
        If there is no room for the temporary file.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= in_memory_bytes:
        data = stream.read(size)
        if len(data) < size:
            raise EOFError("it ends too early")
        held = np.frombuffer(data, dtype).reshape(shape).copy()
        held.flags.writeable = False
        return held
    with Scratch() as scratch:
        for at in range(0, size, _PIECE_BYTES):
            piece = stream.read(min(_PIECE_BYTES, size - at))
            if len(piece) < min(_PIECE_BYTES, size - at):
                raise EOFError("it ends too early")
            scratch.write(piece)
        return scratch.array(shape, dtype)


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = os.fspath(tempfile.gettempdir())
        why = reason(error).partition(";")[0]
        raise ScratchError(
            f"{where}, the folder for temporary files, cannot take what is kept there meanwhile: "
            f"{why}. Make room there, or "
            "name another folder in the environment variable TMPDIR and start again."
        ) from error
