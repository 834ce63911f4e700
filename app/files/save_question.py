"""The question before saving a picture: what is left out, and whether the place is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from icface.media import Photo
from icface.media.details import Keep, has_place
from icface.media.losses import of_photo, place_said
from icface.media.photo_writing import photo_format


def ask_about_losses(
    owner: QWidget, path: Path, photo: Photo, save: Callable[[Keep], object]
) -> QMessageBox | None:
    """Save a picture, after asking where something would be left out.

    Parameters
    ----------
    owner : QWidget
    path : Path
        Where to; the ending says the kind of file.
    photo : Photo
        What is saved.
    save : callable
        Gets how much of what the photo's file says is kept.

    Returns
    -------
    QMessageBox or None
        The question; None where none was asked.
    """
    kind = photo_format(path.suffix)
    notes = (*of_photo(photo, kind), *place_said(photo, "all")) if kind else ()
    if not notes:
        save("all")
        return None
    box = QMessageBox(QMessageBox.Icon.NoIcon, "Save image", f"Save {path.name}?", parent=owner)
    box.setObjectName("save-losses")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText("\n".join(f"\u2022 {note}" for note in notes))
    choices: dict[QPushButton, Keep] = {_primary(box, "Save"): "all"}
    if has_place(photo.exif, photo.details):
        choices[box.addButton("Save without the place", QMessageBox.ButtonRole.AcceptRole)] = (
            "no-place"
        )
    box.setEscapeButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def answered(button: object) -> None:
        for asked, keep in choices.items():
            if asked is button:
                save(keep)

    box.buttonClicked.connect(answered)
    box.open()
    return box


def _primary(box: QMessageBox, text: str) -> QPushButton:
    button = box.addButton(text, QMessageBox.ButtonRole.AcceptRole)
    button.setObjectName("primary")
    box.setDefaultButton(button)
    return button
