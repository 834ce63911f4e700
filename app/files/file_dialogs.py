"""Dialogs for files and for unsaved changes; none blocks the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton, QWidget

from app.settings import Settings
from app.widgets.plain_text import plain_box
from icface.formats import FORMATS
from icface.media.video import VIDEO_SUFFIXES
from icface.project_file import ENDING
from icface.rendering.kinds import DATA_SUFFIXES, PHOTO_SUFFIXES, kind_of

PHOTO_ENDINGS = tuple(sorted(PHOTO_SUFFIXES))
CLIP_ENDINGS = (*sorted(VIDEO_SUFFIXES), ".gif")
_KINDS = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "WebP": (".webp",),
    "TIFF": (".tif", ".tiff"),
}


def _filter(name: str, endings: tuple[str, ...]) -> str:
    return f"{name} ({' '.join('*' + ending for ending in endings)})"


def ask_to_open(
    owner: QWidget, settings: Settings, then: Callable[[Path], object], kind: str = ""
) -> QFileDialog:
    """Let the user choose a project, a photo or a clip; `then` receives its path.

    A kind, such as "Clips", is the initial filter.
    """
    dialog = QFileDialog(owner, "Open a project, a photo or a clip", str(settings.folder))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    kinds = {"Projects": (ENDING,), "Photos": PHOTO_ENDINGS, "Clips": CLIP_ENDINGS}
    every = _filter("Projects, photos and clips", (ENDING, *PHOTO_ENDINGS, *CLIP_ENDINGS))
    dialog.setNameFilters(
        [every, *(_filter(kind, endings) for kind, endings in kinds.items()), "All files (*)"]
    )
    if kind:
        dialog.selectNameFilter(_filter(kind, kinds[kind]))
    return _open(dialog, then)


def ask_to_find(
    owner: QWidget, settings: Settings, name: str, then: Callable[[Path], object]
) -> QFileDialog:
    """Let the user show where a missing file is; `then` receives its path."""
    dialog = QFileDialog(owner, f"Find {name}", str(settings.folder))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    same = f"Files of this kind (*{Path(name).suffix})" if Path(name).suffix else "All files (*)"
    dialog.setNameFilters(list(dict.fromkeys([same, "All files (*)"])))
    return _open(dialog, then)


def ask_to_save_project(
    owner: QWidget, settings: Settings, name: str, then: Callable[[Path], object]
) -> QFileDialog:
    """Let the user choose where to save a project; `then` receives the path with its ending."""
    dialog = QFileDialog(owner, "Save project as", str(settings.folder))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters([_filter("Projects", (ENDING,))])
    dialog.setDefaultSuffix(ENDING.lstrip("."))
    dialog.selectFile(name)
    return _open(dialog, then)


def ask_about_changes(
    owner: QWidget, name: str, *, save: Callable[[], object], discard: Callable[[], object]
) -> QMessageBox:
    """Ask whether to save or discard changes to a document; Escape does nothing."""
    kinds = QMessageBox.StandardButton
    lost = "Discarded changes cannot be recovered."
    box = plain_box("Unsaved changes", f"Save the changes to {name}?", lost, owner)
    choices = {box.addButton(kinds.Save): save, box.addButton(kinds.Discard): discard}
    box.addButton(kinds.Cancel)
    return _ask(box, choices)


def ask_about_changed_file(
    owner: QWidget, path: Path, *, overwrite: Callable[[], object], save_as: Callable[[], object]
) -> QMessageBox:
    """Ask where to save a file that another program changed or removed; Escape saves nothing."""
    gone, roles = not path.exists(), QMessageBox.ButtonRole
    title = (
        f"{path.name} is no longer there" if gone else f"{path.name} was changed by another program"
    )
    text = (
        f"It was in {path.parent} when it was opened or saved here."
        if gone
        else (
            "It has changed since it was opened or saved here. "
            "Overwriting it loses the other program's changes."
        )
    )
    box = plain_box("The file has changed", title, text, owner)
    over = box.addButton(
        "Save it there again" if gone else "Overwrite",
        roles.AcceptRole if gone else roles.DestructiveRole,
    )
    elsewhere = box.addButton("Save as…", roles.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    choices = (
        {over: overwrite, elsewhere: save_as} if gone else {elsewhere: save_as, over: overwrite}
    )
    return _ask(box, choices)


def _ask(box: QMessageBox, choices: dict[QPushButton, Callable[[], object]]) -> QMessageBox:
    """Ask without blocking; the first choice is the default, Escape does nothing."""
    first = next(iter(choices))
    box.setDefaultButton(first)
    box.setEscapeButton(QMessageBox.StandardButton.Cancel)
    first.setObjectName("primary")
    first.style().polish(first)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def answered(button: object) -> None:
        for asked, choose in choices.items():
            if asked is button:
                choose()

    box.buttonClicked.connect(answered)
    box.open()
    return box


def ask_for_drivers(
    owner: QWidget, settings: Settings, then: Callable[[Path], object]
) -> QFileDialog:
    """Let the user choose drivers: clips, tables or photos; `then` receives each path."""
    dialog = QFileDialog(owner, "Add a driver", str(settings.folder))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    tables = tuple(sorted(DATA_SUFFIXES))
    dialog.setNameFilters(
        [
            _filter("Clips, tables and photos", CLIP_ENDINGS + tables + PHOTO_ENDINGS),
            _filter("Clips", CLIP_ENDINGS),
            _filter("Tracking data", tables),
            _filter("Photos", PHOTO_ENDINGS),
            "All files (*)",
        ]
    )
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.filesSelected.connect(lambda paths: [then(Path(path)) for path in paths])
    dialog.open()
    return dialog


def ask_for_tables(
    owner: QWidget, settings: Settings, then: Callable[[Path], object]
) -> QFileDialog:
    """Let the user choose a table of tracking data, by its kind; `then` receives its path."""
    dialog = QFileDialog(owner, "Import tracking", str(settings.folder))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    kinds = [
        _filter(_plain(kind.title), kind.read_suffixes) for kind in FORMATS.values() if kind.load
    ]
    dialog.setNameFilters(
        [_filter("Tracking data", tuple(sorted(DATA_SUFFIXES))), *kinds, "All files (*)"]
    )
    return _open(dialog, then)


def ask_for_expression(
    owner: QWidget, settings: Settings, then: Callable[[Path], object]
) -> QFileDialog:
    """Let the user choose a photo whose expression is wanted; `then` receives its path."""
    dialog = QFileDialog(owner, "Copy expression from photo", str(settings.folder))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters([_filter("Photos", PHOTO_ENDINGS), "All files (*)"])
    return _open(dialog, then)


def ask_to_export_tracking(
    owner: QWidget, settings: Settings, name: str, then: Callable[[Path, str], object]
) -> QFileDialog:
    """Let the user choose a file for tracking data; `then` receives its path and format name."""
    dialog = QFileDialog(owner, "Export tracking", str(settings.folder))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    kinds = {
        _filter(_plain(kind.title), kind.suffixes): kind for kind in FORMATS.values() if kind.save
    }
    dialog.setNameFilters(list(kinds))

    def follow(text: str) -> None:
        dialog.setDefaultSuffix(kinds[text].suffixes[0].lstrip("."))

    follow(next(iter(kinds)))
    dialog.filterSelected.connect(follow)
    dialog.selectFile(name)
    return _open(dialog, lambda path: then(path, kinds[dialog.selectedNameFilter()].name))


def ask_to_save(
    owner: QWidget, settings: Settings, name: str, then: Callable[[Path], object]
) -> QFileDialog:
    """Let the user choose where to save a picture; `then` receives the path with its ending."""
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


def _plain(title: str) -> str:
    """A title without brackets, between which a filter has its endings."""
    return title.replace("(", "").replace(")", "")


def _first_ending(name_filter: str) -> str:
    return next(
        endings[0] for kind, endings in _KINDS.items() if name_filter == _filter(kind, endings)
    ).lstrip(".")


def _open(dialog: QFileDialog, then: Callable[[Path], object]) -> QFileDialog:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.open()
    return dialog


def dropped_file(event: QDropEvent) -> Path | None:
    """The first file of a drop that can be opened."""
    return next(
        (
            path
            for path in _dropped(event)
            if kind_of(path).group in {"photo", "clip"} or _is_project(path)
        ),
        None,
    )


def dropped_drivers(event: QDropEvent) -> list[Path]:
    """The files of a drop that can drive a face."""
    return [path for path in _dropped(event) if kind_of(path).group in {"photo", "clip", "table"}]


def drives(path: Path) -> bool:
    """Whether a file dropped on an open photo drives it: a clip or a table."""
    return kind_of(path).group in {"clip", "table"}


def _is_project(path: Path) -> bool:
    return path.suffix.lower() == ENDING or kind_of(path).group == "project"


def _dropped(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
