"""Files of arrays and tensors that appear whole or not at all, and arrays filled through memory."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray
from safetensors.torch import save as safetensors_bytes
from torch import Tensor

from icface.system.atomic_write import reserve, write_whole


def read_arrays(
    path: Path, names: Sequence[str] | None = None, *, kind: str
) -> dict[str, NDArray[Any]]:
    """The arrays of an ``.npz`` file by name.

    Parameters
    ----------
    path : Path
    names : sequence of str, optional
        Arrays to read, which must be there; all if not given.
    kind : str
        What the file ought to be, with its article, for the error.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it is no ``.npz`` file of plain arrays, is damaged, or lacks an array.
    """
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("no .npz file") if path.exists() else FileNotFoundError(path)
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in (stored.files if names is None else names)}
    except FileNotFoundError as error:
        raise FileNotFoundError(f"There is no file {path}.") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        why = " ".join(str(error).strip("'\"").split())[:120]
        raise ValueError(
            f"{path} is not {kind} ({why}). Its layout is described in icface/training/README.md."
        ) from error


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
