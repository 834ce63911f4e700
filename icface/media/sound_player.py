"""Sound that is heard while a clip plays, and the clock by which its pictures are shown.

A thread of its own reads ahead; the device takes from what was read, on a thread that belongs to
it. What the device took tells the time, so that pictures that follow it stay with the sound however
late either is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import miniaudio
import numpy as np

from icface.media.sound import Samples, SoundError, SoundReader
from icface.system.failures import trace_of_fault

log = logging.getLogger(__name__)
RATE = 48000
"""Samples a second that are given to the device."""
_CHANNELS = 2
_PERIOD_S = 0.02
_BLOCK = 2048
_AHEAD_BLOCKS = 12
_MOST_SPEED = 8.0
_NO_DEVICE = "There is no sound device to play on. Plug one in; pictures play without it."


@dataclass(slots=True)
class _Block:
    """Samples to be heard, and what they are of the clip."""

    samples: Samples
    start: float  # clip seconds of the first sample
    speed: float
    used: int = 0

    @property
    def at(self) -> float:
        return self.start + self.used * self.speed / RATE


class SoundPlayer:
    """Plays the sound of a clip from any time, at any speed, also backwards.

    Its methods may be called from any one thread.

    Beyond the ends of the sound there is silence and the clock goes on. To be closed, or used in a
    ``with``.

    Parameters
    ----------
    path : str or Path
        A clip with sound, or a file of sound.
    silent : bool
        Play to no device, in real time: for tests, and where a clock is wanted without sound.

    Raises
    ------
    SoundError
        If the file holds no sound, or there is no device to play it on.
    """

    def __init__(self, path: str | Path, *, silent: bool = False) -> None:
        self.path = Path(path)
        self._changed = threading.Condition()
        self._blocks: deque[_Block] = deque()
        self._job: _Job | None = None
        self._closing = False
        self._volume, self._position, self._heard_at = 1.0, 0.0, 0.0
        self._speed, self._error = 0.0, ""
        self._device = _open_device(silent=silent)
        try:
            self._reader = SoundReader(
                self.path, rate=RATE, channels=_CHANNELS
            )  # used by the thread alone
        except BaseException:
            self._device.close()
            raise
        self._thread = threading.Thread(target=self._read_ahead, name="sound reader", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def play(
        self, start: float, *, speed: float = 1.0, loop: tuple[float, float] | None = None
    ) -> None:
        """Play from a time on, whatever was played before.

        Parameters
        ----------
        start : float
            Seconds from the clip's first picture.
        speed : float
            1 is natural; negative is backwards; -8 to 8, not 0. Pitch follows speed, as on tape.
        loop : (float, float), optional
            Play from the first to the second time for ever.

        Raises
        ------
        SoundError
            If the speed is out of range, the loop is empty, or the device does not start.
        """
        if not 0 < abs(speed) <= _MOST_SPEED:
            raise SoundError(
                f"Sound cannot be played at speed {speed:g}: "
                f"choose -{_MOST_SPEED:g} to {_MOST_SPEED:g}, but not 0."
            )
        if loop is not None and loop[1] - loop[0] < 0.01:
            raise SoundError(
                f"A loop from {loop[0]:g} to {loop[1]:g} s is too short: choose at least 0.01 s."
            )
        with self._changed:
            self._job = _Job(start, speed, loop)
            self._blocks.clear()
            self._position, self._speed, self._heard_at = start, speed, time.perf_counter()
            self._error = ""
            self._changed.notify_all()
        if not self._device.running:
            try:
                feed = self._feed()
                next(feed)
                self._device.start(feed)
            except miniaudio.MiniaudioError as error:
                self._job = None
                raise SoundError(
                    f"The sound device does not start ({error}). Plug it in or choose another."
                ) from error

    def stop(self) -> None:
        """Fall silent; `position` stays where it is."""
        at = self.position
        with self._changed:
            self._job, self._speed, self._position = None, 0.0, at
            self._blocks.clear()
            self._changed.notify_all()
        if self._device.running:
            self._device.stop()

    def close(self) -> None:
        """Fall silent and let go of the device and the file."""
        self.stop()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._device.close()

    @property
    def playing(self) -> bool:
        """Whether sound is playing; also false after an `error`."""
        return self._job is not None

    @property
    def error(self) -> str:
        """Why playing ended by itself, in plain words; empty if it did not."""
        return self._error

    @property
    def volume(self) -> float:
        """Loudness, 0 to 1."""
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        self._volume = min(max(value, 0.0), 1.0)

    @property
    def position(self) -> float:
        """Time of the sound that plays now, in seconds from the clip's first picture."""
        with self._changed:
            if self._job is None:
                return self._position
            since = min(
                time.perf_counter() - self._heard_at, _PERIOD_S
            )  # the device takes a period at a time
            return self._position + since * self._speed if self._blocks else self._position

    # ----------------------------------------------------------------------------------------------

    def _feed(self) -> Generator[bytes, int, None]:
        wanted = yield b""
        while True:
            wanted = yield self._take(wanted).tobytes()

    def _take(self, count: int) -> Samples:
        """The next samples to be heard; silence where reading is late."""
        out, have = np.zeros((count, _CHANNELS), np.float32), 0
        with self._changed:
            if self._blocks:
                self._position, self._heard_at = self._blocks[0].at, time.perf_counter()
            while have < count and self._blocks:
                block = self._blocks[0]
                part = block.samples[block.used : block.used + count - have]
                out[have : have + len(part)] = part
                have, block.used = have + len(part), block.used + len(part)
                if block.used == len(block.samples):
                    self._blocks.popleft()
            self._changed.notify_all()
        return out * np.float32(self._volume)

    # ----------------------------------------------------------------------------------------------

    def _read_ahead(self) -> None:
        with self._reader as reader:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._closing or self._is_hungry())
                    if self._closing:
                        return
                    job = self._job
                if job is None:
                    continue
                try:
                    block = job.next_block(reader)
                except Exception as error:  # noqa: BLE001 (or the thread would end, and whoever plays next hear nothing)
                    self._give_up(job, error)
                    continue
                with self._changed:
                    if job is self._job:
                        self._blocks.append(block)
                        self._changed.notify_all()

    def _give_up(self, job: _Job, error: Exception) -> None:
        if trace := trace_of_fault(error):
            log.error("%s cannot be played, by a fault of the program:\n%s", self.path, trace)
        with self._changed:
            if job is self._job:  # and not another since, which may well be played
                self._error, self._job = str(error) or type(error).__name__, None
                self._changed.notify_all()

    def _is_hungry(self) -> bool:
        return self._job is not None and len(self._blocks) < _AHEAD_BLOCKS


