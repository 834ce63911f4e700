"""A writer of moving pictures on its own thread: it encodes while the next frame is made."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import numpy as np
from av.video.frame import VideoFrame as Decoded

from icface.arrays import Pixels
from icface.export.choices import STILL
from icface.export.plan import ExportPlan
from icface.media.begin_writer import MovingWriter, begin
from icface.media.frame_format import Written
from icface.media.photo import PhotoError
from icface.media.photo_writing import save_photo
from icface.media.placing import alone_at, telling_why
from icface.media.presets import EncodeError
from icface.media.rgb_pixels import PicturePixels

AHEAD = 2
"""Frames that wait for the encoder at most."""
TURN_S = 0.02
"""Seconds that a step waits for the encoder before others have a turn."""

_Finish = Callable[[], Decoded | Pixels]
_Item = tuple[_Finish | None, Fraction] | Fraction | None


class WriterThread:
    """Writes frames in the order in which they arrive.

    To be used in a ``with``; leaving it abandons what was not finished.

    What goes wrong on the thread is raised by the next call.
    """

    def __init__(self, plan: ExportPlan) -> None:
        self._plan = plan
        self._items: queue.Queue[_Item] = queue.Queue(AHEAD)
        self._writer: MovingWriter | None = None
        self._written: Written | None = None
        self._error: Exception | None = None
        self._ready, self._done, self._unwanted = (
            threading.Event(),
            threading.Event(),
            threading.Event(),
        )
        self._thread = threading.Thread(target=self._run, name="icface-export", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unwanted.set()
        while (
            not self._done.is_set()
        ):  # what waits is thrown away, so that the thread sees that it is not wanted
            try:
                self._items.get_nowait()
            except queue.Empty:
                self._offer(None)
        self._thread.join()

    def open(self) -> Generator[None, None, None]:
        """Wait until the file is open; yields while it is not."""
        while not self._ready.wait(TURN_S):
            yield
        self._check()

    def wanted(self, number: int) -> bool:
        """Whether a frame is still to be made; an interrupted sequence has some already."""
        assert self._writer is not None
        return self._writer.wanted(number)

    def write(
        self, picture: Callable[[], Decoded | Pixels] | None, time: Fraction
    ) -> Generator[None, None, None]:
        """Hand over the next frame, or None for one to pass over; yields while the encoder is busy.

        The frame is what `picture` returns when it is called on the writer's thread: its last
        touches are made there.
        """
        self._check()
        while not self._offer((picture, time)):
            self._check()
            yield

    def finish(self, end: Fraction) -> Generator[None, None, Written]:
        """Complete the file, verify it and put it in place; yields until that is done."""
        while not self._offer(end):
            self._check()
            yield
        while not self._done.wait(TURN_S):
            yield
        self._check()
        return cast("Written", self._written)

    def _offer(self, item: _Item) -> bool:
        try:
            self._items.put(item, timeout=TURN_S)
        except queue.Full:
            return False
        return True

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            with _begin(self._plan) as writer:
                self._writer = writer
                self._ready.set()
                self._work_off(writer)
        except Exception as error:  # noqa: BLE001 (it is raised on the thread that waits for the result)
            self._error = error
        finally:
            self._ready.set()
            self._done.set()

    def _work_off(self, writer: MovingWriter) -> None:
        while True:
            item = self._items.get()
            if item is None or self._unwanted.is_set():
                return
            if isinstance(item, Fraction):
                self._written = writer.finish(item)
                return
            picture, time = item
            if picture is None:
                writer.pass_over(time)
            else:
                writer.write(picture(), time)


def _begin(plan: ExportPlan) -> MovingWriter:
    if plan.preset is STILL:
        return StillWriter(plan)
    sound = None if plan.sound is None else plan.sound.cut
    return begin(
        plan.path,
        plan.preset,
        plan.written,
        sound=sound,
        key=plan.key,
        provenance=plan.provenance,
        tags=dict(plan.tags),
        like=plan.like,
    )


class StillWriter:
    """One frame, saved as a photo."""

    def __init__(self, plan: ExportPlan) -> None:
        self.path: Path = plan.path
        self._plan, self._pixels = plan, PicturePixels(plan.written)
        self._notes: tuple[str, ...] = ()
        self._count = 0
        with telling_why(plan.path):
            self._alone = alone_at(plan.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is left behind: the photo is saved in one go."""
        self._alone.give_back()

    def wanted(self, _number: int, /) -> bool:
        """Always."""
        return True

    def pass_over(self, time: Fraction, /) -> None:
        """Refused: a single still is never half done."""
        raise EncodeError(
            f"The frame at {float(time):.3f} s cannot be passed over: "
            f"{self.path.name} is written in one go."
        )

    def write(self, picture: Decoded | Pixels, _time: Fraction, /) -> None:
        """Save the frame."""
        pixels = picture if isinstance(picture, np.ndarray) else self._of_frame(picture)
        plan = self._plan
        try:
            photo = plan.like.photo(pixels, self.path)
            quality = plan.quality or 95
            self._notes = save_photo(
                self.path, photo, quality, provenance=plan.provenance, keep=plan.keep
            )
        except PhotoError as error:
            raise EncodeError(str(error)) from error
        self._count += 1

    def _of_frame(self, decoded: Decoded) -> Pixels:
        pixels = self._pixels.rgba(decoded)
        opaque = bool((pixels[..., 3] == np.iinfo(pixels.dtype).max).all())
        return cast("Pixels", np.ascontiguousarray(pixels[..., :3])) if opaque else pixels

    def finish(self, end: Fraction | None = None, /) -> Written:
        """The result of the export."""
        return Written(self.path, self._count, end or Fraction(0), "", self._notes)
