"""Asking for a file to open or to save, without blocking the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from app.settings import Settings
from icface.media.video import VIDEO_SUFFIXES

PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")
CLIP_ENDINGS = tuple(sorted(VIDEO_SUFFIXES))
_KINDS = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "WebP": (".webp",), "TIFF": (".tif", ".tiff")}


def _filter(name: str, endings: tuple[str, ...]) -> str:
    return f"{name} ({' '.join('*' + ending for ending in endings)})"


def ask_to_open(owner: QWidget, settings: Settings, then: Callable[[Path], object]) -> QFileDialog:
    """Let the user choose a photo or a clip; `then` gets its path."""
    dialog = QFileDialog(owner, "Open a photo or a clip", str(settings.folder))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    both = _filter("Photos and clips", PHOTO_ENDINGS + CLIP_ENDINGS)
    dialog.setNameFilters([both, _filter("Photos", PHOTO_ENDINGS), _filter("Clips", CLIP_ENDINGS), "All files (*)"])
    return _open(dialog, then)


def ask_to_save(owner: QWidget, settings: Settings, name: str, then: Callable[[Path], object]) -> QFileDialog:
    """Let the user choose where to save a picture of this name; `then` gets the path, with an ending."""
    dialog = QFileDialog(owner, "Save image as", str(settings.folder))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters([_filter(kind, endings) for kind, endings in _KINDS.items()])
    suffix = Path(name).suffix.lower()
    for kind, endings in _KINDS.items():
        if suffix in endings:
            dialog.selectNameFilter(_filter(kind, endings))
    dialog.setDefaultSuffix(suffix.lstrip(".") or "png")
    dialog.filterSelected.connect(lambda text: dialog.setDefaultSuffix(_first_ending(text)))
    dialog.selectFile(name)
    return _open(dialog, then)


def _first_ending(name_filter: str) -> str:
    return next(endings[0] for kind, endings in _KINDS.items() if name_filter == _filter(kind, endings)).lstrip(".")


def _open(dialog: QFileDialog, then: Callable[[Path], object]) -> QFileDialog:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.open()
    return dialog


def dropped_file(event: QDropEvent) -> Path | None:
    """The first file of a drop that can be opened."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return next((path for path in paths if path.suffix.lower() in PHOTO_ENDINGS + CLIP_ENDINGS), None)
