"""Entries of a project: named bytes in a zip or in a folder, every read bounded.

Convention
----------
Entries are stored as they are, without compression: what a file claims can then never be more than
its own size. Entries that somebody else compressed are read as well, up to `MOST_RATIO` times their
size and `MOST_PACKED_BYTES` together; what is compressed within them is not.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Protocol

from icface.motion.store import why_damaged
from icface.project_file.errors import ProjectFileError
from icface.system.atomic_write import is_unfinished

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_ENTRIES = 4096
MOST_RATIO = 100
MOST_PACKED_BYTES = 256 << 20
"""Of all compressed entries of a zip together, unpacked."""
_SMALL_BYTES = 1 << 20
Writing = Callable[[IO[bytes]], object]
"""Writes the bytes of an entry into a stream."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Entries(Protocol):
    """Named pieces of bytes."""

    @property
    def names(self) -> frozenset[str]:
        """Names of the entries."""
        ...

    def read(self, name: str, most: int) -> bytes:
        """An entry; `ProjectFileError` if it is missing, damaged, or larger than `most` bytes."""
        ...

    def open(self, name: str, most: int) -> BinaryIO:
        """An entry as a file to read from while the entries are open; errors as in `read`."""
        ...

    def most_packed_in(self, name: str) -> int:
        """The most bytes unpacked from an entry that is a zip."""
        ...


