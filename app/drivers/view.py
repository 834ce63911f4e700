"""Everything in the window about drivers: the left panel, the driver preview and the sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.drivers.controller import DriverController
from app.drivers.drops import Drops
from app.drivers.inset import DriverInset
from app.drivers.panel import LeftPanel
from app.drivers.volume_control import VolumeControl
from app.editor.playback_sound import Sound
from app.editor.studio import Studio
from app.errors import Notice
from app.settings import Settings
from app.timeline.media import TimelineMedia
from app.timeline.panel import TimelinePanel
from icface.document import Project
from icface.media import Photo


class DriversView(QObject):
    """The parts, connected to the studio and to each other.

    Parameters
    ----------
    studio : Studio
    settings : Settings
    over : QWidget
        The widget over which the driver preview lies.
    parent : QObject
    """

    def __init__(self, studio: Studio, settings: Settings, over: QWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._studio, self._settings, self._over = studio, settings, over
        self.controller = DriverController(studio, self)
        self.drops = Drops(studio, self.controller, self)
        self.panel = LeftPanel(studio, self.controller, settings)
        self.inset = DriverInset(over, settings)
        self.sound = Sound(studio.session, studio.playhead, parent=self)
        self.volume = VolumeControl(self.sound, settings)
        self._actions: Mapping[str, QAction] = {}

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Handlers of the actions, by id."""
        return {
            "add_driver": self.panel.ask_for_drivers,
            "import_tracking": self.panel.ask_for_tables,
            "export_tracking": self.panel.export_tracking,
            "pick": self.panel.ask_for_expression,
            "beside": self._set_beside,
            "sources": self._set_panel,
        }

    def connect_with(self, actions: Mapping[str, QAction], timeline: TimelinePanel) -> None:
        """Follow the studio and restore the remembered settings."""
        studio = self._studio
        self._actions = actions
        studio.photos.photo_changed.connect(self._photo_changed)
        studio.session.project_changed.connect(self._project_changed)
        studio.bridge.frame_ready.connect(
            lambda frame: self.inset.show_frame(frame, studio.project)
        )
        self.media = TimelineMedia(
            studio.session, timeline, self.controller.thumbnails.film_ready, self
        )
        self.sound.failed.connect(self._notify_no_sound)
        for name in ("beside", "sources"):
            actions[name].setChecked(self._settings.is_on(name))
        self._photo_changed(studio.photo)
        self._project_changed(Project(), studio.project)

    def retint(self) -> None:
        """Draw icons in the colours of the theme."""
        self.panel.retint()
        self.volume.retint()

    def close(self) -> None:
        """Stop the sound and the reading of media."""
        self.sound.close()
        self.media.close()

    def _photo_changed(self, photo: Photo | None) -> None:
        self.panel.setVisible(photo is not None and self._settings.is_on("sources"))
        self.panel.show_photo(photo)
        self.inset.show_picture(None, "")
        for name in ("add_driver", "import_tracking"):
            self._actions[name].setEnabled(photo is not None)

    def _project_changed(self, before: Project, after: Project) -> None:
        self.panel.apply(before, after)
        self._actions["pick"].setEnabled(after.face is not None)
        self._actions["export_tracking"].setEnabled(self.panel.can_export_tracking())

    def _notify_no_sound(self, why: str) -> None:
        self._studio.notice_raised.emit(
            Notice(kind="info", title="No sound", text=why, topic="sound")
        )

    def _set_beside(self, shown: bool) -> None:
        self._settings.set_on("beside", shown)
        self.inset.set_on(shown)

    def _set_panel(self, shown: bool) -> None:
        self._settings.set_on("sources", shown)
        focus = self.panel.focusWidget()
        if not shown and focus is not None and focus.hasFocus():
            self._over.setFocus()
        self.panel.setVisible(shown and self._studio.photo is not None)
