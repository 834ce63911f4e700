"""Our own npz: a motion with its landmarks, small and to the last bit.

Convention
----------
A zip of numpy arrays: ``seconds``, ``controls``, ``confidence`` and perhaps ``landmarks`` as in `icface.motion.Motion`, and
``about``, the bytes of a JSON object with rate, carried channels, cuts and origin. Nothing in it is a pickle.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from icface.formats.errors import FormatError
from icface.formats.files import readable, write_whole
from icface.formats.own import check_kind, described, motion_of
from icface.formats.rows import Loaded, Wishes
from icface.motion import Motion

NAME = "npz"
MOST_BYTES = 8_000_000_000
_DTYPES = {"seconds": np.float64, "controls": np.float32, "confidence": np.float32, "landmarks": np.float32, "about": np.uint8}


def load(path: Path, wishes: Wishes) -> Loaded:
    """The motion of a file; `FormatError` if an array is missing or is not what it should be."""
    arrays: dict[str, NDArray[Any]] = {}
    with readable(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                for info in archive.infolist():
                    name = info.filename.removesuffix(".npy")
                    if name in _DTYPES:
                        with archive.open(info) as member:
                            arrays[name] = _array(path, name, member, info.file_size)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise FormatError(f"{path} is not a whole npz ({error}). Save it again.") from error
    absent = sorted(_DTYPES.keys() - {"landmarks"} - arrays.keys())
    if absent:
        raise FormatError(f"{path} is not a motion: it lacks {', '.join(absent)}.")
    try:
        about = check_kind(path, json.loads(arrays.pop("about").tobytes()))
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, FormatError) else FormatError(f"{path}, about: not JSON ({error}).") from None
    notes: tuple[str, ...] = ()
    if wishes.rate is not None:
        arrays["seconds"] = np.arange(len(arrays["seconds"])) / float(wishes.rate)
        notes = ("The file's own times were put aside for the rate.",)
    return Loaded(format=NAME, faces=(motion_of(path, about, wishes.rate, **arrays),), labels=("0",), notes=notes)


def _array(path: Path, name: str, member: Any, size: int) -> NDArray[Any]:
    """One array, after its head has been compared with what follows it."""
    try:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
    except (ValueError, SyntaxError, TokenError, RecursionError) as error:  # numpy parses the head as a Python literal
        raise FormatError(f"{path}, {name}: not an array ({error}). Save it again.") from error
    count = int(np.prod([int(n) for n in shape], dtype=object)) if shape else 1
    if dtype != _DTYPES[name] or count * dtype.itemsize > min(size, MOST_BYTES) or count * dtype.itemsize + 20_000 < size:
        raise FormatError(f"{path}, {name}: {shape} of {dtype} is not what a motion has.")
    data = member.read(count * dtype.itemsize)
    if len(data) != count * dtype.itemsize:
        raise FormatError(f"{path}, {name}: the file breaks off. Save it again.")
    return np.frombuffer(data, dtype).reshape(shape)


def save(path: Path, motion: Motion) -> tuple[str, ...]:
    """Write a motion; nothing is lost."""
    about = json.dumps(described(motion), ensure_ascii=False).encode()
    arrays: dict[str, NDArray[Any]] = {
        "about": np.frombuffer(about, np.uint8),
        "seconds": motion.seconds,
        "controls": motion.controls,
        "confidence": motion.confidence,
    }
    if motion.landmarks is not None:
        arrays["landmarks"] = motion.landmarks

    def write(stream: BinaryIO) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)

    write_whole(path, write)
    return ()
