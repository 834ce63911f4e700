"""Copies of unsaved documents: each window its own, found when their window is gone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from app.files.recovery import RecoveryFolder, left_behind, users_folder
from icface.document import Project
from icface.face.controls import ControlVector
from icface.project_file import load_project
from tests.strategies import a_project


def killed(folder: RecoveryFolder) -> None:
    """The process ends, and its locks with it."""
    assert folder._lock is not None
    folder._lock.close()


def test_a_copy_is_found_only_when_its_window_is_gone(tmp_path: Path) -> None:
    project, folder = a_project(ControlVector()), RecoveryFolder(tmp_path)
    assert left_behind(tmp_path) == ()
    folder.keep(project, tmp_path / "one.icface")
    assert left_behind(tmp_path) == ()
    killed(folder)
    (one,) = left_behind(tmp_path)
    assert (one.name, one.path, one.folder) == ("one.icface", tmp_path / "one.icface", folder.path)
    assert load_project(one.document).faces == project.faces
    assert left_behind(tmp_path) == ()
    one.release()
    (again,) = left_behind(tmp_path)
    again.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_later_copy_tells_the_name_the_document_has_then(tmp_path: Path) -> None:
    folder = RecoveryFolder(tmp_path)
    folder.keep(Project(), None)
    folder.keep(a_project(ControlVector()), None)
    killed(folder)
    (one,) = left_behind(tmp_path)
    assert one.name == "Edits of portrait.png"
    one.remove()


def test_copies_come_newest_first(tmp_path: Path) -> None:
    import os

    for age in (100, 300, 200):
        folder = RecoveryFolder(tmp_path)
        folder.keep(Project(), tmp_path / f"{age}.icface")
        os.utime(folder.document / "project.json", (10_000 - age, 10_000 - age))
        killed(folder)
    found = left_behind(tmp_path)
    assert [one.name for one in found] == ["100.icface", "200.icface", "300.icface"]
    for one in found:
        one.remove()


def test_a_cleared_folder_holds_no_copy_and_a_closed_one_is_gone(tmp_path: Path) -> None:
    folder = RecoveryFolder(tmp_path)
    folder.clear()
    folder.keep(Project(), None)
    folder.clear()
    assert not folder.document.exists()
    folder.keep(Project(), None)
    assert load_project(folder.document) == Project()
    folder.close()
    folder.close()
    assert list(tmp_path.iterdir()) == []


def test_empty_folders_of_crashed_windows_go_and_foreign_ones_stay(
    tmp_path: Path,
) -> None:
    folder = RecoveryFolder(tmp_path)
    folder.keep(Project(), None)
    folder.clear()
    killed(folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "note.txt").touch()
    assert left_behind(tmp_path) == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "note.txt"]


def test_half_a_copy_that_a_killed_window_was_removing_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RecoveryFolder(tmp_path)
    folder.keep(a_project(ControlVector()), None)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("app.files.recovery.shutil.rmtree", dies)
        with pytest.raises(KeyboardInterrupt):
            folder.clear()
    killed(folder)
    assert left_behind(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "about", ["{", "[]", json.dumps({"name": "x"}), json.dumps({"path": 3, "name": "x"})]
)
def test_a_copy_whose_name_is_damaged_is_offered_all_the_same(tmp_path: Path, about: str) -> None:
    folder = RecoveryFolder(tmp_path)
    folder.keep(Project(), tmp_path / "one.icface")
    (folder.path / "about.json").write_text(about)
    killed(folder)
    (one,) = left_behind(tmp_path)
    assert (one.name, one.path) == ("An unsaved document", None)
    one.remove()


def test_copies_are_kept_with_the_users_state() -> None:
    assert users_folder().parts[-2:] == ("icface-studio", "unsaved")


def test_the_folder_of_a_window_killed_at_its_start_goes_after_a_minute(tmp_path: Path) -> None:
    begun, long_ago, stranger = (
        tmp_path / name for name in ("0123456789abcdef", "fedcba9876543210", "photos")
    )
    for folder in (begun, long_ago, stranger):
        folder.mkdir()
    for folder in (long_ago, stranger):
        os.utime(folder, (0, 0))
    assert left_behind(tmp_path) == ()
    assert [path.name for path in sorted(tmp_path.iterdir())] == [begun.name, stranger.name]
