"""Folders of the user in which the program keeps what is its own."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_PROGRAM = "icface-studio"


def state_folder() -> Path:
    """The folder of the user's state: unsaved copies, the log, the register of files."""
    return Path(platformdirs.user_state_dir(_PROGRAM, appauthor=False))


def cache_folder() -> Path:
    """The folder of the user's caches, which can be made again, at the price of time."""
    return Path(platformdirs.user_cache_dir(_PROGRAM, appauthor=False))


def make_private(folder: Path) -> None:
    """Make a private folder and its missing parents; `OSError` if that fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
