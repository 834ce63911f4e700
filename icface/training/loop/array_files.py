"""Arrays in files that appear whole or not at all, and large ones that are filled through memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from icface.system.atomic_write import reserve, write_whole


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write an ``.npy`` file. `OSError` if it cannot be written."""
    write_whole(path, lambda stream: np.save(stream, array, allow_pickle=False))


def save_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Write an ``.npz`` file. `OSError` if it cannot be written."""
    write_whole(path, lambda stream: np.savez(stream, allow_pickle=False, **arrays))


def array_on_disk(
    stream: BinaryIO, shape: tuple[int, ...], dtype: DTypeLike = np.uint8
) -> NDArray[Any]:
    """An array of zeros in an ``.npy`` file, mapped to be filled; the room it needs is set aside first.

    Parameters
    ----------
    stream : BinaryIO
        An empty file, open for reading and writing; it may be closed while the array is in use.
    shape : tuple of int
    dtype : data type

    Raises
    ------
    OSError
        If the disk has no room for it.
    """
    kind = np.dtype(dtype)
    about = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, about)
    begin = stream.tell()
    reserve(stream, begin + int(np.prod(shape)) * kind.itemsize)
    return np.memmap(stream, kind, "r+", begin, shape)