class _Job:
    """The sound to play, cut into blocks."""

    def __init__(self, start: float, speed: float, loop: tuple[float, float] | None) -> None:
        self._at, self._speed, self._loop = start, speed, loop

    def next_block(self, reader: SoundReader) -> _Block:
        """The next stretch at its speed."""
        start, count = self._at, _BLOCK
        if self._loop is not None:
            low, high = self._loop
            if self._speed > 0 and not start < high:
                start = low
            elif self._speed < 0 and not start > low:
                start = high
            left = (high - start) if self._speed > 0 else (start - low)
            count = min(count, max(int(left / abs(self._speed) * RATE), 1))
        self._at = start + count * self._speed / RATE
        if self._loop is not None and abs(self._at - self._loop[self._speed > 0]) < 1 / RATE:
            self._at = self._loop[self._speed < 0]
        return _Block(_stretch(reader, start, self._speed, count), start, self._speed)


def _stretch(reader: SoundReader, start: float, speed: float, count: int) -> Samples:
    """Samples from a time on at a speed, interpolated between the file's samples."""
    first = round(start * RATE)
    if speed == 1.0:
        return reader.read_at(first, count)
    reach = int(np.ceil(abs(speed) * count)) + 2
    source = (
        reader.read_at(first, reach)
        if speed > 0
        else reader.read_at(first - reach + 1, reach)[::-1]
    )
    places = np.arange(count) * abs(speed)
    whole = places.astype(int)
    share = (places - whole).astype(np.float32)[:, None]
    if abs(speed) > 1:  # what lies between is heard too, or high tones would turn into low ones
        sums = np.cumsum(np.vstack([np.zeros((1, source.shape[1]), np.float64), source]), 0)
        after = np.minimum(whole + max(int(abs(speed)), 1), len(source))
        return np.asarray((sums[after] - sums[whole]) / (after - whole)[:, None], np.float32)
    return np.asarray(source[whole] * (1 - share) + source[whole + 1] * share, np.float32)


def _open_device(*, silent: bool) -> miniaudio.PlaybackDevice:
    try:
        device = miniaudio.PlaybackDevice(
            output_format=miniaudio.SampleFormat.FLOAT32,
            nchannels=_CHANNELS,
            sample_rate=RATE,
            buffersize_msec=round(_PERIOD_S * 1000),
            backends=[miniaudio.Backend.NULL] if silent else None,
            app_name="ICface Studio",
        )
    except miniaudio.MiniaudioError as error:
        raise SoundError(_NO_DEVICE) from error
    if device.backend == "Null" and not silent:  # what the library falls back to
        device.close()
        raise SoundError(_NO_DEVICE)
    return device
