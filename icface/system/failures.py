"""Kinds of failure: of input, of memory, or a fault of the program."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Iterable

_KILLED = 9
"""SIGKILL, which systems send when memory runs out."""
_ENDED_BY_US = 15
"""SIGTERM, by which a pool ends the processes that are left."""
_SAY_MEMORY = ("can't allocate memory", "not enough memory", "insufficient memory", "out of memory")
"""Texts of torch and OpenCV for a lack of memory in errors that are no `MemoryError`."""


def is_foreseen(error: BaseException) -> bool:
    """Whether it is one of this program's own input errors, whose message is for people."""
    return isinstance(error, ValueError) and type(error).__module__.startswith("icface.")


def lacks_memory(error: BaseException) -> bool:
    """Whether there was not enough memory, of the machine or of the device."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return not isinstance(error, ValueError) and any(words in text for words in _SAY_MEMORY)


def end_of_process(codes: Iterable[int | None]) -> str:
    """The end of a process that failed, in words that follow its name.

    Of several exit codes, the most telling one counts.

    Parameters
    ----------
    codes : iterable of int or None
        Exit codes as `multiprocessing` gives them: below 0 the signal that ended it, None while it
        runs.
    """
    told = [code for code in codes if code not in {None, 0, -_ENDED_BY_US}]
    code = told[0] if told else 0
    if code == -_KILLED:
        return (
            "was killed, as systems do when memory runs out; "
            "close other programs, or work on less at a time"
        )
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"crashed ({name}): a file may be damaged, or the program has a fault"
    return (
        f"ended before it was done (code {code}): a file may be damaged, or the program has a fault"
    )


def trace_of_fault(error: BaseException) -> str:
    """The traceback of a fault of the program; "" for problems of a file, a disk or memory."""
    if is_foreseen(error) or lacks_memory(error) or isinstance(error, OSError):
        return ""
    return "".join(traceback.format_exception(error))
