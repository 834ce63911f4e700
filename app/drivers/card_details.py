"""The settings of a driver below its card: person, gaps, end, neutral frame and smoothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLayout, QSlider, QWidget

from app import theme
from app.drivers.card_look import CardLook
from app.drivers.requests import DriverRequests
from app.drivers.smoothing_view import SmoothingView
from app.widgets.choice_button import ChoiceButton
from app.widgets.film_thumb import FilmThumb
from app.widgets.gestures import next_gesture
from app.widgets.plain_text import PlainLabel
from app.widgets.qimage import to_qimage
from icface.arrays import Pixels
from icface.document.edits import proposed_neutral
from icface.document.mixing import prepared
from icface.motion.motion import Motion

_NEUTRAL_TIP = (
    "The frame without expression, which relative rules count from.\n"
    "The calmest frame is proposed. To use another, go to it and choose the frame at the playhead."
)
_MISSING = (
    ("interpolate", "Interpolate"),
    ("hold", "Hold last reading"),
    ("pass", "Leave unedited"),
)
_BEYOND = (
    ("hold", "Hold last frame"),
    ("loop", "Loop"),
    ("pingpong", "Ping-pong"),
)


class CardDetails(QWidget):
    """The settings of one driver.

    Parameters
    ----------
    requests : DriverRequests
    parent : QWidget, optional
    """

    def __init__(self, requests: DriverRequests, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._requests = requests
        self._name = ""
        self._portraits: tuple[Pixels, ...] = ()
        self._gesture = 0
        self._motion: Motion | None = None
        self._proposed: int | None = None
        self.person = ChoiceButton("Person", "Which person in the clip drives")
        self.missing = ChoiceButton("Frames without a face", "What fills frames without a face")
        self.beyond = ChoiceButton(
            "At the end", "What follows if the driver is shorter than the document"
        )
        self.neutral = ChoiceButton("Neutral frame", _NEUTRAL_TIP)
        self.neutral_thumb = FilmThumb(45, 30)
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.smoothing_text = PlainLabel()
        self.curve = SmoothingView()
        self._labels: dict[str, QLabel] = {}
        self._build()
        self._connect()

    def _build(self) -> None:
        self.smoothing.setRange(0, 100)
        self.smoothing.setPageStep(10)
        self.smoothing.setAccessibleName("Smoothing")
        self.smoothing.setToolTip(
            "How much jitter is removed; quick movements keep their height. 0: none"
        )
        self.smoothing_text.setFixedWidth(30)
        self.smoothing_text.setAlignment(
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 2, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        smooth, neutral = QHBoxLayout(), QHBoxLayout()
        smooth.addWidget(self.smoothing, 1)
        smooth.addWidget(self.smoothing_text)
        neutral.setSpacing(6)
        neutral.addWidget(self.neutral, 1)
        neutral.addWidget(self.neutral_thumb)
        rows: tuple[tuple[str, QWidget | QLayout], ...] = (
            ("Person", self.person),
            ("No face", self.missing),
            ("At the end", self.beyond),
            ("Neutral", neutral),
            ("Smoothing", smooth),
        )
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
        self.person.chosen.connect(lambda key: requests.person_chosen.emit(self._name, int(key)))
        self.neutral.chosen.connect(lambda key: requests.neutral_asked.emit(self._name, key))
        for field, button in (("missing", self.missing), ("beyond", self.beyond)):
            button.chosen.connect(partial(self._change, field))
        self.smoothing.sliderPressed.connect(self._begin_gesture)
        self.smoothing.valueChanged.connect(self._smooth)

    def _change(self, field: str, value: object) -> None:
        self._requests.driver_changed.emit(self._name, field, value, 0)

    def _begin_gesture(self) -> None:
        self._gesture = next_gesture()

    def _smooth(self, value: int) -> None:
        if not self.smoothing.isSliderDown():
            self._begin_gesture()
        self._requests.driver_changed.emit(self._name, "smoothing", value / 100, self._gesture)

    # Showing --------------------------------------------------------------------------------------

    def apply(self, look: CardLook) -> None:
        """Show the settings of a driver."""
        driver = look.driver
        self._name = driver.name
        self._show_people(look)
        self.missing.apply(_MISSING, driver.missing)
        self.beyond.apply(_BEYOND, driver.beyond)
        for part in (self.missing, self.beyond, self.smoothing, self.curve):
            part.setEnabled(driver.motion is not None and not driver.is_still)
        self._show_neutral(look)
        with QSignalBlocker(self.smoothing):
            self.smoothing.setValue(round(driver.smoothing * 100))
        self.smoothing_text.setText(f"{driver.smoothing:.2f}")
        self.curve.setVisible(not driver.is_still)
        self.curve.apply(driver.motion, prepared(driver), look.frame)

    def _show_people(self, look: CardLook) -> None:
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

    def _show_neutral(self, look: CardLook) -> None:
        driver, frame = look.driver, look.driver.neutral_frame
        if driver.motion is not self._motion:
            self._motion = driver.motion
            self._proposed = None if driver.motion is None else proposed_neutral(driver.motion)
        calmest = "" if self._proposed is None else f" ({self._proposed})"
        choices: Sequence[tuple[str, str]] = (
            ("playhead", f"The frame at the playhead ({look.frame})"),
            ("proposed", f"The calmest frame{calmest}, proposed"),
            ("none", "No expression, looking straight ahead"),
        )
        shown = "No expression"
        if frame is not None:
            shown = f"Frame {frame}{', proposed' * (frame == self._proposed)}"
        self.neutral.apply(choices, "none" if frame is None else "", shown=shown)
        self.neutral.setEnabled(driver.motion is not None and not driver.is_still)
        known = {} if frame is None or frame not in look.film else {frame: look.film[frame]}
        self.neutral_thumb.setVisible(bool(known))
        self.neutral_thumb.show_film(known)
