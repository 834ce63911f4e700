"""The sound of a clip while it plays at its own speed: the clock that pictures follow.

Scrubbing, other speeds and frames that stand still are silent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app.editor.playhead import Playhead
from app.editor.session import Session
from icface.document import Clip, Project
from icface.document.mixing import heard_clip
from icface.media.sound import SoundError
from icface.media.sound_player import SoundPlayer

_APART_S = 0.15
"""Where sound and picture are further apart than this and two frames, time has jumped: a loop began
anew, say."""

Opener = Callable[[Path], SoundPlayer]


class Sound(QObject):
    """Plays the clip that `icface.document.mixing.heard_clip` names, as the playhead's clock.

    Parameters
    ----------
    session : Session
    playhead : Playhead
    open_player : callable, optional
        Makes a player for a file; replaced where there must be no device.
    parent : QObject, optional
    """

    failed = Signal(str)
    """Why a file is silent; emitted once for each file."""
    available_changed = Signal(bool)
    """Whether the document has sound."""

    def __init__(
        self,
        session: Session,
        playhead: Playhead,
        open_player: Opener = SoundPlayer,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._playhead, self._open = session, playhead, open_player
        self._player: SoundPlayer | None = None
        self._silent: set[str] = set()  # digests of clips that cannot be heard
        self._heard: tuple[Clip, int] | None = None
        self._volume, self._muted = 1.0, False
        self._starting = False
        session.project_changed.connect(self._project_changed)
        playhead.speed_changed.connect(lambda _speed: self._follow())
        playhead.moved.connect(self._moved)

    @property
    def is_playing(self) -> bool:
        """Whether there is sound, muted or not."""
        return self._player is not None and self._player.playing

    @property
    def position(self) -> float:
        """Position in the document that is playing now, seconds."""
        return 0.0 if self._player is None else self._player.position + self._shift_s

    @property
    def _shift_s(self) -> float:
        shift = 0 if self._heard is None else self._heard[1]
        return shift / float(self._session.project.rate)

    def set_volume(self, volume: float) -> None:
        """Loudness, 0 to 1."""
        self._volume = volume
        self._set_loudness()

    def set_muted(self, muted: bool) -> None:
        """Silence that keeps time."""
        self._muted = muted
        self._set_loudness()

    def close(self) -> None:
        """Fall silent and let go of the file."""
        player, self._player = self._player, None
        if player is not None:
            self._playhead.set_clock(time.perf_counter)
            player.close()

    def _project_changed(self, _before: Project, after: Project) -> None:
        heard = heard_clip(after)
        if heard == self._heard:
            return
        had, self._heard = self._heard is not None, heard
        if self._player is not None and (heard is None or str(self._player.path) != heard[0].path):
            self.close()
        if had != (heard is not None):
            self.available_changed.emit(heard is not None)
        self._follow()

    def _follow(self) -> None:
        """Play or fall silent, as the playhead does."""
        if (
            self._playhead.speed == 1
            and self._heard is not None
            and self._heard[0].digest not in self._silent
        ):
            self._start()
        elif self._player is not None and self._player.playing:
            self._playhead.set_clock(time.perf_counter)
            self._player.stop()

    def _start(self) -> None:
        assert self._heard is not None
        clip = self._heard[0]
        try:
            if self._player is None:
                self._player = self._open(Path(clip.path))
                self._set_loudness()
            self._player.play(self._playhead.seconds - self._shift_s)
        except SoundError as error:
            self._give_up(str(error))
            return
        self._playhead.set_clock(self._time)

    def _time(self) -> float:
        """The sound's clock. Should the sound end by itself, pictures go on without it."""
        if not self.is_playing:
            QTimer.singleShot(0, self, self._fell_silent)
        return self.position

    def _fell_silent(self) -> None:
        if self._player is not None and self._player.error:
            self._give_up(self._player.error)

    def _give_up(self, why: str) -> None:
        """The clip is not tried again."""
        assert self._heard is not None
        self._silent.add(self._heard[0].digest)
        self.close()
        self.failed.emit(why)

    def _moved(self, _frame: int) -> None:
        """Time has jumped: the sound follows, and from there on pictures follow it again."""
        apart = _APART_S + 2 / float(self._session.project.rate)
        if (
            self.is_playing
            and not self._starting
            and abs(self._playhead.seconds - self.position) > apart
        ):
            self._starting = True
            self._start()
            self._starting = False

    def _set_loudness(self) -> None:
        if self._player is not None:
            self._player.volume = 0.0 if self._muted else self._volume
