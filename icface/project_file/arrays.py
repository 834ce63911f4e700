"""Arrays of a project as npz: landmarks of a face, or a motion. Nothing in them is a pickle.

What is read is compared with what its head says before a byte of memory is taken for it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icface.project_file.container import ZipEntries, write_entries
from icface.project_file.errors import ProjectFileError

MOST_BYTES = 4 << 30
"""Of one set of arrays: five hours of a face with landmarks at 25 frames a second."""
_NAME = re.compile(r"[a-z_]{1,40}\.npy")
_DTYPES = tuple(np.dtype(kind) for kind in ("<f8", "<f4", "<i8", "<i4", "u1", "?"))


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An npz of arrays, by name; the same arrays give the same bytes."""

    def npy(array: NDArray[Any]) -> bytes:
        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
        return stream.getvalue()

    whole = io.BytesIO()
    write_entries(whole, ((f"{name}.npy", npy(array)) for name, array in sorted(arrays.items())))
    return whole.getvalue()


def unpacked(data: bytes, where: str) -> dict[str, NDArray[Any]]:
    """The arrays of an npz, read-only; `ProjectFileError` for anything but plain little-endian numbers in C order."""
    entries = ZipEntries(io.BytesIO(data), where)
    arrays: dict[str, NDArray[Any]] = {}
    for name in sorted(entries.names):
        if not _NAME.fullmatch(name):
            raise ProjectFileError(f"{where} has an entry {name!r}, which is not the name of an array.")
        arrays[name.removesuffix(".npy")] = _array(entries.read(name, MOST_BYTES), f"{where}, {name}")
    return arrays


def _array(data: bytes, where: str) -> NDArray[Any]:
    stream = io.BytesIO(data)
    try:
        magic = np.lib.format.read_magic(stream)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise ProjectFileError(f"{where} is not an array ({error}). Open an older copy of the project.") from None
    if magic != (1, 0) or dtype not in _DTYPES or fortran:
        raise ProjectFileError(f"{where} holds {dtype}; a project holds plain numbers in C order.")
    count = 1
    for length in shape:
        count *= int(length)
    if any(int(length) < 0 for length in shape) or count * dtype.itemsize != len(data) - stream.tell():
        raise ProjectFileError(f"{where} claims the shape {shape} of {dtype}, and holds {len(data) - stream.tell()} bytes.")
    found = np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape).copy()
    found.flags.writeable = False
    return found
