"""The line at the bottom: where the networks run, how fast, how large the photo is, how sure the reading."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QStatusBar, QToolButton, QWidget

from app.widgets.plain_text import PlainLabel
from icface.document import Face
from icface.jobs import TimeLeft, time_left_text
from icface.media import Photo
from icface.rendering.frame_request import Frame

_PATIENCE_MS = 250
"""Work shorter than this is not worth a word: the line must not flicker while a slider is
dragged."""


_SPEED_TIP = "Time to compute the last draft picture, as shown while a slider moves"
_PACE_TIP = "Frames shown a second, of those there are: frames that would come too late are left out, so that time runs true"
_MANY_STEPS = 20
"""From so many steps on a job counts them and says how long it will still take."""


class StatusLine(QStatusBar):
    """Facts on the left, what is being done on the right."""

    cancel_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.device = self._fact("Where the networks run")
        self.speed = self._fact(_SPEED_TIP)
        self.picture = self._fact("Size of the photo in pixels")
        self.confidence = self._fact("How sure the reading of the chosen face is")
        self.zoom = PlainLabel()
        self.zoom.setToolTip(
            "Size on the screen; 100 % shows one pixel of the photo per pixel of the screen"
        )
        self.zoom.setMinimumWidth(64)
        self.zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.backup = PlainLabel()
        self.backup.setObjectName("secondary")
        self.backup.setToolTip(
            "When the last copy of the unsaved changes was kept, for the case that the program ends early"
        )
        self.backup.hide()
        self.work = PlainLabel()
        self.work.setObjectName("work")
        self.work.setAccessibleName("What is being done")
        self.cancel = QToolButton()
        self.cancel.setText("Cancel")
        self.cancel.setToolTip("Stop what is being done; nothing is changed by it")
        self.cancel.clicked.connect(self.cancel_asked)
        self.cancel.hide()
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

    def _fact(self, tip: str) -> QLabel:
        label = PlainLabel()
        label.setToolTip(tip)
        label.setProperty("fact", True)
        label.hide()
        self.addWidget(label)
        return label

    def show_device(self, name: str) -> None:
        """Where the networks run; "" until they are loaded."""
        self._set(self.device, name or "Networks not loaded yet")

    def show_photo(self, photo: Photo | None) -> None:
        """Size and depth of the photo."""
        deep = ", 16 bit" if photo is not None and photo.pixels.dtype.itemsize == 2 else ""
        self._set(self.picture, f"{photo.width} \u00d7 {photo.height}{deep}" if photo else "")
        if photo is None:
            self._set(self.speed, "")
            self.zoom.clear()

    def show_face(self, face: Face | None, index: int | None, count: int) -> None:
        """How sure the reading is, and of which face; None for one that the clip does not show where the playhead stands."""
        which = f"face {(index or 0) + 1} of {count}, " if count > 1 else "face "
        sure = "not in this frame" if face is None else f"{face.confidence * 100:.0f} % sure"
        self._set(self.confidence, "" if index is None else which + sure)

    def show_frame(self, frame: Frame) -> None:
        """How long a draft took; the full picture's time is in the tooltip."""
        if not frame.request.changes:
            return
        if self._is_playing:
            return
        took = f"{frame.milliseconds:.0f} ms/frame"
        if frame.request.quality == "draft" or not self.speed.text():
            self._set(self.speed, took)
        if frame.request.quality == "full":
            self.speed.setToolTip(
                f"Time to compute the last draft picture, as shown while a slider moves.\n"
                f"The last picture at full quality took {frame.milliseconds:.0f} ms."
            )

    def show_pace(self, shown: float, wanted: float) -> None:
        """Frames a second that are shown while playing, of those that there are; 0 when it stands still."""
        self._is_playing = shown > 0
        self.speed.setToolTip(_PACE_TIP if self._is_playing else _SPEED_TIP)
        if self._is_playing:
            self._set(self.speed, f"{min(shown, wanted):.1f} of {wanted:.4g} frames/s")

    def show_zoom(self, scale: float) -> None:
        """Device pixels per photo pixel, in per cent."""
        self.zoom.setText(f"{scale:.0%}".replace("%", " %"))

    def show_backup(self, text: str) -> None:
        """When the last copy of unsaved changes was kept; "" if there is none."""
        self._set(self.backup, text)

    def show_busy(self, busy: bool) -> None:
        """Something is being computed; said only when it lasts."""
        if busy:
            self._busy.start()
        else:
            self._busy.stop()
            self._text = ""
            self._left.clear()
            self.work.clear()
            self.cancel.hide()

    def show_progress(self, done: int, total: int, text: str) -> None:
        """What a longer job does now."""
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
        """A picture is soon there, a job can be stopped."""
        self.work.setText(self._text or "Computing …")
        self.cancel.setVisible(bool(self._text))

    def say(self, text: str) -> None:
        """A short word about something that went well."""
        self.showMessage(text, 4000)

    def _set(self, label: QLabel, text: str) -> None:
        label.setText(text)
        label.setVisible(bool(text) and (label is self.backup or not self.currentMessage()))

    def _show_facts(self, message: str) -> None:
        """A word takes the place of the facts, until it is gone."""
        for label in self.findChildren(QLabel):
            if label.property("fact"):
                label.setVisible(bool(label.text()) and not message)
