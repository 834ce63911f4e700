"""The editor's window: its layout and connections, without logic of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QMainWindow,
    QMenu,
)

from app import theme
from app.actions import make_actions, retint_actions
from app.canvas.canvas import Canvas
from app.controls.panel import ControlsPanel
from app.drivers.view import DriversView
from app.editor.studio import Studio
from app.errors import Notice
from app.export.controller import ExportController
from app.files.documents import Documents
from app.settings import Settings
from app.timeline.commands import TimelineCommands, keeps_key
from app.timeline.panel import TimelinePanel
from app.timeline.wiring import wire_sliders, wire_timeline
from app.widgets.plain_text import unmarked
from app.window.availability import enable_actions
from app.window.body import Body
from app.window.diagnosis_page import DiagnosisPage
from app.window.help_pages import AboutPage, KeysPage
from app.window.history_popup import HistoryPopup
from app.window.notice_strip import NoticeStrip
from app.window.pages import LEAST_SIZE, Pages, first_size, set_full_screen
from app.window.status_bar import StatusLine
from app.window.tool_bar import ToolBar, fill_menus
from icface.document import Project
from icface.media import Photo
from icface.rendering.frame_request import Frame


class MainWindow(QMainWindow):
    """The main window: one photo or clip, its controls and its timeline.

    Parameters
    ----------
    studio : Studio
    settings : Settings
    unsaved : Path, optional
        Where backups of unsaved documents are stored; none are made if omitted.
    """

    def __init__(self, studio: Studio, settings: Settings, unsaved: Path | None = None) -> None:
        super().__init__()
        self.studio = studio
        self.settings = settings
        self.documents = Documents(self, studio, settings, unsaved)
        self.canvas = Canvas()
        self.pages = Pages(studio, self.canvas)
        self.empty = self.pages.empty
        self.panel = ControlsPanel()
        self.notices = NoticeStrip()
        self.status = StatusLine()
        self.history = HistoryPopup(self)
        self.timeline = TimelinePanel(studio.session, studio.playhead)
        self.commands = TimelineCommands(self.timeline, settings)
        self.drivers = DriversView(studio, settings, self.canvas, self)
        self.exports = ExportController(self, studio, settings)
        self.actions_by_id = make_actions(self, self._handlers())
        self._recent = QMenu("Open recent", self)
        self.setWindowTitle("ICface Studio")
        self.setAcceptDrops(True)
        self.setMinimumSize(LEAST_SIZE)
        fill_menus(self.menuBar(), self.actions_by_id, self._recent)
        self.bar = ToolBar(self.actions_by_id, self)
        self.addToolBar(self.bar)
        self._build_body()
        self._connect()
        self._restore()
        self._photo_changed(None)
        self._history_changed()
        self._show_title()

    # Building -------------------------------------------------------------------------------------

    def _handlers(self) -> dict[str, Callable[..., object]]:
        studio, session, canvas = self.studio, self.studio.session, self.canvas
        return {
            "new": self.documents.new,
            "open": self.documents.ask_to_open,
            "sample": studio.photos.open_sample,
            "find_media": self.documents.media.find_next,
            "save": self.documents.save,
            "save_as": self.documents.save_as,
            "save_image": self.documents.save_image_as,
            "quit": self.close,
            "undo": session.undo,
            "redo": session.redo,
            "history": self._open_history,
            "copy": self._copy,
            "paste": self._paste,
            "reset": studio.faces.reset_all,
            "search": self.panel.focus_search,
            "fit": canvas.fit,
            "actual": lambda: canvas.zoom_to(1.0),
            "zoom_in": lambda: canvas.zoom_to(canvas.zoom * 1.25),
            "zoom_out": lambda: canvas.zoom_to(canvas.zoom / 1.25),
            "before": canvas.set_before,
            "wipe": canvas.set_wipe,
            "overlays": self._set_overlays,
            "draw_box": canvas.start_drawing_box,
            "protect": canvas.start_drawing_region,
            "unprotect": studio.faces.clear_protection,
            "light": lambda on: self.set_theme("light" if on else "dark"),
            "full_screen": lambda on: set_full_screen(self, on),
            "keys": lambda: KeysPage(theme.current(), self).show(),
            "diagnose": lambda: DiagnosisPage(self.settings, self).show(),
            "about": lambda: AboutPage(self).show(),
            **self.commands.handlers(),
            **self.drivers.handlers(),
            **self.exports.handlers(),
        }

    def _build_body(self) -> None:
        self.body = Body(self.drivers.panel, (self.notices, self.pages), self.panel, self.timeline)
        self.setCentralWidget(self.body)
        self.setStatusBar(self.status)
        self.status.addPermanentWidget(self.exports.badge)
        self.status.addPermanentWidget(self.drivers.volume)

    def _connect(self) -> None:
        studio, bridge = self.studio, self.studio.bridge
        studio.photos.photo_changed.connect(self._photo_changed)
        studio.notice_raised.connect(self.show_notice)
        studio.notice_cleared.connect(self.notices.dismiss)
        studio.photos.box_requested.connect(self.canvas.start_drawing_box)
        studio.session.project_changed.connect(self._project_changed)
        studio.session.history_changed.connect(self._history_changed)
        studio.playhead.moved.connect(lambda _frame: self._show_faces())
        bridge.frame_ready.connect(self._frame_ready)
        bridge.busy_changed.connect(self.status.show_busy)
        bridge.progress.connect(self._progress)
        bridge.device_changed.connect(self.status.show_device)
        self.panel.value_edited.connect(studio.faces.set_row)
        self.panel.gaze_edited.connect(studio.faces.set_gaze)
        self.panel.reset_asked.connect(studio.faces.reset_row)
        self.panel.link_toggled.connect(studio.faces.link)
        self.panel.reset_all_asked.connect(studio.faces.reset_all)
        self.panel.region_folded.connect(self.settings.fold)
        self.panel.search.left.connect(self.canvas.setFocus)
        self.drivers.connect_with(self.actions_by_id, self.timeline)
        self.drivers.drops.status_message.connect(self.status.say)
        self.status.cancel_asked.connect(self.drivers.drops.forget)
        self.studio.pace_changed.connect(self._show_pace)
        wire_timeline(studio, self.timeline, self.commands, self.actions_by_id)
        wire_sliders(studio, self.panel, self.timeline, self.commands)
        self._connect_canvas()
        self.status.cancel_asked.connect(studio.cancel)
        self.documents.changed.connect(self._show_title)
        self.documents.recent_changed.connect(self._show_recent)
        self.documents.notice_raised.connect(self.show_notice)
        self.documents.notice_cleared.connect(self.notices.dismiss)
        self.documents.saved.connect(self.status.say_saved)
        self.documents.backup_status.connect(self.status.show_backup)
        self.documents.media.missing_changed.connect(self.actions_by_id["find_media"].setEnabled)
        self.pages.missing.find_asked.connect(self.documents.media.find_next)
        self.history.chosen.connect(studio.session.go_to)
        self.empty.open_asked.connect(self.actions_by_id["open"].trigger)
        self.empty.clip_asked.connect(self.documents.ask_to_open_clip)
        self.empty.sample_asked.connect(studio.photos.open_sample)
        self.empty.recent_asked.connect(self.documents.open)

    def _show_pace(self, pace: float) -> None:
        speed = abs(self.studio.playhead.speed)
        self.status.show_pace(pace, float(self.studio.project.rate) * speed)

    def _connect_canvas(self) -> None:
        studio = self.studio
        self.timeline.left.connect(self.canvas.setFocus)
        self.canvas.face_chosen.connect(studio.faces.choose_face)
        self.canvas.box_drawn.connect(studio.faces.observe_box)
        self.canvas.region_drawn.connect(studio.faces.protect)
        self.canvas.head_turned.connect(studio.faces.turn_head)
        self.canvas.view_changed.connect(self._view_changed)
        self.canvas.wipe_changed.connect(self.actions_by_id["wipe"].setChecked)

    def _restore(self) -> None:
        self.resize(first_size(self.screen().availableSize()))
        if not (geometry := self.settings.state("window")).isEmpty():
            self.restoreGeometry(geometry)
        self.body.restore(self.settings)
        self.panel.set_folded(self.settings.folded)
        self.actions_by_id["overlays"].setChecked(self.settings.shows_faces)
        self.actions_by_id["light"].setChecked(theme.current().name == "light")
        self._show_recent()

    def show_notice(self, notice: Notice) -> None:
        """Show a notice in the strip above the canvas."""
        self.notices.show_notice(notice)

    def set_theme(self, name: theme.ThemeName) -> None:
        """Apply the dark or light theme, and remember it."""
        application = QApplication.instance()
        if isinstance(application, QApplication) and theme.current().name != name:
            self.settings.theme = name
            theme.apply_theme(application, name)
            retint_actions(self.actions_by_id)
            for part in (self.panel, self.pages, self.notices, self.timeline, self.drivers):
                part.retint()

    def _open_history(self) -> None:
        session = self.studio.session
        self.history.show_steps(session.labels, session.position)
        self.history.open_below(self.bar.buttons["history"])

    def _copy(self) -> None:
        if not self.commands.copy():
            QGuiApplication.clipboard().setText(self.studio.faces.copied_expression())

    def _paste(self) -> None:
        if not self.commands.paste():
            self.studio.faces.paste_expression(QGuiApplication.clipboard().text())

    def _set_overlays(self, shown: bool) -> None:
        self.settings.shows_faces = shown
        self.canvas.set_overlays(shown)

    def _show_recent(self) -> None:
        paths = self.settings.recent
        self._recent.clear()
        self._recent.setEnabled(bool(paths))
        for path in paths:
            self._recent.addAction(unmarked(path.name)).triggered.connect(
                partial(self.documents.open, path)
            )
        self.empty.show_recent(paths)

    # Signals of the studio ------------------------------------------------------------------------

    def _photo_changed(self, photo: Photo | None) -> None:
        self.canvas.show_photo(photo)
        self.status.show_photo(photo)
        self.pages.choose()
        if photo is None:
            self.empty.show_opening("", "")
        enable_actions(self.actions_by_id, self.studio)
        self.actions_by_id["before"].setChecked(False)

    def _show_title(self) -> None:
        name = self.documents.name
        self.setWindowTitle(f"{name}[*] \u2013 ICface Studio" if name else "ICface Studio[*]")
        self.setWindowModified(self.documents.is_modified)
        for action in ("save", "save_as"):
            self.actions_by_id[action].setEnabled(bool(name) or self.documents.is_modified)

    def _project_changed(self, before: Project, after: Project) -> None:
        self.panel.apply(before, after, self.studio.playhead.frame)
        self._show_faces()
        enable_actions(self.actions_by_id, self.studio)

    def _show_faces(self) -> None:
        """Show the frames around the faces at the playhead."""
        project, frame = self.studio.project, self.studio.playhead.frame
        faces = project.faces
        if project.clip is not None:
            faces = tuple(face.at(frame) or face for face in faces)
        self.canvas.show_faces(faces, project.face_index)
        chosen = None if project.face is None else project.face.at(frame)
        self.status.show_face(chosen, project.face_index, len(faces))
        self.canvas.show_regions(project.regions)

    def _history_changed(self) -> None:
        session = self.studio.session
        enable_actions(self.actions_by_id, self.studio)
        for name, verb, label in (
            ("undo", "Undo", session.undo_label),
            ("redo", "Redo", session.redo_label),
        ):
            action = self.actions_by_id[name]
            action.setText(unmarked(f"{verb} {label}") if label else verb)
            action.setEnabled(label is not None)
        if self.history.isVisible():
            self.history.show_steps(session.labels, session.position)

    def _frame_ready(self, frame: Frame) -> None:
        self.canvas.show_frame(frame)
        self.status.show_frame(frame)

    def _progress(self, done: int, total: int, text: str) -> None:
        self.status.show_progress(done, total, text)
        if self.studio.photos.opening:
            self.empty.show_opening(self.studio.photos.opening, text)

    def _view_changed(self) -> None:
        self.studio.set_view_side(self.canvas.view.needed_side)
        if self.studio.photo is not None:
            self.status.show_zoom(self.canvas.zoom)

    # Events of Qt --------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        r"""Show the unedited photo while \ is held; Return presses a button, since Space plays."""
        if event.isAutoRepeat():
            return
        if event.text() == "\\":
            self.canvas.set_before(True)
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and isinstance(
            button := self.focusWidget(), QAbstractButton
        ):
            button.click()
        elif event.key() == Qt.Key.Key_Escape and self.notices.isVisible():
            self.notices.close_notice()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Show the edited photo when the key is released."""
        if event.isAutoRepeat():
            return
        if event.key() == Qt.Key.Key_Backslash or event.text() == "\\":
            self.canvas.set_before(self.actions_by_id["before"].isChecked())
        elif event.key() == Qt.Key.Key_K:
            self.commands.let_go()
        else:
            super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Treat held keys as released when another window becomes active."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.canvas.set_before(self.actions_by_id["before"].isChecked())
            self.commands.let_go()

    def event(self, event: QEvent) -> bool:
        """Leave the arrow keys to focused lists and sliders."""
        if event.type() == QEvent.Type.ShortcutOverride and keeps_key(self.focusWidget(), event):
            event.accept()
            return True
        return super().event(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files that can be opened."""
        path = self.drivers.drops.welcome(event)
        if path is not None:
            event.acceptProposedAction()
            self._set_drop_target(True)
            self.canvas.set_drop_target(True, self.drivers.drops.hint(path))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Hide the drop target when the file leaves the window."""
        self._set_drop_target(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open a dropped file, or let it drive the open face."""
        self._set_drop_target(False)
        path = self.drivers.drops.welcome(event)
        if path is not None:
            event.acceptProposedAction()
            self.drivers.drops.take(path, self.documents.open)

    def _set_drop_target(self, active: bool) -> None:
        self.empty.set_drop_target(active)
        self.canvas.set_drop_target(active)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved changes, and remember the layout."""
        if not (self.documents.may_close() and self.exports.may_close()):
            event.ignore()
            return
        self.documents.close()
        self.exports.close()
        self.drivers.close()
        self.settings.set_state("window", self.saveGeometry())
        self.body.remember(self.settings)
        super().closeEvent(event)
