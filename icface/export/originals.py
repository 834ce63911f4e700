"""The files that a document is made of: nothing that is written may take their place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from icface.document import Clip, Project
from icface.export.choices import ExportError
from icface.media import Photo, load_photo
from icface.media.clip import ClipInfo, probe


def originals(project: Project) -> Iterator[Path]:
    """The files of a document's source and drivers, as far as they exist."""
    for medium in (project.source, *(driver.medium for driver in project.drivers)):
        if medium is not None and Path(medium.path).exists():
            yield Path(medium.path)


def original_at(project: Project, path: Path) -> Path | None:
    """The file of the document that a path names, directly or by a link; None if there is none."""
    return next(
        (found for found in originals(project) if path.exists() and path.samefile(found)), None
    )


def refusal(found: Path) -> str:
    """The reason not to write over a file of the document, and the remedy."""
    return (
        f"{found} is the source or a driver of the document. "
        "Choose another name, so that the original stays."
    )


def found_clip(clip: Clip) -> ClipInfo:
    """A document's clip, probed anew.

    Raises
    ------
    VideoError
        If the clip is gone.
    ExportError
        If its place holds another clip.
    """
    info = probe(clip.path)
    if info.digest != clip.digest:
        raise ExportError(
            f"{clip.path} is another clip than before. Put the old one back, or open this one anew."
        )
    return info


def found_photo(project: Project) -> Photo:
    """A document's photo, read anew.

    Raises
    ------
    PhotoError
        If the photo is gone.
    ExportError
        If its place holds another picture.
    """
    assert project.source is not None
    photo = load_photo(project.source.path)
    if photo.digest != project.source.digest:
        raise ExportError(
            f"{photo.path} is another picture than before. "
            "Put the old one back, or open this one anew."
        )
    return photo
