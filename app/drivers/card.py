"""The card of one driver: its name, its tracking, and the buttons that use it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.drivers.card_details import CardDetails
from app.drivers.card_look import CardLook, kind_text, place_in, state_text
from app.drivers.requests import DriverRequests
from app.widgets.film_thumb import FilmThumb
from app.widgets.name_field import NameField
from app.widgets.plain_text import PlainLabel, plain_tip
from icface.document import Clip

THUMB = (84, 56)
"""Width and height of a card's thumbnail, logical pixels."""


class DriverCard(QWidget):
    """One driver. Its name may change; the card keeps to its medium.

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
        self.thumb = FilmThumb(*THUMB)
        self.name = NameField()
        self.kind, self.state = PlainLabel(), PlainLabel()
        self.bar = QProgressBar()
        self.stop, self.track = QToolButton(), QPushButton("Track")
        self.drive, self.pick = QPushButton("Drive the face"), QToolButton()
        self.fold, self.more = QToolButton(), QToolButton()
        self.details = CardDetails(requests)
        self._running = QWidget()
        self._build()
        self._connect()

    @property
    def look(self) -> CardLook:
        """The state on screen; there is none before `apply`."""
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
        self.stop.setToolTip("Stop tracking and discard the result")
        self.track.setToolTip("Track the face in this clip, frame by frame")
        self.drive.setToolTip(
            "Drive the whole selected face with this driver; the rules of the mix are replaced"
        )
        self.pick.setToolTip("Copy this driver's expression at the playhead to the selected face")
        self.fold.setCheckable(True)
        self.fold.setObjectName("fold")
        self.fold.setFixedSize(QSize(24, 24))
        self.fold.setToolTip("Settings: gaps, end, neutral frame and smoothing")
        self.more.setToolTip("More: export, remove")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        running = QHBoxLayout(self._running)
        running.addWidget(self.bar, 1)
        running.addWidget(self.stop)
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

    def _connect(self) -> None:
        requests = self._requests
        self.name.named.connect(lambda new: requests.renamed.emit(self.look.driver.name, new))
        self.stop.clicked.connect(lambda: requests.stop_asked.emit(self.look.driver.medium.digest))
        self.track.clicked.connect(self._track)
        self.drive.clicked.connect(lambda: requests.drive_asked.emit(self.look.driver.name))
        self.pick.clicked.connect(self._pick)
        self.fold.toggled.connect(self._fold)
        menu = QMenu(self)
        menu.addAction(
            "Export the tracking…", lambda: requests.export_asked.emit(self.look.driver.name)
        )
        menu.addAction("Copy the expression at the playhead", self._pick)
        self.others = menu.addAction("Look for other people", self._track)
        menu.addSeparator()
        menu.addAction("Remove", lambda: requests.removed.emit(self.look.driver.name))
        self.more.setMenu(menu)

    def _track(self) -> None:
        self._requests.track_asked.emit(self.look.driver.name)

    def _pick(self) -> None:
        self._requests.frame_picked.emit(self.look.driver.name)

    def _fold(self, is_open: bool) -> None:
        self.details.setVisible(is_open)
        self.fold.setIcon(theme.icon("chevron-down" if is_open else "chevron-right"))
        if self._look is not None:
            self.details.apply(self._look)

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
        """Show a driver."""
        if self._look is None or self._look.driver.motion is not look.driver.motion:
            self.thumb.show_face(place_in(look.driver))
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
            self.details.apply(look)
