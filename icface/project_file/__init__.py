"""Documents on the disk: read strictly, written whole, and their media found again."""

from icface.project_file.errors import ProjectFileError
from icface.project_file.files import (
    ENDING,
    LoadedProject,
    load_project,
    read_project,
    save_folder,
    save_project,
)
from icface.project_file.media_paths import (
    DifferentFileError,
    find,
    media,
    missing_media,
    relink,
    relinked,
)

__all__ = [
    "ENDING",
    "DifferentFileError",
    "LoadedProject",
    "ProjectFileError",
    "find",
    "load_project",
    "media",
    "missing_media",
    "read_project",
    "relink",
    "relinked",
    "save_folder",
    "save_project",
]
