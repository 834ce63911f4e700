"""Media that are no longer where they were are told, and found again with their neighbours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from icface.document import DataFile, Project, edits
from icface.face.controls import ControlVector
from icface.project_file import (
    DifferentFileError,
    ProjectFileError,
    load_project,
    media,
    media_paths,
    missing_media,
    relink,
    save_project,
)
from icface.system.file_stamp import sha256_of
from tests.strategies import a_clip, a_driver, a_motion, a_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A photo, a clip and a table, all in one folder that exists."""
    folder = tmp_path / "old"
    folder.mkdir()
    for name in ("a.png", "b.mp4", "c.csv"):
        (folder / name).write_bytes(name.encode() * 10)
    made = a_project(ControlVector())
    photo = replace(made.source, path=str(folder / "a.png"), digest=sha256_of(folder / "a.png"))  # type: ignore[type-var]
    driver = a_driver("A", a_motion([ControlVector()]))
    clip = replace(a_clip(1), path=str(folder / "b.mp4"), digest=sha256_of(folder / "b.mp4"))
    table = DataFile(str(folder / "c.csv"), sha256_of(folder / "c.csv"), "OpenFace CSV")
    made = edits.add_driver(replace(made, source=photo), replace(driver, medium=clip))
    made = edits.add_driver(made, replace(driver, name="B", medium=table))
    return edits.add_driver(made, replace(driver, name="C", medium=clip))


def names(project: Project, *, missing: bool = False) -> list[str]:
    return [
        Path(medium.path).name for medium in (missing_media(project) if missing else media(project))
    ]


def test_every_file_is_named_once_and_the_source_first(project: Project) -> None:
    assert names(project) == ["a.png", "b.mp4", "c.csv"]
    assert names(Project()) == []


def test_only_what_is_gone_is_missing(project: Project, tmp_path: Path) -> None:
    assert names(project, missing=True) == []
    (tmp_path / "old" / "b.mp4").unlink()
    assert names(project, missing=True) == ["b.mp4"]


def test_one_file_found_brings_its_neighbours_along(project: Project, tmp_path: Path) -> None:
    (tmp_path / "old").rename(tmp_path / "new")
    assert names(project, missing=True) == ["a.png", "b.mp4", "c.csv"]
    found = relink(project, str(tmp_path / "old" / "a.png"), tmp_path / "new" / "a.png")
    assert names(found, missing=True) == []
    assert {Path(medium.path).parent for medium in media(found)} == {tmp_path / "new"}
    assert found.edits is project.edits
    assert names(project, missing=True) == ["a.png", "b.mp4", "c.csv"]


def test_neighbours_that_are_not_the_same_or_not_missing_are_left_alone(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new").mkdir()
    for name in ("a.png", "b.mp4"):
        (tmp_path / "old" / name).rename(tmp_path / "new" / name)
    (tmp_path / "new" / "b.mp4").write_bytes(b"another film")
    (tmp_path / "new" / "c.csv").write_bytes((tmp_path / "old" / "c.csv").read_bytes())
    found = relink(project, str(tmp_path / "old" / "a.png"), tmp_path / "new" / "a.png")
    assert names(found, missing=True) == ["b.mp4"]
    assert media(found)[2].path == str(tmp_path / "old" / "c.csv")

    digest = media_paths.sha256_of

    def unreadable(path: Path) -> str:
        if path.name == "b.mp4":
            raise PermissionError(13, "not permitted")
        return digest(path)

    monkeypatch.setattr(media_paths, "sha256_of", unreadable)
    assert relink(project, str(tmp_path / "old" / "a.png"), tmp_path / "new" / "a.png") == found


def test_another_file_needs_a_yes(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(b"another picture")
    old = str(tmp_path / "old" / "a.png")
    with pytest.raises(
        DifferentFileError, match=r"other\.png is not the file that the project was made with"
    ):
        relink(project, old, other)
    found = relink(project, old, other, different=True)
    assert found.source is not None
    assert (found.source.path, found.source.digest) == (str(other), sha256_of(other))


def test_what_the_project_does_not_speak_of_and_what_cannot_be_read_is_told(
    project: Project, tmp_path: Path
) -> None:
    with pytest.raises(ProjectFileError, match=r"x\.png is not a file of this project"):
        relink(project, "x.png", tmp_path / "old" / "a.png")
    with pytest.raises(ProjectFileError, match=r"gone\.png cannot be read: No such file"):
        relink(project, str(tmp_path / "old" / "a.png"), tmp_path / "gone.png")


def test_a_path_from_the_working_folder_on_is_kept_as_where_it_is(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "old")
    short = replace(project, source=replace(project.source, path="a.png"))  # type: ignore[type-var]
    save_project("x.icface", short)
    assert load_project("x.icface") == project


def test_media_on_another_drive_keep_their_whole_path(monkeypatch: pytest.MonkeyPatch) -> None:
    import ntpath

    monkeypatch.setattr(media_paths.os, "path", ntpath)
    monkeypatch.setattr(media_paths.os, "sep", "\\")
    relative = media_paths._relative
    assert relative(r"D:\clips\a.mp4", Path(r"C:\projects")) == "D:/clips/a.mp4"
    assert relative(r"C:\clips\a.mp4", Path(r"C:\projects\one")) == "../../clips/a.mp4"