class ZipEntries:
    """The entries of a zip, after its table of contents has been looked through.

    Parameters
    ----------
    stream : BinaryIO
        Seekable; stays open as long as entries are read.
    where : str
        What the zip is called in messages.
    most_packed : int
        Bytes of all compressed entries together, unpacked.

    Raises
    ------
    ProjectFileError
        If it is no zip, breaks off, or has entries that are named twice, encrypted, links, or
        larger than they can be.
    """

    def __init__(
        self, stream: BinaryIO, where: str, *, most_packed: int = MOST_PACKED_BYTES
    ) -> None:
        self._where, self._stream = where, stream
        size = stream.seek(0, 2)
        try:
            self._zip = zipfile.ZipFile(stream)
        except (
            zipfile.BadZipFile,
            ValueError,
            EOFError,
            OSError,
            NotImplementedError,
            struct.error,
        ) as error:
            raise ProjectFileError(
                f"{where} is not a whole zip file ({why_damaged(error)}). Open an older copy of it."
            ) from None
        listed = self._zip.infolist()
        if len(listed) > MOST_ENTRIES:
            raise ProjectFileError(
                f"{where} has {len(listed)} entries; a project has at most {MOST_ENTRIES}."
            )
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in listed:
            self._check(info)
            self._infos[info.filename] = info
        unpacked = sum(
            info.file_size for info in listed if info.compress_type != zipfile.ZIP_STORED
        )
        if unpacked > most_packed:
            raise ProjectFileError(
                f"{where} packs {unpacked} bytes, and at most {most_packed} are unpacked. "
                "Pack it again without compression."
            )
        packed = sum(info.compress_size for info in listed)
        if packed > size:
            raise ProjectFileError(
                f"{where} claims {packed} bytes of entries in {size} bytes. "
                "Open an older copy of it."
            )

    @property
    def names(self) -> frozenset[str]:
        """Names of the entries."""
        return frozenset(self._infos)

    def _check(self, info: zipfile.ZipInfo) -> None:
        name, where = info.orig_filename, self._where
        if name in self._infos or info.filename in self._infos:
            raise ProjectFileError(
                f"{where} has the entry {name!r} twice. It was not written by this program."
            )
        if info.flag_bits & 1:
            raise ProjectFileError(
                f"{where}: the entry {name!r} is encrypted. Pack it again without a password."
            )
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ProjectFileError(
                f"{where}: the entry {name!r} is packed in an unknown way. "
                "Pack it again as plain zip."
            )
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ProjectFileError(
                f"{where}: the entry {name!r} is a link. A project holds no links."
            )
        if info.file_size > MOST_RATIO * info.compress_size + _SMALL_BYTES:
            raise ProjectFileError(
                f"{where}: the entry {name!r} claims {info.file_size} bytes, packed in "
                f"{info.compress_size}. "
                "That is more than a project packs; pack it again without compression."
            )

    def read(self, name: str, most: int) -> bytes:
        """An entry, its checksum verified."""
        info = self._info(name, most)
        try:
            with self._zip.open(info) as member:
                data = member.read(info.file_size + 1)
        except (
            zipfile.BadZipFile,
            EOFError,
            ValueError,
            OSError,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise _damaged(self._where, name, why_damaged(error)) from None
        except Exception as error:
            if type(error).__module__ != "zlib":
                raise
            raise _damaged(self._where, name, str(error)) from None
        if len(data) != info.file_size:
            raise _damaged(self._where, name, f"{len(data)} bytes instead of {info.file_size}")
        return data

    def open(self, name: str, most: int) -> BinaryIO:
        """An entry as a file; the checksum of one that is not compressed is not verified."""
        info = self._info(name, most)
        if info.compress_type != zipfile.ZIP_STORED:
            return io.BytesIO(self.read(name, most))
        if info.header_offset < 0:
            raise _damaged(self._where, name, "it begins before the file")
        self._stream.seek(info.header_offset)
        head = self._stream.read(_LOCAL.size)
        if len(head) < _LOCAL.size or info.file_size != info.compress_size:
            raise _damaged(self._where, name, "it breaks off")
        start = info.header_offset + _LOCAL.size + sum(_LOCAL.unpack(head))
        return io.BufferedReader(_Part(self._stream, start, info.file_size))

    def most_packed_in(self, name: str) -> int:
        """The most bytes unpacked from an entry that is a zip.

        Next to none if it is compressed itself.
        """
        info = self._infos.get(name)
        return (
            MOST_PACKED_BYTES
            if info is None or info.compress_type == zipfile.ZIP_STORED
            else _SMALL_BYTES
        )

    def _info(self, name: str, most: int) -> zipfile.ZipInfo:
        info = self._infos.get(name)
        if info is None:
            raise ProjectFileError(
                f"{self._where} lacks the entry {name}. Open an older copy of it."
            )
        if info.file_size > most:
            raise ProjectFileError(
                f"{self._where}: {name} has {info.file_size} bytes; at most {most} are read."
            )
        return info


_LOCAL = struct.Struct("<26xHH")
"""The head of an entry where its bytes begin; name and extra field, of these lengths, follow."""


class _Part(io.RawIOBase):
    """Some bytes of a file, as a file."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self._stream, self._start, self._size, self._at = stream, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer).cast("B")
        self._stream.seek(self._start + self._at)
        data = self._stream.read(max(min(len(room), self._size - self._at), 0))
        room[: len(data)] = data
        self._at += len(data)
        return len(data)


class FolderEntries:
    """The same entries as files in a folder, as a recovery copy has them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        arrays = folder / "arrays"
        inside = [path.name for path in arrays.iterdir()] if arrays.is_dir() else []
        self._names = frozenset(
            {"project.json", *(f"arrays/{name}" for name in inside if not is_unfinished(name))}
        )

    @property
    def names(self) -> frozenset[str]:
        """Names of the entries."""
        return self._names

    def most_packed_in(self, name: str) -> int:
        """The most bytes unpacked from an entry that is a zip."""
        return MOST_PACKED_BYTES

    def open(self, name: str, most: int) -> BinaryIO:
        """An entry as a file."""
        return self._path(name, most).open("rb")

    def read(self, name: str, most: int) -> bytes:
        """An entry."""
        return self._path(name, most).read_bytes()

    def _path(self, name: str, most: int) -> Path:
        path = self._folder / name
        if path.is_symlink() or not path.is_file():
            raise ProjectFileError(
                f"{self._folder} lacks the file {name}. Open another copy of it."
            )
        if path.stat().st_size > most:
            raise ProjectFileError(
                f"{path} has {path.stat().st_size} bytes; at most {most} are read."
            )
        return path


def write_entries(stream: BinaryIO, entries: Iterable[tuple[str, Writing]]) -> None:
    """Write a zip of entries in their order; the same entries give the same bytes."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, write in entries:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            with archive.open(info, "w", force_zip64=True) as member:
                write(member)


def _damaged(where: str, name: str, why: str) -> ProjectFileError:
    return ProjectFileError(f"{where}: {name} is damaged ({why}). Open an older copy of it.")
