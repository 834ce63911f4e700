"""Errors and notices as values; an error becomes a notice in the window, never a crash."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal

from icface.system.failures import is_foreseen, lacks_memory, trace_of_fault
from icface.system.logs import note_fault

_UNEXPECTED = "An unexpected error occurred. Your edits are kept; undo the last one, or try again."
_NO_MEMORY = "There is not enough memory for this. Close other programs, or use a smaller photo."
NoticeKind = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell the user without interrupting the work.

    Attributes
    ----------
    kind : "info", "warning" or "error"
    title : str
        What happened, in a few words.
    text : str
        Why, and what helps.
    details : str
        For whoever reports a fault; shown on demand.
    topic : str
        A later notice of the same topic takes its place; "" has none.
    remedy : (str, callable) or None
        Text of a button, and what it does.
    second : (str, callable) or None
        Another way out, less likely.
    """

    kind: NoticeKind
    title: str
    text: str = ""
    details: str = ""
    topic: str = ""
    remedy: tuple[str, Callable[[], object]] | None = None
    second: tuple[str, Callable[[], object]] | None = None

    @classmethod
    def failure(cls, title: str, text: str) -> Notice:
        """A failure; the details follow an empty line in the text."""
        plain, _, details = text.partition("\n\n")
        return cls(kind="error", title=title, text=plain, details=details, topic="failure")

    @classmethod
    def of_no_face(cls, name: str, draw_box: Callable[[], object]) -> Notice:
        """A photo without a found face, and a way to mark one."""
        text = "You can mark a face that is very small, covered or turned away."
        remedy = ("Draw a box around the face", draw_box)
        return cls(
            kind="warning",
            title=f"No face found in {name}",
            text=text,
            topic="no-face",
            remedy=remedy,
        )

    @classmethod
    def of_notes(cls, name: str, notes: tuple[str, ...]) -> Notice:
        """Notes on a file that was opened."""
        return cls(kind="info", title=f"About {name}", text=" ".join(notes), topic="notes")

    @classmethod
    def of_error(cls, title: str, error: Exception) -> Notice:
        """An error in its own words; an unexpected one has details."""
        trace = trace_of_fault(error)
        return cls.failure(title, f"{error}\n\n{trace}" if trace else str(error))


def in_plain_words(error: Exception) -> str:
    """Message for an error: its own if this program wrote it, else a sentence and details."""
    if lacks_memory(error):
        return _NO_MEMORY
    if is_foreseen(error):
        return str(error)
    return f"{_UNEXPECTED}\n\n{''.join(traceback.format_exception(error))}"


class ErrorReporter(QObject):
    """Turns uncaught exceptions of any thread into notices on the window's thread."""

    raised = Signal(object)
    """A `Notice`."""

    _caught = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._caught.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self._former = (sys.excepthook, threading.excepthook)

    def install(self) -> None:
        """Receive exceptions from now on; they are still printed."""
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def uninstall(self) -> None:
        """Restore the previous exception hooks."""
        sys.excepthook, threading.excepthook = self._former

    def report(self, error: BaseException) -> None:
        """Report one exception."""
        if trace_of_fault(error):
            note_fault(error, "in the window")
        details = "".join(traceback.format_exception(error))
        self._caught.emit(f"{type(error).__name__}: {error}", details)

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        self._former[0](kind, error, trace)
        if not issubclass(kind, KeyboardInterrupt):
            self.report(error.with_traceback(trace))

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        self._former[1](args)
        if args.exc_value is not None:
            self.report(args.exc_value)

    def _tell(self, summary: str, details: str) -> None:
        text = "Your edits are kept. If it happens again, please report it with the details."
        self.raised.emit(
            Notice(
                kind="error",
                title="Something went wrong",
                text=text,
                details=f"{summary}\n{details}",
                topic="crash",
            )
        )
