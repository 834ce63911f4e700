"""Storage of motions: named arrays, and a cache of readings so that a clip is tracked once.

Convention
----------
A motion becomes the arrays ``seconds``, ``controls``, ``confidence`` and perhaps ``landmarks`` and
``regressed``, as `icface.motion.motion.Motion` has them, and ``about``: the bytes of a JSON object
with rate, carried channels, cuts, origin and perhaps the frame at rest. A reading on disk is an
``.npz`` of the arrays of all its motions, named ``0.seconds`` and so on, and one more ``about``.
What is read is a copy: what becomes of the file later changes no document. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from icface.face.controls import CHANNELS
from icface.face.landmarks import N_LANDMARKS
from icface.motion.motion import MOST_FRAMES, Motion, MotionError, rate_from
from icface.system.atomic_write import write_whole
from icface.system.json_text import JsonError, parsed, shown
from icface.system.scratch import copied
from icface.system.user_folders import cache_folder, make_private

FORMAT = "icface-reading-1"
CACHE_BYTES = 4_000_000_000
"""Bound on what is kept of clips, in bytes: some eight hours at 25 frames a second."""

_DTYPES = {
    "seconds": np.float64,
    "controls": np.float32,
    "confidence": np.float32,
    "landmarks": np.float32,
    "regressed": np.float32,
    "about": np.uint8,
}
_TAILS: dict[str, tuple[int, ...]] = {
    "seconds": (), "controls": (len(CHANNELS),), "confidence": (), "landmarks": (N_LANDMARKS, 3),
    "regressed": (len(CHANNELS),), "about": (),
}  # fmt: skip
_OPTIONAL = frozenset({"landmarks", "regressed"})
_MOST_ABOUT_BYTES = 10_000_000
_MOST_MOTIONS = 1000
IN_MEMORY_BYTES = 16_000_000
"""Of one array; a larger one is kept in a temporary file."""

Arrays = dict[str, NDArray[Any]]


class MotionStoreError(ValueError):
    """Arrays or a file that hold no motion; the message names the place and the reason."""


# --------------------------------------------------------------------------------------------------


def motion_to_arrays(motion: Motion) -> Arrays:
    """The arrays that stand for a motion, not copied."""
    about: dict[str, Any] = {
        "rate": str(motion.rate),
        "carried": sorted(motion.carried),
        "cuts": list(motion.cuts),
        "origin": motion.origin,
    }
    if motion.rest is not None:
        about["rest"] = motion.rest
    arrays: Arrays = {
        "about": _bytes_of(about),
        "seconds": motion.seconds,
        "controls": motion.controls,
    }
    arrays["confidence"] = motion.confidence
    for name in _OPTIONAL:
        if (array := getattr(motion, name)) is not None:
            arrays[name] = array
    return arrays


def motion_from_arrays(arrays: Mapping[str, NDArray[Any]], *, place: str = "motion") -> Motion:
    """The motion for which arrays stand.

    Parameters
    ----------
    arrays : mapping
        Of `motion_to_arrays`, with no other names.
    place : str
        Where they come from, for messages.

    Raises
    ------
    MotionStoreError
        If an array is missing, unknown, of another type or shape, or holds what no motion has.
    """
    wrong = sorted((_DTYPES.keys() - _OPTIONAL) - arrays.keys()) or sorted(
        arrays.keys() - _DTYPES.keys()
    )
    if wrong:
        raise MotionStoreError(
            f"{place}: {wrong[0]} is {'unknown' if wrong[0] in arrays else 'missing'}."
        )
    for name, array in arrays.items():
        _check_array(f"{place}, {name}", name, array.dtype, array.shape)
    about = _object_of(arrays["about"], place=f"{place}, about")
    try:
        return Motion(
            rate=rate_from(_of_type(about, "rate", str)),
            carried=frozenset(_list_of(about, "carried", str)),
            cuts=tuple(_list_of(about, "cuts", int)),
            origin=_of_type(about, "origin", str),
            rest=_of_type(about, "rest", int) if "rest" in about else None,
            **{name: array for name, array in arrays.items() if name != "about"},
        )
    except MotionError as error:
        raise MotionStoreError(f"{place}: {error}") from error
    except ValueError as error:
        raise MotionStoreError(f"{place}, about: {error}") from error


def _check_array(place: str, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    most = _MOST_ABOUT_BYTES if name == "about" else MOST_FRAMES
    if dtype != _DTYPES[name]:
        raise MotionStoreError(f"{place} is of type {dtype}, not {np.dtype(_DTYPES[name])}.")
    if shape[1:] != _TAILS[name] or not shape or not 1 <= shape[0] <= most:
        raise MotionStoreError(f"{place} has the shape {shape}, which no motion has.")


def _bytes_of(value: Mapping[str, Any]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value, ensure_ascii=False).encode(), np.uint8)


def _object_of(data: NDArray[np.uint8], *, place: str) -> dict[str, Any]:
    try:
        value = parsed(data.tobytes())
    except JsonError as error:
        raise MotionStoreError(f"{place} is not JSON ({error}).") from None
    if not isinstance(value, dict):
        raise MotionStoreError(f"{place} is not an object.")
    return value


def _of_type(about: Mapping[str, Any], name: str, kind: type) -> Any:
    value = about.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{name} is {shown(value)}, not of type {kind.__name__}")  # noqa: TRY004 (bad data, not bad use)
    return value


def _list_of(about: Mapping[str, Any], name: str, kind: type) -> list[Any]:
    return [_of_type({name: item}, name, kind) for item in _of_type(about, name, list)]


# --------------------------------------------------------------------------------------------------


def save_reading(
    path: Path, motions: Sequence[Motion], about: Mapping[str, Any], *, private: bool = False
) -> None:
    """Write motions and a description of them; the file appears whole or not at all.

    `OSError` if it cannot be written.

    With `private`, nobody but its owner can read it.
    """
    arrays = {"about": _bytes_of({"format": FORMAT, "motions": len(motions), "about": dict(about)})}
    for number, motion in enumerate(motions):
        arrays |= {f"{number}.{name}": array for name, array in motion_to_arrays(motion).items()}

    def write(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)

    write_whole(path, write, private=private)


def load_reading(path: Path) -> tuple[tuple[Motion, ...], dict[str, Any]]:
    """The motions of a file and their description.

    Raises
    ------
    MotionStoreError
        If anything in it is not as `save_reading` writes it, to the last bit.
    FileNotFoundError
        If there is none.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            _check_count(path, len(archive.infolist()))
            arrays = {
                info.filename.removesuffix(".npy"): _read(path, archive, info)
                for info in archive.infolist()
            }
    except FileNotFoundError:
        raise
    except (
        zipfile.BadZipFile,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        struct.error,
    ) as error:
        raise MotionStoreError(f"{path} is damaged ({why_damaged(error)}).") from error
    head = _object_of(arrays.pop("about", np.zeros(0, np.uint8)), place=f"{path}, about")
    count, about = head.get("motions"), head.get("about")
    if head.get("format") != FORMAT or not isinstance(about, dict):
        raise MotionStoreError(f"{path} is not a reading of this version.")
    if not isinstance(count, int) or not 0 <= count <= _MOST_MOTIONS:
        raise MotionStoreError(f"{path} says that it holds {count!r:.20} motions.")
    parts: list[Arrays] = [{} for _ in range(count)]
    for name, array in arrays.items():
        number, _, kind = name.partition(".")
        if not number.isdecimal() or int(number) >= count:
            raise MotionStoreError(f"{path} holds {name!r:.60}, which belongs to no motion.")
        parts[int(number)][kind] = array
    return tuple(
        motion_from_arrays(part, place=f"{path}, motion {n}") for n, part in enumerate(parts)
    ), about


