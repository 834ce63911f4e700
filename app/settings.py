"""What the program remembers between two starts, by name and type."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from app.theme import ThemeName

_RECENT = 8


class Settings:
    """Typed access to the user's settings.

    Parameters
    ----------
    store : QSettings, optional
        Their storage; the user's own if omitted.
    """

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store or QSettings("ICface Studio", "ICface Studio")

    @property
    def theme(self) -> ThemeName:
        """Dark unless light was chosen."""
        return "light" if self._store.value("theme") == "light" else "dark"

    @theme.setter
    def theme(self, name: ThemeName) -> None:
        self._store.setValue("theme", name)

    @property
    def recent(self) -> tuple[Path, ...]:
        """Recently opened files, newest first; files that no longer exist are left out."""
        return tuple(path for path in map(Path, self._strings("recent")) if path.is_file())

    def add_recent(self, path: Path) -> None:
        """Put a file at the head of the recent ones."""
        known = [str(path), *(p for p in self._strings("recent") if p != str(path))]
        self._store.setValue("recent", known[:_RECENT])

    @property
    def folded(self) -> frozenset[str]:
        """Regions of the control panel that are closed."""
        return frozenset(self._strings("folded"))

    @folded.setter
    def folded(self, regions: Iterable[str]) -> None:
        self._store.setValue("folded", sorted(regions))

    def fold(self, region: str, closed: bool) -> None:
        """Remember that one region was closed or opened."""
        self.folded = self.folded | {region} if closed else self.folded - {region}

    @property
    def folder(self) -> Path:
        """Folder where a file was last opened or saved; the home folder at first."""
        found = Path(str(self._store.value("folder") or ""))
        return found if found.is_dir() and found != Path() else Path.home()

    @folder.setter
    def folder(self, path: Path) -> None:
        self._store.setValue("folder", str(path))

    @property
    def shows_faces(self) -> bool:
        """Frames around faces are drawn."""
        return self._store.value("shows_faces", "true") in (True, "true")

    @shows_faces.setter
    def shows_faces(self, shown: bool) -> None:
        self._store.setValue("shows_faces", shown)

    @property
    def shows_timeline(self) -> bool:
        """The timeline comes up with a document that has time."""
        return self._store.value("shows_timeline", "true") in (True, "true")

    @shows_timeline.setter
    def shows_timeline(self, shown: bool) -> None:
        self._store.setValue("shows_timeline", shown)

    def is_on(self, name: str, *, default: bool = True) -> bool:
        """Whether something named, such as a panel, is on."""
        return self._store.value(f"on/{name}", default) in (True, "true")

    def set_on(self, name: str, on: bool) -> None:
        """Remember whether something named is on."""
        self._store.setValue(f"on/{name}", on)

    def word(self, name: str, default: str = "") -> str:
        """A choice that is remembered by name."""
        return str(self._store.value(f"word/{name}", default))

    def number(self, name: str, default: float) -> float:
        """A number that is remembered by name as a word."""
        try:
            return float(self.word(name, str(default)))
        except ValueError:
            return default

    def set_word(self, name: str, word: str) -> None:
        """Remember a choice by name."""
        self._store.setValue(f"word/{name}", word)

    def state(self, name: str) -> QByteArray:
        """Geometry of a window or splitter; empty when there is none."""
        found = self._store.value(f"state/{name}")
        return found if isinstance(found, QByteArray) else QByteArray()

    def set_state(self, name: str, state: QByteArray) -> None:
        """Keep a geometry."""
        self._store.setValue(f"state/{name}", state)

    def _strings(self, key: str) -> list[str]:
        found = self._store.value(key)
        if isinstance(found, str):
            return [found] if found else []
        return [str(item) for item in found] if isinstance(found, list) else []
