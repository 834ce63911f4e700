"""Project files: one ``.icface`` file, or a folder of the same entries as a recovery copy.

An ``.icface`` file is a zip of ``project.json`` and of ``arrays/DIGEST.npz``, one for each motion
and each set of landmarks. In a folder, arrays that are there already are not written again, so that
keeping a copy costs no more than its JSON.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from icface.document import Project
from icface.face.landmarks import N_LANDMARKS
from icface.motion.motion import Motion
from icface.motion.store import MotionStoreError, motion_from_arrays, motion_to_arrays
from icface.project_file import arrays
from icface.project_file.amounts import motion_of_today
from icface.project_file.container import Entries, FolderEntries, Writing, ZipEntries, write_entries
from icface.project_file.errors import ProjectFileError
from icface.project_file.media_paths import absolute_from, lexical, relative_to, with_paths
from icface.project_file.migrations import AMOUNTS_BEFORE, VERSION, migrated
from icface.project_file.tree import parsed, project_of, text_of, tree_of
from icface.system.atomic_write import reason, remove_unfinished, write_whole

ENDING = ".icface"
MOST_JSON_BYTES = 128 << 20
"""About a million keys."""
_ARRAYS = re.compile(r"arrays/([0-9a-f]{32})\.npz")


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """A document that was read.

    Attributes
    ----------
    project : Project
        Paths are absolute.
    notes : tuple of str
        Notes on it for people, such as that an older program wrote it.
    """

    project: Project
    notes: tuple[str, ...] = ()


def save_project(path: str | Path, project: Project) -> None:
    """Write a document into a file; the old one stands until the new one is whole and on the disk.

    Raises
    ------
    ProjectFileError
        If that fails; then nothing has changed on the disk.
    """
    path = Path(path)
    try:
        folder = Path(lexical(path)).parent
        text = _json(relative_to(project, folder))
        entries: dict[str, Writing] = {
            "project.json": partial(_write_bytes, text),
            **_arrays_of(project),
        }
        write_whole(path, lambda stream: write_entries(stream, entries.items()))
    except OSError as error:
        raise ProjectFileError(f"{path} could not be saved: {reason(error)}.") from error


def save_folder(folder: Path, project: Project) -> None:
    """Write a document into a folder, with absolute paths.

    A process killed at any moment leaves the old document or the new one.

    Raises
    ------
    ProjectFileError
        If that fails; then the document that was there is still whole.
    """
    try:
        wanted = _arrays_of(project)
        (folder / "arrays").mkdir(parents=True, exist_ok=True)
        for name, write in wanted.items():
            if not (folder / name).exists():
                write_whole(folder / name, write)
        text = _json(with_paths(project, lexical))
        write_whole(folder / "project.json", lambda stream: stream.write(text))
        for path in (folder / "arrays").iterdir():
            if f"arrays/{path.name}" not in wanted:
                path.unlink()
        remove_unfinished(folder / "arrays")
    except OSError as error:
        raise ProjectFileError(f"{folder} could not be written: {reason(error)}.") from error


def load_project(path: str | Path) -> Project:
    """The document of a file, see `read_project`."""
    return read_project(path).project


def read_project(path: str | Path) -> LoadedProject:
    """The document of an ``.icface`` file or of a folder that `save_folder` wrote.

    Whether its media exist is not checked.

    Raises
    ------
    ProjectFileError
        With the place in the document, for whatever is not as a project is.
    """
    path = Path(path)
    try:
        with _entries(path) as entries:
            data = entries.read("project.json", MOST_JSON_BYTES)
            tree, version = migrated(parsed(data))
            named = _named_in(entries.names)
            read_motions, read_landmarks = _read_arrays(entries, tree, named)
            if version <= AMOUNTS_BEFORE:
                read_motions = {
                    name: motion_of_today(found) for name, found in read_motions.items()
                }
            project = project_of(tree, read_motions, read_landmarks)
            project = absolute_from(project, Path(lexical(path)).parent)
    except OSError as error:
        raise ProjectFileError(f"{path} could not be opened: {reason(error)}.") from error
    except MemoryError:
        raise ProjectFileError(
            f"{path} could not be opened: memory is full; close other programs."
        ) from None
    except ProjectFileError as error:
        raise ProjectFileError(f"{path.name} cannot be opened. {error}") from None
    older = (
        f"{path.name} was written by an older program; saved again, older programs cannot read it."
    )
    return LoadedProject(project, (older,) if version < VERSION else ())


@contextmanager
def _entries(path: Path) -> Iterator[Entries]:
    if path.is_dir():
        yield FolderEntries(path)
        return
    if path.exists() and not path.is_file():
        raise ProjectFileError("It is not a file.")
    with path.open("rb") as stream:
        yield ZipEntries(stream, "The file")


def _json(project: Project) -> bytes:
    text = text_of(tree_of(project)).encode()
    if len(text) > MOST_JSON_BYTES:
        raise ProjectFileError(
            f"The project has {len(text)} bytes of keys and rules; "
            f"at most {MOST_JSON_BYTES} can be saved."
        )
    return text


def _write_bytes(data: bytes, stream: IO[bytes]) -> None:
    stream.write(data)


def _arrays_of(project: Project) -> dict[str, Writing]:
    """Writers of the arrays stored beside the JSON, one for each digest."""
    found: dict[str, Writing] = {}
    for face in project.faces:
        found[f"arrays/{face.landmarks_digest}.npz"] = partial(
            _write_arrays, {"landmarks": face.landmarks}
        )
    for motion in (
        *(face.motion for face in project.faces),
        *(driver.motion for driver in project.drivers),
    ):
        if motion is not None:
            found[f"arrays/{motion.digest}.npz"] = partial(_write_arrays, motion_to_arrays(motion))
    return dict(sorted(found.items()))


def _write_arrays(named: dict[str, NDArray[Any]], stream: IO[bytes]) -> None:
    arrays.write_arrays(stream, named)


def _named_in(names: frozenset[str]) -> dict[str, str]:
    """Entries by digest.

    `ProjectFileError` for an unknown entry, such as one outside the folder.
    """
    named: dict[str, str] = {}
    for name in sorted(names - {"project.json"}):
        found = _ARRAYS.fullmatch(name)
        if found is None:
            raise ProjectFileError(f"It has an entry {name!r}, which no project has.")
        named[found[1]] = name
    return named


def _read_arrays(
    entries: Entries, tree: dict[str, Any], named: dict[str, str]
) -> tuple[dict[str, Motion], dict[str, NDArray[np.float32]]]:
    """Motions and landmarks that the tree names, by digest; missing ones are reported later."""
    read_motions: dict[str, Motion] = {}
    read_landmarks: dict[str, NDArray[np.float32]] = {}
    for digest in sorted(_spoken_of(tree, "motion") & named.keys()):
        found = _unpacked(entries, named[digest])
        try:
            motion = motion_from_arrays(found, place=named[digest])
        except MotionStoreError as error:
            raise ProjectFileError(str(error)) from None
        if motion.digest != digest:
            raise ProjectFileError(
                f"{named[digest]} holds another motion than its name says. Open an older copy."
            )
        read_motions[digest] = motion
    for digest in sorted(_spoken_of(tree, "landmarks") & named.keys()):
        found = _unpacked(entries, named[digest])
        read_landmarks[digest] = _landmarks(found, digest, named[digest])
    return read_motions, read_landmarks


def _unpacked(entries: Entries, name: str) -> dict[str, NDArray[Any]]:
    with entries.open(name, arrays.MOST_BYTES) as stream:
        return arrays.unpacked(stream, name, most_packed=entries.most_packed_in(name))


def _spoken_of(tree: dict[str, Any], field: str) -> set[str]:
    items = [tree.get("faces"), tree.get("drivers")]
    found = [
        item.get(field)
        for of in items
        if isinstance(of, list)
        for item in of
        if isinstance(item, dict)
    ]
    return {digest for digest in found if isinstance(digest, str)}


def _landmarks(found: dict[str, NDArray[Any]], digest: str, where: str) -> NDArray[np.float32]:
    landmarks = found.get("landmarks")
    if (
        landmarks is None
        or len(found) > 1
        or landmarks.dtype != np.float32
        or landmarks.shape != (N_LANDMARKS, 3)
    ):
        raise ProjectFileError(
            f"{where} does not hold the {N_LANDMARKS} landmarks of a face, and nothing else."
        )
    if hashlib.blake2b(landmarks.tobytes(), digest_size=16).hexdigest() != digest:
        raise ProjectFileError(
            f"{where} holds other landmarks than its name says. Open an older copy."
        )
    return landmarks