def why_damaged(error: Exception) -> str:
    """Why a zip could not be read, in plain words."""
    if isinstance(error, OSError | struct.error):
        return "its table of contents leads out of the file"
    return "it breaks off" if isinstance(error, EOFError) else str(error)


def _check_count(path: Path, entries: int) -> None:
    most = len(_DTYPES) * _MOST_MOTIONS + 1
    if entries > most:
        raise MotionStoreError(
            f"{path} holds {entries} arrays; {_MOST_MOTIONS} motions have at most {most}."
        )


def _read(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """One array, copied so that later changes of the file do not reach it.

    Its header must fit the file.
    """
    place, name = f"{path}, {info.filename}", info.filename.removesuffix(".npy").rpartition(".")[2]
    if name not in _DTYPES or info.compress_type != zipfile.ZIP_STORED:
        raise MotionStoreError(f"{place} is not of a reading.")
    with archive.open(info) as member:
        try:
            if np.lib.format.read_magic(member) != (1, 0):
                raise MotionStoreError(f"{place} is an array of another version.")
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
        except (
            ValueError,
            SyntaxError,
            TokenError,
            RecursionError,
        ) as error:  # numpy parses the head as Python
            raise MotionStoreError(f"{place} is no array ({error}).") from error
        _check_array(place, name, dtype, shape)
        size, at = int(np.prod(shape)) * dtype.itemsize, member.tell()
        if fortran or at + size != info.file_size:
            raise MotionStoreError(f"{place} has {info.file_size - at} bytes, not {size}.")
        array = copied(cast("BinaryIO", member), shape, dtype, in_memory_bytes=IN_MEMORY_BYTES)
        member.read(1)  # the check sum is compared at the end
    return array


# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadingCache:
    """A cache of readings by key in a folder; the least recently used are removed first.

    A damaged reading counts as missing.

    Several programs may use one folder at once.

    Attributes
    ----------
    folder : Path
        Made when it is needed.
    limit_bytes : int
        Bound on all files together. A reading that is larger alone is not kept.
    """

    folder: Path
    limit_bytes: int = CACHE_BYTES

    @classmethod
    def of_user(cls) -> ReadingCache:
        """The cache in the user's folder for caches."""
        return cls(cache_folder() / "readings")

    @staticmethod
    def key(*parts: str | int) -> str:
        """The key of a clip's digest and everything that decides its reading."""
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()

    def get(self, key: str) -> tuple[tuple[Motion, ...], dict[str, Any]] | None:
        """The reading of a key; None if it is not kept, or not whole."""
        path = self._path(key)
        try:
            found = load_reading(path)
            os.utime(path)
        except MotionStoreError:
            self._drop(path)
            return None
        except OSError:
            return None
        return found

    def put(self, key: str, motions: Sequence[Motion], about: Mapping[str, Any]) -> None:
        """Keep a reading, if the folder can be written to."""
        path = self._path(key)
        if (
            sum(array.nbytes for motion in motions for array in motion_to_arrays(motion).values())
            > self.limit_bytes
        ):
            return
        try:
            make_private(self.folder)
            save_reading(path, motions, about, private=True)
            self._make_room(path)
        except OSError:
            return  # a cache that cannot be written to only costs time

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def _make_room(self, newest: Path) -> None:
        found = [
            (path.stat().st_mtime_ns, path.stat().st_size, path)
            for path in self.folder.glob("*.npz")
        ]
        held = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if held <= self.limit_bytes:
                return
            if path != newest:
                self._drop(path)
                held -= size

    @staticmethod
    def _drop(path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            return  # in use, where files in use cannot be deleted: later, then
