"""The film strip and the waveform over the lanes: of a source clip, or else of the driver clip."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, SignalInstance

from app.editor.session import Session
from app.files.disk_thread import DiskThread
from app.timeline.panel import TimelinePanel
from app.widgets.qimage import to_qimage
from icface.arrays import Pixels
from icface.document import Clip, Project
from icface.document.mixing import heard_clip
from icface.media.sound import SoundError
from icface.media.waveform import peak_blocks

_PEAKS_PER_SECOND = 200
"""Resolution of the waveform, peaks a second."""
Peaks = NDArray[np.float32]


class TimelineMedia(QObject):
    """Loads the film strip and the waveform of a timeline.

    Parameters
    ----------
    session : Session
    timeline : TimelinePanel
    film_ready : signal of (str, dict)
        Digest of a clip, and thumbnails by frame.
    parent : QObject
    """

    def __init__(
        self, session: Session, timeline: TimelinePanel, film_ready: SignalInstance, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._timeline = session, timeline
        self._films: dict[str, Mapping[int, Pixels]] = {}
        self._shown_state: tuple[object, ...] = ()
        self._sound_clip: tuple[Clip, int] | None = None
        self._peaks: dict[str, Peaks] = {}
        self._closed = False
        self._thread = DiskThread(
            self
        )  # a thread of its own, so that reading a long sound does not delay a save
        film_ready.connect(self._take_film)
        session.project_changed.connect(lambda _before, after: self._show(after))
        session.document_emptied.connect(self._forget)
        self._show(session.project)

    def _forget(self) -> None:
        self._films.clear()
        self._peaks.clear()

    def close(self) -> None:
        """Stop reading."""
        self._closed = True
        self._thread.close()

    def _show(self, project: Project) -> None:
        self._show_film(project)
        sound_clip = heard_clip(project)
        if sound_clip != self._sound_clip:
            self._sound_clip = sound_clip
            self._show_sound()

    # Film -----------------------------------------------------------------------------------------

    def _take_film(self, digest: str, film: Mapping[int, Pixels]) -> None:
        self._films[digest] = film
        self._shown_state = ()
        self._show_film(self._session.project)

    def _show_film(self, project: Project) -> None:
        clip, shift = filmed(project)
        film = self._films.get(clip.digest) if clip is not None else None
        state = (film, clip, shift, project.rate)
        if len(state) == len(self._shown_state) and all(
            a is b or a == b for a, b in zip(state[1:], self._shown_state[1:], strict=True)
        ):
            return
        self._shown_state = state
        images = {}
        for frame, pixels in (film or {}).items():
            assert clip is not None
            images[round(frame / clip.rate * project.rate) + shift] = to_qimage(pixels)
        self._timeline.set_filmstrip(images)

    # Sound ----------------------------------------------------------------------------------------

    def _show_sound(self) -> None:
        if self._sound_clip is None:
            self._timeline.set_waveform(np.zeros(0, np.float32), 1 / _PEAKS_PER_SECOND)
            return
        clip, shift = self._sound_clip
        known = self._peaks.get(clip.digest)
        if known is None:
            self._timeline.set_waveform(np.zeros(0, np.float32), 1 / _PEAKS_PER_SECOND)
            if not self._closed:
                self._thread.do(
                    lambda: self._read(clip),
                    lambda peaks: self._take_sound(clip, peaks),
                    self._failed,
                )
        else:
            self._timeline.set_waveform(known, 1 / _PEAKS_PER_SECOND, shift)

    def _read(self, clip: Clip) -> Peaks:
        parts: list[Peaks] = [np.zeros((0, 2), np.float32)]
        for lows, highs in peak_blocks(clip.path, per_second=_PEAKS_PER_SECOND):
            parts.append(np.stack([lows, highs], 1))
            if self._closed:
                break
        return np.concatenate(parts)

    def _take_sound(self, clip: Clip, peaks: Peaks) -> None:
        self._peaks[clip.digest] = peaks
        if self._sound_clip is not None and self._sound_clip[0].digest == clip.digest:
            self._show_sound()

    def _failed(self, error: Exception) -> None:
        """Show no waveform for unreadable sound; playback reports that it cannot be heard."""
        if not isinstance(error, SoundError):
            raise error


def filmed(project: Project) -> tuple[Clip | None, int]:
    """The clip of the film strip, and its delay in frames."""
    if project.clip is not None:
        return project.clip, 0
    rules = () if project.face_edits is None else project.face_edits.mix
    for rule in rules:
        medium = project.driver(rule.driver).medium if rule.driver else None
        if isinstance(medium, Clip):
            return medium, rule.shift
    return None, 0
