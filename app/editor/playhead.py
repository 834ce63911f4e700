"""Where time stands in the window, and how it runs.

The playhead is no part of the document: it may stand anywhere while the document is edited. While
it plays it follows a clock (that of the sound, when there is any), so that what cannot be shown in
time is left out and speed stays honest. A photo that has no time yet is given some when the
playhead is first moved: that is an edit, as any other.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.editor.session import Session
from icface.document import Project
from icface.document.edits import given_time
from icface.document.edits.still_time import DEFAULT_SECONDS

FASTEST = 8.0
_GLANCE_S = 0.12
_TICK_MS = 8
"""How often the clock is looked at: often enough for 60 frames a second, each shown within half its
time."""


class Playhead(QObject):
    """The frame that is looked at.

    Parameters
    ----------
    session : Session
        Gives the length, the rate and the in and out points.
    clock : callable, optional
        Seconds that rise steadily; replaced by the sound's clock while it plays.
    parent : QObject, optional
    """

    moved = Signal(int)
    """The current frame."""
    moved_throttled = Signal(int)
    """The current frame, a few times a second at most during playback: for slow displays."""
    speed_changed = Signal(float)
    """Playback speed: 1 is normal, below 0 backwards, 0 is stopped."""
    loop_changed = Signal(bool)
    """Whether playback loops from the out point to the in point."""

    def __init__(
        self,
        session: Session,
        clock: Callable[[], float] = time.perf_counter,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._clock = clock
        self._frame = 0
        self._speed = 0.0
        self._loops = True
        self._glance: tuple[float, int] = -1.0, 0  # when, and at which frame
        self._anchor = 0.0, 0.0  # the clock, and seconds of the document, when playing began
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self.follow_clock)
        session.project_changed.connect(self._project_changed)

    @property
    def frame(self) -> int:
        """The frame that is looked at, from 0."""
        return self._frame

    @property
    def seconds(self) -> float:
        """When that frame is shown."""
        return float(self._session.project.seconds(np.array([self._frame]))[0])

    @property
    def speed(self) -> float:
        """Playback speed: 1 is normal, below 0 backwards, 0 is stopped."""
        return self._speed

    @property
    def is_playing(self) -> bool:
        """Whether time runs."""
        return self._speed != 0

    @property
    def loops(self) -> bool:
        """Whether playback loops from the out point to the in point."""
        return self._loops

    def set_loops(self, loops: bool) -> None:
        """Begin anew at the out point, or stop there."""
        if loops is not self._loops:
            self._loops = loops
            self.loop_changed.emit(loops)

    def set_clock(self, clock: Callable[[], float]) -> None:
        """Follow another clock, such as the sound's; playback continues from the current frame."""
        self._clock = clock
        self._hold_on()

    def go_to(self, frame: int) -> None:
        """Go to a frame, or the nearest there is; playback continues from it.

        A photo without a timeline is given one.
        """
        if frame >= self._session.project.n_frames:
            self._give_time()
        self._show(frame)
        self._hold_on()

    def step(self, frames: int) -> None:
        """Stop, and go so many frames on."""
        self.pause()
        self.go_to(self._frame + frames)

    def play(self, speed: float = 1.0) -> None:
        """Start playback; from the opposite end if the playhead is at the end it would reach."""
        if not self._session.project.is_moving and speed != 0:
            self._give_time()
        if not self._session.project.is_moving or speed == 0:
            self.pause()
            return
        first, last = self._session.project.range
        if (speed > 0 and self._frame >= last) or (speed < 0 and self._frame <= first):
            self._show(first if speed > 0 else last)
        self._set_speed(speed)
        self._hold_on()
        self._timer.start()

    def pause(self) -> None:
        """Let time stand still."""
        self._timer.stop()
        self._set_speed(0.0)
        if self._glance[1] != self._frame:
            self._tell_glance()

    def toggle(self) -> None:
        """Play or pause."""
        if self.is_playing:
            self.pause()
        else:
            self.play()

    def shuttle(self, direction: int) -> None:
        """Shuttle as J (-1) and L (1) do: faster at each press, normal speed on a turn."""
        same = self._speed * direction > 0
        self.play(direction * min(abs(self._speed) * 2, FASTEST) if same else float(direction))

    def follow_clock(self) -> None:
        """Go to the frame that is due now."""
        if not self.is_playing:
            return
        project = self._session.project
        began, seconds = self._anchor
        due = self._frame_at(project, seconds + (self._clock() - began) * self._speed)
        first, last = project.range
        if (
            first <= due <= last
            or (due < first and self._speed > 0)
            or (due > last and self._speed < 0)
        ):
            self._show(due)
        elif self._loops:
            self.go_to(first if self._speed > 0 else last)
        else:
            self._show(last if self._speed > 0 else first)
            self.pause()

    def _frame_at(self, project: Project, seconds: float) -> int:
        """The frame shown at a time; one beyond the ends past them, so that the end is noticed."""
        count = project.n_frames
        if project.clip is None:
            return int(np.floor(seconds * float(project.rate) + 1e-6))
        times = _times(project)
        if seconds >= times[-1] + 1 / float(project.rate):
            return count
        return int(np.searchsorted(times, seconds + 1e-6, side="right")) - 1

    def _give_time(self) -> None:
        self._session.edit(given_time, f"Give the photo {DEFAULT_SECONDS} s")

    def _hold_on(self) -> None:
        if self.is_playing:
            self._anchor = self._clock(), self.seconds

    def _set_speed(self, speed: float) -> None:
        if speed != self._speed:
            self._speed = speed
            self.speed_changed.emit(speed)

    def _show(self, frame: int) -> None:
        frame = min(max(frame, 0), self._session.project.n_frames - 1)
        if frame != self._frame:
            self._frame = frame
            self.moved.emit(frame)
            if not self.is_playing or abs(self._clock() - self._glance[0]) >= _GLANCE_S:
                self._tell_glance()

    def _tell_glance(self) -> None:
        self._glance = self._clock(), self._frame
        self.moved_throttled.emit(self._frame)

    def _project_changed(self, _before: Project, after: Project) -> None:
        if self._frame >= after.n_frames:
            self.go_to(after.n_frames - 1)
        if self.is_playing and not after.is_moving:
            self.pause()


class Pace:
    """Counts the frames per second that are really shown."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._since = clock()
        self._shown = 0
        self._last: int | None = None

    def count(self, frame: int) -> float | None:
        """Count a shown frame; once a second, return the frames per second, else None."""
        self._shown += frame != self._last
        self._last = frame
        passed = self._clock() - self._since
        if passed < 1:
            return None
        pace = self._shown / passed
        self._since, self._shown = self._clock(), 0
        return pace


def _times(project: Project) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    motion = project.faces[0].motion if project.faces else None
    return motion.seconds if motion is not None else project.seconds(np.arange(project.n_frames))
