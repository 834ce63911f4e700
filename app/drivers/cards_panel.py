"""The source that is edited, and a card for each driver: a clip, table or photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.drivers.card import THUMB, DriverCard
from app.drivers.card_look import CardLook, place_of
from app.drivers.requests import DriverRequests
from app.widgets.choice_button import ChoiceButton
from app.widgets.film_thumb import FilmThumb
from app.widgets.panel_section import PanelSection
from app.widgets.plain_text import PlainLabel, plain_tip
from icface.arrays import Pixels
from icface.document import Clip, Driver, Project
from icface.document.mixing import motion_frame
from icface.jobs import TimeLeft
from icface.media import Photo, thumbnail
from icface.motion.motion import Motion

_MOST_FILM = 400
"""Most thumbnails of one clip that are kept."""


class CardsPanel(QWidget):
    """Source and drivers of a document."""

    def __init__(self, requests: DriverRequests, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._requests = requests
        self._project = Project()
        self._films: dict[str, dict[int, Pixels]] = {}
        self._progress: dict[str, tuple[int, int]] = {}
        self._clocks: dict[str, TimeLeft] = {}
        self._left: dict[str, float | None] = {}
        self._people: dict[str, tuple[Motion, ...]] = {}
        self._portraits: dict[str, tuple[Pixels, ...]] = {}
        self._frame = 0
        self.cards: list[DriverCard] = []
        self.source_section = PanelSection("source", "Source")
        self.drivers_section = PanelSection("drivers", "Drivers")
        self.thumb = FilmThumb(*THUMB)
        self.name, self.kind, self.state = PlainLabel(), PlainLabel(), PlainLabel()
        self.sound = ChoiceButton("Sound", "The sound of playback and exports")
        self.hint = PlainLabel(
            "A clip, a table of tracking data or another photo can drive this face."
        )
        self.add = QPushButton("Add a driver…")
        self.pick = QToolButton()
        self._build()

    def _build(self) -> None:
        self._build_source()
        self._build_drivers()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.source_section)
        column.addWidget(self.drivers_section)
        self.retint()

    def _build_source(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        for label, size in ((self.name, 12), (self.kind, 11), (self.state, 11)):
            label.setFont(theme.ui_font(size, semibold=size == 12))
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setProperty("secondary", size == 11)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            words.addWidget(label)
        words.addStretch(1)
        line = QHBoxLayout()
        line.setContentsMargins(16, 6, 12, 4)
        line.setSpacing(10)
        line.addWidget(self.thumb, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(words, 1)
        self.source_section.rows.addLayout(line)
        sound_line = QHBoxLayout()
        sound_line.setContentsMargins(16, 2, 12, 2)
        self._sound_label = PlainLabel("Sound")
        self._sound_label.setProperty("secondary", True)
        self._sound_label.setFont(theme.ui_font(11))
        sound_line.addWidget(self._sound_label)
        sound_line.addSpacing(8)
        sound_line.addWidget(self.sound, 1)
        self.source_section.rows.addLayout(sound_line)
        self.sound.chosen.connect(self._requests.sound_chosen)

    def _build_drivers(self) -> None:
        self.hint.setWordWrap(True)
        self.hint.setProperty("secondary", True)
        self.hint.setContentsMargins(16, 6, 16, 2)
        self.drivers_section.rows.addWidget(self.hint)
        self._cards = QVBoxLayout()
        self._cards.setSpacing(0)
        self.drivers_section.rows.addLayout(self._cards)
        buttons = QHBoxLayout()
        buttons.setContentsMargins(16, 6, 12, 2)
        buttons.setSpacing(4)
        self.add.setToolTip("Choose clips, tables (CSV, JSON, npz) or photos, or drop them here")
        self.add.clicked.connect(self._requests.add_asked)
        self.add.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.pick.setToolTip("Copy the expression of another photo to the selected face")
        self.pick.clicked.connect(self._requests.photo_pick_asked)
        buttons.addWidget(self.add)
        buttons.addWidget(self.pick)
        self.drivers_section.rows.addLayout(buttons)

    # Showing --------------------------------------------------------------------------------------

    def retint(self) -> None:
        """Draw icons in the colours of the theme."""
        self.add.setIcon(theme.icon("add"))
        self.pick.setIcon(theme.icon("eyedropper"))
        for button in (self.add, self.pick):
            button.setIconSize(QSize(14, 14))
        for card in self.cards:
            card.retint()

    def apply(self, before: Project, after: Project) -> None:
        """Show a project."""
        self._project = after
        same = after.source is before.source and after.faces is before.faces
        if not same or after.face_index != before.face_index:
            self._show_source()
        if after.drivers is not before.drivers:
            self._match_cards(before.drivers, after.drivers)
        if _concerns(before, after):
            self._show_sound()
            self._show_cards()

    def show_photo(self, photo: Photo | None) -> None:
        """Show the thumbnail of the source."""
        if photo is not None and not self._films.get(photo.digest):
            self._films[photo.digest] = {0: thumbnail(photo.rgb8, 2 * THUMB[0])}
        self._show_source()

    def forget(self) -> None:
        """Release thumbnails and tracking: the document is empty."""
        for known in (
            self._films,
            self._people,
            self._portraits,
            self._progress,
            self._clocks,
            self._left,
        ):
            known.clear()

    def show_film(self, digest: str, film: dict[int, Pixels]) -> None:
        """Add thumbnails of a clip or photo, by frame."""
        known = self._films.get(digest, {})
        if len(known) > _MOST_FILM:
            known = {}
        self._films[digest] = {**known, **film}
        self._show_source()
        self._show_cards()

    def show_tracking(self, digest: str, done: int, total: int) -> None:
        """Show the progress of a clip's tracking; 0 of 0 when it ends."""
        if total == 0:
            for table in (self._progress, self._clocks, self._left):
                table.pop(digest, None)
        else:
            self._progress[digest] = done, total
            self._left[digest] = self._clocks.setdefault(digest, TimeLeft()).seconds(done, total)
        self._show_source()
        self._show_cards()

    def show_people(self, name: str, motions: tuple[Motion, ...]) -> None:
        """Offer the people of a driver."""
        self._people[self._project.driver(name).medium.digest] = motions
        self._show_cards()

    def show_portraits(self, digest: str, portraits: tuple[Pixels, ...]) -> None:
        """Show the portraits of the people of a driver."""
        self._portraits[digest] = portraits
        self._show_cards()

    def show_frame(self, frame: int) -> None:
        """Follow the playhead, a frame of the document."""
        self._frame = frame
        if any(card.details.isVisibleTo(self) for card in self.cards):
            self._show_cards()

    def card(self, name: str) -> DriverCard:
        """The card of a driver; `KeyError` if there is none."""
        for card in self.cards:
            if card.look.driver.name == name:
                return card
        raise KeyError(name)

    def _show_source(self) -> None:
        project, source = self._project, self._project.source
        self.source_section.setVisible(source is not None)
        if source is None:
            return
        path = Path(source.path)
        room = max(self.name.width(), 60)
        self.name.setText(
            self.name.fontMetrics().elidedText(path.name, Qt.TextElideMode.ElideMiddle, room)
        )
        self.name.setToolTip(plain_tip(str(path)))
        size = f"{source.width} \u00d7 {source.height}"
        clip = isinstance(source, Clip)
        self.kind.setText(
            f"Clip, {source.duration_s:.1f} s" if isinstance(source, Clip) else f"Photo, {size}"
        )
        count = len(project.faces)
        faces = f"{count} face{'s' if count != 1 else ''}"
        progress = self._progress.get(source.digest) if clip else None
        if progress is not None:
            faces = f"Tracking {progress[0] / max(progress[1], 1):.0%}".replace("%", " %")
        self.state.setText(faces if not clip else f"{faces}, {size}")
        self.thumb.show_film(self._films.get(source.digest, {}))
        self.thumb.show_face(place_of(project.face, source))
        self.thumb.setToolTip(plain_tip(str(path)))

    def _show_sound(self) -> None:
        project = self._project
        sound_choices = [
            d.name for d in project.drivers if isinstance(d.medium, Clip) and d.medium.has_sound
        ]
        own = project.clip is not None and project.clip.has_sound
        for part in (self.sound, self._sound_label):
            part.setVisible(bool(sound_choices or own))
        first = "Source" if project.clip is not None else "Driver of the face"
        choices = [("", first), *((name, name) for name in sound_choices), ("none", "None")]
        self.sound.apply(choices, project.output.sound)

    def _match_cards(self, before: Sequence[Driver], after: Sequence[Driver]) -> None:
        """Match the cards to the drivers; a card keeps its driver when others are removed."""
        while len(self.cards) < len(after):
            card = DriverCard(self._requests)
            self.cards.append(card)
            self._cards.addWidget(card)
            card.show()
        if len(after) < len(before):
            kept = {driver.name for driver in after}
            for card in [c for c in self.cards if c.look.driver.name not in kept][
                : len(self.cards) - len(after)
            ]:
                self._drop(card)
        for card in self.cards[len(after) :]:
            self._drop(card)

    def _drop(self, card: DriverCard) -> None:
        self.cards.remove(card)
        self._cards.removeWidget(card)
        card.hide()
        card.deleteLater()

    def _show_cards(self) -> None:
        self.hint.setVisible(not self.cards and self._project.source is not None)
        for card, driver in zip(self.cards, self._project.drivers, strict=True):
            card.apply(self._look(driver))

    def _look(self, driver: Driver) -> CardLook:
        project, digest = self._project, driver.medium.digest
        people = self._people.get(digest, ())
        edits = project.face_edits
        waits = driver.motion is None
        return CardLook(
            driver=driver,
            film=self._films.get(digest, {}),
            progress=self._progress.get(digest) if waits else None,
            left_s=self._left.get(digest),
            people=len(people),
            person=next((n for n, m in enumerate(people) if m == driver.motion), 0),
            drives=edits is not None and any(rule.driver == driver.name for rule in edits.mix),
            can_drive=project.face is not None,
            frame=motion_frame(project, driver.name, self._frame) or 0,
            portraits=self._portraits.get(digest, ()),
        )

    def resizeEvent(self, event: object) -> None:
        """Elide names to the new width."""
        self._show_source()


def _concerns(before: Project, after: Project) -> bool:
    """Whether the cards must be updated, so that moving a slider leaves them alone."""
    mixes = [
        () if project.face_edits is None else project.face_edits.mix for project in (before, after)
    ]
    same = (
        after.drivers is before.drivers
        and after.source is before.source
        and after.output is before.output
    )
    return not same or mixes[0] is not mixes[1] or (before.face is None) is not (after.face is None)
