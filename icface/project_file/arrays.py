"""Arrays of a project as npz: landmarks of a face, or a motion. Nothing in them is a pickle.

What is read is compared with what its head says before a byte of memory is taken for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from tokenize import TokenError
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from icface.project_file.container import MOST_PACKED_BYTES, ZipEntries, write_entries
from icface.project_file.errors import ProjectFileError
from icface.system.scratch import ScratchError, copied

MOST_BYTES = 4 << 30
"""Of one set of arrays: five hours of a face with landmarks at 25 frames a second."""
IN_MEMORY_BYTES = 64 << 20
"""Of one array; a larger one is kept in a temporary file."""
_PIECE_BYTES = 1 << 20
_NAME = re.compile(r"[a-z_]{1,40}\.npy")
_DTYPES = tuple(np.dtype(kind) for kind in ("<f8", "<f4", "<i8", "<i4", "u1", "?"))


def write_arrays(stream: IO[bytes], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an npz of named arrays in pieces, so that the window need not wait for a long copy."""

    def write_npy(array: NDArray[Any], member: IO[bytes]) -> None:
        whole = np.ascontiguousarray(array)
        np.lib.format.write_array_header_1_0(
            member, np.lib.format.header_data_from_array_1_0(whole)
        )
        flat = whole.reshape(-1).view(np.uint8)
        for start in range(0, len(flat), _PIECE_BYTES):
            member.write(flat[start : start + _PIECE_BYTES].data)

    entries = ((f"{name}.npy", partial(write_npy, array)) for name, array in sorted(arrays.items()))
    write_entries(stream, entries)  # type: ignore[arg-type]


def unpacked(
    stream: BinaryIO, where: str, *, most_packed: int = MOST_PACKED_BYTES
) -> dict[str, NDArray[Any]]:
    """The arrays of an npz, read-only; only plain little-endian numbers in C order.

    Large ones are kept in temporary files, see `icface.system.scratch`.
    """
    entries = ZipEntries(stream, where, most_packed=most_packed)
    arrays: dict[str, NDArray[Any]] = {}
    for name in sorted(entries.names):
        if not _NAME.fullmatch(name):
            raise ProjectFileError(
                f"{where} has an entry {name!r}, which is not the name of an array."
            )
        arrays[name.removesuffix(".npy")] = _array(
            entries.open(name, MOST_BYTES), f"{where}, {name}"
        )
    return arrays


def _array(stream: BinaryIO, where: str) -> NDArray[Any]:
    size = stream.seek(0, 2)
    stream.seek(0)
    try:
        magic = np.lib.format.read_magic(stream)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError) as error:
        raise ProjectFileError(
            f"{where} is not an array ({error}). Open an older copy of the project."
        ) from None
    if magic != (1, 0) or dtype not in _DTYPES or fortran:
        raise ProjectFileError(f"{where} holds {dtype}; a project holds plain numbers in C order.")
    count = 1
    for length in shape:
        count *= int(length)
    left = size - stream.tell()
    if any(int(length) < 0 for length in shape) or count * dtype.itemsize != left:
        raise ProjectFileError(
            f"{where} claims the shape {shape} of {dtype}, and holds {left} bytes."
        )
    try:
        return copied(stream, shape, dtype, in_memory_bytes=IN_MEMORY_BYTES)
    except EOFError:
        raise ProjectFileError(f"{where} breaks off. Open an older copy of the project.") from None
    except ScratchError as error:
        raise ProjectFileError(f"{where} could not be read: {error}") from None
