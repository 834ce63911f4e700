"""The status bar: device, speed, size of the photo and confidence of the tracking."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QImageReader
from PySide6.QtWidgets import QLabel, QStatusBar, QToolButton, QWidget

from app.widgets.plain_text import PlainLabel, plain_tip
from icface.document import Face
from icface.jobs import TimeLeft, time_left_text
from icface.media import Photo
from icface.rendering.frame_request import Frame

_PATIENCE_MS = 250
"""Shorter work is not shown: the bar must not flicker while a slider is dragged."""


_SPEED_TIP = "Time to render the last draft, shown while a slider moves"
_PACE_TIP = "Frames shown per second; late frames are dropped so that playback stays in time"
_SAVED_MS = 10_000
"""How long a saved file is told of: long enough to press the button."""
_MANY_STEPS = 20
"""Least steps of a job that shows their count and the time left."""


class StatusLine(QStatusBar):
    """Facts on the left, current work on the right."""

    cancel_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.device = self._fact("Where the networks run")
        self.speed = self._fact(_SPEED_TIP)
        self.picture = self._fact("Size of the photo in pixels")
        self.confidence = self._fact("Confidence in the tracking of the selected face")
        self.zoom = PlainLabel()
        self.zoom.setToolTip("Zoom; at 100 %, one photo pixel is one screen pixel")
        self.zoom.setMinimumWidth(64)
        self.zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.backup = PlainLabel()
        self.backup.setObjectName("secondary")
        self.backup.setToolTip(
            "When unsaved changes were last backed up, in case the program ends unexpectedly"
        )
        self.backup.hide()
        self.work = PlainLabel()
        self.work.setObjectName("work")
        self.work.setAccessibleName("Current work")
        self.cancel = QToolButton()
        self.cancel.setText("Cancel")
        self.cancel.setToolTip("Stop the current work; nothing is changed")
        self.cancel.clicked.connect(self.cancel_asked)
        self.cancel.hide()
        self.folder = self._folder_button()
        self._saved: tuple[Path, str] | None = None
        self.addPermanentWidget(self.work)
        self.addPermanentWidget(self.cancel)
        self.addPermanentWidget(self.backup)
        self.addPermanentWidget(self.zoom)
        self._text = ""
        self._is_playing = False
        self._left: dict[str, TimeLeft] = {}
        self._busy = QTimer(self)
        self._busy.setSingleShot(True)
        self._busy.setInterval(_PATIENCE_MS)
        self._busy.timeout.connect(self._show_work)
        self.messageChanged.connect(self._show_facts)
        self.show_device("")

    def _folder_button(self) -> QToolButton:
        button = QToolButton()
        button.setText("Show in folder")
        button.clicked.connect(self._show_folder)
        button.hide()
        self.addPermanentWidget(button)
        return button

    def _fact(self, tip: str) -> QLabel:
        label = PlainLabel()
        label.setToolTip(tip)
        label.setProperty("fact", True)
        label.hide()
        self.addWidget(label)
        return label

    def show_device(self, name: str) -> None:
        """Show where the networks run; "" until they are loaded."""
        self._set(self.device, name or "Networks not loaded yet")

    def show_photo(self, photo: Photo | None) -> None:
        """Size and depth of the photo."""
        deep = ", 16 bit" if photo is not None and photo.pixels.dtype.itemsize == 2 else ""
        self._set(self.picture, f"{photo.width} \u00d7 {photo.height}{deep}" if photo else "")
        if photo is None:
            self._set(self.speed, "")
            self.zoom.clear()

    def show_face(self, face: Face | None, index: int | None, count: int) -> None:
        """Show the confidence of a face; None if the face is not in the current frame."""
        which = f"face {(index or 0) + 1} of {count}, " if count > 1 else "face "
        sure = "not in this frame" if face is None else f"{face.confidence * 100:.0f} % sure"
        self._set(self.confidence, "" if index is None else which + sure)

    def show_frame(self, frame: Frame) -> None:
        """Show the time to render a draft; the tooltip has that of the full picture."""
        if not frame.request.changes:
            return
        if self._is_playing:
            return
        took = f"{frame.milliseconds:.0f} ms/frame"
        if frame.request.quality == "draft" or not self.speed.text():
            self._set(self.speed, took)
        if frame.request.quality == "full":
            self.speed.setToolTip(
                f"Time to render the last draft, shown while a slider moves.\n"
                f"The last picture at full quality took {frame.milliseconds:.0f} ms."
            )

    def show_pace(self, shown: float, wanted: float) -> None:
        """Show the frames per second of playback, and those wanted; 0 when stopped."""
        self._is_playing = shown > 0
        self.speed.setToolTip(_PACE_TIP if self._is_playing else _SPEED_TIP)
        if self._is_playing:
            self._set(self.speed, f"{min(shown, wanted):.1f} of {wanted:.4g} frames/s")

    def show_zoom(self, scale: float) -> None:
        """Device pixels per photo pixel, in per cent."""
        self.zoom.setText(f"{scale:.0%}".replace("%", " %"))

    def show_backup(self, text: str) -> None:
        """Show when unsaved changes were last backed up; "" if they were not."""
        self._set(self.backup, text)

    def show_busy(self, busy: bool) -> None:
        """Show that work is running, once it lasts a moment."""
        if busy:
            self._busy.start()
        else:
            self._busy.stop()
            self._text = ""
            self._left.clear()
            self.work.clear()
            self.cancel.hide()

    def show_progress(self, done: int, total: int, text: str) -> None:
        """Show the progress of a longer job."""
        if total >= _MANY_STEPS:
            left = self._left.setdefault(text, TimeLeft()).seconds(done, total)
            self._text = f"{text}, {done} of {total}" + (
                "" if left is None else f", {time_left_text(left)} left"
            )
        else:
            self._text = f"{text} ({done + 1} of {total}) …" if total > 1 else f"{text} …"
        if not self._busy.isActive():
            self._show_work()

    def _show_work(self) -> None:
        """Show the current work; a job can be cancelled."""
        self.work.setText(self._text or "Computing …")
        self.cancel.setVisible(bool(self._text))

    def say(self, text: str) -> None:
        """Show a short message."""
        self.showMessage(text, 4000)

    def say_saved(self, path: Path) -> None:
        """Say that a file was written, with a button that shows it in its folder."""
        text = f"Saved {path}"
        self._saved = path, text
        self.folder.setToolTip(plain_tip(f"{path}\n{_figures(path)}"))
        self.showMessage(text, _SAVED_MS)
        self.folder.show()

    def _show_folder(self) -> None:
        if self._saved is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._saved[0].parent)))

    def _set(self, label: QLabel, text: str) -> None:
        label.setText(text)
        label.setVisible(bool(text) and (label is self.backup or not self.currentMessage()))

    def _show_facts(self, message: str) -> None:
        """Hide the facts while a message is shown."""
        if self._saved is not None and message != self._saved[1]:
            self._saved = None
            self.folder.hide()
        for label in self.findChildren(QLabel):
            if label.property("fact"):
                label.setVisible(bool(label.text()) and not message)


def _figures(path: Path) -> str:
    """Size of a file, and of its picture as it was written."""
    try:
        size = path.stat().st_size
    except OSError:
        return "no longer there"
    amount = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(size // 1000, 1)} kB"
    picture = QImageReader(str(path)).size()
    if not picture.isValid():
        return amount
    return f"{picture.width()} \u00d7 {picture.height()} pixels, {amount}"
