"""A file is known again by its content, quickly where nothing has touched it."""

from __future__ import annotations

import os
from pathlib import Path

from icface.system.file_stamp import is_as_seen, stamp_of


def test_a_file_that_nobody_touched_is_as_it_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    assert is_as_seen(path, stamp_of(path))


def test_a_file_of_the_same_length_and_another_content_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    seen = stamp_of(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert not is_as_seen(path, seen)


def test_a_file_that_was_only_copied_back_is(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    seen = stamp_of(path)
    os.utime(path, ns=(1, 1))
    assert is_as_seen(path, seen)


def test_a_file_that_is_gone_is_not_and_none_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert stamp_of(path) is None
    assert is_as_seen(path, None)
    path.write_bytes(b"one")
    assert not is_as_seen(path, None)
    seen = stamp_of(path)
    path.unlink()
    assert not is_as_seen(path, seen)
    assert not is_as_seen(tmp_path / "no" / "folder", seen)
