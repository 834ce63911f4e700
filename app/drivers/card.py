"""One source of motion: what it is, how far its tracking is, and how its motion is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.drivers.requests import DriverRequests
from app.drivers.smoothing_view import SmoothingView
from app.time_left import time_left_text
from app.widgets.choice_button import ChoiceButton
from app.widgets.film_thumb import FilmThumb
from app.widgets.gestures import next_gesture
from app.widgets.name_field import NameField
from app.widgets.plain_text import PlainLabel, plain_tip
from app.widgets.qimage import to_qimage
from icface.arrays import Pixels
from icface.document import Clip, DataFile, Driver
from icface.document.edits import proposed_neutral
from icface.document.mixing import prepared
from icface.motion.motion import Motion

THUMB = (84, 56)
_REST_TIP = (
    "The frame in which this face is at rest: relative rules count from it.\n"
    "The calmest one is proposed, as well as the tracker can tell; go to a better one and choose the frame under the playhead."
)
_MISSING = (
    ("interpolate", "Bridged by a line"),
    ("hold", "Last reading held"),
    ("pass", "Face left as it is"),
)
_BEYOND = (
    ("hold", "Holds its last frame"),
    ("loop", "Begins anew"),
    ("pingpong", "Runs backwards"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLook:
    """Everything a card shows.

    Attributes
    ----------
    driver : Driver
    film : mapping
        Small pictures by frame.
    progress : (int, int) or None
        Frames read and in all, while it is being tracked.
    left_s : float or None
        Seconds that the tracking will still take.
    people : int
        How many there are to choose from, 0 or more than 1.
    person : int
        Which drives, from 0.
    drives : bool
        A rule of the chosen face speaks of it.
    can_drive : bool
        A face is chosen.
    frame : int
        Of this source, under the playhead.
    portraits : tuple of pixels
        One for each person, when they are known.
    """

    driver: Driver
    film: Mapping[int, Pixels]
    progress: tuple[int, int] | None
    left_s: float | None
    people: int
    person: int
    drives: bool
    can_drive: bool
    frame: int
    portraits: tuple[Pixels, ...] = ()


def kind_text(driver: Driver) -> str:
    """What a source is, for people: kind and length."""
    medium, motion = driver.medium, driver.motion
    if isinstance(medium, Clip):
        return f"Clip, {medium.duration_s:.1f} s, {float(medium.rate):.4g} frames/s"
    if isinstance(medium, DataFile):
        kind = medium.format or "Table"
        return kind if motion is None or driver.is_still else f"{kind}, {motion.duration_s:.1f} s"
    return "Photo, one expression"


def state_text(look: CardLook) -> str:
    """How far its tracking is, for people."""
    motion = look.driver.motion
    if look.progress is not None:
        done, total = look.progress
        left = "" if look.left_s is None else f", {time_left_text(look.left_s)} left"
        return f"Tracking {done / max(total, 1):.0%}".replace("%", " %") + left
    if motion is None:
        return "Not tracked"
    if look.driver.is_still:
        return "Read"
    share = f"{motion.present.mean():.0%}".replace("%", " %")
    return (
        f"Tracked, face in {share}"
        if isinstance(look.driver.medium, Clip)
        else f"Face in {share} of rows"
    )


class DriverCard(QWidget):
    """One source. Its name may change; which source it is stays.

    Parameters
    ----------
    requests : DriverRequests
    parent : QWidget, optional
    """

    def __init__(self, requests: DriverRequests, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("driver-card")
        self._requests = requests
        self._look: CardLook | None = None
        self._portraits: tuple[Pixels, ...] = ()
        self._gesture = 0
        self.thumb = FilmThumb(*THUMB)
        self.name = NameField()
        self.kind, self.state = PlainLabel(), PlainLabel()
        self.bar = QProgressBar()
        self.stop, self.track = QToolButton(), QPushButton("Track")
        self.drive, self.pick = QPushButton("Drive the face"), QToolButton()
        self.fold, self.more = QToolButton(), QToolButton()
        self.details = QWidget()
        self.person = ChoiceButton("Person", "Who of the people in it drives")
        self.missing = ChoiceButton(
            "Frames without a face", "What stands for frames in which no face was read"
        )
        self.beyond = ChoiceButton(
            "At the end", "What follows when it is shorter than the document"
        )
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.smoothing_text = PlainLabel()
        self.curve = SmoothingView()
        self.neutral_thumb = FilmThumb(45, 30)
        self.neutral = ChoiceButton("At rest", _REST_TIP)
        self._read: Motion | None = None
        self._proposed: int | None = None
        self._build()
        self._connect()

    @property
    def look(self) -> CardLook:
        """What is shown; there is none before `apply`."""
        assert self._look is not None
        return self._look

    # Building -------------------------------------------------------------------------------------

    def _build(self) -> None:
        for label in (self.kind, self.state):
            label.setProperty("secondary", True)
            label.setFont(theme.ui_font(11))
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.stop.setText("Cancel")
        self.stop.setToolTip("Stop tracking; what was read is thrown away")
        self.track.setToolTip("Read the face of this clip, frame by frame")
        self.drive.setToolTip(
            "Let this source drive all of the chosen face (rules of the mix are replaced)"
        )
        self.pick.setToolTip(
            "Give the chosen face the expression that this source shows under the playhead"
        )
        self.fold.setCheckable(True)
        self.fold.setObjectName("fold")
        self.fold.setFixedSize(QSize(24, 24))
        self.fold.setToolTip("How its motion is taken")
        self.more.setToolTip("Export, remove")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        running = QHBoxLayout()
        running.addWidget(self.bar, 1)
        running.addWidget(self.stop)
        self._running = QWidget()
        self._running.setLayout(running)
        running.setContentsMargins(0, 2, 0, 0)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for button in (self.track, self.drive):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            buttons.addWidget(button)
        buttons.addWidget(self.pick)
        buttons.addWidget(self.fold)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 12, 8)
        column.setSpacing(6)
        column.addLayout(self._top())
        column.addWidget(self._running)
        column.addLayout(buttons)
        column.addWidget(self.details)
        self._build_details()
        self.details.hide()
        self.retint()

    def _top(self) -> QHBoxLayout:
        words = QVBoxLayout()
        words.setSpacing(1)
        first = QHBoxLayout()
        first.setSpacing(0)
        first.addWidget(self.name, 1)
        first.addWidget(self.more)
        words.addLayout(first)
        for label in (self.kind, self.state):
            label.setContentsMargins(6, 0, 0, 0)
            words.addWidget(label)
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.thumb, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(words, 1)
        return top

    def _build_details(self) -> None:
        self.smoothing.setRange(0, 100)
        self.smoothing.setPageStep(10)
        self.smoothing.setAccessibleName("Smoothing")
        self.smoothing.setToolTip(
            "How much jitter is taken away; quick movements keep their height. 0: as read"
        )
        self.smoothing_text.setFixedWidth(30)
        self.smoothing_text.setAlignment(
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )
        grid = QGridLayout(self.details)
        grid.setContentsMargins(0, 2, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        smooth, rest = QHBoxLayout(), QHBoxLayout()
        smooth.addWidget(self.smoothing, 1)
        smooth.addWidget(self.smoothing_text)
        rest.setSpacing(6)
        rest.addWidget(self.neutral, 1)
        rest.addWidget(self.neutral_thumb)
        self._labels: dict[str, QLabel] = {}
        rows: tuple[tuple[str, QWidget | QLayout], ...] = (
            ("Person", self.person), ("No face", self.missing), ("At the end", self.beyond), ("At rest", rest),
            ("Smoothing", smooth),
        )  # fmt: skip
        for row, (text, part) in enumerate(rows):
            label = PlainLabel(text)
            label.setProperty("secondary", True)
            label.setFont(theme.ui_font(11))
            self._labels[text] = label
            grid.addWidget(label, row, 0)
            if isinstance(part, QLayout):
                grid.addLayout(part, row, 1)
            else:
                grid.addWidget(part, row, 1)
        grid.addWidget(self.curve, len(rows), 0, 1, 2)

    def _connect(self) -> None:
        requests = self._requests
        self.name.named.connect(lambda new: requests.renamed.emit(self.look.driver.name, new))
        self.stop.clicked.connect(lambda: requests.stop_asked.emit(self.look.driver.medium.digest))
        self.track.clicked.connect(lambda: requests.track_asked.emit(self.look.driver.name))
        self.drive.clicked.connect(lambda: requests.drive_asked.emit(self.look.driver.name))
        self.pick.clicked.connect(lambda: requests.frame_picked.emit(self.look.driver.name))
        self.fold.toggled.connect(self._fold)
        self.person.chosen.connect(
            lambda key: requests.person_chosen.emit(self.look.driver.name, int(key))
        )
        self.neutral.chosen.connect(
            lambda key: requests.neutral_asked.emit(self.look.driver.name, key)
        )
        for field, button in (("missing", self.missing), ("beyond", self.beyond)):
            button.chosen.connect(partial(self._change, field))
        self.smoothing.sliderPressed.connect(self._begin_gesture)
        self.smoothing.valueChanged.connect(self._smooth)
        menu = QMenu(self)
        menu.addAction(
            "Export its tracking…", lambda: requests.export_asked.emit(self.look.driver.name)
        )
        menu.addAction(
            "Take the expression under the playhead",
            lambda: requests.frame_picked.emit(self.look.driver.name),
        )
        self.others = menu.addAction(
            "Look for other people in it", lambda: requests.track_asked.emit(self.look.driver.name)
        )
        menu.addSeparator()
        menu.addAction("Remove", lambda: requests.removed.emit(self.look.driver.name))
        self.more.setMenu(menu)

    def _change(self, field: str, value: object) -> None:
        self._requests.driver_changed.emit(self.look.driver.name, field, value, 0)

    def _begin_gesture(self) -> None:
        self._gesture = next_gesture()

    def _smooth(self, value: int) -> None:
        if not self.smoothing.isSliderDown():
            self._begin_gesture()
        self._requests.driver_changed.emit(
            self.look.driver.name, "smoothing", value / 100, self._gesture
        )

    def _fold(self, is_open: bool) -> None:
        self.details.setVisible(is_open)
        self.fold.setIcon(theme.icon("chevron-down" if is_open else "chevron-right"))
        if self._look is not None:
            self._show_details(self._look)

    # Showing --------------------------------------------------------------------------------------

    def retint(self) -> None:
        """Draw icons in the colours of the theme."""
        self.more.setIcon(theme.icon("more"))
        self.pick.setIcon(theme.icon("eyedropper"))
        self.fold.setIcon(theme.icon("chevron-down" if self.fold.isChecked() else "chevron-right"))
        for button in (self.more, self.pick, self.fold):
            button.setIconSize(QSize(14, 14))
        self.update()

    def apply(self, look: CardLook) -> None:
        """Show a source."""
        self._look = look
        driver, tracked = look.driver, look.driver.motion is not None
        path = Path(driver.medium.path)
        self.name.show_name(driver.name)
        self.thumb.show_film(look.film)
        self.thumb.show_word(path.suffix.lstrip(".").upper())
        self.thumb.setToolTip(plain_tip(str(path)))
        self.kind.setText(kind_text(driver))
        self.kind.setToolTip(plain_tip(str(path)))
        self.state.setText(state_text(look))
        self.state.setToolTip(plain_tip(state_text(look)))
        self._running.setVisible(look.progress is not None)
        if look.progress is not None:
            self.bar.setRange(0, max(look.progress[1], 1))
            self.bar.setValue(look.progress[0])
        self.track.setVisible(not tracked and look.progress is None)
        self.drive.setVisible(tracked or look.progress is not None)
        self.drive.setText("Drives the face" if look.drives else "Drive the face")
        self.drive.setEnabled(look.can_drive)
        self.others.setVisible(tracked and isinstance(driver.medium, Clip) and look.people == 0)
        self.pick.setEnabled(tracked and look.can_drive)
        if self.details.isVisibleTo(self):
            self._show_details(look)

    def _show_details(self, look: CardLook) -> None:
        driver, still = look.driver, look.driver.is_still
        several = look.people > 1
        self.person.setVisible(several)
        self._labels["Person"].setVisible(several)
        people = [(str(n), f"Person {n + 1} of {look.people}") for n in range(look.people)]
        self.person.apply(people, str(look.person))
        if look.portraits is not self._portraits:
            self._portraits = look.portraits
            pictures = {
                str(n): QIcon(QPixmap.fromImage(to_qimage(p))) for n, p in enumerate(look.portraits)
            }
            self.person.set_icons(pictures)
            self.person.setIconSize(QSize(32, 32))
        self.missing.apply(_MISSING, driver.missing)
        self.beyond.apply(_BEYOND, driver.beyond)
        for part in (self.missing, self.beyond, self.smoothing, self.curve):
            part.setEnabled(driver.motion is not None and not still)
        self._show_neutral(look)
        with QSignalBlocker(self.smoothing):
            self.smoothing.setValue(round(driver.smoothing * 100))
        self.smoothing_text.setText(f"{driver.smoothing:.2f}")
        self.curve.setVisible(not still)
        self.curve.apply(driver.motion, prepared(driver), look.frame)

    def _show_neutral(self, look: CardLook) -> None:
        driver, frame = look.driver, look.driver.neutral_frame
        if driver.motion is not self._read:
            self._read, self._proposed = (
                driver.motion,
                None if driver.motion is None else proposed_neutral(driver.motion),
            )
        calmest = "" if self._proposed is None else f" ({self._proposed})"
        choices: Sequence[tuple[str, str]] = (
            ("playhead", f"The frame under the playhead ({look.frame})"), ("proposed", f"The calmest frame{calmest}, proposed"),
            ("none", "No expression, looking straight ahead"),
        )  # fmt: skip
        shown = (
            "No expression"
            if frame is None
            else f"Frame {frame}{', proposed' * (frame == self._proposed)}"
        )
        self.neutral.apply(choices, "none" if frame is None else "", shown=shown)
        self.neutral.setEnabled(driver.motion is not None and not driver.is_still)
        known = {} if frame is None or frame not in look.film else {frame: look.film[frame]}
        self.neutral_thumb.setVisible(bool(known))
        self.neutral_thumb.show_film(known)
