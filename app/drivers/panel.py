"""The panel on the left: faces, source, drivers and mix, connected to the driver controller."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.drivers.cards_panel import CardsPanel
from app.drivers.controller import PORTRAIT_SIDE, DriverController
from app.drivers.face_picker import FacePicker
from app.drivers.mix_panel import MixPanel
from app.drivers.requests import DriverRequests
from app.editor.studio import Studio
from app.files.file_dialogs import (
    ask_for_drivers,
    ask_for_expression,
    ask_for_tables,
    ask_to_export_tracking,
    dropped_drivers,
)
from app.settings import Settings
from app.widgets.panel_section import PanelSection
from icface.arrays import Pixels
from icface.document import Clip, Driver, Project
from icface.media import Photo

WIDTHS = (280, 304, 360)
"""Minimum, preferred and maximum width, logical pixels."""
_SOURCE_FACES = "faces of the source"


class LeftPanel(QWidget):
    """Faces, source, drivers and mix of a document.

    Parameters
    ----------
    studio : Studio
    controller : DriverController
    settings : Settings
        Hold which sections are folded.
    parent : QWidget, optional
    """

    def __init__(
        self,
        studio: Studio,
        controller: DriverController,
        settings: Settings,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("left-panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAcceptDrops(True)
        self._studio, self._controller, self._settings = studio, controller, settings
        self.requests = DriverRequests(self)
        self.picker = FacePicker()
        self.faces = PanelSection("faces", "Faces")
        self.media = CardsPanel(self.requests)
        self.mix = MixPanel(self.requests)
        self._build()
        self._connect()

    def sizeHint(self) -> QSize:
        """Room for a card."""
        return QSize(WIDTHS[1], 600)

    def _build(self) -> None:
        self.faces.rows.addWidget(self.picker)
        self.faces.hide()
        inside = QWidget()
        inside.setObjectName("left-inside")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 16)
        column.setSpacing(0)
        for part in (self.faces, self.media, self.mix):
            column.addWidget(part)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        self.setMinimumWidth(WIDTHS[0])
        self.setMaximumWidth(WIDTHS[2])
        folded = self._settings.folded
        for section in self._sections():
            section.set_open(section.region not in folded)
            section.header.setToolTip(f"Show or hide: {section.header.text().lower()}")

    def _sections(self) -> tuple[PanelSection, ...]:
        return self.faces, self.media.source_section, self.media.drivers_section, self.mix.section

    def _connect(self) -> None:
        requests, controller, bridge = self.requests, self._controller, self._studio.bridge
        requests.add_asked.connect(self.ask_for_drivers)
        requests.files_dropped.connect(self._add_all)
        requests.renamed.connect(controller.rename)
        requests.removed.connect(controller.remove)
        requests.track_asked.connect(controller.track_again)
        requests.stop_asked.connect(controller.stop_tracking)
        requests.person_chosen.connect(controller.choose_person)
        requests.drive_asked.connect(controller.drive_with)
        requests.driver_changed.connect(self._set_driver)
        requests.neutral_asked.connect(controller.set_neutral_where)
        requests.frame_picked.connect(
            lambda name: controller.pick_from_frame(name, controller.frame_under_playhead(name))
        )
        requests.photo_pick_asked.connect(self.ask_for_expression)
        requests.export_asked.connect(self.ask_to_export_tracking)
        requests.rule_set.connect(controller.set_rule)
        requests.rule_removed.connect(controller.remove_rule)
        requests.rule_value_set.connect(controller.set_rule_value)
        requests.rule_key_asked.connect(controller.key_rule)
        requests.sound_chosen.connect(controller.set_sound)
        controller.thumbnails.film_ready.connect(self.media.show_film)
        controller.thumbnails.neutral_ready.connect(self.media.show_film)
        controller.tracking.connect(self.media.show_tracking)
        controller.people_found.connect(self.media.show_people)
        self._studio.session.document_emptied.connect(self.media.forget)
        bridge.portraits_ready.connect(self._portraits_ready)
        self._studio.playhead.moved_throttled.connect(self._show_frame)
        self.picker.face_chosen.connect(self._studio.faces.choose_face)
        for section in self._sections():
            section.folded.connect(self._settings.fold)

    # Showing --------------------------------------------------------------------------------------

    def apply(self, before: Project, after: Project) -> None:
        """Show a project."""
        self.media.apply(before, after)
        self.mix.apply(before, after)
        if after.faces is not before.faces:
            self._show_faces()
        self.picker.show_state(after.face_index, after.edits)

    def show_photo(self, photo: Photo | None) -> None:
        """Show the source."""
        self.media.show_photo(photo)
        self._show_faces()

    def _show_faces(self) -> None:
        """Show the faces to choose from; portraits of a clip's faces follow from the engine."""
        project, photo, source = (
            self._studio.project,
            self._studio.photo,
            self._studio.project.source,
        )
        known = photo is not None and source is not None and source.digest == photo.digest
        self.picker.show_faces(photo if known else None, project.faces)
        self.picker.show_state(project.face_index, project.edits)
        self.faces.setVisible(bool(self.picker.buttons))
        motions = [face.motion for face in project.faces if face.motion is not None]
        if project.clip is not None and self.picker.buttons and len(motions) == len(project.faces):
            self._studio.bridge.make_portraits(project.clip, motions, _SOURCE_FACES, PORTRAIT_SIDE)

    def retint(self) -> None:
        """Draw icons in the colours of the theme."""
        self.media.retint()
        self.mix.retint()

    def _portraits_ready(self, key: str, portraits: tuple[Pixels, ...]) -> None:
        if key == _SOURCE_FACES:
            self.picker.show_portraits(portraits)
        else:
            self.media.show_portraits(key, portraits)

    def _show_frame(self, frame: int) -> None:
        if self.isVisible():
            self.media.show_frame(frame)
            self.mix.show_frame(frame)

    # Requests -------------------------------------------------------------------------------------

    def ask_for_drivers(self) -> None:
        """Ask for files to add as drivers."""
        ask_for_drivers(self, self._settings, self._controller.add_driver)

    def ask_for_tables(self) -> None:
        """Ask for a table of tracking data to add as a driver."""
        ask_for_tables(self, self._settings, self._controller.add_driver)

    def ask_for_expression(self) -> None:
        """Ask for a photo and copy its expression to the face."""
        ask_for_expression(self, self._settings, self._controller.pick_expression)

    def export_tracking(self) -> None:
        """Ask where to write the tracking of the source clip, or else of the driver."""
        self.ask_to_export_tracking("")

    def ask_to_export_tracking(self, name: str) -> None:
        """Ask where to write the tracking of a driver; "" for the one of `export_tracking`."""
        project = self._studio.project
        driver = project.driver(name) if name else self._exportable()
        motion = (
            driver.motion
            if driver is not None
            else project.face.motion
            if project.face is not None
            else None
        )
        source = driver.medium if driver is not None else project.source
        if motion is not None and source is not None:
            stem = Path(source.path).stem
            ask_to_export_tracking(
                self,
                self._settings,
                stem,
                lambda path, kind: self._controller.export_tracking(motion, path, kind),
            )

    def can_export_tracking(self) -> bool:
        """Whether there is tracking to export."""
        project = self._studio.project
        return self._exportable() is not None or (
            project.face is not None and project.face.motion is not None
        )

    def _exportable(self) -> Driver | None:
        project = self._studio.project
        if isinstance(project.source, Clip):
            return None
        rules = project.face_edits.mix if project.face_edits else ()
        names = [rule.driver for rule in rules if rule.driver]
        ready = [driver for driver in project.drivers if driver.motion is not None]
        return next(
            (d for name in names for d in ready if d.name == name), ready[0] if ready else None
        )

    def _add_all(self, paths: list[Path]) -> None:
        for path in paths:
            self._controller.add_driver(path)

    def _set_driver(self, name: str, field: str, value: object, gesture: int) -> None:
        self._controller.set_driver(name, gesture=gesture, **{field: value})  # type: ignore[arg-type]

    # Drops ----------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files that can drive a face, while a photo or clip is open."""
        if self._studio.photo is not None and dropped_drivers(event):
            event.acceptProposedAction()
            self._set_target(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Remove the highlight."""
        self._set_target(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Add the dropped files as drivers."""
        self._set_target(False)
        paths = dropped_drivers(event)
        if paths:
            event.acceptProposedAction()
            self.requests.files_dropped.emit(paths)

    def _set_target(self, active: bool) -> None:
        self.setProperty("target", active)
        self.style().polish(self)
