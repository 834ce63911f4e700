"""Migrations of project files: one pure function on the JSON tree for each version.

Whoever changes what a project file holds raises `VERSION`, adds the step from the version before,
and stores a file of that version with the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from icface.project_file.amounts import document_of_today
from icface.project_file.errors import ProjectFileError

Tree = dict[str, Any]
Migration = Callable[[Tree], Tree]
"""From the tree of one version to the tree of the next, without ``format`` and ``version``; the
given one stays as it is."""

FORMAT = "icface-project"
VERSION = 3
AMOUNTS_BEFORE = 2
"""Last version in the amounts of before, also of its motions; see `icface.project_file.amounts`."""


def _with_length(tree: Tree) -> Tree:
    """Version 2: a photo has a length; a document of version 1 stays as long as its contents."""
    return {**tree, "length": None}


MIGRATIONS: Mapping[int, Migration] = {1: _with_length, AMOUNTS_BEFORE: document_of_today}
"""By the version they start from. Version 1 is the first: programs before it had no project
files."""


def migrated(
    tree: object, migrations: Mapping[int, Migration] = MIGRATIONS, version: int = VERSION
) -> tuple[Tree, int]:
    """The document's tree in today's version, without ``format`` and ``version``; and its version.

    Raises
    ------
    ProjectFileError
        If it is no project, of a newer version, or of one from which no step leads on.
    """
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise ProjectFileError(
            f'$.format: this is not a project of ICface Studio; "format": "{FORMAT}" is not there.'
        )
    found = tree.get("version")
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise ProjectFileError(f"$.version: a version is a whole number, not {found!r}.")
    if found > version:
        raise ProjectFileError(
            f"$.version: the project has version {found}, and this program reads up to {version}. "
            "Open it with a newer program."
        )
    document = {name: value for name, value in tree.items() if name not in ("format", "version")}
    for step in range(found, version):
        if step not in migrations:
            raise ProjectFileError(
                f"$.version: version {found} is not known. Open it with the program that wrote it."
            )
        try:
            document = migrations[step](document)
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            raise ProjectFileError(
                f"$: a project of version {found} that does not hold together ({error})."
            ) from error
    return document, found
