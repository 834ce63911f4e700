"""The files that a document is made of: nothing that is written may take their place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from icface.document import Project


def originals(project: Project) -> Iterator[Path]:
    """The files of a document's source and of what drives it, as far as they exist."""
    for medium in (project.source, *(driver.medium for driver in project.drivers)):
        if medium is not None and Path(medium.path).exists():
            yield Path(medium.path)


def original_at(project: Project, path: Path) -> Path | None:
    """The file of the document that a path names, by whatever name or link; None if it names none of them."""
    return next(
        (found for found in originals(project) if path.exists() and path.samefile(found)), None
    )


def refusal(found: Path) -> str:
    """Why a file is not written over, and what to do."""
    return (
        f"{found} is what is edited, or drives it. Choose another name, so that the original stays."
    )
