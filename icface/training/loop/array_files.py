"""Files of arrays and tensors that appear whole or not at all, and arrays filled through memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray
from safetensors.torch import save as safetensors_bytes
from torch import Tensor

from icface.system.atomic_write import reserve, write_whole


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write an ``.npy`` file. `OSError` if it cannot be written."""
    write_whole(path, lambda stream: np.save(stream, array, allow_pickle=False))


def save_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Write an ``.npz`` file. `OSError` if it cannot be written."""
    write_whole(path, lambda stream: np.savez(stream, allow_pickle=False, **arrays))


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file, and its folder if need be. `OSError` if it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    write_whole(path, lambda file: file.write(safetensors_bytes(plain)))


def array_on_disk(
    stream: BinaryIO, shape: tuple[int, ...], dtype: DTypeLike = np.uint8
) -> NDArray[Any]:
    """An array of zeros in an ``.npy`` file, mapped for writing; its disk space is reserved first.

    Parameters
    ----------
    stream : BinaryIO
        An empty file, open for reading and writing; it may be closed while the array is in use.
    shape : tuple of int
    dtype : data type

    Raises
    ------
    OSError
        If the disk has too little space for it.
    """
    kind = np.dtype(dtype)
    about = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, about)
    begin = stream.tell()
    reserve(stream, begin + int(np.prod(shape)) * kind.itemsize)
    return np.memmap(stream, kind, "r+", begin, shape)
