"""Files appear whole or not at all, whatever goes wrong."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import IO, Any, BinaryIO

import pytest

from icface.system.atomic_write import reason, remove_unfinished, write_whole
from icface.system.file_locks import try_to_lock


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    assert write_whole(target, lambda stream: stream.write(b"one")) == 3
    write_whole(target, lambda stream: stream.write(b"two"))
    assert target.read_bytes() == b"two"
    assert names(tmp_path) == ["a.txt"]


def test_the_old_file_stands_when_writing_fails_half_way(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_bytes(b"old")

    def fails(stream: BinaryIO) -> None:
        stream.write(b"new and lo")
        raise OSError(errno.ENOSPC, "no room")

    with pytest.raises(OSError, match="no room") as caught:
        write_whole(target, fails)
    assert reason(caught.value) == "the disk is full; make room or choose another folder"
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are those of POSIX")
def test_the_old_file_stands_when_the_system_takes_no_more_bytes(tmp_path: Path) -> None:
    import resource

    target = tmp_path / "a.txt"
    target.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            write_whole(target, lambda stream: stream.write(b"x" * 100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "larger than this disk" in reason(caught.value)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_of_the_name_and_a_missing_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_whole(tmp_path / "a.txt", lambda stream: stream.write(b""))
    assert "there is a folder of that name" in reason(caught.value)
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "gone" / "a.txt", lambda stream: stream.write(b""))
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("read_only", ["file", "folder"])
def test_what_cannot_be_written_to_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_only: str
) -> None:
    target = tmp_path / "a.txt"
    target.write_bytes(b"old")
    (target if read_only == "file" else tmp_path).chmod(0o444 if read_only == "file" else 0o555)
    if os.geteuid() == 0:  # who may write anywhere: say what the system says to everybody else
        made = os.open
        monkeypatch.setattr(
            os, "access", lambda path, mode: False if read_only == "file" else Path(path).exists()
        )

        def refuses(path: Path, flags: int, mode: int = 0o777) -> int:
            if flags & os.O_EXCL:
                raise PermissionError(errno.EACCES, "not permitted")
            return made(path, flags, mode)

        monkeypatch.setattr(os, "open", refuses)
    with pytest.raises(PermissionError) as caught:
        write_whole(target, lambda stream: stream.write(b"new"))
    assert "you lack the permission" in reason(caught.value)
    tmp_path.chmod(0o755)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_what_a_link_points_at_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_whole(link, lambda stream: stream.write(b"new"))
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
def test_what_a_killed_process_left_is_removed_and_what_is_being_written_is_not(
    tmp_path: Path,
) -> None:
    left, live = (
        tmp_path / ".0123456789abcdef.unfinished",
        tmp_path / ".fedcba9876543210.unfinished",
    )
    other = tmp_path / ".0123456789abcdef.part"
    for path in (left, live, other):
        path.write_bytes(b"half")
    with live.open("rb") as stream:
        assert try_to_lock(stream)
        write_whole(tmp_path / "a.txt", lambda stream: stream.write(b"whole"))
        assert names(tmp_path) == sorted([live.name, other.name, "a.txt"])
    remove_unfinished(tmp_path)
    assert names(tmp_path) == sorted([other.name, "a.txt"])


def test_an_unfinished_file_of_somebody_who_writes_at_the_same_time_survives(
    tmp_path: Path,
) -> None:
    def write_within(stream: BinaryIO) -> None:
        write_whole(tmp_path / "b.txt", lambda inner: inner.write(b"inner"))
        stream.write(b"outer")

    write_whole(tmp_path / "a.txt", write_within)
    assert (tmp_path / "a.txt").read_bytes() == b"outer"
    assert (tmp_path / "b.txt").read_bytes() == b"inner"


def test_other_errors_are_told_in_the_systems_words() -> None:
    assert reason(OSError(errno.EIO, "Input/output error")) == "Input/output error"
    assert reason(OSError("odd")) == "odd"


def test_a_file_that_another_program_has_open_is_called_that_where_the_system_says_so() -> None:
    error = PermissionError(errno.EACCES, "in use", "a.mp4")
    assert "permission" in reason(error)
    error.winerror = 32  # type: ignore[attr-defined]
    assert "another program has it open" in reason(error)


def test_what_is_left_over_is_closed_before_it_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows removes no file that is open."""
    left = tmp_path / ".0123456789abcdef.unfinished"
    left.write_bytes(b"half")
    opened: list[IO[Any]] = []
    unlink, path_open = Path.unlink, Path.open

    def remembered(path: Path, *words: Any, **options: Any) -> IO[Any]:
        opened.append(path_open(path, *words, **options))
        return opened[-1]

    def strict(path: Path, missing_ok: bool = False) -> None:
        assert all(stream.closed for stream in opened)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr("icface.system.file_locks.REMOVES_OPEN_FILES", False)
    monkeypatch.setattr(Path, "open", remembered)
    monkeypatch.setattr(Path, "unlink", strict)
    remove_unfinished(tmp_path)
    assert opened
    assert not left.exists()
