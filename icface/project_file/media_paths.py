"""Paths of a document's photos, clips and tables: made relative, missing, and found again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from icface.document import DataFile, Medium, Project
from icface.project_file.errors import ProjectFileError
from icface.system.file_stamp import sha256_of


class DifferentFileError(ProjectFileError):
    """Another file than the one that the document was made with."""


def media(project: Project) -> tuple[Medium, ...]:
    """Every file that the document names, once each, the source first."""
    found: dict[tuple[str, str], Medium] = {}
    for medium in (project.source, *(driver.medium for driver in project.drivers)):
        if medium is not None:
            found.setdefault((medium.path, medium.digest), medium)
    return tuple(found.values())


def missing_media(project: Project) -> tuple[Medium, ...]:
    """The files that are missing, the source first."""
    return tuple(medium for medium in media(project) if not Path(medium.path).is_file())


def lexical(path: str | Path) -> str:
    """The whole path without ``..``, as it is written: links are not looked at."""
    return os.path.normpath(Path(path).absolute())


Found = dict[str, tuple[str, str]]
"""Path in the document: path and digest of the file that was found in its place."""


def relink(project: Project, old: str, new: Path, *, different: bool = False) -> Project:
    """The document with a moved file, and others beside it, found again.

    It is `relinked` with the result of `find`.
    """
    return relinked(project, find(project, old, new, different=different))


def find(project: Project, old: str, new: Path, *, different: bool = False) -> Found:
    """Replacements for a moved file, and for every other missing file in the new folder.

    Parameters
    ----------
    project : Project
    old : str
        The path in the document.
    new : Path
        Where the file is.
    different : bool
        Somebody has said yes to a file that is not the same. What was read in the old one stays. Of
        the others in the folder only the very same files are taken.

    Raises
    ------
    DifferentFileError
        If the file is not the same and nobody has said yes.
    ProjectFileError
        If the document does not speak of `old`, or the new file cannot be read.
    """
    wanted = {medium.digest for medium in media(project) if medium.path == old}
    if not wanted:
        raise ProjectFileError(f"{old} is not a file of this project.")
    try:
        digest = sha256_of(new)
    except OSError as error:
        raise ProjectFileError(f"{new} cannot be read: {error.strerror or error}.") from error
    if wanted != {digest} and not different:
        raise DifferentFileError(
            f"{new.name} is not the file that the project was made with; it has other content."
        )
    return {old: (lexical(new), digest), **_siblings(project, old, new)}


def relinked(project: Project, found: Found) -> Project:
    """The document with the new places of its files; an edit like `icface.document.edits`."""

    def placed(medium: Medium) -> Medium:
        path, digest = found.get(medium.path, (medium.path, medium.digest))
        return replace(medium, path=path, digest=digest)

    return _with_media(project, placed)


def _siblings(project: Project, old: str, new: Path) -> Found:
    """Other missing files of the old folder, where the new folder has the very same ones."""
    found: Found = {}
    for medium in missing_media(project):
        place = new.parent / _name(medium.path)
        if medium.path == old or _folder(medium.path) != _folder(old) or not place.is_file():
            continue
        try:
            same = sha256_of(place) == medium.digest
        except OSError:
            continue
        if same:
            found[medium.path] = (lexical(place), medium.digest)
    return found


def _name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2] if os.sep == "\\" else path.rpartition("/")[2]


def _folder(path: str) -> str:
    return path[: len(path) - len(_name(path))]


def relative_to(project: Project, folder: Path) -> Project:
    """The document as its file stores it: paths relative to the file's folder, with ``/``.

    A path on another drive stays absolute.
    """
    return with_paths(project, lambda path: _relative(lexical(path), folder))


def absolute_from(project: Project, folder: Path) -> Project:
    """The document of a file in a folder: paths as the system has them."""
    return with_paths(project, lambda path: lexical(folder / path))


def _relative(path: str, folder: Path) -> str:
    try:
        found = os.path.relpath(path, folder)
    except ValueError:  # another drive
        return PureWindowsPath(path).as_posix()
    return PureWindowsPath(found).as_posix() if os.sep == "\\" else str(PurePosixPath(found))


def with_paths(project: Project, place: Callable[[str], str]) -> Project:
    """The document with other paths to its files."""

    def placed(medium: Medium) -> Medium:
        return replace(medium, path=place(medium.path))

    return _with_media(project, placed)


def _with_media(project: Project, change: Callable[[Medium], Medium]) -> Project:
    source = project.source if project.source is None else change(project.source)
    assert not isinstance(source, DataFile)  # a change keeps the kind
    drivers = tuple(replace(driver, medium=change(driver.medium)) for driver in project.drivers)
    return replace(project, source=source, drivers=drivers)
