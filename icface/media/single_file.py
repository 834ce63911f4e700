"""The base of writers of one file, which is written beside its destination and then moved there.

Frames come in order, each with the time from which on it is shown. How long one is shown is known
when the next one comes, so that one frame always waits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame as Decoded
from av.video.stream import VideoStream

from icface.arrays import Pixels
from icface.media.frame_format import Pictures, Times, Written
from icface.media.placing import alone_at, check_destination, telling_why
from icface.media.presets import EncodeError, Preset
from icface.media.provenance import Provenance
from icface.system.atomic_write import Unfinished
from icface.system.register import Entry


class OneFileWriter(ABC):
    """Moving pictures being written to one file.

    To be used in a ``with``; without `finish` nothing is left behind.

    Belongs to one thread.

    Parameters
    ----------
    path : Path
        Where the file is to be. A file of that name is replaced, at the very end.
    preset : Preset
    pictures : Pictures
        What kind of frames will come.
    provenance : Provenance or None
        What the file says of its making.
    tick : Fraction
        Seconds to which times are rounded.
    """

    _stream: VideoStream

    def __init__(
        self,
        path: Path,
        preset: Preset,
        pictures: Pictures,
        provenance: Provenance | None,
        *,
        tick: Fraction,
    ) -> None:
        check_destination(path)
        self.path = path
        self._preset = preset
        self._pictures = pictures
        self._provenance = provenance
        self.notes: tuple[str, ...] = ()
        self._tick = tick
        self._times = Times(tick)
        self._waiting: tuple[Decoded, int] | None = None
        self._output: OutputContainer | None = None
        self._target = path.resolve()
        self._alone: Entry | None = None
        self._unfinished: Unfinished | None = None

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Begin the file; after an error nothing stays open or on the disk.

        Errors become an `EncodeError` in plain words.
        """
        try:
            with telling_why(self.path):
                self._alone = alone_at(self.path)
                self._unfinished = Unfinished(self._target)
                yield
        except BaseException:
            self.abandon()
            raise

    @property
    def partial(self) -> Path:
        """The file that is being written."""
        return self._beside.path

    @property
    def _beside(self) -> Unfinished:
        if self._unfinished is None:
            raise EncodeError(f"{self.path} has not been begun; begin a new export.")
        return self._unfinished

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abandon()

    def abandon(self) -> None:
        """Leave off: what was written so far is removed, and a file of that name is as it was."""
        output, self._output = self._output, None
        if output is not None:
            with suppress(av.FFmpegError, OSError):  # it is thrown away
                output.close()
        if self._unfinished is not None:
            self._unfinished.abandon()
        if self._alone is not None:
            self._alone.give_back()

    def wanted(self, _number: int) -> bool:
        """Whether a frame is still to be written."""
        return True

    def pass_over(self, time: Fraction) -> None:
        """Refused: no part of such a file can exist already."""
        raise EncodeError(
            f"The frame at {float(time):.3f} s cannot be passed over: "
            f"{self.path.name} is written in one go."
        )

    @abstractmethod
    def write(self, picture: Decoded | Pixels, time: Fraction) -> None:
        """Add a frame that is shown from a time on.

        Parameters
        ----------
        picture : av.VideoFrame or (H, W, 3 or 4) uint8 or uint16
            A decoded frame as its file stores it, from `VideoFrame.decoded` or `put_back`; or
            upright RGB or RGBA pixels.
        time : Fraction
            Seconds from the export's beginning; later than the frame before.

        Raises
        ------
        EncodeError
            If the disk is full or the encoder gives up.
        """

    def finish(self, end: Fraction | None = None) -> Written:
        """Complete the file, read it back, and put it in place.

        Parameters
        ----------
        end : Fraction, optional
            When the last frame ends, in seconds; one frame at the mean rate after it by default.

        Raises
        ------
        EncodeError
            If anything is missing in what was read back, or the disk is full. A file of that name
            is then as it was.
        """
        if self._waiting is None:
            raise EncodeError(f"{self.path} would have no frames. Choose a range that holds one.")
        last = self._waiting[1]
        stop = last * self._tick + 1 / self._pictures.rate if end is None else end
        self._times.add(max(round(stop / self._tick), last + 1))
        try:
            with telling_why(self.path):
                self._flush()
                output, self._output = self._required(), None
                output.close()
                self._say_how_made()
                self._verify()
                self._beside.put_in_place()
        finally:
            self.abandon()
        return Written(
            self.path, self._times.count - 1, self._times.whole, self._kept_sound, self.notes
        )

    def _let_wait(self, frame: Decoded, ticks: int) -> None:
        """Encode the frame before, whose duration is known now, and let this one wait."""
        with telling_why(self.path):
            self._encode_waiting()
        self._waiting = frame, ticks

    @abstractmethod
    def _encode_waiting(self) -> None:
        """Encode the frame before, whose length is known now; nothing at first."""

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            self._tell_length(packet)
            self._required().mux(packet)

    def _tell_length(self, packet: Packet[VideoStream]) -> None:
        if packet.pts is not None:
            packet.duration = self._times.duration(packet.pts, Fraction(packet.time_base))

    def _required(self) -> OutputContainer:
        if self._output is None:
            raise EncodeError(
                f"{self.path} has been finished or left off already; begin a new export."
            )
        return self._output

    def _flush(self) -> None:
        """Write the last frame, and what the encoder holds back."""
        self._encode_waiting()
        self._mux(self._stream.encode())

    @property
    def _kept_sound(self) -> str:
        """The way the sound was written, see `Written`."""
        return ""

    @abstractmethod
    def _say_how_made(self) -> None:
        """Add the label to the closed file where the container could not hold it."""

    @abstractmethod
    def _verify(self) -> None:
        """Read the closed file back; `EncodeError` if anything is missing."""
