"""The volume: a mute button and a short slider."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QToolButton, QWidget

from app import theme
from app.editor.playback_sound import Sound
from app.settings import Settings


class VolumeControl(QWidget):
    """A mute button and a volume slider, hidden while the document has no sound.

    Parameters
    ----------
    sound : Sound
        The sound whose volume is set.
    settings : Settings
        Hold the volume between sessions.
    parent : QWidget, optional
    """

    def __init__(self, sound: Sound, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sound, self._settings = sound, settings
        self.mute = QToolButton()
        self.mute.setCheckable(True)
        self.mute.setIconSize(QSize(14, 14))
        self.mute.setAccessibleName("Mute")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setFixedWidth(72)
        self.slider.setAccessibleName("Volume")
        self.slider.setToolTip("Volume")
        line = QHBoxLayout(self)
        line.setContentsMargins(4, 0, 8, 0)
        line.setSpacing(2)
        line.addWidget(self.mute)
        line.addWidget(self.slider)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        sound.available_changed.connect(self.setVisible)
        self.slider.valueChanged.connect(self._volume_changed)
        self.mute.toggled.connect(self._muted_changed)
        self.slider.setValue(round(settings.number("volume", 1.0) * 100))
        self.mute.setChecked(settings.is_on("muted", default=False))
        self.retint()
        self.hide()

    def retint(self) -> None:
        """Draw the icon in the colours of the theme."""
        self.mute.setIcon(theme.icon("muted" if self.mute.isChecked() else "sound"))
        self.mute.setToolTip("Unmute" if self.mute.isChecked() else "Mute")

    def _volume_changed(self, value: int) -> None:
        self._settings.set_word("volume", f"{value / 100:.2f}")
        self._sound.set_volume(value / 100)

    def _muted_changed(self, muted: bool) -> None:
        self.retint()
        self._settings.set_on("muted", muted)
        self._sound.set_muted(muted)
