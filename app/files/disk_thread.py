"""One thread on which documents are read and written, in the order in which it is asked for.

Saving is no job of the engine: it must not wait for a network, nor hold one up, and it must work
when the networks do not. Documents never change, so that one can be handed to another thread
without a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

T = TypeVar("T")


class DiskThread(QObject):
    """Works off the window's thread and delivers the results on it.

    The thread starts with the first work.
    """

    busy_changed = Signal(bool)
    """Whether anything waits or is being done."""

    _done = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, "icface-disk")
        self._waiting = 0
        self._closed = False
        self._done.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """Whether anything waits or is being done."""
        return self._waiting > 0

    def do(
        self,
        work: Callable[[], T],
        then: Callable[[T], object],
        otherwise: Callable[[Exception], object],
    ) -> None:
        """Do some work, then call `then` or `otherwise` on the window's thread."""
        if self._closed:
            raise RuntimeError("The disk's thread has ended; nothing can be asked of it any more.")
        self._waiting += 1
        if self._waiting == 1:
            self.busy_changed.emit(True)
        self._pool.submit(work).add_done_callback(
            lambda future: self._done.emit(partial(_tell, future, then, otherwise))
        )

    def close(self) -> None:
        """Finish all requested work and end the thread; repeated calls do nothing.

        Results are not delivered any more.
        """
        self._closed = True
        self._pool.shutdown(wait=True)

    def _deliver(self, tell: Callable[[], object]) -> None:
        if self._closed:
            return
        self._waiting -= 1
        if not self._waiting:
            self.busy_changed.emit(False)
        tell()


def _tell(
    future: Future[Any], then: Callable[[Any], object], otherwise: Callable[[Exception], object]
) -> None:
    error = future.exception()
    if error is None:
        then(future.result())
    elif isinstance(error, Exception):
        otherwise(error)
    else:
        raise error
